"""Recurrences as functions: one layer, one direction, over a batch of sequences.

`backend="auto"` takes the fastest backend that can serve; a name serves or raises.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from rnnkit.errors import ConfigError, closest
from rnnkit.ops.case import one_direction
from rnnkit.ops.dispatch import BackendInfo, backends, explain, run
from rnnkit.ops.spec import CELLS

__all__ = ["BackendInfo", "backends", "explain", "gru", "lstm", "simple_rnn"]


def simple_rnn(
    x: Tensor | tuple[Tensor, Tensor],
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None = None,
    bias_hh: Tensor | None = None,
    *,
    h0: Tensor | None = None,
    nonlinearity: str = "tanh",
    lengths: Tensor | Sequence[int] | None = None,
    mask: Tensor | None = None,
    reverse: bool = False,
    recurrent_dropout_mask: Tensor | None = None,
    backend: str = "auto",
) -> tuple[Tensor, Tensor]:
    """Run Elman's recurrence, h' = tanh(W_ih x + b_ih + W_hh h + b_hh), over a batch.

    Elman (1990), Finding structure in time; with relu, Le et al. (2015), arXiv 1504.00941.

    Args:
        x: `(B, T, I)`, T at least 1; every other tensor of numbers has its dtype. What stands at
            steps that do not count may be anything, NaN included: it reaches nothing. Or a pair
            `(indices, table)`: whole numbers `(B, T)` and the `(V, I)` rows that they name, such
            as an embedding's weights; the same result, without the rows of every step where
            that is faster.
        weight_ih: `(H, I)`.
        weight_hh: `(H, H)`.
        bias_ih: `(H,)`, default none.
        bias_hh: `(H,)`, default none.
        h0: `(B, H)`, default zeros.
        nonlinearity: "tanh" or "relu".
        lengths: `(B,)` whole numbers in `0..T`, default all T. Steps at or beyond a row's length
            are not run.
        mask: `(B, T)` bool, default all true. A false step is not run: it carries the state on.
            So a mask that is false only on the right equals `lengths` exactly. With both, a step
            must satisfy both.
        reverse: run each row from its last step that counts to its first; `y` stays in the order
            of `x`.
        recurrent_dropout_mask: `(B, H)`, multiplied onto h at every step, only where it enters the
            product with `weight_hh`; already scaled by 1 / (1 - p). Gal and Ghahramani (2016),
            arXiv 1512.05287.
        backend: "auto", "native", "torch" or "reference".

    Returns:
        `y (B, T, H)`, zero at every step that was not run, and `h_n (B, H)`, the state after the
        last step run (`h0` where none was).

    Raises:
        ShapeError: if a shape or dtype does not fit.
        ConfigError: if there is no such nonlinearity or backend.
        BackendError: if the backend asked for by name cannot serve.

    Example:
        >>> import torch
        >>> y, h_n = simple_rnn(torch.ones(2, 3, 1), torch.eye(1), torch.eye(1), lengths=[3, 1])
        >>> y.shape, torch.equal(h_n[1], y[1, 0]), y[1, 1:].sum().item()
        (torch.Size([2, 3, 1]), True, 0.0)
    """
    if nonlinearity not in ("tanh", "relu"):
        raise ConfigError(
            f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}"
            f"{closest(nonlinearity, ['tanh', 'relu'])}"
        )
    case = one_direction(
        CELLS[f"rnn_{nonlinearity}"],
        x,
        weight_ih,
        weight_hh,
        bias_ih,
        bias_hh,
        [h0],
        lengths=lengths,
        mask=mask,
        reverse=reverse,
        recurrent_dropout_mask=recurrent_dropout_mask,
    )
    y, (h_n,) = run(case, backend)
    return y, h_n[0]


def lstm(
    x: Tensor | tuple[Tensor, Tensor],
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None = None,
    bias_hh: Tensor | None = None,
    *,
    h0: Tensor | None = None,
    c0: Tensor | None = None,
    lengths: Tensor | Sequence[int] | None = None,
    mask: Tensor | None = None,
    reverse: bool = False,
    recurrent_dropout_mask: Tensor | None = None,
    backend: str = "auto",
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Run the long short-term memory over a batch.

    With (i, f, g, o) = W_ih x + b_ih + W_hh h + b_hh: c' = σ(f) ∘ c + σ(i) ∘ tanh(g) and
    h' = σ(o) ∘ tanh(c'). Hochreiter and Schmidhuber (1997); forget gate: Gers et al. (2000).

    Args:
        x: `(B, T, I)`; see `simple_rnn` for it and for every argument not named here.
        weight_ih: `(4·H, I)`, gates in the order i, f, g, o.
        weight_hh: `(4·H, H)`.
        bias_ih: `(4·H,)`, default none.
        bias_hh: `(4·H,)`, default none.
        h0: `(B, H)`, default zeros.
        c0: `(B, H)`, default zeros.
        lengths: `(B,)` in `0..T`, default all T.
        mask: `(B, T)` bool; false steps carry both states on. Right-padded, it equals `lengths`.
        reverse: run each row from its last step that counts to its first.
        recurrent_dropout_mask: `(B, H)`, onto h where it enters the product with `weight_hh`.
        backend: "auto", "native", "torch" or "reference".

    Returns:
        `y (B, T, H)`, zero at every step that was not run, and `(h_n, c_n)`, each `(B, H)`.

    Raises:
        ShapeError: if a shape or dtype does not fit.
        ConfigError: if there is no such backend.
        BackendError: if the backend asked for by name cannot serve.

    Example:
        >>> import torch
        >>> x, w = torch.ones(2, 3, 1), torch.ones(8, 1)
        >>> y, (h_n, c_n) = lstm(x, w, torch.ones(8, 2), h0=torch.zeros(2, 2))
        >>> y.shape, torch.equal(y[:, -1], h_n), c_n.shape
        (torch.Size([2, 3, 2]), True, torch.Size([2, 2]))
    """
    case = one_direction(
        CELLS["lstm"],
        x,
        weight_ih,
        weight_hh,
        bias_ih,
        bias_hh,
        [h0, c0],
        lengths=lengths,
        mask=mask,
        reverse=reverse,
        recurrent_dropout_mask=recurrent_dropout_mask,
    )
    y, (h_n, c_n) = run(case, backend)
    return y, (h_n[0], c_n[0])


