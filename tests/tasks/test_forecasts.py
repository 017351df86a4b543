import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rnnkit import Forecaster
from rnnkit.data.assemble import read_panel
from rnnkit.data.columns import Columns
from rnnkit.errors import DataError
from rnnkit.tasks.forecasting import evaluation


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
    assert forecast.columns.tolist() == [
        *("time", "target", "value"),
        *("lower_80", "upper_80", "lower_95", "upper_95"),
    ]
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


@pytest.mark.parametrize("first", [0, 40, 80, 95])
def test_a_forecast_does_not_depend_on_where_the_file_begins(fitted, wave, first):
    longer = wave(110)
    same_frames(fitted.predict(longer[first:]), fitted.predict(longer[100:]))


def test_no_error_on_a_row_that_was_learned_from_makes_an_interval(wave, quick, monkeypatch):
    """Whatever rows a file holds before those of the fit."""
    counted = []
    real = evaluation.interval_ends

    def count(calibration, *rest):
        counted.append(calibration.errors.shape[1])
        return real(calibration, *rest)

    monkeypatch.setattr(evaluation, "interval_ends", count)
    longer = wave(115)
    model = fit(longer[40:110], quick())
    for rows in (longer[40:110], longer[:110], longer[:115], longer[40:115], longer[105:115]):
        model.predict(rows)
    _, known, *others = counted  # the first is that of the fit
    assert others == [known, known + 3, known + 3, known + 3]  # three horizons end in 5 rows


def test_revised_rows_replace_the_known_ones(fitted, wave):
    longer = wave(105)
    longer.loc[97:, "Sold"] += 5  # 3 of the 7 rows that both have
    same_frames(fitted.predict(longer[93:]), fitted.predict(longer))
    assert (
        values(fitted.predict(longer[93:])).tolist() != values(fitted.predict(wave(105))).tolist()
    )
    with pytest.raises(DataError, match="differs from the known rows in 3 of the 3 rows"):
        fitted.predict(longer[97:])


def test_rows_that_are_missing_after_the_known_ones_are_a_gap(fitted, wave):
    """Filled by what came before, whether the file or the join leaves the gap."""
    longer = wave(105)
    empty = longer.assign(Sold=longer["Sold"].where(~longer.index.isin([100, 101])))
    expected = fitted.predict(empty)
    assert expected["time"].iloc[0] == pd.Timestamp("2008-10-01")
    same_frames(fitted.predict(longer[102:]), expected)
    same_frames(fitted.predict(longer.drop(index=[100, 101])), expected)
    assert values(expected).tolist() != values(fitted.predict(longer)).tolist()
    with pytest.raises(DataError, match=r"2030-01-01, 260 steps \(month\) after the last"):
        fitted.predict(wave(11, start="2030-01-01"))


def test_a_forecast_knows_the_rows_before_it_and_no_other(fitted, wave, read):
    """As a model would have seen it at that time; scores are those of such forecasts."""
    frame = wave()
    future = frame.copy()
    future.loc[92:, "Sold"] = -1e6
    pipeline = fitted.fitted.fit.pipeline
    origins = np.array([60, 92])
    (one,), (other,) = (
        pipeline.forecast(pipeline.inputs(read(f)), origins) for f in (frame, future)
    )
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
    short, long = wave(20, start="1970-01-01"), wave(100)
    alone = fitted.predict(short)
    together = fitted.predict([short, long, short])
    assert isinstance(together, list)
    for forecast, expected in zip(together, (alone, fitted.predict(), alone), strict=True):
        same_frames(forecast, expected)
    assert fitted.predict([]) == []


def test_a_history_shorter_than_the_reach_must_continue_the_known_rows(wave, quick):
    model = fit(wave(), quick(season=6, differencing="seasonal"))
    reach = model.fitted.fit.pipeline.reach
    assert reach == 18
    for start, says in (("1980-01-01", "ends before the known rows begin"), ("2030-01-01", "260")):
        with pytest.raises(DataError, match=says):
            model.predict(wave(reach - 1, start=start))
        assert len(model.predict(wave(reach, start=start))) == 3


