"""The pictures of a diagnosis: the parts of a series, and what a linear model leaves of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report.drawing import (
    ACTUAL,
    BLUE,
    GREY,
    LINE,
    MODEL,
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
from rnnkit.report.error_panels import (
    CHANCE,
    DOT,
    EXPECTED,
    MANY,
    MEAN,
    SPREAD,
    THIN,
    THRESHOLD,
    draw_autocorrelations,
    draw_histogram,
    draw_level,
    draw_over_time,
    draw_past,
    draw_quantiles,
    normal_scores,
)
from rnnkit.report.language import Language
from rnnkit.report.lettering import Lettering, shorten, wrap

Test: TypeAlias = Literal["linearity", "level", "clusters", "independence", "normality"]

_SEASONS: tuple[Style, ...] = (
    {"color": GREY, "linewidth": 1.2, "linestyle": (0, (1, 1))},
    {"color": BLUE, "linewidth": 1.5, "linestyle": (0, (4, 2))},
    {"color": VERMILION, "linewidth": 1.8},
)
_MARKS = {True: ("✓", "#00654A"), False: ("✗", "#B04A00"), None: ("–", GREY)}
_COLUMN = 70  # letters of a sentence on a line over half the width
_DENSE = 1000  # rows, drawn with a thinner line
_DOTS_ZOOMED = "error (of the dots, the outermost 1 % are left out)"


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
    title, lines, time = _texts(picture, say("parts of the series"), lettering)
    heights = [2.6, *[1.7] * (len(shown) - 1), 1.95]
    figure, panels = sheet(title, lines, heights, lettering, entries)
    cells = [[0, 0, 0, 0], [1, 1, 1, 2], [3, 3, 3, 3], [4, 4, 4, 4]]
    if seasons:
        panels = _rearrange(panels, heights, cells)
        shape = panels.pop(2)
    x = positions(picture.times)
    line(panels[0], x, picture.observed, ACTUAL if len(x) < _DENSE else THIN)
    line(panels[0], x, np.exp(picture.trend) if picture.log else picture.trend, MODEL)
    name_panel(panels[0], say("observed, and its trend"), lettering)
    low, high = _limits(list(shown.values()))
    for panel, (name, part) in zip(panels[1:], shown.items(), strict=True):
        line(panel, x, part, THIN)
        _set_scale(panel, low, high, picture.log)
        name_panel(panel, name, lettering)
    for panel in panels:
        mark_axis(panel, picture.times)
        panel.margins(x=0.01)
    for _, rows, style in seasons:
        shape.plot(np.arange(1, len(rows) + 1), _shown(rows, picture.log), **style)
    if seasons:
        shape.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        name_panel(shape, say("rows of one season"), lettering)
        _set_scale(shape, low, high, picture.log)
    panels[-1].set_xlabel(time, **lettering.style)
    add_legend(figure, entries, lettering)
    return figure


def errors_plot(picture: ErrorsPicture) -> Figure:
    """Draw seven views of a model's errors; of errors that are mere noise, none shows a pattern.

    Over time with their rolling spread; against a past value and, in size, against the forecast,
    both with the means of neighbours; the autocorrelations of the errors and of their sizes (as the
    squares of normal scores, so that a single huge error does not hide them); and their
    distribution beside a normal one, as a histogram and by quantiles.

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
        say(_DOTS_ZOOMED if len(picture.errors) >= MANY else "error"): Line2D([], [], **DOT),
        say("mean of neighbouring dots, ± 2 standard errors"): Line2D([], [], **MEAN),
        say("rolling spread (± 2 standard deviations)"): Line2D([], [], **SPREAD),
        say("if the assumption holds"): Line2D([], [], **EXPECTED),
        say("range of mere chance (95 %)"): Patch(color=CHANCE),
    }
    if picture.threshold is not None:
        entries[say("threshold")] = Line2D([], [], **THRESHOLD)
    title, lines, time = _texts(picture, say("errors of the model"), lettering)
    heights = [2.4, 2.6, 2.4, 2.4]
    figure, panels = sheet(title, lines, heights, lettering, entries)
    drawn = _rearrange(panels, heights, [[0, 0], [1, 2], [3, 4], [5, 6]])
    over_time, past, level, plain, sizes, histogram, quantiles = drawn
    draw_over_time(over_time, picture.times, picture.errors)
    draw_past(past, picture.lagged, picture.errors, picture.threshold)
    draw_level(level, picture.fitted, picture.errors)
    draw_autocorrelations(plain, picture.errors, picture.season_rows)
    draw_autocorrelations(sizes, normal_scores(picture.errors), picture.season_rows)
    draw_histogram(histogram, picture.errors)
    draw_quantiles(quantiles, picture.errors)
    names = (
        say("errors of the logarithm over time" if picture.log else "errors over time"),
        lettering.render(
            Message("error against the value before it (lag {lag})", {"lag": picture.delay})
        ),
        say("size of the error against the forecast"),
        say("autocorrelation of the errors, by lag"),
        say("autocorrelation of their sizes, by lag"),
        say("histogram of the errors, and a normal distribution"),
        say("quantiles of the errors against normal ones"),
    )
    for panel, name in zip(drawn, names, strict=True):
        name_panel(panel, name, lettering)
    shown: dict[Test, Axes] = {
        "linearity": past,
        "level": level,
        "independence": plain,
        "clusters": sizes,
        "normality": histogram,
    }
    for test, remark in picture.remarks.items():
        _write_remark(shown[test], remark, lettering)
    over_time.set_xlabel(time, **lettering.style)
    add_legend(figure, entries, lettering)
    return figure


def _rearrange(
    panels: Sequence[Axes], heights: Sequence[float], cells: Sequence[Sequence[int]]
) -> list[Axes]:
    """Put other panels in the place of those of a sheet.

    Args:
        panels: of the sheet, one above the other.
        heights: of its rows.
        cells: the number of the panel in each cell of a grid with these rows.
    """
    figure = panels[0].figure
    for panel in panels:
        panel.remove()
    grid = figure.add_gridspec(len(heights), len(cells[0]), height_ratios=heights)
    numbers = np.array(cells)
    new: list[Axes] = []
    for number in range(int(numbers.max()) + 1):
        rows, columns = np.nonzero(numbers == number)
        place = grid[rows[0], columns[0] : columns[-1] + 1]
        panel = figure.add_subplot(place)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color="#DDDDDD", linewidth=0.6)
        panel.set_axisbelow(True)
        new.append(panel)
    return new


def _texts(
    picture: PartsPicture | ErrorsPicture, otherwise: str, lettering: Lettering
) -> tuple[str, list[str], str]:
    """Return the title, the sentences below it and the name of the axis of times."""
    title = lettering.render(picture.title) or otherwise
    lines = [lettering.render(text) for text in picture.lines]
    time = lettering.text(picture.time_name, lettering.say("time"))
    if not time and not np.issubdtype(picture.times.dtype, np.datetime64):
        time = lettering.say("row number")
    if not lettering.complete:
        missing = "No font on this machine has all letters of the names; the report has them."
        lines.append(lettering.say(missing))
    return title, lines, shorten(time, LINE)


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
        panel.yaxis.set_major_formatter(FuncFormatter(_signed_percent))


def _signed_percent(value: float, _: int | None) -> str:
    return f"{value:+.0f} %" if round(value) else "0 %"


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
