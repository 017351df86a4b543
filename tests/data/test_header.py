from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from rnnkit.data.columns import Columns
from rnnkit.data.header import check_columns, check_table, column_names
from rnnkit.errors import DataError

AIR = "Month,Passengers\n1949-01,112\n1949-02,118\n1949-03,132\n"


@pytest.fixture
def air(tmp_path: Path) -> Path:
    path = tmp_path / "airline.csv"
    path.write_text(AIR)
    return path


def write(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def refusal(path: Path, *columns: str, header: bool | None = None, ragged: bool = False) -> str:
    with pytest.raises(DataError) as caught:
        check_columns(path, columns, header=header, ragged=ragged)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_nothing_heavy_is_imported(air: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from rnnkit.data.header import *; "
        "from rnnkit.data.columns import Columns; "
        f"path = Path({str(air)!r}); column_names(path); "
        "check_table(path, Columns(time=('Month',), targets=('Passengers',))); "
        "print(*({'numpy', 'pandas', 'torch', 'pyarrow'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == ""


def test_names_by_the_rules_of_text_tables(air: Path, tmp_path: Path) -> None:
    assert column_names(air) == ["Month", "Passengers"]
    assert column_names(air, header=False) == ["1", "2"]
    assert column_names(write(tmp_path, "#a,b\n1,2\n")) == ["a", "b"]


def test_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"Month": ["1949-01"], "pm2.5": [1.0], "parts": [[1, 2]]})
    path = tmp_path / "table.parquet"
    frame.to_parquet(path)
    assert column_names(path) == ["Month", "pm2.5", "parts"]
    check_columns(path, ["Month", "pm2.5"])
    assert "did you mean 'pm2.5'?" in refusal(path, "pm25")
    assert f"column 'parts' of {path} holds lists or structures" in refusal(path, "parts")
    assert "has column names of its own" in refusal(path, "Month", header=False)
    frame.iloc[:0].to_parquet(path)
    assert "no rows" in refusal(path, "Month")
    frame.set_index("Month").to_parquet(path)
    check_columns(path, ["Month"])


def test_a_wrong_column_is_told_beside_those_found(air: Path) -> None:
    assert refusal(air, "Month", "Pasengers") == (
        f"{air} has no column 'Pasengers'; its columns are 'Month', 'Passengers'; "
        f"did you mean 'Passengers'?"
    )


def test_a_wrong_column_of_a_table_without_names(tmp_path: Path) -> None:
    path = write(tmp_path, "0.7855,1.611\n0.7818,1.61\n")
    assert refusal(path, "2", "date") == (
        f"{path} has no column 'date'; its columns are '1', '2', by number since its first line "
        f"holds data; use these, or add a header line"
    )


def test_many_columns_are_cut(tmp_path: Path) -> None:
    names = [f"V{number}" for number in range(961)]
    path = write(tmp_path, f"{','.join(names)}\n{','.join('1' for _ in names)}\n")
    message = refusal(path, "time")
    assert "'V19', ... (961 in all)" in message
    assert "V20" not in message


def test_a_name_that_stands_twice_is_refused_where_it_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "a,x,x\n1,2,3\n")
    check_columns(path, ["a"])
    assert refusal(path, "a", "x") == f"{path} has 2 columns named 'x'; names must differ"


def test_the_first_row_is_looked_at(tmp_path: Path) -> None:
    assert "at least one row was expected" in refusal(write(tmp_path, "a,b\n"), "a")
    assert "has 3 cells where the header has 2" in refusal(write(tmp_path, "a,b\n1,2,3\n"), "a")


def test_ragged_tables_may_have_columns_by_number_further_on(tmp_path: Path) -> None:
    path = write(tmp_path, "id,x\nA,1\nB,1,2\n")
    check_columns(path, ["id", "3"], ragged=True)
    assert "no column '3'" in refusal(path, "3")
    assert "no column '1'" in refusal(path, "1", ragged=True)
    assert "no column 'y'" in refusal(path, "y", ragged=True)


class TestColumns:
    def refusal(self, path: Path, columns: Columns) -> str:
        with pytest.raises(DataError) as caught:
            check_table(path, columns)
        return str(caught.value)

    def test_every_column_named_is_looked_for(self, tmp_path: Path) -> None:
        path = write(tmp_path, "y,m,shop,sold,rain,price,town\n1949,1,A,5,0.5,7,B\n")
        columns = Columns(
            time=("y", "m"),
            series_id="shop",
            targets=("sold",),
            covariates=("rain",),
            future_covariates=("price",),
            statics=("town",),
        )
        check_table(path, columns)
        for name in columns.named:
            shorter = path.read_text().replace(name, "other", 1)
            assert f"no column {name!r}" in self.refusal(write(tmp_path, shorter, "x.csv"), columns)

    def test_all_is_a_column_only_where_there_is_one(self, air: Path, tmp_path: Path) -> None:
        check_table(air, Columns(time=("Month",), targets=("all",)))
        assert "no column 'time'" in self.refusal(air, Columns(time=("time",), targets=("all",)))
        assert "no column 'all'" in self.refusal(air, Columns(targets=("all", "Passengers")))
        path = write(tmp_path, "all,all\n1,2\n")
        assert "2 columns named 'all'" in self.refusal(path, Columns(targets=("all",)))
        check_table(write(tmp_path, "t,all\n1,2\n"), Columns(targets=("all",)))

    def test_header_and_layout_are_heeded(self, air: Path, tmp_path: Path) -> None:
        check_table(air, Columns(targets=("2",), header=False))
        check_table(write(tmp_path, "id,1\nA\n"), Columns(layout="rows", series_id="id"))
