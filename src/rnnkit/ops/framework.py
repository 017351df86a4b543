"""PyTorch's own fused calls: oneDNN or a C++ loop on a CPU, cuDNN on a GPU.

A call takes the whole stack, so that cuDNN overlaps layers and directions. Since a step that does
not count leaves the state alone, unequal lengths, masks and the reverse direction are one thing: a
list of the steps to run, in order, which one `index_select` packs (as in a PackedSequence) and one
`index_copy` puts back. The other steps are never read, so nothing in them can spread.
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

States = tuple[Tensor, ...]


def why_not(traits: Traits) -> str | None:
    """Return why PyTorch's fused calls cannot express the case, or `None` if they can."""
    if traits.recurrent_dropout:
        return "PyTorch's fused calls have no recurrent dropout"
    if traits.cell.name not in FUSED:
        return "PyTorch's GRU has no reset before the product"
    return None


def run(case: Case) -> tuple[Tensor, States]:
    """Compute the case in one call."""
    case = case.looked_up()
    if case.batch_sizes is not None:
        return _call(case, case.x, case.batch_sizes, case.states)
    packing = _pack(case)
    if packing is not None:
        return _run_packing(case, packing)
    if not case.reverse:
        return _call(case, case.x, None, case.states)
    time = 0 if case.time_major else 1
    y, states = _call(case, case.x.flip(time), None, case.states)
    return y.flip(time), states


def _call(
    case: Case, x: Tensor, batch_sizes: Tensor | None, states: States
) -> tuple[Tensor, States]:
    fused = FUSED[case.cell.name]
    hx = states if len(states) > 1 else states[0]
    # cuDNN forgets what its backward needs unless told that it trains; dropout is 0 in evaluation.
    train = torch.is_grad_enabled() or case.dropout > 0
    options = (case.flat_weights, case.bias, case.layers, case.dropout, train, case.bidirectional)
    if batch_sizes is None:
        y, *finals = fused(x, hx, *options, not case.time_major)
    else:
        y, *finals = fused(x, batch_sizes, hx, *options)
    return y, tuple(finals)


class _Packing(NamedTuple):
    rows: Tensor  # the rows that have a step to run, longest first
    steps: Tensor  # where they stand among the B * T steps: all first ones, then all second, ...
    batch_sizes: Tensor  # how many rows run a first step, a second, ...


def _pack(case: Case) -> _Packing | None:
    """Return the steps to run in their order, or `None` where every row runs all T of them."""
    if case.lengths is None and case.mask is None:
        return None
    T, B = case.x.shape[:2] if case.time_major else (case.x.shape[1], case.x.shape[0])
    lengths, order = _order(case.lengths, case.mask, T, case.reverse)
    if B == 0 or int(lengths.min()) == T:
        return None
    rows = torch.argsort(lengths, descending=True, stable=True)[: int((lengths > 0).sum())]
    running = torch.arange(T)[:, None] < lengths[rows]  # (T, rows)
    order = order[rows].T
    steps = order * B + rows if case.time_major else rows * T + order
    batch_sizes = running.sum(1)
    return _Packing(rows, steps[running], batch_sizes[batch_sizes > 0])


def _order(
    lengths: Tensor | None, mask: Tensor | None, T: int, reverse: bool
) -> tuple[Tensor, Tensor]:
    """Return how many steps each row runs, `(B,)`, and which one is its k-th, `(B, T)`."""
    valid = valid_steps(lengths, mask, T, torch.device("cpu"))
    assert valid is not None  # one of the two is given
    counts = valid.sum(1)
    order = torch.argsort((~valid).byte(), dim=1, stable=True)
    if reverse:
        order = order.gather(1, (counts[:, None] - 1 - torch.arange(T)).clamp(min=0))
    return counts, order


def _run_packing(case: Case, packing: _Packing) -> tuple[Tensor, States]:
    x = case.x
    rows, steps = packing.rows.to(x.device), packing.steps.to(x.device)
    inputs = x.flatten(0, 1).index_select(0, steps)
    if len(rows):
        states = tuple(state.index_select(1, rows) for state in case.states)
        packed, finals = _call(case, inputs, packing.batch_sizes, states)
    else:
        # PyTorch refuses to run no step. One over zeros, of which nothing is kept, leaves x and the
        # weights their gradient, which is zero.
        inputs = torch.cat([inputs, inputs.new_zeros(1, inputs.shape[1])])
        states = tuple(torch.zeros_like(state[:, :1]) for state in case.states)
        packed, finals = _call(case, inputs, torch.tensor([1]), states)
        packed, finals = packed[:0], tuple(final[:, :0] for final in finals)
    y = packed.new_zeros(x.shape[0] * x.shape[1], packed.shape[-1]).index_copy(0, steps, packed)
    # .to: under autocast the states come back in another dtype
    states = tuple(
        state.to(final.dtype).index_copy(1, rows, final)
        for state, final in zip(case.states, finals, strict=True)
    )
    return y.view(*x.shape[:2], -1), states
