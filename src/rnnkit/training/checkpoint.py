"""The state of a training between two epochs, in one file that holds no code."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from rnnkit.errors import ArtifactError
from rnnkit.training.history import History
from rnnkit.training.tensor_file import read_tensors, write_tensors

CHECKPOINT_VERSION = 1
WRITING_SHARE = 0.05


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a training needs to go on after an epoch as if nothing had happened.

    The learning rate, early stopping and the random numbers of an epoch follow from `settings`
    and `history`, so that they need no state of their own.

    Args:
        settings: what must be equal for the training to go on; JSON values.
        model: state dict of the model after the last epoch.
        best: state dict after the best epoch; `None` when that is the last one.
        optimizer: state tensors of the optimiser, named `"PARAMETER.KEY"` with the parameter's
            number.
        history: of all epochs so far.
    """

    settings: Mapping[str, Any]
    model: Mapping[str, Tensor]
    best: Mapping[str, Tensor] | None
    optimizer: Mapping[str, Tensor]
    history: History


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all, and create its folder if there is none."""
    parts = {"model": checkpoint.model, "best": checkpoint.best, "optimizer": checkpoint.optimizer}
    tensors = {
        f"{part}.{name}": tensor
        for part, named in parts.items()
        if named is not None
        for name, tensor in named.items()
    }
    state = {
        "version": CHECKPOINT_VERSION,
        "settings": dict(checkpoint.settings),
        "has_best": checkpoint.best is not None,
        "history": checkpoint.history.to_json(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, tensors, {"checkpoint": json.dumps(state, allow_nan=False)})


def read_checkpoint(path: Path) -> Checkpoint:
    """Return the checkpoint at `path`.

    Raises:
        ArtifactError: if the file is missing, damaged, no checkpoint, or one of another version.
    """
    tensors, metadata = read_tensors(path)
    if "checkpoint" not in metadata:
        raise ArtifactError(f"{path} is not a checkpoint of a training; name the right file")
    state = json.loads(metadata["checkpoint"])
    if state["version"] != CHECKPOINT_VERSION:
        raise ArtifactError(
            f"{path} is a checkpoint of version {state['version']}, and this rnnkit reads version "
            f"{CHECKPOINT_VERSION}; start the training again"
        )
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimizer": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    return Checkpoint(
        settings=state["settings"],
        model=parts["model"],
        best=parts["best"] if state["has_best"] else None,
        optimizer=parts["optimizer"],
        history=History.from_json(state["history"]),
    )


class CheckpointFile:
    """One path that the checkpoints of a training are written to, often enough but not too often.

    A checkpoint is written after every epoch unless writing would then take more than 5 % of the
    time: epochs of a few milliseconds share one. Nothing but time is lost by that, because a
    resumed training repeats the epochs since and ends with the same bits.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cost = 0.0
        self._written = -float("inf")

    def update(self, take: Callable[[], Checkpoint], *, last: bool) -> None:
        """Write what `take` returns if it is due, and in any case when it is the `last`."""
        start = time.perf_counter()
        if not last and (start - self._written) * WRITING_SHARE < self._cost:
            return
        write_checkpoint(self.path, take())
        self._written = time.perf_counter()
        self._cost = self._written - start
