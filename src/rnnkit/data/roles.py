"""The columns of a table by their roles: which are targets, and the cells of the covariates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.cells import Cells, Place, is_empty, missing_cells, parse_labels
from rnnkit.data.columns import ALL, Columns
from rnnkit.data.grouping import Rows
from rnnkit.data.kinds import has_numbers, holds_numbers
from rnnkit.data.numerals import parse_numbers
from rnnkit.data.panel import MISSING, Covariate, FloatArray, IntArray
from rnnkit.data.table import Table
from rnnkit.errors import DataError
from rnnkit.messages import Message, Value

_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Covariates:
    """The cells of the columns beside the targets.

    Args:
        covariates: the columns, past ones first, then future ones, then statics.
        numbers: `(N, P)` float64, as in a `Panel`.
        codes: `(N, Q)` int32, as in a `Panel`.
        notes: what was found and done about it.
    """

    covariates: tuple[Covariate, ...]
    numbers: FloatArray
    codes: NDArray[np.int32]
    notes: tuple[Message, ...]


def choose_targets(
    table: Table, columns: Columns, *, telling: NDArray[np.bool_], series: IntArray | None
) -> tuple[tuple[str, ...], tuple[Message, ...]]:
    """Return the target columns of the layouts `long` and `columns`.

    Those named; or the only column of numbers that is nothing else; or all of them, in layout
    `columns` by default. A column that only counts the rows is one of them only if no other is.
    A column of which the rows that tell have no value is none of them.

    Args:
        table: holds the columns.
        columns: names them, or does not.
        telling: `(N,)` the rows that tell what a column holds.
        series: `(N,)` the number of each row's series; `None` for one series.

    Raises:
        DataError: if there is no such column, or several where one was asked for; if the rows that
            tell have numbers in a column, but a later row does not.
    """
    if columns.targets and columns.targets != (ALL,):
        return columns.targets, ()
    candidates: list[str] = []
    counters: dict[str, Message] = {}
    mixed: list[str] = []
    others: list[str] = []
    late: list[str] = []
    taken = set(columns.named)
    for name, cells in table.columns.items():
        if name in taken:
            continue
        present = ~missing_cells(cells)
        if not (present & telling).any():
            (late if present.any() else others).append(name)
            continue
        if not holds_numbers(cells, column=name, place=table.place, telling=telling):
            (mixed if has_numbers(cells) else others).append(name)
            continue
        values = parse_numbers(cells, column=name, place=table.place, missing=True, series=series)
        if _counts_rows(values, telling):
            found = "Left out: {column}, which only counts the rows."
            if not _counts_rows(values, np.ones_like(telling)):
                found = "Left out: {column}, which only counts the older rows."
            counters[name] = Message(found, {"column": name})
        else:
            candidates.append(name)
    if not candidates:  # where there is nothing else, a count may be meant
        candidates, counters = list(counters), {}
    if not candidates:
        raise DataError(
            f"{table.source} has no column of numbers left to be the target; its columns are "
            f"{_listed(table.names)}"
        )
    notes = list(counters.values())
    if columns.targets == (ALL,) or columns.layout == "columns":
        if mixed:
            beside = "Left out: {columns}, with texts beside numbers in the older rows."
            notes.append(Message(beside, {"columns": ", ".join(mixed)}))
        if late:
            missed = "Left out: {columns}, without a value in the older rows; --target takes them."
            notes.append(Message(missed, {"columns": ", ".join(late)}))
        if others:
            notes.append(
                Message("Left out: {columns}, without numbers.", {"columns": ", ".join(others)})
            )
        return tuple(candidates), tuple(notes)
    if len(candidates) > 1:
        raise DataError(
            f"{table.source} has {len(candidates)} columns that could be the target: "
            f"{_listed(candidates)}; name one with --target, or take them all with --target all"
        )
    chosen = Message(
        "The target is {column}, the only column of numbers that is nothing else.",
        {"column": candidates[0]},
    )
    return tuple(candidates), (*notes, chosen)


def read_targets(
    table: Table, targets: Sequence[str], *, may_be_empty: bool, series: IntArray | None
) -> tuple[FloatArray, tuple[Message, ...]]:
    """Return `(N, K)` float64, the cells of the targets, NaN where missing, and a note on these.

    Raises:
        DataError: if a cell holds no finite number; unless `may_be_empty`, if a target has no
            value at all.
    """
    values = np.empty((table.rows, len(targets)))
    for k, name in enumerate(targets):
        values[:, k] = parse_numbers(
            table.columns[name], column=name, place=table.place, missing=True, series=series
        )
        if not may_be_empty and np.isnan(values[:, k]).all():
            raise DataError(f"column {name!r} is empty; a target needs values to learn from")
    missing = np.isnan(values).sum(axis=0)
    return values, _missing_cells(dict(zip(targets, missing.tolist(), strict=True)), table.rows)


def read_covariates(
    table: Table,
    columns: Columns,
    like: Sequence[Covariate] | None,
    *,
    telling: NDArray[np.bool_] | None = None,
    series: IntArray | None = None,
) -> Covariates:
    """Return the covariates of a table: columns of numbers, and of labels.

    Args:
        table: holds the columns named.
        columns: names the covariates.
        like: the covariates that they must be, in kind and labels; `None` for any. A label that is
            not among theirs counts as missing.
        telling: `(N,)` the rows that tell what a column holds; `None` for all, as where rows are
            series.
        series: `(N,)` the number of each row's series; `None` for one series.

    Raises:
        DataError: if a column is empty, holds numbers but for a few or later cells, infinite
            numbers or too many labels; if the covariates are not those of `like`.
    """
    roles = columns.covariate_roles
    if like is not None and {known.name: known.role for known in like} != roles:
        expected = ", ".join(f"{known.name!r} ({known.role})" for known in like)
        found = ", ".join(f"{name!r} ({role})" for name, role in roles.items())
        raise DataError(
            f"the covariates must be those of the known rows, {expected or 'none'}, got "
            f"{found or 'none'}"
        )
    known = {covariate.name: covariate for covariate in like or ()}
    covariates, numbers, codes = [], [], []
    missing: dict[str, int] = {}
    notes: list[Message] = []
    for name, role in roles.items():
        cells = table.columns[name]
        if like is None and is_empty(cells):
            raise DataError(f"column {name!r} is empty; leave it out of the covariates")
        if name in known:
            is_number = known[name].labels is None
        else:
            is_number = _holds_truth(cells, telling) or holds_numbers(
                cells, column=name, place=table.place, telling=telling
            )
        labels = None
        if is_number:
            cells = _counted(cells)
            column = parse_numbers(
                cells, column=name, place=table.place, missing=True, series=series
            )
            numbers.append(column)
            missing[name] = int(np.isnan(column).sum())
        else:
            coded, labels = parse_labels(cells, column=name, place=table.place)
            missing[name] = int((coded == MISSING).sum())
            if name in known:
                coded, unknown = _recoded(name, coded, labels, known[name].labels or ())
                labels = known[name].labels
                notes += unknown
            codes.append(coded)
        covariates.append(Covariate(name, role, labels))
    labelled = label_notes(covariates) if like is None else ()
    return Covariates(
        covariates=tuple(covariates),
        numbers=np.stack(numbers, axis=1) if numbers else np.empty((table.rows, 0)),
        codes=np.stack(codes, axis=1) if codes else np.empty((table.rows, 0), dtype=np.int32),
        notes=(*labelled, *_missing_cells(missing, table.rows), *notes),
    )


def check_statics(
    rows: Rows, covariates: Sequence[Covariate], ids: Sequence[str], place: Place
) -> None:
    """Refuse a static covariate that changes within a series, missing cells aside.

    Args:
        rows: series after series.
        covariates: whose cells the rows hold.
        ids: the names of the series, by their numbers.
        place: names the row at a position of the table, for messages.

    Raises:
        DataError: naming two rows that differ.
    """
    starts = rows.starts
    columns = iter(rows.numbers.T), iter(rows.codes.T)
    for covariate in covariates:
        cells = next(columns[covariate.labels is not None])
        if covariate.role != "static":
            continue
        present = np.flatnonzero(~np.isnan(cells) if covariate.labels is None else cells >= 0)
        series = np.searchsorted(starts, present, side="right") - 1
        _, first = np.unique(series, return_index=True)
        reference = np.repeat(present[first], np.diff(np.append(first, len(present))))
        wrong = np.flatnonzero(cells[present] != cells[reference])
        if len(wrong):
            pair = int(reference[wrong[0]]), int(present[wrong[0]])
            shown = [
                f"{cells[row]:g}" if covariate.labels is None else covariate.labels[int(cells[row])]
                for row in pair
            ]
            name = ids[int(rows.series[pair[0]])]
            where = [place(int(rows.origin[row])) for row in pair]
            raise DataError(
                f"column {covariate.name!r} is static, but{f' in series {name!r}' if name else ''} "
                f"it is {shown[0]} on {where[0]} and {shown[1]} on {where[1]}; make it a covariate,"
                f" or correct it"
            )


def label_notes(covariates: Iterable[Covariate]) -> tuple[Message, ...]:
    """Return a note on the covariates that hold labels, with how many each has.

    Example:
        >>> print(*label_notes([Covariate("wind", "past", ("NW", "cv"))]))
        Read as labels, not as numbers: wind (2 different).
    """
    parts = [
        Message(
            "{column} ({count:,} different)", {"column": known.name, "count": len(known.labels)}
        )
        for known in covariates
        if known.labels is not None
    ]
    found = "Read as labels, not as numbers: {columns}."
    return (Message(found, {"columns": tuple(parts)}),) if parts else ()


def _missing_cells(counts: dict[str, int], rows: int) -> tuple[Message, ...]:
    """Return a note on the cells that are missing in columns of `rows` cells.

    A column without any value is that of rows to come, of which nothing else is expected.
    """
    parts = [
        Message("{count:,} of {rows:,} in {column}", {"count": n, "rows": rows, "column": name})
        for name, n in counts.items()
        if 0 < n < rows
    ]
    shown = tuple(parts[:_SHOWN])
    values: dict[str, Value] = {"columns": shown, "more": len(parts) - len(shown)}
    if len(parts) > len(shown):
        template = "Cells without a value: {columns}, and some in {more:,} more columns."
        return (Message(template, values),)
    return (Message("Cells without a value: {columns}.", values),) if parts else ()


def _recoded(
    name: str, codes: NDArray[np.int32], labels: Sequence[str], known: Sequence[str]
) -> tuple[NDArray[np.int32], tuple[Message, ...]]:
    """Return codes of `labels` as codes of `known`, and a note on labels that are not there."""
    number = {label: position for position, label in enumerate(known)}
    table = np.array([*(number.get(label, MISSING) for label in labels), MISSING], dtype=np.int32)
    recoded = table[codes]
    unknown = int(((recoded == MISSING) & (codes != MISSING)).sum())
    if not unknown:
        return recoded, ()
    example = next(label for label in labels if label not in number)
    values: dict[str, Value] = {
        "count": unknown,
        "rows": len(codes),
        "column": name,
        "example": example,
    }
    template = (
        "Labels in {column} that the known rows do not have, such as {example}, count as missing: "
        "{count:,} of {rows:,} rows."
    )
    return recoded, (Message(template, values),)


def _counts_rows(values: FloatArray, telling: NDArray[np.bool_]) -> bool:
    """Tell whether these rows of a column are those of 0, 1, 2, ... or 1, 2, 3, ..."""
    first = (values - np.arange(len(values)))[telling]
    return bool(len(first) > 1 and first[0] in (0, 1) and (first == first[0]).all())


def _holds_truth(cells: Cells, telling: NDArray[np.bool_] | None) -> bool:
    """Tell whether this is a pandas column of truth values, of which some may be missing."""
    if not isinstance(cells, pd.Series):
        return False
    if telling is not None and pd.api.types.is_object_dtype(cells.dtype):
        cells = cells.iloc[np.flatnonzero(telling & cells.notna().to_numpy(dtype=bool))]
    return _is_truth(cells)


def _is_truth(cells: pd.Series[Any]) -> bool:
    """Tell whether all cells that are not missing are truth values; pandas may keep objects."""
    if pd.api.types.is_bool_dtype(cells.dtype):
        return True
    return bool(pd.api.types.infer_dtype(cells, skipna=True) == "boolean")


def _counted(cells: Cells) -> Cells:
    """Return a pandas column of truth values as 0 and 1, and other columns as they are."""
    if isinstance(cells, pd.Series) and _is_truth(cells):
        return cells.astype("boolean").astype("Float64")
    return cells


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))
    return f"{shown}, ... ({len(names)} in all)" if len(names) > _SHOWN else shown
