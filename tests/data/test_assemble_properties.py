"""What holds of every long table: its order, its later rows and its other series do not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.assemble import read_panel
from rnnkit.data.calendar import Step
from rnnkit.data.columns import Columns
from rnnkit.data.grid import common_step, steps_between
from rnnkit.data.joining import join_panels
from rnnkit.data.panel import Panel
from rnnkit.errors import DataError

NAN = float("nan")
REFUSED = ("are missing where", "has a value", "is empty", "has no rows", "has no value in")
STARTS = {
    "hour": "2019-12-30T05:00",
    "day": "2020-02-26",
    "business day": "2020-01-02",
    "month": "2019-11-30",
    "quarter": "2019-11-30",
}


def advance(step: str, number: int) -> pd.Timestamp:
    """The time `number` steps after the start, by pandas."""
    start = pd.Timestamp(STARTS[step])
    if step == "hour":
        return start + pd.Timedelta(hours=number)
    if step == "day":
        return start + pd.Timedelta(days=number)
    if step == "business day":
        return start + number * pd.offsets.BDay()
    months = {"month": 1, "quarter": 3}[step] * number
    return start + pd.offsets.MonthEnd(0) + months * pd.offsets.MonthEnd()


# A row: series, number of the time, target, past covariate, future label. A static follows from the
# series.
ROWS = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.integers(0, 14)),
    st.tuples(
        st.sampled_from([1.5, 2.0, -3.0, NAN, NAN]),
        st.sampled_from([10.0, 20.0, NAN]),
        st.sampled_from(["u", "v", "", ""]),
    ),
    min_size=8,
    max_size=30,
)


def frame_of(rows: dict[Any, Any], step: str) -> pd.DataFrame:
    cells = [
        (s, advance(step, number), y, p, f, f"town of {s}")
        for (s, number), (y, p, f) in rows.items()
    ]
    return pd.DataFrame(cells, columns=["s", "t", "y", "p", "f", "c"])


def columns_of(step: str) -> Columns:
    return Columns(
        time=("t",),
        targets=("y",),
        series_id="s",
        covariates=("p",),
        future_covariates=("f",),
        statics=("c",),
        step=step,
    )


def read(rows: dict[Any, Any], step: str, like: Panel | None = None) -> Panel | None:
    """The panel, or None where the table is refused for its gaps or emptiness."""
    frame = frame_of(rows, step)
    try:
        return read_panel(frame, columns_of(step), like=like)
    except DataError as error:
        if any(words in str(error) for words in REFUSED):
            return None
        raise


def cells(panel: Panel, s: int, rows: slice) -> list[tuple[Any, ...]]:
    """What each of these rows of a series holds, whatever the codes are."""
    assert panel.times is not None
    labels = [covariate.labels or () for covariate in panel.covariates[1:]]
    return [
        (
            str(panel.times[row]),
            repr(panel.values[row].tolist()),
            repr(panel.numbers[row].tolist()),
            [
                names[code] if code >= 0 else ""
                for names, code in zip(labels, panel.codes[row], strict=True)
            ],
        )
        for row in range(rows.start, rows.stop)
    ]


def everything(panel: Panel) -> dict[str, Any]:
    return {
        name: (int(panel.known[s]), cells(panel, s, panel.rows(s)))
        for s, name in enumerate(panel.ids)
    }


def expected(rows: dict[Any, Any], step: str) -> dict[str, Any]:
    """What each series holds, by the slow way: one cell at a time."""
    found = {}
    for name in dict.fromkeys(s for s, _ in rows):
        own = {number: row for (s, number), row in rows.items() if s == name}
        with_target = [number for number, (y, _, _) in own.items() if y == y]
        if not with_target:
            continue
        first, last = min(with_target), max(with_target)
        ahead = [number for number, (_, _, f) in own.items() if f and number > last]
        series = []
        for number in range(first, max([last, *ahead]) + 1):
            y, p, f = own.get(number, (NAN, NAN, ""))
            if number > last:
                p = NAN
            time = str(advance(step, number).to_datetime64().astype("M8[ns]"))
            series.append((time, repr([y]), repr([p]), [f, f"town of {name}"]))
        found[name] = (last - first + 1, series)
    return found


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, step=st.sampled_from(list(STARTS)))
def test_a_panel_holds_what_the_table_does(rows: dict[Any, Any], step: str) -> None:
    panel = read(rows, step)
    if panel is not None:
        assert everything(panel) == expected(rows, step)
        numbers = [s for s, _ in rows]
        assert list(panel.ids) == [name for name in dict.fromkeys(numbers) if name in panel.ids]
        assert panel.times is not None
        assert panel.clock is not None
        first = panel.times[panel.starts[:-1]]
        earliest = np.repeat(first.min(), len(first))
        apart, exact = steps_between(panel.clock.step, earliest, first)
        assert exact.all()
        assert (panel.ticks - panel.ticks.min()).tolist() == apart.tolist()


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, step=st.sampled_from(list(STARTS)), data=st.data())
def test_the_order_of_the_rows_does_not_matter(
    rows: dict[Any, Any], step: str, data: st.DataObject
) -> None:
    panel = read(rows, step)
    mixed = dict(data.draw(st.permutations(list(rows.items()))))
    other = read(mixed, step)
    assert (panel is None) == (other is None)
    if panel is not None and other is not None:
        assert everything(panel) == everything(other)
        assert panel.clock == other.clock
        assert dict(zip(panel.ids, panel.ticks.tolist(), strict=True)) == dict(
            zip(other.ids, other.ticks.tolist(), strict=True)
        )


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, step=st.sampled_from(list(STARTS)), cut=st.integers(4, 14))
def test_later_rows_change_no_earlier_one(rows: dict[Any, Any], step: str, cut: int) -> None:
    panel = read(rows, step)
    earlier = read({key: row for key, row in rows.items() if key[1] < cut}, step)
    if panel is None or earlier is None:
        return
    for s, name in enumerate(earlier.ids):
        before = cells(earlier, s, earlier.known_rows(s))
        number = panel.find(name)
        rows_of = panel.known_rows(number)
        assert cells(panel, number, slice(rows_of.start, rows_of.start + len(before))) == before


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, step=st.sampled_from(list(STARTS)))
def test_a_series_changes_no_other(rows: dict[Any, Any], step: str) -> None:
    panel = read(rows, step)
    fewer = read({key: row for key, row in rows.items() if key[0] != "b"}, step)
    if panel is None or fewer is None:
        return
    every = everything(panel)
    every.pop("b", None)
    assert everything(fewer) == every
    gaps = [panel.ticks[panel.find(name)] - fewer.ticks[fewer.find(name)] for name in fewer.ids]
    assert len(set(gaps)) == 1


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, step=st.sampled_from(list(STARTS)), cut=st.integers(4, 12))
def test_joined_parts_are_the_whole(rows: dict[Any, Any], step: str, cut: int) -> None:
    """Two rows of overlap, and labels that the first part has already."""
    # A past covariate after the last target is left out, and not known any more later.
    rows = {key: (y, p if y == y else NAN, f) for key, (y, p, f) in rows.items()}
    rows = {**rows, ("d", 0): (1.0, 10.0, "u"), ("d", 1): (1.0, 10.0, "v")}
    whole = read(rows, step)
    known = read({key: row for key, row in rows.items() if key[1] < cut}, step)
    late = {key: row for key, row in rows.items() if key[1] >= cut - 2}
    # The static labels of series that are new are not among the known ones; leave these out.
    late = {key: row for key, row in late.items() if known is not None and key[0] in known.ids}
    if whole is None or known is None or not late:
        return
    new = read(late, step, like=known)
    if new is None:
        return
    try:
        joined = join_panels(known, new)
    except DataError as error:
        if "give the rows between" in str(error):
            return
        raise
    every = everything(whole)
    assert everything(joined) == {name: every[name] for name in joined.ids}


@settings(max_examples=200, deadline=None)
@given(
    step=st.one_of(
        st.builds(Step, st.just("nanosecond"), st.integers(1, 10**15)),
        st.builds(Step, st.just("business day"), st.integers(1, 7)),
        st.builds(Step, st.just("month"), st.integers(1, 13), st.integers(1, 31)),
    ),
    seconds=st.integers(0, 10**9),
    n=st.integers(1, 150),
)
def test_steps_lead_where_they_are_counted(step: Step, seconds: int, n: int) -> None:
    start = np.datetime64(seconds, "s").astype("M8[ns]")
    if step.kind != "nanosecond":
        start = step.advance(start, 1)[0]
    times = step.advance(start, n)
    counts, exact = steps_between(step, np.repeat(start, n), times)
    assert exact.all()
    assert counts.tolist() == list(range(1, n + 1))
    back, exact = steps_between(step, times, np.repeat(start, n))
    assert exact.all()
    assert back.tolist() == [-count for count in counts]
    _, exact = steps_between(step, times, times + np.timedelta64(1, "ns"))
    assert exact.all() == (step == Step("nanosecond", 1))


@settings(max_examples=50, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    step=st.sampled_from(list(STARTS)),
)
def test_the_step_of_regular_series_is_found(lengths: list[int], step: str) -> None:
    lengths = [*lengths, 9]
    times = [advance(step, number) for length in lengths for number in range(length)]
    starts = np.cumsum([0, *lengths])
    found = common_step(np.array(times, dtype="M8[ns]"), starts)
    following = found.advance(np.datetime64(times[0]), 8)
    assert [pd.Timestamp(time) for time in following] == [advance(step, n) for n in range(1, 9)]
