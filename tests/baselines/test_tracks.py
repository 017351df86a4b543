import builtins
import sys

import numpy as np
import pytest

from rnnkit.baselines import (
    ETS,
    AutoARIMA,
    Drift,
    LastValue,
    SeasonalGrowth,
    SeasonalNaive,
    SkipBaseline,
    Track,
    forecast_tracks,
    series_baselines,
)
from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.metrics import rmse

SIMPLE = [LastValue, SeasonalNaive, SeasonalGrowth, Drift]


def series(rows, columns=2, seed=0):
    """Positive values with a season of 4; no two series or columns are alike."""
    random = np.random.default_rng(seed)
    wave = 8 * np.sin(np.pi * np.arange(rows)[:, None] / 2 + np.arange(columns))
    return 50 + 5 * seed + wave + random.normal(size=(rows, columns))


def track(rows, known, *origins, seed=0, columns=2):
    return Track(series(rows, columns, seed), known, np.array(origins, dtype=np.int64))


# Of unequal length; the second has no origin, the third less than one season of 4 before it, the
# fourth less than two.
TRACKS = [
    track(40, 30, 33, 30, 38, seed=1),
    track(25, 20, seed=2),
    track(9, 3, 3, 9, seed=3),
    track(12, 7, 7, seed=4),
    track(60, 58, 58, 60, seed=5),
]


def run(baselines, tracks=TRACKS, season=4, horizon=3, **options):
    return forecast_tracks(baselines, tracks, season=season, horizon=horizon, **options)


def say(messages):
    return {name: str(message) for name, message in messages.items()}


def alone(baseline, one, season=4, horizon=3):
    baseline.fit(one.values[: one.known], season=season, horizon=horizon)
    return baseline.forecast(one.values, one.origins)


def test_each_track_is_forecast_as_if_it_were_alone_in_the_order_of_tracks_and_origins():
    forecasts, skipped, _ = run(SIMPLE)
    assert skipped == {}
    assert list(forecasts) == [make.name for make in SIMPLE]
    for make in SIMPLE:
        found = forecasts[make.name]
        assert found.shape == (8, 3, 2)
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found[:3], alone(make(), TRACKS[0]))
        np.testing.assert_array_equal(found[6:], alone(make(), TRACKS[4]))


def test_the_last_value_stands_in_for_tracks_that_are_too_short_and_a_note_says_so():
    forecasts, _, notes = run(SIMPLE)
    last, growth = forecasts["last value"], forecasts["seasonal naive × mean growth"]
    np.testing.assert_array_equal(forecasts["seasonal naive"][3:5], last[3:5])
    np.testing.assert_array_equal(
        forecasts["seasonal naive"][5:6], alone(SeasonalNaive(), TRACKS[3])
    )
    np.testing.assert_array_equal(growth[3:6], last[3:6])
    assert {name: list(map(str, messages)) for name, messages in notes.items()} == {
        "seasonal naive": [
            "last value for 1 of 4 series; the reason for the first: needs 4 rows (1 × the season"
            " of 4) before the test part, got 3"
        ],
        "seasonal naive × mean growth": [
            "last value for 2 of 4 series; the reason for the first: needs 8 rows (2 × the season"
            " of 4) before the test part, got 3"
        ],
    }


def test_a_track_whose_values_forbid_a_baseline_has_the_last_value_too():
    dry = track(40, 30, 30, 35, seed=7)
    dry.values[23, 1] = 0.0  # within the known rows
    forecasts, _, notes = run([SeasonalGrowth], [TRACKS[0], dry])
    np.testing.assert_array_equal(
        forecasts["seasonal naive × mean growth"][3:], alone(LastValue(), dry)
    )
    (note,) = notes["seasonal naive × mean growth"]
    assert str(note) == (
        "last value for 1 of 2 series; the reason for the first: needs values above 0, got 0"
    )


