"""What all pictures of rnnkit share: size, colours, the words above and the legend below.

Every picture is a `matplotlib.figure.Figure` of its own: no pyplot, no display, no global state.
The colours are those of M. Okabe and K. Ito, "Color Universal Design" (2008), which stay apart for
colour-blind readers; lines differ in their dashes too.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateFormatter, AutoDateLocator, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from rnnkit.report.lettering import Lettering, columns, shorten, wrap

Style: TypeAlias = dict[str, Any]
FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
Axis: TypeAlias = NDArray[np.datetime64] | IntArray  # times, or row numbers

WIDTH, DPI = 10.0, 140  # inches, and pixels an inch: 1400 pixels
LINE = 100  # letters that fit on a line of that width, whichever they are

BLACK, GREY, BLUE, VERMILION = "#222222", "#767676", "#0072B2", "#D55E00"
GREEN, PURPLE = "#009E73", "#CC79A7"
ACTUAL: Style = {"color": BLACK, "linewidth": 1.1, "zorder": 3.0}
MODEL: Style = {"color": BLUE, "linewidth": 2.2, "zorder": 2.6}
BASELINE: Style = {"color": VERMILION, "linewidth": 1.5, "linestyle": (0, (4, 2)), "zorder": 2.8}

_TITLE_SIZE, _TEXT_SIZE = 14, 10  # points
_TITLE_LINE, _TEXT_LINE, _LEGEND_LINE = 0.27, 0.195, 0.24  # inches
_TITLE = 76  # bold letters that fit on a line of the title, also where many are wide
_SENTENCE = 120  # letters of a usual sentence on such a line
_EDGE = 0.12  # inches between the text and the edge of the picture


def sheet(
    title: str,
    lines: Sequence[str],
    heights: Sequence[float],
    lettering: Lettering,
    legend: Collection[str],
) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels one above the other, below its title and sentences.

    Args:
        title: drawn bold, on two lines at most.
        lines: sentences below it; empty ones are left out.
        heights: of each panel with its labels, in inches.
        lettering: of this picture.
        legend: the labels of the legend that `add_legend` will draw.
    """
    title = wrap(shorten(title, 2 * _TITLE - 8), _TITLE)
    text = "\n".join(wrap(line, _SENTENCE) for line in lines if line)
    title_height = _TITLE_LINE * (title.count("\n") + 1)
    header = _EDGE + title_height + (_TEXT_LINE * (text.count("\n") + 1) if text else 0) + 0.04
    height = (
        header
        + sum(heights)
        + _LEGEND_LINE * math.ceil(len(legend) / _legend_columns(legend))
        + 0.1
    )
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    figure.set_layout_engine(
        "constrained", h_pad=0.05, w_pad=0.08, rect=(0, 0, 1, 1 - header / height)
    )
    left = _EDGE / WIDTH
    for words, size, weight, colour, top in (
        (title, _TITLE_SIZE, "bold", BLACK, _EDGE),
        (text, _TEXT_SIZE, "normal", "#444444", _EDGE + title_height),
    ):
        figure.text(
            left, 1 - top / height, words, va="top", fontsize=size, fontweight=weight, color=colour,
            in_layout=False, **lettering.style,
        )  # fmt: skip
    panels: list[Axes] = figure.subplots(
        len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": list(heights)}
    )[:, 0].tolist()
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color="#DDDDDD", linewidth=0.6)
        panel.set_axisbelow(True)
    return figure, panels


