"""A classifier or regressor as a run folder, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnkit.data.examples.columns import ExampleColumns
from rnnkit.messages import Message
from rnnkit.tasks.labels.base import FittedLabels, Part
from rnnkit.tasks.labels.codec import ExampleCodec
from rnnkit.tasks.labels.config import LabelOptions
from rnnkit.tasks.labels.evaluation import LabelEvaluation
from rnnkit.tasks.labels.fitting import LabelFit, new_network
from rnnkit.tasks.labels.meaning import Meaning
from rnnkit.tasks.scores import evaluation_json, evaluation_values
from rnnkit.training import History
from rnnkit.training.run_folder import Run, RunWriter


def save_labels(writer: RunWriter, task: str, options: LabelOptions, fitted: FittedLabels) -> None:
    """Write what `read_labels` needs: `config.json` and `model.safetensors`."""
    fit = fitted.fit
    config = {
        "task": task,
        "options": options.to_json(),
        "data": fitted.data,
        "columns": fitted.columns.to_json(),
        "codec": fit.codec.to_json(),
        "ngrams": len(fit.codec.ngrams),
        "meaning": fitted.meaning.to_json(),
        "parts": [
            {"name": p.name, "count": p.count, "classes": list(p.classes)} for p in fitted.parts
        ],
        "notes": [note.to_json() for note in fitted.notes],
        "pooling": fit.pooling,
        "networks": len(fit.networks),
        "histories": [history.to_json(seconds=False) for history in fit.histories],
        "test": None if fitted.test is None else evaluation_json(fitted.test),
    }
    tensors: dict[str, Tensor] = {
        f"lengths.{number}": torch.from_numpy(part.lengths)
        for number, part in enumerate(fitted.parts)
    }
    tensors |= {f"ngrams.{number}": keys for number, keys in enumerate(fit.codec.ngrams)}
    for number, network in enumerate(fit.networks):
        for name, tensor in network.state_dict().items():
            tensors[f"network.{number}.{name}"] = tensor
    if fitted.test is not None:
        tensors["test.actual"] = torch.from_numpy(np.ascontiguousarray(fitted.test.actual))
        tensors["test.outputs"] = torch.from_numpy(np.ascontiguousarray(fitted.test.outputs))
    writer.write_model(config, tensors)


def read_labels(run: Run, options: LabelOptions, device: str) -> FittedLabels:
    """Return what was fitted, to compute on `device`."""
    config, tensors = run.config, run.tensors
    ngrams = tuple(tensors[f"ngrams.{number}"] for number in range(config["ngrams"]))
    codec = ExampleCodec.from_json(config["codec"], ngrams)
    meaning = Meaning.from_json(config["meaning"])
    networks = []
    for number in range(config["networks"]):
        prefix = f"network.{number}."
        state = {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
        vectors = state.get("inputs.table")  # a start for what is read over it at once
        network = new_network(codec, options, meaning.outputs, number, config["pooling"], vectors)
        network.load_state_dict(state)
        networks.append(network.to(device).eval())
    return FittedLabels(
        fit=LabelFit(
            codec,
            config["pooling"],
            tuple(networks),
            tuple(map(History.from_json, config["histories"])),
        ),
        columns=ExampleColumns.from_json(config["columns"]),
        meaning=meaning,
        parts=tuple(
            Part(p["name"], p["count"], tuple(p["classes"]), tensors[f"lengths.{number}"].numpy())
            for number, p in enumerate(config["parts"])
        ),
        data=config["data"],
        kept=None,
        test=None if config["test"] is None else _restore_evaluation(config["test"], tensors),
        notes=tuple(map(Message.from_json, config["notes"])),
        device=device,
        seconds=0.0 if run.metrics is None else float(run.metrics["seconds"]),
    )


def _restore_evaluation(plain: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> LabelEvaluation:
    return LabelEvaluation(
        actual=tensors["test.actual"].numpy(),
        outputs=tensors["test.outputs"].numpy(),
        **evaluation_values(plain),
    )
