"""What happened: tables, events, the store on disk and the way to batches."""

from nuforge.events.columns import STANDARD, Column
from nuforge.events.events import Events
from nuforge.events.process import Process
from nuforge.events.selection import Selection
from nuforge.events.table import Table, offsets_of

__all__ = ["STANDARD", "Column", "Events", "Process", "Selection", "Table", "offsets_of"]
