"""What the scores of all tasks have in common: how they are written, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnkit.messages import Message
from rnnkit.report.scores import Measures

MODEL = "model"


def network_name(cell: str) -> str:
    """Return what a cell's network is called in words."""
    return {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}[cell]


def scores_json(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the entry `test` of `metrics.json`: the model's scores and those of baselines."""
    return {
        "model": dict(scores[MODEL]),
        "baselines": {name: dict(of) for name, of in scores.items() if name != MODEL},
    }


@dataclass(frozen=True)
class ScoreCard:
    """Scores as they are shown, whatever the task.

    Args:
        title: what was scored.
        network: what the model is called.
        scores: by name of model (`MODEL`) or baseline, by name of the metric.
        measures: the columns.
        metric: that ranks.
        verdict: what they mean, in one sentence.
        remarks: sentences after it.
        warnings: sentences that are marked as such.
        skipped: why a baseline has no scores, by its name.
        notes: what a baseline did otherwise than its name says, by its name.
    """

    title: Message
    network: str
    scores: Mapping[str, Mapping[str, Any]]
    measures: Measures
    metric: str
    verdict: Message
    remarks: Sequence[Message] = ()
    warnings: Sequence[Message] = ()
    skipped: Mapping[str, Message] = field(default_factory=dict)
    notes: Mapping[str, Sequence[Message]] = field(default_factory=dict)

    @property
    def named(self) -> dict[str, Mapping[str, Any]]:
        """The scores by what model and baselines are called."""
        return {(self.network if name == MODEL else name): of for name, of in self.scores.items()}
