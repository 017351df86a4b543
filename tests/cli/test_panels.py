"""Commands on data of every form: many series, layouts, covariates, other languages."""

import io
import json
import re

import numpy as np
import pandas as pd
import pytest

from rnnkit import load

QUICK = ("--season", 1, "--context", 6, "--ensemble", 1, "--hidden-size", 3, "--epochs", 1)
SHOPS = ("--time", "Month", "--target", "Sold", "--series-id", "Shop", "--horizon", 3, *QUICK)


@pytest.fixture(autouse=True)
def _few_baselines(few_baselines):
    pass


@pytest.fixture
def shops(here, wave):
    """`shops.csv`: two series of unequal length with covariates, and what is known ahead."""
    frames = []
    for number, (name, rows) in enumerate((("Ulm", 60), ("Köln", 45))):
        frame = wave(63)[60 - rows :].reset_index(drop=True)
        frame["Sold"] *= 1 + 9 * number
        frame.loc[rows:, "Sold"] = np.nan
        frames.append(
            frame.assign(
                Shop=name,
                Price=np.arange(rows + 3) % 7,
                Wind=np.resize(["calm", "NE", "SW"], rows + 3),
                Region=["hill", "coast"][number],
            )
        )
    pd.concat(frames).to_csv(here / "shops.csv", index=False)
    return pd.concat(frames, ignore_index=True)


def read(text):
    return pd.read_csv(io.StringIO(text))


def test_many_series_with_covariates(here, rnnkit, shops):
    covariates = ("--future-covariate", "Price", "--covariate", "Wind", "--static", "Region")
    result = rnnkit("forecast", "shops.csv", *SHOPS, *covariates, "--test-size", "20%")
    assert result.code == 0, result.err
    assert "shops: 105 rows of 2 series, one a month" in result.out
    assert "The GRU is better than" in result.out
    folder = here / "runs" / "shops"
    written = (folder / "forecast.csv").read_text("utf-8")
    table = read(written)
    assert list(table)[:4] == ["Shop", "time", "target", "value"]
    assert list(table)[4:] == ["lower_80", "upper_80", "lower_95", "upper_95"]
    assert table["Shop"].tolist() == ["Ulm"] * 3 + ["Köln"] * 3
    assert table["time"].tolist() == ["2005-01-01", "2005-02-01", "2005-03-01"] * 2
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["test"]["series"], metrics["test"]["origins"]) == (2, 2 * 10)
    assert rnnkit("predict", "runs/shops").out == written
    model = load(folder)
    assert [(c.name, c.role) for c in model.fitted.panel.covariates] == [
        ("Wind", "past"),
        ("Price", "future"),
        ("Region", "static"),
    ]
    assert rnnkit("evaluate", "runs/shops", "shops.csv", "--out", "scores.json").code == 0
    assert json.loads((here / "scores.json").read_text()) == metrics


def test_some_series_of_a_run_are_predicted(here, rnnkit, shops):
    known = shops.dropna()
    known.to_csv("known.csv", index=False)
    assert rnnkit("forecast", "known.csv", *SHOPS, "--test-size", 0, "-q").code == 0
    whole = read(rnnkit("predict", "runs/known").out).set_index("Shop")
    known[known["Shop"] == "Köln"].to_csv("one.csv", index=False)
    one = read(rnnkit("predict", "runs/known", "one.csv").out).set_index("Shop")
    assert one.index.tolist() == ["Köln"] * 3
    pd.testing.assert_frame_equal(one, whole.loc[["Köln"]], rtol=1e-6)
    known[known["Shop"] == "Ulm"].assign(Shop="Hof").to_csv("new.csv", index=False)
    result = rnnkit("predict", "runs/known", "new.csv", "--out", "new-forecast.csv")
    assert (result.code, result.out) == (0, "")
    assert pd.read_csv("new-forecast.csv")["Shop"].tolist() == ["Hof"] * 3


