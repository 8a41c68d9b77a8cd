"""Geant4's data sets: whether the user has them, and what Geant4 is told when they are not there."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

from nuforge.errors import InputError

VARIABLE = "GEANT4_DATA_DIR"
"""The environment variable that names the folder of the data sets."""

_NEEDED = {
    "G4LEDATA": "G4EMLOW",
    "G4PARTICLEXSDATA": "G4PARTICLEXS",
    "G4LEVELGAMMADATA": "PhotonEvaporation",
    "G4ENSDFSTATEDATA": "G4ENSDFSTATE",
    "G4SAIDXSDATA": "G4SAIDDATA",
}
"""What the standard physics list reads: variable, and how the folder's name begins."""

_OTHERS = (
    "G4RADIOACTIVEDATA",
    "G4NEUTRONHPDATA",
    "G4PIIDATA",
    "G4ABLADATA",
    "G4INCLDATA",
    "G4REALSURFACEDATA",
    "G4CHANNELINGDATA",
)
"""Variables that Geant4 looks at and this engine does not need."""


def data_folders() -> Mapping[str, Path]:
    """The folders of the user's data sets by Geant4's variables; empty where `GEANT4_DATA_DIR` is not set.

    Raises:
        InputError: If the variable is set and a data set that the physics needs is not there.
    """
    home = os.environ.get(VARIABLE)
    if not home:
        return {}
    found = {variable: sorted(Path(home).expanduser().glob(f"{name}[0-9]*")) for variable, name in _NEEDED.items()}
    missing = [_NEEDED[variable] for variable, folders in found.items() if not folders]
    if missing:
        raise InputError(
            f"{VARIABLE} is {home}, where the Geant4 data sets {missing} are missing; "
            "install them there, or unset it to use models that need none"
        )
    return {variable: folders[-1] for variable, folders in found.items()}


class WithoutDataSetsWarning(UserWarning):
    """Geant4 runs with models that need no data sets."""


def warn_without_data_sets() -> None:
    """A warning if there are no data sets; from the main process alone, and so once."""
    if multiprocessing.parent_process() is None and not data_folders():
        text = f"{VARIABLE} is not set: Geant4 uses models that need no data sets, without neutron capture"
        warnings.warn(text, WithoutDataSetsWarning, stacklevel=1)


def physics_name() -> str:
    """What makes the events: Geant4's version and its data sets, for provenance."""
    folders = data_folders()
    if folders:
        return f"geant4-pybind 0.1.3, FTFP_BERT, {', '.join(sorted(f.name for f in folders.values()))}"
    return "geant4-pybind 0.1.3, models that need no data sets"


def environment(folder: Path) -> dict[str, str]:
    """The variables for a Geant4 process: the user's data sets, or empty ones, which keep Geant4 quiet.

    Args:
        folder: Where the empty ones are made.
    """
    folders = data_folders()
    if folders:
        return {variable: str(path) for variable, path in folders.items()}
    empty = {}
    for variable in (*_NEEDED, *_OTHERS):
        path = folder / variable
        path.mkdir(parents=True, exist_ok=True)
        empty[variable] = str(path)
    (folder / "G4ENSDFSTATEDATA" / "ENSDFSTATE.dat").touch()
    return {VARIABLE: str(folder), **empty}
