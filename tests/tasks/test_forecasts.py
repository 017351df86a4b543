import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rnnkit import Forecaster
from rnnkit.data.readers import read_series
from rnnkit.errors import DataError


@pytest.fixture(autouse=True)
def _few_baselines(few_baselines):
    pass


def fit(frame, options):
    return Forecaster(**options).fit(frame, time="Month", target="Sold")


def same_frames(one, other):
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def values(forecast):
    return forecast["value"].to_numpy()


@pytest.mark.parametrize("freq", ["MS", "ME", "QS", "YS", "h", "15min", "D", "B", "W-WED"])
def test_times_go_on_as_they_went(wave, quick, freq):
    times = pd.date_range("1990-01-01", periods=104, freq=freq)
    model = fit(wave(100, start="1990-01-01", freq=freq), quick(horizon=4))
    forecast = model.predict()
    assert forecast["time"].tolist() == times[100:].tolist()
    assert forecast.columns.tolist() == ["time", "target", "value"]
    assert forecast["time"].dtype == "datetime64[ns]"
    assert forecast["value"].dtype == np.float64


def test_newer_rows_continue_the_known_ones(fitted, wave):
    longer = wave(110)
    for first in (110, 101):
        expected = fitted.predict(longer[:first])
        same_frames(fitted.predict(longer[100:first]), expected)
        assert expected["time"].iloc[0] == pd.Timestamp("2000-01-01") + pd.DateOffset(months=first)
    same_frames(fitted.predict(wave(100)), fitted.predict())
    assert values(fitted.predict(longer)).tolist() != values(fitted.predict()).tolist()


def test_revised_rows_replace_the_known_ones(fitted, wave):
    longer = wave(105)
    longer.loc[97:, "Sold"] += 5
    same_frames(fitted.predict(longer[97:]), fitted.predict(longer))
    same_frames(fitted.predict(longer[97:99]), fitted.predict(longer[:99]))


def test_a_gap_after_the_known_rows_is_refused(fitted, wave):
    with pytest.raises(DataError, match=r"2008-06-01.*the next is 2008-05-01"):
        fitted.predict(wave(105)[101:])
    with pytest.raises(DataError, match="where 2003-05-01 was expected"):
        fitted.predict(wave(100).drop(index=40))


