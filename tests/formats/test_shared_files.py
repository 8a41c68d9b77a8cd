"""Every file that others made goes through the command line: looked at, turned into a store, and the same again."""

from pathlib import Path

import pytest
from format_fixture import DATA
from test_contract import REAL, same

from nuforge.cli import main
from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.formats import format_of, stream

FILES = sorted({path for _, path in REAL})
BESIDE = {"geometry/icecube86.parquet", "geometry/orca_150.parquet", "wcsim_e500MeV_digihits_geo.npz"}
"""Tables of sensors, which have no events."""


@pytest.mark.parametrize("name", FILES)
def test_a_file_becomes_a_store_with_the_same_events(name, tmp_path, capsys):
    path, out = DATA / name, tmp_path / "store"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    assert main(["info", str(path)]) == 0
    assert format_of(path).name in capsys.readouterr().out
    assert main(["convert", str(path), str(out)]) == 0
    before, after = (Events.concat(list(stream(each, 4096))) for each in (path, out))
    same(before, after)


def test_all_files_are_read_or_hold_no_events():
    if not DATA.exists():
        pytest.skip(f"{DATA} is not there")
    folders = [DATA / name for name in FILES if (DATA / name).is_dir()]
    known = {DATA / name for name in FILES}
    rest = [path for path in sorted(DATA.rglob("*")) if path.is_file() and path not in known]
    rest = [path for path in rest if not any(folder in path.parents for folder in folders)]
    rest = [path for path in rest if path.name != "README.md" and not path.name.startswith("LICENSE")]
    assert {str(Path(*path.relative_to(DATA).parts[1:])) for path in rest} == BESIDE
    for path in rest:
        with pytest.raises(InputError, match="known formats"):
            format_of(path)
