"""One step at a time: drop-ins for the cells of torch.nn."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import linear

from rnnkit.errors import ConfigError, ShapeError
from rnnkit.layers.drop_in import (
    ConfigRuntimeError,
    ConfigTypeError,
    ShapeRuntimeError,
    ShapeTypeError,
)
from rnnkit.ops.case import Weights
from rnnkit.ops.reference import gru_reset_before


class _Cell(nn.RNNCellBase):
    """The checks that the three cells share, with torch's texts."""

    def __init__(self, input_size: int, hidden_size: int, *rest: Any) -> None:
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
            if not isinstance(size, int):
                raise ConfigTypeError(f"{name} should be of type int, got: {type(size).__name__}")
            if size < 0:
                raise ConfigRuntimeError(f"{name} must not be negative, got {size}")
        super().__init__(input_size, hidden_size, *rest)

    def _check(self, name: str, input: Tensor, states: tuple[Tensor, ...]) -> None:
        if input.dim() not in (1, 2):
            raise ShapeError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for index, state in enumerate(states):
            if state.dim() not in (1, 2):
                what = f"hx[{index}]" if name == "LSTMCell" else "hidden"
                raise ShapeError(
                    f"{name}: Expected {what} to be 1D or 2D, got {state.dim()}D instead"
                )
        if input.size(-1) != self.input_size:
            raise ShapeRuntimeError(
                f"input has inconsistent input_size: got {input.size(-1)} "
                f"expected {self.input_size}"
            )
        for index, state in enumerate(states):
            batched = state if input.dim() == 2 else state.unsqueeze(0)
            if input.dim() == 2 and batched.size(0) != input.size(0):
                raise ShapeRuntimeError(
                    f"Input batch size {input.size(0)} doesn't match hidden{index} batch size "
                    f"{batched.size(0)}"
                )
            if batched.dim() != 2 or batched.size(1) != self.hidden_size:
                got = batched.size(1) if batched.dim() > 1 else tuple(batched.shape)
                raise ShapeRuntimeError(
                    f"hidden{index} has inconsistent hidden_size: got {got}, "
                    f"expected {self.hidden_size}"
                )


class SimpleRNNCell(_Cell, nn.RNNCell):
    """One step of Elman's network: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.

    A drop-in for `torch.nn.RNNCell`; the source is named at `rnnkit.layers.SimpleRNN`.

    Args:
        input_size: I.
        hidden_size: H.
        bias: whether there are biases, default true.
        nonlinearity: "tanh" (default) or "relu".
        device: where the parameters live.
        dtype: of the parameters and the inputs.

    Call arguments:
        input: `(B, I)`, or `(I,)` without a batch.
        hx: the state h, `(B, H)` or `(H,)`; default zeros.

    Returns:
        The next state, of the shape of `hx`.

    Raises:
        ConfigError: for a wrong size, or if there is no such nonlinearity.
        ShapeError: for a wrong shape (also RuntimeError where torch raises that).

    Example:
        >>> import torch
        >>> cell, h = SimpleRNNCell(3, 5), None
        >>> for x_t in torch.randn(7, 2, 3):
        ...     h = cell(x_t, h)
        >>> h.shape
        torch.Size([2, 5])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ConfigError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(input_size, hidden_size, bias, nonlinearity, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the next state."""
        self._check("RNNCell", input, () if hx is None else (hx,))
        return super().forward(input, hx)


class LSTMCell(_Cell, nn.LSTMCell):
    """One step of long short-term memory; the equations stand at `rnnkit.layers.LSTM`.

    A drop-in for `torch.nn.LSTMCell`.

    Args:
        input_size: I.
        hidden_size: H.
        bias: whether there are biases, default true.
        device: where the parameters live.
        dtype: of the parameters and the inputs.

    Call arguments:
        input: `(B, I)`, or `(I,)` without a batch.
        hx: the pair (h, c), `(B, H)` or `(H,)` each; default zeros.

    Returns:
        The next pair (h, c).

    Raises:
        ConfigError: for a wrong size.
        ShapeError: for a wrong shape (also RuntimeError or TypeError where torch raises that).

    Example:
        >>> import torch
        >>> h, c = LSTMCell(3, 5)(torch.randn(2, 3))
        >>> h.shape, c.shape
        (torch.Size([2, 5]), torch.Size([2, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the next states (h, c)."""
        if isinstance(hx, Tensor):
            raise ShapeTypeError("LSTMCell: hx must be a tuple (h_0, c_0) of Tensors, got a Tensor")
        if hx is not None and len(hx) != 2:
            raise ShapeRuntimeError("lstm_cell expects two hidden states")
        self._check("LSTMCell", input, () if hx is None else hx)
        return super().forward(input, hx)


class GRUCell(_Cell, nn.GRUCell):
    """One step of a gated recurrent unit; the equations stand at `rnnkit.layers.GRU`.

    A drop-in for `torch.nn.GRUCell`.

    Args:
        input_size: I.
        hidden_size: H.
        bias: whether there are biases, default true.
        device: where the parameters live.
        dtype: of the parameters and the inputs.
        reset_after: reset after the product, as torch does (default), or before it.

    Call arguments:
        input: `(B, I)`, or `(I,)` without a batch.
        hx: the state h, `(B, H)` or `(H,)`; default zeros.

    Returns:
        The next state, of the shape of `hx`.

    Raises:
        ConfigError: for a wrong size.
        ShapeError: for a wrong shape (also RuntimeError where torch raises that).

    Example:
        >>> import torch
        >>> GRUCell(3, 5, reset_after=False)(torch.randn(2, 3)).shape
        torch.Size([2, 5])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        reset_after: bool = True,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.reset_after = reset_after

    def extra_repr(self) -> str:
        """Return torch's text, and `reset_after` where it is not torch's."""
        return super().extra_repr() + ("" if self.reset_after else ", reset_after=False")

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the next state."""
        self._check("GRUCell", input, () if hx is None else (hx,))
        if self.reset_after:
            return super().forward(input, hx)
        h = input.new_zeros(*input.shape[:-1], self.hidden_size) if hx is None else hx
        weights = Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, None)
        return gru_reset_before(linear(input, weights.ih, weights.bias_ih), h, (h,), weights)[0]
