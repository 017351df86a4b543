"""A table as a panel: what its columns are, which rows make a series, and when each was.

Reading finds things and does something about them; each is said in a note of the panel, or refused
with row and column. Nothing later changes what is read of an earlier row: what is missing stays
missing, and no value is filled from rows after it. What a column holds, numbers or labels, is told
by the oldest rows, and so is the step; which labels there are, by all of them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from rnnkit.data.calendar import Step
from rnnkit.data.cells import factorize_texts, refuse_missing
from rnnkit.data.clocks import read_clock
from rnnkit.data.columns import ALL, Columns
from rnnkit.data.doubles import refuse_doubles
from rnnkit.data.edges import cut_ends, cut_starts
from rnnkit.data.gaps import carry_statics, with_missing_times
from rnnkit.data.grid import (
    common_step,
    older_times,
    on_their_day,
    step_of_words,
    steps_between,
    telling_rows,
    ticks_told,
    told_ticks,
)
from rnnkit.data.grouping import (
    Rows,
    find_order,
    in_order,
    row_moments,
    sorted_by_time,
    without_doubles,
)
from rnnkit.data.kinds import TELLING
from rnnkit.data.panel import Clock, IntArray, Panel
from rnnkit.data.roles import check_statics, choose_targets, read_covariates, read_targets
from rnnkit.data.table import Table, read_table
from rnnkit.data.wide import VALUE, read_wide
from rnnkit.errors import ConfigError, DataError
from rnnkit.messages import Message, Value

# Names of columns that are likely to hold times.
_TIME = re.compile(r"(?i)date|time|month|year|quarter|week|\bday\b|^ds$|날짜|일자|일시|시간|연도")


def read_panel(
    source: str | Path | pd.DataFrame,
    columns: Columns,
    *,
    like: Panel | None = None,
    telling: float = TELLING,
) -> Panel:
    r"""Read one or many series from a table; the source is left as it is.

    Layouts. `long`: a row a time and series; series come in the order of their first row.
    `columns`: each target column is a series of the target `value`. `rows`: each row is a series,
    its values from left to right; empty cells after the last value are cut, others are missing.

    Targets and covariates. Cells that are empty, NA and the like are missing. What a column holds
    is told by the oldest rows: numbers if all their cells do, else labels. Statics must not change
    within a series; a missing one is that of the row before it. The rows of a series begin where
    each target has had a value, and end with the last value of a target; rows after it stay as
    future rows where a future covariate has a value.

    Time. Rows are sorted by time; without times they are taken in their order, or in the reverse
    order where `columns` or prices say so (`find_order`). Two rows of one series and time must be
    equal, and count once. The step is given or inferred from all series together. Times missing
    between rows are filled with rows without a value, unless they would be more than the rows.

    Ticks. With times, the steps since the earliest row, rounded down. Without, the number of the
    row in layout `columns`, and elsewhere such that the last known rows of all series have the same
    tick.

    Args:
        source: a file or a frame, as for `read_table`.
        columns: what the columns of the table are.
        like: a panel read before, of which the targets, covariates with their labels, step, clock
            and zone must be met. Rows too few to show a step do then, as do series of future rows
            alone, for which the columns of targets, past covariates and statics may be left out;
            and no row is left out at the start, since rows before it may be known (`join_panels`).
        telling: the share of rows, the oldest, that tell what columns hold, above 0 and up to 1.

    Raises:
        DataError: if a file cannot be read, a column or cell is not what `columns` says, times are
            doubled or irregular, or the table does not match `like`.
        ConfigError: if the step or the time zone is unknown, or not that of `like`.
        MissingExtraError: if the file is Parquet and pyarrow is not installed.

    Example:
        >>> frame = pd.DataFrame({"Month": ["1949-01", "1949-02", "1949-04"], "Sold": [7, 8, 6]})
        >>> panel = read_panel(frame, Columns(time=("Month",)))
        >>> panel.targets, panel.values[:, 0].tolist()
        (('Sold',), [7.0, 8.0, nan, 6.0])
        >>> print(*panel.notes, sep="\n")
        The target is Sold, the only column of numbers that is nothing else.
        Missing times: 1 of 4, the first 1949-03-01; rows without a value stand in for them.
    """
    columns = _met(columns, like)
    if columns.layout == "rows":
        panel, told = read_wide(_read(source, columns, like), columns, like, telling)
    else:
        panel, told = _read_rows(source, _read(source, columns, like), columns, like, telling)
    panel = cut_ends(panel, may_be_future=like is not None)
    if like is None:
        panel = cut_starts(panel)
    if panel.times is None and columns.layout != "columns":
        panel = replace(panel, ticks=panel.known.max() - panel.known)
        panel = replace(panel, told=ticks_told(panel.ids, panel.ticks, told))
        if like is None and panel.ticks.any():
            panel = replace(panel, notes=(*panel.notes, _alignment(panel.known)))
    return panel


def resolve_order(source: str | Path | pd.DataFrame, columns: Columns) -> Columns:
    """Return `columns` with the order of rows without times that reading finds.

    New rows of the same table may be too few to tell it, so a run keeps what its own rows told.

    Args:
        source: as for `read_panel`.
        columns: as for `read_panel`.

    Raises:
        DataError: if the table cannot be read.
    """
    if columns.time or columns.order is not None or columns.layout == "rows":
        return columns
    table = _read(source, columns, None)
    series, _ = _series(table, columns)
    found = find_order(table.columns, series, table.place)
    return replace(columns, order=found[0] if found else "oldest-first")


def season_of(columns: Columns, panel: Panel) -> int:
    """Return the rows of a season: that of the step given or of the clock; 1 where neither is.

    Raises:
        ConfigError: if the words for the step name none.

    Example:
        >>> frame = pd.DataFrame({"Sold": [7, 8, 6]})
        >>> columns = Columns(step="month")
        >>> season_of(columns, read_panel(frame, columns))
        12
    """
    if columns.step is not None:
        return step_of_words(columns.step).season
    return 1 if panel.clock is None else panel.clock.step.season


def _met(columns: Columns, like: Panel | None) -> Columns:
    """Return `columns` with the targets of a panel read before.

    Raises:
        ConfigError: if the step is unknown, there is a time zone without times, or they contradict
            that panel.
    """
    if columns.step is not None:
        step_of_words(columns.step)
    if columns.time_zone is not None and not columns.time:
        raise ConfigError(f"time_zone {columns.time_zone!r} needs a time column; name it too")
    if like is None:
        return columns
    if bool(columns.time) != (like.clock is not None):
        raise ConfigError(
            f"the known rows have {'times' if like.clock else 'no times'}: "
            f"{'name the time column' if like.clock else 'leave time out'}"
        )
    if columns.step is not None and like.clock is not None:
        step, known = step_of_words(columns.step), like.clock.step
        if (step.kind, step.count) != (known.kind, known.count):
            raise ConfigError(f"step must be {known.name}, as in the known rows, got {step.name}")
    if columns.layout != "long":
        if like.targets != (VALUE,):
            raise ConfigError(
                f"in layout {columns.layout} the target is {VALUE!r}, but the known rows have "
                f"{', '.join(map(repr, like.targets))}: choose the layout long"
            )
        return columns
    if columns.targets in ((), (ALL,)):
        return replace(columns, targets=like.targets)
    if columns.targets != like.targets:
        raise ConfigError(
            f"the targets must be those of the known rows, {', '.join(map(repr, like.targets))}, "
            f"got {', '.join(map(repr, columns.targets))}"
        )
    return columns


def _read(source: str | Path | pd.DataFrame, columns: Columns, like: Panel | None) -> Table:
    """Return the table with the columns that are named, or all where some must be found."""
    may_be_future = like is not None and bool(like.of_role("future"))
    must_find = columns.targets in ((), (ALL,)) or (
        not columns.time and columns.order is None and columns.layout != "rows"
    )
    read = partial(read_table, source, header=columns.header, ragged=columns.layout == "rows")
    if not must_find and not may_be_future:
        return read(columns=columns.named)
    table = read(columns=None)
    if may_be_future and not set(columns.targets) & set(table.names):
        table = _with_empty_columns(table, columns)
    if all(name in table.columns for name in columns.named):
        return table
    # Reading a column by its name refuses it if it is not there, or cannot be read.
    found = read(columns=columns.named)
    return replace(table, columns={**found.columns, **table.columns})


def _with_empty_columns(table: Table, columns: Columns) -> Table:
    """Return a table of rows to come with the columns that are not known in advance."""
    names = (*columns.targets, *columns.covariates, *columns.statics)
    absent = [name for name in names if name not in table.names]
    note = Message(
        "There is no column {columns}: the rows are read as rows to come.",
        {"columns": ", ".join(absent)},
    )
    empty = dict.fromkeys(absent, [""] * table.rows)
    return replace(table, columns={**table.columns, **empty}, notes=(*table.notes, note))


def _read_rows(
    source: str | Path | pd.DataFrame,
    table: Table,
    columns: Columns,
    like: Panel | None,
    share: float,
) -> tuple[Panel, dict[str, int]]:
    """Return the panel of a table in layout `long` or `columns`, all rows taken as known.

    And by the names of the series how many of their rows, the oldest, told what columns hold.
    """
    place = table.place
    series, ids = _series(table, columns)
    known = None if like is None else like.clock
    read = None
    order, evidence = columns.order, None
    if columns.time:
        read = read_clock(
            table.columns, columns, place=place, series=series, like=known, telling=share
        )
    elif order is None:
        order, evidence = find_order(table.columns, series, place) or (None, None)
    moments = row_moments(series, None if read is None else read.times, order)
    telling = telling_rows(moments, share)
    targets, chosen = choose_targets(table, columns, telling=telling, series=series)
    values, empty = read_targets(table, targets, may_be_empty=like is not None, series=series)
    known_ones = None if like is None else like.covariates
    covariates = read_covariates(table, columns, known_ones, telling=telling, series=series)
    notes = [*table.notes, *chosen, *empty, *covariates.notes]
    rows = Rows(
        series=series,
        origin=np.arange(table.rows),
        values=values,
        numbers=covariates.numbers,
        codes=covariates.codes,
        times=None if read is None else read.times,
    )
    clock = None
    if read is not None:
        rows, sorting = sorted_by_time(rows, order, place)
        rows, differing, repeats = without_doubles(rows)
        if len(differing):
            refuse_doubles(rows, int(differing[0]), source, columns, table)
        step = _step(rows, columns, known, table.source, moments[telling].max())
        rows, gaps = with_missing_times(rows, step, ids, place)
        clock = Clock(step, columns.time, read.offset, read.zone)
        notes += [*read.notes, *sorting, *repeats, *gaps]
    else:
        rows, ordering = in_order(rows, order, evidence)
        notes += ordering
        used = (*columns.named, *targets)
        unread = [name for name in table.names if name not in used and _TIME.search(name)]
        if like is None and unread:
            notes.append(
                Message(
                    "Not used: {columns}. If it holds the times, name it with --time.",
                    {"columns": ", ".join(unread)},
                )
            )
    check_statics(rows, covariates.covariates, ids, place)
    panel = Panel(
        name=table.name,
        ids=ids,
        id_name=columns.series_id or "",
        starts=rows.starts,
        known=np.diff(rows.starts),
        ticks=_ticks(rows, clock.step if clock else None),
        targets=targets,
        values=rows.values,
        covariates=covariates.covariates,
        numbers=rows.numbers,
        codes=rows.codes,
        times=rows.times,
        clock=clock,
        notes=tuple(notes),
    )
    newest = moments[telling].max()
    if clock is not None:
        panel = replace(panel, told=told_ticks(int(moments.min()), int(newest), clock.step))
    elif columns.asks:
        panel = replace(panel, told=int(newest - moments.min()) + 1)
    counts = np.bincount(series[telling], minlength=len(ids)) * columns.asks
    panel = carry_statics(panel)
    panel = _unfolded(panel) if columns.layout == "columns" else panel
    return panel, dict(zip(ids, counts.tolist(), strict=True))


def _series(table: Table, columns: Columns) -> tuple[IntArray, tuple[str, ...]]:
    """Return `(N,)` the number of each row's series, and the names of the series."""
    if columns.series_id is None:
        return np.zeros(table.rows, dtype=np.int64), ("",)
    name = columns.series_id
    codes, ids = factorize_texts(table.columns[name], column=name)
    refuse_missing(codes < 0, name, table.place)
    return codes, ids


