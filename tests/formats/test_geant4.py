import numpy as np
import pytest

from nuforge.events import Process
from nuforge.formats.geant4 import ATOMIC_MASS_UNIT, masses, process_of_name, processes_of_names, processes_of_subtypes


@pytest.mark.parametrize(
    ("name", "process"),
    [
        ("primary", Process.PRIMARY),
        ("Decay", Process.DECAY),
        ("muIoni", Process.IONISATION),
        ("eBrem", Process.BREMSSTRAHLUNG),
        ("conv", Process.PAIR_PRODUCTION),
        ("compt", Process.COMPTON),
        ("phot", Process.PHOTOELECTRIC),
        ("annihil", Process.ANNIHILATION),
        ("CoulombScat", Process.ELASTIC),
        ("hadElastic", Process.ELASTIC),
        ("neutronInelastic", Process.INELASTIC),
        ("pi-Inelastic", Process.INELASTIC),
        ("anti_protonInelastic", Process.INELASTIC),
        ("hBertiniCaptureAtRest", Process.CAPTURE),
        ("nCapture", Process.NEUTRON_CAPTURE),
        ("somethingNew", Process.UNKNOWN),
    ],
)
def test_names_whole_or_cut_to_16_characters_are_known(name, process):
    assert process_of_name(name) == process
    assert process_of_name(name[:16]) == process


def test_electrons_of_a_muon_at_rest_are_of_its_bound_decay_above_the_auger_energies():
    names = np.array([b"muMinusCaptureAt"] * 4)
    codes = processes_of_names(names, np.array([11, 11, 22, 2112]), np.array([30.0, 0.5, 3.0, 5.0]))
    assert codes.tolist() == [Process.DECAY, Process.CAPTURE, Process.CAPTURE, Process.CAPTURE]


def test_subtypes_are_known_and_primaries_have_none():
    codes = processes_of_subtypes(np.array([0, 2, 13, 201, 999]), np.array([True, False, False, False, False]))
    expected = [Process.PRIMARY, Process.IONISATION, Process.COMPTON, Process.DECAY, Process.UNKNOWN]
    assert codes.tolist() == expected


def test_masses_are_those_of_the_particle_data_group_and_of_nuclei_in_atomic_mass_units():
    known = masses(np.array([11, 13, 22, 2212, 1000180400, 1000990400]))
    assert known[:4] == pytest.approx([0.51099895, 105.6583755, 0.0, 938.272088], rel=1e-7)
    assert known[4] == pytest.approx(39.962383 * ATOMIC_MASS_UNIT - 18 * 0.51099895, rel=1e-7)  # AME2020, no electrons
    assert known[5] == pytest.approx(40 * ATOMIC_MASS_UNIT - 99 * 0.51099895)
    assert np.isnan(masses(np.array([987654]))).all()