LAYOUTS = {
    "long": ("long.csv", SHOPS, "Shop", "2005-01-01"),
    "columns": (
        "columns.csv",
        ("--layout", "columns", "--time", "Month", "--horizon", 3, *QUICK),
        "series",
        "2005-01-01",
    ),
    "rows": (
        "rows.csv",
        ("--layout", "rows", "--series-id", "Shop", "--horizon", 3, *QUICK),
        "Shop",
        61,
    ),
    "targets": (
        "columns.csv",
        ("--time", "Month", "--target", "all", "--horizon", 3, *QUICK),
        "target",
        "2005-01-01",
    ),
    "no header": (
        "bare.csv",
        ("--no-header", "--target", 2, "--order", "oldest-first", "--horizon", 3, *QUICK),
        None,
        61,
    ),
    "newest first": (
        "newest.csv",
        ("--target", "Ulm", "--order", "newest-first", "--step", "month", "--horizon", 3, *QUICK),
        None,
        61,
    ),
}


@pytest.fixture
def layouts(here, wave):
    """One table in every layout."""
    wide = pd.DataFrame({"Month": wave(60)["Month"], "Ulm": wave(60)["Sold"]})
    wide["Köln"] = 5 + 3 * wide["Ulm"] ** 2
    wide.to_csv("columns.csv", index=False)
    wide.melt("Month", var_name="Shop", value_name="Sold").to_csv("long.csv", index=False)
    wide[["Ulm", "Köln"]].T.reset_index(names="Shop").to_csv("rows.csv", index=False)
    wide.to_csv("bare.csv", index=False, header=False)
    wide[::-1].to_csv("newest.csv", index=False)
    return wide


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_forecast_evaluated_and_predicted(here, rnnkit, layouts, name):
    file, options, column, first = LAYOUTS[name]
    result = rnnkit("forecast", file, *options, "--test-size", 9, "--out", "run")
    assert result.code == 0, result.err
    table = pd.read_csv("run/forecast.csv")
    assert table["time"].iloc[0] == first
    if column is None:
        assert len(table) == 3
    else:
        assert sorted(table[column].unique()) == ["Köln", "Ulm"]
        assert table.groupby(column)["value"].mean()["Köln"] > 1e4
        assert table.groupby(column)["value"].mean()["Ulm"] < 200
    assert rnnkit("predict", "run").out == (here / "run" / "forecast.csv").read_text("utf-8")
    assert load("run").fitted.panel.known.tolist() in ([60], [60, 60])


def test_long_and_columns_are_the_same_data(here, rnnkit, layouts):
    for name in ("long", "columns"):
        file, options, *_ = LAYOUTS[name]
        assert rnnkit("forecast", file, *options, "--out", name, "-q").code == 0
    one, other = (pd.read_csv(f"{name}/forecast.csv") for name in ("long", "columns"))
    pd.testing.assert_frame_equal(one.loc[:, "value":], other.loc[:, "value":])


