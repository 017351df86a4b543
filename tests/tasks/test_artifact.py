import base64
import csv
import html
import io
import json
import pickle
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import torch

from rnnkit import Forecaster, load
from rnnkit.errors import ArtifactError, ConfigError, DataError
from rnnkit.training.run_folder import RunWriter

FILES = {
    "config.json",
    "model.safetensors",
    "metrics.json",
    "forecast.csv",
    "forecast.png",
    "training.png",
    "report.html",
}
METRICS = {"mae", "rmse", "mape", "smape", "mase", "mse_standardised", "mae_standardised"}


@pytest.fixture(scope="module")
def kept(fitted, tmp_path_factory):
    """The run folder of `fitted`, which no test changes."""
    path = tmp_path_factory.mktemp("kept") / "wave"
    fitted.save(path)
    return path


@pytest.fixture
def run(kept, tmp_path):
    """A copy of the run folder of `fitted`."""
    return shutil.copytree(kept, tmp_path / "wave")


def fit(frame, options, target="Sold"):
    return Forecaster(**options).fit(frame, time="Month", target=target)


def content(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def strict_json(path):
    def refuse(text):
        raise AssertionError(f"{path} holds {text}, which JSON has not")

    return json.loads(path.read_text("utf-8"), parse_constant=refuse)


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def same_forecasters(one, other, newer):
    """Equal in all that can be asked of them, to the last bit."""
    pd.testing.assert_frame_equal(one.predict(), other.predict(), check_exact=True)
    pd.testing.assert_frame_equal(one.predict(newer), other.predict(newer), check_exact=True)
    assert untimed(one.summary()) == untimed(other.summary())
    np.testing.assert_equal(one.evaluate(), other.evaluate())  # in which NaN equals NaN
    assert one.config == other.config


def untimed(summary):
    return [line for line in summary.splitlines() if not line.startswith("Time: ")]


# --- what is written


def test_the_folder_holds_what_was_promised_and_nothing_else(fitted, kept):
    assert {file.name for file in kept.iterdir()} == FILES
    assert [entry.name for entry in kept.parent.iterdir()] == ["wave"]
    rows = list(csv.reader((kept / "forecast.csv").read_text("utf-8").splitlines()))
    assert rows[0] == [*("time", "target", "value", "lower_80", "upper_80", "lower_95", "upper_95")]
    assert [row[:2] for row in rows[1:]] == [
        ["2008-05-01", "Sold"],
        ["2008-06-01", "Sold"],
        ["2008-07-01", "Sold"],
    ]
    for number, name in enumerate(rows[0][2:], start=2):
        assert [float(row[number]) for row in rows[1:]] == fitted.predict()[name].tolist()
    config = strict_json(kept / "config.json")
    assert config["format_version"] == 1
    assert config["options"]["horizon"] == 3


def test_the_metrics_are_those_of_the_contract(fitted, kept):
    metrics = strict_json(kept / "metrics.json")
    assert metrics == fitted.evaluate()
    assert {"task", "test", "verdict", "parameters", "seconds"} <= metrics.keys()
    assert metrics["task"] == "forecast"
    assert metrics["test"]["model"].keys() == METRICS | {"coverage", "width", "msis"}
    assert metrics["test"]["without_network"].keys() == METRICS
    for name in ("coverage", "width", "msis"):
        assert metrics["test"]["model"][name].keys() == {"80", "95"}
    baselines = metrics["test"]["baselines"]
    assert {"last value", "drift", "ridge", "AutoARIMA", "ETS"} <= baselines.keys()
    assert all(scores.keys() == METRICS for scores in baselines.values())
    assert re.match(r"The GRU \(RMSE \S+\) .*\.", metrics["verdict"])
    inputs = fitted.fitted.fit.pipeline.networks[0].encoder.input_size
    assert metrics["parameters"] == 2 * (3 * 4 * (inputs + 4 + 2) + 3 * 5)
    assert 0 < metrics["seconds"] < 600


class Links(HTMLParser):
    """Collects what a page would load or lead to."""

    def __init__(self):
        super().__init__()
        self.links, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "data", "action")]


