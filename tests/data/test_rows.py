from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.calendar import Step
from rnnkit.data.panel import MISSING, FloatArray, Panel
from rnnkit.data.rows import carry_forward, keep_prepared, prepare_rows, with_room

from .panels import HOUR, NAN, make_panel, mixed_panel, seeded, series_rows

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=5)


def slow_carry(values: FloatArray, starts: list[int]) -> FloatArray:
    """Each series on its own, a cell after another."""
    filled: FloatArray = values.copy()
    for start, stop in itertools.pairwise(starts):
        for column in range(values.shape[1]):
            last = NAN
            for row in range(start, stop):
                if not np.isnan(values[row, column]):
                    last = values[row, column]
                filled[row, column] = last
    return filled


@settings(max_examples=150, deadline=None)
@given(lengths=LENGTHS, columns=st.integers(0, 3), seed=st.integers(0, 99))
def test_missing_cells_take_the_last_number_of_their_series(
    lengths: list[int], columns: int, seed: int
) -> None:
    starts = np.concatenate([[0], np.cumsum(lengths)])
    values = seeded(seed).normal(size=(starts[-1], columns))
    values[seeded(seed + 1).random(values.shape) < 0.5] = NAN
    before = values.copy()
    filled = carry_forward(values, starts)
    np.testing.assert_array_equal(filled, slow_carry(values, starts.tolist()))
    np.testing.assert_array_equal(values, before)


def test_a_gap_at_the_start_is_not_filled_by_the_series_before() -> None:
    values = np.array([[1.0, 2.0], [NAN, 3.0], [NAN, NAN], [4.0, NAN], [NAN, 5.0]])
    filled = carry_forward(values, np.array([0, 2, 5]))
    np.testing.assert_array_equal(filled, [[1, 2], [1, 3], [NAN, NAN], [4, NAN], [4, 5]])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 99))
def test_no_row_is_filled_by_a_later_one(seed: int) -> None:
    panel = mixed_panel()
    random = seeded(seed)
    row = int(random.integers(0, len(panel.values)))
    series = int(panel.series_of(np.array([row]))[0])
    values, numbers = panel.values.copy(), panel.numbers.copy()
    values[row:] = np.where(random.random(values[row:].shape) < 0.5, NAN, 1e9)
    numbers[row:] = np.where(random.random(numbers[row:].shape) < 0.5, NAN, 1e9)
    before, after = (
        prepare_rows(p, 3) for p in (panel, replace(panel, values=values, numbers=numbers))
    )
    same = row + int(before.panel.starts[series] - panel.starts[series])
    assert same >= row
    for name in ("values", "observed", "numbers", "calendar"):
        np.testing.assert_array_equal(getattr(after, name)[:same], getattr(before, name)[:same])


@pytest.mark.parametrize("horizon", [1, 2, 3, 10])
def test_room_is_made_after_each_series(horizon: int) -> None:
    panel = mixed_panel()
    roomy = with_room(panel, horizon)
    lengths = [
        max(n, int(k) + horizon) for n, k in zip(np.diff(panel.starts), panel.known, strict=True)
    ]
    assert np.diff(roomy.starts).tolist() == lengths
    for name in ("known", "ticks"):
        np.testing.assert_array_equal(getattr(roomy, name), getattr(panel, name))
    for s, length in enumerate(lengths):
        old = int(panel.starts[s + 1] - panel.starts[s])
        for name in ("values", "numbers", "codes", "times"):
            ours = series_rows(roomy, getattr(roomy, name), s)
            np.testing.assert_array_equal(ours[:old], series_rows(panel, getattr(panel, name), s))
        numbers, codes = (series_rows(roomy, a, s) for a in (roomy.numbers, roomy.codes))
        times = series_rows(roomy, roomy.times, s)
        for row in range(old, length):
            assert np.isnan(series_rows(roomy, roomy.values, s)[row]).all()
            np.testing.assert_array_equal(numbers[row], [NAN, NAN, numbers[0, 2]])
            assert codes[row].tolist() == [MISSING, MISSING, codes[0, 2]]
            assert times[row] == times[0] + np.timedelta64(row, "h")


def test_room_that_is_there_is_left_alone() -> None:
    panel = make_panel([[1, 2], [3]], room=[2, 3])
    assert with_room(panel, 2) is panel
    assert with_room(panel, 3).starts.tolist() == [0, 5, 9]


