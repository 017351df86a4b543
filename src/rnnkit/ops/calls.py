"""A layer's whole sequence by the kernels: tensors made fit for them, and their addresses.

The arguments are those of the operators in `operators.py`. Sizes and types are those of a checked
`Case`; the kernels read and write memory only, so layouts are settled here.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rnnkit.native_build import native_module
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

TENSORS = 17  # arguments of an operator before the cell's name
GRADIENTS = 14  # the first of them, which have gradients

# From this size in bytes on the C library may give memory back to the system at every call, and
# every page of it is cleared anew at the next.
_LARGE = 1 << 17

# Makes an uncleared tensor of the type of another one.
Empty = Callable[[Tensor, tuple[int, ...]], Tensor]
# y, h_n, c_n, and what the backward pass needs beside them
Outputs = tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]


def uncleared(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return an uncleared tensor of the type of another one; a large one in a kept block."""
    size = like.element_size()
    if math.prod(shape) * size < _LARGE:
        return like.new_empty(shape)
    tensor: Tensor = torch._C._from_dlpack(kernels.empty(size == 8, tuple(shape)))
    return tensor


class Layer:
    """The arguments of an operator, made fit for the kernels and held while they run."""

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        x, x_back, h0 = arguments[:3]
        self.cell, time_major, self.reverse = arguments[TENSORS : TENSORS + 3]
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
        self.rest = [t if t is None else t.contiguous() for t in arguments[2:TENSORS]]

    def outputs(self, keep: bool, empty: Empty) -> Outputs:
        """Return y, h_n, c_n and what the backward pass needs beside them, not yet written."""
        x, saved = self.x, _SAVED[self.cell]
        lstm = self.cell == "lstm"
        T, B, D, H = self.T, self.B, self.D, self.H
        shape = (T, B, D * H) if self.time == 0 else (B, T, D * H)
        return (
            empty(x, shape),
            x.new_empty((D, B, H)),
            x.new_empty((D, B, H)) if lstm else None,
            empty(x, (D, T, B, saved * H)) if keep and saved else None,
            empty(x, (D, T, B, H)) if keep and lstm else None,
        )

    def filled(self, outputs: Outputs) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return outputs with empty tensors in place of none, as an operator has to."""
        return tuple(self.x.new_empty(0) if t is None else t for t in outputs)  # type: ignore[return-value]

    def call(self, d: int, y: Tensor, saved: Tensor | None, saved_c: Tensor | None) -> Any:
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
            saved.data_ptr() + kept * _SAVED[self.cell] if saved is not None else 0,
            saved_c.data_ptr() + kept if saved_c is not None else 0,
        )


def _with_bias(gates: Tensor, bias_hh: Tensor | None, cell: str, H: int) -> Tensor:
    """Return the inputs' part of the gates with `bias_hh`, where that is simply added."""
    if bias_hh is None:
        return gates.contiguous()
    if cell == "gru":  # the last third goes into the reset's product
        bias_hh = torch.cat([bias_hh[: 2 * H], bias_hh.new_zeros(H)])
    return gates + bias_hh


def layer_forward(*arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Compute the operator `layer` on a CPU."""
    layer = Layer(arguments)
    return layer.filled(run_forward(layer, arguments))


def run_forward(layer: Layer, arguments: tuple[Any, ...]) -> Outputs:
    """Return y, h_n, c_n and what the backward pass needs, where there is any.

    Args:
        layer: of these arguments.
        arguments: those of the operator `layer`.
    """
    if layer.tokens is not None:
        layer.x = _with_bias(layer.x, arguments[7], layer.cell, layer.H)
        if layer.D == 2:
            layer.x_back = _with_bias(layer.x_back, arguments[11], layer.cell, layer.H)
    y, h_n, c_n, saved, saved_c = layer.outputs(arguments[-1], uncleared)
    for d in range(layer.D):
        kernels.forward(
            layer.call(d, y, saved, saved_c),
            h_n[d].data_ptr(),
            0 if c_n is None else c_n[d].data_ptr(),
        )
    return y, h_n, c_n, saved, saved_c


def layer_backward(*arguments: Any) -> list[Tensor]:
    """Compute the operator `layer_backward` on a CPU; what was saved may be `None`."""
    layer = Layer(arguments)
    y, saved, saved_c, dy, dh, dc, wants = arguments[TENSORS + 3 :]
    dy = dy if dy is None or dy.stride(2) == 1 else dy.contiguous()
    dh, dc = (None if t is None else t.contiguous() for t in (dh, dc))
    gradients = empty_each(arguments, wants, uncleared)
    for d in range(layer.D):
        if layer.tokens is not None:  # of every step, summed below
            width = arguments[0].shape[1]
            into = uncleared(layer.x, (*layer.tokens.shape, width)) if wants[d] else None
        elif d == 0:
            into = gradients[0]
        else:
            into = None if gradients[0] is None else uncleared(gradients[0], gradients[0].shape)
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


def empty_each(arguments: tuple[Any, ...], wants: Sequence[bool], empty: Empty) -> list[Any]:
    """Return an uncleared tensor for every gradient that is computed, `None` for the others."""
    return [
        empty(tensor, tensor.shape) if wanted and tensor is not None else None
        for tensor, wanted in zip(arguments[:GRADIENTS], wants, strict=True)
    ]
