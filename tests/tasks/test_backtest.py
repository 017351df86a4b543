"""Forecasts from several origins in the past, against fits of data that end there."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from rnnkit import Forecaster, load
from rnnkit.data.columns import Columns
from rnnkit.errors import ArtifactError, ConfigError, DataError
from rnnkit.tasks import run_forecast
from rnnkit.tasks.forecasting import backtest as module
from rnnkit.tasks.forecasting.backtest_run import backtest_csv, run_backtest_folder
from rnnkit.training import Progress

COLUMNS = Columns(time=("Month",), targets=("Sold",))
SHOPS = Columns(time=("Month",), targets=("Sold",), series_id="Shop")
FILES = {
    *("config.json", "model.safetensors", "metrics.json"),
    *("backtest.csv", "backtest.png", "report.html"),
}


@pytest.fixture(autouse=True)
def _few_baselines(few_baselines):
    pass


@pytest.fixture
def out(tmp_path):
    return tmp_path / "runs" / "wave-backtest"


@pytest.fixture(scope="module")
def options(quick):
    changes = quick(hidden_size=3, epochs=2)
    del changes["test_size"]
    return changes


def backtest(frame, options, out, **changes):
    arguments = {"columns": COLUMNS, "folds": 4, "size": None, "refit": True, **changes}
    return run_backtest_folder(frame, options=options, out=out, **arguments)


def two_shops(wave):
    """The second begins late: before the third of four folds it has no row."""
    late = wave(8, start="2007-09-01", seed=1).assign(Shop="b", Sold=lambda f: 9 * f["Sold"])
    return pd.concat([wave().assign(Shop="a"), late], ignore_index=True)


def frame_of(name, wave):
    return (two_shops(wave), SHOPS) if name == "panel" else (wave(), COLUMNS)


def content(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def untimed(files):
    metrics = json.loads(files["metrics.json"])
    assert metrics["seconds"] > 0
    return {**files, "metrics.json": {**metrics, "seconds": None}}


# --- what a fold is


@pytest.mark.parametrize("name", ["single", "panel"])
@pytest.mark.parametrize("size", [None, 5])
def test_a_fold_is_a_fit_and_an_evaluation_of_data_that_end_with_it(wave, options, out, name, size):
    frame, columns = frame_of(name, wave)
    found = backtest(frame, options, out, columns=columns, size=size)
    rows = size or 3
    assert [(fold.first, fold.end) for fold in found.folds] == [
        (100 - (4 - n) * rows, 100 - (3 - n) * rows) for n in range(4)
    ]
    months = wave()["Month"]
    for fold in found.folds:
        known = frame[frame["Month"] <= months[fold.end - 1]]
        model = Forecaster(**options, test_size=rows)
        expected = model.fit(known, **dict(columns.to_json())).fitted.test
        for forecast in ("model", "without network", "last value", "drift", "ridge"):
            np.testing.assert_array_equal(
                fold.evaluation.forecasts[forecast], expected.forecasts[forecast]
            )
        np.testing.assert_equal(fold.evaluation.scores, expected.scores)
        np.testing.assert_array_equal(fold.evaluation.intervals.lower, expected.intervals.lower)
        assert fold.known == (frame["Month"] < months[fold.first]).sum()
        assert fold.evaluation.verdict == expected.verdict


def test_without_refit_the_network_of_the_first_fold_makes_all_forecasts(wave, options, out):
    frame = wave()
    found = backtest(frame, options, out, refit=False)
    model = Forecaster(**options, test_size=3).fit(frame[:91], time="Month", target="Sold")
    later = model.scored(frame)
    for fold in found.folds:
        at = np.flatnonzero(later.origins == fold.first)
        assert len(at) == 1
        # What is known of the season before it is scaled as it was.
        np.testing.assert_allclose(
            fold.evaluation.forecasts["model"], later.forecasts["model"][at], rtol=1e-6
        )
    anew = backtest(frame, options, out)
    one, other = (b.evaluation.forecasts["model"] for b in (found, anew))
    np.testing.assert_array_equal(one[0], other[0])
    assert not np.allclose(one[1:], other[1:], rtol=1e-5)


def test_the_whole_is_scored_over_the_forecasts_of_all_folds(wave, options, out):
    found = backtest(wave(), options, out, size=5)
    whole = found.evaluation
    assert len(whole.origins) == 4 * 3
    assert whole.origins.tolist() == [o for f in found.folds for o in f.evaluation.origins]
    error = np.concatenate(
        [f.evaluation.forecasts["model"] - f.evaluation.actual for f in found.folds]
    )
    scores = whole.scores["model"]
    assert scores["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)))
    assert scores["mase"] == pytest.approx(
        np.mean([f.evaluation.scores["model"]["mase"] for f in found.folds])
    )
    by_step = found.by_step()["model"]
    np.testing.assert_allclose(by_step, np.sqrt(np.mean(error[..., 0] ** 2, axis=0)))
    by_fold = found.by_fold()
    assert by_fold.keys() == whole.scores.keys()
    np.testing.assert_allclose(
        by_fold["model"], [f.evaluation.scores["model"]["rmse"] for f in found.folds]
    )
    held = np.mean([f.evaluation.scores["model"]["coverage"]["80"] for f in found.folds])
    assert scores["coverage"]["80"] == pytest.approx(held)


def test_series_that_begin_later_are_counted_where_they_are(wave, options, out):
    found = backtest(two_shops(wave), options, out, columns=SHOPS)
    assert [len(np.unique(fold.evaluation.series)) for fold in found.folds] == [1, 1, 2, 2]
    assert sorted(set(found.evaluation.series.tolist())) == [0, 1]
    assert len(found.evaluation.origins) == 6
    naive = np.concatenate([f.yardsticks.naive[f.evaluation.series] for f in found.folds])
    error = np.abs(found.evaluation.forecasts["model"] - found.evaluation.actual)
    expected = np.mean(error / naive[:, None])
    assert found.evaluation.scores["model"]["mase"] == pytest.approx(expected)
    assert found.evaluation.metric == "mase"


def test_a_stride_scores_fewer_forecasts_of_a_fold(wave, options, out):
    every = backtest(wave(), options, out, size=8)
    second = backtest(wave(), {**options, "stride": 2}, out, size=8)
    assert [len(fold.evaluation.origins) for fold in every.folds] == [6] * 4
    for one, other in zip(every.folds, second.folds, strict=True):
        np.testing.assert_array_equal(other.evaluation.origins, one.evaluation.origins[::2])


# --- what is written


def test_the_folder_and_its_table(wave, options, out):
    found = backtest(wave(), options, out, command="rnnkit backtest wave.csv")
    assert {file.name for file in out.iterdir()} == FILES
    assert [entry.name for entry in out.parent.iterdir()] == ["wave-backtest"]
    text = (out / "backtest.csv").read_text("utf-8")
    assert text == backtest_csv(found)
    table = pd.read_csv(io.StringIO(text))
    assert table.columns.tolist() == [
        *("fold", "first", "last", "forecast", "rmse", "mae", "mape", "smape", "mase"),
    ]
    names = list(found.folds[0].evaluation.scores)
    assert table["forecast"].tolist() == names * 4
    assert table["fold"].tolist() == list(np.repeat([1, 2, 3, 4], len(names)))
    spans = table.drop_duplicates("fold")[["first", "last"]].to_numpy().tolist()
    assert spans == [
        ["2007-05-01", "2007-07-01"],
        ["2007-08-01", "2007-10-01"],
        ["2007-11-01", "2008-01-01"],
        ["2008-02-01", "2008-04-01"],
    ]
    for number, fold in enumerate(found.folds, start=1):
        rows = table[table["fold"] == number].set_index("forecast")
        for name, scores in fold.evaluation.scores.items():
            for measure in ("rmse", "mase"):
                assert rows.loc[name, measure] == pytest.approx(scores[measure], rel=1e-12)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["task"] == "backtest"
    assert metrics["test"] == json.loads(json.dumps(found.evaluation.to_json()))
    assert [fold["known"] for fold in metrics["folds"]] == [88, 91, 94, 97]
    assert metrics["verdict"] == str(found.evaluation.verdict)
    report = (out / "report.html").read_text("utf-8")
    assert "rnnkit backtest wave.csv" in report
    assert "2007-05-01" in report
    assert 'src="data:image/png;base64,' in report
    assert (out / "backtest.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["panel", "without times"])
def test_other_data_are_backtested_too(wave, options, out, name):
    columns = SHOPS if name == "panel" else Columns(targets=("Sold",), order="oldest-first")
    frame = two_shops(wave) if name == "panel" else wave()[["Sold"]]
    backtest(frame, {**options, "intervals": "none"}, out, columns=columns, folds=2, language="ko")
    table = pd.read_csv(out / "backtest.csv")
    first = table["first"].drop_duplicates().tolist()
    assert first == (["2007-11-01", "2008-02-01"] if name == "panel" else [95, 98])
    assert '<html lang="ko"' in (out / "report.html").read_text("utf-8")


def test_a_backtest_is_no_model(wave, options, out):
    backtest(wave(), options, out, folds=2)
    with pytest.raises(ArtifactError, match="backtest") as error:
        load(out)
    assert "\n" not in str(error.value)


# --- interrupted


@pytest.fixture(scope="module", params=[True, False], ids=["refit", "no refit"])
def uninterrupted(request, wave, options, tmp_path_factory):
    from rnnkit.baselines import Drift, LastValue, SeasonalNaive

    out = tmp_path_factory.mktemp("uninterrupted") / "wave-backtest"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "rnnkit.tasks.forecasting.evaluation.series_baselines",
            lambda: [LastValue, SeasonalNaive, Drift],
        )
        backtest(wave(), {**options, "ensemble": 2}, out, refit=request.param)
    return request.param, content(out)


@pytest.mark.parametrize("stops", [[1], [2], [1, 3], [4]], ids=str)
def test_an_interrupted_backtest_goes_on_to_the_same_files(
    wave, options, out, uninterrupted, stops
):
    refit, expected = uninterrupted
    partial = out.with_name("wave-backtest.partial")
    arguments = {"refit": refit}
    options = {**options, "ensemble": 2}
    for count, stop in enumerate(stops):

        def press(number, fold, stop=stop):
            if number == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            backtest(wave(), options, out, **arguments, each=press, resume=count > 0)
        assert partial.is_dir()
        assert not out.exists()
    said = []
    backtest(wave(), options, out, **arguments, resume=True, each=lambda n, fold: said.append(n))
    assert said == [1, 2, 3, 4]
    assert untimed(content(out)) == untimed(expected)
    assert [entry.name for entry in out.parent.iterdir()] == ["wave-backtest"]


class Interrupt(Progress):
    """Presses Ctrl-C after an epoch of the training that begins as the so many-th."""

    def __init__(self, training, epoch):
        super().__init__(quiet=True)
        self.training, self.epoch, self.begun = training, epoch, 0

    def start(self, title, epochs, history):
        self.begun += 1

    def update(self, state, stopped):
        if (self.begun, state.epoch) == (self.training, self.epoch):
            raise KeyboardInterrupt


def test_a_training_within_a_fold_goes_on_where_it_was(wave, options, out, uninterrupted):
    refit, expected = uninterrupted
    options = {**options, "ensemble": 2}
    training = 4 if refit else 2  # the second network, of the second fold if there is one
    with pytest.raises(KeyboardInterrupt):
        backtest(wave(), options, out, refit=refit, progress=Interrupt(training, 1))
    backtest(wave(), options, out, refit=refit, resume=True)
    assert untimed(content(out)) == untimed(expected)


def test_what_was_done_is_not_done_again(wave, options, out, monkeypatch):
    def press(number, fold):
        if number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backtest(wave(), options, out, each=press)
    fitted = []
    real = module.fit_pipeline
    monkeypatch.setattr(
        module, "fit_pipeline", lambda plan, *a, **k: fitted.append(plan) or real(plan, *a, **k)
    )
    backtest(wave(), options, out, resume=True)
    assert [plan.panel.last_tick for plan in fitted] == [100]


class Beginnings(Progress):
    """Notes how many epochs each training has behind it when it begins."""

    def __init__(self):
        super().__init__(quiet=True)
        self.epochs = []

    def start(self, title, epochs, history):
        self.epochs.append(len(history))


def test_without_refit_the_networks_are_not_trained_again(wave, options, out):
    def press(number, fold):
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backtest(wave(), options, out, refit=False, each=press)
    beginnings = Beginnings()
    backtest(wave(), options, out, refit=False, resume=True, progress=beginnings)
    assert beginnings.epochs == [2]  # all of them


def test_another_backtest_is_not_gone_on_with(wave, options, out):
    def press(number, fold):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backtest(wave(), options, out, each=press)
    changed = wave().assign(Sold=lambda f: f["Sold"] + 1e-9)
    for frame, more, named in (
        (wave(), {"folds": 5}, r"folds \(was 4, now 5\)"),
        (wave(), {"size": 4}, "size"),
        (wave(), {"refit": False}, "refit"),
        (wave(), {"options": {**options, "seed": 3}}, r"options.seed \(was 0, now 3\)"),
        (changed, {}, "data.sha256"),
    ):
        with pytest.raises(ConfigError, match=named):
            backtest(frame, **{"options": options, "out": out, "resume": True, **more})
    with pytest.raises(ConfigError, match="task"):
        run_forecast(wave(), columns=COLUMNS, options=options, out=out, resume=True)
    backtest(wave(), options, out, folds=2)  # and a new one takes its place
    assert len(json.loads((out / "metrics.json").read_text())["folds"]) == 2


def test_a_mistake_costs_no_checkpoint(wave, options, out):
    def press(number, fold):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backtest(wave(), options, out, each=press)
    kept = out.with_name("wave-backtest.partial") / "checkpoint"
    before = sorted(kept.rglob("*"))
    assert len(before) > 1
    for wrong in (
        {"folds": 34},
        {"folds": 33},
        {"size": 2},
        {"options": {**options, "context": 500}},
        {"options": {**options, "differencing": "seasonal"}},
    ):
        with pytest.raises((ConfigError, DataError)):
            backtest(wave(), **{"options": options, "out": out, **wrong})
        assert sorted(kept.rglob("*")) == before, wrong


# --- refused


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"folds": 34}, r"34 folds of 3 rows are 102 rows, and the data have 100"),
        ({"folds": 10, "size": 10}, "ask for fewer or smaller folds"),
        ({"folds": 33}, r"\d+ are needed"),
        ({"folds": 0}, "folds"),
        ({"folds": -2}, "folds"),
        ({"size": 2}, "horizon of 3"),
        ({"size": 0}, "horizon of 3"),
    ],
    ids=str,
)
def test_folds_that_cannot_be_are_refused(wave, options, out, changes, says):
    with pytest.raises((ConfigError, DataError), match=says) as error:
        backtest(wave(), options, out, **changes)
    assert "\n" not in str(error.value)
    assert not out.exists()
    assert not out.with_name("wave-backtest.partial").exists()


def test_a_fold_without_values_is_refused_by_number_before_any_training(wave, options, out):
    frame = wave()
    horizon = options["horizon"]
    first = len(frame) - 2 * horizon
    frame.loc[first : first + horizon - 1, "Sold"] = np.nan
    says = f"score a forecast on in fold 3 of 4, rows {first + 1} to {first + horizon}: ask"
    with pytest.raises(DataError, match=says):
        backtest(frame, options, out)
    assert not out.with_name("wave-backtest.partial").exists()
