"""Join rows that have arrived since with those known from fitting."""

from __future__ import annotations

import numpy as np

from rnnkit.data.joining import join_panels
from rnnkit.data.panel import Panel
from rnnkit.data.times import show_time
from rnnkit.errors import DataError


def continues(known: Panel, new: Panel) -> bool:
    """Return whether `new` goes on with `known`: its series follow, or share mostly equal rows.

    Series without times say nothing of where they begin, and are taken to go on.
    """
    if known.times is None or new.times is None:
        return True
    assert known.clock is not None
    for s, name in enumerate(new.ids):
        if name not in known.ids:
            continue
        old, fresh = known.known_rows(known.ids.index(name)), new.known_rows(s)
        times, ours = new.times[fresh], known.times[old]
        start = int(np.searchsorted(ours, times[0]))
        if start == len(ours):
            if times[0] != known.clock.step.advance(ours[-1], 1)[0]:
                return False
            continue
        shared = min(len(ours) - start, len(times))
        if (ours[start : start + shared] != times[:shared]).any():
            return False
        before, after = known.values[old][start : start + shared], new.values[fresh][:shared]
        equal = ((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=1)
        if equal.mean() <= 0.5:
            return False
    return True


def with_history(known: Panel, new: Panel, *, reach: int) -> Panel:
    """Return `new` with the known rows before it, unless each of its series can stand alone.

    Args:
        known: the rows from fitting.
        new: rows that arrived since, or other histories.
        reach: rows with which a series stands alone.

    Raises:
        DataError: if `new` has fewer rows and does not continue `known`.
    """
    if (new.known >= reach).all() and not (new.times is None and not known.is_single):
        return new
    joined = join_panels(known, new)
    return joined.take([joined.find(name) for name in new.ids])


def to_score(known: Panel, new: Panel, *, seen: int, reach: int) -> tuple[Panel, int]:
    """Return the panel to score on, and the first tick that may be forecast.

    The known rows are joined to rows that continue them, so that a baseline learns from as many as
    the network did, and must be where these begin too late for a whole context. Another series of
    the same kind stands alone.

    Args:
        known: the rows from fitting.
        new: rows to score on.
        seen: the tick in `known` before which fitting saw the rows.
        reach: rows of a whole context.

    Raises:
        DataError: if there is no row after those that fitting saw.
    """
    if new.times is None or known.times is None:
        return join_panels(known, new), known.last_tick
    assert known.clock is not None
    begin = int(np.argmin(known.ticks))
    axis = known.times[known.starts[begin] : known.starts[begin] + known.known[begin]]
    last = axis[min(seen, len(axis)) - 1]
    later = np.flatnonzero(new.times > last)
    if not len(later):
        raise DataError(
            f"{new.name} has no row after {show_time(last)}, the last that fitting used: give later"
            " rows"
        )
    series = new.series_of(later)
    first = int((new.ticks[series] + later - new.starts[series]).min())
    if continues(known, new) or first - int(new.ticks.min()) < reach:
        return join_panels(known, new), seen
    return new, first
