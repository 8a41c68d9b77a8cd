"""What the benchmark of the chain runs on: simulated events, networks that do their work but are told what to say.

Weights that learned nothing would make clusters like none that a detector sees, and what follows a network takes as
long as its clusters are many. So every network runs, and its outputs are then replaced by ones made from the truth with
some noise: as a good network says them.
"""

import time
from collections import defaultdict

import torch
from torch.nn.functional import one_hot

from nuforge.detectors import lartpc_cube
from nuforge.simulation.readout import read_out
from nuforge.simulation.sources import particle_bomb
from nuforge.simulation.transport import transport
from nuforge.simulation.truth import VoxelClass
from nuforge.tasks.answer import with_predictions
from nuforge.tasks.fragments import Fragments
from nuforge.tasks.grouping import Grouping
from nuforge.tasks.points import Points
from nuforge.training.chain import Chain, Link
from nuforge.training.learner import Supervised

DETECTOR = lartpc_cube()
MISTAKEN = 0.03
"""Part of the voxels, edges and clusters of which a told network says something wrong."""


def simulated(n_events, voxels, generator):
    """Particle bombs in liquid argon, those of three times as many that come nearest to a number of voxels."""
    events = _spill(3 * n_events, 1, generator)
    off = (events["voxels"].offsets.diff() - voxels).abs()
    return events[off.argsort()[:n_events].sort().values]


def large_event(voxels, generator):
    """One event of a number of voxels: the first interactions of a spill, each with its muons."""
    per_vertex = 3500
    events = _spill(1, max(1, round(voxels / per_vertex * 1.2)), generator)
    return events.keep("voxels", torch.arange(len(events["voxels"])) < voxels) if voxels else events


def _spill(n_events, vertices, generator):
    flying = particle_bomb(n_events, DETECTOR, generator, fewest_vertices=vertices, most_vertices=vertices)
    return read_out(transport(flying, DETECTOR, generator), DETECTOR, generator)


class Clock:
    """Seconds of named parts since it was last read."""

    def __init__(self):
        self.seconds = defaultdict(float)

    def timed(self, part, call):
        """The call, which is timed."""

        def run(*arguments):
            start = time.perf_counter()
            result = call(*arguments)
            self.seconds[part] += time.perf_counter() - start
            return result

        return run

    def read(self):
        """Seconds by part; it begins anew."""
        seconds, self.seconds = dict(self.seconds), defaultdict(float)
        return seconds


class Told(Supervised):
    """A learner whose network runs, and whose outputs are then what it was told, if it was.

    Args:
        learner: The learner.
        name: Of its stage.
        clock: Takes the time.
    """

    def __init__(self, learner, name, clock):
        super().__init__(learner.model, learner.asked)
        self.told = None
        self.forward = clock.timed((name, "network"), self._forward)
        self.predict_of = clock.timed((name, "predictions"), super().predict_of)

    def _forward(self, readout):
        outputs = Supervised.forward(self, readout)
        return outputs if self.told is None else self.told


class ToldChain:
    """A chain that answers for one batch of events as a trained one would, and the time of its parts.

    Args:
        chain: Any weights.
        events: With truth.
        generator: Of the noise.
    """

    def __init__(self, chain, events, generator):
        self.clock, self.readout, self.events = Clock(), events.readout(), events
        links = {}
        for name, link in chain.links.items():
            given = self.clock.timed((name, "hand-over"), link.given)
            links[name] = Link(Told(link.learner, name, self.clock), given, link.labelled)
        finish = self.clock.timed(("reconstruction", "reconstruction"), chain._finish)
        self.chain = Chain(links, chain.asked, finish).eval()
        self.at = {}
        with torch.no_grad():  # training goes on from there
            for name, link in links.items():
                events = link.labelled(link.given(events))
                self.at[name] = events
                outputs = link.learner(events.readout())
                tasks = zip(link.learner.asked, outputs, strict=True)
                link.learner.told = [truth_for(task, said, events, generator) for task, said in tasks]
                events = with_predictions(events, link.learner.predict(events.readout()))
        self.clock.read()

    @torch.inference_mode()
    def predict(self):
        """What the chain answers."""
        return self.chain.predict(self.readout)


def truth_for(task, outputs, events, generator):
    """Outputs of a task as they should be, with some noise."""
    match task:
        case Points():
            return _points(task, outputs, events, generator)
        case Fragments():
            fragment, edges = events["voxels"]["fragment"], outputs["voxel_edges"]
            cut = fragment[edges["source"]] != fragment[edges["target"]]
            return {**outputs, "voxel_edges": edges.with_columns({"logit": _logit(cut, generator)})}
        case Grouping():
            group, edges = events["clusters"][task.target], outputs["edges"]
            same = group[edges["source"]] == group[edges["target"]]
            return {**outputs, "edges": edges.with_columns({"logits": _logit(same, generator)})}
    (table,) = outputs
    (column,) = outputs[table]
    label = events[table][task.target].clone()
    unknown = int(VoxelClass.LOW_ENERGY) if table == "voxels" else 0
    label[label < 0] = unknown
    wrong = torch.rand(len(label), generator=generator) < MISTAKEN
    label[wrong] = torch.randint(0, len(task.classes), (int(wrong.sum()),), generator=generator)
    return {table: outputs[table].with_columns({column: 6.0 * one_hot(label, len(task.classes))})}


def _logit(true, generator):
    """Log-odds (N,) of what is true (N,), some of them wrong."""
    wrong = torch.rand(len(true), generator=generator) < MISTAKEN
    return 4.0 * (2.0 * (true ^ wrong) - 1) + torch.randn(len(true), generator=generator)


def _points(task, outputs, events, generator):
    """What voxels near true points say of them."""
    voxels, points = outputs["voxels"], events["points"]
    distance, row = task._nearest(voxels, events)
    near = distance <= task.radius
    place = task.in_voxels(points["position"])[row[near]] - (voxels["index"][near] + 0.5)
    columns = {name: voxels[name].clone() for name in ("mask", "offset", "type", "end")}
    columns["mask"] = torch.stack([torch.zeros(len(near)), _logit(near, generator) - 2 * ~near], 1)
    columns["offset"][near] = (place + 0.2 * torch.randn(place.shape, generator=generator)).float()
    columns["type"][near] = 6.0 * one_hot(points["label"][row[near]], columns["type"].shape[1])
    columns["end"][near] = 8.0 * points["end"][row[near]] - 4
    return {**outputs, "voxels": voxels.with_columns(columns)}
