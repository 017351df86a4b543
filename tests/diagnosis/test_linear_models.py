import numpy as np
import pytest
from statsmodels.tsa.ar_model import AutoReg, ar_select_order
from statsmodels.tsa.arima.model import ARIMA

from rnnkit.data.airline import airline_passengers
from rnnkit.diagnosis.lags import difference
from rnnkit.diagnosis.linear_models import (
    LinearModel,
    Orders,
    choose,
    fit,
    fit_ar,
    fit_arima,
    most_lags,
)


def airline():
    return np.log(airline_passengers()["Passengers"].to_numpy(float))


def arma(rows, seed=3):
    """phi 0.6, -0.3; theta 0.5; mean 4."""
    e = np.random.default_rng(seed).normal(size=rows + 100)
    y = np.zeros(rows + 100)
    for t in range(2, rows + 100):
        y[t] = 0.6 * y[t - 1] - 0.3 * y[t - 2] + e[t] + 0.5 * e[t - 1]
    return y[100:] + 4


def by_loop(model, w):
    """The residuals of the model's own equation, one by one from zeros."""
    e = np.zeros(len(w))
    x = w - model.mean
    for t in range(len(w)):
        e[t] = x[t]
        e[t] -= sum(c * x[t - 1 - k] for k, c in enumerate(model.ar) if t > k)
        e[t] -= sum(c * e[t - 1 - k] for k, c in enumerate(model.ma) if t > k)
    return e


def test_differences_of_rows_and_seasons():
    z = np.array([1.0, 4.0, 2.0, 8.0, 5.0, 7.0, 1.0])
    np.testing.assert_array_equal(difference(z, 0, 1, 3), z[3:] - z[:-3])
    np.testing.assert_array_equal(difference(z, 2, 0, 1), np.diff(np.diff(z)))
    np.testing.assert_array_equal(difference(z, 1, 1, 3), np.diff(z[3:] - z[:-3]))


def test_conditional_least_squares_of_the_airline_model_are_those_of_r():
    # R 4: arima(log(AirPassengers), c(0, 1, 1), seasonal = c(0, 1, 1), method = "CSS")
    model = fit(difference(airline(), 1, 1, 12), Orders(0, 1, 1, 0, 1, 1, season=12), skip=0)
    assert model.ma[0] == pytest.approx(-0.3772, abs=5e-5)
    assert model.ma[11] == pytest.approx(-0.5724, abs=5e-5)
    assert model.ma[12] == pytest.approx(0.3772 * 0.5724, abs=5e-4)
    assert model.mean == 0
    assert len(model.residuals) == 131


def test_the_airline_model_is_chosen_for_the_airline_passengers():
    assert fit_arima(airline(), d=1, D=1, season=12).orders.name == "ARIMA(0,1,1)(0,1,1)[12]"


def test_estimates_agree_with_exact_likelihood():
    y = arma(2000)
    model = fit(y, Orders(2, 0, 1), skip=3)
    exact = ARIMA(y, order=(2, 0, 1)).fit().params
    np.testing.assert_allclose([model.mean, *model.ar, *model.ma], exact[:4], atol=0.01)


@pytest.mark.parametrize(
    "orders", [Orders(2, 0, 1), Orders(1, 1, 2, 1, 0, 1, season=5), Orders(0, 0, 0, 1, 1, 1, 3)]
)
def test_residuals_follow_the_equation_and_the_gradient_their_change(orders):
    w = difference(arma(97), orders.d, orders.D, orders.season)
    model = fit(w, orders, skip=11)
    np.testing.assert_allclose(model.residuals, by_loop(model, w)[11:], atol=1e-9)
    assert model.gradient.shape == (len(w) - 11, orders.coefficients + 1)
    # At the least squares, no step along the gradient makes the residuals smaller.
    step, *_ = np.linalg.lstsq(model.gradient, model.residuals)
    smaller = model.residuals - model.gradient @ step
    assert smaller.var() > 0.999 * model.residuals.var()


def test_polynomials_keep_their_roots_outside_the_unit_circle():
    walk = np.random.default_rng(0).normal(size=300).cumsum()
    model = fit(walk, Orders(3, 0, 1), skip=3)
    assert (np.abs(np.roots([*-model.ar[::-1], 1.0])) > 1).all()


