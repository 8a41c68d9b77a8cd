"""The report as one self-contained HTML page: numbers first, readable without JavaScript and on paper."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from nuforge.display import plots
from nuforge.display.chain3d import chain_figure
from nuforge.display.chain_picture import chain_note, chain_picture
from nuforge.display.event3d import CONFIG, pair_figure
from nuforge.display.frame import Frame, Geometry
from nuforge.display.insight_plots import attention_matrix, embedding_picture, saliency_maps
from nuforge.display.page import figure_json, plotly_script, png_source, render, svg_source
from nuforge.display.picture import event_picture
from nuforge.display.pictures.scenes import summary
from nuforge.display.scene import Scene, scene_of
from nuforge.display.style import method_colors
from nuforge.evaluation.report import Difference, Published, Report, write_whole
from nuforge.evaluation.wording import command_of, number_of_events, shortfalls, spelled
from nuforge.events import Events
from nuforge.metrics.interval import Interval
from nuforge.simulation.truth import CLASSES

FILE = "report.html"


@dataclass(frozen=True)
class Mark:
    """A number with its interval on a line from 0 to 100."""

    value: float
    low: float
    high: float
    color: str


@dataclass(frozen=True)
class Row:
    """A row of a table of figures."""

    label: str
    interval: Interval
    others: tuple[Interval, ...]
    difference: Difference | None
    published: tuple[Published, ...]
    model: Mark | None
    baselines: tuple[Mark, ...]
    published_marks: tuple[float, ...]


@dataclass(frozen=True)
class Group:
    """Rows that share a heading and the scale of their line, from `low` to `high`."""

    name: str
    rows: tuple[Row, ...]
    low: float
    high: float


def write_report_page(
    report: Report, folder: Path, events: Events | None = None, detector: Geometry | None = None
) -> Path:
    """Writes `report.html` into a folder, whole or not at all, and returns its path. Arguments as `report_page`."""
    return write_whole(Path(folder) / FILE, report_page(report, events, detector))


def report_page(report: Report, events: Events | None = None, detector: Geometry | None = None) -> str:
    """The report as HTML.

    Args:
        report: The numbers and curves.
        events: A few test events to show, with truth and `voxels.probability`; each adds some 0.2 kB a voxel.
        detector: For positions in cm and its outline.
    """
    classes = class_names(report)
    general, classwise = _groups(report, classes)
    shown = _events(events, Frame.of(detector), _voxel_classes(report, events)) if events is not None else []
    apart = _what_tells_apart(report)
    pictures = _plots(report, classwise)
    inside = _inside(report)
    return render(
        "report.html",
        title=f"{report.experiment}: report",
        report=report,
        question=report.provenance.get("question") or _question(report),
        meta=_meta(report),
        sections=_sections(report, bool(classwise), bool(shown), bool(apart), {**pictures, "inside": inside}),
        apart=apart,
        inside=inside,
        cards=[row for group in general for row in group.rows][:4],
        general=general,
        classwise=classwise,
        published_of={"general": _any_published(general), "classwise": _any_published(classwise)},
        method=_method(report),
        colors=method_colors(list(report.baselines)),
        short=shortfalls(report),
        events=shown,
        plots=pictures,
        shift_names=list(dict.fromkeys(name for figures in report.shifts.values() for name in figures)),
        changes=_changes(report),
        equal_purity=_intervals_within(report.curves.get("equal_purity", {})),
        left_over=_intervals_within(report.curves.get("left_over", {})),
        tracking=_intervals_within(report.curves.get("tracking", {})),
        command=command_of(report),
        split={**report.split, "seeds": ", ".join(map(str, report.seeds)) or "none"},
        timing={name: _duration(value) for name, value in report.timing.items()},
        provenance={name: value for name, value in report.provenance.items() if name not in ("question", "command")},
        sources=report.published,
        plotly=plotly_script() if shown else "",
        config=CONFIG,
    )


def class_names(report: Report) -> tuple[str, ...]:
    """The classes of the report's confusion matrices, in their order; none without one."""
    tables = [cast(Mapping[str, Any], report.curves[name]) for name in _of_kind(report, "confusion")]
    return tuple(dict.fromkeys(str(name) for table in tables for name in table["classes"]))


