"""Texts to codes and back: what is fitted on the training part and kept with the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.ragged import Ragged
from rnnkit.data.stored import StoredRagged
from rnnkit.data.text.bpe import BytePairs
from rnnkit.data.text.given import Place, Texts, checked, chunks, place_in_list
from rnnkit.data.text.learning import Learned, learn_pairs, learn_tokens
from rnnkit.data.text.levels import Token, join, level_for, spans, split
from rnnkit.data.text.options import KEPT_WHOLE, LONGEST, TextOptions, check_cut
from rnnkit.data.text.vocabulary import BOS, EOS, PAD, RESERVED, UNK, Codes, Vocabulary
from rnnkit.errors import DataError
from rnnkit.messages import Message

_SAMPLE = 1000  # texts that the level is chosen by, spread evenly where their number is known


@dataclass(frozen=True, eq=False)
class Encoded:
    """Texts as codes.

    Args:
        sequences: `S` sequences of int32 codes, after truncation.
        lengths: `(S,)` int64, the tokens of each text before it.
    """

    sequences: Ragged
    lengths: NDArray[np.int64]


@dataclass(frozen=True)
class TextCodec:
    """Turns texts into codes, and codes into texts.

    Args:
        level: of its tokens.
        vocabulary: their codes.
        max_length: tokens that are kept of a text; `None` for all.
        truncation: which ones: "head" or "tail".
        pairs: that make the tokens at level bpe; else `None`.
        notes: what `fit` chose, and what it does to the training part.

    Raises:
        ConfigError: if `max_length` or `truncation` is wrong.

    Example:
        >>> options = TextOptions(level="word", max_length=2)
        >>> codec = TextCodec.fit(["Good film, good cast", "a film"], options)
        >>> codec.vocabulary.tokens
        ('film', 'good')
        >>> codec.encode(["Film: good!", "", "🙂 good"]).values.tolist()
        [4, 1, 1, 5]
        >>> codec.decode([5, 4])
        'good film'
    """

    level: str
    vocabulary: Vocabulary
    max_length: int | None
    truncation: str = "head"
    pairs: BytePairs | None = None
    notes: tuple[Message, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        check_cut(self.max_length, self.truncation)

    @classmethod
    def fit(
        cls,
        texts: Iterable[str],
        options: TextOptions | None = None,
        *,
        place: Place = place_in_list,
    ) -> TextCodec:
        """Return the codec of a training part, which need not fit into memory.

        Args:
            texts: the training part alone; gone over up to three times.
            options: what is to be chosen other than by rule.
            place: where text `i` stands, for errors.

        Raises:
            DataError: if there are no texts, one is no text or holds half a surrogate pair, or no
                token occurs `min_count` times.
            MissingExtraError: at level bpe, if tokenizers is not installed.
        """
        return _fit(texts, options or TextOptions(), place, keep=False)[0]

    @classmethod
    def fit_encode(
        cls,
        texts: Sequence[str],
        options: TextOptions | None = None,
        *,
        place: Place = place_in_list,
    ) -> tuple[TextCodec, Encoded]:
        """Return the codec of a training part, and that part in codes, in little more time.

        Raises:
            DataError: as `fit`.
            MissingExtraError: as `fit`.
        """
        codec, learned = _fit(texts, options or TextOptions(), place, keep=True)
        sequences = Ragged.join([codec._cut(codes) for codes in learned.codes])
        return codec, Encoded(sequences, learned.lengths)

    def encode(
        self,
        texts: Iterable[str],
        *,
        bos: bool = False,
        eos: bool = False,
        place: Place = place_in_list,
    ) -> Ragged:
        """Return the codes of texts, cut to `max_length` tokens; an empty text has none.

        Args:
            texts: any number of them.
            bos: whether `BOS` is put before each text, uncounted by `max_length`.
            eos: whether `EOS` is put after it.
            place: where text `i` stands, for errors.

        Raises:
            DataError: if one is no text or holds half a surrogate pair.
        """
        return self.encode_measured(texts, bos=bos, eos=eos, place=place).sequences

    def encode_measured(
        self,
        texts: Iterable[str],
        *,
        bos: bool = False,
        eos: bool = False,
        place: Place = place_in_list,
    ) -> Encoded:
        """Return the codes of texts, and how many tokens each text has before it is cut.

        Raises:
            DataError: as `encode`.
        """
        sequences, lengths = [], []
        before = np.full(int(bos), BOS, dtype=np.int32)
        after = np.full(int(eos), EOS, dtype=np.int32)
        for codes in self._whole(checked(texts, place)):
            lengths.append(len(codes))
            sequences.append(np.concatenate([before, self._cut(codes), after]))
        return Encoded(Ragged.join(sequences), np.array(lengths, dtype=np.int64))

    def encode_stored(
        self, texts: Iterable[str], folder: Path, *, place: Place = place_in_list
    ) -> StoredRagged:
        """Return the codes of texts as `encode` does, but in a temporary file.

        Args:
            texts: any number of them; some are in memory at a time.
            folder: on whose disk the file lies.
            place: where text `i` stands, for errors.

        Raises:
            DataError: as `encode`; if the file cannot be written.
        """
        whole = self._whole(checked(texts, place))
        return StoredRagged.write(map(self._cut, whole), folder)

    def lengths(self, texts: Iterable[str], *, place: Place = place_in_list) -> NDArray[np.int64]:
        """Return how many tokens each text has before it is cut, `(S,)`.

        Raises:
            DataError: as `encode`.
        """
        whole = self._whole(checked(texts, place))
        return np.fromiter((len(codes) for codes in whole), np.int64)

    def cut_share(self, lengths: NDArray[np.int64]) -> float:
        """Return the share of texts of `lengths` tokens that are cut."""
        if self.max_length is None or not len(lengths):
            return 0.0
        return float((lengths > self.max_length).mean())

    def tokens(self, text: str) -> list[Token]:
        """Return the tokens of one text that are encoded, with their places in it.

        Token `i` is what code `i` of `encode([text])` stands for; at level bpe a piece is written
        as the part of the text that it covers.

        Raises:
            DataError: as `encode`.
        """
        (text,) = checked([text], lambda _: "the text")
        whole = spans(text, self.level) if self.pairs is None else self.pairs.spans(text)
        return whole[self._kept(len(whole))]

    def decode(self, codes: Iterable[int]) -> str:
        """Return the text of codes: exact but at level word, where no code is `UNK`.

        `PAD`, `BOS` and `EOS` are left out; `UNK` becomes U+FFFD.

        Raises:
            DataError: if there is no such code.
        """
        codes = [int(code) for code in codes if code not in (PAD, BOS, EOS)]
        tokens = self.vocabulary.decode(codes)
        if self.pairs is not None:
            return self.pairs.join(tokens)
        known = ("�" if code == UNK else token for code, token in zip(codes, tokens, strict=True))
        return join(known, self.level)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back, all but the notes."""
        learned = self.vocabulary if self.pairs is None else self.pairs
        return {
            "level": self.level,
            "max_length": self.max_length,
            "truncation": self.truncation,
            **learned.to_json(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> TextCodec:
        """Return the codec that `to_json` wrote."""
        level = str(plain["level"])
        pairs = BytePairs.from_json(plain) if level == "bpe" else None
        known = Vocabulary.from_json(plain) if pairs is None else Vocabulary(pairs.pieces)
        return cls(level, known, plain["max_length"], str(plain["truncation"]), pairs)

    def _whole(self, texts: Iterable[str]) -> Iterator[Codes]:
        """Yield the codes of each text, uncut."""
        if self.pairs is None:
            for text in texts:
                yield self.vocabulary.encode(split(text, self.level))
            return
        for chunk in chunks(texts):
            for places in self.pairs.encode(chunk):
                yield places + len(RESERVED)

    def _cut(self, codes: Codes) -> Codes:
        return codes[self._kept(len(codes))]

    def _kept(self, length: int) -> slice:
        """Return which of `length` tokens are kept."""
        if self.max_length is None or length <= self.max_length:
            return slice(None)
        return (
            slice(self.max_length) if self.truncation == "head" else slice(-self.max_length, None)
        )


def _fit(
    texts: Iterable[str], options: TextOptions, place: Place, *, keep: bool
) -> tuple[TextCodec, Learned]:
    if iter(texts) is texts:
        raise DataError("texts are gone over more than once; give a list, not an iterator")
    level = options.level
    if level is None:
        if isinstance(texts, Sequence):
            step = max(1, len(texts) // _SAMPLE)
            sample = checked(texts[::step], lambda number: place(number * step))
        else:
            sample = checked(islice(texts, _SAMPLE), place)
        level = level_for(list(sample))
        chosen = "texts are cut into tokens of level {level}, chosen by their script and spaces"
    else:
        chosen = "texts are cut into tokens of level {level}"
    learn = learn_pairs if level == "bpe" else learn_tokens
    learned = learn(Texts(texts, place), level, options, keep)
    max_length = options.max_length
    if max_length == "auto":
        usual = np.quantile(learned.lengths, KEPT_WHOLE, method="inverted_cdf")
        max_length = int(min(max(usual, 1), LONGEST))
    codec = TextCodec(level, learned.vocabulary, max_length, options.truncation, learned.pairs)
    notes = (
        Message(chosen, {"level": level}),
        *learned.notes,
        _cut_note(codec, learned.lengths),
    )
    return replace(codec, notes=notes), learned


def _cut_note(codec: TextCodec, lengths: NDArray[np.int64]) -> Message:
    """Return what truncation does to the training part."""
    if codec.max_length is None:
        return Message(
            "texts are not cut: the longest has {longest:,} tokens", {"longest": int(lengths.max())}
        )
    template = {
        "head": "the first {length:,} tokens of a text are kept; {share:.1%} of the training texts"
        " are longer",
        "tail": "the last {length:,} tokens of a text are kept; {share:.1%} of the training texts"
        " are longer",
    }[codec.truncation]
    share = codec.cut_share(lengths)
    return Message(template, {"length": codec.max_length, "share": share})
