"""Rows that arrived since: reading them like the known ones, and joining both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.assemble import read_panel, resolve_order
from rnnkit.data.columns import Columns
from rnnkit.data.joining import join_panels
from rnnkit.data.panel import Panel
from rnnkit.errors import ConfigError, DataError

NAN = np.nan
TIMED = Columns(time=("t",), targets=("y",))
PLAIN = Columns(targets=("y",), order="oldest-first")


def days(first: int, last: int) -> list[str]:
    return [f"2020-01-{day:02}" for day in range(first, last + 1)]


def read(columns: Columns, *, like: Panel | None = None, **cells: Any) -> Panel:
    return read_panel(pd.DataFrame(cells), columns, like=like)


def notes(panel: Panel) -> list[str]:
    return [str(note) for note in panel.notes]


class TestOneSeries:
    KNOWN = read(TIMED, t=days(1, 5), y=[1, 2, 3, 4, 5])

    def joined(self, t: list[str], y: list[float]) -> Panel:
        return join_panels(self.KNOWN, read(TIMED, like=self.KNOWN, t=t, y=y))

    def refusal(self, t: list[str], y: list[float]) -> str:
        with pytest.raises(DataError) as caught:
            self.joined(t, y)
        return str(caught.value)

    def test_that_follow(self) -> None:
        panel = self.joined(days(6, 7), [60, 70])
        assert panel.values[:, 0].tolist() == [1, 2, 3, 4, 5, 60, 70]
        assert panel.times is not None
        assert panel.times.astype("M8[D]").astype(str).tolist() == days(1, 7)
        assert (panel.known.tolist(), panel.ticks.tolist()) == ([7], [0])
        assert panel.clock == self.KNOWN.clock
        assert notes(panel) == []

    def test_that_overlap(self) -> None:
        panel = self.joined(days(3, 6), [3, 4, 50, 60])
        assert panel.values[:, 0].tolist() == [1, 2, 3, 4, 50, 60]
        assert notes(panel) == [
            "Known rows that came again with other values: 1 of 3; the new values are taken."
        ]

    def test_missing_values_do_not_hide_known_ones(self) -> None:
        panel = self.joined(days(3, 7), [3, NAN, 5, NAN, 70])
        np.testing.assert_array_equal(panel.values[:, 0], [1, 2, 3, 4, 5, NAN, 70])
        assert not any("came again" in note for note in notes(panel))

    def test_that_reach_back_further(self) -> None:
        new = [*days(1, 5), "2019-12-30", "2019-12-31"]
        panel = self.joined(new, [1, 2, 3, 4, 5, -2, -1])
        assert panel.values[:, 0].tolist() == [-2, -1, 1, 2, 3, 4, 5]
        assert panel.ticks.tolist() == [-2]

    def test_after_a_gap(self) -> None:
        panel = self.joined(days(10, 11), [10, 11])
        expected = [1, 2, 3, 4, 5, NAN, NAN, NAN, NAN, 10, 11]
        np.testing.assert_array_equal(panel.values[:, 0], expected)
        assert panel.times is not None
        assert panel.times.astype("M8[D]").astype(str).tolist() == days(1, 11)
        assert notes(panel) == [
            "Times missing between the known rows and the new ones: 4, the first 2020-01-06; rows "
            "without a value stand in for them."
        ]

    def test_after_a_gap_as_long_as_the_known_rows(self) -> None:
        assert self.refusal(days(11, 12), [11, 12]) == (
            "data begins at 2020-01-11, 5 steps (day) after the last of the 5 known rows at "
            "2020-01-05; give the rows between"
        )

    def test_before(self) -> None:
        assert self.refusal(["2019-12-30", "2019-12-31"], [3, 4]) == (
            "data ends before the known rows begin, at 2020-01-01; give the rows that follow them"
        )

    def test_of_another_series(self) -> None:
        assert self.refusal(days(3, 6), [3, 40, 50, 60]) == (
            "data differs from the known rows in 2 of the 3 rows that both have; it seems to be "
            "another series"
        )

    def test_off_the_grid(self) -> None:
        message = self.refusal(["2020-01-06 12:00"], [6])
        assert message == (
            "data begins at 2020-01-06 12:00:00, to which no number of steps (day) leads from the "
            "known rows, such as 2020-01-01; the times of both must be on one grid"
        )

    def test_rows_without_a_target_at_the_start_are_kept(self) -> None:
        panel = self.joined(days(6, 8), [NAN, NAN, 8])
        np.testing.assert_array_equal(panel.values[5:, 0], [NAN, NAN, 8])
        plain = read(PLAIN, y=[1, 2, 3])
        panel = join_panels(plain, read(PLAIN, like=plain, y=[NAN, 5]))
        np.testing.assert_array_equal(panel.values[:, 0], [1, 2, 3, NAN, 5])

    def test_months(self) -> None:
        known = read(TIMED, t=["2020-01-31", "2020-02-29", "2020-03-31"], y=[1, 2, 3])
        panel = join_panels(known, read(TIMED, like=known, t=["2020-05-31"], y=[5]))
        np.testing.assert_array_equal(panel.values[:, 0], [1, 2, 3, NAN, 5])
        assert panel.times is not None
        assert str(panel.times[3])[:10] == "2020-04-30"
        with pytest.raises(DataError, match="row 0 of the frame is at 2020-05-30 where 2020-05-31"):
            read(TIMED, like=known, t=["2020-05-30"], y=[5])


class TestCovariates:
    COLUMNS = Columns(
        time=("t",),
        targets=("y",),
        covariates=("p",),
        future_covariates=("f",),
        statics=("s",),
    )

    def known(self) -> Panel:
        return read(
            self.COLUMNS,
            t=days(1, 5),
            y=[1, 2, 3, NAN, NAN],
            p=["a", "b", "a", "", ""],
            f=[10, 20, 30, 40, 50],
            s=["u"] * 5,
        )

    def test_future_rows_become_known(self) -> None:
        known = self.known()
        assert known.known.tolist() == [3]
        new = read(
            self.COLUMNS,
            like=known,
            t=days(4, 7),
            y=[4, 5, NAN, NAN],
            p=["b", "a", "a", ""],
            f=[NAN, 51, 61, 71],
            s=["u", "", "", ""],
        )
        panel = join_panels(known, new)
        np.testing.assert_array_equal(panel.values[:, 0], [1, 2, 3, 4, 5, NAN, NAN])
        assert panel.numbers[:, 0].tolist() == [10, 20, 30, 40, 51, 61, 71]
        assert panel.codes.tolist() == [[0, 0], [1, 0], [0, 0], [1, 0], [0, 0], [-1, 0], [-1, 0]]
        assert panel.known.tolist() == [5]

    def test_future_rows_alone(self) -> None:
        known = self.known()
        cells = {"y": [NAN, NAN], "p": ["", ""], "s": ["", ""]}
        new = read(self.COLUMNS, like=known, t=days(5, 6), f=[5, 6], **cells)
        assert new.known.tolist() == [0]
        panel = join_panels(known, new)
        assert panel.numbers[:, 0].tolist() == [10, 20, 30, 40, 5, 6]
        assert panel.known.tolist() == [3]
        assert panel.codes[:, 1].tolist() == [0] * 6

    def test_a_table_of_rows_to_come_needs_no_more_columns(self) -> None:
        known = self.known()
        new = read(self.COLUMNS, like=known, t=days(4, 6), f=[4, 5, 6])
        assert new.covariates == known.covariates
        panel = join_panels(known, new)
        assert panel.numbers[:, 0].tolist() == [10, 20, 30, 4, 5, 6]
        assert panel.codes[:, 1].tolist() == [0] * 6
        assert panel.known.tolist() == [3]
        assert notes(new) == [
            "There is no column y, p, s: the rows are read as rows to come.",
            "Rows after the last value of a target, of which only what is known in advance is read:"
            " 3 of 3 rows.",
        ]
        with pytest.raises(DataError, match="no column 'y'"):
            read(self.COLUMNS, like=known, t=days(4, 6), x=[4, 5, 6])
        with pytest.raises(DataError, match="no column 'p'"):
            read(self.COLUMNS, like=known, t=days(4, 6), y=[4, 5, 6], f=[4, 5, 6])

    def test_missing_labels_do_not_hide_known_ones(self) -> None:
        known = self.known()
        cells = {"t": days(2, 4), "y": [2, 3, 4], "f": [20, 30, 40], "s": ["u"] * 3}
        new = read(self.COLUMNS, like=known, p=["", "b", "b"], **cells)
        assert join_panels(known, new).codes[:4, 0].tolist() == [0, 1, 1, 1]

    def test_labels_are_those_of_the_known_rows(self) -> None:
        known = self.known()
        cells = {"y": [4, 5, 6], "f": [4, 5, 6], "s": ["u"] * 3}
        new = read(self.COLUMNS, like=known, t=days(4, 6), p=["b", "zz", ""], **cells)
        assert new.covariates == known.covariates
        assert new.codes[:, 0].tolist() == [1, -1, -1]
        assert (
            "Labels in p that the known rows do not have, such as zz, count as missing: 1 of 3 "
            "rows." in notes(new)
        )

    def test_labels_stay_labels(self) -> None:
        columns = Columns(targets=("y",), covariates=("p",), order="oldest-first")
        known = read(columns, y=[1, 2, 3], p=["1", "x", "2"])
        assert read(columns, like=known, y=[4, 5], p=[2, 1]).codes[:, 0].tolist() == [1, 0]

    @pytest.mark.parametrize("dtype", ["bool", "boolean", "category", object])
    def test_truth_values_stay_what_they_were(self, dtype: Any) -> None:
        columns = Columns(targets=("y",), covariates=("p",), order="oldest-first")
        new = pd.Series([False, True], dtype=dtype)
        with_gaps = pd.Series([None, True], dtype=object)
        counted = read(columns, y=[1, 2, 3], p=[True, False, True])
        assert counted.covariates[0].labels is None
        assert read(columns, like=counted, y=[4, 5], p=new).numbers[:, 0].tolist() == [0, 1]
        numbers = read(columns, like=counted, y=[4, 5], p=with_gaps).numbers[:, 0]
        np.testing.assert_array_equal(numbers, [NAN, 1])
        labelled = read(columns, y=[1, 2, 3], p=["True", "False", ""])
        assert labelled.covariates[0].labels == ("False", "True")
        assert read(columns, like=labelled, y=[4, 5], p=new).codes[:, 0].tolist() == [0, 1]
        assert read(columns, like=labelled, y=[4, 5], p=with_gaps).codes[:, 0].tolist() == [-1, 1]

    def test_numbers_stay_numbers(self) -> None:
        cells = {"y": [4], "p": ["a"], "s": ["u"]}
        with pytest.raises(DataError, match="column 'f' must hold numbers, but row 0"):
            read(self.COLUMNS, like=self.known(), t=days(4, 4), f=["x"], **cells)

    def test_others_are_refused(self) -> None:
        with pytest.raises(DataError) as caught:
            read(TIMED, like=self.known(), t=days(4, 4), y=[4])
        assert str(caught.value) == (
            "the covariates must be those of the known rows, 'p' (past), 'f' (future), 's' "
            "(static), got none"
        )


class TestManySeries:
    COLUMNS = Columns(time=("t",), targets=("y",), series_id="s")

    def test_by_their_names(self) -> None:
        known = read(self.COLUMNS, t=[*days(1, 4), *days(3, 5)], y=range(1, 8), s=list("aaaabbb"))
        new = read(
            self.COLUMNS,
            like=known,
            t=[*days(2, 4), *days(7, 8)],
            y=[NAN, 30, 40, 70, 80],
            s=list("cccbb"),
        )
        panel = join_panels(known, new)
        assert panel.ids == ("a", "b", "c")
        np.testing.assert_array_equal(
            panel.values[:, 0], [1, 2, 3, 4, 5, 6, 7, NAN, 70, 80, 30, 40]
        )
        assert panel.starts.tolist() == [0, 4, 10, 12]
        assert panel.ticks.tolist() == [0, 2, 2]
        assert notes(panel)[-4:] == [
            "Times missing between the known rows and the new ones: 1, the first 2020-01-06; rows "
            "without a value stand in for them.",
            "Series that were not known: 1 of 3, such as c.",
            "Series without new rows: 1 of 3, such as a.",
            "Left out at the start, before each target has a value: 1 of 13 rows, in 1 of 3 "
            "series.",
        ]

    def test_ticks_of_new_series_count_from_the_known_ones(self) -> None:
        known = read(self.COLUMNS, t=[*days(3, 6), *days(5, 8)], y=range(8), s=list("aaaabbbb"))
        later = known.take([1])
        assert later.ticks.tolist() == [2]
        new = read(
            self.COLUMNS, like=later, t=[*days(2, 5), *days(9, 9)], y=range(5), s=list("ccccb")
        )
        assert join_panels(later, new).ticks.tolist() == [2, -1]

    def test_ticks_of_new_series_on_another_day_of_the_week(self) -> None:
        mondays, wednesdays = ["2020-01-06", "2020-01-13"], ["2020-01-15", "2020-01-22"]
        known = read(
            Columns(time=("t",), targets=("y",), series_id="s", step="week"),
            t=[*wednesdays, *mondays],
            y=range(4),
            s=list("bbaa"),
        )
        assert known.ticks.tolist() == [1, 0]
        new = read(self.COLUMNS, like=known, t=["2020-01-14", "2020-01-21"], y=[1, 2], s=list("cc"))
        assert join_panels(known, new).ticks.tolist() == [1, 0, 1]

    def test_revised_values_of_a_named_series_are_taken(self) -> None:
        known = read(self.COLUMNS, t=days(1, 3), y=[1, 2, 3], s=list("aaa"))
        new = read(self.COLUMNS, like=known, t=days(2, 4), y=[20, 30, 40], s=list("aaa"))
        assert join_panels(known, new).values[:, 0].tolist() == [1, 20, 30, 40]

    def test_the_series_of_a_refusal_is_named(self) -> None:
        known = read(self.COLUMNS, t=days(1, 3), y=[1, 2, 3], s=list("aaa"))
        for first, reason in ((10, "begins at 2020-01-10, 6 steps"), (1, "")):
            new = read(
                self.COLUMNS,
                like=known,
                t=days(first, 12),
                y=range(13 - first),
                s=["a"] * (13 - first),
            )
            if reason:
                with pytest.raises(DataError, match=f"data, series 'a', {reason}"):
                    join_panels(known, new)
            else:
                assert len(join_panels(known, new).values) == 12

    def test_without_times(self) -> None:
        columns = Columns(targets=("y",), series_id="s", order="oldest-first")
        known = read(columns, y=range(1, 8), s=list("aaaaabb"))
        assert known.ticks.tolist() == [0, 3]
        new = read(columns, like=known, y=[10, 20, 30, 40, 50], s=list("bccab"))
        panel = join_panels(known, new)
        assert panel.ids == ("a", "b", "c")
        assert panel.values[:, 0].tolist() == [1, 2, 3, 4, 5, 40, 6, 7, 10, 50, 20, 30]
        assert panel.known.tolist() == [6, 4, 2]
        assert panel.ticks.tolist() == [0, 3, 5]

    def test_rows_of_a_wide_table(self) -> None:
        columns = Columns(layout="rows", series_id="id")
        known = read(columns, id=["H1", "H2"], V1=[1, 2], V2=[3, NAN], V3=[4, NAN])
        new = read(columns, like=known, id=["H2", "H1"], V1=[20, 10], V2=[21, 11])
        panel = join_panels(known, new)
        assert panel.values[:, 0].tolist() == [1, 3, 4, 10, 11, 2, 20, 21]
        assert panel.ticks.tolist() == [0, 2]
        assert panel.last_tick == 5

    def test_the_panels_are_left_as_they_are(self) -> None:
        known = read(self.COLUMNS, t=days(1, 3), y=[1, 2, 3], s=list("aaa"))
        new = read(self.COLUMNS, like=known, t=days(2, 4), y=[20, NAN, 40], s=list("aaa"))
        panel = join_panels(known, new)
        panel.values[:] = -1
        assert known.values[:, 0].tolist() == [1, 2, 3]
        np.testing.assert_array_equal(new.values[:, 0], [20, NAN, 40])


class TestAlike:
    def test_times_or_none(self) -> None:
        known = read(TIMED, t=days(1, 3), y=[1, 2, 3])
        with pytest.raises(ConfigError, match="the known rows have times: name the time column"):
            read(PLAIN, like=known, y=[1])
        with pytest.raises(ConfigError, match="the known rows have no times: leave time out"):
            read(TIMED, like=read(PLAIN, y=[1, 2]), t=days(1, 3), y=[1, 2, 3])

    def test_targets(self) -> None:
        known = read(TIMED, t=days(1, 3), y=[1, 2, 3])
        cells = {"t": days(4, 4), "y": [4], "z": [5]}
        assert read(Columns(time=("t",)), like=known, **cells).targets == ("y",)
        assert read(Columns(time=("t",), targets=("all",)), like=known, **cells).targets == ("y",)
        with pytest.raises(ConfigError, match="must be those of the known rows, 'y', got 'z'"):
            read(Columns(time=("t",), targets=("z",)), like=known, **cells)
        with pytest.raises(DataError, match="no column 'y'"):
            read(Columns(time=("t",)), like=known, t=days(4, 4), z=[5])

    def test_step(self) -> None:
        known = read(TIMED, t=days(1, 3), y=[1, 2, 3])
        given = Columns(time=("t",), targets=("y",), step="day")
        assert len(read(given, like=known, t=days(4, 5), y=[4, 5]).values) == 2
        with pytest.raises(ConfigError, match="step must be day, as in the known rows, got hour"):
            read(Columns(time=("t",), targets=("y",), step="hour"), like=known, t=days(4, 4), y=[4])
        with pytest.raises(DataError, match=r"row 1 of the frame is at 2020-01-04 12:00:00 where"):
            read(TIMED, like=known, t=["2020-01-04", "2020-01-04 12:00"], y=[1, 2])

    def test_month_or_day_first(self) -> None:
        known = read(TIMED, t=["13/01/2020", "14/01/2020", "15/01/2020"], y=[1, 2, 3])
        new = read(TIMED, like=known, t=["01/02/2020", "02/02/2020"], y=[1, 2])
        assert new.times is not None
        assert str(new.times[1])[:10] == "2020-02-02"

    @pytest.mark.parametrize("what", ["targets", "covariates", "step and clock"])
    def test_panels_that_do_not_belong_together(self, what: str) -> None:
        known = read(TIMED, t=days(1, 3), y=[1, 2, 3])
        other = {
            "targets": lambda: read(
                Columns(time=("t",), targets=("z",)), t=days(4, 6), z=[1, 2, 3]
            ),
            "covariates": lambda: read(
                Columns(time=("t",), targets=("y",), covariates=("x",)),
                t=days(4, 6),
                y=[1, 2, 3],
                x=[1, 2, 3],
            ),
            "step and clock": lambda: read(PLAIN, y=[1, 2, 3]),
        }[what]()
        with pytest.raises(DataError, match=f"the {what} of data are not those of data; read the"):
            join_panels(known, other)

    def test_one_series_and_many(self) -> None:
        single = read(PLAIN, y=[1, 2, 3])
        many = read(Columns(targets=("y",), series_id="s"), y=[1, 2], s=["a", "a"])
        with pytest.raises(DataError) as caught:
            join_panels(single, many)
        assert str(caught.value) == (
            "data holds one series without a name, but data holds series with names; read both "
            "with the same columns"
        )


class TestResolvedOrder:
    CLOSES = (12.1, 11.1, 13.9, 17.2, 15.1, 18.1, 21.8, 20.1, 24.9, 23.2, 27.1, 30)
    OPENS = (10, 12, 11, 14, 17, 15, 18, 22, 20, 25, 23, 27)

    def test_is_kept_for_rows_too_few_to_tell_it(self) -> None:
        columns = Columns(targets=("close",))
        turned = pd.DataFrame({"open": self.OPENS[::-1], "close": self.CLOSES[::-1]})
        kept = resolve_order(turned, columns)
        assert kept == Columns(targets=("close",), order="newest-first")
        known = read_panel(turned, kept)
        new = read_panel(pd.DataFrame({"open": [2, 1], "close": [32, 31]}), kept, like=known)
        assert join_panels(known, new).values[-3:, 0].tolist() == [30, 31, 32]

    def test_where_nothing_tells_it(self) -> None:
        assert resolve_order(pd.DataFrame({"y": [1, 2]}), Columns()).order == "oldest-first"

    @pytest.mark.parametrize(
        "columns", [TIMED, Columns(order="newest-first"), Columns(layout="rows")]
    )
    def test_where_there_is_nothing_to_find(self, columns: Columns) -> None:
        assert resolve_order(pd.DataFrame({"t": days(1, 3), "y": [1, 2, 3]}), columns) == columns
