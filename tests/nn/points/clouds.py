"""Random clouds of points for the tests of point kernels, and their brute-force neighbours."""

import torch
from hypothesis import strategies as st

SIDE = 6


@st.composite
def clouds(draw, dimensions=(1, 2, 3, 4), largest=12):
    """Positions, batch and offsets: events that may be empty or of one point, on a grid (with ties) or not."""
    counts = draw(st.lists(st.integers(0, largest), min_size=0, max_size=5))
    dimension = draw(st.sampled_from(dimensions))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    n = sum(counts)
    if draw(st.booleans()):  # a grid: distances tie, and points lie on each other and just at the radius
        position = torch.randint(-SIDE, SIDE, (n, dimension), generator=generator).double() / 2
    else:
        position = SIDE * (torch.rand(n, dimension, generator=generator, dtype=torch.float64) - 0.5)
    position = position + draw(st.sampled_from([0.0, -1024.0]))
    offsets = torch.tensor([0, *counts]).cumsum(0)
    batch = torch.repeat_interleave(torch.tensor(counts, dtype=torch.int64))
    return position, batch, offsets


def squares(position, batch):
    """Squared distances (N, N), infinite between events."""
    step = position[:, None] - position[None]
    same = batch[:, None] == batch[None]
    return torch.where(same, (step * step).sum(2), torch.inf)
