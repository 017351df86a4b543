"""A text and its parts, as codes that a language model reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.examples.lines import read_pieces, read_whole
from rnnkit.data.streams import StoredCodes
from rnnkit.data.text.codec import TextCodec
from rnnkit.data.text.vocabulary import BOS, EOS, UNK
from rnnkit.errors import ConfigError, DataError
from rnnkit.messages import Message
from rnnkit.tasks.language.texts import StoredText, Text, composed, pieces, plain_text

Codes = NDArray[np.int32]

BLOCKS = 10  # that the validation part is drawn from
SMALLEST_BLOCK = 1000  # characters; a smaller validation part has fewer blocks
NEAR = 1000  # characters within which a cut moves to the end of a line

_FILE = re.compile(r"[^\n\0]*\.(txt|text|md)(\.(gz|bz2|xz|zst))?", re.IGNORECASE)


@dataclass(frozen=True)
class Corpus:
    r"""A text to learn from; texts are in normal form C, and lines end with "\n".

    Args:
        name: what it is called.
        text: all of it, or what is before the parts given apart.
        validation: a text to stop by; `None` to take a part of `text`.
        test: a text to score on; `None` to take the end of `text`.
    """

    name: str
    text: Text
    validation: Text | None = None
    test: Text | None = None


@dataclass(frozen=True)
class Parts:
    """The parts of a text.

    Args:
        train: pieces in the order of the text; the vocabulary comes from these alone.
        validation: blocks; empty for none.
        test: `None` for none.
    """

    train: tuple[Text, ...]
    validation: tuple[Text, ...]
    test: Text | None

    @property
    def characters(self) -> dict[str, int]:
        """How many characters each part has."""
        return {
            "train": sum(map(len, self.train)),
            "validation": sum(map(len, self.validation)),
            "test": len(self.test or ""),
        }

    def notes(self) -> tuple[Message, ...]:
        """Return what is to be said of the parts."""
        notes = [
            Message(
                "characters: {train:,} to learn from, {validation:,} to stop by, {test:,} to score"
                " on",
                dict(self.characters),
            )
        ]
        if isinstance(stored := self.train[0], StoredText):
            notes.append(
                Message(
                    "the text is read in pieces: it ({size:,.1f} MB) and its codes are in temporary"
                    " files, not in memory",
                    {"size": stored.file.size / 1e6},
                )
            )
        if len(self.validation) > 1:
            notes.append(
                Message(
                    "the validation part is {blocks} blocks spread over what is before the test"
                    " part",
                    {"blocks": len(self.validation)},
                )
            )
        return tuple(notes)


def read_corpus(
    source: str | Path,
    *,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    scratch: Path | None = None,
) -> Corpus:
    """Return the corpus of a text or of text files.

    Args:
        source: a text, or the `Path` of a file in UTF-8, plain or compressed.
        validation: likewise, to stop by.
        test: likewise, to score on.
        scratch: a folder, on whose disk the texts of files are kept; `None` for in memory.

    Raises:
        DataError: if a file cannot be read, or a part holds no text.
        ConfigError: if there is to be a temporary file of a text that is in memory.
    """
    if scratch is not None and not isinstance(source, Path):
        raise ConfigError("stream reads a file in pieces, and this text is in memory: leave it out")

    def read(source: str | Path, name: str) -> Text:
        if scratch is None or not isinstance(source, Path):
            return read_text(source, name)
        return _store_text(source, name, scratch)

    return Corpus(
        source.name.split(".")[0] or "text" if isinstance(source, Path) else "text",
        read(source, "text"),
        None if validation is None else read(validation, "validation text"),
        None if test is None else read(test, "test text"),
    )


def as_source(data: str | Path) -> str | Path:
    """Return the path that a text of one line is, or the text itself."""
    if isinstance(data, str) and data and "\n" not in data and len(data) < 1000:
        path = Path(data)
        if _FILE.fullmatch(data) or ("\0" not in data and path.is_file()):
            return path
    return data


def read_text(source: str | Path, name: str) -> str:
    r"""Return a text that is not empty, in normal form C, its line ends as "\n".

    Args:
        source: the text, or the `Path` of its file.
        name: what it is called in errors.

    Raises:
        DataError: if it cannot be read, is empty, or holds what no text file can.
    """
    if isinstance(source, Path):
        text = unicodedata.normalize("NFC", read_whole(source))
    elif isinstance(source, str):
        text = plain_text(source, f"the {name}")
    else:
        raise DataError(f"the {name} must be a text or a pathlib.Path, got {type(source).__name__}")
    if not text.strip():
        raise _empty(source, name, len(text))
    return text


def _store_text(path: Path, name: str, folder: Path) -> StoredText:
    """Return the text of a file as `read_text` does, but in a temporary file."""
    blank = True

    def read() -> Iterator[str]:
        nonlocal blank
        for piece in read_pieces(path):
            blank = blank and not piece.strip()
            yield piece

    text = StoredText.write(composed(read()), folder)
    if blank:
        raise _empty(path, name, len(text))
    return text


def _empty(source: str | Path, name: str, characters: int) -> DataError:
    place = f" in {source}" if isinstance(source, Path) else ""
    what = "holds nothing but spaces and ends of lines" if characters else "is empty"
    return DataError(f"the {name}{place} {what}: give one that holds some letters or signs")


def split_corpus(corpus: Corpus, *, validation_size: int | float, test_size: int | float) -> Parts:
    """Cut a text into its parts.

    The test part is the end of the text. The validation part is ten blocks spread evenly over the
    rest: one block before the test part would take from training what is most like it (of a corpus
    of plays, most of the play that the test part goes on with), and be like no other part. Cuts
    move to the end of a line where one is near.

    Args:
        corpus: the text, and parts given apart.
        validation_size: characters or their share; 0 for none.
        test_size: characters or their share; 0 for none.

    Raises:
        DataError: if nothing would be left to learn from.
    """
    text, test = corpus.text, corpus.test
    known = len(text)
    held_out = 0
    if test is None and test_size:
        held_out = _size("test_size", test_size, len(text))
        known = _end_of_line(text, known - held_out)
        test = text[known:]
        if not test:
            raise _too_little("test_size", test_size, len(text))
    if corpus.validation is not None:
        return Parts((text[:known],), (corpus.validation,), test)
    size = _size("validation_size", validation_size, len(text)) if validation_size else 0
    if size and size + held_out >= len(text):  # what cuts at ends of lines leave is no part
        raise DataError(
            f"test_size of {test_size:g} and validation_size of {validation_size:g} leave none of"
            f" the {len(text):,} characters to learn from: give more text, other sizes, or files"
            " for the parts"
        )
    if size >= known:
        raise _too_little("validation_size", validation_size, len(text))
    blocks = max(1, min(BLOCKS, size // SMALLEST_BLOCK)) if size else 0
    train, held, at = [], [], 0
    for number in range(blocks):
        middle = (2 * number + 1) * known // (2 * blocks)
        begin = max(at, _end_of_line(text, middle - size // blocks // 2))
        end = min(_end_of_line(text, begin + size // blocks), known)
        train.append(text[at:begin])
        held.append(text[begin:end])
        at = end
    train.append(text[at:known])
    train, held = [piece for piece in train if piece], [piece for piece in held if piece]
    if not train or (size and not held):
        raise _too_little("validation_size", validation_size, len(text))
    return Parts(tuple(train), tuple(held), test)


def _size(name: str, size: int | float, characters: int) -> int:
    count = round(size * characters) if isinstance(size, float) else size
    if not 0 < count < characters:
        raise _too_little(name, size, characters)
    return count


def _too_little(name: str, size: int | float, characters: int) -> DataError:
    return DataError(
        f"{name} of {size:g} does not leave characters in all parts of a text of {characters:,}"
        " characters: give more text, another size, or a file for the part"
    )


def _end_of_line(text: Text, place: int) -> int:
    """Return the next place after the end of a line, if it is near, or else the place itself."""
    found = text.find("\n", max(place - 1, 0), place + NEAR)
    return place if found < 0 else found + 1


def encode_text(codec: TextCodec, text: str) -> Codes:
    """Return the codes of a text; of words, which know no line ends, `EOS` stands for each."""
    if codec.level != "word":
        return np.asarray(codec.encode([text]).values, dtype=np.int32)
    rows = codec.encode(text.split("\n"), eos=True)
    return np.asarray(rows.values[:-1], dtype=np.int32)  # there is none after the last line


def decode_text(codec: TextCodec, codes: Sequence[int]) -> str:
    """Return the text of codes, the inverse of `encode_text` but for what words lose."""
    if codec.level != "word":
        return codec.decode(codes)
    lines: list[list[int]] = [[]]
    for code in codes:
        if code == EOS:
            lines.append([])
        else:
            lines[-1].append(code)
    return "\n".join(map(codec.decode, lines))


def start_code(codec: TextCodec) -> int:
    """Return the token that is read before a text: the end of a line, as before most lines.

    `BOS` where the training part has no line ends.
    """
    if codec.level == "word":
        return EOS
    codes = codec.encode(["\n"]).values
    return BOS if int(codes[0]) == UNK else int(codes[0])


def read_codes(codec: TextCodec, texts: Sequence[Text]) -> Codes | StoredCodes:
    """Return the codes of texts, one after another, with the token before them.

    Those of texts in a temporary file are in another one.
    """

    def read() -> Iterator[Codes]:
        yield np.array([start_code(codec)], dtype=np.int32)
        for text in texts:
            for piece in pieces(text):
                yield encode_text(codec, piece)

    for text in texts:
        if isinstance(text, StoredText):
            return StoredCodes.write(read(), text.file.folder)
    return np.concatenate(list(read()))
