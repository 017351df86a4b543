"""A corpus of broken files, and fuzzing: whatever stands in a file, only our errors come out."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rnnkit.data.examples.columns import ExampleColumns
from rnnkit.data.examples.conll import read_sentences
from rnnkit.data.examples.lines import read_whole
from rnnkit.data.examples.reading import iter_examples, read_examples
from rnnkit.data.examples.sources import check_examples
from rnnkit.errors import DataError, RnnkitError

ROWS = b"text,label\n" + b"a good one,1\na bad one,0\n" * 200

BROKEN: dict[str, tuple[str, bytes, str]] = {
    "empty": ("a.csv", b"", "is empty"),
    "mark alone": ("a.csv", b"\xef\xbb\xbf", "is empty"),
    "header alone": ("a.csv", b"text,label\n", "has column names but no rows"),
    "nul": ("a.csv", b"text,label\na,1\nb\x00,1\n", "line 3 .* NUL byte"),
    "utf-16": ("a.csv", "text,label\na,1\n".encode("utf-16"), "is UTF-16"),
    "utf-16 without mark": ("a.csv", "text,label\n".encode("utf-16-le"), "line 1 .* NUL byte"),
    "latin-1": ("a.csv", b"text,label\na,1\ncaf\xe9 !,1\n", "line 3 .* .byte 0xE9 at position 4 "),
    "cp949": ("a.csv", "글,label\n좋다,1\n".encode("cp949"), "line 1 .* looks like CP949"),
    "half a character": ("a.csv", b"text,label\na\xed\xa0\xbd,1\n", "line 2 .* .byte 0xED at"),
    "gzip cut": ("a.csv.gz", gzip.compress(ROWS)[:-20], "is damaged"),
    "gzip changed": ("a.csv.gz", gzip.compress(ROWS)[:30] + b"?" * 40, "damaged|cannot be read"),
    "bzip2 cut": ("a.csv.bz2", bz2.compress(ROWS)[:-20], "is damaged"),
    "xz cut": ("a.csv.xz", lzma.compress(ROWS)[:-20], "is damaged"),
    "xz changed": ("a.csv.xz", lzma.compress(ROWS)[:60] + b"?" * 40, "is damaged"),
    "archive": ("a.tar.xz", lzma.compress(ROWS), "is an archive; unpack it first"),
    "workbook": ("a.csv", b"PK\x03\x04rest", "ZIP archive or a workbook"),
    "parquet": ("a.parquet", b"PAR1 and nothing more", "damaged Parquet"),
    "npz": ("a.npz", b"PK\x03\x04 and nothing more", "damaged"),
    "ragged": (
        "a.csv",
        b"text,label\na,1\nb,c,1\n",
        "line 3 .* has 3 cells where the header has 2",
    ),
    "unclosed": ("a.csv", b'text,label\n"a,b",1\n"c,d,1\n', "line 3 .* never closed"),
    "label": ("a.csv", b"text,label\na,1\nb,\n", "'label' has no label on line 3"),
    "json": ("a.jsonl", b'{"text": "a", "label": 1}\n{"text": ', "line 2 .* no JSON object"),
    "old line ends": ("a.csv", b"text,label\ra,1\rb,0\r", "ends its lines with carriage returns"),
    "ts": ("a.ts", b"@classLabel true a\n@data\n1,2:b\n", "line 3 .* has the label 'b'"),
}


@pytest.mark.parametrize(("file", "content", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_corpus(tmp_path: Path, file: str, content: bytes, words: str) -> None:
    path = tmp_path / file
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        read_examples(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def parquet() -> bytes:
    file = io.BytesIO()
    pd.DataFrame({"text": ["a b c", "d"], "n": [1.5, 2], "label": ["x", "y"]}).to_parquet(file)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **arrays)
    return file.getvalue()


def keras() -> bytes:
    x: Any = np.empty(2, dtype=object)
    x[:] = [[1, 2, 3], [4]]
    return npz(x_train=x, y_train=np.array([0, 1]))


def stored(pickled: bytes) -> bytes:
    """Return a `.npz` file with this pickle, its checksum right."""
    header = io.BytesIO()
    descr: Any = {"descr": "|O", "fortran_order": False, "shape": (2,)}
    np.lib.format.write_array_header_1_0(header, descr)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x_train.npy", header.getvalue() + pickled)
        archive.writestr("y_train.npy", header.getvalue() + pickled)
    return file.getvalue()


CONLLU = b"# c\n1-2\tab\t_\t_\t_\t_\t_\t_\t_\t_\n1\ta\ta\tX\tx\t_\t0\troot\t_\t_\n\n"
VALID: dict[str, bytes] = {
    "a.csv": b'text,label,n\n"a ""b"", c\nd",1,2\n#e,0,1.5\n,1,\n',
    "a.tsv": b'id\ttext\tlabel\n1\t"a b c\t0\n2\td e f"\t1\n',
    "wide.csv": b"y,t1,t2,t3\na,1,2,\nb,NA,5,6\n",
    "headless.txt": b"1;2,5;3\n0;4,5;6\n",
    "a.jsonl": b'{"text": "a b \\u00e9", "label": 1}\n{"text": null, "label": true, "n": 2.5}\n',
    "a.ts": b"@problemName a\n@classLabel true a b\n@data\n1,2:3,?:a\n1:2:b\n",
    "a.parquet": parquet(),
    "arrays.npz": npz(x=np.ones((2, 3)), y=np.array([0, 1]), lengths=np.array([3, 1])),
    "keras.npz": keras(),
    "a.conllu": CONLLU,
    "a.conll": b"-DOCSTART- O\n\na X\n# Y\n\nb Z\n",
    "a.csv.gz": gzip.compress(b"text,label\na,1\nb,2\n", mtime=0),
}
COLUMNS = [
    ExampleColumns(),
    ExampleColumns(text="text", label="label"),
    ExampleColumns(layout="wide", label="1"),
    ExampleColumns(id="y", label="y1"),
    ExampleColumns(features=("text",), layout="flat", words=("text",)),
    ExampleColumns(header=False, label="2", targets=("1",)),
]

mutations = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 3),
        st.one_of(
            st.sampled_from(
                [
                    b"",
                    b'"',
                    b"\n",
                    b"\t",
                    b",",
                    b"\x00",
                    b"\xff",
                    b"\xc2\x85",
                    b"\r",
                    b"NaN",
                    b"@data\n",
                ]
            ),
            st.binary(max_size=4),
        ),
    ),
    max_size=4,
)


def mutate(content: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for where, removed, added in changes:
        place = int(where * len(content))
        content = content[:place] + added + content[place + removed :]
    return content


def readers(columns: ExampleColumns) -> list[Callable[[Path], object]]:
    return [
        lambda path: read_examples(path, columns),
        lambda path: read_examples(path, columns, wants="numbers"),
        lambda path: read_examples(path, columns, wants="nothing"),
        lambda path: check_examples(path, columns),
        lambda path: list(iter_examples(path, columns, chunk=2)),
        read_sentences,
        read_whole,
    ]


def refusal(read: Callable[[Path], object], path: Path) -> str:
    """Return what is said against a file, in an error of ours; any other error goes on."""
    try:
        read(path)
    except RnnkitError as error:
        return str(error)
    return ""


def try_all(path: Path, content: bytes, columns: ExampleColumns) -> None:
    path.write_bytes(content)
    for read in readers(columns):
        assert "\n" not in refusal(read, path)


QUIET = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("name", VALID)
@QUIET
@given(changes=mutations, columns=st.sampled_from(COLUMNS))
def test_changed_files(
    tmp_path: Path, name: str, changes: list[tuple[float, int, bytes]], columns: ExampleColumns
) -> None:
    try_all(tmp_path / name, mutate(VALID[name], changes), columns)


@QUIET
@given(content=st.binary(max_size=200), columns=st.sampled_from(COLUMNS))
@example(content=b"\x1f\x8b\x08", columns=COLUMNS[0])
@example(content=b"BZh91AY&SY", columns=COLUMNS[0])
@example(content=b"\xfd7zXZ\x00", columns=COLUMNS[0])
@example(content=b"PAR1PAR1", columns=COLUMNS[0])
def test_bytes(tmp_path: Path, content: bytes, columns: ExampleColumns) -> None:
    for name in ("a.csv", "a.ts", "a.npz", "a.jsonl"):
        try_all(tmp_path / name, content, columns)


@QUIET
@given(changes=mutations)
@example(changes=[(0.25, 2, b""), (0.25, 2, b""), (0.25, 2, b"@data\n")])
def test_changed_pickles(tmp_path: Path, changes: list[tuple[float, int, bytes]]) -> None:
    array: Any = np.empty(2, dtype=object)
    array[:] = [[1, 2], [3]]
    for protocol in (0, 4):
        content = mutate(pickle.dumps(array, protocol=protocol), changes)
        path = tmp_path / "a.npz"
        path.write_bytes(stored(content))
        assert "\n" not in refusal(read_examples, path)


@QUIET
@given(content=st.binary(max_size=60))
def test_pickles(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(stored(content))
    with pytest.raises(RnnkitError):
        read_examples(path)


CELLS = st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12
)


@QUIET
@given(rows=st.lists(st.tuples(CELLS, st.sampled_from(["pos", "neg"])), min_size=1, max_size=8))
def test_what_pandas_writes_is_read(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    path = tmp_path / "a.csv"
    frame = pd.DataFrame(rows, columns=["text", "label"])
    frame.to_csv(path, index=False, lineterminator="\n")
    columns = ExampleColumns(text="text", label="label")
    examples = read_examples(path, columns)
    # Marks enclose cells with a lone carriage return too, but line ends inside cells are "\n".
    expected = tuple(text.replace("\r\n", "\n") for text, _ in rows)
    assert examples.texts == expected
    assert examples.classes == tuple(label for _, label in rows)
    pieces = list(
        itertools.chain.from_iterable(p.texts or () for p in iter_examples(path, columns, chunk=3))
    )
    assert tuple(pieces) == expected