def test_sizes_levels_and_a_file_of_rows_to_test_on(here, rnnkit, wave):
    columns = ("--time", "Month", "--target", "Sold", "--horizon", 3, *QUICK)
    sizes = ("--train-size", "50%", "--validation-size", "0.2", "--test-size", "10", "--stride", 2)
    result = rnnkit(
        "forecast", "sales.csv", *columns, *sizes, "--level", 90, "--level", 50, "--level", 90
    )
    assert result.code == 0
    fitted = load("runs/sales").fitted
    split = fitted.fit.split
    assert (split.trained, split.known, split.rows) == (30, 42, 52)
    assert len(fitted.test.origins) == 4
    assert list(pd.read_csv("runs/sales/forecast.csv"))[3:] == [
        *("lower_50", "upper_50", "lower_90", "upper_90")
    ]
    wave(60)[48:].to_csv("later.csv", index=False)
    wave(48).to_csv("known.csv", index=False)
    expected = rnnkit("forecast", "sales.csv", *columns, "--test-size", 12, "--out", "one")
    result = rnnkit("forecast", "known.csv", *columns, "--test", "later.csv", "--out", "two")
    assert expected.code == result.code == 0
    one, two = (json.loads((here / n / "metrics.json").read_text())["test"] for n in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        (("--intervals", "none"), 3),
        (("--intervals", "quantile", "--strategy", "recursive", "--loss", "absolute"), 7),
        (("--linear", "--differencing", "difference", "--no-log"), 7),
    ],
    ids=str,
)
def test_ways_of_making_a_forecast(here, rnnkit, options, columns):
    named = ("--time", "Month", "--target", "Sold", "--horizon", 3, *QUICK)
    assert rnnkit("forecast", "sales.csv", *named, *options, "-q").code == 0
    assert len(pd.read_csv("runs/sales/forecast.csv").columns) == columns
    config = load("runs/sales").config
    for name, value in zip(options[::2], options[1::2], strict=False):
        if not str(value).startswith("--"):
            assert getattr(config, name[2:]) == value


def test_what_is_missing_is_said(here, rnnkit, wave, untested):
    frame = wave(60)
    frame.loc[20:21, "Sold"] = np.nan
    frame.drop(index=40).to_csv("gaps.csv", index=False)
    result = rnnkit("forecast", "gaps.csv", *untested)
    assert result.code == 0
    assert "- Cells without a value: 2 of 59 in Sold." in result.out
    assert re.search(r"- Missing times: 1 of 60, the first 2003-05-01; .*", result.out)


# --- Korean


def test_korean_words_and_the_same_numbers(here, rnnkit, layouts):
    file, options, *_ = LAYOUTS["long"]
    english = rnnkit("forecast", file, *options, "--out", "en")
    korean = rnnkit("forecast", file, *options, "--out", "ko", "--language", "ko")
    assert english.code == korean.code == 0
    same = [(here / n / "forecast.csv").read_bytes() for n in ("en", "ko")]
    assert same[0] == same[1]
    report = (here / "ko" / "report.html").read_text("utf-8")
    assert '<html lang="ko"' in report
    for text in (korean.out, report):
        assert len(re.findall("[가-힣]", text)) > 200
    rest = [line for line in korean.out.splitlines() if not re.search("[가-힣]", line)]
    prose = [line for line in rest if re.search(r"[a-z]{3,} [a-z]{3,} [a-z]{3,}", line)]
    assert prose == [], "lines without Korean"
    assert not re.findall("[가-힣]", english.out.replace("Köln", ""))
    numbers = [re.findall(r"\d+\.\d{2,}", out) for out in (english.out, korean.out)]
    assert sorted(numbers[0]) == sorted(numbers[1])
    assert "epoch 1/1, loss " in english.err
    assert re.search(r"에폭 1/1, 손실 \S+, 검증 \S+, 최저 \S+\(에폭 \d\), 완료\n", korean.err)


def test_other_commands_speak_korean(here, rnnkit, run, small):
    result = rnnkit("evaluate", "runs/sales", "sales.csv", "--language", "ko")
    assert result.code == 0
    assert len(re.findall("[가-힣]", result.out)) > 100
    named = ("--time", "Month", "--target", "Sold", "--horizon", 3, *small, "--folds", 2)
    result = rnnkit("backtest", "sales.csv", *named, "--language", "ko")
    assert result.code == 0
    assert len(re.findall("[가-힣]", result.out)) > 100
    assert result.err.count("에폭 2/2, 손실 ") == 2
    assert "loss" not in result.err
    report = (here / "runs" / "sales-backtest" / "report.html").read_text("utf-8")
    assert '<html lang="ko"' in report


# --- backtest

NAMED = ("--time", "Month", "--target", "Sold", "--horizon", 3, *QUICK)


