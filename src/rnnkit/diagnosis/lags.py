"""A series beside its own past: differences and lags."""

from __future__ import annotations

import numpy as np

from rnnkit.diagnosis.contract import FloatArray


def difference(z: FloatArray, d: int, D: int, season: int) -> FloatArray:
    """Return `z (N,)` after `D` seasonal differences and `d` of one row, `(N - d - D season,)`.

    Example:
        >>> difference(np.array([1.0, 4.0, 2.0, 8.0]), 1, 1, 2).tolist()
        [3.0]
    """
    for _ in range(D):
        z = z[season:] - z[:-season]
    return np.diff(z, n=d)


def lag_matrix(w: FloatArray, p: int) -> FloatArray:
    """Return `(n - p, 1 + p)`: ones, and the 1st to p-th value before each row."""
    return np.column_stack(
        [np.ones(len(w) - p), *(w[p - lag : len(w) - lag] for lag in range(1, p + 1))]
    )


def lagged(x: FloatArray, lag: int) -> FloatArray:
    """Return `x (n,)` of `lag` rows before, zeros before the first row."""
    return np.concatenate([np.zeros(min(lag, len(x))), x[:-lag]])
