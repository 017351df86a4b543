"""The network of a forecast: a recurrent encoder of the context, a linear map to the horizon."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from rnnkit.layers import GRU, LSTM, SimpleRNN
from rnnkit.sequence import SequenceBatch

Cell = Literal["rnn", "lstm", "gru"]
LAYERS: dict[str, type[SimpleRNN] | type[LSTM] | type[GRU]] = {
    "rnn": SimpleRNN,
    "lstm": LSTM,
    "gru": GRU,
}


class ForecastNetwork(nn.Module):
    """Direct multi-step forecast: the state after the context gives the whole horizon at once.

    `y = W dropout(h_T) + b`, with `h_T` the last layer's state after the last step of each context
    (of both directions, if bidirectional). `W` and `b` start at zero, so that an untrained network
    adds nothing to the anchor and training has to earn every deviation from it.

    Args:
        cell: `rnn`, `lstm` or `gru`.
        input_size: features a step, `I`.
        horizon: steps to forecast.
        targets: columns to forecast, `K`.
        hidden_size: units of each layer and direction, `H`.
        layers: stacked layers.
        bidirectional: whether a second direction reads the context backwards.
        dropout: share of the last state, and of the states between layers, dropped in training.
        recurrent_dropout: share of the recurrent state dropped, one mask a sequence.
    """

    def __init__(
        self,
        *,
        cell: Cell,
        input_size: int,
        horizon: int,
        targets: int,
        hidden_size: int,
        layers: int,
        bidirectional: bool,
        dropout: float,
        recurrent_dropout: float,
    ) -> None:
        super().__init__()
        self.shape = (horizon, targets)
        self.directions = 2 if bidirectional else 1
        self.encoder = LAYERS[cell](
            input_size,
            hidden_size,
            layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=bidirectional,
            recurrent_dropout=recurrent_dropout,
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.directions * hidden_size, horizon * targets)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def operations(self, batch_size: int) -> int:
        """Return the floating-point operations of one layer's recurrent product in a time step."""
        weight = self.encoder.get_parameter("weight_hh_l0")
        return 2 * batch_size * weight.numel()

    def forward(self, batch: SequenceBatch) -> Tensor:
        """Return `(B, H, K)` outputs for contexts `(B, T, I)`."""
        _, state = self.encoder(batch.values, lengths=batch.lengths)
        h_n = state[0] if isinstance(state, tuple) else state  # (L * D, B, H)
        last = torch.cat(list(h_n[-self.directions :]), dim=-1)  # (B, D * H)
        outputs: Tensor = self.head(self.dropout(last))
        return outputs.view(-1, *self.shape)


def squared_error(model: nn.Module, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
    """Return the sum of squared errors of a batch and the number of values it sums."""
    assert batch.targets is not None
    error = model(batch) - batch.targets
    return error.square().sum(), torch.tensor(float(error.numel()))