def _against(report: Report) -> list[dict[str, str]]:
    """Pictures of the figures that are not of one class against the numbers of the report."""
    tables = cast(Mapping[str, Any], report.curves.get("against", {}))
    return [
        {"name": figure, "image": svg_source(plots.against_number(table["number"], curves, label, figure))}
        for label, table in tables.items()
        for figure, curves in table["figures"].items()
        if figure_and_class(figure, class_names(report)) is None
    ][:_PICTURES]


_PICTURES = 16  # more would hide what matters


def _title(curve: str, kind: str) -> str:
    """What stands over a curve of one of several tasks, or stages."""
    return spelled(curve.removesuffix(kind)).strip()


def _of_kind(report: Report, kind: str) -> list[str]:
    """Names of the curves of a kind, of one task or of several: `confusion`, `identity_confusion`."""
    return [name for name in report.curves if name == kind or name.endswith(f"_{kind}")]


def figure_and_class(name: str, classes: Sequence[str]) -> tuple[str, str] | None:
    """A class's figure taken apart, as "recall of track" to "recall" and "track"; none for a figure of all classes."""
    for label in classes:
        head = name[: -len(label)]
        if name.lower().endswith(label.lower()) and head[-1:] in (" ", "_", "/"):
            return head[:-1].removesuffix(" of"), label
    return None


def _groups(report: Report, classes: Sequence[str]) -> tuple[list[Group], list[Group]]:
    """Figures of all classes, and those of single classes by figure."""
    general: list[tuple[str, str]] = []
    classwise: dict[str, list[tuple[str, str]]] = {}
    for name in report.metrics:
        parts = figure_and_class(name, classes)
        if parts is None:
            general.append((name, name))
        else:
            classwise.setdefault(parts[0], []).append((name, parts[1]))
    first = [_group(report, "", general)] if general else []
    return first, [_group(report, head, names) for head, names in classwise.items()]


def _any_published(groups: Sequence[Group]) -> bool:
    return any(row.published for group in groups for row in group.rows)


def _group(report: Report, heading: str, names: Sequence[tuple[str, str]]) -> Group:
    """The rows of some figures (name, label) on one scale."""
    low, high = _scale(report, [name for name, _ in names])
    rows = tuple(_row(report, name, label, low, high) for name, label in names)
    return Group(heading, rows, low, high)


def _scale(report: Report, names: Sequence[str]) -> tuple[float, float]:
    """Round ends of a line that holds all numbers of some figures."""
    figures = [report.metrics, *report.baselines.values()]
    numbers = [x for f in figures for name in names for x in (f[name].value, f[name].low, f[name].high)]
    numbers += [published.value for published in report.published if published.name in names]
    finite = [x for x in numbers if math.isfinite(x)] or [0.0, 1.0]
    step = 10.0 ** math.floor(math.log10(max(max(finite) - min(finite), 1e-6)))
    low, high = math.floor(min(finite) / step) * step, math.ceil(max(finite) / step) * step
    return low, max(high, low + step)


def _row(report: Report, name: str, label: str, low: float, high: float) -> Row:
    colors = method_colors(list(report.baselines))
    published = tuple(p for p in report.published if p.name == name)
    others = tuple(figures[name] for figures in report.baselines.values())
    marks = [_mark(other, colors[b], low, high) for b, other in zip(report.baselines, others, strict=True)]
    return Row(
        label=label,
        interval=report.metrics[name],
        others=others,
        difference=report.difference.get(name),
        published=published,
        model=_mark(report.metrics[name], colors["model"], low, high),
        baselines=tuple(mark for mark in marks if mark is not None),
        published_marks=tuple(_place(p.value, low, high) for p in published if math.isfinite(p.value)),
    )


