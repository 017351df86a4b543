from __future__ import annotations

import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.data.cells import factorize_texts, is_empty, missing_cells, parse_labels, show_cell
from rnnkit.data.kinds import holds_numbers
from rnnkit.data.numerals import parse_numbers
from rnnkit.errors import DataError


def place(row: int) -> str:
    return f"row {row}"


def parse(cells: Any, *, missing: bool = False) -> list[float]:
    return parse_numbers(cells, column="y", place=place, missing=missing).tolist()


def refusal(cells: Any, *, missing: bool = False) -> str:
    with pytest.raises(DataError) as caught:
        parse(cells, missing=missing)
    message = str(caught.value)
    assert "'y'" in message
    return message


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_texts_give_the_same_bits(values: list[float]) -> None:
    whole = [value for value in values if abs(value) < 2**53 or "e" in repr(value)]
    assert parse([repr(value) for value in whole]) == whole


@pytest.mark.parametrize(
    "dtype",
    [
        "int8",
        "uint64",
        "float16",
        "float32",
        "Int64",
        "Float64",
        "Sparse[float]",
        "int64[pyarrow]",
        "double[pyarrow]",
        "object",
        "category",
        "string",
        "string[pyarrow]",
    ],
)
def test_dtypes(dtype: str) -> None:
    values = parse_numbers(pd.Series([1, 0, 3]).astype(dtype), column="y", place=place)
    assert values.dtype == np.float64
    assert values.tolist() == [1, 0, 3]


def test_objects() -> None:
    cells = pd.Series([decimal.Decimal("1.5"), 2, "3e1", np.float32(0.5)], dtype=object)
    assert parse(cells) == [1.5, 2, 30, 0.5]


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1,5", "2,25", "3"], [1.5, 2.25, 3]),
        (["-0,123", "2,234"], [-0.123, 2.234]),
        (["1234,567", "1"], [1234.567, 1]),
        (["1,5e3", "1"], [1500, 1]),
    ],
)
def test_sure_decimal_commas(texts: list[str], values: list[float]) -> None:
    assert parse(texts) == values


@pytest.mark.parametrize(
    "texts",
    [
        ["1,234", "2"],  # a thousand, or 1.234?
        ["1,234,567", "1,5"],
        ["1.234,5", "1"],
        ["1.5", "1,5"],
        ["1,5", "x"],
    ],
)
def test_doubtful_commas_are_refused(texts: list[str]) -> None:
    assert "without thousands separators" in refusal(texts)


def test_decimal_commas_beside_points_are_refused_with_one_of_the_rarer_kind_first() -> None:
    cells = ["", *(f"1,{i}" for i in range(100, 300)), "3.5", "1000,5"]
    said = (
        "column 'y' must hold numbers, but mixes decimal points and commas: row {} holds '{}', and "
        "row {} '{}'; write numbers with a decimal point and without thousands separators"
    )
    for form in (list, pd.Series):
        assert refusal(form(cells), missing=True) == said.format(201, "3.5", 1, "1,100")
        some = form(["", "7", "2.5", "0,5", "3.5"])
        assert refusal(some, missing=True) == said.format(3, "0,5", 2, "2.5")
    # Without a sure decimal comma they may be thousands.
    assert "holds '1,234'; write numbers" in refusal(["0.5", "1,234"])


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["1", "x", "y"], "row 1 holds 'x'"),
        (["1", "1_000"], "row 1 holds '1_000'"),
        (["1", "12%"], "row 1 holds '12%'"),
        (["1", "True"], "row 1 holds 'True'"),
        (["1", "", "NA", "x"], "row 3 holds 'x'"),
        (["1", "", "NA", " nan "], "no value on row 1 (3 of 4 rows have none)"),
        (["1", "nan"], "no value on row 1 (1 of 2 rows have none)"),
        (["", "null"], "is empty"),
        (["1", "inf"], "finite numbers, but row 1 holds 'inf'"),
        (["1", "1e999"], "finite numbers, but row 1 holds '1e999'"),
        (["1", "9007199254740993"], "2**53, but row 1 holds 9007199254740993"),
        (["1", "-" + "9" * 5000], "2**53, but row 1 holds -1.0"),
        (["1", "x" * 5000], "x..."),
        (pd.Series([1.0, None]), "no value on row 1"),
        (pd.Series([1, None], dtype="Int64"), "no value on row 1"),
        (pd.Series([1, None], dtype=object), "no value on row 1"),
        (pd.Series([None, None]), "is empty"),
        (pd.Series([1.0, -np.inf]), "row 1 holds -inf"),
        (pd.Series([0, 2**53 + 1]), "row 1 holds 9007199254740993"),
        (pd.Series([0, -(2**63)]), "row 1 holds -9223372036854775808"),
        (pd.Series([0, 10**400], dtype=object), "row 1 holds 1.0"),
        (pd.Series([True, False]), "it holds bool values"),
        (pd.Series([True, False], dtype="boolean"), "it holds boolean values"),
        (pd.Series([1, True], dtype=object), "row 1 holds True"),
        (pd.Series([1 + 0j]), "row 0 holds (1+0j)"),
        (pd.to_datetime(pd.Series(["2020-01-01"])), "row 0 holds 2020-01-01"),
        (pd.Series([[1], [2]]), "row 0 holds [1]"),
    ],
)
def test_refusals(cells: Any, reason: str) -> None:
    message = refusal(cells)
    assert reason in message
    assert len(message) < 250


