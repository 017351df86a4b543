"""Scores of predicted numbers.

    R² = 1 - sum (a - p)² / sum (a - mean a)²

Source: T. O. Kvålseth, "Cautionary Note about R²", The American Statistician 39 (1985), equation 1,
the one he recommends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnnkit.errors import ShapeError
from rnnkit.metrics.forecasts import mae, rmse


def r2(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of the squares about the mean that the predictions explain.

    Args:
        actual: `(S,)`, or `(S, K)` for the mean of `K` targets' R². A NaN was not observed and is
            left out.
        predicted: of the same shape.

    Returns:
        1 at best; 0 for the mean of `actual`; below 0 for worse. A target that does not vary, or
        has no value, has none and is left out of the mean; NaN where no target has one.

    Raises:
        ShapeError: if the shapes differ, are none of the two or hold no value.

    Example:
        >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
        0.5
        >>> r2([2.0, 2.0], [1.0, 2.0])
        nan
    """
    a = np.asarray(actual, dtype=np.float64)
    p = np.asarray(predicted, dtype=np.float64)
    if a.shape != p.shape or a.ndim not in (1, 2) or not a.size:
        raise ShapeError(
            "actual and predicted must be (S,) or (S, K) numbers of the same examples, at least "
            f"one, got shapes {a.shape} and {p.shape}"
        )
    shares = []
    for target, guess in zip(np.atleast_2d(a.T), np.atleast_2d(p.T), strict=True):
        observed = ~np.isnan(target)
        if observed.any() and np.ptp(target[observed]) > 0:
            left = target[observed] - guess[observed]
            spread = target[observed] - target[observed].mean()
            shares.append(1 - np.sum(left**2) / np.sum(spread**2))
    return float(np.mean(shares)) if shares else float("nan")


def number_scores(actual: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """Return the scores of predicted numbers under the names that `metrics.json` uses.

    Args:
        actual: `(S,)` or `(S, K)`; NaN where a value was not observed.
        predicted: of the same shape.

    Returns:
        `rmse` and `mae` over all values, in their units, and `r2`; NaN where one is undefined.

    Raises:
        ShapeError: as in `r2`.

    Example:
        >>> number_scores([1.0, 2.0, 3.0], [1.0, 2.0, 6.0])["mae"]
        1.0
    """
    return {
        "rmse": rmse(actual, predicted),
        "mae": mae(actual, predicted),
        "r2": r2(actual, predicted),
    }
