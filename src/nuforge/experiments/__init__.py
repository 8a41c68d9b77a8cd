"""Whole runs: one function per published system, one file per collaboration."""

from nuforge.evaluation.report import Published
from nuforge.experiments.experiment import Experiment, experiment

__all__ = ["Experiment", "Published", "experiment"]
