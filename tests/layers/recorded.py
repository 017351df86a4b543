"""Numbers recorded from Keras, ONNX and ONNX Runtime, replayed on rnnkit.layers.

Parameters are converted to torch's layout: Keras stores kernels as (in, gates · units) and ONNX as
(gates · hidden, in) per direction. The order of the gates:

            torch        Keras        ONNX
    LSTM    i f g o      i f c o      i o f c      (c is torch's g)
    GRU     r z n        z r h        z r h        (h is torch's n)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnnkit.layers import GRU, LSTM, RNN, GRUCell, LSTMCell, SimpleRNN, SimpleRNNCell

LAYERS = {"RNN": SimpleRNN, "SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}
CELLS = {"RNN": SimpleRNNCell, "SimpleRNN": SimpleRNNCell, "LSTM": LSTMCell, "GRU": GRUCell}
# For each gate of torch, the place where the other library keeps it.
KERAS_GATES = {"SimpleRNN": [0], "LSTM": [0, 1, 2, 3], "GRU": [1, 0, 2]}
ONNX_GATES = {"RNN": [0], "LSTM": [0, 2, 3, 1], "GRU": [1, 0, 2]}


def tensor(recorded: Mapping[str, Any] | Sequence[Any]) -> Tensor:
    """Return recorded numbers as float64, or bool where they are a mask."""
    array = recorded["array"] if isinstance(recorded, Mapping) else recorded
    array = np.asarray(array)
    return torch.tensor(array if array.dtype == bool else array.astype(np.float64))


def _reorder(weight: Tensor, gates: Sequence[int]) -> Tensor:
    blocks = weight.chunk(len(gates))
    return torch.cat([blocks[gate] for gate in gates])


def _load(module: nn.Module, parameters: Sequence[Mapping[str, Tensor]]) -> nn.Module:
    """Give the directions of a layer, or a cell, their parameters."""
    suffixes = ("",) if isinstance(module, nn.RNNCellBase) else ("_l0", "_l0_reverse")
    state = {
        name + suffix: value
        for suffix, direction in zip(suffixes, parameters, strict=False)
        for name, value in direction.items()
    }
    module.load_state_dict(state)
    return module


def _last(y: Tensor, valid: Tensor) -> Tensor:
    """Return each row's output (B, H) at its last true step; every row has one."""
    steps = torch.arange(valid.shape[1]).expand_as(valid)
    return y[torch.arange(len(y)), steps.masked_fill(~valid, -1).amax(dim=1)]


# ------------------------------------------------------------------------------------------ Keras


def _keras_parameters(name: str, weights: Sequence[Tensor]) -> dict[str, Tensor]:
    """Convert kernel, recurrent kernel and perhaps bias of one layer."""
    gates = KERAS_GATES[name]
    found = {
        "weight_ih": _reorder(weights[0].T, gates),
        "weight_hh": _reorder(weights[1].T, gates),
    }
    if len(weights) == 3:
        # A GRU that resets after the product has a bias of its own for each product.
        ih, hh = weights[2] if weights[2].dim() == 2 else (weights[2], 0 * weights[2])
        found |= {"bias_ih": _reorder(ih, gates), "bias_hh": _reorder(hh, gates)}
    return found


class OneStateCell(nn.Module):
    """Keras's test cell: the output is the state, x W + h U."""

    def __init__(self, kernel: Tensor, recurrent: Tensor) -> None:
        super().__init__()
        self.kernel, self.recurrent = kernel, recurrent

    def forward(self, x: Tensor, h: Tensor | None) -> Tensor:
        return x @ self.kernel + (0.0 if h is None else h @ self.recurrent)


class TwoStatesCell(nn.Module):
    """Keras's test cell with two states, both made from the first, and their sum as output."""

    def __init__(self, kernel: Tensor, first: Tensor, second: Tensor) -> None:
        super().__init__()
        self.kernel, self.first, self.second = kernel, first, second

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None):
        h = 0 * x @ self.kernel if state is None else state[0]
        one, two = x @ self.kernel + h @ self.first, x @ self.kernel + h @ self.second
        return one + two, (one, two)


