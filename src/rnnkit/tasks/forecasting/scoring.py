"""Scores of a forecast and its baselines by the same code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnkit.data.panel import FloatArray, IntArray
from rnnkit.messages import Message
from rnnkit.metrics import coverage, interval_score, interval_width, score
from rnnkit.tasks.forecasting.verdict import (
    WITHOUT,
    apart,
    best_baseline,
    coverage_remark,
    ranking_metric,
    shift_warning,
    whole_verdict,
)
from rnnkit.tasks.scores import MODEL


@dataclass(frozen=True, eq=False)
class Yardsticks:
    """What errors are measured against, from the rows before the test part alone.

    Args:
        naive: `(S, K)` mean seasonal naive error, what MASE divides by; 0 without one.
        spread: `(S, K)` standard deviation of the training part; 0 without one.
    """

    naive: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, naive: FloatArray, spread: FloatArray, largest: FloatArray) -> Yardsticks:
        """Return those of `(S, K)`; what is but rounding beside the `largest (S, K)` is 0."""
        noise = 1e-12 * largest
        return cls(np.where(naive > noise, naive, 0.0), np.where(spread > noise, spread, 0.0))


@dataclass(frozen=True, eq=False)
class Intervals:
    """Ends of prediction intervals.

    Args:
        levels: percent of the outcomes that each should hold.
        lower: `(L, M, H, K)` in the units of the data.
        upper: `(L, M, H, K)`.
    """

    levels: tuple[int, ...]
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How the network, the same pipeline without it, and the baselines forecast the same rows.

    Args:
        origins: `(M,)` first forecast row of each forecast, counted in its own series.
        series: `(M,)` the number of its series.
        last: `(M, K)` the last known values before it.
        actual: `(M, H, K)` what happened, NaN where missing.
        forecasts: `(M, H, K)` by name; `model` and `without network` among them.
        intervals: of the model; `None` for none.
        skipped: why a baseline is not among them, by name.
        notes: what a baseline did otherwise for some series, by name.
        scores: metrics by name of forecast; over all series and targets together, and for several
            targets also of each under `targets`. Of the model also `coverage`, `width` and `msis`
            of its intervals by their level, where it has any.
        verdict: whether the network is worth having.
        warning: a sentence, where the forecast only follows the series.
        remark: a sentence on how many outcomes the intervals held.
        targets: names of the K columns.
        series_mase: of several series, the MASE of each by its number, by name of forecast: the
            model's and that of the baseline that scores best.
    """

    origins: IntArray
    series: IntArray
    last: FloatArray
    actual: FloatArray
    forecasts: dict[str, FloatArray]
    intervals: Intervals | None
    skipped: dict[str, Message]
    notes: dict[str, tuple[Message, ...]]
    scores: dict[str, dict[str, Any]]
    verdict: Message
    warning: Message | None = None
    remark: Message | None = None
    targets: tuple[str, ...] = ()
    series_mase: dict[str, dict[int, float]] = field(default_factory=dict)

    @property
    def metric(self) -> str:
        """The metric that ranks: RMSE of one series and target, MASE of several."""
        return ranking_metric(self.scores, self.actual.shape[-1], len(np.unique(self.series)))

    @property
    def best_baseline(self) -> str:
        """The name of the baseline that scores best."""
        return best_baseline(self.scores, self.metric)

    def series_scores(self, name: str) -> dict[int, float]:
        """Return the MASE of the forecast `name` by number of series."""
        return self.series_mase.get(name, {})

    def to_json(self) -> dict[str, Any]:
        """Return the `test` entry of `metrics.json`."""
        baselines = {n: s for n, s in self.scores.items() if n not in (MODEL, WITHOUT)}
        return {
            "model": self.scores[MODEL],
            "without_network": self.scores[WITHOUT],
            "baselines": baselines,
            "skipped": {name: str(reason) for name, reason in self.skipped.items()},
            "notes": {name: [str(note) for note in notes] for name, notes in self.notes.items()},
            "origins": len(self.origins),
            "series": len(np.unique(self.series)),
            "intervals": "" if self.remark is None else str(self.remark),
        }


