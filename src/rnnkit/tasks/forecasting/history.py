"""Join rows that have arrived since with those known from fitting."""

from __future__ import annotations

import numpy as np

from rnnkit.data.joining import check_alike, join_panels
from rnnkit.data.panel import Panel
from rnnkit.data.times import show_time
from rnnkit.errors import DataError

_ALIKE = 10  # rows, equal from the first on, that are the known ones again and no later ones


def continues(known: Panel, new: Panel) -> bool:
    """Return whether `new` goes on with `known`: its series follow, or share mostly equal rows.

    Series without times say nothing of where they begin, and are taken to go on. Series with names
    go on with those of their names.
    """
    if known.times is None or new.times is None or not known.is_single:
        return True
    assert known.clock is not None
    times, ours = new.times[new.known_rows(0)], known.times[known.known_rows(0)]
    if not len(times):
        return True  # future rows alone
    start = int(np.searchsorted(ours, times[0]))
    if start == len(ours):
        return bool(times[0] == known.clock.step.advance(ours[-1], 1)[0])
    offset = int(np.searchsorted(times, ours[0])) if start == 0 else 0
    shared = min(len(ours) - start, len(times) - offset)
    if shared <= 0 or (ours[start : start + shared] != times[offset : offset + shared]).any():
        return False
    before = known.values[start : start + shared]
    after = new.values[new.known_rows(0)][offset : offset + shared]
    equal = ((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=1)
    return bool(equal.mean() > 0.5)


def with_history(known: Panel, new: Panel, *, reach: int) -> Panel:
    """Return the series of `new` up to their last rows, with the known rows before those.

    A single series that does not go on with the known one stands alone. Rows without times follow
    the known ones, unless they are those again from the first on.

    Args:
        known: the rows from fitting.
        new: rows that arrived since, or another history.
        reach: rows with which a single series stands alone.

    Raises:
        DataError: if `new` is of another form, or has fewer rows and does not continue `known`.
    """
    check_alike(known, new)
    if known.is_single and new.known[0] >= reach and not continues(known, new):
        return new
    if known.times is None and _begins_alike(known, new):
        return new
    joined = join_panels(known, new)
    return _up_to(joined.take([joined.find(name) for name in new.ids]), new)


def _begins_alike(known: Panel, new: Panel) -> bool:
    """Return whether each series of `new` begins with the known rows from the first on."""
    for s, name in enumerate(new.ids):
        if name not in known.ids:
            return False
        ours = known.values[known.known_rows(known.ids.index(name))]
        theirs = new.values[new.known_rows(s)]
        count = min(len(ours), len(theirs))
        if count < _ALIKE or not np.array_equal(ours[:count], theirs[:count], equal_nan=True):
            return False
    return True


def to_score(known: Panel, new: Panel, *, seen: int, reach: int) -> tuple[Panel, int]:
    """Return the panel to score on, and the first tick that may be forecast.

    The known rows are joined to rows that continue them, so that a baseline learns from as many as
    the network did, and must be where these begin too late for a whole context. Another single
    series stands alone.

    Args:
        known: the rows from fitting.
        new: rows to score on.
        seen: the tick in `known` before which fitting saw the rows.
        reach: rows of a whole context.

    Raises:
        DataError: if there is no row after those that fitting saw, or `new` is of another form.
    """
    check_alike(known, new)
    if new.times is None or known.times is None:
        joined = join_panels(known, new)
        return joined.take([joined.find(name) for name in new.ids]), known.last_tick
    last = _time_before(known, seen)
    later = np.flatnonzero(new.times > last)
    if not len(later):
        raise DataError(
            f"{new.name} has no row after {show_time(last)}, the last that fitting used: give later"
            " rows"
        )
    series = new.series_of(later)
    first = int((new.ticks[series] + later - new.starts[series]).min())
    if continues(known, new) or first - int(new.ticks.min()) < reach:
        joined = join_panels(known, new)
        return _up_to(joined.take([joined.find(name) for name in new.ids]), new), seen
    return new, first


def _time_before(known: Panel, tick: int) -> np.datetime64:
    """Return the time of the last row before `tick`, of any series."""
    assert known.times is not None
    ends = np.minimum(known.known, tick - known.ticks)
    rows = (known.starts[:-1] + ends - 1)[ends > 0]
    latest: np.datetime64 = known.times[rows].max()
    return latest


def _up_to(joined: Panel, new: Panel) -> Panel:
    """Return the joined series without the known rows after the last given one of each."""
    if joined.times is None or new.times is None:
        return joined
    known = joined.known.copy()
    for s, name in enumerate(joined.ids):
        given = new.times[new.known_rows(new.ids.index(name))]
        if len(given):
            times = joined.times[joined.known_rows(s)]
            known[s] = np.searchsorted(times, given[-1], side="right")
    return joined if (known == joined.known).all() else joined.ending(known)
