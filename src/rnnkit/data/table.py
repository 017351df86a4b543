"""A file or frame as raw cells: which columns there are, and what each of their rows holds.

Nothing is parsed here: a text table gives texts, Parquet and frames give pandas columns.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rnnkit.data.cells import Cells, Place
from rnnkit.data.files import is_parquet, reading_parquet, table_name
from rnnkit.data.header import (
    check_column,
    open_parquet_columns,
    open_text_columns,
    refuse_header_option,
)
from rnnkit.data.text_table import ENDS_EMPTY, Passed, TextTable, listed
from rnnkit.errors import DataError
from rnnkit.messages import Message


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of raw cells, all of `rows` rows in the order of the source.

    Args:
        names: of all columns of the source, in its order.
        columns: the columns read: `(rows,)` texts, or a pandas column whose index says nothing.
        rows: how many rows of data there are, at least one.
        source: what the table is called in messages: the path as given, or `"the frame"`.
        name: what the data are called: the file's name without folder and suffixes, or `"data"`.
        place: the words for the row at a position, such as `"line 12 of sales.csv"`.
        notes: what reading found and did about it.
    """

    names: tuple[str, ...]
    columns: Mapping[str, Cells]
    rows: int
    source: str
    name: str
    place: Place
    notes: tuple[Message, ...] = ()


def read_table(
    source: str | Path | pd.DataFrame,
    *,
    columns: Sequence[str] | None,
    header: bool | None = None,
    ragged: bool = False,
) -> Table:
    r"""Read columns of a table as raw cells; the source is left as it is.

    Lines are counted as an editor counts them, and rows of Parquet and frames from 0. A text table
    may have comments and no line of column names, see `rnnkit.data.text_table`.

    Args:
        source: a CSV, TSV or similar text file (also as .gz, .bz2, .xz), a Parquet file, or a
            frame, of which the levels of the index that have a name are columns as well.
        columns: the names to read, in this order; `None` for all whose name stands once and whose
            cells are single values.
        header: whether a text table has a line of column names; `None` to find it.
        ragged: whether the rows of a text table may be of any length. Shorter ones are filled with
            empty texts, and columns after the last name are named by their number.

    Raises:
        DataError: if the file cannot be read, a column asked for is missing, stands twice or holds
            no single values, a row is of another length, or there are no rows.
        MissingExtraError: if the file is Parquet and pyarrow is not installed.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "air.csv"
        >>> _ = path.write_text("Month,Passengers\n# estimated\n1949-01,112\n")
        >>> table = read_table(path, columns=["Passengers"])
        >>> table.columns["Passengers"], table.place(0) == f"line 3 of {path}"
        (['112'], True)
        >>> print(*table.notes)
        lines passed over as comments, since they start with #: 1
    """
    if isinstance(columns, str):
        raise DataError(f"columns must be a list of column names, got the text {columns!r}")
    if isinstance(source, pd.DataFrame):
        refuse_header_option(header, "the frame")
        return _from_frame(source, columns)
    if not isinstance(source, (str, Path)):
        raise DataError(f"source must be a path or a DataFrame, got {type(source).__name__}")
    path = Path(source)
    if is_parquet(path):
        return _from_parquet(path, columns, header)
    text = open_text_columns(path, columns or (), header, ragged)
    return _from_ragged_text(text, columns) if ragged else _from_text(text, columns)


