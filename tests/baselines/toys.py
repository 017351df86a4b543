"""Examples of few texts or signals, written out."""

import numpy as np

from rnnkit.data.examples.contract import Examples, Signals
from rnnkit.data.ragged import Ragged


def texts(*written):
    return Examples("toys", written, None, None, None, lambda i: f"row {i}")


def signals(*sequences, words=None):
    """Return sequences `(T, I)` of numbers; `words` are lists of `T` tuples of `Q` words."""
    numbers = Ragged.join([np.asarray(one, dtype=np.float64) for one in sequences])
    columns = len(words[0][0]) if words else 0
    labels = np.empty((len(numbers.values), columns), dtype=object)
    for row, step in enumerate(step for sequence in words or () for step in sequence):
        labels[row] = step
    names = tuple(f"c{i}" for i in range(numbers.values.shape[1]))
    said = Signals(numbers, names, labels, tuple(f"w{i}" for i in range(columns)))
    return Examples("toys", None, said, None, None, lambda i: f"row {i}")


def row(*numbers):
    """Return a sequence of one step."""
    return np.array([numbers], dtype=np.float64)
