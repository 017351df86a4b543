"""Which forecast is the best, and what the scores mean in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnnkit.data.panel import FloatArray, IntArray
from rnnkit.messages import Message
from rnnkit.metrics import rmse
from rnnkit.tasks.scores import MODEL, network_name

WITHOUT = "without network"
TIE = 0.01  # scores within 1 % of each other are called equal
SHIFTED = 0.5  # closer to the last known value than this share of the error: it only follows
JUDGED = 20  # forecasts that do not overlap, from which the share of outcomes held is judged
OFF = 0.05  # of the share of outcomes that an interval should hold: more is worth a remark


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


def whole_verdict(
    scores: Mapping[str, Mapping[str, Any]],
    metric: str,
    cell: str,
    by_series: Mapping[str, Mapping[int, float]],
) -> Message:
    """Return the verdict, and behind it what is to be said of several series.

    Args:
        scores: metrics by name of forecast.
        metric: the one that ranks.
        cell: of the networks.
        by_series: of several series, the MASE of each by its number, of the model and the best
            baseline; empty for one series.
    """
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


def coverage_remark(shares: Mapping[str, float], count: int) -> Message | None:
    """Return how many outcomes the intervals held, and whether that is as many as they should.

    Args:
        shares: of the outcomes held, 0 to 1, by the level of the interval in percent; without one
            where no outcome is known, there is nothing to say.
        count: forecasts that do not overlap; of fewer than 20 the share says little.
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


def _rank(value: float) -> float:
    return value if np.isfinite(value) else np.inf
