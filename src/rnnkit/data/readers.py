"""Reading one regular series from a file or a DataFrame, or an error that names row and column."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.calendar import Step, Times
from rnnkit.data.cells import Cells, Place, parse_numbers
from rnnkit.data.header import check_column, check_columns, is_parquet, read_rows, reading_parquet
from rnnkit.data.times import parse_times, regular_step
from rnnkit.errors import DataError

_COMPRESSED = (".gz", ".bz2", ".xz")


@dataclass(frozen=True, eq=False)
class Series:
    """One regular series of one or many target columns, oldest row first.

    Args:
        times: `(N,)` datetime64[ns], each one `step` after the one before it.
        values: `(N, K)` float64, finite.
        targets: the `K` column names.
        time_name: the name of the time column.
        step: the distance between the rows.
        name: the file's name without folder and suffixes, or `"data"` for a frame.
        offset: the UTC offset of the clock that `times` are read from, as `"+09:00"`; `""` where
            the data tell none.
    """

    times: Times
    values: NDArray[np.float64]
    targets: tuple[str, ...]
    time_name: str
    step: Step
    name: str
    offset: str = ""


def read_series(
    source: str | Path | pd.DataFrame,
    *,
    time: str,
    targets: Sequence[str],
    step: Step | None = None,
) -> Series:
    """Read one regular series; the source is left as it is.

    Nothing is repaired: a missing, doubled or wrong cell is refused. Rows are counted as an editor
    counts lines in a text table, and from 0 in Parquet and frames. Dates such as 3/4/2020 are read
    in the order, month or day first, that alone is possible or alone gives a regular series.

    Args:
        source: a CSV, TSV or similar text file (also as .gz, .bz2, .xz), a Parquet file, or a
            frame. The time column may be the frame's index, if it carries that name.
        time: the column of dates, times, periods or years.
        targets: the columns of numbers, at least one.
        step: the step that the rows must follow, known from earlier rows; `None` to infer it, for
            which three rows are needed.

    Returns:
        The series.

    Raises:
        DataError: if the file cannot be read, a column is missing or asked for twice, a cell holds
            no finite number or no time, or the rows are not at a regular step, oldest first.
        MissingExtraError: if the file is Parquet and pyarrow is not installed.

    Example:
        >>> frame = pd.DataFrame({"Month": ["1949-01", "1949-02", "1949-03"], "Sold": [7, 8, 6]})
        >>> series = read_series(frame, time="Month", targets=["Sold"])
        >>> series.step.name, series.values[:, 0].tolist()
        ('month', [7.0, 8.0, 6.0])
    """
    columns = _wanted(time, targets)
    if isinstance(source, pd.DataFrame):
        table = _from_frame(source, columns)
    elif isinstance(source, (str, Path)):
        path = Path(source)
        check_columns(path, columns)
        table = _from_parquet(path, columns) if is_parquet(path) else _from_text(path, columns)
    else:
        raise DataError(f"source must be a path or a DataFrame, got {type(source).__name__}")
    values = [
        parse_numbers(cells, column=name, place=table.place)
        for name, cells in zip(columns[1:], table.columns[1:], strict=True)
    ]
    times, offset = parse_times(table.columns[0], column=time, place=table.place, step=step)
    return Series(
        times=times,
        values=np.stack(values, axis=1),
        targets=tuple(targets),
        time_name=time,
        step=regular_step(times, source=table.source, place=table.place, step=step),
        name=table.name,
        offset=offset,
    )


@dataclass(frozen=True)
class _Table:
    """The columns asked for, with the words for their origin."""

    columns: Sequence[Cells]
    source: str
    place: Place
    name: str


def _wanted(time: str, targets: Sequence[str]) -> list[str]:
    if isinstance(targets, str):
        raise DataError(f"targets must be a list of column names, got the text {targets!r}")
    if not targets:
        raise DataError("targets must name at least one column, got none")
    for position, target in enumerate(targets):
        if target == time:
            raise DataError(f"column {time!r} cannot be both the time and a target")
        if target in targets[:position]:
            raise DataError(f"target {target!r} is named twice; name each column once")
    return [time, *targets]


def table_name(path: Path) -> str:
    """Return what the table in a file is called: its name without suffix and compression.

    Example:
        >>> table_name(Path("data/sales.2020.csv.gz"))
        'sales.2020'
    """
    return Path(path.stem).stem if path.suffix in _COMPRESSED else path.stem


def _from_text(path: Path, columns: list[str]) -> _Table:
    with closing(read_rows(path)) as rows:
        _, header = next(rows)
        picked: list[tuple[list[str], int]] = [([], header.index(column)) for column in columns]
        for line, cells in rows:
            if len(cells) != len(header):
                raise DataError(
                    f"line {line} of {path} has {len(cells)} cells where the header has "
                    f"{len(header)}; check its delimiters and quotation marks"
                )
            for column_cells, position in picked:
                column_cells.append(cells[position])

    def place(row: int) -> str:
        # Read again, so that reading itself need not keep a million line numbers.
        line, _ = next(itertools.islice(read_rows(path), row + 1, None))
        return f"line {line} of {path}"

    return _Table([cells for cells, _ in picked], str(path), place, table_name(path))


def _from_parquet(path: Path, columns: list[str]) -> _Table:
    with reading_parquet(path) as parquet:
        table = parquet.ParquetFile(path).read(columns=columns)
    frame = table.to_pandas(ignore_metadata=True)

    def place(row: int) -> str:
        return f"row {row} (counted from 0) of {path}"

    return _Table([frame[column] for column in columns], str(path), place, path.stem)


def _from_frame(frame: pd.DataFrame, columns: list[str]) -> _Table:
    names = [str(label) for label in frame.columns]
    fields = dict(zip(names, itertools.count()))
    if columns[0] not in names and frame.index.name == columns[0]:
        names.append(columns[0])
    elif columns[0] not in names and isinstance(frame.index, (pd.DatetimeIndex, pd.PeriodIndex)):
        raise DataError(
            f"the frame has no column {columns[0]!r}; its index holds times but is named "
            f"{frame.index.name!r}: name it by frame.index.name = {columns[0]!r}"
        )
    for column in columns:
        check_column(column, names, "the frame")
    if frame.empty:
        raise DataError("the frame has no rows; at least one was expected")

    def place(row: int) -> str:
        if isinstance(frame.index, pd.RangeIndex):
            return f"row {frame.index[row]} of the frame"
        return f"row {row} (counted from 0, index {frame.index[row]}) of the frame"

    picked = [
        frame.iloc[:, fields[column]] if column in fields else frame.index.to_series()
        for column in columns
    ]
    return _Table(picked, "the frame", place, "data")
