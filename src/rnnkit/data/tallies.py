"""Whether columns hold numbers or labels, as their cells tell batch after batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.cells import Cells, Place, factorize_texts, parse_labels
from rnnkit.data.kinds import holds_numbers, refuse_late_texts, refuse_mostly_numbers
from rnnkit.data.panel import MISSING, IntArray
from rnnkit.errors import DataError

_LABELS = 1000  # that a covariate may have


class Tally:
    """Counts of rows by a whole number.

    Args:
        width: how many counts are kept of each.
    """

    def __init__(self, width: int) -> None:
        self.keys = np.empty(0, dtype=np.int64)
        self.counts = np.empty((0, width), dtype=np.int64)

    def add(self, keys: IntArray, counts: IntArray) -> None:
        """Add `counts (N, width)` of the rows with `keys (N,)`."""
        self.keys, place = np.unique(np.concatenate([self.keys, keys]), return_inverse=True)
        added = np.concatenate([self.counts, counts])
        self.counts = np.zeros((len(self.keys), added.shape[1]), dtype=np.int64)
        np.add.at(self.counts, place, added)


class Kind:
    """Whether a column holds numbers or labels, as its cells tell one batch after another."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._places: dict[str, str] = {}  # of the first rows of labels, one more than may be
        self._tally = Tally(2)  # numbers and others by moment
        self._other: tuple[str, str] | None = None  # the row of the first of these, and the cell

    def add(self, cells: Cells, place: Place, moments: IntArray) -> None:
        """Count the cells of a batch."""
        codes, texts = factorize_texts(cells, column=self._name)
        for number, text in enumerate(texts):
            if text not in self._places and len(self._places) <= _LABELS:
                self._places[text] = place(int((codes == number).argmax()))
        numbers = _are_numbers(texts)
        present = np.flatnonzero(codes != MISSING)
        is_number = numbers[codes[present]]
        self._tally.add(
            moments[present], np.stack([is_number, ~is_number], axis=1).astype(np.int64)
        )
        if self._other is None and not numbers.all():
            row = int(present[is_number.argmin()])
            self._other = place(row), texts[int(codes[row])]

    def labels(self, newest: int) -> tuple[str, ...] | None:
        """Return the labels, or `None` for a column of numbers.

        Args:
            newest: moment of the newest row that tells which it is.

        Raises:
            DataError: as `take_survey`.
        """
        if not self._places:
            raise DataError(f"column {self._name!r} is empty; leave it out of the covariates")
        if self._other is None:
            return None
        counts = self._tally.counts
        numbers, others = counts[self._tally.keys <= newest].sum(axis=0).tolist()
        if not others:
            refuse_late_texts(self._name, numbers, int(counts[:, 1].sum()), self._other)
        refuse_mostly_numbers(self._name, numbers, others, self._other)
        texts = list(self._places)
        places = list(self._places.values())
        return parse_labels(texts, column=self._name, place=places.__getitem__)[1]


def _are_numbers(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Return `(N,)` bool, true for texts that can be read as numbers."""
    if holds_numbers(texts[:1], column="", place=str):
        try:
            np.array(texts, dtype=np.float64)
        except ValueError:
            pass  # Some are none; which, is found below.
        else:
            return np.ones(len(texts), dtype=bool)
    return np.array([holds_numbers([text], column="", place=str) for text in texts], dtype=bool)
