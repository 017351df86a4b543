"""Vectors of words: learned from the texts themselves, or read from a file.

Mikolov et al., "Efficient Estimation of Word Representations in Vector Space", 2013. Learning is
gensim's; files are read a line at a time, so that of millions of vectors only those of the
vocabulary are kept.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.files import open_text
from rnnkit.data.stored import Sequences
from rnnkit.data.text.vocabulary import RESERVED, Vocabulary
from rnnkit.errors import ConfigError, DataError, MissingExtraError

Matrix = NDArray[np.float32]

_HEADER = re.compile(rb"(\d{1,12}) ([1-9]\d{0,4})\s*")
_SAMPLE = 1 << 18  # bytes that tell a text file from a binary one: more than the longest line
_LONGEST_TOKEN = 10_000
_LONGEST_SENTENCE = 10_000  # gensim passes over the tokens beyond


def train_vectors(
    sequences: Sequences,
    vocabulary: Vocabulary,
    *,
    size: int = 100,
    seed: int = 0,
    epochs: int = 5,
    window: int = 5,
) -> Matrix:
    """Return vectors of tokens learned by Word2Vec (skip-gram, 5 negative samples).

    The same codes and seed give the same vectors, in one thread. Reserved codes, unknown tokens
    among them, are left out of the sequences.

    Args:
        sequences: codes `(N,)` of the training part.
        vocabulary: of the codes.
        size: numbers of a vector.
        seed: of the first vectors and of what is drawn in training.
        epochs: how often the sequences are gone over.
        window: tokens to each side that a token must foretell.

    Returns:
        `(V, size)` float32, zeros for reserved codes and for tokens that are in no sequence.

    Raises:
        ConfigError: if `size`, `epochs` or `window` is below 1.
        DataError: if the sequences hold no token.
        MissingExtraError: if gensim is not installed.
    """
    for name, value in {"size": size, "epochs": epochs, "window": window}.items():
        if value < 1:
            raise ConfigError(f"{name} must be at least 1, got {value}")
    if not any((sequences[i] >= len(RESERVED)).any() for i in range(len(sequences))):
        raise DataError("the texts hold no known token to learn vectors from")
    try:
        from gensim.models import Word2Vec
    except ImportError as error:
        raise MissingExtraError(
            "learning vectors of words needs gensim, which is not installed; install it with: "
            'pip install "rnnkit[text]"'
        ) from error
    learned = Word2Vec(
        _Sentences(sequences, vocabulary.tokens),
        vector_size=size,
        window=window,
        min_count=1,
        sg=1,
        negative=5,
        seed=seed,
        workers=1,  # the order in which several would write is not the same twice
        epochs=epochs,
    ).wv
    matrix = np.zeros((len(vocabulary), size), dtype=np.float32)
    matrix[[vocabulary.codes[token] for token in learned.index_to_key]] = learned.vectors
    return matrix


@dataclass(frozen=True, eq=False)
class _Sentences:
    """The known tokens of sequences, as gensim goes over them."""

    sequences: Sequences
    tokens: tuple[str, ...]

    def __iter__(self) -> Iterator[list[str]]:
        for number in range(len(self.sequences)):
            codes = self.sequences[number]
            known = (codes[codes >= len(RESERVED)] - len(RESERVED)).tolist()
            for at in range(0, len(known), _LONGEST_SENTENCE):
                yield [self.tokens[code] for code in known[at : at + _LONGEST_SENTENCE]]


def read_vectors(path: Path | str, vocabulary: Vocabulary) -> tuple[Matrix, float]:
    """Return the vectors that a file holds of the tokens of a vocabulary.

    The file is of word2vec's text format (`.txt`, `.vec`: a first line with the number and the size
    of the vectors, then a token and its numbers on each line), of GloVe's, which has no such first
    line, or of word2vec's binary format (`.bin`); its content decides, not its name. It may be
    compressed by gzip, bzip2 or xz. Where a token stands twice, the first counts.

    Args:
        path: of the file.
        vocabulary: whose tokens are looked for, as they are written.

    Returns:
        `(V, size)` float32, zeros for reserved codes and for tokens that the file does not hold;
        and the share of the tokens that it holds.

    Raises:
        DataError: if the file cannot be read, or a line is broken; if it holds no token of the
            vocabulary.
    """
    path = Path(path)
    wanted = {token.encode(): code for token, code in vocabulary.codes.items()}
    found: dict[int, Matrix] = {}
    for token, vector in _vectors(path, wanted):
        found.setdefault(wanted[token], vector)
    if not found:
        raise DataError(
            f"{path} holds a vector of none of the {len(vocabulary.tokens):,} tokens of the "
            f"vocabulary; take vectors of the same language and level"
        )
    (size,) = next(iter(found.values())).shape
    matrix = np.zeros((len(vocabulary), size), dtype=np.float32)
    matrix[list(found)] = np.stack(list(found.values()))
    return matrix, len(found) / len(vocabulary.tokens)


def _vectors(path: Path, wanted: Mapping[bytes, int]) -> Iterator[tuple[bytes, Matrix]]:
    """Yield the tokens of a file that are wanted, each with its vector."""
    if path.is_file() and zipfile.is_zipfile(path):
        raise DataError(f"{path} is a ZIP archive; unpack it and name the file of vectors in it")
    file = open_text(path)
    damage: tuple[type[Exception], ...] = (OSError, *file.damage)
    try:
        with file.open() as raw:
            sample = raw.read(_SAMPLE)
        with io.BufferedReader(file.open()) as stream:
            if _is_binary(sample):
                yield from _binary(path, stream, wanted)
            else:
                yield from _lines(path, stream, wanted)
    except damage as error:
        raise DataError(f"{path} is damaged: {error}") from error


def _is_binary(sample: bytes) -> bool:
    """Tell whether the beginning of a file is of word2vec's binary format."""
    first, _, rest = sample.partition(b"\n")
    header = _HEADER.fullmatch(first)
    if not header:
        return False
    fields = rest.partition(b"\n")[0].split()
    if len(fields) == int(header[2]) + 1 and _numbers(fields[1:]) is not None:
        return False
    # No row of text. It may be a broken one: what is binary holds bytes that no text does.
    return bool(re.search(rb"[\x00-\x08\x0e-\x1f]", rest)) or not _is_utf8(rest)