def evaluate(
    *,
    actual: FloatArray,
    origins: IntArray,
    series: IntArray,
    last: FloatArray,
    forecasts: dict[str, FloatArray],
    intervals: Intervals | None,
    skipped: dict[str, Message],
    notes: dict[str, tuple[Message, ...]],
    targets: Sequence[str],
    yardsticks: Yardsticks,
    cell: str,
    measured: IntArray | None = None,
) -> Evaluation:
    """Score forecasts, and say what the scores mean.

    Args: those of `Evaluation`, and

        yardsticks: of each series.
        cell: of the networks.
        measured: `(M,)` the row of `yardsticks` for each forecast, where it is not the number of
            its series: those of a backtest change from fold to fold.
    """
    at = series if measured is None else measured
    naive, spread = yardsticks.naive[at][:, None], yardsticks.spread[at][:, None]  # (M, 1, K)
    scores = {
        name: _scores(actual, forecast, targets, naive, spread)
        for name, forecast in forecasts.items()
    }
    remark = None
    if intervals is not None:
        scores[MODEL] |= _interval_scores(actual, intervals, naive)
        remark = coverage_remark(scores[MODEL]["coverage"], apart(at, origins, actual))
    count = len(np.unique(series))
    several = count > 1
    metric = ranking_metric(scores, len(targets), count)
    by_series = {}
    if several:
        by_series = {
            name: _series_mase(actual, forecasts[name], naive, series)
            for name in (MODEL, best_baseline(scores, metric))
        }
    known = np.broadcast_to(last[:, None], actual.shape)
    # Errors of series in different units are compared in units of their own.
    units = np.where(naive > 0, naive, np.nan) if several else np.ones_like(naive)
    return Evaluation(
        origins=origins,
        series=series,
        last=last,
        actual=actual,
        forecasts=forecasts,
        intervals=intervals,
        skipped=skipped,
        notes=notes,
        scores=scores,
        verdict=whole_verdict(scores, metric, cell, by_series),
        warning=shift_warning(actual / units, forecasts[MODEL] / units, known / units, targets),
        remark=remark,
        targets=tuple(targets),
        series_mase=by_series,
    )


def _scores(
    actual: FloatArray,
    forecast: FloatArray,
    targets: Sequence[str],
    naive: FloatArray,
    spread: FloatArray,
) -> dict[str, Any]:
    # What did not vary has no yardstick; a mean is over the series and targets that have one.
    scores: dict[str, Any] = dict(score(actual, forecast, scale=naive))
    counts = ~np.isnan(actual) & (spread > 0)
    error = (actual - forecast) / np.where(spread > 0, spread, np.nan)
    error = error if counts.all() else error[counts]
    scores["mse_standardised"] = float(np.mean(error**2)) if error.size else float("nan")
    scores["mae_standardised"] = float(np.mean(np.abs(error))) if error.size else float("nan")
    if len(targets) > 1:
        scores["targets"] = {
            name: score(actual[..., k], forecast[..., k], scale=naive[..., k])
            for k, name in enumerate(targets)
        }
    return scores


def _interval_scores(
    actual: FloatArray, intervals: Intervals, naive: FloatArray
) -> dict[str, dict[str, float]]:
    """Return coverage, width and MSIS of each interval by its level, as JSON has it."""
    ends = {
        level: (low, high)
        for level, low, high in zip(intervals.levels, intervals.lower, intervals.upper, strict=True)
    }
    return {
        "coverage": {str(p): coverage(actual, *pair) for p, pair in ends.items()},
        "width": {str(p): interval_width(actual, *pair) for p, pair in ends.items()},
        "msis": {
            str(p): interval_score(actual, *pair, level=p, scale=naive) for p, pair in ends.items()
        },
    }


def _series_mase(
    actual: FloatArray, forecast: FloatArray, naive: FloatArray, series: IntArray
) -> dict[int, float]:
    """Return the MASE of each series by its number; NaN of one without a yardstick."""
    numbers, place = np.unique(series, return_inverse=True)
    counts = ~np.isnan(actual) & (naive > 0)
    terms = np.abs(actual - forecast) / np.where(naive > 0, naive, np.nan)
    total = np.bincount(place, np.where(counts, terms, 0.0).sum(axis=(1, 2)))
    count = np.bincount(place, counts.sum(axis=(1, 2)))
    mean = np.divide(total, count, out=np.full(len(numbers), np.nan), where=count > 0)
    return dict(zip(numbers.tolist(), mean.tolist(), strict=True))
