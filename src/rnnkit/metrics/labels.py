"""Scores of labels: what share is right, overall and a class, and how well they are ranked.

    accuracy = mean [a = p]
    F1 of k  = 2 |a = k and p = k| / (|a = k| + |p = k|),   macro-F1 its mean over the classes
    AUC of k = P(score of an example of k > score of another) + ½ P(equal)
    log loss = - mean log p(a)                               nats

Sources: Y. Yang and X. Liu, "A re-examination of text categorization methods", SIGIR 1999, section
3.2 (macro-F1); J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver
operating characteristic (ROC) curve", Radiology 143 (1982) (AUC as a probability, and by ranks);
A. Agresti and Y. Min, "Simple improved confidence intervals for comparing matched proportions",
Statistics in Medicine 24 (2005), section 2.3 (the interval).

A class is a code, 0..K-1. The code -1 in `actual` stands for a label that training never saw: no
prediction of it can be right, so it counts as wrong, and each function says how.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnkit.errors import ShapeError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

UNSEEN = -1

_SURE = 1.959963984540054  # the normal quantile of 97.5 %
_LEAST = float(np.finfo(np.float64).eps)  # the least probability that log loss knows


def accuracy(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of labels that are right.

    Args:
        actual: `(S,)` codes; -1 for a label never seen in training, which counts as wrong.
        predicted: `(S,)` codes.

    Returns:
        0..1.

    Raises:
        ShapeError: if the shapes differ or hold no label, or a code is not a whole number, in
            `actual` below -1 or in `predicted` below 0.

    Example:
        >>> accuracy([0, 1, 2, -1], [0, 1, 1, 0])
        0.5
    """
    a, p = _codes(actual, predicted)
    return float(np.mean(a == p))


