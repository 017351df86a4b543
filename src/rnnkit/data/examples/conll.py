"""Tagged sentences: CoNLL-U, and CoNLL files of a word and its tag a line.

CoNLL-U is read as universaldependencies.org/format.html says: ten columns between tabs, comments
that begin with #, ranges such as 1-2 (the word as it is written, of the words 1 and 2) and empty
nodes such as 1.1 passed over. Other CoNLL files have two columns or more between tabs or spaces,
the word first and the tag last, and no comments: there, # is a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from rnnkit.data.examples.contract import Sentences
from rnnkit.data.examples.lines import read_lines
from rnnkit.data.files import open_text, table_name
from rnnkit.errors import ConfigError, DataError, closest
from rnnkit.messages import Message

FIELDS = {"lemma": 2, "upos": 3, "xpos": 4, "feats": 5, "head": 6, "deprel": 7, "misc": 9}

_WIDTH = 10
_ABSENT = "_"
_MAY_BE_ABSENT = ("lemma", "feats", "misc")  # there _ is a value: no features
_ID = re.compile(r"[0-9]{1,9}")
_PASSED_OVER = re.compile(r"[0-9]{1,9}[-.][0-9]{1,9}")
_BETWEEN_DOCUMENTS = "-DOCSTART-"


def read_sentences(path: str | Path, field: str = "upos") -> Sentences:
    r"""Read the sentences of a CoNLL file, plain or compressed.

    Args:
        path: a file in CoNLL-U, or with a word and its tag (and columns between them) a line, and a
            blank line after each sentence.
        field: which column of CoNLL-U to take for the tag: `upos`, `xpos`, `feats`, `deprel`,
            `head`, `lemma` or `misc`. A `_` is a tag of feats, lemma and misc, and refused in other
            fields, unless all words have one: then there are no tags. In other CoNLL files the last
            column is the tag.

    Raises:
        DataError: naming the line, if one is broken or has no tag, or if there are no sentences.
        ConfigError: if there is no such field.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "two.conll"
        >>> _ = path.write_text("Dogs NOUN\nbark VERB\n\nStop VERB\n")
        >>> sentences = read_sentences(path)
        >>> sentences.words, sentences.tags
        ((('Dogs', 'bark'), ('Stop',)), (('NOUN', 'VERB'), ('VERB',)))
    """
    if not isinstance(field, str) or field not in FIELDS:  # a file of options may hold anything
        hint = closest(field, FIELDS) if isinstance(field, str) else ""
        raise ConfigError(f"field must be one of {', '.join(FIELDS)}, got {field!r}{hint}")
    path = Path(path)
    try:
        return _Reader(path, field).read()
    except DataError:
        if path.is_file():
            open_text(path).check()  # what seems wrong with a line may be damage
        raise


def sentences_of(
    words: Sequence[Sequence[str]], tags: Sequence[Sequence[str]] | None = None, name: str = "data"
) -> Sentences:
    """Return lists of words, and of as many tags, as sentences.

    Args:
        words: one list of words a sentence, at least one word each.
        tags: as many tags; `None` where there are none.
        name: what the data are called.

    Raises:
        DataError: naming the sentence, if it is empty, no list of texts, or has not one tag a word.
    """
    for what, given in (("words", words), ("tags", tags)):
        if isinstance(given, str) or not (given is None or isinstance(given, Sized)):
            raise DataError(
                f"{what} must be a list of at least one sentence, each a list of {what}, got"
                f" {type(given).__name__}"
            )
    if not len(words):
        raise DataError("words must be a list of at least one sentence, each a list of words")
    if tags is not None and len(tags) != len(words):
        raise DataError(f"there are {len(words)} sentences, but tags of {len(tags)}")
    for number, sentence in enumerate(words):
        _check_texts(sentence, place_in_list(number), "words")
        if tags is not None:
            _check_texts(tags[number], place_in_list(number), "tags")
            if len(tags[number]) != len(sentence):
                raise DataError(
                    f"{place_in_list(number)} has {len(sentence)} words and {len(tags[number])}"
                    " tags; one tag for each word was expected"
                )
    of_words = tuple(map(tuple, words))
    return Sentences(
        name, of_words, None if tags is None else tuple(map(tuple, tags)), place_in_list
    )


def place_in_list(number: int) -> str:
    """Return what a sentence of a list is called."""
    return f"sentence {number} (counted from 0)"


@dataclass(frozen=True)
class _PlaceInFile:
    path: Path
    begins: tuple[int, ...]

    def __call__(self, number: int) -> str:
        return f"line {self.begins[number]} of {self.path}"


def _check_texts(sentence: object, place: str, what: str) -> None:
    if not isinstance(sentence, (list, tuple)) or not sentence:
        raise DataError(
            f"{place} is {sentence!r:.60}; a list of at least one of its {what} was expected"
        )
    for text in sentence:
        if not isinstance(text, str) or not text:
            raise DataError(f"{place} has {text!r:.60} among its {what}; texts were expected")


class _Reader:
    def __init__(self, path: Path, field: str) -> None:
        self.path = path
        self.field = field
        self.line = 0
        self.width, self.width_line = _find_width(path)
        self.ranges = 0
        self.missing: list[int] = []  # lines whose tag is _

    def read(self) -> Sentences:
        """Return all sentences."""
        words: list[tuple[str, ...]] = []
        tags: list[tuple[str, ...]] = []
        begins: list[int] = []
        for begin, sentence in self._sentences():
            begins.append(begin)
            words.append(tuple(word for word, _ in sentence))
            tags.append(tuple(tag for _, tag in sentence))
        if not words:
            raise DataError(
                f"{self.path} has no sentences; lines of a word and its tag were expected"
            )
        path, count = self.path, sum(map(len, words))
        if self.missing and len(self.missing) < count:
            raise DataError(
                f"line {self.missing[0]} of {path} has no {self.field} but _ ({len(self.missing)} "
                f"of {count} words have none); tag all words or none"
            )
        notes = []
        if self.ranges:
            found = "lines passed over, such as 1-2 (written words) and 1.1 (no words): {count:,}"
            notes.append(Message(found, {"count": self.ranges}))
        if 2 < self.width < _WIDTH:
            found = "the word is read from the first and the tag from the last of {count} columns"
            notes.append(Message(found, {"count": self.width}))
        has_tags = self.width != 1 and not self.missing
        return Sentences(
            name=table_name(path),
            words=tuple(words),
            tags=tuple(tags) if has_tags else None,
            place=_PlaceInFile(path, tuple(begins)),
            notes=tuple(notes),
        )

    def _sentences(self) -> Iterator[tuple[int, list[tuple[str, str]]]]:
        sentence: list[tuple[str, str]] = []
        begin = 0
        for number, line in _lines(self.path):
            self.line = number
            if not line.strip(" \t"):
                if sentence:
                    yield begin, sentence
                sentence = []
                continue
            pair = self._pair(line, len(sentence))
            if pair is not None:
                begin = begin if sentence else self.line
                sentence.append(pair)
        if sentence:
            yield begin, sentence

    def _pair(self, line: str, before: int) -> tuple[str, str] | None:
        """Return the word of a line and its tag, or none where it has no word."""
        if self.width == _WIDTH:
            return self._of_conllu(line, before)
        if line.startswith(_BETWEEN_DOCUMENTS):
            return None
        cells = _cut(line)
        if len(cells) != self.width:
            self._refuse(
                f"has {len(cells)} column{'s' * (len(cells) != 1)} where line {self.width_line}"
                f" has {self.width}; is a blank missing or a word split?"
            )
        if not all(cells):
            self._refuse("has an empty column; a word and its tag were expected")
        return cells[0], cells[-1]

    def _of_conllu(self, line: str, before: int) -> tuple[str, str] | None:
        if line.startswith("#"):
            return None
        cells = line.split("\t")
        if len(cells) != _WIDTH:
            self._refuse(f"has {len(cells)} columns between tabs; CoNLL-U has {_WIDTH}")
        if _PASSED_OVER.fullmatch(cells[0]):
            self.ranges += 1
            return None
        if not _ID.fullmatch(cells[0]) or int(cells[0]) != before + 1:
            self._refuse(
                f"has the id {cells[0][:20]!r} where {before + 1} was expected; is a blank line "
                f"missing after a sentence?"
            )
        word, tag = cells[1].strip(), cells[FIELDS[self.field]].strip()
        if not word or not tag:
            self._refuse(f"has an empty {'form' if not word else self.field}")
        if tag == _ABSENT and self.field not in _MAY_BE_ABSENT:
            self.missing.append(self.line)
        return word, tag

    def _refuse(self, why: str) -> NoReturn:
        raise DataError(f"line {self.line} of {self.path} {why}")


def _find_width(path: Path) -> tuple[int, int]:
    """Return how many columns there are, and the line that says so.

    They are those of CoNLL-U if the file says so, or looks like it. A line that begins with # may
    be a comment or a word, so that another tells it, if there is one.
    """
    if ".conllu" in path.suffixes:
        return _WIDTH, 1
    width, begin = 0, 1
    for number, line in _lines(path):
        tabs = line.split("\t")
        if len(tabs) == _WIDTH and (_ID.fullmatch(tabs[0]) or _PASSED_OVER.fullmatch(tabs[0])):
            return _WIDTH, number
        if line.strip(" \t") and not line.startswith(_BETWEEN_DOCUMENTS):
            if not width:
                width, begin = len(_cut(line)), number
            if not line.startswith("#"):
                return len(_cut(line)), number
    return width, begin


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yield the lines of a file with their numbers; "\r" alone ends one as on old Macs."""
    number = 0
    for _, line in read_lines(path):
        for part in line.rstrip("\r").split("\r"):
            number += 1
            yield number, part


def _cut(line: str) -> list[str]:
    cells = line.split("\t") if "\t" in line else line.split(" ")
    cells = [cell.strip(" ") for cell in cells]
    return cells if "\t" in line else [cell for cell in cells if cell]
