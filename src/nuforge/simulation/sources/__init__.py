"""Who flies: sources of primary particles."""

from nuforge.simulation.sources.bomb import particle_bomb
from nuforge.simulation.sources.cosmics import cosmic_background, cosmic_muons, cosmic_rate
from nuforge.simulation.sources.gun import particle_gun
from nuforge.simulation.sources.overlay import overlay

__all__ = ["cosmic_background", "cosmic_muons", "cosmic_rate", "overlay", "particle_bomb", "particle_gun"]