def test_the_report_is_one_file_that_needs_no_other(fitted, kept):
    text = (kept / "report.html").read_text("utf-8")
    page = Links()
    page.feed(text)
    pictures = []
    for link in page.links:
        head, data = link.split(",")
        assert head == "data:image/png;base64"
        pictures.append(base64.b64decode(data))
        assert pictures[-1].startswith(b"\x89PNG")
    for name in ("forecast.png", "training.png"):
        assert (kept / name).read_bytes() in pictures
    assert len(set(pictures)) == len(pictures)
    assert not page.tags & {"script", "link", "iframe", "object"}
    assert "url(" not in text
    assert "@import" not in text
    assert html.escape(fitted.evaluate()["verdict"]) in text


def test_opening_takes_no_more_than_json_and_safetensors(fitted, kept, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(torch, "load", refuse)
    assert load(kept).predict().equals(fitted.predict())
    tensors = safetensors.numpy.load_file(kept / "model.safetensors")
    weights = fitted.fitted.fit.pipeline.networks[1].state_dict()
    for name, tensor in weights.items():
        assert np.array_equal(tensors[f"network.1.{name}"], tensor.numpy())
    assert tensors["panel.values"].ravel().tolist() == fitted.fitted.panel.values[:, 0].tolist()


@pytest.mark.parametrize(
    ("freq", "first"),
    [
        ("h", "2000-01-05 04:00:00"),
        ("6h", "2000-01-26 00:00:00"),
        ("D", "2000-04-10"),
        ("250ms", "2000-01-01 00:00:25.000"),
    ],
)
def test_the_times_of_a_forecast_are_of_one_form(wave, quick, tmp_path, freq, first):
    model = fit(wave(freq=freq), quick(test_size=0, horizon=24, context=3))
    model.save(tmp_path / "run")
    frame = pd.read_csv(tmp_path / "run" / "forecast.csv", parse_dates=["time"])
    assert frame["time"].tolist() == model.predict()["time"].tolist()
    assert (tmp_path / "run" / "forecast.csv").read_text().splitlines()[1].startswith(first)


# --- what comes back


def test_a_run_comes_back_as_it_was(fitted, kept, wave):
    frame = wave(112)
    loaded = load(str(kept))
    same_forecasters(loaded, fitted, frame[98:103])
    assert png(loaded.plot()) == png(fitted.plot())
    again, first = loaded.evaluate(frame), fitted.evaluate(frame)
    assert again == first
    assert loaded.evaluate(frame[:100]) == fitted.evaluate()
    assert loaded.evaluate(frame[:100]) == strict_json(kept / "metrics.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"cell": "lstm", "bidirectional": True, "layers": 2, "dropout": 0.1, "test_size": 0},
        {"cell": "rnn", "season": 12, "log": True, "differencing": "seasonal+difference"},
        {"ensemble": 3, "validation_size": 8, "time_limit": 60.0, "seed": 7},
        {"strategy": "recursive", "linear": True, "loss": "absolute", "train_size": 60},
        {"intervals": "quantile", "levels": (50, 90), "test_size": 0.15, "stride": 2},
        {"levels": (33,), "season": 12},
    ],
    ids=lambda changes: str(next(iter(changes))),
)
def test_every_option_comes_back(wave, quick, tmp_path, few_baselines, changes):
    frame = wave(103).assign(Other=lambda frame: 5e6 + frame["Sold"] ** 2)
    model = fit(frame[:100], quick(**changes), target=["Sold", "Other"])
    model.save(tmp_path / "run")
    loaded = load(tmp_path / "run")
    same_forecasters(loaded, model, frame[98:])
    assert len(loaded.predict()) == 3 * 2
    assert len((tmp_path / "run" / "forecast.csv").read_text().splitlines()) == 1 + 3 * 2


def test_without_intervals_there_are_none(wave, quick, tmp_path, few_baselines):
    model = fit(wave(), quick(intervals="none"))
    model.save(tmp_path / "run")
    loaded = load(tmp_path / "run")
    same_forecasters(loaded, model, wave(103)[98:])
    assert loaded.predict().columns.tolist() == ["time", "target", "value"]
    assert "coverage" not in loaded.evaluate()["test"]["model"]
    assert loaded.evaluate()["test"]["intervals"] == ""


def test_a_run_that_is_moved_and_saved_again_is_the_same(kept, run, tmp_path):
    load(run.rename(tmp_path / "moved")).save(tmp_path / "again")
    assert content(tmp_path / "again") == content(kept)


def test_loading_leaves_the_folder_as_it_is(kept):
    before = content(kept)
    model = load(kept)
    model.predict()
    model.plot()
    assert content(kept) == before


