"""The same weights and inputs for every peer: NumPy arrays in torch's layout, from a seed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.kernels.case import GATES, Case

# The float64 reference is slow plain Python; rows beyond this much work are not checked.
CHECKED_FLOPS = 20e9


@dataclass(frozen=True)
class Batch:
    """What a step reads.

    Args:
        x: `(N·B, T, I)` numbers or `(N·B, T)` int64 tokens, N batches one after another.
        lengths: `(B,)` or None.
        targets: `(N·B, K)` or `(N·B, steps, K)`; None for a bare layer.
        dy: `(B, T, F)`, the given gradient of a bare layer's outputs in training, 0 at padding.
    """

    x: np.ndarray
    lengths: np.ndarray | None
    targets: np.ndarray | None
    dy: np.ndarray | None

    def first(self, rows: int) -> Batch:
        """Return the first rows alone."""
        cut = [None if a is None else a[:rows] for a in (self.lengths, self.targets, self.dy)]
        return Batch(self.x[:rows], *cut)


def checked_rows(case: Case) -> int:
    """Return how many rows of a batch the reference runs; a loss is the mean over all."""
    if not case.bare:
        return case.B
    return int(min(case.B, max(1, CHECKED_FLOPS * case.B // case.step_flops())))


def weight_shapes(case: Case) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and shape of every parameter, named and laid out as in torch's state dict."""
    if case.vocabulary:
        yield "embedding.weight", (case.vocabulary, case.I)
    for stack in case.stacks():
        directions = 2 if stack.bidirectional else 1
        for layer in range(stack.layers):
            inputs = stack.input_size if layer == 0 else directions * case.state_size
            for direction in range(directions):
                end = f"l{layer}" + ("_reverse" if direction else "")
                rows = GATES[case.cell] * case.H
                yield f"{stack.name}.weight_ih_{end}", (rows, inputs)
                yield f"{stack.name}.weight_hh_{end}", (rows, case.state_size)
                yield f"{stack.name}.bias_ih_{end}", (rows,)
                yield f"{stack.name}.bias_hh_{end}", (rows,)
                if case.projection:
                    yield f"{stack.name}.weight_hr_{end}", (case.projection, case.H)
    if case.outputs:
        yield "dense.weight", (case.outputs, case.H if case.decoder_steps else case.features)
        yield "dense.bias", (case.outputs,)


def make_weights(case: Case) -> dict[str, np.ndarray]:
    """Return float32 weights, uniform within 1/√H as torch draws them; the embedding is normal."""
    random = _generator(case, "weights")
    bound = case.H**-0.5
    return {
        name: (
            random.standard_normal(shape, dtype=np.float32)
            if name == "embedding.weight"
            else random.uniform(-bound, bound, shape).astype(np.float32)
        )
        for name, shape in weight_shapes(case)
    }


def make_batch(case: Case) -> Batch:
    """Return the inputs of every call."""
    random = _generator(case, "batch")
    rows = case.batches * case.B
    x: np.ndarray
    if case.vocabulary:
        x = random.integers(0, case.vocabulary, (rows, case.T))
    else:
        x = random.standard_normal((rows, case.T, case.I), dtype=np.float32)
    lengths, targets, dy = case.lengths(), None, None
    if case.bare and case.trains:
        dy = random.standard_normal((case.B, case.T, case.features), dtype=np.float32)
        if lengths is not None:
            dy[np.arange(case.T) >= lengths[:, None]] = 0
    elif not case.bare:
        steps = (case.decoder_steps,) if case.decoder_steps else ()
        targets = random.standard_normal((rows, *steps, case.outputs), dtype=np.float32)
        if case.loss == "bce":
            targets = (targets > 0).astype(np.float32)
    return Batch(x, lengths, targets, dy)


def make_check_dy(case: Case, batch: Batch) -> np.ndarray | None:
    """Return `dy` with zeros at the rows that the reference does not run.

    Rows are independent, so that the gradients of the weights are then those of the first rows.
    """
    if batch.dy is None:
        return None
    dy: np.ndarray = batch.dy.copy()
    dy[checked_rows(case) :] = 0
    return dy


def _generator(case: Case, purpose: str) -> np.random.Generator:
    sizes = (case.cell, case.B, case.T, case.I, case.H, case.layers, case.bidirectional, purpose)
    return np.random.default_rng(zlib.crc32(repr(sizes).encode()))
