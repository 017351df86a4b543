"""Tables of which each row is a series, its values from left to right."""

from __future__ import annotations

import numpy as np

from rnnkit.data.cells import factorize_texts, refuse_missing
from rnnkit.data.columns import ALL, Columns
from rnnkit.data.edges import ranges
from rnnkit.data.grid import telling_rows
from rnnkit.data.numerals import parse_numbers
from rnnkit.data.panel import Panel
from rnnkit.data.points import refuse_dotted_thousands_along
from rnnkit.data.roles import read_covariates
from rnnkit.data.table import Table
from rnnkit.errors import DataError
from rnnkit.messages import Message

VALUE = "value"  # the target's name where the columns or rows of a table are series


def read_wide(
    table: Table, columns: Columns, like: Panel | None, share: float
) -> tuple[Panel, dict[str, int]]:
    """Return the panel of a table in layout `rows`, all cells up to the last value as known rows.

    Series are named by the column for it, or by their row, counted from 1. The values are the
    target columns, by default all columns that are nothing else. Empty cells after the last value
    of a row are none; others are missing.

    Args:
        table: read with ragged rows.
        columns: what the columns of the table are.
        like: as for `read_panel`.
        share: of the series, those that begin first, that tell what statics hold.

    Returns:
        The panel; by the names of the series how many rows of them told what statics hold, 0 or 1.

    Raises:
        DataError: if a cell is no finite number, a name is missing or stands twice, or there is no
            column of values.
    """
    targets = columns.targets
    if targets in ((), (ALL,)):
        targets = tuple(name for name in table.columns if name not in columns.named)
    if not targets:
        raise DataError(f"{table.source} has no column of values besides the names of its series")
    cells = np.empty((table.rows, len(targets)))
    each = np.arange(table.rows)  # each row is a series
    for position, name in enumerate(targets):
        try:
            cells[:, position] = parse_numbers(
                table.columns[name], column=name, place=table.place, missing=True, series=each
            )
        except DataError as error:
            if position == 0 and columns.series_id is None:
                raise DataError(f"{error}; if it names the series, give it as the series") from None
            raise
    along = [table.columns[name] for name in targets]
    refuse_dotted_thousands_along(cells, along, targets, table.place)
    present = ~np.isnan(cells)
    lengths = np.where(
        present.any(axis=1), len(targets) - present[:, ::-1].argmax(axis=1), 0
    ).astype(np.int64)
    ids = _ids(table, columns)
    known = None if like is None else like.covariates
    begun = np.where(lengths > 0, lengths - present.argmax(axis=1), 0)
    telling = telling_rows(-begun, share)
    covariates = read_covariates(table, columns, known, telling=telling, series=each)
    notes = [*table.notes, *covariates.notes]
    # A series without any value keeps one cell, so that it can be said to be left out.
    kept = np.maximum(lengths, 1)
    series = np.repeat(np.arange(table.rows), kept)
    positions = ranges(np.zeros_like(kept), kept)
    values = cells[series, positions]
    missing = int(np.isnan(values[lengths[series] > 0]).sum())
    if missing:
        notes.append(
            Message(
                "Cells without a value before the last value of their series: {count:,} of "
                "{rows:,}.",
                {"count": missing, "rows": int(lengths.sum())},
            )
        )
    panel = Panel(
        name=table.name,
        ids=ids,
        id_name=columns.series_id or "row",
        starts=np.concatenate([[0], np.cumsum(kept)]).astype(np.int64),
        known=kept,
        ticks=np.zeros_like(kept),
        targets=(VALUE,),
        values=values[:, None],
        covariates=covariates.covariates,
        numbers=covariates.numbers[series],
        codes=covariates.codes[series],
        times=None,
        clock=None,
        notes=tuple(notes),
    )
    asked = telling & bool(columns.statics)
    return panel, dict(zip(ids, asked.astype(int).tolist(), strict=True))


def _ids(table: Table, columns: Columns) -> tuple[str, ...]:
    if columns.series_id is None:
        return tuple(str(row) for row in range(1, table.rows + 1))
    name = columns.series_id
    codes, ids = factorize_texts(table.columns[name], column=name)
    refuse_missing(codes < 0, name, table.place)
    if len(ids) < table.rows:
        again = int(np.flatnonzero(codes != np.arange(table.rows))[0])
        first = int(np.flatnonzero(codes == codes[again])[0])
        raise DataError(
            f"{table.place(first)} and {table.place(again)} both hold the series "
            f"{ids[codes[again]]!r}; in layout rows each series has one row"
        )
    return ids
