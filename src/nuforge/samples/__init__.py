"""Named recipes of events, made once and kept in the cache. Nothing heavy is imported before a sample is made."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from nuforge.samples.cache import cache_folder, prune
from nuforge.samples.lartpc import engines, particle_bomb
from nuforge.samples.nova import particle_spray
from nuforge.samples.nova_neutrinos import muon_removed, neutrinos
from nuforge.samples.nova_particles import single_particles
from nuforge.samples.sample import Sample

SAMPLES: Mapping[str, Callable[..., Sample]] = MappingProxyType(
    {
        "lartpc-particle-bomb": particle_bomb,
        "lartpc-engines": engines,
        "nova-particle-spray": particle_spray,
        "nova-neutrinos": neutrinos,
        "nova-mre": muon_removed,
        "nova-single-particles": single_particles,
    }
)
"""The recipes by the name of their samples. A recipe's signature is its configuration."""

__all__ = ["SAMPLES", "Sample", "cache_folder", "prune"]
