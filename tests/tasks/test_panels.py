"""Many series, of all lengths, with and without covariates, in every layout."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from rnnkit import Forecaster, load
from rnnkit.data.assemble import read_panel
from rnnkit.data.columns import Columns
from rnnkit.data.windows import Inputs
from rnnkit.errors import ConfigError, DataError

COLUMNS = {"time": "Month", "target": "Sold", "series_id": "Shop"}
ROWS = 100  # of the longest series


@pytest.fixture(autouse=True)
def _few_baselines(few_baselines):
    pass


def shop(name, rows, *, size=1.0, seed=0, end=ROWS):
    """A wave of its own that ends at row `end`, with covariates of every role and kind."""
    random = np.random.default_rng(seed)
    t = np.arange(end - rows, end)
    price = 5 + random.normal(size=rows)
    wave = 10 * np.sin(2 * np.pi * t / 7.3 + seed)
    return pd.DataFrame(
        {
            "Month": pd.date_range("2000-01-01", periods=end, freq="MS")[end - rows :],
            "Shop": name,
            "Sold": size * (100 + wave - 3 * price + random.normal(size=rows)),
            "Rain": random.normal(size=rows),
            "Wind": random.choice(["calm", "NE", "SW"], rows),
            "Price": price,
            "Holiday": random.choice(["yes", "no"], rows),
            "Region": "coast" if seed % 2 else "hill",
            "Area": 3.5 + seed,
        }
    )


SHOPS = [
    shop("Ulm", 100),
    shop("Bonn", 61, size=1000.0, seed=1),
    shop("Aalen", 23, size=0.01, seed=2),
    shop("Köln", 5, seed=3),
    shop("Jena", 1, size=3.0, seed=4),
    shop("Gera", 40, seed=5, end=80),  # closed long ago
]
NEW = shop("Suhl", 50, size=7.0, seed=9)
COVARIATES = {
    "covariate": ["Rain", "Wind"],
    "future_covariate": ["Price", "Holiday"],
    "static": ["Region", "Area"],
}
OPTIONS = {
    "plain": {},
    "ensemble": {"ensemble": 3},
    "linear": {"linear": True},
    "recursive": {"strategy": "recursive"},
    "quantiles": {"intervals": "quantile", "levels": (50, 90)},
    "season": {"season": 6, "differencing": "seasonal+difference", "log": True},
}


def join(*frames):
    return pd.concat(frames, ignore_index=True)


def numbers(forecast):
    """The forecasts and interval ends of a frame, `(N, 1 + 2 L)`."""
    return forecast.loc[:, "value":].to_numpy(dtype=float)


def of(forecast, name):
    return forecast[forecast["Shop"] == name].reset_index(drop=True)


def same(one, other, rtol=1e-6):
    """Equal but for the rounding of sums of 32-bit numbers, whose order depends on the batch."""
    assert one.columns.tolist() == other.columns.tolist()
    pd.testing.assert_frame_equal(one.loc[:, :"target"], other.loc[:, :"target"])
    np.testing.assert_allclose(numbers(one), numbers(other), rtol=rtol)


@pytest.fixture(scope="module", params=OPTIONS)
def model(request, quick, few_baselines_here):
    """A forecaster of all shops, by every way of making a forecast."""
    fitted = Forecaster(**quick(**OPTIONS[request.param])).fit(join(*SHOPS), **COLUMNS)
    pipeline = fitted.fitted.fit.pipeline
    assert pipeline.weights.min() > 0.2  # else the networks count for little in these tests
    assert (pipeline.linear is not None) == (request.param == "linear")
    return fitted


@pytest.fixture(scope="module")
def few_baselines_here():
    from rnnkit.baselines import Drift, LastValue

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "rnnkit.tasks.forecasting.evaluation.series_baselines", lambda: [LastValue, Drift]
        )
        yield


# --- one series, whatever stands beside it


def test_a_forecast_has_a_row_a_series_step_and_target(model):
    forecast = model.predict()
    levels = model.config.levels
    ends = [f"{side}_{level}" for level in levels for side in ("lower", "upper")]
    assert forecast.columns.tolist() == ["Shop", "time", "target", "value", *ends]
    assert forecast["Shop"].tolist() == [s["Shop"].iloc[0] for s in SHOPS for _ in range(3)]
    later = list(pd.date_range("2008-05-01", periods=3, freq="MS"))
    closed = list(pd.date_range("2006-09-01", periods=3, freq="MS"))
    assert forecast["time"].tolist() == later * 5 + closed
    assert np.isfinite(numbers(forecast)).all()
    narrow, wide = levels
    assert (forecast[f"lower_{narrow}"] < forecast[f"upper_{narrow}"]).all()
    assert (forecast[f"lower_{wide}"] <= forecast[f"lower_{narrow}"]).all()
    assert (forecast[f"upper_{narrow}"] <= forecast[f"upper_{wide}"]).all()


def test_a_series_is_forecast_alike_alone_and_among_others(model):
    expected = model.predict()
    same(model.predict(join(*SHOPS)), expected)
    backwards = model.predict(join(*SHOPS[::-1]))
    for one in SHOPS:
        name = one["Shop"].iloc[0]
        same(model.predict(one), of(expected, name))
        same(of(backwards, name), of(expected, name))
        same(of(model.predict(join(one, NEW, SHOPS[1])), name), of(expected, name))
    same(of(model.predict(join(SHOPS[0][60:], SHOPS[3][-1:])), "Ulm"), of(expected, "Ulm"))


def test_new_rows_of_some_series_are_forecast_alike_alone_and_among_others(model):
    newer = [shop("Ulm", 104, end=104)[98:], shop("Jena", 3, size=3.0, seed=4, end=103)]
    together = model.predict(join(*newer, SHOPS[1]))
    for rows, first in zip(newer, ("2008-09-01", "2008-08-01"), strict=True):
        alone = model.predict(rows)
        assert alone["time"].iloc[0] == pd.Timestamp(first)
        same(of(together, rows["Shop"].iloc[0]), alone)
        assert not np.allclose(numbers(alone), numbers(of(model.predict(), rows["Shop"].iloc[0])))


def test_a_series_never_seen_is_forecast_from_its_own_rows(model):
    alone = model.predict(NEW)
    assert alone["time"].iloc[0] == pd.Timestamp("2008-05-01")
    assert np.abs(alone["value"] / NEW["Sold"].mean() - 1).max() < 0.3
    for beside in ([SHOPS[0]], SHOPS, [SHOPS[3], shop("Hof", 70, size=1e6, seed=11)]):
        same(of(model.predict(join(*beside, NEW)), "Suhl"), alone)
        same(of(model.predict(join(NEW, *beside)), "Suhl"), alone)
    same(model.predict(NEW.assign(Shop="Hof")), alone.assign(Shop="Hof"))


@pytest.mark.parametrize("rows", [50, 7, 1])
def test_a_series_never_seen_is_scaled_by_its_own_past(model, rows):
    few = NEW[-rows:]
    expected = numbers(model.predict(few))
    for factor in (1000.0, 2.0**-20):
        larger = model.predict(few.assign(Sold=factor * few["Sold"]))
        np.testing.assert_allclose(numbers(larger), factor * expected, rtol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 11, 12, 13])
def test_a_series_shorter_than_the_window_is_forecast(model, rows):
    forecast = model.predict(NEW[-rows:])
    assert np.isfinite(numbers(forecast)).all()
    same(of(model.predict(join(SHOPS[1], NEW[-rows:])), "Suhl"), forecast)


def test_a_panel_of_short_series_alone_can_be_fitted(quick):
    lengths = [3, 5, 7, 9, 12, 4, 6]
    frame = join(*(shop(str(n), rows, seed=n) for n, rows in enumerate(lengths)))
    model = Forecaster(**quick(horizon=2, test_size=2, context=8)).fit(frame, **COLUMNS)
    assert np.isfinite(numbers(model.predict())).all()
    scores = model.evaluate()["test"]
    assert (scores["origins"], scores["series"]) == (7, 7)


def test_a_panel_without_a_row_to_learn_from_is_refused(quick):
    frame = join(*(shop(name, 2) for name in "abc"))
    with pytest.raises(DataError, match=r"the data have 2 rows, but \d+ are needed"):
        Forecaster(**quick(test_size=0)).fit(frame, **COLUMNS, step="month")


# --- saved and loaded

WIDE = pd.DataFrame({n: shop(n, 60, seed=s, size=s + 1)["Sold"] for s, n in enumerate("abc")})
ACROSS = WIDE.T.set_axis([f"t{t}" for t in range(60)], axis=1).reset_index(names="name")
MONTHS = pd.date_range("2000-01-01", periods=60, freq="MS").strftime("%Y-%m")
LAYOUTS = {
    "long with covariates": (join(*SHOPS[:4], NEW), {**COLUMNS, **COVARIATES}),
    "several targets": (WIDE.assign(Month=MONTHS), {"time": "Month", "target": ["c", "a"]}),
    "columns": (WIDE.assign(Month=MONTHS), {"time": "Month", "layout": "columns"}),
    "columns without times": (WIDE, {"layout": "columns", "order": "oldest-first"}),
    "rows": (ACROSS, {"layout": "rows", "series_id": "name"}),
    "one without times": (WIDE[["b"]], {"target": "b", "step": "quarter"}),
    "a series_id of numbers": (
        join(*(s.assign(Shop=n) for n, s in enumerate(SHOPS[:3]))),
        COLUMNS,
    ),
}


@pytest.mark.parametrize(
    ("option", "name"),
    [
        *itertools.product(["plain", "quantiles"], LAYOUTS),
        *itertools.product(["recursive", "linear"], ["long with covariates", "rows"]),
    ],
)
def test_a_run_of_any_layout_comes_back_as_it_was(quick, tmp_path, name, option):
    frame, columns = LAYOUTS[name]
    options = quick(**{"hidden_size": 3, "epochs": 2, **OPTIONS[option]})
    if option == "recursive" and "covariate" in columns:
        columns = {k: v for k, v in columns.items() if k != "covariate"}
    model = Forecaster(**options).fit(frame, **columns)
    model.save(tmp_path / "run")
    loaded = load(tmp_path / "run")
    newer = frame[-2:]
    if "future_covariate" in columns:
        ahead = frame[-3:].assign(Sold=np.nan)
        ahead["Month"] += pd.DateOffset(months=3)
        newer = join(frame[-20:], ahead)
    for one, other in zip(model_answers(model, newer), model_answers(loaded, newer), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    np.testing.assert_equal(loaded.evaluate(), model.evaluate())
    assert untimed(loaded.summary()) == untimed(model.summary())
    assert loaded.config == model.config
    loaded.save(tmp_path / "again")
    for file in (tmp_path / "run").iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes(), file.name


def untimed(summary):
    return [line for line in summary.splitlines() if not line.startswith("Time: ")]


def model_answers(model, newer):
    answers = [model.predict(newer)]
    if not model.fitted.panel.of_role("future"):
        answers.append(model.predict())
    return answers


def test_series_without_times_end_together_and_rows_are_counted(quick):
    short = ACROSS.copy()
    short.iloc[1, 1:31] = ACROSS.iloc[1, 31:61].to_numpy()
    short.iloc[1, 31:] = np.nan
    model = Forecaster(**quick()).fit(short, layout="rows", series_id="name")
    assert model.fitted.panel.ticks.tolist() == [0, 30, 0]
    assert model.predict()["time"].tolist() == [61, 62, 63, 31, 32, 33, 61, 62, 63]
    assert model.evaluate()["test"]["origins"] == 3 * 10


# --- parts


def test_later_rows_in_a_file_of_their_own_are_the_test_part(quick, tmp_path):
    frame, options = join(*SHOPS), quick(ensemble=2)
    border = pd.Timestamp("2000-01-01") + pd.DateOffset(months=88)
    known, later = frame[frame["Month"] < border], frame[frame["Month"] >= border]
    later.to_csv(tmp_path / "later.csv", index=False)
    expected = Forecaster(**options).fit(frame, **COLUMNS)
    for test in (later, tmp_path / "later.csv", frame[frame["Month"] >= "2006-01-01"]):
        model = Forecaster(**{**options, "test_size": None}).fit(known, test=test, **COLUMNS)
        assert model.fitted.fit.split == expected.fitted.fit.split
        forecast = model.predict()
        for name in expected.predict()["Shop"].unique():
            same(of(forecast, name), of(expected.predict(), name), rtol=1e-12)
        scores = model.evaluate()["test"]
        assert scores["model"]["mase"] == pytest.approx(
            expected.evaluate()["test"]["model"]["mase"], rel=1e-12
        )
        assert scores["origins"] == expected.evaluate()["test"]["origins"]


def test_a_test_file_that_cannot_be_one_is_refused(quick):
    one = SHOPS[0]
    options = quick(test_size=None)
    for option in ({"test_size": 12}, {"train_size": 50}):
        with pytest.raises(ConfigError, match="leave test_size and train_size out"):
            Forecaster(**quick(**option)).fit(one[:88], test=one[88:], **COLUMNS)
    with pytest.raises(DataError, match="the test rows are 2 steps, and one forecast is scored on"):
        Forecaster(**options).fit(one[:88], test=one[88:90], **COLUMNS)
    with pytest.raises(DataError):
        Forecaster(**options).fit(one[:88], test=one[40:60], **COLUMNS)


def test_sizes_may_be_shares_of_the_rows(wave, quick):
    def fit(**sizes):
        model = Forecaster(**{**quick(), "test_size": None, **sizes})
        return model.fit(wave(), time="Month", target="Sold")

    for shares, rows in (
        ({"test_size": 0.12, "validation_size": 0.2}, {"test_size": 12, "validation_size": 20}),
        (
            {"train_size": 0.6, "validation_size": 0.15, "test_size": 0.1},
            {"train_size": 60, "validation_size": 15, "test_size": 10},
        ),
    ):
        one, other = fit(**shares), fit(**rows)
        assert one.fitted.fit.split == other.fitted.fit.split
        pd.testing.assert_frame_equal(one.predict(), other.predict(), check_exact=True)
        assert one.evaluate()["test"] == other.evaluate()["test"]


@pytest.mark.parametrize("sizes", [{"test_size": 0.02}, {"validation_size": 0.001}])
def test_a_share_of_less_than_a_horizon_is_refused_before_training(wave, quick, sizes, monkeypatch):
    monkeypatch.setattr("rnnkit.tasks.forecasting.fitting.Trainer", None)
    with pytest.raises((ConfigError, DataError), match=next(iter(sizes)) + "|validat"):
        Forecaster(**quick(**{"test_size": 0, **sizes})).fit(wave(), time="Month", target="Sold")


def test_rows_after_the_test_part_are_left_out(wave, quick):
    options = quick(train_size=50, validation_size=15, test_size=12)
    frame = wave()
    changed = frame.assign(Sold=frame["Sold"].where(frame.index < 77, 3e4))
    one, other, whole = (
        Forecaster(**options).fit(f, time="Month", target="Sold")
        for f in (frame, changed, frame[:77])
    )
    assert one.fitted.fit.split == replace(one.fitted.fit.split, known=65, rows=77)
    assert one.evaluate()["test"]["origins"] == 10
    for model in (other, whole):
        assert model.evaluate()["test"] == one.evaluate()["test"]
        assert torch.equal(weights(model), weights(one))
    # What is forecast follows the last row all the same.
    assert one.predict()["time"].iloc[0] == pd.Timestamp("2008-05-01")
    changed.loc[76, "Sold"] = 3e4  # the last row of the test part, and this test would see it
    model = Forecaster(**options).fit(changed, time="Month", target="Sold")
    assert model.evaluate()["test"] != one.evaluate()["test"]


def weights(model):
    networks = model.fitted.fit.pipeline.networks
    return torch.cat([p.flatten() for network in networks for p in network.parameters()])


def test_a_stride_scores_every_so_many_th_forecast_of_each_series(quick):
    frame = join(*SHOPS[:3])
    every, third = (
        Forecaster(**quick(stride=stride)).fit(frame, **COLUMNS).fitted.test for stride in (1, 3)
    )
    assert len(every.origins) == 3 * 10
    kept = np.concatenate([s * 10 + np.arange(0, 10, 3) for s in range(3)])
    for name in ("origins", "series", "actual", "last"):
        np.testing.assert_array_equal(getattr(third, name), getattr(every, name)[kept])
    for name, forecast in third.forecasts.items():
        np.testing.assert_allclose(forecast, every.forecasts[name][kept], rtol=1e-6)


@pytest.mark.parametrize("covariates", [{}, COVARIATES], ids=["plain", "covariates"])
def test_one_row_ahead_the_recursive_strategy_is_the_direct_one(quick, covariates):
    frame = join(*SHOPS[:4])
    direct, recursive = (
        Forecaster(**quick(horizon=1, strategy=s)).fit(frame, **COLUMNS, **covariates)
        for s in ("direct", "recursive")
    )
    assert torch.equal(weights(direct), weights(recursive))
    assert direct.evaluate()["test"] == recursive.evaluate()["test"]


def test_the_recursive_strategy_takes_no_covariate_of_the_past(quick):
    with pytest.raises(ConfigError, match="cannot know 'Rain' of the rows it goes on from"):
        Forecaster(**quick(strategy="recursive")).fit(SHOPS[0], **COLUMNS, covariate="Rain")


# --- covariates


def future(rows, count=3, **changes):
    """Rows after `rows` of which the covariates alone are known."""
    ahead = join(*[rows[-1:]] * count).assign(Sold=np.nan)
    ahead["Month"] = pd.date_range(rows["Month"].iloc[-1], periods=count + 1, freq="MS")[1:]
    ahead["Price"] += np.arange(count)
    return join(rows, ahead.assign(**changes))


@pytest.fixture(scope="module")
def informed(quick, few_baselines_here):
    """A forecaster with covariates of every role and kind."""
    data = [future(rows) if rows["Shop"].iloc[0] != "Gera" else rows for rows in (*SHOPS, NEW)]
    model = Forecaster(**quick(epochs=15, hidden_size=6)).fit(join(*data), **COLUMNS, **COVARIATES)
    assert model.fitted.fit.pipeline.weights.min() > 0.2
    return model


def test_what_is_known_beforehand_must_be_given(informed):
    one = NEW.assign(Shop="Hof")
    for rows, count in ((one, 0), (future(one, 1), 1), (future(one, 2), 2)):
        with pytest.raises(DataError, match=rf"'Price' is given for {count} of the 3 rows after"):
            informed.predict(rows)
    half = future(one)
    half.loc[half.index[-1], "Holiday"] = None
    with pytest.raises(DataError, match="'Holiday' is given for 2 of the 3 rows"):
        informed.predict(half)
    with pytest.raises(DataError, match="'Price' is given for 0 of the 3"):
        informed.predict(join(future(SHOPS[1]), one))
    with pytest.raises(DataError, match="'Price' is given for 0 of the 3"):
        informed.predict()  # of the shop that has closed nothing is known
    assert len(informed.predict(SHOPS[0])) == 3  # the fit's data told it
    assert len(informed.predict(future(one))) == 3
    assert len(informed.predict(future(one, 5))) == 3


def test_every_covariate_is_used(informed):
    one = SHOPS[0]
    expected = numbers(informed.predict(future(one)))
    last = one.index[-1]
    changes = {
        "a price to come": future(one, Price=9.0),
        "a holiday to come": future(one, Holiday=["no", "yes"][one["Holiday"][last] == "no"]),
        "rain": future(one.assign(Rain=one["Rain"].where(one.index < last, 5.0))),
        "wind": future(one.assign(Wind=one["Wind"].where(one.index < last - 3, "SW"))),
    }
    for name, rows in changes.items():
        found = numbers(informed.predict(rows))
        assert (np.abs(found - expected) > 1e-9 * expected).any(axis=1).any(), name
    new = future(NEW.assign(Shop="Hof"))
    expected = numbers(informed.predict(new))
    for name, value in (("Region", "hill"), ("Area", 90.0)):
        assert not np.array_equal(numbers(informed.predict(new.assign(**{name: value}))), expected)


def test_a_label_never_seen_counts_as_a_missing_one(informed):
    one = SHOPS[0]
    missing, unknown = (
        informed.predict(future(one.assign(Wind=one["Wind"].where(one.index < 95, label))))
        for label in (None, "typhoon")
    )
    same(missing, unknown, rtol=0)


def test_the_form_of_the_covariates_is_that_of_the_fit(informed):
    with pytest.raises(DataError, match="Wind"):
        informed.predict(future(SHOPS[0]).drop(columns="Wind"))
    with pytest.raises(DataError, match="Rain"):
        informed.predict(future(SHOPS[0].assign(Rain="wet")))


def test_covariates_alone_and_among_others_give_the_same_forecast(informed):
    data = [future(rows) for rows in (*SHOPS[:5], NEW)]
    together = informed.predict(join(*data))
    for rows in data:
        same(informed.predict(rows), of(together, rows["Shop"].iloc[0]))


# --- missing values


def with_gaps(frame):
    """The frame with rows and values missing: in training, validation and test part."""
    frame = frame.copy()
    frame.loc[[10, 11, 30, 79, 80, 90, 93, 94], "Sold"] = np.nan
    return frame


def test_a_missing_row_is_a_missing_value(quick):
    frame = with_gaps(SHOPS[0][["Month", "Sold"]])
    columns = {"time": "Month", "target": "Sold"}
    one = Forecaster(**quick()).fit(frame, **columns)
    other = Forecaster(**quick()).fit(frame.dropna(), **columns)
    assert torch.equal(weights(one), weights(other))
    pd.testing.assert_frame_equal(one.predict(), other.predict(), check_exact=True)
    assert one.evaluate()["test"] == other.evaluate()["test"]


@pytest.mark.parametrize("option", OPTIONS)
def test_what_stands_in_for_a_missing_value_is_never_learned(quick, monkeypatch, option):
    frame, options = with_gaps(SHOPS[0]), quick(**OPTIONS[option])

    def fit():
        return Forecaster(**options).fit(join(frame, *SHOPS[1:]), **COLUMNS)

    expected, missing = fit(), []
    real = Inputs.targets

    def spoiled(self, origins):
        targets, counts = real(self, origins)
        missing.append(np.sum(~counts))
        return np.where(counts, targets, 1e6), counts

    monkeypatch.setattr(Inputs, "targets", spoiled)
    found = fit()
    assert sum(missing) > 20 or option == "recursive"  # which leaves out such a window
    assert torch.equal(weights(found), weights(expected))
    pd.testing.assert_frame_equal(found.predict(), expected.predict(), check_exact=True)
    assert found.evaluate()["test"] == expected.evaluate()["test"]


def test_what_is_missing_is_never_scored(quick):
    frame = with_gaps(SHOPS[0])
    model = Forecaster(**quick(strategy="recursive")).fit(frame, **COLUMNS)
    errors, origins = [], 0
    for origin in range(88, 98):
        actual = frame["Sold"][origin : origin + 3].to_numpy()
        if np.isnan(actual).all():
            continue
        origins += 1
        known = model.fitted.panel.before(origin)
        errors += list(model.predict(known)["value"].to_numpy() - actual)
    scores = model.evaluate()["test"]
    assert scores["origins"] == origins == 10
    assert np.isnan(errors).sum() > 5
    assert scores["model"]["rmse"] == pytest.approx(
        np.sqrt(np.nanmean(np.square(errors))), rel=1e-5
    )
    intervals = model.fitted.test.intervals
    inside = (intervals.lower <= model.fitted.test.actual) & (
        model.fitted.test.actual <= intervals.upper
    )
    held = inside.sum(axis=(1, 2, 3)) / np.isfinite(errors).sum()
    assert list(scores["model"]["coverage"].values()) == pytest.approx(held.tolist())


def test_a_gap_is_filled_by_what_came_before(wave, quick):
    """A forecast from within a gap is that of a series whose last value was repeated."""
    model = Forecaster(**quick()).fit(wave(), time="Month", target="Sold")
    frame = wave(40, start="1950-01-01")
    gap = frame.assign(Sold=frame["Sold"].where((frame.index < 30) | (frame.index == 39)))
    one, other = (model.predict(f)["value"] for f in (gap, gap.ffill()))
    np.testing.assert_allclose(one, other, rtol=1e-6)
    assert (np.abs(one / model.predict(frame)["value"] - 1) > 1e-3).all()


def test_the_panel_that_was_read_is_left_alone(quick):
    panel = read_panel(
        with_gaps(SHOPS[0]), Columns(time=("Month",), targets=("Sold",), series_id="Shop")
    )
    before = {name: value.copy() for name, value in vars(panel).items() if hasattr(value, "copy")}
    Forecaster(**quick()).fit(panel).predict()
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(panel, name), value)
