"""DBSCAN fragments: voxels of a class that touch are one fragment, the clustering before networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from nuforge.baselines.by_hand import ByHand
from nuforge.events import Events, Table
from nuforge.nn.points import dbscan
from nuforge.simulation.truth import CLASSES
from nuforge.tasks.fragments import FRAGMENT, TOUCHING, as_fragments


@dataclass(frozen=True)
class DBSCANFragments(ByHand):
    """DBSCAN of the voxels of each class given in `voxels.kind`; small fragments join the nearest of their class.

    Args:
        radius: Voxels closer than this are of one fragment.
        min_points: Voxels within the radius that make a core voxel.
        least: Fragments of fewer voxels join the nearest of their class.

    Source:
        Ester, Kriegel, Sander, Xu, KDD-96, 226, with the numbers of the liquid-argon 3D chain (SPINE).
    """

    file: ClassVar[str] = "dbscan_fragments.json"

    radius: float = TOUCHING
    min_points: int = 1
    least: int = 3

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`voxels.reco_fragment` (N,): number of the fragment in its event, -1 for low-energy voxels."""
        voxels = readout["voxels"]
        kind, place = voxels["kind"], voxels["index"].double()
        cluster = dbscan(place, voxels.batch * len(CLASSES) + kind, self.radius, self.min_points)
        fragment = as_fragments(cluster, place, kind, voxels.batch, self.least)
        return {"voxels": Table({"reco_fragment": fragment}, voxels.offsets, about={"reco_fragment": FRAGMENT})}
