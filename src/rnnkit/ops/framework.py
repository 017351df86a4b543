"""PyTorch's own fused calls: oneDNN or a C++ loop on a CPU, cuDNN on a GPU.

A call takes the whole stack, so that cuDNN overlaps layers and directions. Rows of unequal length,
masks and the reverse direction all become one thing: a list of the steps to run, in their order,
which one `index_select` packs and one `index_copy` puts back. There is no work per row in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from rnnkit.ops.case import Case, Traits, valid_steps

FUSED: dict[str, Callable[..., tuple[Tensor, ...]]] = {
    "rnn_tanh": torch.rnn_tanh,
    "rnn_relu": torch.rnn_relu,
    "lstm": torch.lstm,
    "gru": torch.gru,
}


def why_not(traits: Traits) -> str | None:
    """Return why PyTorch's fused calls cannot express the case, or `None` if they can."""
    if traits.recurrent_dropout:
        return "PyTorch's fused calls have no recurrent dropout"
    if traits.cell.name not in FUSED:
        return "PyTorch's GRU has no reset before the product"
    return None


def run(case: Case) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Compute the case in one call."""
    if case.batch_sizes is not None:
        return _call(case, case.x, case.batch_sizes, case.states)
    packing = _pack(case)
    if packing is None:
        y, states = _call(case, case.x.flip(1) if case.reverse else case.x, None, case.states)
        return (y.flip(1) if case.reverse else y), states
    return _run_packing(case, packing)


def _call(
    case: Case, x: Tensor, batch_sizes: Tensor | None, states: tuple[Tensor, ...]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    hx = states if len(states) > 1 else states[0]
    # cuDNN forgets what its backward needs unless told that it trains; dropout is 0 in evaluation.
    train = torch.is_grad_enabled() or case.dropout > 0
    options = (case.flat_weights, case.bias, case.layers, case.dropout, train, case.bidirectional)
    fused = FUSED[case.cell.name]
    result = (
        fused(x, hx, *options, True)
        if batch_sizes is None
        else (fused(x, batch_sizes, hx, *options))
    )
    return result[0], result[1:]


class _Packing(NamedTuple):
    rows: Tensor  # the rows that have a step to run, longest first
    steps: Tensor  # positions in the (B * T) steps of x, all first steps, then all second, ...
    batch_sizes: Tensor  # how many rows run a first step, a second, ...


def _pack(case: Case) -> _Packing | None:
    """Return the steps to run, or `None` where every row runs all T in one batch."""
    B, T = case.x.shape[:2]
    if case.mask is None and (case.lengths is None or not B or int(case.lengths.min()) == T):
        return None
    valid = valid_steps(case.lengths, case.mask, T, torch.device("cpu"))
    assert valid is not None  # one of the two is given
    lengths = valid.sum(1)
    if B == 0 or int(lengths.min()) == T:
        return None
    # order[b, k]: the k-th step that row b runs
    order = torch.argsort((~valid).byte(), dim=1, stable=True)
    if case.reverse:
        order = order.gather(1, (lengths[:, None] - 1 - torch.arange(T)).clamp(min=0))
    rows = torch.argsort(lengths, descending=True, stable=True)[: int((lengths > 0).sum())]
    running = torch.arange(T)[:, None] < lengths[rows]  # (T, rows)
    steps = (rows * T + order[rows].T)[running]
    batch_sizes = running.sum(1)
    return _Packing(rows, steps, batch_sizes[batch_sizes > 0])


def _run_packing(case: Case, packing: _Packing) -> tuple[Tensor, tuple[Tensor, ...]]:
    B, T, I = case.x.shape  # noqa: E741
    device = case.x.device
    rows, steps = packing.rows.to(device), packing.steps.to(device)
    D = 2 if case.bidirectional else 1
    if not len(rows):
        return case.x.new_zeros(B, T, D * case.states[0].shape[-1]), case.states
    packed, finals = _call(
        case,
        case.x.reshape(B * T, I).index_select(0, steps),
        packing.batch_sizes,
        tuple(state.index_select(1, rows) for state in case.states),
    )
    y = packed.new_zeros(B * T, packed.shape[-1]).index_copy(0, steps, packed)
    states = tuple(
        state.to(final.dtype).index_copy(1, rows, final)
        for state, final in zip(case.states, finals, strict=True)
    )
    return y.view(B, T, -1), states
