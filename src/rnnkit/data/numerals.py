"""Columns of numbers, in whatever form tables hold them."""

from __future__ import annotations

import decimal
import numbers
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.cells import (
    Cells,
    Place,
    cell_at,
    may_hold_numbers,
    may_hold_texts,
    missing_cells,
    refuse_missing,
    show_cell,
)
from rnnkit.data.points import is_dotted, refuse_dotted_thousands
from rnnkit.errors import DataError

# Beyond it, float64 no longer tells neighbouring integers apart.
_LARGEST_INTEGER = 2**53
_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?\s*")
# "1,234" may be a thousand or 1.234; these can only be decimals: "1,5", "0,123", "1234,567".
_SURE_COMMA = re.compile(r"\s*[+-]?(?:0+,[0-9]+|[0-9]{4,},[0-9]+|[0-9]+,(?![0-9]{3}\b)[0-9]+).*")


def parse_numbers(
    cells: Cells,
    *,
    column: str,
    place: Place,
    missing: bool = False,
    series: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return a column of finite numbers as float64.

    Texts are read as Python reads numbers. A decimal comma is understood where a whole column can
    only be meant so; thousands separators never are, and points that may be some are refused.

    Args:
        cells: `(N,)` texts, or a pandas column of numbers, decimals or texts.
        column: its name, for messages.
        place: names the row at a position, for messages.
        missing: whether cells may be missing, which gives NaN.
        series: `(N,)` the number of each row's series; `None` for one series. Cells of one series
            tell what the points of the others mean.

    Returns:
        `(N,)` float64.

    Raises:
        DataError: naming the first row that holds no number, an infinite one, an integer beyond
            2**53, a point that may separate thousands, or, unless `missing`, none.

    Example:
        >>> parse_numbers(["1,5", "12"], column="x", place=str)
        array([ 1.5, 12. ])
        >>> parse_numbers(["NA", "12"], column="x", place=str, missing=True)
        array([nan, 12.])
    """
    if isinstance(cells, pd.Series) and pd.api.types.is_bool_dtype(cells.dtype):
        raise DataError(f"column {column!r} must hold numbers, but it holds {cells.dtype} values")
    values, wrong = read_numbers(cells)
    if len(wrong):
        row = int(wrong[0])
        cell = cell_at(cells, row)
        refuse_mixed_marks(cells, wrong, column, place)
        why = ""
        if isinstance(cell, str) and "," in cell:
            why = "; write numbers with a decimal point and without thousands separators"
        raise DataError(
            f"column {column!r} must hold numbers, but {place(row)} holds {show_cell(cell)}{why}"
        )
    if not missing:
        refuse_missing(np.isnan(values), column, place)
    refuse_dotted_thousands(values, cells, column, place, series)
    return _finite(values, cells, column, place)


def read_numbers(cells: Cells) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the cells as floats, NaN where missing or wrong, and the rows that hold no number."""
    if isinstance(cells, pd.Series):
        if not may_hold_texts(cells.dtype) and may_hold_numbers(cells.dtype):
            return cells.to_numpy(dtype=np.float64, na_value=np.nan), np.empty(0, dtype=np.int64)
        absent = cells.isna().to_numpy(dtype=bool)
        cells = cells.astype(object).tolist()
    else:
        absent = np.zeros(len(cells), dtype=bool)
    if set(map(type, cells)) != {str}:
        return _read_each(cells, absent)
    if "_" not in "".join(cells):  # Python reads 1_000 as a number
        try:
            values = np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
        except ValueError:
            pass  # Below it shows which cells these are, or how they are meant.
        else:
            return values, np.empty(0, dtype=np.int64)
    # Each distinct text once: labels are few.
    codes, texts = pd.factorize(np.array(cells, dtype=object))
    values, wrong = _read_each(list(texts), np.zeros(len(texts), dtype=bool))
    return values[codes], np.flatnonzero(np.isin(codes, wrong))


def _read_each(
    cells: Sequence[Any], absent: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return what `read_numbers` does; `absent` is true where a cell is missing for pandas."""
    rows = np.flatnonzero(~(absent | missing_cells(cells)))
    present = [cells[row] for row in rows.tolist()]
    parsed = [_number(cell) for cell in present]
    wrong = [row for row, value in enumerate(parsed) if value is None]
    if wrong and _has_decimal_comma(present, wrong):
        for row in wrong:
            parsed[row] = float(present[row].replace(",", "."))
        wrong = []
    values = np.full(len(cells), np.nan)
    values[rows] = np.array(parsed, dtype=np.float64)
    return values, rows[wrong]


def _number(cell: Any) -> float | None:
    """Return a cell as a float, infinite where it is too large, or None where it is no number."""
    if isinstance(cell, (bool, np.bool_)) or (isinstance(cell, str) and "_" in cell):
        return None
    if not isinstance(cell, (str, numbers.Real, decimal.Decimal)):
        return None
    try:
        return float(cell)
    except ValueError:
        return None
    except OverflowError:
        return float("inf")


def _has_decimal_comma(cells: Sequence[Any], wrong: Sequence[int]) -> bool:
    """Tell whether the cells at `wrong` must be decimals with a comma, and no cell has a point."""
    return _are_decimal_commas([cells[row] for row in wrong]) and not any(map(is_dotted, cells))


def _are_decimal_commas(texts: Sequence[Any]) -> bool:
    return all(isinstance(text, str) and _DECIMAL_COMMA.fullmatch(text) for text in texts) and any(
        _SURE_COMMA.fullmatch(text) for text in texts
    )


def refuse_mixed_marks(cells: Cells, wrong: NDArray[np.int64], column: str, place: Place) -> None:
    """Refuse decimal commas beside points, naming a cell of the rarer kind first.

    Args:
        cells: `(N,)` as for `parse_numbers`.
        wrong: rows that hold no number, as `read_numbers` gives them.
        column: its name, for messages.
        place: names the row at a position, for messages.

    Raises:
        DataError: if all cells at `wrong` are decimals with a comma.
    """
    cells = list(cells)
    if not _are_decimal_commas([cells[row] for row in wrong.tolist()]):
        return
    points = [row for row, cell in enumerate(cells) if is_dotted(cell)]
    if not points:
        return
    rare, other = (rows[0] for rows in sorted((points, wrong.tolist()), key=len))
    raise DataError(
        f"column {column!r} must hold numbers, but mixes decimal points and commas: {place(rare)} "
        f"holds {show_cell(cells[rare])}, and {place(other)} {show_cell(cells[other])}; write "
        f"numbers with a decimal point and without thousands separators"
    )


def _finite(
    values: NDArray[np.float64], cells: Cells, column: str, place: Place
) -> NDArray[np.float64]:
    """Return `values`, each of them finite or missing and, if it was an integer, exact."""
    for row in np.flatnonzero(np.abs(values) >= _LARGEST_INTEGER).tolist():
        found = cell_at(cells, row)
        exact = None
        if isinstance(found, numbers.Integral):
            exact = decimal.Decimal(int(found))
        elif isinstance(found, str) and _WHOLE.fullmatch(found):
            exact = decimal.Decimal(found.strip())
        if exact is not None and abs(exact) > _LARGEST_INTEGER:
            raise DataError(
                f"column {column!r} must hold integers up to 2**53, but {place(int(row))} holds "
                f"{exact:.20g}; scale the column"
            )
        if np.isinf(values[row]):
            raise DataError(
                f"column {column!r} must hold finite numbers, but {place(int(row))} holds "
                f"{show_cell(found)}"
            )
    return values
