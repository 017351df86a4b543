"""Diagnoses of panels, their folders, and their section in the report of a forecast."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.assemble import read_panel
from rnnkit.data.columns import Columns
from rnnkit.errors import ConfigError, DataError, MissingExtraError
from rnnkit.report.language import render
from rnnkit.tasks.forecasting import diagnosis as module
from rnnkit.tasks.forecasting.diagnosis import (
    assumption_table,
    diagnose_panel,
    diagnosis_section,
    draw,
    findings,
)
from rnnkit.tasks.forecasting.diagnosis_run import run_diagnosis

STEPS = np.random.default_rng(5).normal(size=(200, 8))
HEADINGS = [
    "Decomposition",
    "Stationarity",
    "Linear models",
    "Assumptions of the linear model",
    "What it means",
]


@pytest.fixture
def frame():
    """White noise and a random walk, 200 days."""
    days = pd.date_range("2020-01-01", periods=200, freq="D")
    return pd.DataFrame({"Day": days, "noise": STEPS[:, 0], "walk": np.cumsum(STEPS[:, 1])})


@pytest.fixture
def panel(frame):
    """The same as a panel of two targets."""
    return read_panel(frame, Columns(time=("Day",), targets=("noise", "walk")))


def said(found, language="en"):
    return " ".join(render(text, language) for finding in found for text in finding.sentences)


def test_noise_keeps_every_assumption_and_a_walk_is_not_stationary(panel):
    (noise, walk), notes = diagnose_panel(panel, 1)
    assert notes == []
    assert (noise.label, walk.label) == ("noise", "walk")
    assert noise.diagnosis.violated == ()
    assert str(noise.diagnosis.headline).startswith("Every assumption of a linear model holds")
    assert walk.diagnosis.main == "stationarity"
    assert [str(finding.heading) for finding in findings(walk, {})] == HEADINGS
    assert "Series: not stationary" in said(findings(walk, {}))
    assert "Series: stationary" in said(findings(noise, {}))


def test_one_target_of_one_series_can_be_asked_for(panel):
    (only,), _ = diagnose_panel(panel, 7, series=[0], target=1)
    assert (only.target, only.diagnosis.season, only.time_name) == ("walk", 7, "Day")
    assert only.axis[0] == np.datetime64("2020-01-01")
    assert len(only.axis) == only.diagnosis.rows == 200


def test_of_many_series_six_are_diagnosed_and_it_is_told():
    frame = pd.DataFrame(STEPS, columns=list("abcdefgh"))
    panel = read_panel(frame, Columns(targets=tuple("abcdefgh"), layout="columns"))
    found, notes = diagnose_panel(panel, 1)
    assert [each.label for each in found] == list("abcdef")
    assert list(map(str, notes)) == ["Diagnosed: the first 6 of 8 series and targets."]
    assert found[0].axis[[0, -1]].tolist() == [1, 200]


def test_a_series_that_is_too_short_is_left_out_and_named():
    values = {"a": STEPS[:50, 0], "b": np.r_[np.full(45, np.nan), STEPS[:5, 1]]}
    panel = read_panel(pd.DataFrame(values), Columns(targets=("a", "b"), layout="columns"))
    (found,), (note,) = diagnose_panel(panel, 1)
    assert found.label == "a"
    assert str(note).startswith("Not diagnosed: b: a diagnosis needs at least 8 rows")
    with pytest.raises(DataError, match="at least 8 rows"):
        diagnose_panel(panel, 1, series=[1])


def test_the_table_has_a_row_for_each_test(panel):
    (walk,), _ = diagnose_panel(panel, 1, target=1)
    tests = walk.diagnosis.linear.assumptions
    table = assumption_table(walk.diagnosis)
    assert len(table.rows) == len(tests) >= 5
    for row, test in zip(table.rows, tests, strict=True):
        assert [str(row[0]), str(row[1]), row[2]] == [test.name, test.test, f"{test.statistic:.4g}"]
        assert str(row[4]) == ("yes" if test.holds else "no")
        assert float(row[3].strip("< ")) == pytest.approx(test.p_value, rel=0.05, abs=1e-3)


def test_equal_values_have_neither_pictures_nor_tables():
    panel = read_panel(pd.DataFrame({"x": np.full(40, 3.5)}), Columns(targets=("x",)))
    (flat,), _ = diagnose_panel(panel, 1)
    assert draw(flat) == {}
    assert [str(finding.heading) for finding in findings(flat, {})] == [HEADINGS[0], HEADINGS[-1]]
    assert assumption_table(flat.diagnosis).rows == []


def test_the_section_of_a_report_knows_nothing_of_the_test_part(panel):
    later = panel.values.copy()
    later[150:] = 1e6 * np.arange(100).reshape(50, 2)
    first = diagnosis_section(panel, 150, 7, "en")
    assert said(first) == said(diagnosis_section(replace(panel, values=later), 150, 7, "en"))
    assert "Diagnosed: noise, 150 rows before the test part." in said(first)
    assert [str(finding.heading) for finding in first] == ["Before the test part", *HEADINGS]
    assert sum(finding.picture is not None for finding in first) == 2


def test_a_section_that_cannot_be_made_says_why(panel, monkeypatch):
    (finding,) = diagnosis_section(panel, 5, 1, "en")
    assert "The diagnosis is left out: noise: a diagnosis needs at least 8" in said([finding])

    def missing(*args, **options):
        raise MissingExtraError("a diagnosis needs statsmodels")

    monkeypatch.setattr(module, "diagnose", missing)
    (finding,) = diagnosis_section(panel, 150, 1, "en")
    assert said([finding]) == "The diagnosis is left out: a diagnosis needs statsmodels."


def test_a_folder_holds_report_pictures_and_numbers(frame, tmp_path):
    out = tmp_path / "new" / "walk"
    columns = Columns(time=("Day",), targets=("walk",))
    run = run_diagnosis(frame, columns=columns, out=out, command="rnnkit diagnose walk.csv")
    files = ("decomposition.png", "diagnosis.json", "report.html", "residuals.png")
    assert run.season == 7
    assert run.files == files == tuple(sorted(file.name for file in out.iterdir()))
    assert [entry.name for entry in out.parent.iterdir()] == ["walk"]
    (found,) = json.loads((out / "diagnosis.json").read_text())["diagnoses"]
    assert (found["target"], found["season"], found["main"]) == ("walk", 7, "stationarity")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 2
    assert "rnnkit diagnose walk.csv" in page
    for heading in HEADINGS:
        assert f"<h2>{heading}</h2>" in page


def test_several_targets_have_numbered_pictures_and_korean_has_korean_words(frame, tmp_path):
    out = tmp_path / "both"
    columns = Columns(time=("Day",), targets=("noise", "walk"))
    run = run_diagnosis(frame, columns=columns, season=1, out=out, language="ko")
    pictures = [name for name in run.files if name.endswith(".png")]
    assert pictures == [
        "decomposition-1.png", "decomposition-2.png", "residuals-1.png", "residuals-2.png",
    ]  # fmt: skip
    page = (out / "report.html").read_text(encoding="utf-8")
    for word in ("<h2>noise</h2>", "<h2>walk</h2>", "선형 모형의 가정", "정상성", "아니요"):
        assert word in page
    assert "Stationarity" not in page


def test_an_older_diagnosis_is_replaced_whole(frame, tmp_path):
    out = tmp_path / "walk"
    columns = Columns(time=("Day",), targets=("noise", "walk"))
    run_diagnosis(frame, columns=columns, out=out)
    run = run_diagnosis(frame, columns=replace(columns, targets=("walk",)), out=out)
    assert sorted(file.name for file in out.iterdir()) == sorted(run.files)
    assert "residuals.png" in run.files


def test_other_files_are_never_replaced(frame, tmp_path, monkeypatch):
    columns = Columns(time=("Day",), targets=("walk",))
    kept = tmp_path / "mine"
    kept.mkdir()
    (kept / "notes.txt").write_text("mine")
    for out, reason in ((kept, "holds files"), (kept / "notes.txt", "is a file")):
        with pytest.raises(ConfigError, match=reason):
            run_diagnosis(frame, columns=columns, out=out)
    (kept / "diagnosis.json").write_text("{}")
    with pytest.raises(ConfigError, match="holds files"):
        run_diagnosis(frame, columns=columns, out=kept)
    with pytest.raises(ConfigError, match="cannot be written"):
        run_diagnosis(frame, columns=columns, out=kept / "notes.txt" / "below")
    assert sorted(file.name for file in kept.iterdir()) == ["diagnosis.json", "notes.txt"]


def test_what_fails_leaves_the_older_folder_as_it_was(frame, tmp_path, monkeypatch):
    out = tmp_path / "walk"
    columns = Columns(time=("Day",), targets=("walk",))
    run_diagnosis(frame, columns=columns, out=out)
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    replacing = type(out).replace

    def fail(path, target):
        if path.name == "new":
            raise OSError(28, "No space left on device")
        return replacing(path, target)

    monkeypatch.setattr(type(out), "replace", fail)
    with pytest.raises(ConfigError, match="No space left"):
        run_diagnosis(frame, columns=columns, out=out, language="ko")
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["walk"]


def test_without_times_a_season_is_looked_for(tmp_path):
    wave = np.tile([5.0, 3.0, 2.0, 2.0, 4.0, 9.0, 8.0], 30) + STEPS[:, :2].ravel()[:210]
    columns = Columns(targets=("x",), order="oldest-first")
    run = run_diagnosis(pd.DataFrame({"x": wave}), columns=columns, out=tmp_path / "wave")
    assert run.season == 7
    assert "season of 7 rows" in str(run.notes[0])
    with pytest.raises(ConfigError, match="at least 1 row"):
        run_diagnosis(pd.DataFrame({"x": wave}), columns=columns, season=0, out=tmp_path / "b")
