import math
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from toy_events import toy_event
from toy_reports import CLASSES, toy_report

from nuforge.display.report_html import figure_and_class, report_page, write_report_page
from nuforge.evaluation.report import Report
from nuforge.events import Events
from nuforge.metrics.interval import Interval

VOID = {"meta", "img", "br", "line", "input", "link", "hr"}


class Outline(HTMLParser):
    """Checks that elements close in order, and gathers text, ids and addresses."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.text, self.scripts = [], [], [], [], 0

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes[name] for name in ("src", "href") if attributes.get(name)]
        self.scripts += tag == "script"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)


def outline(page):
    out = Outline()
    out.feed(page)
    out.close()
    assert not out.open
    return out


@pytest.fixture(scope="module")
def page():
    return report_page(toy_report(), Events.concat([toy_event(0), toy_event(1)]))


def test_the_page_is_well_formed_and_every_id_is_its_own(page):
    ids = outline(page).ids
    assert len(set(ids)) == len(ids)
    assert {link[1:] for link in outline(page).links if link.startswith("#")} <= set(ids)


def test_nothing_is_loaded_from_elsewhere(page):
    assert all(link.startswith(("#", "data:image/")) for link in outline(page).links)
    assert "default-src 'none'" in page
    styles = page.split("</style>")[0]
    assert "url(" not in styles
    assert "@import" not in styles


def test_every_number_can_be_read_without_javascript(page):
    text = " ".join("".join(outline(page).text).split())
    report = toy_report()
    for figures in (report.metrics, *report.baselines.values()):
        for interval in figures.values():
            assert f"{interval.value:.3f}" in text
            assert f"{interval.low:.3f} – {interval.high:.3f}" in text  # noqa: RUF001
    for published in report.published:
        assert f"{published.value:.3f}, {published.source}" in text
    assert "+0.164" in text
    assert "behind boosted trees" in text
    assert "recall of delta is behind boosted trees by" in text
    assert "412 test events" in text
    assert "nuforge run lartpc-segmentation --events 4000" in text


def test_plotly_is_inlined_once_and_only_if_there_are_events(page):
    assert page.count("plotly.js v") == 1
    without = report_page(toy_report())
    assert "plotly.js v" not in without
    assert outline(without).scripts == 0
    assert len(without) < 1_500_000


def test_each_event_has_an_interactive_pair_and_a_picture_for_paper(page):
    assert page.count('type="application/json"') == 2
    assert page.count('class="still"') == 2
    assert page.count('<img src="data:image/png;base64,') == 2


def test_all_text_is_escaped():
    evil = "<img src=x onerror=alert(1)>"
    report = toy_report()
    provenance = {"question": evil, "sample": {evil: evil}}
    bad = replace(report, experiment=evil, arguments={evil: evil}, provenance=provenance, metrics=report.metrics)
    page = report_page(bad)
    assert evil not in page
    assert "&lt;img src=x" in page
    outline(page)


def test_a_report_with_hardly_anything_still_makes_a_page():
    nan = math.nan
    page = report_page(Report("empty", {}, {"recall": Interval(nan, nan, nan, 0, "none")}))
    text = "".join(outline(page).text)
    assert "recall" in text
    assert not re.search(r"\bnan\b", text)
    assert outline(report_page(Report("nothing", {}, {}))).scripts == 0


def test_the_same_report_makes_the_same_page():
    assert report_page(toy_report()) == report_page(toy_report())


def test_the_page_is_written_whole(tmp_path):
    path = write_report_page(toy_report(), tmp_path / "run")
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["report.html"]
    assert path.read_text().endswith("</html>\n") or path.read_text().endswith("</html>")


def test_figures_of_a_class_are_told_from_figures_of_all():
    assert figure_and_class("recall of Michel", CLASSES) == ("recall", "Michel")
    assert figure_and_class("recall Michel", CLASSES) == ("recall", "Michel")
    assert figure_and_class("recall_michel", CLASSES) == ("recall", "Michel")
    assert figure_and_class("IoU of low-energy", CLASSES) == ("IoU", "low-energy")
    assert figure_and_class("mean recall", CLASSES) is None
    assert figure_and_class("soundtrack", CLASSES) is None


def test_a_browser_draws_the_events(page, tmp_path):
    browser = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no browser installed: chromium is needed to run the page's script")
    (tmp_path / "report.html").write_text(page)
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000", "--dump-dom"]
    try:
        done = subprocess.run(
            [*command, (tmp_path / "report.html").as_uri()], capture_output=True, text=True, check=True, timeout=60
        )
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"the browser did not run here: {type(error).__name__}")
    assert re.search(
        r'id="plot-0"[^>]*class="[^"]*js-plotly-plot|class="[^"]*js-plotly-plot[^"]*"[^>]*id="plot-0"', done.stdout
    )
    assert not re.search(r'class="[^"]*js-plotly-plot[^"]*"[^>]*id="plot-1"', done.stdout)  # drawn when asked for
