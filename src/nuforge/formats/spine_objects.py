"""SPINE's classes of objects: which of their fields NuForge fills from its tables, and which it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuforge.events import Column, Events, Table
from nuforge.physics.particles import MASSES

PREFIX = "nuforge_"
"""Fields and products with it are NuForge's own."""

_SHAPE = h5py.enum_dtype(
    {"UNKNOWN": -1, "SHOWER": 0, "TRACK": 1, "MICHEL": 2, "DELTA": 3, "LOWE": 4, "GHOST": 5, "LARCV_UNKNOWN": 6},
    basetype=np.int64,
)
_PID = h5py.enum_dtype(
    {"UNKNOWN": -1, "PHOTON": 0, "ELECTRON": 1, "MUON": 2, "PION": 3, "PROTON": 4, "KAON": 5}, basetype=np.int64
)
_ENUMS = {"shape": _SHAPE, "pid": _PID, "chi2_pid": _PID}
PDG_OF_PID = np.array([22, 11, 13, 211, 2212, 321, -1])
MASS_OF_PID = np.array([MASSES[int(number)] for number in PDG_OF_PID[:-1]] + [np.nan])
_TAGS = ("g", "e", "mu", "pi", "p", "ka")
_HYPOTHESES = (2, 3, 5, 4)  # SPINE's numbers of muon, pion, kaon, proton

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Pool:
    """Fields of objects that are lists of one type (or strings, as bytes), for all objects.

    Args:
        kind: "array" or "string".
        dtype: Of the values.
        fields: Names.
        values: Of each field, all values, object after object.
        sizes: Of each field, how many values each object has (C,).
    """

    kind: str
    dtype: np.dtype[Any]
    fields: Sequence[str]
    values: Sequence[NDArray[Any]]
    sizes: Sequence[NDArray[np.int64]]

    def interleaved(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """All values, object after object and field after field, and the offsets (C, F + 1) of an object's fields."""
        size = np.stack(self.sizes, axis=1)
        end = np.cumsum(size).reshape(size.shape)
        start = end - size
        out = np.zeros(int(size.sum()), self.dtype)
        for f, (values, own) in enumerate(zip(self.values, self.sizes, strict=True)):
            out[np.repeat(start[:, f] - (np.cumsum(own) - own), own) + np.arange(own.sum())] = values
        return out, np.concatenate([start[:, :1], end], axis=1) if len(size) else np.zeros(
            (0, 1 + size.shape[1]), np.int64
        )


@dataclass(frozen=True)
class Objects:
    """Objects of one product: `fixed` fields (C, ...) and `pools`, with the objects of each event (B,)."""

    name: str
    class_name: str
    counts: NDArray[np.int64]
    fixed: Mapping[str, NDArray[Any]]
    pools: Sequence[Pool] = ()
    scalar: bool = False
    description: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.counts.sum())

    @property
    def types(self) -> dict[str, tuple[Any, tuple[int, ...]]]:
        """Type and shape of each fixed field."""
        return {name: (_ENUMS.get(name, values.dtype), values.shape[1:]) for name, values in self.fixed.items()}


def objects_of(events: Events) -> list[Objects]:
    """The products of objects of some events that were reconstructed."""
    found = [_run_info(events["event"]), _particles(events), _interactions(events)]
    if "reco_fragments" in events:
        found.append(_fragments(events))
    return found


def local(index: Tensor, table: Table, target: Table) -> NDArray[np.int64]:
    """Rows of a target in the batch (N,) as numbers within the event, -1 staying -1."""
    return torch.where(index < 0, index, index - target.offsets[:-1][table.batch]).numpy()


