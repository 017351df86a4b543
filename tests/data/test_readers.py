from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnkit.data.calendar import Step
from rnnkit.data.readers import Series, read_series
from rnnkit.errors import DataError

AIR = "Month,Passengers\n1949-01,112\n1949-02,118\n1949-03,132\n1949-04,129\n"
in_one_folder = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def write(folder: Path, text: str, name: str = "air.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def read(source: Any, *targets: str, step: Step | None = None) -> Series:
    return read_series(source, time="Month", targets=targets or ("Passengers",), step=step)


def refusal(source: Any, *targets: str) -> str:
    with pytest.raises(DataError) as caught:
        read(source, *targets)
    message = str(caught.value)
    assert "\n" not in message
    return message


def attempt(source: Any) -> Series | None:
    """The series, or `None` where it is refused in one line."""
    try:
        return read(source)
    except DataError:
        refusal(source)
        return None


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Month": ["1949-01", "1949-02", "1949-03"],
            "Passengers": [112, 118, 132],
            "Freight": [1.5, 2.5, 3.5],
        }
    )


def test_a_file(tmp_path: Path) -> None:
    series = read(write(tmp_path, AIR))
    assert series.values.dtype == np.float64
    assert series.values.tolist() == [[112], [118], [132], [129]]
    assert series.times.dtype == "M8[ns]"
    assert series.times[-1] == np.datetime64("1949-04-01")
    assert (series.targets, series.time_name, series.name) == (("Passengers",), "Month", "air")
    assert (series.step, series.offset) == (Step("month", 1, day=1), "")


def test_many_targets_in_the_order_asked_for(frame: pd.DataFrame) -> None:
    series = read(frame, "Freight", "Passengers")
    assert series.values.tolist() == [[1.5, 112], [2.5, 118], [3.5, 132]]
    assert series.targets == ("Freight", "Passengers")
    assert series.name == "data"


@pytest.mark.parametrize(
    ("name", "stem"),
    [("air.csv", "air"), ("air.v2.tsv", "air.v2"), ("air.v2.csv.xz", "air.v2"), ("air", "air")],
)
def test_name_is_the_stem(tmp_path: Path, frame: pd.DataFrame, name: str, stem: str) -> None:
    path = tmp_path / name
    frame.to_csv(path, index=False, sep="\t")
    assert read(str(path)).name == stem


