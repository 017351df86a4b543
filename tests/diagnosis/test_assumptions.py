from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.diagnostic import acorr_ljungbox, het_arch, het_breuschpagan
from statsmodels.stats.stattools import jarque_bera

from rnnkit.diagnosis import assumptions as module
from rnnkit.diagnosis.assumptions import judge_residuals
from rnnkit.diagnosis.linear_models import Orders, fit, fit_ar

from . import processes


def judged(model, z):
    found, threshold = judge_residuals(model, z)
    return {test.test: test for test in found}, threshold


def noise_model(e, season=1):
    """A mean fitted to noise, with these residuals."""
    return replace(fit(e, Orders(season=season), 0), residuals=e - e.mean())


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_statistics_are_those_of_statsmodels():
    y = processes.ar3(3, 400)
    model = fit_ar(y)
    e = model.residuals
    found, _ = judged(model, y)
    assert [found["Jarque–Bera"].statistic, found["Jarque–Bera"].p_value] == pytest.approx(
        jarque_bera(e)[:2]
    )
    time, level = np.linspace(-1, 1, len(e)), y[-len(e) :] - e
    expected = het_breuschpagan(e, np.column_stack([np.ones(len(e)), time, level]))
    assert found["Breusch–Pagan"].statistic == pytest.approx(expected[0])
    assert found["Breusch–Pagan"].p_value == pytest.approx(expected[1])
    ranks = stats.rankdata(np.abs(e - e.mean())) / (len(e) + 1)
    expected = het_arch(stats.norm.ppf((1 + ranks) / 2), nlags=3)
    assert [found["ARCH LM"].statistic, found["ARCH LM"].p_value] == pytest.approx(expected[:2])


def test_ljung_box_of_equal_sizes_is_that_of_statsmodels():
    e = np.where(np.random.default_rng(0).random(300) < 0.5, -1.0, 1.0)
    e[:150] = -e[150:]  # a mean of zero, so that all squares are one
    found, _ = judged(noise_model(e, season=7), e)
    expected = acorr_ljungbox(e, lags=[14])
    assert found["Ljung–Box"].statistic == pytest.approx(expected.lb_stat.iloc[0])
    assert found["Ljung–Box"].p_value == pytest.approx(expected.lb_pvalue.iloc[0])
    assert "14 autocorrelations" in str(found["Ljung–Box"].sentence)


def test_ljung_box_weighs_what_unequal_variance_does_to_autocorrelations():
    rejected, naive = 0, 0
    for seed in range(40):
        e = processes.arch(seed, 500)
        found, _ = judged(noise_model(e), e)
        rejected += found["Ljung–Box"].p_value < 0.05
        naive += acorr_ljungbox(e, lags=[10]).lb_pvalue.iloc[0] < 0.05
    assert rejected <= 4
    assert naive >= 2 * rejected + 2


def test_a_coefficient_takes_a_degree_of_freedom():
    y = processes.ar3(3, 400)
    model = fit_ar(y)
    found, _ = judged(model, y)
    statistic = found["Ljung–Box"].statistic
    assert found["Ljung–Box"].p_value == pytest.approx(stats.chi2.sf(statistic, 10))
    assert f"first {10 + model.orders.p} " in str(found["Ljung–Box"].sentence)


def test_left_autocorrelation_is_found():
    y = processes.ar3(3, 400)
    found, _ = judged(noise_model(y), y)
    assert found["Ljung–Box"].holds is False
    assert str(found["Ljung–Box"].sentence).startswith("Not independent")


def test_errors_that_grow_with_the_level_or_with_time_are_found():
    rng = np.random.default_rng(0)
    growing = rng.normal(size=400) * np.linspace(0.5, 2, 400)
    found, _ = judged(noise_model(growing), growing)
    assert found["Breusch–Pagan"].holds is False
    level = rng.uniform(1, 9, 400)
    e = level * rng.normal(size=400)
    found, _ = judged(noise_model(e), level + e)
    assert found["Breusch–Pagan"].holds is False
    assert found["ARCH LM"].holds is True


@pytest.mark.parametrize("seed", range(5))
def test_heavy_tails_are_no_clusters(seed):
    e = np.random.default_rng(seed).standard_t(3, size=500)
    found, _ = judged(noise_model(e), e)
    holds = {name: test.holds for name, test in found.items()}
    assert holds.pop("Jarque–Bera") is False
    assert set(holds.values()) == {True}


@pytest.mark.parametrize("seed", range(4))
def test_what_a_threshold_does_to_squares_is_not_called_unequal_variance(seed):
    y = processes.threshold(seed, 600)
    model = fit_ar(y)
    found, threshold = judged(model, y)
    assert found["threshold test"].holds is False
    assert found["ARCH LM"].holds is True
    assert found["ARCH LM"].statistic == pytest.approx(module._arch(threshold.remaining).statistic)
    assert found["ARCH LM"].statistic < module._arch(model.residuals).statistic


def holm(**p_values):
    keys = {"arch": module._ARCH, "level": module._LEVEL,
            "independence": module._INDEPENDENCE, "normality": module._NORMALITY}  # fmt: skip
    results = {keys[name]: module._Result(1.0, p, {}) for name, p in p_values.items()}
    failed = module._holm(results)
    return {name for name, key in keys.items() if key in failed}


def test_the_level_is_shared_out_and_what_failed_leaves_its_share_to_the_rest():
    others = {"level": 0.5, "independence": 0.5, "normality": 0.5}
    assert holm(arch=0.0039, **others) == {"arch"}
    assert holm(arch=0.0041, **others) == set()
    assert holm(**{**others, "arch": 0.5, "normality": 0.0019}) == {"normality"}
    assert holm(**{**others, "arch": 0.5, "normality": 0.0021}) == set()
    assert holm(**{**others, "arch": 0.0049, "normality": 0.001}) == {"arch", "normality"}
    assert holm(level=0.0033, independence=0.5, normality=0.9) == {"level"}


@pytest.mark.parametrize(("rows", "left_out"), [(20, 1), (19, 5), (49, 1), (50, 0)])
def test_tests_without_enough_errors_are_left_out_by_name(rows, left_out):
    e = processes.white_noise(3, rows)
    found, _ = judged(noise_model(e), e)
    missing = [test for test in found.values() if test.holds is None]
    assert len(missing) == left_out
    for test in missing:
        assert str(test.sentence).startswith(f"{test.test}: left out, since it needs ")
        assert str(test.sentence).endswith(f"errors and there are {rows}.")
        assert test.to_json()["p_value"] is None
