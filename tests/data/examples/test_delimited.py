from __future__ import annotations

from pathlib import Path

import pytest

from rnnkit.data.examples.columns import ExampleColumns
from rnnkit.data.examples.delimited import Delimited, looks_like_number, open_delimited
from rnnkit.data.examples.lines import read_lines
from rnnkit.errors import DataError


def table(folder: Path, data: str, /, name: str = "t.csv", **columns: object) -> Delimited:
    path = folder / name
    path.write_bytes(data.encode())
    return open_delimited(path, ExampleColumns(**columns), lambda: read_lines(path))  # type: ignore[arg-type]


def cells(found: Delimited) -> list[list[str]]:
    return [row for _, row in found.rows()]


class TestQuotationMarks:
    def test_enclosed_cells_hold_delimiters_marks_and_line_breaks(self, tmp_path: Path) -> None:
        found = table(tmp_path, 'text,label\n"a, ""b""\r\n\r\nc",1\n"",0\nplain,2\n')
        assert found.quoted
        assert list(found.rows()) == [
            (2, ['a, "b"\n\nc', "1"]),
            (5, ["", "0"]),
            (6, ["plain", "2"]),
        ]

    def test_letters_where_rows_do_not_fit_otherwise(self, tmp_path: Path) -> None:
        text = 'id\ttext\n1\t"Foo" is great\n2\tsays "no\n3\t"unclosed\n'
        found = table(tmp_path, text, "t.tsv")
        assert not found.quoted
        assert cells(found) == [["1", '"Foo" is great'], ["2", 'says "no'], ["3", '"unclosed']]
        assert [str(note) for note in found.notes] == [
            "quotation marks were read as letters of the texts: they enclose no cells"
        ]

    def test_two_marks_do_not_swallow_the_rows_between(self, tmp_path: Path) -> None:
        # Read as quoted, rows 1 to 3 would be one row of three cells, and the table be valid.
        text = 'id\ttext\tlabel\n1\t"never\t0\n2\tmiss\t1\n3\tending"\t0\n'
        assert cells(table(tmp_path, text, "t.txt")) == [
            ["1", '"never', "0"],
            ["2", "miss", "1"],
            ["3", 'ending"', "0"],
        ]

    def test_a_table_of_one_column_has_rows_of_several_lines(self, tmp_path: Path) -> None:
        assert cells(table(tmp_path, 'text\n"a\nb"\nc\n')) == [["a\nb"], ["c"]]

    def test_enclosed_cells_without_need(self, tmp_path: Path) -> None:
        found = table(tmp_path, '"text"\t"label"\n"He said ""hi"""\t"1"\nx\t0\n', "t.tsv")
        assert found.names == ("text", "label")
        assert cells(found) == [['He said "hi"', "1"], ["x", "0"]]

    def test_names_enclosed_above_literal_marks(self, tmp_path: Path) -> None:
        found = table(tmp_path, '"text"\t"label"\n"Foo" is\t1\n', "t.tsv")
        assert not found.quoted
        assert found.names == ("text", "label")

    def test_a_long_cell(self, tmp_path: Path) -> None:
        # The csv module of Python refuses cells beyond 131,072 characters.
        long = "ab, " * 100_000
        assert cells(table(tmp_path, f'text,label\n"{long}",1\n')) == [[long, "1"]]

    def test_an_unclosed_mark_takes_linear_time(self, tmp_path: Path) -> None:
        rows = "x,1\n" * 50_000
        with pytest.raises(DataError, match=r"line 3 .*never closed|line 3 .*cells"):
            cells(table(tmp_path, f'text,label\n"a,b",0\n"open,2,3\n{rows}'))


class TestLines:
    def test_only_newlines_end_lines(self, tmp_path: Path) -> None:
        inside = "a\x85b\u2028c\x0bd\x1ce\rf"
        found = table(tmp_path, f"text\tlabel\r\n{inside}\t1\n{inside}\t0\r\n")
        assert cells(found) == [[inside, "1"], [inside, "0"]]

    def test_hash_is_a_row(self, tmp_path: Path) -> None:
        assert cells(table(tmp_path, "text,label\n#1 film,1\n# x,0\n")) == [
            ["#1 film", "1"],
            ["# x", "0"],
        ]

    def test_blank_lines_are_passed_over_and_counted(self, tmp_path: Path) -> None:
        found = table(tmp_path, "\ntext,label\n\na,1\n  \nb,0\n\n")
        assert list(found.rows()) == [(4, ["a", "1"]), (6, ["b", "0"])]


