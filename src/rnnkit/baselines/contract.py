"""What every baseline is: fitted once on the training part, then asked at any later row.

An origin `o` stands between row `o - 1`, the last that is known, and row `o`, the first to be
forecast. A forecast at `o` is a function of rows `0..o-1` and of nothing else.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rnnkit.errors import RnnkitError, ShapeError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class SkipBaseline(RnnkitError):  # noqa: N818  (a signal to the caller, like StopIteration)
    """The baseline makes no sense for this series or would take too long; `reason` says why.

    Example:
        >>> SkipBaseline("needs a season longer than one row").reason
        'needs a season longer than one row'
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Baseline(Protocol):
    """A forecast that a network has to beat."""

    name: str
    """As printed; a baseline that can use less than it was given says so in its name."""

    def fit(self, train: FloatArray, *, season: int, horizon: int) -> None:
        """Learn what there is to learn from the training part.

        Args:
            train: `(N, K)` float64, rows `0..N-1` of the series, one column a target.
            season: rows in a season; 1 when the series has none or it is unknown.
            horizon: rows to forecast at each origin, 1 or more.

        Raises:
            SkipBaseline: if this baseline has nothing to say about the series.
            ShapeError: if `train` is not `(N, K)`, or `season` or `horizon` is below 1.
        """

    def forecast(self, values: FloatArray, origins: IntArray) -> FloatArray:
        """Forecast `horizon` rows from each origin.

        Args:
            values: `(N', K)` float64, the series from the same row 0 as `train`.
            origins: `(M,)` int64, each in `N..N'`.

        Returns:
            `(M, horizon, K)` float64.

        Raises:
            SkipBaseline: if the rows since the training part, or their number, forbid it.
            ShapeError: if `values` is not `(N', K)` or an origin lies outside `N..N'`.
        """


def check_fit(train: FloatArray, season: int, horizon: int) -> None:
    """Raise ShapeError unless the arguments of `Baseline.fit` can be used."""
    if train.ndim != 2 or not train.size:
        raise ShapeError(f"train must be (rows, columns) with a value, got shape {train.shape}")
    if season < 1 or horizon < 1:
        raise ShapeError(
            f"season and horizon must be 1 or more rows, got season {season}, horizon {horizon}"
        )


def check_origins(values: FloatArray, origins: IntArray, train_shape: tuple[int, ...]) -> None:
    """Raise ShapeError unless the arguments of `Baseline.forecast` fit the training part.

    An origin inside the training part is refused: what was fitted there has seen what follows it.
    """
    rows, columns = train_shape
    if values.ndim != 2 or values.shape[1] != columns:
        raise ShapeError(f"values must be (rows, {columns}) like train, got shape {values.shape}")
    if origins.ndim != 1 or not origins.size:
        raise ShapeError(f"origins must be (M,) with at least one, got shape {origins.shape}")
    first, last = int(origins.min()), int(origins.max())
    if first < rows or last > len(values):
        raise ShapeError(
            f"origins must lie in {rows}..{len(values)} (after the training part, within values), "
            f"got {first}..{last}"
        )
