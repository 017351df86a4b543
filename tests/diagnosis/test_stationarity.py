import numpy as np
import pytest
from statsmodels.tsa.stattools import adfuller, kpss

from rnnkit.diagnosis.stationarity import adf_statistic, judge_stationarity

from . import processes


def judge(z, season=1, strong_season=False):
    return judge_stationarity((z - z.mean()) / z.std(), season=season, strong_season=strong_season)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("with_line", [False, True])
@pytest.mark.parametrize("series", [processes.random_walk, processes.ar3, processes.garch])
@pytest.mark.parametrize("rows", [37, 400])
def test_adf_is_that_of_statsmodels(series, rows, with_line):
    x = series(2, rows)
    expected = adfuller(x, regression="ct" if with_line else "c", autolag="AIC")
    statistic, lags = adf_statistic(x, with_line=with_line)
    assert lags == expected[2]
    assert statistic == pytest.approx(expected[0])


@pytest.mark.filterwarnings("ignore")
def test_both_tests_are_reported_as_statsmodels_has_them():
    x = processes.ar3(4, 300)
    (test,) = judge(x).tests
    assert (test.adf, test.adf_p) == pytest.approx(adfuller(x)[:2])
    assert (test.kpss, test.kpss_p) == pytest.approx(kpss(x, nlags="auto")[:2])


@pytest.mark.parametrize("seed", [0, 2, 3, 4, 5])
def test_a_stationary_series_needs_no_differences(seed):
    found = judge(processes.ar3(seed, 300))
    assert (found.d, found.D, found.holds, len(found.tests)) == (0, 0, True, 1)
    assert "stationary; ADF" in str(found.tests[0].sentence)


@pytest.mark.parametrize("seed", range(5))
def test_a_random_walk_needs_one_difference_and_its_sum_two(seed):
    walk = processes.random_walk(seed, 400)
    found = judge(walk)
    assert (found.d, found.holds) == (1, False)
    assert found.tests[0].verdict in ("unit root", "unclear")
    assert found.tests[1].verdict == "stationary"
    twice = judge(walk.cumsum())
    assert (twice.d, twice.tests[0].holds, twice.tests[1].holds) == (2, False, False)


@pytest.mark.parametrize("seed", range(5))
def test_noise_about_a_line_is_told_from_a_random_walk(seed):
    rows = np.arange(300.0)
    assert judge(0.05 * rows + processes.white_noise(seed, 300)).about_line
    assert not judge(processes.random_walk(seed, 300)).about_line


def test_a_break_of_the_level_is_no_random_walk():
    z = processes.white_noise(0, 400) + 1.0 * (np.arange(400) > 150)
    test = judge(z).tests[0]
    assert (test.verdict, test.holds) == ("disagree", False)
    assert "a break of the level" in str(test.sentence)


def test_a_strong_season_is_taken_out_first_and_alone_makes_the_series_not_stationary():
    season = 3 * np.sin(2 * np.pi * np.arange(400) / 8)
    found = judge(season + processes.white_noise(1, 400), season=8, strong_season=True)
    assert (found.d, found.D, found.holds) == (0, 1, False)
    assert [test.D for test in found.tests] == [0, 1]
    assert "strong season" in str(found.sentences[1])


def test_few_lags_are_tried_where_many_take_the_power():
    z = processes.garch(51, 300)
    z = (z - z.mean()) / z.std()
    many, lags = adf_statistic(z, with_line=False)
    assert (many > -3.4, lags > 9) == (True, True)  # AIC would leave this noise a unit root
    test = judge(z).tests[0]
    assert test.adf == pytest.approx(adf_statistic(z, with_line=False, penalty=np.log(300))[0])
    assert (test.holds, test.adf_p < 1e-6) == (True, True)


def test_a_short_series_is_not_judged_where_neither_test_sees_anything():
    found = [judge(processes.random_walk(seed, 30)).tests[0] for seed in range(20)]
    unclear = [test for test in found if test.verdict == "unclear"]
    assert unclear
    assert all(test.holds is None for test in unclear)
    assert "too short to tell" in str(unclear[0].sentence)


def test_differences_that_do_not_vary_are_stationary():
    found = judge(np.arange(50.0))
    assert (found.d, found.tests[1].verdict) == (1, "stationary")
    assert str(found.tests[1].sentence) == "Differences: constant."
    assert found.to_json()["tests"][1]["holds"] is True
