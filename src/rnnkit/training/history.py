"""What a training recorded, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

StopReason = Literal["epochs", "patience", "time limit", "callback"]


@dataclass(frozen=True)
class EpochState:
    """One finished epoch, as callbacks and progress see it.

    Args:
        epoch: its number, from 1.
        epochs: how many were asked for.
        train_loss: mean over the training data while the weights were changing.
        validation_loss: mean over the validation data after the epoch; `None` without any.
        learning_rate: that the epoch was trained with.
        seconds: that the epoch took, validation included.
        best_epoch: number of the best epoch so far.
        best_loss: its validation loss; `None` without validation data.
    """

    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float | None
    learning_rate: float
    seconds: float
    best_epoch: int
    best_loss: float | None


@dataclass
class History:
    """The losses, learning rates and seconds of all epochs, the best epoch and why training ended.

    Args:
        train_loss: an entry an epoch.
        validation_loss: an entry an epoch; empty without validation data.
        learning_rate: an entry an epoch.
        seconds: an entry an epoch.
        best_epoch: number, from 1, of the epoch with the lowest validation loss, the earliest of
            those that tie; the last epoch without validation data; 0 before the first.
        stopped: `"epochs"`, `"patience"`, `"time limit"` or `"callback"`; `None` while training
            goes on.

    Example:
        >>> history = History()
        >>> history.add(train_loss=2.0, validation_loss=1.5, learning_rate=1e-3, seconds=0.1)
        >>> history.add(train_loss=1.0, validation_loss=1.5, learning_rate=1e-3, seconds=0.1)
        >>> len(history), history.best_epoch, history.best_loss
        (2, 1, 1.5)
        >>> History.from_json(history.to_json()) == history
        True
    """

    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int = 0
    stopped: StopReason | None = None

    def __len__(self) -> int:
        return len(self.train_loss)

    @property
    def best_loss(self) -> float | None:
        """The validation loss of the best epoch; `None` before the first or without validation."""
        return self.validation_loss[self.best_epoch - 1] if self.validation_loss else None

    def add(
        self,
        *,
        train_loss: float,
        validation_loss: float | None,
        learning_rate: float,
        seconds: float,
    ) -> None:
        """Append one epoch and move `best_epoch` to it if it is better than all before."""
        best = self.best_loss
        self.train_loss.append(train_loss)
        self.learning_rate.append(learning_rate)
        self.seconds.append(seconds)
        if validation_loss is not None:
            self.validation_loss.append(validation_loss)
        if validation_loss is None or best is None or validation_loss < best:
            self.best_epoch = len(self)

    def to_json(self, *, seconds: bool = True) -> dict[str, Any]:
        """Return a dict that `json` can write and that `from_json` reads.

        Args:
            seconds: whether the time taken is part of it; without it equal trainings are equal.
        """
        return {
            name: list(value) if isinstance(value, list) else value
            for name, value in vars(self).items()
            if seconds or name != "seconds"
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> History:
        """Return the history that `to_json` gave."""
        return cls(**data)
