"""rnnkit's layers, torch.nn's and the float64 reference: the same network around each."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    dropout,
    embedding,
    linear,
    mse_loss,
)
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks.kernels.arrays import checked_rows, make_batch, make_check_dy, make_weights
from benchmarks.kernels.case import Case, Stack
from benchmarks.kernels.peers import OURS, REFERENCE
from benchmarks.kernels.peers.contract import Arrays, Unsupported

TORCH = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
RATE = 0.001
LOSSES: dict[str, Any] = {"mse": mse_loss, "bce": binary_cross_entropy_with_logits}


class TorchPeer:
    """torch.nn's layers, or rnnkit's on a backend."""

    def __init__(self, name: str, backend: str, threads: int) -> None:
        torch.set_num_threads(threads)
        self.name = name
        self.backend = "reference" if name == REFERENCE else backend
        self.versions = {"torch": str(torch.__version__)}
        if name != "torch.nn":
            import rnnkit

            self.versions = {"rnnkit": rnnkit.__version__, **self.versions}

    def build(self, case: Case) -> TorchProgram:
        if self.name == "torch.nn" and case.recurrent_dropout:
            raise Unsupported("torch.nn has no recurrent dropout")
        return TorchProgram(case, self)

    def layer(self, case: Case, stack: Stack) -> Any:
        """Return the recurrent layers of a stack."""
        options: dict[str, Any] = {
            "num_layers": stack.layers,
            "bidirectional": stack.bidirectional,
            "batch_first": not case.bare,
            "dropout": case.dropout if stack.layers > 1 else 0.0,
        }
        if case.projection:
            options["proj_size"] = case.projection
        if case.cell == "rnn":
            options["nonlinearity"] = case.nonlinearity
        if self.name == "torch.nn":
            return TORCH[case.cell](stack.input_size, case.H, **options)
        from rnnkit import layers

        ours = {"rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}
        options |= {"recurrent_dropout": case.recurrent_dropout, "backend": self.backend}
        return ours[case.cell](stack.input_size, case.H, **options)

    def product(self, size: int) -> Callable[[], None]:
        a, b, out = torch.randn(size, size), torch.randn(size, size), torch.empty(size, size)

        def multiply() -> None:
            torch.mm(a, b, out=out)

        return multiply

    def forget(self) -> None:
        """Torch keeps nothing."""


class Network(nn.Module):
    """What a case describes, over any library's recurrent layers."""

    def __init__(self, case: Case, peer: TorchPeer) -> None:
        super().__init__()
        self.case = case
        self.ours = peer.name != "torch.nn"
        if case.vocabulary:
            self.embedding = nn.Embedding(case.vocabulary, case.I)
        for stack in case.stacks():
            self.add_module(stack.name, peer.layer(case, stack))
        if case.outputs:
            width = case.H if case.decoder_steps else case.features
            self.dense = nn.Linear(width, case.outputs)

    def forward(self, x: Any, lengths: Tensor | None, packed: bool) -> Tensor:
        """Return the bare layer's outputs, or the Dense layer's."""
        case = self.case
        if case.vocabulary and self.ours and not case.dropout:
            x = (x, self.embedding.weight)
        elif case.vocabulary:
            x = embedding(x, self.embedding.weight)
        if case.dropout:  # one mask for all steps, as in Keras
            first = x[:, :1] if self.rnn.batch_first else x[:1]
            x = x * dropout(torch.ones_like(first), case.dropout, self.training)
        y, state = self._recurrent(self.rnn, x, lengths, packed)
        if case.bare:
            return y
        h_n = state[0] if case.cell == "lstm" else state
        last = torch.cat([h_n[-2], h_n[-1]], dim=1) if case.bidirectional else h_n[-1]
        if case.decoder_steps:
            repeated = last.unsqueeze(1).expand(-1, case.decoder_steps, -1)
            last, _ = self._recurrent(self.decoder, repeated, None, packed)
        if case.head_dropout:
            last = dropout(last, case.head_dropout, self.training)
        return linear(last, self.dense.weight, self.dense.bias)

    def _recurrent(
        self, layer: Any, x: Any, lengths: Tensor | None, packed: bool
    ) -> tuple[Tensor, Any]:
        if self.ours:
            return layer(x, lengths=lengths)  # type: ignore[no-any-return]
        first = layer.batch_first
        B, T = x.shape[:2] if first else (x.shape[1], x.shape[0])
        if packed:
            everything = torch.full((B,), T) if lengths is None else lengths
            sequence = pack_padded_sequence(x, everything, first, enforce_sorted=lengths is None)
            y, state = layer(sequence)
            return pad_packed_sequence(y, first, total_length=T)[0], state
        y, state = layer(x)
        if lengths is not None:
            y = y * (torch.arange(T)[:, None] < lengths).unsqueeze(-1)
        return y, state


