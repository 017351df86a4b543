from __future__ import annotations

from pathlib import Path

import pytest

from rnnkit.data.cells import MISSING_TEXTS
from rnnkit.data.text_table import Passed, TextTable, open_table
from rnnkit.errors import DataError

AIR = "Month,Passengers\n1949-01,112\n1949-02,118\n1949-03,132\n"


def write(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def names(folder: Path, text: str, header: bool | None = None) -> list[str]:
    return list(open_table(write(folder, text), header=header).names)


def rows(table: TextTable) -> list[tuple[int, list[str]]]:
    return list(table.rows())


def notes(table: TextTable) -> str:
    return "; ".join(map(str, table.notes))


def refusal(folder: Path, text: str, header: bool | None = None, ragged: bool = False) -> str:
    path = write(folder, text)
    with pytest.raises(DataError) as caught:
        rows(open_table(path, header=header, ragged=ragged))
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


class TestDelimiter:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "  "])
    @pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_each(self, tmp_path: Path, delimiter: str, ending: str, mark: str) -> None:
        text = mark + AIR.replace(",", delimiter).replace("\n", ending)
        table = open_table(write(tmp_path, text, "table.txt"))
        assert table.names == ("Month", "Passengers")
        assert rows(table)[2] == (4, ["1949-03", "132"])

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('"a, b";c\n1;2\n', ["a, b", "c"]),
            ("t;x, C;y, m\n1;2,5;3,5\n2;2,5;3,5\n", ["t", "x, C", "y, m"]),
            ("t\tx, C\n1\t2\n", ["t", "x, C"]),
            ("t,x;y\n1,a;b\n2,c\n", ["t", "x;y"]),
            (' a , "b"\n1,2\n', ["a", "b"]),
            ("only\n1\n", ["only"]),
            ("\n  \na;b\n1;2\n", ["a", "b"]),
            ("# a, b, c\n# by Box, 1970\nt;x\n1;2\n", ["t", "x"]),
            ("a,b,c\n1,2,3,\n", ["a", "b", "c"]),
        ],
    )
    def test_is_the_one_that_most_rows_agree_on(
        self, tmp_path: Path, text: str, expected: list[str]
    ) -> None:
        assert names(tmp_path, text) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("t x\n1 2\n10  20\n", [["1", "2"], ["10", "20"]]),
            ("  1  2.5\n 10 3\n", [["1", "2.5"], ["10", "3"]]),
            ("day clock x\n2020-01-01 00:00 5\n", [["2020-01-01", "00:00", "5"]]),
            ('"a b" x\n1 -2e3\n', [["1", "-2e3"]]),
            ("t x\n# 1949 was a year\n1 2\n", [["1", "2"]]),
            # No table in columns: a text, a time, and names of two words.
            ("what\n5 apples\n3 pears\n", [["5 apples"], ["3 pears"]]),
            ("when\n2020-01-01 00:00\n", [["2020-01-01 00:00"]]),
            ("the time\n2020-01-01 00:00\n", [["2020-01-01 00:00"]]),
            ("how many\n5 apples\n3 pears\n", [["5 apples"], ["3 pears"]]),
            ("the value\n12\n", [["12"]]),
            ("a b\n1 2\n3\n", [["1 2"], ["3"]]),
            # A delimiter fits.
            ("t,x y\n1,2 3\n", [["1", "2 3"]]),
        ],
    )
    def test_blanks_where_nothing_else_fits(
        self, tmp_path: Path, text: str, expected: list[list[str]]
    ) -> None:
        assert [cells for _, cells in rows(open_table(write(tmp_path, text)))] == expected

    def test_a_long_table_cut_by_blanks(self, tmp_path: Path) -> None:
        table = open_table(write(tmp_path, "1234 567890\n" * 9999))
        assert rows(table)[-1] == (9999, ["1234", "567890"])

    def test_tsv_is_cut_at_tabs_only(self, tmp_path: Path) -> None:
        assert open_table(write(tmp_path, "a,b\n1,2\n", "table.tsv")).names == ("a,b",)

    def test_is_found_where_the_sample_ends_inside_a_row(self, tmp_path: Path) -> None:
        expected = [f"é{number}" for number in range(40_000)]
        text = ",".join(expected) + "\n" + ",".join("1" for _ in expected) + "\n"
        assert names(tmp_path, text) == expected


