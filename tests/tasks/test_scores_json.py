"""Evaluations as JSON values and back, whatever the task."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

import pytest

from rnnkit.messages import Message
from rnnkit.tasks.scores import evaluation_json, evaluation_values, metrics_json

WHY = Message("too few rows: {rows:,}", {"rows": 12})


@dataclass(frozen=True)
class Bare:
    scores: dict[str, dict[str, object]]
    verdict: Message


@dataclass(frozen=True)
class Whole(Bare):
    warnings: tuple[Message, ...] = ()
    skipped: dict[str, Message] = field(default_factory=dict)
    notes: dict[str, tuple[Message, ...]] = field(default_factory=dict)


def back(evaluation: Bare) -> dict[str, object]:
    return evaluation_values(json.loads(json.dumps(evaluation_json(evaluation), allow_nan=False)))


def test_what_there_is_comes_back_and_nothing_else():
    scores = {"model": {"rmse": 2.5}, "another": {"rmse": 3.5}}
    bare = Bare(scores, Message("good"))
    assert back(bare) == {"scores": scores, "verdict": Message("good")}
    whole = Whole(scores, Message("good"), (WHY, WHY), {"ETS": WHY}, {"AR": (WHY,)})
    assert Whole(**back(whole)) == whole


def test_models_keep_their_order():
    scores = {name: {"rmse": 1.0} for name in ("model", "b", "a")}
    assert list(back(Bare(scores, WHY))["scores"]) == ["model", "b", "a"]


@pytest.mark.parametrize("target", ["Sold", "name"])
def test_an_undefined_score_is_nan_at_every_depth(target):
    scores = {"model": {"mape": math.nan, "targets": {target: {"mape": math.nan, "mae": 1.5}}}}
    (found,) = back(Bare(scores, WHY))["scores"].values()
    assert math.isnan(found["mape"])
    assert math.isnan(found["targets"][target]["mape"])
    assert found["targets"][target]["mae"] == 1.5


def test_metrics_without_a_test_part():
    assert metrics_json("tag", None, 7, 0.5) == {
        "task": "tag",
        "test": None,
        "verdict": "",
        "warning": "",
        "parameters": 7,
        "seconds": 0.5,
    }
    whole = Whole({"model": {"f1": 0.5}, "AR": {"f1": 0.25}}, WHY, (WHY, Message("old")))
    assert metrics_json("tag", whole, 7, 0.5) == {
        "task": "tag",
        "test": {"model": {"f1": 0.5}, "baselines": {"AR": {"f1": 0.25}}},
        "verdict": "too few rows: 12",
        "warning": "too few rows: 12 old",
        "parameters": 7,
        "seconds": 0.5,
    }
