"""The options of a training, checked before anything runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from rnnkit.errors import ConfigError, closest

ScheduleName = Literal["constant", "cosine", "plateau"]
SCHEDULES: tuple[str, ...] = get_args(ScheduleName)


@dataclass(frozen=True)
class TrainingConfig:
    """How long, how fast and on what a network trains.

    The optimiser is AdamW (Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2019,
    algorithm 2) with PyTorch's betas and epsilon.

    Args:
        epochs: passes over the training data at most, at least 1; default 100.
        batch_size: sequences a step, at least 1; default 32.
        learning_rate: size of the first epoch's steps, above 0; default 1e-3.
        weight_decay: share of a weight that is taken off per unit of learning rate, at least 0;
            default 0.
        schedule: `"constant"`; `"cosine"` falls from `learning_rate` towards 0 over `epochs`;
            `"plateau"` halves the rate after more than 5 epochs without a better validation loss.
        patience: stop after so many epochs without a better validation loss, at least 1; `None`
            (default) never stops early. Of epochs that tie, the earliest is the best.
        clip_norm: largest 2-norm of all gradients together, above 0; `None` does not clip.
            Default 1.
        time_limit: seconds that the epochs may take together, above 0; training stops after the
            one that passes it. `None` (default) sets no limit. A resumed training counts the
            epochs before it was interrupted.
        seed: of the order of the data and of dropout, at least 0; default 0.
        device: `"cpu"` (default), `"cuda"` or `"cuda:N"`.

    Raises:
        ConfigError: if a value has the wrong type or lies outside its range.

    Example:
        >>> TrainingConfig(epochs=20, schedule="cosine").learning_rate
        0.001
        >>> TrainingConfig(epochs=0)
        Traceback (most recent call last):
        rnnkit.errors.ConfigError: epochs must be a whole number of at least 1, got 0
    """

    epochs: int = 100
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: ScheduleName = "constant"
    patience: int | None = None
    clip_norm: float | None = 1.0
    time_limit: float | None = None
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        _check_whole("epochs", self.epochs, 1)
        _check_whole("batch_size", self.batch_size, 1)
        _check_number("learning_rate", self.learning_rate, zero=False)
        _check_number("weight_decay", self.weight_decay, zero=True)
        if self.schedule not in SCHEDULES:
            hint = closest(self.schedule, SCHEDULES) if isinstance(self.schedule, str) else ""
            raise ConfigError(
                f"schedule must be one of {', '.join(SCHEDULES)}, got {self.schedule!r}{hint}"
            )
        if self.patience is not None:
            _check_whole("patience", self.patience, 1)
        if self.clip_norm is not None:
            _check_number("clip_norm", self.clip_norm, zero=False)
        if self.time_limit is not None:
            _check_number("time_limit", self.time_limit, zero=False)
        _check_whole("seed", self.seed, 0)
        check_device(self.device)


def _check_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} must be a whole number of at least {least}, got {value!r}")


def _check_number(name: str, value: object, *, zero: bool) -> None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fits or value < 0 or (value == 0 and not zero):  # type: ignore[operator]
        wanted = "a number of at least 0" if zero else "a number above 0"
        raise ConfigError(f"{name} must be {wanted}, got {value!r}")


def check_device(name: object) -> None:
    """Raise ConfigError unless `name` is of the form of a device, here or not."""
    wanted = "device must be 'cpu', 'cuda' or 'cuda:N'"
    try:
        device = torch.device(name)  # type: ignore[call-overload]
    except (RuntimeError, TypeError):
        raise ConfigError(f"{wanted}, got {name!r}") from None
    if not isinstance(name, str) or device.type not in ("cpu", "cuda"):
        raise ConfigError(f"{wanted}, got {name!r}")
