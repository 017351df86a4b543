"""The forward pass of the recurrent layers: checks, states, packed input, one call into the ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout as draw_dropout
from torch.nn.utils.rnn import PackedSequence

from rnnkit.errors import ConfigError, ShapeError
from rnnkit.layers.drop_in import ShapeRuntimeError, ShapeTypeError
from rnnkit.ops.case import Case, Traits, check_lengths, check_table
from rnnkit.ops.dispatch import check_backend, run
from rnnkit.ops.spec import CELLS, CellSpec

States = tuple[Tensor, ...]


class Recurrent(nn.RNNBase):
    """The forward pass that the three layers share, over the parameters of torch's base class."""

    recurrent_dropout: float
    backend: str

    @property
    def cell(self) -> CellSpec:
        """The cell that every layer of the stack runs."""
        return CELLS[self.mode.lower()]

    def traits(self) -> Traits:
        """Return what a forward pass would ask of a backend now."""
        weight = self.get_parameter("weight_hh_l0")
        return Traits(
            self.cell,
            self.training and self.recurrent_dropout > 0,
            self.proj_size > 0,
            weight.device.type,
            weight.dtype,
        )

    def extra_repr(self) -> str:
        """Return torch's text and what differs from the defaults beyond it."""
        text = super().extra_repr()
        if self.recurrent_dropout:
            text += f", recurrent_dropout={self.recurrent_dropout}"
        if self.backend != "auto":
            text += f", backend={self.backend!r}"
        return text

    def _weights_have_changed(self) -> bool:
        # torch looks each weight up by hasattr and getattr, at every call: as long as a small step.
        held = self._parameters
        for name, ref in zip(self._flat_weights_names, self._flat_weight_refs, strict=False):
            if ref is None or ref() is not held.get(name):
                return super()._weights_have_changed()  # type: ignore[no-untyped-call, no-any-return]
        return False

    def forward(
        self,
        input: Tensor | PackedSequence | tuple[Tensor, Tensor],
        hx: Any = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Any, Any]:
        """Run the stack; see the class for arguments and results."""
        if not torch.compiler.is_exporting():  # which takes no attribute that changes
            self._update_flat_weights()
        if isinstance(input, PackedSequence):
            if lengths is not None or mask is not None:
                raise ShapeError(
                    "a PackedSequence carries its lengths; pass lengths or mask "
                    "with a padded tensor only"
                )
            return self._packed(input, hx)
        rows = None
        if isinstance(input, tuple) and len(input) == 2:
            rows = check_table(*input), input[1]
            if rows[0].dim() != 2:
                raise ShapeError(
                    "with a table, indices must be 2-D, a row for each sequence, got shape "
                    f"{tuple(rows[0].shape)}"
                )
            # of the shape that the rows would have, without them
            input = rows[1].new_empty(1).expand(*rows[0].shape, rows[1].shape[1])
        if not isinstance(input, Tensor):
            raise ShapeTypeError(
                f"{self._torch_name()}: input must be a Tensor, a PackedSequence or "
                f"(indices, table), got {type(input).__name__}"
            )
        if input.dim() not in (2, 3):
            got = f"{input.dim()}D tensor" if self._torch_name() == "RNN" else f"{input.dim()}D"
            raise ShapeError(
                f"{self._torch_name()}: Expected input to be 2D or 3D, got {got} instead"
            )
        batched = input.dim() == 3
        if not batched and (lengths is not None or mask is not None):
            raise ShapeError("lengths and mask need a batch: input must be 3-D, got 2-D")
        batch_dim = 0 if self.batch_first else 1
        x = input if batched else input.unsqueeze(batch_dim)
        states = self._states(hx, x, x.size(batch_dim))
        if hx is not None:
            states = _with_batch(states, batched)
        self._check(x, states, None)
        B, T = x.size(batch_dim), x.size(1 - batch_dim)
        if T == 0:
            raise ShapeRuntimeError("Expected sequence length to be larger than 0 in RNN")
        lengths, mask = check_lengths(lengths, mask, B, T)
        case = self._case(x, states, lengths=lengths, mask=mask)
        if rows is not None:
            case = case._replace(x=rows[0], table=rows[1])
        y, states = run(case, self.backend)
        if not batched:
            y = y.squeeze(batch_dim)
            states = tuple(state.squeeze(1) for state in states)
        return y, states if len(states) > 1 else states[0]

    def _packed(self, packed: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        x, batch_sizes, sorted_indices, unsorted_indices = packed
        states = self._states(hx, x, int(batch_sizes[0]))
        self._check(x, states, batch_sizes)
        if hx is not None and sorted_indices is not None:
            states = tuple(state.index_select(1, sorted_indices) for state in states)
        y, states = run(self._case(x, states, batch_sizes=batch_sizes), self.backend)
        if unsorted_indices is not None:
            states = tuple(state.index_select(1, unsorted_indices) for state in states)
        output = PackedSequence(y, batch_sizes, sorted_indices, unsorted_indices)
        return output, states if len(states) > 1 else states[0]

    def _torch_name(self) -> str:
        return self.mode.split("_")[0]

    def _states(self, hx: Any, x: Tensor, B: int) -> States:
        """Return the initial states, the caller's or zeros, as a tuple."""
        two = len(self.cell.states) == 2
        if hx is None:
            LD = self.num_layers * (2 if self.bidirectional else 1)
            zeros = x.new_zeros(LD, B, self.hidden_size)
            if not two:
                return (zeros,)
            return (x.new_zeros(LD, B, self.proj_size) if self.proj_size else zeros), zeros
        states = tuple(hx) if two and isinstance(hx, (tuple, list)) else (hx,)
        if len(states) != len(self.cell.states) or not all(isinstance(s, Tensor) for s in states):
            expected = "a tuple (h_0, c_0) of Tensors" if two else "a Tensor"
            raise ShapeTypeError(
                f"{self._torch_name()}: hx must be {expected}, got {type(hx).__name__}"
            )
        return states

    def _check(self, x: Tensor, states: States, batch_sizes: Tensor | None) -> None:
        try:
            if len(states) == 1:
                self.check_forward_args(x, states[0], batch_sizes)
                return
            self.check_input(x, batch_sizes)
            h_size = self.get_expected_hidden_size(x, batch_sizes)
            c_size = (*h_size[:2], self.hidden_size)
            for k, (state, size) in enumerate(zip(states, (h_size, c_size), strict=True)):
                self.check_hidden_size(state, size, f"Expected hidden[{k}] size {{}}, got {{}}")
        except ValueError as error:
            raise ShapeError(str(error)) from error
        except RuntimeError as error:
            raise ShapeRuntimeError(str(error)) from error

    def _weights(self) -> list[Tensor]:
        if torch.compiler.is_exporting():
            return [getattr(self, name) for name in self._flat_weights_names]
        return self._flat_weights  # type: ignore[return-value]  # None only half-built

    def _case(
        self,
        x: Tensor,
        states: States,
        *,
        lengths: Tensor | None = None,
        mask: Tensor | None = None,
        batch_sizes: Tensor | None = None,
    ) -> Case:
        masks = None
        if self.training and self.recurrent_dropout > 0:
            masks = draw_dropout(torch.ones_like(states[0]), self.recurrent_dropout).unbind()
        return Case(
            cell=self.cell,
            x=x,
            states=states,
            flat_weights=self._weights(),
            bias=self.bias,
            time_major=not self.batch_first,
            projection=self.proj_size > 0,
            layers=self.num_layers,
            bidirectional=self.bidirectional,
            dropout=self.dropout if self.training else 0.0,
            lengths=lengths,
            mask=mask,
            recurrent_dropout_masks=masks,
            batch_sizes=batch_sizes,
        )


def check_extras(num_layers: int, dropout: float, recurrent_dropout: float, backend: str) -> None:
    """Raise ConfigError for what rnnkit adds to torch's constructors, or refuses."""
    is_number = isinstance(dropout, (int, float)) and not isinstance(dropout, bool)
    if is_number and 0 < dropout <= 1 and num_layers == 1:
        raise ConfigError(
            f"dropout={dropout} acts between layers and would do nothing with num_layers=1; "
            "use more layers, or recurrent_dropout"
        )
    if isinstance(recurrent_dropout, bool) or not (
        isinstance(recurrent_dropout, (int, float)) and 0 <= recurrent_dropout < 1
    ):
        raise ConfigError(
            "recurrent_dropout must be a probability at least 0 and below 1, got "
            f"{recurrent_dropout!r}"
        )
    check_backend(backend)


def _with_batch(states: States, batched: bool) -> States:
    """Return states `(L * D, B, H)`, whose batch is missing unless `batched`."""
    dims = 3 if batched else 2
    if any(state.dim() != dims for state in states):
        kind = "batched 3-D" if batched else "unbatched 2-D"
        what = "hx and cx" if len(states) > 1 else "hx"
        got = ", ".join(f"{state.dim()}-D" for state in states)
        got = f"({got}) tensors" if len(states) > 1 else f"{got} tensor"
        raise ShapeRuntimeError(f"For {kind} input, {what} should also be {dims}-D but got {got}")
    return states if batched else tuple(state.unsqueeze(1) for state in states)
