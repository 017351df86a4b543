"""The picture of which class was taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report.drawing import BLACK, GREY, FloatArray, IntArray, Style, sheet
from rnnkit.report.language import Language
from rnnkit.report.lettering import Lettering, columns, shorten
from rnnkit.report.scores import format_percent

_MOST = 60  # classes of which each has a row
_PLACE = 8.0  # inches across, for the names of the rows and the cells
_LETTER = 0.085  # inches across, of 10 points; smaller where there are more than a few classes
_FEW = 30
_NAME, _TURNED = 28, 20  # letters of a name beside a row, and above a column where it is turned
_SHARES = 8  # classes that leave room for a share below each number
_CONFUSIONS = 3  # that are named
_LEAST = 5.0  # points of a number that can still be read
_COLOURS = colormaps["Blues"]  # from light to dark, which every eye and every printer keeps
_EMPTY: Style = {"facecolor": "#EEEEEE", "edgecolor": GREY, "hatch": "///", "linewidth": 0}
_NORM = PowerNorm(0.5, 0.0, 1.0)  # so that a few per cent differ from none


def confusion_plot(
    counts: IntArray,
    classes: Sequence[str],
    unseen: IntArray | None = None,
    language: Language = "en",
) -> Figure:
    """Draw a confusion matrix: a row for each actual class, a column for each predicted one.

    The colour of a cell is its share of the row; its number is drawn where it can be read. Of more
    than 60 classes the most frequent are drawn, the others together.

    Args:
        counts: `(K, K)` int64, how many examples of class `i` were taken for class `j`.
        classes: the names of the `K` classes.
        unseen: `(K,)` int64, for what the examples were taken whose label training never saw;
            `None` or zeros for none.
        language: of the words.

    Returns:
        A figure that belongs to no display.

    Raises:
        ShapeError: if an array does not have its shape, or there is no class.

    Example:
        >>> figure = confusion_plot(np.array([[9, 1], [2, 8]]), ["ham", "spam"])
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['ham  10', 'spam  10']
    """
    size = len(classes)
    extra = np.zeros(size, np.int64) if unseen is None else unseen
    if not size or counts.shape != (size, size) or extra.shape != (size,):
        raise ShapeError(
            f"counts and unseen must have shapes (K, K) and (K,) for K = {size} classes of 1 or"
            f" more, got {counts.shape} and {extra.shape}"
        )
    lettering = Lettering(language)
    matrix = _Matrix.of(counts, extra, classes, lettering)
    letter = _LETTER if len(classes) <= _FEW else 0.7 * _LETTER
    longest = max(map(columns, matrix.columns))
    width = min(1.7, (_PLACE - letter * max(map(columns, matrix.rows))) / len(matrix.columns))
    height = max(min(0.9, width), 0.16)
    turned = longest * letter + 0.1 > width
    room = 0.75 + (letter * longest if turned else 0.2)
    title = lettering.render(Message("Confusion matrix"))
    lines = [" ".join(map(lettering.render, matrix.sentences(lettering)))]
    heights = [height * len(matrix.rows) + room]
    figure, (panel,) = sheet(title, lines, heights, lettering, [])
    _draw(panel, matrix, (width, height))
    _name(panel, matrix, lettering, (width, height), turned=turned)
    _add_scale(panel, width * len(matrix.columns))
    return figure


@dataclass(frozen=True, eq=False)
class _Matrix:
    """What is drawn: `(R, C)` numbers, the names of rows and columns, and what was left out.

    Args:
        counts: the last row holds the labels never seen where `has_unseen`.
        names: of the columns and of the first rows.
        rows: names with the number of examples.
        columns: names, shorter.
        has_unseen: whether the last row is no class.
        left_out: classes drawn together in the row and column before.
    """

    counts: IntArray
    names: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    has_unseen: bool
    left_out: int

    @classmethod
    def of(
        cls, counts: IntArray, extra: IntArray, classes: Sequence[str], lettering: Lettering
    ) -> _Matrix:
        names = []
        for number, name in enumerate(classes, 1):
            instead = lettering.render(Message("class {number}", {"number": number}))
            names.append(lettering.text(name, instead) or instead)  # a label may be blank
        left_out = 0
        if len(names) > _MOST:
            kept = np.sort(np.argsort(-counts.sum(1), kind="stable")[: _MOST - 1])
            left_out = len(names) - len(kept)
            group = np.full(len(names), len(kept))
            group[kept] = np.arange(len(kept))
            counts, extra = _grouped(counts, group), _grouped(extra[None], group, rows=False)[0]
            names = [*(names[int(k)] for k in kept), lettering.say("all others")]
        has_unseen = bool(extra.any())
        if has_unseen:
            counts = np.vstack([counts, extra])
        rows = [*names, *([lettering.say("not in training")] if has_unseen else [])]
        return cls(
            counts,
            tuple(_cut(name, _NAME) for name in names),
            tuple(
                f"{_cut(name, _NAME)}  {total:,}"
                for name, total in zip(rows, counts.sum(1).tolist(), strict=True)
            ),
            tuple(_cut(name, _TURNED) for name in names),
            has_unseen,
            left_out,
        )

    @property
    def shares(self) -> FloatArray:
        """`(R, C)` of each row; NaN where it is empty."""
        totals = self.counts.sum(1, keepdims=True)
        shares: FloatArray = np.where(totals > 0, self.counts / np.maximum(totals, 1), np.nan)
        return shares

    def sentences(self, lettering: Lettering) -> list[Message]:
        """What is to be known of the picture, and the most frequent confusions."""
        found = [
            Message(
                "The darker, the larger the share of the examples of an actual class; beside its"
                " name, how many there are."
            )
        ]
        size = len(self.columns)
        wrong = self.counts[:size] * ~np.eye(size, dtype=bool)
        wrong[size - bool(self.left_out) :] = 0
        wrong[:, size - bool(self.left_out) :] = 0
        worst = np.argsort(-wrong, axis=None, kind="stable")[:_CONFUSIONS]
        pairs = [(int(k) // size, int(k) % size) for k in worst if wrong.flat[k] > 0]
        if pairs and size > 2:
            named = tuple(
                Message(
                    "{actual} taken for {predicted} ({count:,})",
                    {
                        "actual": self.names[i],
                        "predicted": self.names[j],
                        "count": int(wrong[i, j]),
                    },
                )
                for i, j in pairs
            )
            found.append(Message("Most often confused: {pairs}.", {"pairs": named}))
        if not self.counts[:size].sum(1).all():
            found.append(Message("A hatched row has no example in the test part."))
        if self.has_unseen:
            found.append(Message("Below the line: labels that training never saw."))
        if self.left_out:
            found.append(
                Message(
                    "Drawn: the {shown} most frequent of {all:,} classes, the others together.",
                    {"shown": size - 1, "all": size - 1 + self.left_out},
                )
            )
        if not lettering.complete:
            found.append(
                Message(
                    "No font on this machine has all letters of the names; the report has them."
                )
            )
        return found


def _grouped(counts: IntArray, group: IntArray, *, rows: bool = True) -> IntArray:
    """Return the sums over columns, and over rows, of the same group."""
    size = int(group.max()) + 1
    member = (group[:, None] == np.arange(size)).astype(np.int64)  # (K, groups)
    sums: IntArray = counts @ member
    return member.T @ sums if rows else sums


def _cut(name: str, width: int) -> str:
    """Cut a name in the middle: often those of a kind begin alike, or end alike."""
    if columns(name) <= width:
        return name
    half = (width - 1) // 2
    end = name[-half:]
    while columns(end) > half:
        end = end[1:]
    return shorten(name, width - columns(end)) + end


def _draw(panel: Axes, matrix: _Matrix, cell: tuple[float, float]) -> None:
    """Draw the cells, of so many inches, with their numbers, and what marks a row."""
    shares, (height, width) = matrix.shares, matrix.counts.shape
    panel.grid(False)
    panel.spines[:].set_visible(False)
    panel.imshow(shares, cmap=_COLOURS, norm=_NORM, aspect="auto", interpolation="nearest")
    panel.set_box_aspect(height * cell[1] / (width * cell[0]))
    panel.set_anchor("W")
    for row in np.flatnonzero(np.isnan(shares[:, 0])).tolist():
        panel.add_patch(Rectangle((-0.5, row - 0.5), width, 1, **_EMPTY))
    for k in range(width - bool(matrix.left_out)):  # what is right
        panel.add_patch(Rectangle((k - 0.5, k - 0.5), 1, 1, fill=False, color=BLACK, linewidth=0.6))
    if matrix.has_unseen:
        panel.axhline(height - 1.5, color=BLACK, linewidth=2.0)
    with_share = width <= _SHARES
    letters = max(len(f"{matrix.counts.max():,}"), 7 if with_share else 1)
    points = min(10.0, 72 * cell[0] * 0.9 / (0.62 * letters), 72 * cell[1] * 0.7)
    if points < _LEAST:
        return
    for (row, column), count in np.ndenumerate(matrix.counts):
        if count == 0:
            continue
        share = shares[row, column]
        text = f"{count:,}\n{format_percent(share, 1)}" if with_share else f"{count:,}"
        colour = "#FFFFFF" if _NORM(share) > 0.6 else BLACK
        panel.text(column, row, text, ha="center", va="center", fontsize=points, color=colour)


def _name(
    panel: Axes,
    matrix: _Matrix,
    lettering: Lettering,
    cell: tuple[float, float],
    *,
    turned: bool,
) -> None:
    """Write the names of rows and columns beside cells of so many inches, and what they are."""
    across, down = (min(10.0, 72 * 0.75 * inches) for inches in cell)
    style = {**lettering.style, "rotation": 90 if turned else 0}
    panel.set_xticks(
        range(len(matrix.columns)), matrix.columns, fontsize=across if turned else 10.0, **style
    )
    panel.set_yticks(
        range(len(matrix.rows)), matrix.rows, fontsize=min(down, across + 1), **lettering.style
    )
    panel.xaxis.tick_top()
    panel.tick_params(length=0)
    panel.xaxis.set_label_position("top")
    panel.set_xlabel(lettering.say("predicted"), **lettering.style)
    panel.set_ylabel(lettering.say("actual"), **lettering.style)


def _add_scale(panel: Axes, width: float) -> None:
    """Draw beside the cells, `width` inches across, which colour is which share."""
    bar = panel.inset_axes((1 + 0.15 / width, 0.0, 0.14 / width, 1.0))
    shares = np.linspace(0, 1, 256)[:, None]
    extent = (0.0, 1.0, 0.0, 1.0)
    bar.imshow(shares, cmap=_COLOURS, norm=_NORM, aspect="auto", origin="lower", extent=extent)
    bar.set_xticks([])
    bar.yaxis.tick_right()
    ticks = (0.0, 0.25, 0.5, 0.75, 1.0)
    bar.set_yticks(ticks, [format_percent(tick, 0) for tick in ticks], fontsize=8)
    bar.tick_params(length=2)
