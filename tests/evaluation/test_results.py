from dataclasses import replace

import pytest
from toy_reports import toy_report

from nuforge.evaluation.results import main, results_page
from nuforge.evaluation.wording import command_of, shortfalls


@pytest.fixture
def folder(tmp_path):
    toy_report().write(tmp_path / "results" / "lartpc-segmentation")
    return tmp_path


def test_the_page_has_every_figure_beside_baselines_difference_and_published(folder):
    assert main([str(folder / "results"), str(folder / "docs" / "results.md")]) == 0
    page = (folder / "docs" / "results.md").read_text()
    assert "## lartpc-segmentation\n" in page
    assert "| figure | model | rules | boosted trees | difference | published |" in page
    row = "| mean IoU | **0.858 [0.848, 0.868]** | 0.642 [0.628, 0.656] | 0.694 [0.680, 0.708] | "
    assert row + "+0.164 [0.158, 0.170] to boosted trees | - |" in page
    assert "| recall of Michel | **0.921" in page
    assert "0.840 |" in page
    assert "412 test events; training seeds: 0." in page
    assert "SPINE, Neutrino 2024 (slides)" in page


def test_the_page_says_where_the_model_falls_short(folder):
    short = shortfalls(toy_report())
    assert "recall of delta is behind boosted trees by 0.008 [0.002, 0.014]" in short
    assert "recall of track is not told apart from boosted trees" in short
    assert "recall of delta 0.803 against 0.825 published" in short
    assert not any("mean IoU" in line or "calibration" in line for line in short)
    page = results_page({"lartpc-segmentation": toy_report()})
    assert f"**Where we fall short:** {'; '.join(short)}." in page
    nowhere = replace(toy_report(), difference={}, published=[])
    assert "**Where we fall short:** in none of these figures." in results_page({"demo": nowhere})


def test_reports_of_one_experiment_are_told_apart_by_their_names():
    page = results_page({"lartpc-segmentation": toy_report(), "demo": toy_report()})
    assert page.index("## demo\n\n`lartpc-segmentation`\n") < page.index("## lartpc-segmentation\n\n")


def test_the_command_is_the_experiment_with_its_arguments():
    expected = (
        "nuforge run lartpc-segmentation --events 4000 --width 16 --depth 5 --steps 2400 --augment --no-temperature"
    )
    assert command_of(toy_report()) == expected
    recorded = replace(toy_report(), provenance={"command": "nuforge run lartpc-segmentation --quick"})
    assert command_of(recorded) == "nuforge run lartpc-segmentation --quick"


def test_a_broken_report_stops_the_page_with_one_line(folder, capsys):
    (folder / "results" / "broken").mkdir()
    (folder / "results" / "broken" / "report.json").write_text("{}")
    assert main([str(folder / "results"), str(folder / "results.md")]) == 2
    assert "broken/report.json: schema is None" in capsys.readouterr().err
    assert not (folder / "results.md").exists()
    assert main([]) == 2


def test_no_reports_make_a_page_without_sections(tmp_path):
    assert main([str(tmp_path), str(tmp_path / "results.md")]) == 0
    assert "##" not in (tmp_path / "results.md").read_text()
