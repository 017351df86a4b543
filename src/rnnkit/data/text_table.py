"""A text table: its delimiter, its column names and its rows, found from its first lines.

Lines that start with # are comments. The first line that is none holds the column names, unless it
looks like data; then the last comment above it may hold them, or else columns are named by number.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rnnkit.data.files import TextFile, open_text
from rnnkit.errors import DataError
from rnnkit.messages import Message

_COMMENT = "#"
_SHEET_ERROR = re.compile(r"#(?:N/A|NA|DIV/0!|VALUE!|REF!|NUM!|NAME\?|NULL!)")  # no comments
# A comma also stands in texts and numbers: it is taken only where nothing else fits as well.
_DELIMITERS = ("\t", ";", "|", ",")
_BLANKS = " "  # stands for any run of blanks, and is taken only where no delimiter fits
_SHOWN = 20

ENDS_EMPTY = "empty cells at the end of the lines were left out: {count} in each"

# What the cells of a first line can be. A wrong guess here costs a wrong header, no wrong number.
_Kind = Literal["missing", "number", "time", "word"]
_MISSING = frozenset({"na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none"})
_NUMBER = re.compile(
    r"[+-]?(?:[$€£¥₩] ?)?(?:[0-9][0-9,.' ]*|[.,][0-9]+)(?:e[+-]?[0-9]+)? ?%?|[+-]?inf(?:inity)?"
)
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_TIME = re.compile(
    rf"""(?:
      [0-9]{{1,4}}[-/.] ?[0-9]{{1,2}}(?:[-/.]\ ?[0-9]{{1,4}})?\.?    # 2020-01, 31.1.2020, 1/31/20
    | [0-9]{{1,2}}[-\ ]?{_MONTH}[-,\ ]*[0-9]{{2,4}}                  # 31 Jan 2020
    | {_MONTH}[-,\ ]+(?:[0-9]{{1,2}},?\ )?[0-9]{{2,4}}               # Jan 2020, January 31, 2020
    | [0-9]{{4}}[-\ ]?[qmw][0-9]{{1,2}} | q[1-4][-\ /]?[0-9]{{4}}    # 2020Q1, 2020M01, Q1 2020
    | [0-9]{{4}}-?w[0-9]{{2}}(?:-?[1-7])?                            # 2020-W05-1
    | [0-9]{{4}}년(?:\ ?[0-9]{{1,2}}월(?:\ ?[0-9]{{1,2}}일)?)?
    | [0-9]{{8}}
    )?
    (?:(?:^|t|\ +)[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:[.,][0-9]+)?)?(?:\ ?[ap]m)?
       (?:\ ?(?:z|utc|gmt|[+-][0-9]{{2}}(?::?[0-9]{{2}})?))?
    )?""",
    re.VERBOSE,
)


@dataclass
class Passed:
    """The lines that were passed over.

    Args:
        comments: how many comments there were.
        by_width: the same, by the number of cells that their delimiters would give.
        last: the text of the last comment.
        blanks: lines without text that stand above a row.
    """

    comments: int = 0
    by_width: Counter[int] = field(default_factory=Counter)
    last: str = ""
    blanks: int = 0


@dataclass(frozen=True)
class TextTable:
    """How a text table is to be read.

    Args:
        file: where it is.
        delimiter: a character; a blank stands for any run of blanks.
        names: of the columns, in their order.
        header: where the names come from: a line of the table, a comment, or the columns' numbers.
        extra: cells without name or text at the end of the first row.
        ragged: whether rows may be of any length.
        notes: what was found out about the columns.
    """

    file: TextFile
    delimiter: str
    names: tuple[str, ...]
    header: Literal["line", "comment", "numbers"]
    extra: int
    ragged: bool
    notes: tuple[Message, ...]

    def rows(self, passed: Passed | None = None) -> Generator[tuple[int, list[str]], None, None]:
        """Yield the rows of data, each with the line on which it starts.

        A row has a cell for each name; if the table is ragged, cells up to the last with a text.

        Args:
            passed: counts the lines passed over.

        Raises:
            DataError: if the file cannot be read, is not UTF-8, damaged or wrongly quoted, if a row
                is of another length, or if there are none.
        """
        passed = Passed() if passed is None else passed
        width = len(self.names)
        header_lines = 1 if self.header == "line" else 0
        line = 0
        with self.file.text() as text:
            rows = _cut(text, self.delimiter, self.file.path, passed)
            for line, cells in itertools.islice(rows, header_lines, None):
                if self.ragged:
                    while cells and not cells[-1].strip():
                        cells.pop()
                elif len(cells) != width:
                    self._shorten(cells, line)
                yield line, cells
        if not line:
            hint = ""
            if passed.comments:
                hint = (
                    f"; {passed.comments} lines start with # and were taken for comments: put cells"
                    f" that start with # in quotation marks"
                )
            raise DataError(
                f"{self.file.path} has column names but no rows; at least one row was expected"
                f"{hint}"
            )

    def _shorten(self, cells: list[str], line: int) -> None:
        """Take the extra cells away."""
        width = len(self.names)
        extra = cells[width:]
        if len(cells) < width or len(extra) != self.extra:
            above = "first row" if self.header == "numbers" else "header"
            raise DataError(
                f"line {line} of {self.file.path} has {len(cells)} cells where the {above} has "
                f"{width}; check its delimiters and quotation marks"
            )
        if any(cell.strip() for cell in extra):
            raise DataError(
                f"line {line} of {self.file.path} holds a value after the last column with a name, "
                f"{self.names[-1]!r}; name all columns in the header"
            )
        del cells[width:]


def open_table(path: Path, *, header: bool | None = None, ragged: bool = False) -> TextTable:
    r"""Find out how a text table is to be read.

    A first line of numbers, times and missing values alone is data. It holds column names all the
    same if times stand above numbers, or if it counts 1, 2, 3 or 2010, 2011, 2012: three integers
    or more, or any number of them after an empty first cell that has a text below it.

    Args:
        path: a table in CSV, TSV or similar text, plain or compressed.
        header: whether there is a line of column names; `None` to find it.
        ragged: whether rows may be of any length.

    Raises:
        DataError: if there is no such file, it is empty or cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "air.csv"
        >>> _ = path.write_text("# by Box & Jenkins\n#Month;Passengers\n1949-01;112\n")
        >>> open_table(path).names
        ('Month', 'Passengers')
    """
    file = open_text(path)
    delimiter = _delimiter(file)
    passed = Passed()
    with file.text() as text:
        rows = _cut(text, delimiter, path, passed)
        _, first = next(rows, (0, None))
        above = passed.last
        _, second = next(rows, (0, None))
    if first is None:
        raise DataError(
            f"{path} holds comments alone; a header line and rows were expected"
            if passed.comments
            else f"{path} is empty; a header line and rows were expected"
        )
    return _Heading(first, second or [], above, delimiter, ragged).table(file, header)


class _Heading:
    """Decides what the columns of a table are called, from its first two rows."""

    def __init__(
        self, first: list[str], second: list[str], above: str, delimiter: str, ragged: bool
    ) -> None:
        self.first = [cell.strip() for cell in first]
        self.second = [cell.strip() for cell in second]
        self.above = above
        self.delimiter = delimiter
        self.ragged = ragged

    def table(self, file: TextFile, header: bool | None) -> TextTable:
        origin: Literal["line", "comment", "numbers"]
        names, below, notes = self.first, self.second, list[Message]()
        said = self._names_in_comment()
        kinds = [_kind(cell) for cell in self.first]
        counts = self._counts()
        is_data = "word" not in kinds and not counts and not self._has_times_above_numbers()
        if header is not False and said and (is_data or kinds[0] in ("number", "time")):
            origin, names, below = "comment", said, self.first
            found = "column names were read from the comment above the first row: {names}"
            notes.append(Message(found, {"names": listed(names)}))
        elif header is False or (header is None and is_data):
            origin, below = "numbers", self.first
            names = [str(number) for number in range(1, len(self.first) + 1)]
            if header is None:
                found = "no column names were found, so the columns are called 1, 2, 3 and so on"
                notes.append(Message(found))
        else:
            origin = "line"
            if header is None and counts:
                found = "the first line counts, and was taken for column names: {names}"
                notes.append(Message(found, {"names": listed(names)}))
        names, extra = (_without_end(names), 0) if self.ragged else _split_end(names, below)
        if extra:
            notes.append(Message(ENDS_EMPTY, {"count": extra}))
        named = [name or f"column {number}" for number, name in enumerate(names, start=1)]
        unnamed = [new for new, old in zip(named, names, strict=True) if not old]
        if unnamed:
            found = "columns without a name are called by their place: {names}"
            notes.append(Message(found, {"names": listed(unnamed)}))
        return TextTable(
            file=file,
            delimiter=self.delimiter,
            names=tuple(named),
            header=origin,
            extra=extra,
            ragged=self.ragged,
            notes=tuple(notes),
        )

    def _names_in_comment(self) -> list[str]:
        """Return the names in the comment above the table, if it has one for each column."""
        text = " ".join(self.above.split()) if self.delimiter == _BLANKS else self.above
        rows = csv.reader(
            [text.lstrip(_COMMENT).strip(" \r\n")],
            delimiter=self.delimiter,
            skipinitialspace=self.delimiter != _BLANKS,
        )
        try:
            names = [name.strip() for name in next(rows, [])]
        except csv.Error:  # A text too long for a cell is no name.
            return []
        if names and not names[0]:
            names[0] = _COMMENT  # The column of row numbers was called "#".
        fits = len(names) in (len(self.first), len(_without_end(self.first)))
        is_new = len(set(names)) == len(names)
        return names if fits and is_new and "word" in map(_kind, names) else []

    def _counts(self) -> bool:
        """Tell whether the first line counts from column to column, as a header of numbers does."""
        is_indexed = len(self.first) > 1 and not self.first[0] and any(self.second[:1])
        cells = self.first[1:] if is_indexed else self.first
        if (len(cells) < 3 and not is_indexed) or not all(map(_WHOLE.fullmatch, cells)):
            return False
        start = int(cells[0])
        return all(int(cell) == start + place for place, cell in enumerate(cells))

    def _has_times_above_numbers(self) -> bool:
        pairs = zip(self.first, self.second, strict=False)
        return any(_kind(name) == "time" and _kind(cell) == "number" for name, cell in pairs)


def listed(names: Sequence[str]) -> str:
    """Return names as messages show them, cut where they are many.

    Example:
        >>> listed(["Month", "Passengers"])
        "'Month', 'Passengers'"
    """
    shown = ", ".join(map(repr, names[:_SHOWN])) or "none"
    return f"{shown}, ... ({len(names)} in all)" if len(names) > _SHOWN else shown


def _cut(
    text: Iterable[str], delimiter: str, path: Path, passed: Passed, *, strict: bool = True
) -> Generator[tuple[int, list[str]], None, None]:
    """Yield the rows, each with the line on which it starts; count the lines passed over."""
    end = 0  # The lines up to the end of the last row, without comments.
    blanks = 0
    kept = ""  # the line read last

    def content() -> Generator[str, None, None]:
        nonlocal kept
        for line in text:
            kept = line if delimiter != _BLANKS else " ".join(line.split()) + "\n"
            # Inside a row, # stands in a quoted cell.
            is_first = reader.line_num == end
            if is_first and kept.startswith(_COMMENT) and not _SHEET_ERROR.match(kept):
                passed.comments += 1
                passed.last = kept
                passed.by_width[kept.strip("# \r\n").count(delimiter) + 1] += 1
            else:
                yield kept

    reader = csv.reader(
        content(), delimiter=delimiter, skipinitialspace=delimiter != _BLANKS, strict=strict
    )
    try:
        for cells in reader:
            # A single cell in quotation marks is a row, even if it is empty.
            if len(cells) > 1 or (cells and (cells[0].strip() or not kept.isspace())):
                passed.blanks = blanks
                yield end + passed.comments + 1, cells
            else:
                blanks += 1
            end = reader.line_num
    except csv.Error as error:
        raise DataError(
            f"line {end + passed.comments + 1} of {path} cannot be split into cells ({error}); "
            f"check its quotation marks"
        ) from error


def _delimiter(file: TextFile) -> str:
    """Return the delimiter that cuts most of the first lines into as many cells as the first."""
    sample, goes_on = file.sample()
    if ".tsv" in file.path.suffixes:
        return "\t"

    def rows(delimiter: str) -> list[list[str]]:
        text = io.StringIO(sample, newline="")
        cut = _cut(text, delimiter, file.path, Passed(), strict=False)
        return [cells for _, cells in cut]

    best, most = ",", 0
    for delimiter in _DELIMITERS:
        widths = [len(cells) for cells in rows(delimiter)]
        agreeing = widths.count(widths[0]) if widths and widths[0] > 1 else 0
        if agreeing > most:
            best, most = delimiter, agreeing
    return best if most or not _is_cut_by_blanks(rows(_BLANKS), goes_on) else _BLANKS


def _is_cut_by_blanks(rows: list[list[str]], goes_on: bool) -> bool:
    """Tell whether blanks cut the first rows alike, with two numbers or times in the last one."""
    whole = rows[:-1] if goes_on else rows
    if len({len(cells) for cells in whole}) != 1:
        return False
    kinds = [_kind(cell) for cell in whole[-1]]
    return "number" in kinds and kinds.count("number") + kinds.count("time") > 1


def _kind(cell: str) -> _Kind:
    text = cell.strip().casefold()
    if text in _MISSING or not any(map(str.isalnum, text)) or _SHEET_ERROR.fullmatch(cell.strip()):
        return "missing"
    if _NUMBER.fullmatch(text):
        return "number"
    return "time" if _TIME.fullmatch(text) else "word"


def _without_end(names: list[str]) -> list[str]:
    """Return the names up to the last one that is not empty."""
    length = len(names)
    while length and not names[length - 1]:
        length -= 1
    return names[:length]


def _split_end(names: list[str], below: list[str]) -> tuple[list[str], int]:
    """Return the names without those at the end that have neither name nor text, and their number.

    Args:
        names: of all columns, empty ones included.
        below: the first row.
    """
    named = _without_end(names)
    if not named or any(below[len(named) :]):
        return names, 0
    return named, max(len(names), len(below)) - len(named)
