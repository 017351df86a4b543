from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from rnnkit.data.files import is_parquet, open_parquet, open_text, table_name
from rnnkit.errors import DataError, MissingExtraError

AIR = "Month,Passengers\n1949-01,112\n"
KOREAN = "날짜,판매량\n2020-01-01,5\n"


def write(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lines(path: Path) -> list[str]:
    file = open_text(path)
    file.sample()
    with file.text() as text:
        return list(text)


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        lines(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("air.csv", "air"),
        ("air.v2.tsv", "air.v2"),
        ("air.v2.csv.xz", "air.v2"),
        ("air", "air"),
        ("air.v2.parquet", "air.v2"),
    ],
)
def test_table_name(name: str, stem: str) -> None:
    assert table_name(Path("somewhere") / name) == stem


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_endings_stay_and_byte_order_marks_go(tmp_path: Path, ending: str, mark: str) -> None:
    text = AIR.replace("\n", ending)
    assert lines(write(tmp_path, mark + text)) == text.splitlines(keepends=True)


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_compressed_text_is_known_by_its_content(tmp_path: Path, module: ModuleType) -> None:
    packed = module.compress(AIR.encode())
    assert lines(write(tmp_path, packed, "table.csv.gz")) == AIR.splitlines(keepends=True)
    assert "damaged" in refusal(write(tmp_path, packed[:-12], "cut.csv"))


def test_damaged_gzip_contents(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(AIR.encode()))
    packed[-5] ^= 0xFF
    assert "is damaged (CRC check failed" in refusal(write(tmp_path, bytes(packed)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (AIR.encode("utf-16"), "is UTF-16 text; save the file as UTF-8"),
        (AIR.encode("utf-16-le"), "is not a text table; save it as CSV or Parquet"),
        ("é,b\n1,2\n".encode("latin-1"), "line 1 of {path} is not UTF-8 text; save"),
        ("a,b\r1,2\ré,2\r".encode("latin-1"), "line 3 of {path} is not UTF-8 text; save"),
        (b"a,b\n" + b"1,2\n" * 20_000 + b"1,\xe9\n", "line 20002 of {path} is not UTF-8 text"),
        (
            KOREAN.encode("cp949"),
            "line 1 of {path} is not UTF-8 text but looks like CP949; save the file as UTF-8",
        ),
        (
            b"a,b\n1,2\n" * 9000 + "가,2".encode("cp949"),
            "line 18001 of {path} is not UTF-8 text but",
        ),
        ("날짜,b\n1,é\n".encode("cp949", errors="replace") + b"\xe9,1\n", "not UTF-8 text; save"),
        # CP949 as well, but in no Korean.
        ("ы,2\n".encode("cp949"), "line 1 of {path} is not UTF-8 text; save the file as UTF-8"),
        (b"PK\x03\x04" + bytes(40), "is a ZIP archive or a workbook"),
    ],
)
def test_refusals(tmp_path: Path, content: bytes, reason: str) -> None:
    path = write(tmp_path, content)
    assert reason.format(path=path) in refusal(path)


def test_cp949_in_a_compressed_file(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(AIR.encode() + "하,1\n".encode("cp949")))
    assert "line 3 of" in refusal(path)
    assert "CP949" in refusal(path)


def test_folders_and_unreadable_paths(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)
    assert "cannot be read" in refusal(tmp_path / ("x" * 5000))
    assert "not a regular file" in refusal(Path("/dev/null"))


def test_a_missing_file_names_the_closest(tmp_path: Path) -> None:
    write(tmp_path, AIR, "airline.csv")
    wanted = tmp_path / "airlines.csv"
    assert refusal(wanted) == f"there is no file {wanted}; did you mean 'airline.csv'?"
    assert "did you mean" not in refusal(tmp_path / "nowhere" / "airline.csv")


@pytest.mark.parametrize(
    ("wanted", "there", "hint"),
    [
        ("nonexist.csv", "dst_newest.csv", False),
        ("later.csv", "sales.csv", False),
        ("sales", "sales.csv", True),
        ("sales.csv", "sales.csv.xz", True),
        ("salse.csv", "sales.csv", True),
    ],
)
def test_a_file_that_shares_little_but_its_ending_is_not_named(
    tmp_path: Path, wanted: str, there: str, hint: bool
) -> None:
    write(tmp_path, AIR, there)
    assert (f"did you mean {there!r}?" in refusal(tmp_path / wanted)) == hint


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"  # The content decides, not the name.
    pd.DataFrame({"Month": ["1949-01"], "parts": [[1, 2]], "box": [{"a": 1}]}).to_parquet(path)
    assert is_parquet(path)
    file = open_parquet(path)
    assert (file.names, file.rows) == (("Month", "parts", "box"), 1)
    assert file.nested == {"parts", "box"}
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match="is a damaged Parquet file"):
        open_parquet(path)
    assert not is_parquet(write(tmp_path, AIR))


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame({"Month": [1]}).to_parquet(path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'pip install "rnnkit\[forecast\]"'):
        open_parquet(path)
