import inspect
import io
import pydoc
import re

import numpy as np
import pandas as pd
import pytest
import torch

from rnnkit import Forecaster
from rnnkit.errors import ConfigError, DataError, RnnkitError
from rnnkit.tasks import NotFittedError

COLUMNS = {"time": "Month", "target": "Sold"}


@pytest.fixture(autouse=True)
def _few_baselines(few_baselines):
    pass


def fit(frame, options, **changes):
    return Forecaster(**options).fit(frame, **{**COLUMNS, **changes})


def numbers(model):
    """All that training has fixed: the weights, and what they count for."""
    pipeline = model.fitted.fit.pipeline
    tensors = [t for network in pipeline.networks for t in network.state_dict().values()]
    return torch.cat([t.flatten().double() for t in tensors] + [torch.from_numpy(pipeline.weights)])


def untimed(metrics):
    return {**metrics, "seconds": None}


def same_frames(one, other):
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def values(forecast):
    return forecast["value"].to_numpy()


def test_a_file_or_a_panel_gives_what_the_frame_gives(wave, quick, read, tmp_path):
    frame = wave()
    frame.to_csv(tmp_path / "wave.csv", index=False)
    frame.to_parquet(tmp_path / "wave.parquet")
    expected = fit(frame, quick())
    for source in (tmp_path / "wave.csv", str(tmp_path / "wave.csv"), tmp_path / "wave.parquet"):
        model = fit(source, quick())
        same_frames(model.predict(), expected.predict())
        assert untimed(model.evaluate()) == untimed(expected.evaluate())
    model = Forecaster(**quick()).fit(read(frame))
    same_frames(model.predict(), expected.predict())
    same_frames(
        expected.predict(tmp_path / "wave.csv"), expected.predict(tmp_path / "wave.parquet")
    )


def test_the_callers_frame_and_random_numbers_are_left_alone(wave, quick):
    frame = wave().assign(unused="text")
    frame.index = pd.Index(range(100, 0, -1), name="row")
    before = frame.copy()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    model = fit(frame, quick(dropout=0.3, ensemble=2))
    model.predict(frame)
    model.evaluate(frame)
    same_frames(frame, before)
    assert torch.equal(torch.rand(3), expected)


def test_one_seed_gives_equal_bits_and_another_seed_others(wave, quick):
    options = quick(dropout=0.2, recurrent_dropout=0.2, layers=2, ensemble=2)
    one, same = fit(wave(), options), fit(wave(), options)
    other = fit(wave(), {**options, "seed": 1})
    assert torch.equal(numbers(one), numbers(same))
    same_frames(one.predict(), same.predict())
    assert not torch.equal(numbers(one), numbers(other))


def test_a_validation_part_chooses_neither_transform_nor_inputs(wave, quick):
    options = quick(validation_size=20, season=12, horizon=6)
    frame = wave()
    changed = frame.assign(Sold=frame["Sold"].where(frame.index < 68, 3 * frame["Sold"]))
    one, other = (fit(data, options).fitted.fit.pipeline for data in (frame, changed))
    assert one.transform.columns[0].to_json() == other.transform.columns[0].to_json()
    assert one.features == other.features
    changed.loc[60, "Sold"] += 50  # the last part of training, and this test would see it
    assert one.features != fit(changed, options).fitted.fit.pipeline.features


def test_the_test_part_changes_nothing_that_is_fitted(wave, quick):
    frame = wave()
    perturbed = frame.copy()
    perturbed.loc[88:, "Sold"] = np.linspace(500, 900, 12)
    one, other = fit(frame, quick()), fit(perturbed, quick())
    assert torch.equal(numbers(one), numbers(other))
    assert one.fitted.fit.pipeline.features == other.fitted.fit.pipeline.features
    (column,), (other_column,) = (m.fitted.fit.pipeline.transform.columns for m in (one, other))
    assert (column.scale, column.why) == (other_column.scale, other_column.why)
    assert not one.predict().equals(other.predict())  # the newest rows are its context
    perturbed.loc[74, "Sold"] += 50  # the last part of training, and this test would see it
    assert not torch.equal(numbers(one), numbers(fit(perturbed, quick())))