@pytest.mark.parametrize("change", ["a zero", "constant", "constant until the test part"])
def test_scores_that_are_undefined_are_no_obstacle(wave, quick, tmp_path, few_baselines, change):
    """MAPE where an actual value is 0, MASE where nothing ever changed."""
    frame = wave()
    if change == "a zero":
        frame.loc[95, "Sold"] = 0.0
    else:
        frame.loc[: 87 if "until" in change else 99, "Sold"] = 5.0
    model = fit(frame, quick())
    model.save(tmp_path / "run")
    metrics = strict_json(tmp_path / "run" / "metrics.json")
    undefined = "mape" if change == "a zero" else "mase"
    assert metrics["test"]["model"][undefined] is None
    assert metrics["test"]["model"]["rmse"] is not None
    assert "nan" not in (tmp_path / "run" / "config.json").read_text().lower()
    loaded = load(tmp_path / "run")
    same_forecasters(loaded, model, frame[98:])
    loaded.save(tmp_path / "again")
    assert strict_json(tmp_path / "again" / "metrics.json") == metrics
    assert content(tmp_path / "again")["report.html"] == content(tmp_path / "run")["report.html"]


def test_the_clock_comes_back(wave, quick, tmp_path):
    def hours(offset):
        frame = wave(freq="h")
        return frame.assign(Month=frame["Month"].dt.strftime(f"%Y-%m-%d %H:%M{offset}"))

    fit(hours("+09:00"), quick(test_size=0)).save(tmp_path / "run")
    loaded = load(tmp_path / "run")
    assert loaded.predict()["time"].iloc[0] == pd.Timestamp("2000-01-05 04:00")
    assert loaded.predict(hours("+09:00"))["time"].iloc[0] == pd.Timestamp("2000-01-05 04:00")
    assert loaded.predict(hours("Z"))["time"].iloc[0] == pd.Timestamp("2000-01-05 13:00")
    with pytest.raises(DataError, match="offset"):
        loaded.predict(hours(""))


def test_the_zone_comes_back(wave, quick, tmp_path):
    """Through the hour that summer time leaves out."""
    frame = wave(105)
    moments = pd.date_range("2024-03-27", periods=105, freq="h", tz="Europe/Berlin")
    frame["Month"] = moments.strftime("%Y-%m-%d %H:%M")
    model = Forecaster(**quick(test_size=0))
    model.fit(frame[:100], time="Month", target="Sold", time_zone="Europe/Berlin")
    expected = [moment.tz_localize(None) for moment in moments[100:103]]
    assert model.predict()["time"].tolist() == expected
    model.save(tmp_path / "run")
    loaded = load(tmp_path / "run")
    assert loaded.predict()["time"].tolist() == expected
    assert loaded.predict(frame)["time"].iloc[0] == moments[-1].tz_localize(None) + HOUR
    same_forecasters(loaded, model, frame[98:])


HOUR = pd.Timedelta(hours=1)


def test_names_in_other_scripts_come_back(wave, quick, tmp_path, few_baselines):
    frame = wave().rename(columns={"Month": "월", "Sold": "매출 <&> $x_1$"})
    frame.to_csv(tmp_path / "매출.csv", index=False)
    model = Forecaster(**quick())
    model.fit(tmp_path / "매출.csv", time="월", target="매출 <&> $x_1$")
    model.save(tmp_path / "실행")
    text = (tmp_path / "실행" / "report.html").read_text("utf-8")
    assert "매출 &lt;&amp;&gt; $x_1$" in text
    assert "<&>" not in text
    assert "매출 <&> $x_1$" in (tmp_path / "실행" / "forecast.csv").read_text("utf-8")
    loaded = load(tmp_path / "실행")
    assert loaded.predict(tmp_path / "매출.csv").equals(model.predict())
    assert "매출" in loaded.summary()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_what_was_trained_on_a_gpu_is_opened_without_one(fitted, kept, tmp_path):
    config = strict_json(kept / "config.json")
    config["options"]["device"] = "cuda"
    rewrite(kept, tmp_path / "run", config)
    assert load(tmp_path / "run").predict().equals(fitted.predict())
    for device in ("cuda", "gpu"):
        with pytest.raises(ConfigError, match=f"device .*{device}"):
            load(tmp_path / "run", device=device)


# --- what is refused


