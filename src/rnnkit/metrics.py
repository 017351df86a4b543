"""Scores of point forecasts on NumPy arrays, in the units of the data.

    MAE   = mean |a - f|
    RMSE  = sqrt(mean (a - f)²)
    MAPE  = 100 · mean |a - f| / |a|                 percent
    sMAPE = 100 · mean 2 |a - f| / (|a| + |f|)       percent, 0..200
    MASE  = mean |a - f| / q,   q = mean |y_t - y_{t-m}| on the training part, m the season

Sources: R. J. Hyndman and A. B. Koehler, "Another look at measures of forecast accuracy",
International Journal of Forecasting 22 (2006), sections 2 and 3 (all but sMAPE);
S. Makridakis, E. Spiliotis and V. Assimakopoulos, "The M4 Competition", International Journal of
Forecasting 36 (2020), section 3.1 (sMAPE in the form used here, and MASE with a season).

Every function takes arrays of any equal shape, `actual` before `forecast`, computes in float64 and
returns one float. A NaN in either array makes the score NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnkit.errors import ShapeError

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
    a, f = _pair(actual, forecast)
    return float(np.mean(np.abs(a - f)))


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
    a, f = _pair(actual, forecast)
    return float(np.sqrt(np.mean((a - f) ** 2)))


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
    a, f = _pair(actual, forecast)
    if np.any(a == 0):
        return float("nan")
    return float(100 * np.mean(np.abs(a - f) / np.abs(a)))


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
    a, f = _pair(actual, forecast)
    size = np.abs(a) + np.abs(f)
    terms = np.divide(2 * np.abs(a - f), size, out=np.zeros_like(size), where=size != 0)
    return float(100 * np.mean(terms))


def mase_scale(train: ArrayLike, season: int) -> FloatArray:
    """Return what MASE divides by: the seasonal naive error in sample, `mean |y_t - y_{t-m}|`.

    Args:
        train: `(N,)` or `(N, K)`: the part that the model was fitted on, in order of time.
        season: rows in a season, 1 or more. Where the part is shorter than `season + 1` rows,
            1 is taken.

    Returns:
        `()` or `(K,)` float64, one scale a column; NaN when there are fewer than two rows.

    Raises:
        ShapeError: if `train` has neither one nor two dimensions, or `season` is below 1.

    Example:
        >>> float(mase_scale([1.0, 2.0, 4.0, 8.0], season=2))
        4.5
    """
    y = np.asarray(train, dtype=np.float64)
    if y.ndim not in (1, 2):
        raise ShapeError(f"train must be (N,) or (N, K), got shape {y.shape}")
    if season < 1:
        raise ShapeError(f"season must be 1 or more rows, got {season}")
    lag = season if len(y) > season else 1
    if len(y) <= lag:
        return np.full(y.shape[1:], np.nan)
    return np.asarray(np.mean(np.abs(y[lag:] - y[:-lag]), axis=0), dtype=np.float64)


def mase(actual: ArrayLike, forecast: ArrayLike, scale: ArrayLike) -> float:
    """Return the mean absolute scaled error, `mean |a - f| / scale`.

    Below 1 the forecast errs less than the seasonal naive forecast did, one season ahead, on the
    training part.

    Args:
        actual: what happened, any shape.
        forecast: what was forecast, the shape of `actual`.
        scale: from `mase_scale`: a number, or one a column where the last dimension is columns.

    Returns:
        0 or more; NaN when a scale is 0 or NaN (a constant or too short training part).

    Raises:
        ShapeError: if the shapes differ or hold no value, or `scale` does not fit them.

    Example:
        >>> mase([10.0, 12.0], [11.0, 15.0], scale=4.0)
        0.5
    """
    a, f = _pair(actual, forecast)
    q = np.asarray(scale, dtype=np.float64)
    if q.ndim > 1 or (q.ndim == 1 and q.shape != a.shape[-1:]):
        raise ShapeError(
            f"scale must be one number or one for each of the last dimension of actual "
            f"{a.shape}, got shape {q.shape}"
        )
    if np.any(q == 0):
        return float("nan")
    return float(np.mean(np.abs(a - f) / q))


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


def _pair(actual: ArrayLike, forecast: ArrayLike) -> tuple[FloatArray, FloatArray]:
    a = np.asarray(actual, dtype=np.float64)
    f = np.asarray(forecast, dtype=np.float64)
    if a.shape != f.shape:
        raise ShapeError(f"forecast must have the shape of actual {a.shape}, got {f.shape}")
    if a.size == 0:
        raise ShapeError(f"a score needs at least one value, got shape {a.shape}")
    return a, f
