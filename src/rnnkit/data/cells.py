"""Columns of numbers and of labels, in whatever form tables hold them; what counts as missing."""

from __future__ import annotations

import decimal
import numbers
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, NoReturn, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.panel import MISSING
from rnnkit.errors import DataError

# A column of texts, or of whatever a pandas column holds; and the words for one of its rows.
Cells: TypeAlias = "Sequence[Any] | pd.Series[Any]"
Place: TypeAlias = Callable[[int], str]

MISSING_TEXTS = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none"})
# Beyond it, float64 no longer tells neighbouring integers apart.
_LARGEST_INTEGER = 2**53
_SHOWN = 60
# Above this share of numbers, the other cells of a column are mistakes rather than labels.
_MOSTLY = 0.9
_LABELS = 1000
_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?\s*")
# "1.020" may be 1,020 beside "980"; it is not beside "0.125", "12.5" or "1500".
_DOTTED = re.compile(r"\s*[+-]?[1-9][0-9]{0,2}\.[0-9]{3}\s*")
_UP_TO_999 = re.compile(r"\s*[+-]?[0-9]{1,3}\s*")
# "1,234" may be a thousand or 1.234; these can only be decimals: "1,5", "0,123", "1234,567".
_SURE_COMMA = re.compile(r"\s*[+-]?(?:0+,[0-9]+|[0-9]{4,},[0-9]+|[0-9]+,(?![0-9]{3}\b)[0-9]+).*")


