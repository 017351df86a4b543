"""Writers of small files as people have them, and what must become of each."""

from __future__ import annotations

import datetime
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

# Two rows ahead from differences and a linear path: each value and its place tell.
TINY = (
    *("--season", "1", "--context", "6", "--horizon", "2"),
    *("--hidden-size", "3", "--ensemble", "1", "--epochs", "1"),
    *("--differencing", "difference", "--no-log", "--linear"),
)
UNTESTED = (*TINY, "--test-size", "0")
LONG = ("--time", "day", "--target", "x", *UNTESTED)

Row = tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """A file, and how a forecast of it must end: refused, or as that of a clean twin.

    Args:
        name: of the case.
        content: of the file.
        said: regular expressions found in the one line of the refusal, or on the screen.
        options: of `rnnkit forecast`.
        file: its name.
        twin: the content of a clean file of the same forecast; None: the file is refused.
        twin_options: of the forecast of the twin, where they differ.
        later: the content of a file of later rows, `later.csv`.
    """

    name: str
    content: bytes
    said: tuple[str, ...] = ()
    options: tuple[str, ...] = LONG
    file: str = "t.csv"
    twin: bytes | None = None
    twin_options: tuple[str, ...] | None = None
    later: bytes | None = None


class Corpus:
    """Cases by what must become of them."""

    def __init__(self) -> None:
        self.refused: list[Case] = []
        self.mended: list[Case] = []

    def refuse(
        self,
        name: str,
        content: bytes,
        *said: str,
        options: tuple[str, ...] = LONG,
        file: str = "t.csv",
        later: bytes | None = None,
    ) -> None:
        """Add a file that cannot be understood, and what must be said of it."""
        self.refused.append(Case(name, content, said, options, file, later=later))

    def mend(
        self,
        name: str,
        content: bytes,
        *said: str,
        options: tuple[str, ...] = LONG,
        file: str = "t.csv",
        twin: bytes | None = None,
        twin_options: tuple[str, ...] | None = None,
        later: bytes | None = None,
    ) -> None:
        """Add a file that can be understood, what must be said, and its twin, by default `GOOD`."""
        twin = GOOD if twin is None else twin
        self.mended.append(Case(name, content, said, options, file, twin, twin_options, later))


def asking(*columns: str) -> tuple[str, ...]:
    """Return the options of a tiny forecast of these columns."""
    return (*columns, *UNTESTED)


def table(rows: Iterable[Row], header: Row | None = ("day", "x"), sep: str = ",") -> bytes:
    """Return rows as delimited text, quoting nothing."""
    lines = [*([header] if header else []), *rows]
    return "".join(sep.join(line) + "\n" for line in lines).encode()


def values(rows: int, shift: int = 0) -> list[str]:
    """Return a wave with two decimals that no season explains."""
    wave = (100 + 10 * math.sin(2 * math.pi * i / 7.3) + i * 37 % 11 / 10 for i in range(rows))
    return [f"{value + shift:.2f}" for value in wave]


def days(rows: int, form: str = "%Y-%m-%d", first: str = "2024-01-20") -> list[str]:
    """Return days one after the other; 45 of them see two months turn."""
    start = datetime.date.fromisoformat(first)
    return [(start + datetime.timedelta(i)).strftime(form) for i in range(rows)]


def hours(first: str, rows: int, form: str = "%Y-%m-%d %H:%M") -> list[str]:
    """Return hours of the clock of Berlin, one after the other."""
    times = pd.date_range(pd.Timestamp(first, tz="Europe/Berlin"), periods=rows, freq="h")
    return [time.strftime(form) for time in times]


def changed(rows: Sequence[Row], line: int, *cells: str) -> list[Row]:
    """Return the rows with other cells on one line of the file, below its header."""
    return [*rows[: line - 2], cells, *rows[line - 1 :]]


def parquet(frame: pd.DataFrame) -> bytes:
    """Return a frame as Parquet."""
    stream = io.BytesIO()
    frame.to_parquet(stream, index=False)
    return stream.getvalue()


DAYS = days(45)
VALUES = values(45)
ROWS: list[Row] = list(zip(DAYS, VALUES, strict=True))
GOOD = table(ROWS)
