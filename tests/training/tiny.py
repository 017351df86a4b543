"""A model, data and a loss that train in milliseconds.

Run as a script it takes lines `JOB CHECKPOINT` and does each job in a process of its own, which a
test can kill: it prints the process's number, then a line for each epoch or writing, and at the end
`killed` or `ended`. The processes are forked so that only the first has to import torch.
"""

import itertools
import os
import sys
import time
from pathlib import Path

import torch
from torch import nn

from rnnkit import SequenceBatch
from rnnkit.training import Callback, History, Trainer, TrainingConfig
from rnnkit.training.checkpoint import Checkpoint, write_checkpoint

CASES = {
    "constant": TrainingConfig(epochs=40, batch_size=8, learning_rate=0.01),
    "cosine": TrainingConfig(epochs=40, batch_size=8, learning_rate=0.02, schedule="cosine"),
    "plateau": TrainingConfig(epochs=60, batch_size=8, learning_rate=0.1, schedule="plateau"),
    "patience": TrainingConfig(epochs=500, batch_size=8, learning_rate=0.02, patience=15, seed=3),
}


class Net(nn.Module):
    """A GRU with dropout."""

    def __init__(self, hidden_size=6, dropout=0.2):
        super().__init__()
        self.gru = nn.GRU(2, hidden_size, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, 1)

    def forward(self, x):
        return self.head(self.dropout(self.gru(x)[0]))


def net(seed=0, **options):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Net(**options)


class Waves:
    """Noisy ragged waves: the target is the sum of the two inputs so far."""

    def __init__(self, n=37, seed=0, offset=0.0):
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.randn(n, 7, 2, generator=generator)
        noise = torch.randn(n, 7, 1, generator=generator)
        self.y = self.x.sum(-1, keepdim=True).cumsum(1) / 4 + noise + offset
        self.lengths = torch.randint(1, 8, (n,), generator=generator)

    def __len__(self):
        return len(self.x)

    def batch(self, index):
        return SequenceBatch(self.x[index], lengths=self.lengths[index], targets=self.y[index])


def squared(model, batch):
    """Sum of the squared errors, and how many steps are no padding."""
    mask = batch.mask()[..., None]
    errors = (model(batch.values) - batch.targets) * mask
    return errors.square().sum(), mask.sum()


def fit(model, config, *, validated=True, **options):
    validation = Waves(11, seed=1) if validated else None
    return Trainer(config).fit(model, squared, Waves(), validation, **options)


def equal(one, other):
    """Whether two models have the same bits."""
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


class Slow(Callback):
    """Says that an epoch ended, and takes a moment."""

    def on_epoch_end(self, model, state):
        print(state.epoch, flush=True)
        time.sleep(0.002)
        return False


def write_forever(path):
    """Overwrite one checkpoint as fast as possible, with the number of the writing in it."""
    for number in itertools.count(1):
        history = History()
        history.add(train_loss=number, validation_loss=None, learning_rate=1.0, seconds=1.0)
        tensors = {"weight": torch.full((200_000,), float(number))}
        write_checkpoint(path, Checkpoint({}, tensors, None, {}, history))
        print(number, flush=True)


def work(job, path):
    if job == "write":
        write_forever(path)
    Trainer(CASES[job], callbacks=[Slow()]).fit(
        net(), squared, Waves(), Waves(11, seed=1), checkpoint=path, resume=path.exists()
    )


if __name__ == "__main__":
    for line in sys.stdin:
        job, _, path = line.rstrip().partition(" ")
        worker = os.fork()
        if worker == 0:
            print(os.getpid(), flush=True)
            work(job, Path(path))
            os._exit(0)
        _, status = os.waitpid(worker, 0)
        print("killed" if os.WIFSIGNALED(status) else "ended", flush=True)
