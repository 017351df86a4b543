"""What a baseline of examples is: fitted once on the training part, then asked about any others.

A baseline says a class of a sequence, or numbers; it knows nothing of the network and looks at
nothing but the training part. What it was fitted to is called its answers:

    of classes   (S,)   int64, a code 0..K-1 an example; it then gives probabilities (S', K)
    of numbers   (S, K) float64, no NaN;                 it then gives numbers (S', K)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnnkit.baselines.contract import FloatArray, IntArray, SkipBaseline
from rnnkit.data.examples.contract import Examples
from rnnkit.errors import ShapeError
from rnnkit.messages import Message

Answers = NDArray[Any]


@dataclass(frozen=True, eq=False)
class FittedBaseline:
    """A baseline that has learned.

    Args:
        predict: examples to `(S, K)` float64, probabilities or numbers; each row depends on its own
            example alone. It raises `SkipBaseline` where it cannot serve them.
        notes: what was done otherwise than its name says, such as fitting to a part.
    """

    predict: Callable[[Examples], FloatArray]
    notes: tuple[Message, ...] = ()


class ExampleBaseline(Protocol):
    """What a network of sequences to labels or numbers has to beat."""

    name: str
    """As printed."""

    def fit(self, train: Examples, answers: Answers) -> FittedBaseline:
        """Learn from the training part.

        Args:
            train: `S` examples, 1 or more.
            answers: of these, as at the top of this file.

        Raises:
            SkipBaseline: if this baseline has nothing to say about them or would take too long.
        """


class MajorityClass:
    """The share of each class in the training part, whatever the example.

    Args:
        classes: `K`, 1 or more.

    Example:
        >>> from rnnkit.data.examples.contract import Examples
        >>> train = Examples("toys", ("a", "b", "c", "d"), None, None, None, str)
        >>> fitted = MajorityClass(3).fit(train, np.array([0, 2, 2, 2]))
        >>> fitted.predict(train.take([1])).tolist()
        [[0.25, 0.0, 0.75]]
    """

    def __init__(self, classes: int) -> None:
        self.name = "majority class"
        self._classes = classes

    def fit(self, train: Examples, answers: Answers) -> FittedBaseline:
        """Count the classes; see `ExampleBaseline.fit`."""
        shares = np.bincount(answers, minlength=self._classes) / len(answers)
        return FittedBaseline(lambda examples: np.tile(shares, (len(examples), 1)))


class MeanNumber:
    """The mean of each target over the training part, whatever the example."""

    def __init__(self) -> None:
        self.name = "mean"

    def fit(self, train: Examples, answers: Answers) -> FittedBaseline:
        """Take the means; see `ExampleBaseline.fit`."""
        means = np.asarray(answers, dtype=np.float64).mean(axis=0)
        return FittedBaseline(lambda examples: np.tile(means, (len(examples), 1)))


def fit_all(
    baselines: Sequence[ExampleBaseline], train: Examples, answers: Answers
) -> tuple[dict[str, FittedBaseline], dict[str, Message]]:
    """Fit each baseline to the training part.

    Args:
        baselines: in the order of the tables.
        train: `S` examples, 1 or more.
        answers: `(S,)` codes or `(S, K)` numbers.

    Returns:
        By name those that were fitted, and why others were skipped.

    Raises:
        ShapeError: if there is no example, or not one answer for each.
    """
    if not len(train) or len(answers) != len(train):
        raise ShapeError(
            f"a baseline needs one answer for each of at least one example, got {len(answers)} "
            f"answers for {len(train)} examples"
        )
    fitted: dict[str, FittedBaseline] = {}
    skipped: dict[str, Message] = {}
    for baseline in baselines:
        try:
            fitted[baseline.name] = baseline.fit(train, answers)
        except SkipBaseline as skip:
            skipped[baseline.name] = skip.reason
    return fitted, skipped


def predict_all(
    fitted: Mapping[str, FittedBaseline], examples: Examples
) -> tuple[dict[str, FloatArray], dict[str, Message]]:
    """Ask each fitted baseline about the same examples.

    Args:
        fitted: from `fit_all`.
        examples: `S'` of the kind that they were fitted to; may be none.

    Returns:
        By name probabilities or numbers `(S', K)`, and why others were skipped.
    """
    predictions: dict[str, FloatArray] = {}
    skipped: dict[str, Message] = {}
    for name, baseline in fitted.items():
        try:
            predictions[name] = baseline.predict(examples)
        except SkipBaseline as skip:
            skipped[name] = skip.reason
    return predictions, skipped


def need_two_classes(codes: IntArray) -> None:
    """Raise SkipBaseline where there is no class to tell from another."""
    if len(np.unique(codes)) < 2:
        raise SkipBaseline(Message("needs two classes in the training part, got one"))


def spread_out(probabilities: NDArray[Any], codes: Sequence[int], classes: int) -> FloatArray:
    """Return `(S, K)`, the columns where `codes` says, 0 for the classes that are not among them.

    Example:
        >>> spread_out(np.array([[0.25, 0.75]]), [0, 2], 3).tolist()
        [[0.25, 0.0, 0.75]]
    """
    spread = np.zeros((len(probabilities), classes))
    spread[:, codes] = probabilities
    return spread


def part_of(
    train: Examples, answers: Answers, most: int
) -> tuple[Examples, Answers, tuple[Message, ...]]:
    """Return at most `most` examples, drawn evenly, with their answers, and a note if fewer."""
    if len(train) <= most:
        return train, answers, ()
    chosen = np.sort(np.random.default_rng(0).permutation(len(train))[:most])
    note = Message(
        "fitted to {count:,} of {all:,} examples, drawn at random",
        {"count": most, "all": len(train)},
    )
    return train.take(chosen), answers[chosen], (note,)
