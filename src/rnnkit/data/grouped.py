"""The rows of a Parquet file in a raw file in which those of each series stand together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.calendar import Times
from rnnkit.data.columns import Columns
from rnnkit.data.grouping import Rows
from rnnkit.data.panel import MISSING, Covariate, IntArray
from rnnkit.data.roles import read_covariates, read_targets
from rnnkit.data.survey import Survey, read_batches, table_times
from rnnkit.errors import DataError


@dataclass(frozen=True, eq=False)
class Grouped:
    """Parsed rows by series, those of one series in the order of the table.

    Args:
        path: of the raw file, an array of `record`.
        record: what is stored of a row: its number in the table, its time and its cells.
        starts: `(S + 1,)` the first row of each series, and all rows.
        missing: how many cells of each target and covariate are, by their names.
    """

    path: Path
    record: np.dtype[Any]
    starts: IntArray
    missing: Mapping[str, int]

    @property
    def size(self) -> int:
        """All rows."""
        return int(self.starts[-1])

    def rows(self, first: int, last: int) -> Rows:
        """Return the rows of the series `first` to `last`."""
        records = self._read(first, last)
        counts = np.diff(self.starts[first : last + 1])
        return Rows(
            series=np.repeat(np.arange(first, last), counts),
            origin=np.ascontiguousarray(records["origin"]),
            values=np.ascontiguousarray(records["values"]),
            numbers=np.ascontiguousarray(records["numbers"]),
            codes=np.ascontiguousarray(records["codes"]),
            times=self._times(records),
        )

    def times(self, series: int) -> Times:
        """Return the times of one series."""
        times = self._times(self._read(series, series + 1))
        assert times is not None
        return times

    def _times(self, records: NDArray[Any]) -> Times | None:
        has_times = "time" in (self.record.names or ())
        return np.ascontiguousarray(records["time"]) if has_times else None

    def _read(self, first: int, last: int) -> NDArray[Any]:
        start, stop = int(self.starts[first]), int(self.starts[last])
        return np.fromfile(
            self.path, self.record, count=stop - start, offset=start * self.record.itemsize
        )


def group_rows(
    path: Path, columns: Columns, survey: Survey, target: Path, *, may_be_empty: bool
) -> Grouped:
    """Write the rows of a Parquet file by series; the file is deleted if this fails.

    Args:
        path: of the Parquet file.
        columns: with the targets named.
        survey: of the file.
        target: the file to write.
        may_be_empty: whether columns may be without any value.

    Raises:
        DataError: naming the row of a cell that holds no finite number or no time; if a column is
            empty that may not be.
    """
    kinds = [covariate.labels is None for covariate in survey.covariates]
    fields: list[Any] = [
        ("origin", "i8"),
        *([("time", "M8[ns]")] if columns.time else []),
        ("values", "f8", (len(columns.targets),)),
        ("numbers", "f8", (kinds.count(True),)),
        ("codes", "i4", (kinds.count(False),)),
    ]
    record = np.dtype(fields)
    starts = np.concatenate([[0], np.cumsum(survey.counts)]).astype(np.int64)
    free = starts[:-1].copy()  # the next row of each series
    missing = Counter[str]()
    try:
        with target.open("wb", buffering=0) as file:
            for first, table in read_batches(path, columns.named):
                series = survey.series.of(table)
                records = np.empty(table.rows, dtype=record)
                records["origin"] = np.arange(first, first + table.rows)
                if columns.time:
                    records["time"] = table_times(table, columns, survey.index)
                records["values"], _ = read_targets(
                    table, columns.targets, may_be_empty=True, series=series
                )
                covariates = read_covariates(table, columns, survey.covariates, series=series)
                records["numbers"], records["codes"] = covariates.numbers, covariates.codes
                _count_missing(missing, columns.targets, records, survey.covariates)
                order = np.argsort(series, kind="stable")
                found, begins, counts = np.unique(
                    series[order], return_index=True, return_counts=True
                )
                records = records[order]
                for s, begin, count in zip(
                    found.tolist(), begins.tolist(), counts.tolist(), strict=True
                ):
                    file.seek(int(free[s]) * record.itemsize)
                    file.write(records[begin : begin + count].view(np.uint8).data)
                    free[s] += count
        if not may_be_empty:
            _refuse_empty(missing, columns.targets, int(starts[-1]))
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Grouped(target, record, starts, missing)


def _count_missing(
    missing: Counter[str],
    targets: Sequence[str],
    records: NDArray[Any],
    covariates: Sequence[Covariate],
) -> None:
    """Add the missing cells of a batch to those counted before."""
    numbers = [covariate.name for covariate in covariates if covariate.labels is None]
    labels = [covariate.name for covariate in covariates if covariate.labels is not None]
    for names, is_missing in (
        (targets, np.isnan(records["values"])),
        (numbers, np.isnan(records["numbers"])),
        (labels, records["codes"] == MISSING),
    ):
        missing.update(dict(zip(names, is_missing.sum(axis=0).tolist(), strict=True)))


def _refuse_empty(missing: Mapping[str, int], targets: Sequence[str], rows: int) -> None:
    for name, count in missing.items():
        if count == rows:
            advice = "a target needs values to learn from"
            if name not in targets:
                advice = "leave it out of the covariates"
            raise DataError(f"column {name!r} is empty; {advice}")
