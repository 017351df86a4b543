"""The four simple baselines of a series: a line of arithmetic each, and hard to beat.

With y the known values, o the origin, h = 1..H the step ahead and m the season:

    last value                    y_{o-1}
    seasonal naive                s_h = the value at the same place of the last known season
    seasonal naive × mean growth  s_h · g^k,  k = ceil(h / m),  log g = mean log(y_t / y_{t-m})
    drift                         y_{o-1} + h (y_{o-1} - y_0) / (o - 1)

Source of all but the third: R. J. Hyndman and G. Athanasopoulos, "Forecasting: Principles and
Practice" (3rd edition), section 5.2. The third is "last year × mean growth", growth being the
geometric mean over all known rows of the ratio to the same place a season before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from rnnkit.baselines.contract import (
    FloatArray,
    IntArray,
    SkipBaseline,
    Track,
    check_fit,
    check_origins,
    too_few_rows,
)
from rnnkit.messages import Message


class _Simple(ABC):
    """Keeps what `fit` was told; a subclass says what the series must hold, and one formula."""

    name: str
    _train_shape: tuple[int, ...]
    _season: int
    _horizon: int

    def plan(self, tracks: Sequence[Track], *, season: int, seconds: float) -> tuple[Message, ...]:
        """Say nothing: a line of arithmetic is always in time; see `Baseline.plan`."""
        return ()

    def fit(self, train: FloatArray, *, season: int, horizon: int) -> None:
        """Check that the series has what the formula needs; see `Baseline.fit`."""
        check_fit(train, season, horizon)
        self._require(train, season)
        self._train_shape, self._season, self._horizon = train.shape, season, horizon

    def forecast(self, values: FloatArray, origins: IntArray) -> FloatArray:
        """Forecast from each origin; see `Baseline.forecast`."""
        check_origins(values, origins, self._train_shape)
        steps = np.arange(1, self._horizon + 1)
        return self._formula(values, origins[:, None], steps)

    @abstractmethod
    def _require(self, train: FloatArray, season: int) -> None:
        """Raise SkipBaseline unless the formula makes sense for the series."""

    @abstractmethod
    def _formula(self, values: FloatArray, origins: IntArray, steps: IntArray) -> FloatArray:
        """Return `(M, H, K)` from `values (N', K)`, `origins (M, 1)` and `steps (H,)` = 1..H."""


class LastValue(_Simple):
    """The last known value, at every step.

    Example:
        >>> import numpy as np
        >>> baseline = LastValue()
        >>> baseline.fit(np.array([[1.0], [2.0], [4.0]]), season=1, horizon=2)
        >>> baseline.forecast(np.array([[1.0], [2.0], [4.0]]), np.array([3]))[0, :, 0].tolist()
        [4.0, 4.0]
    """

    name = "last value"

    def _require(self, train: FloatArray, season: int) -> None:
        pass  # one row is enough, and `check_fit` has seen it

    def _formula(self, values: FloatArray, origins: IntArray, steps: IntArray) -> FloatArray:
        return values[np.broadcast_to(origins - 1, (len(origins), len(steps)))]


class SeasonalNaive(_Simple):
    """The value at the same place of the last known season.

    Example:
        >>> import numpy as np
        >>> y = np.array([[1.0], [2.0], [3.0], [4.0]])
        >>> baseline = SeasonalNaive()
        >>> baseline.fit(y, season=2, horizon=3)
        >>> baseline.forecast(y, np.array([4]))[0, :, 0].tolist()
        [3.0, 4.0, 3.0]
    """

    name = "seasonal naive"

    def _require(self, train: FloatArray, season: int) -> None:
        _require_seasons(train, season, 1)

    def _formula(self, values: FloatArray, origins: IntArray, steps: IntArray) -> FloatArray:
        return _season_ago(values, origins, steps, self._season)


class SeasonalGrowth(_Simple):
    """The value a season ago times the mean growth from season to season so far.

    Example:
        >>> import numpy as np
        >>> y = np.array([[1.0], [2.0], [2.0], [4.0]])
        >>> baseline = SeasonalGrowth()
        >>> baseline.fit(y, season=2, horizon=3)
        >>> baseline.forecast(y, np.array([4]))[0, :, 0].round(9).tolist()
        [4.0, 8.0, 8.0]
    """

    name = "seasonal naive × mean growth"

    def _require(self, train: FloatArray, season: int) -> None:
        _require_seasons(train, season, 2)
        _require_positive(train)

    def _formula(self, values: FloatArray, origins: IntArray, steps: IntArray) -> FloatArray:
        season = self._season
        known = values[: int(origins.max())]
        # A later value of 0 or less has no ratio; what it would be must not reach earlier origins.
        usable = (known[season:] > 0) & (known[:-season] > 0)
        ratios = np.where(usable, known[season:], 1.0) / np.where(usable, known[:-season], 1.0)
        growth = np.cumsum(np.log(ratios), axis=0)  # (max(o) - m, K)
        pairs = np.cumsum(usable, axis=0)[origins - season - 1]  # (M, 1, K): known at each origin
        mean_log_growth = growth[origins - season - 1] / pairs  # (M, 1, K)
        seasons_ahead = -(-steps // season)[:, None]  # (H, 1)
        return _season_ago(values, origins, steps, season) * np.exp(mean_log_growth * seasons_ahead)


class Drift(_Simple):
    """The line through the first and the last known value, continued.

    Example:
        >>> import numpy as np
        >>> y = np.array([[1.0], [5.0], [3.0]])
        >>> baseline = Drift()
        >>> baseline.fit(y, season=1, horizon=2)
        >>> baseline.forecast(y, np.array([3]))[0, :, 0].tolist()
        [4.0, 5.0]
    """

    name = "drift"

    def _require(self, train: FloatArray, season: int) -> None:
        if len(train) < 2:
            raise SkipBaseline(too_few_rows(2, len(train)))

    def _formula(self, values: FloatArray, origins: IntArray, steps: IntArray) -> FloatArray:
        last: FloatArray = values[origins - 1]  # (M, 1, K)
        slope: FloatArray = (last - values[0]) / (origins - 1)[..., None]
        line: FloatArray = last + steps[:, None] * slope
        return line


def _season_ago(values: FloatArray, origins: IntArray, steps: IntArray, season: int) -> FloatArray:
    rows = origins - season + (steps - 1) % season  # (M, H)
    return np.take(values, rows, axis=0)


def _require_seasons(train: FloatArray, season: int, seasons: int) -> None:
    if season == 1:
        raise SkipBaseline(Message("needs a season longer than one row"))
    if len(train) < seasons * season:
        raise SkipBaseline(
            Message(
                "needs {needed:,} rows ({seasons} × the season of {season:,}) before the test part,"
                " got {rows:,}",
                {
                    "needed": seasons * season,
                    "seasons": seasons,
                    "season": season,
                    "rows": len(train),
                },
            )
        )


def _require_positive(known: FloatArray) -> None:
    if not np.all(known > 0):
        raise SkipBaseline(
            Message("needs values above 0, got {lowest:g}", {"lowest": float(known.min())})
        )
