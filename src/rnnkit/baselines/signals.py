"""The nearest neighbour: the class of the one sequence of the training part that is most alike.

Alike is what has a small squared distance, step beside step ("Euclidean", of sequences of one
length) or with time warped (`warping.py`). Channels are scaled to the mean 0 and the spread 1 of
the training part; a column of words becomes a channel a word, 0 or 1. A missing value is filled by
what came before it in its sequence, and by the mean where nothing did.

Sources: T. M. Cover and P. E. Hart, "Nearest neighbor pattern classification", IEEE Transactions on
Information Theory 13 (1967); A. Bagnall, J. Lines, A. Bostrom, J. Large and E. Keogh, "The great
time series classification bake off", Data Mining and Knowledge Discovery 31 (2017) (warped, it is
what a classifier of series has to beat).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from rnnkit.baselines.contract import FloatArray, IntArray, SkipBaseline, too_long
from rnnkit.baselines.labels import Answers, FittedBaseline, need_two_classes
from rnnkit.baselines.warping import nearest
from rnnkit.data.examples.contract import Examples, Signals
from rnnkit.data.ragged import Ragged
from rnnkit.messages import Message

_MOST_WORDS = 20  # words of a column that are told apart, the most frequent ones
_FARTHEST = 1e6  # spreads from the mean that a value is taken to be at most
_BAND = 10  # percent


class ColumnScale:
    """Mean and spread of each column, learned from the rows of the training part.

    Args:
        rows: `(N, F)`, NaN where a value is missing, any size a double can have.

    Example:
        >>> scale = ColumnScale(np.array([[1.0, 7.0], [3.0, 7.0], [np.nan, 7.0]]))
        >>> scale(np.array([[3.0, 8.0], [np.nan, 7.0]])).tolist()
        [[1.0, 0.0], [nan, 0.0]]
    """

    def __init__(self, rows: FloatArray) -> None:
        observed = np.isfinite(rows)
        count = np.maximum(observed.sum(axis=0), 1)
        size = np.where(observed, np.abs(rows), 0.0).max(axis=0, initial=0.0)
        self._size = np.where(size > 0, size, 1.0)  # so that no square overflows
        shares = np.where(observed, rows / self._size, 0.0)
        self._mean = shares.sum(axis=0) / count
        squares = np.where(observed, (shares - self._mean) ** 2, 0.0).sum(axis=0) / count
        spread = np.sqrt(squares)
        self._spread = np.where(spread > 1e-12, spread, np.inf)  # a constant column says nothing

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Return the rows scaled, `(N, F)`, NaN where they are; a constant column is 0."""
        with np.errstate(over="ignore"):  # far beyond what training saw; cut off below
            scaled = (rows / self._size - self._mean) / self._spread
        return np.asarray(np.clip(scaled, -_FARTHEST, _FARTHEST))


class _Neighbour:
    """What both share: scaled sequences of the training part, and their classes."""

    def __init__(self, classes: int, name: str, seconds: float) -> None:
        self.name = f"1-nearest neighbour, {name}"
        self._classes = classes
        self._seconds = seconds

    def _fitted(
        self,
        train: Examples,
        codes: IntArray,
        find: Callable[[Ragged, Ragged], IntArray],
    ) -> FittedBaseline:
        need_two_classes(codes)
        channels = _Channels(signals_of(train))
        known = channels.of(signals_of(train))
        need_steps(known)

        def predict(examples: Examples) -> FloatArray:
            queries = channels.of(signals_of(examples))
            need_steps(queries)
            return np.eye(self._classes)[codes[find(queries, known)]]

        return FittedBaseline(predict)

    def _afford(self, estimate: float) -> None:
        if estimate > self._seconds:
            raise SkipBaseline(too_long(estimate, self._seconds))


class EuclideanNeighbour(_Neighbour):
    """The nearest neighbour, step beside step.

    Args:
        classes: `K`, 1 or more.
        seconds: the longest that a prediction may take, estimated for one core of 2023.
    """

    def __init__(self, classes: int, seconds: float = 60.0) -> None:
        super().__init__(classes, "Euclidean", seconds)

    def fit(self, train: Examples, answers: Answers) -> FittedBaseline:
        """Keep the training part; see `ExampleBaseline.fit`."""
        need_one_length(signals_of(train).numbers)
        return self._fitted(train, answers, self._find)

    def _find(self, queries: Ragged, known: Ragged) -> IntArray:
        from sklearn.metrics import pairwise_distances_argmin  # loads for a second

        if not len(queries):
            return np.empty(0, dtype=np.int64)
        need_one_length(queries, known)
        self._afford(1e-9 * len(queries) * known.values.size)
        rows = [sequences.values.reshape(len(sequences), -1) for sequences in (queries, known)]
        with threadpool_limits(1):  # see rows.py
            return np.asarray(pairwise_distances_argmin(*rows), dtype=np.int64)