def test_a_backtest_leaves_a_folder_and_says_how_each_fold_went(here, rnnkit):
    result = rnnkit("backtest", "sales.csv", *NAMED, "--folds", 3, "--fold-size", 4)
    assert result.code == 0, result.err
    folder = here / "runs" / "sales-backtest"
    assert {file.name for file in folder.iterdir()} == {
        *("config.json", "model.safetensors", "metrics.json"),
        *("backtest.csv", "backtest.png", "report.html"),
    }
    assert {entry.name for entry in here.iterdir()} == {"sales.csv", "runs"}
    folds = re.findall(r"^fold (\d)/3: (\d+) rows before it, RMSE", result.out, re.MULTILINE)
    assert folds == [("1", "48"), ("2", "52"), ("3", "56")]
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["verdict"] in result.out
    assert "Run folder: runs/sales-backtest (backtest.png, report.html, backtest.csv" in result.out
    assert "ridge" in result.out
    report = (folder / "report.html").read_text("utf-8")
    assert "rnnkit backtest sales.csv --time Month" in report
    quiet = rnnkit(
        "backtest", "sales.csv", *NAMED, "--folds", 2, "-q", "--no-refit", "--out", "x/y"
    )
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert len(json.loads((here / "x" / "y" / "metrics.json").read_text())["folds"]) == 2


def test_many_series_are_backtested(here, rnnkit, layouts):
    file, options, *_ = LAYOUTS["rows"]
    result = rnnkit("backtest", file, *options, "--folds", 2)
    assert result.code == 0, result.err
    table = pd.read_csv(here / "runs" / "rows-backtest" / "backtest.csv")
    assert table["first"].unique().tolist() == [55, 58]
    assert "MASE" in result.out


def test_a_backtest_is_no_run_to_predict_with(here, rnnkit):
    assert rnnkit("backtest", "sales.csv", *NAMED, "--folds", 2, "-q").code == 0
    for command in (("predict",), ("evaluate", "sales.csv")):
        result = rnnkit(command[0], "runs/sales-backtest", *command[1:])
        assert (result.code, result.out) == (2, "")
        assert "backtest" in result.err
        assert len(result.err.splitlines()) == 1


def test_an_interrupted_backtest_says_how_to_go_on(here, rnnkit, monkeypatch):
    arguments = ("backtest", "sales.csv", *NAMED, "--folds", 3)
    printed = []

    def press(number, *rest):
        printed.append(number)
        if number == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("rnnkit.cli.screen.print_fold", press)
        result = rnnkit(*arguments)
    assert result.code == 130
    last = result.err.splitlines()[-1]
    command = " ".join(["rnnkit", *map(str, arguments)])
    assert last == f"error: interrupted; nothing is lost, go on with: {command} --resume"
    assert [entry.name for entry in (here / "runs").iterdir()] == ["sales-backtest.partial"]
    resumed = rnnkit(*arguments, "--resume")
    assert resumed.code == 0
    assert re.findall(r"^fold (\d)/3", resumed.out, re.MULTILINE) == ["1", "2", "3"]
    assert [entry.name for entry in (here / "runs").iterdir()] == ["sales-backtest"]
    whole = rnnkit(*arguments, "--out", "whole")
    assert whole.code == 0
    for name in ("backtest.csv", "model.safetensors", "backtest.png"):
        one, other = (here / f / name for f in ("whole", "runs/sales-backtest"))
        assert one.read_bytes() == other.read_bytes(), name


def test_a_forecast_does_not_go_on_with_a_backtest(here, rnnkit, monkeypatch):
    def press(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("rnnkit.cli.screen.print_fold", press)
        assert rnnkit("backtest", "sales.csv", *NAMED, "--out", "runs/sales").code == 130
    result = rnnkit("forecast", "sales.csv", *NAMED, "--resume")
    assert result.code == 2
    assert "task" in result.err
    assert (here / "runs" / "sales.partial").is_dir()