def rewrite(source, path, config):
    """Write a run with another config as rnnkit would have done."""
    tensors = {
        name: torch.from_numpy(array)
        for name, array in safetensors.numpy.load_file(source / "model.safetensors").items()
    }
    with RunWriter(path, settings={}) as writer:
        writer.write_model(config, tensors)
        writer.finish()


def refusal(path):
    with pytest.raises(ArtifactError) as error:
        load(path)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_any_byte_that_differs_is_seen(run):
    weights = (run / "model.safetensors").read_bytes()
    for position in np.linspace(0, len(weights) - 1, 25).astype(int):
        damaged = bytearray(weights)
        damaged[position] ^= 0x11
        (run / "model.safetensors").write_bytes(damaged)
        assert "model.safetensors is damaged" in refusal(run)
    for length in (0, 7, 100, len(weights) - 1):
        (run / "model.safetensors").write_bytes(weights[:length])
        assert "model.safetensors is damaged" in refusal(run)
    (run / "model.safetensors").write_bytes(weights)
    config = (run / "config.json").read_bytes()
    (run / "config.json").write_bytes(config.replace(b'"horizon": 3', b'"horizon": 4'))
    assert "config.json was changed after it was written" in refusal(run)
    (run / "config.json").write_bytes(config)
    load(run)


def test_what_is_missing_or_foreign_is_named(run, tmp_path):
    assert "nowhere does not exist" in refusal(tmp_path / "nowhere")
    assert "is not a run of rnnkit" in refusal(tmp_path)
    assert "is a file" in refusal(run / "config.json")
    for name in ("metrics.json", "forecast.csv", "report.html", "forecast.png", "training.png"):
        (run / name).unlink()
    assert len(load(run).predict()) == 3  # what a model is, two files hold
    shutil.copy(run / "config.json", tmp_path / "config.json")
    (run / "config.json").unlink()
    assert "holds no config.json" in refusal(run)
    shutil.copy(tmp_path / "config.json", run / "config.json")
    (run / "model.safetensors").unlink()
    assert "model.safetensors is missing" in refusal(run)


def test_a_format_that_is_not_known_is_refused(run, tmp_path):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "format_version": 2}))
    assert "has format_version 2, and this rnnkit reads 1" in refusal(run)


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "juggle"},
        {"options": {"horizon": 3, "attention": True}},
        {"options": {"horizon": 3, "hidden_size": 5}},
        {"options": {"horizon": 4, "hidden_size": 4}},
        {"split": {}},
        {"split": None},
        {"panel": {"targets": ["Sold"]}},
        {"ensemble": 3},
        {"features": {}},
        {"linear": {"lags": 12}},
        {"columns": {"layout": "diagonal"}},
        {"test": {"forecasts": ["model", "unheard of"]}},
    ],
    ids=str,
)
def test_a_run_of_another_version_is_refused_in_one_sentence(kept, tmp_path, changes):
    """Written by an rnnkit that meant something else: its hash is right, its content is not."""
    rewrite(kept, tmp_path / "run", {**json.loads((kept / "config.json").read_text()), **changes})
    assert refusal(tmp_path / "run").startswith(f"{tmp_path / 'run'} does not hold a run")


# --- what is replaced, and what is not


def test_saving_again_replaces_a_run_and_nothing_else(fitted, kept, run, tmp_path):
    before = content(run)
    (run / "report.html").write_text("old")
    fitted.save(run)
    assert content(run) == before
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not a run of rnnkit"):
        fitted.save(mine)
    with pytest.raises(ConfigError, match="is a file"):
        fitted.save(mine / "notes.txt")
    assert content(mine) == {"notes.txt": b"mine"}
    assert {entry.name for entry in tmp_path.iterdir()} == {"mine", "wave"}


def test_a_save_that_fails_leaves_the_older_run(fitted, run, tmp_path, monkeypatch):
    before = content(run)

    def no_room(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rnnkit.tasks.pictures.save", no_room)
    with pytest.raises(OSError, match="No space left"):
        fitted.save(run)
    assert content(run) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["wave"]


def test_a_loaded_forecaster_refuses_what_the_fitted_one_does(run, wave):
    model = load(run)
    with pytest.raises(DataError, match="260 steps"):
        model.predict(wave(11, start="2030-01-01"))
    model.fit(wave(60), time="Month", target="Sold")
    assert model.predict()["time"].iloc[0] == pd.Timestamp("2005-01-01")
