"""Train a tagger, and tag with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.baselines.tags import TagTable
from rnnkit.data.batches import bounded
from rnnkit.data.examples.contract import Sentences
from rnnkit.data.tagged import TagBatch, TagCodec
from rnnkit.models.tagger import TagNetwork, TagSizes, tag_loss
from rnnkit.tasks.tagging.config import TagConfig
from rnnkit.training import History, Progress, Trainer, TrainingConfig, threads_for

BATCH = 128  # sentences that are tagged at once


@dataclass(frozen=True, eq=False)
class Tagger:
    """A fitted network and what it needs to read words and name tags.

    Args:
        codec: of words, letters and tags.
        network: in evaluation mode.
        table: the tags of the training part's words: the baseline, and which words are known.
    """

    codec: TagCodec
    network: TagNetwork
    table: TagTable

    def tag(self, words: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return a tag for each word of each sentence."""
        names = self.codec.tags
        tagged: list[list[str]] = [[] for _ in words]
        for number, codes in self._run(words, self.network.tags):
            tagged[number] = [names[code] for code in codes.tolist()]
        return tagged

    def probabilities(self, words: Sequence[Sequence[str]]) -> list[NDArray[np.float32]]:
        """Return the probabilities of the tags, `(T, K)` of each sentence."""
        found: list[NDArray[np.float32]] = [np.empty(0, dtype=np.float32)] * len(words)
        for number, probabilities in self._run(words, self.network.probabilities):
            found[number] = probabilities.numpy()
        return found

    def _run(
        self, words: Sequence[Sequence[str]], ask: Callable[[TagBatch], Tensor]
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield of each sentence, in any order, its number and what `ask` gives of its words."""
        data = self.codec.encode(words)
        device = self.network.head.weight.device
        with torch.no_grad(), threads_for(self.network.operations(BATCH)):
            batches = data.arrange(torch.arange(len(data)), BATCH)
            for index in bounded(batches, data.forms.lengths):
                batch = data.batch(index)
                rows = ask(batch.to(device)).cpu()
                assert batch.lengths is not None
                for number, row, length in zip(
                    index.tolist(), rows, batch.lengths.tolist(), strict=True
                ):
                    yield number, row[:length]


def fit_tagger(
    train: Sentences,
    validation: Sentences | None,
    config: TagConfig,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> tuple[Tagger, History]:
    """Train a tagger.

    Args:
        train: sentences with tags, to learn from.
        validation: those that the best epoch is chosen by, all of whose tags `train` has; `None`
            takes the last epoch.
        config: the options.
        checkpoint: file for the state of the training; `None` keeps none.
        resume: go on from `checkpoint`.
        progress: shows the epochs; `None` shows nothing.

    Raises:
        DataError: if there is no word to learn from.
        ConfigError: if early stopping has no validation data to look at.
        TrainingError: if the training diverges.
    """
    assert train.tags is not None
    table = TagTable.fit(train.words, train.tags)
    codec = TagCodec.fit(train.words, train.tags, min_count=config.min_count)
    network = new_network(codec, config)
    trainer = Trainer(_training(config), progress=progress)
    with threads_for(network.operations(config.batch_size)):
        history = trainer.fit(
            network,
            tag_loss,
            codec.encode(train.words, train.tags),
            None if validation is None else codec.encode(validation.words, validation.tags),
            checkpoint=checkpoint,
            resume=resume,
        )
    return Tagger(codec, network.eval(), table), history


def new_network(codec: TagCodec, config: TagConfig) -> TagNetwork:
    """Return an untrained network; its weights follow from the seed."""
    sizes = TagSizes(
        words=len(codec.words),
        first_rare=codec.first_rare,
        letters=len(codec.letters),
        endings=len(codec.endings),
        tags=len(codec.tags),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return TagNetwork(
            sizes,
            cell=config.cell,
            hidden_size=config.hidden_size,
            layers=config.layers,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
            recurrent_dropout=config.recurrent_dropout,
            embedding_size=config.embedding_size,
            letter_size=config.letter_size,
            letter_hidden_size=config.letter_hidden_size,
            ending_size=config.ending_size,
            word_dropout=config.word_dropout,
            crf=config.crf,
        )


def _training(config: TagConfig) -> TrainingConfig:
    return TrainingConfig(
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        schedule=config.schedule,
        patience=config.patience,
        clip_norm=config.clip_norm,
        time_limit=config.time_limit,
        seed=config.seed,
        device=config.device,
    )
