"""Event generators and small text files: what a record means, and that no text makes the decoders stumble."""

import numpy as np
import pytest
import torch
from fixtures_generators import make_gst, make_kin, make_miniboone, make_nuhepmc
from format_fixture import DATA
from hypothesis import given, settings
from hypothesis import strategies as st

from nuforge.errors import InputError
from nuforge.events import Selection
from nuforge.formats import read
from nuforge.formats.generators import BEAM, FINAL, OWN_STATUS, TARGET, current_of, in_events
from nuforge.formats.genie import _reaction
from nuforge.formats.kin import KIN
from nuforge.formats.nuhepmc import NUHEPMC


def real(path):
    if not (DATA / path).exists():
        pytest.skip(f"{DATA / path} is not there")
    return read(DATA / path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nu:14;tgt:1000180400;N:2112;proc:Weak[CC],QES;", (200, 1)),
        ("nu:-12;tgt:1000060120;N:2212;q:1(v);proc:Weak[NC],DIS;", (650, 2)),
        ("nu:14;tgt:1000260560;N:2000000200;proc:Weak[CC],MEC;", (300, 1)),
        ("nu:11;tgt:1000060120;N:2112;proc:EM[EM],QES;", (0, 0)),
        ("nu:14;tgt:1000180400;proc:Weak[NC],COH;", (150, 2)),
        ("nothing of the kind", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_a_reaction_string_says_mode_and_current(text, expected):
    found = _reaction(text)
    assert found == expected or "EM" in text


def test_modes_say_their_current():
    modes = np.array([200, 250, 649, 650, -200, 0, 750])
    assert current_of(modes).tolist() == [1, 2, 1, 2, 3, 0, 2]


def test_lists_of_an_event_stay_together():
    first = np.array([1, 0, 2]), {"x": np.array([10, 30, 31])}
    second = np.array([2, 1, 0]), {"x": np.array([11, 12, 20])}
    counts, rows = in_events(first, second)
    assert counts.tolist() == [3, 1, 2]
    assert rows["x"].tolist() == [10, 11, 12, 20, 30, 31]


def test_genie_conserves_momentum():
    events = real("prometheus/gtrac_1_nue.root")
    particles = events["particles"]
    sign = torch.zeros(len(particles), dtype=torch.float64)
    sign[(particles["status"] == BEAM) | (particles["status"] == TARGET)] = 1
    sign[(particles["status"] == FINAL) | (particles["status"] == OWN_STATUS + 15)] = -1
    total = torch.zeros(len(events), 3, dtype=torch.float64)
    total.index_add_(0, particles.batch, sign[:, None] * particles["momentum"].double())
    size = particles["energy"][particles["status"] == BEAM]
    balanced = total.norm(dim=1) < 1e-3 * size + 1  # binding and re-interactions move a few
    assert balanced.double().mean() > 0.5


def test_selections_name_the_current():
    events = real("prometheus/gtrac_1_nue.root")
    chosen = Selection("energy > 1000 & interaction == 'CC'").of(events)
    assert 0 < len(chosen) < len(events)
    assert (chosen["interactions"]["mode"] % 100 < 50).all()
    assert (chosen["event"]["energy"] > 1000).all()


def test_nuhepmc_parents_are_what_goes_into_the_vertex():
    events = real("nuhepmc/test.v1.0.0.hepmc3")
    particles = events["particles"]
    assert particles["parent"][:6].tolist() == [-1, 0, 0, -1, 2, 2]
    assert events["interactions"]["mode"].tolist() == [600, 600, 250, 600]
    assert events["event"]["energy"][0].item() == pytest.approx(21645.138932994338)
    assert (particles["status"][particles["parent"] < 0] != FINAL).all()


def test_gst_has_neutrino_and_lepton_before_the_hadrons(tmp_path):
    particles = read(make_gst(tmp_path / "gst", 3, 0, "plain"))["particles"]
    assert particles.counts.tolist() == [4, 2, 4]
    assert particles["pdg"].tolist() == [14, 13, 2212, 2212, 14, 13, 14, 13, 2212, 2212]


def test_kin_momentum_follows_from_total_energy_and_mass(tmp_path):
    particles = read(make_kin(tmp_path / "kin", 1, 0, "plain"))["particles"]
    assert particles["status"].tolist() == [BEAM, TARGET, FINAL, FINAL]
    assert particles["momentum"][:, 2].tolist() == pytest.approx([20, 0.06, 0, np.sqrt(942**2 - 939.56542**2)], abs=0.2)
    assert particles["momentum"][2, 0].item() == pytest.approx(np.sqrt(15**2 - 0.511**2), rel=1e-5)


@pytest.mark.parametrize(("make", "line"), [(make_nuhepmc, "P 1 0 fourteen"), (make_kin, "$ track x 1 0 0 1 0")])
def test_a_wrong_line_is_told_with_its_number(make, line, tmp_path):
    text = make(tmp_path / "made", 3, 0, "plain").read_text().splitlines()
    place = next(i for i, each in enumerate(text) if each.startswith(("P 1", "$ track")))
    (tmp_path / "wrong").write_text("\n".join([*text[:place], line, *text[place:]]) + "\n")
    with pytest.raises(InputError, match=f"^line {place + 1} of .*{line[:7].replace('$', '[$]')}"):
        read(tmp_path / "wrong")


def test_a_record_that_does_not_end_is_cut_short(tmp_path):
    for make, word in ((make_nuhepmc, "END_EVENT_LISTING"), (make_kin, "'[$] end'")):
        lines = make(tmp_path / "made", 3, 0, "plain").read_text().splitlines()
        (tmp_path / "cut").write_text("\n".join(lines[:-4]) + "\n")
        with pytest.raises(InputError, match=f"is cut short: .*{word}"):
            read(tmp_path / "cut")


def test_lines_of_miniboone_have_four_numbers(tmp_path):
    path = make_miniboone(tmp_path / "made", 300, 0, "plain")
    path.write_text(path.read_text() + "1.0 2.0 50000.0\n")
    with pytest.raises(InputError, match=r"lines 1 to 301 of .* must be four numbers each"):
        read(path)


WORDS = st.sampled_from(
    ["E", "P", "V", "U", "W", "A", "$", "begin", "end", "track", "vertex", "nuance", "info", "[1,2]"]
)
NUMBERS = st.one_of(
    st.integers(-9, 9).map(str), st.floats().map(str), st.sampled_from(["1e999", "GEV", "lab_pos", "0x1"])
)
LINES = st.lists(st.lists(WORDS | NUMBERS, max_size=9).map(" ".join), max_size=12)


@settings(max_examples=150, deadline=None)
@given(lines=LINES, which=st.booleans())
def test_any_text_is_events_or_an_input_error(lines, which, tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "text"
    begin = (
        ["HepMC::Version 3.03.01", "HepMC::Asciiv3-START_EVENT_LISTING"]
        if which
        else ["$ begin", "$ track 13 5 0 0 1 0"]
    )
    end = ["HepMC::Asciiv3-END_EVENT_LISTING"] if which else ["$ end"]
    path.write_text("\n".join([*begin, *lines, *end]) + "\n")
    chosen = NUHEPMC if which else KIN
    try:
        found = list(chosen.events(path, 2))
    except InputError:
        return
    assert all(len(events) for events in found)
