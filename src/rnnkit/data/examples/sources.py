"""What a path leads to, and the beginning of a table in it, before heavy imports."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from rnnkit.data.examples.choosing import Cells, settle_columns
from rnnkit.data.examples.columns import ExampleColumns, Wants
from rnnkit.data.examples.delimited import SAMPLE, Delimited, open_delimited
from rnnkit.data.examples.lines import Lines, read_lines
from rnnkit.data.examples.objects import JsonLines, is_json_lines, open_json_lines
from rnnkit.data.files import is_parquet
from rnnkit.data.header import open_parquet_columns, refuse_header_option
from rnnkit.errors import ConfigError

Kind = Literal["folder", "npz", "parquet", "objects", "signals", "table"]

_ZIP = b"PK\x03\x04"
_SIGNALS = re.compile(
    "@(problemname|timestamps|missing|univariate|dimensions?|equallength|serieslength|classlabel"
    "|targetlabel|data)\\b",
    re.IGNORECASE,
)


def source_kind(path: Path) -> Kind:
    """Tell what a path leads to: a folder, or a file of a kind that its first bytes tell.

    Raises:
        DataError: if there is nothing, or it cannot be read.
    """
    if path.is_dir():
        return "folder"
    if is_parquet(path):
        return "parquet"
    with path.open("rb") as file:
        if file.read(4) == _ZIP and path.suffix == ".npz":
            return "npz"
    if ".ts" in path.suffixes[-2:]:
        return "signals"
    for _, line in read_lines(path):
        text = line.strip()
        if _SIGNALS.match(text):
            return "signals"
        if text and not text.startswith("#"):
            return "objects" if is_json_lines(path, line) else "table"
    return "objects" if is_json_lines(path, "") else "table"


def open_rows(
    path: Path, kind: Kind, columns: ExampleColumns, lines: Lines, *, partial: bool = False
) -> Delimited | JsonLines:
    """Open a text table or JSON Lines.

    Args:
        path: where it is.
        kind: `table` or `objects`.
        columns: what the user said.
        lines: of the text.
        partial: whether there may be more lines than these.

    Raises:
        DataError: if it is empty or cannot be read.
    """
    if kind == "objects":
        refuse_header_option(columns.header, str(path))
        return open_json_lines(path, lines)
    return open_delimited(path, columns, lines, partial=partial)


def first_cells(rows: Delimited | JsonLines) -> Cells:
    """Return the beginning of a text table or JSON Lines."""
    numbered = isinstance(rows, Delimited) and not rows.header
    return Cells(str(rows.path), rows.names, rows.sample(), numbered)


def check_examples(
    path: Path, columns: ExampleColumns | None = None, *, wants: Wants = "class"
) -> ExampleColumns:
    """Refuse a source that lacks a column named, or whose columns the rules cannot find, at once.

    Of a text table or JSON Lines the first thousand lines are read; of Parquet the names. Folders,
    `.npz` and `.ts` files have no columns, and are only told apart.

    Args:
        path: where the examples are.
        columns: what the user said.
        wants: what is to be said of the sequences.

    Returns:
        the columns, settled where the beginning of the file tells them.

    Raises:
        DataError: if there is no such file, it cannot be read, or it lacks a column, naming those
            it has.
        ConfigError: if columns were said where there are none.
        MissingExtraError: if it is Parquet and pyarrow is not installed.
    """
    columns = columns or ExampleColumns()
    kind = source_kind(path)
    if kind == "parquet":
        named = columns.inputs if wants == "nothing" else (*columns.inputs, *columns.answers)
        open_parquet_columns(path, named, columns.header)
        return columns
    if kind in ("folder", "npz", "signals"):
        refuse_columns(path, columns)
        return columns

    head = list(itertools.islice(read_lines(path), SAMPLE + 1))

    def lines() -> Iterator[tuple[int, str]]:
        return iter(head)

    rows = open_rows(path, kind, columns, lines, partial=len(head) > SAMPLE)
    return settle_columns(first_cells(rows), columns, wants)[0]


def refuse_columns(path: Path, columns: ExampleColumns) -> None:
    """Refuse columns said of a source that has none.

    Raises:
        ConfigError: if any was said.
    """
    if columns != ExampleColumns():
        raise ConfigError(
            f"{path} has no columns: leave text, label, targets, features, layout and header out"
        )
