"""Files that say one thing and hold another."""

from __future__ import annotations

import pandas as pd
import pytest

from rnnkit.data.examples import reading
from rnnkit.data.examples.columns import ExampleColumns
from rnnkit.errors import DataError


def test_a_target_of_several_numbers_is_refused(tmp_path):
    path = tmp_path / "t.ts"
    path.write_text("@targetlabel true\n@data\n1,2:3,4:1\n1,2:3,4:3.14,57\n")
    with pytest.raises(DataError, match=r"line 4 of .* has the target '3\.14,57'; a finite number"):
        reading.read_examples(path, wants="numbers")


def test_parquet_that_holds_no_rows_where_it_says_so(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"text": ["a b", "c d"], "label": ["x", "y"]}).to_parquet(path)
    monkeypatch.setattr(reading, "_parquet_pieces", lambda *_: iter(()))
    with pytest.raises(DataError, match="is damaged: it says that it has rows, and holds none"):
        reading.read_examples(path, ExampleColumns(text="text", label="label"))
