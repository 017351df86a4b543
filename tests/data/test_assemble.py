"""Targets, covariates, series and their edges: tables of the long layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.assemble import read_panel, season_of
from rnnkit.data.calendar import Step
from rnnkit.data.columns import Columns
from rnnkit.data.panel import Covariate, Panel
from rnnkit.errors import ConfigError, DataError

DAYS = ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04", "2020-01-05"]
NAN = np.nan


def read(columns: Columns, **cells: Any) -> Panel:
    return read_panel(pd.DataFrame(cells), columns)


def refusal(columns: Columns, **cells: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(columns, **cells)
    return str(caught.value)


def notes(panel: Panel) -> list[str]:
    return [str(note) for note in panel.notes]


class TestTargets:
    def test_points_are_decimals_where_another_series_stands_beside(self) -> None:
        values = ["980", "3.287", "982", "3.291", "981", "3.305", "979", "3.298", "983", "3.284"]
        columns = Columns(time=("t",), targets=("y",), series_id="s")
        days = [day for day in DAYS for _ in "ab"]
        panel = read(columns, t=days, s=list("ab") * 5, y=values)
        assert panel.values[5:, 0].tolist() == [3.287, 3.291, 3.305, 3.298, 3.284]
        rows = read(
            Columns(layout="rows", series_id="s"),
            s=list("abcd"),
            first=values[:4],
            then=values[2:6],
        )
        assert rows.values[2:4, 0].tolist() == [3.287, 3.291]
        assert "thousand times" in refusal(
            Columns(time=("t",), targets=("y",)), t=[f"2020-01-{d:02}" for d in range(1, 11)],
            y=["948", "1.020", "980", "1.015", "975", "1.011", "990", "1.002", "985", "1.010"],
        )  # fmt: skip

    def test_the_only_candidate_is_taken_and_said(self) -> None:
        panel = read(Columns(time=("t",)), t=DAYS, note=list("abcde"), y=[3, 1, 4, 1, 5])
        assert panel.targets == ("y",)
        assert panel.values.dtype == np.float64
        assert panel.values[:, 0].tolist() == [3, 1, 4, 1, 5]
        assert notes(panel) == ["The target is y, the only column of numbers that is nothing else."]

    def test_a_column_that_counts_the_rows_is_no_candidate(self) -> None:
        for start in (0, 1):
            panel = read(
                Columns(time=("t",)), no=range(start, start + 5), t=DAYS, y=[3, 1, 4, 1, 5]
            )
            assert panel.targets == ("y",)
            assert "Left out: no, which only counts the rows." in notes(panel)

    @pytest.mark.parametrize("column", [[2, 3, 4, 5, 6], [0, 1, 2, 3, 5], [1, 2, 3, NAN, 5]])
    def test_columns_that_almost_count_the_rows_are_candidates(self, column: list[float]) -> None:
        assert read(Columns(time=("t",)), t=DAYS, y=column).targets == ("y",)

    @pytest.mark.parametrize("last", [10, 999, NAN])
    def test_the_older_rows_tell_whether_a_column_counts_them(self, last: float) -> None:
        numbers = [*range(1, 10), last]
        panel = read(Columns(targets=("all",)), no=numbers, y=[3, 1, 4, 1, 5, 9, 2, 6, 5, 3])
        assert panel.targets == ("y",)
        older = "" if last == 10 else "older "
        assert f"Left out: no, which only counts the {older}rows." in notes(panel)

    def test_a_later_text_does_not_leave_a_column_out(self) -> None:
        columns = Columns(time=("t",), targets=("all",))
        cells = {"t": DAYS, "y": [3, 1, 4, 1, 5]}
        said = refusal(columns, **cells, b=["2", "7", "1", "off", "off"])
        assert "column 'b' holds numbers in the older rows, which tell what it " in said
        assert "but row 3 " in said
        panel = read(columns, **cells, b=["2", "off", "1", "off", "5"], c=list("uvwxy"))
        assert panel.targets == ("y",)
        assert notes(panel) == [
            "Left out: b, with texts beside numbers in the older rows.",
            "Left out: c, without numbers.",
        ]

    @pytest.mark.parametrize("layout", ["long", "columns"])
    @pytest.mark.parametrize("later", [["", "5"], ["7", "8"], ["x", "5"], ["", ""]])
    def test_a_column_that_begins_late_is_left_out(self, layout: Any, later: list[str]) -> None:
        columns = Columns(layout=layout, time=("t",), targets=("all",))
        panel = read(columns, t=DAYS, y=[3, 1, 4, 1, 5], b=["", "NA", "", *later])
        assert panel.values.shape == (5, 1)
        assert panel.told == 3
        late = later != ["", ""]
        assert (
            "Left out: b, without a value in the older rows; --target takes them." in notes(panel)
        ) == late
        assert ("Left out: b, without numbers." in notes(panel)) != late

    def test_a_count_may_be_the_target_where_there_is_nothing_else(self) -> None:
        assert read(Columns(), y=[1, 2, 3, 4]).values[:, 0].tolist() == [1, 2, 3, 4]

    def test_several_candidates_are_refused(self) -> None:
        message = refusal(Columns(time=("t",)), t=DAYS, y=[3, 1, 4, 1, 5], z=[2, 7, 1, 8, 2])
        assert message == (
            "the frame has 2 columns that could be the target: 'y', 'z'; name one with --target, "
            "or take them all with --target all"
        )

    def test_no_candidate_is_refused(self) -> None:
        message = refusal(Columns(time=("t",)), t=DAYS, a=list("abcde"), b=[True] * 5)
        assert message == (
            "the frame has no column of numbers left to be the target; its columns are 't', 'a', "
            "'b'"
        )

    def test_all(self) -> None:
        panel = read(
            Columns(time=("t",), targets=("all",), covariates=("x",)),
            no=[1, 2, 3, 4, 5],
            t=DAYS,
            y=[3, 1, 4, 1, 5],
            x=[1, 1, 2, 2, 3],
            text=list("abcde"),
            flag=[True, False, True, False, True],
            empty=[None] * 5,
            z=[2.5, NAN, 1, 8, 2],
        )
        assert panel.targets == ("y", "z")
        np.testing.assert_array_equal(panel.values[:, 1], [2.5, NAN, 1, 8, 2])
        assert notes(panel) == [
            "Left out: no, which only counts the rows.",
            "Left out: text, flag, empty, without numbers.",
            "Cells without a value: 1 of 5 in z.",
        ]

    def test_a_column_called_all_can_be_a_target(self) -> None:
        frame = pd.DataFrame({"all": [3, 1, 4], "y": [2, 7, 1]})
        columns = Columns(targets=("all", "y"), order="oldest-first")
        assert read_panel(frame, columns).values.tolist() == [[3, 2], [1, 7], [4, 1]]

    def test_a_text_is_refused(self) -> None:
        columns = Columns(time=("t",), targets=("y",))
        message = refusal(columns, t=DAYS, y=["3", "1", "many", "1", "5"])
        assert message == "column 'y' must hold numbers, but row 2 of the frame holds 'many'"

    def test_a_text_in_a_column_of_numbers_is_refused_before_it_is_left_out(self) -> None:
        columns = Columns(targets=("all",))
        y = ["1.5"] * 19 + ["1.5x"]
        assert "row 19 of the frame holds '1.5x'" in refusal(columns, y=y, z=[2.5] * 20)

    def test_an_infinite_number_is_refused(self) -> None:
        message = refusal(Columns(targets=("y",)), y=[1.0, np.inf, 2.0])
        assert "finite numbers, but row 1 of the frame holds inf" in message

    def test_an_empty_one_is_refused(self) -> None:
        message = refusal(Columns(targets=("y", "z")), y=[1.0, 2.0], z=[NAN, NAN])
        assert message == "column 'z' is empty; a target needs values to learn from"

    def test_a_column_that_is_not_there(self) -> None:
        for targets in ((), ("y",), ("all",)):
            message = refusal(Columns(time=("tme",), targets=targets), time=DAYS, y=[3, 1, 4, 1, 5])
            assert "the frame has no column 'tme'" in message
            assert "did you mean 'time'?" in message


class TestMissingCells:
    def test_words_for_missing(self) -> None:
        panel = read(
            Columns(targets=("y", "z"), covariates=("x",)),
            y=["1", "NA", "n/a", "4", "5"],
            z=["1", "2", " null ", "4", "5"],
            x=["a", "", "b", "-", "None"],
        )
        np.testing.assert_array_equal(panel.values.T, [[1, NAN, NAN, 4, 5], [1, 2, NAN, 4, 5]])
        assert panel.covariates[0].labels == ("-", "a", "b")
        assert panel.codes[:, 0].tolist() == [1, -1, 2, 0, -1]
        assert "Cells without a value: 2 of 5 in y, 1 of 5 in z." in notes(panel)
        assert "Cells without a value: 2 of 5 in x." in notes(panel)

    def test_many_columns_are_summed_up(self) -> None:
        cells = {f"y{k}": [1.0, NAN, 2.0] for k in range(13)}
        (note,) = (n for n in notes(read(Columns(targets=("all",)), **cells)) if "Cells" in n)
        assert note.count(" of 3 in y") == 10
        assert note.endswith("1 of 3 in y9, and some in 3 more columns.")


class TestEdges:
    def test_rows_before_each_target_has_a_value_are_left_out(self) -> None:
        panel = read(
            Columns(time=("t",), targets=("y", "z"), covariates=("x",)),
            t=DAYS,
            y=[NAN, 1, NAN, 1, 5],
            z=[NAN, NAN, 4, NAN, 6],
            x=[10, 20, 30, 40, 50],
        )
        np.testing.assert_array_equal(panel.values, [[NAN, 4], [1, NAN], [5, 6]])
        assert panel.numbers[:, 0].tolist() == [30, 40, 50]
        assert panel.times is not None
        assert panel.times[0] == np.datetime64("2020-01-03")
        assert panel.ticks.tolist() == [2]
        assert notes(panel)[-1] == (
            "Left out at the start, before each target has a value: 2 of 5 rows."
        )

    def test_rows_after_the_last_value_are_left_out(self) -> None:
        panel = read(
            Columns(time=("t",), targets=("y", "z"), covariates=("x",)),
            t=DAYS,
            y=[3, 1, 4, NAN, NAN],
            z=[3, 1, 4, 1, NAN],
            x=[1, 2, 3, 4, 5],
        )
        assert len(panel.values) == 4
        assert panel.known.tolist() == [4]
        assert notes(panel)[-1] == (
            "Left out at the end, after the last value of a target: 1 of 5 rows."
        )

    def test_rows_after_the_last_value_are_future_ones_as_far_as_they_are_told(self) -> None:
        panel = read(
            Columns(targets=("y",), covariates=("x", "w"), future_covariates=("f", "g")),
            y=[3, 1, NAN, NAN, NAN],
            x=[1, 2, 3, 4, 5],
            w=["a", "b", "a", "b", "a"],
            f=[7, 8, 9, NAN, NAN],
            g=["u", "v", "u", "v", ""],
        )
        assert panel.starts.tolist() == [0, 4]
        assert panel.known.tolist() == [2]
        assert [(c.name, c.role) for c in panel.covariates] == [
            ("x", "past"),
            ("w", "past"),
            ("f", "future"),
            ("g", "future"),
        ]
        np.testing.assert_array_equal(panel.numbers, [[1, 7], [2, 8], [NAN, 9], [NAN, NAN]])
        assert panel.codes.tolist() == [[0, 0], [1, 1], [-1, 0], [-1, 1]]
        assert notes(panel)[-2:] == [
            "Rows after the last value of a target, of which only what is known in advance is read:"
            " 2 of 5 rows.",
            "Left out at the end, after the last value of a target: 1 of 5 rows.",
        ]

    def test_many_series(self) -> None:
        panel = read(
            Columns(series_id="s", targets=("y",), future_covariates=("f",), order="oldest-first"),
            s=["a", "b", "c", "a", "b", "c", "a", "b", "c", "a", "b"],
            y=[NAN, 2, NAN, 4, 5, NAN, 7, NAN, NAN, NAN, NAN],
            f=[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, NAN],
        )
        assert panel.ids == ("a", "b")
        assert panel.id_name == "s"
        np.testing.assert_array_equal(panel.values[:, 0], [4, 7, NAN, 2, 5, NAN])
        assert panel.numbers[:, 0].tolist() == [4, 7, 10, 2, 5, 8]
        assert panel.known.tolist() == [2, 2]
        assert panel.ticks.tolist() == [0, 0]
        assert notes(panel) == [
            "Cells without a value: 7 of 11 in y.",
            "Cells without a value: 1 of 11 in f.",
            "Rows after the last value of a target, of which only what is known in advance is read:"
            " 2 of 11 rows, in 2 of 2 series.",
            "Left out at the end, after the last value of a target: 1 of 11 rows, in 1 of 2 "
            "series.",
            "Series left out, since a target has no value in them: 1 of 3, such as c.",
            "Left out at the start, before each target has a value: 1 of 7 rows, in 1 of 2 series.",
        ]

    def test_a_series_without_a_value_of_one_target_is_left_out(self) -> None:
        panel = read(
            Columns(series_id="s", targets=("y", "z"), order="oldest-first"),
            s=["a", "a", "b", "b"],
            y=[1, 2, 3, 4],
            z=[NAN, NAN, 5, 6],
        )
        assert panel.ids == ("b",)
        assert panel.values.tolist() == [[3, 5], [4, 6]]
        assert "since a target has no value in them: 1 of 2, such as a" in notes(panel)[-1]

    def test_no_series_remains(self) -> None:
        message = refusal(
            Columns(series_id="s", targets=("y", "z")),
            s=["a", "b"],
            y=[1, NAN],
            z=[NAN, 6],
        )
        assert message == "no series of data has a value of each target: y, z"


class TestCovariates:
    def test_kinds(self) -> None:
        panel = read(
            Columns(targets=("y",), covariates=("n", "flag", "mixed"), statics=("town",)),
            y=[3, 1, 4],
            n=["1", "2,5", "-3"],
            flag=[True, False, True],
            mixed=["1", "x", "2"],
            town=["Ulm", "", "Ulm "],
        )
        assert panel.covariates == (
            Covariate("n", "past"),
            Covariate("flag", "past"),
            Covariate("mixed", "past", ("1", "2", "x")),
            Covariate("town", "static", ("Ulm",)),
        )
        assert panel.numbers.tolist() == [[1, 1], [2.5, 0], [-3, 1]]
        assert panel.codes.tolist() == [[0, 0], [2, 0], [1, 0]]
        assert panel.codes.dtype == np.int32

    def test_labels_are_said_with_how_many_there_are(self) -> None:
        columns = Columns(time=("t",), targets=("y",), covariates=("n", "k"), statics=("s",))
        cells = {"t": DAYS, "y": [3, 1, 4, 1, 5], "n": [1, 2, 3, 4, 5], "s": ["u"] * 5}
        panel = read(columns, **cells, k=["1,234", "2,345", "", "1,234", "3,456"])
        assert (
            notes(panel)[0] == "Read as labels, not as numbers: k (3 different), s (1 different)."
        )
        later = read_panel(pd.DataFrame({**cells, "k": ["1,234"] * 5}), columns, like=panel)
        assert not any("labels" in note for note in notes(later))

    def test_the_older_rows_in_time_tell_what_a_column_holds(self) -> None:
        columns = Columns(time=("t",), targets=("y",), covariates=("x",))
        x, y = np.array(["1", "2", "3", "4", "x", "x"]), np.arange(6.0)
        times = [*DAYS, "2020-01-06"]
        for rows in ([0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [4, 0, 5, 1, 3, 2]):
            cells = {"t": [times[row] for row in rows], "y": y[rows]}
            assert "tell what it holds, but row " in refusal(columns, **cells, x=x[rows])
            turned = read(columns, **cells, x=x[::-1][rows])
            assert turned.covariates[0].labels == ("1", "2", "3", "4", "x")

    def test_without_times_series_are_aligned_at_their_ends(self) -> None:
        cells = {"s": list("aabbbbbb"), "y": [1, 2, 3, 4, 5, 6, 7, 8]}
        columns = Columns(targets=("y",), series_id="s", covariates=("x",), order="oldest-first")
        late, early = ["1", "2", "3", "4", "5", "6", "u", "7"], ["1", "2", "3", "4", "u", *"567"]
        assert "but row 6 of the frame holds 'u'" in refusal(columns, **cells, x=late)
        assert read(columns, **cells, x=early).covariates[0].labels is not None
        first = ["u", "2", *"345678"]  # the older row of the shorter series, but no older one
        assert "but row 0 of the frame holds 'u'" in refusal(columns, **cells, x=first)
        turned = replace(columns, order="newest-first")
        newest = ["1", "2", "u", *"45678"]
        assert "but row 2 of the frame holds 'u'" in refusal(turned, **cells, x=newest)
        assert read(turned, **cells, x=late).covariates[0].labels is not None

    def test_no_later_cell_changes_what_the_older_rows_tell(self) -> None:
        columns = Columns(targets=("y",), covariates=("x",), order="oldest-first")
        for older in (
            ["1", "2", "3"],
            ["1", "x", "3"],
            [True, False, True],
            [True, None, False],
            [None, None, None],
            ["", "", "NA"],
        ):
            kinds = set()
            for later in (["4", "5"], ["4", "u"], ["u", "v"], [None, None], [True, None], ["", 7]):
                try:
                    kind = read(columns, y=[3, 1, 4, 1, 5], x=[*older, *later]).covariates[0].labels
                except DataError:
                    continue  # said, with row and column
                kinds.add(kind is None)
            assert len(kinds) == 1

    def test_truth_values_with_missing_ones(self) -> None:
        flag = pd.array([True, None, False], dtype="boolean")
        panel = read(Columns(targets=("y",), covariates=("flag",)), y=[3, 1, 4], flag=flag)
        np.testing.assert_array_equal(panel.numbers[:, 0], [1, NAN, 0])

    def test_an_empty_one_is_refused(self) -> None:
        columns = Columns(targets=("y",), covariates=("x",))
        message = refusal(columns, y=[3, 1], x=["", "NA"])
        assert message == "column 'x' is empty; leave it out of the covariates"

    def test_times_are_refused(self) -> None:
        columns = Columns(targets=("y",), covariates=("x",))
        message = refusal(columns, y=[3, 1], x=pd.to_datetime(["2020-01-01", "2020-01-02"]))
        assert "column 'x' must hold texts or numbers, but it holds datetime64[ns]" in message

    @pytest.mark.parametrize(
        ("cells", "shown"), [([1, 1, 2, 7], "2"), ([2, NAN, 1, 7], "1"), (["u", "", "v", "w"], "v")]
    )
    def test_a_static_one_that_changes_is_refused(self, cells: list[Any], shown: str) -> None:
        columns = Columns(targets=("y",), series_id="s", statics=("c",))
        message = refusal(columns, y=[1, 2, 3, 4], s=["a", "a", "a", "b"], c=cells)
        first = str(cells[0])
        assert message == (
            f"column 'c' is static, but in series 'a' it is {first} on row 0 of the frame and "
            f"{shown} on row 2 of the frame; make it a covariate, or correct it"
        )

    def test_a_static_one_may_differ_between_series(self) -> None:
        columns = Columns(targets=("y",), series_id="s", statics=("c", "d"), order="oldest-first")
        panel = read(
            columns,
            y=[1, 2, 3, 4, 5],
            s=["a", "b", "a", "b", "a"],
            c=[NAN, 8, 7, NAN, NAN],
            d=["x", "", "", "z", "x"],
        )
        # A missing cell is that of the row before it; never that of a row after it.
        np.testing.assert_array_equal(panel.numbers[:, 0], [NAN, 7, 7, 8, 8])
        assert panel.codes[:, 0].tolist() == [0, 0, 0, -1, 1]


class TestSeries:
    def test_in_the_order_of_their_first_row(self) -> None:
        columns = Columns(series_id="s", targets=("y",), order="oldest-first")
        panel = read(columns, s=["b", "a", " b", "c", "a"], y=[1, 2, 3, 4, 5])
        assert panel.ids == ("b", "a", "c")
        assert panel.starts.tolist() == [0, 2, 4, 5]
        assert panel.values[:, 0].tolist() == [1, 3, 2, 5, 4]
        assert panel.ticks.tolist() == [0, 0, 1]

    def test_names_may_be_numbers(self) -> None:
        columns = Columns(series_id="s", targets=("y",))
        assert read(columns, s=[7, 10, 7], y=[1, 2, 3]).ids == ("7", "10")
        assert read(columns, s=[7.0, 10.0, 7.0], y=[1, 2, 3]).ids == ("7", "10")

    def test_a_missing_name_is_refused(self) -> None:
        columns = Columns(series_id="s", targets=("y",))
        message = refusal(columns, s=["a", "", "b"], y=[1, 2, 3])
        assert "column 's' has no value on row 1 of the frame" in message

    def test_one_without_a_name(self) -> None:
        panel = read(Columns(targets=("y",)), y=[1, 2])
        assert panel.is_single
        assert (panel.id_name, panel.name, panel.clock) == ("", "data", None)


class TestOrderWithoutTimes:
    # Opens near the close of the day before; oldest first.
    OPENS = (10, 12, 11, 14, 17, 15, 18, 22, 20, 25, 23, 27)
    CLOSES = (12.1, 11.1, 13.9, 17.2, 15.1, 18.1, 21.8, 20.1, 24.9, 23.2, 27.1, 30)

    def test_oldest_first_is_assumed_and_said(self) -> None:
        panel = read(Columns(targets=("y",)), y=[3, 1, 4])
        assert panel.values[:, 0].tolist() == [3, 1, 4]
        assert notes(panel) == ["The rows tell no times: they are taken oldest first."]

    @pytest.mark.parametrize("turned", [False, True])
    def test_given(self, turned: bool) -> None:
        order: Any = "newest-first" if turned else "oldest-first"
        columns = Columns(targets=("y",), series_id="s", order=order)
        panel = read(columns, y=[3, 1, 4, 2], s=["a", "b", "a", "b"])
        assert panel.ids == ("a", "b")
        assert panel.values[:, 0].tolist() == ([4, 3, 2, 1] if turned else [3, 4, 1, 2])
        assert notes(panel) == []

    def test_found_from_prices(self) -> None:
        columns = Columns(targets=("Adj close",))
        prices = {"Open": self.OPENS, "Close": self.CLOSES, "Adj close": self.CLOSES}
        panel = read(columns, **prices)
        assert panel.values[:, 0].tolist() == [*self.CLOSES]
        assert notes(panel) == [
            "The rows tell no times: they are taken oldest first, since in 10 of 10 rows Open is "
            "nearer to Close of the row above than of the row below."
        ]
        turned = read(columns, **{name: cells[::-1] for name, cells in prices.items()})
        assert turned.values[:, 0].tolist() == [*self.CLOSES]
        assert notes(turned) == [
            "The rows tell no times: they are taken newest first, since in 10 of 10 rows Open is "
            "nearer to Close of the row below than of the row above."
        ]

    def test_prices_of_many_series(self) -> None:
        opens = [*self.OPENS[::-1], *[5 * value for value in self.OPENS[::-1]]]
        closes = [*self.CLOSES[::-1], *[5 * value for value in self.CLOSES[::-1]]]
        columns = Columns(targets=("close_price",), series_id="s")
        panel = read(columns, s=["a"] * 12 + ["b"] * 12, open_price=opens, close_price=closes)
        assert panel.values[:12, 0].tolist() == [*self.CLOSES]
        assert "in 20 of 20 rows open_price is nearer to close_price" in notes(panel)[0]

    @pytest.mark.parametrize(
        "cells",
        [
            {"Open": OPENS[:8], "Close": CLOSES[:8]},  # too few rows
            {"Opener": OPENS[::-1], "Close": CLOSES[::-1]},  # no open
            {"a_open": OPENS[::-1], "b_open": OPENS[::-1], "Close": CLOSES[::-1]},  # which open?
            {"Open": ["yes"] * 12, "Close": CLOSES[::-1]},
            {"Open": [1, 2] * 6, "Close": [1, 2] * 6},  # no row is nearer to one than the other
            {"Open": [1, 5, 2, 6] * 4, "Close": [2, 6, 1, 5] * 4},
        ],
    )
    def test_no_clear_evidence(self, cells: dict[str, Any]) -> None:
        panel = read(Columns(targets=("y",)), y=range(7, 7 + len(cells["Close"])), **cells)
        assert panel.values[0, 0] == 7
        assert notes(panel) == ["The rows tell no times: they are taken oldest first."]


def test_seasons() -> None:
    plain = read(Columns(targets=("y",)), y=[3, 1, 4])
    daily = read(Columns(time=("t",), targets=("y",)), t=DAYS, y=[3, 1, 4, 1, 5])
    assert daily.clock is not None
    assert daily.clock.step == Step("nanosecond", 86_400 * 10**9)
    assert season_of(Columns(), plain) == 1
    assert season_of(Columns(step="hour"), plain) == 24
    assert season_of(Columns(step="15 minutes"), plain) == 96
    assert season_of(Columns(), daily) == 7
    with pytest.raises(ConfigError, match="did you mean 'month'"):
        read(Columns(targets=("y",), step="monht"), y=[3, 1, 4])


def test_a_time_zone_needs_times() -> None:
    with pytest.raises(ConfigError, match="time_zone 'Asia/Seoul' needs a time column"):
        read(Columns(targets=("y",), time_zone="Asia/Seoul"), y=[3, 1, 4])


def test_places_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sold.csv"
    path.write_text("day,sold\n# from the till\n2020-01-01,7\n2020-01-02,x\n2020-01-03,9\n")
    with pytest.raises(DataError) as caught:
        read_panel(path, Columns(time=("day",), targets=("sold",)))
    assert str(caught.value) == f"column 'sold' must hold numbers, but line 4 of {path} holds 'x'"
    path.write_text(path.read_text().replace(",x", ",8"))
    panel = read_panel(path, Columns(time=("day",)))
    assert panel.name == "sold"
    assert "comments" in notes(panel)[0]


def test_the_frame_is_left_as_it_is() -> None:
    frame = pd.DataFrame(
        {"t": DAYS[::-1], "y": [1, NAN, 3, NAN, NAN], "c": ["a", None, "a", "a", ""]}
    )
    before = frame.copy()
    read_panel(frame, Columns(time=("t",), targets=("y",), statics=("c",)))
    pd.testing.assert_frame_equal(frame, before)
