"""One thing to time: a network or a bare recurrent layer, its sizes, and what a step costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

GATES = {"rnn": 1, "lstm": 4, "gru": 3}


@dataclass(frozen=True)
class Stack:
    """A recurrent stack within a case: its place in the state dict, input size, steps."""

    name: str
    input_size: int
    layers: int
    bidirectional: bool


@dataclass(frozen=True)
class Case:
    """What every peer runs, with sizes named as in `rnnkit.ops.spec`.

    With a `loss`, a whole network is timed: Embedding (if there is a vocabulary), recurrent
    layers, Dense on the last state (or a decoder), and in training the loss, its gradients and
    Adam. Without one it is the bare layer; training is then forward and backward under a given
    gradient of the outputs, for the weights and the inputs.

    Args:
        name: unique within its group.
        cell: "rnn", "lstm" or "gru" (reset after the product).
        phase: "infer" or "train".
        B: batch.
        T: steps.
        I: input size; of the embedding where there is a vocabulary.
        H: hidden size.
        layers: L.
        bidirectional: whether there are two directions.
        projection: P of an LSTM, 0 for none.
        nonlinearity: of the simple cell, "tanh" or "relu".
        half_padded: whether lengths run evenly from 1 to T, so that half of the steps are padding.
        recurrent_dropout: on the state, in training.
        vocabulary: V; 0 for inputs that are numbers.
        dropout: of the inputs of each recurrent layer, in training.
        head_dropout: before the Dense layer, in training.
        decoder_steps: where above 0, a second recurrent layer runs so many steps on the last state.
        outputs: K of the Dense layer.
        loss: "mse", "bce" (from logits) or "" for a bare layer.
        batches: how many different batches the steps go through.
    """

    name: str
    cell: str
    phase: str
    B: int
    T: int
    I: int  # noqa: E741
    H: int
    layers: int = 1
    bidirectional: bool = False
    projection: int = 0
    nonlinearity: str = "tanh"
    half_padded: bool = False
    recurrent_dropout: float = 0.0
    vocabulary: int = 0
    dropout: float = 0.0
    head_dropout: float = 0.0
    decoder_steps: int = 0
    outputs: int = 0
    loss: str = ""
    batches: int = 1

    @property
    def trains(self) -> bool:
        return self.phase == "train"

    @property
    def bare(self) -> bool:
        """Whether this is a recurrent layer alone."""
        return not self.loss

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def state_size(self) -> int:
        """The size of one direction's output."""
        return self.projection or self.H

    @property
    def features(self) -> int:
        """The size of the last layer's output."""
        return self.directions * self.state_size

    @property
    def random(self) -> bool:
        """Whether a training step draws random numbers."""
        return self.recurrent_dropout > 0 or self.dropout > 0 or self.head_dropout > 0

    def lengths(self) -> np.ndarray | None:
        """Return `(B,)` int64 lengths in no order, or None where all rows are T long."""
        if not self.half_padded:
            return None
        if self.B == 1:
            return np.array([max(1, self.T // 2)])
        lengths = np.round(np.linspace(0, self.T, self.B)).astype(np.int64).clip(1)
        return np.random.default_rng(0).permutation(lengths)

    def steps(self) -> int:
        """Return the steps that count, over all rows."""
        lengths = self.lengths()
        return self.B * self.T if lengths is None else int(lengths.sum())

    def stacks(self) -> Iterator[Stack]:
        """Yield the recurrent stacks: the encoder, and the decoder where there is one."""
        yield Stack("rnn", self.I, self.layers, self.bidirectional)
        if self.decoder_steps:
            yield Stack("decoder", self.features, 1, False)

    def forward_flops(self) -> int:
        """Return the floating-point operations of the products of one forward pass.

        2·G·D·H·(I_l + P) a step and layer, where I_l is the layer's input size and P the size of
        its state (H without projection), 2·D·H·P for a projection, and 2·K·F for the Dense layer.
        A multiplication and an addition count as two; what is done an element at a time counts
        nothing, nor do steps of padding.
        """
        return sum(self._products()) + sum(self._first_products())

    def step_flops(self) -> int:
        """Return the operations of one timed call.

        In training every product is done three times, once forward and twice backward (its
        gradients of inputs and of weights), but the gradient of inputs that are data is not needed.
        """
        if not self.trains:
            return self.forward_flops()
        needless = 0 if self.bare or self.vocabulary else sum(self._first_products())
        return 3 * self.forward_flops() - needless

    def _first_products(self) -> Iterator[int]:
        yield 2 * GATES[self.cell] * self.directions * self.H * self.I * self.steps()

    def _products(self) -> Iterator[int]:
        """Yield the products of a forward pass but that of the weights and the first inputs."""
        G, D, H, P = GATES[self.cell], self.directions, self.H, self.state_size
        for layer in range(self.layers):
            inputs = 0 if layer == 0 else D * P
            yield 2 * G * D * H * (inputs + P) * self.steps()
            if self.projection:
                yield 2 * D * H * P * self.steps()
        heads = self.B
        if self.decoder_steps:
            heads = self.B * self.decoder_steps
            yield 2 * G * H * (self.features + H) * heads
        yield 2 * self.outputs * (H if self.decoder_steps else self.features) * heads

    def with_phase(self, phase: str) -> Case:
        return replace(self, name=f"{self.name} {phase}", phase=phase)


@dataclass(frozen=True)
class Group:
    """Cases whose rounds alternate, because their ratios are asked for."""

    name: str
    cases: tuple[Case, ...]
