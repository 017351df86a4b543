"""What the scores of all tasks have in common: how they are written, and how they are shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rnnkit.messages import Message
from rnnkit.report.scores import Measures
from rnnkit.training.json_file import finite

MODEL = "model"

Value = TypeVar("Value")


def network_name(cell: str) -> str:
    """Return what a cell's network is called in words."""
    return {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}[cell]


def named(by_name: Mapping[str, Value], network: str) -> dict[str, Value]:
    """Return what is known of model and baselines with the network's name in place of `MODEL`."""
    return {(network if name == MODEL else name): value for name, value in by_name.items()}


def scores_json(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the entry `test` of `metrics.json`: the model's scores and those of baselines."""
    return {
        "model": dict(scores[MODEL]),
        "baselines": {name: dict(of) for name, of in scores.items() if name != MODEL},
    }


def metrics_json(task: str, evaluation: Any, parameters: int, seconds: float) -> dict[str, Any]:
    """Return the content of `metrics.json`.

    Args:
        task: of the run.
        evaluation: with `scores`, `verdict` and `warnings`; `None` without a test part.
        parameters: weights of the model.
        seconds: that fitting took.
    """
    return {
        "task": task,
        "test": None if evaluation is None else scores_json(evaluation.scores),
        "verdict": "" if evaluation is None else str(evaluation.verdict),
        "warning": "" if evaluation is None else " ".join(map(str, evaluation.warnings)),
        "parameters": parameters,
        "seconds": seconds,
    }


def evaluation_json(evaluation: Any) -> dict[str, Any]:
    """Return what evaluations have in common as JSON values that `evaluation_values` reads.

    Args:
        evaluation: with `scores` and `verdict`, and, if it has them, `warnings`, `skipped` and
            `notes`.
    """
    about = vars(evaluation)
    plain: dict[str, Any] = {
        "scores": [{"name": name, **finite(of)} for name, of in evaluation.scores.items()],
        "verdict": evaluation.verdict.to_json(),
    }
    if "warnings" in about:
        plain["warnings"] = [warning.to_json() for warning in about["warnings"]]
    if "skipped" in about:
        plain["skipped"] = {name: why.to_json() for name, why in about["skipped"].items()}
    if "notes" in about:
        plain["notes"] = {name: [n.to_json() for n in of] for name, of in about["notes"].items()}
    return plain


def evaluation_values(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an evaluation that `evaluation_json` turned into JSON values."""
    values: dict[str, Any] = {
        "scores": {
            entry["name"]: {name: _with_nan(of) for name, of in entry.items() if name != "name"}
            for entry in plain["scores"]
        },
        "verdict": Message.from_json(plain["verdict"]),
    }
    if "warnings" in plain:
        values["warnings"] = tuple(map(Message.from_json, plain["warnings"]))
    if "skipped" in plain:
        values["skipped"] = {n: Message.from_json(why) for n, why in plain["skipped"].items()}
    if "notes" in plain:
        values["notes"] = {n: tuple(map(Message.from_json, of)) for n, of in plain["notes"].items()}
    return values


def _with_nan(value: Any) -> Any:
    """Undo `finite`: a score that JSON holds as null is undefined."""
    if isinstance(value, Mapping):
        return {name: _with_nan(of) for name, of in value.items()}
    return math.nan if value is None else value


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
        return named(self.scores, self.network)
