"""A run that is interrupted, killed, resumed or repeated."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from rnnkit import load
from rnnkit.data.columns import Columns
from rnnkit.errors import ArtifactError, ConfigError, DataError
from rnnkit.tasks import run_forecast
from rnnkit.training import Progress

COLUMNS = Columns(time=("Month",), targets=("Sold",))


@pytest.fixture(autouse=True)
def _few_baselines(few_baselines):
    pass


@pytest.fixture
def out(tmp_path):
    return tmp_path / "runs" / "wave"


@pytest.fixture
def partial(out):
    return out.with_name("wave.partial")


@pytest.fixture(scope="module")
def options(quick):
    """Two networks, with noise and a schedule that looks back: much that a resume could lose."""
    noise = {"dropout": 0.2, "recurrent_dropout": 0.2, "layers": 2}
    return quick(ensemble=2, epochs=8, patience=8, context=6, schedule="plateau", **noise)


def forecast(frame, options, out, **changes):
    return run_forecast(frame, **{"columns": COLUMNS, "options": options, "out": out, **changes})


def content(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def results(out):
    """What must be equal, to the bit, in two runs of one seed."""
    return load_file(out / "model.safetensors"), (out / "forecast.csv").read_bytes()


def same_results(one, other):
    tensors, expected = one[0], other[0]
    assert tensors.keys() == expected.keys()
    assert [name for name in expected if not torch.equal(tensors[name], expected[name])] == []
    assert one[1] == other[1]


class Interrupt(Progress):
    """Presses Ctrl-C after an epoch of a network."""

    def __init__(self, network, epoch):
        super().__init__(quiet=True)
        self.moment = (f"network {network}/2", epoch)

    def start(self, title, epochs, history):
        self.title = str(title)

    def update(self, state, stopped):
        if (self.title, state.epoch) == self.moment:
            raise KeyboardInterrupt


class Beginnings(Progress):
    """Notes how many epochs each network has behind it when its training begins."""

    def __init__(self):
        super().__init__(quiet=True)
        self.epochs = []

    def start(self, title, epochs, history):
        self.epochs.append(len(history))


def interrupt(frame, options, out, network=2, epoch=3, **changes):
    with pytest.raises(KeyboardInterrupt):
        forecast(frame, options, out, progress=Interrupt(network, epoch), **changes)


@pytest.fixture(scope="module")
def uninterrupted(wave, options, tmp_path_factory):
    out = tmp_path_factory.mktemp("uninterrupted") / "wave"
    model = forecast(wave(), {**options, "test_size": 0}, out)
    assert model.fitted.fit.pipeline.weights.min() > 0.3
    assert all(len(history) == 8 for history in model.fitted.fit.histories)
    return results(out)


def test_two_runs_of_one_seed_have_equal_bits(wave, options, out, tmp_path):
    forecast(wave(), options, out)
    forecast(wave(), options, tmp_path / "again")
    same_results(results(out), results(tmp_path / "again"))
    for name in ("config.json", "model.safetensors", "forecast.csv", "forecast.png"):
        assert (out / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    forecast(wave(), {**options, "seed": 1}, tmp_path / "other")
    other, one = results(tmp_path / "other"), results(out)
    assert not torch.equal(other[0]["network.0.head.weight"], one[0]["network.0.head.weight"])
    assert other[1] != one[1]


@pytest.mark.parametrize(
    "moments",
    [[(1, 1)], [(1, 8)], [(2, 1)], [(2, 8)], [(1, 3), (1, 5), (2, 4), (2, 7)]],
    ids=str,
)
def test_an_interrupted_training_goes_on_to_the_same_bits(
    wave, options, out, partial, uninterrupted, moments
):
    options = {**options, "test_size": 0}
    for count, (network, epoch) in enumerate(moments):
        interrupt(wave(), options, out, network, epoch, resume=count > 0)
        assert partial.is_dir()
        assert not out.exists()
        with pytest.raises(ArtifactError, match=r"wave is not finished.*--resume"):
            load(out)
    beginnings = Beginnings()
    forecast(wave(), options, out, resume=True, progress=beginnings)
    same_results(results(out), uninterrupted)
    network, epoch = moments[-1]
    expected = range(1, epoch + 1)  # several quick epochs share a checkpoint
    assert beginnings.epochs[network - 1] in expected
    assert beginnings.epochs[: network - 1] == [8] * (network - 1)
    assert beginnings.epochs[network:] == [0] * (2 - network)
    assert [entry.name for entry in out.parent.iterdir()] == ["wave"]
    assert not {"checkpoint", "settings.json", ".rnnkit-lock"} & {f.name for f in out.iterdir()}


KILLED = """
import json, sys, torch
from pathlib import Path
from rnnkit.data.columns import Columns
from rnnkit.tasks import run_forecast
torch.set_num_threads(1)
data, out, options, resume = json.loads(sys.argv[1])
columns = Columns(time=("Month",), targets=("Sold",))
run_forecast(data, columns=columns, options=options, out=Path(out), resume=resume)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_training_goes_on_to_the_same_bits(wave, options, out, partial, tmp_path):
    """Kills the process in the first and in the second network, at whatever moment that is."""
    more = {"epochs": 150, "patience": 150, "recurrent_dropout": 0.0, "test_size": 0}
    options = {**options, **more}
    wave().to_csv(tmp_path / "wave.csv", index=False)
    for network in (0, 1):
        arguments = json.dumps([str(tmp_path / "wave.csv"), str(out), options, network > 0])
        with subprocess.Popen([sys.executable, "-c", KILLED, arguments]) as process:
            checkpoint = partial / "checkpoint" / f"network-{network}.safetensors"
            while not checkpoint.exists():
                assert process.poll() is None, "it ended before it could be killed"
                time.sleep(0.001)
            time.sleep(0.02)
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert checkpoint.exists()
        assert not out.exists()
    beginnings = Beginnings()
    resumed = forecast(tmp_path / "wave.csv", options, out, resume=True, progress=beginnings)
    assert beginnings.epochs[0] == 150
    assert 0 < beginnings.epochs[1] < 150
    forecast(wave(), options, tmp_path / "whole")
    same_results(results(out), results(tmp_path / "whole"))
    assert [len(history) for history in resumed.fitted.fit.histories] == [150, 150]


