"""The rows that are examined: the longest stretch without a gap, of a long one its end."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rnnkit.diagnosis.contract import FloatArray
from rnnkit.errors import DataError
from rnnkit.messages import Message

FEWEST_ROWS = 8
MOST_EXAMINED = 5_000
MOST_DRAWN = 20_000
_LARGEST = 1e300  # so that a sum of the values is a number
_ROUNDING = 1e-12  # of the largest value: a spread below it is rounding noise


@dataclass(frozen=True, eq=False)
class Sample:
    """A series in a unit of its own size, so that no square overflows.

    Args:
        values: `(N,)` float64, in -1..1, NaN where missing.
        unit: a power of two, not below the largest absolute value.
        first: the first row examined.
        stop: the row after the last one examined.
        constant: whether the rows examined are equal but for rounding.
        notes: what is left out and why.
    """

    values: FloatArray
    unit: float
    first: int
    stop: int
    constant: bool
    notes: tuple[Message, ...]

    @property
    def examined(self) -> FloatArray:
        """`(n,)` float64, without a gap."""
        return self.values[self.first : self.stop]


def take_sample(values: FloatArray, name: str) -> Sample:
    """Return what of a series is examined.

    Raises:
        DataError: if the series has no dimension or more than one, holds an infinite value or one
            above 1e300, or has no 8 rows in succession without a gap.

    Example:
        >>> sample = take_sample(np.array([1.0, np.nan, *range(1, 11)]), "sales")
        >>> sample.first, sample.stop, str(sample.notes[0])
        (2, 12, '1 of 12 rows have no value; the longest stretch without a gap is tested, 10 rows.')
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1:
        raise DataError(
            f"{name}: a diagnosis needs one series of shape (N,), got the shape {values.shape}"
        )
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise DataError(
            f"{name}: row {row} is infinite; a diagnosis needs finite numbers, or NaN for a missing"
            " value"
        )
    known = np.isfinite(values)
    largest = float(np.abs(values[known]).max(initial=0.0))
    if largest > _LARGEST:
        raise DataError(
            f"{name}: a diagnosis needs values up to {_LARGEST:g} in size, got {largest:g}; divide"
            " all by a constant"
        )
    first, stop = _longest(known)
    if stop - first < FEWEST_ROWS:
        raise DataError(
            f"{name}: a diagnosis needs at least {FEWEST_ROWS} rows in succession with a value, got"
            f" {stop - first} of {len(values)} rows; give more rows, or fill the gaps"
        )
    notes = []
    missing = int((~known).sum())
    if missing:
        counts = {"missing": missing, "rows": len(values), "tested": stop - first}
        notes.append(
            Message(
                "{missing:,} of {rows:,} rows have no value; the longest stretch without a gap is"
                " tested, {tested:,} rows.",
                counts,
            )
        )
    if stop - first > MOST_EXAMINED:
        counts = {"rows": stop - first, "tested": MOST_EXAMINED}
        first = stop - MOST_EXAMINED
        notes.append(Message("Of {rows:,} rows the last {tested:,} are tested.", counts))
    unit = math.ldexp(1.0, math.frexp(largest)[1])
    scaled = values / unit  # exact, since it is a power of two
    examined = scaled[first:stop]
    constant = float(np.ptp(examined)) <= _ROUNDING * float(np.abs(examined).max())
    return Sample(scaled, unit, first, stop, constant, tuple(notes))


def fill_gaps(values: FloatArray) -> FloatArray:
    """Return `values (N,)` with straight lines over gaps, and the end values beyond the ends.

    Example:
        >>> fill_gaps(np.array([np.nan, 1.0, np.nan, 3.0])).tolist()
        [1.0, 1.0, 2.0, 3.0]
    """
    rows = np.arange(len(values))
    known = np.isfinite(values)
    return np.interp(rows, rows[known], values[known])


def _longest(known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> tuple[int, int]:
    """Return begin and end of the longest run of true values, the last of equal ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]])))
    if not len(edges):
        return 0, 0
    starts, ends = edges[::2], edges[1::2]
    best = len(starts) - 1 - int(np.argmax((ends - starts)[::-1]))
    return int(starts[best]), int(ends[best])