def _step(rows: Rows, columns: Columns, like: Clock | None, source: str, newest: np.int64) -> Step:
    """Return the step that the rows must follow, as those up to the `newest` moment tell it."""
    assert rows.times is not None
    if like is not None:
        return like.step
    times, starts = older_times(rows.times, rows.starts, newest.astype("M8[ns]"))
    if columns.step is not None:
        return on_their_day(step_of_words(columns.step), times, starts)
    longest = int(np.diff(rows.starts).max())
    if longest < 3:
        raise DataError(
            f"{source} has {longest} rows{'' if len(rows.starts) == 2 else ' in a series'}, but at "
            f"least 3 are needed to see the step of its times; give more rows, or the step"
        )
    return common_step(times, starts)


def _ticks(rows: Rows, step: Step | None) -> IntArray:
    """Return `(S,)` the steps from the earliest time to the first row of each series."""
    begins = rows.starts[:-1]
    if rows.times is None or step is None:
        return np.zeros_like(begins)
    first = rows.times[begins]
    return steps_between(step, np.broadcast_to(first.min(), first.shape), first)[0]


def _alignment(known: IntArray) -> Message:
    values: dict[str, Value] = {
        "series": len(known),
        "shortest": int(known.min()),
        "longest": int(known.max()),
    }
    return Message(
        "The {series:,} series have from {shortest:,} to {longest:,} rows without times: their last"
        " rows are taken as of the same time.",
        values,
    )


def _unfolded(panel: Panel) -> Panel:
    """Return the panel in which each target of a single series is a series of its own."""
    rows, count = panel.values.shape
    lengths = np.full(count, rows, dtype=np.int64)
    return replace(
        panel,
        ids=panel.targets,
        id_name="series",
        starts=np.arange(count + 1, dtype=np.int64) * rows,
        known=lengths,
        ticks=np.repeat(panel.ticks, count),
        targets=(VALUE,),
        values=panel.values.T.reshape(-1, 1),
        numbers=np.tile(panel.numbers, (count, 1)),
        codes=np.tile(panel.codes, (count, 1)),
        times=None if panel.times is None else np.tile(panel.times, count),
    )
