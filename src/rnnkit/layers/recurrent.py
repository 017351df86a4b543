"""SimpleRNN, LSTM and GRU: what torch.nn has, plus lengths, masks and recurrent dropout.

They derive from torch.nn's classes, which own the parameters: names, initialisation, state dict,
copying and flattening are theirs. The forward pass is ours and goes through `rnnkit.ops`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout as draw_dropout
from torch.nn.utils.rnn import PackedSequence

from rnnkit.errors import ConfigError, ShapeError
from rnnkit.layers.drop_in import ShapeRuntimeError, ShapeTypeError, constructor_errors
from rnnkit.ops.case import Case, Traits, check_lengths
from rnnkit.ops.dispatch import check_backend, run
from rnnkit.ops.spec import CELLS, CellSpec

States = tuple[Tensor, ...]


class _Recurrent(nn.RNNBase):
    """The forward pass that the three layers share."""

    recurrent_dropout: float
    backend: str

    @property
    def cell(self) -> CellSpec:
        """The cell that every layer of the stack runs."""
        return CELLS[self.mode.lower()]

    def traits(self) -> Traits:
        """Return what a forward pass would ask of a backend now."""
        return Traits(self.cell, self.training and self.recurrent_dropout > 0)

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
        input: Tensor | PackedSequence,
        hx: Any = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Any, Any]:
        """Run the stack; see the class for arguments and results."""
        self._update_flat_weights()
        if isinstance(input, PackedSequence):
            if lengths is not None or mask is not None:
                raise ShapeError(
                    "a PackedSequence carries its lengths; pass lengths or mask "
                    "with a padded tensor only"
                )
            return self._packed(input, hx)
        if not isinstance(input, Tensor):
            raise ShapeTypeError(
                f"{self._torch_name()}: input must be a Tensor or a PackedSequence, got "
                f"{type(input).__name__}"
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
        states = self._states(hx, x, x.size(batch_dim), batched)
        self._check(x, states, None)
        B, T = x.size(batch_dim), x.size(1 - batch_dim)
        if T == 0:
            raise ShapeRuntimeError("Expected sequence length to be larger than 0 in RNN")
        lengths, mask = check_lengths(lengths, mask, B, T)
        y, states = run(self._case(x, states, lengths=lengths, mask=mask), self.backend)
        if not batched:
            y = y.squeeze(batch_dim)
            states = tuple(state.squeeze(1) for state in states)
        return y, states if len(states) > 1 else states[0]

    def _packed(self, packed: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        x, batch_sizes, sorted_indices, unsorted_indices = packed
        states = self._states(hx, x, int(batch_sizes[0]), batched=True)
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

    def _states(self, hx: Any, x: Tensor, B: int, batched: bool) -> States:
        """Return the initial states as `(L * D, B, H)`: the caller's, or zeros."""
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
        dims = 3 if batched else 2
        if any(state.dim() != dims for state in states):
            kind = "batched 3-D" if batched else "unbatched 2-D"
            what = "hx and cx" if two else "hx"
            got = ", ".join(f"{state.dim()}-D" for state in states)
            got = f"({got}) tensors" if two else f"{got} tensor"
            raise ShapeRuntimeError(
                f"For {kind} input, {what} should also be {dims}-D but got {got}"
            )
        return states if batched else tuple(state.unsqueeze(1) for state in states)

    def _check(self, x: Tensor, states: States, batch_sizes: Tensor | None) -> None:
        try:
            hidden: Any = states if len(states) > 1 else states[0]
            self.check_forward_args(x, hidden, batch_sizes)
        except ValueError as error:
            raise ShapeError(str(error)) from error
        except RuntimeError as error:
            raise ShapeRuntimeError(str(error)) from error

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
            flat_weights=self._flat_weights,  # type: ignore[arg-type]  # None only half-built
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


def _check_extras(num_layers: int, dropout: float, recurrent_dropout: float, backend: str) -> None:
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


class SimpleRNN(_Recurrent, nn.RNN):
    """Elman's network: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu, in layers."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        recurrent_dropout: float = 0.0,
        backend: str = "auto",
        **refused: Any,
    ) -> None:
        _check_extras(num_layers, dropout, recurrent_dropout, backend)
        with constructor_errors():
            super().__init__(
                input_size,
                hidden_size,
                num_layers,
                nonlinearity,
                bias,
                batch_first,
                dropout,
                bidirectional,
                device=device,
                dtype=dtype,
                **refused,
            )
        self.recurrent_dropout = recurrent_dropout
        self.backend = backend


class LSTM(_Recurrent, nn.LSTM):
    """Long short-term memory, in layers."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
        *,
        recurrent_dropout: float = 0.0,
        backend: str = "auto",
    ) -> None:
        _check_extras(num_layers, dropout, recurrent_dropout, backend)
        with constructor_errors():
            super().__init__(
                input_size,
                hidden_size,
                num_layers,
                bias,
                batch_first,
                dropout,
                bidirectional,
                proj_size,
                device=device,
                dtype=dtype,
            )
        self.recurrent_dropout = recurrent_dropout
        self.backend = backend


class GRU(_Recurrent, nn.GRU):
    """Gated recurrent units, in layers."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        backend: str = "auto",
        **refused: Any,
    ) -> None:
        _check_extras(num_layers, dropout, recurrent_dropout, backend)
        with constructor_errors():
            super().__init__(
                input_size,
                hidden_size,
                num_layers,
                bias,
                batch_first,
                dropout,
                bidirectional,
                device=device,
                dtype=dtype,
                **refused,
            )
        self.recurrent_dropout = recurrent_dropout
        self.reset_after = reset_after
        self.backend = backend

    @property
    def cell(self) -> CellSpec:
        """The cell that every layer of the stack runs."""
        return CELLS["gru" if self.reset_after else "gru_reset_before"]

    def extra_repr(self) -> str:
        """Return torch's text and what differs from the defaults beyond it."""
        return super().extra_repr() + ("" if self.reset_after else ", reset_after=False")
