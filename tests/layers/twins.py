"""A layer of rnnkit beside its twin of torch.nn: same weights, same input, every number compared.

The weights are drawn with a standard deviation of 0.5 instead of the tiny uniform initial values,
and h0, c0, rows, layers and directions all get numbers of their own, so that a swapped gate, state
or direction cannot hide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from rnnkit import layers

State: TypeAlias = "Tensor | tuple[Tensor, ...]"
Call: TypeAlias = "Callable[[nn.Module, Tensor, Any], tuple[Tensor, State]]"

BACKENDS = ("native", "reference", "torch")


@dataclass(frozen=True, eq=False)  # hashed by identity
class Kind:
    """One recurrence: our layer and cell, torch's, and the options that select it."""

    name: str
    layer: type[nn.Module]
    torch_layer: type[nn.Module]
    cell: type[nn.Module]
    torch_cell: type[nn.Module]
    options: Mapping[str, Any]

    @property
    def is_lstm(self) -> bool:
        return self.torch_layer is nn.LSTM

    def __repr__(self) -> str:
        return self.name


_RNN = (layers.SimpleRNN, nn.RNN, layers.SimpleRNNCell, nn.RNNCell)
KINDS = (
    Kind("tanh", *_RNN, {"nonlinearity": "tanh"}),
    Kind("relu", *_RNN, {"nonlinearity": "relu"}),
    Kind("lstm", layers.LSTM, nn.LSTM, layers.LSTMCell, nn.LSTMCell, {}),
    Kind("gru", layers.GRU, nn.GRU, layers.GRUCell, nn.GRUCell, {}),
)


