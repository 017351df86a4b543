"""The table of scores, prepared once for the page and for the terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rnnkit.messages import Message


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


def format_percent(share: float, digits: int = 2) -> str:
    """Return a share in 0..1 as a percentage, or a dash where it is undefined.

    Example:
        >>> format_percent(0.88312), format_percent(1.0, 0), format_percent(float("nan"))
        ('88.31 %', '100 %', '–')
    """
    return f"{100 * share:.{digits}f} %" if math.isfinite(share) else "–"


def format_share(share: float) -> str:
    """Return a share in 0..1 with four decimals, or a dash where it is undefined.

    Example:
        >>> format_share(0.5), format_share(float("nan"))
        ('0.5000', '–')
    """
    return f"{share:.4f}" if math.isfinite(share) else "–"


@dataclass(frozen=True)
class Measure:
    """A metric as a column of the table.

    Args:
        key: its name in `metrics.json`.
        heading: of the column.
        larger_is_better: whether the best has the largest value, not the smallest.
        format: makes the text of a cell; a dash of a value that is not finite.
    """

    key: str
    heading: str | Message
    larger_is_better: bool = False
    format: Callable[[float], str] = format_score


@dataclass(frozen=True)
class Measures:
    """The metrics of a task, in the order of the columns.

    Args:
        columns: one a metric.
        undefined: says when there is a dash in place of a number.

    Example:
        >>> [measure.key for measure in LANGUAGE], CLASSIFY["macro_f1"].larger_is_better
        (['nats_per_token', 'perplexity', 'bits_per_character'], True)
    """

    columns: tuple[Measure, ...]
    undefined: Message

    def __iter__(self) -> Iterator[Measure]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __getitem__(self, key: str) -> Measure:
        """Return the column of a metric; a `KeyError` if it has none."""
        return {measure.key: measure for measure in self.columns}[key]


FORECAST = Measures(
    (
        Measure("rmse", "RMSE"),
        Measure("mae", "MAE"),
        Measure("mape", "MAPE %"),
        Measure("smape", "sMAPE %"),
        Measure("mase", "MASE"),
    ),
    Message(
        "– is undefined: MAPE where an actual value is 0, MASE where the rows before do not change."
    ),
)
CLASSIFY = Measures(
    (
        Measure("accuracy", Message("accuracy"), True, format_percent),
        Measure("macro_f1", "macro-F1", True, format_share),
        Measure("roc_auc", "ROC-AUC", True, format_share),
    ),
    Message(
        "– is undefined: ROC-AUC where the test part has a single class, or where there are no"
        " probabilities."
    ),
)
REGRESS = Measures(
    (
        Measure("rmse", "RMSE"),
        Measure("mae", "MAE"),
        Measure("r2", "R²", True),
    ),
    Message("– is undefined: R² where all actual values are equal."),
)
TAG = Measures(
    (
        Measure("accuracy", Message("accuracy"), True, format_percent),
        Measure("accuracy_known", Message("accuracy, known words"), True, format_percent),
        Measure("accuracy_unknown", Message("accuracy, unknown words"), True, format_percent),
        Measure("macro_f1", "macro-F1", True, format_share),
    ),
    Message("– is undefined: the test part has no such words."),
)
LANGUAGE = Measures(
    (
        Measure("nats_per_token", Message("nats per token")),
        Measure("perplexity", Message("perplexity")),
        Measure("bits_per_character", Message("bits per character")),
    ),
    Message("– is undefined: the model cannot give the test part a probability."),
)


@dataclass(frozen=True)
class ScoreRow:
    """One line of the table.

    Args:
        name: of the model or baseline.
        cells: one text a measure.
        is_best: whether no other line has a better ranking score.
        is_model: whether it is the model that the report is about.
    """

    name: str
    cells: tuple[str, ...]
    is_best: bool
    is_model: bool


def score_rows(
    scores: Mapping[str, Mapping[str, Any]],
    *,
    model: str,
    metric: str = "rmse",
    measures: Measures = FORECAST,
) -> list[ScoreRow]:
    """Return the lines of the table, the best first, those whose score is undefined last.

    Args:
        scores: metrics by name of model or baseline; whatever has no column is left out, and what
            a line lacks is a dash.
        model: the name of the model that the report is about.
        metric: the key of the measure that ranks.
        measures: the columns.

    Raises:
        KeyError: if no measure has the key `metric`.

    Example:
        >>> drift = {"rmse": 20.0, "mae": 1.0, "mape": 1.0, "smape": 1.0, "mase": float("nan")}
        >>> rows = score_rows({"drift": drift, "GRU": {**drift, "rmse": 9.0}}, model="GRU")
        >>> [(row.name, row.cells[0], row.is_best) for row in rows]
        [('GRU', '9.000', True), ('drift', '20.00', False)]
        >>> rows[0].cells[-1]
        '–'
        >>> majority = {"accuracy": 0.5, "macro_f1": 1 / 3}
        >>> (row,) = score_rows(
        ...     {"majority": majority}, model="", metric="accuracy", measures=CLASSIFY
        ... )
        >>> row.cells
        ('50.00 %', '0.3333', '–')
    """
    ranking = measures[metric]
    ranks = {name: _rank(_value(values, ranking), ranking) for name, values in scores.items()}
    best = min(ranks.values(), default=math.inf)
    return [
        ScoreRow(
            name,
            tuple(measure.format(_value(scores[name], measure)) for measure in measures),
            is_best=ranks[name] == best < math.inf,
            is_model=name == model,
        )
        for name in sorted(ranks, key=lambda name: ranks[name])
    ]


def _value(values: Mapping[str, Any], measure: Measure) -> float:
    return float(values.get(measure.key, math.nan))


def _rank(value: float, measure: Measure) -> float:
    """Return what is smallest for the best line."""
    if not math.isfinite(value):
        return math.inf
    return -value if measure.larger_is_better else value
