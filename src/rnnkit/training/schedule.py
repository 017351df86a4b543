"""The learning rate of each epoch, as a function of the validation losses so far."""

from __future__ import annotations

import math

from rnnkit.training.config import TrainingConfig

PLATEAU_PATIENCE = 5
PLATEAU_FACTOR = 0.5


class Schedule:
    """The learning rate of the next epoch.

    `cosine` is `learning_rate * (1 + cos(pi * e / epochs)) / 2` in epoch `e`, counted from 0
    (Loshchilov & Hutter, "SGDR", 2017, equation 5, without restarts). `plateau` multiplies the
    rate by 1/2 when more than 5 epochs in a row brought no better validation loss, and then counts
    anew. It holds nothing but what `observe` was given: observing the losses of a history again
    restores it.

    Args:
        config: gives `schedule`, `learning_rate` and `epochs`.

    Example:
        >>> schedule = Schedule(TrainingConfig(epochs=2, learning_rate=1.0, schedule="cosine"))
        >>> schedule.rate
        1.0
        >>> schedule.observe(None)
        >>> round(schedule.rate, 6)
        0.5
    """

    def __init__(self, config: TrainingConfig) -> None:
        self._config = config
        self._epoch = 0
        self._best = math.inf
        self._waited = 0
        self.rate = config.learning_rate

    def observe(self, validation_loss: float | None) -> None:
        """Take note of an epoch that ended; `validation_loss` may be `None` except on a plateau."""
        self._epoch += 1
        if self._config.schedule == "cosine":
            turn = math.pi * self._epoch / self._config.epochs
            self.rate = self._config.learning_rate * (1 + math.cos(turn)) / 2
        elif self._config.schedule == "plateau" and validation_loss is not None:
            if validation_loss < self._best:
                self._best, self._waited = validation_loss, 0
            else:
                self._waited += 1
            if self._waited > PLATEAU_PATIENCE:
                self.rate, self._waited = self.rate * PLATEAU_FACTOR, 0
