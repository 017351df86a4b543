"""Join rows that have arrived since with those known from fitting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnkit.data.readers import Series
from rnnkit.data.times import show_time
from rnnkit.errors import DataError


def continue_series(known: Series, new: Series) -> Series:
    """Return `new` after the rows of `known` that lie before it; shared times are those of `new`.

    Raises:
        DataError: if `new` does not continue `known`: a gap between, or other times.
    """
    expected = known.step.advance(known.times[-1], 1)[0]
    first = new.times[0]
    kept = int(np.searchsorted(known.times, first))
    joined = kept < len(known.times) and known.times[kept] == first
    if not joined and first != expected:
        raise DataError(
            f"{new.name} has {len(new.times)} rows from {show_time(first)} on, too few to stand"
            f" alone, and they do not continue the known rows, of which the next is"
            f" {show_time(expected)}: give the rows between"
        )
    return replace(
        new,
        times=np.concatenate([known.times[:kept], new.times]),
        values=np.concatenate([known.values[:kept], new.values]),
    )
