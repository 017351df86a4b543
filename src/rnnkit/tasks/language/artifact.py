"""A language model as a run folder, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from rnnkit import __version__
from rnnkit.data.text.codec import TextCodec
from rnnkit.messages import Message
from rnnkit.tasks.language.config import LanguageConfig
from rnnkit.tasks.language.corpus import Codes
from rnnkit.tasks.language.evaluation import Evaluation
from rnnkit.tasks.language.fitting import TextModel, new_network
from rnnkit.training import History, RunWriter, find_device
from rnnkit.training.run_folder import Run

_PREFIX = "network."


@dataclass(frozen=True, eq=False)
class Fitted:
    """What fitting a language model found.

    Args:
        model: the network, its codec and its baseline.
        history: of the training.
        test: the scores on the test part; `None` without one.
        name: what the text is called.
        characters: how many each part has: `train`, `validation`, `test`.
        notes: what reading and splitting found and did about it.
        samples: a text generated after each epoch.
        seconds: that fitting and scoring took.
    """

    model: TextModel
    history: History
    test: Evaluation | None
    name: str
    characters: Mapping[str, int]
    notes: tuple[Message, ...]
    samples: Mapping[int, str]
    seconds: float


def save_run(writer: RunWriter, fitted: Fitted, config: LanguageConfig) -> None:
    """Write what `read_language` needs: `config.json` and `model.safetensors`."""
    model = fitted.model
    history = fitted.history.to_json()
    plain = {
        "task": "lm",
        "rnnkit": __version__,
        "options": config.to_json(),
        "name": fitted.name,
        "characters": dict(fitted.characters),
        "tokens": model.tokens,
        "notes": [note.to_json() for note in fitted.notes],
        "codec": model.codec.to_json(),
        "order": model.order,
        "smoothing": model.smoothing,
        # Without the time taken: equal trainings give equal files.
        "history": {name: value for name, value in history.items() if name != "seconds"},
        "test": None if fitted.test is None else fitted.test.to_json(),
        "samples": [[epoch, text] for epoch, text in fitted.samples.items()],
    }
    tensors = {f"{_PREFIX}{name}": t for name, t in model.network.state_dict().items()}
    writer.write_model(plain, {**tensors, "counted": _kept(model.counted)})


def read_language(run: Run, device: str) -> tuple[LanguageConfig, Fitted]:
    """Return options and fitted language model of a run, to compute on `device`."""
    plain = run.config
    options = LanguageConfig.from_options(plain["options"])
    codec = TextCodec.from_json(plain["codec"])
    network = new_network(codec, options)
    network.load_state_dict(
        {k.removeprefix(_PREFIX): t for k, t in run.tensors.items() if k.startswith(_PREFIX)}
    )
    return options, Fitted(
        model=TextModel(
            codec=codec,
            network=network.to(find_device(device)).eval(),
            counted=run.tensors["counted"].numpy().astype(np.int32),
            order=int(plain["order"]),
            smoothing=plain["smoothing"],
            tokens=int(plain["tokens"]),
        ),
        history=History.from_json({**plain["history"], "seconds": []}),
        test=None if plain["test"] is None else Evaluation.from_json(plain["test"]),
        name=str(plain["name"]),
        characters={name: int(count) for name, count in plain["characters"].items()},
        notes=tuple(map(Message.from_json, plain["notes"])),
        samples={int(epoch): str(text) for epoch, text in plain["samples"]},
        seconds=0.0 if run.metrics is None else float(run.metrics["seconds"]),
    )


def _kept(codes: Codes) -> torch.Tensor:
    """Return codes as a tensor to save, in as few bytes as hold them."""
    small = int(codes.max(initial=0)) < 2**15
    return torch.from_numpy(codes.astype(np.int16 if small else np.int32))
