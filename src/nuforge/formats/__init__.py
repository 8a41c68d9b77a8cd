"""What others write: one reader for each third-party format, and `read`, which finds out which it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nuforge.errors import InputError
from nuforge.events import Events
from nuforge.events.store import DESCRIPTION, Store
from nuforge.formats.charge_events import CHARGE_EVENTS
from nuforge.formats.dayabay import DAYABAY
from nuforge.formats.dune_cvn import DUNE_CVN
from nuforge.formats.format import Format, one_line
from nuforge.formats.genie import GST, ROOTRACKER
from nuforge.formats.gibuu import GIBUU
from nuforge.formats.glimpse import Glimpse, Kind
from nuforge.formats.graphnet_parquet import GRAPHNET_NESTED, GRAPHNET_PARQUET
from nuforge.formats.graphnet_sqlite import GRAPHNET_SQLITE
from nuforge.formats.hese import HESE
from nuforge.formats.i3 import is_i3, refusal
from nuforge.formats.kaggle import KAGGLE
from nuforge.formats.kin import KIN
from nuforge.formats.km3net_offline import KM3NET_OFFLINE
from nuforge.formats.km3pipe import KM3PIPE
from nuforge.formats.larcv2 import LARCV2
from nuforge.formats.larcv3 import LARCV3
from nuforge.formats.larpix import LARPIX
from nuforge.formats.lh5 import LH5
from nuforge.formats.liquido import LIQUIDO
from nuforge.formats.minerva import MINERVA
from nuforge.formats.miniboone import MINIBOONE
from nuforge.formats.next_ic import NEXT
from nuforge.formats.nova import NOVA
from nuforge.formats.nugraph import NUGRAPH
from nuforge.formats.nuhepmc import NUHEPMC
from nuforge.formats.nuisance import NUISANCE
from nuforge.formats.numl import NUML
from nuforge.formats.nuradiomc import NURADIOMC
from nuforge.formats.pilarnet import PILARNET
from nuforge.formats.pisa import PISA
from nuforge.formats.prometheus import PROMETHEUS
from nuforge.formats.segments import SEGMENTS
from nuforge.formats.spine import SPINE
from nuforge.formats.watchmal import WATCHMAL
from nuforge.formats.wcsim import WCSIM
from nuforge.formats.wirecell import WIRECELL_DEPOS, WIRECELL_FRAMES


def _is_store(seen: Glimpse) -> bool:
    return seen.kind is Kind.FOLDER and DESCRIPTION in seen.names


def _stream_store(path: Path, batch_events: int) -> Iterator[Events]:
    return Store(path).batches(batch_events)


STORE = Format("store", "a store (a folder of Parquet shards with store.json)", "seen", _is_store, _stream_store)

FORMATS: tuple[Format, ...] = (
    STORE,
    CHARGE_EVENTS,
    DUNE_CVN,
    LARCV2,
    LARCV3,
    LARPIX,
    NOVA,
    NUGRAPH,
    NUML,
    *PILARNET,
    SEGMENTS,
    SPINE,
    GRAPHNET_NESTED,
    GRAPHNET_PARQUET,
    GRAPHNET_SQLITE,
    HESE,
    KAGGLE,
    KM3NET_OFFLINE,
    KM3PIPE,
    LIQUIDO,
    PISA,
    PROMETHEUS,
    WATCHMAL,
    WCSIM,
    WIRECELL_DEPOS,
    WIRECELL_FRAMES,
    DAYABAY,
    GIBUU,
    GST,
    KIN,
    LH5,
    MINERVA,
    MINIBOONE,
    NEXT,
    NUHEPMC,
    NUISANCE,
    NURADIOMC,
    ROOTRACKER,
)
"""All formats, in the order in which they are asked whether a file is theirs."""


def format_of(path: str | Path) -> Format:
    """The format of a file or folder, by its content.

    Raises:
        InputError: If there is nothing, or nothing that is known.
    """
    with one_line(Path(path), "any format"):
        seen = Glimpse.of(Path(path))
        found = next((each for each in FORMATS if each.recognises(seen)), None)
    if found is None and is_i3(seen):
        raise InputError(refusal(seen))
    if found is None:
        raise InputError(_unknown(seen))
    return found


def read(path: str | Path) -> Events:
    """All events of a file or store; the format is found by its content.

    Raises:
        InputError: If there is nothing, or nothing that can be read.
    """
    return Events.concat(list(stream(path, batch_events=256)))


def stream(path: str | Path, batch_events: int = 64) -> Iterator[Events]:
    """The events of a file or store in order, some at a time, in bounded memory; the format is found by its content.

    Args:
        path: A file or a store's folder.
        batch_events: Events at a time.

    Raises:
        InputError: If there is nothing, or nothing that can be read; before the first events, but for damage inside.
    """
    return format_of(path).events(Path(path), batch_events)


def _unknown(seen: Glimpse) -> str:
    """What to say of a file that no format knows."""
    known = "; ".join(each.title for each in FORMATS)
    if seen.kind is Kind.BYTES and not seen.head:
        return f"{seen.path} is empty, expected one of the known formats: {known}"
    if seen.kind is Kind.BYTES:
        return f"{seen.path} is of no known format (it begins with {seen.head[:8]!r}); known formats: {known}"
    if seen.kind is Kind.PARQUET and "event.event" in seen.names:
        return f"{seen.path} is one Parquet file, expected a store; give its folder if it is a shard of one"
    return (
        f"{seen.path} is {seen.kind.value} of no known format, it has {list(seen.names[:20])}; known formats: {known}"
    )
