"""The kernels without PyTorch's dispatcher, which takes longer than a small layer.

An operator is worth its price where a compiler, a profiler or a subclass of tensors is to see it.
Elsewhere these calls are the same, three times as fast for a layer of a few units.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from rnnkit.ops.calls import TENSORS, Layer, layer_backward, run_forward
from rnnkit.ops.operators import differentiate


def layer(*arguments: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return y, h_n and c_n (of an LSTM) of the operator `layer`.

    Args:
        *arguments: those of the operator.
    """
    if _is_watched() or not all(t is None or _is_plain(t) for t in arguments[:TENSORS]):
        return torch.ops.rnnkit.layer(*arguments)[:3]  # type: ignore[no-any-return]
    if arguments[-1]:
        return _apply(*arguments)  # type: ignore[no-any-return]
    return run_forward(Layer(arguments), arguments)[:3]


class _Direct(torch.autograd.Function):
    """The kernels for autograd."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        y, h_n, c_n, saved, saved_c = run_forward(Layer(arguments), arguments)
        ctx.set_materialize_grads(False)
        ctx.options = arguments[TENSORS : TENSORS + 3]
        ctx.save_for_backward(*arguments[:TENSORS], y, saved, saved_c)
        return y, h_n, c_n

    @staticmethod
    def backward(ctx: Any, *outer: Tensor | None) -> tuple[Any, ...]:
        if _is_watched() or not all(t is None or _is_plain(t) for t in outer):
            return differentiate(ctx, outer, torch.ops.rnnkit.layer_backward)
        return differentiate(ctx, outer, layer_backward)


# Function.apply takes every argument out of wrappers that plain tensors do not have.
_apply: Any = super(torch.autograd.Function, _Direct).apply


def _is_watched() -> bool:
    """Tell whether a compiler, a tracer, a profiler or a mode is to see every operator."""
    return (
        torch.compiler.is_compiling()
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._get_tracing_state() is not None
        or torch._C._are_functorch_transforms_active()
        or torch._C._autograd._profiler_enabled()
        or forward_ad._current_level >= 0
    )


def _is_plain(tensor: Tensor) -> bool:
    """Tell whether a tensor's memory holds what it says: on the CPU, and wrapped by nothing."""
    return torch._C._dispatch_keys(tensor).raw_repr() in _PLAIN


_PLAIN = {torch._C._dispatch_keys(torch.empty(0)).raw_repr()}
with torch.inference_mode():
    _PLAIN.add(torch._C._dispatch_keys(torch.empty(0)).raw_repr())
