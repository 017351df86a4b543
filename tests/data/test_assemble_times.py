"""Order, doubled and missing times, and steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.assemble import read_panel
from rnnkit.data.calendar import Step
from rnnkit.data.columns import Columns
from rnnkit.data.panel import Panel
from rnnkit.errors import ConfigError, DataError

NAN = np.nan
HOUR = Step("nanosecond", 3600 * 10**9)
DAY = Step("nanosecond", 86_400 * 10**9)
WEEK = Step("nanosecond", 7 * 86_400 * 10**9)


def read(times: Any, y: Any = None, *, like: Panel | None = None, **options: Any) -> Panel:
    cells = {name: options.pop(name) for name in ("s", "x", "note") if name in options}
    y = range(10, 10 + len(times)) if y is None else y
    frame = pd.DataFrame({"t": times, "y": y, **cells})
    return read_panel(frame, Columns(time=("t",), targets=("y",), **options), like=like)


def refusal(times: Any, y: Any = None, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(times, y, **options)
    return str(caught.value)


def shown(panel: Panel) -> list[str]:
    assert panel.times is not None
    return [str(pd.Timestamp(time))[:16].removesuffix(" 00:00") for time in panel.times]


def notes(panel: Panel) -> list[str]:
    return [str(note) for note in panel.notes]


class TestOrder:
    def test_newest_first(self) -> None:
        panel = read(["2020-03", "2020-02", "2020-01"], [3, 2, 1])
        assert panel.values[:, 0].tolist() == [1, 2, 3]
        assert notes(panel) == ["The rows are newest first and were turned round."]

    def test_newest_first_in_every_series(self) -> None:
        times = ["2020-03", "2020-03", "2020-02", "2020-02", "2020-01"]
        panel = read(times, [5, 40, 4, 30, 3], s=list("ababa"), series_id="s")
        assert panel.values[:, 0].tolist() == [3, 4, 5, 30, 40]
        assert panel.ticks.tolist() == [0, 1]
        assert notes(panel) == ["The rows are newest first and were turned round."]

    def test_unsorted(self) -> None:
        times = ["2020-01", "2020-03", "2020-02", "2020-05", "2020-04", "2020-06"]
        panel = read(times, [1, 3, 2, 5, 4, 6])
        assert panel.values[:, 0].tolist() == [1, 2, 3, 4, 5, 6]
        assert notes(panel) == [
            "The rows were sorted by time; earlier than the row above them: 2 of 6."
        ]

    def test_rows_of_series_may_be_mixed(self) -> None:
        times = ["2020-02", "2020-01", "2020-03", "2020-02", "2020-04", "2020-03"]
        panel = read(times, [2, 10, 3, 20, 4, 30], s=list("ababab"), series_id="s")
        assert panel.values[:, 0].tolist() == [2, 3, 4, 10, 20, 30]
        assert panel.ticks.tolist() == [1, 0]
        assert notes(panel) == []

    @pytest.mark.parametrize(
        ("order", "times", "pair"),
        [
            ("oldest-first", ["2020-01", "2020-03", "2020-02"], (2, 1)),
            ("newest-first", ["2020-03", "2020-01", "2020-02"], (2, 1)),
            ("newest-first", ["2020-01", "2020-02", "2020-03"], (1, 0)),
        ],
    )
    def test_that_contradicts_the_one_given(
        self, order: str, times: list[str], pair: tuple[int, int]
    ) -> None:
        row, above = pair
        assert refusal(times, order=order) == (
            f"order is {order}, but row {row} of the frame is at {times[row]}-01 and row {above} of"
            f" the frame above it at {times[above]}-01; leave order out to have the rows sorted"
        )

    def test_that_agrees_with_the_one_given(self) -> None:
        times = ["2020-03", "2020-02", "2020-01"]
        assert read(times, [3, 2, 1], order="newest-first").values[:, 0].tolist() == [1, 2, 3]
        assert read(times[::-1], [1, 2, 3], order="oldest-first").values[0, 0] == 1


class TestDoubledTimes:
    TIMES = ("2020-01-01", "2020-01-02", "2020-01-02", "2020-01-03", "2020-01-02")

    def test_equal_rows_count_once(self) -> None:
        panel = read(self.TIMES, [1, NAN, NAN, 3, NAN], x=list("abbcb"), covariates=("x",))
        np.testing.assert_array_equal(panel.values[:, 0], [1, NAN, 3])
        assert panel.codes[:, 0].tolist() == [0, 1, 2]
        assert (
            "Left out, since they repeat a row of the same time in every column that is read: 2 of "
            "5 rows." in notes(panel)
        )

    def test_columns_that_are_not_read_may_differ(self) -> None:
        assert len(read(self.TIMES, [1, 2, 2, 3, 2], note=list("abcde")).values) == 3

    @pytest.mark.parametrize("cells", [{"y": [1, 2, 3, 4, 2]}, {"x": [1, 2, NAN, 4, 2]}])
    def test_different_rows_are_refused(self, cells: dict[str, Any]) -> None:
        y = cells.pop("y", [1, 2, 2, 4, 2])
        message = refusal(self.TIMES, y, covariates=("x",), x=cells.pop("x", [1, 2, 2, 4, 2]))
        assert message == (
            "row 1 of the frame and row 2 of the frame are both at 2020-01-02 but differ (rows "
            "that repeat a time: 2); each time may stand only once in a series: correct or remove "
            "one of the rows"
        )

    def test_other_series_may_have_the_same_times(self) -> None:
        times = ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-01"]
        assert read(times, s=list("aaab"), series_id="s").ids == ("a", "b")
        message = refusal([*times, times[0]], s=list("aaabb"), series_id="s")
        assert "both at 2020-01-01 in series 'b' but differ (rows that repeat a time: 1)" in message

    def test_a_column_that_seems_to_name_the_series_is_proposed(self) -> None:
        times = ["2020-01-01", "2020-01-02", "2020-01-03"] * 2
        message = refusal(times, note=list("aaabbb"), s=[7, 7, 7, 7, 7, 7])
        assert message.endswith("; if column 'note' names the series, give it as the series")
        message = refusal(times, note=list("aaaaaa"), s=[7, 7, 7, 8, 8, 8])
        assert message.endswith("; if column 's' names the series, give it as the series")
        message = refusal(times, note=list("aaabab"), s=[7.5, 7.5, 7.5, 8, 8, 8])
        assert message.endswith("correct or remove one of the rows")

    def test_summer_time_is_proposed(self) -> None:
        times = pd.date_range("2019-10-27 00:00", periods=6, freq="h").strftime("%Y-%m-%d %H:%M")
        message = refusal([*times[:3], *times[2:]])
        assert message.endswith(
            "(rows that repeat a time: 1); these seem to be the hours that are repeated as summer "
            "time ends: give the time zone, such as Europe/Berlin"
        )
        message = refusal([*times[:3], *times[2:], times[5]])
        assert "time zone" not in message


class TestSteps:
    @pytest.mark.parametrize(
        ("step", "times"),
        [
            (HOUR, ["2020-01-01 00:00", "2020-01-01 01:00", "2020-01-01 02:00"]),
            (DAY, ["2020-01-02", "2020-01-03", "2020-01-04"]),
            (WEEK, ["2020-01-02", "2020-01-09", "2020-01-16"]),
            (Step("business day", 1), ["2020-01-02", "2020-01-03", "2020-01-06"]),
            (Step("month", 1, day=1), ["2020-01", "2020-02", "2020-03"]),
            (Step("month", 1, day=31), ["2020-01-31", "2020-02-29", "2020-03-31"]),
            (Step("month", 1, day=30), ["2020-01-30", "2020-02-29", "2020-03-30"]),
            (Step("month", 3, day=1), ["2020Q1", "2020Q2", "2020Q3"]),
            (Step("month", 12, day=1), ["2020", "2021", "2022"]),
        ],
    )
    def test_inferred(self, step: Step, times: list[str]) -> None:
        panel = read(times)
        assert panel.clock is not None
        assert panel.clock.step == step
        assert panel.clock.names == ("t",)
        assert notes(panel) == []

    def test_of_all_series_together(self) -> None:
        # Series a alone would be every two days.
        times = ["2020-01-01", "2020-01-03", "2020-01-05", *pd.date_range("2020-01-02", periods=5)]
        panel = read(pd.to_datetime(times), s=list("aaabbbbb"), series_id="s")
        assert panel.clock is not None
        assert panel.clock.step == DAY
        np.testing.assert_array_equal(panel.values[:5, 0], [10, NAN, 11, NAN, 12])
        assert panel.ticks.tolist() == [0, 1]

    def test_from_one_series_to_the_next_is_no_step(self) -> None:
        times = [f"2020-01-{day:02}" for day in (1, 4, 7, 10, 13, 14, 15)]
        panel = read(times, s=list("abcdeee"), series_id="s")
        assert panel.clock is not None
        assert panel.clock.step == DAY
        assert panel.ticks.tolist() == [0, 3, 6, 9, 12]

    @pytest.mark.parametrize(
        ("words", "step"),
        [
            ("hour", HOUR),
            ("60 minutes", HOUR),
            ("Day", DAY),
            ("2 days", Step("nanosecond", 2 * 86_400 * 10**9)),
            ("business day", Step("business day", 1)),
            ("month", Step("month", 1, day=29)),
            ("quarter", Step("month", 3, day=29)),
        ],
    )
    def test_given_for_rows_too_few(self, words: str, step: Step) -> None:
        panel = read(["2020-01-29"], step=words)
        assert panel.clock is not None
        if step.kind == "month":
            assert (panel.clock.step.kind, panel.clock.step.count) == ("month", step.count)
        else:
            assert panel.clock.step == step

    def test_given_month_ends(self) -> None:
        panel = read(["2020-01-31", "2020-02-29"], step="month")
        assert panel.clock is not None
        assert panel.clock.step == Step("month", 1, day=31)

    @pytest.mark.parametrize("words", ["fortnight", "0 hours", "-1 day", "1.5 hours", "", "2"])
    def test_unknown(self, words: str) -> None:
        with pytest.raises(ConfigError, match="step must be words such as hour"):
            read(["2020-01-01"], step=words)

    def test_ages(self) -> None:
        for times, ids in (
            (["1700", "1701", "2200"], list("aaa")),
            (["1700-01-01", "1700-01-02", "1700-01-03", "2200-01-01"], list("aaab")),
        ):
            message = refusal(times, s=ids, series_id="s")
            assert message == (
                f"the times of the years {times[-2][:4]} and 2200 are too far apart to count the "
                "steps between them; leave out the rows of one of them"
            )
        years = [str(year) for year in range(1700, 2150)]
        assert len(read([*years, "2150"], s=["a"] * 450 + ["b"], series_id="s").values) == 451

    def test_too_few_rows(self) -> None:
        assert refusal(["2020-01-01", "2020-01-02", "2020-01-02"], [1, 2, 2]) == (
            "the frame has 2 rows, but at least 3 are needed to see the step of its times; give "
            "more rows, or the step"
        )
        message = refusal(["2020-01-01", "2020-01-02"] * 2, s=list("aabb"), series_id="s")
        assert "the frame has 2 rows in a series, but at least 3" in message

    def test_a_short_series_among_longer_ones(self) -> None:
        times = ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-08"]
        panel = read(times, s=list("aaab"), series_id="s")
        assert panel.ticks.tolist() == [0, 7]
        assert np.diff(panel.starts).tolist() == [3, 1]


class TestMissingTimes:
    def test_one_series(self) -> None:
        times = ["2020-01-31", "2020-02-29", "2020-05-31", "2020-06-30", "2020-08-31"]
        panel = read(times, x=[1, 2, 3, 4, 5], covariates=("x",))
        assert shown(panel)[1:5] == ["2020-02-29", "2020-03-31", "2020-04-30", "2020-05-31"]
        expected = [10, 11, NAN, NAN, 12, 13, NAN, 14]
        np.testing.assert_array_equal(panel.values[:, 0], expected)
        np.testing.assert_array_equal(panel.numbers[:, 0], [1, 2, NAN, NAN, 3, 4, NAN, 5])
        assert panel.known.tolist() == [8]
        assert notes(panel) == [
            "Missing times: 3 of 8, the first 2020-03-31; rows without a value stand in for them."
        ]

    def test_statics_are_carried_into_them(self) -> None:
        times = ["2020-01-01", "2020-01-02", "2020-01-05", "2020-01-06"]
        panel = read(times, x=["u", "u", "u", ""], statics=("x",))
        assert panel.codes[:, 0].tolist() == [0] * 6

    def test_many_series(self) -> None:
        times = [f"2020-01-{day:02}" for day in (1, 2, 3, 4, 1, 2, 4, 7, 9, 10, 11, 13)]
        panel = read(times, s=list("aaaabbbbcccc"), series_id="s")
        assert np.diff(panel.starts).tolist() == [4, 7, 5]
        assert panel.ticks.tolist() == [0, 0, 8]
        np.testing.assert_array_equal(panel.values[4:11, 0], [14, 15, NAN, 16, NAN, NAN, 17])
        assert notes(panel) == [
            "Missing times: 4 of 16, in 2 of 3 series, the first 2020-01-03 in b; rows without a "
            "value stand in for them."
        ]

    def test_holidays(self) -> None:
        days = pd.bdate_range("2020-01-01", periods=40).delete([11])
        panel = read(days.strftime("%Y-%m-%d"))
        assert len(panel.values) == 40
        assert notes(panel) == [
            "Missing business days, as on holidays: 1 of 40, the first 2020-01-16; rows without a "
            "value stand in for them."
        ]

    def test_series_may_stand_on_different_days_of_the_week(self) -> None:
        mondays, wednesdays = ["2020-01-06", "2020-01-13", "2020-01-27"], ["2020-01-08"]
        wednesdays += ["2020-01-15", "2020-01-22"]
        panel = read([*mondays, *wednesdays], s=list("aaabbb"), series_id="s")
        assert panel.clock is not None
        assert panel.clock.step == WEEK
        assert panel.ticks.tolist() == [0, 0]
        assert shown(panel)[2] == "2020-01-20"
        later = ["2020-01-15", "2020-01-22", "2020-01-29"]
        assert read([*mondays, *later], s=list("aaabbb"), series_id="s").ticks.tolist() == [0, 1]

    def test_as_many_as_there_are_rows_but_no_more(self) -> None:
        times = ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-07"]
        assert len(read(times).values) == 7
        assert len(read([*times[:3], "2020-01-08"]).values) == 8
        assert refusal([*times[:3], "2020-01-09"]) == (
            "row 3 of the frame is at 2020-01-09 where 2020-01-04 was expected, one day after the "
            "row before it (5 rows are missing where 4 are given): bring the rows to a regular "
            "step, or leave the time out and give the order of the rows to count them instead"
        )

    @pytest.mark.parametrize(
        ("times", "reason"),
        [
            (
                ["2020-01-01 00:00", "2020-01-01 01:00", "2020-01-01 02:00", "2020-01-01 03:10"],
                "row 3 of the frame is at 2020-01-01 03:10:00 where 2020-01-01 03:00:00 was "
                "expected, one hour after the row before it (1 of 4 rows break the step)",
            ),
            (
                ["2020-01-01", "2020-02-01", "2020-03-01", "2020-04-02"],
                "is at 2020-04-02 where 2020-04-01 was expected, one month after",
            ),
            (
                [*pd.bdate_range("2020-01-06", periods=14).strftime("%Y-%m-%d"), "2020-01-25"],
                "is at 2020-01-25 where 2020-01-24 was expected, one business day after",
            ),
            (
                ["2020-01-04", *pd.bdate_range("2020-01-06", periods=28).strftime("%Y-%m-%d")],
                "row 0 of the frame is at 2020-01-04 where 2020-01-03 was expected (2 of 29",
            ),
        ],
    )
    def test_off_the_grid(self, times: list[str], reason: str) -> None:
        assert reason in refusal(times)

    def test_rows_are_named_as_they_stand_in_the_table(self) -> None:
        times = ["2020-01-01 03:10", "2020-01-01 02:00", "2020-01-01 01:00", "2020-01-01 00:00"]
        assert refusal(times).startswith("row 0 of the frame is at 2020-01-01 03:10:00")


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%Y-%m-%d"])
@pytest.mark.parametrize("newest_first", [False, True])
def test_days_and_months_exchanged_by_a_spreadsheet_are_refused(
    form: str, newest_first: bool
) -> None:
    swapped = form.replace("%m", "%x").replace("%d", "%m").replace("%x", "%d")
    days = pd.date_range("2021-01-01", periods=730)[:: -1 if newest_first else 1]
    times = [f"{day:{form if day.day > 12 else swapped}}" for day in days]
    message = refusal(times)
    assert (
        "the rows are out of order, but would be in order with day and month exchanged" in message
    )
    straight = [f"{day:{form}}" for day in days]
    assert read(straight).times is not None
    shuffled = [straight[row] for row in np.random.default_rng(0).permutation(730)]
    assert read(shuffled).times is not None
