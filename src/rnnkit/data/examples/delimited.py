r"""A text table of examples: its delimiter, quotation marks, column names and rows.

Unlike in a table of numbers (`rnnkit.data.text_table`), a line that starts with # is a row, and
quotation marks are found to enclose cells or to be letters like others:

Marks enclose cells, as RFC 4180 has it, if all rows read thus have as many cells as the first: a
cell that holds a mark is enclosed by two, and those inside it are doubled. They are letters if all
lines cut at the delimiter alone have as many cells as the first. Where both hold, they enclose
cells, unless this makes rows of several lines in a table of more than one column between tabs:
there, two reviews that happen to begin and to end with a mark would swallow all between them. Where
neither holds, the table is refused at the line up to which the better of the two goes.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnkit.data.examples.columns import ExampleColumns
from rnnkit.data.examples.lines import Lines
from rnnkit.data.text_table import listed
from rnnkit.errors import DataError
from rnnkit.messages import Message

SAMPLE = 1000  # rows that tell what the columns are

_MARK = '"'
_DELIMITERS = ("\t", ";", "|", ",")
_NONE = "\n"  # stands in no line: a table of one column
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?|nan|[+-]?inf(?:inity)?",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_LONGEST_NAME = 80
_LEAST_RUN = 3  # numbers in a first line that count, and so are names

Row = tuple[int, list[str]]


class _UnclosedError(DataError):
    """The text ended inside of an enclosed cell."""


@dataclass(frozen=True)
class Delimited:
    """How a text table of examples is to be read.

    Args:
        path: where it is.
        lines: of the text.
        delimiter: between cells.
        quoted: whether quotation marks enclose cells.
        names: of the columns, in their order.
        header: whether the first row holds them.
        ragged: whether rows may have fewer cells than there are names.
        partial: whether there may be more lines than `lines` gives.
        notes: what was found out.
    """

    path: Path
    lines: Lines
    delimiter: str
    quoted: bool
    names: tuple[str, ...]
    header: bool
    ragged: bool
    partial: bool
    notes: tuple[Message, ...]

    def rows(self) -> Generator[Row, None, None]:
        """Yield the rows of data, each with the line on which it starts and a cell for each name.

        Raises:
            DataError: as `read_lines`; if a row is wrongly quoted or of another length, or if there
                are none.
        """
        width = len(self.names)
        number = 0
        above = "header" if self.header else "first row"
        rows = _cut(self.lines(), self.delimiter, self.quoted, self.path)
        for number, cells in itertools.islice(rows, 1 if self.header else 0, None):
            if self.ragged:
                cells += [""] * (width - len(cells))
            _check_width(number, cells, width, self, above)
            yield number, cells
        if not number:
            raise DataError(
                f"{self.path} has column names but no rows; at least one row was expected"
            )

    def sample(self) -> list[list[str]]:
        """Return the first rows: enough to tell what the columns are."""
        sample: list[list[str]] = []
        try:
            sample.extend(cells for _, cells in itertools.islice(self.rows(), SAMPLE))
        except _UnclosedError:
            if not self.partial:
                raise
        return sample


def open_delimited(
    path: Path, columns: ExampleColumns, lines: Lines, *, partial: bool = False
) -> Delimited:
    """Find out how a text table of examples is to be read.

    The first row holds column names if it has a column that was asked for; or else if all its cells
    are words, short and distinct, or its numbers count 1, 2, 3. It holds none if the columns asked
    for are all called by number, and none of these is in it.

    Args:
        path: where it is.
        columns: what the user said; with layout `wide`, rows may be of any length.
        lines: of the text; read as often as needed.
        partial: whether there may be more lines than these.

    Raises:
        DataError: as `Delimited.rows`; if the table is empty.
    """
    ragged = columns.layout == "wide"
    sample = list(itertools.islice(lines(), SAMPLE))
    delimiter = _delimiter(path, sample, ragged)
    quoted, marks = _is_quoted(path, lines, delimiter, ragged)
    head = list(itertools.islice(_cut(lines(), delimiter, quoted, path), 2))
    if not head:
        raise DataError(f"{path} is empty; a line of column names and rows were expected")
    if len(head) == 1 and any("\r" in cell for cell in head[0][1]):
        raise DataError(
            f"{path} ends its lines with carriage returns alone; save the file with newlines"
        )
    # Names may be enclosed though the marks below are letters.
    first = [_unquoted(cell) for cell in head[0][1]] if not quoted else head[0][1]
    names = [cell.strip() for cell in first]
    notes = []
    if marks and not quoted:
        notes.append(
            Message("quotation marks were read as letters of the texts: they enclose no cells")
        )
    header = columns.header
    if header is None:
        header = _is_header(names, [*columns.inputs, *columns.answers])
        if not header:
            found = "no column names were found, so the columns are called 1, 2, 3 and so on"
            notes.append(Message(found))
    if not header:
        width = len(names)
        if ragged:
            width = max(len(cells) for _, cells in _cut(lines(), delimiter, quoted, path))
        names = [str(number) for number in range(1, width + 1)]
    unnamed = [f"column {place}" for place, name in enumerate(names, start=1) if not name]
    if unnamed:
        found = "columns without a name are called by their place: {names}"
        notes.append(Message(found, {"names": listed(unnamed)}))
    names = [name or f"column {place}" for place, name in enumerate(names, start=1)]
    return Delimited(
        path, lines, delimiter, quoted, tuple(names), header, ragged, partial, tuple(notes)
    )


def looks_like_number(text: str) -> bool:
    """Tell whether a cell reads like a number, its decimals after a point or a comma.

    Example:
        >>> looks_like_number(" -1.5e3"), looks_like_number("1,5"), looks_like_number("v1")
        (True, True, False)
    """
    return _NUMBER.fullmatch(text.strip()) is not None


def _is_header(names: Sequence[str], asked: Sequence[str]) -> bool:
    if any(name in names for name in asked if not name.isdecimal()):
        return True
    if asked and all(name.isdecimal() and name not in names for name in asked):
        return False
    numbers = [name for name in names if looks_like_number(name)]
    if numbers:
        whole = len(numbers) >= _LEAST_RUN and all(map(_WHOLE.fullmatch, numbers))
        return whole and all(
            int(number) == int(numbers[0]) + place for place, number in enumerate(numbers)
        )
    named = [name for name in names if name]
    is_short = all(len(name) <= _LONGEST_NAME for name in named)
    return bool(named) and is_short and len(set(named)) == len(named)


def _cut(
    lines: Iterator[tuple[int, str]], delimiter: str, quoted: bool, path: Path
) -> Generator[Row, None, None]:
    """Yield the rows, each with the line on which it starts; lines without text are passed over."""
    for number, line in lines:
        if not line.strip(" "):
            continue
        if quoted and _MARK in line:
            yield number, _quoted_cells(line, lines, delimiter, f"line {number} of {path}")
        else:
            yield number, line.split(delimiter)


def _quoted_cells(
    line: str, lines: Iterator[tuple[int, str]], delimiter: str, place: str
) -> list[str]:
    """Return the cells of a row in the words of RFC 4180, taking further lines where it has some.

    Raises:
        DataError: if a mark stands inside a cell that is not enclosed, something follows the end of
            an enclosed one, or there is no such end.
    """
    cells: list[str] = []
    position = 0
    while True:
        if line.startswith(_MARK, position):
            parts: list[str] = []
            start = position + 1
            while True:
                end = line.find(_MARK, start)
                if end < 0:
                    parts.append(line[start:] + "\n")
                    more, line = next(lines, (0, ""))
                    start = 0
                    if not more:
                        raise _UnclosedError(
                            f"a quotation mark on {place} is never closed; close it"
                        )
                elif line.startswith(_MARK, end + 1):
                    parts.append(line[start : end + 1])
                    start = end + 2
                else:
                    parts.append(line[start:end])
                    break
            cells.append("".join(parts))
            position = end + 1
            if position < len(line) and line[position] != delimiter:
                raise DataError(
                    f"{place} has text after a closing quotation mark; double the marks inside of "
                    f"a cell that is enclosed by them"
                )
        else:
            end = line.find(delimiter, position)
            end = len(line) if end < 0 else end
            cell = line[position:end]
            if _MARK in cell:
                raise DataError(
                    f"{place} has a quotation mark inside of a cell that is not enclosed by them; "
                    f"enclose the cell and double the mark"
                )
            cells.append(cell)
            position = end
        if position == len(line):
            return cells
        position += 1


def _unquoted(cell: str) -> str:
    is_enclosed = len(cell) > 1 and cell[0] == cell[-1] == _MARK and _MARK not in cell[1:-1]
    return cell[1:-1] if is_enclosed else cell


@dataclass
class _Trial:
    """How far a table can be read in one way.

    Args:
        rows: how many rows there were up to `line`.
        line: the first that cannot be read; infinite where all can.
        marks: whether any line read has a quotation mark.
        width: of the first row.
    """

    rows: int = 0
    line: float = float("inf")
    marks: bool = False
    width: int = 0


def _try(path: Path, lines: Lines, delimiter: str, quoted: bool, ragged: bool) -> _Trial:
    trial = _Trial()
    last = 0

    def watched() -> Iterator[tuple[int, str]]:
        nonlocal last
        for number, line in lines():
            last = number
            trial.marks = trial.marks or _MARK in line
            yield number, line

    rows = _cut(watched(), delimiter, quoted, path)
    while True:
        begin = last + 1
        try:
            first, cells = next(rows)
        except StopIteration:
            return trial
        except DataError:
            if not quoted:
                raise
            trial.line = begin
            return trial
        trial.width = trial.width or len(cells)
        if len(cells) != trial.width and not ragged:
            trial.line = first
            return trial
        trial.rows += 1


def _is_quoted(path: Path, lines: Lines, delimiter: str, ragged: bool) -> tuple[bool, bool]:
    """Tell whether quotation marks enclose cells, and whether there are any."""
    plain = _try(path, lines, delimiter, False, ragged)
    if not plain.marks and plain.line == float("inf"):
        return False, False
    quoted = _try(path, lines, delimiter, True, ragged)
    marks = plain.marks or quoted.marks
    if plain.line == quoted.line == float("inf"):
        swallows = delimiter == "\t" and quoted.rows < plain.rows and quoted.width > 1
        return not swallows, marks
    return quoted.line >= plain.line, marks


def _delimiter(path: Path, sample: list[tuple[int, str]], ragged: bool) -> str:
    """Return the delimiter that cuts most of the first lines into as many cells as the first.

    Where none does so with more than half of them, the table has one column.
    """
    if ".tsv" in path.suffixes or not sample:
        return "\t"
    best, most = _NONE, 0
    for delimiter in _DELIMITERS:
        for quoted in (False, True):
            widths = []
            try:
                for _, cells in _cut(iter(sample), delimiter, quoted, path):
                    widths.append(len(cells))
            except DataError:
                pass  # What could be cut tells; the table itself is refused where it is read.
            if ragged:
                agreeing = sum(width > 1 for width in widths)
            else:
                agreeing = widths.count(widths[0]) if widths and widths[0] > 1 else 0
            if agreeing > most and 2 * agreeing > len(widths):
                best, most = delimiter, agreeing
    return best


def _check_width(
    number: int, cells: Sequence[str], width: int, table: Delimited, above: str
) -> None:
    if len(cells) == width:
        return
    how = "quotation marks" if table.quoted else "quotation marks, which were read as letters"
    raise DataError(
        f"line {number} of {table.path} has {len(cells)} cells where the {above} has {width}; "
        f"check its delimiters and {how}"
    )
