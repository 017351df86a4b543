"""Tables of texts larger than memory: the texts in a temporary file, the rest in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.cells import Cells, Place
from rnnkit.data.examples.answers import parse_classes, parse_targets, parse_texts
from rnnkit.data.examples.columns import ExampleColumns, Wants
from rnnkit.data.examples.contract import Examples
from rnnkit.data.examples.reading import open_pieces
from rnnkit.data.examples.tables import count_empty
from rnnkit.data.stored import IntArray, Scratch
from rnnkit.data.table import Table
from rnnkit.errors import ConfigError
from rnnkit.messages import Message

_CHUNK = 1000  # rows that are in memory at a time


@dataclass(frozen=True, eq=False)
class StoredTexts(Sequence[str]):
    """`S` texts in a temporary file, read as they are asked for.

    Args:
        file: that holds them in UTF-8.
        starts: `(S,)` int64, the byte with which each text begins.
        sizes: `(S,)` int64, the bytes of each text.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.gettempdir())
        >>> texts = StoredTexts.write([["good", "나쁘다"], [""]], folder)
        >>> texts[1], list(texts[::2]), list(texts.take([1, 0]))
        ('나쁘다', ['good', ''], ['나쁘다', 'good'])
    """

    file: Scratch
    starts: IntArray
    sizes: IntArray

    @classmethod
    def write(cls, pieces: Iterable[Sequence[str]], folder: Path) -> StoredTexts:
        """Write texts to a new file, a piece at a time.

        Args:
            pieces: of the texts, none with half a character.
            folder: on whose disk the file lies.

        Raises:
            DataError: if it cannot be written.
        """
        file = Scratch(folder)
        sizes = array("q")
        for piece in pieces:
            encoded = [text.encode() for text in piece]
            file.append(b"".join(encoded))
            sizes.extend(map(len, encoded))
        counts = np.array(sizes, dtype=np.int64)
        return cls(file, np.cumsum(counts) - counts, counts)

    def __len__(self) -> int:
        return len(self.sizes)

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> StoredTexts: ...
    def __getitem__(self, number: int | slice) -> str | StoredTexts:
        if isinstance(number, slice):
            return StoredTexts(self.file, self.starts[number], self.sizes[number])
        return self.file.read(int(self.starts[number]), int(self.sizes[number])).decode()

    def __iter__(self) -> Iterator[str]:
        for start, size in zip(self.starts.tolist(), self.sizes.tolist(), strict=True):
            yield self.file.read(start, size).decode()

    def take(self, index: Sequence[int] | NDArray[np.int64]) -> StoredTexts:
        """Return the texts `index`, in that order; the file is shared."""
        rows = np.asarray(index, dtype=np.int64)
        return StoredTexts(self.file, self.starts[rows], self.sizes[rows])


def read_stored(
    path: str | Path,
    columns: ExampleColumns | None = None,
    *,
    wants: Wants = "class",
    folder: Path,
    chunk: int = _CHUNK,
) -> tuple[Examples, ExampleColumns]:
    """Read a table of texts in pieces; the texts go to a temporary file.

    An example takes some tens of bytes of memory: where its text is and what is to be said of it.
    The latter is read as of one column, so that the examples are those of `read_examples`.

    Args:
        path: a text table, JSON Lines or Parquet.
        columns: as for `read_examples`.
        wants: as for `read_examples`.
        folder: on whose disk the temporary file lies.
        chunk: rows that are in memory at a time.

    Returns:
        The examples, and the columns, those found included.

    Raises:
        DataError: as `read_examples`; if the path leads to something else, or the temporary file
            cannot be written.
        ConfigError: if the table holds no texts.
    """
    path = Path(path)
    settled, tables = open_pieces(path, columns or ExampleColumns(), chunk, wants)
    text = settled.text
    if text is None:
        raise ConfigError(
            f"{path} holds sequences of numbers, and texts alone are read in pieces; leave stream"
            f" out"
        )
    rest = _Rest(settled)

    def texts() -> Iterator[tuple[str, ...]]:
        for table in tables:
            rest.add(table)
            yield parse_texts(table.columns[text], column=text, place=table.place)

    stored = StoredTexts.write(texts(), folder)
    label, targets = settled.label, settled.targets
    place = rest.place()
    said = Message(
        "texts are read in pieces: {size:,.1f} MB of them are in a temporary file, not in memory",
        {"size": stored.file.size / 1e6},
    )
    examples = Examples(
        name=rest.name,
        texts=stored,
        signals=None,
        classes=None
        if label is None
        else parse_classes(rest.whole(label), column=label, place=place),
        targets=None
        if not targets
        else parse_targets([rest.whole(name) for name in targets], targets, place, len(stored)),
        target_names=targets,
        place=place,
        notes=(*rest.notes, *count_empty(stored), said),
    )
    return examples, settled


class _Rest:
    """All of a table but its texts: cells of the answers, and where rows stand."""

    def __init__(self, columns: ExampleColumns) -> None:
        self.name = ""
        self.notes: tuple[Message, ...] = ()
        self._columns = columns
        self._cells: dict[str, list[Cells]] = {name: [] for name in columns.answers}
        self._labels: dict[str, str] = {}
        self._starts: list[int] = []
        self._places: list[Place] = []
        self._rows = 0

    def add(self, table: Table) -> None:
        """Take over the next piece."""
        self.name = table.name
        self.notes += table.notes
        self._starts.append(self._rows)
        self._places.append(table.place)
        self._rows += table.rows
        for name, pieces in self._cells.items():
            pieces.append(self._kept(table.columns[name], name == self._columns.label))

    def whole(self, name: str) -> Cells:
        """Return a column; the pieces of it are let go."""
        pieces = self._cells.pop(name)
        columns = [piece for piece in pieces if isinstance(piece, pd.Series)]
        if not columns:
            return list(chain.from_iterable(pieces))
        whole: pd.Series[Any] = pd.concat(columns, ignore_index=True)
        return whole

    def place(self) -> Callable[[int], str]:
        """Return the words for the row at a position."""
        starts, places = self._starts, self._places

        def place(row: int) -> str:
            piece = bisect_right(starts, row) - 1
            return places[piece](row - starts[piece])

        return place

    def _kept(self, cells: Cells, is_label: bool) -> Cells:
        """Return cells as they are, but equal labels as one object."""
        if isinstance(cells, pd.Series):
            copied: pd.Series[Any] = cells.copy()  # it shared an array with the texts
            return copied
        if not is_label:
            return cells
        known = self._labels
        shared: list[Any] = [
            known.setdefault(cell, cell) if isinstance(cell, str) else cell for cell in cells
        ]
        return shared
