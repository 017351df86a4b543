"""The picture of the measured coverage of prediction intervals beside the nominal one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

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
    mark_steps,
    name_panel,
    sheet,
)
from rnnkit.report.language import Language
from rnnkit.report.lettering import Lettering

_COLOURS = (BLUE, VERMILION, GREEN, PURPLE)
_NOMINAL: Style = {"color": BLACK, "linewidth": 1.2, "linestyle": (0, (4, 3)), "zorder": 2.0}


def coverage_plot(
    levels: Sequence[int],
    by_step: FloatArray,
    overall: FloatArray,
    language: Language = "en",
) -> Figure:
    """Draw which share of the actual values lay in the prediction intervals, by step ahead.

    Args:
        levels: `L` nominal percentages, such as 80.
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
    styles: list[Style] = [
        {"color": _COLOURS[k % len(_COLOURS)], "linewidth": 1.8, "zorder": 2.5}
        | few_markers(by_step.shape[1])
        for k in range(len(levels))
    ]
    entries: dict[str, Artist] = {}
    for level, share, style in zip(levels, overall, styles, strict=True):
        held = {"level": level, "share": 100 * float(share)}
        label = Message("{level} % interval: measured {share:.1f} %", held)
        entries[lettering.render(label)] = Line2D([], [], **style)
    entries[say("nominal")] = Line2D([], [], **_NOMINAL)
    title = lettering.render(Message("How often the prediction intervals held"))
    figure, (panel,) = sheet(title, [], [3.2], lettering, entries)
    steps = np.arange(1.0, by_step.shape[1] + 1)
    for level, shares, style in zip(levels, by_step, styles, strict=True):
        line(panel, steps, 100 * shares, style)
        panel.axhline(level, **{**_NOMINAL, "color": style["color"]})
    lowest = min([float(np.nanmin(100 * by_step, initial=100.0)), *levels])
    panel.set_ylim(max(-2.0, lowest - 10), 102)
    panel.yaxis.set_major_formatter(PercentFormatter(decimals=0, symbol=" %"))
    mark_steps(panel, len(steps), lettering)
    name_panel(panel, say("share of the actual values within the interval"), lettering)
    add_legend(figure, entries, lettering)
    return figure
