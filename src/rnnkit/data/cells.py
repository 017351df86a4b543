"""A column of numbers, in whatever form tables hold them, as float64; what counts as missing."""

from __future__ import annotations

import decimal
import numbers
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.errors import DataError

# A column of texts, or of whatever a pandas column holds; and the words for one of its rows.
Cells: TypeAlias = "Sequence[Any] | pd.Series[Any]"
Place: TypeAlias = Callable[[int], str]

MISSING_TEXTS = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none"})
# Beyond it, float64 no longer tells neighbouring integers apart.
_LARGEST_INTEGER = 2**53
_SHOWN = 60
_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?\s*")
# "1,234" may be a thousand or 1.234; these can only be decimals: "1,5", "0,123", "1234,567".
_SURE_COMMA = re.compile(r"\s*[+-]?(?:0+,[0-9]+|[0-9]{4,},[0-9]+|[0-9]+,(?![0-9]{3}\b)[0-9]+).*")


def parse_numbers(cells: Cells, *, column: str, place: Place) -> NDArray[np.float64]:
    """Return a column of finite numbers as float64.

    Texts are read as Python reads numbers. A decimal comma is understood where a whole column can
    only be meant so; thousands separators never are.

    Args:
        cells: `(N,)` texts, or a pandas column of numbers, decimals or texts.
        column: its name, for messages.
        place: names the row at a position, for messages.

    Returns:
        `(N,)` float64.

    Raises:
        DataError: naming the first row that holds no number, a missing or infinite one, or an
            integer beyond 2**53.

    Example:
        >>> parse_numbers(["1,5", "12"], column="x", place=str)
        array([ 1.5, 12. ])
    """
    if isinstance(cells, pd.Series):
        kind = cells.dtype
        refuse_missing(cells.isna().to_numpy(dtype=bool), column, place)
        if pd.api.types.is_bool_dtype(kind):
            raise DataError(f"column {column!r} must hold numbers, but it holds {kind} values")
        if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
            values = cells.to_numpy(dtype=np.float64)
            return _finite(values, cells, column, place)
        cells = cells.astype(object).tolist()
    values = _floats(cells, column, place)
    return _finite(values, cells, column, place)


def refuse_missing(missing: NDArray[np.bool_], column: str, place: Place) -> None:
    """Refuse a column with missing values.

    Args:
        missing: `(N,)` bool, true where the value is missing.
        column: its name, for messages.
        place: names the row at a position, for messages.

    Raises:
        DataError: naming the first such row and their number.
    """
    count = int(missing.sum())
    if not count:
        return
    if count == len(missing):
        raise DataError(f"column {column!r} is empty; every row must have a value")
    raise DataError(
        f"column {column!r} has no value on {place(int(missing.argmax()))} ({count} of "
        f"{len(missing)} rows have none); every row must have one, so fill or remove these rows"
    )


def show_cell(cell: object) -> str:
    """Return a cell as a message shows it, cut where it is long.

    Example:
        >>> show_cell("3 apples")
        "'3 apples'"
    """
    text = repr(cell) if isinstance(cell, str) else str(cell)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _floats(cells: Sequence[Any], column: str, place: Place) -> NDArray[np.float64]:
    if all(type(cell) is str for cell in cells) and not any("_" in cell for cell in cells):
        try:
            return np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
        except ValueError:
            pass  # The search below says which cell it is, or understands it.
    missing = [isinstance(cell, str) and cell.strip().casefold() in MISSING_TEXTS for cell in cells]
    parsed = [
        np.nan if absent else _number(cell) for cell, absent in zip(cells, missing, strict=True)
    ]
    wrong = [row for row, value in enumerate(parsed) if value is None]
    if wrong and _has_decimal_comma(cells, wrong):
        for row in wrong:
            parsed[row] = float(cells[row].replace(",", "."))
    elif wrong:
        cell = cells[wrong[0]]
        why = ""
        if isinstance(cell, str) and "," in cell:
            why = "; write numbers with a decimal point and without thousands separators"
        raise DataError(
            f"column {column!r} must hold numbers, but {place(wrong[0])} holds "
            f"{show_cell(cell)}{why}"
        )
    refuse_missing(np.array(missing, dtype=bool), column, place)
    return np.array(parsed, dtype=np.float64)


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
    texts = [cells[row] for row in wrong]
    return (
        all(isinstance(text, str) and _DECIMAL_COMMA.fullmatch(text) for text in texts)
        and any(_SURE_COMMA.fullmatch(text) for text in texts)
        and not any(isinstance(cell, str) and "." in cell for cell in cells)
    )


def _finite(
    values: NDArray[np.float64], cells: Cells, column: str, place: Place
) -> NDArray[np.float64]:
    """Return `values`, each of them finite and, if it was an integer, exact."""

    def cell(row: int) -> Any:
        return cells.iloc[row] if isinstance(cells, pd.Series) else cells[row]

    refuse_missing(np.isnan(values), column, place)
    for row in np.flatnonzero(np.abs(values) >= _LARGEST_INTEGER).tolist():
        found = cell(row)
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
