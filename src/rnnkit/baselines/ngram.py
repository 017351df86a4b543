"""N-gram models: what follows is guessed from the last few tokens, by counting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnkit.errors import ConfigError, DataError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ORDERS = 6  # the longest n-grams counted: of characters, longer ones gain nothing more


@dataclass(frozen=True, eq=False)
class _Grams:
    """All n-grams of one length in the training text.

    Args:
        keys: `(G,)` rising, `c V + w` of the n-gram of context `c` followed by token `w`; the
            context is the number of an n-gram of the length below.
        counts: `(G,)` how often each occurs.
        totals: of each context, how often a token follows it.
        types: of each context, how many different tokens follow it.
    """

    keys: IntArray
    counts: FloatArray
    totals: FloatArray
    types: FloatArray

    def numbers(self, keys: IntArray) -> IntArray:
        """Return the number of each n-gram in `keys`; -1 where the training text has none."""
        places = np.searchsorted(self.keys, keys)
        places[places == len(self.keys)] = 0
        return np.where(self.keys[places] == keys, places, -1)


class NGramModel:
    """Interpolated n-grams with Witten-Bell smoothing.

    `p_n(w | h) = (c(h w) + t(h) p_{n-1}(w | h')) / (c(h) + t(h))`, where `c` counts in the training
    text, `t(h)` is the number of different tokens that follow `h`, and `h'` is `h` without its
    first token; an `h` that never occurred leaves it to `h'`, and `p_0 = 1 / V`. Witten & Bell,
    "The zero-frequency problem" (1991); Chen & Goodman, "An empirical study of smoothing techniques
    for language modeling" (1999), section 2.4. Order 1 knows how frequent tokens are, and no
    context.

    Args:
        codes: `(N,)` whole numbers in `0..V-1`, the training text.
        vocabulary: `V`, tokens that may come.
        order: tokens of the longest n-grams counted, at least 1.

    Raises:
        ConfigError: if `order` is less than 1.
        DataError: if there is no token, or one is outside the vocabulary.

    Example:
        >>> model = NGramModel(np.array([0, 1, 0, 1, 0, 2]), vocabulary=3, order=2)
        >>> model.log_probabilities(np.array([0, 1])).shape  # order 1 and 2, of the second token
        (2, 1)
        >>> np.exp(model.log_probabilities(np.array([0, 1]))).round(3).tolist()
        [[0.333], [0.533]]
    """

    def __init__(self, codes: NDArray[Any], vocabulary: int, order: int = ORDERS) -> None:
        if order < 1:
            raise ConfigError(f"order must be at least 1, got {order}")
        codes = _checked(codes, vocabulary)
        if not len(codes):
            raise DataError("n-grams are counted in at least 1 token, got none: give more text")
        self.vocabulary = vocabulary
        self.orders: list[_Grams] = []
        contexts = np.zeros(len(codes), dtype=np.int64)  # the number of the context of each token
        tokens = codes
        count = 1
        for _ in range(min(order, len(codes))):
            keys, numbers, counts = np.unique(
                contexts * vocabulary + tokens, return_inverse=True, return_counts=True
            )
            own = keys // vocabulary
            self.orders.append(
                _Grams(
                    keys,
                    counts.astype(np.float64),
                    np.bincount(own, weights=counts, minlength=count).astype(np.float64),
                    np.bincount(own, minlength=count).astype(np.float64),
                )
            )
            contexts, tokens, count = numbers[:-1], tokens[1:], len(keys)

    @property
    def order(self) -> int:
        """Tokens of the longest n-grams counted."""
        return len(self.orders)

    def log_probabilities(self, codes: NDArray[Any]) -> FloatArray:
        """Return `(order, M - 1)`: for each order, `ln p` of every token of `codes` but the first.

        Near the beginning, where there are fewer tokens before, the longer orders use those.

        Raises:
            DataError: if a token is outside the vocabulary.
        """
        codes = _checked(codes, self.vocabulary)
        if len(codes) < 2:
            return np.zeros((self.order, 0))
        rows = [row[1:] for row in self._probabilities(codes)]
        return np.log(np.stack(rows))

    def _probabilities(self, codes: IntArray) -> Iterator[FloatArray]:
        """Yield for each order the probability of every token of `codes (M,)`, the first too."""
        p = np.full(len(codes), 1.0 / self.vocabulary)
        contexts = np.zeros(len(codes), dtype=np.int64)  # -1 where it never occurred
        for grams in self.orders:
            known = contexts >= 0
            keys = contexts * self.vocabulary + codes
            numbers = np.where(known, grams.numbers(keys), -1)
            found = np.where(numbers >= 0, grams.counts[numbers], 0.0)
            totals, types = grams.totals[contexts], grams.types[contexts]
            weight = totals + types  # 0 for a context at the very end of the training text
            known &= weight > 0
            p = np.where(known, (found + types * p) / np.where(known, weight, 1.0), p)
            yield p
            contexts = np.concatenate([[-1], numbers[:-1]])


def _checked(codes: NDArray[Any], vocabulary: int) -> IntArray:
    if len(codes) and not (int(codes.min()) >= 0 and int(codes.max()) < vocabulary):
        raise DataError(
            f"tokens must lie in 0..{vocabulary - 1}, got {int(codes.min())}..{int(codes.max())}"
        )
    return codes.astype(np.int64)
