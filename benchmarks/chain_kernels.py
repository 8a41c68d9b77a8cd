"""Clusters and their graphs beside SPINE's kernels on the same voxels, on one thread, and whether results are equal.

SPINE compiles its kernels when they are first called: the times of first calls, with an empty cache, stand apart.

python benchmarks/chain_kernels.py --json benchmarks/results/chain_kernels.json
"""

import os
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from inputs import line_voxels
from rounds import compared, finish, options_of, peer, ratio_target, rounded, row_of, target
from torch.nn.functional import one_hot

from nuforge.metrics.clustering import Contingency, adjusted_rand_index
from nuforge.nn.kernels.library import LIBRARY
from nuforge.nn.points import Members, closest_pairs, dbscan, edge_features, node_features, partition

OURS, PLAIN, SPINE = "NuForge", "NuForge without a compiler", "SPINE, event by event"
AXIS = slice(12, 15)  # of the features of a node
EPS, CUT, RADIUS = 1.99, 500.0, 5.0  # voxels: of DBSCAN, of the length of edges, and around end points


class Batch:
    """Voxels along lines in events of the same number, their clusters and what GrapPA asks of them.

    Args:
        n_events: Events.
        voxels: Voxels of an event.
        lines: Lines of an event.
        generator: Of the events.
    """

    def __init__(self, n_events, voxels, lines, generator):
        where = line_voxels(n_events, voxels, generator, lines)
        self.event, self.position = where[:, 0].contiguous(), where[:, 1:].float() + 0.5
        self.value = torch.rand(len(where), generator=generator) * 3
        self.cluster = dbscan(self.position, self.event, EPS, 1)
        self.clusters = Members.of(self.cluster, int(self.cluster.max()) + 1)
        n, first = len(self.clusters), self.clusters.offsets[:-1]
        self.batch = self.event[self.clusters.order[first]]
        self.kind = torch.randint(0, 5, (n,), generator=generator)
        self.start = self.position[self.clusters.order[first]] + torch.rand(n, 3, generator=generator)
        self.end = self.position[self.clusters.order[self.clusters.offsets[1:] - 1]] - 0.5
        self.pairs = closest_pairs(self.position, self.clusters, self.batch, CUT)
        self.offsets = one_hot(self.batch, n_events).sum(0).cumsum(0)
        self.offsets = torch.cat([self.offsets.new_zeros(1), self.offsets])
        group = torch.randint(0, max(n // n_events // 8, 1), (n,), generator=generator)
        same = group[self.pairs.edges[0]] == group[self.pairs.edges[1]]
        self.logit = (8.0 * same - 4 + 3 * torch.randn(len(same), generator=generator)).double()
        self.n_events = n_events

    def per_event(self, of, values):
        """Arrays of each event; the rows of an event follow each other."""
        return [x.numpy() for x in torch.split(values, torch.bincount(of, minlength=self.n_events).tolist())]

    def members(self):
        """For each event, the rows of each of its clusters, counted inside the event."""
        begin = torch.searchsorted(self.event, torch.arange(self.n_events))
        rows = self.clusters.order - begin[self.event[self.clusters.order]]
        parts = [x.numpy() for x in torch.split(rows, self.clusters.counts.tolist())]
        return [
            parts[low:high] for low, high in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True)
        ]

    def ours(self):
        """The calls of NuForge, by what they do."""
        edges, score = self.pairs.edges, self.logit.sigmoid()
        ends = self.start, self.end
        return {
            "dbscan": lambda: dbscan(self.position, self.event, EPS, 1),
            "nodes": lambda: node_features(self.position, self.value, self._again(), self.kind, *ends, RADIUS),
            "edges": lambda: edge_features(self.position, closest_pairs(self.position, self._again(), self.batch, CUT)),
            "partition": lambda: partition(edges, score, self.offsets),
        }

    def _again(self):
        return Members.of(self.cluster, len(self.clusters))

    def spine(self):
        """The calls of SPINE for all events, one by one, by what they do; nothing if it is not installed."""
        cluster, features = peer("spine.math.cluster"), peer("spine.cluster.features")
        direction, graph, evaluation = peer("spine.cluster.direction"), peer("spine.cluster.graph"), spine_evaluation()
        if None in (cluster, features, direction, graph, evaluation):
            return {}
        x, v = self.per_event(self.event, self.position), self.per_event(self.event, self.value)
        shape = self.per_event(self.event, self.kind[self.cluster].float())
        ends = [self.per_event(self.batch, point) for point in (self.start, self.end)]
        of_edge = self.batch[self.pairs.edges[0]]
        index = self.per_event(of_edge, (self.pairs.edges - self.offsets[of_edge]).T.contiguous())
        logits = self.per_event(of_edge, torch.stack([torch.zeros_like(self.logit), self.logit], 1))
        members, events, n = self.members(), range(self.n_events), self.offsets.diff().tolist()

        def nodes(i):
            parts = [features.get_cluster_features(x[i], members[i], v[i], shape[i]), *(end[i] for end in ends)]
            parts += [direction.get_cluster_directions(x[i], end[i], members[i], RADIUS) for end in ends]
            parts += [direction.get_cluster_dedxs(x[i], v[i], end[i], members[i], RADIUS)[:, None] for end in ends]
            return np.concatenate(parts, 1)

        return {
            "dbscan": lambda: [cluster.dbscan(x[i], EPS, 1) for i in events],
            "nodes": lambda: [nodes(i) for i in events],
            "edges": lambda: [graph.get_cluster_edge_features(x[i], members[i], index[i]) for i in events],
            "partition": lambda: [evaluation.edge_assignment_score(index[i], logits[i], n[i])[1] for i in events],
        }


def spine_evaluation():
    """SPINE's partition without the package around it, which wants MinkowskiEngine; None if it is not installed."""
    found = find_spec("spine")
    if found is None:
        return None
    package = ModuleType("spine.model.grappa")
    package.__path__ = [str(Path(found.submodule_search_locations[0]) / "model" / "grappa")]
    sys.modules[package.__name__] = package
    return peer("spine.model.grappa.evaluation")


def without_a_compiler(call):
    """The call on the path of plain torch."""

    def run():
        before = os.environ.get(LIBRARY.choice, "")
        os.environ[LIBRARY.choice] = "torch"
        try:
            return call()
        finally:
            os.environ[LIBRARY.choice] = before

    return run


def first_calls(sides):
    """Seconds of each call the first time, by side and by what it does, in the order in which they are called."""
    seconds = {}
    for name, calls in sides.items():
        for what, call in calls.items():
            start = time.perf_counter()
            call()
            seconds.setdefault(name, {})[what] = time.perf_counter() - start
    return seconds


def first_table(first):
    """The first calls as a table."""
    rows = [[name, TITLES[what], f"{rounded(t)} s"] for name, calls in first.items() for what, t in calls.items()]
    note = "SPINE with an empty cache, its imports not counted."
    return {"title": "The first call in a process", "note": note, "columns": ["", "", "time"], "rows": rows}


def with_start_up(first, tables, n_events):
    """All four kernels on some numbers of events, the first call in a process included, as a table."""
    if SPINE not in first:
        return []
    later = {name: sum(row_of(table, name)["ms"] for table in tables) / 1e3 for name in first}
    rows = []
    for total in (n_events, 1000, 100_000):
        ours, theirs = (sum(first[name].values()) + (total / n_events - 1) * later[name] for name in (OURS, SPINE))
        rows.append([f"{total:,}", f"{rounded(ours)} s", f"{rounded(theirs)} s", f"{rounded(theirs / ours)}"])
    columns = ["events", OURS, SPINE, "ratio"]
    note = "The first batch as in the table of first calls, the others at the median of the rounds."
    return [{"title": "All four kernels, start-up included", "note": note, "columns": columns, "rows": rows}]


TITLES = {
    "dbscan": f"DBSCAN, eps {EPS}",
    "nodes": "Features of nodes, 33 each",
    "edges": "Closest points of all pairs of clusters, and features of edges, 19 each",
    "partition": "Partition",
}


def agreement(batch, ours, spine):
    """Targets: that results are the same."""
    if not spine:
        return [target("results equal to SPINE's", "equal", "the peer is not installed", None)]
    theirs = [torch.from_numpy(np.concatenate(spine[what]())) for what in ("dbscan", "nodes", "edges", "partition")]
    table = Contingency.of(theirs[0].long(), ours["dbscan"](), batch.event, batch.n_events)
    index = float(adjusted_rand_index(table).min())
    nodes, edges = ours["nodes"](), ours["edges"]()
    axis, other = nodes[:, AXIS], theirs[1][:, AXIS]
    straight = (axis.norm(dim=1) > 1 - 1e-4) & ((axis * other).sum(1) < 0)
    other[straight] *= -1  # a straight line has no wider side, to which SPINE turns the axis
    off = [float((own - theirs[i]).abs().max()) for i, own in ((1, nodes), (2, edges))]
    table = Contingency.of(theirs[3], ours["partition"](), batch.batch, batch.n_events)
    groups = float(adjusted_rand_index(table).min())
    return [
        target("DBSCAN: lowest ARI with SPINE's clusters", "1", f"{index:g}", index == 1),
        target("node features: largest difference from SPINE's", "at most 0.0001", f"{off[0]:.1g}", off[0] <= 1e-4),
        target("edge features: largest difference from SPINE's", "at most 0.0001", f"{off[1]:.1g}", off[1] <= 1e-4),
        target("partition: lowest ARI with SPINE's groups", "1", f"{groups:g}", groups == 1),
    ]


def large_event(voxels, lines, generator, rounds):
    """Closest points in one large event, cut into cubes."""
    position = line_voxels(1, voxels, generator, lines)[:, 1:].float()
    cells, cluster = (position / 120).long().unique(dim=0, return_inverse=True)
    n = len(cells)
    clusters, batch = Members.of(cluster, n), torch.zeros(n, dtype=torch.int64)
    calls = {
        f"pairs nearer than {cut:g} voxels": lambda cut=cut: closest_pairs(position, clusters, batch, cut)
        for cut in (500.0, 25.0)
    }
    title = f"Closest points of the pairs of {n} clusters of {len(position):,} voxels of one event"
    return compared(title, calls, rounds)


def main(words=None):
    options = options_of(__doc__, words, rounds=9)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    batch = Batch(2, 300, 4, generator) if options.quick else Batch(8, 5000, 40, generator)
    ours = batch.ours()
    spine = {} if options.quick else batch.spine()
    first = first_calls({OURS: ours, SPINE: spine} if spine else {OURS: ours})
    many = f"{len(batch.event):,} voxels in {batch.n_events} events, {len(batch.clusters)} clusters"
    many += f", {len(batch.pairs):,} pairs"
    tables, targets = [], agreement(batch, ours, spine)
    for what, call in ours.items():
        calls = {OURS: call}
        if what in ("edges", "partition"):
            calls[PLAIN] = without_a_compiler(call)
        if spine:
            calls[SPINE] = spine[what]
        missing = () if spine or options.quick else (SPINE,)
        amounts = {"events/s": batch.n_events}
        tables.append(compared(f"{TITLES[what]}: {many}", calls, options.rounds, missing=missing, amounts=amounts))
        targets.append(ratio_target(f"{TITLES[what]}: SPINE's time over ours", tables[-1], SPINE, 1))
    large = (2000, 12) if options.quick else (200_000, 120)
    start = [first_table(first), *with_start_up(first, tables, batch.n_events)]
    tables += [large_event(*large, generator, max(2, options.rounds // 3)), *start]
    return finish("chain_kernels", options, tables, targets)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as empty:
        os.environ |= {"NUMBA_CACHE_DIR": empty, "NUMBA_NUM_THREADS": "1"}
        main()
    sys.exit(0)
