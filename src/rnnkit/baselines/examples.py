"""Which baselines stand beside a network that gives a label or numbers to a sequence."""

from __future__ import annotations

from rnnkit.baselines.labels import ExampleBaseline, MajorityClass, MeanNumber
from rnnkit.baselines.rows import BoostedClasses, BoostedNumbers, LogisticRows, RidgeRows
from rnnkit.baselines.signals import EuclideanNeighbour, WarpedNeighbour
from rnnkit.baselines.texts import TfidfLogistic, TfidfRidge
from rnnkit.data.examples.contract import Examples


def label_baselines(train: Examples, classes: int) -> list[ExampleBaseline]:
    """Return the baselines of a class a sequence, in the order of the tables.

    Args:
        train: the training part, 1 example or more; only what kind they are counts here.
        classes: `K`, 1 or more.

    Example:
        >>> train = Examples("toys", ("a good toy", "a bad toy it is"), None, None, None, str)
        >>> [baseline.name for baseline in label_baselines(train, 2)]
        ['majority class', 'TF-IDF words + logistic regression']
    """
    if train.texts is not None:
        return [MajorityClass(classes), TfidfLogistic(classes, train.texts)]
    if _are_rows(train):
        return [MajorityClass(classes), LogisticRows(classes), BoostedClasses(classes)]
    baselines: list[ExampleBaseline] = [MajorityClass(classes), LogisticRows(classes)]
    baselines.append(EuclideanNeighbour(classes))
    if _of_one_length(train):
        baselines.append(WarpedNeighbour(classes, banded=True))
    return [*baselines, WarpedNeighbour(classes)]


def number_baselines(train: Examples) -> list[ExampleBaseline]:
    """Return the baselines of numbers a sequence, in the order of the tables.

    Args:
        train: the training part, 1 example or more; only what kind they are counts here.

    Example:
        >>> train = Examples("toys", ("a good toy", "a bad toy it is"), None, None, None, str)
        >>> [baseline.name for baseline in number_baselines(train)]
        ['mean', 'TF-IDF words + ridge']
    """
    if train.texts is not None:
        return [MeanNumber(), TfidfRidge(train.texts)]
    return [MeanNumber(), RidgeRows(), BoostedNumbers()]


def _of_one_length(train: Examples) -> bool:
    return train.signals is not None and len(set(train.signals.numbers.lengths.tolist())) == 1


def _are_rows(train: Examples) -> bool:
    """Return whether no sequence has more than one step."""
    return train.signals is not None and int(train.signals.numbers.lengths.max(initial=0)) <= 1
