"""One epoch after another: the steps, their losses, and the state between two epochs."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from rnnkit.errors import ArtifactError, ConfigError, DataError, TrainingError
from rnnkit.sequence import SequenceBatch
from rnnkit.training.checkpoint import Checkpoint, read_checkpoint
from rnnkit.training.config import TrainingConfig, check_device
from rnnkit.training.history import EpochState, History
from rnnkit.training.optimizer import AdamW
from rnnkit.training.sampling import epoch_order, epoch_seed
from rnnkit.training.schedule import Schedule

logger = logging.getLogger("rnnkit.training")

# Losses stay on the device for so many steps before they are read and checked: reading one makes
# the processor wait for the device.
STEPS_BETWEEN_CHECKS = 64

Loss = Callable[[nn.Module, SequenceBatch], tuple[Tensor, Tensor]]
"""Given a model and a batch, returns the sum of its losses and the weight of what was summed.

Both are scalars; means over ragged batches of unequal size stay exact.
"""


class Dataset(Protocol):
    """Data on one side of a split, which gathers whole batches."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def batch(self, index: Tensor) -> SequenceBatch:
        """Return the samples `index`, `(b,)` int64 on the CPU, in that order."""
        ...


@runtime_checkable
class Arranged(Protocol):
    """A data set that says which of its samples stand in a batch together, and in which order."""

    def arrange(self, order: Tensor, size: int) -> Sequence[Tensor]:
        """Return the samples of each batch in turn, as `batch` takes them.

        Args:
            order: `(n,)` int64, random in training, rising in validation.
            size: of a batch.
        """
        ...


class TrainingRun:
    """A model in training: what changes from epoch to epoch."""

    def __init__(
        self,
        config: TrainingConfig,
        model: nn.Module,
        loss: Loss,
        train: Dataset,
        validation: Dataset | None,
    ) -> None:
        self.config, self.model, self.loss = config, model, loss
        self.train, self.validation = train, validation
        self.device = find_device(config.device)
        model.to(self.device)
        self.optimizer = AdamW(
            [p for p in model.parameters() if p.requires_grad], config.weight_decay
        )
        self.schedule = Schedule(config)
        self.history = History()
        self.best: dict[str, Tensor] | None = None  # None: the model holds the best weights

    def epoch(self) -> EpochState:
        """Train one epoch, validate, and record both."""
        start = time.perf_counter()
        rate = self.schedule.rate
        train_loss = self._train_epoch()
        validation_loss = None if self.validation is None else self._evaluate(self.validation)
        seconds = time.perf_counter() - start
        self.history.add(
            train_loss=train_loss,
            validation_loss=validation_loss,
            learning_rate=rate,
            seconds=seconds,
        )
        self.schedule.observe(validation_loss)
        epoch, best = len(self.history), self.history.best_epoch
        if self.validation is not None and best == epoch:
            self.best = _copy(self.model.state_dict())
        logger.debug("epoch %d: train %g, validation %s", epoch, train_loss, validation_loss)
        return EpochState(
            epoch=epoch,
            epochs=self.config.epochs,
            train_loss=train_loss,
            validation_loss=validation_loss,
            learning_rate=rate,
            seconds=seconds,
            best_epoch=best,
            best_loss=self.history.best_loss,
        )

    def _train_epoch(self) -> float:
        config, epoch = self.config, len(self.history) + 1
        order = epoch_order(len(self.train), config.seed, epoch)
        mean = MeanLoss("training", epoch, self.schedule.rate, config.clip_norm)
        self.model.train()
        with seeded_noise(epoch_seed("noise", config.seed, epoch), self.device):
            for batch in self._batches(self.train, order, config.batch_size):
                total, weight = self.loss(self.model, batch)
                norm = self._step(total / weight)
                mean.add(total.detach(), weight, norm)
        return mean.result()

    def _step(self, loss: Tensor) -> Tensor:
        """Take one step downhill and return the gradient's norm: all that touches gradients."""
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.get_total_norm(self.optimizer.gradients())
        if self.config.clip_norm is not None:
            parameters = self.optimizer.parameters
            nn.utils.clip_grads_with_norm_(parameters, self.config.clip_norm, norm)
        self.optimizer.step(self.schedule.rate)
        return norm

    def _evaluate(self, data: Dataset) -> float:
        epoch = len(self.history) + 1
        mean = MeanLoss("validation", epoch, self.schedule.rate, self.config.clip_norm)
        self.model.eval()
        with torch.no_grad():
            # No activations are kept for a gradient: four batches fit where one did.
            for batch in self._batches(data, torch.arange(len(data)), 4 * self.config.batch_size):
                mean.add(*self.loss(self.model, batch))
        return mean.result()

    def _batches(self, data: Dataset, order: Tensor, size: int) -> Iterator[SequenceBatch]:
        """Yield the data in order on the device: all that touches devices."""
        batches = (
            data.arrange(order, size) if isinstance(data, Arranged) else torch.split(order, size)
        )
        for index in batches:
            batch = data.batch(index)
            yield batch if self.device.type == "cpu" else batch.to(self.device)

    def snapshot(self) -> Checkpoint:
        """Return the state after the last epoch; its tensors are the live ones, not copies."""
        last_is_best = self.history.best_epoch == len(self.history)
        return Checkpoint(
            settings=self._settings(),
            model=self.model.state_dict(),
            best=None if last_is_best else self.best,
            optimizer=self.optimizer.state_dict(),
            history=self.history,
        )

    def restore(self, path: Path) -> None:
        """Take over the state that `snapshot` gave to the checkpoint at `path`."""
        saved = read_checkpoint(path)
        _check_equal(path, saved.settings, self._settings())
        self.model.load_state_dict(saved.model)
        self.history = saved.history
        if self.validation is not None:
            best = saved.model if saved.best is None else saved.best
            self.best = _copy(best, self.device)
        self.optimizer.load_state_dict(saved.optimizer)
        for epoch in range(len(self.history)):
            losses = self.history.validation_loss
            self.schedule.observe(losses[epoch] if losses else None)
        logger.info("resumed after epoch %d from %s", len(self.history), path)

    def load_best(self) -> None:
        """Give the model the weights of the best epoch."""
        if self.best is not None:
            self.model.load_state_dict(self.best)

    def _settings(self) -> dict[str, Any]:
        """Return what must be equal for a checkpoint to go on from."""
        return {
            **asdict(self.config),
            "training samples": len(self.train),
            "validation samples": None if self.validation is None else len(self.validation),
            **{
                f"shape of {name}": f"{list(tensor.shape)} {tensor.dtype}"
                for name, tensor in self.model.state_dict().items()
            },
        }