def test_a_forecast_knows_the_rows_before_it_and_no_other(fitted, wave):
    """As a model would have seen it at that time; scores are those of such forecasts."""
    frame = wave()
    future = frame.copy()
    future.loc[92:, "Sold"] = -1e6
    pipeline = fitted.fitted.fit.pipeline
    series = [read_series(f, time="Month", targets=["Sold"]) for f in (frame, future)]
    origins = np.array([60, 92])
    one, other = (pipeline.forecast(s.times, s.values, origins) for s in series)
    assert np.array_equal(one, other)
    assert one[1, :, 0] == pytest.approx(values(fitted.predict(frame[:92])), rel=1e-6)
    errors = [
        values(fitted.predict(frame[:origin])) - frame["Sold"][origin : origin + 3].to_numpy()
        for origin in range(88, 98)
    ]
    metrics = fitted.evaluate()["test"]
    assert metrics["origins"] == 10
    assert metrics["model"]["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-5)


def test_another_series_of_the_kind_is_forecast_from_its_own_rows(fitted, wave):
    other = wave(40, start="2050-01-01")
    moved = wave(40)
    assert values(fitted.predict(other)) == pytest.approx(values(fitted.predict(moved)), rel=0.05)
    assert fitted.predict(other)["time"].iloc[0] == pd.Timestamp("2053-05-01")


def test_a_history_alone_and_beside_a_longer_one_gives_the_same_numbers(fitted, wave):
    short, long = wave(5), wave(100)
    alone = fitted.predict(short)
    together = fitted.predict([short, long, short])
    assert isinstance(together, list)
    for forecast, expected in zip(together, (alone, fitted.predict(), alone), strict=True):
        same_frames(forecast, expected)
    series = read_series(long, time="Month", targets=["Sold"])
    forecast = fitted.fitted.fit.pipeline.forecast
    padded = forecast(series.times, series.values, np.array([5, 100]))
    assert padded[0, :, 0] == pytest.approx(values(alone), rel=1e-6)
    assert fitted.predict([]) == []


def test_too_short_a_history_is_refused_with_the_number_needed_which_suffices(wave, quick):
    model = fit(wave(), quick(season=6, differencing="seasonal"))
    with pytest.raises(DataError, match=r"has 2 rows, and a forecast needs at least \d+") as error:
        model.predict(wave(2))
    needed = int(re.search(r"at least (\d+)", str(error.value))[1])
    assert len(model.predict(wave(needed))) == 3
    with pytest.raises(DataError, match=f"needs at least {needed}"):
        model.predict(wave(needed - 1))
    for start in ("1980-01-01", "2030-01-01"):
        with pytest.raises(DataError, match=r"not continue the known rows.*\b18\b"):
            model.predict(wave(17, start=start))
        assert len(model.predict(wave(18, start=start))) == 3


@pytest.mark.parametrize(("fitted_at", "given"), [("+09:00", "Z"), ("+09:00", ""), ("", "+09:00")])
def test_times_on_another_clock_are_refused(wave, quick, fitted_at, given):
    def clock(rows, offset):
        frame = wave(rows, freq="h")
        return frame.assign(Month=frame["Month"].dt.strftime(f"%Y-%m-%d %H:%M{offset}"))

    model = fit(clock(100, fitted_at), quick())
    assert len(model.predict(clock(105, fitted_at)[100:])) == 3
    for rows in (clock(105, given), clock(105, given)[100:]):
        with pytest.raises(DataError, match="offset"):
            model.predict(rows)
        with pytest.raises(DataError, match="offset"):
            model.evaluate(rows)


def test_a_series_of_another_form_is_refused(fitted, wave):
    series = read_series(wave(110), time="Month", targets=["Sold"])
    assert len(fitted.predict(series)) == 3
    daily = read_series(wave(110, freq="D"), time="Month", targets=["Sold"])
    two = read_series(wave(110).assign(B=1.0), time="Month", targets=["Sold", "B"])
    other = read_series(wave(110).assign(B=1.0), time="Month", targets=["B"])
    for wrong in (daily, two, other):
        with pytest.raises(DataError, match="forecaster was fitted with"):
            fitted.predict(wrong)
    with pytest.raises(DataError, match="source must be a path or a DataFrame"):
        fitted.predict(wave(110)["Sold"].to_numpy())


def test_a_value_that_has_no_log_is_refused_by_its_row(wave, quick):
    model = fit(wave(), quick(log=True))
    with pytest.raises(DataError, match=r"'Sold' holds -3 .*logarithm"):
        model.predict(wave().assign(Sold=lambda frame: frame["Sold"].where(frame.index != 50, -3)))


def test_later_rows_are_scored_and_those_seen_are_not(fitted, wave):
    longer = wave(112)
    again = fitted.evaluate(longer[:100])["test"]
    assert again["model"] == fitted.evaluate()["test"]["model"]
    whole = fitted.evaluate(longer)
    assert whole["test"]["origins"] == 112 - 88 - 2
    assert fitted.evaluate(longer[100:])["test"] == whole["test"]
    assert fitted.evaluate(longer[95:])["test"] == whole["test"]
    assert fitted.evaluate(longer[100:103])["test"]["origins"] == 13
    seen = longer.copy()
    seen.loc[:70, "Sold"] = 0.0  # what no context of a scored forecast reaches
    assert fitted.evaluate(seen)["test"]["model"]["rmse"] == whole["test"]["model"]["rmse"]
    unseen = longer.copy()
    unseen.loc[110, "Sold"] += 10
    assert fitted.evaluate(unseen)["test"]["model"]["rmse"] > whole["test"]["model"]["rmse"]


def test_rows_that_cannot_be_scored_are_refused(fitted, wave):
    with pytest.raises(DataError, match=r"has 0 rows after 2007-04-01.*scored on 3"):
        fitted.evaluate(wave(60))
    with pytest.raises(DataError, match="has 2 rows after 2007-04-01"):
        fitted.evaluate(wave(90))
    with pytest.raises(DataError, match="not continue the known rows"):
        fitted.evaluate(wave(110)[105:])


def test_newer_rows_are_scored_with_the_known_rows_before_them(wave, quick):
    whole = wave(140)
    model = fit(whole.iloc[:100], quick(season=4, horizon=4))
    as_one, apart, joined = (
        model.evaluate(data)["test"] for data in (whole, whole.iloc[40:], whole.iloc[100:])
    )
    assert as_one == apart == joined
    other = wave(140, seed=1)
    assert model.evaluate(other.iloc[40:])["test"] != model.evaluate(other)["test"]


def test_standardised_scores_are_measured_by_the_training_part(wave, quick):
    frame = wave()
    frame.loc[68:87, "Sold"] *= 3  # the validation part, which is none of it
    model = fit(frame, quick(validation_size=20, horizon=6))
    spread = frame["Sold"][:68].std(ddof=0)
    scores = model.evaluate()["test"]["model"]
    assert scores["mse_standardised"] == pytest.approx((scores["rmse"] / spread) ** 2)
    assert scores["mae_standardised"] == pytest.approx(scores["mae"] / spread)


def test_a_forecast_that_overflows_is_refused(wave, quick):
    fitted = fit(wave(), quick(log=True)).fitted
    wild = replace(fitted.fit.pipeline, weights=np.array([1e9]))
    with pytest.raises(DataError, match="forecast of Sold is not finite"):
        wild.forecast(fitted.series.times, fitted.series.values, np.arange(20, 90))


def test_without_a_test_part_everything_else_works(wave, quick, tmp_path):
    model = fit(wave(), quick(test_size=0))
    assert model.fitted.fit.split.known == 100
    metrics = model.evaluate()
    assert (metrics["test"], metrics["verdict"], metrics["warning"]) == (None, "", "")
    assert len(model.predict()) == 3
    assert "test " not in model.summary()
    assert model.plot().axes
    model.save(tmp_path / "run")
    assert (tmp_path / "run" / "report.html").exists()
    with pytest.raises(DataError, match="0 rows after 2008-04-01"):
        model.evaluate(wave())
    assert model.evaluate(wave(110)[100:])["test"]["origins"] == 8