class TestHeader:
    @pytest.mark.parametrize(
        "line",
        [
            "0.785500,1.611000",
            "1949-01,1.5e3",
            "2020-01-31 15:00:00+09:00,-5",
            "2020-01-31T15:00:00.5Z,+5",
            "1/31/2020 3:00 PM,.5",
            "31.01.2020,1 234",
            "1949Q1,$5",
            "Jan 1949,5%",
            "31-Jan-2020,inf",
            "31 January 2020,5.",
            "2020년 1월 31일,5",
            "2020-W05,?",
            "15:00,-",
            '"1,234",2',
            "1,2",
            "1,2,4",
            "2010,1,2",
            "-1,0,2",
            ",5",
            "5,",
            *(f"{word},5" for word in sorted(MISSING_TEXTS - {"#n/a"})),
            "#N/A,5",
            "#DIV/0!,5",
        ],
    )
    def test_a_line_of_data_leaves_columns_to_their_numbers(
        self, tmp_path: Path, line: str
    ) -> None:
        cells = line.count(",") + 1 if '"' not in line else 2
        table = open_table(write(tmp_path, f"{line}\n{line}\n"))
        assert table.names == tuple("123"[:cells])
        assert table.header == "numbers"
        assert "columns are called 1, 2, 3 and so on" in notes(table)
        assert [line for line, _ in table.rows()] == [1, 2]

    @pytest.mark.parametrize(
        "line",
        [
            "id,2010,2012",
            "V1,V2",
            "Q1,T1",
            "e1,1e",
            "z,1949",
            "1949,mark 10",
            "may,june",
            "5 km,7",
            "1949-01,NW",
            "날짜,값",
            "naN1,5",
        ],
    )
    def test_a_line_of_names(self, tmp_path: Path, line: str) -> None:
        table = open_table(write(tmp_path, f"{line}\n{line.replace('1', '7')}\n"))
        assert (table.names, table.header) == (tuple(line.split(",")), "line")
        assert [number for number, _ in table.rows()] == [2]
        assert notes(table) == ""

    @pytest.mark.parametrize("line", ["1,2,3", "2010,2011,2012", "-1,0,1"])
    def test_a_line_that_counts(self, tmp_path: Path, line: str) -> None:
        table = open_table(write(tmp_path, f"{line}\n5,6,7\n"))
        assert (table.names, table.header) == (tuple(line.split(",")), "line")
        assert [number for number, _ in table.rows()] == [2]
        shown = ", ".join(map(repr, table.names))
        assert notes(table) == f"the first line counts, and was taken for column names: {shown}"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (",0\n2020-01-01,5\n", ["column 1", "0"]),
            (",0,1\n0,5.5,7\n", ["column 1", "0", "1"]),
            (",value\n0,5.5\n", ["column 1", "value"]),
            ("id,,x\n1,2,3\n", ["id", "column 2", "x"]),
            ("id,x,\n1,2,3\n", ["id", "x", "column 3"]),
        ],
    )
    def test_columns_without_a_name(self, tmp_path: Path, text: str, expected: list[str]) -> None:
        table = open_table(write(tmp_path, text))
        assert list(table.names) == expected
        (unnamed,) = [name for name in expected if name.startswith("column")]
        assert f"columns without a name are called by their place: '{unnamed}'" in notes(table)

    def test_an_empty_first_cell_above_an_empty_one_is_data(self, tmp_path: Path) -> None:
        assert names(tmp_path, ",0,1\n,5.5,7\n") == ["1", "2", "3"]
        assert names(tmp_path, ",0,2\n5,5.5,7\n") == ["1", "2", "3"]

    def test_times_above_numbers_are_names(self, tmp_path: Path) -> None:
        text = "1949-01,1949-02\n112,118\n"
        assert names(tmp_path, text) == ["1949-01", "1949-02"]
        assert names(tmp_path, text, header=False) == ["1", "2"]
        assert names(tmp_path, "1949-01,5\n1949-02,6\n") == ["1", "2"]
        assert names(tmp_path, "1949-01,5\n") == ["1", "2"]

    def test_the_option_decides(self, tmp_path: Path) -> None:
        assert names(tmp_path, "1.5,2.5\n3,4\n", header=True) == ["1.5", "2.5"]
        table = open_table(write(tmp_path, AIR), header=False)
        assert table.names == ("1", "2")
        assert rows(table)[0] == (1, ["Month", "Passengers"])
        assert notes(table) == ""
        assert names(tmp_path, ",,\n1,2,3\n", header=True) == ["column 1", "column 2", "column 3"]

    @pytest.mark.parametrize(
        ("text", "header", "reason"),
        [
            ("", None, "is empty; a header line and rows were expected"),
            ("\ufeff", None, "is empty"),
            ("\n \n\n", None, "is empty"),
            ("# a\n#b\n", None, "holds comments alone"),
            ("a,b\n", None, "has column names but no rows; at least one row was expected"),
            ("a,b\n\n \n", None, "has column names but no rows"),
            ("1,2\n", True, "has column names but no rows"),
            ("a,b,\n", None, "has column names but no rows"),
            (
                "tag,x\n#1,5\n#2,6\n",
                None,
                "no rows; at least one row was expected; 2 lines start with # and were taken for "
                "comments: put cells that start with # in quotation marks",
            ),
        ],
    )
    def test_no_rows(self, tmp_path: Path, text: str, header: bool | None, reason: str) -> None:
        assert reason in refusal(tmp_path, text, header)


