import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from toy_reports import CLASSES, toy_report

from nuforge.display import style
from nuforge.display.plots import (
    confusion_matrix,
    learning_curve,
    metric_bars,
    reliability_diagram,
    to_png,
    to_svg,
)

REPORT = toy_report()


def all_plots():
    curves = REPORT.curves
    return {
        "confusion": confusion_matrix(curves["confusion"]["counts"]["model"], CLASSES),
        "reliability": reliability_diagram(curves["reliability"]),
        "learning": learning_curve(curves["learning"]),
        "bars": metric_bars(REPORT, [f"recall of {name}" for name in CLASSES]),
    }


def test_plots_leave_the_settings_of_matplotlib_as_they_were():
    before = dict(mpl.rcParams)
    for figure in all_plots().values():
        assert to_png(figure, dpi=30).startswith(b"\x89PNG")
    assert dict(mpl.rcParams) == before


def test_plots_open_no_window_and_join_no_list_of_figures():
    code = "import nuforge.display.plots as p, matplotlib.pyplot as plt; p.new_figure(1, 1); print(plt.get_fignums())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_same_plot_has_the_same_bytes():
    for one, other in zip(all_plots().values(), all_plots().values(), strict=True):
        assert to_svg(one) == to_svg(other)


def test_the_rows_of_a_confusion_matrix_are_per_cent_of_the_true_class():
    figure = confusion_matrix([[3, 1], [0, 0]], ["a", "b"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["75.0", "25.0", "-", "-"]


def test_the_bars_are_the_numbers_of_the_report():
    names = [f"recall of {name}" for name in CLASSES]
    axes = metric_bars(REPORT, names).axes[0]
    heights = [[bar.get_height() for bar in container] for container in axes.containers]
    figures = [REPORT.metrics, *REPORT.baselines.values()]
    np.testing.assert_allclose(heights, [[f[name].value for name in names] for f in figures])


def test_counts_must_fit_the_classes():
    with pytest.raises(ValueError, match=r"counts must be 2 x 2 for \['a', 'b'\], got \(1, 1\)"):
        confusion_matrix([[1]], ["a", "b"])


def test_little_energy_is_light_and_much_is_dark_all_the_way():
    rgb = style.energy_map(np.linspace(0, 1, 50))[:, :3]
    lightness = rgb @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) < 0.002).all()
    assert lightness[0] - lightness[-1] > 0.6


def test_class_colours_are_all_different():
    assert len(set(style.CLASSES)) == len(style.CLASSES)
    assert style.class_color(-1) == style.UNKNOWN
