"""Our own kernels: a layer's whole sequence in one call, forward and backward, on a CPU.

The kernels lie in `csrc/`, their operators in `operators.py`. A gradient of a gradient goes through
the reference.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import dropout, embedding, linear

from rnnkit.errors import ShapeError
from rnnkit.native_build import why_absent
from rnnkit.ops import direct
from rnnkit.ops.calls import kernels
from rnnkit.ops.case import Case, Traits, Weights, run_padded

States = tuple[Tensor, ...]

_DTYPES = (torch.float32, torch.float64)
_NONE = Weights(*[None] * 5)  # type: ignore[arg-type]  # of a direction that is not there


class _MixedDtypesError(ShapeError, RuntimeError):
    """A RuntimeError too, as PyTorch raises here."""


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
    inputs = case.x if case.table is None else case.table
    for tensor in (*case.flat_weights, *case.states):
        if tensor.dtype != inputs.dtype:
            raise _MixedDtypesError(
                f"x and the parameters must have one dtype, got {_name(inputs.dtype)} and "
                f"{_name(tensor.dtype)}; convert one"
            )
    D = 2 if case.bidirectional else 1
    weights = list(case.weights())
    masks = case.recurrent_dropout_masks
    keep = torch.is_grad_enabled() and any(
        tensor.requires_grad
        for tensor in (inputs, *case.flat_weights, *case.states, *(masks or ()))
    )
    rows = None if case.table is None else _distinct(case.x, case.table, len(weights[0].ih))
    if rows is None:
        case = case.looked_up()
    y, finals = case.x, []
    for layer in range(case.layers):
        if layer and case.dropout:
            y = _dropout(y, case.dropout)
        k = layer * D
        one, other = weights[k], weights[k + 1] if D == 2 else _NONE
        x, x_back, tokens = y, None, None
        if layer == 0 and rows is not None:
            tokens, table = rows
            x = linear(table, one.ih, one.bias_ih)
            x_back = linear(table, other.ih, other.bias_ih) if D == 2 else None
            # They are in x; the operator gets none.
            one, other = (w._replace(ih=None, bias_ih=None) for w in (one, other))  # type: ignore[arg-type]
        states = [state if case.layers == 1 else state[k : k + D] for state in case.states]
        y, h_n, c_n = direct.layer(
            x,
            x_back,
            states[0],
            states[1] if len(states) == 2 else None,
            *one[:4],
            *other[:4],
            None if masks is None else masks[k],
            None if masks is None or D == 1 else masks[k + 1],
            tokens,
            case.lengths,
            case.mask,
            case.cell.name,
            case.time_major,
            case.reverse,
            keep,
        )
        finals.append((h_n,) if c_n is None or len(states) == 1 else (h_n, c_n))
    if case.layers == 1:
        return y, finals[0]
    return y, tuple(torch.cat(state) for state in zip(*finals, strict=True))


def _dropout(y: Tensor, p: float) -> Tensor:
    """Return `y` with elements dropped, in a sixth of the time that torch's dropout takes on a CPU.

    Torch draws a number for each element; here 64 random bits serve four, so that p is rounded to a
    65,536th. What is kept is scaled by the probability that was drawn with.
    """
    limit = round(p * 65536)
    if limit == 65536:
        return dropout(y, 1.0)
    bits = torch.empty(-(-y.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    kept = bits.view(torch.int16)[: y.numel()].view(y.shape) >= limit - 32768
    scaled: Tensor = torch.ops.aten.native_dropout_backward(y, kept, 65536 / (65536 - limit))
    return scaled


def _distinct(indices: Tensor, table: Tensor, gates: int) -> tuple[Tensor, Tensor] | None:
    """Return indices into the rows of `table` that occur, and these rows; `None` if it costs more.

    The gates' input is then computed once for each row that occurs. In training the gradients of
    equal rows have to be summed, as wide as all gates: measured, a third of distinct rows is where
    that begins to pay, half where the gates are no wider than the rows.
    """
    if torch.compiler.is_compiling():  # how many are distinct is not known
        return None
    limit = indices.numel() // (2 if gates <= table.shape[1] else 3)
    if len(table) <= limit:
        return indices, table
    occurs = torch.zeros(len(table), dtype=torch.int64)
    occurs[indices.flatten()] = 1
    rows = occurs.nonzero()[:, 0]
    if len(rows) > limit:
        return None
    return (occurs.cumsum(0) - 1)[indices], embedding(rows, table)