class TestComments:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("# http://where\n# Open,Close\n1.5,2\n", ["Open", "Close"]),
            ("#date,value\n2020-01-01,5\n", ["date", "value"]),
            ("#date,wind,value\n2020-01-01,NW,5\n", ["date", "wind", "value"]),
            ('# "a, b",c\n1,2\n', ["a, b", "c"]),
            ("## t;x ;y\r\n\r\n1,5;2;3\r\n", ["t", "x", "y"]),
            ("#\tt\tx\n1\t2\n", None),
            ("# t  x\n1 2\n", ["t", "x"]),
            ("#,date,x\n1,2020-01-01,5\n", ["#", "date", "x"]),
            ("# temperature\n5.5\n6\n", ["temperature"]),
            ("# id,2010,2012\n7,1,1\n", ["id", "2010", "2012"]),
            ("#a,b\n1,2,\n3,4,\n", ["a", "b"]),
            # The comment has no name for each column.
            ("# a\n1,2\n", None),
            ("# a,b,c\n1,2\n", None),
            ("# a,a\n1,2\n", None),
            ("# 1949-01,5\n1949-02,6\n", None),
            ("# 1,2,3\n2.5,6,7\n", None),
            ("# a,b\n# from 1970\n1,2\n", None),
            ("1,2\n# a,b\n3,4\n", None),
            ("# " + "x" * 200_000 + "\n1\n2\n", None),
        ],
    )
    def test_names_in_the_last_one_above_data(
        self, tmp_path: Path, text: str, expected: list[str] | None
    ) -> None:
        table = open_table(write(tmp_path, text))
        if expected is None:
            assert table.header == "numbers"
        else:
            assert list(table.names) == expected
            assert notes(table).startswith(
                "column names were read from the comment above the first row: "
                + ", ".join(map(repr, expected))
            )
        assert len(rows(table)) == len(
            [line for line in text.splitlines() if line and line[0] != "#"]
        )

    def test_the_header_option(self, tmp_path: Path) -> None:
        assert names(tmp_path, "#a,b\n1,2\n3,4\n", header=True) == ["a", "b"]
        assert names(tmp_path, "#a,b\n1,2\n3,4\n", header=False) == ["1", "2"]
        assert names(tmp_path, "#a,b\nid,t\n3,4\n", header=True) == ["id", "t"]

    def test_a_header_wins_over_the_comment_above_it(self, tmp_path: Path) -> None:
        assert names(tmp_path, "# a,b\nid,2010\nx,5\n") == ["id", "2010"]

    def test_lines_are_counted_with_them(self, tmp_path: Path) -> None:
        text = (
            '# one\nt,x\n#two\n\n1,2\n# three, four\n# it\'s "open, "quoted\n'
            '2,"a\n# in a cell\nb"\n#5,5\n3,4 # no comment\n"#4",5\n #5,6\n#'
        )
        passed = Passed()
        table = open_table(write(tmp_path, text))
        assert list(table.rows(passed)) == [
            (5, ["1", "2"]),
            (8, ["2", "a\n# in a cell\nb"]),
            (12, ["3", "4 # no comment"]),
            (13, ["#4", "5"]),
            (14, ["#5", "6"]),
        ]
        assert (passed.comments, passed.last) == (6, "#")
        assert passed.by_width == {1: 3, 2: 3}

    def test_errors_of_spreadsheets_are_cells(self, tmp_path: Path) -> None:
        table = open_table(write(tmp_path, "x,y\n#N/A,1\n#DIV/0!,2\n#NAME?,3\n#N,4\n"))
        assert [cells[0] for _, cells in table.rows()] == ["#N/A", "#DIV/0!", "#NAME?"]


