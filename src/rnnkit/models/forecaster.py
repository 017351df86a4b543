"""The network of a forecast: a recurrent encoder of the context, a linear map to the horizon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rnnkit.data.windows import ForecastBatch
from rnnkit.layers import GRU, LSTM, SimpleRNN
from rnnkit.sequence import SequenceBatch

Cell = Literal["rnn", "lstm", "gru"]
LAYERS: dict[str, type[SimpleRNN] | type[LSTM] | type[GRU]] = {
    "rnn": SimpleRNN,
    "lstm": LSTM,
    "gru": GRU,
}


@dataclass(frozen=True)
class InputSizes:
    """What a forecast network reads.

    Args:
        numbers: numbers of a context's row.
        labels: `(count, width)` of each label of a context's row: its codes, with 0 for unknown,
            and the numbers it is embedded in.
        future_numbers: numbers known of a row to be forecast.
        future_labels: as `labels`, of such a row.
    """

    numbers: int
    labels: tuple[tuple[int, int], ...] = ()
    future_numbers: int = 0
    future_labels: tuple[tuple[int, int], ...] = ()

    @property
    def future(self) -> int:
        """All numbers of a row to be forecast, embedded labels included."""
        return self.future_numbers + sum(width for _, width in self.future_labels)


class ForecastNetwork(nn.Module):
    """Direct multi-step forecast: the state after the context gives the whole horizon at once.

    `y = W dropout(h_T) + b`, with `h_T` the last layer's state after the last step of each context
    (of both directions, if bidirectional). Where something is known of the rows to be forecast, a
    second recurrent layer reads it, started from `h_T`, and `y_h` gains `V dropout(g_h)` from its
    state at step h (Sutskever et al., "Sequence to Sequence Learning with Neural Networks", 2014).
    `W`, `b` and `V` start at zero, so that an untrained network adds nothing to the anchor and
    training has to earn every deviation from it.

    Args:
        cell: `rnn`, `lstm` or `gru`.
        inputs: what it reads.
        horizon: steps to forecast, `H`.
        targets: columns to forecast, `K`.
        outputs: numbers forecast of each, `Q`: 1, or the quantiles.
        hidden_size: units of each layer and direction.
        layers: stacked layers.
        bidirectional: whether a second direction reads the context backwards.
        dropout: share of the last state, and of the states between layers, dropped in training.
        recurrent_dropout: share of the recurrent state dropped, one mask a sequence.
    """

    def __init__(
        self,
        *,
        cell: Cell,
        inputs: InputSizes,
        horizon: int,
        targets: int,
        outputs: int = 1,
        hidden_size: int,
        layers: int,
        bidirectional: bool,
        dropout: float,
        recurrent_dropout: float,
    ) -> None:
        super().__init__()
        self.shape = (horizon, targets, outputs)
        self.directions = 2 if bidirectional else 1
        self.embeddings = _embeddings(inputs.labels)
        self.encoder = LAYERS[cell](
            inputs.numbers + sum(width for _, width in inputs.labels),
            hidden_size,
            layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=bidirectional,
            recurrent_dropout=recurrent_dropout,
        )
        self.dropout = nn.Dropout(dropout)
        width = self.directions * hidden_size
        self.head = _zero(nn.Linear(width, horizon * targets * outputs))
        self.decoder: SimpleRNN | LSTM | GRU | None = None
        if inputs.future:
            self.future_embeddings = _embeddings(inputs.future_labels)
            self.decoder = LAYERS[cell](
                inputs.future, width, 1, batch_first=True, recurrent_dropout=recurrent_dropout
            )
            self.step_head = _zero(nn.Linear(width, targets * outputs, bias=False))

    def operations(self, batch_size: int) -> int:
        """Return the floating-point operations of one layer's recurrent product in a time step."""
        weight = self.encoder.get_parameter("weight_hh_l0")
        return 2 * batch_size * weight.numel()

    def forward(self, batch: ForecastBatch) -> Tensor:
        """Return `(B, H, K, Q)` outputs for contexts `(B, T, I)`."""
        values = _embedded(batch.values, batch.codes, self.embeddings)
        _, state = self.encoder(values, lengths=batch.lengths)
        h_n = state[0] if isinstance(state, tuple) else state  # (L * D, B, H)
        last = torch.cat(list(h_n[-self.directions :]), dim=-1)  # (B, D * H)
        outputs: Tensor = self.head(self.dropout(last)).view(-1, *self.shape)
        if self.decoder is None:
            return outputs
        assert batch.future is not None
        future = _embedded(batch.future, batch.future_codes, self.future_embeddings)
        start = last[None]
        begin = (start, torch.zeros_like(start)) if isinstance(state, tuple) else start
        states, _ = self.decoder(future, begin)  # (B, H, D * H)
        steps: Tensor = self.step_head(self.dropout(states))
        return outputs + steps.view(-1, *self.shape)


def squared_error(model: nn.Module, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
    """Return the sum of squared errors of a batch and the number of values it sums."""
    return _weighed((model(batch)[..., 0] - batch.targets).square(), batch)


def absolute_error(model: nn.Module, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
    """Return the sum of absolute errors of a batch and the number of values it sums."""
    return _weighed((model(batch)[..., 0] - batch.targets).abs(), batch)


class QuantileError:
    """The pinball loss of several quantiles (Koenker and Bassett, "Regression Quantiles", 1978).

    `max(q e, (q - 1) e)` with `e = y - forecast`, averaged over the quantiles.

    Args:
        quantiles: `Q` shares in 0..1, in the order of the network's outputs.
    """

    def __init__(self, quantiles: Sequence[float]) -> None:
        self.quantiles = torch.tensor(quantiles, dtype=torch.float32)

    def __call__(self, model: nn.Module, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
        """Return the sum of the losses of a batch and the number of values it sums."""
        assert batch.targets is not None
        error = batch.targets[..., None] - model(batch)
        q = self.quantiles.to(error.device)
        return _weighed(torch.maximum(q * error, (q - 1) * error).mean(dim=-1), batch)


def _weighed(losses: Tensor, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
    weights = batch.weights if isinstance(batch, ForecastBatch) else None
    if weights is None:
        return losses.sum(), torch.tensor(float(losses.numel()))
    return (losses * weights).sum(), weights.sum()


def _embeddings(labels: Sequence[tuple[int, int]]) -> nn.ModuleList:
    return nn.ModuleList(nn.Embedding(count, width) for count, width in labels)


def _embedded(values: Tensor, codes: Tensor | None, embeddings: nn.ModuleList) -> Tensor:
    """Return `values (B, T, I)` with the embedded `codes (B, T, Q)` behind them."""
    if codes is None:
        return values
    parts = [embedding(codes[..., q]) for q, embedding in enumerate(embeddings)]
    return torch.cat([values, *parts], dim=-1)


def _zero(layer: nn.Linear) -> nn.Linear:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