def _mark(interval: Interval, color: str, low: float, high: float) -> Mark | None:
    """Where a number is on its line; none if it is no number."""
    if not interval.is_defined:
        return None
    ends = [end if math.isfinite(end) else interval.value for end in (interval.low, interval.high)]
    return Mark(_place(interval.value, low, high), _place(ends[0], low, high), _place(ends[1], low, high), color)


def _place(value: float, low: float, high: float) -> float:
    return round(100 * (value - low) / (high - low), 2)


def _plots(report: Report, classwise: Sequence[Group]) -> dict[str, Any]:
    """The pictures that the report's curves allow, as sources of images."""
    curves = report.curves
    out: dict[str, Any] = dict.fromkeys(("confusion", "reliability", "learning", "bars", "against"))
    out["confusion"] = [
        {"name": label, "image": svg_source(plots.confusion_matrix(matrix, curves[of]["classes"], label))}
        for of in _of_kind(report, "confusion")
        for name, matrix in curves[of]["counts"].items()
        for label in [spelled(f"{of.removesuffix('confusion')}{name}")]
    ]
    out["reliability"] = [
        {"name": spelled(of), "image": svg_source(plots.reliability_diagram(curves[of], _title(of, "reliability")))}
        for of in _of_kind(report, "reliability")
    ]
    out["against"] = _against(report)
    out["learning"] = [
        {"name": spelled(of), "image": svg_source(plots.learning_curve(curves[of], _title(of, "learning")))}
        for of in _of_kind(report, "learning")
    ]
    if classwise:
        first = classwise[0]
        parts = {name: figure_and_class(name, class_names(report)) for name in report.metrics}
        names = {name: part[1] for name, part in parts.items() if part and part[0] == first.name}
        bars = plots.metric_bars(report, list(names), spelled(first.name), list(names.values()))
        out["bars"], out["bars_of"] = svg_source(bars), spelled(first.name)
    return out


def _events(events: Events, frame: Frame, classes: Sequence[str]) -> list[dict[str, str]]:
    """Each event as a pair of interactive views and as a picture that does not move; none without anything in space."""
    if not {"voxels", "segments"} & set(events.tables):
        return []
    scenes = [scene_of(events, i, frame, classes) for i in range(len(events))]
    return [_event(scene) for scene in scenes if len(scene.energy)]


def _event(scene: Scene) -> dict[str, str]:
    known = [name for name in ("truth", "prediction") if name in scene.kinds]
    left, right = known if len(known) == 2 else ("energy", *known, "energy")[:2]
    figure = chain_figure(scene) if scene.is_chain else pair_figure(scene, left, right)
    return {
        "title": scene.title,
        "summary": ", ".join(summary(scene)),
        "note": chain_note(scene) if scene.is_chain else "",
        "figure": figure_json(figure),
        "picture": png_source(chain_picture(scene) if scene.is_chain else event_picture(scene)),
    }


def _voxel_classes(report: Report, events: Events) -> Sequence[str]:
    """Names of the classes of voxels: those of the task if it was voxels that it classified."""
    of_voxels = "voxels" in events and "probability" in events["voxels"] and "confusion" in report.curves
    return tuple(map(str, report.curves["confusion"]["classes"])) if of_voxels else CLASSES


def _changes(report: Report) -> dict[str, Any]:
    """Changes by shift, by figure: those of all classes, and those of single classes; the methods; shift -> events."""
    table = cast(Mapping[str, Any], report.curves.get("shifts", {}))
    figures: dict[str, dict[str, dict[str, Interval]]] = {}
    for shift, of in table.items():
        for method, changes in of["changes"].items():
            for figure, change in changes.items():
                figures.setdefault(figure, {}).setdefault(shift, {})[method] = _intervals(change)
    single = {figure for figure in figures if figure_and_class(figure, class_names(report)) is not None}
    return {
        "general": {figure: rows for figure, rows in figures.items() if figure not in single},
        "classwise": {figure: rows for figure, rows in figures.items() if figure in single},
        "methods": list(next(iter(table.values()))["changes"]) if table else [],
        "events": {shift: (of["events"], of["paired"]) for shift, of in table.items()},
    }


