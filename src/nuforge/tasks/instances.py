"""Instances: which pixels of a view are one particle's, and of which kind is it?"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.images import VIEWS
from nuforge.events.rows import looked_up
from nuforge.metrics.clustering import Contingency, clustering_sums, panoptic_counts
from nuforge.metrics.weights import ratio
from nuforge.models.mask_rcnn import Outlines, claims
from nuforge.simulation.truth import IDENTITIES, identification
from nuforge.tasks.task import Task

KINDS = (*IDENTITIES, "other")
"""Names of `reco_instances.kind`."""

INSTANCE = Column("", "number of its particle in its event and view, -1 for none", "prediction")
KIND = Column("", f"kind of that particle: {', '.join(KINDS)}; -1 for none", "prediction", names=KINDS)

_FIGURES = {"hit efficiency": "efficiency", "hit purity": "purity", "ARI": "ARI", "assigned": "assigned"}


class Instances(Task):
    """Particles that share out the pixels of each view among them.

    A particle has the pixels of which it made most light. It is known in a view where it has `least` pixels or more;
    pixels of others are left out of all figures. Views are measured on their own, and of each figure the mean is taken
    over views. What is learned are all pixels that a particle gave light to (`outlines`), so that masks may overlap; in
    the answer each pixel has one particle: that of the largest product of score and mask.

    Args:
        least: Pixels of a particle.
        share: Of the light of a pixel that a particle needs to touch it.
        score: Particles of a smaller score have no pixels; chosen on validation.
        mask: Probability of a pixel below which a particle does not have it.
    """

    classes = ()
    choices = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    needs = ("hits.particle", "truth_links.fraction", "particles.pdg")
    neutral = ("particles said",)
    score: Tensor

    def __init__(self, least: int = 2, share: float = 0.1, score: float = 0.3, mask: float = 0.5) -> None:
        super().__init__()
        if least < 1 or not all(0 <= x <= 1 for x in (share, score, mask)):
            raise InputError(
                f"least must be 1 pixel or more, share, score and mask from 0 to 1, got {least}, {share}, {score} and "
                f"{mask}"
            )
        self.least, self.share, self.mask = least, share, mask
        self.register_buffer("score", torch.tensor(float(score)))

    def forward(self, features: Mapping[str, Table]) -> Mapping[str, Table]:
        """What the network found, as it is."""
        return features

    def loss(self, outputs: Mapping[str, Table], events: Events) -> Tensor:
        """None: the network learns of `outlines` by itself (`nuforge.training.detection`)."""
        return torch.zeros((), device=events.device)

    def predict(self, outputs: Mapping[str, Table], choice: float | None = None) -> Mapping[str, Table]:
        """`pixels.reco_instance` and `pixels.reco_kind` (N,), and `reco_instances` without their masks."""
        found, pixels = outputs["reco_instances"], outputs["pixels"]
        least = float(self.score) if choice is None else choice
        row = shared_out(pixels, found, least, self.mask)
        number = torch.where(row >= 0, row - found.offsets[pixels.batch], -1)
        columns = {"reco_instance": number, "reco_kind": looked_up(found["kind"], row)}
        return {
            "pixels": Table(columns, pixels.offsets, about={"reco_instance": INSTANCE, "reco_kind": KIND}),
            "reco_instances": found.only([name for name in found if name != "mask"]),
        }

    def statistics(self, events: Events, prediction: Mapping[str, Table]) -> Mapping[str, Tensor]:
        """Per event, summed over its views.

        - `partition` (B, 4, 2): efficiency, purity, adjusted Rand index and assigned share, and the views that have
          such a figure.
        - `panoptic` (B, 5): overlaps of particles that are found, their number, true particles, said particles, and
          views with true particles.
        - `kinds` (B, 2): pixels of a particle whose kind is rightly said, and all pixels of which a kind is said.
        """
        pixels, n = events["pixels"], len(events)
        image = pixels.batch * VIEWS + pixels["view"].long()
        true = self._known(events, image)
        table = Contingency.of(true, prediction["pixels"]["reco_instance"], image, VIEWS * n)
        sums, counts = clustering_sums(table), panoptic_counts(table)
        seen = (counts[:, 2:3] > 0).to(counts)
        return {
            "partition": torch.stack([sums[name] for name in _FIGURES.values()], 1).view(n, VIEWS, -1, 2).sum(1),
            "panoptic": torch.cat([counts, seen], 1).view(n, VIEWS, -1).sum(1),
            "kinds": _kinds(events, true, prediction["pixels"]),
        }

    def figures(self, sums: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Figures of merit (R,) from statistics summed over events, (R, ...) for R resamplings.

        A particle is found if it shares more than half of its and a said one's pixels with that; found and said ones
        are counted for a view. Kinds are NaN for a method that says none.
        """
        overlap, found, true, said, views = sums["panoptic"].unbind(-1)
        mean = ratio(*sums["partition"].unbind(-1))
        return {
            **{name: mean[..., i] for i, name in enumerate(_FIGURES)},
            "panoptic quality": ratio(overlap, (true + said) / 2),
            "particles found": ratio(found, true),
            "right particles": ratio(found, views),
            "particles said": ratio(said, views),
            "kind accuracy": ratio(*sums["kinds"].unbind(-1)),
        }

    def merit(self, figures: Mapping[str, Tensor]) -> Tensor:
        """The panoptic quality."""
        return figures["panoptic quality"]

    def choose(self, choice: float) -> None:
        """The least score."""
        self.score.fill_(choice)

    def outlines(self, events: Events) -> Outlines:
        """Pixels that each particle gave `share` of the light of, of particles with `least` such pixels in a view."""
        pixels, links, n = events["pixels"], events["truth_links"], max(1, len(events["particles"]))
        of_hit = torch.full((len(events["hits"]),), -1, device=pixels["hit"].device)
        of_hit[pixels["hit"]] = torch.arange(len(pixels), device=of_hit.device)
        pixel = looked_up(of_hit, links["row"])
        lit = (pixel >= 0) & (links["particle"] >= 0) & (links["fraction"] >= self.share)
        pixel, who = pixel[lit], links["particle"][lit]
        image = pixels.batch[pixel] * VIEWS + pixels["view"][pixel].long()
        names, particle, size = torch.unique(image * n + who, return_inverse=True, return_counts=True)
        kept = size >= self.least
        place = torch.where(kept, kept.cumsum(0) - 1, -1)
        name, touches = names[kept], kept[particle]
        kind = identification(events["particles"])[name % n] if len(name) else name
        kind = torch.where(kind >= 0, kind, len(IDENTITIES))
        return Outlines(torch.div(name, n, rounding_mode="floor"), kind, place[particle[touches]], pixel[touches])

    def _known(self, events: Events, image: Tensor) -> Int[Tensor, " n"]:
        """The particle that made most of each pixel (N,), -1 for those with few pixels in the view."""
        who, n = true_particles(events), max(1, len(events["particles"]))
        known = who >= 0
        _, place, size = torch.unique(image[known] * n + who[known], return_inverse=True, return_counts=True)
        seen = torch.full_like(who, -1)
        seen[known] = torch.where(size[place] >= self.least, who[known], -1)
        return seen


