"""Training, validation and test part of examples that have no order in time.

Equal sequences always stay together, so that none is learned from and asked about; classes keep
their shares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.examples.contract import Examples
from rnnkit.errors import DataError

IntArray = NDArray[np.int64]

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
MOST_VALIDATION = 5000


@dataclass(frozen=True, eq=False)
class Groups:
    """Which examples are equal, and of which class each group of them is.

    Args:
        group: `(S,)` int64, the number of each example's group in 0..n-1.
        strata: `(n,)` int64, the class of each group: that of its first example.
    """

    group: IntArray
    strata: IntArray

    def take(self, index: IntArray) -> Groups:
        """Return the groups of the examples `index`, numbered anew."""
        kept, group = np.unique(self.group[index], return_inverse=True)
        return Groups(group.astype(np.int64), self.strata[kept])


def find_groups(examples: Examples, strata: Sequence[int] | IntArray | None = None) -> Groups:
    """Return which sequences are equal.

    Args:
        examples: `S` of them.
        strata: `(S,)` whole numbers whose shares a part should keep; `None` for none.
    """
    key = sequence_key(examples)
    digests = bytearray()  # 16 bytes an example, of which there may be many
    for i in range(len(examples)):
        digests += key(i)
    high, low = np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2).T
    order = np.lexsort((low, high))  # stable: of equal ones the first comes first
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(high[order]) != 0) | (np.diff(low[order]) != 0)
    first = order[is_new]
    # Groups are numbered as they are first met.
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    group = np.empty(len(order), dtype=np.int64)
    group[order] = rank[np.cumsum(is_new) - 1]
    first = np.sort(first)
    classes = np.zeros(len(group), dtype=np.int64) if strata is None else np.asarray(strata)
    return Groups(group, classes[first].astype(np.int64))


def sequence_key(examples: Examples) -> Callable[[int], bytes]:
    """Return what gives the same bytes for equal sequences; blanks in texts are all alike."""
    if examples.texts is not None:
        texts = examples.texts
        return lambda i: _digest(" ".join(texts[i].split()).encode("utf-8", "surrogatepass"))
    signals = examples.signals
    assert signals is not None
    labels = signals.labels
    starts = signals.numbers.starts

    def key(i: int) -> bytes:
        words = repr(labels[starts[i] : starts[i + 1]].tolist()) if labels.size else ""
        return _digest(signals.numbers[i].tobytes() + words.encode("utf-8", "surrogatepass"))

    return key


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def split_off(
    groups: Groups, size: int | float, seed: int, *, name: str
) -> tuple[IntArray, IntArray]:
    """Return the examples that stay and those held out, each in rising order.

    Of every class the share that is asked for is held out, by groups of equal examples drawn at
    random; of a class of two groups or more at least one is, and at least one stays.

    Args:
        groups: of the examples.
        size: how many are held out, or their share above 0 and below 1; 0 for none.
        seed: of the drawing.
        name: of the part, for the error.

    Raises:
        DataError: if nothing would stay.
    """
    total = len(groups.group)
    wanted = size * total if isinstance(size, float) else size
    if wanted >= total:
        raise DataError(
            f"{name} of {size} leaves nothing to learn from: there are {total} examples"
        )
    held = np.zeros(len(groups.strata), dtype=bool)
    if wanted:
        counts = np.bincount(groups.group, minlength=len(groups.strata))
        generator = np.random.default_rng([seed, 0x5EED])
        order = generator.permutation(len(groups.strata))
        for stratum in np.unique(groups.strata):
            members = order[groups.strata[order] == stratum]
            before = np.cumsum(counts[members]) - counts[members]
            due = wanted / total * counts[members].sum()
            chosen = before + counts[members] / 2 < due
            if len(members) > 1:
                chosen[0], chosen[-1] = True, False
            else:
                chosen[:] = False
            held[members[chosen]] = True
    out = held[groups.group]
    return np.flatnonzero(~out), np.flatnonzero(out)


def folds(groups: Groups, count: int, seed: int) -> IntArray:
    """Return the fold `(S,)` in 0..count-1 of each example; of every class each has its share.

    Equal examples are in one fold.
    """
    generator = np.random.default_rng([seed, 0xF01D])
    order = generator.permutation(len(groups.strata))
    order = order[np.argsort(groups.strata[order], kind="stable")]
    fold = np.empty(len(groups.strata), dtype=np.int64)
    fold[order] = np.arange(len(order)) % count
    return fold[groups.group]


def validation_size(examples: int) -> int:
    """Return how many examples are held out to stop early by: a tenth, but at most 5,000."""
    return max(1, min(MOST_VALIDATION, round(VALIDATION_SHARE * examples)))