class MeanLoss:
    """The weighted mean of the losses of an epoch, which refuses numbers that are not finite.

    Args:
        what: `"training"` or `"validation"`.
        epoch: its number, for the message.
        rate: the learning rate, for the message.
        clip_norm: of the config, for the message.
    """

    def __init__(self, what: str, epoch: int, rate: float, clip_norm: float | None) -> None:
        self._what, self._epoch, self._rate, self._clip_norm = what, epoch, rate, clip_norm
        self._waiting: list[tuple[Tensor, Tensor, Tensor]] = []
        self._checked = 0
        self._total = 0.0
        self._weight = 0.0

    def add(self, total: Tensor, weight: Tensor, norm: Tensor | None = None) -> None:
        """Count one step's sum of losses, its weight and, in training, its gradient's norm."""
        self._waiting.append((total, weight, total if norm is None else norm))
        if len(self._waiting) == STEPS_BETWEEN_CHECKS:
            self._check()

    def result(self) -> float:
        """Return the mean.

        Raises:
            TrainingError: if a loss or norm was not finite; `add` may raise it, too.
            DataError: if the weights sum to nothing.
        """
        self._check()
        if not self._weight > 0:
            raise DataError(
                f"the {self._what} loss of epoch {self._epoch} has nothing to average: all of the "
                "data have weight 0"
            )
        return self._total / self._weight

    def _check(self) -> None:
        if not self._waiting:
            return
        totals, weights, norms = (torch.stack(x).tolist() for x in zip(*self._waiting, strict=True))
        self._waiting.clear()
        for total, weight, norm in zip(totals, weights, norms, strict=True):
            self._checked += 1
            if not math.isfinite(total):
                raise self._error("loss", total)
            if not math.isfinite(norm):
                raise self._error("gradient", norm)
            self._total += total
            self._weight += weight

    def _error(self, name: str, value: float) -> TrainingError:
        clip = "set clip_norm" if self._clip_norm is None else "lower clip_norm"
        return TrainingError(
            f"the {self._what} {name} is {value} in epoch {self._epoch}, step {self._checked}: "
            f"lower the learning rate (now {self._rate:g}), {clip} (now {self._clip_norm}), or "
            "look at the data for extreme values"
        )


@contextlib.contextmanager
def seeded_noise(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the random numbers of torch on the CPU and `device`, and put them back at the end."""
    cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if cuda else []):
        # Not torch.manual_seed: it takes 0.1 ms to prepare devices that are not used here.
        torch.default_generator.manual_seed(seed)
        if cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def _copy(state: Mapping[str, Tensor], device: torch.device | None = None) -> dict[str, Tensor]:
    return {name: tensor.detach().to(device, copy=True) for name, tensor in state.items()}


def find_device(name: str) -> torch.device:
    """Return the device `name`; ConfigError if this machine has none of that name."""
    check_device(name)
    device = torch.device(name)
    number = int(name.partition(":")[2] or 0)  # not device.index, which torch wraps at 128
    if device.type == "cuda" and number >= torch.cuda.device_count():
        raise ConfigError(
            f"device is {name!r}, and torch finds {torch.cuda.device_count()} CUDA devices here: "
            "use 'cpu', or one that is there"
        )
    return device


def _check_equal(path: Path, saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    keys = [key for key in {**saved, **now} if saved.get(key) != now.get(key)]
    if keys:
        named = ", ".join(f"{key} (was {saved.get(key)}, now {now.get(key)})" for key in keys[:5])
        more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
        raise ArtifactError(
            f"{path} is the checkpoint of another training, which differs in {named}{more}: give "
            "what it had, or start again without resume"
        )
