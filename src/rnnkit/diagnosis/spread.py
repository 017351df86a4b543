"""Does the spread grow with the level, so that the logarithm makes it steady?

The series is cut into blocks. Of each, the level is its mean and the spread the standard deviation
of its changes from row to row; changes, since a wandering level would otherwise count as spread.
Where the spread is proportional to a power b of the level, the values to the power 1 - b have a
steady one (J. W. Tukey, "Exploratory Data Analysis", 1977), and b = 1 means the logarithm. It is
advised where b is above 0 beyond chance and the spread relative to the level is clearly steadier
than the spread itself (V. M. Guerrero, "Time-series analysis supported by power transformations",
Journal of Forecasting 12, 1993, for the powers 1 and 0 alone).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnkit.diagnosis.contract import FloatArray, load, no_warnings, plain_number

_FEWEST_BLOCKS = 8
_BLOCKS = 20  # where no season says how long a block is
_SHORTEST = 8  # rows of a block
_LEVEL = 0.001
_GAIN = 0.9  # the relative spread must vary less than the spread by this factor


@dataclass(frozen=True, eq=False)
class SpreadTest:
    """The result of `spread_test`.

    Args:
        slope: `b`, by least squares on the logarithms of spreads and levels.
        statistic: its t-statistic.
        p_value: against slopes of 0 and below.
        log: whether the logarithm is advised.
        levels: `(blocks,)` float64.
        spreads: `(blocks,)` float64.
    """

    slope: float
    statistic: float
    p_value: float
    log: bool
    levels: FloatArray
    spreads: FloatArray

    def to_json(self) -> dict[str, Any]:
        """Return all but the arrays as plain values."""
        return {
            "slope": self.slope,
            "statistic": plain_number(self.statistic),
            "p_value": self.p_value,
            "log": self.log,
        }


def spread_test(values: FloatArray, season: int) -> SpreadTest | None:
    """Compare the spread of blocks with their level.

    Args:
        values: `(n,)` float64, without a gap.
        season: rows in a season; blocks are whole seasons, unless there are fewer than 8.

    Returns:
        The result, or `None` where a value is not positive, blocks do not vary or are too few.

    Raises:
        MissingExtraError: if SciPy is not installed.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> growing = np.exp(0.01 * np.arange(240.0) + 0.1 * rng.normal(size=240))
        >>> test = spread_test(growing, 12)
        >>> test.log, round(test.slope, 1)
        (True, 1.2)
    """
    if values.min() <= 0:
        return None
    length = season * -(-_SHORTEST // season)
    if season == 1 or len(values) < _FEWEST_BLOCKS * length:
        length = max(_SHORTEST, len(values) // _BLOCKS)
    blocks = values[len(values) % length :].reshape(-1, length)
    levels, spreads = blocks.mean(axis=1), np.diff(blocks, axis=1).std(axis=1)
    if len(blocks) < _FEWEST_BLOCKS or (spreads <= 1e-9 * levels).any():
        return None
    x, y = np.log(levels), np.log(spreads)
    if np.ptp(x) < 1e-9:
        return None
    with no_warnings():
        line = load("scipy.stats").linregress(x, y, alternative="greater")
    statistic = float(line.slope / line.stderr) if line.stderr else np.inf
    steadier = float(np.std(y - x)) < _GAIN * float(np.std(y))
    p_value = float(line.pvalue)
    log = steadier and p_value < _LEVEL
    return SpreadTest(float(line.slope), statistic, p_value, log, levels, spreads)