def write_csv(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_csv(folder / "frame.csv", index=False)
    return folder / "frame.csv"


def write_parquet(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_parquet(folder / "frame.parquet")
    return folder / "frame.parquet"


def write_indexed_parquet(frame: pd.DataFrame, folder: Path) -> Path:
    frame.set_index("Month").to_parquet(folder / "frame.parquet")
    return folder / "frame.parquet"


def index(frame: pd.DataFrame, folder: Path) -> pd.DataFrame:
    return frame.set_index("Month")


@pytest.mark.parametrize("save", [write_csv, write_parquet, write_indexed_parquet, index])
@in_one_folder
@given(
    values=st.lists(
        st.floats(min_value=-1e12, max_value=1e12, allow_nan=False), min_size=3, max_size=40
    ),
    freq=st.sampled_from(["min", "15min", "h", "D", "W", "B", "MS", "ME", "QE", "YS", "10ms"]),
)
def test_round_trip(
    tmp_path: Path,
    save: Callable[[pd.DataFrame, Path], Any],
    values: list[float],
    freq: str,
) -> None:
    times = pd.date_range("1999-11-30", periods=len(values), freq=freq)
    series = read(save(pd.DataFrame({"Month": times, "Passengers": values}), tmp_path))
    np.testing.assert_array_equal(series.values[:, 0], values)
    np.testing.assert_array_equal(series.times, times.to_numpy("M8[ns]"))
    np.testing.assert_array_equal(
        series.step.advance(series.times[0], len(values) - 1), series.times[1:]
    )


@in_one_folder
@given(row=st.integers(0, 3), column=st.integers(0, 1), cell=st.text(max_size=12))
def test_any_cell_is_read_rightly_or_refused(
    tmp_path: Path, row: int, column: int, cell: str
) -> None:
    table = [line.split(",") for line in AIR.split()]
    table[row + 1][column] = cell
    path = write(tmp_path, "\n".join(",".join(cells) for cells in table))
    series = attempt(path)
    if series is None:
        return
    whole = [112.0, 118.0, 132.0, 129.0]
    if column == 1:
        whole[row] = float(cell.strip().strip('"'))
    assert series.values[:, 0].tolist() == whole
    assert series.step.name == "month"


@in_one_folder
@given(content=st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(b"Month,Passengers\n1949-01,112\n" + content)
    series = attempt(path)
    assert series is None or np.isfinite(series.values).all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("118", "x", "line 3 of {path} holds 'x'"),
        ("118", "", "no value on line 3 of {path} (1 of 4 rows have none)"),
        ("118", "inf", "line 3 of {path} holds 'inf'"),
        ("118", '"1,180"', "line 3 of {path} holds '1,180'; write numbers with a decimal point"),
        ("118", "118,5", "line 3 of {path} has 3 cells where the header has 2"),
        ("1949-02,118", "1949-02", "line 3 of {path} has 1 cells where the header has 2"),
        ("1949-02", "Tuesday", "line 3 of {path} holds 'Tuesday'"),
        ("1949-02", "1949-01", "line 3 of {path} repeats the time 1949-01-01 of line 2 of {path}"),
        ("1949-03", "1949-01-15", "line 4 of {path} is at 1949-01-15, earlier than 1949-02-01"),
        ("1949-04", "1949-05", "line 5 of {path} is at 1949-05-01 where 1949-04-01 was expected"),
        ("1949-04,129\n", "", ""),
        ("\n1949-03", "\n\n \n1949-02", "line 6 of {path} repeats"),
        ("118", '"1\n\n2"', "line 3 of {path} holds '1\\n\\n2'"),
        ("Month,", "Month, Month,", "2 columns named 'Month'"),
    ],
)
def test_refusals_name_the_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in AIR
    path = write(tmp_path, AIR.replace(old, new))
    if message:
        assert message.format(path=path) in refusal(path)
    else:
        assert len(read(path).times) == 3


def test_lines_are_counted_as_an_editor_counts(tmp_path: Path) -> None:
    text = 'Month,Note,Passengers\n1949-01,"a\nb",112\n\n1949-02,c,118\n1949-03,"d\n\ne",x\n'
    assert "line 6 of" in refusal(write(tmp_path, text))


def test_parquet_rows_are_counted_from_0(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.loc[1, "Freight"] = np.nan
    path = write_parquet(frame, tmp_path)
    assert f"no value on row 1 (counted from 0) of {path}" in refusal(path, "Freight")


def test_damaged_parquet_pages(tmp_path: Path, frame: pd.DataFrame) -> None:
    path = write_parquet(frame, tmp_path)
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)
    path.write_bytes(content)
    assert "is a damaged Parquet file" in refusal(path, "Passengers", "Freight")


def test_frame_rows_are_named_by_position_and_label(frame: pd.DataFrame) -> None:
    frame.loc[2, "Month"] = "1949-04"
    assert "row 2 of the frame is at 1949-04-01 where 1949-03-01" in refusal(frame)
    frame.index = pd.Index(["a", "b", "c"])
    assert "row 2 (counted from 0, index c) of the frame is at" in refusal(frame)


def test_frame_is_left_as_it_is(frame: pd.DataFrame) -> None:
    frame["Passengers"] = ["112", "118,5", "132"]
    before = frame.copy()
    series = read(frame)
    series.values[:] = 0
    series.times[:] = np.datetime64("1970-01-01")
    pd.testing.assert_frame_equal(frame, before)


def test_values_are_no_view_of_the_frame() -> None:
    times = pd.date_range("2020-01-01", periods=3)
    frame = pd.DataFrame({"Month": times, "Passengers": [1.0, 2.0, 3.0]})
    before = frame.copy()
    series = read(frame)
    series.values[:] = 0
    series.times[:] = np.datetime64("1970-01-01")
    pd.testing.assert_frame_equal(frame, before)


def test_period_index(frame: pd.DataFrame) -> None:
    months = pd.period_range("1949-01", periods=3, freq="M", name="Month")
    assert read(frame.drop(columns="Month").set_index(months)).step.name == "month"


def test_index_without_a_name(frame: pd.DataFrame) -> None:
    frame.index = pd.to_datetime(frame.pop("Month")).rename(None)
    assert "frame.index.name = 'Month'" in refusal(frame)


@pytest.mark.parametrize(
    ("source", "targets", "message"),
    [
        (None, ["Month"], "'Month' cannot be both the time and a target"),
        (None, ["Passengers", "Passengers"], "'Passengers' is named twice"),
        (None, "Passengers", "must be a list of column names, got the text 'Passengers'"),
        (None, [], "at least one column"),
        (None, ["pasengers"], "did you mean 'Passengers'?"),
        (3, ["Passengers"], "a path or a DataFrame, got int"),
        (pd.DataFrame(), ["Passengers"], "no column 'Month'; its columns are none"),
        (pd.DataFrame({"Month": [], "Passengers": []}), ["Passengers"], "has no rows"),
        (pd.DataFrame([[1, 2, 3]], columns=["Month", "x", "x"]), ["x"], "2 columns named 'x'"),
    ],
)
def test_wrong_calls(frame: pd.DataFrame, source: Any, targets: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_series(frame if source is None else source, time="Month", targets=targets)
    assert message in str(caught.value)


def test_later_rows_follow_a_known_step(frame: pd.DataFrame) -> None:
    month = Step("month", 1, day=1)
    assert read(frame.iloc[:1], step=month).step == month
    doubtful = frame.assign(Month=["01/01/1949", "01/02/1949", "01/03/1949"])
    assert read(doubtful, step=month).times[-1] == np.datetime64("1949-03-01")
    with pytest.raises(DataError, match="month first and day first"):
        read(doubtful)
    with pytest.raises(DataError, match="has 2 rows, but at least 3"):
        read(frame.iloc[:2])
    with pytest.raises(DataError, match="row 1 of the frame is at 1949-02-01 where 1949-04-01"):
        read(frame, step=Step("month", 3, day=1))


def test_reading_a_hundred_thousand_rows(tmp_path: Path) -> None:
    rows = 100_000
    times = pd.date_range("1990-01-01", periods=rows, freq="min")
    frame = pd.DataFrame({"Month": times, "Passengers": np.arange(rows) / 7, "Freight": 1.5})
    path = write_csv(frame, tmp_path)
    start = time.process_time()
    series = read(path, "Passengers", "Freight")
    # It takes 0.3 s; the rest is room for slow machines.
    assert time.process_time() - start < 2
    np.testing.assert_array_equal(series.values[:, 0], frame["Passengers"])


@pytest.mark.shared
class TestSharedData:
    """Real series: which can be read in this form, and what stops the others."""

    def read(self, shared: Path, name: str, time: str, *targets: str) -> Series:
        return read_series(shared / "data" / "forecasting" / name, time=time, targets=targets)

    def test_airline(self, shared: Path) -> None:
        series = self.read(shared, "airline-passengers.csv", "Month", "Passengers")
        assert series.values[[0, -1], 0].tolist() == [112, 432]
        assert (len(series.times), series.step) == (144, Step("month", 1, day=1))

    def test_sunspots(self, shared: Path) -> None:
        series = self.read(shared, "monthly-sunspots.csv", "Month", "Sunspots")
        assert (len(series.times), series.step.name) == (2820, "month")

    def test_electricity(self, shared: Path) -> None:
        names = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
        series = self.read(shared, "ETTh1.csv.xz", "date", *names)
        assert (series.values.shape, series.step.name) == ((17420, 7), "hour")

    @pytest.mark.parametrize(
        ("name", "columns", "message"),
        [
            (
                "daily-min-temperatures.csv",
                ("Date", "Temp"),
                "is at 1985-01-01 where 1984-12-31 was expected, one day after the row above it; "
                "2 of 3650 rows",
            ),
            (
                "sp500_daily_ohlcv.csv.xz",
                ("Date", "Close"),
                "is at 1999-01-19 where 1999-01-18 was expected, one business day after",
            ),
            ("beijing_pm25.csv.xz", ("year", "pm2.5"), "(2067 of 43824 rows have none)"),
            ("beijing_pm25.csv.xz", ("year", "cbwd"), "holds 'NW'"),
            ("beijing_pm25.csv.xz", ("year", "TEMP"), "repeats the time 2010-01-01 of line 2"),
            ("exchange_rate.txt.xz", ("date", "USD"), "its first line holds data"),
            ("goog_daily_ohlcv.csv", ("Date", "Close"), "its columns are '# http"),
            ("m4_hourly_train.csv.xz", ("V1", "V2"), "line 2 of"),
        ],
    )
    def test_refused(self, shared: Path, name: str, columns: tuple[str, str], message: str) -> None:
        with pytest.raises(DataError) as caught:
            self.read(shared, name, *columns)
        assert message in str(caught.value)
