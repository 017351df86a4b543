"""The table of scores, prepared once for the page and for the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# In the order of the columns; the key is that of `metrics.json`.
COLUMNS: Mapping[str, str] = {
    "rmse": "RMSE",
    "mae": "MAE",
    "mape": "MAPE %",
    "smape": "sMAPE %",
    "mase": "MASE",
}


@dataclass(frozen=True)
class ScoreRow:
    """One line of the table.

    Args:
        name: of the model or baseline.
        cells: one text a column of `COLUMNS`.
        is_best: whether no other line has a smaller ranking score.
        is_model: whether it is the model that the report is about.
    """

    name: str
    cells: tuple[str, ...]
    is_best: bool
    is_model: bool


def score_rows(
    scores: Mapping[str, Mapping[str, Any]], *, model: str, metric: str = "rmse"
) -> list[ScoreRow]:
    """Return the lines of the table, the best first, those whose score is undefined last.

    Args:
        scores: metrics by name of model or baseline; whatever has no column is left out.
        model: the name of the model that the report is about.
        metric: the key of `COLUMNS` that ranks.

    Raises:
        KeyError: if a line lacks a metric of `COLUMNS`, or `metric` is none of them.

    Example:
        >>> drift = {"rmse": 20.0, "mae": 1.0, "mape": 1.0, "smape": 1.0, "mase": float("nan")}
        >>> rows = score_rows({"drift": drift, "GRU": {**drift, "rmse": 9.0}}, model="GRU")
        >>> [(row.name, row.cells[0], row.is_best) for row in rows]
        [('GRU', '9.000', True), ('drift', '20.00', False)]
        >>> rows[0].cells[-1]
        '–'
    """
    ranks = {name: _rank(values[metric]) for name, values in scores.items()}
    best = min(ranks.values(), default=math.inf)
    return [
        ScoreRow(
            name,
            tuple(format_score(scores[name][column]) for column in COLUMNS),
            is_best=ranks[name] == best < math.inf,
            is_model=name == model,
        )
        for name in sorted(ranks, key=lambda name: ranks[name])
    ]


def format_score(value: float) -> str:
    """Return `value` with four significant digits, or a dash where it is undefined.

    Example:
        >>> [format_score(value) for value in (17.6189, 0.31528, 12345.6, 0.0, 2e9, float("nan"))]
        ['17.62', '0.3153', '12,346', '0', '2.000e+09', '–']
    """
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    digits = 3 - math.floor(math.log10(abs(value)))
    return f"{value:,.{max(digits, 0)}f}" if -4 <= digits <= 7 else f"{value:.3e}"


def _rank(value: float) -> float:
    return value if math.isfinite(value) else math.inf
