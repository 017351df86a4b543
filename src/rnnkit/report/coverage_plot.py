"""The picture of what prediction intervals promised beside what they held."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report.drawing import (
    BLACK,
    BLUE,
    GREEN,
    PURPLE,
    VERMILION,
    FloatArray,
    Style,
    add_legend,
    few_markers,
    line,
    name_panel,
    sheet,
)
from rnnkit.report.language import Language
from rnnkit.report.lettering import Lettering

_COLOURS = (BLUE, VERMILION, GREEN, PURPLE)
_PROMISED: Style = {"color": BLACK, "linewidth": 1.2, "linestyle": (0, (4, 3)), "zorder": 2.0}


def coverage_plot(
    levels: Sequence[int],
    by_step: FloatArray,
    overall: FloatArray,
    language: Language = "en",
) -> Figure:
    """Draw which share of the actual values lay in the prediction intervals, by step ahead.

    Args:
        levels: `L` percentages that the intervals promise, such as 80.
        by_step: `(L, H)` float64 in 0..1, the measured shares by step ahead.
        overall: `(L,)` float64 in 0..1, the measured shares of all steps.
        language: of the words.

    Returns:
        A figure that belongs to no display.

    Raises:
        ShapeError: if an array does not have its shape.

    Example:
        >>> len(coverage_plot([80], np.array([[0.8, 0.7]]), np.array([0.75])).axes)
        1
    """
    if by_step.ndim != 2 or len(by_step) != len(levels) or overall.shape != (len(levels),):
        raise ShapeError(
            f"by_step and overall must have shapes ({len(levels)}, H) and ({len(levels)},),"
            f" got {by_step.shape} and {overall.shape}"
        )
    lettering = Lettering(language)
    say = lettering.say
    entries: dict[str, Artist] = {}
    steps = np.arange(1.0, by_step.shape[1] + 1)
    title = lettering.render(Message("How often the prediction intervals held"))
    figure, (panel,) = sheet(title, [], [3.2], lettering, len(levels) + 1)
    for k, level in enumerate(levels):
        style: Style = {"color": _COLOURS[k % len(_COLOURS)], "linewidth": 1.8, "zorder": 2.5}
        style |= few_markers(len(steps))
        line(panel, steps, 100 * by_step[k], style)
        panel.axhline(level, **{**_PROMISED, "color": style["color"]})
        held = Message(
            "{level} % interval: held {share:.1f} %",
            {"level": level, "share": 100 * float(overall[k])},
        )
        entries[lettering.render(held)] = Line2D([], [], **style)
    entries[say("what was promised")] = Line2D([], [], **_PROMISED)
    lowest = min([float(np.nanmin(100 * by_step, initial=100.0)), *levels])
    panel.set_ylim(max(-2.0, lowest - 10), 102)
    panel.yaxis.set_major_formatter(PercentFormatter(decimals=0, symbol=" %"))
    panel.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    panel.set_xlabel(say("rows ahead"), **lettering.style)
    name_panel(panel, say("share of the actual values within the interval"), lettering)
    add_legend(figure, entries, lettering)
    return figure
