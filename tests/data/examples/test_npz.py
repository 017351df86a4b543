from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnkit.data.examples.arrays import read_arrays
from rnnkit.data.examples.keras_npz import is_keras_npz, read_keras_npz
from rnnkit.data.examples.reading import read_examples
from rnnkit.errors import DataError


def objects(*sequences: Any) -> Any:
    array = np.empty(len(sequences), dtype=object)
    array[:] = sequences
    return array


def imdb(folder: Path) -> Path:
    path = folder / "imdb.npz"
    np.savez(
        path,
        allow_pickle=True,
        x_train=objects([1, 14, 22], [1], []),
        y_train=np.array([1, 0, 1]),
        x_test=objects([1, 2**40], [3, 4]),
        y_test=np.array([0, 1]),
    )
    return path


def pickled(folder: Path, content: bytes, length: int = 1) -> Path:
    """Write a file whose `x_train` is this pickle."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|O", "fortran_order": False, "shape": (length,)}
    )
    labels = io.BytesIO()
    np.save(labels, np.zeros(length, dtype=np.int64))
    path = folder / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", header.getvalue() + content)
        archive.writestr("y_train.npy", labels.getvalue())
    return path


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return (Path.write_text, (self.target, "owned"))


class TestKeras:
    def test_train(self, tmp_path: Path) -> None:
        path = imdb(tmp_path)
        examples = read_examples(path)
        assert examples.name == "imdb"
        assert examples.texts == ("1 14 22", "1", "")
        assert examples.classes == ("1", "0", "1")
        assert examples.place(1) == f"sequence 1 (counted from 0) of x_train in {path}"
        assert [str(note) for note in examples.notes] == [
            "sequences of whole numbers were read as texts: each number is a word",
            "empty texts, which were kept: 1",
        ]

    def test_test(self, tmp_path: Path) -> None:
        examples = read_examples(imdb(tmp_path), part="test")
        assert (examples.texts, examples.classes) == (("1 1099511627776", "3 4"), ("0", "1"))

    @pytest.mark.parametrize("protocol", range(6))
    def test_every_protocol(self, tmp_path: Path, protocol: int) -> None:
        content = pickle.dumps(objects([7, 8], [9]), protocol=protocol)
        path = pickled(tmp_path, content, 2)
        assert read_keras_npz(path).texts == ("7 8", "9")

    def test_the_name_that_old_numpy_wrote(self, tmp_path: Path) -> None:
        content = pickle.dumps(objects([7]), protocol=2)
        assert b"numpy._core.multiarray" in content
        old = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
        assert read_keras_npz(pickled(tmp_path, old)).texts == ("7",)

    def test_code_is_not_run(self, tmp_path: Path) -> None:
        target = tmp_path / "written"
        content = pickle.dumps(objects(Malicious(target)))
        path = pickled(tmp_path, content)
        assert is_keras_npz(path)
        with pytest.raises(DataError, match=r"asks for '(builtins\.getattr|pathlib)"):
            read_keras_npz(path)
        assert not target.exists()
        pickle.loads(content)  # noqa: S301 - it would have been
        assert target.read_text() == "owned"

    @pytest.mark.parametrize(
        "content",
        [
            b"cos\nsystem\n(S'true'\ntR.",
            b"cbuiltins\neval\n(S'1'\ntR.",
            b"cnumpy\nload\n(S'x'\ntR.",
            b"cnumpy\nfromfile\n(S'x'\ntR.",
            b"(S'true'\nios\nsystem\n.",
        ],
    )
    def test_other_names_are_refused(self, tmp_path: Path, content: bytes) -> None:
        with pytest.raises(DataError, match=r"asks for '\w+\.\w+' to be run"):
            read_keras_npz(pickled(tmp_path, content))

    @pytest.mark.parametrize(
        ("sequences", "words"),
        [
            (objects([1, 2], "ab"), "sequence 1 .* no list of whole numbers"),
            (objects([1, 2.5]), "sequence 0 .* no list of whole numbers"),
            (objects([True]), "sequence 0 .* no list of whole numbers"),
            (objects([[1]]), "sequence 0 .* no list of whole numbers"),
        ],
    )
    def test_other_elements(self, tmp_path: Path, sequences: Any, words: str) -> None:
        path = pickled(tmp_path, pickle.dumps(sequences), len(sequences))
        with pytest.raises(DataError, match=words):
            read_keras_npz(path)

    def test_labels_that_do_not_fit(self, tmp_path: Path) -> None:
        path = tmp_path / "a.npz"
        x: Any = objects([1], [2])
        np.savez(path, allow_pickle=True, x_train=x, y_train=np.array([1]))
        with pytest.raises(DataError, match="1 labels in y_train for 2 sequences"):
            read_keras_npz(path)
        with pytest.raises(DataError, match="x_test"):
            read_keras_npz(path, part="test")

    @pytest.mark.parametrize(
        "content",
        [b"", b".", b"N.", b"I5\n.", b"\x80\x04]\x94.", b"\x80\x05\x8a\x04\xff\xff\xff\x7f."],
    )
    def test_damaged(self, tmp_path: Path, content: bytes) -> None:
        with pytest.raises(DataError, match="is damaged or no"):
            read_keras_npz(pickled(tmp_path, content))


class TestArrays:
    def write(self, folder: Path, **arrays: Any) -> Path:
        path = folder / "signals.npz"
        np.savez(path, **arrays)
        return path

    def test_one_channel(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, x=np.array([[1, 2, 3], [4, 5, 6]]), y=np.array(["u", "v"]))
        examples = read_examples(path)
        assert examples.name == "signals"
        assert examples.classes == ("u", "v")
        assert examples.signals is not None
        assert examples.signals.numbers[1].tolist() == [[4], [5], [6]]
        assert examples.place(1) == f"example 1 (counted from 0) of {path}"

    def test_lengths(self, tmp_path: Path) -> None:
        x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
        path = self.write(tmp_path, X=x, y=[0, 1], lengths=[3, 1])
        signals = read_arrays(path).signals
        assert signals is not None
        assert signals.channels == ("channel 1", "channel 2")
        assert signals.numbers[0].tolist() == [[0, 1], [2, 3], [4, 5]]
        assert signals.numbers[1].tolist() == [[6, 7]]

    def test_numbers(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, x=[[1.0], [2.0]], y=[[1.5, 2], [3, 4]])
        examples = read_arrays(path, wants="numbers")
        assert examples.targets is not None
        assert examples.targets.tolist() == [[1.5, 2], [3, 4]]
        assert examples.target_names == ("y1", "y2")

    def test_parts(self, tmp_path: Path) -> None:
        arrays = {"x_train": [[1.0]], "y_train": [0], "x_test": [[2.0], [3.0]], "y_test": [0, 1]}
        path = self.write(tmp_path, **arrays)
        assert len(read_examples(path)) == 1
        assert read_examples(path, part="test").classes == ("0", "1")

    def test_nothing_wanted(self, tmp_path: Path) -> None:
        assert read_arrays(self.write(tmp_path, x=[[1.0]]), wants="nothing").classes is None

    @pytest.mark.parametrize(
        ("arrays", "words"),
        [
            ({"z": [1]}, "has no array 'x'; it has 'z'"),
            ({"x": [[1.0]]}, "y is missing"),
            ({"x": [[1.0]], "y": [1, 2]}, "y has 2 entries for 1 examples"),
            ({"x": [[1.0], [2.0]], "y": [1, 2], "lengths": [1]}, r"has lengths \(1,\)"),
            ({"x": [[1.0], [2.0]], "y": [1, 2], "lengths": [1, 2]}, "sequence 1 .* has length 2"),
            ({"x": [[1.0], [2.0]], "y": [1, 2], "lengths": [0, 1]}, "sequence 0 .* has length 0"),
            ({"x": [[1.0], [np.inf]], "y": [1, 2]}, "example 1 .* infinite number at step 0"),
            ({"x": [[1.0]], "y": [1.5]}, r"y\[0\] is 1.5, which is no label"),
            ({"x": [["a"]], "y": [1]}, "example 0 .*"),
            ({"x": np.zeros((1, 1, 1, 1)), "y": [1]}, "shape"),
            ({"x": np.zeros((0, 3)), "y": []}, "is empty"),
            ({"x": np.zeros((2, 0)), "y": [1, 2]}, "example 0 .* is empty"),
            ({"x": 5.0, "y": [1]}, "expected"),
            ({"x": [[1j]], "y": [1]}, "example 0"),
        ],
    )
    def test_refused(self, tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
        with pytest.raises(DataError, match=words):
            read_examples(self.write(tmp_path, **arrays))

    def test_objects(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, x=objects([1]), y=[1])
        with pytest.raises(DataError, match=r"no \.npz file of plain arrays"):
            read_examples(path)
