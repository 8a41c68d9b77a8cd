"""Who flies: sources of primary particles."""

from nuforge.simulation.sources.bomb import particle_bomb
from nuforge.simulation.sources.gun import particle_gun
from nuforge.simulation.sources.neutrinos import neutrinos

__all__ = ["neutrinos", "particle_bomb", "particle_gun"]