def test_an_interruption_while_scoring_or_writing_loses_nothing(
    wave, options, out, partial, monkeypatch
):
    for place in (
        "tasks.forecasting.forecaster.evaluate_fit",
        "tasks.forecasting.run.forecast_figure",
        "tasks.forecasting.run.report_page",
    ):

        def press(*_, **__):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(f"rnnkit.{place}", press)
            with pytest.raises(KeyboardInterrupt):
                forecast(wave(), options, out, resume=partial.exists())
        assert len(list((partial / "checkpoint").iterdir())) == 2
        assert not out.exists()
    forecast(wave(), options, out, resume=True)
    assert load(out).evaluate()["test"]["origins"] == 10


def test_an_older_run_stays_until_a_new_one_is_complete(wave, options, quick, out, partial):
    forecast(wave(), quick(), out)
    before = content(out)
    interrupt(wave(), options, out)
    assert content(out) == before
    with pytest.raises(DataError):
        forecast(wave(20), quick(), out)
    with pytest.raises(ConfigError):
        forecast(wave(), quick(differencing="seasonal"), out)
    assert content(out) == before
    forecast(wave(), options, out, resume=True)
    assert load(out).config.ensemble == 2
    assert not partial.exists()


def test_a_mistake_costs_no_checkpoint(wave, options, out, partial):
    interrupt(wave(), options, out)
    before = content(partial / "checkpoint")
    assert before
    for wrong in ({"context": 500}, {"differencing": "seasonal"}, {"device": "cuda:99"}):
        with pytest.raises((ConfigError, DataError)):
            forecast(wave(), {**options, **wrong}, out)
        assert content(partial / "checkpoint") == before, wrong
    with pytest.raises(DataError):
        forecast(wave().drop(index=range(20, 80)), options, out)
    assert content(partial / "checkpoint") == before


