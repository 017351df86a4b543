from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.calendar import Step
from rnnkit.data.times import clock_times, parse_times
from rnnkit.errors import DataError

UTC = dt.timezone.utc
TOKYO = dt.timezone(dt.timedelta(hours=9))


def place(row: int) -> str:
    return f"row {row}"


def parse(cells: Any, step: Step | None = None) -> list[str]:
    """The times, as text to the minute."""
    times, _ = parse_times(cells, column="t", place=place, step=step)
    assert times.dtype == "M8[ns]"
    return [str(time) for time in times.astype("M8[m]")]


def refusal(cells: Any) -> str:
    with pytest.raises(DataError) as caught:
        parse(cells)
    message = str(caught.value)
    assert "'t'" in message
    return message


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1949", "1949-01-01T00:00"),
        ("1949-02", "1949-02-01T00:00"),
        ("1949-2", "1949-02-01T00:00"),
        ("1949Q2", "1949-04-01T00:00"),
        ("1949-q2", "1949-04-01T00:00"),
        ("1949-02-03", "1949-02-03T00:00"),
        ("19490203", "1949-02-03T00:00"),
        (" 1949-2-3 5:06 ", "1949-02-03T05:06"),
        ("1949-02-03 05:06:00", "1949-02-03T05:06"),
        ("1949-02-03T05:06:00.000", "1949-02-03T05:06"),
        ("1949/02", "1949-02-01T00:00"),
        ("02/1949", "1949-02-01T00:00"),
        ("1949/2/3", "1949-02-03T00:00"),
        ("1949.2.3", "1949-02-03T00:00"),
        ("2/13/1949", "1949-02-13T00:00"),
        ("13/2/1949", "1949-02-13T00:00"),
        ("13.02.1949", "1949-02-13T00:00"),
        ("02-13-1949", "1949-02-13T00:00"),
        ("3/3/1949", "1949-03-03T00:00"),
        ("2/13/1949 5:06", "1949-02-13T05:06"),
        ("2/13/1949 5:06:00", "1949-02-13T05:06"),
        ("2/13/1949 5:06 PM", "1949-02-13T17:06"),
        ("2/13/1949 12:06:00 am", "1949-02-13T00:06"),
        ("Feb 1949", "1949-02-01T00:00"),
        ("Feb-1949", "1949-02-01T00:00"),
        ("3 Feb 1949", "1949-02-03T00:00"),
        ("3-Feb-1949 05:06", "1949-02-03T05:06"),
    ],
)
def test_texts(text: str, time: str) -> None:
    assert parse([text]) == [time]
    assert parse(pd.Series([text, text])) == [time, time]


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"])),
        pd.Series(np.array(["2020-01-01", "2020-01-02"], "M8[s]")),
        pd.Series([dt.date(2020, 1, 1), dt.date(2020, 1, 2)]),
        pd.Series([dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2)], dtype=object),
        pd.Series(pd.period_range("2020-01-01", periods=2, freq="D")),
        pd.Series(list(pd.period_range("2020-01-01", periods=2, freq="D")), dtype=object),
        pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"])).astype("timestamp[ns][pyarrow]"),
        pd.Series(["2020-01-01", "2020-01-02"], dtype="category"),
        pd.Series(["2020-01-01", "2020-01-02"], dtype="string"),
        pd.Series([20200101, 20200102]),
    ],
    ids=lambda cells: str(cells.dtype),
)
def test_columns(cells: Any) -> None:
    assert parse(cells) == ["2020-01-01T00:00", "2020-01-02T00:00"]


@pytest.mark.parametrize("dtype", ["int64", "Int64", "float64", "object"])
def test_years(dtype: str) -> None:
    cells = pd.Series([1949, 1950], dtype=dtype)
    assert parse(cells) == ["1949-01-01T00:00", "1950-01-01T00:00"]


