"""A file or frame as raw cells: which columns there are, and what each of their rows holds.

Nothing is parsed here: a text table gives texts, Parquet and frames give pandas columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rnnkit.data.cells import Cells, Place
from rnnkit.messages import Message


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of raw cells, all of `rows` rows in the order of the source.

    Args:
        names: of all columns of the source, in its order.
        columns: the columns read: `(rows,)` texts, or a pandas column whose index says nothing.
        rows: how many rows of data there are, at least one.
        source: what the table is called in messages: the path as given, or `"the frame"`.
        name: what the data are called: the file's name without folder and suffixes, or `"data"`.
        place: the words for the row at a position, such as `"line 12 of sales.csv"`.
        notes: what reading found and did about it.
    """

    names: tuple[str, ...]
    columns: Mapping[str, Cells]
    rows: int
    source: str
    name: str
    place: Place
    notes: tuple[Message, ...] = ()


def read_table(
    source: str | Path | pd.DataFrame,
    *,
    columns: Sequence[str] | None,
    header: bool | None = None,
    ragged: bool = False,
) -> Table:
    """Read columns of a table as raw cells; the source is left as it is."""
    raise NotImplementedError
