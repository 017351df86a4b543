"""What a tagger is given: sentences in Python, or a file of them; and their parts."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.examples.contract import Sentences
from rnnkit.errors import DataError
from rnnkit.messages import Message
from rnnkit.tasks.tagging.config import TagConfig

Words: TypeAlias = "Sequence[Sequence[str]]"
Source: TypeAlias = "str | Path | Sentences | Words"
Tagged: TypeAlias = "str | Path | Sentences | tuple[Words, Words]"


@dataclass(frozen=True, eq=False)
class Parts:
    """Sentences to learn from, to stop early by and to score on; the last two may be missing."""

    train: Sentences
    validation: Sentences | None
    test: Sentences | None


def as_sentences(source: Source, tags: Words | None = None, *, field: str = "upos") -> Sentences:
    """Return what a tagger is given, the words composed (Unicode NFC).

    Args:
        source: the path of a file, sentences read before, or lists of words.
        tags: of lists of words.
        field: of a CoNLL-U file, that holds the tags.

    Raises:
        DataError: if a file cannot be read, words and tags are not of equal number, or one of them
            is no text.
    """
    if isinstance(source, str | Path):
        from rnnkit.data.examples.conll import read_sentences

        sentences = read_sentences(Path(source), field)
    elif isinstance(source, Sentences):
        sentences = source
    else:
        sentences = _paired(source, tags)
    return replace(sentences, words=tuple(tuple(map(_composed, s)) for s in sentences.words))


def untagged(source: Source, *, field: str = "upos") -> Sentences:
    """Return sentences to be tagged: as `as_sentences`, or texts.

    A text is a sentence whose words white space separates, unless it names a file or ends like one
    of CoNLL. In a list, texts stand beside lists of words.
    """
    if isinstance(source, str) and not _names_file(source):
        source = [source]
    if isinstance(source, Sequence) and not isinstance(source, str):
        source = [item.split() if isinstance(item, str) else item for item in source]
    return as_sentences(source, field=field)


def as_tagged(source: Tagged, *, field: str = "upos") -> Sentences:
    """Return sentences with tags, the words composed.

    Args:
        source: the path of a file, sentences read before, or a pair of lists of words and lists of
            tags.
        field: of a CoNLL-U file, that holds the tags.

    Raises:
        DataError: as `as_sentences`, and if there are no tags.
    """
    if isinstance(source, str | Path | Sentences):
        return need_tags(as_sentences(source, field=field))
    if not isinstance(source, tuple) or len(source) != 2:
        raise DataError(
            "tagged sentences must be a path, or a pair of lists of words and lists of tags, got "
            f"{type(source).__name__}"
        )
    return need_tags(as_sentences(source[0], source[1], field=field))


def need_tags(sentences: Sentences) -> Sentences:
    """Return the sentences.

    Raises:
        DataError: if they have no tags.
    """
    if sentences.tags is None:
        raise DataError(f"{sentences.name} holds no tags, and they are needed here: add them")
    return sentences


def split(
    train: Sentences, validation: Sentences | None, test: Sentences | None, config: TagConfig
) -> Parts:
    """Return the parts, those not given held out of the training sentences at random.

    Equal sentences stay on one side. A validation sentence with a tag that no training sentence
    has teaches no loss and is left out, with a note.

    Raises:
        DataError: if nothing is left to learn from.
    """
    notes: list[Message] = []
    group = _groups(train)
    index = np.arange(len(train))
    held = {}
    for number, (name, given, size) in enumerate(
        (("test", test, config.test_size), ("validation", validation, config.validation_size))
    ):
        if given is not None or not size:
            continue
        out = _held_out(group[index], size, len(train), [config.seed, number])
        if out.all():
            raise DataError(
                f"{train.name} has {len(train)} sentences, and holding some out as the {name} part "
                f"leaves none to learn from: give more, or {name}_size 0"
            )
        held[name] = index[out]
        index = index[~out]
    test = train.take(held["test"]) if "test" in held else test
    validation = train.take(held["validation"]) if "validation" in held else validation
    train = train.take(index)
    assert train.tags is not None
    if validation is not None:
        assert validation.tags is not None
        tags = {tag for given in train.tags for tag in given}
        kept = [i for i, given in enumerate(validation.tags) if tags.issuperset(given)]
        if len(kept) < len(validation):
            left = {"count": len(validation) - len(kept)}
            notes.append(
                Message(
                    "left out of the validation part: {count:,} sentences with tags that no"
                    " training sentence has",
                    left,
                )
            )
            validation = validation.take(kept)
        if not any(validation.words):
            raise DataError(
                "the validation part holds no word whose tags are known from the training part: "
                "give other validation data, or validation_size 0"
            )
    return Parts(replace(train, notes=(*train.notes, *notes)), validation, test)


def _paired(words: object, tags: object) -> Sentences:
    """Return sentences given as lists; `tags` may be `None`."""
    if isinstance(words, str) or not isinstance(words, Sequence):
        raise DataError(
            f"sentences must be a path or a list of lists of words, got {type(words).__name__}"
        )
    checked = tuple(_texts(sentence, number, "words") for number, sentence in enumerate(words))
    if tags is None:
        return Sentences("sentences", checked, None, _place)
    if isinstance(tags, str) or not isinstance(tags, Sequence) or len(tags) != len(words):
        count = f"{len(tags)}" if isinstance(tags, Sequence) else type(tags).__name__
        raise DataError(
            f"there must be tags for each sentence: {len(words)} sentences, got {count}"
        )
    of_words = tuple(_texts(given, number, "tags") for number, given in enumerate(tags))
    for number, (sentence, given) in enumerate(zip(checked, of_words, strict=True)):
        if len(sentence) != len(given):
            raise DataError(
                f"{_place(number)} has {len(sentence)} words and {len(given)} tags, and each word "
                "needs one"
            )
    return Sentences("sentences", checked, of_words, _place)


def _texts(items: object, number: int, what: str) -> tuple[str, ...]:
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise DataError(f"{_place(number)} must be a list of {what}, got {type(items).__name__}")
    for item in items:
        if not isinstance(item, str):
            raise DataError(
                f"{_place(number)} must hold {what} as text, got {type(item).__name__} {item!r}"
            )
    return tuple(items)


def _names_file(text: str) -> bool:
    if text.endswith((".conllu", ".conll")) and len(text.split()) == 1:
        return True
    try:
        return Path(text).is_file()
    except OSError:  # too long for the name of a file
        return False


def _place(number: int) -> str:
    return f"sentence {number + 1}"


def _composed(word: str) -> str:
    return unicodedata.normalize("NFC", word)


def _groups(sentences: Sentences) -> NDArray[np.int64]:
    """Return the number of each sentence's words: equal sentences have equal ones."""
    numbers: dict[tuple[str, ...], int] = {}
    found = [numbers.setdefault(words, len(numbers)) for words in sentences.words]
    return np.array(found, dtype=np.int64)


def _held_out(
    group: NDArray[np.int64], size: int | float, total: int, seed: Sequence[int]
) -> NDArray[np.bool_]:
    """Return which sentences are held out, at least one and about `size`, by whole groups."""
    wanted = max(1, round(size * total)) if isinstance(size, float) else size
    names, counts = np.unique(group, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    before = np.cumsum(counts[order]) - counts[order]
    return np.isin(group, names[order[before < wanted]])
