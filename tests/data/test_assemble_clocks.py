"""UTC offsets, time zones and times in several columns."""

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


def read(times: Any, y: Any = None, *, like: Panel | None = None, **options: Any) -> Panel:
    cells = {"s": options.pop("s")} if "s" in options else {}
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


class TestOffsets:
    def test_one_offset_stays(self) -> None:
        times = [f"2020-01-01 {hour:02}:00+09:00" for hour in (0, 1, 2)]
        panel = read(times)
        assert panel.clock is not None
        assert (panel.clock.offset, panel.clock.zone) == ("+09:00", "")
        assert shown(panel)[0] == "2020-01-01"
        assert notes(panel) == []

    def test_of_changing_offsets_that_of_the_oldest_row_is_kept(self) -> None:
        index = pd.date_range("2020-03-28 22:00", periods=5, freq="h", tz="UTC")
        times = [time.isoformat(sep=" ") for time in index.tz_convert("Europe/Berlin")]
        for rows in (times, times[::-1], [*times[2:], *times[:2]]):
            panel = read(rows)
            assert shown(panel)[:2] == ["2020-03-28 23:00", "2020-03-29"]
            assert shown(panel)[-1] == "2020-03-29 03:00"
            assert panel.clock is not None
            assert panel.clock.step == HOUR
            assert panel.clock.offset == "+01:00"
            assert (
                "The UTC offset in t changes, such as from +01:00 to +02:00: all times are on the "
                "clock of +01:00, that of the oldest row."
            ) in notes(panel)

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
        assert shown(read(["2020-03-29 05:00+02:00"], like=utc)) == ["2020-03-29 04:00"]
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
            (
                {"day": ["2020-02-13"], "time": ["7:30"]},
                "2020-02-13 07:30",
                "day as the date, time",
            ),
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
            ({"day": ["2020-01-01"], "minute": [1]}, "make no time together"),
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
