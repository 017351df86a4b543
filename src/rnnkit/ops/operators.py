"""The kernels as operators of PyTorch: `rnnkit::layer` and `rnnkit::layer_backward`.

Each takes one layer with all its directions, and is one node for autograd, `torch.compile` and
`torch.export`. The kernels read and write memory only, so layouts are settled here; sizes and types
are those of a checked `Case`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn.functional import embedding

from rnnkit.errors import BackendError
from rnnkit.ops import reference
from rnnkit.ops.calls import (
    GRADIENTS,
    TENSORS,
    Layer,
    empty_each,
    layer_backward,
    layer_forward,
)
from rnnkit.ops.case import Case
from rnnkit.ops.spec import CELLS

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


def _fake_layer(*arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    layer = Layer(arguments)
    return layer.filled(layer.outputs(arguments[-1], torch.Tensor.new_empty))


def _fake_layer_backward(*arguments: Any) -> list[Tensor]:
    found = empty_each(arguments, arguments[-1], torch.Tensor.new_empty)
    return [tensor for tensor in found if tensor is not None]


_library.impl("layer", layer_forward, "CPU")
_library.impl("layer_backward", layer_backward, "CPU")
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
        ctx.options = arguments[TENSORS : TENSORS + 3]
        ctx.save_for_backward(*arguments[:TENSORS], y, saved, saved_c)
        return output

    @staticmethod
    def backward(ctx: Any, *outer: Tensor | None) -> tuple[Any, ...]:
        return differentiate(ctx, outer, torch.ops.rnnkit.layer_backward)

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


def differentiate(
    ctx: Any, outer: tuple[Tensor | None, ...], layer_backward: Callable[..., list[Tensor]]
) -> tuple[Any, ...]:
    """Return the gradients of all arguments of the operator.

    Args:
        ctx: of the forward pass: the arguments up to `reverse`, y, saved and saved_c.
        outer: gradients of y, h_n and c_n, `None` where there is none.
        layer_backward: the operator `layer_backward`, or the function below it.
    """
    tensors = ctx.saved_tensors
    arguments = (*tensors[:TENSORS], *ctx.options)
    dy, dh, dc = outer[:3]
    if torch.is_grad_enabled():  # the gradients are to be differentiated in their turn
        gradients = _through_reference(arguments, (dy, dh, dc))
    else:
        wants = list(ctx.needs_input_grad[:GRADIENTS])
        # The kernels always write the gradients of the states.
        wants[2], wants[3] = True, tensors[3] is not None
        found = iter(layer_backward(*arguments, *tensors[TENSORS:], dy, dh, dc, wants))
        gradients = [next(found) if wanted else None for wanted in wants]
    return (*gradients, *[None] * (TENSORS + 4 - GRADIENTS))


def _through_reference(
    arguments: tuple[Any, ...], outer: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    # Under other names: where x depends on the weights, theirs is not to hold the path through x.
    inputs = [None if t is None else t.view_as(t) for t in arguments[:GRADIENTS]]
    x, x_back, h0, c0, *weights = inputs[:12]
    assert x is not None
    assert h0 is not None
    masks, (tokens, lengths, mask) = inputs[12:], arguments[GRADIENTS:TENSORS]
    cell, time_major, reverse = arguments[TENSORS : TENSORS + 3]
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
