"""RNN: any cell, or stack of cells, run over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rnnkit.errors import ShapeError
from rnnkit.layers.drop_in import ConfigTypeError, ShapeTypeError
from rnnkit.ops.case import check_lengths, valid_steps
from rnnkit.ops.reference import scan, without_padding

States = tuple[Tensor, ...]


class RNN(nn.Module):
    """Runs a cell, or a stack of cells, over the steps of a batch.

    A cell is a module called as `cell(x, state)` with one step's input `(B, ...)` and its state, a
    tensor or a tuple of tensors; `None` at the first step when no state was given, which must mean
    zeros. It returns

    - its new state, as torch.nn's cells do; the output is then the state, or its first tensor; or
    - a pair `(output, state)`, told from a state by this: its second item is a tuple. So a cell
      whose output differs from its only state tensor `h` returns `(output, (h,))`.

    Args:
        cell: the cell, or a sequence of cells of which each reads the outputs of the one before.
        batch_first: whether inputs and outputs are `(B, T, ...)` rather than `(T, B, ...)`.
        reverse: run each row from its last step that counts to its first; outputs stay in the
            order of the inputs.

    Call arguments:
        input: `(T, B, ...)`, or `(B, T, ...)` with `batch_first`; T at least 1.
        hx: the initial state in the cell's form, default `None`; for a sequence of cells, a
            sequence of their states.
        lengths: `(B,)` in `0..T`, default all T; steps at or beyond a row's length are not run.
        mask: `(B, T)` bool, default all true; a false step carries the state on.

    Returns:
        The outputs, zero at every step that was not run, and the state after the last step run; for
        a sequence of cells, a tuple of states.

    Raises:
        ConfigTypeError: if `cell` is no module, or an empty sequence.
        ShapeError: if input, lengths or mask do not fit.
        ShapeTypeError: if the cell returns anything else, or changes the form of its state.

    Example:
        >>> import torch
        >>> from rnnkit.layers import LSTMCell, GRUCell
        >>> y, (h, c) = RNN(LSTMCell(3, 5), batch_first=True)(torch.ones(2, 7, 3), lengths=[7, 2])
        >>> y.shape, h.shape, y[1, 2:].abs().sum().item()
        (torch.Size([2, 7, 5]), torch.Size([2, 5]), 0.0)
        >>> y, states = RNN([LSTMCell(3, 5), GRUCell(5, 4)])(torch.ones(7, 2, 3))
        >>> y.shape, len(states)
        (torch.Size([7, 2, 4]), 2)
    """

    def __init__(
        self,
        cell: nn.Module | Sequence[nn.Module],
        *,
        batch_first: bool = False,
        reverse: bool = False,
    ) -> None:
        super().__init__()
        self.stacked = isinstance(cell, (Sequence, nn.ModuleList))
        cells = list(cell) if isinstance(cell, (Sequence, nn.ModuleList)) else [cell]
        if not cells or not all(isinstance(item, nn.Module) for item in cells):
            got = ", ".join(type(item).__name__ for item in cells) or "an empty sequence"
            raise ConfigTypeError(f"cell must be a module or a sequence of modules, got {got}")
        self.cells = nn.ModuleList(cells)
        self.batch_first = batch_first
        self.reverse = reverse

    def forward(
        self,
        input: Tensor,
        hx: Any = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Any]:
        """Run the cells over `input`; see the class."""
        time = 1 if self.batch_first else 0
        if not isinstance(input, Tensor) or input.dim() < 2 or input.size(time) == 0:
            got = tuple(input.shape) if isinstance(input, Tensor) else type(input).__name__
            raise ShapeError(
                "input must be a tensor with a batch and at least one step, "
                f"{'(B, T, ...)' if self.batch_first else '(T, B, ...)'}, got {got}"
            )
        y = input if self.batch_first else input.transpose(0, 1)
        B, T = y.shape[:2]
        lengths, mask = check_lengths(lengths, mask, B, T)
        valid = valid_steps(lengths, mask, T, y.device)
        initial = hx if self.stacked and hx is not None else [hx] * len(self.cells)
        if len(initial) != len(self.cells):
            raise ShapeError(f"hx must hold {len(self.cells)} states, got {len(initial)}")
        finals = []
        for cell, state in zip(self.cells, initial, strict=True):
            y, final = _run(cell, without_padding(y, valid), state, valid, self.reverse)
            finals.append(final)
        y = y if self.batch_first else y.transpose(0, 1)
        return y, tuple(finals) if self.stacked else finals[0]


def _run(
    cell: nn.Module, x: Tensor, state: Any, valid: Tensor | None, reverse: bool
) -> tuple[Tensor, Any]:
    one_tensor: bool | None = None if state is None else isinstance(state, Tensor)

    def step(x_t: Tensor, states: States | None) -> tuple[Tensor, States]:
        nonlocal one_tensor
        given = states[0] if states is not None and one_tensor else states
        output, new = _read(cell, cell(x_t, given))
        if one_tensor is None:
            one_tensor = isinstance(new, Tensor)
        flat = (new,) if isinstance(new, Tensor) else new
        if isinstance(new, Tensor) != one_tensor or (states and len(states) != len(flat)):
            raise ShapeTypeError(
                f"{type(cell).__name__} must return a state of the form that it was given, got "
                f"{_form(new)} for {_form(given)}; a cell whose output differs from its state h "
                "returns (output, (h,)) and is given (h,)"
            )
        return output, flat

    initial = None if state is None else (state,) if isinstance(state, Tensor) else tuple(state)
    y, final = scan(step, x, initial, valid, reverse)
    return y, final[0] if one_tensor else final


def _read(cell: nn.Module, result: Any) -> tuple[Tensor, Tensor | States]:
    """Return the output and the new state of what a cell returned."""
    if isinstance(result, Tensor):
        return result, result
    if _is_tensors(result):
        return result[0], tuple(result)
    if (
        isinstance(result, (tuple, list))
        and len(result) == 2
        and isinstance(result[0], Tensor)
        and _is_tensors(result[1])
    ):
        return result[0], tuple(result[1])
    raise ShapeTypeError(
        f"{type(cell).__name__} must return its state (a tensor or a tuple of tensors) or "
        f"(output, state) with state a tuple, got {_form(result)}"
    )


def _is_tensors(value: Any) -> bool:
    return (
        isinstance(value, (tuple, list))
        and len(value) > 0
        and all(isinstance(item, Tensor) for item in value)
    )


def _form(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"({', '.join(_form(item) for item in value)})"
    return "a tensor" if isinstance(value, torch.Tensor) else type(value).__name__
