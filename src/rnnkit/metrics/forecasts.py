"""Scores of forecasts and of their intervals on NumPy arrays, in the units of the data.

    MAE   = mean |a - f|
    RMSE  = sqrt(mean (a - f)²)
    MAPE  = 100 · mean |a - f| / |a|                 percent
    sMAPE = 100 · mean 2 |a - f| / (|a| + |f|)       percent, 0..200
    MASE  = mean |a - f| / q,   q = mean |y_t - y_{t-m}| on the training part, m the season

and, of an interval from l to u that should hold the share 1 - α,

    coverage       = mean [l <= a <= u]              0..1, at best 1 - α
    width          = mean (u - l)
    interval score = mean (u - l) + 2/α (l - a) [a < l] + 2/α (a - u) [a > u]

Sources: R. J. Hyndman and A. B. Koehler, "Another look at measures of forecast accuracy",
International Journal of Forecasting 22 (2006), sections 2 and 3 (all but sMAPE);
S. Makridakis, E. Spiliotis and V. Assimakopoulos, "The M4 Competition", International Journal of
Forecasting 36 (2020), section 3.1 (sMAPE in the form used here, and MASE with a season) and
section 3.2 (the interval score divided by MASE's q, MSIS); T. Gneiting and A. E. Raftery, "Strictly
Proper Scoring Rules, Prediction, and Estimation", Journal of the American Statistical Association
102 (2007), section 6.2, equation 43 (the interval score); R. L. Winkler, "A Decision-Theoretic
Approach to Interval Estimation", ibid. 67 (1972), where it comes from.

Every function takes arrays of any equal shape, `actual` first, computes in float64 and returns one
float. A NaN in `actual` says that the value was not observed: the entry is left out, and a score
without an observed entry is NaN. A NaN in a forecast of an observed value makes the score NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnkit.errors import ConfigError, ShapeError

FloatArray = NDArray[np.float64]


def mae(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Return the mean absolute error, `mean |a - f|`.

    Args:
        actual: what happened, any shape, in the units of the data.
        forecast: what was forecast, the shape of `actual`.

    Raises:
        ShapeError: if the shapes differ or hold no value.

    Example:
        >>> mae([1.0, 2.0], [2.0, 4.0])
        1.5
    """
    a, f = _observed(actual, forecast=forecast)
    return _mean(np.abs(a - f))


