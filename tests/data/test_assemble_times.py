"""Order, doubled and missing times, steps, time zones and times in several columns."""

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
                ["2020-01-04", *pd.bdate_range("2020-01-06", periods=14).strftime("%Y-%m-%d")],
                "row 0 of the frame is at 2020-01-04 where 2020-01-03 was expected (2 of 15",
            ),
        ],
    )
    def test_off_the_grid(self, times: list[str], reason: str) -> None:
        assert reason in refusal(times)

    def test_rows_are_named_as_they_stand_in_the_table(self) -> None:
        times = ["2020-01-01 03:10", "2020-01-01 02:00", "2020-01-01 01:00", "2020-01-01 00:00"]
        assert refusal(times).startswith("row 0 of the frame is at 2020-01-01 03:10:00")


class TestOffsets:
    def test_one_offset_stays(self) -> None:
        times = [f"2020-01-01 {hour:02}:00+09:00" for hour in (0, 1, 2)]
        panel = read(times)
        assert panel.clock is not None
        assert (panel.clock.offset, panel.clock.zone) == ("+09:00", "")
        assert shown(panel)[0] == "2020-01-01"
        assert notes(panel) == []

    def test_changing_offsets_lead_to_utc(self) -> None:
        index = pd.date_range("2020-03-28 22:00", periods=5, freq="h", tz="UTC")
        times = [time.isoformat(sep=" ") for time in index.tz_convert("Europe/Berlin")]
        panel = read(times)
        assert shown(panel)[:2] == ["2020-03-28 22:00", "2020-03-28 23:00"]
        assert panel.clock is not None
        assert panel.clock.step == HOUR
        assert panel.clock.offset == "+00:00"
        assert notes(panel) == [
            "The UTC offset in t changes, such as from +01:00 to +02:00: the times were converted "
            "to UTC."
        ]

    def test_days_stay_local(self) -> None:
        days = pd.date_range("2020-03-27", periods=5, tz="Europe/Berlin")
        panel = read(days)
        assert shown(panel) == [f"2020-03-{day}" for day in (27, 28, 29, 30, 31)]
        assert panel.clock is not None
        assert (panel.clock.step, panel.clock.offset) == (DAY, "")
        assert "the days are those of the clock as written" in notes(panel)[0]

    def test_like_known_rows(self) -> None:
        known = read([f"2020-01-01 {hour:02}:00+09:00" for hour in (0, 1, 2)])
        panel = read(["2019-12-31 18:00+00:00", "2019-12-31 20:00+01:00"], like=known)
        assert shown(panel) == ["2020-01-01 03:00", "2020-01-01 04:00"]
        assert panel.clock == known.clock
        message = refusal(["2020-01-01 03:00"], like=known)
        assert message == (
            "column 't' tells no UTC offset, unlike the times of the known rows; write all times "
            "alike"
        )
        utc = read(["2020-03-29 01:00+01:00", "2020-03-29 03:00+02:00", "2020-03-29 02:00Z"])
        assert shown(read(["2020-03-29 05:00+02:00"], like=utc)) == ["2020-03-29 03:00"]
        naive = read(["2020-01-01 00:00", "2020-01-01 01:00", "2020-01-01 02:00"])
        assert "tells a UTC offset" in refusal(["2020-01-01 03:00Z"], like=naive)

    def test_days_like_known_days(self) -> None:
        winter = read(pd.date_range("2020-03-24", periods=5, tz="Europe/Berlin"))
        summer = read(pd.date_range("2020-03-29", periods=3, tz="Europe/Berlin"), like=winter)
        assert shown(summer) == ["2020-03-29", "2020-03-30", "2020-03-31"]
        assert summer.clock == winter.clock


