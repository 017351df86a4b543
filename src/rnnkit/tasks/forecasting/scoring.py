"""Scores of a forecast and its baselines by the same code, and what they mean in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnkit.data.panel import FloatArray, IntArray
from rnnkit.messages import Message
from rnnkit.metrics import coverage, interval_score, interval_width, rmse, score

MODEL = "model"
WITHOUT = "without network"
TIE = 0.01  # scores within 1 % of each other are called equal
SHIFTED = 0.5  # closer to the last known value than this share of the error: it only follows
JUDGED = 20  # forecasts that do not overlap, from which the share of outcomes held is judged
OFF = 0.05  # of the share of outcomes that an interval should hold: more is worth a remark


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
        remark = _coverage_remark(scores[MODEL]["coverage"], apart(at, origins, actual))
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
        verdict=_whole_verdict(scores, metric, cell, by_series),
        warning=shift_warning(actual / units, forecasts[MODEL] / units, known / units, targets),
        remark=remark,
        targets=tuple(targets),
        series_mase=by_series,
    )


def network_name(cell: str) -> str:
    """Return what a cell's network is called in words."""
    return {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}[cell]


def ranking_metric(scores: Mapping[str, Mapping[str, Any]], targets: int, series: int) -> str:
    """Return the metric that ranks forecasts of so many targets and series.

    MASE where units differ; MAE where the series never changed before, so that MASE is undefined.
    """
    if targets == 1 and series == 1:
        return "rmse"
    return "mase" if np.isfinite(float(scores[MODEL]["mase"])) else "mae"


def best_baseline(scores: Mapping[str, Mapping[str, Any]], metric: str) -> str:
    """Return the name of the baseline with the smallest score; of equals the first."""
    names = [name for name in scores if name not in (MODEL, WITHOUT)]
    return min(names, key=lambda name: _rank(scores[name][metric]))


def verdict(scores: Mapping[str, Mapping[str, Any]], metric: str, cell: str) -> Message:
    """Return in one sentence whether the network is worth having.

    Example:
        >>> scores = {"model": {"rmse": 9.0}, "without network": {"rmse": 12.0},
        ...           "drift": {"rmse": 10.0}}
        >>> str(verdict(scores, "rmse", "gru")).split("; ")[0]
        'The GRU (RMSE 9) beats the best baseline, drift (10), by 10 %'
        >>> str(verdict(scores, "rmse", "gru")).split(", ")[-1]
        'so the network takes 25 % off its error.'
    """
    best = best_baseline(scores, metric)
    model, other, without = (float(scores[name][metric]) for name in (MODEL, best, WITHOUT))
    values: dict[str, Any] = {
        "network": network_name(cell),
        "measure": metric.upper(),
        "model": model,
        "baseline": Message(best),
        "other": other,
        "without": without,
    }
    if not other > 0 or not np.isfinite([model, other, without]).all():
        return Message(
            "The {network} has {measure} {model:.4g}, the best baseline, {baseline}, {other:.4g}.",
            values,
        )
    gain = 1 - model / other
    values["gain"] = abs(100 * gain)
    if gain > TIE:
        head = (
            "The {network} ({measure} {model:.4g}) beats the best baseline, {baseline}"
            " ({other:.4g}), by {gain:.0f} %"
        )
    elif gain >= -TIE:
        head = (
            "The {network} ({measure} {model:.4g}) is no better than the best baseline, {baseline}"
            " ({other:.4g}), which is cheaper: use that"
        )
    else:
        head = (
            "The {network} ({measure} {model:.4g}) does not beat the best baseline, {baseline}"
            " ({other:.4g}), which is cheaper: use that"
        )
    if without == 0 < model:
        tail = (
            "without the network the same pipeline has {without:.4g}, so all of the error is the"
            " network's"
        )
    elif model > without * (1 + TIE):
        values["change"] = 100 * (model / without - 1)
        tail = (
            "without the network the same pipeline has {without:.4g}, so the network adds"
            " {change:.0f} % to its error"
        )
    elif model >= without * (1 - TIE):
        tail = (
            "without the network the same pipeline has {without:.4g}, so the network adds nothing"
            " to it"
        )
    else:
        values["change"] = 100 * (1 - model / without)
        tail = (
            "without the network the same pipeline has {without:.4g}, so the network takes"
            " {change:.0f} % off its error"
        )
    return Message(
        "{head}; {tail}.", {"head": Message(head, values), "tail": Message(tail, values)}
    )


