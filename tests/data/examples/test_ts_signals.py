from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pytest

from rnnkit.data.examples.reading import read_examples
from rnnkit.data.examples.signals import read_signals
from rnnkit.errors import DataError

VOWELS = (
    "# About\n@problemName Vowels\n@timeStamps false\n@missing true\n@univariate false\n"
    "@dimensions 2\n@equalLength false\n@classLabel true 1 high_pitch\n\n@data\n"
    "1,2.5,?:4,5,-6e1:high_pitch\n# between\n7,:NaN,8: 1 \n"
)


def write(folder: Path, text: str, name: str = "Vowels_TRAIN.ts") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_channels_of_unequal_length_and_missing_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, VOWELS)
    examples = read_signals(path)
    assert examples.name == "Vowels_TRAIN"
    assert examples.classes == ("high_pitch", "1")
    assert examples.targets is None
    assert examples.place(1) == f"line 13 of {path}"
    assert examples.signals is not None
    assert examples.signals.channels == ("channel 1", "channel 2")
    numbers = examples.signals.numbers
    np.testing.assert_array_equal(numbers[0], [[1, 4], [2.5, 5], [np.nan, -60]])
    np.testing.assert_array_equal(numbers[1], [[7, np.nan], [np.nan, 8]])


def test_compressed_and_by_content(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.xz"
    path.write_bytes(lzma.compress(VOWELS.replace("\n", "\r\n").encode()))
    assert read_examples(path).classes == ("high_pitch", "1")


def test_target(tmp_path: Path) -> None:
    text = "@targetLabel true\n@classLabel false\n@data\n1,2:0.5\n3,4:-7\n"
    examples = read_examples(write(tmp_path, text), wants="numbers")
    assert examples.targets is not None
    assert examples.targets.tolist() == [[0.5], [-7]]
    assert examples.target_names == ("target",)
    assert examples.classes is None


def test_neither_label_nor_target(tmp_path: Path) -> None:
    path = write(tmp_path, "@classLabel false\n@data\n1,2:3,4\n")
    examples = read_examples(path, wants="nothing")
    assert examples.signals is not None
    assert examples.signals.numbers[0].tolist() == [[1, 3], [2, 4]]
    with pytest.raises(DataError, match="has no labels"):
        read_examples(path)


HEAD = "@classLabel true a b\n@data\n1,2:a\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no line @data"),
        ("@classLabel true a\n", "has no line @data"),
        ("@data\n", "has no cases after @data"),
        ("1,2:a\n", "line 1 .* stands before @data"),
        ("@timeStamps true\n@data\n", "line 1 .* says @timeStamps true"),
        ("@timeStamps maybe\n@data\n", "line 1 .* neither true nor false"),
        ("@classLabel true\n@data\n", "line 1 .* names no class"),
        ("@classLabel\n@data\n", "line 1 .* neither true nor false"),
        ("@dimensions two\n@data\n", "line 1 .* no number of dimensions"),
        (f"@dimensions 3\n{HEAD}", "line 4 .* has 1 channels; 3 were expected"),
        (f"{HEAD}1,2:c\n", "line 4 .* has the label 'c', which @classLabel does not name"),
        (f"{HEAD}1,2\n", "line 4 .* no colon between values and label"),
        (f"{HEAD}1,2:3,4:a\n", "line 4 .* has 2 channels; 1 were expected"),
        (f"{HEAD}1,x:a\n", "line 4 .* holds 'x' where a number was expected"),
        (f"{HEAD}1,inf:a\n", "line 4 .* infinite"),
        (f"{HEAD}1_0,2:a\n", "line 4 .* with _ in it"),
        (f"{HEAD}(0,1),(1,2):a\n", "line 4 .* holds a bracket"),
        ("@classLabel true a\n@data\n1,2:3:a\n", "line 3 .* has 1 values in channel 2 and 2 in"),
        ("@targetLabel true\n@data\n1,2:a\n", "line 3 .* holds 'a' where a number"),
        ("@targetLabel true\n@data\n1,2:?\n", "line 3 .* has the target '\\?'"),
        ("@targetLabel true\n@classLabel true a\n@data\n1:2\n", "line 3 .* one was expected"),
    ],
)
def test_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_signals(write(tmp_path, text))
    assert "\n" not in str(caught.value)
