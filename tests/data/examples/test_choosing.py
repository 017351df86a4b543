from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from rnnkit.data.examples.choosing import Cells, run_of_numbers, settle_columns
from rnnkit.data.examples.columns import ExampleColumns, Wants
from rnnkit.errors import DataError

LONG = ["a good film indeed", "what a bad one", "not my cup of tea", "see it twice or more"]


def settle(
    columns: dict[str, Sequence[Any]],
    wants: Wants = "class",
    numbered: bool = False,
    **options: Any,
) -> ExampleColumns:
    rows = list(zip(*columns.values(), strict=True))
    cells = Cells("t.csv", tuple(columns), rows, numbered)
    return settle_columns(cells, ExampleColumns(**options), wants)[0]


class TestTexts:
    def test_by_name(self) -> None:
        found = settle({"title": LONG, "Text": LONG, "Label": list("abab")})
        assert (found.text, found.label) == ("Text", "Label")

    def test_by_what_it_holds(self) -> None:
        found = settle({"no": list("1234"), "words": LONG, "kind": list("abab")}, label="kind")
        assert found.text == "words"

    def test_korean_without_three_words(self) -> None:
        texts = ["정말재미있는영화라서다시보고싶습니다", "너무지루해서중간에나와버렸습니다정말"]
        assert settle({"x": texts, "label": ["1", "0"]}).text == "x"

    def test_several(self) -> None:
        with pytest.raises(DataError, match=r"2 columns of texts, 'u', 'v'; say which"):
            settle({"u": LONG, "v": LONG, "label": list("abab")})

    def test_a_named_column_of_numbers_is_no_text(self) -> None:
        found = settle({"content": ["1", "2", "3"], "label": list("aba")})
        assert (found.text, found.layout) == (None, "flat")

    def test_single_words(self) -> None:
        found = settle({"name": ["Kim", "Lee", "Bo"], "label": list("aab")})
        assert found.text == "name"

    def test_the_label_is_what_is_left(self) -> None:
        assert settle({"text": LONG, "stars": list("1212")}).label == "stars"

    def test_but_not_an_identifier(self) -> None:
        with pytest.raises(DataError, match="no column that is surely the label: it could be"):
            settle({"text": LONG * 5, "number": list(range(20))})

    def test_nor_one_of_two(self) -> None:
        with pytest.raises(DataError, match="could be one of 'u', 'v'; say by label which"):
            settle({"text": LONG, "u": list("1212"), "v": list("1212")})

    def test_the_target_is_what_is_left(self) -> None:
        found = settle({"text": LONG, "stars": list("1212")}, wants="numbers")
        assert (found.targets, found.label) == (("stars",), None)

    def test_label_words_are_no_texts(self) -> None:
        labels = ["very good indeed", "very bad indeed"] * 10
        found = settle({"n": list(range(20)), "how": labels})
        assert (found.text, found.label) == (None, "how")


class TestNumbers:
    def test_wide(self) -> None:
        found = settle({"y": list("aab"), "t1": [1, 2, 3], "t2": [1, 2, 3], "t3": [1, 2, 3]})
        assert (found.layout, found.label, found.features) == ("wide", "y", ())

    @pytest.mark.parametrize(
        "names", [("t1", "t2"), ("t1", "t3", "t4"), ("t1", "t2", "x3"), ("a", "b", "c")]
    )
    def test_flat(self, names: tuple[str, ...]) -> None:
        found = settle({"y": list("aab"), **{name: [1, 2, 3] for name in names}})
        assert (found.layout, found.features) == ("flat", names)

    def test_wide_without_names(self) -> None:
        columns = {str(i): ["0.5", "1", "2"] for i in range(1, 6)}
        found = settle(columns, numbered=True, label="3")
        assert found.layout == "wide"

    def test_words_without_names_are_flat(self) -> None:
        columns = {"1": ["1", "2"], "2": ["1", "2"], "3": ["a", "b"], "4": ["1", "2"]}
        found = settle(columns, numbered=True, label="1")
        assert (found.layout, found.words) == ("flat", ("3",))

    def test_long(self) -> None:
        found = settle({"case": [1, 1, 2], "y": list("aab"), "x": [1, 2, 3]}, id="case")
        assert (found.layout, found.features) == ("long", ("x",))

    def test_the_label_is_the_only_column_of_words(self) -> None:
        found = settle({"a": [1, 2, 3], "species": ["x", "x", "y"], "b": [1, 2, 3]})
        assert (found.label, found.features) == ("species", ("a", "b"))

    def test_words_stay_words(self) -> None:
        found = settle({"y": list("aab"), "zip": [1, 2, 3], "b": [1, 2, 3]}, words=("zip",))
        assert (found.features, found.words) == (("zip", "b"), ("zip",))

    def test_mistakes_among_numbers(self) -> None:
        columns = {"y": list("ab") * 10, "x": [*range(19), "oops"], "z": [*range(20)]}
        assert settle(columns).words == ()

    def test_empty_columns_are_left_out(self) -> None:
        columns = {"y": list("ab"), "x": ["1", "2"], "none": ["", "NA"]}
        assert settle(columns).features == ("x",)

    def test_nested_columns_are_left_out(self) -> None:
        columns = {"y": list("ab"), "x": ["1", "2"], "list": [[1], [2]]}
        assert settle(columns).features == ("x",)

    def test_nothing_left(self) -> None:
        with pytest.raises(DataError, match="no column left to make sequences of"):
            settle({"label": list("ab")})

    def test_target_needed(self) -> None:
        with pytest.raises(DataError, match="no column that is surely the number to predict"):
            settle({"a": [1, 2], "b": [3, 4]}, wants="numbers")


@pytest.mark.parametrize(
    ("names", "runs"),
    [
        (["1", "2", "3"], True),
        (["x 08", "x 09", "x 10"], True),
        (["V2", "V1", "V3"], False),
        (["1", "2"], False),
        (["a1b", "a2b", "a3b"], False),
        (["t²", "t3", "t4"], False),
        ([], False),
    ],
)
def test_runs(names: list[str], runs: bool) -> None:
    assert run_of_numbers(names) is runs
