"""The season found from values alone, and none found in noise, walks and irregular cycles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rnnkit.data.airline import airline_passengers
from rnnkit.data.season import find_season

Rng = np.random.Generator
Made = Callable[[Rng, int], NDArray[np.float64]]

WEEK = np.array([0.0, 0.2, 0.1, 0.3, 1.0, 2.0, 0.5])


def found(series: list[NDArray[np.float64]], longest: int) -> int:
    return find_season(series, longest=longest)[0]


def daily(rng: Rng, n: int, size: float = 1.0) -> NDArray[np.float64]:
    return size * WEEK[np.arange(n) % 7] + rng.normal(size=n)


def autoregression(rng: Rng, n: int, radius: float, rows: int) -> NDArray[np.float64]:
    """AR(2) whose spectrum has a hump at a cycle of `rows`."""
    first, second = 2 * radius * np.cos(2 * np.pi / rows), -(radius**2)
    x = rng.normal(size=n + 200)
    for t in range(2, len(x)):
        x[t] += first * x[t - 1] + second * x[t - 2]
    return x[200:]


def volatile(rng: Rng, n: int) -> NDArray[np.float64]:
    """A random walk whose steps are large and small in turn, for a while each (GARCH)."""
    noise, steps, variance = rng.normal(size=n), np.zeros(n), 2.5
    for t in range(n):
        variance = 0.05 + 0.1 * steps[t - 1] ** 2 + 0.88 * variance
        steps[t] = np.sqrt(variance) * noise[t]
    return steps.cumsum()


@pytest.mark.parametrize("longest", [12, 24, 40])
def test_airline_passengers_have_a_season_of_12_months(longest: int) -> None:
    values = airline_passengers()["Passengers"].to_numpy(dtype=np.float64)
    rows, why = find_season([values], longest=longest)
    assert rows == 12
    assert str(why) == ("season of 12 rows: the values repeat after 12 rows (autocorrelation 0.98)")
    assert found([values[:48]], longest) == 12


@pytest.mark.parametrize("seed", range(6))
def test_a_week_in_daily_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert found([daily(rng, 365)], 100) == 7
    assert found([rng.normal(size=365).cumsum() + daily(rng, 365)], 100) == 7


@pytest.mark.parametrize("seed", range(4))
def test_a_day_beats_half_a_day_and_a_weak_week(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hours = np.arange(1700)
    day = np.sin(2 * np.pi * hours / 24) + 0.8 * np.cos(2 * np.pi * hours / 12)
    weak = 0.5 * WEEK[hours // 24 % 7]
    assert found([day + weak + 0.3 * rng.normal(size=1700)], 200) == 24


@pytest.mark.parametrize("seed", range(4))
def test_a_strong_week_in_hourly_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hours = np.arange(1700)
    assert found([3 * WEEK[hours // 24 % 7] + 0.3 * rng.normal(size=1700)], 200) == 168


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 7, 12, 13, 24, 52])
def test_a_season_without_noise_is_taken_once_not_twice(rows: int) -> None:
    pattern = np.random.default_rng(rows).normal(size=rows)
    assert found([np.tile(pattern, 9) + 0.01 * np.arange(9 * rows)], 200) == rows


def test_many_short_series_vote_for_what_none_shows_alone() -> None:
    rng = np.random.default_rng(3)
    series = [daily(rng, 60, 0.5) for _ in range(100)]
    assert [found([x], 20) for x in series[:10]] == [1] * 10
    assert found(series, 20) == 7


def test_copies_of_one_series_count_once() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        x = daily(rng, 60, 0.3)
        assert found([x] * 50, 20) == found([x], 20)


def test_a_strong_series_does_not_outvote_the_others() -> None:
    odd = np.tile(np.random.default_rng(5).normal(size=23), 30)
    hours = np.sin(2 * np.pi * np.arange(690) / 24)
    assert found([odd], 100) == 23
    for seed in range(4):
        rng = np.random.default_rng(seed)
        others = [hours + 1.9 * rng.normal(size=690) for _ in range(6)]
        assert found([odd, *others], 100) == 24


@pytest.mark.parametrize("seed", [56, 106])
def test_a_season_seen_only_in_pairs_is_reduced(seed: int) -> None:
    # Here 14 or 28 rows, of which the harmonics are those of 7, are surer than 7.
    assert found([daily(np.random.default_rng(seed), 90)], 30) == 7


def test_series_of_other_lengths_and_constant_ones_are_passed_over() -> None:
    rng = np.random.default_rng(6)
    series = [daily(rng, 300, 2.0) for _ in range(3)]
    passed = [np.full(300, 4.0), np.full(300, np.nan), np.arange(5.0), np.zeros(0)]
    assert found([*passed, *series], 60) == 7


def test_missing_values_and_shocks_do_not_hide_a_season() -> None:
    rng = np.random.default_rng(7)
    x = daily(rng, 400, 1.5)
    x[rng.random(400) < 0.2] = np.nan
    x[[50, 51, 233]] += [300.0, -200.0, 1000.0]
    assert found([x], 60) == 7


def test_cells_missing_at_regular_rows_are_no_season() -> None:
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=210).cumsum()
        x[5::7] = x[6::7] = np.nan
        assert found([x], 60) == 1


def test_counts_have_a_season() -> None:
    rng = np.random.default_rng(8)
    rates = 0.1 + 0.5 * WEEK[np.arange(700) % 7]
    assert found([rng.poisson(rates).astype(np.float64)], 60) == 7


NOISE: dict[str, Made] = {
    "white": lambda rng, n: rng.normal(size=n),
    "walk": lambda rng, n: rng.normal(size=n).cumsum(),
    "drift": lambda rng, n: rng.normal(size=n).cumsum().cumsum(),
    "heavy tails": lambda rng, n: rng.standard_t(2, size=n),
    "volatile": volatile,
    "counts": lambda rng, n: rng.poisson(0.3, size=n).astype(np.float64),
    "persistent": lambda rng, n: autoregression(rng, n, 0.8, 10**9),
    "alternating": lambda rng, n: autoregression(rng, n, 0.8, 2),
    "trend": lambda rng, n: np.exp(3 * np.arange(n) / n) + 0.1 * rng.normal(size=n),
    "cycle of 12": lambda rng, n: autoregression(rng, n, 0.9, 12),
}


@pytest.mark.parametrize("name", NOISE)
@pytest.mark.parametrize("n", [60, 300])
def test_fewer_than_2_of_100_without_a_season_get_one(name: str, n: int) -> None:
    alarms = [found([NOISE[name](np.random.default_rng(seed), n)], n) > 1 for seed in range(60)]
    assert sum(alarms) <= 1


@pytest.mark.parametrize("name", ["white", "walk", "cycle of 12"])
def test_no_season_in_panels_of_noise(name: str) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert found([NOISE[name](rng, 250) for _ in range(12)], 80) == 1


def test_walks_of_one_market_share_no_season() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        market = rng.normal(size=300).cumsum()
        assert found([market + 0.1 * rng.normal(size=300).cumsum() for _ in range(20)], 99) == 1


@pytest.mark.parametrize("scale", [1e-150, 1e-6, 1e9, 1e150])
def test_units_do_not_matter(scale: float) -> None:
    x = daily(np.random.default_rng(9), 300)
    assert find_season([x * scale], longest=50) == find_season([x], longest=50)


def test_what_is_said_where_there_is_none() -> None:
    rng = np.random.default_rng(10)
    assert str(find_season([rng.normal(size=90)], longest=50)[1]) == (
        "no season: no number of rows up to 29 after which the values repeat"
    )
    too_few = "no season: there are too few values, or they do not change"
    for series in ([], [np.full(50, 3.3)], [np.arange(6.0)], [np.full(50, np.nan)]):
        assert find_season(series, longest=20) == (1, find_season([], longest=20)[1])
        assert str(find_season(series, longest=20)[1]) == too_few
    assert str(find_season([rng.normal(size=90)], longest=1)[1]) == (
        "no season: there are too few rows to see one repeat three times"
    )


def test_the_values_are_left_as_they_are() -> None:
    x = daily(np.random.default_rng(11), 100)
    x[3] = np.nan
    before = x.copy()
    find_season([x], longest=30)
    np.testing.assert_array_equal(x, before)
