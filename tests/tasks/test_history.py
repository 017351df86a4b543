from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.assemble import read_panel
from rnnkit.data.columns import Columns
from rnnkit.errors import DataError
from rnnkit.tasks.forecasting.history import continues, to_score, with_history

from .single import cut


@pytest.fixture
def longer(wave, read):
    return read(wave(90))


def part(panel, first, last, shift=0.0):
    rows = cut(panel, first, last)
    return replace(rows, values=rows.values + shift)


def test_rows_that_follow_or_share_mostly_equal_rows_go_on(longer):
    known = part(longer, 0, 60)
    assert continues(known, part(longer, 60, 70))
    assert continues(known, part(longer, 40, 90))
    assert continues(known, part(longer, 40, 50))
    revised = part(longer, 40, 90)
    revised.values[:9] += 1.0  # 9 of the 20 shared rows
    assert continues(known, revised)
    joined = with_history(known, revised, reach=51)
    assert joined.known.tolist() == [90]
    np.testing.assert_array_equal(joined.values[:40], known.values[:40])
    np.testing.assert_array_equal(joined.values[40:], revised.values)


def test_another_series_a_gap_and_other_times_do_not(longer):
    known = part(longer, 0, 60)
    assert not continues(known, part(longer, 40, 90, shift=1.0))
    assert not continues(known, part(longer, 62, 90))
    moved = part(longer, 40, 90)
    assert not continues(known, replace(moved, times=moved.times + np.timedelta64(1, "D")))
    half = part(longer, 40, 90)
    half.values[:10] += 1.0
    assert not continues(known, half)


def test_rows_missing_in_both_are_equal_and_in_one_are_not(longer):
    known, new = part(longer, 0, 60), part(longer, 40, 90)
    known.values[40:60] = np.nan
    new.values[:20] = np.nan
    assert continues(known, new)
    new.values[:11] = 5.0
    assert not continues(known, new)


def test_series_with_names_go_on_with_those_of_their_names(wave, read):
    one, other = wave(60).assign(Shop="a"), wave(60, seed=1).assign(Shop="b")
    known = read_many(read, one, other)
    changed = other.assign(Sold=other["Sold"] + 1)
    stranger = wave(20, start="1999-01-01").assign(Shop="c")
    panel = with_history(known, read_many(read, changed[57:], stranger, one[:30]), reach=12)
    assert panel.ids == ("b", "c", "a")
    assert panel.known.tolist() == [60, 20, 30]
    assert panel.ticks.tolist() == [0, -12, 0]
    for s, expected in enumerate(
        ([*other["Sold"][:57], *changed["Sold"][57:]], stranger["Sold"], one["Sold"][:30])
    ):
        np.testing.assert_array_equal(panel.values[panel.known_rows(s), 0], expected)


def read_many(read, *frames):
    return read(pd.concat(frames), series_id="Shop")


def test_series_without_times_are_taken_to_go_on(wave):
    columns = Columns(targets=("Sold",), order="oldest-first")
    known, new = (read_panel(frame, columns) for frame in (wave(60), wave(12, seed=3)))
    assert continues(known, new)
    joined = with_history(known, new, reach=13)
    np.testing.assert_array_equal(joined.values[:, 0], [*known.values[:, 0], *new.values[:, 0]])


def test_what_is_forecast_follows_the_rows_given(longer):
    """Also where the known ones go on behind them."""
    known = part(longer, 0, 60)
    for first, last in ((0, 30), (20, 30), (28, 30), (20, 60)):
        panel = with_history(known, part(longer, first, last), reach=12)
        np.testing.assert_array_equal(panel.values[panel.known_rows(0)], longer.values[:last])
        assert np.isnan(panel.values[panel.known[0] :]).all()


def test_rows_from_before_the_known_ones_are_put_before_them(longer):
    known = part(longer, 30, 60)
    panel = with_history(known, part(longer, 10, 50), reach=12)
    assert panel.ticks.tolist() == [-20]
    np.testing.assert_array_equal(panel.values[panel.known_rows(0)], longer.values[10:50])


def test_a_whole_context_of_another_series_stands_alone(longer):
    known = part(longer, 0, 60)
    other = part(longer, 62, 90, shift=7.0)
    np.testing.assert_array_equal(with_history(known, other, reach=28).values, other.values)


def test_what_is_scored_begins_after_what_fitting_has_seen(longer, wave, read):
    known = part(longer, 0, 60)
    panel, first = to_score(known, part(longer, 55, 80), seen=50, reach=12)
    assert (first, panel.known.tolist()) == (50, [80])
    np.testing.assert_array_equal(panel.values, longer.values[:80])
    # Another series of the kind, whose rows before the border are its own.
    panel, first = to_score(known, part(longer, 20, 80, shift=9.0), seen=50, reach=12)
    assert (first, panel.known.tolist()) == (30, [60])
    assert panel.times[first] == known.times[50]
    for rows in (part(longer, 0, 50), part(longer, 10, 40), part(longer, 0, 20, shift=9.0)):
        with pytest.raises(DataError, match=r"no row after 2004-02-01, the last that fitting used"):
            to_score(known, rows, seen=50, reach=12)
    # Begun long after the fit: all its rows are later, and the first need rows before them.
    with pytest.raises(DataError, match="steps"):
        to_score(known, read(wave(30, start="2050-01-01")), seen=50, reach=12)
