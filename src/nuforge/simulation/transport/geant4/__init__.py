"""Geant4 as a transport, in processes of its own: `engine` on this side of the pipe, `worker` on the other.

Nothing is imported here, so that a worker process starts without torch.
"""
