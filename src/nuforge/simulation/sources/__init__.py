"""Who flies: sources of primary particles."""

from nuforge.simulation.sources.bomb import particle_bomb
from nuforge.simulation.sources.cosmics import cosmic_background, cosmic_muons, cosmic_rate
from nuforge.simulation.sources.gun import particle_gun
from nuforge.simulation.sources.neutrinos import neutrinos
from nuforge.simulation.sources.overlay import alike, overlay
from nuforge.simulation.sources.spray import particle_spray

__all__ = [
    "alike",
    "cosmic_background",
    "cosmic_muons",
    "cosmic_rate",
    "neutrinos",
    "overlay",
    "particle_bomb",
    "particle_gun",
    "particle_spray",
]
