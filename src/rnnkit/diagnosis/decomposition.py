"""Trend, cycle, season and remainder of a series.

    observed = trend + cycle + season + remainder

With a season it is STL (R. B. Cleveland, W. S. Cleveland, J. E. McRae and I. Terpenning, "STL: a
seasonal-trend decomposition procedure based on LOESS", Journal of Official Statistics 6, 1990),
robust against outliers; its smooth part is parted once more. The *trend* is the LOWESS curve of
that smooth part over two thirds of the rows (W. S. Cleveland, JASA 74, 1979), the *cycle* is what
the smooth part swings about it. Without a season the smooth part is a robust LOWESS curve over a
tenth of the rows. A cycle need not be periodic.

The strengths are those of R. J. Hyndman and G. Athanasopoulos, "Forecasting: principles and
practice" (3rd edition, 4.3), with R the remainder:

    F_T = max(0, 1 - Var R / Var(trend + cycle + R)),   F_S = max(0, 1 - Var R / Var(season + R))
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnnkit.diagnosis.contract import FloatArray, load, no_warnings
from rnnkit.diagnosis.sample import MOST_DRAWN, Sample, fill_gaps

STRONG = 0.64  # of F_T and F_S; with F_S above it, R's `nsdiffs` takes a seasonal difference
FEWEST_SEASONS = 4  # with fewer, F_S of noise alone is above 0.64 too
_SEASON_WINDOW = 11  # seasons, odd: how fast the season may change, as in R's `mstl`
_OUTER = 5  # robust iterations
_SMOOTH = 0.1  # of the rows: the smooth part where there is no season
_LONG_RUN = 2 / 3  # of the rows: the trend
_FEWEST_CYCLES = 4
_CLEAR_CYCLE = 0.5  # of the cycle's variance, within a third of the frequency of its peak


@dataclass(frozen=True, eq=False)
class Decomposition:
    """The parts of a series, `n` rows from `first` on.

    Args:
        first: row of the series that the arrays begin at.
        season: rows in a season; 1 where none was taken out.
        log: whether the parts add up to the logarithm of the observed values.
        observed: `(n,)` float64, in the data's units, NaN where missing.
        trend: `(n,)` float64, in the data's units (if `log`, their logarithm), as the three below.
        cycle: `(n,)` float64.
        seasonal: `(n,)` float64; zeros without a season.
        remainder: `(n,)` float64, NaN where the value is missing.
        trend_strength: F_T, of trend and cycle together, in 0..1.
        season_strength: F_S, in 0..1; `None` with fewer than four seasons, where it means nothing.
        cycle_rows: rows from peak to peak of the cycle where it is fairly regular, or `None`.
    """

    first: int
    season: int
    log: bool
    observed: FloatArray
    trend: FloatArray
    cycle: FloatArray
    seasonal: FloatArray
    remainder: FloatArray
    trend_strength: float
    season_strength: float | None
    cycle_rows: float | None

    @property
    def strong_season(self) -> bool:
        """Whether the season is too strong for a model without seasonal differences."""
        return self.season_strength is not None and self.season_strength > STRONG

    def to_json(self) -> dict[str, Any]:
        """Return all but the arrays as plain values."""
        return {
            "season": self.season,
            "log": self.log,
            "trend_strength": self.trend_strength,
            "season_strength": self.season_strength,
            "cycle_rows": self.cycle_rows,
        }


def decompose(sample: Sample, season: int, *, log: bool) -> Decomposition:
    """Take a series apart: its last 20,000 rows, straight lines drawn over gaps.

    Args:
        sample: the series; not constant.
        season: rows in a season; without two of them in the data, none is taken out.
        log: whether to take apart the logarithm; all values must be positive.

    Raises:
        MissingExtraError: if statsmodels is not installed.
    """
    known = np.flatnonzero(np.isfinite(sample.values))
    first = max(int(known[0]), int(known[-1]) + 1 - MOST_DRAWN)
    values = sample.values[first : int(known[-1]) + 1]
    z = fill_gaps(np.log(values) if log else values)
    if season > 1 and len(z) >= 2 * season:
        smooth, seasonal = _stl(z, season)
    else:
        season = 1
        smooth, seasonal = _lowess(z, _SMOOTH, robust=3), np.zeros(len(z))
    trend = _lowess(smooth, _LONG_RUN, robust=0)
    seen = np.isfinite(values)
    remainder = np.where(seen, z - smooth - seasonal, np.nan)
    parts = Decomposition(
        first=first,
        season=season,
        log=log,
        observed=values * sample.unit,
        trend=trend,
        cycle=smooth - trend,
        seasonal=seasonal,
        remainder=remainder,
        trend_strength=_strength(smooth[seen], remainder[seen]),
        season_strength=(
            _strength(seasonal[seen], remainder[seen])
            if season > 1 and len(z) >= FEWEST_SEASONS * season
            else None
        ),
        cycle_rows=_cycle_rows(smooth - trend),
    )
    if log:
        return replace(parts, trend=trend + math.log(sample.unit))
    scaled = {part: getattr(parts, part) * sample.unit for part in
              ("trend", "cycle", "seasonal", "remainder")}  # fmt: skip
    return replace(parts, **scaled)


def _stl(z: FloatArray, season: int) -> tuple[FloatArray, FloatArray]:
    """Return the smooth part and the season of `z (n,)`."""
    stl = load("statsmodels.tsa.seasonal").STL
    # The smallest odd window that keeps the season out of the trend (Cleveland and others 1990).
    trend_window = math.ceil(1.5 * season / (1 - 1.5 / _SEASON_WINDOW))
    trend_window += 1 - trend_window % 2
    low_pass = season + 1 + season % 2
    with no_warnings():
        found = stl(
            z,
            period=season,
            seasonal=_SEASON_WINDOW,
            trend=trend_window,
            low_pass=low_pass,
            robust=True,
            trend_jump=math.ceil(trend_window / 10),
            low_pass_jump=math.ceil(low_pass / 10),
        ).fit(outer_iter=_OUTER)
    return np.asarray(found.trend), np.asarray(found.seasonal)


def _lowess(z: FloatArray, share: float, *, robust: int) -> FloatArray:
    """Return the LOWESS curve of `z (n,)`, each point from `share` of the rows, 7 at least."""
    n = len(z)
    share = min(1.0, max(share, 7 / n))
    lowess = load("statsmodels.nonparametric.smoothers_lowess").lowess
    with no_warnings():
        curve = lowess(
            z, np.arange(n), frac=share, it=robust, delta=0.05 * share * n, return_sorted=False
        )
    # Where more than half of a neighbourhood is equal, the robust weights may all vanish.
    return np.asarray(np.where(np.isfinite(curve), curve, z))


def _strength(part: FloatArray, remainder: FloatArray) -> float:
    whole = float(np.var(part + remainder))
    return max(0.0, 1 - float(np.var(remainder)) / whole) if whole > 0 else 0.0


def _cycle_rows(cycle: FloatArray) -> float | None:
    """The period of the cycle, where a frequency and its neighbours hold half the variance."""
    power = np.abs(np.fft.rfft(cycle - cycle.mean())) ** 2
    frequency = np.arange(len(power))
    if len(power) <= _FEWEST_CYCLES or not power.sum() > 0:
        return None
    peak = int(np.argmax(power))
    near = np.abs(frequency - peak) <= max(1.0, peak / 3)
    if peak < _FEWEST_CYCLES or power[near].sum() < _CLEAR_CYCLE * power.sum():
        return None
    return len(cycle) * float(power[near].sum() / (power[near] * frequency[near]).sum())
