"""What a text codec learns from the training part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.text.bpe import ALPHABET, BytePairs
from rnnkit.data.text.given import Texts
from rnnkit.data.text.levels import split
from rnnkit.data.text.options import BPE_SIZE, VOCABULARY_SIZE, TextOptions
from rnnkit.data.text.vocabulary import RESERVED, UNK, Codes, Vocabulary
from rnnkit.errors import ConfigError, DataError
from rnnkit.messages import Message

_TOGETHER = 1 << 20  # characters whose tokens are counted together, about


@dataclass(frozen=True, eq=False)
class Learned:
    """What the training part gave: codes are of its texts, uncut, where they were to be kept."""

    vocabulary: Vocabulary
    pairs: BytePairs | None
    lengths: NDArray[np.int64]
    codes: list[Codes]
    notes: tuple[Message, ...]


def learn_tokens(texts: Texts, level: str, options: TextOptions, keep: bool) -> Learned:
    """Return the vocabulary of the most frequent tokens, from one pass over the texts."""
    numbers, counts, lengths, numbered = _count(texts, level, keep)
    _check_any(lengths)
    least = options.min_count or (2 if level == "word" else 1)
    by_token = dict(zip(numbers, counts.tolist(), strict=True))
    vocabulary = Vocabulary.build(by_token, options.vocabulary_size or VOCABULARY_SIZE, least)
    if not vocabulary.tokens:
        raise DataError(
            f"none of the {len(numbers):,} different tokens of the training part stands there "
            f"{least} times; give more texts"
        )
    code = np.full(len(numbers), UNK, dtype=np.int32)
    for token, its_code in vocabulary.codes.items():
        code[numbers[token]] = its_code
    held = Message(
        "vocabulary of {size:,} codes: {known:,} of the {all:,} different tokens of the training"
        " part, and {reserved} reserved",
        {
            "size": len(vocabulary),
            "known": len(vocabulary.tokens),
            "all": len(numbers),
            "reserved": len(RESERVED),
        },
    )
    unknown = Message(
        "{share:.2%} of the tokens of the training part are not in the vocabulary",
        {"share": float(counts[code == UNK].sum() / counts.sum())},
    )
    codes = [code[row] for row in numbered]
    return Learned(vocabulary, None, np.array(lengths), codes, (held, unknown))


def _count(
    texts: Texts, level: str, keep: bool
) -> tuple[dict[str, int], NDArray[np.int64], list[int], list[Codes]]:
    """Number the tokens of texts as they are first met, and count them.

    Returns:
        The number of each token; how often number `i` stands in the texts; the tokens of each text;
        the numbers of each text, if they are to be kept.
    """
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    counts = np.zeros(0, dtype=np.int64)
    lengths: list[int] = []
    kept: list[Codes] = []
    for chunk in _chunks(texts):
        rows = []
        for text in chunk:
            tokens = split(text, level)
            rows.append(np.fromiter(map(numbers.__getitem__, tokens), np.int32, len(tokens)))
        before, counts = counts, np.bincount(np.concatenate(rows), minlength=len(numbers))
        counts[: len(before)] += before
        lengths += map(len, rows)
        if keep:
            kept += rows
    return numbers, counts, lengths, kept


def learn_pairs(texts: Texts, level: str, options: TextOptions, keep: bool) -> Learned:
    """Learn byte pairs in one pass over the texts, and count their pieces in another."""
    if options.min_count is not None:
        raise ConfigError("min_count is of no use at level bpe, where no token is unknown")
    pairs = BytePairs.train(texts, (options.vocabulary_size or BPE_SIZE) - len(RESERVED))
    vocabulary = Vocabulary(pairs.pieces)
    lengths: list[int] = []
    codes: list[Codes] = []
    for chunk in _chunks(texts):
        rows = pairs.encode(chunk)
        lengths += map(len, rows)
        if keep:
            codes += [row + len(RESERVED) for row in rows]
    _check_any(lengths)
    held = Message(
        "vocabulary of {size:,} codes: {bytes} bytes, {learned:,} pieces learned on the training"
        " part, and {reserved} reserved",
        {
            "size": len(vocabulary),
            "bytes": len(ALPHABET),
            "learned": len(vocabulary.tokens) - len(ALPHABET),
            "reserved": len(RESERVED),
        },
    )
    return Learned(vocabulary, pairs, np.array(lengths), codes, (held,))


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield the texts, about a million characters at a time."""
    chunk, characters = list[str](), 0
    for text in texts:
        chunk.append(text)
        characters += len(text) + 1  # there may be many that are empty
        if characters >= _TOGETHER:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _check_any(lengths: list[int]) -> None:
    if not lengths:
        raise DataError("there are no texts to learn a vocabulary from")
    if not any(lengths):
        raise DataError(f"the {len(lengths):,} texts to learn a vocabulary from hold no token")