def test_resuming_something_else_is_refused_and_the_difference_named(wave, options, out, partial):
    interrupt(wave(), options, out)
    before = content(partial)
    changed = wave()
    changed.loc[99, "Sold"] += 1e-9
    cases = [
        (wave(), {**options, "seed": 3}, {}, r"options.seed \(was 0, now 3\)"),
        (wave(), {**options, "epochs": 9}, {}, r"options.epochs \(was 8, now 9\)"),
        (changed, options, {}, "data.sha256"),
        (wave(101), options, {}, "data.sha256"),
        (wave().assign(B=1.0), options, {"columns": replace(COLUMNS, targets=("B",))}, "data"),
        (wave(), options, {"columns": replace(COLUMNS, step="month")}, "data.columns.step"),
        (wave(), {**options, "test_size": None}, {"test": wave(112)}, "data.sha256"),
    ]
    for frame, others, changes, named in cases:
        with pytest.raises(ConfigError, match=named) as error:
            forecast(frame, others, out, resume=True, **changes)
        assert "\n" not in str(error.value)
        assert content(partial) == before


def test_there_must_be_something_to_resume(wave, quick, out, tmp_path):
    with pytest.raises(ConfigError, match=r"nothing to resume: .*wave\.partial does not exist"):
        forecast(wave(), quick(), out, resume=True)
    assert list(tmp_path.iterdir()) == []
    forecast(wave(), quick(), out)
    before = content(out)
    with pytest.raises(ConfigError, match=r"nothing to resume: .*wave is finished already"):
        forecast(wave(), quick(), out, resume=True)
    assert content(out) == before


def test_a_damaged_checkpoint_is_refused_and_a_new_start_is_possible(wave, options, out, partial):
    interrupt(wave(), options, out)
    checkpoint = partial / "checkpoint" / "network-1.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=r"network-1\.safetensors is damaged") as error:
        forecast(wave(), options, out, resume=True)
    assert "\n" not in str(error.value)
    forecast(wave(), options, out)
    assert load(out).predict().shape == (3, 7)


def test_it_is_announced_when_an_interrupted_training_is_thrown_away(wave, options, quick, out):
    said = []

    def announce(panel, discarded):
        said.append((panel.known.tolist(), discarded))

    forecast(wave(), quick(), out, announce=announce)
    interrupt(wave(), options, out, announce=announce)
    forecast(wave(), quick(), out, announce=announce)
    assert said == [([100], False), ([100], False), ([100], True)]


def test_an_interruption_before_the_first_epoch_leaves_nothing(
    wave, quick, out, tmp_path, monkeypatch
):
    def press(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forecast(wave(), quick(), out, announce=press)
    assert list(tmp_path.iterdir()) == []


def test_a_language_changes_words_and_no_number(wave, quick, out, tmp_path):
    forecast(wave(), quick(), out)
    forecast(wave(), quick(), tmp_path / "ko", language="ko", name="매출")
    assert (
        load_file(out / "model.safetensors").keys()
        == load_file(tmp_path / "ko" / "model.safetensors").keys()
    )
    same_results(results(tmp_path / "ko"), results(out))
    one, other = (strip(folder) for folder in (out, tmp_path / "ko"))
    assert one == other
    report = (tmp_path / "ko" / "report.html").read_text("utf-8")
    assert "매출" in report
    assert '<html lang="ko"' in report
    assert '<html lang="en"' in (out / "report.html").read_text("utf-8")


def strip(folder):
    """The scores without the seconds that they took."""
    return {**json.loads((folder / "metrics.json").read_text()), "seconds": None}


def test_no_forecast_is_written_where_future_covariates_end_with_the_data(wave, quick, out):
    frame = wave().assign(Price=lambda f: f["Sold"].shift(1).fillna(100.0))
    columns = replace(COLUMNS, future_covariates=("Price",))
    forecast(frame, quick(), out, columns=columns)
    assert not (out / "forecast.csv").exists()
    assert (out / "forecast.png").exists()
    with pytest.raises(DataError, match="'Price' is given for 0 of the 3 rows"):
        load(out).predict()
    ahead = wave(103).assign(Price=100.0, Sold=wave(103)["Sold"].where(wave(103).index < 100))
    assert load(out).predict(ahead)["time"].iloc[0] == pd.Timestamp("2008-05-01")
