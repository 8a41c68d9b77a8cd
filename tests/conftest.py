"""Fixtures that tests of more than one room take."""

import pytest
from hypothesis import settings

from nuforge.simulation.transport.kernel.library import LIBRARY

settings.register_profile("nuforge", deadline=None, derandomize=True)  # the same examples in every run
settings.load_profile("nuforge")


@pytest.fixture(params=["torch", "compiled"], scope="module")
def transport_path(request):
    """Each path of the built-in transport in turn."""
    if request.param == "compiled" and LIBRARY.loaded is None:
        pytest.skip("the compiled kernel was not built")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(LIBRARY.choice, request.param)
        yield request.param
