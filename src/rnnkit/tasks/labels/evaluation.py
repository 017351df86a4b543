"""How good the predictions of a test part are, beside the baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.examples.contract import Examples
from rnnkit.messages import Message
from rnnkit.metrics import (
    confusion,
    difference_in_accuracy,
    label_scores,
    number_scores,
)
from rnnkit.metrics.labels import UNSEEN
from rnnkit.report.scores import CLASSIFY, REGRESS, Measures
from rnnkit.tasks.labels.meaning import Meaning
from rnnkit.tasks.labels.parts import find_groups
from rnnkit.tasks.scores import MODEL, network_name

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Outputs = Mapping[str, FloatArray]

_SURE = 1.959963984540054  # the normal quantile of 97.5 %


@dataclass(frozen=True, eq=False)
class LabelEvaluation:
    """Scores of the model and the baselines on the same examples.

    Args:
        actual: `(S,)` classes, -1 for one never seen in training, or `(S, K)` numbers.
        outputs: `(S, K)` the model's probabilities or numbers.
        scores: by name of model or baseline, by name of the metric.
        verdict: what they mean, in one sentence.
        warnings: what should be known beside it.
        skipped: why a baseline is not among the scores, by its name.
        notes: what was done otherwise than a baseline's name says.
    """

    actual: NDArray[Any]
    outputs: FloatArray
    scores: Mapping[str, Mapping[str, float]]
    verdict: Message
    warnings: tuple[Message, ...] = ()
    skipped: Mapping[str, Message] = field(default_factory=dict)
    notes: Mapping[str, tuple[Message, ...]] = field(default_factory=dict)

    @property
    def classes(self) -> bool:
        """Whether classes are scored, not numbers."""
        return self.actual.ndim == 1

    @property
    def measures(self) -> Measures:
        """The columns of the table of scores."""
        return CLASSIFY if self.classes else REGRESS

    @property
    def metric(self) -> str:
        """The metric that ranks."""
        return "accuracy" if self.classes else "rmse"

    @property
    def predicted(self) -> IntArray:
        """The classes of the greatest probability, `(S,)`."""
        return np.asarray(self.outputs.argmax(axis=1), dtype=np.int64)

    @property
    def confusion(self) -> IntArray:
        """How often each class was taken for each, `(K, K)`."""
        return confusion(self.actual, self.predicted, self.outputs.shape[1])


def evaluate_labels(
    examples: Examples,
    meaning: Meaning,
    outputs: Outputs,
    *,
    cell: str,
    skipped: Mapping[str, Message],
    notes: Mapping[str, tuple[Message, ...]],
    warnings: tuple[Message, ...] = (),
) -> LabelEvaluation:
    """Score a model and its baselines.

    Args:
        examples: that were asked about.
        meaning: of the outputs.
        outputs: of the model, under `MODEL`, and the baselines, `(S, K)` each.
        cell: of the model.
        skipped: baselines that have no outputs, and why.
        notes: of the baselines.
        warnings: found before.
    """
    actual = meaning.actual(examples)
    classes = actual.ndim == 1
    scores = {
        name: label_scores(actual, of) if classes else number_scores(actual, of)
        for name, of in outputs.items()
    }
    found = list(warnings)
    if classes:
        unseen = int((actual == UNSEEN).sum())
        if unseen:
            known = set(meaning.classes)
            names = sorted({label for label in examples.classes or () if label not in known})
            found.append(
                Message(
                    "{count:,} of the {all:,} test examples have a label that the training part"
                    " does not have ({labels}); no prediction of them can be right.",
                    {
                        "count": unseen,
                        "all": len(actual),
                        "labels": ", ".join(names[:5]) + (", …" if len(names) > 5 else ""),
                    },
                )
            )
    # Equal sequences are one witness, however often they were written down.
    distinct = np.unique(find_groups(examples).group, return_index=True)[1]
    return LabelEvaluation(
        actual,
        outputs[MODEL],
        scores,
        _verdict(actual, outputs, scores, cell, distinct),
        tuple(found),
        dict(skipped),
        {name: notes[name] for name in outputs if notes.get(name)},
    )


def _verdict(
    actual: NDArray[Any],
    outputs: Outputs,
    scores: Mapping[str, Mapping[str, float]],
    cell: str,
    distinct: IntArray,
) -> Message:
    """Return whether the network is worth having, beyond what chance does to a test part.

    Chance is judged by the examples `distinct`, which differ from one another.
    """
    classes = actual.ndim == 1
    metric = "accuracy" if classes else "rmse"
    others = [name for name in scores if name != MODEL]
    network = network_name(cell)
    if not others:
        return Message("No baseline stands beside the {network}.", {"network": network})
    better = max if classes else min
    best = better(others, key=lambda name: scores[name][metric])
    first, second = outputs[MODEL][distinct], outputs[best][distinct]
    _, low, high = (
        difference_in_accuracy(actual[distinct], first.argmax(axis=1), second.argmax(axis=1))
        if classes
        else _gain(actual[distinct], first, second)
    )
    values: dict[str, Any] = {
        "network": network,
        "baseline": Message(best),
        "model": 100 * scores[MODEL][metric] if classes else scores[MODEL][metric],
        "other": 100 * scores[best][metric] if classes else scores[best][metric],
        "low": 100 * low,
        "high": 100 * high,
    }
    if classes:
        beats = (
            "The {network} (accuracy {model:.1f} %) is better than the best baseline, {baseline}"
            " ({other:.1f} %), by {low:.1f} to {high:.1f} points (95 % interval)."
        )
        loses = (
            "The best baseline, {baseline} (accuracy {other:.1f} %), is better than the {network}"
            " ({model:.1f} %): use the baseline."
        )
        equal = (
            "The {network} (accuracy {model:.1f} %) and the best baseline, {baseline}"
            " ({other:.1f} %), differ by no more than chance does: use the cheaper baseline."
        )
    else:
        beats = (
            "The {network} (RMSE {model:.4g}) is better than the best baseline, {baseline}"
            " ({other:.4g}), and takes {low:.0f} to {high:.0f} % off its squared error (95 %"
            " interval)."
        )
        loses = (
            "The best baseline, {baseline} (RMSE {other:.4g}), is better than the {network}"
            " ({model:.4g}): use the baseline."
        )
        equal = (
            "The {network} (RMSE {model:.4g}) and the best baseline, {baseline} ({other:.4g}),"
            " differ by no more than chance does: use the cheaper baseline."
        )
    return Message(beats if low > 0 else loses if high < 0 else equal, values)


def _gain(actual: FloatArray, first: FloatArray, second: FloatArray) -> tuple[float, float, float]:
    """Return the share of the second's squared error that the first takes off, and its ends.

    The 95 % interval of a mean of paired differences; targets count alike, in units of the second's
    error.
    """
    unit = np.sqrt(np.mean((actual - second) ** 2, axis=0))
    unit = np.where(unit > 0, unit, 1.0)
    gains = (((actual - second) / unit) ** 2 - ((actual - first) / unit) ** 2).mean(axis=1)
    mean = float(gains.mean())
    if len(gains) < 2:
        return mean, -np.inf, np.inf
    reach = _SURE * float(gains.std(ddof=1)) / len(gains) ** 0.5
    return mean, mean - reach, mean + reach