def _whole_verdict(
    scores: Mapping[str, Mapping[str, Any]],
    metric: str,
    cell: str,
    by_series: Mapping[str, Mapping[int, float]],
) -> Message:
    """Return the verdict, and behind it what is to be said of several series."""
    sentence = verdict(scores, metric, cell)
    more: Message | None = None
    if metric == "mae":
        more = Message(
            "MASE is undefined, since nothing varied before the test part: MAE ranks the forecasts."
        )
    elif by_series:
        best = best_baseline(scores, metric)
        pairs = [(mase, by_series[best][s]) for s, mase in by_series[MODEL].items()]
        pairs = [pair for pair in pairs if np.isfinite(pair).all()]
        more = Message(
            "The {network} is better than {baseline} in {count:,} of {all:,} series.",
            {
                "network": network_name(cell),
                "baseline": Message(best),
                "count": sum(model < other for model, other in pairs),
                "all": len(pairs),
            },
        )
    if more is None:
        return sentence
    return Message("{verdict} {more}", {"verdict": sentence, "more": more})


def shift_warning(
    actual: FloatArray, forecast: FloatArray, last: FloatArray, targets: Sequence[str]
) -> Message | None:
    """Return a warning for targets whose forecast is little more than the last known value.

    Such a forecast, drawn over the series, looks right but one step late. The sign: it lies nearer
    to the last known value than to what happened, by a factor of 2 in root mean square.

    Args:
        actual: `(M, H, K)` what happened, NaN where missing; all three in units in which the errors
            of different series may be averaged.
        forecast: `(M, H, K)`.
        last: `(M, H, K)` the last known value at every step.
        targets: names of the K columns.
    """
    followers = []
    for k, name in enumerate(targets):
        a, f, known = actual[..., k], forecast[..., k], last[..., k]
        # The distance from the last value too is measured where the outcome is known alone.
        distance = rmse(np.where(np.isnan(a), np.nan, f), known)
        if distance < SHIFTED * rmse(a, f):
            followers.append(name)
    if not followers:
        return None
    return Message(
        "The forecast of {targets} is little more than the last known value: drawn over the series"
        " it looks like the series shifted by one step; it follows, it does not foresee.",
        {"targets": ", ".join(followers)},
    )


def apart(series: IntArray, origins: IntArray, actual: FloatArray) -> int:
    """Return how many of the forecasts `(M, H, K)` of `actual` do not overlap."""
    numbers = np.stack([series, origins // actual.shape[1]])
    return int(np.unique(numbers, axis=1).shape[1])


def _coverage_remark(shares: Mapping[str, float], count: int) -> Message | None:
    """Return how many outcomes the intervals held, and whether that is as many as they should.

    Of fewer than 20 forecasts, `count` that do not overlap, the share says little.
    """
    if not all(np.isfinite(share) for share in shares.values()):
        return None
    held = tuple(
        Message("of {level} %: {share:.0%}", {"level": int(level), "share": share})
        for level, share in shares.items()
    )
    off = any(abs(share - int(level) / 100) > OFF for level, share in shares.items())
    if count < JUDGED:
        return Message(
            "Share of the outcomes that lay in the interval ({held}), of too few forecasts to judge"
            " by.",
            {"held": held},
        )
    return Message(
        "Share of the outcomes that lay in the interval ({held}): off by more than 5 points, so do"
        " not trust the width."
        if off
        else "Share of the outcomes that lay in the interval ({held}).",
        {"held": held},
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


def _rank(value: float) -> float:
    return value if np.isfinite(value) else np.inf
