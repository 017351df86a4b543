"""Our own kernels: a layer's whole sequence in one call, forward and backward, on a CPU.

Two operators, `rnnkit::layer` and `rnnkit::layer_backward`, take one layer with all its directions;
PyTorch sees each as one node (autograd, `torch.compile`, `torch.export`). A gradient of a gradient
goes through the reference. The kernels lie in `csrc/`; they read and write memory only, so every
check of shape, type and layout is made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import dropout

from rnnkit.errors import BackendError, ShapeError
from rnnkit.native_build import native_module, why_absent
from rnnkit.ops import reference
from rnnkit.ops.case import Case, Traits, run_padded
from rnnkit.ops.spec import CELLS

States = tuple[Tensor, ...]

_CODES = {name: code for code, name in enumerate(CELLS)}
# Per step and unit, what the backward pass needs beside the outputs and LSTM's c.
_SAVED = {"rnn_tanh": 0, "rnn_relu": 0, "lstm": 4, "gru": 4, "gru_reset_before": 3}
_DTYPES = (torch.float32, torch.float64)


class _MixedDtypesError(ShapeError, RuntimeError):
    """A RuntimeError too, as PyTorch raises here."""


kernels: Any = native_module()


def why_not(traits: Traits) -> str | None:
    """Return why the kernels cannot serve the case, or `None` if they can."""
    if kernels is None:
        return why_absent()
    if traits.projection:
        return "the kernels have no projected LSTM"
    if traits.device != "cpu":
        return f"the kernels run on a CPU, not on {traits.device}"
    if traits.dtype not in _DTYPES:
        return f"the kernels compute in float32 and float64, not in {_name(traits.dtype)}"
    if torch.is_autocast_enabled("cpu"):
        return f"autocast asks for {_name(torch.get_autocast_dtype('cpu'))}"
    return None


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def run(case: Case) -> tuple[Tensor, States]:
    """Compute the case layer by layer, one operator each."""
    if case.batch_sizes is not None:
        return run_padded(run, case, case.batch_sizes)
    weights = list(case.flat_weights)
    for tensor in (*weights, *case.states):
        if tensor.dtype != case.x.dtype:
            raise _MixedDtypesError(
                f"x and the parameters must have one dtype, got {_name(case.x.dtype)} and "
                f"{_name(tensor.dtype)}; convert one"
            )
    D = 2 if case.bidirectional else 1
    each = D * (4 if case.bias else 2)
    drop = case.recurrent_dropout_masks
    tensors = [case.x, *weights, *case.states]
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    y, finals = case.x, []
    for layer in range(case.layers):
        if layer and case.dropout:
            y = dropout(y, case.dropout)
        directions = slice(layer * D, layer * D + D)
        y, h_n, c_n, _, _ = torch.ops.rnnkit.layer(
            y,
            [state[directions] for state in case.states],
            weights[layer * each : (layer + 1) * each],
            case.lengths,
            case.mask,
            None if drop is None else list(drop[directions]),
            case.cell.name,
            case.time_major,
            case.reverse,
            keep,
        )
        finals.append((h_n, c_n) if len(case.states) == 2 else (h_n,))
    if case.layers == 1:
        return y, finals[0]
    return y, tuple(torch.cat(state) for state in zip(*finals, strict=True))


# --- the operators

_library: Any = torch.library.Library("rnnkit", "DEF")  # type: ignore[no-untyped-call]
_ARGUMENTS = (
    "Tensor x, Tensor[] states, Tensor[] weights, Tensor? lengths, Tensor? mask, "
    "Tensor[]? dropout, str cell, bool time_major, bool reverse"
)
_library.define(f"layer({_ARGUMENTS}, bool keep) -> (Tensor, Tensor, Tensor, Tensor, Tensor)")
_library.define(
    f"layer_backward({_ARGUMENTS}, Tensor y, Tensor saved, Tensor saved_c, "
    "Tensor? dy, Tensor? dh, Tensor? dc, bool wants_dx, bool wants_dw, bool wants_ddropout) "
    "-> Tensor[]"
)


class _Sizes:
    """The sizes of a layer's call, and where its tensors lie."""

    def __init__(
        self,
        x: Tensor,
        states: Sequence[Tensor],
        weights: Sequence[Tensor],
        cell: str,
        time_major: bool,
    ) -> None:
        self.time, self.batch = (0, 1) if time_major else (1, 0)
        self.T, self.B, self.I = x.shape[self.time], x.shape[self.batch], x.shape[2]
        self.D, _, self.H = states[0].shape
        self.each = len(weights) // self.D
        self.saved = _SAVED[cell] * self.H


