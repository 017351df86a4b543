"""Points that may separate thousands: 948, 1.020, 980.

Python reads 1.02 there, which is wrong by a factor of a thousand if the point is a German
thousands point. The same cells may hold decimals, so other cells of the same series are asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.cells import Cells, Place, cell_at, may_hold_texts, show_cell
from rnnkit.errors import DataError

# "1.020" may be 1,020 beside "980"; it is not beside "0.125", "12.5" or "1500".
_DOTTED = re.compile(r"\s*[+-]?[1-9][0-9]{0,2}\.[0-9]{3}\s*")
_UP_TO_999 = re.compile(r"\s*[+-]?[0-9]{1,3}\s*")
_CODES = (99, 999)  # of either sign, for "no value"; they tell nothing of the others
_LIMITS = (127, 255, 511)  # as 100 or 250, where a sensor ends
_CLOSE = 3.0  # neighbours this close, in the ratio, are taken for what they seem
_RARE = 0.05  # the chance below which an order is none


def refuse_dotted_thousands(
    values: NDArray[np.float64],
    cells: Cells,
    column: str,
    place: Place,
    series: NDArray[np.int64] | None = None,
) -> None:
    """Refuse a column of texts such as 948, 1.020, 980, of which points may separate thousands.

    They may if all cells of a series with a point have exactly three digits after it, the others
    are whole numbers up to 999, some from 100 on and not mere codes, and the series makes better
    sense with a thousand times as much in the cells with a point.

    Args:
        values: `(N,)` what the cells were read as, NaN where missing.
        cells: `(N,)` texts, or a pandas column; only texts are asked.
        column: its name, for messages.
        place: names the row at a position, for messages.
        series: `(N,)` the number of each row's series, from 0; `None` for one series.

    Raises:
        DataError: naming a cell with a point and one beside it without.
    """
    if series is None:
        series = np.zeros(len(values), dtype=np.int64)
    elif np.bincount(series).max(initial=0) < 2:  # nothing stands beside anything
        return
    found = _find(values, [cells], series)
    if found is not None:
        point, other = found
        pair = cell_at(cells, point), cell_at(cells, other)
        raise _doubt(column, place(point), pair, f"on {place(other)}")


def refuse_dotted_thousands_along(
    values: NDArray[np.float64], columns: Sequence[Cells], names: Sequence[str], place: Place
) -> None:
    """Refuse rows of texts as `refuse_dotted_thousands` does columns: each row is a series.

    Args:
        values: `(N, P)` what the cells were read as, NaN where missing.
        columns: P columns of `(N,)` cells.
        names: of the columns, for messages.
        place: names the row at a position, for messages.

    Raises:
        DataError: naming a row, and its columns with such a point and beside it without.
    """
    N, P = values.shape
    found = _find(values.T.ravel(), columns, np.tile(np.arange(N), P))
    if found is not None:
        (point, row), other = divmod(found[0], N), found[1] // N
        pair = cell_at(columns[point], row), cell_at(columns[other], row)
        raise _doubt(names[point], place(row), pair, f"in column {names[other]!r}")


def _doubt(column: str, where: str, texts: Sequence[str], beside: str) -> DataError:
    dotted, whole = map(show_cell, texts)
    return DataError(
        f"column {column!r} must hold numbers, but {where} holds {dotted}, which may be a thousand "
        f"times as much beside {whole} {beside}; write numbers without thousands separators, and "
        f"decimals with a point in every cell"
    )


def _find(
    values: NDArray[np.float64], columns: Sequence[Cells], series: NDArray[np.int64]
) -> tuple[int, int] | None:
    """Return the positions of a cell with a doubtful point and of one beside it, if there are.

    Args:
        values: `(P N,)` what the cells were read as, column by column.
        columns: P columns of `(N,)` cells.
        series: `(P N,)` the number of each cell's series.
    """
    rows = _suspects(values, series)
    if not len(rows):
        return None
    plain = [_plain(cells) for cells in columns]
    if not any(map(_hold_points, plain)):
        return None
    # Few cells tell of most series that they are written otherwise.
    rows = _with_three_digits(rows, values, plain, series)
    whole = rows[_is_hundreds(np.abs(values[rows]))]
    bare = [not is_dotted(text) for text in _texts(plain, whole)]
    rows = rows[_has(np.array(bare, dtype=bool), series[whole], series)[rows]]
    texts = _texts(plain, rows)
    dotted = np.fromiter(map(is_dotted, texts), dtype=bool, count=len(texts))
    of = series[rows]
    order = np.argsort(of, kind="stable")
    for cells in np.split(order, np.flatnonzero(np.diff(of[order])) + 1):
        kept = cells[_tells(values[rows[cells]], dotted[cells])]
        beside = np.flatnonzero(dotted[kept][1:] != dotted[kept][:-1])
        if (
            len(beside)
            and _are_thousands(np.abs(values[rows[kept]]), dotted[kept], beside)
            and _may_be_thousands(texts, dotted, cells)
        ):
            pair = kept[beside[0] : beside[0] + 2]
            point, other = rows[pair if dotted[pair[0]] else pair[::-1]].tolist()
            return point, other
    return None


def _plain(cells: Cells) -> Sequence[Any]:
    """Return the cells as a list or the like, numbers of pandas as nothing."""
    if not isinstance(cells, pd.Series):
        return cells
    return cells.astype(object).tolist() if may_hold_texts(cells.dtype) else [None] * len(cells)


def _hold_points(cells: Sequence[Any]) -> bool:
    """Tell, fast, whether some of the cells are texts with a point."""
    if set(map(type, cells)) == {str}:
        return "." in "".join(cells)
    return any(map(is_dotted, cells))


def is_dotted(cell: object) -> bool:
    """Tell whether a cell is a text with a point."""
    return isinstance(cell, str) and "." in cell


def _texts(columns: Sequence[Sequence[Any]], positions: NDArray[np.int64]) -> list[Any]:
    """Return the cells at positions that count through all columns, one after another."""
    places, rows = np.divmod(positions, len(columns[0]))
    return [columns[k][row] for k, row in zip(places.tolist(), rows.tolist(), strict=True)]


def _suspects(values: NDArray[np.float64], series: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the cells of the series that may mix 1.020 and 980, as far as values tell it."""
    size = np.abs(values)
    hundreds = _is_hundreds(size)
    if not hundreds.any():
        return np.empty(0, dtype=np.int64)
    rows = np.flatnonzero(_has(hundreds, series, series) & ~np.isnan(values))
    fits = (size[rows] == 0) | ((size[rows] >= 1) & (size[rows] < 1000))
    return rows[~_has(~fits, series[rows], series)[rows]]


