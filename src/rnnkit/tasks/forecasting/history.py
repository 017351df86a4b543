"""Join rows that have arrived since with those known from fitting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnkit.data.readers import Series
from rnnkit.data.times import show_time
from rnnkit.errors import DataError


def continues(known: Series, new: Series) -> bool:
    """Return whether `new` goes on with `known`: follows it, or shares mostly equal rows."""
    first, expected = new.times[0], known.step.advance(known.times[-1], 1)[0]
    start = int(np.searchsorted(known.times, first))
    if start == len(known.times):
        return bool(first == expected)
    shared = min(len(known.times) - start, len(new.times))
    same_times = known.times[start : start + shared] == new.times[:shared]
    same = (known.values[start : start + shared] == new.values[:shared]).all(axis=1)
    return bool(same_times.all() and same.mean() > 0.5)


def continue_series(known: Series, new: Series, *, needed: int) -> Series:
    """Return `new` after the rows of `known` that lie before it; shared times are those of `new`.

    Args:
        known: the rows from fitting.
        new: rows too few, or too late, to stand alone.
        needed: rows before the first forecast with which they could; for the message.

    Raises:
        DataError: if `new` does not continue `known`: a gap between, or other times.
    """
    expected = known.step.advance(known.times[-1], 1)[0]
    first = new.times[0]
    kept = int(np.searchsorted(known.times, first))
    joined = kept < len(known.times) and known.times[kept] == first
    if not joined and first != expected:
        raise DataError(
            f"{new.name} begins at {show_time(first)}, which does not continue the known rows (the"
            f" next is {show_time(expected)}): give the rows between, or {needed} rows before the"
            " first forecast, so that it can stand alone"
        )
    return replace(
        new,
        times=np.concatenate([known.times[:kept], new.times]),
        values=np.concatenate([known.values[:kept], new.values]),
    )