def macro_f1(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean of the classes' F1, each class counting alike however rare it is.

    The mean is over the classes that occur, in `actual` or among the predictions. One that was
    predicted and never happened has an F1 of 0, and so have the labels never seen in training,
    which count as one class; one that occurs in neither is left out.

    Args:
        actual: `(S,)` codes; -1 for a label never seen in training.
        predicted: `(S,)` codes.

    Returns:
        0..1.

    Raises:
        ShapeError: as in `accuracy`.

    Example:
        >>> macro_f1([0, 0, 0, 1], [0, 0, 0, 0])  # 6/7 and 0
        0.42857142857142855
    """
    a, p = _codes(actual, predicted)
    size = int(max(a.max(), p.max())) + 2
    happened = np.bincount(a + 1, minlength=size)
    said = np.bincount(p + 1, minlength=size)
    right = np.bincount(a[a == p] + 1, minlength=size)
    occurs = happened + said > 0
    return float(np.mean(2 * right[occurs] / (happened + said)[occurs]))


def confusion(actual: ArrayLike, predicted: ArrayLike, classes: int) -> IntArray:
    """Return how often each class was taken for each.

    Args:
        actual: `(S,)` codes. Labels never seen in training, -1, have no row and are left out.
        predicted: `(S,)` codes.
        classes: `K`, 1 or more.

    Returns:
        `(K, K)` int64: row the class, column what it was taken for.

    Raises:
        ShapeError: as in `accuracy`, or if a code is not below `classes`.

    Example:
        >>> confusion([0, 0, 1, -1], [0, 1, 1, 1], 2).tolist()
        [[1, 1], [0, 1]]
    """
    a, p = _codes(actual, predicted)
    if max(a.max(), p.max()) >= classes:
        raise ShapeError(f"codes must be below {classes} classes, got {max(a.max(), p.max())}")
    seen = a != UNSEEN
    counts = np.bincount(a[seen] * classes + p[seen], minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def roc_auc(actual: ArrayLike, probabilities: ArrayLike) -> float:
    """Return the area under the ROC curve: 1 where every example ranks above all others, ½ by luck.

    Of two classes it is the area of class 1; of more, the mean over the classes of the area of one
    against all others. A class that does not occur, or that alone occurs, has no area and is left
    out of the mean. An example never seen in training is one of the others to each class.

    Args:
        actual: `(S,)` codes; -1 for a label never seen in training.
        probabilities: `(S, K)`, or any score that grows with the probability.

    Returns:
        0..1; NaN where no class has an area, or a probability is NaN.

    Raises:
        ShapeError: if the shapes do not fit or hold no label, or a code is not in -1..K-1.

    Example:
        >>> roc_auc([0, 0, 1, 1], [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]])
        0.75
        >>> roc_auc([0, 0], [[0.9, 0.1], [0.4, 0.6]])
        nan
    """
    a, p = _with_probabilities(actual, probabilities)
    if np.isnan(p).any():
        return math.nan
    asked = [1] if p.shape[1] == 2 else range(p.shape[1])
    areas = [_area(a == k, p[:, k]) for k in asked if 0 < np.count_nonzero(a == k) < len(a)]
    return float(np.mean(areas)) if areas else math.nan


def log_loss(actual: ArrayLike, probabilities: ArrayLike) -> float:
    """Return the mean negative log of the probability that was given to what happened.

    A probability counts as 2.2e-16 at least, so that one certain mistake costs 36 nats and not
    infinity; so much does a label never seen in training.

    Args:
        actual: `(S,)` codes; -1 for a label never seen in training.
        probabilities: `(S, K)`, each row adding up to 1.

    Returns:
        Nats, 0 or more; NaN where a probability that counts is NaN.

    Raises:
        ShapeError: as in `roc_auc`.

    Example:
        >>> round(log_loss([0, 1], [[0.5, 0.5], [0.75, 0.25]]), 4)  # (ln 2 + ln 4) / 2
        1.0397
    """
    a, p = _with_probabilities(actual, probabilities)
    given = np.where(a == UNSEEN, 0.0, p[np.arange(len(a)), a])
    return float(-np.mean(np.log(np.clip(given, _LEAST, 1.0))))


def label_scores(actual: ArrayLike, probabilities: ArrayLike) -> dict[str, float]:
    """Return the scores of labels under the names that `metrics.json` uses.

    The label predicted is the class of the greatest probability, the first of several.

    Args:
        actual: `(S,)` codes; -1 for a label never seen in training, which counts as wrong.
        probabilities: `(S, K)`.

    Returns:
        `accuracy`, `macro_f1` and `roc_auc`, the last NaN where it is undefined.

    Raises:
        ShapeError: as in `roc_auc`.

    Example:
        >>> label_scores([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])["accuracy"]
        0.6666666666666666
    """
    a, p = _with_probabilities(actual, probabilities)
    predicted = p.argmax(axis=1)
    return {
        "accuracy": accuracy(a, predicted),
        "macro_f1": macro_f1(a, predicted),
        "roc_auc": roc_auc(a, p),
    }


def difference_in_accuracy(
    actual: ArrayLike, first: ArrayLike, second: ArrayLike
) -> tuple[float, float, float]:
    """Return by how much the first predictions are more accurate, and what chance leaves of it.

    Both were made for the same examples, so only those count on which one is right and the other
    wrong: `b` where the second alone is right, `c` where the first alone. With half an example
    added to each cell of the 2 x 2 table (of Agresti and Min), the interval is

        d ± 1.96 sqrt(b + c - (c - b)²/n) / n,   d = (c - b)/n,

    with `b + ½`, `c + ½` and `n + 2` in place of `b`, `c` and `n`. Unlike the plain one it has a
    width where no two predictions differ, and holds what it says of small test sets.

    Args:
        actual: `(S,)` codes; -1 for a label never seen in training.
        first: `(S,)` codes that were predicted.
        second: `(S,)` codes that something else predicted for the same examples.

    Returns:
        The difference of the accuracies, -1..1, above 0 where the first are better; and the lower
        and upper end of its 95 % interval. Chance alone may explain the difference where 0 lies
        between the two.

    Raises:
        ShapeError: as in `accuracy`.

    Example:
        >>> actual = [0, 1] * 50
        >>> first, second = [0, 1] * 50, [0, 1] * 40 + [1, 0] * 10
        >>> [round(value, 3) for value in difference_in_accuracy(actual, first, second)]
        [0.2, 0.117, 0.275]
    """
    a, p = _codes(actual, first)
    _, q = _codes(actual, second)
    second_alone = int(np.count_nonzero((q == a) & (p != a)))
    first_alone = int(np.count_nonzero((p == a) & (q != a)))
    n, b, c = len(a) + 2, second_alone + 0.5, first_alone + 0.5
    middle = (c - b) / n
    reach = _SURE * math.sqrt(b + c - (c - b) ** 2 / n) / n
    return (
        (first_alone - second_alone) / len(a),
        max(-1.0, middle - reach),
        min(1.0, middle + reach),
    )


def _area(chosen: NDArray[np.bool_], scores: FloatArray) -> float:
    """Return the probability that a chosen one scores above another, ties counting half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # the mean rank of equal scores
    n = np.count_nonzero(chosen)
    above = ranks[chosen].sum() - n * (n + 1) / 2
    return float(above / (n * (len(chosen) - n)))


def _codes(actual: ArrayLike, predicted: ArrayLike) -> tuple[IntArray, IntArray]:
    a, p = np.asarray(actual), np.asarray(predicted)
    if a.ndim != 1 or a.shape != p.shape or not len(a):
        raise ShapeError(
            "actual and predicted must be codes (S,) of the same examples, at least one, got "
            f"shapes {a.shape} and {p.shape}"
        )
    for name, codes, least in (("actual", a, UNSEEN), ("predicted", p, 0)):
        if codes.dtype.kind not in "iu" or codes.min() < least:
            raise ShapeError(
                f"{name} must hold whole numbers from {least}, got {codes.dtype} from {codes.min()}"
            )
    return a.astype(np.int64), p.astype(np.int64)


def _with_probabilities(actual: ArrayLike, probabilities: ArrayLike) -> tuple[IntArray, FloatArray]:
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or not p.shape[1]:
        raise ShapeError(f"probabilities must be (S, K), got shape {p.shape}")
    a, _ = _codes(actual, np.zeros(len(p), dtype=np.int64))
    if a.max() >= p.shape[1]:
        raise ShapeError(f"codes must be below {p.shape[1]} classes, got {a.max()}")
    return a, p
