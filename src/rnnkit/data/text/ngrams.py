"""The n-grams of encoded texts: which are frequent, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.data.ragged import Ragged
from rnnkit.data.stored import Sequences

IntArray = NDArray[np.int64]

MOST = 50_000  # n-grams of each length that are kept, the most frequent
LEAST = 2  # how often one must stand in the training part
_TOGETHER = 4096  # sequences whose n-grams are counted together
_COUNTED = 8_000_000  # different ones above which those met once so far are forgotten


def frequent_ngrams(sequences: Sequences, longest: int, vocabulary: int) -> tuple[Tensor, ...]:
    """Return the most frequent n-grams of 2 tokens, of 3, … of `longest`.

    An n-gram is known by its key (see `find_ngrams`): it can be frequent only if that of its last
    n - 1 tokens is. Of those equally frequent the smaller keys are kept.

    Args:
        sequences: codes of the training part.
        longest: tokens of the longest n-grams; 1 gives none.
        vocabulary: V, above every code.

    Returns:
        For each n the sorted keys, int64; fewer lengths where there are no longer ones.

    Example:
        >>> import numpy as np
        >>> texts = Ragged.join([np.array([4, 5, 4, 5]), np.array([4, 5, 6])])
        >>> [keys.tolist() for keys in frequent_ngrams(texts, 3, 10)]
        [[54]]
    """
    known: list[Tensor] = []
    for _ in range(1, longest):
        keys = np.empty(0, dtype=np.int64)
        counts = np.empty(0, dtype=np.int64)
        for piece in _pieces(sequences):
            found, times = np.unique(_keys_of(piece, known, vocabulary), return_counts=True)
            keys, place = np.unique(np.concatenate([keys, found]), return_inverse=True)
            counts = np.bincount(place, np.concatenate([counts, times])).astype(np.int64)
            if len(keys) > _COUNTED:
                keys, counts = keys[counts > 1], counts[counts > 1]
        often = counts >= LEAST
        keys, counts = keys[often], counts[often]
        keys = np.sort(keys[np.argsort(-counts, kind="stable")[:MOST]])
        if not len(keys):
            break
        known.append(torch.from_numpy(keys))
    return tuple(known)


def find_ngrams(tokens: Tensor, known: tuple[Tensor, ...], vocabulary: int) -> list[Tensor]:
    """Return which known n-gram ends at each step.

    The key of an n-gram is `i V + c`: `c` is the code of its first token, and `i` the number of the
    (n-1)-gram of the others among the known ones, from 1 on (of one token, its code).

    Args:
        tokens: `(B, T)` int64, 0 at padding on the right.
        known: the sorted keys of 2-grams, of 3-grams, …
        vocabulary: V.

    Returns:
        For each length `(B, T)` int64: the number of the n-gram among the known ones, from 1 on; 0
        for one that is not known, where fewer tokens have come, and at padding.
    """
    found = []
    number = tokens
    for n, keys in enumerate(known, start=2):
        key = _key(tokens, number, n, vocabulary)
        place = torch.searchsorted(keys, key).clamp_(max=len(keys) - 1)
        number = torch.where(keys[place] == key, place + 1, 0)
        found.append(number)
    return found


def _key(tokens: Tensor, number: Tensor, n: int, vocabulary: int) -> Tensor:
    """Return the key of the n-gram that ends at each step, -1 where there is none."""
    first = torch.zeros_like(tokens)
    first[:, n - 1 :] = tokens[:, : max(0, tokens.shape[1] - n + 1)]
    return torch.where((first > 0) & (number > 0), number * vocabulary + first, -1)


def _keys_of(piece: Ragged, known: list[Tensor], vocabulary: int) -> IntArray:
    """Return the keys of all n-grams one longer than those known, of all sequences."""
    # One row, in which a 0 parts the sequences, as padding does.
    rows = np.zeros(len(piece.values) + len(piece), dtype=np.int64)
    rows[np.arange(len(piece.values)) + np.repeat(np.arange(len(piece)), piece.lengths)] = (
        piece.values
    )
    tokens = torch.from_numpy(rows)[None]
    number = find_ngrams(tokens, tuple(known), vocabulary)[-1] if known else tokens
    key = _key(tokens, number, len(known) + 2, vocabulary)
    return np.asarray(key[key >= 0].numpy())


def _pieces(sequences: Sequences) -> Iterator[Ragged]:
    for at in range(0, len(sequences), _TOGETHER):
        stop = min(at + _TOGETHER, len(sequences))
        yield Ragged.join([sequences[number] for number in range(at, stop)])
