"""The codes of tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnkit.errors import ConfigError, DataError

PAD, UNK, BOS, EOS = range(4)
RESERVED = ("<pad>", "<unk>", "<bos>", "<eos>")

Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Vocabulary:
    """Tokens and their codes. It is built once, from the training part, and never grows.

    The codes 0 to 3 are reserved: padding, an unknown token, the begin and the end of a text.
    They stand for no token. Their names are for reading only: the token "<unk>" of a text about
    vocabularies has a code of its own, or is unknown, like any other.

    Args:
        tokens: all different; the token `i` has the code `i + 4`.

    Raises:
        DataError: if a token is there twice.

    Example:
        >>> words = Vocabulary.build({"the": 9, "film": 4, "a": 4, "zest": 1}, min_count=2)
        >>> words.tokens, len(words)
        (('the', 'a', 'film'), 7)
        >>> words.encode(["the", "zest", "film"]).tolist()
        [4, 1, 6]
        >>> words.decode([4, 1, 6])
        ['the', '<unk>', 'film']
    """

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.codes) != len(self.tokens):
            twice = Counter(self.tokens).most_common(1)[0][0]
            raise DataError(f"the vocabulary holds {twice!r} twice; each token may stand once")

    @classmethod
    def build(
        cls, counts: Mapping[str, int], size: int | None = None, min_count: int = 1
    ) -> Vocabulary:
        """Return the vocabulary of the most frequent tokens; equally frequent ones by name.

        Args:
            counts: how often each token stands in the training part.
            size: codes at most, the 4 reserved ones among them; `None` for no limit.
            min_count: how often a token must stand there to have a code.

        Raises:
            ConfigError: if `size` leaves no room for a token, or `min_count` is below 1.
        """
        if size is not None and size <= len(RESERVED):
            raise ConfigError(
                f"the size of a vocabulary must be at least {len(RESERVED) + 1}, since "
                f"{len(RESERVED)} codes are reserved, got {size}"
            )
        if min_count < 1:
            raise ConfigError(f"min_count must be at least 1, got {min_count}")
        frequent = [(-count, token) for token, count in counts.items() if count >= min_count]
        kept = None if size is None else size - len(RESERVED)
        return cls(tuple(token for _, token in sorted(frequent)[:kept]))

    def __len__(self) -> int:
        """Return how many codes there are, the reserved ones among them."""
        return len(RESERVED) + len(self.tokens)

    @cached_property
    def codes(self) -> Mapping[str, int]:
        """The code of each token."""
        return {token: code for code, token in enumerate(self.tokens, start=len(RESERVED))}

    def encode(self, tokens: Sequence[str]) -> Codes:
        """Return the codes of tokens, `(T,)` int32, `UNK` for those without one."""
        return np.fromiter(map(self.codes.get, tokens, repeat(UNK)), np.int32, len(tokens))

    def decode(self, codes: Iterable[int]) -> list[str]:
        """Return the tokens of codes, and the names of reserved codes.

        Raises:
            DataError: if there is no such code.
        """
        names = (*RESERVED, *self.tokens)
        tokens = []
        for code in codes:
            if not 0 <= code < len(names):
                raise DataError(f"codes must lie between 0 and {len(names) - 1}, got {code}")
            tokens.append(names[code])
        return tokens

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {"tokens": list(self.tokens)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Vocabulary:
        """Return the vocabulary that `to_json` wrote."""
        return cls(tuple(plain["tokens"]))


def unknown_share(codes: Codes) -> float:
    """Return the share of unknown tokens among codes, 0 where there are none.

    Begins, ends and padding do not count as tokens.
    """
    unknown = int(np.count_nonzero(codes == UNK))
    known = int(np.count_nonzero(codes >= len(RESERVED)))
    return unknown / max(1, unknown + known)