def _is_utf8(sample: bytes) -> bool:
    try:
        sample[: sample.rfind(b"\n") + 1 or None].decode()
    except UnicodeDecodeError:
        return False
    return True


def _lines(
    path: Path, stream: io.BufferedReader, wanted: Mapping[bytes, int]
) -> Iterator[tuple[bytes, Matrix]]:
    """Yield from a text file; only lines of wanted tokens are read to the end."""
    told = size = None
    rows = 0
    for number, line in enumerate(stream, start=1):
        line = line.replace(b"\t", b" ").rstrip(b" \r\n")
        if number == 1 and (header := _HEADER.fullmatch(line)):
            told, size = int(header[1]), int(header[2])
            continue
        if not line:
            continue
        rows += 1
        held = line.count(b" ")
        size = held if size is None else size
        place = f"line {number} of {path}"
        if not 0 < size <= held:
            raise DataError(
                f"{place} holds a token and {held} numbers, expected {size or 'at least 1'}; "
                f"take a whole file of vectors"
            )
        if line[: line.find(b" ")] not in wanted:
            continue
        token, *fields = line.rsplit(b" ", size)
        if token in wanted:
            yield token, _checked(place, _numbers(fields))
        elif _numbers(token.split(b" ")[1:]) is not None:
            raise DataError(f"{place} holds a token and {held} numbers, expected {size}")
        # Else it is a token with spaces, such as ". . .", which is in no vocabulary.
    if told is not None and rows != told:
        raise _miscounted(path, told, rows)


def _binary(
    path: Path, stream: io.BufferedReader, wanted: Mapping[bytes, int]
) -> Iterator[tuple[bytes, Matrix]]:
    """Yield from a binary file: after the first line a token, a space and float32 numbers each."""
    told, size = map(int, stream.readline().split())
    for row in range(told):
        token = _token(path, stream, row, told)
        vector = stream.read(4 * size)
        if len(vector) < 4 * size:
            raise _miscounted(path, told, row)
        if token in wanted:
            place = f"vector {row + 1} of {path}"
            yield token, _checked(place, np.frombuffer(vector, dtype="<f4").astype(np.float32))


def _token(path: Path, stream: io.BufferedReader, row: int, told: int) -> bytes:
    """Return the token of row `row` of a binary file, which a space ends."""
    token = bytearray()
    while (byte := stream.read(1)) != b" ":
        if not byte:
            raise _miscounted(path, told, row)
        token += byte
        if len(token) > _LONGEST_TOKEN:
            raise DataError(
                f"vector {row + 1} of {path} has a token of more than {_LONGEST_TOKEN:,} bytes; "
                f"the file is damaged, or its first line is wrong"
            )
    return bytes(token.lstrip(b"\n"))


def _numbers(fields: list[bytes]) -> Matrix | None:
    """Return the numbers that fields hold, or `None` if one holds none."""
    try:
        values = np.array([float(field) for field in fields])
    except ValueError:
        return None
    with np.errstate(over="ignore"):  # becomes infinite, which is refused
        return values.astype(np.float32)


def _checked(place: str, vector: Matrix | None) -> Matrix:
    if vector is None or not np.isfinite(vector).all():
        raise DataError(f"{place} holds what is no finite number among the numbers of its vector")
    return vector


def _miscounted(path: Path, told: int, rows: int) -> DataError:
    return DataError(
        f"the first line of {path} tells of {told:,} vectors, but it holds {rows:,}; "
        f"fetch the file again"
    )
