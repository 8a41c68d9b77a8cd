"""Physics on top of clusters: directions, lengths, momenta, energies, vertices; all clusters of all events at once."""

from nuforge.reconstruction.reconstruct import reconstruct

__all__ = ["reconstruct"]