def test_an_ar_is_least_squares_of_the_order_with_the_smallest_aic():
    y = arma(400)
    model = fit_ar(y)
    chosen = ar_select_order(y, maxlag=most_lags(400), ic="aic")
    assert model.orders.p == max(chosen.ar_lags)
    expected = AutoReg(y, model.orders.p).fit()
    np.testing.assert_allclose(model.ar, expected.params[1:])
    np.testing.assert_allclose(model.residuals, expected.resid)
    np.testing.assert_allclose(model.mean, expected.params[0] / (1 - expected.params[1:].sum()))


def test_an_ar_of_differences_is_named_an_arima():
    walk = np.cumsum(arma(400) - 4)
    model = fit_ar(walk, d=1)
    plain = fit_ar(np.diff(walk))
    assert model.orders.name == f"ARIMA({plain.orders.p},1,0)"
    np.testing.assert_array_equal(model.residuals, plain.residuals)


def test_noise_gets_no_coefficients_and_explains_nothing():
    chosen = {}
    for seed in range(10):
        y = np.random.default_rng(seed).normal(7, 2, size=300)
        model = fit_arima(y)
        chosen[model.orders.name] = model
        assert model.evidence < 15
    model = chosen["ARMA(0,0)"]
    assert model.mean == pytest.approx(model.w[3:].mean())
    assert (model.explained, model.evidence) == (pytest.approx(0, abs=1e-12), 0)


def test_evidence_is_the_aicc_that_the_mean_alone_loses():
    y = arma(250)
    model = fit(y, Orders(2, 0, 1), 3)
    mean = fit(y, Orders(), 3)
    assert model.evidence == pytest.approx(mean.aicc - model.aicc, abs=0.1)
    assert model.in_units(0.0, 1e-200).evidence == pytest.approx(model.evidence)


def test_explained_is_the_adjusted_share_of_the_variance():
    y = np.array([2.0, 1.0, -1.0, -2.0, 2.0, -2.0])
    residuals = np.array([1.0, 1.0, -1.0, -1.0, 1.0, -1.0])
    model = made(Orders(p=1), y, residuals)
    assert model.explained == pytest.approx(1 - (6 / 18) * (5 / 4))


def made(orders, w, residuals, aicc=0.0, parameters=1):
    gradient = np.zeros((len(residuals), parameters))
    return LinearModel(orders, 0.5, np.zeros(1), np.zeros(0), w, residuals, gradient, aicc)


def test_units_change_what_has_units():
    w, residuals = np.array([1.0, 2.0, 3.0]), np.array([0.1, -0.2])
    level = made(Orders(p=1), w, residuals).in_units(100.0, 10.0)
    np.testing.assert_allclose(level.w, [110.0, 120.0, 130.0])
    np.testing.assert_allclose(level.residuals, [1.0, -2.0])
    assert level.mean == 105
    changes = made(Orders(p=1, d=1), w, residuals).in_units(100.0, 10.0)
    np.testing.assert_allclose(changes.w, [10.0, 20.0, 30.0])
    assert changes.mean == 5
    tiny = made(Orders(), w, residuals).in_units(0.0, 1e-290)
    assert tiny.sigma(2) == pytest.approx(np.sqrt(0.025) * 1e-290)


def test_a_mixed_model_does_not_stop_where_its_coefficients_cancel():
    y = arma(300)
    mixed, mean = fit(y, Orders(1, 0, 1), 3), fit(y, Orders(), 3)
    assert mixed.sigma(297) < 0.9 * mean.sigma(297)
    assert mixed.ar[0] != pytest.approx(-mixed.ma[0], abs=0.1)


def test_the_first_model_is_chosen_unless_another_is_clearly_better():
    rng = np.random.default_rng(1)
    e = rng.normal(size=100)
    simple = made(Orders(p=1), e, e)
    assert choose([simple, made(Orders(p=2), e, e[10:] * 0.999)]) is simple
    better = made(Orders(p=2), e, e[10:] * 0.9)
    assert choose([simple, better]) is better


def test_a_series_without_noise_gets_the_fewest_coefficients():
    model = fit_arima(np.arange(60.0) / 17, d=1)
    assert model.orders.name == "ARIMA(0,1,0)"
    assert model.sigma(59) < 1e-9


@pytest.mark.parametrize("rows", [20, 23, 41])
def test_few_rows(rows):
    y = arma(rows)
    for model in (fit_ar(y), fit_arima(y), fit_arima(y, d=1, season=4)):
        assert np.isfinite(model.residuals).all()
        assert model.orders.p <= rows / 4