def draw(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return standard normal numbers that depend on nothing but `seed` and `shape`."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def randomize(module: nn.Module, seed: int = 11) -> None:
    """Overwrite every parameter with numbers of its own."""
    with torch.no_grad():
        for number, parameter in enumerate(module.parameters()):
            parameter.copy_(0.5 * draw(*parameter.shape, seed=1000 * seed + number))


def layer_twins(
    kind: Kind,
    *sizes: int,
    backend: str = "auto",
    dtype: torch.dtype = torch.float64,
    **options: Any,
) -> tuple[nn.Module, nn.Module]:
    """Return our layer and torch's with the same random weights."""
    theirs = kind.torch_layer(*sizes, **kind.options, **options, dtype=dtype)
    randomize(theirs)
    ours = kind.layer(*sizes, **kind.options, **options, dtype=dtype, backend=backend)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def cell_twins(kind: Kind, I: int, H: int, *, bias: bool = True) -> tuple[nn.Module, nn.Module]:  # noqa: E741
    """Return our cell and torch's with the same random weights, float64."""
    theirs = kind.torch_cell(I, H, bias, **kind.options, dtype=torch.float64)
    randomize(theirs)
    ours = kind.cell(I, H, bias, **kind.options, dtype=torch.float64)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def draw_state(
    kind: Kind, *shape: int, proj_size: int = 0, dtype: torch.dtype = torch.float64, seed: int = 21
) -> State:
    """Return h0, or (h0, c0) with different numbers in the two; `shape` ends with H."""
    h_shape = (*shape[:-1], proj_size or shape[-1])
    h0 = draw(*h_shape, seed=seed, dtype=dtype)
    return (h0, draw(*shape, seed=seed + 1, dtype=dtype)) if kind.is_lstm else h0


def flat(state: State | None) -> tuple[Tensor, ...]:
    """Return the tensors of a state."""
    if state is None:
        return ()
    return (state,) if isinstance(state, Tensor) else tuple(state)


def like(state: State | None, tensors: Sequence[Tensor]) -> State | None:
    """Return `tensors` in the form of `state`."""
    if state is None:
        return None
    return tensors[0] if isinstance(state, Tensor) else tuple(tensors)


def everything(call: Call, module: nn.Module, x: Tensor, state: State | None) -> dict[str, Tensor]:
    """Run `call(module, x, state)` and return outputs, final states and every gradient.

    The loss weighs each number of each result differently, so that no two can be exchanged.
    """
    x = x.detach().clone().requires_grad_()
    state = like(state, [s.detach().clone().requires_grad_() for s in flat(state)])
    output, final = call(module, x, state)
    found = {"output": output}
    found |= {f"final {name}": s for name, s in zip("hc", flat(final), strict=False)}
    loss = sum(
        (result * draw(*result.shape, seed=31 + number, dtype=result.dtype)).sum()
        for number, result in enumerate(found.values())
    )
    leaves = {"x": x} | {f"{name}0": s for name, s in zip("hc", flat(state), strict=False)}
    leaves |= dict(module.named_parameters())
    gradients = torch.autograd.grad(loss, list(leaves.values()))
    found |= {f"gradient of {name}": g for name, g in zip(leaves, gradients, strict=True)}
    return {name: tensor.detach() for name, tensor in found.items()}


def assert_same(
    ours: Mapping[str, Tensor],
    theirs: Mapping[str, Tensor],
    *,
    atol: float = 1e-10,
    rtol: float = 1e-10,
) -> None:
    """Compare two results of `everything`, naming the first that differs."""
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        torch.testing.assert_close(
            ours[name], expected, atol=atol, rtol=rtol, msg=lambda text, n=name: f"{n}: {text}"
        )


def torch_cell_of(kind: Kind, layer: nn.Module, number: int, suffix: str) -> nn.Module:
    """Return a torch.nn cell with the weights of one layer and direction."""
    weights = {
        name.removesuffix(f"_l{number}{suffix}"): parameter
        for name, parameter in layer.named_parameters()
        if name.endswith(f"_l{number}{suffix}")
    }
    H, I = weights["weight_hh"].shape[1], weights["weight_ih"].shape[1]  # noqa: E741
    cell = kind.torch_cell(I, H, "bias_ih" in weights, **kind.options, dtype=torch.float64)
    for name, parameter in weights.items():
        setattr(cell, name, parameter)  # the very parameter, so that gradients reach the layer
    return cell


def run_cell(
    cell: Callable[[Tensor, Any], Any],
    x: Tensor,
    state: State,
    valid: Tensor,
    *,
    reverse: bool = False,
) -> tuple[Tensor, State]:
    """Run a cell over time by the rule: an invalid step gives zeros and carries the state.

    Args:
        cell: `(x_t, state) -> state`.
        x: `(T, B, I)`.
        state: `(B, H)`, or a pair of them.
        valid: `(T, B)` bool.
        reverse: from the last step to the first.
    """
    steps = range(x.shape[0])
    outputs: list[Tensor] = [x.new_empty(0)] * x.shape[0]
    for t in reversed(steps) if reverse else steps:
        keep = valid[t][:, None]
        new = flat(cell(x[t], state))
        state = like(
            state, [torch.where(keep, n, s) for n, s in zip(new, flat(state), strict=True)]
        )
        outputs[t] = torch.where(keep, new[0], torch.zeros_like(new[0]))
    return torch.stack(outputs), state


def run_stack(
    kind: Kind,
    layer: nn.Module,
    x: Tensor,
    state: State,
    valid: Tensor,
) -> tuple[Tensor, State]:
    """Run the weights of `layer` (torch's or ours) as a loop over torch.nn cells, `x` (T, B, I)."""
    suffixes = ("", "_reverse") if layer.bidirectional else ("",)
    finals = []
    for number in range(layer.num_layers):
        outputs = []
        for direction, suffix in enumerate(suffixes):
            row = number * len(suffixes) + direction
            output, final = run_cell(
                torch_cell_of(kind, layer, number, suffix),
                x,
                like(state, [s[row] for s in flat(state)]),
                valid,
                reverse=direction == 1,
            )
            outputs.append(output)
            finals.append(flat(final))
        x = torch.cat(outputs, dim=-1)
    return x, like(state, [torch.stack(tensors) for tensors in zip(*finals, strict=True)])
