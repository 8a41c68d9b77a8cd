"""Puts what was measured into docs/transport.md, and draws its pictures, from benchmarks/results/transport*.json.

    python benchmarks/make_transport.py

What is between `<!-- argon -->` and `<!-- end of argon -->` is made anew, for xenon and water likewise; all else in the
page is written by hand.
"""

import json
import math
import sys
from pathlib import Path

from nuforge.display import style
from nuforge.display.plots import new_figure, to_png
from nuforge.evaluation.secondaries import KINDS

ROOT = Path(__file__).parents[1]
RESULTS, DOCS = ROOT / "benchmarks" / "results", ROOT / "docs"
FILES = {"argon": "transport.json", "xenon": "transport_xenon.json", "water": "transport_water.json"}
PICTURES = {
    "nucleons": ("proton 200 MeV", "neutron 100 MeV"),
    "pions": ("pi+ 200 MeV", "pi- 50 MeV"),
    "captures": ("mu- 50 MeV", "neutron 20 MeV"),
}
TITLES = {
    "proton": "protons",
    "neutron": "neutrons",
    "pion": "pions",
    "photon": "photons",
    "nucleus": "nuclei (d and up)",
}
MOST = 0.7  # of what is allowed: bins of profiles that differ less are counted, not listed


def section(medium, result):
    """What was measured in a medium, as Markdown."""
    asked = result["provenance"]
    command = f"python benchmarks/transport.py --events {asked['events']} --geant4-events {asked['geant4_events']}"
    if asked["reference"].endswith(".json"):
        command += f" --reference {asked['reference']}"
    else:
        command += f" --medium {medium}"
    parts = [f"```\n{command} --seed {asked['seed']} --json\n```\n", figures(result["entries"])]
    if result["secondaries"]:
        parts += [pictures(medium, result["spectra"]), secondaries(result["secondaries"])]
    return "\n".join([*parts, speeds(result["speed"])])


def figures(entries):
    """The table of the figures of single particles."""
    within = sum(entry["within"] for entry in entries)
    shown = [entry for entry in entries if not is_bin(entry["name"]) or used(entry) > MOST]
    text = f"**{within} of {len(entries)} figures are within the allowance.** "
    text += (
        f"Of {len(entries) - len(shown)} bins of profiles and contained fractions, which use less than {MOST:.0%} of "
    )
    return text + "what is allowed, there is no line.\n\n" + table(shown)


def secondaries(entries):
    """The table of what differs among secondaries; how many of those that came of secondaries is all that is said."""
    outside = [entry for entry in entries if not entry["within"]]
    shown = [entry for entry in outside if " all " not in entry["name"]]
    text = f"Deposits by kind of particle, numbers and energies of secondaries: {len(entries) - len(outside)} of "
    text += (
        f"{len(entries)} agree within three combined standard errors and 3 %. Of the others those of deposits and of "
    )
    return text + "the first interaction (or capture) alone:\n\n" + table(shown)


def table(entries):
    """A table of entries."""
    rows = [
        f"| {entry['name'].replace('_', ' ')} | {with_error(entry, 'ours')} | {with_error(entry, 'reference')} | "
        f"{difference(entry)} | {used(entry):.0%} |"
        for entry in entries
    ]
    return (
        "\n".join(["| figure | built-in | Geant4 | difference | of the allowance |", "| --- " * 5 + "|", *rows]) + "\n"
    )


def is_bin(name):
    return "longitudinal" in name or "contained" in name


def used(entry):
    """The difference as a share of what is allowed."""
    allowed = 3 * math.hypot(entry["ours_error"], entry["reference_error"]) + entry["allowance"]
    return abs(entry["ours"] - entry["reference"]) / max(allowed, 1e-12)


def with_error(entry, side):
    """A value with its standard error, to two digits of the error."""
    error = entry[f"{side}_error"]
    digits = 4 if error <= 0 else min(6, max(0, 1 - math.floor(math.log10(error))))
    return f"{entry[side]:.{digits}f} ± {error:.{digits}f}"


def difference(entry):
    return f"{entry['ours'] / entry['reference'] - 1:+.1%}" if entry["reference"] else "-"


def speeds(speed):
    """The table of events per second."""
    head = "| case | built-in | Geant4 | Geant4 without recording | ratio | without recording |"
    rows = [
        f"| {case} | {one['ours']:.0f} | {rate(one, 'geant4')} | {rate(one, 'geant4_without_recording')} | "
        f"{ratio(one, 'geant4')} | {ratio(one, 'geant4_without_recording')} |"
        for case, one in speed.items()
    ]
    text = "Events per second of processor time, one core, without start-up; the built-in transport always records:\n\n"
    return text + "\n".join([head, "| --- " * 6 + "|", *rows]) + "\n"


def rate(one, engine):
    return f"{one[engine]:.0f}" if engine in one else "-"


def ratio(one, engine):
    return f"{one['ours'] / one[engine]:.1f}" if engine in one else "-"


def pictures(medium, spectra):
    """Draws the spectra; Markdown that shows them."""
    lines = []
    for name, cases in PICTURES.items():
        known = [case for case in cases if case in spectra]
        if known:
            path = DOCS / f"transport-{medium}-{name}.png"
            path.write_bytes(to_png(drawn(known, spectra), dpi=75))
            lines.append(f"![Spectra of secondaries: {', '.join(known)}]({path.name})")
    return "\n\n".join(lines) + "\n"


def drawn(cases, spectra):
    """Spectra of the first interaction, a row for each case and a column for each kind."""
    edges = spectra["edges_MeV"]
    kinds = [kind for kind in KINDS if kind in TITLES]
    with style.styled():
        figure = new_figure(2.6 * len(kinds), 2.5 * len(cases))
        grid = figure.subplots(len(cases), len(kinds), squeeze=False)
        for row, case in zip(grid, cases, strict=True):
            for axes, kind in zip(row, kinds, strict=True):
                one = spectra[case]["first interaction"][kind]
                if not any(one["ours"]) and not any(one["geant4"]):
                    axes.set_axis_off()
                    continue
                steps(axes, edges, one["geant4"], one["geant4_error"], "Geant4", style.BASELINES[1])
                steps(axes, edges, one["ours"], one["ours_error"], "built-in", style.MODEL)
                axes.set_xscale("log")
                axes.set_xlim(edges[0], 400)
                axes.set_title(f"{case}: {TITLES[kind]}", fontsize=9)
                axes.set_ylim(bottom=0)
            row[0].set_ylabel("per event and bin")
            row[0].legend(fontsize=8)
        for axes in grid[-1]:
            axes.set_xlabel("kinetic energy (MeV)")
    return figure


def steps(axes, edges, values, errors, label, colour):
    """A histogram with the band of its standard errors."""
    low, high = ([v + sign * e for v, e in zip(values, errors, strict=True)] for sign in (-1, 1))
    axes.stairs(values, edges, color=colour, label=label, linewidth=1.3)
    axes.stairs(high, edges, baseline=low, fill=True, color=colour, alpha=0.25)


def main():
    page = DOCS / "transport.md"
    text = page.read_text()
    for medium, name in FILES.items():
        path = RESULTS / name
        measured = section(medium, json.loads(path.read_text())) if path.exists() else "Not measured yet.\n"
        first, last = f"<!-- {medium} -->", f"<!-- end of {medium} -->"
        before, rest = text.split(first)
        text = f"{before}{first}\n\n{measured}\n{last}{rest.split(last)[1]}"
    page.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