class TestTimeZones:
    BERLIN = "Europe/Berlin"

    def local(self, start: str, count: int, freq: str = "h") -> list[str]:
        index = pd.date_range(start, periods=count, freq=freq, tz="UTC")
        return [str(time)[:16] for time in index.tz_convert(self.BERLIN)]

    @pytest.mark.parametrize("freq", ["h", "15min"])
    @pytest.mark.parametrize("turned", [False, True])
    @pytest.mark.parametrize("start", ["2019-10-26 22:00", "2020-03-28 22:00"])
    def test_hours_that_are_repeated_or_skipped(self, freq: str, turned: bool, start: str) -> None:
        times = self.local(start, 40, freq)
        y = list(range(40))
        if turned:
            times, y = times[::-1], y[::-1]
        panel = read(times, y, time_zone=self.BERLIN)
        expected = pd.date_range(start, periods=40, freq=freq).to_numpy()
        np.testing.assert_array_equal(panel.times, expected)
        assert panel.values[:, 0].tolist() == list(range(40))
        assert panel.clock is not None
        assert (panel.clock.zone, panel.clock.offset) == (self.BERLIN, "")
        if start.startswith("2019"):
            count = {"h": 2, "15min": 8}[freq]
            assert (
                "Times that the clock of Europe/Berlin shows twice as summer time ends, told apart "
                f"by their order: {count}." in notes(panel)
            )
        else:
            assert not any("twice" in note for note in notes(panel))

    def test_many_series(self) -> None:
        times = self.local("2019-10-26 23:00", 4)  # 01:00, 02:00, 02:00, 03:00
        mixed = [time for time in times for _ in range(2)]
        panel = read(mixed, s=list("abababab"), series_id="s", time_zone=self.BERLIN)
        assert panel.times is not None
        assert shown(panel)[:4] == shown(panel)[4:]
        assert shown(panel)[1:3] == ["2019-10-27", "2019-10-27 01:00"]
        assert panel.values[:, 0].tolist() == [10, 12, 14, 16, 11, 13, 15, 17]

    def test_an_hour_that_stands_once_is_summer_time(self) -> None:
        times = self.local("2019-10-26 22:00", 8)
        del times[3]
        panel = read(times, time_zone=self.BERLIN)
        assert np.isnan(panel.values[:, 0]).nonzero()[0].tolist() == [3]

    def test_two_autumns(self) -> None:
        times = [*self.local("2018-10-28 00:00", 2), *self.local("2018-10-28 02:00", 3)]
        later = self.local("2019-10-27 00:00", 5)
        first = read(times, time_zone=self.BERLIN)
        second = read(later, time_zone=self.BERLIN, like=first)
        assert shown(first)[:2] == ["2018-10-28", "2018-10-28 01:00"]
        assert shown(second)[:2] == ["2019-10-27", "2019-10-27 01:00"]

    def test_rows_out_of_order_do_not_tell_which_hour_came_first(self) -> None:
        times = self.local("2019-10-26 22:00", 6)
        mixed = [times[row] for row in (5, 0, 2, 3, 1, 4)]
        assert refusal(mixed, time_zone=self.BERLIN) == (
            "row 2 of the frame and row 3 of the frame are both at 2019-10-27 02:00:00, which the "
            "clock of Europe/Berlin shows twice, and rows out of order do not tell which came "
            "first; sort the rows, or write the times with their UTC offset"
        )
        once = [times[row] for row in (5, 0, 4, 1, 2)]
        assert len(read(once, time_zone=self.BERLIN).values) == 6

    def test_a_time_that_the_clock_skips(self) -> None:
        times = ["2020-03-29 00:00", "2020-03-29 01:00", "2020-03-29 02:00", "2020-03-29 03:00"]
        assert refusal(times, time_zone=self.BERLIN) == (
            "row 2 of the frame is at 2020-03-29 02:00:00, which the clock of Europe/Berlin skips "
            "as summer time begins (rows at such times: 1); correct them, or leave time_zone out"
        )

    @pytest.mark.parametrize(
        "times",
        [
            pd.date_range("2020-03-27", periods=5).strftime("%Y-%m-%d"),
            ["2020-02", "2020-03", "2020-04"],
            ["2020-03-27 02:30", "2020-03-28 02:30", "2020-03-29 02:30", "2020-03-30 02:30"],
        ],
    )
    def test_days_stay_local(self, times: Any) -> None:
        panel = read(times, time_zone=self.BERLIN)
        assert shown(panel) == shown(read(times))
        assert panel.clock is not None
        assert panel.clock.zone == self.BERLIN
        assert notes(panel) == []

    def test_offsets_tell_more_than_the_zone(self) -> None:
        times = ["2019-10-27 02:00+02:00", "2019-10-27 02:00+01:00", "2019-10-27 03:00+01:00"]
        panel = read(times, time_zone=self.BERLIN)
        assert shown(panel) == ["2019-10-27", "2019-10-27 01:00", "2019-10-27 02:00"]

    def test_unknown(self) -> None:
        for zone in ("Europe/Berlim", "", "../etc"):
            with pytest.raises(ConfigError, match="time_zone must be a zone such as"):
                read(["2020-01-01"], step="hour", time_zone=zone)

    def test_other_than_that_of_the_known_rows(self) -> None:
        known = read(self.local("2020-01-01", 3), time_zone=self.BERLIN)
        with pytest.raises(ConfigError, match="time_zone must be Europe/Berlin, as it was"):
            read(self.local("2020-01-02", 3), like=known)
        plain = read(self.local("2020-01-01", 3))
        with pytest.raises(ConfigError, match="time_zone must be left out, as it was"):
            read(self.local("2020-01-02", 3), like=plain, time_zone=self.BERLIN)