def test_a_baseline_that_can_serve_no_track_is_skipped_with_the_reason():
    forecasts, skipped, notes = run(series_baselines(), season=1, seconds=1e9)
    assert list(forecasts) == ["last value", "drift", "AutoARIMA", "ETS"]
    reason = "needs a season longer than one row"
    assert say(skipped) == {"seasonal naive": reason, "seasonal naive × mean growth": reason}
    assert set(notes) == {"AutoARIMA", "ETS"}
    _, skipped, _ = run([SeasonalNaive], season=59)
    assert say(skipped) == {
        "seasonal naive": "can serve none of 4 series; the reason for the first: needs 59 rows"
        " (1 × the season of 59) before the test part, got 30"
    }
    _, skipped, _ = run([SeasonalNaive], TRACKS[:1], season=31)
    assert say(skipped) == {
        "seasonal naive": "needs 31 rows (1 × the season of 31) before the test part, got 30"
    }


@pytest.mark.parametrize("kind", [AutoARIMA, ETS])
def test_the_statistical_ones_leave_out_the_season_of_short_tracks_and_say_so(kind):
    tracks = [TRACKS[0], track(21, 15, 16, seed=2), TRACKS[2]]
    forecasts, skipped, notes = run([kind], tracks, season=10)
    assert skipped == {}
    name = kind().name
    assert list(map(str, notes[name])) == [
        "no season for 1 of 3 series, shorter than two of 10 rows",
        "last value for 1 of 3 series; the reason for the first: needs at least 10 rows before the"
        " test part, got 3",
    ]
    seasonless, _, _ = run([kind], tracks[1:2], season=1)
    np.testing.assert_array_equal(forecasts[name][3:4], seasonless[name])
    np.testing.assert_array_equal(forecasts[name][:3], run([kind], tracks[:1], season=10)[0][name])


@pytest.mark.parametrize("kind", [AutoARIMA, ETS])
def test_the_statistical_ones_go_without_the_season_where_no_track_has_two(kind):
    forecasts, _, notes = run([kind], TRACKS[:1], season=16)
    assert list(forecasts) == [f"{kind().name}, no season"]
    assert notes == {}
    without, _, _ = run([kind], TRACKS[:1], season=1)
    np.testing.assert_array_equal(forecasts[f"{kind().name}, no season"], without[kind().name])
    assert list(run([kind], TRACKS[:1], season=15)[0]) == [kind().name]


@pytest.mark.parametrize("kind", [AutoARIMA, ETS])
def test_without_time_for_the_season_the_forecasts_are_those_without_one(kind):
    one = TRACKS[:1]
    seasonal, plain = (kind()._seconds(one, season) for season in (4, 1))
    without, _, _ = run([kind], one, seconds=(seasonal + plain) / 2)
    expected, _, _ = run([kind], one, season=1)
    np.testing.assert_array_equal(without[f"{kind().name}, no season"], expected[kind().name])
    assert not np.allclose(expected[kind().name], run([kind], one)[0][kind().name])


@pytest.mark.parametrize("kind", [AutoARIMA, ETS])
def test_seconds_bound_the_estimate_over_all_tracks_columns_and_forecasts(kind):
    one = track(200, 150, *range(150, 180), columns=3)
    fit, forecast = kind()._fit_seconds, kind()._forecast_seconds
    seasonal, plain = (3 * (fit(150, m) + 30 * forecast(200, m)) for m in (12, 1))
    assert plain < seasonal

    def name(count, seconds):
        baseline = kind()
        baseline.plan([one] * count, season=12, seconds=seconds)
        return baseline.name

    assert name(7, 7.01 * seasonal) == kind().name
    assert name(7, 6.99 * seasonal) == f"{kind().name}, no season"
    assert name(7, 7.01 * plain) == f"{kind().name}, no season"
    with pytest.raises(SkipBaseline, match=r"would take about \d+ s, more than "):
        name(7, 6.99 * plain)
    forecasts, skipped, _ = run([kind, LastValue], [one] * 100_000, season=12)
    assert list(forecasts) == ["last value"]
    estimate = f"{1e5 * plain:,.0f}"
    assert say(skipped) == {kind().name: f"would take about {estimate} s, more than 30"}


