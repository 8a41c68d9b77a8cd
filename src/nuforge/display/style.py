"""Style: colours and type of every picture, in one place. Light, and readable with any colour vision."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap

INK, SOFT, FAINT, RULE = "#1a2230", "#5b6675", "#8a94a3", "#dfe3e9"
MODEL, BASELINES, PUBLISHED = "#0b5cad", ("#8a94a3", "#c08a3e", "#6b9080", "#a97baf"), "#1a2230"
GOOD, BAD = "#137a4b", "#b3261e"

CLASSES = ("#0077bb", "#ee7733", "#cc3377", "#009988", "#8c8c8c", "#33bbee", "#aa3377", "#bbaa33", "#4d4d4d", "#994f00")
"""Colours of classes in their order: shower, track, Michel, delta, low-energy, then further ones.

From Paul Tol's vibrant and bright schemes (Technical Note SRON/EPS/TN/09-002), which stay apart for red-green and
blue-yellow colour blindness; `UNKNOWN` is the colour of rows without class.
"""
UNKNOWN = "#c9ced6"
WRONG, RIGHT = "#d1242f", "#c3cad4"

PARTICLES = ("#0077bb", "#ee7733", "#009988", "#cc3377", "#bbaa33", "#5b3a9e", "#33bbee", "#994f00", "#228833")
"""Colours of particles where each has its own and the rest share one."""

CLUSTERS = (
    *("#0077bb", "#ee7733", "#009988", "#5b3a9e", "#bbaa33", "#33bbee", "#994f00", "#228833"),
    *("#e07fb2", "#1b2f6b", "#8fbf3f", "#7b8ee6", "#c08a3e", "#00b4a0", "#a97baf", "#665c1e"),
)
"""Colours of clusters, which begin anew where clusters are more. None is red: reds are for those without a partner."""

UNMATCHED = ("#d1242f", "#8e1420", "#ff5a7a", "#5a0a12")
"""Colours of predicted clusters that are no true one's best: pieces cut off, or made of nothing."""

ENERGY = ("#bfd2e8", "#7fa8d6", "#6f74bd", "#a03c8f", "#a3123f", "#4a0a12")
"""From little to much: lightness falls all the way, so the order survives printing in grey."""

# Fira Sans and TeX Gyre Heros come with mplhep, so pictures look the same on every machine.
_RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Fira Sans", "TeX Gyre Heros", "DejaVu Sans"],
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "nuforge",
}

TIME = ("#0d0887", "#5302a3", "#8b0aa5", "#b83289", "#db5c68", "#f48849", "#febd2a")
"""From early to late: the perceptual map plasma without its palest end, which white paper would swallow."""

SIGNED = ("#053061", "#2166ac", "#4393c3", "#92c5de", "#f2f2f2", "#f4a582", "#d6604d", "#b2182b", "#67001f")
"""From negative to positive through nearly white: ColorBrewer's RdBu, safe for red-green colour blindness."""

ROLES = {"truth": "#1a2230", "prediction": "#cc3377", "detector": "#c9ced6", "readout": "#0077bb"}
"""Colours of what is drawn over an event by who may know it, and of sensors without a hit."""

energy_map = LinearSegmentedColormap.from_list("nuforge-energy", ENERGY)
time_map = LinearSegmentedColormap.from_list("nuforge-time", TIME)
signed_map = LinearSegmentedColormap.from_list("nuforge-signed", SIGNED)
count_map = LinearSegmentedColormap.from_list("nuforge-count", ["#ffffff", "#d6e4f3", "#7fb0dd", "#0b5cad", "#08325f"])


@contextmanager
def styled() -> Iterator[None]:
    """The style within a `with` block; matplotlib's own settings are as before afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def class_color(i: int) -> str:
    """Colour of class i, of `UNKNOWN` for -1."""
    return UNKNOWN if i < 0 else CLASSES[i % len(CLASSES)]


def cluster_color(i: int) -> str:
    """Colour of cluster i, the clusters of most energy first."""
    return CLUSTERS[i % len(CLUSTERS)]


def method_colors(baselines: Sequence[str]) -> dict[str, str]:
    """Colour of the model and of each baseline by its name; the model's name is "model"."""
    return {"model": MODEL, **{name: BASELINES[i % len(BASELINES)] for i, name in enumerate(baselines)}}
