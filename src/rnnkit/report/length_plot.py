"""The picture of how long the sequences are, and how many are cut."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report.drawing import BLACK, BLUE, VERMILION, IntArray, Style, add_legend, sheet
from rnnkit.report.language import Language
from rnnkit.report.lettering import Lettering
from rnnkit.report.scores import format_percent

_BINS = 60
_DRAWN = 0.995  # of the sequences, where the longest would press the others together
_FAR = 1.5  # times as long as those

_READ: Style = {"facecolor": BLUE}
_CUT: Style = {"facecolor": VERMILION, "hatch": "///", "edgecolor": "#FFFFFF"}
_LIMIT: Style = {"color": BLACK, "linewidth": 1.6, "linestyle": (0, (4, 2)), "zorder": 3.0}


def length_plot(
    lengths: IntArray, unit: Message, limit: int | None = None, language: Language = "en"
) -> Figure:
    """Draw a histogram of lengths, and where sequences are cut.

    Args:
        lengths: `(S,)` int64 of the whole sequences, one or more.
        unit: in which they are counted, such as `Message("characters")`.
        limit: the length at which longer ones are cut; `None` where none is.
        language: of the words.

    Returns:
        A figure that belongs to no display.

    Raises:
        ShapeError: if there is no length.

    Example:
        >>> figure = length_plot(np.array([3, 5, 900]), Message("characters"), limit=200)
        >>> figure.axes[0].get_xlabel()
        'length (characters)'
    """
    if lengths.ndim != 1 or not len(lengths):
        raise ShapeError(f"lengths must have shape (S,) with S of 1 or more, got {lengths.shape}")
    lettering = Lettering(language)
    end = _end(lengths, limit)
    width = max(1, -(-(end + 1) // _BINS))
    first = -0.5 if limit is None else limit + 0.5 - width * -(-(limit + 1) // width)
    edges = np.arange(first, end + width + 0.5, width)
    heights, _ = np.histogram(lengths, edges)
    entries = _entries(lengths, limit, lettering)
    title = lettering.render(Message("Lengths of the sequences"))
    lines = [" ".join(map(lettering.render, _sentences(lengths, unit, limit, end)))]
    figure, (panel,) = sheet(title, lines, [3.2], lettering, entries)
    cut = np.zeros(len(heights), bool) if limit is None else edges[:-1] >= limit
    for part, style in ((~cut, _READ), (cut, _CUT)):
        panel.bar(
            edges[:-1][part], heights[part], width, align="edge", linewidth=0, zorder=2.0, **style
        )
    if limit is not None:
        panel.axvline(limit + 0.5, **_LIMIT)
    panel.set_xlim(-0.5, float(edges[-1]))
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_locator(MaxNLocator(9, integer=True))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    name = lettering.render(Message("length ({unit})", {"unit": unit}))
    panel.set_xlabel(name, **lettering.style)
    panel.set_ylabel(lettering.say("sequences"), **lettering.style)
    if entries:
        add_legend(figure, entries, lettering)
    return figure


def _end(lengths: IntArray, limit: int | None) -> int:
    """Return the greatest length to draw."""
    longest, usual = int(lengths.max()), int(np.quantile(lengths, _DRAWN, method="lower"))
    end = longest if longest <= max(_BINS, _FAR * usual) else usual
    return max(end, 1) if limit is None or limit > _FAR * end else max(end, limit + 1)


def _sentences(lengths: IntArray, unit: Message, limit: int | None, end: int) -> list[Message]:
    """Say how long the sequences are, how many are cut, and what is not drawn."""
    longest = int(lengths.max())
    found = [
        Message(
            "{count:,} sequences; half have at most {median:,} {unit}, the longest {longest:,}.",
            {
                "count": len(lengths),
                "median": int(np.median(lengths)),
                "unit": unit,
                "longest": longest,
            },
        )
    ]
    if limit is not None:
        longer = int((lengths > limit).sum())
        share = format_percent(longer / len(lengths), 1)
        found.append(
            Message(
                "{longer:,} of them ({share}) are longer than {limit:,} and are cut.",
                {"longer": longer, "share": share, "limit": limit},
            )
            if longer
            else Message("None is longer than {limit:,}, so none is cut.", {"limit": limit})
        )
    beyond = int((lengths > end).sum())
    if beyond:
        found.append(
            Message(
                "Not drawn: {count:,} that are longer than {end:,}.", {"count": beyond, "end": end}
            )
        )
    return found


def _entries(lengths: IntArray, limit: int | None, lettering: Lettering) -> dict[str, Artist]:
    """Return the legend's entries; nothing needs one where there is no limit."""
    if limit is None:
        return {}
    entries: dict[str, Artist] = {lettering.say("read whole"): Patch(**_READ, linewidth=0)}
    if bool((lengths > limit).any()):
        entries[lettering.say("cut")] = Patch(**_CUT, linewidth=0)
    line = Message("greatest length that is read: {limit:,}", {"limit": limit})
    entries[lettering.render(line)] = Line2D([], [], **_LIMIT)
    return entries
