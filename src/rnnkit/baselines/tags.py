"""Tags by the word alone: what a tagger that reads the whole sentence has to beat."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnkit.errors import DataError

LONGEST_ENDING = 4


@dataclass(frozen=True)
class TagTable:
    """The most frequent tag of each word, of each ending, and of all words.

    Of tags that are equally frequent, the first in alphabetical order. Endings as features of
    unknown words: Brants, "TnT: a statistical part-of-speech tagger" (2000), section 2.3.

    Args:
        words: the tag of each word of the training part.
        endings: the tag of each ending of one to four letters that such a word had, every
            different word counting once.
        overall: the most frequent tag of all.

    Example:
        >>> table = TagTable.fit(
        ...     [["a", "dog", "barked"], ["a", "cat"]], [["DET", "NOUN", "VERB"], ["DET", "NOUN"]])
        >>> table.tag(["dog", "played", "x"]), table.tag(["dog", "played", "x"], endings=True)
        (['NOUN', 'DET', 'DET'], ['NOUN', 'VERB', 'DET'])
    """

    words: Mapping[str, str]
    endings: Mapping[str, str]
    overall: str

    @classmethod
    def fit(cls, sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> TagTable:
        """Return the table of a training part.

        Args:
            sentences: of words.
            tags: of those words.

        Raises:
            DataError: if there is no word.
        """
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for sentence, given in zip(sentences, tags, strict=True):
            for word, tag in zip(sentence, given, strict=True):
                counts[word][tag] += 1
        if not counts:
            raise DataError("the training sentences hold no word, and at least 1 is needed")
        overall: Counter[str] = Counter()
        endings: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for word, of_word in counts.items():
            overall.update(of_word)
            for ending in _endings(word):
                endings[ending].update(dict.fromkeys(of_word, 1))
        return cls(
            {word: _first(of_word) for word, of_word in counts.items()},
            {ending: _first(of_ending) for ending, of_ending in endings.items()},
            _first(overall),
        )

    def tag(self, words: Sequence[str], *, endings: bool = False) -> list[str]:
        """Return a tag for each word.

        Args:
            words: of a sentence.
            endings: whether an unknown word has the tag of its longest known ending; otherwise,
                and where none is known, the most frequent tag of all.
        """
        return [self._tag(word, endings) for word in words]

    def _tag(self, word: str, endings: bool) -> str:
        known = self.words.get(word)
        if known is not None:
            return known
        found = (self.endings.get(e) for e in _endings(word)) if endings else iter(())
        return next((tag for tag in found if tag is not None), self.overall)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {
            "words": dict(self.words),
            "endings": dict(self.endings),
            "overall": self.overall,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> TagTable:
        """Return the table that `to_json` wrote."""
        return cls(dict(plain["words"]), dict(plain["endings"]), str(plain["overall"]))


def _endings(word: str) -> list[str]:
    """Return the endings of a word, the longest first."""
    return [word[-n:] for n in range(min(LONGEST_ENDING, len(word)), 0, -1)]


def _first(counts: Counter[str]) -> str:
    return min(counts, key=lambda tag: (-counts[tag], tag))
