"""The command `diagnose`."""

import json

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def walk(here):
    """`walk.csv`: a random walk of 150 days, in a column whose name has brackets."""
    steps = np.random.default_rng(5).normal(size=150)
    days = pd.date_range("2020-01-01", periods=150, freq="D").strftime("%Y-%m-%d")
    frame = pd.DataFrame({"Day": days, "price [bold]": 100 + np.cumsum(steps)})
    frame.to_csv(here / "walk.csv", index=False)
    return here


def test_it_says_what_it_found_and_where_the_files_are(walk, rnnkit):
    result = rnnkit("diagnose", "walk.csv", "--time", "Day", "--season", 1)
    assert (result.code, result.err) == (0, "")
    for words in (
        "walk: 150 rows, one a day",
        "price [bold]: These assumptions of a linear model do not hold",
        "Series: not stationary",
        "Ljung–Box",
        "p-value",
        "> Forecast the change from the last value: take differences.",
        "Run folder: runs/walk-diagnosis (decomposition.png, diagnosis.json, report.html, res",
    ):
        assert words in result.out
    folder = walk / "runs" / "walk-diagnosis"
    assert len(list(folder.iterdir())) == 4
    assert "rnnkit diagnose walk.csv --time Day" in (folder / "report.html").read_text("utf-8")
    assert json.loads((folder / "diagnosis.json").read_text("utf-8"))["season"] == 1


def test_korean_and_quiet(walk, rnnkit):
    loud = rnnkit("diagnose", "walk.csv", "--time", "Day", "--language", "ko", "--out", "a")
    assert "정상성" in loud.out
    assert "성립" in loud.out
    assert "실행 폴더: a" in loud.out
    quiet = rnnkit("diagnose", "walk.csv", "--time", "Day", "--quiet", "--out", "b")
    assert (quiet.code, quiet.out) == (0, "")
    assert (walk / "b" / "report.html").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("nothing.csv", "there is no file nothing.csv"),
        ("walk.csv --time Dey", "did you mean 'Day'?"),
        ("walk.csv --time Day --season 0", "the season must be at least 1 row"),
        ("walk.csv --time Day --season x", "--season"),
        ("walk.csv --time Day --language de", "--language must be en or ko"),
        ("walk.csv --time Day --out walk.csv", "walk.csv is a file"),
        ("walk.csv --time Day --horizon 3", "--horizon"),
        ("short.csv --time Day --season 1", "at least 8 rows"),
    ],
)
def test_bad_input_ends_in_one_line(walk, rnnkit, options, said):
    rows = (walk / "walk.csv").read_text("utf-8").splitlines()[:6]
    (walk / "short.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    result = rnnkit("diagnose", *options.split())
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert said in result.err
    assert sorted(entry.name for entry in walk.iterdir()) == ["sales.csv", "short.csv", "walk.csv"]
