"""nu_mu selection: nearest neighbours of the longest track in four numbers that tell muons from pions."""

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
from nuforge.baselines.prong_profiles import Profiles, prong_profiles
from nuforge.baselines.slice_summaries import leading_prongs
from nuforge.baselines.templates import LOSS_BINS, energy_bins, log_bins, log_likelihood, log_templates, loss_bins
from nuforge.detectors.nova import SegmentedDetector
from nuforge.errors import InputError
from nuforge.events import Events, Table
from nuforge.events.weights import weights_to_learn
from nuforge.metrics.weights import relative

INPUTS = ("length", "dE/dx likelihood", "scattering likelihood", "calm planes")

MUON, PION = 1, 3
"""The numbers of tracks in `prongs.pid`."""

_FILE = "muon_neighbours"
_KINK_BINS = 20


@dataclass
class MuonNeighbours:
    """The classes of the k training events whose longest tracks are most alike in four numbers (`INPUTS`).

    They are its length, ln L(muon) - ln L(pion) of its energy loss and of its scattering, both counted from its end,
    and the share of its planes in which there is no more than one muon's energy.

    Args:
        detector: Says where cells are.
        target: Column of `event` with the labels.
        classes: Number of classes; labels outside 0 to classes - 1 are not looked at.
        neighbours: k, in events of weight 1.
        tensors: Templates, training events and scales; None until it is fitted.

    Source:
        N. Raddatz, thesis, University of Minnesota (2016): the four inputs of NOvA's muon identification.
    """

    detector: SegmentedDetector
    target: str = "flavour"
    classes: int = 5
    neighbours: int = 80
    tensors: dict[str, Tensor] | None = field(default=None, repr=False)

    def fit(self, batches: Iterable[Events]) -> None:
        """Fills templates with muons and pions (`prongs.pid`), then keeps what events have of them."""
        prongs: list[dict[str, Tensor]] = []

        def filled() -> Iterable[Events]:
            for events in batches:
                table = events["prongs"]
                known = {
                    "is_muon": torch.where(table["pid"] == MUON, 1, torch.where(table["pid"] == PION, 0, -1)),
                    "weight": weights_to_learn(events)[table.batch],
                    "half": halves(events)[table.batch],
                }
                prongs.append({**self._bins(events.readout()), **known})
                yield events

        rows = gathered(filled(), self._track, self.target, self.classes)
        every = {name: torch.cat([part[name] for part in prongs]) for name in prongs[0]}
        every["weight"] = relative(every["weight"])
        crossed = [_templates(every, every["half"] == half) for half in (True, False)]
        numbers = torch.where(
            rows.half[:, None], _numbers(rows.features, crossed[1]), _numbers(rows.features, crossed[0])
        )
        share = (rows.weight / rows.weight.sum()).float()[:, None]
        centre = (share * numbers).sum(0)
        spread = (share * (numbers - centre).square()).sum(0).sqrt()
        spread = torch.where(spread > 1e-9, spread, 1.0)
        near = (numbers - centre) / spread
        kept = {"centre": centre, "spread": spread, "events": near, "label": rows.label, "weight": rows.weight}
        self.tensors = {**_templates(every, torch.ones_like(every["half"])), **kept}

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`event.probability` (B, classes)."""
        return {"event": event_prediction_table(readout, self.probability(readout))}

    def probability(self, readout: Events) -> Float[Tensor, "b k"]:
        """Share of each class among the neighbours (B, K), which begin with one of each class."""
        if self.tensors is None:
            raise InputError("the neighbours are not known yet; call fit(batches), or load(folder), first")
        t = self.tensors
        near = (_numbers(self._track(readout), t) - t["centre"]) / t["spread"]
        distance = torch.cdist(near, t["events"])
        return shares_of_nearest(distance, t["label"], t["weight"], self.neighbours, self.classes).float()

    def save(self, folder: Path) -> None:
        """Writes templates and training events into a folder."""
        if self.tensors is None:
            raise InputError("the neighbours have nothing to save; call fit(batches) first")
        write_arrays(folder / _FILE, self.tensors, self._about())

    def load(self, folder: Path) -> MuonNeighbours:
        """What `save` wrote, with this one's detector."""
        return replace(self, tensors=read_arrays(folder / _FILE, self._about()))

    def _about(self) -> dict[str, object]:
        return {"classes": self.classes, "neighbours": self.neighbours, "inputs": INPUTS}

    def _bins(self, readout: Events, profiles: Profiles | None = None) -> dict[str, Tensor]:
        profiles = prong_profiles(readout, self.detector) if profiles is None else profiles
        return {
            "loss": loss_bins(profiles.back).to(torch.uint8),
            "sees": profiles.sees_back,
            "kink": log_bins(profiles.kinks.abs().nan_to_num(), 0.1, 30.0, _KINK_BINS).to(torch.uint8),
            "kinked": ~profiles.kinks.isnan(),
            "energy": energy_bins(readout["prongs"]["energy"]),
        }

    def _track(self, readout: Events) -> dict[str, Tensor]:
        """The longest track of each event; zeros where there is none."""
        profiles, prongs = prong_profiles(readout, self.detector), readout["prongs"]
        values = {**self._bins(readout, profiles), "length": prongs["length"], "calm": profiles.calm}
        row = leading_prongs(readout, "length")
        row = torch.where(row >= 0, row, len(prongs))
        return {name: torch.cat([v, v.new_zeros(1, *v.shape[1:])])[row] for name, v in values.items()}


def shares_of_nearest(
    distance: Tensor, label: Tensor, weight: Tensor, wanted: int, classes: int
) -> Float[Tensor, "b k"]:
    """Share (B, K) of each class in the weight `wanted` that is nearest; one event of each class is there beforehand.

    Args:
        distance: To training events (B, N).
        label: Of those (N,).
        weight: Of those (N,).
        wanted: Weight of neighbours; twice as many rows are looked at.
        classes: K.
    """
    _, rows = distance.topk(min(2 * wanted, distance.shape[1]), largest=False)
    taken = taken_of(weight[rows], float(wanted))
    shares = torch.zeros(len(distance), classes, dtype=torch.float64)
    shares.scatter_add_(1, label[rows], taken)
    return (shares + 1) / (shares.sum(1, keepdim=True) + classes)


def taken_of(weight: Float[Tensor, "b n"], wanted: float) -> Float[Tensor, "b n"]:
    """What counts of weights in their order (B, N), until the wanted one is full: of the last a part."""
    before = weight.cumsum(1) - weight
    return torch.minimum((wanted - before).clamp(min=0), weight)


def _templates(prongs: dict[str, Tensor], chosen: Tensor) -> dict[str, Tensor]:
    p = {name: value[chosen] for name, value in prongs.items()}
    rest = p["energy"], p["is_muon"], p["weight"], 2
    return {
        "loss templates": log_templates(p["loss"].long(), p["sees"], *rest, LOSS_BINS),
        "kink templates": log_templates(p["kink"].long(), p["kinked"], *rest, _KINK_BINS),
    }


def _numbers(track: dict[str, Tensor], templates: dict[str, Tensor]) -> Float[Tensor, "b 4"]:
    """`INPUTS` of the longest track of each event."""
    loss = log_likelihood(templates["loss templates"], track["loss"].long(), track["sees"], track["energy"])
    kink = log_likelihood(templates["kink templates"], track["kink"].long(), track["kinked"], track["energy"])
    columns = [track["length"].float().log1p(), loss[:, 1] - loss[:, 0], kink[:, 1] - kink[:, 0], track["calm"].float()]
    return torch.stack(columns, 1)
