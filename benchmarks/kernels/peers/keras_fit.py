"""A network of a tutorial through Keras's own loop: `Model.fit`, and `predict_on_batch` to infer.

Everything that a user of these two pays is in it: NumPy arrays become tensors batch by batch, the
loss is kept as a running mean, and every epoch starts an iterator over the data.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.kernels.arrays import Batch, make_batch
from benchmarks.kernels.case import Case
from benchmarks.kernels.peers.contract import Arrays
from benchmarks.kernels.peers.keras_layers import Network

# Batches of an epoch, where the case does not say: fewer where a step takes longer than a round, so
# that the start of the epoch is little beside it in any case.
EPOCH, SHORT_EPOCH = 50, 20


class FitProgram:
    """A network with data in memory as NumPy arrays."""

    variants: tuple[str, ...] = ("",)

    def __init__(self, case: Case) -> None:
        self.case = case
        self.model = Network(case).model
        self.x, self.targets = arrays(case, max(case.batches, EPOCH if case.trains else 1))
        starts = range(0, len(self.x), case.B)
        self.batches = itertools.cycle([self.x[i : i + case.B] for i in starts])

    def check(self, variant: str) -> Arrays:
        """Return outputs, and the gradients that a `fit` of one step without dropout has used."""
        plain = Network(replace(self.case, dropout=0.0, head_dropout=0.0))
        x, targets = (a[: self.case.B] for a in arrays(self.case, self.case.batches))
        out = {"y": plain.model.predict_on_batch(x)}
        if self.case.trains:
            self._fit(plain.model, x, targets, 1)
            out |= plain.gradients_by_name(gradients_of_first_step(plain))
        return out

    def run(self, variant: str, calls: int) -> int:
        if not self.case.trains:
            for _ in range(calls):
                self.model.predict_on_batch(next(self.batches))
            return calls
        steps = self.case.batches
        if steps == 1:
            steps = EPOCH if calls > 1 else SHORT_EPOCH
        epochs = -(-calls // steps)
        rows = steps * self.case.B
        self._fit(self.model, self.x[:rows], self.targets[:rows], epochs)
        return epochs * steps

    def _fit(self, model: Any, x: np.ndarray, targets: np.ndarray, epochs: int) -> None:
        model.fit(x, targets, self.case.B, epochs, verbose=0, shuffle=False)


def arrays(case: Case, batches: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets of so many batches, tokens as int32."""
    batch: Batch = make_batch(replace(case, batches=batches))
    assert batch.targets is not None
    return (batch.x.astype(np.int32) if case.vocabulary else batch.x), batch.targets


def gradients_of_first_step(network: Network) -> list[np.ndarray]:
    """Return the gradients of the only step that Adam has done, in the order of the variables.

    Its first moment is then (1 - beta_1) times the gradient: it was zero before.
    """
    optimizer = network.model.optimizer
    moments = [v for v in optimizer.variables if v.path.endswith("_momentum")]
    paths = [variable.path for variable in network.model.trainable_variables]
    by_path = dict(zip(paths, moments, strict=True))
    share = 1 - optimizer.beta_1
    return [np.asarray(by_path[v.path].numpy()) / share for v in network.variables]
