"""Particles: do voxels belong to the right particles and interactions, and are those what they are called?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.events.rows import looked_up
from nuforge.metrics.classification import recall
from nuforge.metrics.clustering import FIGURES, Contingency, clustering_sums
from nuforge.metrics.weights import ratio
from nuforge.simulation.truth import VoxelClass, cluster_truth
from nuforge.simulation.truth.clusters import Of
from nuforge.tasks.categorical import categorical_figures, categorical_statistics
from nuforge.tasks.kinematics import matched
from nuforge.tasks.task import Measured

_PARTITIONS = ("shower", "track", "interaction")
_SHOWERS = (VoxelClass.SHOWER, VoxelClass.MICHEL, VoxelClass.DELTA)


class Particles(Measured):
    """What a whole reconstruction is asked, voxel by voxel and particle by particle; it has nothing to learn.

    Partitions are of the voxels of a true class: those of showers, Michel and delta electrons by their particle, those
    of tracks by theirs, all of them by their interaction. Identity and primaries are asked of reconstructed particles,
    of the fragments of showers whether the shower starts in them; the truth of one is that of most of its voxels. What
    is said of `matched` is asked of those alone that share more voxels with a true particle than any other of either
    does (`nuforge.tasks.kinematics.matched`): not of pieces that were cut off.

    Args:
        identities: Names of what particles are, in the order of `pid_probability`.
        by_number: Interactions up to which the index of interactions is also given by their number; so many or more.
    """

    name = "pid"
    needs = (
        "voxels.label",
        "voxels.deposit",
        "voxels.fragment",
        "fragments.start",
        "particles.interaction",
        "interactions.vertex",
    )

    def __init__(self, identities: Sequence[str], by_number: int = 5) -> None:
        super().__init__()
        if len(identities) < 2 or by_number < 1:
            raise InputError(f"give two identities and one number at least, got {list(identities)} and {by_number}")
        self.classes, self.by_number = tuple(identities), by_number

    def statistics(self, events: Events, prediction: Mapping[str, Table]) -> Mapping[str, Tensor]:
        """Per event.

        - `partitions` (B, 3, M, 2): for showers, tracks and interactions, each of `nuforge.metrics.clustering.FIGURES`
          and 1, or 0 and 0 where the event has none.
        - `interaction_index` (B, by_number, 2): the index of interactions in the slot of their true number.
        - `NAME_confusion`, `NAME_reliability`, for pid, matched_pid, primary and shower_primary: as those of
          `Segmentation`.

        Args:
            events: With truth.
            prediction: `voxels.reco_particle` and `reco_fragment`, `reco_particles` (interaction, pid_probability,
                primary_probability) and `reco_fragments` (starts_shower).
        """
        voxels, particles, n = events["voxels"], prediction["reco_particles"], len(events)
        found = prediction["voxels"]["reco_particle"]
        interaction = looked_up(events["particles"]["interaction"], voxels["deposit"])
        label = voxels["label"]
        shower = torch.isin(label, label.new_tensor(_SHOWERS))
        track = label == VoxelClass.TRACK
        partitions = [
            _partition(voxels["deposit"], found, voxels.batch, shower, n),
            _partition(voxels["deposit"], found, voxels.batch, track, n),
            _partition(interaction, looked_up(particles["interaction"], found), voxels.batch, shower | track, n),
        ]
        slot = nn.functional.one_hot(_number(interaction, voxels.batch, n).clamp(1, self.by_number) - 1, self.by_number)
        truth = _truth(events, found, particles, "particles")
        one_to_one = torch.full_like(truth["pid"], -1)
        mine, _ = matched(found, voxels["deposit"])
        one_to_one[mine] = truth["pid"][mine]
        fragments = prediction["reco_fragments"]
        pieces = _truth(events, prediction["voxels"]["reco_fragment"], fragments, "fragments")
        starts = fragments["starts_shower"]
        asked = torch.where(starts.isnan(), -1, pieces["primary"])
        pieces = pieces.with_columns({"primary": asked})
        either = torch.stack([1 - starts, starts], 1).nan_to_num(0.5)
        return {
            "partitions": torch.stack(partitions, 1),
            "interaction_index": slot[:, :, None] * partitions[2][:, None, 0],
            **_named("pid", truth, "pid", particles["pid_probability"]),
            **_named("matched_pid", truth.with_columns({"pid": one_to_one}), "pid", particles["pid_probability"]),
            **_named("primary", truth, "primary", particles["primary_probability"]),
            **_named("shower_primary", pieces, "primary", either),
        }

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of merit (R,) from statistics summed over events.

        Those of partitions are means over the events that have them.
        """
        value, number = sums["partitions"].unbind(-1)
        mean = ratio(value, number)
        figures = {f"{p} {m}": mean[..., i, j] for i, p in enumerate(_PARTITIONS) for j, m in enumerate(FIGURES)}
        for asked in ("pid", "matched_pid", "primary", "shower_primary"):
            own = {name: sums[f"{asked}_{name}"] for name in ("confusion", "reliability")}
            words = asked.replace("_", " ")
            figures |= {f"{words} {name}": values for name, values in categorical_figures(own).items()}
        for asked in ("pid", "matched pid"):
            found = recall(sums[f"{asked.replace(' ', '_')}_confusion"])
            figures[f"mean {asked} recall"] = found.nanmean(-1)
            figures |= {f"{asked} recall of {c}": found[..., i] for i, c in enumerate(self.classes)}
        index, events = sums["interaction_index"].unbind(-1)
        for i in range(self.by_number):
            more = " or more" if i + 1 == self.by_number else ""
            figures[f"interaction ARI at {i + 1}{more}"] = ratio(index[..., i], events[..., i])
        return figures


def _partition(true: Tensor, found: Tensor, batch: Tensor, counted: Tensor, n: int) -> Tensor:
    """Figures of the partition of the counted voxels of each event (B, M, 2)."""
    sums = clustering_sums(Contingency.of(true[counted], found[counted], batch[counted], n))
    return torch.stack([sums[name] for name in FIGURES], 1)


def _number(interaction: Tensor, batch: Tensor, n: int) -> Tensor:
    """Number of interactions that voxels of each event show (B,)."""
    known = interaction >= 0
    shown = torch.unique(torch.stack([batch[known], interaction[known]], 1), dim=0)
    return torch.bincount(shown[:, 0], minlength=n)


def _named(asked: str, truth: Table, target: str, probability: Tensor) -> dict[str, Tensor]:
    """Statistics of a question with classes, by its name."""
    return {f"{asked}_{name}": values for name, values in categorical_statistics(truth, target, probability).items()}


def _truth(events: Events, found: Tensor, table: Table, of: Of) -> Table:
    """What reconstructed particles or fragments are: `pid` and `primary` of most of their voxels."""
    clusters = Table({"kind": torch.zeros(len(table), dtype=torch.int64)}, table.offsets)
    voxels = events["voxels"].with_columns({"cluster": found}, refers_to={"cluster": "clusters"})
    return cluster_truth(events.with_table("clusters", clusters).with_table("voxels", voxels), of)["clusters"]