def parse_numbers(
    cells: Cells, *, column: str, place: Place, missing: bool = False, alike: bool = True
) -> NDArray[np.float64]:
    """Return a column of finite numbers as float64.

    Texts are read as Python reads numbers. A decimal comma is understood where a whole column can
    only be meant so; thousands separators never are, and points that may be some are refused.

    Args:
        cells: `(N,)` texts, or a pandas column of numbers, decimals or texts.
        column: its name, for messages.
        place: names the row at a position, for messages.
        missing: whether cells may be missing, which gives NaN.
        alike: whether cells beside one another are of one series, so that one may tell what the
            point of the other means.

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
    values, wrong = _read(cells)
    if len(wrong):
        row = int(wrong[0])
        cell = _cell(cells, row)
        why = ""
        if isinstance(cell, str) and "," in cell:
            why = "; write numbers with a decimal point and without thousands separators"
        raise DataError(
            f"column {column!r} must hold numbers, but {place(row)} holds {show_cell(cell)}{why}"
        )
    if not missing:
        refuse_missing(np.isnan(values), column, place)
    if alike:
        _refuse_dotted_thousands(values, cells, column, place)
    return _finite(values, cells, column, place)


def holds_numbers(
    cells: Cells, *, column: str, place: Place, ages: NDArray[np.float64] | None = None
) -> bool:
    """Tell whether a column holds numbers rather than labels.

    It does if every cell that is not missing can be read as a number. Columns of truth values and
    of times do not. With `ages`, the older half alone tells it, so that no later row does.

    Args:
        cells: `(N,)` as for `parse_numbers`.
        column: its name, for messages.
        place: names the row at a position, for messages.
        ages: `(N,)` the share of rows before each row, as for `older_half`; `None` to ask all.

    Raises:
        DataError: if more than 90 % of the cells are numbers, but not all, or if later cells are
            not those that the older half has; the first other cell is named.

    Example:
        >>> holds_numbers(["1", "NA", "2"], column="x", place=str)
        True
        >>> holds_numbers(["1", "north"], column="x", place=str)
        False
    """
    if isinstance(cells, pd.Series) and not _is_readable(cells.dtype):
        return False
    rows = np.arange(len(cells))
    if ages is not None:
        rows = np.flatnonzero(older_half(ages, ~missing_cells(cells)))
    # Alone: what a decimal comma means must not hang on later rows either.
    values, wrong = _read(_take(cells, rows))
    if len(wrong):
        row = int(rows[wrong[0]])
        first = place(row), _cell(cells, row)
        return refuse_mostly_numbers(column, int(np.isfinite(values).sum()), len(wrong), first)
    if ages is not None:
        later = np.setdiff1d(_read(cells)[1], rows)
        if len(later):
            row = int(later[0])
            refuse_late_texts(column, len(later), (place(row), _cell(cells, row)))
    return True


def older_half(ages: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the rows that tell what a column holds, of those in which it holds something.

    Args:
        ages: `(N,)` the share of rows, 0 to 1, that are older than each row.
        present: `(N,)` whether the cell is not missing.

    Returns:
        `(N,)` bool: the older half of all rows; where nothing is present there, of those present.

    Example:
        >>> ages = np.arange(6) / 6
        >>> older_half(ages, np.array([1, 0, 1, 1, 1, 1], dtype=bool)).nonzero()[0].tolist()
        [0, 2]
        >>> older_half(ages, np.array([0, 0, 0, 1, 1, 1], dtype=bool)).nonzero()[0].tolist()
        [3, 4]
    """
    older = present & (ages < 0.5)
    if older.any() or not present.any():
        return older
    found = np.sort(ages[present])
    return np.asarray(present & (ages <= found[(len(found) - 1) // 2]))


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


def refuse_late_texts(column: str, others: int, first: tuple[str, object]) -> NoReturn:
    """Refuse a column of which the older half holds numbers, as it holds others later.

    Args:
        column: its name.
        others: how many of its cells are no numbers.
        first: the words for the row of the first of these, and the cell.

    Raises:
        DataError: always.
    """
    where, cell = first
    raise DataError(
        f"column {column!r} holds numbers in the older half of the rows, but {where} holds "
        f"{show_cell(cell)}; correct or empty this cell ({others} in all are no numbers), or, if "
        f"the numbers are labels, put a letter before each of them"
    )


def has_numbers(cells: Cells) -> bool:
    """Tell whether any cell of a column can be read as a number.

    Example:
        >>> has_numbers(["x", "1"]), has_numbers(["x", "NA"])
        (True, False)
    """
    if isinstance(cells, pd.Series) and not _is_readable(cells.dtype):
        return False
    return bool((~np.isnan(_read(cells)[0])).any())


def parse_labels(
    cells: Cells, *, column: str, place: Place
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return a column of labels as codes, and the labels: the distinct texts, sorted.

    Args:
        cells: `(N,)` texts, or a pandas column of texts, categories, numbers or truth values.
        column: its name, for messages.
        place: names the row at a position, for messages.

    Returns:
        `(N,)` int32 positions in the labels, `MISSING` where a cell is missing; the labels.

    Raises:
        DataError: if there are more than 1,000 labels, or the cells are times.

    Example:
        >>> codes, labels = parse_labels(["NW ", "cv", "NA", "NW"], column="wind", place=str)
        >>> codes.tolist(), labels
        ([0, 1, -1, 0], ('NW', 'cv'))
    """
    codes, texts = factorize_texts(cells, column=column)
    if len(texts) > _LABELS:
        row = int((codes == _LABELS).argmax())
        raise DataError(
            f"column {column!r} holds {len(texts)} different texts, such as {texts[0]!r} and, on "
            f"{place(row)}, {texts[_LABELS]!r}: it looks like an identifier; a covariate may have "
            f"{_LABELS} labels"
        )
    labels = tuple(sorted(texts))
    number = {label: position for position, label in enumerate(labels)}
    # One more at the end, so that the code MISSING, -1, stays itself.
    recoded = np.array([*(number[text] for text in texts), MISSING], dtype=np.int32)
    return recoded[codes], labels


def factorize_texts(cells: Cells, *, column: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the cells as codes of their texts, in the order of first appearance.

    Space around a text does not count; whole floats are written as integers.

    Args:
        cells: `(N,)` as for `parse_labels`.
        column: its name, for messages.

    Returns:
        `(N,)` int64 positions in the texts, `MISSING` where a cell is missing; the texts.

    Raises:
        DataError: if the cells are times, lists or the like.

    Example:
        >>> codes, texts = factorize_texts(["b", " a", "", "b "], column="x")
        >>> codes.tolist(), texts
        ([0, 1, -1, 0], ('b', 'a'))
    """
    values: Any = np.array(cells, dtype=object)
    if isinstance(cells, pd.Series):
        kind = cells.dtype
        if pd.api.types.is_datetime64_any_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind):
            raise DataError(f"column {column!r} must hold texts or numbers, but it holds {kind}")
        values = cells.astype(object)
    try:
        raw, distinct = pd.factorize(values)
    except TypeError as error:
        raise DataError(
            f"column {column!r} must hold single texts or numbers, but some of its cells hold "
            f"several ({error})"
        ) from error
    texts: dict[str, int] = {}
    codes = [
        MISSING if text.casefold() in MISSING_TEXTS else texts.setdefault(text, len(texts))
        for text in map(_text, distinct)
    ]
    return np.array([*codes, MISSING], dtype=np.int64)[raw], tuple(texts)


def missing_cells(cells: Cells) -> NDArray[np.bool_]:
    """Return `(N,)` bool, true where a cell is missing: empty, or one of `MISSING_TEXTS`.

    Example:
        >>> missing_cells(["1", " NA", "", "x"]).tolist()
        [False, True, True, False]
    """
    if isinstance(cells, pd.Series):
        missing = cells.isna().to_numpy(dtype=bool)
        if not _holds_objects(cells.dtype):
            return missing
        cells = cells.astype(object).tolist()
    else:
        missing = np.zeros(len(cells), dtype=bool)
    words = {
        text
        for text in {cell for cell in cells if isinstance(cell, str)}
        if text.strip().casefold() in MISSING_TEXTS
    }
    if words:
        found = (isinstance(cell, str) and cell in words for cell in cells)
        missing = missing | np.fromiter(found, dtype=bool, count=len(cells))
    return missing


def is_empty(cells: Cells) -> bool:
    """Tell whether all cells of a column are missing.

    Example:
        >>> is_empty(["", "NA"]), is_empty(["", "0"])
        (True, False)
    """
    some = 1000  # enough to see a value in almost all columns
    return all(
        missing_cells(cells[first : first + some]).all() for first in range(0, len(cells), some)
    )


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


def _read(cells: Cells) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the cells as floats, NaN where missing or wrong, and the rows that hold no number."""
    if isinstance(cells, pd.Series):
        if not _holds_objects(cells.dtype) and _is_readable(cells.dtype):
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
    """Return what `_read` does; `absent` is true where a cell is missing for pandas."""
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


def _holds_objects(kind: Any) -> bool:
    """Tell whether a pandas column of this dtype may hold texts."""
    is_plain = pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind)
    return not (is_plain or pd.api.types.is_bool_dtype(kind))


def _is_readable(kind: Any) -> bool:
    """Tell whether a pandas column of this dtype may hold numbers."""
    types = pd.api.types
    if types.is_complex_dtype(kind) or types.is_bool_dtype(kind):
        return False
    return not (types.is_datetime64_any_dtype(kind) or types.is_timedelta64_dtype(kind))


def _take(cells: Cells, rows: NDArray[np.int64]) -> Cells:
    if len(rows) == len(cells):
        return cells
    if isinstance(cells, pd.Series):
        return cells.iloc[rows]
    return [cells[row] for row in rows.tolist()]


def _cell(cells: Cells, row: int) -> Any:
    return cells.iloc[row] if isinstance(cells, pd.Series) else cells[row]


def _text(cell: Any) -> str:
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))
    return str(cell).strip()


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


def _refuse_dotted_thousands(
    values: NDArray[np.float64], cells: Cells, column: str, place: Place
) -> None:
    """Refuse texts such as 948, 1.020, 980, of which the point may separate thousands.

    It may if each of several cells with a point has exactly three digits after it, those without
    one are whole numbers up to 999, some from 100 on, and a cell with a point lies nearer to the
    cells beside it, in the ratio, if it is a thousand times what it says.
    """
    if isinstance(cells, pd.Series) and not _holds_objects(cells.dtype):
        return
    # A zero is as far from one as from the other.
    rows = np.flatnonzero(np.nan_to_num(values))
    if (np.abs(values[rows]) >= 1000).any():
        return
    texts = [_cell(cells, row) for row in rows.tolist()]
    if not all(isinstance(text, str) for text in texts):
        return
    dotted = np.fromiter(("." in text for text in texts), dtype=bool, count=len(texts))
    beside = np.flatnonzero(dotted[1:] != dotted[:-1])
    if dotted.sum() < 2 or not len(beside) or np.abs(values[rows[~dotted]]).max() < 100:
        return
    forms = zip(texts, dotted.tolist(), strict=True)
    if not all((_DOTTED if has_dot else _UP_TO_999).fullmatch(text) for text, has_dot in forms):
        return
    size = np.log(np.abs(values[rows]))
    gap = np.where(dotted[:-1], -1, 1)[beside] * np.diff(size)[beside]  # with a point less without
    if np.abs(gap).sum() < np.abs(gap + np.log(1000)).sum():
        return
    first = int(beside[0])
    point, other = (first, first + 1) if dotted[first] else (first + 1, first)
    raise DataError(
        f"column {column!r} must hold numbers, but {place(int(rows[point]))} holds "
        f"{show_cell(texts[point])}, which may be a thousand times as much beside "
        f"{show_cell(texts[other])} on {place(int(rows[other]))}; write numbers without thousands "
        f"separators, and decimals with a point in every cell"
    )


def _finite(
    values: NDArray[np.float64], cells: Cells, column: str, place: Place
) -> NDArray[np.float64]:
    """Return `values`, each of them finite or missing and, if it was an integer, exact."""
    for row in np.flatnonzero(np.abs(values) >= _LARGEST_INTEGER).tolist():
        found = _cell(cells, row)
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
