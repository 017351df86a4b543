from __future__ import annotations

import datetime
import decimal
import gzip
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rnnkit.data.table import Table, read_table
from rnnkit.errors import DataError, RnnkitError

AIR = "Month,Passengers\n1949-01,112\n1949-02,118\n1949-03,132\n1949-04,129\n"
in_one_folder = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def write(folder: Path, text: str | bytes, name: str = "air.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(folder: Path, text: str, *columns: str, **options: Any) -> Table:
    return read_table(write(folder, text), columns=columns or None, **options)


def refusal(source: Any, *columns: str, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_table(source, columns=columns or None, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def notes(table: Table) -> list[str]:
    return [str(note) for note in table.notes]


def cells(table: Table) -> dict[str, list[Any]]:
    return {name: list(column) for name, column in table.columns.items()}


class TestText:
    def test_a_file(self, tmp_path: Path) -> None:
        path = write(tmp_path, AIR, "air.v2.csv")
        table = read_table(str(path), columns=None)
        assert cells(table) == {
            "Month": ["1949-01", "1949-02", "1949-03", "1949-04"],
            "Passengers": ["112", "118", "132", "129"],
        }
        assert (table.names, table.rows) == (("Month", "Passengers"), 4)
        assert (table.source, table.name, table.notes) == (str(path), "air.v2", ())

    def test_columns_in_the_order_asked_for(self, tmp_path: Path) -> None:
        table = read(tmp_path, "a,b,c\n1,2,3\n4,5,6\n", "c", "a")
        assert list(cells(table).items()) == [("c", ["3", "6"]), ("a", ["1", "4"])]
        assert table.names == ("a", "b", "c")
        assert read_table(tmp_path / "air.csv", columns=()).rows == 2
        assert read_table(tmp_path / "air.csv", columns=["a", "a"]).columns == {"a": ["1", "4"]}

    def test_places_are_lines_as_an_editor_counts(self, tmp_path: Path) -> None:
        text = '# c\nt,x\n\n1,"a\nb"\n2,c\n#\n#\n3,d\n4,e\n\n5,"\n\n"\n6,f\n'
        table = read(tmp_path, text, "t")
        expected = {0: 4, 1: 6, 2: 9, 3: 10, 4: 12, 5: 15}
        path = tmp_path / "air.csv"
        path.unlink()  # The lines are known without it.
        assert [table.place(row) for row in range(6)] == [
            f"line {expected[row]} of {path}" for row in range(6)
        ]

    def test_names_found_in_a_comment_are_said_with_the_comments(self, tmp_path: Path) -> None:
        text = "# http://prices\n# Open,Close\n828.6,831.7\n# 820.1,825.2\n823.0,828.1\n"
        table = read(tmp_path, text)
        assert cells(table) == {"Open": ["828.6", "823.0"], "Close": ["831.7", "828.1"]}
        assert notes(table) == [
            "column names were read from the comment above the first row: 'Open', 'Close'",
            "lines passed over as comments, since they start with #: 2, of which 1 have as many "
            "cells as a row; put a first cell that starts with # in quotation marks",
        ]

    @pytest.mark.parametrize("delimiter", [" ", "\t", "; "])
    def test_the_comment_with_the_names_is_not_counted(
        self, tmp_path: Path, delimiter: str
    ) -> None:
        table = read(tmp_path, "# t,x\n1,2\n#3,4\n5,6\n#,\n".replace(",", delimiter))
        assert table.names == ("t", "x")
        assert "start with #: 2, of which " in notes(table)[1]

    def test_comments_alone_are_counted(self, tmp_path: Path) -> None:
        table = read(tmp_path, "t,x\n# one\n1,2\n#two\n")
        assert notes(table) == ["lines passed over as comments, since they start with #: 2"]
        table = read(tmp_path, "x\n# one\n1\n")
        assert notes(table) == ["lines passed over as comments, since they start with #: 1"]

    def test_without_a_header(self, tmp_path: Path) -> None:
        table = read(tmp_path, "0.5,0.7\n0.6,0.8\n", "2")
        assert (cells(table), table.names) == ({"2": ["0.7", "0.8"]}, ("1", "2"))
        assert table.place(0) == f"line 1 of {tmp_path / 'air.csv'}"
        assert notes(table) == [
            "no column names were found, so the columns are called 1, 2, 3 and so on"
        ]

    def test_without_a_header_and_with_delimiters_at_the_end(self, tmp_path: Path) -> None:
        text = "0.5;0.7;\n0.6;0.8;\n"
        table = read(tmp_path, text)
        assert (table.names, list(table.columns)) == (("1", "2"), ["1", "2"])
        assert notes(table)[1] == ("empty cells at the end of the lines were left out: 1 in each")
        assert read(tmp_path, text, "1").names == ("1", "2")
        assert cells(read(tmp_path, text, "3")) == {"3": ["", ""]}
        later = read(tmp_path, "0.5;0.7;\n0.6;0.8; \n0.6;0.8;9\n")
        assert cells(later)["3"] == ["", "", "9"]
        assert len(notes(later)) == 1

    def test_delimiters_at_the_end_below_a_header(self, tmp_path: Path) -> None:
        table = read(tmp_path, "a,b\n1,2,\n3,4,\n")
        assert cells(table) == {"a": ["1", "3"], "b": ["2", "4"]}
        assert notes(table) == ["empty cells at the end of the lines were left out: 1 in each"]

    def test_blank_lines_of_one_column_are_said(self, tmp_path: Path) -> None:
        table = read(tmp_path, 'x\n5\n\n""\n7\n\n')
        assert cells(table) == {"x": ["5", "", "7"]}
        assert notes(table) == ["blank lines passed over: 1; write NA where a value is missing"]
        assert notes(read(tmp_path, "x,y\n5,6\n\n7,8\n")) == []

    def test_a_name_that_stands_twice(self, tmp_path: Path) -> None:
        table = read(tmp_path, "a,x,x,b,y,y\n1,2,3,4,5,6\n")
        assert cells(table) == {"a": ["1"], "b": ["4"]}
        assert table.names == ("a", "x", "x", "b", "y", "y")
        assert notes(table) == [
            "columns left out, since their names stand more than once: 'x', 'y'"
        ]
        assert "2 columns named 'y'" in refusal(tmp_path / "air.csv", "a", "y")
        assert notes(read_table(tmp_path / "air.csv", columns=["a"])) == []

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("118", "118,5", "line 3 of {path} has 3 cells where the header has 2"),
            ("1949-02,118", "1949-02", "line 3 of {path} has 1 cells where the header has 2"),
            ("118", '"1\n8"0', "line 3 of {path} cannot be split"),
            (AIR, "", "{path} is empty"),
            (AIR[17:], "", "{path} has column names but no rows"),
        ],
    )
    def test_refusals(self, tmp_path: Path, old: str, new: str, message: str) -> None:
        assert old in AIR
        path = write(tmp_path, AIR.replace(old, new))
        assert message.format(path=path) in refusal(path)

    def test_a_wrong_line_far_down_of_a_compressed_file(self, tmp_path: Path) -> None:
        path = write(tmp_path, gzip.compress(AIR.encode() + b"x,1\n" * 20_000 + b"x\n"))
        assert f"line 20006 of {path} has 1 cells" in refusal(path, "Month")


class TestRagged:
    def test_shorter_rows_are_filled(self, tmp_path: Path) -> None:
        table = read(tmp_path, "id,a,b,c\nA,1,2,3\nB,4\n\nC,5,,6,\n", ragged=True)
        assert cells(table) == {
            "id": ["A", "B", "C"],
            "a": ["1", "4", "5"],
            "b": ["2", "", ""],
            "c": ["3", "", "6"],
        }
        assert table.place(2) == f"line 5 of {tmp_path / 'air.csv'}"
        assert table.notes == ()

    def test_longer_rows_have_columns_by_number(self, tmp_path: Path) -> None:
        text = "id,2010\nA,1\n#\nB,4,5,6\nC,7,8,\n"
        table = read(tmp_path, text, ragged=True)
        assert table.names == ("id", "2010", "3", "4")
        assert cells(table)["3"] == ["", "5", "8"]
        assert cells(table)["4"] == ["", "6", ""]
        assert notes(table) == [
            "rows with more cells than the header has names: 2; columns added: '3', '4'",
            "lines passed over as comments, since they start with #: 1",
        ]
        assert cells(read(tmp_path, text, "4", "id", ragged=True)) == {
            "4": ["", "6", ""],
            "id": ["A", "B", "C"],
        }
        assert "no column '5'; its columns are 'id'" in refusal(
            tmp_path / "air.csv", "5", ragged=True
        )

    def test_without_a_header(self, tmp_path: Path) -> None:
        table = read(tmp_path, "1,2\n3\n4,5,6\n", ragged=True)
        assert cells(table) == {"1": ["1", "3", "4"], "2": ["2", "", "5"], "3": ["", "", "6"]}
        assert len(table.notes) == 1

    def test_frames_and_parquet_are_as_ever(self, tmp_path: Path) -> None:
        frame = pd.DataFrame({"id": ["A"], "x": [1.5]})
        frame.to_parquet(tmp_path / "x.parquet")
        for source in (frame, tmp_path / "x.parquet"):
            assert cells(read_table(source, columns=None, ragged=True)) == {
                "id": ["A"],
                "x": [1.5],
            }


class TestParquet:
    def write(self, folder: Path, **columns: pa.Array) -> Path:
        path = folder / "air.v2.parquet"
        pyarrow.parquet.write_table(pa.table(columns), path)
        return path

    def test_a_file(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, **{"pm2.5": pa.array([1.5, None]), "pm2": pa.array([3, 4])})
        table = read_table(path, columns=["pm2"])
        assert cells(table) == {"pm2": [3, 4]}
        assert (table.names, table.rows, table.name) == (("pm2.5", "pm2"), 2, "air.v2")
        assert table.place(1) == f"row 1 (counted from 0) of {path}"
        assert list(read_table(path, columns=None).columns) == ["pm2.5", "pm2"]
        assert read_table(path, columns=()).rows == 2
        assert cells(read_table(path, columns=["pm2", "pm2"])) == {"pm2": [3, 4]}

    @pytest.mark.parametrize(
        ("array", "expected"),
        [
            (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
            (pa.array(["a", "b"], pa.large_string()), ["a", "b"]),
            (pa.array([decimal.Decimal("1.50")], pa.decimal128(9, 2)), [decimal.Decimal("1.50")]),
            (pa.array([datetime.date(1949, 1, 31)]), [pd.Timestamp("1949-01-31")]),
            (
                pa.array([0], pa.timestamp("ms", "Asia/Seoul")),
                [pd.Timestamp("1970-01-01 09:00+09")],
            ),
            (pa.array([0], pa.timestamp("us")), [pd.Timestamp("1970-01-01")]),
            (pa.array([True]), [True]),
        ],
    )
    def test_kinds_of_columns(self, tmp_path: Path, array: pa.Array, expected: list[Any]) -> None:
        table = read_table(self.write(tmp_path, x=array), columns=None)
        found = [None if cell is np.nan else cell for cell in cells(table)["x"]]
        assert found == expected
        assert isinstance(table.columns["x"], pd.Series)

    def test_nested_columns(self, tmp_path: Path) -> None:
        path = self.write(
            tmp_path,
            x=pa.array([1]),
            parts=pa.array([[1, 2]]),
            box=pa.array([{"a": 1}]),
        )
        table = read_table(path, columns=None)
        assert list(table.columns) == ["x"]
        assert notes(table) == [
            "columns left out, since they hold lists or structures: 'parts', 'box'"
        ]
        assert "column 'box' of" in refusal(path, "x", "box")

    def test_refusals(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, x=pa.array([1, 2]))
        assert "no column 'y'" in refusal(path, "y")
        assert "has column names of its own" in refusal(path, header=False)
        content = bytearray(path.read_bytes())
        content[4:40] = bytes(36)
        assert "is a damaged Parquet file" in refusal(write(tmp_path, bytes(content)), "x")
        assert "no rows" in refusal(self.write(tmp_path, x=pa.array([], pa.int64())))
        path = self.write(tmp_path, x=pa.array([0], pa.timestamp("ns", "Mars/Olympus")))
        assert f"{path} holds a column that cannot be read (" in refusal(path, "x")

    def test_names_that_stand_twice(self, tmp_path: Path) -> None:
        path = tmp_path / "x.parquet"
        arrays = [pa.array([1]), pa.array([2]), pa.array([3])]
        pyarrow.parquet.write_table(pa.Table.from_arrays(arrays, ["x", "y", "x"]), path)
        assert cells(read_table(path, columns=None)) == {"y": [2]}
        assert "2 columns named 'x'" in refusal(path, "x")

    def test_index_of_a_frame(self, tmp_path: Path) -> None:
        frame = pd.DataFrame({"Month": ["1949-01"], "x": [1]}).set_index("Month")
        frame.to_parquet(tmp_path / "x.parquet")
        assert cells(read_table(tmp_path / "x.parquet", columns=["Month"])) == {
            "Month": ["1949-01"]
        }


class TestFrame:
    @pytest.fixture
    def frame(self) -> pd.DataFrame:
        return pd.DataFrame({"Month": ["1949-01", "1949-02"], 7: [112, 118]})

    def test_a_frame(self, frame: pd.DataFrame) -> None:
        table = read_table(frame, columns=None)
        assert cells(table) == {"Month": ["1949-01", "1949-02"], "7": [112, 118]}
        assert (table.names, table.rows) == (("Month", "7"), 2)
        assert (table.source, table.name) == ("the frame", "data")
        assert table.place(1) == "row 1 of the frame"
        assert read_table(frame.set_index(pd.Index(["a", "b"])), columns=["7"]).place(1) == (
            "row 1 (counted from 0, index b) of the frame"
        )

    def test_a_named_index_is_a_column(self, frame: pd.DataFrame) -> None:
        table = read_table(frame.set_index("Month"), columns=["7", "Month"])
        assert cells(table) == {"7": [112, 118], "Month": ["1949-01", "1949-02"]}
        assert table.names == ("Month", "7")
        months = pd.period_range("1949-01", periods=2, freq="M", name="t")
        assert cells(read_table(frame.set_index(months), columns=["t"])) == {"t": list(months)}

    def test_levels_of_an_index(self, frame: pd.DataFrame) -> None:
        frame["shop"] = ["A", "B"]
        table = read_table(frame.set_index(["shop", "Month"]), columns=None)
        assert cells(table) == {
            "shop": ["A", "B"],
            "Month": ["1949-01", "1949-02"],
            "7": [112, 118],
        }
        assert table.names == ("shop", "Month", "7")

    def test_a_column_comes_before_an_index_of_its_name(self, frame: pd.DataFrame) -> None:
        frame.index = pd.Index([8, 9], name="Month")
        table = read_table(frame, columns=None)
        assert table.names == ("Month", "7")
        assert cells(table)["Month"] == ["1949-01", "1949-02"]

    def test_an_index_of_times_without_a_name(self, frame: pd.DataFrame) -> None:
        frame.index = pd.to_datetime(frame.pop("Month")).rename(None)
        assert refusal(frame, "Month") == (
            "the frame has no column 'Month'; its columns are '7', and its index holds times but "
            "has no name: name it, as by frame.index.name = 'Month'"
        )
        assert read_table(frame, columns=None).names == ("7",)

    def test_the_frame_is_left_as_it_is(self, frame: pd.DataFrame) -> None:
        before = frame.copy()
        table = read_table(frame.set_index("Month"), columns=None)
        assert table.rows == 2
        read_table(frame, columns=["7"])
        pd.testing.assert_frame_equal(frame, before)

    def test_names_that_stand_twice(self) -> None:
        frame = pd.DataFrame([[1, 2, 3]], columns=["x", "y", "x"])
        assert cells(read_table(frame, columns=None)) == {"y": [2]}
        assert "the frame has 2 columns named 'x'" in refusal(frame, "x")
        twice = pd.DataFrame([[1, 2]], columns=[1, "1"])
        assert "the frame has 2 columns named '1'" in refusal(twice, "1")

    @pytest.mark.parametrize(
        ("source", "columns", "message"),
        [
            (3, None, "a path or a DataFrame, got int"),
            (None, "Month", "must be a list of column names, got the text 'Month'"),
            (None, ["month"], "did you mean 'Month'?"),
            (pd.DataFrame(), ["Month"], "the frame has no column 'Month'; its columns are none"),
            (pd.DataFrame(), None, "the frame has no rows"),
            (pd.DataFrame({"Month": []}), ["Month"], "the frame has no rows"),
            (
                pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_product([["a"], ["x", "y"]])),
                None,
                "the columns of the frame have 2 levels of names; give each one name",
            ),
        ],
    )
    def test_wrong_calls(
        self, frame: pd.DataFrame, source: Any, columns: Any, message: str
    ) -> None:
        with pytest.raises(DataError) as caught:
            read_table(frame if source is None else source, columns=columns)
        assert message in str(caught.value)

    def test_a_frame_has_names_of_its_own(self, frame: pd.DataFrame) -> None:
        assert "has column names of its own" in refusal(frame, "Month", header=False)
        assert read_table(frame, columns=["Month"], header=True).rows == 2


def check_any(path: Path, header: bool | None, ragged: bool) -> None:
    """Whatever stands in a file, it is a whole table or one sentence says why not."""
    try:
        table = read_table(path, columns=None, header=header, ragged=ragged)
    except RnnkitError:
        refusal(path, header=header, ragged=ragged)
        return
    assert table.rows > 0
    assert set(table.columns) <= set(table.names)
    assert all(len(column) == table.rows for column in table.columns.values())
    for row in (0, table.rows - 1):
        assert str(path) in table.place(row)
    assert all(map(str, table.notes))


TABLES = st.text(st.sampled_from('#,;\t |"\n\r12.5-:ax가 '), max_size=60).map(str.encode)


class TestAnything:
    @in_one_folder
    @given(
        content=st.one_of(st.binary(max_size=80), TABLES),
        header=st.sampled_from([None, True, False]),
        ragged=st.booleans(),
    )
    def test_bytes(self, tmp_path: Path, content: bytes, header: bool | None, ragged: bool) -> None:
        check_any(write(tmp_path, content), header, ragged)
        check_any(write(tmp_path, AIR.encode() + content), header, ragged)
        check_any(write(tmp_path, content + AIR.encode()), header, ragged)

    @in_one_folder
    @given(position=st.integers(0, 10_000), content=st.binary(max_size=40))
    @example(position=312, content=b"\x01")  # -1 rows in Parquet, beside nine
    def test_damaged_files(self, tmp_path: Path, position: int, content: bytes) -> None:
        frame = pd.DataFrame({"t": pd.date_range("2020-01-01", periods=9), "x": [1.5] * 9})
        frame.to_parquet(tmp_path / "x.parquet")
        frame.to_csv(tmp_path / "x.csv.gz")
        for name in ("x.parquet", "x.csv.gz"):
            whole = (tmp_path / name).read_bytes()
            cut = position % len(whole)
            damaged = whole[:cut] + content + whole[cut + len(content) :]
            check_any(write(tmp_path, damaged), None, False)

    @in_one_folder
    @given(
        rows=st.lists(
            st.lists(st.text(max_size=6), min_size=3, max_size=3), min_size=1, max_size=9
        ),
        delimiter=st.sampled_from(",;\t|"),
    )
    def test_cells_in_quotation_marks_come_back(
        self, tmp_path: Path, rows: list[list[str]], delimiter: str
    ) -> None:
        quoted = [
            ['"' + cell.replace('"', '""') + '"' for cell in cells]
            for cells in [["a", "b", "c"], *rows]
        ]
        text = "\n".join(delimiter.join(cells) for cells in quoted)
        try:
            content = text.encode()
        except UnicodeEncodeError:
            return  # Half of a character is no text.
        if b"\x00" in content:
            return
        table = read_table(write(tmp_path, content), columns=None)
        assert cells(table) == {name: [row[k] for row in rows] for k, name in enumerate("abc")}


def test_reading_a_million_rows(tmp_path: Path) -> None:
    row = "2020-01-01 00:00:00,0.30471707975443135,123456\n"
    path = write(tmp_path, "t,x,y\n" + row * 1_000_000)
    start = time.process_time()
    table = read_table(path, columns=None)
    # It takes 0.9 s; the rest is room for slow machines.
    assert time.process_time() - start < 5
    assert (table.rows, table.place(999_999)) == (1_000_000, f"line 1000001 of {path}")


@pytest.mark.shared
class TestSharedData:
    """Real tables: how they are found to be laid out."""

    def read(self, shared: Path, name: str, **options: Any) -> Table:
        return read_table(shared / "data" / "forecasting" / name, columns=None, **options)

    def test_names_in_a_comment(self, shared: Path) -> None:
        table = self.read(shared, "goog_daily_ohlcv.csv")
        assert table.names == ("Open", "High", "Low", "Volume", "Close")
        assert (table.rows, table.columns["Close"][0]) == (732, "831.659973")
        assert notes(table)[1] == "lines passed over as comments, since they start with #: 1"
        assert table.place(0).startswith("line 3 of")

    def test_no_names(self, shared: Path) -> None:
        table = self.read(shared, "exchange_rate.txt.xz")
        assert (table.rows, table.names) == (7588, tuple("12345678"))
        assert (table.columns["8"][0], table.columns["1"][0]) == ("0.525486", "0.785500")
        assert table.name == "exchange_rate"

    @pytest.mark.parametrize("ragged", [True, False])
    def test_a_series_a_row(self, shared: Path, ragged: bool) -> None:
        table = self.read(shared, "m4_hourly_train.csv.xz", ragged=ragged)
        assert (table.rows, len(table.names), table.notes) == (414, 961, ())
        assert table.columns["V1"][-1] == "H414"
        assert sum(bool(cell) for cell in table.columns["V961"]) == 245

    @pytest.mark.parametrize(
        ("name", "rows", "width"),
        [
            ("airline-passengers.csv", 144, 2),
            ("monthly-sunspots.csv", 2820, 2),
            ("daily-min-temperatures.csv", 3650, 2),
            ("sp500_daily_ohlcv.csv.xz", 5031, 7),
            ("ETTh1.csv.xz", 17420, 8),
            ("beijing_pm25.csv.xz", 43824, 13),
        ],
    )
    def test_plain_tables(self, shared: Path, name: str, rows: int, width: int) -> None:
        table = self.read(shared, name)
        assert (table.rows, len(table.columns), table.notes) == (rows, width, ())
        assert table.place(rows - 1).startswith(f"line {rows + 1} of")