def test_columns_of_other_scales_keep_theirs_and_each_its_own_log(wave, quick):
    rows = np.arange(120)
    frame = wave(120).assign(
        Grown=np.exp(rows / 20 + np.sin(rows * 2 * np.pi / 12)),
        Large=lambda frame: 1e9 * frame["Sold"],
        Small=lambda frame: 1e-9 * (frame["Sold"] - 100),
    )
    targets = ["Large", "Grown", "Small"]
    model = fit(frame, quick(season=12, epochs=20, hidden_size=8), target=targets)
    assert [c.log for c in model.fitted.fit.pipeline.transform.columns] == [False, True, False]
    forecast = model.predict()
    assert forecast["target"].tolist() == targets * 3
    assert forecast["time"].tolist() == list(
        np.repeat(pd.date_range("2010-01-01", periods=3, freq="MS"), 3)
    )
    for target in targets:
        predicted = values(forecast[forecast["target"] == target])
        known = frame[target].iloc[-24:]
        spread = known.max() - known.min()
        assert (np.abs(predicted - known.mean()) < 1.5 * spread).all(), target
    scores = model.evaluate()["test"]["model"]
    assert list(scores["targets"]) == targets
    assert scores["targets"]["Large"]["rmse"] > 1e6
    assert scores["targets"]["Small"]["rmse"] < 1e-6


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize(
    "options",
    [
        {"bidirectional": True},
        {"layers": 2, "dropout": 0.2},
        {"bidirectional": True, "layers": 2, "recurrent_dropout": 0.2, "dropout": 0.2},
        {"horizon": 1, "context": 1, "hidden_size": 1},
    ],
    ids=lambda options: "+".join(options),
)
def test_every_network_trains_and_forecasts(wave, quick, cell, options):
    model = fit(wave(), quick(cell=cell, **options))
    untrained = fit(wave(), quick(cell=cell, **{**options, "epochs": 1, "learning_rate": 1e-12}))
    assert not torch.equal(numbers(model), numbers(untrained))
    forecast = model.predict()
    assert len(forecast) == model.config.horizon
    assert np.isfinite(values(forecast)).all()
    assert model.evaluate()["parameters"] == numbers(model).numel() - 1


def test_every_option_has_its_effect(wave, quick):
    expected = numbers(fit(wave(), quick()))
    for option in (
        {"cell": "lstm"},
        {"cell": "rnn"},
        {"bidirectional": True},
        {"layers": 2},
        {"hidden_size": 5},
        {"dropout": 0.2},
        {"recurrent_dropout": 0.2},
        {"ensemble": 2},
        {"horizon": 4},
        {"context": 6},
        {"test_size": 20},
        {"validation_size": 9},
        {"log": True},
        {"differencing": "difference"},
        {"epochs": 6},
        {"batch_size": 7},
        {"learning_rate": 0.01},
        {"weight_decay": 0.1},
        {"schedule": "cosine"},
        {"clip_norm": 0.01},
        {"seed": 1},
        {"strategy": "recursive"},
        {"linear": True},
        {"loss": "absolute"},
        {"intervals": "quantile"},
        {"train_size": 60},
        {"train_size": 0.6},
    ):
        assert not torch.equal(numbers(fit(wave(), quick(**option))), expected), option
    for option in ({"patience": 5}, {"intervals": "none"}, {"levels": (50,)}, {"stride": 3}):
        assert torch.equal(numbers(fit(wave(), quick(**option))), expected), option


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda y: 1e9 * y, id="1e9"),
        pytest.param(lambda y: 1e-9 * y, id="1e-9"),
        pytest.param(lambda y: 1e-13 * y, id="1e-13"),
        pytest.param(lambda y: y + 1e9, id="level"),
    ],
)
def test_the_unit_of_the_values_does_not_matter(wave, quick, change):
    frame = wave()
    expected = values(fit(frame, quick(log=False, epochs=10)).predict())
    frame["Sold"] = change(frame["Sold"])
    model = fit(frame, quick(log=False, epochs=10))
    hundredth = change(0.1) - change(0.0)
    assert values(model.predict()) == pytest.approx(change(expected), abs=hundredth)


