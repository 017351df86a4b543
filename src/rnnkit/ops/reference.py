"""The recurrences in plain PyTorch: the shortest honest code, which defines the truth.

Every other backend must give these outputs, final states and gradients. Autograd differentiates
them, as often as asked. Each step function takes the input's part of the gates, `W_ih x + b_ih`
(one product for all steps), and adds the part of the previous state; sigma is the logistic
function, ∘ the product of elements. `h` is what enters the recurrent product: the previous output,
times the recurrent-dropout mask if there is one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import dropout, linear

from rnnkit.ops.case import Case, Weights, run_padded, valid_steps

States = tuple[Tensor, ...]


def rnn_tanh(gates_x: Tensor, h: Tensor, states: States, w: Weights) -> States:
    """Elman (1990), Finding structure in time: h' = tanh(W_ih x + b_ih + W_hh h + b_hh)."""
    return (torch.tanh(gates_x + linear(h, w.hh, w.bias_hh)),)


def rnn_relu(gates_x: Tensor, h: Tensor, states: States, w: Weights) -> States:
    """Le et al. (2015), arXiv 1504.00941: h' = relu(W_ih x + b_ih + W_hh h + b_hh)."""
    return (torch.relu(gates_x + linear(h, w.hh, w.bias_hh)),)


def lstm(gates_x: Tensor, h: Tensor, states: States, w: Weights) -> States:
    """Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000).

    (i, f, g, o) = W_ih x + b_ih + W_hh h + b_hh;   c' = σ(f) ∘ c + σ(i) ∘ tanh(g);
    h' = σ(o) ∘ tanh(c'), times W_hr where the output is projected (Sak et al., 2014).
    """
    i, f, g, o = (gates_x + linear(h, w.hh, w.bias_hh)).chunk(4, dim=-1)
    c = torch.sigmoid(f) * states[1] + torch.sigmoid(i) * torch.tanh(g)
    output = torch.sigmoid(o) * torch.tanh(c)
    return (output if w.hr is None else linear(output, w.hr)), c


def gru(gates_x: Tensor, h: Tensor, states: States, w: Weights) -> States:
    """Cho et al. (2014), with the reset after the product, as cuDNN and PyTorch compute it.

    r = σ(W_ir x + b_ir + W_hr h + b_hr);   z = σ(W_iz x + b_iz + W_hz h + b_hz);
    n = tanh(W_in x + b_in + r ∘ (W_hn h + b_hn));   h' = (1 − z) ∘ n + z ∘ h.
    """
    r_x, z_x, n_x = gates_x.chunk(3, dim=-1)
    r_h, z_h, n_h = linear(h, w.hh, w.bias_hh).chunk(3, dim=-1)
    r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
    n = torch.tanh(n_x + r * n_h)
    return ((1 - z) * n + z * states[0],)


def gru_reset_before(gates_x: Tensor, h: Tensor, states: States, w: Weights) -> States:
    """Cho et al. (2014), arXiv 1406.1078, as first written: the reset before the product.

    r and z as in `gru`;   n = tanh(W_in x + b_in + W_hn (r ∘ h) + b_hn);
    h' = (1 − z) ∘ n + z ∘ h.
    """
    H = h.shape[-1]
    r_x, z_x, n_x = gates_x.chunk(3, dim=-1)
    b_rz, b_n = (None, None) if w.bias_hh is None else (w.bias_hh[: 2 * H], w.bias_hh[2 * H :])
    r_h, z_h = linear(h, w.hh[: 2 * H], b_rz).chunk(2, dim=-1)
    r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
    n = torch.tanh(n_x + linear(r * h, w.hh[2 * H :], b_n))
    return ((1 - z) * n + z * states[0],)


STEPS: dict[str, Callable[[Tensor, Tensor, States, Weights], States]] = {
    "rnn_tanh": rnn_tanh,
    "rnn_relu": rnn_relu,
    "lstm": lstm,
    "gru": gru,
    "gru_reset_before": gru_reset_before,
}


def scan(
    step: Callable[[Tensor, States | None], tuple[Tensor, States]],
    inputs: Tensor,
    states: States | None,
    valid: Tensor | None,
    reverse: bool,
) -> tuple[Tensor, States]:
    """Carry states through time, over the steps that count.

    Args:
        step: from one step's input `(B, ...)` and the states to the output and the new states.
        inputs: `(B, T, ...)`, finite wherever `valid` is false (its gradient would be 0 · NaN).
        states: at the start; `None` lets `step` choose, and stands for zeros in a row that has
            not begun.
        valid: `(B, T)` bool; a false step keeps the states and its output is zero.
        reverse: from the last step to the first; outputs stay in input order.
    """
    outputs = []
    # unbind, not inputs[:, t]: its backward makes one tensor, not T tensors of full size
    columns = list(enumerate(inputs.unbind(1)))
    for t, column in reversed(columns) if reverse else columns:
        output, new = step(column, states)
        if valid is not None:
            old = states if states is not None else tuple(torch.zeros_like(s) for s in new)
            new = tuple(_where(valid[:, t], n, o) for n, o in zip(new, old, strict=True))
            output = _where(valid[:, t], output, torch.zeros_like(output))
        outputs.append(output)
        states = new
    assert states is not None  # T is at least 1
    return torch.stack(outputs[::-1] if reverse else outputs, dim=1), states


def _where(rows: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    return torch.where(rows.view(-1, *[1] * (yes.dim() - 1)), yes, no)


def without_padding(x: Tensor, valid: Tensor | None) -> Tensor:
    """Return `x` with zeros where a step does not count, so that no NaN there can spread."""
    if valid is None:
        return x
    return x.masked_fill(~valid.view(*valid.shape, *[1] * (x.dim() - 2)), 0)


def run(case: Case) -> tuple[Tensor, States]:
    """Compute the case layer by layer, direction by direction, step by step."""
    if case.batch_sizes is not None:
        return run_padded(run, case, case.batch_sizes)
    case = case.looked_up()
    if case.time_major:
        y, states = run(case._replace(x=case.x.transpose(0, 1), time_major=False))
        return y.transpose(0, 1), states
    valid = valid_steps(case.lengths, case.mask, case.x.shape[1], case.x.device)
    D = 2 if case.bidirectional else 1
    weights = list(case.weights())
    y, finals = without_padding(case.x, valid), []
    for layer in range(case.layers):
        if layer and case.dropout:
            y = dropout(y, case.dropout)
        halves = []
        for k in range(layer * D, layer * D + D):
            half, final = _run_direction(case, y, k, weights[k], valid, case.reverse or k % D == 1)
            halves.append(half)
            finals.append(final)
        y = torch.cat(halves, dim=-1)
    return y, tuple(torch.stack(state) for state in zip(*finals, strict=True))


def _run_direction(
    case: Case, x: Tensor, k: int, w: Weights, valid: Tensor | None, reverse: bool
) -> tuple[Tensor, States]:
    cell = STEPS[case.cell.name]
    drop = None if case.recurrent_dropout_masks is None else case.recurrent_dropout_masks[k]

    def step(gates_x: Tensor, states: States | None) -> tuple[Tensor, States]:
        assert states is not None  # a case always has its initial states
        new = cell(gates_x, states[0] if drop is None else states[0] * drop, states, w)
        return new[0], new

    initial = tuple(state[k] for state in case.states)
    return scan(step, linear(x, w.ih, w.bias_ih), initial, valid, reverse)
