from __future__ import annotations

import numpy as np
import pytest

from rnnkit.data.panel import MISSING, Panel
from rnnkit.errors import DataError

from .panels import HOUR, NAN, make_panel, mixed_panel, series_rows

NUMBERS = {"rain": 0, "price": 1, "size": 2}  # columns of the mixed panel
CODES = {"sky": 0, "holiday": 1, "town": 2}


def same_series(ours: Panel, s: int, theirs: Panel, t: int) -> None:
    assert ours.ids[s] == theirs.ids[t]
    assert ours.known[s] == theirs.known[t]
    assert ours.ticks[s] == theirs.ticks[t]
    for name in ("values", "numbers", "codes", "times"):
        np.testing.assert_array_equal(
            series_rows(ours, getattr(ours, name), s), series_rows(theirs, getattr(theirs, name), t)
        )


@pytest.fixture
def panel() -> Panel:
    return mixed_panel()


def test_rows_of_each_series(panel: Panel) -> None:
    assert panel.starts.tolist() == [0, 23, 26, 75, 81, 93]
    assert panel.ends.tolist() == [23, 24, 66, 80, 93]
    assert panel.rows(2) == slice(26, 75)
    assert panel.known_rows(2) == slice(26, 66)
    assert panel.known_rows(1) == slice(23, 24)
    asked = np.array([92, 0, 22, 23, 25, 26, 74, 75, 66])
    assert panel.series_of(asked).tolist() == [4, 0, 0, 1, 1, 2, 2, 3, 2]


def test_the_last_tick_is_that_of_any_series(panel: Panel) -> None:
    assert panel.last_tick == 40  # 17 + 23, 39 + 1, 0 + 40; room is not known
    assert make_panel([[1, 2], [1, 2, 3]], ticks=[9, 2], room=[0, 50]).last_tick == 11


def test_single_and_named(panel: Panel) -> None:
    assert not panel.is_single
    assert make_panel([[1.0]]).is_single
    assert not make_panel([[1.0]], ids=["a"]).is_single
    assert panel.step_name == "hour"
    assert make_panel([[1.0]]).step_name == "row"
    assert [c.name for c in panel.of_role("past")] == ["rain", "sky"]
    assert [c.name for c in panel.of_role("static", "future")] == [
        "price",
        "size",
        "holiday",
        "town",
    ]


@pytest.mark.parametrize("series", [[0], [4, 1], [2, 0, 3], [3, 3], [0, 1, 2, 3, 4]])
def test_take_gives_these_series_in_this_order(panel: Panel, series: list[int]) -> None:
    taken = panel.take(series)
    assert taken.ids == tuple("abcde"[s] for s in series)
    lengths = np.diff(panel.starts)[series]
    assert taken.starts.tolist() == [0, *np.cumsum(lengths)]
    for place, s in enumerate(series):
        same_series(taken, place, panel, s)
    assert taken.covariates == panel.covariates


def test_what_was_taken_is_a_copy(panel: Panel) -> None:
    taken = panel.take([0, 1])
    taken.values[:] = 7
    taken.numbers[:] = 7
    assert not (panel.values == 7).any()
    assert not (panel.numbers == 7).any()


@pytest.mark.parametrize("tick", [1, 4, 15, 18, 32, 39, 40, 45])
def test_before_blanks_what_was_not_known(panel: Panel, tick: int) -> None:
    cut = panel.before(tick)
    begun = [s for s in range(5) if panel.ticks[s] < tick]
    assert cut.ids == tuple("abcde"[s] for s in begun)
    for place, s in enumerate(begun):
        known = min(int(panel.known[s]), tick - int(panel.ticks[s]))
        assert cut.known[place] == known
        assert cut.ticks[place] == panel.ticks[s]
        for name in ("values", "numbers", "codes", "times"):
            ours, theirs = (
                series_rows(p, getattr(p, name), i) for p, i in ((cut, place), (panel, s))
            )
            np.testing.assert_array_equal(ours[:known], theirs[:known])
            assert len(ours) == len(theirs)  # the rows stay, for what is known beforehand
        values, numbers, codes, times = (
            series_rows(cut, getattr(cut, name), place)[known:]
            for name in ("values", "numbers", "codes", "times")
        )
        assert np.isnan(values).all()
        assert np.isnan(numbers[:, NUMBERS["rain"]]).all()
        assert (codes[:, CODES["sky"]] == MISSING).all()
        later = slice(int(panel.starts[s]) + known, int(panel.starts[s + 1]))
        for name in ("price", "size"):
            np.testing.assert_array_equal(
                numbers[:, NUMBERS[name]], panel.numbers[later, NUMBERS[name]]
            )
        for name in ("holiday", "town"):
            np.testing.assert_array_equal(codes[:, CODES[name]], panel.codes[later, CODES[name]])
        assert panel.times is not None
        np.testing.assert_array_equal(times, panel.times[later])


