"""Whether a column holds numbers or labels.

The rows before the first forecast alone may tell it: if a later one did, what a forecast knows
would depend on what came after it. They are called the rows that tell (`grouping.telling_rows`).
"""

from __future__ import annotations

from typing import Literal, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.cells import (
    Cells,
    Place,
    cell_at,
    may_hold_numbers,
    missing_cells,
    show_cell,
    take_cells,
)
from rnnkit.data.numerals import read_numbers, refuse_mixed_marks
from rnnkit.errors import DataError

TELLING = 0.5  # the share of rows that tell what columns hold, unless said otherwise
# Above this share of numbers, the other cells of a column are mistakes rather than labels.
_MOSTLY = 0.9


def holds_numbers(
    cells: Cells, *, column: str, place: Place, telling: NDArray[np.bool_] | None = None
) -> bool:
    """Tell whether a column holds numbers rather than labels.

    It does if every cell that is not missing can be read as a number. Columns of truth values and
    of times do not.

    Args:
        cells: `(N,)` as for `parse_numbers`.
        column: its name, for messages.
        place: names the row at a position, for messages.
        telling: `(N,)` the rows that tell it; `None` for all. Where none of them has a value, the
            column counts as one of numbers.

    Raises:
        DataError: if more than 90 % of the cells are numbers, but not all, or if later cells are
            not the numbers that the rows that tell have; the first other cell is named.

    Example:
        >>> holds_numbers(["1", "NA", "2"], column="x", place=str)
        True
        >>> holds_numbers(["1", "north"], column="x", place=str)
        False
    """
    if isinstance(cells, pd.Series) and not may_hold_numbers(cells.dtype):
        return False
    rows = np.arange(len(cells))
    if telling is not None:
        rows = np.flatnonzero(telling & ~missing_cells(cells))
    # Alone: what a decimal comma means must not hang on later rows either.
    values, wrong = read_numbers(take_cells(cells, rows))
    if len(wrong):
        refuse_mixed_marks(cells, rows[wrong], column, place)
        row = int(rows[wrong[0]])
        first = place(row), cell_at(cells, row)
        return refuse_mostly_numbers(column, int(np.isfinite(values).sum()), len(wrong), first)
    if telling is not None:
        all_wrong = read_numbers(cells)[1]
        later = np.setdiff1d(all_wrong, rows)
        if len(later):
            refuse_mixed_marks(cells, all_wrong, column, place)
            row = int(later[0])
            first = place(row), cell_at(cells, row)
            refuse_late_texts(column, len(rows), len(later), first)
    return True


def refuse_mostly_numbers(
    column: str, numbers: int, others: int, first: tuple[str, object]
) -> Literal[False]:
    """Refuse a column of numbers but for a few cells; return false for one of labels.

    Args:
        column: its name.
        numbers: how many of its cells are numbers.
        others: how many are not.
        first: the words for the row of the first of these, and the cell.

    Raises:
        DataError: if more than 90 % are numbers.
    """
    if numbers <= _MOSTLY * (numbers + others):
        return False
    where, cell = first
    raise DataError(
        f"column {column!r} holds numbers in {numbers} rows, but {where} holds {show_cell(cell)}; "
        f"correct or empty this cell ({others} in all are no numbers)"
    )


def refuse_late_texts(
    column: str, numbers: int, others: int, first: tuple[str, object]
) -> NoReturn:
    """Refuse a column that counts as one of numbers by its older rows, and holds texts later.

    Args:
        column: its name.
        numbers: how many numbers the rows that tell have; 0 where they have no value.
        others: how many of the later cells are no numbers.
        first: the words for the row of the first of these, and the cell.

    Raises:
        DataError: always.
    """
    where, cell = first
    if not numbers:
        raise DataError(
            f"column {column!r} has no value in the older rows, which tell what it holds, and "
            f"counts as numbers, but {where} holds {show_cell(cell)}; leave the column out, or "
            f"begin the table where it has values"
        )
    raise DataError(
        f"column {column!r} holds numbers in the older rows, which tell what it holds, but {where} "
        f"holds {show_cell(cell)}; correct or empty this cell ({others} in all are no numbers), "
        f"or, if the numbers are labels, put a letter before each of them"
    )


def has_numbers(cells: Cells) -> bool:
    """Tell whether any cell of a column can be read as a number.

    Example:
        >>> has_numbers(["x", "1"]), has_numbers(["x", "NA"])
        (True, False)
    """
    if isinstance(cells, pd.Series) and not may_hold_numbers(cells.dtype):
        return False
    return bool((~np.isnan(read_numbers(cells)[0])).any())
