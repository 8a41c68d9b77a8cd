"""What the columns of `reco_particles`, `reco_interactions` and `reco_fragments` mean."""

from __future__ import annotations

from collections.abc import Mapping

from nuforge.events import Column
from nuforge.reconstruction.hypotheses import HYPOTHESES

_FOUR = ", ".join(HYPOTHESES[:-1]) + " and " + HYPOTHESES[-1]


def _of(unit: str, meaning: str, refers_to: str | None = None) -> Column:
    return Column(unit, meaning, "prediction", refers_to)


PARTICLES: Mapping[str, Column] = {
    "kind": _of("", "class of its voxels: 0 shower, 1 track, 2 Michel, 3 delta, 4 low-energy"),
    "pid": _of("", "0 photon, 1 electron, 2 muon, 3 pion, 4 proton, -1 unknown"),
    "primary": _of("", "1 if it left the vertex, 0 if not, -1 unknown"),
    "interaction": _of("", "its interaction, -1 for none", "reco_interactions"),
    "voxels": _of("", "number of its voxels"),
    "energy": _of("MeV", "sum of its voxels"),
    "start": _of("cm", "where it starts; NaN if unknown"),
    "end": _of("cm", "where a track ends; NaN for others"),
    "start_direction": _of("", "unit vector of travel at the start; NaN below two voxels"),
    "end_direction": _of("", "unit vector of travel at the end of a track; NaN for others and below two voxels"),
    "length": _of("cm", "length of a track along its path; NaN for others"),
    "length_error": _of("cm", "its standard error"),
    "wall_distance": _of("cm", "least distance of its voxels to a wall of the detector's volumes"),
    "contained": _of("", "whether all of it is farther from the walls than the margin"),
    "stops": _of(
        "", "whether a track's end is farther from the walls than the margin; stop_probability says if it stopped"
    ),
    "range_momentum": _of("MeV", f"momentum of {_FOUR} of its length; NaN unless it is a track that stops"),
    "range_momentum_error": _of("MeV", "its standard error: straggling and length"),
    "scattering_momentum": _of("MeV", f"momentum of {_FOUR} from multiple scattering; NaN below four pieces of 14 cm"),
    "scattering_momentum_low": _of("MeV", "lower end of its 68 % interval"),
    "scattering_momentum_high": _of("MeV", "upper end of its 68 % interval, infinite above 10 GeV"),
    "calorimetric_energy": _of("MeV", "kinetic energy it left here, by charge; NaN for delta and low-energy"),
    "calorimetric_energy_error": _of("MeV", "its standard error"),
    "stopping_chi2": _of("", f"chi^2 per step of dE/dx against residual range of {_FOUR}; NaN as range_momentum"),
    "stopping_steps": _of("", "steps of 1 cm that it has seen"),
    "start_stopping_power": _of("MeV/cm", "dE/dx of its first 3 cm, by charge, as minimum ionising; NaN without start"),
    "stop_probability": _of(
        "", f"probability that a track's {_FOUR} stopped where it ends, by dE/dx and its length; NaN if it is no track"
    ),
    "open_end_momentum": _of(
        "MeV", f"momentum of {_FOUR} whose dE/dx this is, wherever it would have stopped; NaN without steps"
    ),
    "open_end_momentum_low": _of("MeV", "lower end of its 68 % interval, that of the length if it may have stopped"),
    "open_end_momentum_high": _of("MeV", "upper end of its 68 % interval, infinite if dE/dx does not limit it"),
    "kinetic_energy": _of(
        "MeV",
        "best of range, dE/dx, scattering, charge for its pid (unknown: muon); NaN if nothing limits it: a track that "
        "did not stop, has no scattering_momentum, and is a muon or has an open_end_momentum without upper end",
    ),
    "kinetic_energy_error": _of("MeV", "half its 68 % interval"),
    "kinetic_energy_low": _of("MeV", "lower end of its 68 % interval"),
    "kinetic_energy_high": _of("MeV", "upper end of its 68 % interval"),
    "momentum": _of("MeV", "momentum at the start, of kinetic_energy and start_direction"),
    "muon": _of("", "of a Michel electron, the track at whose end it lies, -1 for none", "reco_particles"),
    "has_michel": _of("", "whether a Michel electron lies at the end of this track"),
}

INTERACTIONS: Mapping[str, Column] = {
    "vertex": _of("cm", "where its primaries come from; NaN without primaries"),
    "vertex_error": _of("cm", "standard errors along x, y, z"),
    "particles": _of("", "number of its particles"),
    "primaries": _of("", "number of its primaries"),
    "contained": _of("", "whether all its particles are contained"),
    "energy": _of("MeV", "sum of its voxels"),
    "calorimetric_energy": _of("MeV", "sum of the calorimetric energies of its particles, those unknown left out"),
}

FRAGMENTS: Mapping[str, Column] = {
    "kind": _of("", "class of most of its voxels, low-energy ones aside, -1 unknown"),
    "voxels": _of("", "number of its voxels"),
    "energy": _of("MeV", "sum of its voxels"),
    "particle": _of("", "the particle of most of its voxels, -1 for none", "reco_particles"),
    "starts_shower": _of("", "probability that its particle, a shower, starts in it, NaN in no shower"),
}

OF_VOXELS: Mapping[str, Column] = {
    "reco_particle": _of("", "the reconstructed particle, -1 for none", "reco_particles"),
    "reco_fragment": _of("", "the fragment, -1 for none", "reco_fragments"),
}