@pytest.mark.parametrize("tick", [40, 45])
def test_ending_where_the_rows_end_at_one_tick_is_before_that_tick(panel: Panel, tick: int) -> None:
    ours = panel.ending(np.minimum(panel.known, tick - panel.ticks))
    theirs = panel.before(tick)
    assert ours.ids == theirs.ids
    for s in range(len(ours.ids)):
        same_series(ours, s, theirs, s)


def test_ending_takes_as_many_rows_of_each_series_as_it_is_told(panel: Panel) -> None:
    known = np.array([20, 1, 39, 2, 12])
    cut = panel.ending(known)
    assert cut.known.tolist() == known.tolist()
    np.testing.assert_array_equal(cut.starts, panel.starts)  # future covariates stay
    for s, count in enumerate(known):
        one = panel.take([s]).before(int(panel.ticks[s] + count))
        same_series(cut, s, one, 0)
    plain = mixed_panel(plain=True).ending(known)
    assert np.diff(plain.starts).tolist() == known.tolist()
    assert np.isfinite(plain.values[plain.starts[:-1]]).all()


def test_without_future_covariates_later_rows_are_left_out() -> None:
    panel = make_panel(
        [[1, 2, NAN, 4], [5, 6]],
        ticks=[0, 2],
        room=[0, 1],
        covariates={"rain": ("past", [[1, 2, 3, 4], [5, 6, None]])},
        step=HOUR,
    )
    cut = panel.before(3)
    assert cut.known.tolist() == [3, 1]
    assert cut.starts.tolist() == [0, 3, 4]
    np.testing.assert_array_equal(cut.values[:, 0], [1, 2, NAN, 5])
    np.testing.assert_array_equal(cut.numbers[:, 0], [1, 2, 3, 5])
    assert cut.times is not None
    assert cut.times[3] == np.datetime64("2021-03-26T22", "ns")
    assert panel.before(9).known.tolist() == [4, 2]


@pytest.mark.parametrize("rows", [1, 5, 12, 99])
def test_tail_keeps_the_last_known_rows_and_what_follows(panel: Panel, rows: int) -> None:
    tail = panel.tail(rows)
    assert tail.ids == panel.ids
    for s in range(5):
        known = min(rows, int(panel.known[s]))
        dropped = int(panel.known[s]) - known
        assert tail.known[s] == known
        assert tail.ticks[s] == panel.ticks[s] + dropped
        for name in ("values", "numbers", "codes", "times"):
            ours, theirs = (series_rows(p, getattr(p, name), s) for p in (tail, panel))
            np.testing.assert_array_equal(ours, theirs[dropped:])
    assert tail.last_tick == panel.last_tick


def test_nothing_before_any_row_is_an_error(panel: Panel) -> None:
    with pytest.raises(DataError, match="sales has no row before tick 0"):
        panel.before(0)


def test_find(panel: Panel) -> None:
    named = make_panel([[1.0], [2.0]], ids=["Lyon", "Nantes"])
    assert named.find("Nantes") == 1
    with pytest.raises(DataError, match=r"sales has no series 'nante'; did you mean 'Nantes'\?"):
        named.find("nante")
    with pytest.raises(DataError, match=r"no series ''$"):
        panel.find("")
