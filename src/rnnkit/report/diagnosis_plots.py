"""The pictures of a diagnosis: the parts of a series, and what a linear model leaves of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Literal, TypeAlias

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report.drawing import (
    ACTUAL,
    BLACK,
    BLUE,
    GREY,
    LINE,
    MODEL,
    PURPLE,
    VERMILION,
    Axis,
    FloatArray,
    Style,
    add_legend,
    line,
    mark_axis,
    name_panel,
    positions,
    sheet,
)
from rnnkit.report.language import Language
from rnnkit.report.lettering import Lettering, shorten, wrap

Test: TypeAlias = Literal["linearity", "level", "clusters", "independence", "normality"]

_THIN: Style = {"color": BLACK, "linewidth": 0.8, "zorder": 2.5}
_DOT: Style = {"color": BLACK, "linestyle": "none", "marker": "o", "markersize": 2.5, "zorder": 2.0}
_MEAN: Style = {
    "color": BLUE, "marker": "o", "markersize": 4.5, "linewidth": 1.6, "linestyle": "none",
    "zorder": 2.8,
}  # fmt: skip
_SPREAD: Style = {"color": BLUE, "linewidth": 1.8, "zorder": 2.8}
_EXPECTED: Style = {"color": VERMILION, "linewidth": 1.4, "linestyle": (0, (4, 2)), "zorder": 2.7}
_THRESHOLD: Style = {"color": PURPLE, "linewidth": 1.6, "linestyle": (0, (1, 1)), "zorder": 2.9}
_SEASONS: tuple[Style, ...] = (
    {"color": GREY, "linewidth": 1.2, "linestyle": (0, (1, 1))},
    {"color": BLUE, "linewidth": 1.5, "linestyle": (0, (4, 2))},
    {"color": VERMILION, "linewidth": 1.8},
)
_CHANCE = "#CFE3F1"
_MARKS = {True: ("✓", "#00654A"), False: ("✗", "#B04A00"), None: ("–", GREY)}
_COLUMN = 66  # letters of a sentence on a line over half the width
_MOST_LAGS, _FEWEST_LAGS = 60, 20


@dataclass(frozen=True, eq=False)
class PartsPicture:
    """All that `parts_plot` draws of a series of n rows.

    Args:
        times: `(n,)` datetime64 or int64 row numbers, increasing.
        observed: `(n,)` float64, in the data's units, NaN where missing.
        trend: `(n,)` float64; with `log`, of the logarithm, as the three below.
        season: `(n,)` float64, or `None` where no season was taken out.
        cycle: `(n,)` float64.
        remainder: `(n,)` float64, NaN where missing.
        season_rows: rows in a season; 1 for none.
        log: whether the parts add up to the logarithm; they are drawn as shares of the trend.
        time_name: the name of the time column; `""` for row numbers.
        title: such as the name of the data.
        lines: sentences below the title.
        language: of all words that do not come from data.

    Raises:
        ShapeError: if an array does not have its shape.
    """

    times: Axis
    observed: FloatArray
    trend: FloatArray
    season: FloatArray | None
    cycle: FloatArray
    remainder: FloatArray
    season_rows: int
    log: bool
    time_name: str
    title: str | Message
    lines: Sequence[str | Message] = ()
    language: Language = "en"

    def __post_init__(self) -> None:
        _check(self, ("observed", "trend", "season", "cycle", "remainder"), len(self.times))


@dataclass(frozen=True)
class Remark:
    """What a test said, written above its panel.

    Args:
        holds: whether the assumption holds; `None` where the test was left out.
        sentence: the result.
    """

    holds: bool | None
    sentence: str | Message


@dataclass(frozen=True, eq=False)
class ErrorsPicture:
    """All that `errors_plot` draws of the n one-step errors of a linear model.

    Args:
        times: `(n,)` datetime64 or int64 row numbers, increasing.
        errors: `(n,)` float64, finite.
        fitted: `(n,)` float64, the model's one-step forecasts.
        lagged: `(n,)` float64, the value `delay` rows before each error, NaN where there is none.
        delay: rows, at least 1.
        threshold: a value of `lagged` that is marked, or `None`.
        season_rows: rows in a season; 1 for none.
        log: whether the errors are those of the logarithm.
        time_name: the name of the time column; `""` for row numbers.
        title: such as the name of the model.
        lines: sentences below the title.
        remarks: by what is tested.
        language: of all words that do not come from data.

    Raises:
        ShapeError: if an array does not have its shape.
    """

    times: Axis
    errors: FloatArray
    fitted: FloatArray
    lagged: FloatArray
    delay: int
    threshold: float | None
    season_rows: int
    log: bool
    time_name: str
    title: str | Message
    lines: Sequence[str | Message] = ()
    remarks: Mapping[Test, Remark] = field(default_factory=dict)
    language: Language = "en"

    def __post_init__(self) -> None:
        _check(self, ("errors", "fitted", "lagged"), len(self.times))


def _check(picture: PartsPicture | ErrorsPicture, names: Sequence[str], rows: int) -> None:
    for name in names:
        array = getattr(picture, name)
        if array is not None and array.shape != (rows,):
            raise ShapeError(f"{name} must have shape ({rows},), got {array.shape}")


def parts_plot(picture: PartsPicture) -> Figure:
    """Draw a series and its trend, and below it season, cycle and remainder on one scale.

    The season is drawn twice: over time, and the rows of one season at the beginning, in the middle
    and at the end of the data.

    Args:
        picture: the arrays and words.

    Returns:
        A figure that belongs to no display.

    Example:
        >>> zeros = np.zeros(24)
        >>> picture = PartsPicture(
        ...     times=np.arange(24), observed=zeros + 1, trend=zeros + 1, season=zeros, cycle=zeros,
        ...     remainder=zeros, season_rows=12, log=False, time_name="", title="demo",
        ... )
        >>> len(parts_plot(picture).axes)
        5
    """
    lettering = Lettering(picture.language)
    say = lettering.say
    parts = {
        say("season"): picture.season,
        say("cycle: slow swings about the trend"): picture.cycle,
        say("remainder: what is left"): picture.remainder,
    }
    shown = {name: _shown(part, picture.log) for name, part in parts.items() if part is not None}
    seasons = _seasons(picture)
    entries: dict[str, Artist] = {
        say("observed"): Line2D([], [], **ACTUAL),
        say("trend"): Line2D([], [], **MODEL),
        **{say(name): Line2D([], [], **style) for name, _, style in seasons},
    }
    title = lettering.render(picture.title) or say("parts of the series")
    lines = [lettering.render(text) for text in picture.lines]
    heights = [2.7, *[1.55] * (len(shown) - 1), 2.05]
    figure, panels = sheet(title, lines, heights, lettering, entries)
    x = positions(picture.times)
    line(panels[0], x, picture.observed, ACTUAL)
    line(panels[0], x, np.exp(picture.trend) if picture.log else picture.trend, MODEL)
    name_panel(panels[0], say("observed, and its trend"), lettering)
    low, high = _limits(list(shown.values()))
    for k, (name, part) in enumerate(shown.items(), 1):
        if seasons and k == 1:
            panels[1], shape = _split(panels[1], (3, 1))
            for _, rows, style in seasons:
                shape.plot(np.arange(1, len(rows) + 1), _shown(rows, picture.log), **style)
            shape.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            name_panel(shape, say("rows of one season"), lettering)
            _set_scale(shape, low, high, picture.log)
        line(panels[k], x, part, _THIN)
        _set_scale(panels[k], low, high, picture.log)
        name_panel(panels[k], name, lettering)
    for panel in panels:
        mark_axis(panel, picture.times)
        panel.margins(x=0.01)
    _name_time(panels[-1], picture.time_name, lettering)
    add_legend(figure, entries, lettering)
    return figure


def errors_plot(picture: ErrorsPicture) -> Figure:
    """Draw seven views of a model's errors; of errors that are mere noise, none shows a pattern.

    Over time with their rolling spread; against a past value and, in size, against the fitted level,
    both with the means of neighbours; the autocorrelations of the errors and of their squares; and
    their distribution beside a normal one, as a histogram and by quantiles.

    Args:
        picture: the arrays and words.

    Returns:
        A figure that belongs to no display.

    Example:
        >>> errors = np.random.default_rng(0).normal(size=60)
        >>> picture = ErrorsPicture(
        ...     times=np.arange(60), errors=errors, fitted=errors, lagged=errors, delay=1,
        ...     threshold=None, season_rows=1, log=False, time_name="", title="demo",
        ... )
        >>> len(errors_plot(picture).axes)
        7
    """
    lettering = Lettering(picture.language)
    say = lettering.say
    entries: dict[str, Artist] = {
        say("error"): Line2D([], [], **_DOT),
        say("mean of neighbours, with two standard errors"): Line2D([], [], **_MEAN),
        say("rolling spread (twice the standard deviation)"): Line2D([], [], **_SPREAD),
        say("if the assumption holds"): Line2D([], [], **_EXPECTED),
        say("where chance alone leads (95 %)"): Patch(color=_CHANCE),
    }
    if picture.threshold is not None:
        entries[say("threshold")] = Line2D([], [], **_THRESHOLD)
    title = lettering.render(picture.title) or say("errors of the model")
    lines = [lettering.render(text) for text in picture.lines]
    row = 2.75
    figure, panels = sheet(title, lines, [2.5, row, row, row], lettering, entries)
    over_time = panels[0]
    (past, level), (plain, squared), (histogram, quantiles) = (
        _split(p, (1, 1)) for p in panels[1:]
    )
    _draw_over_time(over_time, picture)
    _draw_past(past, picture)
    _draw_level(level, picture)
    _draw_autocorrelations(plain, picture.errors, picture.season_rows)
    _draw_autocorrelations(squared, picture.errors**2, picture.season_rows)
    _draw_histogram(histogram, picture.errors)
    _draw_quantiles(quantiles, picture.errors)
    names = (
        "errors over time" if not picture.log else "errors of the logarithm over time",
        Message("error against the value {rows} rows before it", {"rows": picture.delay}),
        "size of the error against the forecast",
        "autocorrelation of the errors, by rows back",
        "autocorrelation of their squares, by rows back",
        "histogram of the errors, and a normal distribution",
        "quantiles of the errors against normal ones",
    )
    tests: tuple[Test | None, ...] = (
        None, "linearity", "level", "independence", "clusters", "normality", None,
    )  # fmt: skip
    drawn = (over_time, past, level, plain, squared, histogram, quantiles)
    for panel, name, test in zip(drawn, names, tests, strict=True):
        label = say(name) if isinstance(name, str) else lettering.render(name)
        name_panel(panel, label, lettering)
        if test in picture.remarks:
            _write_remark(panel, picture.remarks[test], lettering)
    _name_time(over_time, picture.time_name, lettering)
    add_legend(figure, entries, lettering)
    return figure


def _split(panel: Axes, widths: tuple[int, int]) -> tuple[Axes, Axes]:
    """Put two panels side by side in the place of one."""
    figure = panel.figure
    place = panel.get_subplotspec()
    assert place is not None
    grid = place.subgridspec(1, 2, width_ratios=widths)
    panel.remove()
    left, right = (figure.add_subplot(cell) for cell in grid)
    for new in (left, right):
        new.spines[["top", "right"]].set_visible(False)
        new.grid(axis="y", color="#DDDDDD", linewidth=0.6)
        new.set_axisbelow(True)
    return left, right


def _name_time(panel: Axes, name: str, lettering: Lettering) -> None:
    text = lettering.text(name, lettering.say("time")) or lettering.say("row")
    panel.set_xlabel(shorten(text, LINE), **lettering.style)


def _write_remark(panel: Axes, remark: Remark, lettering: Lettering) -> None:
    """Write a sentence between a panel and its name."""
    mark, colour = _MARKS[remark.holds]
    text = wrap(f"{mark} {lettering.render(remark.sentence)}", _COLUMN)
    lines = text.count("\n") + 1
    panel.annotate(
        text, (0, 1), (0, 3), xycoords="axes fraction", textcoords="offset points", va="bottom",
        fontsize=8.5, color=colour, **lettering.style,
    )  # fmt: skip
    panel.set_title(
        panel.get_title(loc="left"), loc="left", pad=7 + 11.5 * lines, fontsize=10,
        **lettering.style,
    )  # fmt: skip


def _shown(part: FloatArray, log: bool) -> FloatArray:
    """Return a part as it is drawn: of the logarithm, as a change in percent."""
    return np.asarray(100 * np.expm1(part)) if log else part


def _set_scale(panel: Axes, low: float, high: float, log: bool) -> None:
    panel.axhline(0, color=GREY, linewidth=0.8, zorder=2.0)
    panel.set_ylim(low, high)
    if log:
        panel.yaxis.set_major_formatter(StrMethodFormatter("{x:+.0f} %"))


def _limits(parts: Sequence[FloatArray]) -> tuple[float, float]:
    values = np.concatenate(parts)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    edge = 0.05 * (high - low) or 1.0
    return low - edge, high + edge


def _seasons(picture: PartsPicture) -> list[tuple[str, FloatArray, Style]]:
    """Return label, rows and style of the first, middle and last whole season, if any."""
    if picture.season is None:
        return []
    rows = picture.season_rows
    whole = picture.season[len(picture.season) % rows :].reshape(-1, rows)
    shown = {0: "first season", len(whole) // 2: "middle season", len(whole) - 1: "last season"}
    return [
        (name, whole[k], style)
        for (k, name), style in zip(shown.items(), _SEASONS[-len(shown) :], strict=True)
    ]


def _draw_over_time(panel: Axes, picture: ErrorsPicture) -> None:
    e, x = picture.errors, positions(picture.times)
    n = len(e)
    window = min(n, max(10, n // 30))
    ones = np.ones(window)
    counts = np.convolve(np.ones(n), ones, mode="same")
    spread = 2 * np.sqrt(np.convolve(e**2, ones, mode="same") / counts)
    panel.plot(x, e, **_THIN)
    for sign in (-1, 1):
        panel.plot(x, sign * spread, **_SPREAD)
        panel.axhline(sign * 2 * float(np.sqrt(np.mean(e**2))), **_EXPECTED)
    mark_axis(panel, picture.times)
    panel.margins(x=0.01)


def _draw_past(panel: Axes, picture: ErrorsPicture) -> None:
    known = np.isfinite(picture.lagged)
    _draw_dots(panel, picture.lagged[known], picture.errors[known])
    panel.axhline(0, **_EXPECTED)
    if picture.threshold is not None:
        panel.axvline(picture.threshold, **_THRESHOLD)


def _draw_level(panel: Axes, picture: ErrorsPicture) -> None:
    sizes = np.abs(picture.errors)
    _draw_dots(panel, picture.fitted, sizes)
    panel.axhline(float(sizes.mean()), **_EXPECTED)
    panel.set_ylim(bottom=0)


def _draw_dots(panel: Axes, x: FloatArray, y: FloatArray) -> None:
    """Draw dots, and the means of neighbours in x, about 25 or more each."""
    alpha = float(np.clip(150 / max(len(x), 1), 0.08, 0.5))
    panel.plot(x, y, **{**_DOT, "alpha": alpha})
    for neighbours in np.array_split(np.argsort(x, kind="stable"), np.clip(len(x) // 25, 1, 15)):
        if len(neighbours) > 1:
            values = y[neighbours]
            error = 2 * values.std(ddof=1) / np.sqrt(len(values))
            panel.errorbar(x[neighbours].mean(), values.mean(), error, **_MEAN)


def _draw_autocorrelations(panel: Axes, values: FloatArray, season: int) -> None:
    n = len(values)
    lags = min(max(_FEWEST_LAGS, 2 * season), _MOST_LAGS, n - 1)
    z = values - values.mean()
    power = float(z @ z) or 1.0
    correlations = np.array([float(z[k:] @ z[:-k]) / power for k in range(1, lags + 1)])
    bound = 1.96 / np.sqrt(n)
    panel.axhspan(-bound, bound, color=_CHANCE, zorder=1.0)
    panel.axhline(0, color=GREY, linewidth=0.8, zorder=2.0)
    outside = np.abs(correlations) > bound
    for marked, colour in ((~outside, BLACK), (outside, VERMILION)):
        where = np.flatnonzero(marked)
        panel.vlines(where + 1, 0, correlations[where], colors=colour, linewidth=2.2, zorder=2.5)
    reach = max(0.25, 1.15 * float(np.abs(correlations).max(initial=0.0)))
    panel.set_ylim(-reach, reach)
    panel.set_xlim(0, lags + 1)
    panel.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _draw_histogram(panel: Axes, errors: FloatArray) -> None:
    mean, deviation = float(errors.mean()), float(errors.std()) or 1.0
    bins = int(np.clip(np.sqrt(len(errors)), 8, 50))
    panel.hist(errors, bins=bins, density=True, color="#9A9A9A", zorder=2.0)
    low, high = panel.get_xlim()
    x = np.linspace(low, high, 200)
    normal = NormalDist(mean, deviation)
    panel.plot(x, [normal.pdf(value) for value in x], **_EXPECTED)
    panel.set_yticks([])


def _draw_quantiles(panel: Axes, errors: FloatArray) -> None:
    n = len(errors)
    mean, deviation = float(errors.mean()), float(errors.std()) or 1.0
    normal = NormalDist(mean, deviation)
    expected = np.array([normal.inv_cdf((k + 0.5) / n) for k in range(n)])
    panel.plot(expected, np.sort(errors), **{**_DOT, "alpha": 0.6})
    panel.axline((mean, mean), slope=1, **_EXPECTED)
