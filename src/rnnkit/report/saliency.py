"""Texts that were predicted, each token shaded by its weight.

A text is shown as it was written, whitespace and all, whatever letters it holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report.drawing import FloatArray, IntArray
from rnnkit.report.given_text import clusters, isolated, seeable
from rnnkit.report.markup import Markup, join
from rnnkit.report.scores import format_percent

ATTENTION = Message(
    "The darker the background, the more weight the model gave to what stands there. That tells"
    " where it looked, not why it decided."
)
GRADIENT = Message(
    "The darker the background, the more the prediction changes with what stands there."
)

LEVELS = 9  # of shade
_UNREAD = -1
_MOST = 1500  # characters of a text


@dataclass(frozen=True, eq=False)
class Example:
    """A text with what was predicted of it.

    Args:
        text: as it was written.
        predicted: the predicted class or number.
        actual: the actual one; `None` where it is not known.
        probability: of the predicted class; NaN where there is none.
        place: where the text stands, such as "row 17 of reviews.csv"; may be empty.
        spans: `N` tokens that were read, from which character of `text` to which (one past the
            last), in order; tokens may share characters. Text before the first and after the last
            counts as not read. Empty where no weights are known.
        weights: `(N,)` float64 of 0 or more.
        marked: whether it is to be marked right or wrong.

    Raises:
        ShapeError: if there are not as many weights as spans, or one is negative or not
            finite, or a span lies outside the text.

    Example:
        >>> example = Example("so good", "pos", "neg", 0.9, spans=[(0, 2), (3, 7)],
        ...     weights=np.array([0.0, 1.0]))
        >>> example.html(Markup("en")).splitlines()[1]
        '<div class="given" dir="auto">so <mark class="w9">good</mark></div>'
    """

    text: str
    predicted: str
    actual: str | None = None
    probability: float = float("nan")
    place: str = ""
    spans: Sequence[tuple[int, int]] = ()
    weights: FloatArray | None = None
    marked: bool = True

    def __post_init__(self) -> None:
        weights = np.zeros(len(self.spans)) if self.weights is None else self.weights
        if weights.shape != (len(self.spans),):
            raise ShapeError(
                f"weights must have shape ({len(self.spans)},), one a span, got {weights.shape}"
            )
        if not np.all((weights >= 0) & np.isfinite(weights)):
            raise ShapeError("weights must be finite and 0 or more")
        for low, high in self.spans:
            if not 0 <= low <= high <= len(self.text):
                raise ShapeError(
                    f"spans must lie within the {len(self.text)} characters of the text, got"
                    f" ({low}, {high})"
                )

    @property
    def notes(self) -> Iterator[Message]:
        """What a reader has to be told to understand the example."""
        if _UNREAD in self._levels():
            yield Message("In italics stands what was cut off and not read.")

    def html(self, markup: Markup) -> str:
        """Return the example as HTML."""
        return join((self._caption(markup), self._given(markup)))

    def _caption(self, markup: Markup) -> str:
        pieces = [isolated(self.place)] if self.place else []
        if self.actual is not None:
            pieces.append(f"{markup.text(Message('actual'))} <b>{isolated(self.actual)}</b>")
        said = f"{markup.text(Message('predicted'))} <b>{isolated(self.predicted)}</b>"
        if math.isfinite(self.probability):
            said += f" ({format_percent(self.probability, 1)})"
        if self.marked and self.actual is not None:
            said += " ✓" if self.actual == self.predicted else ' <span class="wrong">✗</span>'
        return f'<p class="caption">{" · ".join([*pieces, said])}</p>'

    def _given(self, markup: Markup) -> str:
        if not self.text.strip():
            return markup.paragraph(Message("(an empty text)"), kind="absent")
        levels = self._levels()
        first, last = _window(levels)
        body = "".join(
            _shaded(seeable(self.text[first + low : first + high]), level)
            for low, high, level in _runs(self.text[first:last], levels[first:last])
        )
        before, after = "… " if first else "", " …" if last < len(self.text) else ""
        hidden = len(self.text) - (last - first)
        note = Message("{count:,} more characters of this text are not shown.", {"count": hidden})
        return join(
            (
                f'<div class="given" dir="auto">{before}{body}{after}</div>',
                markup.paragraph(note, kind="small") if hidden else "",
            )
        )

    def _levels(self) -> IntArray:
        """Return `(len(text),)`, the shade of each character, 0..9; -1 where it was not read."""
        levels = np.zeros(len(self.text), np.int64)
        if not self.spans:
            return levels
        if self.weights is not None:
            sums = np.zeros(len(self.text))  # tokens that share a character add up
            for (low, high), weight in zip(self.spans, self.weights.tolist(), strict=True):
                sums[low:high] += weight
            levels = np.rint(LEVELS * sums / (sums.max(initial=0.0) or 1.0)).astype(np.int64)
        whole = [span for span in self.spans if span[0] < span[1]]  # marks of an end have no letter
        first = min((low for low, _ in whole), default=0)
        last = max((high for _, high in whole), default=0)
        for low, high in ((0, first), (last, len(self.text))):
            if self.text[low:high].strip():
                levels[low:high] = _UNREAD
        return levels


def _window(levels: IntArray) -> tuple[int, int]:
    """Return the characters to show: of a long text those around the darkest."""
    if len(levels) <= _MOST or not (levels > 0).any():
        return 0, min(len(levels), _MOST)
    sums = np.concatenate([[0], np.cumsum(np.maximum(levels, 0))])
    within = sums[_MOST:] - sums[:-_MOST]
    best = np.flatnonzero(within == within.max())
    first = int(best[len(best) // 2])
    return first, first + _MOST


def _runs(text: str, levels: IntArray) -> Iterator[tuple[int, int, int]]:
    """Yield stretches of one level: begin, end, level; what is drawn as one is not parted."""
    parts = [(low, high, int(levels[low:high].max())) for low, high in clusters(text)]
    for level, group in groupby(parts, key=lambda part: part[2]):
        stretch = list(group)
        yield stretch[0][0], stretch[-1][1], level


def _shaded(html: str, level: int) -> str:
    if level == 0:
        return html
    if level == _UNREAD:
        return f'<span class="unread">{html}</span>'
    return f'<mark class="w{level}">{html}</mark>'
