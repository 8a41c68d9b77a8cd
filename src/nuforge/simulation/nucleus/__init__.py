"""Hadrons on nuclei: what an interaction, an absorption or a capture leaves behind, many at once."""

from nuforge.simulation.nucleus.hydrogen import interact_with_protons
from nuforge.simulation.nucleus.interaction import Products, interact

__all__ = ["Products", "interact", "interact_with_protons"]