def _is_hundreds(size: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((size >= 100) & (size < 1000) & (size == np.floor(size)))


def _with_three_digits(
    rows: NDArray[np.int64],
    values: NDArray[np.float64],
    columns: Sequence[Sequence[Any]],
    series: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the rows but for series of which a fraction, the one asked, has no three digits."""
    broken = rows[values[rows] != np.floor(values[rows])]
    one = np.full(int(series.max(initial=0)) + 1, -1)
    one[series[broken]] = broken
    asked = one[one >= 0]
    other = [
        not (isinstance(text, str) and _DOTTED.fullmatch(text)) for text in _texts(columns, asked)
    ]
    return rows[~_has(np.array(other, dtype=bool), series[asked], series)[rows]]


def _has(
    found: NDArray[np.bool_], series: NDArray[np.int64], all_series: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return for each of `all_series` whether anything is found in this one of `series`."""
    counts = np.bincount(series[found], minlength=int(all_series.max(initial=0)) + 1)
    return np.asarray((counts > 0)[all_series])


def _may_be_thousands(
    texts: Sequence[Any], dotted: NDArray[np.bool_], cells: NDArray[np.int64]
) -> bool:
    """Tell whether all cells are written as thousands and smaller numbers would be."""
    forms = zip(cells.tolist(), dotted[cells].tolist(), strict=True)
    return all(
        isinstance(texts[cell], str) and (_DOTTED if has_dot else _UP_TO_999).fullmatch(texts[cell])
        for cell, has_dot in forms
    )


def _tells(values: NDArray[np.float64], dotted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which cells of a series tell what a point means; none if all that might are codes."""
    size = np.abs(values)
    told = size > 0  # a zero is as far from one as from the other
    told &= dotted | ~np.isin(size, _CODES)
    if (values[dotted] > 0).all():
        told &= values > 0
    whole = size[told & ~dotted]
    if (whole < 100).all():
        return np.zeros_like(told)
    if (whole == whole[0]).all() and (len(whole) > 1 or whole[0] % 10 == 0 or whole[0] in _LIMITS):
        return np.zeros_like(told)
    return told


def _are_thousands(
    size: NDArray[np.float64], dotted: NDArray[np.bool_], beside: NDArray[np.int64]
) -> bool:
    """Tell whether a thousand times as much in the dotted cells makes better sense.

    Args:
        size: `(n,)` what is read, without sign.
        dotted: `(n,)` whether there is a point.
        beside: where a cell with a point and one without follow each other, the first of the two.
    """
    # Of neighbours, the logarithm of the cell without a point over the one with it.
    ratio = np.where(dotted[:-1], 1, -1)[beside] * np.diff(np.log(size))[beside]
    as_read, as_thousands = np.abs(ratio), np.abs(ratio - np.log(1000))
    if np.median(as_read) <= np.log(_CLOSE):
        return False
    # Thousands exceed all numbers up to 999, but as read these exceed all thousands up to 100,000;
    # decimals would lie among them. It tells where neighbours are too far apart either way.
    whole, top = size[~dotted], size[dotted].max()
    above = np.arange((whole > top).sum())
    by_chance = np.prod((len(whole) - above) / (len(size) - above))
    if by_chance < _RARE or whole.min() > _CLOSE * top:
        return True
    return bool(as_thousands.sum() <= as_read.sum())
