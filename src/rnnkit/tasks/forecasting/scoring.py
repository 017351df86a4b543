"""Scores of a forecast and its baselines by the same code, and what they mean in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnkit.data.scaling import FloatArray, IntArray
from rnnkit.metrics import mase, mase_scale, rmse, score

TIE = 0.01  # scores within 1 % of each other are called equal
SHIFTED = 0.5  # closer to the last known value than this share of the error: it only follows


@dataclass(frozen=True)
class Yardsticks:
    """What errors are measured against, from the rows before the test part alone.

    Args:
        naive: `(K,)` mean seasonal naive error, what MASE divides by.
        spread: `(K,)` standard deviation of the training part.
    """

    naive: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, train: FloatArray, known: FloatArray, season: int) -> Yardsticks:
        """Return those of a training part `(N, K)` and all rows before the test part."""
        noise = 1e-12 * np.abs(known).max(axis=0)  # of rounding, in a target that does not vary
        naive, spread = mase_scale(known, season), train.std(axis=0)
        return cls(np.where(naive > noise, naive, 0.0), np.where(spread > noise, spread, 0.0))


@dataclass(frozen=True)
class Evaluation:
    """How the network, the same pipeline without it, and the baselines forecast the same rows.

    Args:
        origins: `(M,)` first forecast row of each forecast.
        actual: `(M, H, K)` what happened.
        forecasts: `(M, H, K)` by name; `model` and `without network` among them.
        skipped: why a baseline is not among them, by name.
        scores: metrics by name of forecast; over all targets together, and for several targets
            also of each under `targets`.
        verdict: one sentence.
        warning: a sentence, where the forecast only follows the series; otherwise empty.
    """

    origins: IntArray
    actual: FloatArray
    forecasts: dict[str, FloatArray]
    skipped: dict[str, str]
    scores: dict[str, dict[str, Any]]
    verdict: str
    warning: str

    @property
    def metric(self) -> str:
        """The metric that ranks: RMSE, or MASE where targets of different units are averaged."""
        return ranking_metric(self.actual.shape[-1])

    @property
    def best_baseline(self) -> str:
        """The name of the baseline that scores best."""
        return best_baseline(self.scores, self.metric)

    def to_json(self) -> dict[str, Any]:
        """Return the `test` entry of `metrics.json`."""
        baselines = {n: s for n, s in self.scores.items() if n not in (MODEL, WITHOUT)}
        return {
            "model": self.scores[MODEL],
            "without_network": self.scores[WITHOUT],
            "baselines": baselines,
            "skipped": self.skipped,
            "origins": len(self.origins),
        }


MODEL = "model"
WITHOUT = "without network"


def evaluate(
    *,
    values: FloatArray,
    origins: IntArray,
    forecasts: dict[str, FloatArray],
    skipped: dict[str, str],
    targets: Sequence[str],
    yardsticks: Yardsticks,
    cell: str,
) -> Evaluation:
    """Score forecasts `(M, H, K)` of the rows from `origins` on, and say what the scores mean."""
    H = forecasts[MODEL].shape[1]
    actual = values[origins[:, None] + np.arange(H)]
    scores = {
        name: _scores(actual, forecast, targets, yardsticks) for name, forecast in forecasts.items()
    }
    metric = ranking_metric(len(targets))
    last = np.repeat(values[origins - 1][:, None], H, axis=1)
    return Evaluation(
        origins,
        actual,
        forecasts,
        skipped,
        scores,
        verdict(scores, metric, cell),
        shift_warning(actual, forecasts[MODEL], last, targets),
    )


def network_name(cell: str) -> str:
    """Return what a cell's network is called in words."""
    return {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}[cell]


def ranking_metric(targets: int) -> str:
    """Return the metric that ranks forecasts of so many targets."""
    return "rmse" if targets == 1 else "mase"


def best_baseline(scores: Mapping[str, Mapping[str, Any]], metric: str) -> str:
    """Return the name of the baseline with the smallest score; of equals the first."""
    names = [name for name in scores if name not in (MODEL, WITHOUT)]
    return min(names, key=lambda name: _rank(scores[name][metric]))


