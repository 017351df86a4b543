"""Which baselines suit the data."""

from __future__ import annotations

from rnnkit.baselines.labels import ExampleBaseline, MajorityClass, MeanNumber
from rnnkit.baselines.rows import BoostedClasses, BoostedNumbers, LogisticRows, RidgeRows
from rnnkit.baselines.signals import EuclideanNeighbour, WarpedNeighbour
from rnnkit.baselines.texts import TfidfLogistic, TfidfRidge
from rnnkit.data.examples.contract import Examples
from rnnkit.tasks.labels.meaning import Meaning


def baselines_for(meaning: Meaning, train: Examples) -> list[ExampleBaseline]:
    """Return the baselines, in the order of the tables.

    Texts are counted (TF-IDF); signals are compared with their nearest neighbours; rows of a single
    step, which are no sequences, are given to the methods for tables.

    Args:
        meaning: what is to be predicted.
        train: the training part.
    """
    K = meaning.outputs
    if train.texts is not None:
        if meaning.classes:
            return [MajorityClass(K), TfidfLogistic(K, train.texts)]
        return [MeanNumber(), TfidfRidge(train.texts)]
    assert train.signals is not None
    if not meaning.classes:
        return [MeanNumber(), RidgeRows(), BoostedNumbers()]
    table: list[ExampleBaseline] = [MajorityClass(K), LogisticRows(K), BoostedClasses(K)]
    if train.signals.numbers.lengths.max() == 1:
        return table
    return [
        MajorityClass(K),
        LogisticRows(K),
        EuclideanNeighbour(K),
        WarpedNeighbour(K),
        WarpedNeighbour(K, banded=True),
    ]