class TorchProgram:
    """A network with its inputs; `run` is the loop that a user of torch writes."""

    def __init__(self, case: Case, peer: TorchPeer) -> None:
        self.case = case
        reference = peer.name == REFERENCE
        self.variants = ("padded", "packed") if peer.name == "torch.nn" else ("",)
        if peer.name == "torch.nn" and case.half_padded and case.bidirectional:
            self.variants = ("packed",)  # padded, the reverse direction would start in the padding
        self.rows = checked_rows(case)
        self.network = Network(case, peer)
        weights = make_weights(case)
        self.network.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()})
        batch = make_batch(case)
        check_dy = make_check_dy(case, batch)
        if reference:
            self.network.double()
            batch = batch.first(self.rows)
            check_dy = None if check_dy is None else check_dy[: self.rows]
        self.x, self.dy, self.check_dy = (
            self._layout(array, reference) for array in (batch.x, batch.dy, check_dy)
        )
        self.lengths = None if batch.lengths is None else torch.from_numpy(batch.lengths)
        if not case.bare:
            targets = self._layout(batch.targets, reference)
            pairs = zip(self.x.split(case.B), targets.split(case.B), strict=True)
            self.first, *rest = pairs
            self.pairs = itertools.cycle([self.first, *rest])
        elif case.trains:
            self.x.requires_grad_()
        if case.trains and not case.bare and not reference:
            self.optimizer = self._adam(peer)

    def _adam(self, peer: TorchPeer) -> Any:
        """Return Adam as each library's users have it: rnnkit's trainer has its own."""
        if peer.name == "torch.nn":
            return torch.optim.Adam(self.network.parameters(), lr=RATE, fused=True)
        from rnnkit.training.optimizer import AdamW

        optimizer = AdamW(list(self.network.parameters()), weight_decay=0.0)
        optimizer.step = functools.partial(optimizer.step, RATE)  # type: ignore[method-assign]
        return optimizer

    def _layout(self, array: Any, double: bool) -> Any:
        if array is None:
            return None
        tensor = torch.from_numpy(array)
        if double and tensor.is_floating_point():
            tensor = tensor.double()
        return tensor.transpose(0, 1).contiguous() if self.case.bare else tensor

    def _grads(self, output: Tensor, dy: Tensor | None) -> tuple[Tensor, ...]:
        wanted = [*self.network.parameters()] + ([self.x] if self.case.bare else [])
        return torch.autograd.grad(output, wanted, dy)

    def check(self, variant: str) -> Arrays:
        case, packed = self.case, variant == "packed"
        self.network.eval()
        x, target = (self.x, None) if case.bare else self.first
        y = self.network(x, self.lengths, packed)
        out = {"y": y}
        if case.trains:
            loss = y if case.bare else LOSSES[case.loss](y, target)
            grads = self._grads(loss, self.check_dy)
            out |= dict(zip([*dict(self.network.named_parameters()), "x"], grads, strict=False))
        if case.bare:
            for name in out.keys() & {"y", "x"}:
                out[name] = out[name].transpose(0, 1)[: self.rows]
        return {name: value.detach().numpy() for name, value in out.items()}

    def run(self, variant: str, calls: int) -> int:
        case, packed, network = self.case, variant == "packed", self.network
        network.train(case.trains)
        if not case.trains:
            with torch.inference_mode():
                for _ in range(calls):
                    x = self.x if case.bare else next(self.pairs)[0]
                    network(x, self.lengths, packed)
        elif case.bare:
            for _ in range(calls):
                self._grads(network(self.x, self.lengths, packed), self.dy)
        else:
            loss = LOSSES[case.loss]
            for _ in range(calls):
                x, target = next(self.pairs)
                self.optimizer.zero_grad()
                loss(network(x, self.lengths, packed), target).backward()
                self.optimizer.step()
        return calls


def peer(name: str, backend: str, threads: int) -> TorchPeer:
    """Return the peer: `name` is rnnkit, torch.nn or the reference."""
    assert name in (OURS, REFERENCE, "torch.nn")
    return TorchPeer(name, backend, threads)
