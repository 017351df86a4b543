"""One recurrence to compute, in the form that every backend takes, and the checks on the way in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from rnnkit.errors import ShapeError
from rnnkit.ops.spec import CellSpec


class Weights(NamedTuple):
    """The parameters of one layer in one direction; G and their order are the cell's."""

    ih: Tensor  # (G * H, I)
    hh: Tensor  # (G * H, H), or (G * H, P) under a projection
    bias_ih: Tensor | None  # (G * H)
    bias_hh: Tensor | None  # (G * H)
    hr: Tensor | None  # (P, H): LSTM's projection of the output, if it has one


class Traits(NamedTuple):
    """What a case asks of a backend: enough to know, without tensors, which one can serve.

    Args:
        cell: the cell of every layer.
        recurrent_dropout: whether h is masked where it enters the recurrent product.
        projection: whether LSTM's output is projected.
        device: the device's type, such as "cpu".
        dtype: of x and the parameters.
    """

    cell: CellSpec
    recurrent_dropout: bool
    projection: bool
    device: str
    dtype: torch.dtype


class Case(NamedTuple):
    """A stack of layers over a batch, with everything already checked.

    Args:
        cell: the cell of every layer.
        x: `(B, T, I)`; `(T, B, I)` where `time_major`, and then the outputs are `(T, B, D * H)`;
            with `batch_sizes`, the `(N, I)` data of a PackedSequence; with `table`, int64 `(B, T)`
            or `(T, B)`, the rows of `table` that the steps read.
        states: the initial states in the cell's order, each `(L * D, B, H)`.
        flat_weights: the parameters in torch's order: per layer, per direction, then as `Weights`.
        bias: whether `flat_weights` holds biases.
        time_major: whether time comes before the batch in `x`.
        projection: whether `flat_weights` holds LSTM's `hr`.
        layers: L.
        bidirectional: whether D is 2.
        reverse: run from the last step to the first; only where D is 1.
        dropout: between layers, in `0..1`; 0 outside training.
        lengths: `(B,)` int64, steps of each row that count; `None` for all.
        mask: `(B, T)` bool, true where a step counts; `None` for all.
        recurrent_dropout_masks: `L * D` times `(B, H)`, scaled; `None` for none.
        batch_sizes: `(T,)` int64 of a PackedSequence; then no lengths, mask or reverse.
        table: `(V, I)`, such as the weights of an embedding; `None` where x holds the inputs.
    """

    cell: CellSpec
    x: Tensor
    states: tuple[Tensor, ...]
    flat_weights: Sequence[Tensor]
    bias: bool
    time_major: bool = False
    projection: bool = False
    layers: int = 1
    bidirectional: bool = False
    reverse: bool = False
    dropout: float = 0.0
    lengths: Tensor | None = None
    mask: Tensor | None = None
    recurrent_dropout_masks: Sequence[Tensor] | None = None
    batch_sizes: Tensor | None = None
    table: Tensor | None = None

    def traits(self) -> Traits:
        """Return what this case asks of a backend."""
        return Traits(
            self.cell,
            self.recurrent_dropout_masks is not None,
            self.projection,
            self.x.device.type,
            self.x.dtype if self.table is None else self.table.dtype,
        )

    def looked_up(self) -> Case:
        """Return the same case with the rows of `table` in x."""
        if self.table is None:
            return self
        return self._replace(x=embedding(self.x, self.table), table=None)

    def weights(self) -> Iterator[Weights]:
        """Yield the parameters of each layer and direction, in the order of the states."""
        flat = iter(self.flat_weights)
        for _ in range(self.layers * (2 if self.bidirectional else 1)):
            ih, hh = next(flat), next(flat)
            bias_ih, bias_hh = (next(flat), next(flat)) if self.bias else (None, None)
            yield Weights(ih, hh, bias_ih, bias_hh, next(flat) if self.projection else None)