def true_particles(events: Events) -> Int[Tensor, " n"]:
    """The particle that made most of the brightest hit of each pixel (N,), -1 for none."""
    return looked_up(events["hits"]["particle"], events["pixels"]["hit"])


def shared_out(pixels: Table, found: Table, score: float, mask: float) -> Int[Tensor, " n"]:
    """The row of `reco_instances` that each pixel (N,) belongs to, -1 for none.

    Args:
        pixels: With view, row and column.
        found: Instances with view, box, score and mask.
        score: Least score.
        mask: Least probability of a pixel.
    """
    instance, pixel, probability = claims(pixels, found)
    good = (found["score"][instance] >= score) & (probability >= mask)
    instance, pixel = instance[good], pixel[good]
    claim = probability[good] * found["score"][instance]
    best = claim.new_zeros(len(pixels)).scatter_reduce(0, pixel, claim, "amax")
    winner = claim >= best[pixel]
    none = len(found)
    row = torch.full((len(pixels),), none, device=pixel.device)
    row = row.scatter_reduce(0, pixel[winner], instance[winner], "amin")
    return torch.where(row < none, row, -1)


def _kinds(events: Events, true: Tensor, said: Table) -> Float[Tensor, "b 2"]:
    """Pixels of known particles whose kind is rightly said, and those of which one is said, of each event."""
    if "reco_kind" not in said:
        return torch.zeros(len(events), 2, dtype=torch.float64, device=true.device)
    kind = identification(events["particles"])
    kind = looked_up(torch.where(kind >= 0, kind, len(IDENTITIES)), true)
    asked = (true >= 0) & (said["reco_kind"] >= 0)
    right = asked & (said["reco_kind"] == kind)
    batch, n = events["pixels"].batch, len(events)
    return torch.stack([torch.bincount(batch[mask], minlength=n).double() for mask in (right, asked)], 1)
