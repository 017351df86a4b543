"""Tagged sentences as numbers: words, their letters and their tags, a batch at a time."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.data.batches import in_buckets
from rnnkit.data.ragged import Ragged
from rnnkit.data.text.vocabulary import PAD, RESERVED, Vocabulary
from rnnkit.sequence import SequenceBatch

MOST_LETTERS = 64  # of a word that are read: half from its beginning, half from its end
ENDINGS = (2, 3, 4)  # letters of the endings that have embeddings of their own
UNKNOWN_TAG = -1


def folded(word: str) -> str:
    """Return a word as the vocabulary has it: composed, in lower case.

    Example:
        >>> folded("Café") == folded("CAFÉ") == "café"
        True
    """
    return unicodedata.normalize("NFC", word).lower()


def spelled(word: str) -> str:
    """Return the letters of a word that are read, composed, case kept.

    Of a long word these are the first 32 and the last 32. Hangul stays in syllables: read as jamo,
    endings of a word were learned worse (Korean-GSD: 91.6 % of the validation words in place of
    93.0).

    Example:
        >>> len(spelled("x" * 100_000)), len(spelled("강가"))
        (64, 2)
    """
    letters = unicodedata.normalize("NFC", word)
    half = MOST_LETTERS // 2
    return letters if len(letters) <= MOST_LETTERS else letters[:half] + letters[-half:]


def endings(word: str) -> list[str]:
    """Return the last two, three and four letters of a word, as far as it has so many, folded.

    Example:
        >>> endings("Red"), endings("runs")
        (['ed', 'red'], ['ns', 'uns', 'runs'])
    """
    letters = folded(word)
    return [letters[-n:] for n in ENDINGS if n <= len(letters)]


@dataclass(frozen=True)
class TagBatch(SequenceBatch):
    """Sentences, padded on the right, in which every distinct word is spelled once.

    `values` `(B, T)` int64 are the words' codes; `targets` `(B, T)` int64 the tags'.

    Args:
        letters: `(U, C)` int64, the letters of each distinct word, padded on the right.
        letter_lengths: `(U,)` int64.
        endings: `(U, 3)` int64, the codes of each distinct word's endings of 2, 3 and 4 letters.
        spelling: `(B, T)` int64 in `0..U-1`, the row of `letters` that each word has.
    """

    letters: Tensor | None = None
    letter_lengths: Tensor | None = None
    endings: Tensor | None = None
    spelling: Tensor | None = None

    def to(self, device: torch.device | str) -> TagBatch:
        """Return the batch on `device`."""

        def move(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        return TagBatch(
            self.values.to(device),
            move(self.lengths),
            move(self.targets),
            move(self.letters),
            move(self.letter_lengths),
            move(self.endings),
            move(self.spelling),
        )


@dataclass(frozen=True, eq=False)
class TaggedSentences:
    """A data set of sentences for the trainer.

    Args:
        forms: `S` sentences of distinct words, `(N,)` in `1..F`; 0 stands for padding.
        codes: `(F + 1,)` int64, the code of each distinct word in the vocabulary.
        letters: `F + 1` sequences of the letters' codes; that of padding is empty.
        endings: `(F + 1, 3)` int64, the codes of their endings; 0 where a word is too short.
        tags: `S` sequences of the tags' codes, `UNKNOWN_TAG` where a tag has none; `None` to
            predict.
    """

    forms: Ragged
    codes: NDArray[np.int64]
    letters: Ragged
    endings: NDArray[np.int64]
    tags: Ragged | None

    def __len__(self) -> int:
        return len(self.forms)

    def batch(self, index: Tensor) -> TagBatch:
        """Return the sentences `index`, padded on the right."""
        forms, lengths = self.forms.padded(index)
        distinct, spelling = torch.unique(forms, return_inverse=True)
        letters, letter_lengths = self.letters.padded(distinct)
        return TagBatch(
            torch.from_numpy(self.codes[forms.numpy()]),
            lengths,
            None if self.tags is None else self.tags.padded(index)[0],
            letters,
            letter_lengths,
            torch.from_numpy(self.endings[distinct.numpy()]),
            spelling,
        )

    def arrange(self, order: Tensor, size: int) -> Sequence[Tensor]:
        """Cut `order` into batches of sentences of like length; see `in_buckets`."""
        return in_buckets(order, size, self.forms.lengths)


@dataclass(frozen=True)
class TagCodec:
    """Words, letters and tags, and their codes; all are those of the training part.

    Args:
        words: folded, the most frequent first.
        repeated: how many of them occurred more than once; they are the first ones.
        letters: of the words as they were written.
        endings: that two different words or more have.
        tags: in order; the first has code 0.

    Example:
        >>> codec = TagCodec.fit([["The", "dog"], ["the", "cat"]], [["DET", "NOUN"]] * 2)
        >>> codec.words.tokens, codec.repeated, codec.tags
        (('the', 'cat', 'dog'), 1, ('DET', 'NOUN'))
    """

    words: Vocabulary
    repeated: int
    letters: Vocabulary
    endings: Vocabulary
    tags: tuple[str, ...]

    @classmethod
    def fit(
        cls,
        sentences: Iterable[Sequence[str]],
        tags: Iterable[Sequence[str]],
        *,
        min_count: int = 1,
    ) -> TagCodec:
        """Return the codec of a training part.

        Args:
            sentences: of words.
            tags: of those words.
            min_count: how often a word must occur to have a code; letters and tags need to occur
                once.
        """
        words: Counter[str] = Counter()
        letters: Counter[str] = Counter()
        for form, count in Counter(w for sentence in sentences for w in sentence).items():
            words[folded(form)] += count
            letters.update(spelled(form))
        vocabulary = Vocabulary.build(words, min_count=min_count)
        return cls(
            words=vocabulary,
            repeated=sum(words[word] > 1 for word in vocabulary.tokens),
            letters=Vocabulary.build(letters),
            endings=Vocabulary.build(Counter(e for w in words for e in endings(w)), min_count=2),
            tags=tuple(sorted({tag for sequence in tags for tag in sequence})),
        )

    @property
    def first_rare(self) -> int:
        """The code from which on words occurred once."""
        return len(RESERVED) + self.repeated

    def encode(
        self,
        words: Sequence[Sequence[str]],
        tags: Sequence[Sequence[str]] | None = None,
    ) -> TaggedSentences:
        """Return sentences as numbers.

        Args:
            words: of each sentence; a sentence may be empty.
            tags: as many; `None` where there are none.
        """
        numbers: dict[str, int] = {}
        forms = [[numbers.setdefault(w, len(numbers) + 1) for w in sentence] for sentence in words]
        codes = self.words.encode([folded(form) for form in numbers])
        nothing = np.empty(0, dtype=np.int32)
        return TaggedSentences(
            forms=_ragged(forms),
            codes=np.concatenate([[PAD], codes]),
            letters=Ragged.join([nothing, *(self.letters.encode(spelled(f)) for f in numbers)]),
            endings=self._encode_endings(numbers),
            tags=None if tags is None else self._encode_tags(tags),
        )

    def _encode_endings(self, forms: Collection[str]) -> NDArray[np.int64]:
        codes = np.full((len(forms) + 1, len(ENDINGS)), PAD, dtype=np.int64)
        for row, form in enumerate(forms, start=1):
            known = self.endings.encode(endings(form))
            codes[row, : len(known)] = known
        return codes

    def _encode_tags(self, tags: Sequence[Sequence[str]]) -> Ragged:
        codes = {tag: code for code, tag in enumerate(self.tags)}
        return _ragged([[codes.get(tag, UNKNOWN_TAG) for tag in sequence] for sequence in tags])

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {
            "words": self.words.to_json(),
            "repeated": self.repeated,
            "letters": self.letters.to_json(),
            "endings": self.endings.to_json(),
            "tags": list(self.tags),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> TagCodec:
        """Return the codec that `to_json` wrote."""
        return cls(
            Vocabulary.from_json(plain["words"]),
            int(plain["repeated"]),
            Vocabulary.from_json(plain["letters"]),
            Vocabulary.from_json(plain["endings"]),
            tuple(map(str, plain["tags"])),
        )


def _ragged(sequences: Sequence[Sequence[int]]) -> Ragged:
    return Ragged.join([np.array(s, dtype=np.int32) for s in sequences])
