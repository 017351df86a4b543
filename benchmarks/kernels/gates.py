"""Weights in the layouts of Keras and ONNX, and Keras's gradients back in torch's.

Gate orders: LSTM torch i, f, g, o; Keras i, f, c, o (the same); ONNX i, o, f, c. GRU torch r, z, n;
Keras and ONNX z, r, h. Keras keeps matrices transposed and, but for the GRU, one bias.
"""

from __future__ import annotations

import numpy as np

KERAS = {"rnn": (0,), "lstm": (0, 1, 2, 3), "gru": (1, 0, 2)}
ONNX = {"rnn": (0,), "lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}


def reorder(array: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """Return `(G·H, ...)` with block g of the result taken from block `order[g]`."""
    return np.concatenate([np.split(array, len(order))[gate] for gate in order])


def inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(gate) for gate in range(len(order)))


def to_keras(
    cell: str, w_ih: np.ndarray, w_hh: np.ndarray, b_ih: np.ndarray, b_hh: np.ndarray
) -> list[np.ndarray]:
    """Return Keras's kernel `(I, G·H)`, recurrent kernel `(H, G·H)` and bias."""
    w_ih, w_hh, b_ih, b_hh = (reorder(a, KERAS[cell]) for a in (w_ih, w_hh, b_ih, b_hh))
    bias = np.stack([b_ih, b_hh]) if cell == "gru" else b_ih + b_hh
    return [w_ih.T, w_hh.T, bias]


def from_keras(cell: str, gradients: list[np.ndarray]) -> list[np.ndarray]:
    """Return gradients of `weight_ih, weight_hh, bias_ih, bias_hh` from those of Keras's three.

    The gradient of a sum is that of either of its parts.
    """
    kernel, recurrent, bias = gradients
    biases = (bias[0], bias[1]) if cell == "gru" else (bias, bias)
    back = inverse(KERAS[cell])
    return [reorder(a, back) for a in (kernel.T, recurrent.T, *biases)]


def to_onnx(
    cell: str, directions: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ONNX's `W (D, G·H, I)`, `R (D, G·H, H)` and `B (D, 2·G·H)`."""
    parts = [[reorder(a, ONNX[cell]) for a in direction] for direction in directions]
    return (
        np.stack([p[0] for p in parts]),
        np.stack([p[1] for p in parts]),
        np.stack([np.concatenate([p[2], p[3]]) for p in parts]),
    )
