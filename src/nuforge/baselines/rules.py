"""Rules: voxel classes by hand, the way one would cut by eye, without training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from nuforge.baselines.by_hand import ByHand
from nuforge.baselines.features import FEATURES, voxel_features
from nuforge.baselines.prediction import prediction_table
from nuforge.events import Events, Table
from nuforge.simulation.truth import CLASSES, VoxelClass

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Rules(ByHand):
    """Cuts on `voxel_features`; the later rule wins: shower, track, delta, Michel, low-energy.

    - Low-energy: a cluster of touching voxels of fewer than `deposit`.
    - Michel: at the end of a loose cluster that is a long track, beyond a dense place (the Bragg peak of the muon),
      itself thin, turning away, and with no more energy around than such an electron and the end of its muon have.
    - Delta: off the way along a straight cluster; or where the near surroundings are not straight while the far ones
      are, away from the axis, and neither energy nor spray of a shower is around.
    - Track: straight surroundings in a long cluster or far from any spray; dense like a stopping hadron; or part of a
      cluster that is straight as a whole.
    - Shower: the rest.

    The numbers hold for voxels of 0.3 cm above 0.05 MeV in liquid argon, where diffusion makes tracks three voxels
    thick: of the 0.6 MeV that a minimum-ionising particle leaves per 0.3 cm each voxel holds about 0.2. Each began as
    what one would cut by eye and was then moved, one at a time, to the best mean intersection over union on 400
    training events of particle bombs (the built-in transport and the full response), and rounded; on 200 other
    training events it is within 0.01 of that.
    """

    file: ClassVar[str] = "rules.json"

    deposit: int = 10  # voxels
    straight: float = 0.95  # linearity within 16 voxels (5 cm) of a track
    straight_cluster: float = 0.998  # linearity of a cluster that is one track
    spray: float = 1.0  # voxels of tiny clusters within 32 voxels (10 cm), below: none around a track under `long`
    long: float = 220.0  # voxels (66 cm); few showers are connected over more
    dense: float = 0.47  # MeV per voxel within 8 voxels: twice a minimum-ionising track or more
    delta_detour: float = 1.0  # voxels off the way from end to end
    delta_host: float = 140.0  # voxels (42 cm), length of the cluster of a delta's track
    delta_near: float = 0.76  # linearity within 4 voxels, below: wider than a track
    delta_far: float = 0.95  # linearity within 32 voxels, above
    delta_across: float = 2.4  # voxels (0.7 cm) from the axis within 8 voxels, unless there is a detour of 0.5
    delta_energy: float = 75.0  # MeV within 32 voxels, below; 20 cm of a minimum-ionising track have 42
    delta_spray: float = 9.0  # voxels of tiny clusters within 32 voxels, below
    michel_range: float = 60.0  # voxels (18 cm) to the end and to the Bragg peak; 53 MeV electrons go about that far
    michel_track: float = 170.0  # voxels (51 cm) to the other end; nearly all Michels have more
    michel_density: float = 0.37  # MeV per voxel around the end, below: electrons have 0.2, Bragg peaks 0.4
    michel_crowd: float = 260.0  # voxels within 16 voxels, below; a track has about 100
    michel_turn: float = 0.993  # linearity within 32 voxels, below: it turns away from its muon
    michel_energy: float = 100.0  # MeV within 32 voxels, below: 53 of the electron and the last 10 cm of its muon
    sure: float = 0.8  # probability of the class that is named; the others share the rest

    def predict(self, readout: Events) -> Mapping[str, Table]:
        """`voxels.probability` (N, 5): `sure` for the class of the rules, the rest shared evenly."""
        features = voxel_features(readout)
        of = {name: features[:, i] for i, name in enumerate(FEATURES)}
        label = np.full(len(features), int(VoxelClass.SHOWER))
        label[self._track(of)] = VoxelClass.TRACK
        label[self._delta(of)] = VoxelClass.DELTA
        label[self._michel(of)] = VoxelClass.MICHEL
        label[of["cluster_size"] < self.deposit] = VoxelClass.LOW_ENERGY
        n = len(CLASSES)
        probability = np.full((len(label), n), (1.0 - self.sure) / (n - 1), np.float32)
        probability[np.arange(len(label)), label] = self.sure
        return {"voxels": prediction_table(readout, torch.from_numpy(probability))}

    def _track(self, of: Mapping[str, NDArray[np.float32]]) -> Mask:
        quiet = (of["cluster_length"] >= self.long) | (of["small_32"] < self.spray)
        whole = (of["cluster_length"] >= self.long / 2) & (of["cluster_linearity"] > self.straight_cluster)
        found: Mask = ((of["linearity_16"] > self.straight) & quiet) | (of["density_8"] > self.dense) | whole
        return found

    def _delta(self, of: Mapping[str, NDArray[np.float32]]) -> Mask:
        beside = (of["cluster_linearity"] > self.straight_cluster) & (of["path_detour"] > self.delta_detour)
        bent = (of["linearity_4"] < self.delta_near) & (of["linearity_32"] > self.delta_far)
        off = (of["path_detour"] > 0.5) | (of["across_8"] > self.delta_across)
        calm = (of["energy_32"] < self.delta_energy) & (of["small_32"] < self.delta_spray)
        found: Mask = (of["cluster_length"] >= self.delta_host) & (beside | (bent & off & calm))
        return found

    def _michel(self, of: Mapping[str, NDArray[np.float32]]) -> Mask:
        at_end = (of["path_near"] < self.michel_range) & (of["path_far"] > self.michel_track)
        after_peak = (of["path_beyond"] > 1.0) & (of["path_hot"] < self.michel_range)
        thin = (of["path_near_density"] < self.michel_density) & (of["count_16"] < self.michel_crowd)
        turning = of["linearity_32"] < self.michel_turn
        found: Mask = at_end & after_peak & thin & turning & (of["energy_32"] < self.michel_energy)
        return found