def verdict(scores: Mapping[str, Mapping[str, Any]], metric: str, cell: str) -> str:
    """Return in one sentence whether the network is worth having.

    Example:
        >>> scores = {"model": {"rmse": 9.0}, "without network": {"rmse": 12.0},
        ...           "drift": {"rmse": 10.0}}
        >>> verdict(scores, "rmse", "gru").split("; ")[0]
        'The GRU (RMSE 9) beats the best baseline, drift (10), by 10 %'
        >>> verdict(scores, "rmse", "gru").split(", ")[-1]
        'so the network takes 25 % off its error.'
    """
    best = best_baseline(scores, metric)
    model, other, without = (float(scores[name][metric]) for name in (MODEL, best, WITHOUT))
    measure = metric.upper()
    network = network_name(cell)
    if not other > 0 or not np.isfinite([model, other, without]).all():
        return f"The {network} has {measure} {model:.4g}, the best baseline, {best}, {other:.4g}."
    gain = 1 - model / other
    if gain > TIE:
        head = (
            f"The {network} ({measure} {model:.4g}) beats the best baseline, {best} ({other:.4g}),"
            f" by {100 * gain:.0f} %"
        )
    elif gain >= -TIE:
        head = (
            f"The {network} ({measure} {model:.4g}) is no better than the best baseline, {best}"
            f" ({other:.4g}), which is cheaper: use that"
        )
    else:
        head = (
            f"The {network} ({measure} {model:.4g}) does not beat the best baseline, {best}"
            f" ({other:.4g}), which is cheaper: use that"
        )
    if model > without * (1 + TIE):
        share = f"{100 * (model / without - 1):.0f} %" if without > 0 else f"{model:.4g}"
        tail = f"adds {share} to its error"
    elif model >= without * (1 - TIE):
        tail = "adds nothing to it"
    else:
        tail = f"takes {100 * (1 - model / without):.0f} % off its error"
    return (
        f"{head}; without the network the same pipeline has {without:.4g}, so the network {tail}."
    )


def shift_warning(
    actual: FloatArray, forecast: FloatArray, last: FloatArray, targets: Sequence[str]
) -> str:
    """Return a warning for targets whose forecast is little more than the last known value.

    Such a forecast, drawn over the series, looks right but one step late. The sign: it lies nearer
    to the last known value than to what happened, by a factor of 2 in root mean square.
    """
    followers = [
        name
        for k, name in enumerate(targets)
        if rmse(forecast[..., k], last[..., k]) < SHIFTED * rmse(actual[..., k], forecast[..., k])
    ]
    if not followers:
        return ""
    return (
        f"The forecast of {', '.join(followers)} is little more than the last known value: drawn"
        " over the series it looks like the series shifted by one step; it follows, it does not"
        " foresee."
    )


def _scores(
    actual: FloatArray, forecast: FloatArray, targets: Sequence[str], yardsticks: Yardsticks
) -> dict[str, Any]:
    scores: dict[str, Any] = dict(score(actual, forecast, scale=yardsticks.naive))
    # A target that did not vary has no yardstick; the mean is over those that have one.
    measured = yardsticks.naive > 0
    if measured.any():
        scores["mase"] = mase(
            actual[..., measured], forecast[..., measured], yardsticks.naive[measured]
        )
    varied = yardsticks.spread > 0
    spread = yardsticks.spread[varied]
    error = (actual - forecast)[..., varied] / spread if varied.any() else np.array([np.nan])
    scores["mse_standardised"] = float(np.mean(error**2))
    scores["mae_standardised"] = float(np.mean(np.abs(error)))
    if len(targets) > 1:
        scores["targets"] = {
            name: score(actual[..., k], forecast[..., k], scale=yardsticks.naive[k])
            for k, name in enumerate(targets)
        }
    return scores


def _rank(value: float) -> float:
    return value if np.isfinite(value) else np.inf