def test_periods_stand_at_their_start() -> None:
    assert parse(pd.Series(pd.period_range("2020Q2", periods=1, freq="Q"))) == ["2020-04-01T00:00"]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["2020-01-01", "x"], "row 1 holds 'x'"),
        (["2020-01-01", "02.01.2020"], "row 1 holds '02.01.2020'"),
        (["2020-01-30", "2020-02-30"], "row 1 holds '2020-02-30'"),
        (["2020Q1", "2020Q5"], "row 1 holds '2020Q5'"),
        (["now", "today"], "row 0 holds 'now'"),
        (["1/13/20"], "row 0 holds '1/13/20'"),
        (["Feb-49"], "row 0 holds 'Feb-49'"),
        (["1", "2", "3"], "row 0 holds '1'"),
        (["1577836800"], "row 0 holds '1577836800'"),
        (["1600-01-01"], "the years 1678 to 2261, but row 0 holds '1600-01-01'"),
        (["2262-01-01"], "the years 1678 to 2261, but row 0 holds '2262-01-01'"),
        (["13/01/2020", "01/13/2020"], "row 0 holds '13/01/2020'; the rows agree neither"),
        (["2020-01-01", "", "NA"], "no value on row 1 (2 of 3 rows have none)"),
        (["", ""], "is empty"),
        (["2020-01-01 00:00+01:00", "2020-01-01 01:00"], "row 1 holds '2020-01-01 01:00'"),
        (["2020-01-01 00:00+01:00", "2020-01-01 00:00Z"], "from +01:00 to +00:00 on row 1"),
        (["2020-01-01 00:00", "2020-01-01 01:00Z"], "row 1 holds '2020-01-01 01:00Z'"),
        (pd.Series([1, 2, 3]), "row 0 holds '1'"),
        (pd.Series([1949.0, 1949.5]), "row 1 holds '1949.5'"),
        (pd.Series([1949.0, np.inf]), "row 1 holds 'inf'"),
        (pd.Series([True, False]), "row 0 holds True"),
        (pd.Series(["2020-01-01", 3]), "row 1 holds 3"),
        (pd.Series([dt.date(2020, 1, 1), "x"]), "row 1 holds 'x'"),
        (pd.Series([dt.date(1500, 1, 1)]), "row 0 holds 1500-01-01"),
        (pd.Series(np.array(["1500-01-01"], "M8[s]")), "row 0 holds '1500-01-01"),
        (pd.Series(pd.period_range("1500", periods=1, freq="Y")), "row 0 holds 1500"),
        (pd.Series(pd.to_datetime(["2020-01-01", None])), "no value on row 1"),
        (
            pd.Series([dt.datetime(2020, 1, 1, tzinfo=UTC), dt.datetime(2020, 1, 2)], dtype=object),
            "row 1 holds 2020-01-02 00:00:00; all rows need a UTC offset, or none",
        ),
        (
            pd.Series(pd.date_range("2020-03-28", periods=3, tz="Europe/Berlin")),
            "from +01:00 to +02:00 on row 2",
        ),
    ],
)
def test_refusals(cells: Any, reason: str) -> None:
    assert reason in refusal(cells)


@pytest.mark.parametrize(
    ("cells", "offset"),
    [
        (["2020-01-01"], ""),
        (["2020-01-01T00:00:00Z"], "+00:00"),
        (["2020-01-01 00:00 UTC"], "+00:00"),
        (["2020-01-01 00:00:00.5+0900"], "+09:00"),
        (["2020-01-01 00:00-03:30"], "-03:30"),
        (["2020-01-01 00:00+09"], "+09:00"),
        (pd.Series(pd.to_datetime(["2020-01-01"]).tz_localize("Europe/Berlin")), "+01:00"),
        (pd.Series([dt.datetime(2020, 1, 1, tzinfo=TOKYO)], dtype=object), "+09:00"),
    ],
)
def test_offset_is_told_and_its_clock_kept(cells: Any, offset: str) -> None:
    times, told = parse_times(cells, column="t", place=place)
    assert told == offset
    assert times.astype("M8[D]") == np.datetime64("2020-01-01")