def test_largest_integers_and_large_floats() -> None:
    assert parse(["9007199254740992", "1e300"]) == [2**53, 1e300]
    assert parse(pd.Series([2**53, -(2**53)])) == [2**53, -(2**53)]


def test_column_is_left_as_it_is() -> None:
    cells = pd.Series(["1,5", "2"])
    before = cells.copy()
    parse(cells)
    pd.testing.assert_series_equal(cells, before)


def test_show_cell_cuts_long_texts() -> None:
    assert show_cell("x" * 1000) == f"'{'x' * 59}..."
    assert show_cell(pd.Timestamp("2020-01-01")) == "2020-01-01 00:00:00"


@pytest.mark.parametrize(
    "cells",
    [
        ["1", " NA ", "-2.5", "#N/A", ""],
        pd.Series(["1", "nan", "-2.5", None, "null"]),
        pd.Series([1, None, -2.5, np.nan, "none"], dtype=object),
        pd.Series([1, None, -2.5, None, None]),
        pd.Series([1, None, -2.5, None, None], dtype="Float64"),
    ],
    ids=str,
)
def test_missing_cells_may_be_allowed(cells: Any) -> None:
    values = parse_numbers(cells, column="y", place=place, missing=True)
    np.testing.assert_array_equal(values, [1, np.nan, -2.5, np.nan, np.nan])
    assert missing_cells(cells).tolist() == [False, True, False, True, True]


def test_missing_cells_do_not_hide_wrong_ones() -> None:
    with pytest.raises(DataError, match="row 2 holds 'x'"):
        parse_numbers(["", "1", "x"], column="y", place=place, missing=True)
    with pytest.raises(DataError, match="row 1 holds '-inf'"):
        parse_numbers(["", "-inf"], column="y", place=place, missing=True)


def test_decimal_commas_beside_missing_cells() -> None:
    cells = ["1,5", "", "1,5", "NA", "2"]
    values = parse_numbers(cells, column="y", place=place, missing=True)
    np.testing.assert_array_equal(values, [1.5, np.nan, 1.5, np.nan, 2])


@given(st.lists(st.sampled_from(["1", "2.5", "NA", "", "1e3"]), min_size=1))
def test_repeated_texts_are_read_alike(cells: list[str]) -> None:
    values = parse_numbers(cells, column="y", place=place, missing=True)
    alone = [parse_numbers([cell], column="y", place=place, missing=True)[0] for cell in cells]
    np.testing.assert_array_equal(values, alone)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2", ""], True),
        (["1,5", "2"], True),
        (["1", "x"], False),
        (["1_0", "2_0"], False),
        (["a", "NA"], False),
        (["9"] * 9 + ["x"], False),
        (pd.Series([1.5, None]), True),
        (pd.Series([True, False]), False),
        (pd.Series(["a", "b"], dtype="category"), False),
        (pd.to_datetime(pd.Series(["2020-01-01"])), False),
        (pd.Series([1 + 0j]), False),
    ],
    ids=str,
)
def test_numbers_or_not(cells: Any, expected: bool) -> None:
    assert holds_numbers(cells, column="y", place=place) is expected


def test_numbers_but_for_a_few_cells_are_refused() -> None:
    cells = ["5"] * 6 + ["", "oops", "x"] + ["7"] * 13
    with pytest.raises(DataError) as caught:
        holds_numbers(cells, column="y", place=place)
    assert str(caught.value) == (
        "column 'y' holds numbers in 19 rows, but row 7 holds 'oops'; correct or empty this cell "
        "(2 in all are no numbers)"
    )


