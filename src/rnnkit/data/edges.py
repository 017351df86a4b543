"""Where the series of a panel begin and end: rows before the first values, and after the last."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.panel import MISSING, Covariate, IntArray, Panel
from rnnkit.errors import DataError
from rnnkit.messages import Message, Value


def cut_ends(panel: Panel, *, may_be_future: bool = False) -> Panel:
    """Return the panel with its known rows told from the future ones.

    The known rows of a series end with the last one in which a target has a value. Rows after it
    are future rows as far as a future covariate has a value, and keep nothing else; the rest is
    left out. So is a series without any value of a target.

    Args:
        panel: of which all rows count as known.
        may_be_future: keep series of future rows alone, which continue rows known from elsewhere.

    Raises:
        DataError: if no series remains.
    """
    starts, rows = panel.starts, np.arange(len(panel.values))
    has_target = np.asarray(~np.isnan(panel.values).all(axis=1))
    known = _ends(has_target, starts)
    told = np.zeros(len(rows), dtype=bool)
    for covariate, cells in _columns(panel):
        if covariate.role == "future":
            told |= _is_present(covariate, cells)
    stops = np.maximum(known, _ends(told, starts))
    keep = (known > 0) | (may_be_future & (stops > 0))
    if not keep.any():
        raise DataError(f"no target of {panel.name} has a value")
    lengths = np.diff(starts)
    cut = _picked(panel, np.flatnonzero(keep), np.zeros_like(known), np.where(keep, stops, 0))
    cut = _blanked(replace(cut, known=known[keep]))
    notes = []
    ahead, left = (stops - known)[keep], (lengths - stops)[keep]
    if ahead.any():
        notes.append(
            Message(
                "Rows after the last value of a target, of which only what is known in advance is "
                "read: {where}.",
                {"where": _where(ahead, cut, int(lengths.sum()))},
            )
        )
    if left.any():
        notes.append(
            Message(
                "Left out at the end, after the last value of a target: {where}.",
                {"where": _where(left, cut, int(lengths.sum()))},
            )
        )
    return replace(cut, notes=(*panel.notes, *notes, *_emptied(panel, keep)))


def cut_starts(panel: Panel) -> Panel:
    """Return the panel without the rows before each target of a series has had a value.

    A series in which some target has no value at all is left out.

    Raises:
        DataError: if no series remains.
    """
    rows = np.arange(len(panel.values))
    begins = np.zeros(len(panel.ids), dtype=np.int64)
    for column in panel.values.T:
        first = np.minimum.reduceat(np.where(np.isnan(column), len(rows), rows), panel.starts[:-1])
        begins = np.maximum(begins, first - panel.starts[:-1])
    if not begins.any():
        return panel
    keep = begins < panel.known
    if not keep.any():
        raise DataError(
            f"no series of {panel.name} has a value of each target: {', '.join(panel.targets)}"
        )
    cut = _picked(panel, np.flatnonzero(keep), begins, np.diff(panel.starts))
    cut = replace(cut, known=(panel.known - begins)[keep], ticks=(panel.ticks + begins)[keep])
    notes = []
    if begins[keep].any():
        notes.append(
            Message(
                "Left out at the start, before each target has a value: {where}.",
                {"where": _where(begins[keep], cut, len(rows))},
            )
        )
    return replace(cut, notes=(*panel.notes, *notes, *_emptied(panel, keep)))


def ranges(begins: IntArray, lengths: IntArray) -> IntArray:
    """Return the numbers from each of `begins` on, `lengths` of them, one range after another.

    Example:
        >>> ranges(np.array([5, 0]), np.array([2, 3])).tolist()
        [5, 6, 0, 1, 2]
    """
    before = np.cumsum(lengths) - lengths
    return np.repeat(begins - before, lengths) + np.arange(int(lengths.sum()))


def _columns(panel: Panel) -> list[tuple[Covariate, NDArray[Any]]]:
    """Return each covariate with its cells `(R,)`, which are views."""
    numbers, codes = iter(panel.numbers.T), iter(panel.codes.T)
    return [
        (covariate, next(numbers) if covariate.labels is None else next(codes))
        for covariate in panel.covariates
    ]


def _is_present(covariate: Covariate, cells: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(~np.isnan(cells) if covariate.labels is None else cells != MISSING)


def _ends(present: NDArray[np.bool_], starts: IntArray) -> IntArray:
    """Return `(S,)` the rows of each series up to the last present one; 0 where none is."""
    after = np.where(present, np.arange(1, len(present) + 1), 0)
    return np.maximum(np.maximum.reduceat(after, starts[:-1]) - starts[:-1], 0)


def _picked(panel: Panel, series: IntArray, begins: IntArray, stops: IntArray) -> Panel:
    """Return the rows `begins` to `stops` (`(S,)`, in each series) of some series."""
    lengths = (stops - begins)[series]
    rows = ranges((panel.starts[:-1] + begins)[series], lengths)
    return replace(
        panel,
        ids=tuple(panel.ids[s] for s in series.tolist()),
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        known=panel.known[series],
        ticks=panel.ticks[series],
        values=panel.values[rows],
        numbers=panel.numbers[rows],
        codes=panel.codes[rows],
        times=None if panel.times is None else panel.times[rows],
    )


def _blanked(panel: Panel) -> Panel:
    """Return the panel without the past covariates of its future rows; its arrays are changed."""
    lengths = np.diff(panel.starts)
    beyond = np.arange(len(panel.values)) >= np.repeat(panel.ends, lengths)
    for covariate, cells in _columns(panel):
        if covariate.role == "past":
            cells[beyond] = np.nan if covariate.labels is None else MISSING
    return panel


def _where(counts: IntArray, panel: Panel, rows: int) -> Message:
    """Return how many rows in how many series."""
    values: dict[str, Value] = {"count": int(counts.sum()), "rows": rows}
    if len(panel.ids) == 1:
        return Message("{count:,} of {rows:,} rows", values)
    values |= {"some": int((counts > 0).sum()), "series": len(panel.ids)}
    return Message("{count:,} of {rows:,} rows, in {some:,} of {series:,} series", values)


def _emptied(panel: Panel, keep: NDArray[np.bool_]) -> tuple[Message, ...]:
    if keep.all():
        return ()
    values: dict[str, Value] = {
        "count": int((~keep).sum()),
        "series": len(keep),
        "id": panel.ids[int((~keep).argmax())],
    }
    template = (
        "Series left out, since a target has no value in them: {count:,} of {series:,}, such as "
        "{id}."
    )
    return (Message(template, values),)
