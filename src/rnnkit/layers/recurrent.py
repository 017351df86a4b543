"""SimpleRNN, LSTM and GRU: what torch.nn has, plus lengths, masks and recurrent dropout.

They derive from torch.nn's base of the recurrent layers, which owns the parameters: names,
initialisation, state dict, copying and flattening are its. The forward pass is ours and goes
through `rnnkit.ops`. They do not derive from nn.RNN, nn.LSTM and nn.GRU: torch.compile refuses
whatever does.
"""

from __future__ import annotations

from typing import Any

from rnnkit.errors import ConfigError
from rnnkit.layers.drop_in import constructor_errors, refuse_projection
from rnnkit.layers.stack import Recurrent, check_extras
from rnnkit.ops.spec import CELLS, CellSpec


class SimpleRNN(Recurrent):
    """Layers of Elman's network: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.

    A drop-in for `torch.nn.RNN`: the same arguments in the same order, parameters, random numbers,
    results and errors. Only one thing differs: a `dropout` that would do nothing is refused.
    Elman (1990), Finding structure in time; with relu, Le et al. (2015), arXiv 1504.00941.

    Args:
        input_size: I, at least 1.
        hidden_size: H, at least 1.
        num_layers: L, at least 1, default 1; each layer reads the outputs of the one below.
        nonlinearity: "tanh" (default) or "relu".
        bias: whether there are biases, default true.
        batch_first: whether inputs and outputs are `(B, T, ...)` rather than `(T, B, ...)`.
        dropout: probability in 0..1 of dropping a layer's output on the way to the next layer, in
            training; default 0.
        bidirectional: whether a second direction reads each sequence backwards (D = 2).
        device: where the parameters live.
        dtype: of the parameters and the inputs.
        recurrent_dropout: probability in [0, 1) of dropping an element of h on its way into the
            product with W_hh, in training; default 0. One mask for each sequence, layer and
            direction serves all its steps. Gal and Ghahramani (2016), arXiv 1512.05287.
        backend: "auto" (default: the fastest that can serve), "native", "torch" or "reference".
            Gradients of gradients on a GPU need "reference": cuDNN has none.

    Call arguments:
        input: `(T, B, I)`, `(B, T, I)` with `batch_first`, `(T, I)` without a batch, or a
            PackedSequence, sorted or not. What stands at steps that do not count may be anything.
            Or a pair `(indices, table)`: whole numbers `(T, B)` or `(B, T)`, and the `(V, I)` rows
            that they name, such as an embedding's weights; the same result, faster where few of
            the rows are distinct. All indices must lie in the table.
        hx: the initial state `(L·D, B, H)` (`(L·D, H)` without a batch), default zeros.
        lengths: `(B,)` whole numbers in `0..T`, tensor or list, in any order; default all T. Steps
            at or beyond a row's length are not run.
        mask: `(B, T)` bool, also without `batch_first`; a false step is not run and carries the
            state on. Right-padded, it equals `lengths` exactly; with both, a step must satisfy
            both.

    Returns:
        The outputs of the last layer `(T, B, D·H)` (arranged as the input, a PackedSequence for a
        PackedSequence), zero at every step that was not run, and `h_n (L·D, B, H)`, the state after
        each row's last step; for a row with no step, its initial state.

    Raises:
        ConfigError: for a wrong constructor argument (also TypeError where torch raises that).
        ShapeError: for a wrong shape or dtype in the call (also RuntimeError where torch raises
            that).
        BackendError: if the backend asked for by name cannot serve.

    Example:
        >>> import torch
        >>> layer = SimpleRNN(3, 8, batch_first=True)
        >>> y, h_n = layer(torch.randn(2, 5, 3), lengths=[5, 2])
        >>> y.shape, h_n.shape, torch.equal(y[1, 1], h_n[0, 1])
        (torch.Size([2, 5, 8]), torch.Size([1, 2, 8]), True)
        >>> head, h = layer(torch.randn(2, 4, 3))  # a stream: hand the state on
        >>> tail, h = layer(torch.randn(2, 1, 3), h)
    """

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
        check_extras(num_layers, dropout, recurrent_dropout, backend)
        refuse_projection(refused)
        if nonlinearity not in ("tanh", "relu"):
            raise ConfigError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        self.nonlinearity = nonlinearity
        with constructor_errors():
            super().__init__(
                f"RNN_{nonlinearity.upper()}",
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
        self.backend = backend


class LSTM(Recurrent):
    """Layers of long short-term memory.

    With (i, f, g, o) = W_ih x + b_ih + W_hh h + b_hh: c' = σ(f) ∘ c + σ(i) ∘ tanh(g) and
    h' = σ(o) ∘ tanh(c'). Hochreiter and Schmidhuber (1997); forget gate: Gers et al. (2000);
    projection: Sak et al. (2014). A drop-in for `torch.nn.LSTM`.

    Args:
        input_size: I; see `SimpleRNN` for it and for every argument not named here.
        hidden_size: H.
        num_layers: L, default 1.
        bias: whether there are biases, default true.
        batch_first: whether inputs and outputs are `(B, T, ...)`.
        dropout: between layers, in training; default 0.
        bidirectional: whether D is 2.
        proj_size: P, the size that the output is projected to, below H; default 0 for none.
        device: where the parameters live.
        dtype: of the parameters and the inputs.
        recurrent_dropout: on h as it enters the product with W_hh, in training; default 0.
        backend: "auto", "native", "torch" or "reference".

    Call arguments:
        input, lengths, mask: as for `SimpleRNN`.
        hx: the pair (h_0, c_0), `(L·D, B, H)` each (h_0: `(L·D, B, P)` under a projection).

    Returns:
        The outputs `(T, B, D·H)` (or D·P) and the pair (h_n, c_n), as for `SimpleRNN`.

    Raises:
        ConfigError: for a wrong constructor argument.
        ShapeError: for a wrong shape or dtype in the call.
        BackendError: if the backend asked for by name cannot serve.

    Example:
        >>> import torch
        >>> y, (h_n, c_n) = LSTM(3, 8, 2, bidirectional=True)(torch.randn(5, 2, 3))
        >>> y.shape, h_n.shape, c_n.shape
        (torch.Size([5, 2, 16]), torch.Size([4, 2, 8]), torch.Size([4, 2, 8]))
    """

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
        check_extras(num_layers, dropout, recurrent_dropout, backend)
        with constructor_errors():
            super().__init__(
                "LSTM",
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


class GRU(Recurrent):
    """Layers of gated recurrent units: h' = (1 - z) ∘ n + z ∘ h.

    r = σ(W_ir x + b_ir + W_hr h + b_hr), z = σ(W_iz x + b_iz + W_hz h + b_hz), and
    n = tanh(W_in x + b_in + r ∘ (W_hn h + b_hn)), or with `reset_after=False`, as first written,
    n = tanh(W_in x + b_in + W_hn (r ∘ h) + b_hn). Cho et al. (2014), arXiv 1406.1078. A drop-in
    for `torch.nn.GRU`.

    Args:
        input_size: I; see `SimpleRNN` for it and for every argument not named here.
        hidden_size: H.
        num_layers: L, default 1.
        bias: whether there are biases, default true.
        batch_first: whether inputs and outputs are `(B, T, ...)`.
        dropout: between layers, in training; default 0.
        bidirectional: whether D is 2.
        device: where the parameters live.
        dtype: of the parameters and the inputs.
        recurrent_dropout: on h as it enters the products with W_hh, in training; default 0.
        reset_after: reset after the product, as torch and cuDNN do (default), or before it, which
            runs on the reference backend.
        backend: "auto", "native", "torch" or "reference".

    Call arguments:
        input, hx, lengths, mask: as for `SimpleRNN`.

    Returns:
        The outputs `(T, B, D·H)` and `h_n (L·D, B, H)`, as for `SimpleRNN`.

    Raises:
        ConfigError: for a wrong constructor argument.
        ShapeError: for a wrong shape or dtype in the call.
        BackendError: if the backend asked for by name cannot serve.

    Example:
        >>> import torch
        >>> y, h_n = GRU(3, 8, batch_first=True, reset_after=False)(torch.randn(2, 5, 3))
        >>> y.shape, torch.equal(y[:, -1], h_n[0])
        (torch.Size([2, 5, 8]), True)
    """

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
        check_extras(num_layers, dropout, recurrent_dropout, backend)
        refuse_projection(refused)
        with constructor_errors():
            super().__init__(
                "GRU",
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