def run_padded(
    run: Callable[[Case], tuple[Tensor, tuple[Tensor, ...]]], case: Case, batch_sizes: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Compute a packed case by a `run` that takes padded ones."""
    x, lengths = pad_packed_sequence(PackedSequence(case.x, batch_sizes), batch_first=True)
    y, states = run(case._replace(x=x, lengths=lengths, batch_sizes=None, time_major=False))
    return pack_padded_sequence(y, lengths, batch_first=True).data, states


def check_table(indices: Tensor, table: Tensor) -> Tensor:
    """Return `indices` as int64 after checking that they are rows of `table`.

    Raises:
        ShapeError: unless table is `(V, I)` and indices are whole numbers in `0..V-1`.
    """
    if not isinstance(indices, Tensor) or not isinstance(table, Tensor):
        raise ShapeError(
            "in place of x, give (indices, table) as two tensors, got "
            f"({type(indices).__name__}, {type(table).__name__})"
        )
    if table.dim() != 2:
        raise ShapeError(f"table must be (V, I), got shape {tuple(table.shape)}")
    if indices.is_floating_point() or indices.is_complex() or indices.dtype == torch.bool:
        raise ShapeError(
            f"indices must be whole numbers, got {indices.dtype}; is the order (indices, table)?"
        )
    if indices.numel() and not torch.compiler.is_compiling():
        low, high = (int(end) for end in indices.aminmax())
        if low < 0 or high >= len(table):
            raise ShapeError(
                f"indices must lie in 0..{len(table) - 1}, the rows of table, got "
                f"{low if low < 0 else high}"
            )
    return indices.long()


def check_lengths(
    lengths: Tensor | Sequence[int] | None, mask: Tensor | None, B: int, T: int
) -> tuple[Tensor | None, Tensor | None]:
    """Return lengths and mask as tensors of the right shape and type.

    Raises:
        ShapeError: unless lengths are B whole numbers in `0..T` and mask is bool `(B, T)`.
    """
    if lengths is not None:
        lengths = torch.as_tensor(lengths)
        if lengths.shape != (B,):
            raise ShapeError(
                f"lengths must be ({B},), one for each row, got {tuple(lengths.shape)}"
            )
        if lengths.is_floating_point() or lengths.dtype == torch.bool:
            raise ShapeError(
                f"lengths must be whole numbers, got {lengths.dtype}; use lengths.long()"
            )
        lengths = lengths.long()
        if B and (int(lengths.min()) < 0 or int(lengths.max()) > T):
            raise ShapeError(f"lengths must lie in 0..{T}, got {lengths.tolist()}")
    if mask is not None:
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
            got = getattr(mask, "dtype", type(mask).__name__)
            raise ShapeError(f"mask must be a bool tensor, got {got}; use mask.bool()")
        if mask.shape != (B, T):
            raise ShapeError(f"mask must be (B, T) = {(B, T)}, got {tuple(mask.shape)}")
    return lengths, mask


def valid_steps(
    lengths: Tensor | None, mask: Tensor | None, T: int, device: torch.device
) -> Tensor | None:
    """Return `(B, T)` bool, true where lengths and mask both let a step count; `None` for all."""
    mask = None if mask is None else mask.to(device)
    if lengths is None:
        return mask
    within = torch.arange(T, device=device) < lengths.to(device)[:, None]
    return within if mask is None else within & mask


def one_direction(
    cell: CellSpec,
    x: Tensor | tuple[Tensor, Tensor],
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    states: Sequence[Tensor | None],
    *,
    lengths: Tensor | Sequence[int] | None,
    mask: Tensor | None,
    reverse: bool,
    recurrent_dropout_mask: Tensor | None,
) -> Case:
    """Return the checked case of one layer in one direction: what the public ops take.

    Raises:
        ShapeError: if a shape or dtype does not fit `x`, naming the argument.
    """
    indices, table = x if isinstance(x, tuple) else (None, None)
    if indices is not None and table is not None:
        indices = check_table(indices, table)
        if indices.dim() != 2 or indices.shape[1] == 0:
            got = tuple(indices.shape)
            raise ShapeError(f"indices must be (B, T) with T at least 1, got shape {got}")
        x, shape = table, (*indices.shape, table.shape[1])
    else:
        assert isinstance(x, Tensor)
        if x.dim() != 3 or x.shape[1] == 0:
            raise ShapeError(f"x must be (B, T, I) with T at least 1, got shape {tuple(x.shape)}")
        shape = x.shape
    if weight_hh.dim() != 2:
        raise ShapeError(f"weight_hh must be (G * H, H), got shape {tuple(weight_hh.shape)}")
    B, T, I = shape  # noqa: E741
    G, H = len(cell.gates), weight_hh.shape[-1]
    _check("weight_ih", weight_ih, (G * H, I), x)
    _check("weight_hh", weight_hh, (G * H, H), x)
    _check("bias_ih", bias_ih, (G * H,), x)
    _check("bias_hh", bias_hh, (G * H,), x)
    _check("recurrent_dropout_mask", recurrent_dropout_mask, (B, H), x)
    for name, state in zip(cell.states, states, strict=True):
        _check(f"{name}0", state, (B, H), x)
    lengths, mask = check_lengths(lengths, mask, B, T)
    weights = [weight_ih, weight_hh]
    if bias_ih is not None or bias_hh is not None:
        none = x.new_zeros(G * H)
        weights += [none if bias_ih is None else bias_ih, none if bias_hh is None else bias_hh]
    zeros = x.new_zeros(1, B, H)
    return Case(
        cell=cell,
        x=x if indices is None else indices,
        table=table,
        states=tuple(zeros if state is None else state[None] for state in states),
        flat_weights=weights,
        bias=len(weights) > 2,
        reverse=reverse,
        lengths=lengths,
        mask=mask,
        recurrent_dropout_masks=(
            None if recurrent_dropout_mask is None else [recurrent_dropout_mask]
        ),
    )


def _check(name: str, tensor: Tensor | None, shape: tuple[int, ...], x: Tensor) -> None:
    if tensor is None:
        return
    if tensor.shape != shape:
        raise ShapeError(f"{name} must be {shape}, got {tuple(tensor.shape)}")
    if tensor.dtype != x.dtype:
        raise ShapeError(f"{name} must be {x.dtype} like x, got {tensor.dtype}; convert one")
