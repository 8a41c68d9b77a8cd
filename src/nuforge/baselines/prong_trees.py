"""Gradient-boosted trees on what is measured of prongs: what the same prongs tell without images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from nuforge.baselines.forest import Forest
from nuforge.baselines.forest_files import read_forest, write_forest
from nuforge.baselines.prong_profiles import prong_profiles
from nuforge.baselines.slice_trees import Growth, probability_of
from nuforge.detectors.nova import SegmentedDetector
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.weights import weights_to_learn

_MEASURED = (
    *("energy", "energy_x", "energy_y", "length", "gap", "hits_x", "hits_y", "planes"),
    *("start_loss", "mean_loss", "end_loss", "width", "longest_gap"),
)
_FIRST = 6  # planes from either end whose energy loss is looked at

PRONG_FEATURES: tuple[str, ...] = (
    *_MEASURED,
    *("direction, x", "direction, y", "direction, z"),
    *(f"energy loss in plane {i}" for i in range(_FIRST)),
    *(f"energy loss in plane {i} from the end" for i in range(_FIRST)),
    *("share on the axis", "share beside the axis", "calm planes", "energy, fraction of the slice"),
)
"""Names of the columns; MeV, cm, MeV/cm."""


def prong_features(readout: Events, detector: SegmentedDetector) -> Float[Tensor, "p f"]:
    """`PRONG_FEATURES` (P, F) float32 of all prongs."""
    prongs, hits = readout["prongs"], readout["hits"]
    profiles = prong_profiles(readout, detector)
    whole = torch.zeros(len(readout), dtype=torch.float64).index_add_(0, hits.batch, hits["energy"].double())
    share = prongs["energy"].double() / whole.clamp(min=1e-9)[prongs.batch]
    columns = [
        *(prongs[name].float()[:, None] for name in _MEASURED),
        prongs["direction"].float(),
        profiles.along[:, :_FIRST],
        profiles.back[:, :_FIRST],
        profiles.aside[:, :2],
        profiles.calm[:, None],
        share.float()[:, None],
    ]
    return torch.cat(columns, 1).nan_to_num(0.0, 0.0, 0.0)


@dataclass
class ProngTrees:
    """Histogram gradient boosting (scikit-learn) on `prong_features`, as `prongs.probability`.

    Args:
        detector: Says where cells are.
        target: Column of `prongs` with the labels; those outside 0 to classes - 1 are not looked at.
        classes: Number of classes.
        growth: How the trees grow.
        forest: None until they are grown.
    """

    detector: SegmentedDetector
    target: str = "pid"
    classes: int = 5
    growth: Growth = field(default_factory=Growth)
    forest: Forest | None = field(default=None, repr=False)

    def fit(self, batches: Iterable[Events]) -> None:
        """Grows the trees; only features are kept of the prongs."""
        parts = [
            (
                prong_features(events.readout(), self.detector),
                events["prongs"][self.target],
                weights_to_learn(events)[events["prongs"].batch],
            )
            for events in batches
        ]
        features, label, weight = (torch.cat([part[i] for part in parts]) for i in range(3))
        known = (label >= 0) & (label < self.classes) & (weight > 0)
        seen = torch.bincount(label[known], minlength=self.classes)
        if int((seen > 0).sum()) < 2:
            raise InputError(
                f"boosted trees need prongs of at least two classes, got counts {seen.tolist()}; give labelled events "
                "of more than one class"
            )
        self.forest = self.growth.forest(features[known], label[known], weight[known], self.classes)

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`prongs.probability` (P, classes)."""
        probability = probability_of(self.forest, prong_features(readout, self.detector))
        about = {"probability": Column("", "probability of each class", "prediction")}
        return {"prongs": Table({"probability": probability}, readout["prongs"].offsets, about=about)}

    def save(self, folder: Path) -> None:
        """Writes the trees into a folder."""
        if self.forest is None:
            raise InputError("prong trees have nothing to save; call fit(batches) first")
        options = {"target": self.target, "classes": self.classes, **asdict(self.growth)}
        write_forest(folder, self.forest, PRONG_FEATURES, options)

    def load(self, folder: Path) -> ProngTrees:
        """The trees that `save` wrote, with this one's detector."""
        forest, _ = read_forest(folder, PRONG_FEATURES)
        return replace(self, forest=forest)
