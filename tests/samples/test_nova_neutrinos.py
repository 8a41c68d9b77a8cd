"""Samples of neutrinos in a NOvA-like detector: what is in them, what they know, and copies of them."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events.split import side_of
from nuforge.physics.constants import ELECTRON_MASS, MUON_MASS
from nuforge.physics.neutrino_flux import Flux
from nuforge.physics.nova_exposure import LIVE_TIME, MASS, PROTONS, exposure
from nuforge.physics.particles import mass_of
from nuforge.samples.nova_neutrinos import FLAVOURS, SHARES, muon_removed, neutrinos
from nuforge.samples.prepare import with_identity
from nuforge.simulation.cells.kinds import ORIGINS, PIDS
from nuforge.simulation.sources import cosmic_rate
from nuforge.simulation.sources.balanced import electrons_for_muons
from nuforge.simulation.sources.neutrino.settings import generator_settings
from nuforge.simulation.sources.neutrinos import interaction_rate

EVENTS = 40


def recipe(**more):
    return neutrinos(EVENTS, shard_size=EVENTS, beam="both", cosmic_share=0.2, **more)


def made(sample):
    events = sample.made(0)
    return with_identity(events, sample.source, 0, sample.numbers(0))


def primaries(sample, n):
    return sample.generate.keywords["source"](n, sample.detector, sample.generator(0))


def same(a, b, tables, but=()):
    for name in tables:
        for column in set(a[name]) - set(but):
            torch.testing.assert_close(a[name][column], b[name][column], rtol=0, atol=0, equal_nan=True)


@pytest.fixture(scope="module")
def slices():
    return made(recipe())


@pytest.fixture(scope="module")
def drawn():
    """Primaries of 6000 neutrinos with forward current."""
    return primaries(neutrinos(6000), 6000)


def flavour_of(events):
    facts = events["interactions"]
    return torch.where(facts["current"] == 2, 0, facts["neutrino"].abs())


def test_classes_come_in_their_parts(drawn):
    flavour, n = flavour_of(drawn), len(drawn)
    assert sum(SHARES.values()) == pytest.approx(1)
    for pdg, share in SHARES.items():
        count = int((flavour == pdg).sum())
        assert abs(count - n * share) < 5 * (n * share * (1 - share)) ** 0.5


def test_what_events_stand_for_adds_up_to_flux_times_cross_section_of_what_arrives(drawn):
    before, after = exposure("forward")
    material, settings = neutrinos().detector.material, generator_settings("A")
    flavour, expected = flavour_of(drawn), drawn["event"]["expected"]
    for pdg in (12, 14, 16):
        arriving = Flux(after.energy, {sign * pdg: after.spectra[sign * pdg] for sign in (1, -1)})
        known = interaction_rate(arriving, material, settings, "charged") * MASS / material.density
        found = expected[flavour == pdg]
        assert abs(float(found.sum()) - known) < 5 * float(found.square().sum()) ** 0.5, pdg
    everything = Flux(before.energy, {s * 14: before.spectra[s * 14] + before.spectra[s * 12] for s in (1, -1)})
    neutral = expected[flavour == 0]
    assert float(neutral.max() / neutral.min()) == pytest.approx(1)
    known = interaction_rate(everything, material, settings, "neutral") * MASS / material.density
    assert float(neutral.mean()) * SHARES[0] * len(drawn) == pytest.approx(known)


def test_the_exposure_is_that_of_the_published_candidates_without_oscillation():
    material, settings = neutrinos().detector.material, generator_settings("A")
    for polarity, known in (("forward", 730 / 0.312 * 14 / 8.85), ("reverse", 476 / 0.339 * 14 / 12.33)):
        before, after = exposure(polarity)
        muon = Flux(before.energy, {pdg: before.spectra[pdg] for pdg in (14, -14)})
        made = interaction_rate(muon, material, settings, "charged") * MASS / material.density
        assert made == pytest.approx(known, rel=0.1)  # the flux is that of the near detector, good to 10 %
        kept = after.spectra[14] / before.spectra[14]
        assert kept[(before.energy - 1600).abs().argmin()] < 0.1  # the first maximum of disappearance
        assert exposure(polarity, far=False)[0].spectra[14][10] == exposure(polarity, far=False)[1].spectra[14][10]


def test_the_near_detector_sees_the_published_flux():
    for polarity, pdg, known in (("forward", 14, 9.74e-9), ("reverse", -14, 8.13e-9)):  # of 1 to 5 GeV per cm^2, proton
        near = exposure(polarity, far=False)[0]
        inside = (near.energy > 1000) & (near.energy < 5000)
        width = float(near.energy[1] - near.energy[0])
        assert float(near.spectra[pdg][inside].sum()) * width / PROTONS == pytest.approx(known, rel=0.03)


def test_events_of_both_beams_take_turns_and_cosmic_muons_come_while_they_are_on(slices):
    event = slices["event"]
    assert abs(int(event["reverse"].sum()) - EVENTS / 2) <= 2
    cosmic = event["cosmic"]
    times = torch.where(event["reverse"], LIVE_TIME["reverse"], LIVE_TIME["forward"])
    known = cosmic_rate(recipe().detector) * times * 2 / (0.2 * EVENTS)
    torch.testing.assert_close(event["expected"][cosmic], known.double()[cosmic])


def test_truth_is_that_of_the_particles(slices):
    event, particles = slices["event"], slices["particles"]
    first = particles.offsets[:-1]
    pdg = particles["pdg"][first]
    for flavour, leptons in enumerate(((13,), (11,), (), (12, 14), (13,))):
        mine = event["flavour"] == flavour
        if leptons:
            assert torch.isin(pdg[mine].abs(), torch.tensor(leptons)).all(), FLAVOURS[flavour]
    assert torch.equal(event["flavour"] == 4, event["cosmic"])
    seen = event["flavour"] < 2
    energy = (particles["momentum"][first].double().square().sum(1) + mass_of(pdg) ** 2).sqrt()
    torch.testing.assert_close(event["lepton_energy"].double()[seen], energy[seen], rtol=1e-4, atol=0.1)
    assert torch.equal(event["antineutrino"][seen], pdg[seen] < 0)
    charged = event["flavour"] < 3
    both = event["lepton_energy"] + event["hadronic_energy"]
    torch.testing.assert_close(both[charged], event["neutrino_energy"][charged])
    assert event["lepton_energy"][~charged].isnan().all()
    assert event["neutrino_energy"][event["cosmic"]].isnan().all()
    assert torch.equal(event["mode"] < 0, event["cosmic"])
    assert torch.equal(event["true_vertex"], slices["interactions"]["vertex"][slices["interactions"].offsets[:-1]])
    neutrino = ~event["cosmic"]
    assert (event["visible"][neutrino] < event["neutrino_energy"][neutrino] + 300).all()  # and what nuclei give
    assert (event["visible"] > 0).double().mean() > 0.9


def test_prongs_know_what_made_them(slices):
    prongs, particles, event = slices["prongs"], slices["particles"], slices["event"]
    assert len(prongs)
    who = prongs["particle"]
    known = who >= 0
    pdg = particles["pdg"][who.clamp(min=0)]
    for pid, number in enumerate((11, 13, 22, 211, 2212)):
        assert torch.equal(prongs["pid"] == pid, known & (pdg.abs() == number) & (pdg != -2212)), PIDS[pid]
    main = slices["interactions"].offsets[:-1][prongs.batch]
    cosmic = known & (particles["interaction"][who.clamp(min=0)] != main) | event["cosmic"][prongs.batch]
    assert torch.equal(prongs["origin"] == ORIGINS.index("cosmic"), cosmic)
    mother = particles["pdg"][particles["parent"][who.clamp(min=0)].clamp(min=0)]
    of_pi0 = known & ~cosmic & (pdg == 22) & (mother == 111)
    assert of_pi0.any()
    assert torch.equal(prongs["origin"] == ORIGINS.index("photon of a pi0"), of_pi0)


def test_truth_is_hidden_from_what_reads(slices):
    shown = set(slices.readout()["event"])
    identity = {"source", "run", "subrun", "event", "variation"}
    sums = {"energy_x", "energy_y", "loose_energy", "edge"}
    assert shown == identity | sums | {"first_plane", "first_cell", "vertex", "reverse"}
    assert not {"pid", "origin"} & set(slices.readout()["prongs"])


def test_the_test_side_alone_is_the_same_events(slices, tmp_path):
    sample = recipe(side="test")
    test = slices[side_of(slices["event"]) == 2]
    stored = sample.write(tmp_path / "test", progress=False).read()
    assert 0 < len(test) < EVENTS
    assert torch.equal(stored["event"]["event"], test["event"]["event"])
    same(stored, test, test.tables)
    assert sample.key != recipe().key
    assert sample.source == recipe().source


def test_a_shifted_copy_has_the_same_identity_and_deposits_and_another_variation(slices):
    sample = recipe(side="test", shift="calibration-up")
    copy, test = made(sample), slices[side_of(slices["event"]) == 2]
    assert sample.source == recipe().source
    assert (copy["event"]["variation"] == 1).all()
    assert (side_of(copy["event"]) == 2).all()
    same(copy, test, ("interactions", "truth_links"))
    same(copy, test, ("hits",), but=("energy", "prong", "particle"))
    torch.testing.assert_close(copy["hits"]["energy"], 1.05 * test["hits"]["energy"])


def test_an_electron_takes_the_place_of_the_muon_and_nothing_else_changes(drawn):
    events = drawn[flavour_of(drawn) == 14][:30]
    turned = electrons_for_muons(events)
    before, after = events["particles"], turned["particles"]
    lepton = torch.zeros(len(before), dtype=torch.bool)
    lepton[before.offsets[:-1]] = True
    assert torch.equal(after["pdg"][~lepton], before["pdg"][~lepton])
    assert torch.equal(after["momentum"][~lepton], before["momentum"][~lepton])
    assert torch.equal(after["pdg"][lepton], before["pdg"][lepton] - 2 * before["pdg"][lepton].sign())
    assert (after["pdg"][lepton].abs() == 11).all()
    old, new = (p["momentum"][lepton].double() for p in (before, after))
    torch.testing.assert_close(torch.nn.functional.normalize(new), torch.nn.functional.normalize(old))
    energies = [(p.square().sum(1) + mass**2).sqrt() for p, mass in ((old, MUON_MASS), (new, ELECTRON_MASS))]
    torch.testing.assert_close(energies[0], energies[1])
    assert (turned["interactions"]["neutrino"].abs() == 12).all()


def test_slices_with_electrons_for_muons_are_those_of_electron_neutrinos():
    slices = made(muon_removed(3))
    assert (slices["event"]["flavour"] == FLAVOURS.index("nu_e CC")).all()
    assert (slices["event"]["expected"] > 0).all()
    assert not slices["event"]["cosmic"].any()


def test_one_event_of_two_beams_and_cosmic_muons_alone_are_samples_too():
    alone, cosmic = made(neutrinos(1, beam="both")), made(neutrinos(2, cosmic_share=1.0))
    assert len(alone) == 1
    assert cosmic["event"]["flavour"].tolist() == [4, 4]
    assert (cosmic["event"]["expected"] > 1e6).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"beam": "up"}, r"beam must be one of .* got 'up'"),
        ({"generator": "C"}, r"generator must be one of .* got 'C'"),
        ({"side": "train"}, "side must be '' .* got 'train'"),
        ({"site": "near", "cosmic_share": 0.5}, "there are no cosmic muons underground"),
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        neutrinos(1, **wrong)


def test_generator_b_makes_other_events():
    assert neutrinos(1, generator="B").source != neutrinos(1).source


@pytest.mark.parametrize(("only", "flavour"), [("nu_mu", 0), ("nu_e", 1)])
def test_a_sample_may_have_one_flavour_alone(only, flavour):
    sample = neutrinos(12, seed=3, shard_size=12, only=only)
    events = sample.generate(12, 0, sample.generator(0))
    assert events["event"]["flavour"].tolist() == [flavour] * 12
    assert bool((events["event"]["expected"] > 0).all())
    assert sample.arguments["only"] == only
    assert "only" not in neutrinos(12).arguments


def test_a_flavour_that_is_none_is_refused():
    with pytest.raises(InputError, match="only must be one of"):
        neutrinos(12, only="nu_tau")
