"""What a recurrent layer reads of a batch: embedded tokens or numbers, and what goes with them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout as draw_dropout
from torch.nn.functional import embedding

from rnnkit.data.batches import LabelBatch
from rnnkit.data.text.ngrams import find_ngrams
from rnnkit.errors import ConfigError, ShapeError

LARGEST_ONE_HOT = 4096  # its rows hold as many numbers squared: 64 MB


class SequenceInput(nn.Module):
    """The inputs of a recurrent layer, from tokens or from numbers.

    Tokens become rows of a table: learned, or one-hot, which is the identity and not trained.
    Learned rows start at `N(0, 1/E)`, so of length 1; row 0, which stands at padding, starts at
    zero and stays there, since no step that counts reads it.

    Args:
        vocabulary: V, for batches of tokens `(B, T)`; 0 for batches of numbers.
        embedding: E, numbers of a token's row; `None` for one-hot rows. Only with `vocabulary`.
        numbers: I, for batches of numbers `(B, T, I)`; 0 for batches of tokens, or where labels
            are all there is.
        labels: `(count, width)` of each label beside a step (`codes`), embedded in `width` numbers.
        ngrams: the known n-grams of 2 tokens, of 3, …, as `find_ngrams` takes them. Each has a
            vector that is added to that of its last token, so that what a word means after another
            need not wait for the recurrence (Joulin et al., "Bag of Tricks for Efficient Text
            Classification", 2017, sum the like over a text). They start at zero. Only with
            `embedding`.
        dropout: share of the inputs dropped in training, with one mask a sequence for all its
            steps. Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent
            Neural Networks", 2016, section 4.
        vectors: `(V, E)` that the learned table starts from.
        frozen: whether the table stays as `vectors`.

    Call arguments:
        batch: whose values are as said above. What stands at padding may be anything.

    Returns:
        `(B, T, size)`, or where nothing stands beside tokens and nothing is dropped, a pair
        `(indices (B, T), table (V, size))`, which the layers take faster.

    Raises:
        ConfigError: if the arguments contradict each other.
        ShapeError: if a batch is of another kind.

    Example:
        >>> import torch
        >>> batch = LabelBatch(torch.tensor([[2, 1], [1, 0]]), torch.tensor([2, 1]))
        >>> indices, table = SequenceInput(vocabulary=3)(batch)
        >>> table[indices].tolist()[0]
        [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """

    table: Tensor

    def __init__(
        self,
        *,
        vocabulary: int = 0,
        embedding: int | None = None,
        numbers: int = 0,
        labels: Sequence[tuple[int, int]] = (),
        dropout: float = 0.0,
        vectors: Tensor | None = None,
        frozen: bool = False,
        ngrams: Sequence[Tensor] = (),
    ) -> None:
        super().__init__()
        if (vocabulary and numbers) or not (vocabulary or numbers or labels):
            raise ConfigError(
                "inputs are either tokens or numbers: give vocabulary or numbers above 0, got "
                f"{vocabulary} and {numbers}"
            )
        if vocabulary == 0 and embedding is not None:
            raise ConfigError(f"embedding={embedding} is for tokens: give vocabulary, or leave it")
        if embedding is not None and embedding < 1:
            raise ConfigError(f"embedding must be a whole number of at least 1, got {embedding}")
        if embedding is None and vectors is not None:
            raise ConfigError("vectors start a learned embedding: give its width, embedding")
        if frozen and vectors is None:
            raise ConfigError("frozen keeps given vectors: give vectors, or leave it")
        if embedding is None and ngrams:
            raise ConfigError("n-grams are added to a learned embedding: give its width, embedding")
        if not 0 <= dropout < 1:
            raise ConfigError(f"dropout must be at least 0 and below 1, got {dropout!r}")
        self.vocabulary, self.numbers, self.dropout = vocabulary, numbers, dropout
        width = numbers
        if vocabulary and embedding is None:
            if vocabulary > LARGEST_ONE_HOT:
                raise ConfigError(
                    f"one-hot rows take at most {LARGEST_ONE_HOT:,} tokens, got {vocabulary:,}: "
                    "use a learned embedding"
                )
            self.register_buffer("table", torch.eye(vocabulary), persistent=False)
            width = vocabulary
        elif embedding is not None:
            start = _start(vocabulary, embedding) if vectors is None else vectors
            if start.shape != (vocabulary, embedding):
                raise ConfigError(
                    f"vectors must be {(vocabulary, embedding)}, a row for each token, got "
                    f"{tuple(start.shape)}"
                )
            self.table = nn.Parameter(
                start.detach().to(torch.get_default_dtype(), copy=True), requires_grad=not frozen
            )
            width = embedding
        self.labels = nn.ModuleList(nn.Embedding(count, size) for count, size in labels)
        self.size = width + sum(size for _, size in labels)
        for number, keys in enumerate(ngrams):  # kept by the codec, which networks share
            self.register_buffer(f"keys_{number}", keys, persistent=False)
        self.grams = nn.ParameterList(torch.zeros(len(keys) + 1, width) for keys in ngrams)

    def extra_repr(self) -> str:
        """Return what is read, and its width."""
        read = f"vocabulary={self.vocabulary}" if self.vocabulary else f"numbers={self.numbers}"
        return f"{read}, size={self.size}, dropout={self.dropout}"

    def forward(self, batch: LabelBatch) -> Tensor | tuple[Tensor, Tensor]:
        """Return the inputs of a layer; see the class."""
        plain = self.vocabulary and not self.labels and not len(self.grams)
        if not plain or (self.training and self.dropout):
            return self.steps(batch)
        self._check_codes(batch)
        return self._tokens(batch), self.table

    def steps(self, batch: LabelBatch) -> Tensor:
        """Return the inputs as numbers `(B, T, size)`, never as a pair."""
        if self.vocabulary:
            tokens = self._tokens(batch)
            x = embedding(tokens, self.table)
            for number, rows in zip(self._ngrams(tokens), self.grams, strict=True):
                x = x + embedding(number, rows, padding_idx=0)
        else:
            x = batch.values
            if x.dim() != 3 or x.shape[2] != self.numbers or not x.is_floating_point():
                raise ShapeError(
                    f"values must be floating (B, T, {self.numbers}), got {x.dtype} "
                    f"{tuple(x.shape)}"
                )
        self._check_codes(batch)
        if batch.codes is not None:
            x = torch.cat([x, *self._labels(batch.codes, batch)], dim=-1)
        if self.training and self.dropout:
            # NaN at padding stays NaN, which the layers do not read.
            x = x * draw_dropout(x.new_ones(len(x), 1, self.size), self.dropout)
        return x

    def _tokens(self, batch: LabelBatch) -> Tensor:
        tokens = batch.values
        if tokens.dim() != 2 or tokens.is_floating_point():
            raise ShapeError(
                f"values must be tokens, whole numbers (B, T), got {tokens.dtype} "
                f"{tuple(tokens.shape)}"
            )
        return self._known(tokens, batch, self.vocabulary, "values")

    def _ngrams(self, tokens: Tensor) -> list[Tensor]:
        keys = tuple(self.get_buffer(f"keys_{number}") for number in range(len(self.grams)))
        return find_ngrams(tokens, keys, self.vocabulary)

    def _check_codes(self, batch: LabelBatch) -> None:
        shape = (*batch.values.shape[:2], len(self.labels)) if self.labels else None
        got = None if batch.codes is None else tuple(batch.codes.shape)
        if got != shape:
            raise ShapeError(f"codes must be {shape or 'none'}, got {got or 'none'}")

    def _labels(self, codes: Tensor, batch: LabelBatch) -> list[Tensor]:
        parts = []
        for q, layer in enumerate(self.labels):
            assert isinstance(layer, nn.Embedding)
            known = self._known(codes[..., q], batch, layer.num_embeddings, f"codes[..., {q}]")
            parts.append(layer(known))
        return parts

    def _known(self, codes: Tensor, batch: LabelBatch, count: int, name: str) -> Tensor:
        """Return whole numbers `(B, T)` with 0 at padding, after checking the others."""
        if batch.lengths is not None:
            codes = codes.masked_fill(~batch.mask(), 0)
        if codes.numel():
            low, high = (int(end) for end in codes.aminmax())
            if low < 0 or high >= count:
                raise ShapeError(
                    f"{name} must lie in 0..{count - 1}, got {low if low < 0 else high}"
                )
        return codes


def _start(vocabulary: int, width: int) -> Tensor:
    table: Tensor = torch.randn(vocabulary, width) / width**0.5
    table[0] = 0
    return table
