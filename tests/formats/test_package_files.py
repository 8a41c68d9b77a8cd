"""Files of KM3NeT's and Daya Bay's own packages, and what the numbers of events in the shared files count.

Every count is checked against one that does not go through the readers: h5py's, or uproot's.
"""

from importlib.util import find_spec
from pathlib import Path

import h5py
import numpy as np
import pytest
import uproot
from format_fixture import DATA

from nuforge.errors import InputError
from nuforge.formats import format_of, read, stream

OFFLINE = {
    "offline/numucc.root": {"event": 10, "hits": 40_832, "reconstructed": 407, "particles": 131},
    "offline/km3net_offline.root": {"event": 10, "hits": 1434, "reconstructed": 557},
    "offline/usr-sample.root": {"event": 3, "hits": 256, "reconstructed": 3},
    "offline/multiHead.root": {"event": 10, "hits": 0, "particles": 67},
    "offline/mcv5.0.DAT004340.propa.sirene.jte.jchain.aanet.4340.root": {"event": 3, "hits": 280, "particles": 48},
    "offline/mcv5.0.gsg_elec-CC_10-100GeV.km3sim.JDK.jte.jmergefit.orca.aanet.909.evtsample.root": {
        "event": 10,
        "hits": 11_183,
        "photoelectrons": 1200,
    },
    "offline/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root": {"event": 10, "hits": 38_174},
    "offline/mcv6.0.gsg_muon_highE-CC_50-500GeV.km3sim.jterbr00008357.jorcarec.aanet.905.root": {
        "event": 140,
        "hits": 17_923,
    },
    "offline/mcv6.gsg_nue-CCHEDIS_1e4-1e6GeV.sirene.jte.jchain.aanet.1.root": {"event": 31, "hits": 181_484},
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.aa.root": {"event": 82, "hits": 0, "particles": 2121},
    "gseagen/DAT000001.gSeaGen.1.aa.root": {"event": 8, "particles": 2427},
    "mupage/mcv8.1.mupage_tuned_100G.sirene.jterbr00013288.10.root": {"event": 10, "photoelectrons": 1168},
    "dst/mcv5.1.km3_numuCC.ALL.dst.bdt.10events.root": {"event": 10, "particles": 20},
    "dst/orca4_sample.root": {"event": 2500, "reconstructed": 2500},
}
PIPE = {
    "hdf5/basic_analysis_sample.h5": {"event": 3484, "particles": 25_701},
    "hdf5/test_event_info.h5": {"event": 5, "particles": 294},
    "hdf5/geamon.h5": {"event": 2, "hits": 25_699, "particles": 2, "photoelectrons": 84_848},
    "hdf5/mcv5.40.mupage_10G.sirene.jterbr00006060.962.root.h5": {"event": 10, "hits": 1293, "particles": 14},
    "online/events_sample.h5": {"event": 10, "hits": 1078},
}
RAW = ("online/km3net_online.root", "online/events_sample.root")
PIPE_TABLES = {"event": "event_info", "hits": "hits", "particles": "mc_tracks", "photoelectrons": "mc_hits"}
BRANCHES = {"hits": "hits", "reconstructed": "trks", "particles": "mc_trks", "photoelectrons": "mc_hits"}


def km3net(name):
    pytest.importorskip("km3io", reason="km3io is not installed: pip install 'nuforge[km3net]'")
    return Path(pytest.importorskip("km3net_testdata").data_path(name))


def counts(path, names):
    found = dict.fromkeys(names, 0)
    for part in stream(path, 256):
        for name in names:
            found[name] += len(part[name])
    return found


@pytest.mark.parametrize("name", OFFLINE)
def test_offline_files_of_km3net_hold_what_their_branches_count(name):
    path = km3net(name)
    assert format_of(path).name == "km3net"
    assert counts(path, OFFLINE[name]) == OFFLINE[name]
    with uproot.open(path) as file:
        tree = file["E/Evt"]
        assert tree.num_entries == OFFLINE[name]["event"]
        for table in set(OFFLINE[name]) - {"event"}:
            if f"{BRANCHES[table]}/{BRANCHES[table]}.id" in tree:
                leaf = tree[f"{BRANCHES[table]}/{BRANCHES[table]}.id"].array()
                assert sum(len(each) for each in leaf) == OFFLINE[name][table]


@pytest.mark.parametrize("name", PIPE)
def test_km3pipe_files_of_every_format_hold_the_rows_of_their_tables(name):
    path = km3net(name)
    assert format_of(path).name == "km3pipe"
    assert counts(path, PIPE[name]) == PIPE[name]
    with h5py.File(path) as file:
        for table, n in PIPE[name].items():
            item = file[PIPE_TABLES[table]]
            assert len(item if isinstance(item, h5py.Dataset) else item["group_id"]) == n


