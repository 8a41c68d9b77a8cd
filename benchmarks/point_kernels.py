"""Speed of the kernels for points beside the usual ways with torch, scikit-learn and SPINE, on one thread.

python benchmarks/point_kernels.py --json benchmarks/results/point_kernels.json
"""

import sys

import torch
from inputs import line_voxels
from rounds import compared, finish, options_of, peer
from sklearn.cluster import DBSCAN
from sklearn.neighbors import NearestNeighbors
from torch.nn.functional import pad, scaled_dot_product_attention

from nuforge.nn.points import (
    Voxels,
    connected_components,
    dbscan,
    farthest_points,
    nearest_graph,
    radius_graph,
    ragged_attention,
    segment_softmax,
)

OURS = "NuForge"


class Cloud:
    """Points in a cube of side 60, in events of about the same number.

    Args:
        n: Points.
        n_events: Events.
        generator: Of the points.
    """

    def __init__(self, n, n_events, generator):
        self.position = 60 * torch.rand(n, 3, generator=generator)
        self.batch = torch.randint(0, n_events, (n,), generator=generator).sort()[0]
        self.counts = torch.bincount(self.batch, minlength=n_events)
        self.offsets = pad(self.counts.cumsum(0), (1, 0))

    def events(self):
        """The positions of each event."""
        return torch.split_with_sizes(self.position, self.counts.tolist())


def voxelise(n, side, generator, rounds):
    """Sums of what points carry over voxels."""
    cloud, values = Cloud(n, 8, generator), torch.rand(n, 1, generator=generator)

    def usual():
        index = (cloud.position / side).floor().long()
        key = torch.cat([cloud.batch[:, None], index], 1)
        voxels, voxel = torch.unique(key @ torch.tensor([1 << 30, 1 << 20, 1 << 10, 1]), return_inverse=True)
        return values.new_zeros(len(voxels), 1).index_add(0, voxel, values)

    def ours():
        return Voxels.of(cloud.position, cloud.batch, side).sum(values)

    return compared(
        f"Voxels of {n:,} points in 8 events, and sums: {len(ours()):,} voxels",
        {OURS: ours, "torch.unique and index_add": usual},
        rounds,
        amounts={"points/s": n},
    )


def graphs(cloud, radius, k, rounds):
    """Graphs of radius and of nearest neighbours."""
    n, many = len(cloud.batch), f"{len(cloud.batch):,} points in {len(cloud.counts)} events"

    def by_matrices():
        return [torch.cdist(x, x).topk(min(k + 1, len(x)), largest=False)[1] for x in cloud.events()]

    def all_pairs():
        return [(torch.cdist(x, x) <= radius).nonzero() for x in cloud.events()]

    def by_scikit():
        for x in cloud.events():
            NearestNeighbors(n_neighbors=min(k, len(x) - 1)).fit(x.numpy()).kneighbors()

    def ours(graph, size):
        return lambda: graph(cloud.position, cloud.batch, size)

    near = {OURS: ours(radius_graph, radius), "cdist, event by event": all_pairs}
    nearest = {
        OURS: ours(nearest_graph, k),
        "cdist and topk, event by event": by_matrices,
        "scikit-learn, event by event": by_scikit,
    }
    rate = {"points/s": n}
    return [
        compared(f"Radius graph, radius {radius:g}: {many}", near, rounds, amounts=rate),
        compared(f"{k} nearest neighbours: {many}", nearest, rounds, amounts=rate),
    ]


