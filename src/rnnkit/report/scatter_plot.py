"""The picture of predicted numbers against the actual ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report.drawing import (
    BLUE,
    VERMILION,
    FloatArray,
    Style,
    add_legend,
    name_panel,
    sheet,
)
from rnnkit.report.language import Language
from rnnkit.report.lettering import Lettering

_PANELS = 4
_DOTS = 20_000
_FAR = 3.0  # times the inner range, beyond which dots would press the others together
_INNER = (0.005, 0.995)

_DOT: Style = {"color": BLUE, "linestyle": "none", "marker": "o", "markersize": 4, "zorder": 2.0}
_EXACT: Style = {"color": VERMILION, "linewidth": 1.5, "linestyle": (0, (4, 2)), "zorder": 2.8}


def scatter_plot(
    actual: FloatArray,
    predicted: FloatArray,
    names: Sequence[str],
    language: Language = "en",
) -> Figure:
    """Draw the predicted numbers against the actual ones, a panel for each target.

    Args:
        actual: `(S, K)` float64; a number that is not finite is left out.
        predicted: `(S, K)` float64.
        names: of the `K` targets, of which the first 4 are drawn.
        language: of the words.

    Returns:
        A figure that belongs to no display.

    Raises:
        ShapeError: if an array does not have its shape, or there is no example or no target.

    Example:
        >>> figure = scatter_plot(np.array([[1.0], [2.0]]), np.array([[1.1], [1.9]]), ["price"])
        >>> figure.axes[0].get_xlabel()
        'actual'
    """
    if actual.ndim != 2 or predicted.shape != actual.shape or not actual.size:
        raise ShapeError(
            "actual and predicted must have the same shape (S, K) with S and K of 1 or more, got"
            f" {actual.shape} and {predicted.shape}"
        )
    if len(names) != actual.shape[1]:
        raise ShapeError(f"names must be {actual.shape[1]}, one a target, got {len(names)}")
    lettering = Lettering(language)
    say = lettering.say
    labels = [
        lettering.text(name, lettering.render(Message("target {number}", {"number": number})))
        for number, name in enumerate(names[:_PANELS], 1)
    ]
    views = [_View(actual[:, k], predicted[:, k]) for k in range(len(labels))]
    entries: dict[str, Artist] = {
        say("example of the test part"): Line2D([], [], **_DOT),
        say("predicted exactly"): Line2D([], [], **_EXACT),
    }
    lines = [" ".join(map(lettering.render, _sentences(views, len(names), lettering)))]
    height = 4.6 if len(views) == 1 else 3.4
    title = lettering.render(Message("Predicted against actual"))
    figure, panels = sheet(title, lines, [height] * len(views), lettering, entries)
    for panel, view, label in zip(panels, views, labels, strict=True):
        view.draw(panel)
        name_panel(panel, label, lettering)
        panel.set_xlabel(say("actual"), **lettering.style)
        panel.set_ylabel(say("predicted"), **lettering.style)
    add_legend(figure, entries, lettering)
    return figure


class _View:
    """The dots of one target, and the range of the picture.

    Args:
        actual: `(S,)` float64.
        predicted: `(S,)` float64.
    """

    def __init__(self, actual: FloatArray, predicted: FloatArray) -> None:
        known = np.isfinite(actual) & np.isfinite(predicted)
        self.actual, self.predicted = actual[known], predicted[known]
        both = np.concatenate([self.actual, self.predicted])
        low, high = _limits(both)
        inside = (both >= low) & (both <= high)
        within = inside[: len(self.actual)] & inside[len(self.actual) :]
        self.outside = len(within) - int(within.sum())
        self.low, self.high = low, high

    def draw(self, panel: Axes) -> None:
        """Draw the dots and the line on which a prediction is exact."""
        step = -(-len(self.actual) // _DOTS) or 1
        shown = self.actual[::step], self.predicted[::step]
        alpha = float(np.clip(150 / max(len(shown[0]), 1), 0.12, 0.6))
        panel.plot(*shown, **{**_DOT, "alpha": alpha, "markeredgewidth": 0})
        edge = 0.03 * (self.high - self.low) or 0.05 * abs(self.low) or 1.0
        ends = (self.low - edge, self.high + edge)
        panel.plot(ends, ends, **_EXACT)
        panel.set_xlim(*ends)
        panel.set_ylim(*ends)
        panel.grid(axis="x", color="#DDDDDD", linewidth=0.6)
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_locator(MaxNLocator(8))
            axis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))


def _limits(values: FloatArray) -> tuple[float, float]:
    """Return the range of `values`, or of most where a few lie far out."""
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    inner_low, inner_high = np.quantile(values, _INNER).tolist()
    inner = inner_high - inner_low
    if len(values) < 100 or high - low <= _FAR * inner:
        return low, high
    return max(low, inner_low - 0.5 * inner), min(high, inner_high + 0.5 * inner)


def _sentences(views: Sequence[_View], targets: int, lettering: Lettering) -> list[Message]:
    """Say what is not drawn."""
    found = []
    if targets > len(views):
        found.append(
            Message(
                "Drawn: the first {shown} of {all:,} targets.",
                {"shown": len(views), "all": targets},
            )
        )
    most = max(len(view.actual) for view in views)
    if most > _DOTS:
        step = -(-most // _DOTS)
        found.append(
            Message(
                "Drawn: {shown:,} of {all:,} examples.", {"shown": -(-most // step), "all": most}
            )
        )
    outside = sum(view.outside for view in views)
    if outside:
        found.append(Message("Outside the picture: {count:,} dots far out.", {"count": outside}))
    if not lettering.complete:
        found.append(
            Message("No font on this machine has all letters of the names; the report has them.")
        )
    return found
