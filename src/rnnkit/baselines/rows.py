"""Linear models and gradient boosting on a row of numbers a sequence.

A sequence of one step is such a row already, and these are then the baselines to beat: what is a
row and no sequence needs no recurrent network. Sequences of equal length are written one step after
another; others, and long ones, are told by the mean, spread, least, greatest, first and last value
of each channel and by their length. A column of words becomes the share of steps that hold each
word; gradient boosting takes the word of a single step as it is.

Sources: A. E. Hoerl and R. W. Kennard, "Ridge Regression", Technometrics 12 (1970); J. H. Friedman,
"Greedy function approximation: a gradient boosting machine", Annals of Statistics 29 (2001);
G. Ke et al., "LightGBM", NeurIPS 2017 (the histograms that scikit-learn's form is built on).

All of it runs in one thread: beside other work on the same cores the threads of OpenMP wait for one
another, so that 200 trees for 8,500 used cars took 0.7 s in one thread and up to 80 s in two.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from rnnkit.baselines.contract import FloatArray, SkipBaseline
from rnnkit.baselines.labels import (
    Answers,
    FittedBaseline,
    need_two_classes,
    part_of,
    spread_out,
)
from rnnkit.baselines.signals import ColumnScale, carried_forward, frequent, signals_of
from rnnkit.data.examples.contract import Examples, Signals
from rnnkit.messages import Message

_WIDEST = 1000  # numbers of a sequence that is written out whole
_MOST_WORDS = 200  # words of a column that are told apart, the most frequent ones
_MOST_ENTRIES = 20_000_000  # numbers that a model is fitted to
_MOST_PRODUCTS = 10_000_000_000
_PENALTIES = np.logspace(-4, 4, 9)
_TREES = 200


class RowForm:
    """How sequences become rows, learned from the training part.

    Args:
        signals: `S` sequences of the training part, 1 or more.
        coded: whether the words of single steps are numbered in place of a share each.
    """

    def __init__(self, signals: Signals, *, coded: bool = False) -> None:
        lengths = signals.numbers.lengths
        self._channels = signals.numbers.values.shape[1]
        self._steps = int(lengths[0])
        alike = bool((lengths == self._steps).all())
        self._whole = alike and self._steps * self._channels <= _WIDEST
        self._coded = coded and alike and self._steps == 1
        self._words = [frequent(column, _MOST_WORDS) for column in signals.labels.T]

    @property
    def coded(self) -> NDArray[np.bool_]:
        """`(F,)`, where a row holds the number of a word."""
        own = self._steps * self._channels if self._whole else 6 * self._channels + 1
        words = len(self._words) if self._coded else sum(map(len, self._words))
        return np.concatenate([np.zeros(own, bool), np.full(words, self._coded)])

    def rows(self, signals: Signals) -> FloatArray:
        """Return `(S, F)`, NaN where a value is missing and for the number of an unknown word.

        Of a sequence longer than those of the training part, the last steps count; a shorter one
        lacks the first.
        """
        numbers = self._written(signals) if self._whole else _summaries(signals)
        columns = zip(signals.labels.T, self._words, strict=True)
        if self._coded:
            words = [_last_numbered(signals, column, known) for column, known in columns]
        else:
            words = [_shares(column, known, signals.numbers.starts) for column, known in columns]
        return np.concatenate([numbers, *words], axis=1)

    def _written(self, signals: Signals) -> FloatArray:
        """Return `(S, T·I)`, the last `T` steps of each sequence."""
        back = np.arange(-self._steps, 0)
        there = back >= -signals.numbers.lengths[:, None]  # (S, T)
        rows = signals.numbers.starts[1:, None] + back
        written = np.full((len(signals), self._steps, self._channels), np.nan)
        written[there] = signals.numbers.values[rows[there]]
        return written.reshape(len(signals), self._steps * self._channels)


class LogisticRows:
    """Multinomial logistic regression on scaled rows, the penalty 1; what is missing is the mean.

    Args:
        classes: `K`, 1 or more.
    """

    def __init__(self, classes: int) -> None:
        self.name = "logistic regression"
        self._classes = classes

    def fit(self, train: Examples, answers: Answers) -> FittedBaseline:
        """Fit to the rows; see `ExampleBaseline.fit`."""
        from sklearn.exceptions import ConvergenceWarning  # loads for a second
        from sklearn.linear_model import LogisticRegression

        fit = _Fit.of(train, answers, 1)
        need_two_classes(fit.answers)
        scale = ColumnScale(fit.rows)
        products = fit.rows.size * (1 if self._classes == 2 else self._classes)
        model = LogisticRegression(max_iter=int(np.clip(_MOST_PRODUCTS / products, 20, 1000)))
        with warnings.catch_warnings(), threadpool_limits(1):
            # Stopped early it is a baseline still, and its scores hardly move any more.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(np.nan_to_num(scale(fit.rows)), fit.answers)

        def classify(rows: FloatArray) -> NDArray[Any]:
            given = model.predict_proba(np.nan_to_num(scale(rows)))
            return spread_out(given, model.classes_, self._classes)

        return fit.baseline(classify, self._classes)


class RidgeRows:
    """Ridge regression on scaled rows, the penalty chosen by leaving one out; missing is the mean.

    With next to no penalty it is linear regression.
    """

    def __init__(self) -> None:
        self.name = "ridge"

    def fit(self, train: Examples, answers: Answers) -> FittedBaseline:
        """Fit to the rows; see `ExampleBaseline.fit`."""
        from sklearn.linear_model import RidgeCV  # loads for a second

        fit = _Fit.of(train, answers, 1)
        scale = ColumnScale(fit.rows)
        model = RidgeCV(alphas=_PENALTIES, alpha_per_target=True)
        with threadpool_limits(1):
            model.fit(np.nan_to_num(scale(fit.rows)), fit.answers)

        def regress(rows: FloatArray) -> NDArray[Any]:
            return np.asarray(model.predict(np.nan_to_num(scale(rows))))

        return fit.baseline(regress, answers.shape[1])


class BoostedClasses:
    """Gradient boosting of 200 small trees a class.

    Args:
        classes: `K`, 1 or more.
    """

    def __init__(self, classes: int) -> None:
        self.name = "gradient boosting"
        self._classes = classes

    def fit(self, train: Examples, answers: Answers) -> FittedBaseline:
        """Grow the trees; see `ExampleBaseline.fit`."""
        from sklearn.ensemble import HistGradientBoostingClassifier  # loads for a second

        fit = _Fit.of(train, answers, self._classes, coded=True)
        need_two_classes(fit.answers)
        model = HistGradientBoostingClassifier(**fit.boosting())
        with threadpool_limits(1):
            model.fit(fit.rows, fit.answers)

        def classify(rows: FloatArray) -> NDArray[Any]:
            return spread_out(model.predict_proba(rows), model.classes_, self._classes)

        return fit.baseline(classify, self._classes)


class BoostedNumbers:
    """Gradient boosting of 200 small trees a target."""

    def __init__(self) -> None:
        self.name = "gradient boosting"

    def fit(self, train: Examples, answers: Answers) -> FittedBaseline:
        """Grow the trees; see `ExampleBaseline.fit`."""
        from sklearn.ensemble import HistGradientBoostingRegressor  # loads for a second

        targets = answers.shape[1]
        fit = _Fit.of(train, answers, targets, coded=True)
        models = [HistGradientBoostingRegressor(**fit.boosting()) for _ in range(targets)]
        with threadpool_limits(1):
            for model, column in zip(models, fit.answers.T, strict=True):
                model.fit(fit.rows, column)

        def regress(rows: FloatArray) -> NDArray[Any]:
            return np.stack([model.predict(rows) for model in models], axis=1)

        return fit.baseline(regress, targets)


@dataclass(frozen=True, eq=False)
class _Fit:
    """What a model is fitted to, and how it is then asked.

    Args:
        form: of the rows.
        known: `(F,)`, where a row holds anything at all in the training part.
        rows: `(S, F')`, the known columns.
        answers: as many.
        notes: what was left out.
    """

    form: RowForm
    known: NDArray[np.bool_]
    rows: FloatArray
    answers: Answers
    notes: tuple[Message, ...]

    @classmethod
    def of(cls, train: Examples, answers: Answers, models: int, *, coded: bool = False) -> _Fit:
        """Return as many rows as `models` of them can be fitted to."""
        form = RowForm(signals_of(train), coded=coded)
        most = max(1, _MOST_ENTRIES // (models * max(1, len(form.coded))))
        part, answers, notes = part_of(train, answers, most)
        rows = form.rows(signals_of(part))
        known = np.asarray(~np.isnan(rows).all(axis=0))
        if not known.any():
            raise SkipBaseline(Message("finds no value in the training part"))
        return cls(form, known, rows[:, known], answers, notes)

    def baseline(
        self, predict: Callable[[FloatArray], NDArray[Any]], outputs: int
    ) -> FittedBaseline:
        """Return what makes rows of examples and predicts `(S, outputs)` from them."""

        def of_examples(examples: Examples) -> FloatArray:
            if not len(examples):
                return np.empty((0, outputs))
            with threadpool_limits(1):
                said = predict(self.form.rows(signals_of(examples))[:, self.known])
            return np.asarray(said, dtype=np.float64).reshape(len(examples), outputs)

        return FittedBaseline(of_examples, self.notes)

    def boosting(self) -> dict[str, Any]:
        """Return the options of gradient boosting."""
        return {
            "max_iter": _TREES,
            "categorical_features": self.form.coded[self.known],
            "early_stopping": False,  # it would need two examples of each class
            "random_state": 0,
        }


def _summaries(signals: Signals) -> FloatArray:
    """Return `(S, 6·I + 1)`: mean, spread, least, greatest, first, last value; length."""
    starts, lengths = signals.numbers.starts, signals.numbers.lengths
    values = signals.numbers.values
    summaries = np.full((len(signals), 6, values.shape[1]), np.nan)
    some = lengths > 0
    begin = starts[:-1][some]
    if len(begin):
        observed = ~np.isnan(values)
        count = np.add.reduceat(observed, begin, axis=0, dtype=np.float64)
        known = count > 0
        nothing = np.full_like(count, np.nan)
        size = np.maximum.reduceat(np.where(observed, np.abs(values), 0.0), begin, axis=0)
        size = np.where(size > 0, size, 1.0)  # so that no square overflows
        shares = np.where(observed, values, 0.0) / np.repeat(size, lengths[some], axis=0)
        mean = np.divide(np.add.reduceat(shares, begin, axis=0), count, out=nothing, where=known)
        apart = np.where(observed, shares - np.repeat(mean, lengths[some], axis=0), 0.0)
        square = np.add.reduceat(apart**2, begin, axis=0)
        spread = np.sqrt(np.divide(square, count, out=nothing.copy(), where=known))
        least = np.minimum.reduceat(np.where(observed, values, np.inf), begin, axis=0)
        greatest = np.maximum.reduceat(np.where(observed, values, -np.inf), begin, axis=0)
        ends = starts[1:][some] - 1
        last = carried_forward(values, starts)[ends]
        summaries[some] = np.stack(
            [
                mean * size,
                spread * size,
                np.where(known, least, np.nan),
                np.where(known, greatest, np.nan),
                values[begin],
                last,
            ],
            axis=1,
        )
    rows = summaries.reshape(len(signals), 6 * values.shape[1])
    return np.concatenate([rows, lengths[:, None].astype(np.float64)], axis=1)


def _numbered(column: NDArray[np.object_], known: list[str]) -> FloatArray:
    """Return `(S,)`, the number of each word, NaN for one that is not known."""
    numbers = {word: float(number) for number, word in enumerate(known)}
    return np.array([numbers.get(word, np.nan) for word in column.tolist()])


def _last_numbered(signals: Signals, column: NDArray[np.object_], known: list[str]) -> FloatArray:
    """Return `(S, 1)`, the number of the word of each sequence's last step, NaN without one."""
    some = signals.numbers.lengths > 0
    numbers = np.full((len(signals), 1), np.nan)
    numbers[some, 0] = _numbered(column[signals.numbers.starts[1:][some] - 1], known)
    return numbers


def _shares(column: NDArray[np.object_], known: list[str], starts: NDArray[np.int64]) -> FloatArray:
    """Return `(S, V)`, the share of a sequence's steps that hold each known word."""
    lengths = np.diff(starts)
    numbers = _numbered(column, known)
    at = ~np.isnan(numbers)
    cells = np.repeat(np.arange(len(lengths)), lengths)[at] * len(known) + numbers[at].astype(int)
    counts = np.bincount(cells, minlength=len(lengths) * len(known))
    return counts.reshape(len(lengths), len(known)) / np.maximum(lengths, 1)[:, None]
