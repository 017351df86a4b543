"""Two rows of one series at one time: the refusal, and what may be behind it."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from rnnkit.data.calendar import Times
from rnnkit.data.cells import factorize_texts
from rnnkit.data.columns import Columns
from rnnkit.data.grouping import Rows
from rnnkit.data.kinds import holds_numbers
from rnnkit.data.table import Table, read_table
from rnnkit.data.times import show_time
from rnnkit.errors import DataError

# The Sundays on which summer time ends, north and south, and the hours that are repeated then.
_SUNDAY = 6
_MONTHS = (3, 4, 9, 10, 11)
_HOURS = 3


def refuse_doubles(
    rows: Rows,
    position: int,
    source: str | Path | pd.DataFrame,
    columns: Columns,
    table: Table,
) -> NoReturn:
    """Refuse a row that stands at the time of the row before it, but differs from it.

    Args:
        rows: sorted by series and time.
        position: of the row.
        source: the table, to be read again for a column that tells the doubled rows apart.
        columns: what the columns are.
        table: the table as read.

    Raises:
        DataError: naming both rows; with the column that seems to name the series, or the option
            for repeated hours, where one of these explains all doubled times.
    """
    assert rows.times is not None
    doubled = np.flatnonzero(
        (np.diff(rows.series) == 0) & (np.diff(rows.times) == np.timedelta64(0))
    )
    first, other = sorted(int(row) for row in rows.origin[position - 1 : position + 1])
    name = f" in series {table_id!r}" if (table_id := _id(table, columns, first)) else ""
    advice = "; each time may stand only once in a series: correct or remove one of the rows"
    if columns.time_zone is None and _as_summer_time_ends(rows.times[doubled]):
        advice = (
            "; these seem to be the hours that are repeated as summer time ends: give the time "
            "zone, such as Europe/Berlin"
        )
    elif columns.series_id is None and columns.layout == "long":
        column = _separating(rows, source, columns)
        if column is not None:
            advice = f"; if column {column!r} names the series, give it as the series"
    raise DataError(
        f"{table.place(first)} and {table.place(other)} are both at "
        f"{show_time(rows.times[position])}{name} but differ (rows that repeat a time: "
        f"{len(doubled)}){advice}"
    )


def _id(table: Table, columns: Columns, row: int) -> str:
    if columns.series_id is None:
        return ""
    codes, ids = factorize_texts(table.columns[columns.series_id], column=columns.series_id)
    return ids[int(codes[row])]


def _as_summer_time_ends(times: Times) -> bool:
    index = pd.DatetimeIndex(times)
    return bool(
        ((index.dayofweek == _SUNDAY) & index.month.isin(_MONTHS) & (index.hour <= _HOURS)).all()
        and (index != index.normalize()).any()
    )


def _separating(rows: Rows, source: str | Path | pd.DataFrame, columns: Columns) -> str | None:
    """Return a column of texts, or else of whole numbers, that tells all doubled rows apart."""
    table = read_table(source, columns=None, header=columns.header)
    found = []
    for name, cells in table.columns.items():
        if name in columns.named:
            continue
        if isinstance(cells, pd.Series) and pd.api.types.is_datetime64_any_dtype(cells.dtype):
            continue
        codes, texts = factorize_texts(cells, column=name)
        named = pd.DataFrame({"time": rows.times, "name": codes[rows.origin]})
        if len(texts) <= table.rows / 2 and not named.duplicated().any():
            if not holds_numbers(cells, column=name, place=table.place):
                return name
            if all(text.lstrip("-").isdigit() for text in texts):
                found.append(name)
    return found[0] if found else None
