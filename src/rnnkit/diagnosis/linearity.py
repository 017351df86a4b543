"""Is what a linear model leaves linear: a threshold test that unequal variance does not set off.

Under the alternative the response to a past value changes its level and its slope where that value
crosses a threshold (a self-exciting threshold autoregression, SETAR). Neither the delay d nor the
threshold c is known, so that the statistic is the largest over a grid of both:

    Z_t = 1[w_{t-d} > c] (1, w_{t-d}), less its projection on the gradient of the model's residuals,
          so that the estimation of the model is allowed for
    b = (Z'Z)⁻¹ Z'e,   u = e - Z b,   V = Σ u_t² Z_t Z_t'
    statistic = max over d and c of (Z'e)' V⁻¹ (Z'e)

The p-value is that of a bootstrap: the whole statistic again, of residuals with random signs. `V`
is White's estimate, and random signs leave the size of every residual where it is. So the residuals
of an ARCH process pass: they are large after large ones, but of no predictable sign. That they
pass as often as they should on a few hundred rows too, all rows are first divided by the size that
their residual is expected to have after the three before it (H. Glejser, JASA 64, 1969); on 300
rows of an ARCH(1) process with a coefficient of 0.55 this halves the false alarms, to 1 % at 1 %.

Sources: H. Tong, "Non-linear Time Series" (1990), threshold models; B. E. Hansen, "Inference when a
nuisance parameter is not identified under the null hypothesis", Econometrica 64 (1996), the robust
statistic over a grid; R. Davidson and E. Flachaire, "The wild bootstrap, tamed at last", Journal of
Econometrics 146 (2008), the signs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnkit.diagnosis.contract import FloatArray
from rnnkit.diagnosis.lags import lag_matrix

FEWEST_ROWS = 50
DELAYS = 3
_THRESHOLDS = np.linspace(0.15, 0.85, 10)  # quantiles of the past values
_SIZE_LAGS = 3  # residuals before one that tell its expected size
_LEAST_SIZE = 0.3  # of the mean size
_DRAWS = 999
_AT_ONCE = 111  # draws in memory together


@dataclass(frozen=True, eq=False)
class ThresholdTest:
    """The result of `threshold_test`.

    Args:
        statistic: the largest of the grid.
        p_value: of the bootstrap, at least 1/1000.
        delay: `d` where the statistic is largest, in rows.
        threshold: `c` there, in the units of `w`.
        gain: the share of the residuals' variance that a change there explains.
        remaining: `(n,)` float64, what it leaves of the residuals.
    """

    statistic: float
    p_value: float
    delay: int
    threshold: float
    gain: float
    remaining: FloatArray


def threshold_test(
    w: FloatArray, residuals: FloatArray, gradient: FloatArray
) -> ThresholdTest | None:
    """Test whether a threshold in one of the last three values explains more than chance.

    Args:
        w: `(N,)` float64, the series that the model describes (after its differences).
        residuals: `(n,)` float64, those of the last n rows of `w`; 50 or more.
        gradient: `(n, k)` float64, their derivatives by the model's parameters.

    Returns:
        The result, or `None` where the past takes too few different values for a threshold.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> w = np.zeros(400)
        >>> for t in range(1, 400):
        ...     w[t] = (0.8 if w[t - 1] > 0 else -0.6) * w[t - 1] + rng.normal()
        >>> test = threshold_test(w, w - w.mean(), np.ones((400, 1)))
        >>> test.delay, test.p_value
        (1, 0.001)
    """
    skip = max(0, DELAYS - (len(w) - len(residuals)))
    first = len(w) - len(residuals) + skip
    expected = _expected_sizes(residuals[skip:])
    # An orthonormal basis of the gradient, without directions that are but rounding.
    basis, sizes, _ = np.linalg.svd(gradient[skip:] / expected[:, None], full_matrices=False)
    basis = basis[:, sizes > 1e-8 * sizes.max(initial=0.0)]
    e = residuals[skip:] / expected
    e = e - basis @ (basis.T @ e)
    places: list[tuple[int, float]] = []
    splits: list[FloatArray] = []
    for delay in range(1, DELAYS + 1):
        past = w[first - delay : len(w) - delay]
        for threshold in np.unique(np.quantile(past, _THRESHOLDS)):
            z = _split(past, float(threshold), expected, basis)
            if z is not None:
                places.append((delay, float(threshold)))
                splits.append(z)
    if not places:
        return None
    grid = _Grid.of(np.stack(splits), e)
    statistics = grid.statistics(np.ones((len(e), 1)))[:, 0]
    best = int(np.argmax(statistics))
    rng = np.random.default_rng(0)
    larger = 0
    for _ in range(_DRAWS // _AT_ONCE):
        signs: FloatArray = rng.choice(np.array([-1.0, 1.0]), (len(e), _AT_ONCE))
        larger += int((grid.statistics(signs).max(axis=0) >= statistics[best]).sum())
    z = splits[best]
    remaining = (e - z @ (z.T @ e)) * expected
    delay, threshold = places[best]
    return ThresholdTest(
        statistic=float(statistics[best]),
        p_value=(1 + larger) / (1 + _DRAWS),
        delay=delay,
        threshold=threshold,
        gain=max(0.0, 1 - float(np.var(remaining)) / float(np.var(e * expected))),
        remaining=remaining,
    )


def _expected_sizes(e: FloatArray) -> FloatArray:
    """Return `(n,)`, the sizes of residuals by least squares on those of the three before each."""
    sizes = np.abs(e)
    rows = lag_matrix(sizes, _SIZE_LAGS)
    fitted = rows @ np.linalg.lstsq(rows, sizes[_SIZE_LAGS:], rcond=None)[0]
    expected = np.concatenate([np.full(_SIZE_LAGS, sizes.mean()), fitted])
    return np.asarray(np.maximum(expected, _LEAST_SIZE * sizes.mean()))


def _split(
    past: FloatArray, threshold: float, expected: FloatArray, basis: FloatArray
) -> FloatArray | None:
    """Return an orthonormal `Z (n, 2)`; `None` where one side is nearly empty or adds no column."""
    above = past > threshold
    if not 0.1 <= above.mean() <= 0.9:  # as with values that repeat
        return None
    z = np.column_stack([above, past * above]).astype(np.float64)
    if not z[:, 1].any():  # the values above are all zero
        return None
    z /= expected[:, None]
    z /= np.linalg.norm(z, axis=0)
    z, sizes, _ = np.linalg.svd(z - basis @ (basis.T @ z), full_matrices=False)
    return np.asarray(z) if sizes[1] > 1e-6 else None


@dataclass(frozen=True, eq=False)
class _Grid:
    """The sums over rows that the statistics of all places are made of.

    With orthonormal columns `Z'Z = 1` and `b = Z'e`, the entries of V are those of
    `Σ (e - Z b)² (z1², z1 z2, z2²)`, which takes sums of second, third and fourth products.
    """

    first: FloatArray  # (places · 2, n) z e
    third: FloatArray  # (places · 4, n) z1³ e, z1² z2 e, z1 z2² e, z2³ e
    second: FloatArray  # (places, 3) Σ (z1², z1 z2, z2²) e²: the same for all signs
    fourth: FloatArray  # (places, 3, 3)

    @classmethod
    def of(cls, z: FloatArray, e: FloatArray) -> _Grid:
        z1, z2 = z[..., 0], z[..., 1]  # (places, n)
        products = np.stack([z1 * z1, z1 * z2, z2 * z2], axis=1)  # (places, 3, n)
        cubes = np.concatenate([products * z1[:, None], (z2**3)[:, None]], axis=1)
        return cls(
            first=(z.transpose(0, 2, 1) * e).reshape(-1, len(e)),
            third=(cubes * e).reshape(-1, len(e)),
            second=products @ e**2,
            fourth=products @ products.transpose(0, 2, 1),
        )

    def statistics(self, signs: FloatArray) -> FloatArray:
        """Return `(places, draws)` of residuals with `signs (n, draws)`."""
        draws = signs.shape[1]
        b1, b2 = np.moveaxis((self.first @ signs).reshape(-1, 2, draws), 1, 0)
        cubes = (self.third @ signs).reshape(-1, 4, draws)
        squares = np.stack([b1 * b1, 2 * b1 * b2, b2 * b2], axis=1)  # (places, 3, draws)
        v11, v12, v22 = np.moveaxis(
            self.second[:, :, None]
            - 2 * (cubes[:, :3] * b1[:, None] + cubes[:, 1:] * b2[:, None])
            + self.fourth @ squares,
            1,
            0,
        )
        determinant = np.maximum(v11 * v22 - v12 * v12, 1e-12 * v11 * v22)
        numerator = b1 * b1 * v22 - 2 * b1 * b2 * v12 + b2 * b2 * v11
        return np.asarray(numerator / determinant)