class _Lines:
    """The lines on which the rows of a text table start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = 0
        # Only where a row does not start on the line after the row above it.
        self._jumps: list[tuple[int, int]] = []

    def add(self, row: int, line: int) -> None:
        """Keep the line of the row that follows the one added before."""
        if line != self._next:
            self._jumps.append((row, line))
        self._next = line + 1

    def place(self, row: int) -> str:
        """Return the words for a row."""
        start, line = self._jumps[bisect_right(self._jumps, row, key=lambda jump: jump[0]) - 1]
        return f"line {line + row - start} of {self._path}"


def _from_text(text: TextTable, columns: Sequence[str] | None) -> Table:
    path = text.file.path
    wanted, notes = _wanted(text.names, columns)
    cells_of: dict[str, list[str]] = {name: [] for name in wanted}
    picked = [(cells, text.names.index(name)) for name, cells in cells_of.items()]
    lines, passed = _Lines(path), Passed()
    # Without a header, a delimiter at the end of every line looks like one column more.
    ends_empty = text.header == "numbers" and len(text.names) > 1
    rows = 0
    for line, cells in text.rows(passed):
        lines.add(rows, line)
        rows += 1
        for column, position in picked:
            column.append(cells[position])
        if ends_empty and cells[-1].strip():
            ends_empty = False
    names = text.names
    if ends_empty and (columns is None or names[-1] not in columns):
        notes.append(Message(ENDS_EMPTY, {"count": 1}))
        cells_of.pop(names[-1], None)
        names = names[:-1]
    notes = [*text.notes, *notes, *_passed_notes(text, passed)]
    return Table(names, cells_of, rows, str(path), table_name(path), lines.place, tuple(notes))


def _from_ragged_text(text: TextTable, columns: Sequence[str] | None) -> Table:
    path = text.file.path
    lines, passed = _Lines(path), Passed()
    rows: list[list[str]] = []
    for line, cells in text.rows(passed):
        lines.add(len(rows), line)
        rows.append(cells)
    width, longest = len(text.names), max(map(len, rows))
    added = [str(number) for number in range(width + 1, longest + 1)]
    names = (*text.names, *added)
    for column in columns or ():
        check_column(column, names, str(path))
    wanted, notes = _wanted(names, columns)
    if added and text.header != "numbers":
        longer = sum(len(cells) > width for cells in rows)
        found = "rows with more cells than the header has names: {count:,}; columns added: {names}"
        notes.append(Message(found, {"count": longer, "names": listed(added)}))
    picked = {
        name: [cells[position] if position < len(cells) else "" for cells in rows]
        for name, position in zip(wanted, map(names.index, wanted), strict=True)
    }
    notes = [*text.notes, *notes, *_passed_notes(text, passed)]
    return Table(names, picked, len(rows), str(path), table_name(path), lines.place, tuple(notes))


def _passed_notes(text: TextTable, passed: Passed) -> list[Message]:
    """Return what is said about the lines passed over, but for a comment that holds the names."""
    notes = []
    width = len(text.names) + text.extra
    own = 1 if text.header == "comment" else 0
    count = passed.comments - own
    alike = passed.by_width[width] - own if width > 1 else 0
    if alike > 0:
        found = (
            "lines passed over as comments, since they start with #: {count:,}, of which {alike:,} "
            "have as many cells as a row; put a first cell that starts with # in quotation marks"
        )
        notes.append(Message(found, {"count": count, "alike": alike}))
    elif count:
        found = "lines passed over as comments, since they start with #: {count:,}"
        notes.append(Message(found, {"count": count}))
    if passed.blanks and width == 1:
        found = "blank lines passed over: {count:,}; write NA where a value is missing"
        notes.append(Message(found, {"count": passed.blanks}))
    return notes


def _from_parquet(path: Path, columns: Sequence[str] | None, header: bool | None) -> Table:
    file = open_parquet_columns(path, columns or (), header)
    wanted, notes = _wanted(file.names, columns)
    nested = [name for name in wanted if name in file.nested]
    if nested:
        wanted = [name for name in wanted if name not in file.nested]
        found = "columns left out, since they hold lists or structures: {names}"
        notes.append(Message(found, {"names": listed(nested)}))
    with reading_parquet(path) as parquet:
        table = parquet.ParquetFile(path).read(columns=wanted)
        # What pandas wrote beside the columns says nothing about their cells, and may be damaged.
        frame = table.replace_schema_metadata().to_pandas(date_as_object=False)

    def place(row: int) -> str:
        return f"row {row} (counted from 0) of {path}"

    picked = {name: frame[name] for name in wanted}
    return Table(file.names, picked, file.rows, str(path), path.stem, place, tuple(notes))


def _from_frame(frame: pd.DataFrame, columns: Sequence[str] | None) -> Table:
    if frame.columns.nlevels > 1:
        raise DataError(
            f"the columns of the frame have {frame.columns.nlevels} levels of names; give each one "
            f"name, as by frame.columns = ['_'.join(map(str, name)) for name in frame.columns]"
        )
    labels = [str(label) for label in frame.columns]
    levels = {
        str(name): level
        for level, name in enumerate(frame.index.names)
        if name is not None and str(name) not in labels
    }
    names = (*levels, *labels)
    for column in columns or ():
        _check_frame_column(column, names, frame.index)
    if not len(frame):
        raise DataError("the frame has no rows; at least one was expected")
    wanted, notes = _wanted(names, columns)
    picked: dict[str, Cells] = {
        name: frame.index.get_level_values(levels[name]).to_series()
        if name in levels
        else frame.iloc[:, labels.index(name)]
        for name in wanted
    }

    def place(row: int) -> str:
        if isinstance(frame.index, pd.RangeIndex):
            return f"row {frame.index[row]} of the frame"
        return f"row {row} (counted from 0, index {frame.index[row]}) of the frame"

    return Table(names, picked, len(frame), "the frame", "data", place, tuple(notes))


def _check_frame_column(column: str, names: Sequence[str], index: pd.Index) -> None:
    if (
        column not in names
        and index.name is None
        and isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
    ):
        raise DataError(
            f"the frame has no column {column!r}; its columns are {listed(names)}, and its index "
            f"holds times but has no name: name it, as by frame.index.name = {column!r}"
        )
    check_column(column, names, "the frame")


def _wanted(names: Sequence[str], columns: Sequence[str] | None) -> tuple[list[str], list[Message]]:
    """Return the names to read, and what is said about those left out."""
    if columns is not None:
        return list(columns), []
    counts = Counter(names)
    repeated = [name for name, count in counts.items() if count > 1]
    notes = []
    if repeated:
        found = "columns left out, since their names stand more than once: {names}"
        notes.append(Message(found, {"names": listed(repeated)}))
    return [name for name, count in counts.items() if count == 1], notes