def add_legend(figure: Figure, entries: Mapping[str, Artist], lettering: Lettering) -> None:
    """Draw a legend below the panels, up to three entries on a line."""
    legend = figure.legend(
        list(entries.values()),
        [shorten(label, LINE) for label in entries],
        loc="outside lower center",
        ncols=_legend_columns(entries),
        frameon=False,
        prop={"family": lettering.style["fontfamily"], "size": _TEXT_SIZE},
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _legend_columns(labels: Collection[str]) -> int:
    """The most columns, filled one after the other, that fit beside each other."""
    for count in (3, 2):
        filled = np.array_split([columns(label) for label in labels], count)
        if sum(column.max(initial=0) + 7 for column in filled) <= _SENTENCE:
            return count
    return 1


def name_panel(panel: Axes, label: str, lettering: Lettering) -> None:
    """Write what a panel shows above its left corner."""
    panel.set_title(
        shorten(label, LINE), loc="left", fontsize=_TEXT_SIZE, color=BLACK, **lettering.style
    )


def positions(axis: Axis) -> FloatArray:
    """Return where `axis` (N,), times or row numbers, lies on the horizontal axis."""
    if np.issubdtype(axis.dtype, np.datetime64):
        dates: FloatArray = date2num(axis)  # type: ignore[no-untyped-call]
        return dates
    return axis.astype(np.float64)


def mark_axis(panel: Axes, axis: Axis) -> None:
    """Choose the ticks for an axis of times or of row numbers."""
    if not np.issubdtype(axis.dtype, np.datetime64):
        panel.xaxis.set_major_locator(MaxNLocator(9, integer=True))
        panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        return
    locator = _DateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    formatter = AutoDateFormatter(locator)  # type: ignore[no-untyped-call]
    formatter.scaled[1 / 24] = "%m-%d %H:%M"
    formatter.scaled[1 / 1440] = "%m-%d %H:%M"
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(formatter)


def mark_steps(panel: Axes, horizon: int, lettering: Lettering) -> None:
    """Choose the ticks for an axis of rows ahead, from 1 to `horizon`, and name it."""
    panel.set_xlim(0.5, horizon + 0.5)
    panel.xaxis.set_major_locator(MaxNLocator(12, integer=True, min_n_ticks=1))
    panel.set_xlabel(lettering.say("rows ahead"), **lettering.style)


class _DateLocator(AutoDateLocator):
    """Leaves out the last tick of a month where the first of the next one stands close to it."""

    def __call__(self) -> list[float]:
        ticks = np.asarray(super().__call__())  # type: ignore[no-untyped-call]
        gaps = np.diff(ticks)
        if not len(gaps):
            return list(ticks)
        return list(ticks[np.append(gaps >= 0.6 * np.median(gaps), True)])


def line(panel: Axes, x: FloatArray, y: FloatArray, style: Style) -> None:
    """Draw a line that is broken where `y` is not finite; a value between two breaks is a dot."""
    y = np.where(np.isfinite(y), y, np.nan)
    panel.plot(x, y, **style)
    alone = _alone(y)
    if alone.any():
        size = 2.0 * style["linewidth"]
        dots = {"color": style["color"], "zorder": style["zorder"], "alpha": style.get("alpha")}
        panel.plot(x[alone], y[alone], linestyle="none", marker="o", markersize=size, **dots)


def few_markers(points: int) -> Style:
    """Return the style of dots on a line, where there are few enough to tell them apart."""
    return {"marker": "o", "markersize": 4} if points <= 60 else {}


def band(panel: Axes, x: FloatArray, lower: FloatArray, upper: FloatArray, colour: str) -> None:
    """Fill between two lines; where only one row is known, draw a bar."""
    known = np.isfinite(lower) & np.isfinite(upper)
    alone = _alone(np.where(known, 0.0, np.nan))
    panel.fill_between(x, lower, upper, where=known.tolist(), color=colour, linewidth=0, zorder=1.0)
    panel.vlines(x[alone], lower[alone], upper[alone], colors=colour, linewidth=5, zorder=1.0)


def save(figure: Figure, path: Path | BinaryIO) -> None:
    """Write `figure` as a PNG, 1400 pixels wide; equal figures give equal bytes.

    Args:
        figure: from one of the functions that draw.
        path: the file to write, or one that is open.

    Raises:
        OSError: if the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "empty.png")
        ...     save(Figure(), path)
        ...     path.read_bytes()[1:4]
        b'PNG'
    """
    fonts = logging.getLogger("matplotlib.font_manager")
    fonts.addFilter(_is_no_remark_on_weight)
    try:
        figure.savefig(path, format="png", dpi=DPI, metadata={"Software": None})
    finally:
        fonts.removeFilter(_is_no_remark_on_weight)


def _is_no_remark_on_weight(record: logging.LogRecord) -> bool:
    """Not one that a font lacks the very weight of a title: the nearest one is as good."""
    return "Failed to find font weight" not in record.getMessage()


def _alone(y: FloatArray) -> NDArray[np.bool_]:
    """Which known values have no known neighbour, so that a line would not show them."""
    known: NDArray[np.bool_] = np.pad(np.isfinite(y), 1)
    alone: NDArray[np.bool_] = known[1:-1] & ~known[:-2] & ~known[2:]
    return alone
