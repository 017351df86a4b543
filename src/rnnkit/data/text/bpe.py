"""Byte-pair encoding: the pieces of words that occur most often, learned from texts.

Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL 2016;
on bytes, so that no text holds anything unknown, as in Radford et al., "Language Models are
Unsupervised Multitask Learners", 2019. The library `tokenizers` does the work.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.text.levels import Token
from rnnkit.data.text.origins import Traced
from rnnkit.errors import ConfigError, MissingExtraError

# A letter for each byte: printable characters for themselves, the others from U+0100 on.
ALPHABET = tuple(map(chr, (*range(33, 127), *range(161, 173), *range(174, 324))))

_PARALLELISM = "TOKENIZERS_PARALLELISM"


@dataclass(frozen=True)
class BytePairs:
    """The pairs that byte-pair encoding joins.

    Pieces are written in GPT-2's letters for bytes: a letter stands for itself where it is
    printable ASCII, and `Ġ` for a space. Texts are brought to Unicode's normal form C, and come
    back from their pieces exactly.

    Args:
        merges: the pairs in the order in which they are joined.

    Raises:
        MissingExtraError: on use, if tokenizers is not installed.

    Example:
        >>> pairs = BytePairs.train(["low lower lowest"] * 9, pieces=260)
        >>> pairs.merges
        (('l', 'o'), ('lo', 'w'), ('Ġ', 'low'), ('Ġlow', 'e'))
        >>> [token.piece for token in pairs.spans("lowest 🙂")[:4]]
        ['low', 'e', 's', 't']
        >>> pairs.join(pairs.split("lowest 🙂"))
        'lowest 🙂'
    """

    merges: tuple[tuple[str, str], ...]

    @classmethod
    def train(cls, texts: Iterable[str], pieces: int) -> BytePairs:
        """Return the pairs learned from texts; the same for the same texts.

        Args:
            texts: the training part.
            pieces: how many there are at most, the 256 bytes among them; fewer where every word of
                the texts is a piece already.

        Raises:
            ConfigError: if `pieces` is below 256.
            MissingExtraError: if tokenizers is not installed.
        """
        if pieces < len(ALPHABET):
            raise ConfigError(
                f"byte-pair encoding needs at least {len(ALPHABET)} pieces, one a byte, "
                f"got {pieces}"
            )
        library = _library()
        tokenizer = cls(())._tokenizer
        trainer = library.trainers.BpeTrainer(
            vocab_size=pieces, initial_alphabet=list(ALPHABET), show_progress=False
        )
        with _alone():
            tokenizer.train_from_iterator(map(_composed, texts), trainer)
        model = json.loads(tokenizer.to_str())["model"]
        return cls(tuple((left, right) for left, right in model["merges"]))

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """All pieces: bytes first, then what is joined, in order."""
        joined = (left + right for left, right in self.merges)
        # Two pairs may make the same piece.
        return tuple(dict.fromkeys((*ALPHABET, *joined)))

    def split(self, text: str) -> list[str]:
        """Return the pieces of a text."""
        with _alone():
            return list(self._tokenizer.encode(_composed(text)).tokens)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Return the places in `pieces` of the pieces of each text, `(T,)` each."""
        with _alone():
            batch = self._tokenizer.encode_batch_fast([_composed(text) for text in texts])
        return [np.array(encoding.ids, dtype=np.int32) for encoding in batch]

    def spans(self, text: str) -> list[Token]:
        """Return the pieces of a text, readable and with their places in it as it was written.

        The piece is the part of the text that it stands for. Where a character is several pieces,
        each of them is the whole character.
        """
        traced = Traced.of(text).composed()
        with _alone():
            places = self._tokenizer.encode(traced.text).offsets
        return [Token(traced.text[a:b], *traced.span(a, b)) for a, b in places]

    def join(self, pieces: Iterable[str]) -> str:
        """Return the text of pieces; bytes that are no UTF-8 become U+FFFD."""
        return str(self._tokenizer.decoder.decode(list(pieces)))

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {"merges": [f"{left} {right}" for left, right in self.merges]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> BytePairs:
        """Return the pairs that `to_json` wrote."""
        return cls(tuple((left, right) for left, right in map(str.split, plain["merges"])))

    @cached_property
    def _tokenizer(self) -> Any:
        library = _library()
        codes = {piece: code for code, piece in enumerate(self.pieces)}
        tokenizer = library.Tokenizer(library.models.BPE(codes, list(self.merges)))
        tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = library.decoders.ByteLevel()
        return tokenizer


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _library() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise MissingExtraError(
            "byte-pair encoding needs tokenizers, which is not installed; install it with: "
            'pip install "rnnkit[text]"'
        ) from error
    return tokenizers


@contextmanager
def _alone() -> Iterator[None]:
    """Keep the library from starting threads, unless the user has asked for them.

    A process that forks after they were started would be warned, or hang in the child.
    """
    if _PARALLELISM in os.environ:
        yield
        return
    os.environ[_PARALLELISM] = "false"
    try:
        yield
    finally:
        os.environ.pop(_PARALLELISM, None)
