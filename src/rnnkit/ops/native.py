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
from torch.autograd import forward_ad
from torch.nn.functional import dropout

from rnnkit.errors import BackendError, ShapeError
from rnnkit.native_build import native_module, why_absent
from rnnkit.ops import reference
from rnnkit.ops.case import Case, Traits, Weights, run_padded
from rnnkit.ops.spec import CELLS

States = tuple[Tensor, ...]

_CODES = {name: code for code, name in enumerate(CELLS)}
# Per step and unit, what the backward pass needs beside the outputs and LSTM's c.
_SAVED = {"rnn_tanh": 0, "rnn_relu": 0, "lstm": 4, "gru": 4, "gru_reset_before": 3}
_DTYPES = (torch.float32, torch.float64)
_NONE = Weights(*[None] * 5)  # type: ignore[arg-type]  # of a direction that is not there


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
    for tensor in (*case.flat_weights, *case.states):
        if tensor.dtype != case.x.dtype:
            raise _MixedDtypesError(
                f"x and the parameters must have one dtype, got {_name(case.x.dtype)} and "
                f"{_name(tensor.dtype)}; convert one"
            )
    D = 2 if case.bidirectional else 1
    weights = list(case.weights())
    masks = case.recurrent_dropout_masks
    keep = torch.is_grad_enabled() and any(
        tensor.requires_grad
        for tensor in (case.x, *case.flat_weights, *case.states, *(masks or ()))
    )
    y, finals = case.x, []
    for layer in range(case.layers):
        if layer and case.dropout:
            y = dropout(y, case.dropout)
        k = layer * D
        one, other = weights[k], weights[k + 1] if D == 2 else _NONE
        states = [state if case.layers == 1 else state[k : k + D] for state in case.states]
        y, h_n, c_n, _, _ = torch.ops.rnnkit.layer(
            y,
            states[0],
            states[1] if len(states) == 2 else None,
            *one[:4],
            *other[:4],
            None if masks is None else masks[k],
            None if masks is None or D == 1 else masks[k + 1],
            case.lengths,
            case.mask,
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
# No lists of tensors: PyTorch walks these as trees, which costs more than a small layer.
_ARGUMENTS = (
    "Tensor x, Tensor h0, Tensor? c0, "
    "Tensor w_ih, Tensor w_hh, Tensor? b_ih, Tensor? b_hh, "
    "Tensor? w_ih_back, Tensor? w_hh_back, Tensor? b_ih_back, Tensor? b_hh_back, "
    "Tensor? dropout, Tensor? dropout_back, Tensor? lengths, Tensor? mask, "
    "str cell, bool time_major, bool reverse"
)
_library.define(f"layer({_ARGUMENTS}, bool keep) -> (Tensor, Tensor, Tensor, Tensor, Tensor)")
_library.define(
    f"layer_backward({_ARGUMENTS}, Tensor y, Tensor saved, Tensor saved_c, "
    "Tensor? dy, Tensor? dh, Tensor? dc, bool[] wants) -> Tensor[]"
)
_TENSORS = 15  # arguments of an operator before the cell's name; gradients go to the first 13
_GRADIENTS = 13


class _Layer:
    """The arguments of an operator, made fit for the kernels and held while they run."""

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        x, h0 = arguments[:2]
        self.cell, time_major, self.reverse = arguments[_TENSORS : _TENSORS + 3]
        self.time, self.batch = (0, 1) if time_major else (1, 0)
        self.D, self.B, self.H = h0.shape
        self.T, self.I = x.shape[self.time], x.shape[2]
        self.x = x if x.stride(2) == 1 else x.contiguous()
        # h0, c0, weights of both directions, masks of both, lengths, mask
        self.rest = [t if t is None else t.contiguous() for t in arguments[1:_TENSORS]]

    def outputs(self, keep: bool) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return y, h_n, c_n and what the backward pass needs beside them, not yet filled."""
        x, saved = self.x, _SAVED[self.cell]
        lstm = self.cell == "lstm"
        T, B, D, H = self.T, self.B, self.D, self.H
        shape = (T, B, D * H) if self.time == 0 else (B, T, D * H)
        return (
            x.new_empty(shape),
            x.new_empty(D, B, H),
            x.new_empty((D, B, H) if lstm else 0),
            x.new_empty((D, T, B, saved * H) if keep and saved else 0),
            x.new_empty((D, T, B, H) if keep and lstm else 0),
        )

    def call(self, d: int, y: Tensor, saved: Tensor, saved_c: Tensor) -> Any:
        """Return the kernels' description of direction `d`, whose outputs lie in these tensors."""
        x, size = self.x, self.x.element_size()
        addresses = [0 if t is None else t.data_ptr() for t in self.rest]
        state, kept = d * self.B * self.H * size, d * self.T * self.B * self.H * size
        weights = addresses[2 + 4 * d : 6 + 4 * d]
        return kernels.Call(
            size == 8,
            _CODES[self.cell],
            self.reverse or d == 1,
            torch.get_num_threads(),
            self.B,
            self.T,
            self.I,
            self.H,
            x.stride(self.batch),
            x.stride(self.time),
            y.stride(self.batch),
            y.stride(self.time),
            x.data_ptr(),
            0,
            0,
            *weights,
            addresses[0] + state,
            addresses[1] and addresses[1] + state,
            addresses[10 + d],
            0,
            addresses[12],
            addresses[13],
            y.data_ptr() + d * self.H * size,
            saved.data_ptr() + kept * _SAVED[self.cell] if saved.numel() else 0,
            saved_c.data_ptr() + kept if saved_c.numel() else 0,
        )


def _layer(*arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    layer = _Layer(arguments)
    y, h_n, c_n, saved, saved_c = layer.outputs(arguments[-1])
    for d in range(layer.D):
        kernels.forward(
            layer.call(d, y, saved, saved_c),
            h_n[d].data_ptr(),
            c_n[d].data_ptr() if c_n.numel() else 0,
        )
    return y, h_n, c_n, saved, saved_c


def _layer_backward(*arguments: Any) -> list[Tensor]:
    layer = _Layer(arguments)
    y, saved, saved_c, dy, dh, dc, wants = arguments[_TENSORS + 3 :]
    dy = dy if dy is None or dy.stride(2) == 1 else dy.contiguous()
    dh, dc = (None if t is None else t.contiguous() for t in (dh, dc))
    gradients = _like(arguments, wants)
    dx = gradients[0]
    second = None if dx is None or layer.D == 1 else torch.empty_like(dx)
    for d in range(layer.D):
        into = dx if d == 0 else second
        others = [0 if t is None else t.data_ptr() for t in gradients]
        state = d * layer.B * layer.H * layer.x.element_size()
        kernels.backward(
            layer.call(d, y, saved, saved_c),
            0 if dy is None else dy.data_ptr() + d * layer.H * dy.element_size(),
            0 if dy is None else dy.stride(layer.batch),
            0 if dy is None else dy.stride(layer.time),
            0 if dh is None else dh.data_ptr() + state,
            0 if dc is None else dc.data_ptr() + state,
            0 if into is None else into.data_ptr(),
            0 if into is None else into.stride(layer.batch),
            0 if into is None else into.stride(layer.time),
            *others[3 + 4 * d : 7 + 4 * d],
            others[1] + state,
            others[2] and others[2] + state,
            others[11 + d],
        )
    if second is not None:
        dx.add_(second)
    return [gradient for gradient in gradients if gradient is not None]


def _like(arguments: tuple[Any, ...], wants: Sequence[bool]) -> list[Any]:
    """Return an empty tensor for every gradient that is computed, `None` for the others."""
    return [
        torch.empty_like(tensor, memory_format=torch.contiguous_format)
        if wanted and tensor is not None
        else None
        for tensor, wanted in zip(arguments[:_GRADIENTS], wants, strict=True)
    ]


def _fake_layer(*arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    return _Layer(arguments).outputs(arguments[-1])


def _fake_layer_backward(*arguments: Any) -> list[Tensor]:
    return [tensor for tensor in _like(arguments, arguments[-1]) if tensor is not None]


_library.impl("layer", _layer, "CPU")
_library.impl("layer_backward", _layer_backward, "CPU")
torch.library.register_fake("rnnkit::layer", _fake_layer, lib=_library)
torch.library.register_fake("rnnkit::layer_backward", _fake_layer_backward, lib=_library)


# --- gradients

_REFUSED = "{} cannot go through rnnkit's kernels; use backend='reference'"


class _Differentiable(torch.autograd.Function):
    """The operator `layer` for autograd.

    torch.library.register_autograd makes such a class too, but around it looks up defaults and
    keywords at every call, for longer than a small layer takes; a setup_context would do the same.
    """

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        output = _below_autograd(*arguments)
        y, _, _, saved, saved_c = output
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(saved, saved_c)
        ctx.options = arguments[_TENSORS : _TENSORS + 3]
        ctx.save_for_backward(*arguments[:_TENSORS], y, saved, saved_c)
        return output

    @staticmethod
    def backward(ctx: Any, *outer: Tensor | None) -> tuple[Any, ...]:
        return _differentiate(ctx, outer)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        raise BackendError(_REFUSED.format("forward-mode differentiation"))


def _below_autograd(*arguments: Any) -> Any:
    with torch._C._AutoDispatchBelowAutograd():
        return torch.ops.rnnkit.layer(*arguments)


def _layer_for_autograd(*arguments: Any) -> Any:
    if torch._C._are_functorch_transforms_active():
        raise BackendError(_REFUSED.format("torch.func"))
    if arguments[-1] or forward_ad._current_level >= 0:
        return _Differentiable.apply(*arguments)  # type: ignore[no-untyped-call]
    return _below_autograd(*arguments)


def _differentiate(ctx: Any, outer: tuple[Tensor | None, ...]) -> tuple[Any, ...]:
    tensors = ctx.saved_tensors
    arguments = (*tensors[:_TENSORS], *ctx.options)
    dy, dh, dc = outer[:3]
    if torch.is_grad_enabled():  # the gradients are to be differentiated in their turn
        gradients = _through_reference(arguments, (dy, dh, dc))
    else:
        # The kernels always write the gradients of the states.
        wants = [
            tensor is not None and (wanted or k in (1, 2))
            for k, (tensor, wanted) in enumerate(
                zip(tensors[:_GRADIENTS], ctx.needs_input_grad[:_GRADIENTS], strict=True)
            )
        ]
        found = iter(
            torch.ops.rnnkit.layer_backward(*arguments, *tensors[_TENSORS:], dy, dh, dc, wants)
        )
        gradients = [next(found) if wanted else None for wanted in wants]
    return (*gradients, *[None] * (_TENSORS + 4 - _GRADIENTS))


def _through_reference(
    arguments: tuple[Any, ...], outer: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    # Under other names: where x depends on the weights, theirs is not to hold the path through x.
    inputs = [None if t is None else t.view_as(t) for t in arguments[:_GRADIENTS]]
    x, h0, c0, *weights = inputs[:11]
    assert x is not None
    assert h0 is not None
    masks, lengths, mask = inputs[11:], arguments[13], arguments[14]
    cell, time_major, reverse = arguments[_TENSORS : _TENSORS + 3]
    flat = [weight for weight in weights if weight is not None]
    drop = [each for each in masks if each is not None]
    case = Case(
        cell=CELLS[cell],
        x=x,
        states=(h0,) if c0 is None else (h0, c0),
        flat_weights=flat,
        bias=weights[2] is not None,
        time_major=time_major,
        bidirectional=len(h0) == 2,
        reverse=reverse,
        lengths=lengths,
        mask=mask,
        recurrent_dropout_masks=drop or None,
    )
    y, finals = reference.run(case)
    known = [pair for pair in zip((y, *finals), outer, strict=False) if pair[1] is not None]
    wanted = [tensor for tensor in inputs if tensor is not None and tensor.requires_grad]
    found = iter(
        torch.autograd.grad(
            [output for output, _ in known],
            wanted,
            [gradient for _, gradient in known],
            create_graph=True,
            allow_unused=True,
        )
    )
    return [
        next(found) if tensor is not None and tensor.requires_grad else None for tensor in inputs
    ]


_library.impl("layer", _layer_for_autograd, "Autograd")


def _refuse_vmap(info: Any, in_dims: Any, *arguments: Any) -> Any:
    raise BackendError(_REFUSED.format("torch.vmap"))


torch.library.register_vmap("rnnkit::layer", _refuse_vmap, lib=_library)
torch.library.register_vmap("rnnkit::layer_backward", _refuse_vmap, lib=_library)
