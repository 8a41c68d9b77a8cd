"""Training, validation, test: the side of an event is a hash of who it is, so no copy of it is on another side."""

from __future__ import annotations

from hashlib import blake2b

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.events.identity import IDENTITY
from nuforge.events.table import Table

SIDES = ("train", "validation", "test")


def fraction_of(event: Table) -> Float[Tensor, " b"]:
    """A fixed number in [0, 1) for each event, uniform over events.

    The first 53 bits of blake2b of source, run, subrun and event (int64, little-endian). `variation` is left out: an
    event and its systematically shifted, overlaid or muon-removed copies have the same number. About 1 us an event.

    Args:
        event: The `event` table, one row an event.

    Returns:
        (B,) float64.
    """
    rows = torch.stack([event[name].to(torch.int64) for name in IDENTITY], dim=1)
    data = rows.contiguous().cpu().numpy().astype("<i8").tobytes()
    digests = b"".join([blake2b(data[i : i + 32], digest_size=8).digest() for i in range(0, len(data), 32)])
    if not digests:
        return torch.zeros(0, dtype=torch.float64, device=rows.device)
    words = torch.frombuffer(bytearray(digests), dtype=torch.int64)
    return (((words >> 11) & (2**53 - 1)).to(torch.float64) * 2.0**-53).to(rows.device)


def side_of(event: Table, validation: float = 0.1, test: float = 0.1) -> Int[Tensor, " b"]:
    """Which of `SIDES` each event is on.

    Test events have the lowest numbers, so a change of `validation` moves none of them.

    Args:
        event: The `event` table, one row an event.
        validation: Fraction of the events for validation.
        test: Fraction of the events for the test.

    Returns:
        (B,) int64: 0 train, 1 validation, 2 test.

    Raises:
        ValueError: If a fraction is negative or both together are more than 1.
    """
    if not (validation >= 0 and test >= 0 and validation + test <= 1):
        raise ValueError(
            f"validation and test must be fractions of the events that sum to 1 at most, got {validation} and {test}; "
            "the rest is for training"
        )
    fraction = fraction_of(event)
    side = torch.where(fraction < test + validation, SIDES.index("validation"), SIDES.index("train"))
    return torch.where(fraction < test, SIDES.index("test"), side)
