from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.examples.columns import ExampleColumns
from rnnkit.data.examples.contract import Examples, Signals
from rnnkit.data.examples.reading import read_examples
from rnnkit.errors import DataError


def read(folder: Path, data: str, /, **options: Any) -> Examples:
    path = folder / "t.csv"
    path.write_text(data)
    wants = options.pop("wants", "class")
    return read_examples(path, ExampleColumns(**options), wants=wants)


def signals_of(examples: Examples) -> Signals:
    assert examples.texts is None
    assert examples.signals is not None
    return examples.signals


def sequences(examples: Examples) -> list[Any]:
    signals = signals_of(examples)
    return [signals.numbers[i].tolist() for i in range(len(signals))]


class TestWide:
    TEXT = "label,t1,t2,t3\na,1,2,3\nb,4,,\nc,5,,7\nd,NA,8,NA\n"

    def test_shorter_and_missing(self, tmp_path: Path) -> None:
        examples = read(tmp_path, self.TEXT)
        signals = signals_of(examples)
        assert signals.channels == ("t",)
        assert signals.labels.shape == (9 + 1, 0)
        assert signals.numbers.lengths.tolist() == [3, 1, 3, 3]
        np.testing.assert_array_equal(
            signals.numbers.values[:, 0], [1, 2, 3, 4, 5, np.nan, 7, np.nan, 8, np.nan]
        )
        assert examples.classes == ("a", "b", "c", "d")
        assert "rows that end in empty cells, and so are shorter sequences: 1" in map(
            str, examples.notes
        )

    def test_without_names(self, tmp_path: Path) -> None:
        examples = read(tmp_path, "2\t0.5\t1\t2\n1\t3\t4\t5\n", label="1")
        assert sequences(examples) == [[[0.5], [1], [2]], [[3], [4], [5]]]
        assert examples.classes == ("2", "1")
        assert signals_of(examples).channels == ("value",)

    def test_rows_of_any_length_where_it_is_said(self, tmp_path: Path) -> None:
        examples = read(tmp_path, "a,7,2,3\nb,4\n", label="1", layout="wide")
        assert sequences(examples) == [[[7], [2], [3]], [[4]]]

    def test_frame(self) -> None:
        frame = pd.DataFrame(
            {"t1": [1, 2.0], "t2": [np.nan, 3], "t3": [np.nan, 4], "y": ["a", "b"]}
        )
        assert sequences(read_examples(frame)) == [[[1]], [[2], [3], [4]]]

    def test_order_said(self, tmp_path: Path) -> None:
        examples = read(tmp_path, "y,a,b\n0,1,2\n1,3,4\n", features=("b", "a"), layout="wide")
        assert sequences(examples) == [[[2], [1]], [[4], [3]]]

    def test_targets(self, tmp_path: Path) -> None:
        examples = read(tmp_path, "t1,t2,t3,y\n1,2,3,4.5\n5,6,7,8\n", wants="numbers")
        assert sequences(examples)[1] == [[5], [6], [7]]
        assert examples.targets is not None
        assert examples.targets.tolist() == [[4.5], [8]]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("label,t1,t2,t3\na,1,2,3\nb,,,\n", "line 3 of .* has no numbers"),
            ("label,t1,t2,t3\na,1,2,3\nb,1,inf,3\n", "'t2' must hold finite numbers.*line 3"),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, words: str) -> None:
        with pytest.raises(DataError, match=words):
            read(tmp_path, text)

    def test_a_word_beyond_the_sample(self, tmp_path: Path) -> None:
        rows = "a,1,2,3\n" * 1000
        with pytest.raises(DataError, match="'t3' must hold numbers, but line 1002 of"):
            read(tmp_path, f"label,t1,t2,t3\n{rows}b,1,2,oops\n")


