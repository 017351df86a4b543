"""The network of a language model: embedding, recurrent layers, logits of what follows."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, dropout

from rnnkit.data.streams import StreamBatch
from rnnkit.layers import GRU, LSTM, SimpleRNN
from rnnkit.sequence import SequenceBatch

Cell = Literal["rnn", "lstm", "gru"]
State = Tensor | tuple[Tensor, Tensor]
LAYERS: dict[str, type[SimpleRNN] | type[LSTM] | type[GRU]] = {
    "rnn": SimpleRNN,
    "lstm": LSTM,
    "gru": GRU,
}


class LanguageModelNetwork(nn.Module):
    """Gives after each token the logits of the token that follows: `W dropout(h_t) + b`.

    Mikolov et al., "Recurrent neural network based language model" (2010). With `tied`, `W` is the
    embedding itself (Press & Wolf, "Using the Output Embedding to Improve Language Models", 2017),
    and `h_t` passes through a linear map first where its size is another.

    Args:
        vocabulary: tokens, `V`.
        cell: `rnn`, `lstm` or `gru`.
        embedding_size: numbers that a token is embedded in, `E`; 0 for one-hot vectors.
        hidden_size: units of a layer, `H`.
        layers: stacked layers.
        tied: whether the embedding serves as the output map, too; it needs an embedding.
        dropout: share of the states dropped in training between layers and before the output map.
        input_dropout: share of the embedded numbers dropped, one mask a chunk and stream.
        recurrent_dropout: share of the recurrent state dropped, one mask a chunk and stream.

    Example:
        >>> network = LanguageModelNetwork(vocabulary=9, hidden_size=4, embedding_size=3)
        >>> logits, state = network(torch.tensor([[5, 6], [7, 8]]))
        >>> logits.shape, state.shape
        (torch.Size([2, 2, 9]), torch.Size([1, 2, 4]))
        >>> logits, state = network(torch.tensor([[8], [5]]), state)  # goes on
    """

    one_hot: Tensor

    def __init__(
        self,
        *,
        vocabulary: int,
        hidden_size: int,
        cell: Cell = "gru",
        embedding_size: int = 0,
        layers: int = 1,
        tied: bool = False,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.input_dropout = input_dropout
        width = embedding_size or vocabulary
        self.embedding: nn.Embedding | None = None
        if embedding_size:
            self.embedding = nn.Embedding(vocabulary, embedding_size)
        else:
            self.register_buffer("one_hot", torch.eye(vocabulary), persistent=False)
        self.layers = LAYERS[cell](
            width,
            hidden_size,
            layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
            recurrent_dropout=recurrent_dropout,
        )
        self.dropout = nn.Dropout(dropout)
        self.projection: nn.Linear | None = None
        self.head = nn.Linear(hidden_size, vocabulary)
        if tied:
            assert self.embedding is not None
            if embedding_size != hidden_size:
                self.projection = nn.Linear(hidden_size, embedding_size, bias=False)
            self.head = nn.Linear(embedding_size, vocabulary)
            # Logits of an untrained network should be about 0: rows of length 1.
            nn.init.normal_(self.embedding.weight, std=embedding_size**-0.5)
            self.head.weight = self.embedding.weight

    def operations(self, batch_size: int) -> int:
        """Return the floating-point operations of one layer's recurrent product in a time step."""
        return 2 * batch_size * self.layers.get_parameter("weight_hh_l0").numel()

    def forward(
        self, codes: Tensor, state: State | None = None, *, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Return `(B, T, V)` logits for tokens `(B, T)`, and the state after each row's last one.

        Args:
            codes: `(B, T)` int64.
            state: that an earlier call returned for the tokens before; `None` at the beginning.
            lengths: `(B,)`, tokens of each row that count.
        """
        states, state = self.states(codes, state, lengths=lengths)
        return self.logits(states), state

    def states(
        self, codes: Tensor, state: State | None = None, *, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Return the last layer's states `(B, T, H)` and the state to go on from."""
        table = self.one_hot if self.embedding is None else self.embedding.weight
        # The pair is the fastest, but how its products are rounded may depend on which tokens stand
        # together: a text must have the same states alone as among others.
        inputs: Tensor | tuple[Tensor, Tensor] = (codes, table) if self.training else table[codes]
        if self.training and self.input_dropout:
            mask = dropout(table.new_ones(len(codes), 1, table.shape[1]), self.input_dropout)
            inputs = table[codes] * mask
        states, state = self.layers(inputs, state, lengths=lengths)
        return states, state

    def logits(self, states: Tensor) -> Tensor:
        """Return `(..., V)` logits of what follows the states `(..., H)`."""
        states = self.dropout(states)
        if self.projection is not None:
            states = self.projection(states)
        logits: Tensor = self.head(states)
        return logits


class StreamLoss:
    """The cross entropy of a chunk, in nats, with the state carried from chunk to chunk.

    The state is cut off from the graph between chunks (truncated backpropagation through time;
    Williams & Peng, 1990) and starts anew where the streams do.
    """

    def __init__(self) -> None:
        self._state: State | None = None

    def __call__(self, model: nn.Module, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
        """Return the sum of the losses of a batch and the number of tokens it sums."""
        assert isinstance(batch, StreamBatch)
        assert batch.targets is not None
        logits, state = model(
            batch.values, None if batch.first else self._state, lengths=batch.lengths
        )
        self._state = _detached(state)
        targets = batch.targets
        if batch.lengths is not None:
            counts = batch.mask()
            logits, targets = logits[counts], targets[counts]
        total = cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="sum")
        return total, torch.tensor(float(targets.numel()))


def _detached(state: State) -> State:
    return state.detach() if isinstance(state, Tensor) else (state[0].detach(), state[1].detach())