def _own(events: Events, name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """All columns of a table as own fields, indices within the event, and what they mean."""
    table = events[name]
    fields, description = {}, {}
    for column in table:
        target = table.refers_to.get(column)
        if target is not None and target not in events:
            continue
        values = table[column]
        fields[PREFIX + column] = values.numpy() if target is None else local(values, table, events[target])
        about = table.about[column]
        description[column] = {"unit": about.unit, "meaning": about.meaning, "role": about.role, "refers_to": target}
    return fields, description


def members_of(voxels: Table, owner: Tensor, n: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Voxels of n objects, numbers within the event, object after object, and how many each has."""
    rows = (owner >= 0).nonzero().flatten()
    rows = rows[owner[rows].argsort(stable=True)]
    number = rows - voxels.offsets[:-1][voxels.batch[rows]]
    return number.numpy().astype(np.int32), np.bincount(owner[rows].numpy(), minlength=n).astype(np.int64)


def _children(
    parent: NDArray[np.int64], number: NDArray[np.int64], n: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Numbers (within the event) of the children of n objects, object after object, and how many each has."""
    rows = np.flatnonzero(parent >= 0)
    rows = rows[np.argsort(parent[rows], kind="stable")]
    return number[rows].astype(np.int32), np.bincount(parent[rows], minlength=n).astype(np.int64)


def numbers_of(table: Table) -> NDArray[np.int64]:
    """The number of each row within its event."""
    return (torch.arange(len(table)) - table.offsets[:-1][table.batch]).numpy()


def lists(**lists: tuple[NDArray[Any], NDArray[np.int64]]) -> Pool:
    return Pool(
        "array", np.dtype(np.int32), list(lists), [v for v, _ in lists.values()], [s for _, s in lists.values()]
    )


def strings(n: int, **texts: Sequence[str]) -> Pool:
    """Strings as bytes; `units` of all objects are cm."""
    texts = {"units": ["cm"] * n, **texts}
    encoded = {name: [t.encode() for t in text] for name, text in texts.items()}
    values = [np.frombuffer(b"".join(text), np.uint8) for text in encoded.values()]
    sizes = [np.array([len(t) for t in text], np.int64).reshape(n) for text in encoded.values()]
    return Pool("string", np.dtype(np.uint8), list(texts), values, sizes)


def _column(table: Table, name: str) -> NDArray[Any]:
    """A column in double precision, NaN if it is not there."""
    return table[name].double().numpy() if name in table else np.full(len(table), np.nan)


def _vector(table: Table, name: str) -> NDArray[np.float32]:
    return table[name].float().numpy() if name in table else np.full((len(table), 3), np.nan, np.float32)


def _flag(table: Table, name: str) -> NDArray[np.bool_]:
    return (table[name] == 1).numpy() if name in table else np.zeros(len(table), np.bool_)


def _run_info(event: Table) -> Objects:
    fixed = {name: event[name].numpy() for name in ("run", "subrun", "event")}
    fixed |= {PREFIX + name: event[name].numpy() for name in ("source", "variation", "weight") if name in event}
    return Objects("run_info", "RunInfo", event.counts.numpy(), fixed, scalar=True)


def _per_hypothesis(momentum: NDArray[np.float64]) -> NDArray[np.float32]:
    """Kinetic energies (C, 6) by SPINE's numbers of momenta (C, 4) of muon, pion, kaon, proton."""
    out = np.full((len(momentum), 6), np.nan, np.float32)
    mass = MASS_OF_PID[list(_HYPOTHESES)]
    out[:, _HYPOTHESES] = np.sqrt(momentum**2 + mass**2) - mass
    return out


def _four(table: Table, name: str) -> NDArray[np.float64]:
    return table[name].double().numpy() if name in table else np.full((len(table), 4), np.nan)


def _particles(events: Events) -> Objects:
    table, voxels = events["reco_particles"], events["voxels"]
    n, own = len(table), _own(events, "reco_particles")
    members = members_of(voxels, voxels["reco_particle"], n)
    pid = table["pid"].numpy()
    hypothesis = np.select([pid == 3, pid == 4], [3, 4], 2)
    chi2 = _chi2(table)
    by_range, by_scattering = (_per_hypothesis(_four(table, f"{k}_momentum")) for k in ("range", "scattering"))
    kinetic, momentum = _column(table, "kinetic_energy"), _vector(table, "momentum")
    fragments, rows = _fragments_of(events, n), np.arange(n)
    fixed = {
        "is_truth": np.zeros(n, np.bool_),
        "id": numbers_of(table),
        "is_contained": _flag(table, "contained"),
        "interaction_id": local(table["interaction"], table, events["reco_interactions"]),
        "chi2_pid": np.where(np.isnan(chi2).all(1), -1, np.where(np.isnan(chi2), np.inf, chi2).argmin(1)),
        "is_primary": _flag(table, "primary"),
        "is_valid": np.ones(n, np.bool_),
        "length": _column(table, "length"),
        "calo_ke": _column(table, "calorimetric_energy"),
        "csda_ke": by_range[rows, hypothesis].astype(np.float64),
        "mcs_ke": by_scattering[rows, hypothesis].astype(np.float64),
        "shape": table["kind"].numpy(),
        "pid": pid,
        "start_point": _vector(table, "start"),
        "end_point": _vector(table, "end"),
        "chi2_per_pid": chi2,
        "csda_ke_per_pid": by_range,
        "mcs_ke_per_pid": by_scattering,
        "start_dedx": _column(table, "start_stopping_power"),
        "start_dir": _vector(table, "start_direction"),
        "end_dir": _vector(table, "end_direction"),
        "pdg_code": PDG_OF_PID[pid],
        "mass": MASS_OF_PID[pid],
        "ke": kinetic,
        "momentum": momentum,
        "p": np.linalg.norm(momentum.astype(np.float64), axis=1),
        "num_fragments": fragments[1],
        "size": members[1],
        "depositions_sum": _column(table, "energy"),
    }
    if "pid_probability" in table:
        fixed["pid_scores"] = _scores(table["pid_probability"].numpy())
    pools = [strings(n), lists(index=members, fragment_ids=fragments)]
    return Objects("reco_particles", "RecoParticle", table.counts.numpy(), fixed | own[0], pools, description=own[1])


def _chi2(table: Table) -> NDArray[np.float32]:
    """chi^2 (C, 6) by SPINE's numbers, NaN for those that are no hypotheses."""
    chi2 = np.full((len(table), 6), np.nan, np.float32)
    chi2[:, _HYPOTHESES] = _four(table, "stopping_chi2")
    return chi2


def _scores(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities (C, K) of the first of SPINE's six numbers as (C, 6)."""
    scores = np.zeros((len(probability), 6), np.float32)
    scores[:, : probability.shape[1]] = probability
    return scores


def _fragments_of(events: Events, n: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Numbers of the fragments of n particles, as `_children`; none where there are no fragments."""
    if "reco_fragments" not in events:
        return np.zeros(0, np.int32), np.zeros(n, np.int64)
    pieces = events["reco_fragments"]
    return _children(pieces["particle"].numpy(), numbers_of(pieces), n)


def _interactions(events: Events) -> Objects:
    table, particles, voxels = events["reco_interactions"], events["reco_particles"], events["voxels"]
    n, own = len(table), _own(events, "reco_interactions")
    parent, number = particles["interaction"].numpy(), numbers_of(particles)
    primary, pid = _flag(particles, "primary"), particles["pid"].numpy()
    owner = voxels["reco_particle"]
    of_voxel = torch.where(owner < 0, -1, particles["interaction"][owner.clamp(min=0)]) if len(particles) else owner
    members = members_of(voxels, of_voxel, n)
    children = _children(parent, number, n)
    primaries = _children(np.where(primary, parent, -1), number, n)
    counts, primary_counts = (_counts(parent, pid, mask, n) for mask in (parent >= 0, (parent >= 0) & primary))
    fixed = {
        "is_truth": np.zeros(n, np.bool_),
        "id": numbers_of(table),
        "is_contained": _flag(table, "contained"),
        "vertex": _vector(table, "vertex"),
        "num_particles": children[1],
        "num_primary_particles": primaries[1],
        "particle_counts": counts,
        "primary_particle_counts": primary_counts,
        "size": members[1],
        "depositions_sum": _column(table, "energy"),
    }
    pools = [
        strings(n, topology=_topologies(primary_counts)),
        lists(index=members, particle_ids=children, primary_particle_ids=primaries),
    ]
    return Objects(
        "reco_interactions", "RecoInteraction", table.counts.numpy(), fixed | own[0], pools, description=own[1]
    )


def _counts(parent: NDArray[np.int64], pid: NDArray[np.int64], mask: NDArray[np.bool_], n: int) -> NDArray[np.int32]:
    """Particles of each identification (n, 6) of n interactions."""
    kept = mask & (pid >= 0)
    return np.bincount(parent[kept] * 6 + pid[kept], minlength=6 * n).reshape(n, 6).astype(np.int32)


def _topologies(counts: NDArray[np.int32]) -> list[str]:
    """SPINE's word for the primaries of each interaction, as "1mu2p"."""
    kinds, which = np.unique(counts, axis=0, return_inverse=True) if len(counts) else (counts, np.zeros(0, np.int64))
    words = ["".join(f"{k}{tag}" for k, tag in zip(kind, _TAGS, strict=True) if k) for kind in kinds]
    return [words[i] for i in which.reshape(-1)]


def _fragments(events: Events) -> Objects:
    table, voxels, particles = events["reco_fragments"], events["voxels"], events["reco_particles"]
    n, own = len(table), _own(events, "reco_fragments")
    members = members_of(voxels, voxels["reco_fragment"], n)
    particle = table["particle"]
    interaction = (
        torch.where(particle < 0, -1, particles["interaction"][particle.clamp(min=0)]) if len(particles) else particle
    )
    fixed = {
        "is_truth": np.zeros(n, np.bool_),
        "id": numbers_of(table),
        "particle_id": local(particle, table, particles),
        "interaction_id": local(interaction, table, events["reco_interactions"]),
        "is_primary": np.zeros(n, np.bool_),
        "shape": table["kind"].numpy(),
        "size": members[1],
        "depositions_sum": _column(table, "energy"),
    }
    pools = [strings(n), lists(index=members)]
    return Objects("reco_fragments", "RecoFragment", table.counts.numpy(), fixed | own[0], pools, description=own[1])


_READ: Mapping[str, Mapping[str, tuple[str, Column]]] = {
    "reco_particles": {
        "kind": ("shape", Column("", "class: 0 shower, 1 track, 2 Michel, 3 delta, 4 low-energy", "prediction")),
        "pid": ("pid", Column("", "0 photon, 1 electron, 2 muon, 3 pion, 4 proton, 5 kaon, -1 unknown", "prediction")),
        "primary": ("is_primary", Column("", "1 if it left the vertex, 0 if not", "prediction")),
        "interaction": ("interaction_id", Column("", "its interaction", "prediction", "reco_interactions")),
        "start": ("start_point", Column("cm", "where it starts", "prediction")),
        "end": ("end_point", Column("cm", "where a track ends", "prediction")),
        "start_direction": ("start_dir", Column("", "unit vector of travel at the start", "prediction")),
        "end_direction": ("end_dir", Column("", "unit vector of travel at the end", "prediction")),
        "length": ("length", Column("cm", "length of a track", "prediction")),
        "contained": ("is_contained", Column("", "whether it is contained", "prediction")),
        "calorimetric_energy": ("calo_ke", Column("MeV", "kinetic energy by charge", "prediction")),
        "kinetic_energy": ("ke", Column("MeV", "best kinetic energy", "prediction")),
        "momentum": ("momentum", Column("MeV", "momentum at the start", "prediction")),
    },
    "reco_interactions": {
        "vertex": ("vertex", Column("cm", "vertex", "prediction")),
        "contained": ("is_contained", Column("", "whether all its particles are contained", "prediction")),
    },
    "reco_fragments": {
        "kind": ("shape", Column("", "class of its voxels", "prediction")),
        "particle": ("particle_id", Column("", "its particle", "prediction", "reco_particles")),
    },
}


def standard_columns(name: str, rows: NDArray[Any]) -> tuple[dict[str, Tensor], dict[str, Column]]:
    """Columns of a table, and what they mean, from the fields of SPINE's own files."""
    columns, about = {}, {}
    for column, (source, meaning) in _READ[name].items():
        if source in (rows.dtype.names or ()):
            values = rows[source].copy()
            if column == "primary":
                values = values.astype(np.int64)
            columns[column], about[column] = torch.from_numpy(values), meaning
    return columns, about
