"""The compiled library of the transport, and the choice between it and plain torch.

`NUFORGE_TRANSPORT=torch` chooses the plain-torch path, `NUFORGE_TRANSPORT=compiled` insists on the compiled one.
"""

from __future__ import annotations

import ctypes
from typing import Final

from nuforge.compiled import Library
from nuforge.compiled.library import INT64, POINTER

LIBRARY: Final = Library(
    "nuforge.simulation.transport.kernel",
    "NUFORGE_TRANSPORT",
    {
        "flying_begins": [POINTER, POINTER, POINTER, ctypes.c_uint64, INT64],
        "fly": [POINTER] * 4,
        "flying_ends": [POINTER],
        "react": [POINTER, POINTER, INT64, INT64, *[POINTER] * 3, ctypes.c_uint64, *[POINTER] * 3, INT64],
        "leave": [POINTER, POINTER, INT64, *[POINTER] * 7, ctypes.c_uint64, *[POINTER] * 3, INT64],
        "runs": [POINTER, POINTER, INT64, *[POINTER] * 4],
        "gather": [*[POINTER] * 4, INT64, INT64, POINTER],
    },
    {"flying_begins": POINTER, "fly": ctypes.c_int, "runs": INT64, "react": INT64, "leave": INT64},
)
