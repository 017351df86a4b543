from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.examples.given import examples_of
from rnnkit.errors import DataError


class TestTexts:
    @pytest.mark.parametrize(
        "X",
        [
            ["a b", "", "👍"],
            ("a b", "", "👍"),
            np.array(["a b", "", "👍"]),
            pd.Series(["a b", "", "👍"]),
        ],
    )
    def test_any_list(self, X: Any) -> None:
        examples = examples_of(X, ["u", "v", "u"])
        assert examples.texts == ("a b", "", "👍")
        assert examples.classes == ("u", "v", "u")
        assert [str(note) for note in examples.notes] == ["empty texts, which were kept: 1"]
        assert examples.place(2) == "example 2 (counted from 0) of X"


class TestNumbers:
    def test_rows_of_an_array(self) -> None:
        examples = examples_of(np.array([[1, 2, 3], [4, np.nan, 6]]), wants="nothing")
        assert examples.classes is None
        assert examples.signals is not None
        np.testing.assert_array_equal(examples.signals.numbers[1], [[4], [np.nan], [6]])
        assert examples.signals.labels.shape == (6, 0)

    def test_three_dimensions(self) -> None:
        x = np.arange(24).reshape(2, 3, 4)
        signals = examples_of(x, [0, 1]).signals
        assert signals is not None
        np.testing.assert_array_equal(signals.numbers[1], x[1])

    def test_lists_of_unequal_length(self) -> None:
        signals = examples_of([[1, 2, 3], np.array([4.0]), [None, 6]], [0, 1, 1]).signals
        assert signals is not None
        assert signals.numbers.lengths.tolist() == [3, 1, 2]
        assert np.isnan(signals.numbers[2][0, 0])


class TestAnswers:
    @pytest.mark.parametrize(
        "y", [[1, 0], [1.0, 0.0], ("1", "0"), np.array([1, 0]), pd.Series([1, 0], index=[7, 7])]
    )
    def test_labels(self, y: Any) -> None:
        assert examples_of(["a", "b"], y).classes == ("1", "0")

    def test_truth_values(self) -> None:
        assert examples_of(["a", "b"], np.array([True, False])).classes == ("True", "False")

    @pytest.mark.parametrize(
        ("y", "expected"),
        [
            ([1, 2.5], [[1], [2.5]]),
            ([[1, 2], [3, 4]], [[1, 2], [3, 4]]),
            (pd.DataFrame({"p": [1, 2], "q": [3, 4]}), [[1, 3], [2, 4]]),
            (np.float32([1, 2.5]), [[1], [2.5]]),
        ],
    )
    def test_numbers(self, y: Any, expected: list[list[float]]) -> None:
        examples = examples_of(["a", "b"], y, wants="numbers")
        assert examples.targets is not None
        assert examples.targets.tolist() == expected


@pytest.mark.parametrize(
    ("X", "y", "wants", "words"),
    [
        ("abc", [1], "class", "X is of type str"),
        (5, [1], "class", "X is of type int"),
        ({"a": 1}, [1], "class", "X is of type dict"),
        (pd.DataFrame({"a": [1]}), [1], "class", "X is of type DataFrame"),
        ([], [], "class", "X is empty"),
        (np.zeros((0, 3)), [], "class", "X is empty"),
        (np.array([1.0, 2.0]), [1, 2], "class", "example 0 .* array .S, T."),
        (["a", 5], [1, 2], "class", "example 1 .* is of type int where others are texts"),
        ([[1], "a"], [1, 2], "class", "example 1 "),
        ([[1], []], [1, 2], "class", "example 1 .* is empty"),
        ([[1], [[1, 2]]], [1, 2], "class", "example 1 .* has 2 channels where example 0 has 1"),
        ([[1], [np.inf]], [1, 2], "class", "example 1 .* infinite number at step 0"),
        ([[1], [[1], [1, 2]]], [1, 2], "class", "example 1 .* unequal size"),
        ([[1], ["x"]], [1, 2], "class", "example 1 "),
        ([[1], [[[1]]]], [1, 2], "class", "example 1 .* shape"),
        ([[10**400]], [1], "class", "example 0 .* something else than numbers"),
        ([None], [1], "class", "example 0"),
        (["a\ud800"], [1], "class", "example 0 .* half a character"),
        (["a"], None, "class", "y is missing"),
        (["a"], "b", "class", "y is of type str"),
        (["a"], 1, "class", "y is of type int"),
        (["a"], [1, 2], "class", "y has 2 entries for 1 examples"),
        (["a", "b"], ["u", None], "class", r"no label on y\[1\]"),
        (["a", "b"], ["u", float("nan")], "class", r"no label on y\[1\]"),
        (["a", "b"], [1, 2.5], "class", r"y\[1\] is 2.5, which is no label"),
        (["a", "b"], [[1], [2]], "class", r"y\[0\] is of type list"),
        (["a", "b"], [1, "x"], "numbers", r"y\[1\] holds 'x'"),
        (["a", "b"], [1, float("nan")], "numbers", r"no value on y\[1\]"),
        (["a", "b"], [1, float("inf")], "numbers", r"y\[1\] holds inf"),
        (["a", "b"], [[1], [1, 2]], "numbers", "rows of unequal size"),
        (["a", "b"], np.zeros((2, 1, 1)), "numbers", r"y has shape \(2, 1, 1\)"),
    ],
)
def test_refused(X: Any, y: Any, wants: Any, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        examples_of(X, y, wants=wants)
    assert "\n" not in str(caught.value)
