"""What a tagger is given: sentences in Python, or a file of them; and their parts."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.examples.conll import place_in_list, read_sentences, sentences_of
from rnnkit.data.examples.contract import Sentences
from rnnkit.errors import DataError
from rnnkit.messages import Message
from rnnkit.tasks.tagging.config import TagConfig

Words: TypeAlias = "Sequence[Sequence[str]]"
Source: TypeAlias = "str | Path | Sentences | Words"
Tagged: TypeAlias = "str | Path | Sentences | tuple[Words, Words]"


@dataclass(frozen=True, eq=False)
class Parts:
    """Sentences to learn from, to stop early by and to score on; the last two may be missing.

    `notes` are of reading and splitting.
    """

    train: Sentences
    validation: Sentences | None
    test: Sentences | None
    notes: tuple[Message, ...]


def as_tagged(source: Source | Tagged, tags: Words | None = None, *, field: str) -> Sentences:
    """Return sentences with tags, the words composed (Unicode NFC).

    Args:
        source: the path of a file, sentences read before, lists of words, or without `tags` a pair
            of lists of words and lists of tags.
        tags: of lists of words.
        field: of a CoNLL-U file, that holds the tags.

    Raises:
        DataError: if a file cannot be read, there are no tags, or they do not fit the words.
    """
    if isinstance(source, str | Path):
        sentences = read_sentences(source, field)
    elif isinstance(source, Sentences):
        sentences = source
    elif tags is None and _is_pair(source):
        sentences = sentences_of(*cast("tuple[Words, Words]", source))
    elif tags is not None:
        sentences = sentences_of(cast("Words", source), tags)
    else:
        raise DataError(
            "sentences to learn from or to score on must be a path, lists of words with lists of "
            f"tags, or a pair of them, got {type(source).__name__}"
        )
    if sentences.tags is None:
        raise DataError(f"{sentences.name} holds no tags, and they are needed here: add them")
    _check_encodable(sentences.words, sentences.place)
    _check_encodable(sentences.tags, sentences.place)
    return _composed(sentences)


def as_untagged(source: Source, *, field: str) -> Sentences:
    """Return sentences to be tagged, the words composed; a sentence may be empty.

    A text is a sentence whose words white space separates, unless it names a file or ends like one
    of CoNLL. In a list, texts stand beside lists of words.

    Raises:
        DataError: if a file cannot be read, or a word is no text.
    """
    if isinstance(source, Path) or (isinstance(source, str) and _names_file(source)):
        return _composed(read_sentences(source, field))
    if isinstance(source, Sentences):
        return _composed(source)
    listed = [source] if isinstance(source, str) else source
    if not isinstance(listed, Sequence):
        raise DataError(
            "sentences must be a path, a text, or a list of texts or lists of words, got "
            f"{type(source).__name__}"
        )
    words = tuple(_words(sentence, number) for number, sentence in enumerate(listed))
    return _composed(Sentences("data", words, None, place_in_list))


def read_parts(
    data: Source,
    tags: Words | None,
    validation: Tagged | None,
    test: Tagged | None,
    config: TagConfig,
    *,
    field: str,
) -> Parts:
    """Return the parts of what is given; see `as_tagged` and `split`.

    Raises:
        DataError: if something cannot be read, has no tags, or does not suffice.
    """
    return split(
        as_tagged(data, tags, field=field),
        None if validation is None else as_tagged(validation, field=field),
        None if test is None else as_tagged(test, field=field),
        config,
    )


def split(
    train: Sentences, validation: Sentences | None, test: Sentences | None, config: TagConfig
) -> Parts:
    """Return the parts, those not given held out of the training sentences at random.

    Equal sentences stay on one side. A validation sentence with a tag that no training sentence
    has can teach nothing and is left out, with a note.

    Raises:
        DataError: if nothing is left to learn from, or to validate on.
    """
    group = _groups(train)
    index = np.arange(len(train))
    if test is None and config.test_size:
        index, out = _held_out(train, group, index, config.test_size, "test", config.seed)
        test = train.take(out)
    if validation is None and config.validation_size:
        size = config.validation_size
        index, out = _held_out(train, group, index, size, "validation", config.seed)
        validation = train.take(out)
    train = train.take(index)
    if validation is None:
        return Parts(train, None, test, train.notes)
    validation, notes = _teachable(validation, train)
    return Parts(train, validation, test, (*train.notes, *notes))


def _teachable(validation: Sentences, train: Sentences) -> tuple[Sentences, tuple[Message, ...]]:
    """Return the validation sentences whose tags the training sentences have."""
    assert train.tags is not None
    assert validation.tags is not None
    tags = {tag for given in train.tags for tag in given}
    kept = [i for i, given in enumerate(validation.tags) if tags.issuperset(given)]
    left = len(validation) - len(kept)
    if not left:
        return validation, ()
    if not kept:
        raise DataError(
            "every validation sentence has a tag that no training sentence has: give other "
            "validation data, or validation_size 0"
        )
    note = Message(
        "Validation sentences left out since no training sentence has one of their tags: {count:,}",
        {"count": left},
    )
    return validation.take(kept), (note,)


def _held_out(
    sentences: Sentences,
    group: NDArray[np.int64],
    index: NDArray[np.int64],
    size: int | float,
    name: str,
    seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sentences of `index` that stay, and those held out, by whole groups.

    Those held out are about `size`, and at least one.
    """
    wanted = max(1, round(size * len(sentences))) if isinstance(size, float) else size
    names, counts = np.unique(group[index], return_counts=True)
    order = np.random.default_rng([seed, len(name)]).permutation(len(names))
    before = np.cumsum(counts[order]) - counts[order]
    out = np.isin(group[index], names[order[before < wanted]])
    if out.all():
        raise DataError(
            f"{sentences.name} has {_count(len(sentences))}, and a {name}_size of {size} leaves "
            "none to learn from: give more sentences, or a smaller size"
        )
    return index[~out], index[out]