def _empty(x: Tensor, *shape: Any) -> Tensor:
    return x.new_empty(shape)


def _outputs(
    x: Tensor, s: _Sizes, cell: str, keep: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    lstm = cell == "lstm"
    shape = (s.T, s.B) if s.time == 0 else (s.B, s.T)
    return (
        _empty(x, *shape, s.D * s.H),
        _empty(x, s.D, s.B, s.H),
        _empty(x, s.D, s.B, s.H) if lstm else _empty(x, 0),
        _empty(x, s.D, s.T, s.B, s.saved) if keep and s.saved else _empty(x, 0),
        _empty(x, s.D, s.T, s.B, s.H) if keep and lstm else _empty(x, 0),
    )


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def _rows(tensor: Tensor) -> Tensor:
    """Return `tensor` with its last dimension contiguous."""
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


class _Call:
    """One layer's tensors, made fit for the kernels and held while they run."""

    def __init__(
        self,
        x: Tensor,
        states: Sequence[Tensor],
        weights: Sequence[Tensor],
        lengths: Tensor | None,
        mask: Tensor | None,
        drop: Sequence[Tensor] | None,
        cell: str,
        time_major: bool,
        reverse: bool,
    ) -> None:
        self.sizes = _Sizes(x, states, weights, cell, time_major)
        self.x = _rows(x)
        self.states = [state.contiguous() for state in states]
        self.weights = [weight.contiguous() for weight in weights]
        self.lengths = None if lengths is None else lengths.to("cpu").contiguous()
        self.mask = None if mask is None else mask.to("cpu").contiguous()
        self.drop = None if drop is None else [mask.contiguous() for mask in drop]
        self.cell, self.reverse = cell, reverse

    def direction(self, d: int, y: Tensor, saved: Tensor, saved_c: Tensor) -> Any:
        """Return the kernels' description of direction `d`, whose outputs lie in these tensors."""
        s = self.sizes
        w = self.weights[d * s.each : (d + 1) * s.each]
        size = y.element_size()
        return kernels.Call(
            y.dtype == torch.float64,
            _CODES[self.cell],
            self.reverse or d == 1,
            torch.get_num_threads(),
            s.B,
            s.T,
            s.I,
            s.H,
            self.x.stride(s.batch),
            self.x.stride(s.time),
            y.stride(s.batch),
            y.stride(s.time),
            self.x.data_ptr(),
            0,
            0,
            w[0].data_ptr(),
            w[1].data_ptr(),
            w[2].data_ptr() if s.each == 4 else 0,
            w[3].data_ptr() if s.each == 4 else 0,
            self.states[0][d].data_ptr(),
            self.states[1][d].data_ptr() if len(self.states) == 2 else 0,
            0 if self.drop is None else self.drop[d].data_ptr(),
            0,
            _address(self.lengths),
            _address(self.mask),
            y.data_ptr() + d * s.H * size,
            saved[d].data_ptr() if len(saved) else 0,
            saved_c[d].data_ptr() if len(saved_c) else 0,
        )


def _layer(
    x: Tensor,
    states: Sequence[Tensor],
    weights: Sequence[Tensor],
    lengths: Tensor | None,
    mask: Tensor | None,
    drop: Sequence[Tensor] | None,
    cell: str,
    time_major: bool,
    reverse: bool,
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    call = _Call(x, states, weights, lengths, mask, drop, cell, time_major, reverse)
    y, h_n, c_n, saved, saved_c = _outputs(x, call.sizes, cell, keep)
    for d in range(call.sizes.D):
        kernels.forward(
            call.direction(d, y, saved, saved_c),
            h_n[d].data_ptr(),
            c_n[d].data_ptr() if len(c_n) else 0,
        )
    return y, h_n, c_n, saved, saved_c


def _layer_backward(
    x: Tensor,
    states: Sequence[Tensor],
    weights: Sequence[Tensor],
    lengths: Tensor | None,
    mask: Tensor | None,
    drop: Sequence[Tensor] | None,
    cell: str,
    time_major: bool,
    reverse: bool,
    y: Tensor,
    saved: Tensor,
    saved_c: Tensor,
    dy: Tensor | None,
    dh: Tensor | None,
    dc: Tensor | None,
    wants_dx: bool,
    wants_dw: bool,
    wants_ddropout: bool,
) -> list[Tensor]:
    call = _Call(x, states, weights, lengths, mask, drop, cell, time_major, reverse)
    s = call.sizes
    dy = None if dy is None else _rows(dy)
    dh = None if dh is None else dh.contiguous()
    dc = None if dc is None else dc.contiguous()
    d_states = [torch.empty_like(state) for state in call.states]
    d_weights = [torch.empty_like(weight) for weight in call.weights] if wants_dw else []
    d_drop = [torch.empty_like(mask) for mask in call.drop or []] if wants_ddropout else []
    d_inputs = []
    for d in range(s.D):
        dx = torch.empty_like(x, memory_format=torch.contiguous_format) if wants_dx else None
        dw = d_weights[d * s.each : (d + 1) * s.each]
        kernels.backward(
            call.direction(d, y, saved, saved_c),
            0 if dy is None else dy.data_ptr() + d * s.H * dy.element_size(),
            0 if dy is None else dy.stride(s.batch),
            0 if dy is None else dy.stride(s.time),
            0 if dh is None else dh[d].data_ptr(),
            0 if dc is None else dc[d].data_ptr(),
            _address(dx),
            0 if dx is None else dx.stride(s.batch),
            0 if dx is None else dx.stride(s.time),
            *([_address(tensor) for tensor in dw] + [0] * (4 - len(dw))),
            d_states[0][d].data_ptr(),
            d_states[1][d].data_ptr() if len(d_states) == 2 else 0,
            d_drop[d].data_ptr() if d_drop else 0,
        )
        if dx is not None:
            d_inputs.append(dx)
    if len(d_inputs) == 2:
        d_inputs = [d_inputs[0].add_(d_inputs[1])]
    return [*d_inputs, *d_states, *d_weights, *d_drop]


_library.impl("layer", _layer, "CPU")
_library.impl("layer_backward", _layer_backward, "CPU")


def _fake_layer(
    x: Tensor,
    states: Sequence[Tensor],
    weights: Sequence[Tensor],
    lengths: Tensor | None,
    mask: Tensor | None,
    drop: Sequence[Tensor] | None,
    cell: str,
    time_major: bool,
    reverse: bool,
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    return _outputs(x, _Sizes(x, states, weights, cell, time_major), cell, keep)


def _fake_layer_backward(*arguments: Any) -> list[Tensor]:
    x, states, weights, _, _, drop = arguments[:6]
    wants_dx, wants_dw, wants_ddropout = arguments[-3:]
    like = [x] if wants_dx else []
    like += [*states, *(weights if wants_dw else []), *(drop if wants_ddropout else [])]
    return [torch.empty_like(t, memory_format=torch.contiguous_format) for t in like]


torch.library.register_fake("rnnkit::layer", _fake_layer, lib=_library)
torch.library.register_fake("rnnkit::layer_backward", _fake_layer_backward, lib=_library)


# --- gradients


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    x, states, weights, lengths, mask, drop, cell, time_major, reverse, _ = inputs
    y, _, _, saved, saved_c = output
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(saved, saved_c)
    ctx.counts = len(states), len(weights), 0 if drop is None else len(drop)
    ctx.options = cell, time_major, reverse
    ctx.save_for_backward(x, *states, *weights, *(drop or []), lengths, mask, y, saved, saved_c)


def _differentiate(
    ctx: Any,
    dy: Tensor | None,
    dh: Tensor | None,
    dc: Tensor | None,
    _saved: Tensor | None,
    _saved_c: Tensor | None,
) -> tuple[Any, ...]:
    tensors = iter(ctx.saved_tensors)
    n_states, n_weights, n_drop = ctx.counts
    x = next(tensors)
    states = [next(tensors) for _ in range(n_states)]
    weights = [next(tensors) for _ in range(n_weights)]
    drop = [next(tensors) for _ in range(n_drop)] or None
    lengths, mask, y, saved, saved_c = tensors
    arguments: tuple[Any, ...] = (x, states, weights, lengths, mask, drop, *ctx.options)
    if torch.is_grad_enabled():  # the gradients are to be differentiated in their turn
        return _structured(_through_reference(arguments, (dy, dh, dc)), ctx.counts)
    wants = [_any(wanted) for wanted in ctx.needs_input_grad]
    found = iter(
        torch.ops.rnnkit.layer_backward(
            *arguments, y, saved, saved_c, dy, dh, dc, wants[0], wants[2], wants[5]
        )
    )
    parts = (wants[0], 1), (True, n_states), (wants[2], n_weights), (wants[5], n_drop)
    gradients = [next(found) if wanted else None for wanted, n in parts for _ in range(n)]
    return _structured(gradients, ctx.counts)


def _any(wanted: Any) -> bool:
    return any(wanted) if isinstance(wanted, (list, tuple)) else bool(wanted)


def _structured(gradients: list[Tensor | None], counts: tuple[int, int, int]) -> tuple[Any, ...]:
    """Return gradients of x, states, weights and dropout masks in the operator's arguments."""
    n_states, n_weights, n_drop = counts
    weights = 1 + n_states
    drop = weights + n_weights
    return (
        gradients[0],
        gradients[1:weights],
        gradients[weights:drop],
        None,
        None,
        gradients[drop:] if n_drop else None,
        *[None] * 4,
    )


def _through_reference(
    arguments: tuple[Any, ...], outer: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    x, states, weights, lengths, mask, drop, cell, time_major, reverse = arguments
    dy, dh, dc = outer
    D = len(states[0])
    case = Case(
        cell=CELLS[cell],
        x=x,
        states=tuple(states),
        flat_weights=weights,
        bias=len(weights) == 4 * D,
        time_major=time_major,
        bidirectional=D == 2,
        reverse=reverse,
        lengths=lengths,
        mask=mask,
        recurrent_dropout_masks=drop,
    )
    y, finals = reference.run(case)
    pairs = [(y, dy), (finals[0], dh), *([(finals[1], dc)] if len(finals) == 2 else [])]
    known = [(output, gradient) for output, gradient in pairs if gradient is not None]
    inputs = [x, *states, *weights, *(drop or [])]
    wanted = [tensor for tensor in inputs if tensor.requires_grad]
    found = iter(
        torch.autograd.grad(
            [output for output, _ in known],
            wanted,
            [gradient for _, gradient in known],
            create_graph=True,
            allow_unused=True,
        )
    )
    return [next(found) if tensor.requires_grad else None for tensor in inputs]


torch.library.register_autograd(
    "rnnkit::layer", _differentiate, setup_context=_remember, lib=_library
)


def _refuse_vmap(info: Any, in_dims: Any, *arguments: Any) -> Any:
    raise BackendError(
        "torch.vmap cannot run rnnkit's kernels; put the dimension into the batch, or use "
        "backend='reference'"
    )


torch.library.register_vmap("rnnkit::layer", _refuse_vmap, lib=_library)
