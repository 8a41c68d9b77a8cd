"""From clusters to particles and interactions, with units and uncertainties."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from nuforge.detectors import TimeProjectionChamber
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.reconstruction.calorimetry import michel_energy, shower_energy
from nuforge.reconstruction.clusters import Clusters, clusters_of
from nuforge.reconstruction.columns import OF_VOXELS, PARTICLES
from nuforge.reconstruction.containment import MARGIN, least_wall_distance
from nuforge.reconstruction.energies import best_energies
from nuforge.reconstruction.fragments import fragments_of
from nuforge.reconstruction.interactions import interaction_numbers, interactions_of
from nuforge.reconstruction.michel import tracks_of_michels
from nuforge.reconstruction.open_end import OpenEnds
from nuforge.reconstruction.showers import start_directions, start_energy
from nuforge.reconstruction.tracks import track_columns
from nuforge.simulation.truth.classes import VoxelClass

_CARRIED = ("pid_probability", "primary_probability", "group_probability")


def reconstruct(events: Events, detector: TimeProjectionChamber, margin: float = MARGIN) -> Events:
    """Events with `reco_particles`, `reco_interactions`, `voxels.reco_particle` and, if there, fragments.

    One particle a cluster, in the order of `clusters`. What cannot be known is NaN or -1; the columns' meanings say
    when. The columns are described in `nuforge.reconstruction.columns`. Paths and ranges are worked out on the CPU,
    wherever the events are; what is found is put where they are.

    Args:
        events: With `voxels` (index, value, cluster; and reco_fragment, numbers inside the event, for fragments) and
            `clusters` (kind; and start (cm), pid, primary and group, the number of the interaction inside the
            event, if they are known).
        detector: Voxel size, walls, material, recombination and field.
        margin: cm from a wall within which a particle may have left.

    Raises:
        InputError: If a table or column is missing, or a cluster is of no class.
    """
    _check(events, margin)
    here = events.to("cpu")
    table = here["clusters"]
    clusters = clusters_of(here, detector)
    unknown = torch.full((len(table),), -1)
    kind = table["kind"]
    pid, primary, group = (table.columns.get(name, unknown) for name in ("pid", "primary", "group"))
    columns, ends = _columns(clusters, table, kind, detector, margin)
    is_track, is_michel = kind == VoxelClass.TRACK, kind == VoxelClass.MICHEL
    muon = tracks_of_michels(clusters, is_michel, is_track, columns["end"], columns["length"], table.offsets)
    has_michel = torch.zeros(len(table), dtype=torch.bool)
    has_michel[muon[muon >= 0]] = True
    columns |= best_energies(columns, ends, pid, is_track, (kind == VoxelClass.SHOWER) | is_michel)
    interaction, counts = interaction_numbers(group, table)
    columns |= {"kind": kind, "pid": pid, "primary": primary, "interaction": interaction}
    columns |= {"muon": muon, "has_michel": has_michel}
    interactions = interactions_of(columns, counts)
    return _with_tables(here, columns, interactions).to(events.device)


def _check(events: Events, margin: float) -> None:
    """Refuse events without the columns that are needed."""
    for name, needed in (("voxels", ("index", "value", "cluster")), ("clusters", ("kind",))):
        missing = [column for column in needed if name not in events or column not in events[name]]
        if missing:
            raise InputError(
                f"reconstruction needs {missing} of table '{name}', which is not there; cluster the voxels first"
            )
    kind = events["clusters"]["kind"]
    if len(kind) and not bool(((kind >= 0) & (kind < len(VoxelClass))).all()):
        raise InputError(
            f"kind of a cluster must be 0 to {len(VoxelClass) - 1}, got {torch.unique(kind).tolist()}; drop the others"
        )
    if not margin >= 0:
        raise InputError(f"margin must not be negative (cm), got {margin}; {MARGIN} is five voxels of 0.3 cm")


def _columns(
    clusters: Clusters, table: Table, kind: Tensor, detector: TimeProjectionChamber, margin: float
) -> tuple[dict[str, Tensor], OpenEnds]:
    """Columns of all clusters but the energies that depend on several of them, and what is known of tracks' ends."""
    n = len(clusters)
    nowhere = torch.full((n, 3), torch.nan, dtype=torch.float64)
    given = table["start"].double() if "start" in table else nowhere
    is_track, is_shower = kind == VoxelClass.TRACK, kind == VoxelClass.SHOWER
    columns, ends = track_columns(clusters.of(is_track), given, detector, margin)
    total = clusters.total(clusters.value)
    start = torch.where(is_track[:, None], columns["start"], given)
    direction = torch.where(is_track[:, None], columns["start_direction"], start_directions(clusters, start))
    wall = least_wall_distance(clusters, detector)
    columns |= {"start": start, "start_direction": direction, "wall_distance": wall, "contained": wall > margin}
    for name, of_shower, of_michel in zip(
        ("calorimetric_energy", "calorimetric_energy_error"), shower_energy(total), michel_energy(total), strict=True
    ):
        others = torch.where(kind == VoxelClass.MICHEL, of_michel, torch.nan)
        columns[name] = torch.where(is_track, columns[name], torch.where(is_shower, of_shower, others))
    columns["start_stopping_power"] = start_energy(clusters, start, direction)
    columns["voxels"], columns["energy"] = clusters.counts, total
    columns["stops"] = columns["stops"] & is_track
    return columns, ends


def _with_tables(events: Events, columns: Mapping[str, Tensor], interactions: Table) -> Events:
    """Events with the tables of the reconstruction."""
    table, voxels = events["clusters"], events["voxels"]
    carried = {name: table[name] for name in _CARRIED if name in table}
    about = {**PARTICLES, **{name: table.about[name] for name in carried}}
    rounded = {name: _single(columns[name]) for name in PARTICLES} | carried
    particles = Table(rounded, table.offsets, about=about)
    new: dict[str, Tensor] = {"reco_particle": voxels["cluster"]}
    tables = {**events.tables, "reco_particles": particles, "reco_interactions": interactions}
    described: dict[str, Column] = {"reco_particle": OF_VOXELS["reco_particle"]}
    if "reco_fragment" in voxels:
        new["reco_fragment"], tables["reco_fragments"] = fragments_of(voxels, particles)
        described["reco_fragment"] = OF_VOXELS["reco_fragment"]
    tables["voxels"] = voxels.with_columns(new, about=described)
    return Events(tables)


def _single(column: Tensor) -> Tensor:
    """Numbers in single precision."""
    return column.float() if column.is_floating_point() else column