def test_values_too_large_to_square_are_refused(wave, quick):
    frame = wave().assign(Sold=lambda frame: 1e160 * frame["Sold"])
    with pytest.raises(RnnkitError, match="Sold"):
        fit(frame, quick(test_size=0)).predict()


def test_above_a_linear_path_the_network_learns_what_that_leaves(wave, quick):
    """The wave is linear in its past: a network that learned it once more would double it."""
    alone, above = (fit(wave(), quick(epochs=30, linear=linear)) for linear in (False, True))
    assert alone.fitted.fit.pipeline.linear is None
    assert above.fitted.fit.pipeline.linear is not None
    scores = [model.evaluate()["test"] for model in (alone, above)]
    assert scores[1]["without_network"]["rmse"] < 0.3
    assert scores[1]["model"]["rmse"] < 0.3 < scores[0]["model"]["rmse"]
    assert scores[0]["baselines"]["ridge"] == pytest.approx(scores[1]["baselines"]["ridge"])


def test_negative_values_are_forecast_as_well_as_positive_ones(wave, quick):
    frame = wave().assign(Sold=lambda frame: -frame["Sold"])
    scores = fit(frame, quick(epochs=30)).evaluate()["test"]
    assert scores["model"]["rmse"] < scores["without_network"]["rmse"] / 3


def test_a_constant_series_is_forecast_as_it_is(wave, quick):
    model = fit(wave().assign(Sold=7.5), quick())
    assert values(model.predict()).tolist() == [7.5, 7.5, 7.5]
    assert model.evaluate()["test"]["model"]["rmse"] == 0
    assert "nan" not in model.summary()


def test_a_horizon_beyond_the_season_and_a_context_below_it(wave, quick):
    model = fit(wave(120), quick(season=4, horizon=11, context=3, differencing="seasonal"))
    assert len(model.predict()) == 11
    assert model.evaluate()["test"]["origins"] == 2


def test_yearly_rows_have_no_season(wave, quick):
    frame = wave(60, start="1900-01-01", freq="YS")
    model = fit(frame, quick(season=None))
    assert model.fitted.fit.sizes.season == 1
    assert model.predict()["time"].dt.year.tolist() == [1960, 1961, 1962]
    assert "seasonal naive" in model.evaluate()["test"]["skipped"]


def test_a_random_walk_is_only_followed_and_the_warning_says_so(wave, quick):
    steps = np.random.default_rng(3).normal(size=200)
    frame = wave(200).assign(Sold=100 + np.cumsum(steps))
    model = fit(frame, quick(horizon=1, epochs=2, test_size=40))
    assert "shifted by one step" in model.evaluate()["warning"]
    assert model.evaluate()["warning"] in model.summary()
    assert fit(wave(), quick(epochs=20)).evaluate()["warning"] == ""


def test_patience_or_a_time_limit_ends_the_training(wave, quick):
    model = fit(wave(), quick(epochs=10_000, patience=2, learning_rate=0.1))
    (history,) = model.fitted.fit.histories
    assert (history.stopped, len(history) - history.best_epoch) == ("patience", 2)
    model = fit(wave(), quick(epochs=1000, patience=1000, time_limit=0.05, ensemble=2))
    histories = model.fitted.fit.histories
    assert [history.stopped for history in histories] == ["time limit", "time limit"]
    assert all(0 < len(history) < 1000 for history in histories)