def rmse(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Return the root of the mean squared error, `sqrt(mean (a - f)²)`.

    Args:
        actual: what happened, any shape, in the units of the data.
        forecast: what was forecast, the shape of `actual`.

    Raises:
        ShapeError: if the shapes differ or hold no value.

    Example:
        >>> rmse([1.0, 2.0], [2.0, 9.0])
        5.0
    """
    a, f = _observed(actual, forecast=forecast)
    return float(np.sqrt(_mean((a - f) ** 2)))


def mape(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Return the mean absolute percentage error, `100 · mean |a - f| / |a|`.

    Args:
        actual: what happened, any shape.
        forecast: what was forecast, the shape of `actual`.

    Returns:
        Percent, 0 or more; NaN when an actual value is 0, where the score is undefined.

    Raises:
        ShapeError: if the shapes differ or hold no value.

    Example:
        >>> mape([1.0, 2.0], [2.0, 4.0])
        100.0
        >>> mape([0.0, 2.0], [2.0, 4.0])
        nan
    """
    a, f = _observed(actual, forecast=forecast)
    if np.any(a == 0):
        return float("nan")
    return 100 * _mean(np.abs(a - f) / np.abs(a))


def smape(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Return the symmetric percentage error, `100 · mean 2 |a - f| / (|a| + |f|)`.

    Args:
        actual: what happened, any shape.
        forecast: what was forecast, the shape of `actual`.

    Returns:
        Percent, 0..200. Where both values are 0 the forecast was exact and the term counts as 0.

    Raises:
        ShapeError: if the shapes differ or hold no value.

    Example:
        >>> smape([1.0, 0.0], [3.0, 0.0])
        50.0
    """
    a, f = _observed(actual, forecast=forecast)
    size = np.abs(a) + np.abs(f)
    terms = np.divide(2 * np.abs(a - f), size, out=np.zeros_like(size), where=size != 0)
    return 100 * _mean(terms)


def mase_scale(train: ArrayLike, season: int) -> FloatArray:
    """Return what MASE divides by: the seasonal naive error in sample, `mean |y_t - y_{t-m}|`.

    The mean is over the rows `t` of which both values were observed, that is, are not NaN.

    Args:
        train: `(N,)` or `(N, K)`: the part that the model was fitted on, in order of time.
        season: rows in a season, 1 or more. Where the part is shorter than `season + 1` rows,
            1 is taken.

    Returns:
        `()` or `(K,)` float64, one scale a column; NaN where no two values can be compared.

    Raises:
        ShapeError: if `train` has neither one nor two dimensions, or `season` is below 1.

    Example:
        >>> float(mase_scale([1.0, 2.0, 4.0, 8.0], season=2))
        4.5
        >>> float(mase_scale([1.0, float("nan"), 4.0, 8.0], season=2))
        3.0
    """
    y = np.asarray(train, dtype=np.float64)
    if y.ndim not in (1, 2):
        raise ShapeError(f"train must be (N,) or (N, K), got shape {y.shape}")
    if season < 1:
        raise ShapeError(f"season must be 1 or more rows, got {season}")
    lag = season if len(y) > season else 1
    steps = np.abs(y[lag:] - y[:-lag])
    observed = ~np.isnan(steps)
    if len(steps) and observed.all():
        return np.asarray(np.mean(steps, axis=0), dtype=np.float64)
    count = observed.sum(axis=0)
    total = np.where(observed, steps, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0))


def mase(actual: ArrayLike, forecast: ArrayLike, scale: ArrayLike) -> float:
    """Return the mean absolute scaled error, `mean |a - f| / scale`.

    Below 1 the forecast errs less than the seasonal naive forecast did, one season ahead, on the
    training part.

    Args:
        actual: what happened, any shape.
        forecast: what was forecast, the shape of `actual`.
        scale: from `mase_scale`, of a shape that broadcasts to that of `actual`: a number, `(K,)`
            for one a column, `(M, 1, K)` for forecasts of several series. Entries whose scale is 0
            or NaN (a constant or too short training part) are left out, since no error is large or
            small beside them.

    Returns:
        0 or more; NaN when no entry is left.

    Raises:
        ShapeError: if the shapes differ or hold no value, or `scale` does not fit them.

    Example:
        >>> mase([10.0, 12.0], [11.0, 15.0], scale=4.0)
        0.5
        >>> mase([10.0, 12.0], [11.0, 15.0], scale=[2.0, 0.0])
        0.5
    """
    a, f, q = _observed(actual, forecast=forecast, scale=scale)
    return _mean(np.abs(a - f) / q)


def score(actual: ArrayLike, forecast: ArrayLike, *, scale: ArrayLike) -> dict[str, float]:
    """Return all five scores under the names that `metrics.json` uses.

    Args:
        actual: what happened, any shape.
        forecast: what was forecast, the shape of `actual`.
        scale: what MASE divides by, from `mase_scale`.

    Returns:
        `mae`, `rmse`, `mape`, `smape` and `mase`; NaN where a score is undefined.

    Raises:
        ShapeError: if the shapes differ or hold no value, or `scale` does not fit them.

    Example:
        >>> score([10.0, 20.0], [11.0, 18.0], scale=3.0)["mase"]
        0.5
    """
    return {
        "mae": mae(actual, forecast),
        "rmse": rmse(actual, forecast),
        "mape": mape(actual, forecast),
        "smape": smape(actual, forecast),
        "mase": mase(actual, forecast, scale),
    }


def coverage(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Return the share of what happened that lies in the intervals, `mean [l <= a <= u]`.

    Args:
        actual: what happened, any shape.
        lower: ends of the intervals, the shape of `actual`.
        upper: their other ends, not below `lower`.

    Returns:
        0..1; intervals of 80 % should come near 0.8.

    Raises:
        ShapeError: if the shapes differ or hold no value.

    Example:
        >>> coverage([1.0, 2.0, 9.0, float("nan")], [0.0, 2.0, 0.0, 0.0], [3.0, 3.0, 3.0, 3.0])
        0.6666666666666666
    """
    a, low, high = _observed(actual, lower=lower, upper=upper)
    inside = ((low <= a) & (a <= high)).astype(np.float64)
    return _mean(np.where(np.isnan(low) | np.isnan(high), np.nan, inside))


def interval_width(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Return the mean width of the intervals about values that were observed, `mean (u - l)`.

    Args:
        actual: what happened, any shape; says only which entries count.
        lower: ends of the intervals, the shape of `actual`, in the units of the data.
        upper: their other ends, not below `lower`.

    Raises:
        ShapeError: if the shapes differ or hold no value.

    Example:
        >>> interval_width([1.0, float("nan")], [0.0, 0.0], [3.0, 9.0])
        3.0
    """
    _, low, high = _observed(actual, lower=lower, upper=upper)
    return _mean(high - low)


def interval_score(
    actual: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, level: float, scale: ArrayLike = 1.0
) -> float:
    """Return the mean interval score: the width, and a fine for what lies outside.

    Intervals that are too wide and such that miss too often both score badly; the expected score
    is smallest where the ends are the quantiles α/2 and 1 - α/2.

    Args:
        actual: what happened, any shape.
        lower: ends of the intervals, the shape of `actual`.
        upper: their other ends, not below `lower`.
        level: percent that the intervals should hold, `100 (1 - α)`, above 0 and below 100.
        scale: as in `mase`; with a scale the score is the M4 competition's MSIS.

    Returns:
        0 or more, in the units of the data over those of `scale`; the smaller the better. NaN when
        no entry is left.

    Raises:
        ShapeError: if the shapes differ or hold no value, or `scale` does not fit them.
        ConfigError: if `level` does not lie between 0 and 100.

    Example:
        >>> interval_score([5.0, 12.0], [4.0, 4.0], [10.0, 10.0], level=80)
        16.0
    """
    if not 0 < level < 100:
        raise ConfigError(f"level must be above 0 and below 100 %, got {level}")
    a, low, high, q = _observed(actual, lower=lower, upper=upper, scale=scale)
    missed = np.maximum(low - a, 0) + np.maximum(a - high, 0)
    return _mean((high - low + 200 / (100 - level) * missed) / q)


def _observed(
    actual: ArrayLike, *, scale: ArrayLike | None = None, **forecasts: ArrayLike
) -> list[FloatArray]:
    """Return `actual`, each of `forecasts` and `scale`, the entries that count of each.

    Where all count, arrays keep their shape, and with it the order in which sums are taken.
    """
    a = np.asarray(actual, dtype=np.float64)
    arrays = [a]
    for name, values in forecasts.items():
        array = np.asarray(values, dtype=np.float64)
        if array.shape != a.shape:
            raise ShapeError(f"{name} must have the shape of actual {a.shape}, got {array.shape}")
        arrays.append(array)
    if a.size == 0:
        raise ShapeError(f"a score needs at least one value, got shape {a.shape}")
    counts = ~np.isnan(a)
    if scale is not None:
        q = np.asarray(scale, dtype=np.float64)
        try:
            arrays.append(np.broadcast_to(q, a.shape))
        except ValueError:
            raise ShapeError(
                f"scale must broadcast to the shape of actual {a.shape}, got shape {q.shape}"
            ) from None
        counts &= arrays[-1] > 0
    return arrays if counts.all() else [values[counts] for values in arrays]


def _mean(terms: FloatArray) -> float:
    return float(np.mean(terms)) if terms.size else float("nan")