class TestParts:
    """Times in several columns."""

    def parts(self, **cells: Any) -> Panel:
        frame = pd.DataFrame(cells)
        names = tuple(cells)
        frame["y"] = range(10, 10 + len(frame))
        return read_panel(frame, Columns(time=names, targets=("y",), step="hour"))

    def refused(self, **cells: Any) -> str:
        with pytest.raises(DataError) as caught:
            self.parts(**cells)
        return str(caught.value)

    @pytest.mark.parametrize(
        ("cells", "time", "said"),
        [
            ({"year": [2020], "month": [2]}, "2020-02-01", "year, month"),
            ({"Month": ["02"], "YEAR": ["2020"]}, "2020-02-01", "YEAR, Month"),
            ({"year": [2020], "month": [2], "day": [29]}, "2020-02-29", "year, month, day"),
            ({"hr": [5], "dd": [3], "yr": [2020], "mnth": [2]}, "2020-02-03 05:00", None),
            ({"년": [2020], "월": [2], "일": [3], "시": [4], "분": [5]}, "2020-02-03 04:05", None),
            (
                {"year": [2020], "month": [2], "day": [3], "hour": [4], "minute": [5], "sec": [0]},
                "2020-02-03 04:05",
                "year, month, day, hour, minute, sec as the second",
            ),
            (
                {"a": ["2020"], "b": ["2.0"], "c": ["3"], "d": ["4"]},
                "2020-02-03 04:00",
                "a as the year, b as the month, c as the day, d as the hour",
            ),
            ({"Date": ["13/02/2020"], "Time": ["18.00.00"]}, "2020-02-13 18:00", "Date, Time"),
            ({"Time": ["6:05 PM"], "Date": ["2020-02-13"]}, "2020-02-13 18:05", "Date, Time"),
            ({"date": [20200213], "time": ["12:30 am"]}, "2020-02-13 00:30", None),
            ({"날짜": ["2020.2.13"], "시간": ["07:00:00.000"]}, "2020-02-13 07:00", None),
            ({"date": ["2020-02-13"], "hour": [7], "min": [30]}, "2020-02-13 07:30", None),
            ({"date": pd.to_datetime(["2020-02-13"]), "time": [24]}, "2020-02-14", None),
            ({"d": ["2020-02-13"], "t": ["24:00"]}, "2020-02-14", "d as the date, t as the time"),
            ({"d": [20200213], "t": ["7:45"]}, "2020-02-13 07:45", None),
        ],
    )
    def test_readings(self, cells: dict[str, Any], time: str, said: str | None) -> None:
        panel = self.parts(**cells)
        assert shown(panel) == [time]
        assert panel.clock is not None
        assert panel.clock.names == tuple(cells)
        if said is not None:
            assert notes(panel) == [f"The time is put together from {said}."]

    def test_hours_1_to_24(self) -> None:
        panel = self.parts(
            year=[2019] * 2 + [2020] * 2,
            month=[12] * 2 + [1] * 2,
            day=[31, 31, 1, 1],
            hour=[23, 24, 1, 2],
        )
        assert shown(panel)[:2] == ["2019-12-31 23:00", "2020-01-01"]
        assert len(panel.values) == 4

    @pytest.mark.parametrize(
        ("cells", "reason"),
        [
            (
                {"year": [2020, 2020], "month": [2, 13]},
                "column 'month', the month, must hold whole numbers from 1 to 12, but row 1 of the "
                "frame holds 13",
            ),
            (
                {"year": [2020, 2020], "month": [2, 2], "day": [29, 30]},
                "column 'day', the day, must hold days of the month 2020-02, but row 1 of the frame"
                " holds 30",
            ),
            ({"year": [2020, 20], "month": [1, 1]}, "from 1678 to 2261, but row 1"),
            ({"year": [2020, 2020], "month": [1, 1.5]}, "whole numbers from 1 to 12, but row 1"),
            ({"year": [2020, 2020], "month": ["1", "x"]}, "must hold numbers, but row 1"),
            ({"year": [2020, None], "month": [1, 1]}, "no value on row 1 of the frame"),
            (
                {"year": [2020], "month": [1], "day": [1], "hour": [25]},
                "column 'hour', the hour, must hold whole numbers from 0 to 24, but row 0",
            ),
            (
                {"year": [2020], "month": [1], "day": [1], "hour": [24], "minute": [1]},
                "column 'minute', the minute, must hold 0 where the hour is 24, but row 0",
            ),
            ({"date": ["2020-01-01", "2020-01-02"], "time": ["1:00", "25:00"]}, "but row 1"),
            ({"date": ["2020-01-01"], "time": ["1:60"]}, "times of the day such as 15:00"),
            ({"date": ["2020-01-01"], "time": ["13:00 PM"]}, "times of the day such as 15:00"),
            ({"date": ["2020-01-01"], "time": [""]}, "is empty"),
            (
                {"date": ["2020-01-01 01:00"], "hour": [1]},
                "column 'date', the date, must hold dates without a time of the day, but row 0",
            ),
            ({"year": [2020], "day": [1]}, "'year', 'day' make no time together"),
            ({"month": [1], "day": [1]}, "make no time together"),
            ({"year": [2020], "month": [1], "hour": [1]}, "make no time together"),
            ({"date": ["2020-01-01"], "minute": [1]}, "make no time together"),
            ({"date": ["2020-01-01"], "time": ["1:00"], "hour": [1]}, "make no time together"),
            ({"a": ["2020-01-01"], "b": ["1:00"], "c": [1]}, "make no time together"),
        ],
    )
    def test_refusals(self, cells: dict[str, Any], reason: str) -> None:
        assert reason in self.refused(**cells)

    def test_a_zone(self) -> None:
        frame = pd.DataFrame({"date": ["2019-10-27"] * 5, "hr": [0, 1, 2, 2, 3], "y": range(5)})
        columns = Columns(time=("date", "hr"), targets=("y",), time_zone="Europe/Berlin")
        panel = read_panel(frame, columns)
        assert shown(panel)[2:4] == ["2019-10-27", "2019-10-27 01:00"]
