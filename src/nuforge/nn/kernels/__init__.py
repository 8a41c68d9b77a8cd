"""Compiled kernels for a CPU in single precision, each with a plain-torch path that gives the same numbers."""