def test_rows_of_files_without_groups_stay_with_their_events():
    path = km3net("hdf5/basic_analysis_sample.h5")
    with h5py.File(path) as file:
        number, expected = np.unique(file["mc_tracks"]["event_id"], return_counts=True)
    events = read(path)
    assert events["event"]["event"].tolist() == number.tolist()
    assert events["particles"].counts.tolist() == expected.tolist()


@pytest.mark.skipif(find_spec("hdf5plugin") is not None, reason="with hdf5plugin such files are read")
def test_packing_that_hdf5_does_not_know_is_refused_with_what_to_install():
    with pytest.raises(InputError, match="is packed by blosc, which HDF5 does not know; pip install hdf5plugin"):
        read(km3net("hdf5/numu_cc_test.h5"))


@pytest.mark.parametrize("name", RAW)
def test_raw_data_of_km3net_are_refused_with_what_to_do(name):
    with pytest.raises(InputError, match="has raw data of the acquisition, expected offline events; convert it"):
        read(km3net(name))


DAYABAY = {
    **{f"dayabay_ibd_spectra_{n}AD": (n, n * 240) for n in (6, 7, 8)},
    **{f"dayabay_background_spectra_{n}AD": (5 * n, 5 * n * 240) for n in (6, 7, 8)},
}
"""Spectra and bins: one spectrum, or five backgrounds, of each detector that was running."""


def dayabay():
    package = pytest.importorskip("dayabay_data_official", reason="dayabay-data-official is not installed")
    return Path(package.__file__).parent / "data" / "hdf5"


@pytest.mark.parametrize("name", DAYABAY)
def test_spectra_of_the_daya_bay_release_are_read_bin_by_bin(name):
    path = dayabay() / "dayabay_dataset" / f"{name}.hdf5"
    assert format_of(path).name == "dayabay"
    events = read(path)
    assert (len(events), len(events["bins"])) == DAYABAY[name]
    with h5py.File(path) as file:
        spectra = [file[each] for each in sorted(file)]
        assert sum(len(each) for each in spectra) == DAYABAY[name][1]
        np.testing.assert_array_equal(events["bins"]["content"], np.concatenate([each["N"] for each in spectra]))
    assert events["event"]["background"].tolist() == ["background" in name] * len(events)
    assert events["event"]["period"].tolist() == [int(name[-3])] * len(events)


def test_what_is_no_spectrum_of_the_daya_bay_release_is_refused():
    spectra = {f"{name}.hdf5" for name in DAYABAY}
    others = [path for path in sorted(dayabay().rglob("*.hdf5")) if path.name not in spectra]
    assert len(others) == 9
    for path in others:
        with pytest.raises(InputError, match="of no known format"):
            read(path)


def shared(name):
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is not there")
    return DATA / name


@pytest.mark.parametrize("name", ["sample_input_2.h5", "sample_r11981_s07.h5"])
def test_events_of_nova_are_its_distinct_slices(name):
    """8,342 in either file: groups repeat the numbers of a slice, so rows of one group are not what is counted."""
    path, keys = shared(f"nova/{name}"), ("run", "subrun", "cycle", "batch", "evt", "subevt")
    with h5py.File(path) as file:
        groups = [group for group in file.values() if "subevt" in group]
        rows = [np.stack([group[key][()].reshape(-1) for key in keys if key in group], 1) for group in groups]
    distinct = np.unique(np.concatenate(rows), axis=0)
    assert len(distinct) == 8342
    assert counts(path, ["event"]) == {"event": len(distinct)}


def test_events_of_pisa_are_the_entries_of_its_twelve_groups():
    path = shared("pisa/events__PINGU__V47__unjoined.hdf5")
    with h5py.File(path) as file:
        groups = [file[flavour][current] for flavour in file for current in ("cc", "nc") if current in file[flavour]]
        entries = [len(group["true_energy"]) for group in groups]
    assert (len(entries), sum(entries)) == (12, 77_273)
    assert counts(path, ["event"]) == {"event": 77_273}


def test_events_of_next_s_kdst_are_the_numbers_in_it():
    path = shared("next/KrDST_MC.h5")
    with h5py.File(path) as file:
        rows = file["DST/Events"]["event"]
    assert (len(rows), len(np.unique(rows))) == (2500, 2500)
    assert counts(path, ["event", "pairs"]) == {"event": 2500, "pairs": 2500}
