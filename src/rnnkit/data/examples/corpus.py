"""Plain text for a language model: a file, several, or a folder of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnkit.data.examples.answers import refuse_half_characters
from rnnkit.data.examples.lines import read_whole, unix_lines
from rnnkit.data.files import table_name
from rnnkit.errors import DataError
from rnnkit.messages import Message


@dataclass(frozen=True)
class Corpus:
    r"""A text to be modelled.

    Args:
        name: what it is called.
        text: all of it; lines end with "\n".
        notes: what reading found and did about it.
    """

    name: str
    text: str
    notes: tuple[Message, ...] = ()


def read_corpus(source: str | Path | Sequence[str | Path]) -> Corpus:
    r"""Read plain text; a byte order mark is taken away, and line ends are made "\n".

    Args:
        source: a text file, plain or compressed; several, read in the order given; or a folder, of
            which the `.txt` files are read in the order of their names. A new text begins a line.

    Raises:
        DataError: if a file cannot be read or is not UTF-8, naming line and byte, or if there is no
            text.
    """
    paths = [Path(source)] if isinstance(source, (str, Path)) else [Path(path) for path in source]
    if not paths:
        raise DataError("no text file was given; at least one was expected")
    name = table_name(paths[0])
    if len(paths) == 1 and paths[0].is_dir():
        name = paths[0].name or str(paths[0])
        paths = _text_files(paths[0])
    texts = [read_whole(path) for path in paths]
    ended = [text if not text or text.endswith("\n") else f"{text}\n" for text in texts[:-1]]
    text = "".join([*ended, texts[-1]])
    notes = []
    if len(paths) > 1:
        found = "text files read one after another: {count:,}"
        notes.append(Message(found, {"count": len(paths)}))
    return corpus_of(text, name=name, source=str(source), notes=tuple(notes))


def corpus_of(
    text: str, *, name: str = "text", source: str = "the text", notes: tuple[Message, ...] = ()
) -> Corpus:
    r"""Return a text as a corpus, its line ends made "\n".

    Raises:
        DataError: if there is no text but space, or half a character in it.
    """
    if not text.strip():
        raise DataError(f"{source} holds no text; at least one word was expected")
    refuse_half_characters([text], lambda _: source)
    return Corpus(name, unix_lines(text), notes)


def _text_files(folder: Path) -> list[Path]:
    endings = (".txt", ".txt.gz", ".txt.bz2", ".txt.xz")
    try:
        found = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror or error}") from error
    files = [path for path in found if path.is_file() and path.name.endswith(endings)]
    if not files:
        raise DataError(f"{folder} has no .txt files; at least one was expected")
    return files
