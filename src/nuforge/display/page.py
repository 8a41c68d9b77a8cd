"""Pages: templates, pictures inside them, and figures as JSON that is safe inside HTML."""

from __future__ import annotations

import base64
import math
from functools import lru_cache

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure
from plotly.offline import get_plotlyjs

from nuforge.display import style
from nuforge.display.plots import to_png, to_svg
from nuforge.evaluation.wording import decimals, spelled


def render(template: str, **content: object) -> str:
    """A page from a template of this room; all text is escaped."""
    return _environment().get_template(template).render(style=style, **content)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("nuforge", "display/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(decimals=decimals, spelled=spelled, signed=signed, image=image)
    return environment


def signed(value: float) -> str:
    """A difference with its sign, a true minus among them."""
    if math.isnan(value):
        return "-"
    return f"{'−' if value < 0 else '+'}{decimals(abs(value))}"  # noqa: RUF001


def image(source: str, description: str) -> Markup:
    """An image whose data is in the page."""
    return Markup('<img src="{}" alt="{}">').format(source, description)


def svg_source(figure: Figure) -> str:
    """The figure as the source of an image, as SVG."""
    return "data:image/svg+xml;base64," + base64.b64encode(to_svg(figure).encode()).decode()


def png_source(figure: Figure, dpi: int = 130) -> str:
    """The figure as the source of an image, as PNG: smaller than SVG where points are many."""
    return "data:image/png;base64," + base64.b64encode(to_png(figure, dpi)).decode()


def figure_json(figure: go.Figure) -> str:
    """The figure as JSON that cannot end the script element it stands in."""
    return str(figure.to_json()).replace("<", "\\u003c")


def plotly_script() -> str:
    """plotly.js, from the installed package: pages need no network."""
    return str(get_plotlyjs())