def test_months_go_on_as_months() -> None:
    month = Step("month", 1, day=31)
    panel = make_panel([[1, 2], [3, 4]], step=HOUR)
    times = np.array(["2023-10-31", "2023-11-30", "2024-12-31", "2025-01-31"], dtype="M8[ns]")
    assert panel.clock is not None
    panel = replace(panel, times=times, clock=replace(panel.clock, step=month))
    roomy = with_room(panel, 2)
    assert roomy.times is not None
    assert roomy.times.astype("M8[D]").astype(str).tolist() == [
        *("2023-10-31", "2023-11-30", "2023-12-31", "2024-01-31"),
        *("2024-12-31", "2025-01-31", "2025-02-28", "2025-03-31"),
    ]


def test_prepared_rows_are_filled_and_say_what_was_there() -> None:
    panel = mixed_panel()
    rows = prepare_rows(panel, 4)
    roomy = with_room(panel, 4)
    starts = roomy.starts.tolist()
    np.testing.assert_array_equal(rows.panel.values, roomy.values)
    np.testing.assert_array_equal(rows.observed, ~np.isnan(roomy.values))
    np.testing.assert_array_equal(rows.values, slow_carry(roomy.values, starts))
    np.testing.assert_array_equal(rows.numbers, slow_carry(roomy.numbers, starts))
    assert np.isnan(rows.numbers[:2, 0]).all()  # before the first value there is nothing
    assert not np.isnan(rows.values).any()
    assert rows.observed.sum() == np.isfinite(panel.values).sum()


def test_a_panel_that_is_whole_is_left_as_it_is() -> None:
    panel = make_panel([[1, 2, 3]])
    prepare_rows(panel, 2)
    np.testing.assert_array_equal(panel.values[:, 0], [1, 2, 3])


def test_rows_are_prepared_once_a_panel_and_horizon() -> None:
    panel = mixed_panel()
    rows = prepare_rows(panel, 2)
    assert prepare_rows(panel, 2) is rows
    assert len(prepare_rows(panel, 3).values) > len(rows.values)
    values = panel.values.copy()
    values[0] = 77.0
    assert prepare_rows(replace(panel, values=values), 2).values[0, 0] == 77.0
    kept = prepare_rows(mixed_panel(), 2)
    keep_prepared(panel, 2, kept)
    assert prepare_rows(panel, 2) is kept


def test_first_rows_of_origins_up_to_the_row_after_the_last_known_one() -> None:
    rows = prepare_rows(mixed_panel(), 2)
    assert rows.panel.starts.tolist() == [0, 25, 28, 77, 84, 98]
    origins = np.array([23, 1, 26, 25, 28 + 40, 77 + 5, 84 + 12])
    assert rows.first_rows(origins).tolist() == [0, 0, 25, 25, 28, 77, 84]


def test_without_times_there_is_no_calendar() -> None:
    rows = prepare_rows(mixed_panel(step=None), 3)
    assert rows.calendar.shape == (len(rows.values), 0)
    assert rows.calendar.dtype == np.float32


def clock_of(panel: Panel, zone: str) -> list[datetime]:
    """The local times of a panel in UTC."""
    assert panel.times is not None
    seconds = panel.times.astype("M8[s]").astype(np.int64).tolist()
    return [datetime.fromtimestamp(s, timezone.utc).astimezone(ZoneInfo(zone)) for s in seconds]


@pytest.mark.parametrize("start", ["2021-03-27T18", "2021-10-30T19", "2021-12-31T14"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "UTC"])
def test_the_calendar_is_that_of_the_local_clock(start: str, zone: str) -> None:
    # Through the hour that summer time leaves out, the one it repeats, and the new year.
    panel = make_panel([np.arange(9.0), np.arange(4.0)], ticks=[0, 3], step=HOUR, zone=zone)
    assert panel.times is not None
    panel = replace(panel, times=panel.times - panel.times[0] + np.datetime64(start, "ns"))
    rows = prepare_rows(panel, 3)
    local = clock_of(rows.panel, zone)
    assert local[-1] - local[-2] == timedelta(hours=1)  # the room has times too
    expected = []
    for time in local:
        day = time.timetuple().tm_yday - 1
        days = 366 if time.year % 4 == 0 else 365
        hours = time.hour + time.minute / 60
        phases = [hours / 24, time.weekday() / 7, day / days]
        expected.append([f(2 * np.pi * phase) for phase in phases for f in (np.sin, np.cos)])
    np.testing.assert_allclose(rows.calendar, expected, atol=1e-6)