TELLING = np.arange(8) < 4
LATE_TEXT = (
    "column 'y' holds numbers in the older rows, which tell what it holds, but row {} holds 'x'; "
    "correct or empty this cell ({} in all are no numbers), or, if the numbers are labels, put a "
    "letter before each of them"
)
NO_VALUE = (
    "column 'y' has no value in the older rows, which tell what it holds, and counts as numbers, "
    "but row {} holds 'x'; leave the column out, or begin the table where it has values"
)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "x", "1", "2", "3", "4", "5", "6"], False),
        (["1", "x", "1", "2", "y", "y", "y", "y"], False),
        (["1", "1,5", "1", "2", "3", "4", "5", "6"], True),
        (["", "NA", "", "", "7", "7", "x", "x"], NO_VALUE.format(6)),
        (["", "", "", "", "", "x", "7", "7"], NO_VALUE.format(5)),
        (["", "", "", "", "", "6", "7", "7"], True),
        (["1", "2", "1", "2", "x", "4", "x", "6"], LATE_TEXT.format(4, 2)),
        (["1", "2", "1", "2", "x", "x", "x", "x"], LATE_TEXT.format(4, 4)),
        (["1", "", "", "", "x", "x", "x", "x"], LATE_TEXT.format(4, 4)),
    ],
    ids=str,
)
@pytest.mark.parametrize("form", [list, pd.Series])
def test_the_older_rows_tell_whether_a_column_holds_numbers(
    cells: list[str], expected: bool | str, form: Any
) -> None:
    if isinstance(expected, bool):
        assert holds_numbers(form(cells), column="y", place=place, telling=TELLING) is expected
        turned = form(cells[::-1])
        assert holds_numbers(turned, column="y", place=place, telling=TELLING[::-1]) is expected
        return
    with pytest.raises(DataError) as caught:
        holds_numbers(form(cells), column="y", place=place, telling=TELLING)
    assert str(caught.value) == expected


def test_what_a_decimal_comma_means_is_told_by_the_older_rows_too() -> None:
    cells = ["1,5", "2,5", "1", "2", "3", "4", "1.5", "6"]
    assert holds_numbers(cells, column="y", place=place, telling=TELLING)
    for telling in (None, TELLING[::-1]):
        with pytest.raises(DataError, match=r"points and commas: row 6 holds '1\.5'"):
            holds_numbers(cells, column="y", place=place, telling=telling)
    assert "row 6 holds '1.5', and row 0 '1,5'" in refusal(cells)


def test_labels_are_sorted_and_stripped() -> None:
    codes, labels = parse_labels(["b", " a", "", "B", "a ", "na"], column="y", place=place)
    assert labels == ("B", "a", "b")
    assert codes.dtype == np.int32
    assert codes.tolist() == [2, 1, -1, 0, 1, -1]


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (pd.Series(["x", None, "y"], dtype="category"), ("x", "y")),
        (pd.Series(["x", None, "y"], dtype="string"), ("x", "y")),
        (pd.Series([2, None, 1]), ("1", "2")),
        (pd.Series([2, None, 1], dtype="Int64"), ("1", "2")),
        (pd.Series([True, None, False], dtype=object), ("False", "True")),
        (pd.Series([1.5, None, 1], dtype=object), ("1", "1.5")),
    ],
    ids=str,
)
def test_labels_of_columns(cells: Any, labels: tuple[str, ...]) -> None:
    codes, found = parse_labels(cells, column="y", place=place)
    assert found == labels
    assert codes[1] == -1
    assert sorted(codes.tolist()) == [-1, 0, 1]


def test_many_labels_look_like_an_identifier() -> None:
    cells = [f"id{number}" for number in range(1000)] * 2
    assert len(parse_labels(cells, column="y", place=place)[1]) == 1000
    with pytest.raises(DataError) as caught:
        parse_labels([*cells, "one more"], column="y", place=place)
    assert str(caught.value) == (
        "column 'y' holds 1001 different texts, such as 'id0' and, on row 2000, 'one more': it "
        "looks like an identifier; a covariate may have 1000 labels"
    )


def test_texts_in_the_order_of_their_first_row() -> None:
    codes, texts = factorize_texts(["s2", "s1 ", "", "s2", " s1", "s10"], column="id")
    assert texts == ("s2", "s1", "s10")
    assert codes.tolist() == [0, 1, -1, 0, 1, 2]


@pytest.mark.parametrize("kind", ["M8[ns]", "m8[ns]"])
def test_times_are_no_texts(kind: str) -> None:
    with pytest.raises(DataError, match="column 'y' must hold texts or numbers"):
        factorize_texts(pd.Series([1, 2]).astype(kind), column="y")


def test_emptiness() -> None:
    assert is_empty([""] * 2500)
    assert not is_empty([""] * 2500 + ["0"])
    assert is_empty(pd.Series([None, np.nan]))
    assert not is_empty(pd.Series([None] * 1500 + [0.0]))


def test_lists_are_no_texts() -> None:
    with pytest.raises(DataError, match="column 'y' must hold single texts or numbers"):
        factorize_texts(pd.Series([["a"], ["b"]]), column="y")
