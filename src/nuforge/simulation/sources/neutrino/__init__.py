"""Neutrinos on nuclei: channels, one a file; the nucleus around them; what leaves it."""