def _count(sentences: int) -> str:
    return f"{sentences:,} sentence{'' if sentences == 1 else 's'}"


def _groups(sentences: Sentences) -> NDArray[np.int64]:
    """Return the number of each sentence's words: equal sentences have equal ones."""
    numbers: dict[tuple[str, ...], int] = {}
    found = [numbers.setdefault(words, len(numbers)) for words in sentences.words]
    return np.array(found, dtype=np.int64)


def _words(sentence: object, number: int) -> tuple[str, ...]:
    if isinstance(sentence, str):
        return tuple(sentence.split())
    if not isinstance(sentence, Sequence):
        raise DataError(
            f"{place_in_list(number)} must be a text or a list of words, got"
            f" {type(sentence).__name__}"
        )
    for word in sentence:
        if not isinstance(word, str):
            raise DataError(
                f"{place_in_list(number)} has {word!r:.60} among its words; texts are expected"
            )
    return tuple(sentence)


def _is_pair(source: object) -> bool:
    """Tell whether these are words and their tags: a tuple of two, or a list of two such lists."""
    if isinstance(source, tuple):
        return len(source) == 2
    return (
        isinstance(source, list)
        and len(source) == 2
        and all(isinstance(part, list | tuple) for part in source)
        and any(isinstance(item, list | tuple) for part in source for item in part)
    )


def _check_encodable(texts: Words, place: Callable[[int], str]) -> None:
    """Raise DataError for half a character, which no file of text can hold, nor a run."""
    for number, items in enumerate(texts):
        for item in items:
            if not item.isascii() and any("\ud800" <= letter <= "\udfff" for letter in item):
                raise DataError(
                    f"{place(number)} has {item!r:.60}, which holds half a character (a lone"
                    " surrogate): decode the text as UTF-8 again"
                )


def _composed(sentences: Sentences) -> Sentences:
    words = tuple(
        tuple(unicodedata.normalize("NFC", word) for word in sentence)
        for sentence in sentences.words
    )
    return replace(sentences, words=words)


def _names_file(text: str) -> bool:
    if text.endswith((".conllu", ".conll")) and len(text.split()) == 1:
        return True
    try:
        return Path(text).is_file()
    except OSError:  # too long for the name of a file
        return False
