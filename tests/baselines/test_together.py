"""Several baselines as one: each fitted on all events, the columns of all, a folder for each."""

import torch

from baselines.toy import toy_events
from nuforge.baselines.end_points import EndPoints
from nuforge.baselines.rules import Rules
from nuforge.baselines.together import Together


def both():
    return Together((Rules(), EndPoints(0.3, (0.0, 0.0, 0.0))))


def test_the_answer_is_that_of_each():
    readout = toy_events(3).readout()
    said, parts = both().predict(readout), [part.predict(readout) for part in both().parts]
    assert set(said) == {"voxels", "reco_points"}
    for part in parts:
        for name, table in part.items():
            for column in table:
                assert torch.equal(said[name][column], table[column])
                assert said[name].about[column] == table.about[column]


def test_what_was_saved_answers_the_same(tmp_path):
    events = toy_events(3)
    one = both()
    one.fit(iter([events[:2], events[2:]]))
    one.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"Rules", "EndPoints"}
    other = both().load(tmp_path)
    assert other == one
    mine, theirs = (part.predict(events.readout())["reco_points"] for part in (one, other))
    assert torch.equal(mine["position"], theirs["position"])
