"""Panels larger than memory: a Parquet file read piece by piece into maps of raw files.

The file is read twice: once to survey it, once to write its rows into a file in which those of each
series stand together. Whole series are then taken from it, a block of them at a time, and go
through the steps of `read_panel` in memory. So the memory needed is that of a batch of rows, of a
block, which is the longest series at least, and of a few numbers for each series.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.columns import ALL, Columns
from rnnkit.data.files import is_parquet, open_parquet
from rnnkit.data.grid import step_of_words, telling_rows
from rnnkit.data.grouped import group_rows
from rnnkit.data.grouping import find_order
from rnnkit.data.header import open_parquet_columns
from rnnkit.data.kinds import TELLING
from rnnkit.data.maps import MapWriter, copied
from rnnkit.data.panel import Panel
from rnnkit.data.roles import choose_targets, read_covariates
from rnnkit.data.rows import Rows, fill_rows
from rnnkit.data.series_blocks import SeriesBlocks, block_ranges
from rnnkit.data.survey import SeriesNumbers, Survey, batch_moments, read_batches, take_survey
from rnnkit.data.table import Table
from rnnkit.errors import ConfigError, DataError
from rnnkit.messages import Message


def read_pieces(
    path: Path,
    columns: Columns,
    *,
    folder: Path,
    room: int,
    like: Panel | None = None,
    telling: float = TELLING,
) -> Panel:
    """Read a Parquet file in layout `long` as a panel whose arrays are maps of files.

    The panel is that of `read_panel`, with room for a forecast after each series (`with_room`), but
    for its notes and for a few decisions that need all rows at once:

    - A target that is not named, and the order of rows without times, are found in the first batch.
    - The step is inferred from the longest series.
    - Texts that hold numbers are understood, and cells counted in messages, batch by batch.

    The folder must be kept as long as the panel is used, and then be deleted by the caller.

    Args:
        path: a Parquet file. The rows of a series may stand anywhere in it.
        columns: what its columns are.
        folder: for the files; about twice the size of the arrays is needed while they are written.
        room: rows wanted after the known ones of each series.
        like: a panel read before, as for `read_panel`.
        telling: the share of rows that tell what columns hold, as for `read_panel`.

    Returns:
        The panel; `values`, `numbers`, `codes` and `times` are read-only `np.memmap`s, apart from
        arrays without columns.

    Raises:
        DataError: as `read_panel`; if the file is not Parquet; if the folder holds such files.
        ConfigError: as `read_panel`; if the layout is not `long`.
        MissingExtraError: if pyarrow is not installed.
    """
    columns, notes = _resolved(path, columns, like)
    survey = take_survey(
        path,
        columns,
        known=None if like is None else like.covariates,
        clock=None if like is None else like.clock,
        telling=telling,
    )
    newest = [] if survey.newest is None else [survey.newest]
    if columns.targets in ((), (ALL,)):
        columns, chosen, last = _with_targets(path, columns, survey, telling)
        notes, newest = (*chosen, *notes), [*newest, last]
    labelled = [covariate.labels is not None for covariate in survey.covariates]
    arrays: dict[str, tuple[np.dtype[Any], int | None]] = {
        "values": (np.dtype("f8"), len(columns.targets)),
        "numbers": (np.dtype("f8"), labelled.count(False)),
        "codes": (np.dtype("i4"), labelled.count(True)),
    }
    if columns.time:
        arrays["times"] = (np.dtype("M8[ns]"), None)
    with MapWriter(folder, arrays) as writer:
        grouped = group_rows(
            path, columns, survey, folder / "grouped.partial", may_be_empty=like is not None
        )
        try:
            series = SeriesBlocks(path, columns, survey, grouped, like, telling)
            for first, last in block_ranges(survey.counts):
                part = series.read(first, last, room)
                if part is not None:
                    writer.append(**{name: getattr(part, name) for name in arrays})
        finally:
            grouped.path.unlink(missing_ok=True)
        series.check()
        maps = writer.finish()
    panel = series.panel(maps)
    newest += [] if series.newest_of_step is None else [series.newest_of_step]
    told = max(map(series.told_ticks, newest), default=0)
    return replace(panel, notes=(*notes, *panel.notes), told=told)


def prepare_pieces(panel: Panel, horizon: int, folder: Path) -> Rows:
    """Return what `prepare_rows` does, computed a block of series at a time, as maps of files.

    Args:
        panel: as `read_pieces` gives it. Where it has the room, its own arrays are kept.
        horizon: rows wanted after the known ones of each series.
        folder: for the files; that of the panel, or another.

    Raises:
        DataError: if the folder holds such files.
    """
    lengths = np.diff(panel.starts)
    wanted = np.maximum(lengths, panel.known + horizon)
    blocks = list(block_ranges(lengths))
    names = ["filled", "observed", "filled_numbers", "calendar"]
    if (wanted > lengths).any():
        names += ["room_values", "room_numbers", "room_codes"]
        names += [] if panel.times is None else ["room_times"]

    def prepared(first: int, last: int) -> dict[str, NDArray[Any]]:
        rows = fill_rows(_part(panel, first, last), horizon)
        arrays: dict[str, NDArray[Any]] = {
            "filled": rows.values,
            "observed": rows.observed,
            "filled_numbers": rows.numbers,
            "calendar": rows.calendar,
        }
        for name in names[4:]:
            arrays[name] = getattr(rows.panel, name.removeprefix("room_"))
        return arrays

    columns: dict[str, tuple[np.dtype[Any], int | None]] = {
        name: (array.dtype, array.shape[1] if array.ndim > 1 else None)
        for name, array in prepared(0, 1).items()
    }
    with MapWriter(folder, columns) as writer:
        for first, last in blocks:
            writer.append(**prepared(first, last))
        maps = writer.finish()
    if len(names) > 4:
        panel = replace(
            panel,
            starts=np.concatenate([[0], np.cumsum(wanted)]).astype(np.int64),
            values=maps["room_values"],
            numbers=maps["room_numbers"],
            codes=maps["room_codes"],
            times=maps.get("room_times"),
        )
    return Rows(panel, maps["filled"], maps["observed"], maps["filled_numbers"], maps["calendar"])


def _resolved(
    path: Path, columns: Columns, like: Panel | None
) -> tuple[Columns, tuple[Message, ...]]:
    """Return `columns` with targets and order found, and notes; refuse what cannot be met."""
    if columns.layout != "long":
        raise ConfigError(
            f"layout must be long for a file that is read in pieces, got {columns.layout}"
        )
    if not is_parquet(path):
        raise DataError(f"{path} is not Parquet, which alone can be read in pieces; convert it")
    if columns.step is not None:
        step = step_of_words(columns.step)
        known = step if like is None or like.clock is None else like.clock.step
        if (step.kind, step.count) != (known.kind, known.count):
            raise ConfigError(f"step must be {known.name}, as in the known rows, got {step.name}")
    if columns.time_zone is not None and not columns.time:
        raise ConfigError(f"time_zone {columns.time_zone!r} needs a time column; name it too")
    if like is not None:
        if bool(columns.time) != (like.clock is not None):
            raise ConfigError(
                f"the known rows have {'times' if like.clock else 'no times'}: "
                f"{'name the time column' if like.clock else 'leave time out'}"
            )
        zone = "" if like.clock is None else like.clock.zone
        if zone != (columns.time_zone or ""):
            raise ConfigError(
                f"time_zone must be {zone or 'left out'}, as it was for the known rows, got "
                f"{columns.time_zone!r}"
            )
        if columns.targets not in ((), (ALL,), like.targets):
            raise ConfigError(
                f"the targets must be those of the known rows, {', '.join(like.targets)}, got "
                f"{', '.join(columns.targets)}"
            )
        columns = replace(columns, targets=like.targets)
    open_parquet_columns(path, columns.named, columns.header)
    if like is not None:
        _, head = next(read_batches(path, columns.named))
        read_covariates(head, columns, like.covariates)  # refuses other covariates
    if columns.order is not None or columns.time:
        return columns, ()
    head = _head(path)
    numbers = SeriesNumbers(columns.series_id).of(head)
    found = find_order(head.columns, numbers, head.place)
    oldest = Message("The rows tell no times: they are taken oldest first.")
    order, evidence = found or ("oldest-first", oldest)
    return replace(columns, order=order), (evidence,)


def _with_targets(
    path: Path, columns: Columns, survey: Survey, telling: float
) -> tuple[Columns, tuple[Message, ...], int]:
    """Return `columns` with the targets of the first batch, notes, and the newest moment asked."""
    head = _head(path)
    numbers = survey.series.of(head)
    seen = np.zeros_like(survey.counts)
    moments = batch_moments(head, columns, numbers, survey.counts, seen, survey.index)
    rows = telling_rows(moments, telling)
    targets, notes = choose_targets(head, columns, telling=rows, series=numbers)
    columns = replace(columns, targets=targets)
    open_parquet_columns(path, columns.named, columns.header)
    return columns, notes, int(moments[rows].max())


def _head(path: Path) -> Table:
    """Return the first batch of a file, with all columns that hold single cells."""
    file = open_parquet(path)
    single = [name for name in file.names if name not in file.nested]
    return next(read_batches(path, [name for name in single if single.count(name) == 1]))[1]


def _part(panel: Panel, first: int, last: int) -> Panel:
    """Return the series `first` to `last` of a panel, in memory."""
    start, stop = int(panel.starts[first]), int(panel.starts[last])
    return replace(
        panel,
        ids=panel.ids[first:last],
        starts=panel.starts[first : last + 1] - start,
        known=panel.known[first:last],
        ticks=panel.ticks[first:last],
        values=copied(panel.values, start, stop),
        numbers=copied(panel.numbers, start, stop),
        codes=copied(panel.codes, start, stop),
        times=None if panel.times is None else copied(panel.times, start, stop),
    )
