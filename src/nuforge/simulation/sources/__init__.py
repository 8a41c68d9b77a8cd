"""Who flies: sources of primary particles."""

from nuforge.simulation.sources.bomb import particle_bomb
from nuforge.simulation.sources.gun import particle_gun

__all__ = ["particle_bomb", "particle_gun"]