def test_estimates_lie_near_what_was_measured():
    # Seconds in the mean over series of the airline passengers, M4 and others.
    for rows, season, seconds in ((100, 1, 0.13), (300, 7, 1.64), (800, 12, 4.15), (300, 24, 11.6)):
        assert 0.5 < AutoARIMA()._fit_seconds(rows, season) / seconds < 2
    assert 100 < AutoARIMA()._fit_seconds(400, 52) < 500
    for rows, season, seconds in ((100, 12, 0.55), (300, 24, 1.75), (800, 52, 6.5), (2000, 7, 0.7)):
        assert 0.6 < ETS()._fit_seconds(rows, season) / seconds < 1.6


def test_a_library_that_fails_on_a_series_is_named_and_the_others_go_on(monkeypatch):
    whole = ETS._fit_column

    def fails(self, library, y, season):
        if y[0] == TRACKS[0].values[0, 0]:
            raise np.linalg.LinAlgError("singular matrix")
        return whole(self, library, y, season)

    monkeypatch.setattr(ETS, "_fit_column", fails)
    forecasts, skipped, _ = run([ETS, LastValue], TRACKS[:1])
    assert say(skipped) == {"ETS": "statsmodels failed: singular matrix"}
    assert list(forecasts) == ["last value"]
    forecasts, skipped, notes = run([LastValue, ETS], [TRACKS[0], TRACKS[4]])
    assert skipped == {}
    np.testing.assert_array_equal(forecasts["ETS"][:3], forecasts["last value"][:3])
    assert "last value for 1 of 2 series; the reason for the first: statsmodels failed" in str(
        notes["ETS"][0]
    )


@pytest.mark.parametrize(("kind", "package"), [(AutoARIMA, "statsforecast"), (ETS, "statsmodels")])
def test_a_missing_library_is_named_with_what_to_install(kind, package, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    real_import = builtins.__import__

    def blocked(name, *args, **kwargs):
        if name.split(".")[0] == package:
            raise ModuleNotFoundError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", blocked)
    monkeypatch.setitem(sys.modules, package, None)
    _, skipped, _ = run([kind, LastValue])
    assert say(skipped) == {kind().name: 'needs pip install "rnnkit[forecast]"'}


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((30, 1)),
        np.full((30, 1), 7.5),
        (np.arange(30.0)[:, None] % 7 == 0) * 1.0,
        -np.arange(30.0)[:, None] * 1e9,
        np.arange(1.0, 31)[:, None] * 1e-9,
    ],
    ids=["zeros", "constant", "mostly zero", "large negative", "tiny"],
)
def test_odd_series_give_finite_forecasts_or_a_reason_and_no_warning(values):
    one = Track(values, 24, np.array([24, 30]))
    forecasts, skipped, _ = run(series_baselines(), [one], season=7)
    assert len(forecasts) + len(skipped) == len(series_baselines())
    assert {"last value", "seasonal naive", "drift"} <= set(forecasts)
    for forecast in forecasts.values():
        assert forecast.shape == (2, 3, 1)
        assert np.isfinite(forecast).all()
    assert all(map(str, skipped.values()))


def test_a_forecast_that_is_not_finite_is_skipped_by_name():
    class Broken(LastValue):
        name = "broken"

        def _formula(self, values, origins, steps):
            return super()._formula(values, origins, steps) * np.nan

    forecasts, skipped, notes = run([Broken])
    assert (forecasts, notes) == ({}, {})
    assert skipped == {"broken": Message("its forecast is not finite")}