class TestMonthOrDayFirst:
    """Dates such as 3/4/2020."""

    def days(self, start: str, freq: str, count: int, form: str) -> list[str]:
        return list(pd.date_range(start, periods=count, freq=freq).strftime(form))

    @pytest.mark.parametrize("form", ["%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y"])
    @pytest.mark.parametrize(("freq", "count"), [("D", 20), ("MS", 15), ("ME", 4), ("B", 30)])
    def test_the_only_regular_reading_is_taken(self, form: str, freq: str, count: int) -> None:
        expected = pd.date_range("2020-01-01", periods=count, freq=freq)
        texts = self.days("2020-01-01", freq, count, form)
        assert parse(texts) == [str(day) for day in expected.to_numpy("M8[m]")]

    @pytest.mark.parametrize(("freq", "count"), [("D", 10), ("MS", 10), ("5D", 3)])
    def test_two_regular_readings_are_refused(self, freq: str, count: int) -> None:
        texts = self.days("2020-01-02" if freq != "MS" else "2020-01-01", freq, count, "%m/%d/%Y")
        assert "month first and day first" in refusal(texts)

    def test_two_irregular_readings_are_refused(self) -> None:
        assert "month first and day first" in refusal(["01/02/2020", "02/02/2020", "04/02/2020"])

    def test_a_known_step_decides(self) -> None:
        texts = self.days("2020-01-01", "D", 5, "%d/%m/%Y")
        days = parse(texts, step=Step("nanosecond", 86_400 * 10**9))
        assert days[-1] == "2020-01-05T00:00"
        months = parse(texts, step=Step("month", 1, day=1))
        assert months[-1] == "2020-05-01T00:00"

    def test_the_only_ascending_reading_is_left_to_be_refused(self) -> None:
        texts = ["01/12/2020", "02/01/2020", "02/03/2020"]
        assert parse(texts) == ["2020-01-12T00:00", "2020-02-01T00:00", "2020-02-03T00:00"]

    def test_the_only_descending_reading(self) -> None:
        texts = ["02/03/2020", "02/01/2020", "01/12/2020"]
        assert parse(texts) == ["2020-02-03T00:00", "2020-02-01T00:00", "2020-01-12T00:00"]

    def test_few_gaps_decide(self) -> None:
        months = self.days("2020-01-01", "MS", 24, "%d/%m/%Y")
        del months[5]
        expected = pd.date_range("2020-01-01", periods=24, freq="MS").delete(5)
        assert parse(months) == [str(day) for day in expected.to_numpy("M8[m]")]

    def test_the_order_of_the_rows_does_not_matter(self) -> None:
        months = self.days("2020-01-01", "MS", 15, "%m/%d/%Y")
        turned = parse(months[::-1])
        assert turned == parse(months)[::-1]
        mixed = [months[row] for row in (3, 14, 0, 7, 1, 13, 5, 2, 12, 4, 6, 8, 11, 9, 10)]
        assert sorted(parse(mixed)) == parse(months)

    def test_rows_of_many_series(self) -> None:
        texts = ["05/01/2020", "07/01/2020", "12/02/2020"]
        series = np.array([0, 1, 0])
        # Month first: in order within both series. Day first: 2020-01-05, 2020-02-12; also.
        with pytest.raises(DataError, match="month first and day first"):
            clock_times(texts, column="t", place=place, series=series)
        texts = ["01/12/2020", "02/01/2020", "02/03/2020", "01/12/2020", "02/01/2020"]
        series = np.array([4, 4, 4, 9, 9])
        times, _ = clock_times(texts, column="t", place=place, series=series)
        assert times[:3].astype("M8[D]").astype(str).tolist() == [
            "2020-01-12",
            "2020-02-01",
            "2020-02-03",
        ]

    def test_the_day_of_a_known_step_of_months_does_not_count(self) -> None:
        texts = ["05/01/2020", "05/02/2020", "05/03/2020"]
        times, _ = clock_times(texts, column="t", place=place, step=Step("month", 1, day=1))
        assert times.astype("M8[D]").astype(str).tolist() == [
            "2020-01-05",
            "2020-02-05",
            "2020-03-05",
        ]


class TestOffsets:
    """Each row's own offset from UTC."""

    HOUR = 3600 * 10**9

    @pytest.mark.parametrize(
        "cells",
        [
            ["2020-03-29 01:00+01:00", "2020-03-29 03:00+02:00"],
            ["2020-03-29T01:00+01", "2020-03-29T03:00+0200"],
            pd.Series(
                pd.to_datetime(["2020-03-29 01:00", "2020-03-29 03:00"]).tz_localize(
                    "Europe/Berlin"
                )
            ),
            pd.Series(
                [
                    dt.datetime(2020, 3, 29, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
                    dt.datetime(2020, 3, 29, 3, tzinfo=dt.timezone(dt.timedelta(hours=2))),
                ],
                dtype=object,
            ),
        ],
    )
    def test_of_each_row(self, cells: Any) -> None:
        times, offsets = clock_times(cells, column="t", place=place)
        assert times.dtype == "M8[ns]"
        assert times.astype("M8[h]").astype(str).tolist() == ["2020-03-29T01", "2020-03-29T03"]
        assert offsets is not None
        assert offsets.tolist() == [self.HOUR, 2 * self.HOUR]

    def test_west_of_greenwich(self) -> None:
        cells = ["2020-01-01 00:00-03:30", "2020-01-01 01:00Z", "2020-01-01 02:00 UTC"]
        _, offsets = clock_times(cells, column="t", place=place)
        assert offsets is not None
        assert offsets.tolist() == [-3.5 * self.HOUR, 0, 0]

    def test_none(self) -> None:
        assert clock_times(["2020-01-01"], column="t", place=place)[1] is None


def test_repeated_texts_name_their_first_row() -> None:
    with pytest.raises(DataError, match="row 2 holds '2020-02-30'"):
        parse(["2020-01-01", "2020-01-01", "2020-02-30", "2020-01-01", "2020-02-30"])
    with pytest.raises(DataError, match=r"no value on row 1 \(2 of 4 rows have none\)"):
        parse(["2020-01-01", "", "2020-01-02", ""])
