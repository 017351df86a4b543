"""What the scores of all tasks have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