@pytest.mark.parametrize("kind", [AutoARIMA, ETS])
@pytest.mark.parametrize("later", [0.0, -5.0, 1e200])
@pytest.mark.parametrize("count", [1, 2])
def test_a_later_row_changes_no_forecast_from_the_origins_before_it(kind, later, count):
    # A season that grows with its level: its exponential smoothing is multiplicative.
    level = np.exp(np.arange(60.0) / 30)[:, None]
    noise = np.random.default_rng(8).normal(size=(60, 1))
    values = 50 * level * (1 + 0.3 * np.sin(np.pi * np.arange(60)[:, None] / 2) + 0.02 * noise)
    tracks = [Track(values, 40, np.array([40, 55, 44, 50, 51])), track(40, 30, 33, 38, columns=1)]
    before, _, _ = run([kind], tracks[:count])
    changed = values.copy()
    changed[50] = later
    tracks[0] = Track(changed, 40, tracks[0].origins)
    after, skipped, notes = run([kind], tracks[:count])
    assert skipped == {}
    early = [0, 2, 3, 5, 6][: 3 if count == 1 else 5]  # the others have seen row 50
    np.testing.assert_array_equal(after[kind().name][early], before[kind().name][early])
    assert np.isfinite(after[kind().name]).all()
    if kind is ETS and later <= 0:
        np.testing.assert_array_equal(after["ETS"][[1, 4], :, 0], changed[[54, 50]].repeat(3, 1))
        (note,) = notes["ETS"]
        assert str(note).startswith(
            f"last value for 2 of {5 if count == 1 else 7} forecasts of the series that it serves;"
            " the reason for the first: statsmodels could not go on with the later rows: endog must"
            " be strictly positive"
        )


def test_a_forecast_that_is_not_finite_is_left_out_at_its_origin_alone():
    class Breaks(LastValue):
        name = "breaks"

        def _formula(self, values, origins, steps):
            forecast = super()._formula(values, origins, steps) + 1
            forecast[origins[:, 0] > 35, 1] = np.inf
            return forecast

    forecasts, skipped, notes = run([Breaks, LastValue], TRACKS[:1])
    assert skipped == {}
    own = forecasts["last value"] + 1
    own[2] -= 1  # the origin 38
    np.testing.assert_array_equal(forecasts["breaks"], own)
    assert list(map(str, notes["breaks"])) == [
        "last value for 1 of 3 forecasts of the series that it serves; the reason for the first:"
        " its forecast is not finite"
    ]
    # The last series has later origins alone: there, it stands in for the whole series.
    _, _, notes = run([Breaks], [TRACKS[0], TRACKS[4]])
    assert [str(note).split(";")[0] for note in notes["breaks"]] == [
        "last value for 1 of 2 series",
        "last value for 1 of 3 forecasts of the series that it serves",
    ]


def test_arguments_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="at least one origin"):
        run(SIMPLE, [track(25, 20)])
    gap = track(30, 20, 25)
    gap.values[3, 1] = np.nan
    with pytest.raises(ShapeError, match="got one in track 1: carry the value before it forward"):
        run(SIMPLE, [TRACKS[0], TRACKS[1], gap])
    with pytest.raises(ShapeError, match=r"origins must lie in 20\.\.30"):
        run(SIMPLE, [track(30, 20, 19)])


def test_airline_scores_are_those_measured_before():
    data = pytest.importorskip("statsforecast.utils")
    airline = data.AirPassengersDF["y"].to_numpy(np.float64)[:, None]
    errors = {name: [] for name in ("seasonal naive", "seasonal naive × mean growth", "AutoARIMA")}
    for origin in (96, 108, 120, 132):
        one = Track(airline, origin, np.array([origin]))
        forecasts, skipped, _ = run(
            [SeasonalNaive, SeasonalGrowth, AutoARIMA], [one], season=12, horizon=12
        )
        assert not skipped
        for name, forecast in forecasts.items():
            errors[name].append(rmse(airline[origin : origin + 12], forecast[0]))
    last = {name: round(values[-1], 1) for name, values in errors.items()}
    mean = {name: round(float(np.mean(values)), 1) for name, values in errors.items()}
    assert (last["seasonal naive"], mean["seasonal naive"]) == (50.7, 39.6)
    assert (last["seasonal naive × mean growth"], mean["seasonal naive × mean growth"]) == (
        17.6,
        20.4,
    )
    # Another release of the library may choose other orders; these figures are of 2.1.
    assert last["AutoARIMA"] == pytest.approx(23.9, abs=1.0)
    assert mean["AutoARIMA"] == pytest.approx(27.2, abs=1.0)