def gru(
    x: Tensor | tuple[Tensor, Tensor],
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None = None,
    bias_hh: Tensor | None = None,
    *,
    h0: Tensor | None = None,
    reset_after: bool = True,
    lengths: Tensor | Sequence[int] | None = None,
    mask: Tensor | None = None,
    reverse: bool = False,
    recurrent_dropout_mask: Tensor | None = None,
    backend: str = "auto",
) -> tuple[Tensor, Tensor]:
    """Run the gated recurrent unit over a batch: h' = (1 - z) ∘ n + z ∘ h.

    r = σ(W_ir x + b_ir + W_hr h + b_hr), z = σ(W_iz x + b_iz + W_hz h + b_hz), and
    n = tanh(W_in x + b_in + r ∘ (W_hn h + b_hn)), or with `reset_after=False`, as first written,
    n = tanh(W_in x + b_in + W_hn (r ∘ h) + b_hn). Cho et al. (2014), arXiv 1406.1078.

    Args:
        x: `(B, T, I)`; see `simple_rnn` for it and for every argument not named here.
        weight_ih: `(3·H, I)`, gates in the order r, z, n.
        weight_hh: `(3·H, H)`.
        bias_ih: `(3·H,)`, default none.
        bias_hh: `(3·H,)`, default none.
        h0: `(B, H)`, default zeros.
        reset_after: reset after the product (torch, cuDNN; the default) or before it.
        lengths: `(B,)` in `0..T`, default all T.
        mask: `(B, T)` bool; false steps carry the state on. Right-padded, it equals `lengths`.
        reverse: run each row from its last step that counts to its first.
        recurrent_dropout_mask: `(B, H)`, onto h where it enters the products with `weight_hh`.
        backend: "auto", "native", "torch" (only `reset_after=True`) or "reference".

    Returns:
        `y (B, T, H)`, zero at every step that was not run, and `h_n (B, H)`.

    Raises:
        ShapeError: if a shape or dtype does not fit.
        ConfigError: if there is no such backend.
        BackendError: if the backend asked for by name cannot serve.

    Example:
        >>> import torch
        >>> x, mask = torch.ones(1, 3, 1), torch.tensor([[True, False, True]])
        >>> y, h_n = gru(x, torch.ones(6, 1), torch.ones(6, 2), mask=mask, reset_after=False)
        >>> y[0, 1].tolist(), torch.equal(y[:, 2], h_n)
        ([0.0, 0.0], True)
    """
    case = one_direction(
        CELLS["gru" if reset_after else "gru_reset_before"],
        x,
        weight_ih,
        weight_hh,
        bias_ih,
        bias_hh,
        [h0],
        lengths=lengths,
        mask=mask,
        reverse=reverse,
        recurrent_dropout_mask=recurrent_dropout_mask,
    )
    y, (h_n,) = run(case, backend)
    return y, h_n[0]
