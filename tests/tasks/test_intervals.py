"""Prediction intervals from errors on rows left out, and those that have become known since."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rnnkit import Forecaster, load
from rnnkit.errors import DataError
from rnnkit.tasks.forecasting import intervals as module
from rnnkit.tasks.forecasting.intervals import interval_ends, later_errors, local_spread

H = 3  # the horizon of `quick`


@pytest.fixture(autouse=True)
def _few_baselines(few_baselines):
    pass


def noise(rows, seed=0, size=1.0):
    """Independent errors about a level, and nothing to foresee."""
    random = np.random.default_rng(seed)
    times = pd.date_range("2000-01-01", periods=rows, freq="D")
    return pd.DataFrame({"Month": times, "Sold": 50 + size * random.normal(size=rows)})


def fit(frame, options, **columns):
    return Forecaster(**options).fit(frame, **{"time": "Month", "target": "Sold", **columns})


def two_shops(wave):
    later = wave(70, start="2002-07-01", seed=1)
    return pd.concat(
        [wave().assign(Shop="a"), later.assign(Shop="b", Sold=lambda f: 9 * f["Sold"])],
        ignore_index=True,
    )


CASES = {
    "single": {},
    "ensemble": {"ensemble": 2},
    "log": {"log": True},
    "quantile": {"intervals": "quantile", "levels": (50, 90)},
    "recursive": {"strategy": "recursive"},
    "panel": {},
    "gaps": {},
}


@pytest.fixture(scope="module", params=CASES)
def model(request, wave, quick):
    from rnnkit.baselines import LastValue

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rnnkit.tasks.forecasting.evaluation.series_baselines", lambda: [LastValue])
        options = quick(test_size=30, **CASES[request.param])
        if request.param == "panel":
            return fit(two_shops(wave), options, series_id="Shop")
        frame = wave()
        if request.param == "gaps":
            frame.loc[[60, 64, 65, 75, 80, 81, 82, 83, 90], "Sold"] = np.nan
        return fit(frame, options)


# --- which errors count


def error_at(pipeline, inputs, origin):
    """The errors `(Q, H, K)` of one forecast where the pipeline computes, by the local spread."""
    at = np.array([origin])
    levels = inputs.levels_at(at)
    rows = origin + np.arange(H)
    actual = pipeline.transform.forward(inputs.rows.values[rows][None], levels)
    actual[0][~inputs.rows.observed[rows]] = np.nan
    z = np.stack([pipeline.transform.forward(f, levels) for f in pipeline.forecast(inputs, at)])
    return (actual - z)[:, 0] / local_spread(inputs, at)[0]


def known_at(inputs, origin):
    """The tick at which the outcome of a forecast is known."""
    panel = inputs.rows.panel
    series = panel.series_of(np.array([origin]))[0]
    return panel.ticks[series] + origin - panel.starts[series] + H


def test_the_errors_of_a_fit_are_those_of_each_network_on_its_own_validation_rows(model):
    fit, panel = model.fitted.fit, model.fitted.panel
    found = []
    for member, network in enumerate(fit.pipeline.networks):
        pipeline = replace(fit.pipeline, networks=(network,))
        inputs = pipeline.inputs(panel)
        end = fit.split.blocks[member % len(fit.split.blocks)][1]
        for origin in fit.split.validation_origins(inputs.rows.panel, member):
            s = inputs.rows.panel.series_of(np.array([origin]))[0]
            whole = origin + H <= inputs.rows.panel.ends[s] and known_at(inputs, origin) <= end
            if whole:
                found.append((known_at(inputs, origin), error_at(pipeline, inputs, origin)))
    found.sort(key=lambda pair: pair[0])
    expected = np.stack([error for _, error in found], axis=1)
    assert expected.shape[1] >= 8
    np.testing.assert_allclose(
        np.sort(fit.calibration.errors, axis=1), np.sort(expected, axis=1), 1e-4, 1e-6
    )
    np.testing.assert_allclose(fit.calibration.errors[:, -1], expected[:, -1], rtol=1e-4)


@pytest.mark.parametrize("most", [10_000, 17])
def test_every_interval_is_made_of_the_errors_known_by_then(model, monkeypatch, most):
    """Rolling conformal prediction against a loop over origins and errors."""
    monkeypatch.setattr(module, "MOST", most)
    fit, panel, test = model.fitted.fit, model.fitted.panel, model.fitted.test
    pipeline, inputs = fit.pipeline, fit.pipeline.inputs(panel)
    origins = test.origins + inputs.rows.panel.starts[test.series]
    forecast = pipeline.forecast(inputs, origins)
    found = interval_ends(fit.calibration, pipeline, inputs, origins, forecast)
    started = min(known_at(inputs, o) for o in origins) - H
    order = np.argsort([known_at(inputs, o) for o in origins], kind="stable")
    later = [(known_at(inputs, o), error_at(pipeline, inputs, o)) for o in origins[order]]
    for m, origin in enumerate(origins):
        # The ends are drawn anew once a horizon, at its first tick.
        now = started + (known_at(inputs, origin) - H - started) // H * H
        past = [error for known, error in later if known <= now]
        errors = np.concatenate(
            [fit.calibration.errors, *(error[:, None] for error in past)], axis=1
        )[:, -most:]
        levels = inputs.levels_at(np.array([origin]))
        spread = local_spread(inputs, np.array([origin]))[0]
        z = np.stack([pipeline.transform.forward(f, levels) for f in forecast[:, m : m + 1]])[:, 0]
        for number, level in enumerate(fit.calibration.levels):
            low, high = module._ends(errors, level, pipeline.quantiles)
            first, last = (0, 0)
            if len(pipeline.quantiles) > 1:  # 5, 25, 50, 75 and 95 %
                first, last = (1, 3) if level == 50 else (0, 4)
            for side, end in (
                (found.lower, z[first] + low * spread),
                (found.upper, z[last] + high * spread),
            ):
                expected = pipeline.transform.backward(end[None], levels)[0]
                np.testing.assert_allclose(side[number, m], expected, rtol=1e-4)


def test_no_outcome_from_an_origin_on_changes_its_interval(model):
    fit, panel = model.fitted.fit, model.fitted.panel
    pipeline, inputs = fit.pipeline, fit.pipeline.inputs(panel)
    first = fit.split.known
    test = model.fitted.test
    origins = test.origins + inputs.rows.panel.starts[test.series]
    ticks = np.array([known_at(inputs, o) - H for o in origins])

    def ends(inputs):
        forecast = pipeline.forecast(inputs, origins)
        found = interval_ends(fit.calibration, pipeline, inputs, origins, forecast)
        return np.stack([found.lower, found.upper])

    before = ends(inputs)
    assert np.isfinite(before).all()
    for now in (first, first + H, first + 4 * H, first + 7):
        values = panel.values.copy()
        for s in range(len(panel.ids)):
            rows = panel.known_rows(s)
            values[rows][max(0, now - panel.ticks[s]) :] *= 3.0
        after = ends(pipeline.inputs(replace(panel, values=values)))
        np.testing.assert_array_equal(after[:, :, ticks <= now], before[:, :, ticks <= now])
        assert (after[:, :, ticks > now + H] != before[:, :, ticks > now + H]).any()


def test_what_has_become_known_since_the_fit_counts_for_the_forecast(model):
    fit, panel = model.fitted.fit, model.fitted.panel
    pipeline, inputs = fit.pipeline, fit.pipeline.inputs(panel)
    first = fit.split.known
    origins = replace(fit.split, horizon=H).test_origins(inputs.rows.panel)
    origins = sorted(origins, key=lambda o: known_at(inputs, o))
    errors = [error_at(pipeline, inputs, o)[:, None] for o in origins]
    assert len(errors) >= 28 - 3
    expected = np.concatenate([fit.calibration.errors, *errors], axis=1)
    found = later_errors(fit.calibration, pipeline, inputs, first=first)
    np.testing.assert_allclose(found.errors, expected, rtol=1e-4)
    np.testing.assert_allclose(model.fitted.calibration.errors, expected, rtol=1e-4)
    assert later_errors(fit.calibration, pipeline, inputs, first=panel.last_tick) is fit.calibration


def test_of_many_errors_the_most_recent_are_kept(wave, quick, monkeypatch):
    options = quick(validation_size=25, test_size=30)
    every = fit(wave(), options)
    assert every.fitted.fit.calibration.errors.shape[1] == 23
    monkeypatch.setattr(module, "MOST", 7)
    few = fit(wave(), options)
    errors = [m.fitted.fit.calibration.errors for m in (few, every)]
    np.testing.assert_allclose(errors[0], errors[1][:, -7:], rtol=1e-5)
    errors = [m.fitted.calibration.errors for m in (few, every)]
    assert errors[1].shape[1] == 23 + 28
    np.testing.assert_allclose(errors[0], errors[1][:, -7:], rtol=1e-5)


# --- how many outcomes lie inside


def coverage(models):
    scores = [model.evaluate()["test"]["model"]["coverage"] for model in models]
    return {level: np.mean([score[level] for score in scores]) for level in scores[0]}


@pytest.mark.parametrize("kind", ["conformal", "quantile"])
@pytest.mark.parametrize("change", ["normal", "skewed"])
def test_intervals_hold_as_many_outcomes_as_they_should(quick, kind, change):
    models = []
    for seed in range(2):
        frame = noise(2000, seed)
        if change == "skewed":
            frame["Sold"] = np.exp(frame["Sold"] - 50)
        options = quick(
            intervals=kind, test_size=1000, horizon=2, epochs=1, hidden_size=3, log=False
        )
        models.append(fit(frame, options))
    held = coverage(models)
    assert held["80"] == pytest.approx(0.80, abs=0.03)
    assert held["95"] == pytest.approx(0.95, abs=0.03)


def test_intervals_follow_a_spread_that_changes_after_the_fit(quick):
    frame = noise(1200)
    frame.loc[900:, "Sold"] = 50 + 5 * (frame["Sold"][900:] - 50)
    model = fit(frame, quick(test_size=500, horizon=2, epochs=1, hidden_size=3))
    test = model.fitted.test
    width = (test.intervals.upper - test.intervals.lower)[0, :, :, 0].mean(axis=1)
    calm, wild = test.origins < 880, test.origins > 1000
    assert width[wild].mean() > 3 * width[calm].mean()
    inside = (test.intervals.lower[0] <= test.actual) & (test.actual <= test.intervals.upper[0])
    for part in (calm, wild):
        assert inside[part].mean() == pytest.approx(0.80, abs=0.1)
    ahead = model.predict()
    assert (ahead["upper_80"] - ahead["lower_80"]).mean() > 3 * width[calm].mean()


def test_few_errors_make_intervals_that_are_not_too_narrow(quick):
    """Thirty rows to calibrate on and no outcome since: the mean over many such series."""
    inside = []
    for seed in range(30):
        frame = noise(80, seed)
        model = fit(frame[:77], quick(test_size=0, validation_size=30, epochs=1, hidden_size=2))
        ahead = model.predict()
        actual = frame["Sold"][77:].to_numpy()
        inside.append((ahead["lower_80"] <= actual) & (actual <= ahead["upper_80"]))
    assert 0.7 < np.mean(inside) < 0.95


# --- what they are


def test_a_higher_level_has_a_wider_interval(wave, quick):
    for kind in ("conformal", "quantile"):
        levels = (5, 50, 80, 99)
        model = fit(wave(), quick(intervals=kind, levels=levels))
        for ends in (model.predict(), model.predict(wave(20, start="1950-01-01"))):
            assert list(ends.columns[3:]) == [
                f"{s}_{v}" for v in levels for s in ("lower", "upper")
            ]
            for narrow, wide in itertools.pairwise(levels):
                assert (ends[f"lower_{wide}"] <= ends[f"lower_{narrow}"]).all()
                assert (ends[f"upper_{narrow}"] <= ends[f"upper_{wide}"]).all()
            assert (ends["lower_99"] < ends["upper_99"]).all()
        scores = model.evaluate()["test"]["model"]
        widths = list(scores["width"].values())
        assert widths == sorted(widths)
        assert widths[0] < widths[-1]
        assert list(scores["coverage"]) == list(scores["msis"]) == [str(level) for level in levels]


def test_of_a_logged_series_no_interval_reaches_below_zero(wave, quick):
    frame = wave().assign(Sold=lambda f: np.exp((f["Sold"] - 100) / 4))
    model = fit(frame, quick(log=True, levels=(80, 99)))
    ends = model.predict()
    assert (ends["lower_99"] > 0).all()
    # Wider above than below, as far as a ratio goes: the log is taken back at the end.
    assert (ends["upper_99"] - ends["value"] > ends["value"] - ends["lower_99"]).all()


def test_without_intervals_nothing_is_calibrated(wave, quick):
    model = fit(wave(), quick(intervals="none"))
    assert model.fitted.calibration is model.fitted.fit.calibration is None
    assert model.fitted.test.intervals is None
    assert model.predict().columns.tolist() == ["time", "target", "value"]
    metrics = model.evaluate()
    assert not {"coverage", "width", "msis"} & metrics["test"]["model"].keys()
    assert metrics["test"]["intervals"] == ""
    with_some = fit(wave(), quick())
    np.testing.assert_array_equal(with_some.predict()["value"], model.predict()["value"])


def test_without_errors_enough_there_are_no_intervals(wave, quick, tmp_path):
    model = fit(wave(), quick(horizon=1, validation_size=1, test_size=0))
    assert model.fitted.calibration is None
    assert model.predict().columns.tolist() == ["time", "target", "value"]
    model.save(tmp_path / "run")
    pd.testing.assert_frame_equal(load(tmp_path / "run").predict(), model.predict())
    assert model.summary()


def test_a_series_that_never_moves_has_intervals_without_width(wave, quick):
    model = fit(wave().assign(Sold=7.5), quick())
    assert (model.predict().loc[:, "value":] == 7.5).to_numpy().all()


# --- the local spread


def test_the_local_spread_sees_the_rows_before_an_origin_alone(wave, quick):
    model = fit(wave(), quick())
    pipeline, panel = model.fitted.fit.pipeline, model.fitted.panel
    origins = np.array([3, 40, 70, 100])
    before = local_spread(pipeline.inputs(panel), origins)
    assert before.shape == (4, 1)
    for number, origin in enumerate(origins[:-1]):
        values = panel.values.copy()
        values[origin:] *= 1.1
        after = local_spread(pipeline.inputs(replace(panel, values=values)), origins)
        np.testing.assert_array_equal(after[: number + 1], before[: number + 1])
        assert (after[number + 1 :] != before[number + 1 :]).all()
    alone = [local_spread(pipeline.inputs(panel), np.array([origin]))[0] for origin in origins]
    np.testing.assert_array_equal(alone, before)


def test_the_local_spread_is_measured_in_units_of_the_series(wave, quick):
    model = fit(two_shops(wave), quick(), series_id="Shop")
    pipeline = model.fitted.fit.pipeline
    panel = model.fitted.panel
    larger = replace(panel, values=panel.values * 1000, ids=("c", "d"))
    same = replace(panel, ids=("c", "d"))
    ends = panel.ends
    one, other = (local_spread(pipeline.inputs(p), ends) for p in (same, larger))
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_without_a_whole_horizon_to_calibrate_on_there_are_no_intervals():
    """The recursive strategy trains on single steps, which gaps may leave where no horizon is."""
    rng = np.random.default_rng(0)
    values = 20 + 5 * np.sin(np.arange(130) * 2 * np.pi / 7) + rng.normal(size=130)
    values[20:119] = np.nan
    frame = pd.DataFrame({"day": pd.date_range("2021-01-01", periods=130), "y": values})
    model = Forecaster(horizon=3, strategy="recursive", epochs=1, ensemble=1, hidden_size=3)
    model.fit(frame, time="day", target="y")
    assert model.fitted.calibration is None
    assert model.scored().intervals is None
    assert not [name for name in model.predict().columns if name.startswith("lower")]


def test_values_too_far_apart_to_learn_from_are_refused():
    frame = pd.DataFrame({"y": np.where(np.arange(130) < 118, 0.0, 1e50)})
    model = Forecaster(horizon=3, epochs=1, ensemble=1, hidden_size=3)
    with pytest.raises(DataError, match=r"column 'y' reaches 1e\+50 times what it varies by"):
        model.fit(frame, target="y")
