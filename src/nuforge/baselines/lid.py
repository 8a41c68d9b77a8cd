"""LID: likelihoods of the leading shower's profiles, and a small network on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.baselines.arrays import read_arrays, write_arrays
from nuforge.baselines.gathering import gathered, halves
from nuforge.baselines.prediction import event_prediction_table
from nuforge.baselines.prong_profiles import CELLS, PLANES, prong_profiles
from nuforge.baselines.slice_summaries import leading_prongs, slice_summaries, summaries_named
from nuforge.baselines.small_network import SmallNetwork, train_small_network
from nuforge.baselines.templates import (
    LOSS_BINS,
    SHARE_BINS,
    energy_bins,
    log_likelihood,
    log_templates,
    loss_bins,
    share_bins,
)
from nuforge.detectors.nova import SegmentedDetector
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.events.weights import weights_to_learn
from nuforge.metrics.weights import relative
from nuforge.simulation.cells.kinds import ORIGINS

HYPOTHESES = ORIGINS[:7]
"""What a prong may be, as `prongs.origin` numbers it: e, mu, p, pi, and photons of neutrons, pi0 and others."""

KINEMATIC = (
    "energy",
    "hits",
    "energy near the vertex",
    "prongs",
    "mass of the two leading prongs",
    "angle of the two leading prongs",
    "transverse energy, fraction",
    "leading prong, energy",
    "leading prong, energy, fraction of the slice",
    "leading prong, gap",
    "leading prong, start_loss",
    "leading prong, width",
    "leading prong, length",
    "leading prong, cosine to the beam",
    "second prong, energy",
    "longest prong, length",
)
"""What the network sees beside likelihoods: `nuforge.baselines.slice_summaries`."""

_FILE = "lid"
_Templates = dict[str, Tensor]


@dataclass
class LID:
    """NOvA's likelihood identification of electrons, with a probability of every class.

    The energy in every plane along the leading prong, and its shares in cells aside, are compared with what prongs of
    known particles have, in bins of energy. Differences of ln L between electron and every other hypothesis, of both
    profiles, and a few numbers of the slice go into a network of one hidden layer.

    Templates are filled with all prongs of training events. The network learns from likelihoods by templates of the
    other half of the events, so it meets as much fluctuation as there will be in new ones.

    Args:
        detector: Says where cells and walls are.
        target: Column of `event` with the labels.
        classes: Number of classes; labels outside 0 to classes - 1 are not looked at.
        seed: Of the network.
        templates: "along" and "aside"; None until they are filled.
        network: None until it has learned.

    Source:
        One of the two selections of NOvA's first nu_e appearance: Phys. Rev. Lett. 116 (2016) 151806. Its likelihoods
        are of longitudinal and transverse energy loss for e, gamma, pi0, mu, p, pi and n.
    """

    detector: SegmentedDetector
    target: str = "flavour"
    classes: int = 5
    seed: int = 0
    templates: _Templates | None = field(default=None, repr=False)
    network: SmallNetwork | None = field(default=None, repr=False)

    def fit(self, batches: Iterable[Events]) -> None:
        """Fills templates with prongs of known `prongs.origin`, then trains the network."""
        prongs: list[dict[str, Tensor]] = []

        def features(readout: Events) -> dict[str, Tensor]:
            return self._leading(readout, self._bins(readout))

        def filled() -> Iterable[Events]:
            for events in batches:
                prongs.append(self._prongs(events))
                yield events

        rows = gathered(filled(), features, self.target, self.classes)
        every = {name: torch.cat([part[name] for part in prongs]) for name in prongs[0]}
        every["weight"] = relative(every["weight"])
        self.templates = self._templates(every, torch.ones_like(every["half"]))
        crossed = [self._templates(every, every["half"] == half) for half in (True, False)]
        inputs = torch.where(
            rows.half[:, None], self._inputs(rows.features, crossed[1]), self._inputs(rows.features, crossed[0])
        )
        self.network = train_small_network(inputs, rows.label, rows.weight, self.classes, seed=self.seed)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.probability` (B, classes)."""
        return {"event": event_prediction_table(readout, self.probability(readout))}

    def probability(self, readout: Events) -> Float[Tensor, "b k"]:
        """Probability of each class (B, K)."""
        if self.templates is None or self.network is None:
            raise InputError("LID has no templates yet; call fit(batches), or load(folder), first")
        found = self._leading(readout, self._bins(readout))
        return self.network.probability(self._inputs(found, self.templates))

    def save(self, folder: Path) -> None:
        """Writes templates and network into a folder."""
        if self.templates is None or self.network is None:
            raise InputError("LID has nothing to save; call fit(batches) first")
        write_arrays(folder / _FILE, {**self.templates, **vars(self.network)}, self._about())

    def load(self, folder: Path) -> LID:
        """What `save` wrote, with this one's detector."""
        found = read_arrays(folder / _FILE, self._about())
        templates = {name: found.pop(name) for name in ("along", "aside")}
        return replace(self, templates=templates, network=SmallNetwork(**found))

    def _about(self) -> dict[str, object]:
        shape = [PLANES, LOSS_BINS, CELLS, SHARE_BINS]
        return {"classes": self.classes, "hypotheses": HYPOTHESES, "inputs": KINEMATIC, "shape": shape}

    def _bins(self, readout: Events) -> dict[str, Tensor]:
        """Binned profiles of all prongs."""
        profiles = prong_profiles(readout, self.detector)
        return {
            "along": loss_bins(profiles.along).to(torch.uint8),
            "sees": profiles.sees_along,
            "aside": share_bins(profiles.aside).to(torch.uint8),
            "energy": energy_bins(readout["prongs"]["energy"]),
        }

    def _prongs(self, events: Events) -> dict[str, Tensor]:
        """Binned profiles of prongs with what they are in truth, and the weight and half of their events."""
        prongs = events["prongs"]
        return {
            **self._bins(events.readout()),
            "origin": prongs["origin"],
            "weight": weights_to_learn(events)[prongs.batch],
            "half": halves(events)[prongs.batch],
        }

    def _leading(self, readout: Events, bins: dict[str, Tensor]) -> dict[str, Tensor]:
        """Binned profiles of the leading prong of each event, and the numbers of the slice."""
        row = leading_prongs(readout)
        some = row >= 0
        kinematic = summaries_named(slice_summaries(readout, self.detector), KINEMATIC)
        found = {"some": some, "kinematic": kinematic}
        for name, value in bins.items():
            padded = torch.cat([value, value.new_zeros(1, *value.shape[1:])])
            found[name] = padded[torch.where(some, row, len(value))]
        return found

    @staticmethod
    def _templates(prongs: dict[str, Tensor], chosen: Tensor) -> _Templates:
        p = {name: value[chosen] for name, value in prongs.items()}
        everywhere = torch.ones_like(p["aside"], dtype=torch.bool)
        rest = p["energy"], p["origin"], p["weight"], len(HYPOTHESES)
        return {
            "along": log_templates(p["along"].long(), p["sees"], *rest, LOSS_BINS),
            "aside": log_templates(p["aside"].long(), everywhere, *rest, SHARE_BINS),
        }

    @staticmethod
    def _inputs(found: dict[str, Tensor], templates: _Templates) -> Float[Tensor, "b f"]:
        """Differences of ln L, electron against the others, along and aside, and kinematic numbers."""
        everywhere = found["some"][:, None].expand_as(found["aside"])
        along = log_likelihood(templates["along"], found["along"].long(), found["sees"], found["energy"])
        aside = log_likelihood(templates["aside"], found["aside"].long(), everywhere, found["energy"])
        differences = [likelihood[:, :1] - likelihood[:, 1:] for likelihood in (along, aside)]
        return torch.cat([*differences, compressed(found["kinematic"])], 1)


def compressed(numbers: Float[Tensor, "b f"]) -> Float[Tensor, "b f"]:
    """Numbers over many orders of magnitude for a network: sign(x) ln(1 + |x|)."""
    return numbers.sign() * numbers.abs().log1p()
