"""AR, ARMA and seasonal ARIMA, fitted by conditional least squares.

With `w` the series after its differences and `B` the backshift, the model is

    φ(B) Φ(B^s) (w_t - μ) = θ(B) Θ(B^s) e_t

and its residuals follow by one recursive filter from zeros before the first row; the rows that lack
a past are left out of the sum of squares. Roots outside the unit circle are kept by working with
partial autocorrelations, which lie in -1..1.

Exact likelihood (statsmodels) takes seconds a seasonal fit where this takes hundredths, and a
choice of orders takes dozens of fits; the two differ by less than their standard errors.

Sources: G. E. P. Box and G. M. Jenkins, "Time Series Analysis: Forecasting and Control" (1976), 7.1
(conditional least squares); J. F. Monahan, "A note on enforcing stationarity in
autoregressive-moving average models", Biometrika 71 (1984) (partial autocorrelations);
R. J. Hyndman and Y. Khandakar, Journal of Statistical Software 27(3), 2008 (orders by AICc).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnnkit.diagnosis.contract import FloatArray, load, plain_number, root_mean_square
from rnnkit.diagnosis.lags import difference, lag_matrix, lagged

FEWEST_ROWS = 20
_MOST_ORDER = 3  # p and q
_MOST_ORDERS = 4  # p + q
_EXACT = 1e-18  # of the variance of z: below it, models differ in rounding alone
_LONG = 10  # lags of the autoregression that a search starts from
_STABLE = 0.9  # partial autocorrelations at its start
_EVALUATIONS = 300  # of one fit
_SIMPLER = 2.0  # a simpler model is taken that is worse in AICc by less


@dataclass(frozen=True)
class Orders:
    """The orders of a model; a season of 1 is none.

    Example:
        >>> Orders(0, 1, 1, 0, 1, 1, season=12).name, Orders(p=2).name, Orders(1, 0, 1).name
        ('ARIMA(0,1,1)(0,1,1)[12]', 'AR(2)', 'ARMA(1,1)')
    """

    p: int = 0
    d: int = 0
    q: int = 0
    P: int = 0
    D: int = 0
    Q: int = 0
    season: int = 1

    @property
    def name(self) -> str:
        """The usual way to write the model."""
        if self.P or self.D or self.Q:
            seasonal = f"({self.P},{self.D},{self.Q})[{self.season}]"
            return f"ARIMA({self.p},{self.d},{self.q}){seasonal}"
        if self.d:
            return f"ARIMA({self.p},{self.d},{self.q})"
        return f"ARMA({self.p},{self.q})" if self.q or not self.p else f"AR({self.p})"

    @property
    def coefficients(self) -> int:
        """How many, without the mean."""
        return self.p + self.q + self.P + self.Q

    @property
    def lost(self) -> int:
        """Rows that the differences take."""
        return self.d + self.D * self.season

    @property
    def reach(self) -> int:
        """Rows of the past that the autoregressive part looks at."""
        return self.p + self.P * self.season


@dataclass(frozen=True, eq=False)
class LinearModel:
    """A fitted model of a series `z (N,)`.

    Args:
        orders: as fitted.
        mean: `μ`; 0 where the differences leave none.
        ar: `(p + P s,)` float64, the coefficients of `φ(B) Φ(B^s)` on the past of w.
        ma: `(q + Q s,)` float64, those of `θ(B) Θ(B^s)` on past residuals.
        w: `(N - lost,)` float64, the series after its differences.
        residuals: `(n,)` float64, the one-step errors of the last n rows.
        gradient: `(n, k)` float64, their derivatives by the k parameters.
        aicc: the corrected criterion on these rows.
    """

    orders: Orders
    mean: float
    ar: FloatArray
    ma: FloatArray
    w: FloatArray
    residuals: FloatArray
    gradient: FloatArray
    aicc: float

    @property
    def parameters(self) -> int:
        """Coefficients and mean."""
        return int(self.gradient.shape[1])

    def sigma(self, rows: int) -> float:
        """Root mean square of the last `rows` residuals."""
        return root_mean_square(self.residuals[-rows:])

    @property
    def explained(self) -> float:
        """The share of the variance of w that the model explains, adjusted for its parameters."""
        n, k = len(self.residuals), self.orders.coefficients
        return max(0.0, 1 - self._left * (n - 1) / (n - 1 - k)) if n > k + 1 else 0.0

    @property
    def evidence(self) -> float:
        """By how much the mean of w alone is worse in AICc; on noise below 8 in 19 of 20 cases."""
        n = len(self.residuals)
        if not self.orders.coefficients or not self._left:
            return math.inf if self.orders.coefficients else 0.0
        return _penalty(n, 1) - _penalty(n, self.parameters) - n * math.log(self._left)

    @property
    def _left(self) -> float:
        """The share of the variance of w that the residuals have."""
        whole = self.w[-len(self.residuals) :]
        spread = root_mean_square(whole - whole.mean())
        return (root_mean_square(self.residuals) / spread) ** 2 if spread else 0.0

    def in_units(self, loc: float, scale: float) -> LinearModel:
        """Return the same model of `loc + scale z`."""
        return replace(
            self,
            mean=scale * self.mean + (0.0 if self.orders.lost else loc),
            w=scale * self.w + (0.0 if self.orders.lost else loc),
            residuals=scale * self.residuals,
            aicc=self.aicc + 2 * len(self.residuals) * math.log(scale),
        )

    def to_json(self) -> dict[str, Any]:
        """Return name and coefficients as plain values."""
        return {
            "name": self.orders.name,
            "mean": self.mean,
            "ar": self.ar.tolist(),
            "ma": self.ma.tolist(),
            "parameters": self.parameters,
            "rows": len(self.residuals),
            "explained": self.explained,
            "evidence": plain_number(self.evidence),
            "residual_sd": self.sigma(len(self.residuals)),
            "aicc": plain_number(self.aicc),
        }


def most_lags(rows: int) -> int:
    """The largest p of an AR: 10 log10 of the rows (as in R's `ar`), at most a quarter of them.

    Example:
        >>> most_lags(144), most_lags(20), most_lags(5000)
        (21, 5, 36)
    """
    return int(min(10 * math.log10(rows), rows / 4))


def fit_ar(z: FloatArray, *, d: int = 0, D: int = 0, season: int = 1) -> LinearModel:
    """Fit an AR(p) to `z (N,)` by ordinary least squares, p from 0 to `most_lags` by AIC.

    Args:
        z: 20 rows or more after the differences.
        d: differences of one row.
        D: seasonal differences.
        season: rows in a season.

    Raises:
        MissingExtraError: if statsmodels' SciPy is not installed.
    """
    w = difference(z, d, D, season)
    most = most_lags(len(w))
    rows = lag_matrix(w, most)
    y = w[most:]
    q, _ = np.linalg.qr(rows)
    left = np.maximum(float(y @ y) - np.cumsum((q.T @ y) ** 2), len(y) * _EXACT)
    p = int(np.argmin(len(y) * np.log(left) + 2 * np.arange(most + 1)))
    rows, y = lag_matrix(w, p), w[p:]
    beta = np.linalg.lstsq(rows, y, rcond=None)[0]
    residuals = y - rows @ beta
    slack = 1 - float(beta[1:].sum())
    return LinearModel(
        orders=Orders(p=p, d=d, D=D, season=season),
        mean=float(beta[0]) / slack if abs(slack) > 1e-8 else float(w.mean()),
        ar=np.asarray(beta[1:], dtype=np.float64),
        ma=np.empty(0),
        w=w,
        residuals=residuals,
        gradient=rows,
        aicc=_aicc(residuals, p + 1),
    )


def fit_arima(z: FloatArray, *, d: int = 0, D: int = 0, season: int = 1) -> LinearModel:
    """Fit an ARIMA to `z (N,)`, the orders of both parts by AICc.

    p and q go to 3, their sum to 4. With a season P and Q go to 1: first p and q are chosen with
    (P, Q) = (0, D), then P and Q, then p and q again. All candidates are compared on the same rows;
    of those within 2 of the smallest AICc the one with the fewest coefficients is taken.

    Args:
        z: 20 rows or more after the differences.
        d: differences of one row.
        D: seasonal differences.
        season: rows in a season; 1 leaves the seasonal part out.

    Raises:
        MissingExtraError: if SciPy is not installed.
    """
    w = difference(z, d, D, season)
    rows = len(w)
    most = min(_MOST_ORDER, rows // 10)
    short = [(p, q) for p in range(most + 1) for q in range(most + 1) if p + q <= _MOST_ORDERS]
    long = [(0, 0)]
    if season > 1 and rows >= 3 * season:
        long = [(0, 0), (0, 1)] + ([(1, 0), (1, 1)] if rows >= 4 * season + most else [])
    skip = most + season * max(P for P, _ in long)
    search = _Search(w, skip, d, D, season)
    start = (0, D) if (0, D) in long else (0, 0)
    best = search.best([(p, q, *start) for p, q in short])
    best = search.best([(best.p, best.q, *seasonal) for seasonal in long])
    best = search.best([(p, q, best.P, best.Q) for p, q in short])
    return search.fits[best]


class _Search:
    """The fits of one series, each made once."""

    def __init__(self, w: FloatArray, skip: int, d: int, D: int, season: int) -> None:
        self.fits: dict[Orders, LinearModel] = {}
        self._w, self._skip, self._difference = w, skip, (d, D, season)

    def best(self, candidates: Sequence[tuple[int, int, int, int]]) -> Orders:
        """Return the orders with the fewest coefficients of those near the smallest AICc."""
        d, D, season = self._difference
        orders = [Orders(p, d, q, P, D, Q, season) for p, q, P, Q in candidates]
        for order in orders:
            if order not in self.fits:
                self.fits[order] = fit(self._w, order, self._skip)
        least = min(self.fits[order].aicc for order in orders)
        near = [order for order in orders if self.fits[order].aicc < least + _SIMPLER]
        return min(near, key=lambda order: (order.coefficients, self.fits[order].aicc))


def fit(w: FloatArray, orders: Orders, skip: int) -> LinearModel:
    """Fit one model to `w (n,)`, a series after its differences, by conditional least squares.

    Args:
        w: the series; not constant.
        orders: the differences in them are taken as done. A mean is fitted with less than two.
        skip: rows at the start that are left out of the sum of squares.

    Raises:
        MissingExtraError: if SciPy is not installed.
    """
    optimize = load("scipy.optimize")
    center, scale = float(w.mean()), float(w.std()) or 1.0
    with_mean = orders.d + orders.D < 2
    x = (w - (center if with_mean else 0.0)) / scale

    def residuals(u: FloatArray) -> FloatArray:
        ar, ma = _polynomials(u, orders)
        level = u[-1] if with_mean else 0.0
        return _filter(ar, ma, x - level)[skip:]

    u = np.append(_start(x, orders), np.zeros(int(with_mean)))
    if len(u):
        found = optimize.least_squares(residuals, u, method="lm", max_nfev=_EVALUATIONS)
        u, gradient = found.x, found.jac
    else:
        gradient = np.empty((len(x) - skip, 0))
    ar, ma = _polynomials(u, orders)
    e = residuals(u) * scale
    mean = center + scale * float(u[-1]) if with_mean else 0.0
    return LinearModel(orders, mean, -ar[1:], ma[1:], w, e, gradient, _aicc(e, len(u)))


def _start(x: FloatArray, orders: Orders) -> FloatArray:
    """Return free parameters to start from, by the method of Hannan and Rissanen.

    The residuals of a long autoregression stand for the unknown past errors, on which and on the
    past values one regression gives all coefficients (E. J. Hannan and J. Rissanen, Biometrika 69,
    1982). From zeros the search would not start: there an AR and an MA coefficient do the same.
    """
    season = orders.season
    lags = {*range(1, _LONG + 1), *(range(season, season + _MOST_ORDER + 1) if season > 1 else ())}
    errors = x - _on_past(x, sorted(lags))
    values = [*range(1, orders.p + 1), *([season] * orders.P)]
    past = [*range(1, orders.q + 1), *([season] * orders.Q)]
    columns = [lagged(x, lag) for lag in values] + [lagged(errors, lag) for lag in past]
    if not columns:
        return np.empty(0)
    beta = np.linalg.lstsq(np.column_stack(columns), x, rcond=None)[0]
    p, P, q, Q = np.split(beta, np.cumsum([orders.p, orders.P, orders.q]))
    return np.concatenate([_free(part) for part in (p, -q, P, -Q)])


def _on_past(x: FloatArray, lags: Sequence[int]) -> FloatArray:
    """Return what a regression of `x (n,)` on these lags explains of it."""
    columns = np.column_stack([lagged(x, lag) for lag in lags if lag < len(x) // 2])
    return np.asarray(columns @ np.linalg.lstsq(columns, x, rcond=None)[0])


def _free(phi: FloatArray) -> FloatArray:
    """Return the free parameters of `1 - phi_1 B - ...`, moved inward to where it is stable."""
    partials = np.empty(len(phi))
    for k in range(len(phi) - 1, -1, -1):
        partials[k] = np.clip(phi[k], -_STABLE, _STABLE)
        phi = (phi[:k] + partials[k] * phi[:k][::-1]) / (1 - partials[k] ** 2)
    return np.arctanh(partials)


def _filter(ar: FloatArray, ma: FloatArray, x: FloatArray) -> FloatArray:
    """Return e of `θ(B) e = φ(B) x`, zeros before the first row."""
    return np.asarray(load("scipy.signal").lfilter(ar, ma, x))


def _polynomials(u: FloatArray, orders: Orders) -> tuple[FloatArray, FloatArray]:
    """Return `φ(B) Φ(B^s)` and `θ(B) Θ(B^s)` from free parameters, lowest power first."""
    p, q, P, Q = (_stable(part) for part in np.split(u, np.cumsum(
        [orders.p, orders.q, orders.P, orders.Q]))[:4])  # fmt: skip
    return np.convolve(p, _spread(P, orders.season)), np.convolve(q, _spread(Q, orders.season))


def _stable(u: FloatArray) -> FloatArray:
    """Return a polynomial with its roots outside the unit circle, from free parameters (k,).

    Their hyperbolic tangents are partial autocorrelations; the Durbin-Levinson recursion does the
    rest (Monahan 1984).
    """
    phi = np.empty(0)
    for partial in np.tanh(u):
        phi = np.append(phi - partial * phi[::-1], partial)
    return np.append(1.0, -phi)


def _spread(polynomial: FloatArray, season: int) -> FloatArray:
    spread = np.zeros((len(polynomial) - 1) * season + 1)
    spread[::season] = polynomial
    return spread


def _aicc(e: FloatArray, parameters: int) -> float:
    """The corrected Akaike criterion of n residuals of a series of variance 1."""
    variance = max(float(np.mean(e**2)), _EXACT)
    return len(e) * math.log(variance) + _penalty(len(e), parameters)


def _penalty(n: int, parameters: int) -> float:
    """What parameters cost in AICc; the variance counts as one."""
    k = parameters + 1
    return 2 * k + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else math.inf


def choose(models: Sequence[LinearModel]) -> LinearModel:
    """Return the best of models of the same series, the first one being the simplest.

    They are compared by AICc on the rows that all have residuals of; the first is taken where it is
    worse by less than 2.
    """
    rows = min(len(model.residuals) for model in models)
    criteria = [_aicc(model.residuals[-rows:], model.parameters) for model in models]
    best = int(np.argmin(criteria))
    return models[0] if criteria[0] < criteria[best] + _SIMPLER else models[best]