def _inside(report: Report) -> dict[str, list[str]]:
    """Pictures of what the network looks at, by kind, of some perhaps none; empty without any."""
    drawn = {
        kind: [svg_source(draw(report.curves[of])) for of in _of_kind(report, kind)]
        for kind, draw in (("attention", attention_matrix), ("embedding", embedding_picture))
    }
    maps = [entry for of in _of_kind(report, "saliency") for entry in report.curves[of]["maps"]]
    drawn["saliency"] = [png_source(saliency_maps(entry), dpi=110) for entry in maps]
    return drawn if any(drawn.values()) else {}


def _what_tells_apart(report: Report) -> dict[str, Any]:
    """The tables of a domain test with their intervals, empty without any."""
    tables = {name: report.curves[name] for name in ("separation", "occlusion") if name in report.curves}
    return {
        name: {
            "classes": table["classes"],
            "rows": [{key: _intervals(value) for key, value in row.items()} for row in table["rows"]],
        }
        for name, table in tables.items()
    }


def _intervals(value: Any) -> Any:  # noqa: ANN401
    """What a report's curves hold, with intervals in place of the mappings that JSON has for them."""
    if isinstance(value, list | tuple):
        return [_intervals(item) for item in value]
    if isinstance(value, Interval):
        return value
    if isinstance(value, Mapping) and {"value", "low", "high"} <= set(value):
        return Interval(**{**value, **{end: _float(value[end]) for end in ("value", "low", "high")}})
    return value


def _intervals_within(table: Any) -> Any:  # noqa: ANN401
    """A nested table of a report's curves with intervals in place of the mappings that JSON has for them."""
    found = _intervals(table)
    if isinstance(found, Mapping):
        return {name: _intervals_within(value) for name, value in found.items()}
    return found


def _float(value: float | None) -> float:
    return math.nan if value is None else value


def _sections(
    report: Report, classwise: bool, events: bool, apart: bool, pictures: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """What the page has, for its list of contents."""
    wanted = {
        ("figures", "Figures"): True,
        ("classes", "Classes"): classwise,
        ("apart", "What tells apart"): apart,
        ("events", "Events"): events,
        ("selections", "Selections"): {"equal_purity", "left_over", "tracking"} & set(report.curves),
        ("confusion", "Confusion"): pictures["confusion"],
        ("calibration", "Calibration"): pictures["reliability"],
        ("inside", "What it looks at"): pictures["inside"],
        ("against", "By number"): pictures["against"],
        ("learning", "Learning"): pictures["learning"],
        ("shifts", "Shifts"): report.shifts,
        ("provenance", "How it was made"): True,
    }
    return [section for section, present in wanted.items() if present]


def _question(report: Report) -> str:
    """What was asked, if the report does not say."""
    against = " and ".join(spelled(name) for name in report.baselines)
    return f"How well does the model of '{report.experiment}' do" + (f" beside {against}?" if against else "?")


def _meta(report: Report) -> list[str]:
    """The line under the title."""
    known = {key: report.provenance.get(key) for key in ("version", "created")}
    seeds = f"training seed{'s' * (len(report.seeds) > 1)} {', '.join(map(str, report.seeds))}" if report.seeds else ""
    version = f"nuforge {known['version']}" if known["version"] else ""
    created = str(known["created"] or "")[:16].replace("T", " ")
    return [part for part in (number_of_events(report), seeds, version, created) if part]


def _method(report: Report) -> str:
    """How the intervals were made, if one way serves all."""
    methods = list(dict.fromkeys(interval.method for interval in report.metrics.values()))
    return f"Intervals: {'; '.join(methods)}." if methods else ""


def _duration(value: object) -> str:
    """Seconds as people say them; anything else as it is."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return str(value)
    minutes, seconds = divmod(float(value), 60)
    hours, minutes = divmod(int(minutes), 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds:.0f} s" if minutes else f"{seconds:.1f} s"
