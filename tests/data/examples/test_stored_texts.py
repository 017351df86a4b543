"""Tables of texts read in pieces into a temporary file, beside those read whole."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.examples.columns import ExampleColumns
from rnnkit.data.examples.contract import Examples
from rnnkit.data.examples.reading import find_columns, read_examples
from rnnkit.data.examples.stored import StoredTexts, read_stored
from rnnkit.errors import ConfigError, DataError

ODD = ["", "  ", "🙂 good, 좋다", 'a "quoted"\nline', "x" * 5000, "\u0085 next", "tab\there"]
# That a comma stands before decimals, not in thousands, is told by the last of the numbers alone.
PRICES = ["1,234", "2,500", "17", "3,000", "4", "5,750", "1,5"]


def table(labels: bool = True) -> pd.DataFrame:
    answer: dict[str, Any] = {"label": [" b", "a", "none", "a", "10", "b ", "a"]}
    return pd.DataFrame({"text": ODD} | (answer if labels else {"price": PRICES}))


def write(folder: Path, kind: str, frame: pd.DataFrame) -> Path:
    path = folder / f"data.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    else:
        frame.to_parquet(path)
    return path


def same(stored: Examples, whole: Examples) -> None:
    assert isinstance(stored.texts, StoredTexts)
    assert list(stored.texts) == list(whole.texts or ())
    assert (stored.name, stored.classes) == (whole.name, whole.classes)
    assert (stored.target_names, len(stored)) == (whole.target_names, len(whole))
    if whole.targets is not None:
        np.testing.assert_array_equal(stored.targets, whole.targets)
    assert [stored.place(i) for i in range(len(whole))] == list(map(whole.place, range(len(whole))))
    assert list(map(str, stored.notes[:-1])) == list(map(str, whole.notes))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_the_examples_are_those_of_the_whole_table(tmp_path: Path, kind: str, chunk: int) -> None:
    path = write(tmp_path, kind, table())
    examples, columns = read_stored(path, folder=tmp_path, chunk=chunk)
    same(examples, read_examples(path))
    assert columns == find_columns(path)
    assert "read in pieces" in str(examples.notes[-1])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("chunk", [2, 1000])
def test_numbers_are_read_as_one_column(tmp_path: Path, kind: str, chunk: int) -> None:
    path = write(tmp_path, kind, table(labels=False))
    columns = ExampleColumns(text="text", targets=("price",))
    examples, _ = read_stored(path, columns, wants="numbers", folder=tmp_path, chunk=chunk)
    same(examples, read_examples(path, columns, wants="numbers"))
    assert examples.targets is not None
    assert examples.targets[[0, 6], 0].tolist() == [1.234, 1.5]


def test_labels_of_parquet_that_are_whole_numbers_or_categories(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": list("abcdef"), "label": [3, 10, 3, 10, 3, 7]})
    path = write(tmp_path, "parquet", frame)
    same(read_stored(path, folder=tmp_path, chunk=2)[0], read_examples(path))
    path = write(tmp_path, "parquet", frame.astype({"label": str}).astype({"label": "category"}))
    same(read_stored(path, folder=tmp_path, chunk=2)[0], read_examples(path))


def test_texts_of_parquet_are_let_go(tmp_path: Path) -> None:
    texts = [f"{k} " + 5_000 * "x" for k in range(5_000)]  # 25 million bytes
    path = write(tmp_path, "parquet", pd.DataFrame({"text": texts, "label": ["a", "b"] * 2_500}))
    del texts
    tracemalloc.start()
    try:
        read_stored(path, folder=tmp_path, chunk=100)
        # The columns are found by the first 1,000 rows.
        assert tracemalloc.get_traced_memory()[1] < 15_000_000
    finally:
        tracemalloc.stop()


def test_some_of_the_examples(tmp_path: Path) -> None:
    path = write(tmp_path, "csv", table())
    examples = read_stored(path, folder=tmp_path, chunk=2)[0]
    part = examples.take([6, 2, 3]).take(np.array([2, 0]))
    assert isinstance(part.texts, StoredTexts)
    assert part.texts.file is examples.texts.file  # type: ignore[union-attr]
    assert list(part.texts) == [ODD[3], ODD[6]]
    assert part.classes == ("a", "a")
    assert [part.place(0), part.place(1)] == [f"line 5 of {path}", f"line 9 of {path}"]


def test_texts_are_a_sequence(tmp_path: Path) -> None:
    texts = StoredTexts.write([ODD[:3], [], ODD[3:]], tmp_path)
    assert len(texts) == 7
    assert (texts[-1], texts[np.int64(2)]) == (ODD[-1], ODD[2])
    assert list(texts[5:1:-2]) == ODD[5:1:-2]
    assert "nothing" not in texts
    with pytest.raises(IndexError):
        texts[7]
    assert not len(StoredTexts.write([], tmp_path))


@pytest.mark.parametrize("row", [1, 4])
def test_a_row_without_a_label_is_named_whatever_its_piece(tmp_path: Path, row: int) -> None:
    frame = pd.DataFrame({"text": list("vwxyz"), "label": list("abcab")})
    frame.loc[row, "label"] = ""
    path = write(tmp_path, "csv", frame)
    with pytest.raises(DataError) as whole:
        read_examples(path)
    with pytest.raises(DataError) as pieces:
        read_stored(path, folder=tmp_path, chunk=2)
    assert str(pieces.value) == str(whole.value)
    assert f"line {row + 2} of" in str(whole.value)


def test_a_broken_row_late_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("text,label\n" + "good,a\nbad,b\n" * 5 + "one,too,many\n")
    with pytest.raises(DataError, match=r"line 12 of .* has 3 cells"):
        read_stored(path, folder=tmp_path, chunk=3)


def test_what_cannot_be_read_in_pieces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read in pieces"):
        read_stored(tmp_path, folder=tmp_path)
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(DataError, match="cannot be read in pieces"):
        read_stored(tmp_path / "a.npz", folder=tmp_path)
    path = tmp_path / "numbers.csv"
    path.write_text("1,2,3,label\n0.5,1.5,2.5,a\n3.5,4.5,5.5,b\n")
    with pytest.raises(ConfigError, match="texts alone are read in pieces; leave stream out"):
        read_stored(path, ExampleColumns(layout="wide"), folder=tmp_path)
    path = tmp_path / "long.csv"
    path.write_text("id,x,label\n1,0.5,a\n1,0.7,a\n2,0.1,b\n")
    with pytest.raises(ConfigError, match="layout long"):
        read_stored(path, ExampleColumns(layout="long", id="id"), folder=tmp_path)
