"""Reactions with nuclei by both paths."""

from types import SimpleNamespace

import pytest

from nuforge.simulation.nucleus import capture, interact, interact_with_protons
from nuforge.simulation.transport.kernel import alone
from nuforge.simulation.transport.kernel.library import LIBRARY

PLAIN = SimpleNamespace(
    interact=interact,
    interact_with_protons=interact_with_protons,
    capture_muons=capture.capture_muons,
    capture_pions=capture.capture_pions,
    capture_kaons=capture.capture_kaons,
    capture_neutrons=capture.capture_neutrons,
)
WITHOUT_COMPILER = pytest.mark.skipif(LIBRARY.loaded is None, reason="the compiled kernel was not built")
COMPILED = pytest.param(alone, marks=WITHOUT_COMPILER)
