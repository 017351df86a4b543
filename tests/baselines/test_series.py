import numpy as np
import pytest

from rnnkit import baselines
from rnnkit.baselines import (
    ETS,
    AutoARIMA,
    Drift,
    LastValue,
    SeasonalGrowth,
    SeasonalNaive,
    SkipBaseline,
    series_baselines,
)
from rnnkit.errors import ShapeError
from rnnkit.metrics import rmse

RNG = np.random.default_rng(7)
# Two positive columns with a season of 4, a trend and noise; rows 40.. are the test part.
STEPS = np.arange(60)[:, None]
SERIES = 50 + STEPS * [[0.3, -0.2]] + 8 * np.sin(np.pi * STEPS / 2) + RNG.normal(size=(60, 2))
TRAIN_ROWS = 40
BASELINES = [make() for make in series_baselines()]


def fitted(baseline, *, train=SERIES[:TRAIN_ROWS], season=4, horizon=6):
    baseline.fit(train, season=season, horizon=horizon)
    return baseline


@pytest.fixture(scope="module")
def airline():
    data = pytest.importorskip("statsforecast.utils")
    return data.AirPassengersDF["y"].to_numpy(np.float64)[:, None]


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda b: b.name)
def test_no_future_value_changes_a_forecast(baseline):
    fitted(baseline)
    origins = np.array([40, 45, 52])
    before = baseline.forecast(SERIES, origins)
    assert before.shape == (3, 6, 2)
    for m, origin in enumerate(origins):
        perturbed = SERIES.copy()
        perturbed[origin:] += 1000
        np.testing.assert_array_equal(baseline.forecast(perturbed, origins)[m], before[m])


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda b: b.name)
def test_a_change_just_before_the_origin_does_change_the_forecast(baseline):
    fitted(baseline)
    perturbed = SERIES.copy()
    perturbed[49] += 20
    origins = np.array([50])
    assert not np.allclose(
        baseline.forecast(perturbed, origins), baseline.forecast(SERIES, origins), atol=1e-6
    )


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda b: b.name)
def test_one_origin_alone_equals_the_same_origin_among_many_and_arguments_stay_as_they_were(
    baseline,
):
    fitted(baseline)
    values, origins = SERIES.copy(), np.array([60, 41, 55])
    many = baseline.forecast(values, origins)
    for m, origin in enumerate(origins):
        alone = baseline.forecast(values[:origin], np.array([origin]))
        np.testing.assert_array_equal(alone[0], many[m])
    np.testing.assert_array_equal(values, SERIES)
    assert origins.tolist() == [60, 41, 55]


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda b: b.name)
def test_a_column_alone_equals_the_same_column_beside_another(baseline):
    both = fitted(baseline).forecast(SERIES, np.array([44]))
    alone = fitted(baseline, train=SERIES[:TRAIN_ROWS, 1:]).forecast(SERIES[:, 1:], np.array([44]))
    np.testing.assert_allclose(both[:, :, 1:], alone, rtol=1e-12)


