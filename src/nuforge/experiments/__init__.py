"""Whole runs: one function per published system, one file per collaboration."""

from nuforge.experiments.experiment import Experiment, Published, experiment

__all__ = ["Experiment", "Published", "experiment"]