def test_times_of_another_offset_are_the_same_moments(wave, quick):
    def clock(offset, hours):
        frame = wave(105, freq="h")
        times = frame["Month"] + pd.Timedelta(hours=hours)
        return frame.assign(Month=times.dt.strftime(f"%Y-%m-%d %H:%M{offset}"))

    model = fit(clock("+09:00", 9)[:100], quick())
    expected = model.predict(clock("+09:00", 9)[100:])
    assert expected["time"].iloc[0] == pd.Timestamp("2000-01-05 18:00")
    same_frames(model.predict(clock("Z", 0)[100:]), expected)
    same_frames(model.predict(clock("-03:30", -3.5)[100:]), expected)


@pytest.mark.parametrize(("fitted_at", "given"), [("+09:00", ""), ("", "+09:00"), ("", "Z")])
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


def test_a_panel_of_another_form_is_refused(fitted, wave, read):
    assert len(fitted.predict(read(wave(110)))) == 3
    many = read(wave(110).assign(Shop="a"), series_id="Shop")
    for wrong in (
        read(wave(110, freq="D")),
        read(wave(110).assign(B=1.0), "Sold", "B"),
        read(wave(110).assign(B=1.0), "B"),
        read(wave(110).assign(B=1.0), covariates=("B",)),
        many,
        read_panel(wave(110), Columns(targets=("Sold",), order="oldest-first")),
    ):
        for ask in (fitted.predict, fitted.evaluate):
            with pytest.raises(DataError):
                ask(wrong)
    with pytest.raises(DataError, match="source must be a path or a DataFrame"):
        fitted.predict(wave(110)["Sold"].to_numpy())


def test_a_logged_series_that_falls_below_all_that_was_known_is_forecast_there(wave, quick):
    model = fit(wave(), quick(log=True, differencing="difference"))
    floor = model.fitted.fit.pipeline.levels.floor[0, 0]
    values = []
    for value in (-3.0, 0.0, floor / 50, floor / 2, floor):
        frame = wave(105)
        frame.loc[102:, "Sold"] = value
        found = model.predict(frame).iloc[:, 2:].to_numpy(dtype=float)
        assert (found >= 0).all()
        values.append(found[0, 0])
    assert values == sorted(values)
    assert values[1] < values[3] < 0.8 * floor


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
    for rows in (60, 88):
        with pytest.raises(DataError, match="no row after 2007-04-01, the last that fitting used"):
            fitted.evaluate(wave(rows))
    with pytest.raises(DataError, match="has no 3 rows to score a forecast on"):
        fitted.evaluate(wave(90))
    assert fitted.evaluate(wave(91))["test"]["origins"] == 1
    with pytest.raises(DataError, match="260 steps"):
        fitted.evaluate(wave(11, start="2030-01-01"))


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
        wild.forecast(wild.inputs(fitted.panel), np.arange(20, 90))


def test_without_a_test_part_everything_else_works(wave, quick, tmp_path):
    model = fit(wave(), quick(test_size=0))
    assert model.fitted.fit.split.known == 100
    metrics = model.evaluate()
    assert (metrics["test"], metrics["verdict"], metrics["warning"]) == (None, "", "")
    assert len(model.predict()) == 3
    assert not re.search("^test ", model.summary(), re.MULTILINE)
    assert re.search("^test ", fit(wave(), quick()).summary(), re.MULTILINE)
    assert model.plot().axes
    model.save(tmp_path / "run")
    assert (tmp_path / "run" / "report.html").exists()
    with pytest.raises(DataError, match="no row after 2008-04-01"):
        model.evaluate(wave())
    assert model.evaluate(wave(110)[100:])["test"]["origins"] == 8
