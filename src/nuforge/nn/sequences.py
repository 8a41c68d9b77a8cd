"""Sequences: an LSTM over the rows of each event, from the last to the first."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nuforge.events import offsets_of
from nuforge.nn.points.padding import blocks


class SequenceLSTM(nn.Module):
    """The state of an LSTM that has read all rows of an event.

    It reads from the last row to the first, which it remembers best: that is the row that matters most, if rows are in
    the order of falling energy.

    Args:
        channels: Of the rows.
        units: Of the state.
    """

    def __init__(self, channels: int, units: int) -> None:
        super().__init__()
        self.units = units
        self.lstm = nn.LSTM(channels, units, batch_first=True)

    def forward(self, rows: Float[Tensor, "n c"], counts: Int[Tensor, " b"]) -> Float[Tensor, "b u"]:
        """States (B, U) of events; of one without rows, 0.

        Args:
            rows: (N, C), those of an event one after another.
            counts: Rows of each event (B,).
        """
        offsets = offsets_of(counts)
        ends = (offsets[:-1] + offsets[1:] - 1).repeat_interleave(counts)
        backwards = rows[ends - torch.arange(len(rows), device=rows.device)]
        states = rows.new_zeros(len(counts), self.units)
        for block in blocks(offsets):  # one for each length
            read, _ = self.lstm(backwards[block.rows])
            last = counts[block.events] - 1  # what is padded comes after it
            states = states.index_copy(0, block.events, read[torch.arange(len(last), device=last.device), last])
        return states
