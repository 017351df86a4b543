"""The panels of the picture of a model's errors."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from rnnkit.report.drawing import (
    BLACK,
    BLUE,
    GREY,
    PURPLE,
    VERMILION,
    Axis,
    FloatArray,
    Style,
    mark_axis,
    positions,
)

THIN: Style = {"color": BLACK, "linewidth": 0.8, "zorder": 2.5}
DOT: Style = {"color": BLACK, "linestyle": "none", "marker": "o", "markersize": 2.5, "zorder": 2.0}
MEAN: Style = {
    "color": BLUE, "marker": "o", "markersize": 4.5, "linewidth": 1.6, "linestyle": "none",
    "zorder": 2.8,
}  # fmt: skip
SPREAD: Style = {"color": BLUE, "linewidth": 1.8, "zorder": 2.8}
EXPECTED: Style = {"color": VERMILION, "linewidth": 1.4, "linestyle": (0, (4, 2)), "zorder": 2.7}
THRESHOLD: Style = {"color": PURPLE, "linewidth": 1.6, "linestyle": (0, (1, 1)), "zorder": 2.9}
CHANCE = "#CFE3F1"
MANY = 200  # dots, of which the outermost would press the others together

_MOST_LAGS, _FEWEST_LAGS = 60, 40
_REACH = 4.5  # standard deviations drawn of a histogram


def draw_over_time(panel: Axes, times: Axis, errors: FloatArray) -> None:
    """Draw errors `(n,)` and twice their standard deviation, rolling and overall."""
    n, deviation = len(errors), _deviation(errors)
    window = min(n, max(10, n // 30))
    squares = np.convolve((errors / deviation) ** 2, np.ones(window), mode="same")
    counts = np.convolve(np.ones(n), np.ones(window), mode="same")
    spread = 2 * deviation * np.sqrt(squares / counts)
    x = positions(times)
    panel.plot(x, errors, **THIN)
    for sign in (-1, 1):
        panel.plot(x, sign * spread, **SPREAD)
        panel.axhline(sign * 2 * deviation, **EXPECTED)
    mark_axis(panel, times)
    panel.margins(x=0.01)


def draw_past(panel: Axes, lagged: FloatArray, errors: FloatArray, threshold: float | None) -> None:
    """Draw errors `(n,)` against a past value `(n,)`, NaN where there is none."""
    known = np.isfinite(lagged)
    _draw_dots(panel, lagged[known], errors[known])
    panel.axhline(0, **EXPECTED)
    if threshold is not None:
        panel.axvline(threshold, **THRESHOLD)


def draw_level(panel: Axes, fitted: FloatArray, errors: FloatArray) -> None:
    """Draw the sizes of errors `(n,)` against the forecasts `(n,)`."""
    sizes = np.abs(errors)
    _draw_dots(panel, fitted, sizes)
    panel.axhline(float(sizes.mean()), **EXPECTED)
    panel.set_ylim(bottom=0)


def draw_autocorrelations(panel: Axes, values: FloatArray, season: int) -> None:
    """Draw the autocorrelations of `values (n,)`, and where 95 % of those of noise lie."""
    n = len(values)
    lags = min(max(_FEWEST_LAGS, 2 * season), _MOST_LAGS, n // 2)
    z = (values - values.mean()) / _deviation(values - values.mean())
    correlations = np.array([float(z[k:] @ z[:-k]) / n for k in range(1, lags + 1)])
    bound = 1.96 / np.sqrt(n)
    panel.axhspan(-bound, bound, color=CHANCE, zorder=1.0)
    panel.axhline(0, color=GREY, linewidth=0.8, zorder=2.0)
    outside = np.abs(correlations) > bound
    for marked, colour in ((~outside, BLACK), (outside, VERMILION)):
        where = np.flatnonzero(marked)
        panel.vlines(where + 1, 0, correlations[where], colors=colour, linewidth=2.2, zorder=2.5)
    reach = max(0.25, 1.15 * float(np.abs(correlations).max(initial=0.0)))
    panel.set_ylim(-reach, reach)
    panel.set_xlim(0, lags + 1)
    panel.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def normal_scores(errors: FloatArray) -> FloatArray:
    """Return `(n,)`, the squares that normal values would have in the order of the errors' sizes.

    Example:
        >>> normal_scores(np.array([-90.0, 1.0, 2.0])).round(2).tolist()
        [1.32, 0.1, 0.45]
    """
    ranks = np.argsort(np.argsort(np.abs(errors), kind="stable"), kind="stable") + 1
    normal = NormalDist()
    scores = [normal.inv_cdf((1 + rank / (len(errors) + 1)) / 2) for rank in ranks.tolist()]
    return np.array(scores) ** 2


def draw_histogram(panel: Axes, errors: FloatArray) -> None:
    """Draw how errors `(n,)` are distributed, beside a normal distribution."""
    normal = _normal(errors)
    reach = _REACH * normal.stdev  # what lies farther out, the quantiles show
    low = max(float(errors.min()), normal.mean - reach)
    high = min(float(errors.max()), normal.mean + reach)
    bins = int(np.clip(np.sqrt(len(errors)), 8, 50))
    panel.hist(errors, bins=bins, range=(low, high), density=True, color="#9A9A9A", zorder=2.0)
    x = np.linspace(low, high, 200)
    z = (x - normal.mean) / normal.stdev  # NormalDist.pdf squares the deviation: 0 of a tiny one
    panel.plot(x, np.exp(-(z**2) / 2) / (normal.stdev * np.sqrt(2 * np.pi)), **EXPECTED)
    panel.set_yticks([])


def draw_quantiles(panel: Axes, errors: FloatArray) -> None:
    """Draw the quantiles of errors `(n,)` against those of a normal distribution."""
    normal, n = _normal(errors), len(errors)
    expected = np.array([normal.inv_cdf((k + 0.5) / n) for k in range(n)])
    panel.plot(expected, np.sort(errors), **{**DOT, "alpha": 0.6})
    panel.plot(expected, expected, **EXPECTED)


def _draw_dots(panel: Axes, x: FloatArray, y: FloatArray) -> None:
    """Draw dots, and the means of neighbours in x, 15 groups at most of 25 or more."""
    alpha = float(np.clip(150 / max(len(x), 1), 0.08, 0.5))
    panel.plot(x, y, **{**DOT, "alpha": alpha})
    for group in np.array_split(np.argsort(x, kind="stable"), np.clip(len(x) // 25, 1, 15)):
        if len(group) > 1:
            mean = float(y[group].mean())
            error = 2 * _deviation(y[group] - mean) / np.sqrt(len(group) - 1)
            panel.errorbar(float(x[group].mean()), mean, error, **MEAN)
    if len(x) >= MANY:
        panel.set_xlim(*_inner(x))
        panel.set_ylim(*_inner(y))


def _inner(values: FloatArray) -> tuple[float, float]:
    """The range without the outermost 1 %, and a little more."""
    low, high = np.quantile(values, (0.005, 0.995)).tolist()
    edge = 0.05 * (high - low) or 1.0
    return low - edge, high + edge


def _normal(errors: FloatArray) -> NormalDist:
    mean = float(errors.mean())
    return NormalDist(mean, _deviation(errors - mean))


def _deviation(errors: FloatArray) -> float:
    """The root mean square, or 1 for zeros; no square overflows."""
    largest = float(np.abs(errors).max(initial=0.0))
    return largest * float(np.sqrt(np.mean((errors / largest) ** 2))) if largest else 1.0
