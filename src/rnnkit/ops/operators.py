"""The kernels as operators of PyTorch: `rnnkit::layer` and `rnnkit::layer_backward`.

Each takes one layer with all its directions, and is one node for autograd, `torch.compile` and
`torch.export`. The kernels read and write memory only, so layouts are settled here; sizes and types
are those of a checked `Case`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn.functional import embedding

from rnnkit.errors import BackendError
from rnnkit.native_build import native_module
from rnnkit.ops import reference
from rnnkit.ops.case import Case
from rnnkit.ops.spec import CELLS

kernels: Any = native_module()


def _share_threads() -> None:
    """Let the kernels use the threads that PyTorch has, where its OpenMP runtime is found.

    A thread of either waits for more work without giving its core away, for up to milliseconds; two
    sets of them would be in each other's way at every change between PyTorch's calls and ours.
    """
    folder = Path(torch.__file__).parent
    found = [*folder.glob("lib/libgomp*.so*"), *folder.parent.glob("torch.libs/libgomp*.so*")]
    if len(found) != 1:
        return
    runtime = ctypes.CDLL(str(found[0]))  # loaded already: the same one
    names = ("GOMP_parallel", "omp_get_num_threads", "omp_get_thread_num")
    kernels.adopt(*(ctypes.cast(getattr(runtime, name), ctypes.c_void_p).value for name in names))


if kernels is not None:
    _share_threads()

_CODES = {name: code for code, name in enumerate(CELLS)}
# Per step and unit, what the backward pass needs beside the outputs and LSTM's c.
_SAVED = {"rnn_tanh": 0, "rnn_relu": 0, "lstm": 4, "gru": 4, "gru_reset_before": 3}

_library: Any = torch.library.Library("rnnkit", "DEF")  # type: ignore[no-untyped-call]
# No lists of tensors: PyTorch walks these as trees, which costs more than a small layer. With
# tokens, x (and x_back) hold the inputs' part of the gates, (V, G * H), and w_ih is not needed.
_ARGUMENTS = (
    "Tensor x, Tensor? x_back, Tensor h0, Tensor? c0, "
    "Tensor? w_ih, Tensor w_hh, Tensor? b_ih, Tensor? b_hh, "
    "Tensor? w_ih_back, Tensor? w_hh_back, Tensor? b_ih_back, Tensor? b_hh_back, "
    "Tensor? dropout, Tensor? dropout_back, Tensor? tokens, Tensor? lengths, Tensor? mask, "
    "str cell, bool time_major, bool reverse"
)
_library.define(f"layer({_ARGUMENTS}, bool keep) -> (Tensor, Tensor, Tensor, Tensor, Tensor)")
_library.define(
    f"layer_backward({_ARGUMENTS}, Tensor y, Tensor saved, Tensor saved_c, "
    "Tensor? dy, Tensor? dh, Tensor? dc, bool[] wants) -> Tensor[]"
)
_TENSORS = 17  # arguments of an operator before the cell's name
_GRADIENTS = 14  # the first of them, which have gradients


class _Layer:
    """The arguments of an operator, made fit for the kernels and held while they run."""

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        x, x_back, h0 = arguments[:3]
        self.cell, time_major, self.reverse = arguments[_TENSORS : _TENSORS + 3]
        self.time, self.batch = (0, 1) if time_major else (1, 0)
        self.D, self.B, self.H = h0.shape
        self.tokens = None if arguments[14] is None else arguments[14].contiguous()
        steps = x if self.tokens is None else self.tokens
        self.T, self.I = steps.shape[self.time], x.shape[-1]
        if self.tokens is None:
            self.x = x if x.stride(2) == 1 else x.contiguous()
            self.steps = self.x
        else:
            self.x, self.steps = x, self.tokens
        self.x_back = x if x_back is None else x_back
        # h0, c0, weights of both directions, masks of both, tokens, lengths, mask
        self.rest = [t if t is None else t.contiguous() for t in arguments[2:_TENSORS]]

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
            self.steps.stride(self.batch),
            self.steps.stride(self.time),
            y.stride(self.batch),
            y.stride(self.time),
            x.data_ptr() if self.tokens is None else 0,
            addresses[12],
            0 if self.tokens is None else (self.x_back if d else x).data_ptr(),
            *weights,
            addresses[0] + state,
            addresses[1] and addresses[1] + state,
            addresses[10 + d],
            0,
            addresses[13],
            addresses[14],
            y.data_ptr() + d * self.H * size,
            saved.data_ptr() + kept * _SAVED[self.cell] if saved.numel() else 0,
            saved_c.data_ptr() + kept if saved_c.numel() else 0,
        )


def _with_bias(gates: Tensor, bias_hh: Tensor | None, cell: str, H: int) -> Tensor:
    """Return the inputs' part of the gates with `bias_hh`, where that is simply added."""
    if bias_hh is None:
        return gates.contiguous()
    if cell == "gru":  # the last third goes into the reset's product
        bias_hh = torch.cat([bias_hh[: 2 * H], bias_hh.new_zeros(H)])
    return gates + bias_hh


def _layer(*arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    layer = _Layer(arguments)
    if layer.tokens is not None:
        layer.x = _with_bias(layer.x, arguments[7], layer.cell, layer.H)
        if layer.D == 2:
            layer.x_back = _with_bias(layer.x_back, arguments[11], layer.cell, layer.H)
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
    for d in range(layer.D):
        if layer.tokens is not None:  # of every step, summed below
            width = arguments[0].shape[1]
            into = layer.x.new_empty((*layer.tokens.shape, width)) if wants[d] else None
        elif d == 0:
            into = gradients[0]
        else:
            into = None if gradients[0] is None else torch.empty_like(gradients[0])
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
            *others[4 + 4 * d : 8 + 4 * d],
            others[2] + state,
            others[3] and others[3] + state,
            others[12 + d],
        )
        if layer.tokens is not None and into is not None:
            gradients[d] = torch.ops.aten.embedding_dense_backward(
                into, layer.tokens, len(arguments[0]), -1, False
            )
        elif d == 1 and into is not None:
            gradients[0].add_(into)
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
            tensor is not None and (wanted or k in (2, 3))
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
    x, x_back, h0, c0, *weights = inputs[:12]
    assert x is not None
    assert h0 is not None
    masks, (tokens, lengths, mask) = inputs[12:], arguments[_GRADIENTS:_TENSORS]
    cell, time_major, reverse = arguments[_TENSORS : _TENSORS + 3]
    if tokens is not None:  # the rows are the gates' input already
        x = torch.cat([x, x_back], 1) if x_back is not None else x
        eye = torch.eye(x.shape[1], dtype=x.dtype)
        none = None if weights[3] is None else x.new_zeros(len(eye) // len(h0))
        for d, rows in enumerate(eye.chunk(len(h0))):
            weights[4 * d], weights[4 * d + 2] = rows, none
        x = embedding(tokens, x)
    flat = [weight for weight in weights if weight is not None]
    drop = [each for each in masks if each is not None]
    case = Case(
        cell=CELLS[cell],
        x=x,
        states=(h0,) if c0 is None else (h0, c0),
        flat_weights=flat,
        bias=weights[3] is not None,
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