class TestLong:
    TEXT = (
        "who,when,x,wind,label\nB,2,20,N,up\nA,9,1,S,down\nB,1,10,N,up\nA,10,2,,down\nC,1,7,W,up\n"
    )

    def test_order_of_appearance(self, tmp_path: Path) -> None:
        examples = read(tmp_path, self.TEXT, id="who", features=("x",))
        assert sequences(examples) == [[[20], [10]], [[1], [2]], [[7]]]
        assert examples.classes == ("up", "down", "up")
        assert examples.place(1) == f"sequence 'A' (first on line 3 of {tmp_path / 't.csv'})"

    def test_order_of_time(self, tmp_path: Path) -> None:
        # As texts, "10" would stand before "9".
        examples = read(tmp_path, self.TEXT, id="who", time="when")
        signals = signals_of(examples)
        assert sequences(examples) == [[[10], [20]], [[1], [2]], [[7]]]
        assert signals.label_channels == ("wind",)
        assert signals.labels[:, 0].tolist() == ["N", "N", "S", "", "W"]
        assert signals.take([2, 0]).labels[:, 0].tolist() == ["W", "N", "N"]

    def test_dates(self, tmp_path: Path) -> None:
        text = "id,day,x,label\na,2020-01-10,2,u\na,2020-01-09,1,u\n"
        assert sequences(read(tmp_path, text, id="id", time="day")) == [[[1], [2]]]

    def test_targets_of_the_last_row(self, tmp_path: Path) -> None:
        text = "id,x,y\na,1,5\nb,2,6\na,3,5\nb,4,7\n"
        examples = read(tmp_path, text, id="id", wants="numbers")
        assert examples.targets is not None
        assert examples.targets.tolist() == [[5], [7]]
        assert any("that of its last row was taken" in str(note) for note in examples.notes)

    def test_constant_targets_need_no_note(self, tmp_path: Path) -> None:
        examples = read(
            tmp_path, "id,x,y\na,1,5\na,3,5\n", id="id", targets=("y",), wants="numbers"
        )
        assert not any("last row" in str(note) for note in examples.notes)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (
                "id,t,x,label\na,1,1,u\na,2,2,v\n",
                "'a' has the label 'u' on line 2 .* 'v' on line 3",
            ),
            (
                "id,t,x,label\na,1,1,u\na,1,2,u\n",
                "'a' has two rows of one time, on line 2 .*line 3",
            ),
            ("id,t,x,label\na,1,1,u\n,2,2,u\n", "'id' has no value on line 3"),
            ("id,t,x,label\na,soon,1,u\na,2,2,u\n", "'t'.*line 2"),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, words: str) -> None:
        with pytest.raises(DataError, match=words):
            read(tmp_path, text, id="id", time="t", label="label")


class TestFlat:
    def test_numbers_and_words(self, tmp_path: Path) -> None:
        text = "make, model,km,mpg,price\naudi, A1,10,5.5,100\n,A2,,6,200\n"
        examples = read(tmp_path, text, targets=("price",), wants="numbers")
        signals = signals_of(examples)
        assert signals.numbers.lengths.tolist() == [1, 1]
        assert signals.channels == ("km", "mpg")
        np.testing.assert_array_equal(signals.numbers.values, [[10, 5.5], [np.nan, 6]])
        assert signals.label_channels == ("make", "model")
        assert signals.labels.tolist() == [["audi", "A1"], ["", "A2"]]
        assert "each row is read as a sequence of one step: a row is no sequence in time" in map(
            str, examples.notes
        )

    def test_words_alone(self, tmp_path: Path) -> None:
        examples = read(tmp_path, "a,b,label\nx,y,1\nz,y,0\n", features=("a", "b"))
        signals = signals_of(examples)
        assert signals.numbers.values.shape == (2, 0)
        assert signals.labels.tolist() == [["x", "y"], ["z", "y"]]
        assert len(signals) == 2

    def test_words_said(self, tmp_path: Path) -> None:
        text = "zip,n,label\n01,1,a\n02,2,b\n"
        signals = signals_of(read(tmp_path, text, words=("zip",)))
        assert signals.labels.tolist() == [["01"], ["02"]]
        assert signals.channels == ("n",)

    def test_decimal_commas(self, tmp_path: Path) -> None:
        examples = read(tmp_path, "a;b;label\n1,5;2;u\n2,25;3;v\n")
        assert sequences(examples) == [[[1.5, 2]], [[2.25, 3]]]
