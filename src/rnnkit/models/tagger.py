"""The network of a tagger: words and their letters, a recurrent network, a tag a word."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from rnnkit.data.tagged import ENDINGS, TagBatch
from rnnkit.data.text.vocabulary import UNK
from rnnkit.layers import CRF
from rnnkit.models.forecaster import LAYERS, Cell
from rnnkit.sequence import SequenceBatch


@dataclass(frozen=True)
class TagSizes:
    """How many codes a tagger reads and writes.

    Args:
        words: codes of words, the reserved ones included.
        first_rare: the code from which on a word occurred once in training.
        letters: codes of letters, the reserved ones included.
        endings: codes of endings, the reserved ones included.
        tags: `K`.
    """

    words: int
    first_rare: int
    letters: int
    endings: int
    tags: int


class TagNetwork(nn.Module):
    """A tag for each word of a sentence, read in both directions.

    A word is its embedding beside the last states of a recurrent layer that reads its letters
    forwards and backwards, so that a word never seen has features too (Ling et al., "Finding
    function in form", 2015; Lample et al., 2016, arXiv 1603.01360). In training, words that occur
    once are now and then read as unknown, so that the unknown word is learned. Above the words are
    recurrent layers and a linear map to the tags' scores; above them, if wanted, a `CRF`.

    Args:
        sizes: of what is read and written.
        cell: `rnn`, `lstm` or `gru`, of words and letters.
        hidden_size: units of each layer and direction.
        layers: stacked layers.
        bidirectional: whether a second direction reads the sentence backwards.
        dropout: share of the words' features, of the outputs and of the states between layers,
            dropped in training.
        recurrent_dropout: share of the recurrent state dropped, one mask a sentence.
        embedding_size: numbers of a word's embedding.
        letter_size: numbers of a letter's embedding.
        letter_hidden_size: units of each direction that reads letters; 0 reads none.
        word_dropout: share of the words that occur once read as unknown in training.
        crf: whether the tags of a sentence are chosen together.
    """

    def __init__(
        self,
        sizes: TagSizes,
        *,
        cell: Cell,
        hidden_size: int,
        layers: int,
        bidirectional: bool,
        dropout: float,
        recurrent_dropout: float,
        embedding_size: int,
        letter_size: int,
        letter_hidden_size: int,
        ending_size: int,
        word_dropout: float,
        crf: bool,
    ) -> None:
        super().__init__()
        self.first_rare = sizes.first_rare
        self.word_dropout = word_dropout
        self.words = _embedding(sizes.words, embedding_size)
        features = embedding_size
        self.letters: nn.Module | None = None
        if letter_hidden_size:
            self.letter_embedding = _embedding(sizes.letters, letter_size)
            self.letters = LAYERS[cell](
                letter_size, letter_hidden_size, batch_first=True, bidirectional=True
            )
            features += 2 * letter_hidden_size
        self.endings: nn.Embedding | None = None
        if ending_size:
            self.endings = _embedding(sizes.endings, ending_size)
            features += len(ENDINGS) * ending_size
        self.dropout = nn.Dropout(dropout)
        self.encoder = LAYERS[cell](
            features,
            hidden_size,
            layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=bidirectional,
            recurrent_dropout=recurrent_dropout,
        )
        self.head = nn.Linear((2 if bidirectional else 1) * hidden_size, sizes.tags)
        self.crf = CRF(sizes.tags) if crf else None

    def operations(self, batch_size: int) -> int:
        """Return the floating-point operations of one layer's recurrent product in a time step."""
        return 2 * batch_size * self.encoder.get_parameter("weight_hh_l0").numel()

    def forward(self, batch: TagBatch) -> Tensor:
        """Return the scores `(B, T, K)` of the tags of each word."""
        words = batch.values
        if self.training and self.word_dropout:
            chosen = torch.rand(words.shape, device=words.device) < self.word_dropout
            words = words.masked_fill(chosen & (words >= self.first_rare), UNK)
        features = self.words(words)  # (B, T, E)
        if self.letters is not None:
            features = torch.cat([features, self._spelled(batch)], dim=-1)
        if self.endings is not None:
            features = torch.cat(
                [features, self.endings(batch.endings).flatten(1)[batch.spelling]], dim=-1
            )
        states, _ = self.encoder(self.dropout(features), lengths=batch.lengths)
        scores: Tensor = self.head(self.dropout(states))
        return scores

    def _spelled(self, batch: TagBatch) -> Tensor:
        """Return what the letters of each word give, `(B, T, 2 * letter_hidden_size)`."""
        assert self.letters is not None
        assert batch.letters is not None
        assert batch.spelling is not None
        table = self.letter_embedding.weight
        _, state = self.letters((batch.letters, table), lengths=batch.letter_lengths)
        h_n = state[0] if isinstance(state, tuple) else state  # (2, U, H)
        distinct = torch.cat([h_n[0], h_n[1]], dim=-1)
        return distinct[batch.spelling]

    def tags(self, batch: TagBatch) -> Tensor:
        """Return the most probable tags `(B, T)` int64; beyond a sentence's length, any."""
        scores = self.forward(batch)
        if self.crf is None:
            return scores.argmax(dim=-1)
        return self.crf.decode(scores, batch.lengths)

    def probabilities(self, batch: TagBatch) -> Tensor:
        """Return the probabilities of the tags `(B, T, K)`; beyond a sentence's length, any."""
        scores = self.forward(batch)
        if self.crf is None:
            return scores.softmax(dim=-1)
        return self.crf.marginals(scores, batch.lengths)


def tag_loss(model: nn.Module, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
    """Return the negative log-likelihood of a batch's tags, and its words.

    Without a CRF that of each word's tag, with one that of each sentence's tags.
    """
    assert isinstance(model, TagNetwork)
    assert batch.targets is not None
    scores: Tensor = model(batch)
    mask = batch.mask()
    if model.crf is None:
        loss = cross_entropy(scores[mask], batch.targets[mask], reduction="sum")
    else:
        loss = -model.crf(scores, batch.targets, batch.lengths).sum()
    return loss, mask.sum()


def _embedding(codes: int, size: int) -> nn.Embedding:
    """Return an embedding whose numbers have mean 0 and variance 1 / size."""
    embedding = nn.Embedding(codes, size)
    limit = math.sqrt(3 / size)
    nn.init.uniform_(embedding.weight, -limit, limit)
    return embedding
