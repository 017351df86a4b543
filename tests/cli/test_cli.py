"""What the commands do and say when all is well."""

import dataclasses
import importlib
import io
import json
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import torch
import typer.main
from safetensors.torch import load_file

from rnnkit import __version__, cli, load
from rnnkit.cli.options import DATA, MODEL, SPLIT, TRAINING
from rnnkit.tasks import ForecastConfig


def weights(folder):
    tensors = load_file(folder / "model.safetensors")
    return {name: tensor for name, tensor in tensors.items() if name.startswith("network.")}


def same_weights(one, other):
    one, other = weights(one), weights(other)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# --- what is answered before anything heavy is imported

LIGHT = """
import sys
from rnnkit.cli import main
try:
    main()
except SystemExit as end:
    heavy = sorted({"torch", "pandas", "numpy", "matplotlib", "sklearn"} & sys.modules.keys())
    print("status", end.code or 0, "after importing", heavy)
"""


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ("--version", 0, f"rnnkit {re.escape(__version__)}"),
        ("--help", 0, "forecast"),
        ("forecast --help", 0, "--recurrent-dropout"),
        (
            "forecast sales.csv --time Month --target Sould --horizon 3",
            2,
            r"no column 'Sould'; its columns are 'Month', 'Sold'; did you mean 'Sold'\?",
        ),
        ("forecast sale.csv --time Month --target Sold", 2, r"mean 'sales.csv'\?"),
        ("forecast sales.csv --time Month", 2, "say with --horizon how many rows to forecast"),
        ("forecast sales.csv --horizon 3 --series-id month", 2, r"did you mean 'Month'\?"),
        ("forecast sales.csv --horizon 3 --test-size x", 2, "--test-size must be a number of rows"),
        ("forecast sales.csv --horizon 3 --cell gruu", 2, r"did you mean 'gru'\?"),
        ("forecast sales.csv --horizon 3 --layout row", 2, r"did you mean 'rows'\?"),
        ("forecast sales.csv --horizon 3 --test later.csv", 2, "there is no file later.csv"),
        ("backtest --help", 0, "--fold-size"),
        ("backtest sales.csv --time Month --target Sould --horizon 3", 2, r"mean 'Sold'\?"),
        ("backtest sales.csv --horizon 3 --test-size 20%", 2, "leave test_size out"),
        ("predict --help", 0, "RUN"),
        ("forecast sales.csv --time Month --target Sold --horizon x", 2, "--horizon"),
    ],
)
def test_what_needs_no_library_imports_none(here, arguments, status, said):
    result = subprocess.run(
        [sys.executable, "-W", "default", "-c", LIGHT, *arguments.split()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout.endswith(f"status {status} after importing []\n")
    assert re.search(said, result.stdout + result.stderr)
    assert len(result.stderr.splitlines()) == (1 if status else 0)
    assert [file.name for file in here.iterdir()] == ["sales.csv"]


COMMANDS = list(typer.main.get_command(cli.app).commands)


def test_the_commands_are_those_of_the_plan():
    expected = {"forecast", "backtest", "predict", "evaluate", "info", "demo"}
    assert expected <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(rnnkit, command):
    for option in ("--help", "-h"):
        result = rnnkit(command, option)
        assert result.code == 0
        assert f"rnnkit {command}" in result.out
        assert result.err == ""
    assert command in rnnkit("--help").out


@pytest.mark.parametrize("columns", ["80", "200"])
def test_the_help_shows_every_option_of_a_forecast(rnnkit, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    names = {option.name for group in (DATA, SPLIT, MODEL, TRAINING) for option in group}
    assert names >= {field.name for field in dataclasses.fields(ForecastConfig)} - {"levels"}
    assert {"time", "target", "series_id", "covariate", "static", "level"} <= names
    for command in ("forecast", "backtest"):
        shown = rnnkit(command, "--help").out
        assert [name for name in names if f"--{name.replace('_', '-')}" not in shown] == []


def test_the_help_tells_every_default():
    defaults = {field.name: field.default for field in dataclasses.fields(ForecastConfig)}
    for option in (*SPLIT, *MODEL, *TRAINING):
        default = defaults.get(option.name, dataclasses.MISSING)
        if default is dataclasses.MISSING or default is None or isinstance(default, bool):
            continue
        shown = f"{default:g}" if isinstance(default, float) else default
        assert f"default: {shown})" in option.help, option.name
    for option in (*SPLIT, *MODEL, *TRAINING):
        if defaults.get(option.name, 0) is None and option.name != "time_limit":
            assert re.search(r"\(default: .*[a-z].*\)", option.help), option.name


def test_info_says_what_is_there(rnnkit):
    result = rnnkit("info")
    assert result.code == 0
    assert result.out.startswith(f"rnnkit {__version__}, Python 3.")
    assert f"torch {importlib.metadata.version('torch')}" in result.out
    assert "backend torch: available" in result.out
    assert "backend reference: available" in result.out


# --- a forecast


def test_a_forecast_leaves_a_run_and_says_what_it_is_worth(here, rnnkit, few_baselines, tested):
    result = rnnkit("forecast", "sales.csv", *tested)
    assert result.code == 0
    folder = here / "runs" / "sales"
    assert {file.name for file in folder.iterdir()} == {
        "config.json",
        "model.safetensors",
        "metrics.json",
        "forecast.csv",
        "forecast.png",
        "training.png",
        "report.html",
    }
    assert {entry.name for entry in here.iterdir()} == {"sales.csv", "runs"}
    assert [entry.name for entry in folder.parent.iterdir()] == ["sales"]
    verdict = json.loads((folder / "metrics.json").read_text())["verdict"]
    assert verdict in result.out
    for name in ("GRU", "without network", "last value", "drift", "ridge", "RMSE", "MASE"):
        assert name in result.out
    assert "Run folder: runs/sales" in result.out
    epochs = result.err.splitlines()
    assert 1 <= len(epochs) <= 2
    assert epochs[-1].startswith("epoch 2/2, loss ")
    assert "\x1b" not in result.out + result.err
    assert "\r" not in result.out + result.err
    report = (folder / "report.html").read_text("utf-8")
    assert "rnnkit forecast sales.csv --time Month --target Sold --horizon 3" in report


def test_quiet_is_quiet(here, rnnkit, few_baselines, untested, tested):
    for arguments in (
        ("forecast", "sales.csv", *untested),
        ("forecast", "sales.csv", *tested),
        ("evaluate", "runs/sales", "sales.csv"),
    ):
        result = rnnkit(*arguments, "--quiet")
        assert (result.code, result.out, result.err) == (0, "", "")


def test_without_a_test_part_it_says_that_nothing_is_known(here, rnnkit, untested):
    result = rnnkit("forecast", "sales.csv", *untested)
    assert result.code == 0
    assert "No test part was kept, so nothing is known of the error." in result.out
    metrics = json.loads((here / "runs" / "sales" / "metrics.json").read_text())
    assert metrics["test"] is None


def test_several_targets(here, rnnkit, few_baselines, wave, tested):
    wave(60).assign(Cost=lambda f: 1e6 * f["Sold"]).to_csv("both.csv", index=False)
    result = rnnkit("forecast", "both.csv", *tested, "--target", "Cost")
    assert result.code == 0
    assert "mean of 2 targets" in result.out
    text = rnnkit("predict", "runs/both").out
    assert [line.split(",")[1] for line in text.splitlines()] == ["target", *["Sold", "Cost"] * 3]


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("sales.2020.csv.gz", "sales.2020"),
        ("sales.2021.csv", "sales.2021"),
        ("my sales.tsv", "my sales"),
        ("매출.parquet", "매출"),
    ],
)
def test_a_run_is_named_after_its_data(here, rnnkit, name, folder, wave, untested):
    if name.endswith("parquet"):
        wave(60).to_parquet(name)
    else:
        wave(60).to_csv(name, index=False, sep="\t" if name.endswith("tsv") else ",")
    assert rnnkit("forecast", name, *untested, "--quiet").code == 0
    assert [entry.name for entry in (here / "runs").iterdir()] == [folder]


def test_data_that_cannot_be_changed_are_not(here, rnnkit, tmp_path, untested, everything):
    data = tmp_path / "data"
    data.mkdir()
    file = shutil.move("sales.csv", data / "sales.csv")
    file.chmod(0o444)
    data.chmod(0o555)
    before = everything(data), file.stat().st_mtime_ns
    try:
        assert rnnkit("forecast", "../data/sales.csv", *untested, "--out", "a/b/run").code == 0
        assert rnnkit("predict", "a/b/run", file).code == 0
    finally:
        data.chmod(0o755)
    assert (everything(data), file.stat().st_mtime_ns) == before
    assert (here / "a" / "b" / "run" / "forecast.csv").exists()


def test_names_in_another_script(here, rnnkit, few_baselines, wave, small):
    wave(60).set_axis(["월", "판매량"], axis=1).to_csv("매출.csv", index=False)
    korean = ("--time", "월", "--target", "판매량", "--horizon", 3, *small, "--test-size", 12)
    result = rnnkit("forecast", "매출.csv", *korean, "--out", "실행/첫째")
    assert result.code == 0
    assert "판매량" in result.out
    report = (here / "실행" / "첫째" / "report.html").read_text("utf-8")
    assert "판매량" in report
    assert "--target &#x27;판매량&#x27;" in report
    assert rnnkit("predict", "실행/첫째", "매출.csv", "--out", "예측.csv").code == 0
    assert "2005-01-01,판매량," in (here / "예측.csv").read_text("utf-8")
    wrong = rnnkit("forecast", "매출.csv", "--time", "월", "--target", "판매")
    assert wrong.code == 2
    assert "its columns are '월', '판매량'; did you mean '판매량'?" in wrong.err


@pytest.mark.parametrize("name", ["Power [kW]", "a [/b]", "x :smile:"])
def test_names_with_brackets_are_no_markup(here, rnnkit, few_baselines, wave, small, name):
    wave(60).rename(columns={"Sold": name}).to_csv("sales.csv", index=False)
    columns = ("--time", "Month", "--target", name, "--horizon", 3)
    result = rnnkit("forecast", "sales.csv", *columns, *small)
    assert result.code == 0
    assert re.search(rf"Test: \d+ forecasts?\b.* in {re.escape(name)} ", result.out)


@pytest.mark.parametrize("encoding", ["ascii", "cp437"])
def test_a_terminal_of_few_letters_is_no_obstacle(
    here, rnnkit, few_baselines, monkeypatch, encoding, tested
):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    assert rnnkit("forecast", "sales.csv", *tested, "--season", 12).code == 0
    stream.flush()
    text = stream.buffer.getvalue().decode(encoding)
    assert re.search(r"seasonal naive . mean growth", text)
    assert "Run folder: runs/sales" in text


# --- options from a file


def test_options_come_from_a_file_and_the_command_line_overrides_them(here, rnnkit):
    options = {"horizon": 5, "hidden_size": 3, "cell": "lstm", "season": 1, "context": 4}
    (here / "options.json").write_text(json.dumps({**options, "ensemble": 2, "test_size": 0}))
    columns = ("--time", "Month", "--target", "Sold")
    result = rnnkit(
        "forecast", "sales.csv", *columns, "--config", "options.json", "--cell", "rnn",
        "--epochs", 1, "--no-log",
    )  # fmt: skip
    assert result.code == 0
    config = load(here / "runs" / "sales").config
    assert (config.horizon, config.hidden_size, config.ensemble) == (5, 3, 2)
    assert (config.cell, config.epochs, config.log) == ("rnn", 1, False)


def test_the_config_of_a_run_gives_its_weights_again(here, rnnkit, run):
    columns = ("--time", "Month", "--target", "Sold")
    config = ("--config", run / "config.json", "--test-size", 12)
    assert rnnkit("forecast", "sales.csv", *columns, *config, "--out", "again", "-q").code == 0
    assert same_weights(here / "again", run)
    assert (here / "again" / "forecast.csv").read_bytes() == (run / "forecast.csv").read_bytes()
    other = ("--seed", 1, "--out", "other", "-q")
    assert rnnkit("forecast", "sales.csv", *columns, *config, *other).code == 0
    assert not same_weights(here / "other", run)


# --- using a run


def test_predict_prints_a_clean_table_or_writes_it(here, rnnkit, run, wave):
    result = rnnkit("predict", "runs/sales")
    assert (result.code, result.err) == (0, "")
    assert result.out == (run / "forecast.csv").read_text()
    frame = pd.read_csv(io.StringIO(result.out), parse_dates=["time"])
    assert frame["time"].tolist() == list(pd.date_range("2005-01-01", periods=3, freq="MS"))
    wave(62)[60:].to_csv("newer.csv", index=False)
    later = rnnkit("predict", "runs/sales", "newer.csv")
    assert later.out.splitlines()[1].startswith("2005-03-01,Sold,")
    written = rnnkit("predict", "runs/sales", "newer.csv", "--out", "later.csv")
    assert (written.code, written.out, written.err) == (0, "", "")
    assert (here / "later.csv").read_text() == later.out


def test_evaluate_prints_the_scores_and_writes_them(here, rnnkit, few_baselines, run, wave):
    wave(70).to_csv("newer.csv", index=False)
    result = rnnkit("evaluate", "runs/sales", "newer.csv", "--out", "scores.json")
    assert result.code == 0
    scores = json.loads((here / "scores.json").read_text())
    assert scores == load(run).evaluate(here / "newer.csv")
    assert scores["test"]["origins"] == 70 - 48 - 2
    assert scores["verdict"] in result.out
    assert re.search(r"Test: 20 forecasts\b.* in Sold ", result.out)
    assert "last value" in result.out


def test_the_demo_leaves_a_whole_run_beside_baselines(here, rnnkit):
    result = rnnkit("demo")
    assert result.code == 0
    folder = here / "runs" / "airline"
    assert len(list(folder.iterdir())) == 7
    for name in (
        "GRU",
        "without network",
        "last value",
        "seasonal naive",
        "seasonal naive × mean growth",
        "drift",
        "ridge",
        "AutoARIMA",
        "ETS",
    ):
        assert re.search(rf"│ {re.escape(name)} +│", result.out), name
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["verdict"] in result.out
    assert metrics["test"]["model"]["rmse"] < 25
    assert len(metrics["test"]["baselines"]) == 7
    table = pd.read_csv(folder / "forecast.csv", parse_dates=["time"])
    assert table["time"].tolist() == list(pd.date_range("1961-01-01", periods=12, freq="MS"))
