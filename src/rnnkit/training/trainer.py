"""The trainer: from a config, a loss and data to a trained model; it knows no task."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from rnnkit.errors import ConfigError, DataError
from rnnkit.messages import Message
from rnnkit.training.checkpoint import CheckpointFile
from rnnkit.training.config import TrainingConfig
from rnnkit.training.epochs import Dataset, Loss, TrainingRun
from rnnkit.training.history import EpochState, History, StopReason
from rnnkit.training.progress import Progress

logger = logging.getLogger("rnnkit.training")


class Callback:
    """Hooks into a training; each does nothing unless a subclass says otherwise.

    An epoch that a resumed training repeats calls them again.
    """

    def on_start(self, model: nn.Module, history: History) -> None:
        """Run before the first epoch; `history` holds the epochs of a resumed training."""

    def on_epoch_end(self, model: nn.Module, state: EpochState) -> bool:
        """Run after each epoch, and return whether training should stop."""
        return False


class Trainer:
    """Trains a model on a loss and batches.

    Args:
        config: how to train.
        callbacks: run in order at the start and after each epoch.
        progress: shows the epochs; `None` shows nothing.
        title: what `progress` calls this training, such as `"member 2/5"`.

    Example:
        >>> import torch
        >>> from rnnkit import SequenceBatch
        >>> x = torch.linspace(-1, 1, 64)[:, None, None]
        >>> class Line:
        ...     def __len__(self):
        ...         return 64
        ...     def batch(self, index):
        ...         return SequenceBatch(x[index], targets=2 * x[index])
        >>> def squared(model, batch):
        ...     errors = model(batch.values) - batch.targets
        ...     return errors.square().sum(), torch.tensor(errors.numel())
        >>> model = torch.nn.Linear(1, 1)
        >>> history = Trainer(TrainingConfig(epochs=60, learning_rate=0.1)).fit(
        ...     model, squared, Line())
        >>> history.stopped, round(model.weight.item(), 2)
        ('epochs', 2.0)
    """

    def __init__(
        self,
        config: TrainingConfig,
        *,
        callbacks: Sequence[Callback] = (),
        progress: Progress | None = None,
        title: str | Message = "",
    ) -> None:
        self.config = config
        self.callbacks = tuple(callbacks)
        self.progress = Progress(quiet=True) if progress is None else progress
        self.title = title

    def fit(
        self,
        model: nn.Module,
        loss: Loss,
        train: Dataset,
        validation: Dataset | None = None,
        *,
        checkpoint: Path | None = None,
        resume: bool = False,
    ) -> History:
        """Train `model` in place and leave it with the weights of the best epoch.

        The order of the data and the noise of dropout follow from the config's seed and the epoch
        alone; the caller's random state is neither used nor changed. The model's initial weights
        are the caller's.

        Args:
            model: moved to the config's device.
            loss: returns the sum of a batch's losses and its weight, both scalars.
            train: what is trained on, at least one sample.
            validation: what early stopping, the plateau schedule and the choice of the best epoch
                look at; without it the last epoch is the best.
            checkpoint: file to keep the state of the training in (see `CheckpointFile` for how
                often); an existing one is replaced. `None` keeps none.
            resume: go on from `checkpoint`, and end with the bits of a training that was never
                interrupted; a training that had ended returns at once. If there is no file yet,
                training starts from the beginning.

        Returns:
            What each epoch recorded, and why training ended.

        Raises:
            ConfigError: if the options ask for validation data, a checkpoint or a device that is
                not there.
            DataError: if `train` or `validation` is empty.
            TrainingError: if a loss or gradient is not finite. The last checkpoint stays.
            ArtifactError: if the checkpoint is damaged or belongs to another training.
        """
        config = self.config
        _check_data(config, train, validation)
        if resume and checkpoint is None:
            raise ConfigError("resume asks for a checkpoint to go on from: pass its path")
        run = TrainingRun(config, model, loss, train, validation)
        keeper = None if checkpoint is None else CheckpointFile(checkpoint)
        if checkpoint is not None:
            if not resume:
                checkpoint.unlink(missing_ok=True)
            elif checkpoint.exists():
                run.restore(checkpoint)
        for callback in self.callbacks:
            callback.on_start(model, run.history)
        self.progress.start(self.title, config.epochs, run.history)
        try:
            while run.history.stopped is None:
                state = run.epoch()
                asked = [callback.on_epoch_end(model, state) for callback in self.callbacks]
                run.history.stopped = _reason_to_stop(config, run.history, any(asked))
                if keeper is not None:
                    keeper.update(run.snapshot, last=run.history.stopped is not None)
                self.progress.update(state, run.history.stopped)
        finally:
            self.progress.stop()
        run.load_best()
        logger.info(
            "%strained %d epochs, best %d, stopped by %s",
            f"{self.title}: " if self.title else "",
            len(run.history),
            run.history.best_epoch,
            run.history.stopped,
        )
        return run.history


def _check_data(config: TrainingConfig, train: Dataset, validation: Dataset | None) -> None:
    if validation is None:
        for option, asked in (
            ("patience", config.patience is not None),
            ("schedule='plateau'", config.schedule == "plateau"),
        ):
            if asked:
                raise ConfigError(
                    f"{option} looks at the validation loss, and there are no validation data: "
                    "give some, or leave it out"
                )
    for name, data in (("training", train), ("validation", validation)):
        if data is not None and len(data) == 0:
            raise DataError(f"the {name} data hold no sample, and at least 1 is needed")


def _reason_to_stop(config: TrainingConfig, history: History, asked: bool) -> StopReason | None:
    if asked:
        return "callback"
    if config.patience is not None and len(history) - history.best_epoch >= config.patience:
        return "patience"
    if len(history) >= config.epochs:
        return "epochs"
    if config.time_limit is not None and sum(history.seconds) >= config.time_limit:
        return "time limit"
    return None
