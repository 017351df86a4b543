from dataclasses import replace

import numpy as np
import pytest

from rnnkit.data.readers import read_series
from rnnkit.errors import DataError
from rnnkit.tasks.forecasting.history import continue_series, continues


def part(series, first, last, shift=0.0):
    return replace(series, times=series.times[first:last], values=series.values[first:last] + shift)


@pytest.fixture
def longer(wave):
    return read_series(wave(90), time="Month", targets=["Sold"])


def test_rows_that_follow_or_share_mostly_equal_rows_go_on(longer):
    known = part(longer, 0, 60)
    assert continues(known, part(longer, 60, 70))
    assert continues(known, part(longer, 40, 90))
    revised = part(longer, 40, 90)
    revised.values[:9] += 1.0  # 9 of the 20 shared rows
    assert continues(known, revised)
    joined = continue_series(known, revised, needed=12)
    assert len(joined.times) == 90
    np.testing.assert_array_equal(joined.values[:40], known.values[:40])
    np.testing.assert_array_equal(joined.values[40:], revised.values)


def test_another_series_a_gap_and_other_times_do_not(longer):
    known = part(longer, 0, 60)
    assert not continues(known, part(longer, 40, 90, shift=1.0))
    assert not continues(known, part(longer, 62, 90))
    moved = part(longer, 40, 90)
    assert not continues(known, replace(moved, times=moved.times + np.timedelta64(1, "D")))
    with pytest.raises(DataError, match="give the rows between, or 12 rows"):
        continue_series(known, part(longer, 62, 90), needed=12)
