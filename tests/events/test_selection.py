"""Selections: what an expression on event columns means, and how a wrong one is told."""

import math
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nuforge.errors import InputError
from nuforge.events import Column, Events, Selection, Table

ENERGY = [50.0, 150.0, math.nan, 1000.0, 0.1]
ABOUT = {
    "energy": Column("MeV", "energy of the neutrino", "truth"),
    "interaction": Column("", "current", "truth", names=("", "CC", "NC")),
    "stopped": Column("", "whether it stopped", "truth"),
    "vertex": Column("cm", "where", "truth"),
}


def toy():
    columns = {
        "source": torch.full((5,), 2**62 + 1),
        "event": torch.arange(5),
        "energy": torch.tensor(ENERGY),
        "interaction": torch.tensor([1, 1, 2, 2, 0]),
        "stopped": torch.tensor([True, False, True, False, True]),
        "vertex": torch.arange(15.0).reshape(5, 3),
        "weight": torch.arange(5, dtype=torch.float64) / 2,
    }
    hits = Table.from_counts(
        {"time": torch.arange(6, dtype=torch.float64), "charge": torch.ones(6)}, torch.tensor([2, 0, 1, 3, 0])
    )
    return Events({"event": Table(columns, torch.arange(6), about=ABOUT), "hits": hits})


def chosen(text):
    return Selection(text).mask(toy()).nonzero().flatten().tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("energy > 100 & interaction == 'CC'", [1]),
        ("energy > 100", [1, 3]),
        ("energy == 0.1", []),  # a float32 is not that number: as everywhere in numerics
        ("energy < .2", [4]),
        ("~(energy > 100)", [0, 2, 4]),
        ("energy != energy", [2]),
        ('interaction != "NC"', [0, 1, 4]),
        ("'NC' == interaction", [2, 3]),
        ("interaction == 2", [2, 3]),
        ("energy < 100 | energy > 500 & stopped", [0, 4]),
        ("(energy < 100 | energy > 500) & ~stopped", [3]),
        ("~stopped", [1, 3]),
        ("40 < energy <= 150", [0, 1]),
        ("energy / 1e3 + 2 * 0.5 > 1.9", [3]),
        ("event % 2 == 1", [1, 3]),
        ("-event >= -1", [0, 1]),
        ("event - 1 - 1 == 0", [2]),
        ("vertex[2] > 8 & vertex[0] < 10", [3]),
        ("n_hits >= 2", [0, 3]),
        ("event % 0 == 1", []),
        ("event < " + "9" * 5000, [0, 1, 2, 3, 4]),
        ("hits.time == 2", [2]),
        ("n_hits == 0 & hits.time != hits.time", [1, 4]),
        (f"source == {2**62 + 1}", [0, 1, 2, 3, 4]),
        (f"source == {2**62}", []),
        ("1 < 2", [0, 1, 2, 3, 4]),
        ("energy > 99999999999999999999999", []),
    ],
)
def test_a_selection_means_what_it_says(text, expected):
    assert chosen(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("energy >> 3", r"at character 9, '> 3': expected a number, a name, a string or \( here"),
        ("energy > ", r"at the end: expected a number"),
        ("energy > 1 and stopped", r"at character 12, 'and stopped': expected & here"),
        ("not stopped", r"at character 1, 'not stopped': expected ~ here"),
        ("energy = 1", r"at character 8, '= 1': unknown sign; write =="),
        ("(energy > 1", r"at the end: expected \) for the \( of character 1"),
        ("energy > 1)", r"at character 11, '\)': expected an operator or the end here"),
        ("interaction == 'CC", r"at character 16, ''CC': the quote is not closed"),
        ("energi > 1", r"at character 1, 'energi > 1': unknown name; there is .*energy, .*hits.time.*n_hits"),
        ("interaction == 'cc'", r"at character 16, .*no value of that name; there is 'CC', 'NC'"),
        ("interaction > 'CC'", r"names have no order; use == or !="),
        ("energy == 'CC'", r"at character 1, .*these values have no names; compare with a number"),
        ("'a' == 'b'", r"two names of values"),
        ("energy", r"a number where yes or no is needed"),
        ("energy & stopped", r"at character 1, .*a number where yes or no is needed"),
        ("(energy > 1) + 1 > 1", r"yes or no where a number is needed"),
        ("'CC'", r"a name of a value stands alone"),
        ("vertex > 1", r"a vector of \[3\]; name a component like name\[0\]"),
        ("vertex[3] > 1", r"a vector of \[3\]"),
        ("vertex[x] > 1", r"expected a whole number and \]"),
        ("energy[0] > 1", r"no vector; leave the brackets out"),
        ("1abc > 1", r"at character 1, '1abc > 1': no number"),
        ("__import__('os').system('x')", "at character 17, '.system.*unknown sign"),
        ("energy (1)", "at character 8, .*expected an operator or the end here"),
        ("", "at the end: expected a number"),
        ("(" * 60 + "energy", "more than 20 levels"),
        ("~" * 60 + "stopped", "more than 20 levels"),
        ("1" * 20_000, "has 20000 characters, expected 10000 at most"),
        ("energy > £", "unknown sign"),
    ],
)
def test_a_wrong_selection_is_told_in_one_line_that_points_at_the_place(text, message):
    with pytest.raises(InputError, match=message) as error:
        chosen(text)
    assert "\n" not in str(error.value)


def test_weights_and_rows_follow_the_chosen_events():
    events = Selection("stopped").of(toy())
    assert events["event"]["weight"].tolist() == [0.0, 1.0, 2.0]
    assert events["hits"]["time"].tolist() == [0.0, 1.0, 2.0]


def test_batches_without_chosen_events_are_left_out():
    parts = [toy()[:1], toy()[1:2], toy()[2:]]
    assert [len(part) for part in Selection("stopped").over(parts)] == [1, 2]


def test_no_events_is_a_selection_too():
    assert Selection("energy > 1 & n_hits > 0 & hits.time > 0").mask(toy()[:0]).shape == (0,)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="energystoped 0123456789.()[]'\"<>=!&|~+-*/%\t", max_size=40))
def test_any_text_is_an_expression_or_an_input_error(text):
    try:
        mask = Selection(text).mask(toy())
    except InputError:
        return
    assert mask.shape == (5,)


def test_random_expressions_agree_with_python():
    choose = random.Random(0)

    def number(depth):
        if not depth or choose.random() < 0.3:
            return choose.choice(["energy", "event", "2", "0.5"])
        return f"({number(depth - 1)} {choose.choice('+-*')} {number(depth - 1)})"

    def truth(depth):
        if not depth or choose.random() < 0.3:
            return f"({number(2)} {choose.choice(['<', '<=', '>', '>=', '==', '!='])} {number(2)})"
        return f"({truth(depth - 1)} {choose.choice('&|')} {truth(depth - 1)})"

    events = toy()
    rows = list(zip(events["event"]["energy"].double().tolist(), range(5), strict=True))
    for _ in range(200):
        text = truth(3)
        expected = [eval(text, {}, {"energy": e, "event": i}) for e, i in rows]
        assert Selection(text).mask(events).tolist() == expected
