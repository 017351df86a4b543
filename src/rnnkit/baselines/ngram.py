"""N-gram models: what follows is guessed from the last few tokens, by counting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rnnkit.errors import ConfigError, DataError, closest

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Smoothing = Literal["witten-bell", "kneser-ney"]

ORDERS = 8  # the longest n-grams counted: of characters, longer ones gain nothing more
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
_UNKNOWN_DISCOUNTS = (0.5, 1.0, 1.5)  # where counts of 1 to 4 do not all occur


@dataclass(frozen=True, eq=False)
class _Level:
    """`p(w | h) = (a(h w) + b(h) p(w | h')) / c(h)` for the n-grams of one length.

    Args:
        own: `(G,)` `a` of each n-gram of the training text.
        shared: of each context, `b`.
        total: of each context, `c`; 0 for one that nothing followed.
    """

    own: FloatArray
    shared: FloatArray
    total: FloatArray

    def apply(self, lower: FloatArray, contexts: IntArray, numbers: IntArray) -> FloatArray:
        """Return `p` of tokens, given that of the contexts without their first token.

        Args:
            lower: `p(w | h')`.
            contexts: the number of each token's context, -1 where it never occurred.
            numbers: the number of its n-gram, likewise.
        """
        total = np.where(contexts >= 0, self.total[contexts], 0.0)
        found = np.where(numbers >= 0, self.own[numbers], 0.0)
        p = (found + self.shared[contexts] * lower) / np.where(total > 0, total, 1.0)
        return np.where(total > 0, p, lower)


@dataclass(frozen=True, eq=False)
class _Grams:
    """All n-grams of one length in the training text.

    Args:
        keys: `(G,)` rising, `c V + w` of the n-gram of context `c` followed by token `w`; the
            context is the number of an n-gram of the length below.
        longest: what they say where longer ones are not counted.
        lower: what they say below longer ones; `None` where there are none.
    """

    keys: IntArray
    longest: _Level
    lower: _Level | None

    def numbers(self, keys: IntArray) -> IntArray:
        """Return the number of each n-gram in `keys`; -1 where the training text has none."""
        places = np.searchsorted(self.keys, keys)
        places[places == len(self.keys)] = 0
        return np.where(self.keys[places] == keys, places, -1)


class NGramModel:
    """Interpolated n-grams: each length is mixed with the next shorter one.

    With `c` the counts in the training text, `h'` the context `h` without its first token, and
    `p_0 = 1 / V`:

    - `witten-bell`: `p_n(w | h) = (c(h w) + t(h) p_{n-1}(w | h')) / (c(h) + t(h))`, where `t(h)` is
      the number of different tokens that follow `h`. Witten & Bell, "The zero-frequency problem"
      (1991).
    - `kneser-ney`: `p_n(w | h) = (c(h w) - D(c(h w)) + d(h) p_{n-1}(w | h')) / c(h)`, where `d(h)`
      is the sum of what the discounts `D` take off, one each for counts of 1, 2, and 3 or more.
      Below the longest n-grams, `c` is the number of different tokens that come before. Chen &
      Goodman, "An empirical study of smoothing techniques for language modeling" (1999), section 3.

    A context that never occurred leaves it to the shorter one. Order 1 knows how frequent tokens
    are, and no context.

    Args:
        codes: `(N,)` whole numbers in `0..V-1`, the training text.
        vocabulary: `V`, tokens that may come.
        order: tokens of the longest n-grams counted, at least 1.
        smoothing: `witten-bell` or `kneser-ney`.

    Raises:
        ConfigError: if `order` is less than 1, or there is no such smoothing.
        DataError: if there is no token, or one is outside the vocabulary.

    Example:
        >>> model = NGramModel(np.array([0, 1, 0, 1, 0, 2]), vocabulary=3, order=2)
        >>> model.log_probabilities(np.array([0, 1])).shape  # order 1 and 2, of the second token
        (2, 1)
        >>> np.exp(model.log_probabilities(np.array([0, 1]))).round(3).tolist()
        [[0.333], [0.533]]
    """

    def __init__(
        self,
        codes: NDArray[Any],
        vocabulary: int,
        order: int = ORDERS,
        smoothing: Smoothing = "witten-bell",
    ) -> None:
        if order < 1:
            raise ConfigError(f"order must be at least 1, got {order}")
        if smoothing not in SMOOTHINGS:
            raise ConfigError(
                f"smoothing must be one of {', '.join(SMOOTHINGS)}, got {smoothing!r}"
                f"{closest(smoothing, SMOOTHINGS)}"
            )
        codes = _checked(codes, vocabulary)
        if not len(codes):
            raise DataError("n-grams are counted in at least 1 token, got none: give more text")
        self.vocabulary = vocabulary
        self._lengths = list(_count(codes, vocabulary, min(order, len(codes)), smoothing))

    @property
    def order(self) -> int:
        """Tokens of the longest n-grams counted."""
        return len(self._lengths)

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
        lower = np.full(len(codes), 1.0 / self.vocabulary)
        contexts = np.zeros(len(codes), dtype=np.int64)
        for grams in self._lengths:
            numbers = grams.numbers(contexts * self.vocabulary + codes)
            numbers = np.where(contexts >= 0, numbers, -1)
            yield grams.longest.apply(lower, contexts, numbers)
            if grams.lower is not None:
                lower = grams.lower.apply(lower, contexts, numbers)
            contexts = np.concatenate([[-1], numbers[:-1]])


def _count(codes: IntArray, V: int, order: int, smoothing: Smoothing) -> Iterator[_Grams]:
    """Yield the n-grams of each length from 1 to `order`."""
    contexts = np.zeros(len(codes), dtype=np.int64)  # the number of each token's context
    count = 1
    keys, numbers, counts = np.unique(contexts * V + codes, return_inverse=True, return_counts=True)
    for length in range(1, order + 1):
        own = keys // V  # the context of each n-gram
        level = _LEVELS[smoothing]
        longest = level(own, counts, count)
        lower, longer = None, None
        if length < order:
            # Each n-gram one longer: the number of the n-gram that it begins with, and its last
            # token; `first` is where it stands first, and so which n-gram it ends with.
            longer = np.unique(
                numbers[:-1] * V + codes[length:],
                return_index=True,
                return_inverse=True,
                return_counts=True,
            )
            lower = longest
            if smoothing == "kneser-ney":
                before = np.bincount(numbers[1:][longer[1]], minlength=len(keys))
                lower = level(own, before, count)
        yield _Grams(keys, longest, lower)
        if longer is not None:
            count = len(keys)
            keys, _, numbers, counts = longer


def _witten_bell(own: IntArray, counts: IntArray, contexts: int) -> _Level:
    types = np.bincount(own, minlength=contexts).astype(np.float64)
    total = np.bincount(own, weights=counts, minlength=contexts).astype(np.float64)
    return _Level(counts.astype(np.float64), types, total + types)


def _kneser_ney(own: IntArray, counts: IntArray, contexts: int) -> _Level:
    discounts = _discounts(counts)[np.minimum(counts, 3)]
    return _Level(
        counts - discounts,
        np.bincount(own, weights=discounts, minlength=contexts).astype(np.float64),
        np.bincount(own, weights=counts, minlength=contexts).astype(np.float64),
    )


_LEVELS = {"witten-bell": _witten_bell, "kneser-ney": _kneser_ney}


def _discounts(counts: IntArray) -> FloatArray:
    """Return `(4,)` what is taken off counts of 0, 1, 2, and 3 or more (equation 26)."""
    n = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].astype(np.float64)
    if not n.all():
        return np.array([0.0, *_UNKNOWN_DISCOUNTS])
    y = n[0] / (n[0] + 2 * n[1])
    k = np.array([1.0, 2.0, 3.0])
    return np.concatenate([[0.0], np.clip(k - (k + 1) * y * n[1:] / n[:3], 0.0, k)])


def _checked(codes: NDArray[Any], vocabulary: int) -> IntArray:
    if len(codes) and not (int(codes.min()) >= 0 and int(codes.max()) < vocabulary):
        raise DataError(
            f"tokens must lie in 0..{vocabulary - 1}, got {int(codes.min())}..{int(codes.max())}"
        )
    return codes.astype(np.int64)