def test_too_few_rows_are_refused_with_the_number_needed_which_suffices(wave, quick):
    options = quick(ensemble=2)
    with pytest.raises(DataError, match=r"the data have 20 rows, but \d+ are needed") as error:
        fit(wave(20), options)
    needed = int(re.search(r"(\d+) are needed", str(error.value))[1])
    with pytest.raises(DataError, match=f"have {needed - 1} rows, but {needed} are needed"):
        fit(wave(needed - 1), options)
    assert len(fit(wave(needed), options).predict()) == 3


def test_a_fit_that_fails_leaves_the_one_before(wave, quick):
    model = fit(wave(), quick())
    before = model.predict()
    with pytest.raises(DataError):
        model.fit(wave(20), **COLUMNS)
    same_frames(model.predict(), before)


def test_before_fit_there_is_nothing_to_ask_for(tmp_path):
    model = Forecaster(horizon=3)
    for ask in (
        model.predict,
        model.evaluate,
        model.plot,
        model.summary,
        lambda: model.save(tmp_path / "run"),
        lambda: model.fitted,
    ):
        with pytest.raises(NotFittedError, match="not fitted yet: call fit first"):
            ask()
    assert list(tmp_path.iterdir()) == []
    assert issubclass(NotFittedError, RnnkitError)


def test_options_are_checked_at_once_and_the_nearest_name_is_told():
    with pytest.raises(ConfigError, match=r"unknown option 'hiden_size'.*mean 'hidden_size'\?"):
        Forecaster(horizon=3, hiden_size=4)
    with pytest.raises(ConfigError, match=r"cell must be one of .*mean 'lstm'\?"):
        Forecaster(horizon=3, cell="ltsm")
    with pytest.raises(ConfigError, match="needs a horizon"):
        Forecaster()
    with pytest.raises(ConfigError, match=r"no argument 'tagret'.*did you mean 'targets?'\?"):
        Forecaster(horizon=3).fit(pd.DataFrame({"Sold": [2]}), tagret="Sold")


@pytest.mark.parametrize("seed", [2**31, 10**15, 10**18, 2**63 - 1])
def test_a_large_seed_is_used_or_refused(wave, quick, seed):
    try:
        model = Forecaster(**quick(seed=seed))
    except ConfigError:
        return
    assert len(model.fit(wave(), **COLUMNS).predict()) == 3


def test_help_shows_the_options(monkeypatch):
    signature = inspect.signature(Forecaster)
    assert signature.parameters["horizon"].default is inspect.Parameter.empty
    assert signature.parameters["cell"].default == "gru"
    assert all(p.kind is p.KEYWORD_ONLY for p in signature.parameters.values())
    page = io.StringIO()
    pydoc.Helper(output=page)(Forecaster)
    text = page.getvalue()
    assert "hidden_size" in text
    assert "Raises:" in text


def test_columns_named_beside_a_panel_are_refused(wave, quick, read):
    panel = read(wave().assign(B=1.0), "Sold", "B")
    assert len(Forecaster(**quick()).fit(panel).predict()) == 6
    with pytest.raises(ConfigError, match="a Panel knows its columns"):
        Forecaster(**quick()).fit(panel, target="Sold")


@pytest.mark.parametrize(
    "columns",
    [
        {"time": "Month", "target": "Sold"},
        {"time": ["Month"], "targets": ("Sold",)},
        {"time": "Month"},  # the only column of numbers
    ],
    ids=str,
)
def test_one_name_or_several_say_what_the_columns_are(wave, quick, columns):
    expected = fit(wave(), quick())
    model = Forecaster(**quick()).fit(wave(), **columns)
    same_frames(model.predict(), expected.predict())
    assert model.fitted.columns.time == ("Month",)


def test_the_step_tells_the_season_that_no_time_tells(wave, quick):
    frame = wave()[["Sold"]]
    model = Forecaster(**quick(season=None)).fit(frame, order="oldest-first", step="quarter")
    assert model.fitted.fit.sizes.season == 4
    assert model.predict()["time"].tolist() == [101, 102, 103]
