from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from rnnkit.data.header import check_columns, read_header, read_rows
from rnnkit.errors import DataError, MissingExtraError

AIR = "Month,Passengers\n1949-01,112\n1949-02,118\n1949-03,132\n"


@pytest.fixture
def air(tmp_path: Path) -> Path:
    path = tmp_path / "airline.csv"
    path.write_text(AIR)
    return path


def write(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(path: Path, *columns: str) -> str:
    with pytest.raises(DataError) as caught:
        check_columns(path, columns)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_nothing_heavy_is_imported(air: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from rnnkit.data.header import check_columns; "
        f"check_columns(Path({str(air)!r}), ['Month', 'Passengers']); "
        "print(*({'numpy', 'pandas', 'torch', 'pyarrow'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == ""


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_endings_and_byte_order_marks(
    tmp_path: Path, delimiter: str, ending: str, mark: str
) -> None:
    text = mark + AIR.replace(",", delimiter).replace("\n", ending)
    assert read_header(write(tmp_path, text, "table.txt")) == ["Month", "Passengers"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('"a, b";c\n1;2\n', ["a, b", "c"]),
        ("t;x, C;y, m\n1;2,5;3,5\n2;2,5;3,5\n", ["t", "x, C", "y, m"]),
        ("t\tx, C\n1\t2\n", ["t", "x, C"]),
        ("t,x;y\n1,a;b\n2,c\n", ["t", "x;y"]),
        (' a , "b"\n1,2\n', ["a", "b"]),
        ("only\n1\n", ["only"]),
        ("\n  \na;b\n1;2\n", ["a", "b"]),
    ],
)
def test_delimiter_is_the_one_that_most_rows_agree_on(
    tmp_path: Path, text: str, names: list[str]
) -> None:
    assert read_header(write(tmp_path, text)) == names


def test_tsv_is_cut_at_tabs_only(tmp_path: Path) -> None:
    assert read_header(write(tmp_path, "a,b\n1,2\n", "table.tsv")) == ["a,b"]


def test_delimiter_is_found_where_the_sample_ends_inside_a_row(tmp_path: Path) -> None:
    names = [f"é{number}" for number in range(40_000)]
    path = write(tmp_path, ",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    assert read_header(path) == names


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_compressed_tables(tmp_path: Path, module: ModuleType) -> None:
    packed = module.compress(AIR.encode())
    path = write(tmp_path, packed, "table.csv.gz")  # The content decides, not the name.
    check_columns(path, ["Month", "Passengers"])
    assert "damaged" in refusal(write(tmp_path, packed[:-12], "cut.csv"), "Month")


def test_damaged_gzip_contents(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(AIR.encode()))
    packed[-5] ^= 0xFF
    assert "cannot be read: CRC check failed" in refusal(write(tmp_path, bytes(packed)), "Month")


def test_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"Month": ["1949-01"], "pm2.5": [1.0]})
    path = tmp_path / "table.parquet"
    frame.to_parquet(path)
    check_columns(path, ["Month", "pm2.5"])
    assert "did you mean 'pm2.5'?" in refusal(path, "pm25")
    frame.iloc[:0].to_parquet(path)
    assert "no rows" in refusal(path, "Month")
    frame.set_index("Month").to_parquet(path)
    check_columns(path, ["Month"])
    path.write_bytes(path.read_bytes()[:-10])
    assert "damaged Parquet" in refusal(path, "Month")


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame({"Month": [1]}).to_parquet(path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'pip install "rnnkit\[forecast\]"'):
        check_columns(path, ["Month"])


def test_missing_file_names_the_closest(air: Path) -> None:
    wanted = air.with_name("airlines.csv")
    assert refusal(wanted, "Month") == f"there is no file {wanted}; did you mean 'airline.csv'?"
    assert "did you mean" not in refusal(air.parent / "nowhere" / "airline.csv", "Month")


def test_wrong_column_names_those_found(air: Path) -> None:
    assert refusal(air, "Month", "Pasengers") == (
        f"{air} has no column 'Pasengers'; its columns are 'Month', 'Passengers'; "
        f"did you mean 'Passengers'?"
    )


def test_many_columns_are_cut(tmp_path: Path) -> None:
    names = [f"V{number}" for number in range(961)]
    path = write(tmp_path, f"{','.join(names)}\n{','.join('1' for _ in names)}\n")
    message = refusal(path, "time")
    assert "'V19', ... (961 in all)" in message
    assert "V20" not in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n", "has column names but no rows"),
        ("a,b\n\n \n", "has column names but no rows"),
        ("a,a\n1,2\n", "has 2 columns named 'a'"),
        (
            "0.785500,1.611000\n0.781800,1.610000\n",
            "first line holds data ('0.785500', '1.611000')",
        ),
        ("1949-01,1.5e3\n1949-02,118\n", "first line holds data"),
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16 text"),
        ("a,b\n1,2\n".encode("utf-16-le"), "is not a text table"),
        ("é,b\n1,2\n".encode("latin-1"), "line 1 of"),
        (b"PK\x03\x04" + bytes(40), "a workbook"),
        (b"PAR1", "damaged Parquet"),
        ('a,"b\n1,2\n', "line 1 of"),
        ('\na,b\n1,"2"3\n', "line 3 of"),
        ('a,b\n1,"2\n' + "3,4\n" * 50_000, "line 2 of"),
    ],
)
def test_refusals(tmp_path: Path, content: str | bytes, reason: str) -> None:
    path = write(tmp_path, content)
    message = refusal(path, "a")
    assert str(path) in message
    assert reason in message


def test_folder_and_unreadable_path(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path, "a")
    assert "cannot be read" in refusal(tmp_path / ("x" * 5000), "a")
    assert "not a regular file" in refusal(Path("/dev/null"), "a")


def test_rows_come_with_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, 'a,b\n\n1,"x\ny"\n  \n2,z\n')
    assert list(read_rows(path)) == [
        (1, ["a", "b"]),
        (3, ["1", "x\ny"]),
        (6, ["2", "z"]),
    ]


def test_undecodable_line_far_down(tmp_path: Path) -> None:
    path = write(tmp_path, b"a,b\n" + b"1,2\n" * 20_000 + b"1,\xe9\n")
    with pytest.raises(DataError, match=r"line 20002 of .* is not UTF-8 text"):
        list(read_rows(path))