class TestDelimiter:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_each(self, tmp_path: Path, delimiter: str) -> None:
        text = f"text{delimiter}label\n" + f"a. b! c{delimiter}1\n" * 3
        assert cells(table(tmp_path, text)) == [["a. b! c", "1"]] * 3

    def test_a_comma_in_most_texts_of_a_tsv(self, tmp_path: Path) -> None:
        text = "text\tlabel\n" + "a, b\t1\nc, d\t0\n" * 5
        assert table(tmp_path, text, "t.txt").names == ("text", "label")

    def test_one_column_of_prose(self, tmp_path: Path) -> None:
        text = "text\nOh, no\nYes\nNo, never, ever\nWell\n"
        assert cells(table(tmp_path, text)) == [["Oh, no"], ["Yes"], ["No, never, ever"], ["Well"]]

    def test_tsv_by_name(self, tmp_path: Path) -> None:
        assert table(tmp_path, "a,b\nc,d\n", "t.tsv").names == ("a,b",)


class TestHeader:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("text,label\na,1\n", ("text", "label")),
            ("7,a\n8,b\n", ("1", "2")),
            ("x0,x1,x2,label\n0.5,1,2,a\n", ("x0", "x1", "x2", "label")),
            ("0,1,2,label\n0.5,1,2,a\n", ("0", "1", "2", "label")),
            ("0.5,1,2,a\n0.5,1,2,a\n", ("1", "2", "3", "4")),
            ("same,same\nx,y\n", ("1", "2")),
            (f"{'long ' * 30},pos\nx,y\n", ("1", "2")),
            (",text\n0,a\n", ("column 1", "text")),
            ("\ufefftext,label\na,1\n", ("text", "label")),
        ],
    )
    def test_found(self, tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
        found = table(tmp_path, text)
        assert found.names == names
        assert found.header == (names[0] != "1")

    def test_a_name_asked_for_makes_a_header(self, tmp_path: Path) -> None:
        assert table(tmp_path, "text,2019\na,1\n", text="text").names == ("text", "2019")

    def test_numbers_asked_for_make_none(self, tmp_path: Path) -> None:
        found = table(tmp_path, "I like it,good\nI do not,bad\n", text="1", label="2")
        assert found.names == ("1", "2")
        assert len(cells(found)) == 2

    def test_said(self, tmp_path: Path) -> None:
        assert table(tmp_path, "1,2\n3,4\n", header=True).names == ("1", "2")
        assert cells(table(tmp_path, "a,b\nc,d\n", header=False)) == [["a", "b"], ["c", "d"]]


class TestRagged:
    def test_shorter_rows_are_filled(self, tmp_path: Path) -> None:
        found = table(tmp_path, "a,5,2,3\nb,1\nc,1,2,3,4\n", layout="wide", label="1")
        assert found.names == ("1", "2", "3", "4", "5")
        assert cells(found)[1] == ["b", "1", "", "", ""]

    def test_but_not_longer_ones_under_names(self, tmp_path: Path) -> None:
        found = table(tmp_path, "l,a1,a2\nb,1\nc,1,2,3\n", layout="wide")
        with pytest.raises(DataError, match=r"line 3 .* 4 cells where the header has 3"):
            cells(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("text,label\na,1\nb\n", "line 3 of {} has 1 cells where the header has 2"),
        ("5,label\na,1\nb,2,3\n", "line 3 of {} has 3 cells where the first row has 2"),
        ("text,label\n", "{} has column names but no rows"),
        ("", "{} is empty"),
        ("\n \n", "{} is empty"),
        ('text,label\n"a,x"b,1\nc,d,e\n', "line 2 of {} has text after a closing quotation mark"),
        ('text,label\n"a,b",1\nc"d,1\n', "line 3 of {} has a quotation mark inside of a cell"),
        ('text,label\n"a,b",1\n"c,d,1\n', "line 3 of {} is never closed"),
    ],
)
def test_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        cells(table(tmp_path, text))
    assert words.format(tmp_path / "t.csv") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["1", "-1.5", "+.5", "1.", "1,5", "1e5", " 2 ", "nan", "NaN"])
def test_numbers(text: str) -> None:
    assert looks_like_number(text)


@pytest.mark.parametrize("text", ["", "a", "1a", "1,5,2", "1_0", "--1", "2020-01", "info", "１"])
def test_no_numbers(text: str) -> None:
    assert not looks_like_number(text)
