"""Another calibration of the same events."""

import pytest
import torch

from nuforge.errors import InputError
from nuforge.events import Column, Table
from nuforge.training.calibration import ENERGIES, calibrated_anew
from toy_slices import toy_slices


def drawn(events, by=0.1, seed=0):
    return calibrated_anew(events, torch.Generator().manual_seed(seed), by)


def test_all_energies_of_an_event_have_one_of_three_scales_and_nothing_else_changes():
    events = toy_slices(300)
    after = drawn(events)
    scale = (after["event"]["energy_x"] / events["event"]["energy_x"]).double()
    number = ((scale - 1) / 0.1).round()
    torch.testing.assert_close(scale, 1 + 0.1 * number, rtol=1e-5, atol=0)
    shares = torch.bincount(number.long() + 1) / 300
    assert (shares - 1 / 3).abs().max() < 5 * (2 / 9 / 300) ** 0.5
    for name, table in events.tables.items():
        for column in table:
            if column in ENERGIES.get(name, ()):
                want = table[column].double() * (1 + 0.1 * number)[table.batch]
                torch.testing.assert_close(after[name][column].double(), want, rtol=1e-5, atol=0)
            elif (name, column) != ("pixels", "charge"):
                assert torch.equal(after[name][column].nan_to_num(), table[column].nan_to_num())


def test_counts_of_pixels_scale_as_energies_do_and_stay_whole():
    events = toy_slices(300, flavour=0)
    pixels = events["pixels"]
    count = torch.randint(1, 200, (len(pixels),), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    after = drawn(events.with_table("pixels", pixels.with_columns({"charge": count})))
    charge = after["pixels"]["charge"]
    assert charge.dtype == torch.uint8
    scale = (after["event"]["energy_x"] / events["event"]["energy_x"])[pixels.batch].double()
    assert torch.equal(charge[scale == 1], count[scale == 1])
    error = charge.double() - scale * count.double()
    assert error.abs().max() <= 0.5 + 0.5 * 1.1
    for wrong in (0.9, 1.1):
        chosen = error[(scale - wrong).abs() < 0.01]
        assert abs(float(chosen.mean())) < 5 * 0.45 / len(chosen) ** 0.5  # 0.45: two even spreads of a count


def test_a_full_pixel_stays_full():
    events = toy_slices(50, flavour=0)
    pixels = events["pixels"]
    full = events.with_table("pixels", pixels.with_columns({"charge": torch.full_like(pixels["charge"], 255)}))
    assert int(drawn(full, by=0.5)["pixels"]["charge"].max()) == 255


def test_a_right_calibration_stays_and_tables_may_be_missing():
    events = toy_slices(20)
    after = drawn(events, by=0.0)
    for name, table in events.tables.items():
        assert all(torch.equal(after[name][c].nan_to_num(), table[c].nan_to_num()) for c in table)
    alone = events.without("pixels", "prongs", "hits")
    assert set(drawn(alone).tables) == {"event"}
    hits = Table.from_counts(
        {"energy": torch.ones(40)}, torch.full((20,), 2), about={"energy": Column("MeV", "", "readout")}
    )
    assert set(drawn(events.with_table("hits", hits))["hits"]["energy"].unique().tolist()) == pytest.approx(
        [0.9, 1, 1.1]
    )


def test_a_share_of_more_than_all_is_refused():
    with pytest.raises(InputError, match="must be from 0 to below 1, got 1"):
        drawn(toy_slices(2), by=1.0)
