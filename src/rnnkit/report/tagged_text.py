"""Sentences with their tags, the wrong ones marked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report.given_text import isolated, seeable
from rnnkit.report.markup import Markup, join


@dataclass(frozen=True)
class TaggedSentence:
    """A sentence with its tags.

    Args:
        words: of the sentence.
        predicted: as many tags.
        actual: as many tags; `None` where they are not known.
        place: where the sentence stands; may be empty.
        unknown: the words, from 0, that training never saw.

    Raises:
        ShapeError: if there are not as many tags as words.

    Example:
        >>> sentence = TaggedSentence(["I", "run"], ["PRON", "NOUN"], ["PRON", "VERB"])
        >>> html = sentence.html(Markup("en"))
        >>> html.count('class="word missed"'), "<s>NOUN</s> VERB" in html
        (1, True)
    """

    words: Sequence[str]
    predicted: Sequence[str]
    actual: Sequence[str] | None = None
    place: str = ""
    unknown: Collection[int] = ()

    def __post_init__(self) -> None:
        for name, tags in (("predicted", self.predicted), ("actual", self.actual)):
            if tags is not None and len(tags) != len(self.words):
                raise ShapeError(
                    f"{name} must hold {len(self.words)} tags, one a word, got {len(tags)}"
                )

    @property
    def notes(self) -> Iterator[Message]:
        """What a reader has to be told to understand the sentence."""
        yield Message("Below each word stands its tag; a wrong one is struck out before the right.")
        if self.unknown:
            yield Message("Dotted lines stand below words that training never saw.")

    def html(self, markup: Markup) -> str:
        """Return the sentence as HTML."""
        actual = self.predicted if self.actual is None else self.actual
        words = join(
            _word(word, said, right, number in self.unknown)
            for number, (word, said, right) in enumerate(
                zip(self.words, self.predicted, actual, strict=True)
            )
        )
        caption = f'<p class="caption">{isolated(self.place)}</p>' if self.place else ""
        return join((caption, f'<div class="given tagged" dir="auto">{words}</div>'))


def _word(word: str, predicted: str, actual: str, is_new: bool) -> str:
    kind = ' class="new"' if is_new else ""
    is_missed = predicted != actual
    struck = f"<s>{seeable(predicted)}</s> " if is_missed else ""
    return (
        f'<span class="word{" missed" if is_missed else ""}"><span{kind}>{seeable(word)}</span>'
        f"<small>{struck}{seeable(actual)}</small></span>"
    )
