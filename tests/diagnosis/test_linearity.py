import numpy as np
import pytest

from rnnkit.diagnosis.lags import lag_matrix
from rnnkit.diagnosis.linear_models import fit_ar
from rnnkit.diagnosis.linearity import DELAYS, threshold_test

from . import processes


def test_of(y):
    y = (y - y.mean()) / y.std()
    model = fit_ar(y)
    return threshold_test(model.w, model.residuals, model.gradient)


test_of.__test__ = False


def slow_statistic(w, e, gradient, delay, threshold):
    """The statistic of one place, as the module's docstring has it, by plain least squares."""
    first = len(w) - len(e)
    sizes = np.abs(e)
    rows = lag_matrix(sizes, 3)
    expected = np.r_[
        np.full(3, sizes.mean()), rows @ np.linalg.lstsq(rows, sizes[3:], rcond=None)[0]
    ]
    expected = np.maximum(expected, 0.3 * sizes.mean())
    past = w[first - delay : len(w) - delay]
    above = past > threshold
    z = np.column_stack([above, above * past]) / expected[:, None]
    gradient, e = gradient / expected[:, None], e / expected
    z = z - gradient @ np.linalg.lstsq(gradient, z, rcond=None)[0]
    e = e - gradient @ np.linalg.lstsq(gradient, e, rcond=None)[0]
    u = e - z @ np.linalg.lstsq(z, e, rcond=None)[0]
    score = z.T @ e
    return score @ np.linalg.inv((z * u[:, None] ** 2).T @ z) @ score, u * expected


@pytest.mark.parametrize("process", [processes.threshold, processes.ar_with_arch])
def test_the_statistic_is_the_largest_over_delays_and_thresholds(process):
    y = process(7, 131)
    model = fit_ar(y)
    skip = max(0, DELAYS - model.orders.p)
    e, gradient = model.residuals[skip:], model.gradient[skip:]
    test = threshold_test(model.w, model.residuals, model.gradient)
    grid = {}
    for delay in (1, 2, 3):
        past = y[len(y) - len(e) - delay : len(y) - delay]
        for threshold in np.quantile(past, np.linspace(0.15, 0.85, 10)):
            grid[delay, threshold], _ = slow_statistic(y, e, gradient, delay, threshold)
    best = max(grid, key=grid.get)
    assert test.statistic == pytest.approx(grid[best])
    assert (test.delay, test.threshold) == best
    _, remaining = slow_statistic(y, e, gradient, *best)
    np.testing.assert_allclose(test.remaining, remaining, atol=1e-8)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("process", [processes.threshold, processes.switching_level])
def test_a_threshold_is_found(process, seed):
    test = test_of(process(seed, 400))
    assert test.p_value <= 0.01
    assert test.gain > 0.05


@pytest.mark.parametrize("process", [processes.white_noise, processes.ar3, processes.arch])
def test_linear_processes_pass_even_with_unequal_variance(process):
    p_values = np.array([test_of(process(seed, 300)).p_value for seed in range(40)])
    assert (p_values <= 0.01).sum() <= 2
    assert 5 <= (p_values <= 0.5).sum() <= 35


def test_the_result_is_that_of_any_units_and_of_every_run():
    y = processes.threshold(3, 200)
    model = fit_ar(y)
    test = threshold_test(model.w, model.residuals, model.gradient)
    other = threshold_test(50 + 1e3 * model.w, 1e3 * model.residuals, model.gradient)
    again = threshold_test(model.w, model.residuals, model.gradient)
    assert other.p_value == test.p_value == again.p_value
    assert other.statistic == pytest.approx(test.statistic)
    assert other.threshold == pytest.approx(50 + 1e3 * test.threshold)
    assert other.gain == pytest.approx(test.gain)


def test_a_model_that_lacks_the_gradient_rows_of_the_delays_is_cut():
    y = processes.threshold(1, 120)
    test = threshold_test(y, y - y.mean(), np.ones((120, 1)))
    assert len(test.remaining) == 120 - DELAYS


def test_two_values_have_no_slope_beside_their_level():
    y = np.random.default_rng(0).integers(0, 2, 200).astype(float)
    assert threshold_test(y, y - y.mean(), np.ones((200, 1))) is None
