"""All channels of a kind of neutrino."""

from __future__ import annotations

from functools import cache

from nuforge.simulation.sources.neutrino.channel import Channel
from nuforge.simulation.sources.neutrino.coherent import CoherentChannel
from nuforge.simulation.sources.neutrino.deep_inelastic import deep_channels
from nuforge.simulation.sources.neutrino.modes import Probe
from nuforge.simulation.sources.neutrino.quasi_elastic import quasi_elastic_channels
from nuforge.simulation.sources.neutrino.resonance import delta_channels
from nuforge.simulation.sources.neutrino.settings import GeneratorSettings
from nuforge.simulation.sources.neutrino.two_nucleons import pair_channels


@cache
def channels(probe: Probe, settings: GeneratorSettings) -> tuple[Channel, ...]:
    """What it may do by its current, with tables made once for each setting."""
    quasi_elastic = quasi_elastic_channels(probe, settings)
    return (
        *quasi_elastic,
        *pair_channels(probe, settings, quasi_elastic),
        *delta_channels(probe, settings),
        *deep_channels(probe, settings),
        CoherentChannel(probe),
    )
