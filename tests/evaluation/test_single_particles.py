"""Figures of single particles and of their secondaries, on events written by hand."""

import numpy as np
import pytest
import torch

from nuforge.evaluation.secondaries import EDGES, KINDS, deposits_by_kind, secondary_figures, secondary_spectra
from nuforge.evaluation.single_particles import single_particle_figures
from nuforge.events import Events, Process, Table

ELECTRON, PROTON = 0.51099895, 938.27208943


def momentum(kinetic, mass):
    return [0.0, 0.0, float(np.sqrt(kinetic * (kinetic + 2 * mass)))]


def events(*single) -> Events:
    """Events of particles (pdg, parent within the event, process, momentum), each with a deposit of 1 MeV."""
    rows, counts = [], []
    for particles in single:
        rows += [(pdg, parent + len(rows) if parent >= 0 else -1, *rest) for pdg, parent, *rest in particles]
        counts.append(len(particles))
    n = len(rows)
    columns = {
        "pdg": torch.tensor([row[0] for row in rows]),
        "parent": torch.tensor([row[1] for row in rows]),
        "process": torch.tensor([int(row[2]) for row in rows]),
        "start": torch.zeros(n, 3),
        "time": torch.zeros(n, dtype=torch.float64),
        "momentum": torch.tensor([row[3] for row in rows]),
        "interaction": torch.full((n,), -1),
    }
    deposits = {
        "start": torch.zeros(n, 3),
        "end": torch.zeros(n, 3),
        "time": torch.zeros(n, dtype=torch.float64),
        "energy": torch.ones(n),
        "length": torch.ones(n),
        "particle": torch.arange(n),
    }
    counted = torch.tensor(counts)
    return Events({"particles": Table.from_counts(columns, counted), "segments": Table.from_counts(deposits, counted)})


def primary(pdg):
    return (pdg, -1, Process.PRIMARY, [0.0, 0.0, 100.0])


def child(pdg, process, kinetic, mass, parent=0):
    return (pdg, parent, process, momentum(kinetic, mass))


def test_an_event_counts_once_as_inelastic_however_many_children_it_has_and_grandchildren_do_not_count():
    broken = child(2212, Process.INELASTIC, 50.0, PROTON)
    scattered = child(1000180400, Process.ELASTIC, 0.1, 37215.5)
    of_a_child = child(2212, Process.INELASTIC, 5.0, PROTON, parent=1)
    flown = events([primary(2212), broken, broken], [primary(2212), scattered, of_a_child], [primary(2212)])
    figure = single_particle_figures(flown, 0.0, 7.0)["fraction_with_inelastic_interaction"]
    assert figure.value == pytest.approx(1 / 3)


def test_a_neutron_has_no_path_of_deposits():
    figures = single_particle_figures(events([primary(2112)], [primary(2112)]), 0.0, 7.0)
    assert set(figures) == {"deposit_MeV", "fraction_with_inelastic_interaction"}


@pytest.mark.parametrize(("pdg", "counted"), [(13, 2), (-13, 2)])
def test_decay_electrons_of_a_bound_muon_have_more_than_5_mev(pdg, counted):
    sign = 1 if pdg > 0 else -1
    slow = child(11, Process.CAPTURE, 4.0, ELECTRON) if pdg > 0 else child(22, Process.DECAY, 4.0, 0.0)
    fast = child(11 * sign, Process.DECAY, 40.0, ELECTRON)
    knocked_out = child(11, Process.IONISATION, 40.0, ELECTRON)
    flown = events([primary(pdg), slow, fast, knocked_out], [primary(pdg), fast], [primary(pdg)])
    figures = single_particle_figures(flown, 0.0, 7.0)
    assert figures["decay_electrons_per_event"].value == pytest.approx(counted / 3)
    assert figures["decay_electron_ke_MeV"].value == pytest.approx(40.0, rel=1e-5)


def test_a_spectrum_holds_each_secondary_once_in_the_bin_of_its_kinetic_energy():
    flown = events(
        [primary(2212), child(2212, Process.INELASTIC, 20.0, PROTON), child(22, Process.INELASTIC, 1.5, 0.0)],
        [primary(2212), child(2212, Process.IONISATION, 20.0, PROTON)],
    )
    for of_the_primary, protons in ((True, 1), (False, 2)):
        spectra = secondary_spectra(flown, of_the_primary)
        assert set(spectra) == set(KINDS)
        assert {kind: spectra[kind].value.sum() * 2 for kind in KINDS if spectra[kind].value.any()} == {
            "proton": protons,
            "photon": 1,
        }
        (bin_,) = spectra["proton"].value.nonzero()[0]
        assert EDGES[bin_] <= 20.0 < EDGES[bin_ + 1]


def test_numbers_and_energies_of_secondaries_are_means_over_events_above_the_floor():
    flown = events(
        [primary(211), child(2212, Process.INELASTIC, 30.0, PROTON), child(2212, Process.INELASTIC, 0.4, PROTON)],
        [primary(211)],
    )
    figures = secondary_figures(flown, True)
    assert figures["protons_per_event"].value == 0.5
    assert figures["protons_per_event"].error == pytest.approx(0.5)
    assert figures["proton_ke_per_event_MeV"].value == pytest.approx(15.0, rel=1e-4)
    assert figures["nuclei_per_event"].value == 0


def test_deposits_by_kind_add_up_to_the_deposit():
    flown = events(
        [primary(13), child(11, Process.DECAY, 30.0, ELECTRON), child(2112, Process.CAPTURE, 3.0, 939.565)],
        [primary(13), child(1000170390, Process.CAPTURE, 1.0, 36300.0), child(211, Process.CAPTURE, 1.0, 139.57)],
    )
    shares = deposits_by_kind(flown)
    assert (
        sum(figure.value for figure in shares.values()) == single_particle_figures(flown, 0.0, 7.0)["deposit_MeV"].value
    )
    assert shares["deposit_of_nuclei_MeV"].value == 1.0