class TestRows:
    def test_come_with_their_lines(self, tmp_path: Path) -> None:
        table = open_table(write(tmp_path, 'a,b\n\n1,"x\ny"\n  \n2,z\n'))
        assert rows(table) == [(3, ["1", "x\ny"]), (6, ["2", "z"])]

    def test_an_empty_text_of_one_column_is_a_row_and_a_blank_line_is_none(
        self, tmp_path: Path
    ) -> None:
        passed = Passed()
        table = open_table(write(tmp_path, 'x\n5\n""\n\n  \n7\n\n'))
        assert list(table.rows(passed)) == [(2, ["5"]), (3, [""]), (6, ["7"])]
        assert passed.blanks == 2

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("a,b\n1,2,3\n", "line 2 of {path} has 3 cells where the header has 2"),
            ("a,b\n1,2\n\n1\n", "line 4 of {path} has 1 cells where the header has 2"),
            ("a,b\n1,2\n1,2,\n", "line 3 of {path} has 3 cells where the header has 2"),
            ("#a,b\n1,2\n1\n", "line 3 of {path} has 1 cells where the header has 2"),
            ("1,2\n3\n", "line 2 of {path} has 1 cells where the first row has 2"),
            ("a,b,\n1,2,\n1,2,,\n", "line 3 of {path} has 4 cells where the header has 2"),
            (
                "a,b,\n1,2,\n1,2,3\n",
                "line 3 of {path} holds a value after the last column with a name, 'b'; name all",
            ),
            ('a,"b\n1,2\n', "line 1 of {path} cannot be split into cells"),
            ('#\n\na,b\n1,"2"3\n', "line 4 of {path} cannot be split into cells"),
            ('a,b\n1,"2\n' + "3,4\n" * 50_000, "line 2 of {path} cannot be split into cells"),
            (
                "a,b\n1," + "2" * 200_000,
                "line 2 of {path} cannot be split into cells (field larger",
            ),
        ],
    )
    def test_refusals(self, tmp_path: Path, text: str, reason: str) -> None:
        assert reason.format(path=tmp_path / "table.csv") in refusal(tmp_path, text)

    @pytest.mark.parametrize(
        ("text", "count"),
        [
            ("a,b,\n1,2,\n3,4,\n", 1),
            ("a,b\n1,2,\n3,4,\n", 1),
            ("a,b,\n1,2\n3,4\n", 1),
            ("a,b,,,\n1,2,,,\n3,4, ,,\n", 3),
            ("a;b;\n1;2;\n3;4\n", 1),
            ("# a,b\n1,2,\n3,4,\n", 1),
            ("# a,b,\n1,2,\n3,4,\n", 1),
        ],
    )
    def test_delimiters_at_the_end(self, tmp_path: Path, text: str, count: int) -> None:
        table = open_table(write(tmp_path, text))
        assert table.names == ("a", "b")
        assert rows(table) == [(2, ["1", "2"]), (3, ["3", "4"])]
        assert f"empty cells at the end of the lines were left out: {count} in each" in notes(table)

    def test_of_any_length(self, tmp_path: Path) -> None:
        path = write(tmp_path, "id,x\nA,1\nB\nC,,3,4,,\n,,\n")
        table = open_table(path, ragged=True)
        assert rows(table) == [
            (2, ["A", "1"]),
            (3, ["B"]),
            (4, ["C", "", "3", "4"]),
            (5, []),
        ]
        assert notes(table) == ""