def _keras_cell(described: Mapping[str, Any], weights: list[Tensor]) -> nn.Module:
    """Build a cell from its description, taking its weights off the front of the list."""
    name = described["class"]
    if name in ("OneStateRNNCell", "TwoStatesRNNCell"):
        count, cell = {
            "OneStateRNNCell": (2, OneStateCell),
            "TwoStatesRNNCell": (3, TwoStatesCell),
        }[name]
        own, weights[:count] = weights[:count], []
        return cell(*own)
    own, weights[:3] = weights[:3], []
    return _standard_cell(name.removesuffix("Cell"), own)


def _standard_cell(name: str, own: Sequence[Tensor]) -> nn.Module:
    I, (H, _) = len(own[0]), own[1].shape  # noqa: E741
    resets = {"reset_after": own[2].dim() == 2} if name == "GRU" and len(own) == 3 else {}
    cell = CELLS[name](I, H, len(own) == 3, dtype=torch.float64, **resets)
    return _load(cell, [_keras_parameters(name, own)])


Run = Callable[[Tensor, Any, "Tensor | None"], tuple[Tensor, Any]]


def _keras_layer(described: Mapping[str, Any], weights: list[Tensor]) -> tuple[Run, bool]:
    """Return how to run a layer on (x, state, mask), and whether it runs backwards."""
    name, options = described["class"], described["kwargs"]
    backwards = options.get("go_backwards", False)
    if name == "RNN":
        cells = options["cell"]
        if isinstance(cells, list):
            built = [_keras_cell(cell, weights) for cell in cells]
        else:
            built = _keras_cell(cells, weights)
        runner = RNN(built, batch_first=True, reverse=backwards)
        return lambda x, state, mask: runner(x, state, mask=mask), backwards
    if backwards:
        runner = RNN(_standard_cell(name, weights), batch_first=True, reverse=True)
        return lambda x, state, mask: runner(x, state, mask=mask), True
    layer = _standard_layer(name, [weights])

    def run(x: Tensor, state: Any, mask: Tensor | None) -> tuple[Tensor, Any]:
        state = _map(lambda s: s[None], state)
        y, final = layer(x, state, mask=mask)
        return y, _map(lambda s: s[0], final)

    return run, False


def _standard_layer(name: str, directions: Sequence[Sequence[Tensor]]) -> nn.Module:
    own = directions[0]
    I, (H, _) = len(own[0]), own[1].shape  # noqa: E741
    resets = {"reset_after": own[2].dim() == 2} if name == "GRU" and len(own) == 3 else {}
    layer = LAYERS[name](
        I,
        H,
        bias=len(own) == 3,
        batch_first=True,
        bidirectional=len(directions) == 2,
        dtype=torch.float64,
        **resets,
    )
    return _load(layer, [_keras_parameters(name, weights) for weights in directions])


def _map(function: Callable[[Tensor], Tensor], state: Any) -> Any:
    if state is None or isinstance(state, Tensor):
        return None if state is None else function(state)
    return tuple(_map(function, item) for item in state)


def _states(final: Any, stacked: bool) -> list[Any]:
    """Return final states in the flat list that Keras returns."""
    if isinstance(final, Tensor):
        return [final]
    return [list(s) if stacked and not isinstance(s, Tensor) else s for s in final]


