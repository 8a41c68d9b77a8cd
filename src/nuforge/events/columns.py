"""What the columns of the standard tables mean: unit, meaning, role, and which table an index column numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Role = Literal["readout", "truth", "prediction"]


@dataclass(frozen=True)
class Column:
    """What a column is.

    Args:
        unit: Its unit, "" for none.
        meaning: Its meaning in a few words.
        role: Who may see it.
        refers_to: The table whose rows it numbers, if it is an index.
        names: Names of its values 0, 1, ..., if they stand for something; "" for a number that stands for nothing.
    """

    unit: str
    meaning: str
    role: Role
    refers_to: str | None = None
    names: tuple[str, ...] = ()


def _truth(unit: str, meaning: str, refers_to: str | None = None) -> Column:
    return Column(unit, meaning, "truth", refers_to)


def _readout(unit: str, meaning: str, refers_to: str | None = None) -> Column:
    return Column(unit, meaning, "readout", refers_to)


STANDARD: Mapping[str, Mapping[str, Column]] = MappingProxyType(
    {
        "event": {
            "source": _readout("", "hash of the identity of the sample or file"),
            "run": _readout("", "run number, or shard number of a simulated sample"),
            "subrun": _readout("", "subrun number"),
            "event": _readout("", "event number"),
            "variation": _readout("", "0 nominal, else which systematic copy of the same event"),
            "weight": _truth("", "event weight"),
        },
        "segments": {
            "start": _truth("cm", "where the deposit begins"),
            "end": _truth("cm", "where the deposit ends"),
            "time": _truth("ns", "when, at its middle"),
            "energy": _truth("MeV", "energy deposited"),
            "length": _truth("cm", "path length, not less than the distance of start and end"),
            "particle": _truth("", "who deposited it", "particles"),
        },
        "particles": {
            "pdg": _truth("", "PDG Monte Carlo number"),
            "parent": _truth("", "its parent, -1 for a primary", "particles"),
            "process": _truth("", "how it began (nuforge.events.process.Process)"),
            "start": _truth("cm", "where it began"),
            "time": _truth("ns", "when it began"),
            "momentum": _truth("MeV", "momentum at its start"),
            "escaped": _truth("MeV", "kinetic energy with which it left the detector's volume, -1 if it did not"),
            "interaction": _truth("", "the interaction it comes from", "interactions"),
        },
        "interactions": {
            "vertex": _truth("cm", "position"),
            "time": _truth("ns", "time"),
            "neutrino": _truth("", "PDG number of the neutrino, 0 for none"),
            "mode": _truth("", "interaction mode (NuHepMC E.C.1), 0 for none"),
        },
        "voxels": {
            "index": _readout("", "voxel number along x, y, z: floor((x - origin) / size)"),
            "value": _readout("MeV", "energy, corrected for the mean loss of charge"),
            "label": _truth("", "class: 0 shower, 1 track, 2 Michel, 3 delta, 4 low-energy, -1 unknown"),
            "particle": _truth("", "the particle that gave most of its energy", "particles"),
            "deposit": _truth("", "the head of the deposit of its class that gave most", "particles"),
            "fragment": _truth("", "the connected piece of its deposit, -1 for low-energy", "fragments"),
            "kind": _readout("", "class as an earlier stage has it: 0 shower to 4 low-energy"),
            "cluster": _readout("", "cluster that an earlier stage put it in, -1 for none", "clusters"),
        },
        "fragments": {
            "label": _truth("", "class: 0 shower, 1 track, 2 Michel, 3 delta"),
            "particle": _truth("", "the head of its deposit", "particles"),
            "start": _truth("", "whether it holds the start of its deposit"),
            "end": _truth("", "whether it holds the end of its track"),
            "first": _truth("cm", "where its first energy was deposited"),
            "last": _truth("cm", "where the track particle left its last energy in it; `first` if there is no track"),
        },
        "points": {
            "position": _truth("cm", "where"),
            "label": _truth("", "class: 0 shower, 1 track, 2 Michel, 3 delta"),
            "particle": _truth("", "the head of its deposit", "particles"),
            "end": _truth("", "whether it is the end of a track and not a start"),
        },
        "clusters": {
            "kind": _readout("", "class: 0 shower, 1 track, 2 Michel, 3 delta"),
            "start": _readout("cm", "where it begins"),
            "end": _readout("cm", "where it ends, its start if it has no end"),
            "group": _truth("", "number in its event of the true group it belongs to, -1 unknown"),
            "primary": _truth("", "1 primary, 0 not, -1 unknown"),
            "pid": _truth("", "0 photon, 1 electron, 2 muon, 3 pion, 4 proton, -1 other or unknown"),
        },
        "truth_links": {
            "row": _truth("", "the voxel", "voxels"),
            "particle": _truth("", "a particle that gave energy to it", "particles"),
            "fraction": _truth("", "the fraction of the energy that it gave"),
        },
        "hits": {
            "position": _readout("cm", "where"),
            "time": _readout("ns", "when"),
            "charge": _readout("", "charge in units of the sensor"),
            "sensor": _readout("", "sensor number"),
        },
        "pixels": {
            "view": _readout("", "view number"),
            "row": _readout("", "row of the pixel map"),
            "column": _readout("", "column of the pixel map"),
            "charge": _readout("", "charge in units of the readout"),
        },
        "waveforms": {
            "adc": _readout("", "samples in ADC counts"),
            "channel": _readout("", "channel number"),
            "start": _readout("ns", "time of the first sample"),
        },
    }
)
"""The standard tables. A column that is not here is described by whoever makes it."""