class WarpedNeighbour(_Neighbour):
    """The nearest neighbour by dynamic time warping.

    Args:
        classes: `K`, 1 or more.
        banded: whether steps may be matched only where they stand at most a tenth of the length
            apart, which is often better and takes less time; for sequences of one length.
        seconds: the longest that a prediction may take, estimated for one core of 2023.
    """

    def __init__(self, classes: int, *, banded: bool = False, seconds: float = 60.0) -> None:
        super().__init__(classes, f"DTW within {_BAND} %" if banded else "DTW", seconds)
        self._banded = banded

    def fit(self, train: Examples, answers: Answers) -> FittedBaseline:
        """Keep the training part; see `ExampleBaseline.fit`."""
        if self._banded:
            need_one_length(signals_of(train).numbers)
        return self._fitted(train, answers, self._find)

    def _find(self, queries: Ragged, known: Ragged) -> IntArray:
        width = known.values.shape[1]
        steps = int(known.lengths.max())
        band = None
        cells = float(len(queries.values)) * len(known.values)
        if self._banded:
            need_one_length(queries, known)
            band = -(-steps * _BAND // 100)
            cells *= min(1.0, (2 * band + 1) / steps)
        diagonals = len(queries.values) + float(len(queries)) * steps
        self._afford(1e-9 * cells * (6 + 4 * width) + 1e-6 * diagonals * (8 + 3 * width))
        return nearest(queries, known, band)


class _Channels:
    """How signals become channels without a gap, learned from the training part."""

    def __init__(self, signals: Signals) -> None:
        self._scale = ColumnScale(signals.numbers.values)
        self._words = [frequent(column, _MOST_WORDS) for column in signals.labels.T]

    def of(self, signals: Signals) -> Ragged:
        """Return the sequences `(T, I')`, scaled and filled."""
        scaled = self._scale(signals.numbers.values)
        filled = np.nan_to_num(carried_forward(scaled, signals.numbers.starts), nan=0.0)
        words = [
            (column[:, None] == np.array(known, dtype=object)).astype(np.float64)
            for column, known in zip(signals.labels.T, self._words, strict=True)
        ]
        return Ragged(np.concatenate([filled, *words], axis=1), signals.numbers.starts)


def carried_forward(values: FloatArray, starts: IntArray) -> FloatArray:
    """Return the values, each missing one filled by the last before it in its sequence.

    Args:
        values: `(N, I)`, NaN where a value is missing.
        starts: `(S + 1,)`, where each sequence begins.

    Returns:
        `(N, I)`, NaN where nothing came before.

    Example:
        >>> values = np.array([[1.0], [np.nan], [np.nan], [4.0]])
        >>> carried_forward(values, np.array([0, 2, 4]))[:, 0].tolist()
        [1.0, 1.0, nan, 4.0]
    """
    rows = np.arange(len(values))
    last = np.where(np.isnan(values), -1, rows[:, None])
    last = np.maximum.accumulate(last, axis=0)
    begin = np.repeat(starts[:-1], np.diff(starts))
    filled = np.take_along_axis(values, np.maximum(last, 0), axis=0) if len(values) else values
    return np.where(last >= begin[:, None], filled, np.nan)


def frequent(words: NDArray[np.object_], most: int) -> list[str]:
    """Return the most frequent words of a column, at most `most`, "" (missing) left out."""
    counts = Counter(word for word in words.tolist() if word)
    return sorted(sorted(counts, key=lambda word: (-counts[word], word))[:most])


def signals_of(examples: Examples) -> Signals:
    """Return the signals of examples, or raise SkipBaseline where they are texts."""
    if examples.signals is None:
        raise SkipBaseline(Message("needs sequences of numbers"))
    return examples.signals


def need_one_length(*sequences: Ragged) -> None:
    """Raise SkipBaseline unless all sequences are equally long."""
    lengths: NDArray[Any] = np.concatenate([part.lengths for part in sequences])
    if lengths.min() != lengths.max():
        raise SkipBaseline(
            Message(
                "needs sequences of one length, got {low:,} to {high:,} steps",
                {"low": int(lengths.min()), "high": int(lengths.max())},
            )
        )


def need_steps(sequences: Ragged) -> None:
    """Raise SkipBaseline where a sequence is empty or there is no channel."""
    if not sequences.lengths.all() or not sequences.values.shape[1]:
        raise SkipBaseline(Message("needs at least one step of each sequence, and a channel"))
