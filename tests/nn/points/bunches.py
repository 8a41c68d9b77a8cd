"""Random clusters of voxels for the tests of graphs of clusters."""

import torch
from hypothesis import strategies as st

from nuforge.nn.points import Members

SIDE = 12


@st.composite
def bunches(draw, largest=12):
    """Voxel centres, cluster of each, and event of each cluster: some clusters are empty, some voxels in none.

    Voxels lie on each other and tie in distance; of some examples they lie anywhere.
    """
    counts = draw(st.lists(st.integers(0, 6), max_size=4))  # clusters of each event
    n = sum(counts)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    rows = draw(st.integers(0, largest * max(n, 1)))
    cluster = torch.randint(-1, n, (rows,), generator=generator) if n else torch.full((rows,), -1)
    position = torch.randint(0, SIDE, (rows, 3), generator=generator) + 0.5
    if draw(st.booleans()):
        position = position + torch.rand(rows, 3, generator=generator)
    batch = torch.repeat_interleave(torch.tensor(counts, dtype=torch.int64))
    if draw(st.booleans()):
        batch = batch[torch.randperm(n, generator=generator)]
    return position, cluster, batch


def line_bunches(n_clusters, rows, generator, side=100.0):
    """Voxels (N, 3) along lines, and the line of each (N,): so many lines in a cube."""
    start = side * torch.rand(n_clusters, 3, generator=generator)
    direction = torch.nn.functional.normalize(torch.randn(n_clusters, 3, generator=generator), dim=1)
    cluster = torch.randint(0, n_clusters, (rows,), generator=generator)
    along = side / 4 * torch.rand(rows, 1, generator=generator)
    spread = 0.02 * side * torch.randn(rows, 3, generator=generator)
    return (start[cluster] + along * direction[cluster] + spread).floor() + 0.5, cluster


def clusters_of(cluster, batch):
    """The clusters of points, one for each entry of the batch."""
    return Members.of(cluster, len(batch))
