"""NEXT, LEGEND and NuRadioMC: what the contract of all formats does not say."""

import h5py
import numpy as np
import pytest
import torch
from fixtures_double_beta import make_lh5
from fixtures_telescopes import make_nuradiomc
from format_fixture import DATA

from nuforge.errors import InputError
from nuforge.events import Process
from nuforge.formats import read
from nuforge.formats.next_truth import pdg_of_name


def real(path):
    if not (DATA / path).exists():
        pytest.skip(f"{DATA / path} is not there")
    return read(DATA / path)


@pytest.mark.parametrize(
    ("name", "pdg"),
    [
        ("e-", 11),
        ("gamma", 22),
        ("anti_nu_e", -12),
        ("proton", 2212),
        ("alpha", 1000020040),
        ("Tl208", 1000812080),
        ("Pb208[583.187]", 1000822080),
        ("mu+", -13),
        ("nothing", 0),
    ],
)
def test_names_of_geant4_have_their_pdg_number(name, pdg):
    assert pdg_of_name(name) == pdg


def test_electrons_of_next_deposit_what_they_had():
    events = real("next/electrons_2500keV_z250_RWF.h5")
    segments, particles = events["segments"], events["particles"]
    total = torch.zeros(10, dtype=torch.float64).index_add_(0, segments.batch, segments["energy"].double())
    assert (total <= 2.51).all()  # rounded in the file
    assert total.max() > 2.4  # others leave the gas
    primary = particles["process"] == Process.PRIMARY
    assert primary.sum() == 10
    assert (particles["parent"][primary] == -1).all()
    start = particles["start"][primary][segments.batch]
    assert ((segments["start"] - start).norm(dim=1) < 60).all()  # cm: a range of 2.5 MeV in gas of 7 bar


def test_nexts_true_and_reconstructed_positions_agree():
    events = real("next/dst_NEXT_v1_00_05_Kr_ACTIVE_0_0_7bar_HDST_10evt.h5")
    hits, segments = events["hits"], events["segments"]
    seen = hits["n_sensors"] > 0
    for i in range(len(events)):
        true = segments["start"][segments.batch == i, :2].mean(0)
        found = hits["position"][seen & (hits.batch == i), :2].mean(0)
        assert (true - found).norm() < 2  # cm: twice the pitch of the SiPMs


def test_the_lines_of_thorium_calibrate_legend_in_mev():
    energy = real("legend/l200-p03-r001-cal-20230318T012144Z-tier_hit.lh5")["records"]["cuspEmax_ctc_cal"]
    assert (energy.nan_to_num() < 10).all()
    assert energy.max() > 0.5


def test_raw_and_hit_tier_of_legend_are_the_same_records():
    raw, hit = (
        real(f"legend/l200-p03-r001-cal-20230318T012144Z-tier_{tier}.lh5")["records"]["timestamp"]
        for tier in ("raw", "hit")
    )
    assert torch.equal(raw, hit)


def test_waveforms_that_legend_packed_are_refused(tmp_path):
    path = make_lh5(tmp_path / "made", 5, 0, "plain")
    with h5py.File(path, "a") as file:
        file["ch1084803/raw/waveform/values"].attrs["codec"] = "uleb128_zigzag_diff"
    with pytest.raises(InputError, match=r"are stored as uleb128_zigzag_diff, .* with legend-pydataobj"):
        read(path)


def test_columns_of_one_table_of_legend_have_one_length(tmp_path):
    path = make_lh5(tmp_path / "made", 5, 0, "plain")
    with h5py.File(path, "a") as file:
        file["ch1084803/raw/more"] = np.zeros(4)
    with pytest.raises(InputError, match=r"columns of 'ch1084803/raw' of .* have lengths \[3, 4\]"):
        read(path)


def test_showers_of_a_group_that_are_apart_become_one_event(tmp_path):
    events = read(make_nuradiomc(tmp_path / "made", 4, 0, "plain"))
    assert events["showers"].counts.tolist() == [2, 1, 1, 1]
    assert events["event"]["triggered"].tolist() == [False, True, False, True]
    assert events["showers"]["kind"][:2].tolist() == [1, 1]
