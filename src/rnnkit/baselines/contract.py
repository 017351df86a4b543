"""What every baseline is: fitted once on the known rows of a series, then asked at any later row.

An origin `o` stands between row `o - 1`, the last that is known, and row `o`, the first to be
forecast. A forecast at `o` is a function of rows `0..o-1` and of nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rnnkit.errors import RnnkitError, ShapeError
from rnnkit.messages import Message

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class SkipBaseline(RnnkitError):  # noqa: N818  (a signal to the caller, like StopIteration)
    """The baseline makes no sense for this series or would take too long; `reason` says why.

    Example:
        >>> str(SkipBaseline(Message("needs a season longer than one row")).reason)
        'needs a season longer than one row'
    """

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Track:
    """One series as a baseline sees it.

    Args:
        values: `(N, K)` float64, one column a target, missing ones carried forward (no NaN).
        known: rows to fit on, 1 or more.
        origins: `(m,)` int64, each in `known..N`; may be empty.
    """

    values: FloatArray
    known: int
    origins: IntArray


class Baseline(Protocol):
    """A forecast that a network has to beat."""

    name: str
    """As printed; a baseline that can use less than it was given says so in its name."""

    def plan(self, tracks: Sequence[Track], *, season: int, seconds: float) -> tuple[Message, ...]:
        """Look at all series before any is fitted, and choose what can be afforded for them.

        Args:
            tracks: of all series that are to be forecast.
            season: rows in a season; 1 when the series have none or it is unknown.
            seconds: that all fits and forecasts together may take, on one core.

        Returns:
            What will be done otherwise for some of the series.

        Raises:
            SkipBaseline: if the baseline is not installed or would take longer.
        """

    def fit(self, train: FloatArray, *, season: int, horizon: int) -> None:
        """Learn what there is to learn from the known rows of a series.

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
            SkipBaseline: if the rows before one of the origins forbid it; asked for the earlier
                origins alone, it still forecasts.
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
    """Raise ShapeError unless the arguments of `Baseline.forecast` fit the known rows.

    An origin inside the rows that were fitted is refused: the fit has seen what follows it.
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


def too_few_rows(needed: int, rows: int) -> Message:
    """Return the reason of a baseline that needs more rows than a series has."""
    return Message(
        "needs at least {needed:,} rows before the test part, got {rows:,}",
        {"needed": needed, "rows": rows},
    )


def too_long(estimate: float, seconds: float) -> Message:
    """Return the reason of a baseline whose estimated seconds are more than it may take."""
    return Message(
        "would take about {estimate:,.0f} s, more than {seconds:,g}",
        {"estimate": estimate, "seconds": seconds},
    )