class KerasModel:
    """A recorded Keras layer on rnnkit, called step by step as its test called it.

    What Keras returns at masked steps (the output before, or zeros) differs from rnnkit's zeros, so
    sequences have to be compared with `expected_sequence`.
    """

    def __init__(self, case: Mapping[str, Any]) -> None:
        self.described = case["layer"]
        weights = [tensor(weight) for weight in case["weights"]]
        self.options = self.described["kwargs"]
        self.inner = self.options.get("layer", self.described)["kwargs"]
        self.carried: Any = None
        if self.described["class"] == "Bidirectional":
            half = len(weights) // 2
            name = self.options["layer"]["class"]
            self.layer = _standard_layer(name, [weights[:half], weights[half:]])
        else:
            self.run, self.backwards = _keras_layer(self.described, weights)

    def reset(self) -> None:
        self.carried = None

    def __call__(self, inputs: Tensor, initial_state: Any, mask: Tensor | None) -> Any:
        valid = torch.ones(inputs.shape[:2], dtype=torch.bool) if mask is None else mask
        if self.inner.get("stateful", False):
            initial_state = self.carried
        call = self._two_ways if self.described["class"] == "Bidirectional" else self._one_way
        output, states, self.carried = call(inputs, initial_state, mask, valid)
        if self.inner.get("return_state", False):
            return [*(output if isinstance(output, list) else [output]), *states]
        return output

    def _one_way(self, x: Tensor, state: Any, mask: Tensor | None, valid: Tensor) -> tuple:
        if isinstance(state, list):
            state = tuple(state)
        y, final = self.run(x, state, mask)
        if self.backwards:  # Keras returns the sequence in the order in which it was computed
            y, valid = y.flip(1), valid.flip(1)
        stacked = isinstance(self.options.get("cell"), list)
        output = y if self.inner.get("return_sequences", False) else _last(y, valid)
        return output, _states(final, stacked), final

    def _two_ways(self, x: Tensor, state: Any, mask: Tensor | None, valid: Tensor) -> tuple:
        if isinstance(state, list):  # flat: forward (h, c), then backward (h, c)
            half = len(state) // 2
            state = tuple(
                torch.stack(pair) for pair in zip(state[:half], state[half:], strict=True)
            )
        y, final = self.layer(x, state, mask=mask)
        forward, backward = y.chunk(2, dim=-1)
        if not self.inner.get("return_sequences", False):
            forward = _last(forward, valid)
            backward = _last(backward.flip(1), valid.flip(1))
        merge = {
            "concat": lambda a, b: torch.cat([a, b], dim=-1),
            "sum": lambda a, b: a + b,
            "ave": lambda a, b: (a + b) / 2,
            "mul": lambda a, b: a * b,
            None: lambda a, b: [a, b],
        }[self.options.get("merge_mode", "concat")]
        both = (final,) if isinstance(final, Tensor) else final
        states = [s[direction] for direction in range(2) for s in both]
        return merge(forward, backward), states, final


# ------------------------------------------------------------------------------------------- ONNX


def run_onnx(
    op: str, attributes: Mapping[str, Any], inputs: Mapping[str, Tensor | None]
) -> dict[str, Tensor]:
    """Compute an ONNX RNN, GRU or LSTM node; return Y, Y_h and for LSTM Y_c in ONNX's layout.

    Args:
        op: "RNN", "GRU" or "LSTM".
        attributes: of the node; only those that rnnkit can express.
        inputs: X, W, R and perhaps B, sequence_lens, initial_h, initial_c.
    """
    H, direction = attributes["hidden_size"], attributes.get("direction", "forward")
    batch_first = attributes.get("layout", 0) == 1
    x, gates = inputs["X"], ONNX_GATES[op]
    parameters = []
    for number in range(len(inputs["W"])):
        found = {
            "weight_ih": _reorder(inputs["W"][number], gates),
            "weight_hh": _reorder(inputs["R"][number], gates),
        }
        if inputs.get("B") is not None:
            ih, hh = inputs["B"][number].chunk(2)
            found |= {"bias_ih": _reorder(ih, gates), "bias_hh": _reorder(hh, gates)}
        parameters.append(found)
    options: dict[str, Any] = {"bias": "bias_ih" in parameters[0], "dtype": torch.float64}
    if op == "GRU":
        options["reset_after"] = attributes.get("linear_before_reset", 0) == 1
    states = [inputs[name] for name in ("initial_h", "initial_c") if inputs.get(name) is not None]
    if op == "LSTM" and len(states) == 1:
        states.append(torch.zeros_like(states[0]))
    if direction == "reverse":
        cell = _load(CELLS[op](x.shape[-1], H, **options), parameters)
        module: nn.Module = RNN(cell, batch_first=batch_first, reverse=True)
        states = [s[0] for s in states]
    else:
        layer = LAYERS[op](
            x.shape[-1],
            H,
            batch_first=batch_first,
            bidirectional=direction == "bidirectional",
            **options,
        )
        module = _load(layer, parameters)
    hx = None if not states else tuple(states) if op == "LSTM" else states[0]
    y, final = module(x, hx, lengths=inputs.get("sequence_lens"))
    finals = [final] if isinstance(final, Tensor) else list(final)
    if direction == "reverse":
        finals = [s[None] for s in finals]
    y = y.unflatten(-1, (len(parameters), H))  # (T, B, D, H) or (B, T, D, H)
    results = {"Y": y if batch_first else y.transpose(1, 2)}
    for name, s in zip(("Y_h", "Y_c"), finals, strict=False):
        results[name] = s.transpose(0, 1) if batch_first else s
    return results