def test_simple_baselines_equal_their_formulas_in_a_plain_loop():
    season, horizon, origin = 4, 6, 47
    y = SERIES[:origin, 0]
    growth = np.exp(np.mean([np.log(y[t] / y[t - season]) for t in range(season, origin)]))
    expected = {
        "last value": [y[-1] for _ in range(horizon)],
        "seasonal naive": [y[origin - season + h % season] for h in range(horizon)],
        "seasonal naive × mean growth": [
            y[origin - season + h % season] * growth ** (1 + h // season) for h in range(horizon)
        ],
        "drift": [y[-1] + (h + 1) * (y[-1] - y[0]) / (origin - 1) for h in range(horizon)],
    }
    for baseline in (LastValue(), SeasonalNaive(), SeasonalGrowth(), Drift()):
        forecast = fitted(baseline).forecast(SERIES, np.array([origin]))
        np.testing.assert_allclose(forecast[0, :, 0], expected[baseline.name], rtol=1e-12)


def test_drift_continues_a_line_and_growth_continues_a_growing_season_exactly():
    line = 3 + 0.5 * np.arange(30.0)[:, None]
    drift = fitted(Drift(), train=line[:20]).forecast(line, np.array([20, 24]))
    np.testing.assert_allclose(drift[:, :, 0], [line[20:26, 0], line[24:30, 0]])
    growing = np.array([5.0, 1.0, 2.0, 7.0])[np.arange(30) % 4] * 1.1 ** (np.arange(30) // 4)
    growth = fitted(SeasonalGrowth(), train=growing[:20, None]).forecast(
        growing[:, None], np.array([21])
    )
    np.testing.assert_allclose(growth[0, :, 0], growing[21:27])


def test_ets_beats_the_seasonal_naive_forecast_on_the_airline_passengers(airline):
    origin = np.array([132])
    forecast = fitted(ETS(), train=airline[:132], season=12, horizon=12).forecast(airline, origin)
    assert rmse(airline[132:], forecast[0]) < 30


@pytest.mark.parametrize("baseline", [AutoARIMA(), ETS()], ids=lambda b: b.name)
def test_a_later_origin_applies_the_fit_to_newer_rows_without_fitting_again(baseline):
    steps = np.arange(80)[:, None]
    walk = np.cumsum(np.random.default_rng(1).normal(size=(80, 1)), axis=0)
    y = 100 + 10 * np.sin(np.pi * steps / 2) + walk
    y[50:] += 40  # a change of level that only the newer rows show
    fitted(baseline, train=y[:50], horizon=4)
    state = [repr(model) for model in baseline._models]
    first, later = baseline.forecast(y, np.array([50, 76]))
    assert np.abs(first - (y[50:54] - 40)).max() < 5
    assert np.abs(later - y[76:]).max() < 15
    assert [repr(model) for model in baseline._models] == state


@pytest.mark.parametrize(
    ("baseline", "rows", "season", "reason"),
    [
        (SeasonalNaive(), 40, 1, "needs a season longer than one row"),
        (SeasonalNaive(), 5, 6, "needs 6 rows .* got 5"),
        (SeasonalGrowth(), 40, 1, "needs a season longer than one row"),
        (SeasonalGrowth(), 7, 4, r"needs 8 rows \(2 × the season of 4\) .* got 7"),
        (Drift(), 1, 1, "needs at least 2 rows"),
        (AutoARIMA(), 9, 1, "needs at least 10 rows .* got 9"),
        (ETS(), 9, 1, "needs at least 10 rows .* got 9"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_a_series_lacks_is_named(baseline, rows, season, reason):
    with pytest.raises(SkipBaseline, match=reason):
        baseline.fit(SERIES[:rows], season=season, horizon=2)


def test_growth_is_skipped_when_a_value_is_not_positive_before_the_split():
    with pytest.raises(SkipBaseline, match="above 0, got -3"):
        fitted(SeasonalGrowth(), train=np.vstack([SERIES[:20], [[1.0, -3.0]]]))


def test_a_later_value_that_is_not_positive_has_no_ratio_and_changes_no_earlier_origin():
    later = SERIES.copy()
    later[50] = 0
    baseline = fitted(SeasonalGrowth())
    origins = np.array([45, 50, 60])
    forecast = baseline.forecast(later, origins)
    np.testing.assert_array_equal(forecast[:2], baseline.forecast(SERIES, origins)[:2])
    season = baseline._season
    pairs = [(later[t], later[t - season]) for t in range(season, 60) if t not in (50, 50 + season)]
    growth = np.exp(np.mean([np.log(a / b) for a, b in pairs], axis=0))
    np.testing.assert_allclose(forecast[2, 0], later[60 - season] * growth)


@pytest.mark.parametrize("baseline", [LastValue(), ETS()], ids=lambda b: b.name)
def test_arguments_that_do_not_fit_are_refused(baseline):
    with pytest.raises(ShapeError, match="train must be"):
        baseline.fit(SERIES[:, 0], season=1, horizon=1)
    with pytest.raises(ShapeError, match="season 0, horizon 1"):
        baseline.fit(SERIES, season=0, horizon=1)
    fitted(baseline)
    with pytest.raises(ShapeError, match=r"origins must lie in 40\.\.60 .*, got 39\.\.40"):
        baseline.forecast(SERIES, np.array([39, 40]))
    with pytest.raises(ShapeError, match=r"origins must lie in 40\.\.60 .*, got 61\.\.61"):
        baseline.forecast(SERIES, np.array([61]))
    with pytest.raises(ShapeError, match=r"values must be \(rows, 2\)"):
        baseline.forecast(SERIES[:, :1], np.array([40]))
    with pytest.raises(ShapeError, match="origins must be"):
        baseline.forecast(SERIES, np.array([], dtype=np.int64))


def test_the_public_names_exist():
    assert all(hasattr(baselines, name) for name in baselines.__all__)
