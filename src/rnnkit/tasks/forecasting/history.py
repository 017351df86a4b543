"""Join rows that have arrived since with those known from fitting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnkit.data.readers import Series
from rnnkit.data.times import show_time
from rnnkit.errors import DataError


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