def clusters(n, generator, rounds):
    """DBSCAN and connected components of voxels along lines."""
    where = line_voxels(8, n // 8, generator)
    batch, position = where[:, 0].contiguous(), where[:, 1:].float()
    counts = torch.bincount(batch).tolist()
    edges = radius_graph(position, batch, 1.99)

    def by_scikit():
        return [DBSCAN(eps=1.99, min_samples=1).fit(x.numpy()) for x in torch.split_with_sizes(position, counts)]

    calls = {OURS: lambda: dbscan(position, batch, 1.99, 1), "scikit-learn, event by event": by_scikit}
    spine = peer("spine.math.cluster")
    if spine is not None:
        numbers = position.numpy()

        def by_spine():
            return [spine.dbscan(numbers[i - c : i], 1.99, 1) for i, c in zip(ends, counts, strict=True)]

        ends = torch.tensor(counts).cumsum(0).tolist()
        calls["SPINE, event by event"] = by_spine
    missing = ("SPINE",) if spine is None else ()
    title = f"DBSCAN, eps 1.99: {len(where):,} voxels along lines in 8 events"
    found = [compared(title, calls, rounds, missing=missing, amounts={"points/s": len(where)})]
    by_hand = {OURS: lambda: connected_components(edges, len(where)), "spreading the lowest number": spread(edges, n)}
    title = f"Connected components of {len(where):,} nodes with {edges.shape[1]:,} edges"
    return [*found, compared(title, by_hand, max(2, rounds // 3))]


def spread(edges, n):
    """Components in torch alone: every node takes the lowest number of its neighbours, until none changes."""

    def run():
        label = torch.arange(n)
        while True:
            new = label.scatter_reduce(0, edges[1], label[edges[0]], "amin")
            new = new[new]
            if torch.equal(new, label):
                return label
            label = new

    return run


def farthest(cloud, n, rounds):
    """Farthest points of each event."""

    def usual():
        for x in cloud.events():
            away, pick = torch.full((len(x),), torch.inf), 0
            for _ in range(min(n, len(x)) - 1):
                away = torch.minimum(away, (x - x[pick]).square().sum(1))
                pick = int(away.argmax())

    title = f"{n} farthest points of each of {len(cloud.counts)} events, {len(cloud.batch):,} points"
    calls = {OURS: lambda: farthest_points(cloud.position, cloud.offsets, n), "torch, event by event": usual}
    return compared(title, calls, rounds)


def rows(cloud, edges, generator, rounds):
    """Softmax over the edges of each point, and attention inside events; forward and backward."""
    n, n_events, target = len(cloud.batch), len(cloud.counts), edges[1]
    scores = torch.randn(edges.shape[1], 4, generator=generator, requires_grad=True)
    offsets = pad(torch.bincount(target, minlength=n).cumsum(0), (1, 0))

    def usual():
        place = target[:, None].expand_as(scores)
        largest = scores.detach().new_zeros(n, 4).scatter_reduce(0, place, scores.detach(), "amax", include_self=False)
        weight = (scores - largest[target]).exp()
        return weight / weight.new_zeros(n, 4).index_add(0, target, weight)[target]

    softmax = {
        OURS: lambda: segment_softmax(scores, offsets).square().sum().backward(),
        "scatter_reduce and index_add": lambda: usual().square().sum().backward(),
    }
    q = torch.randn(n, 4, 16, generator=generator, requires_grad=True)
    place = torch.arange(n) - cloud.offsets[cloud.batch]
    longest = int(cloud.counts.max())
    mask = (torch.arange(longest) < cloud.counts[:, None])[:, None, None, :]

    def padded():
        x = q.new_zeros(n_events, longest, 4, 16).index_put((cloud.batch, place), q).transpose(1, 2)
        return scaled_dot_product_attention(x, x, x, mask.expand(-1, 1, longest, -1)).transpose(1, 2)[
            cloud.batch, place
        ]

    def one_by_one():
        parts = (x.transpose(0, 1)[None] for x in torch.split_with_sizes(q, cloud.counts.tolist()))
        return torch.cat([scaled_dot_product_attention(x, x, x)[0].transpose(0, 1) for x in parts])

    attention = {
        OURS: lambda: ragged_attention(q, q, q, cloud.offsets).sum().backward(),
        "event by event": lambda: one_by_one().sum().backward(),
        "all padded to the longest": lambda: padded().sum().backward(),
    }
    both = "Forward and backward."
    events = f"{n:,} rows in {n_events} events of up to {longest}"
    return [
        compared(f"Softmax over the {edges.shape[1]:,} edges of {n:,} points, 4 heads", softmax, rounds, both),
        compared(f"Attention inside events, 4 heads of 16 channels: {events}", attention, rounds, both),
    ]


def globals_to_rows(n_events, n, rounds):
    """What events have, given to their rows: by number, and by the dense product of GraphNeT."""
    values, batch = torch.randn(n_events, 32), torch.arange(n_events).repeat_interleave(n)

    def dense():
        return (batch[:, None] == torch.arange(n_events)).float() @ values

    calls = {OURS: lambda: values[batch], "product with a matrix of rows and events": dense}
    return compared(f"What {n_events} events have, given to {n} rows each, 32 channels", calls, rounds)


def uneven(n, n_events, generator):
    """A cloud whose events differ in size by a factor of ten."""
    cloud = Cloud(n, n_events, generator)
    share = (torch.rand(n_events, generator=generator) * 2.3).exp()
    cloud.batch = torch.multinomial(share, n, replacement=True, generator=generator).sort()[0]
    cloud.counts = torch.bincount(cloud.batch, minlength=n_events)
    cloud.offsets = pad(cloud.counts.cumsum(0), (1, 0))
    return cloud


def main(words=None):
    options = options_of(__doc__, words, rounds=7)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    n, rounds = (400 if options.quick else 20_000), options.rounds
    few = max(2, rounds // 2)
    large, small = Cloud(n, 2, generator), uneven(n, 10 if options.quick else 500, generator)
    one = Cloud(n, 1, generator)
    tables = [
        voxelise(50 * n, 0.9 if options.quick else 2.0, generator, rounds),
        *graphs(large, 3.0, 16, few),
        *graphs(small, 9.0, 8, few)[1:],
        *clusters(n, generator, rounds),
        farthest(small, 16, 2),
        farthest(one, 20 if options.quick else 256, 2),
        *rows(small, nearest_graph(small.position, small.batch, 8), generator, rounds),
        globals_to_rows(10 if options.quick else 512, 100, 2),
    ]
    return finish("point_kernels", options, tables)


if __name__ == "__main__":
    main()
    sys.exit(0)
