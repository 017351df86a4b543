"""A text, trained on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from rnnkit.baselines.ngram import ORDERS, SMOOTHINGS, FloatArray, NGramModel, Smoothing
from rnnkit.data.streams import StoredCodes, TokenStreams
from rnnkit.data.text.codec import TextCodec
from rnnkit.data.text.options import TextOptions
from rnnkit.data.text.vocabulary import BOS, EOS, PAD, UNK
from rnnkit.messages import Message
from rnnkit.models.language_model import LanguageModelNetwork, StreamLoss
from rnnkit.tasks.language.config import (
    LETTERS,
    LanguageConfig,
    batch_size,
    embedding_size,
    epochs,
    is_tied,
    vocabulary_size,
)
from rnnkit.tasks.language.corpus import (
    BLOCKS,
    Codes,
    Parts,
    decode_text,
    read_codes,
    start_code,
)
from rnnkit.tasks.language.generation import Sampling, generate_codes
from rnnkit.tasks.language.texts import Pieces
from rnnkit.training import (
    Callback,
    EpochState,
    History,
    Progress,
    Trainer,
    TrainingConfig,
    threads_for,
)
from rnnkit.training.tensor_file import write_bytes

MOST_KEPT = 5_000_000  # tokens of the training part that a run keeps for its n-grams: the last ones
PATIENCE = 5
LETTERS_ORDER, WORDS_ORDER = 6, 4  # of n-grams, where there is no validation part
SAMPLE_LENGTH = 300  # tokens of the text that is generated after each epoch
SAMPLE_TEMPERATURE = 0.8

_SCORED = 1 << 18  # tokens that n-grams are asked for at a time


@dataclass(frozen=True, eq=False)
class TextModel:
    """A fitted language model and its baseline.

    Args:
        codec: texts to codes and back.
        network: in evaluation mode.
        counted: `(N,)` the codes whose n-grams the baseline counts, of the training part.
        order: tokens of the baseline's longest n-grams.
        smoothing: of the n-grams.
        tokens: of the whole training part.
    """

    codec: TextCodec
    network: LanguageModelNetwork
    counted: Codes
    order: int
    smoothing: Smoothing
    tokens: int

    @cached_property
    def forbidden(self) -> frozenset[int]:
        """The codes that no text is made of: those that stand for no token, and the unknown."""
        return frozenset({PAD, UNK, BOS, EOS} - ({EOS} if self.codec.level == "word" else set()))

    @cached_property
    def start(self) -> int:
        """The token that is read before a text."""
        return start_code(self.codec)

    @cached_property
    def learned_unknown(self) -> bool:
        """Whether the network has met unknown tokens in training, and so knows what they mean."""
        return bool((self.counted == UNK).any())

    @cached_property
    def ngrams(self) -> NGramModel:
        """The baseline, all orders up to `order`."""
        return NGramModel(self.counted, len(self.codec.vocabulary), self.order, self.smoothing)

    def notes(self) -> tuple[Message, ...]:
        """Return what is to be said of the vocabulary and of what is counted."""
        # The codec's last note is about cutting texts, and this one is not cut.
        notes = self.codec.notes[:-1]
        if len(self.counted) >= self.tokens:
            return notes
        return (
            *notes,
            Message(
                "n-grams are counted in the last {counted:,} of the {tokens:,} tokens of the"
                " training part",
                {"counted": len(self.counted), "tokens": self.tokens},
            ),
        )


def fit_model(
    parts: Parts,
    config: LanguageConfig,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> tuple[TextModel, History, dict[int, str]]:
    """Learn a vocabulary and train a network on the training part.

    Args:
        parts: of the text; the test part is not looked at.
        config: the options.
        checkpoints: folder for the state of the training; `None` keeps none.
        resume: go on from `checkpoints`.
        progress: shows the epochs.

    Returns:
        The model, the history of the training, and a text generated after each epoch.

    Raises:
        DataError: if a part holds too little text.
        MissingExtraError: at level bpe, if tokenizers is not installed.
        TrainingError: if the training diverges.
    """
    options = TextOptions(
        level=config.level, vocabulary_size=vocabulary_size(config), max_length=None
    )
    codec = TextCodec.fit(Pieces(parts.train), options)
    codes = read_codes(codec, parts.train)
    train = TokenStreams(codes, config.steps)
    held = None
    if parts.validation:
        blocks = max(BLOCKS, len(parts.validation))
        held = TokenStreams(read_codes(codec, parts.validation), config.steps, streams=blocks)
    training = training_config(config, tokens=len(codes), validated=held is not None)
    network = new_network(codec, config)
    model = TextModel(
        codec,
        network,
        codes[-MOST_KEPT:],
        order=LETTERS_ORDER if config.level in LETTERS else WORDS_ORDER,
        smoothing="kneser-ney",
        tokens=len(codes) - 1,
    )
    sampler = Samples(model, None if checkpoints is None else checkpoints / "samples.json")
    with threads_for(network.operations(training.batch_size)):
        history = Trainer(training, progress=progress, callbacks=[sampler]).fit(
            network,
            StreamLoss(),
            train,
            held,
            checkpoint=None if checkpoints is None else checkpoints / "network.safetensors",
            resume=resume,
        )
    network.eval()
    if held is not None:
        model = with_best_ngrams(model, held.codes)
    return model, history, sampler.texts


def new_network(codec: TextCodec, config: LanguageConfig) -> LanguageModelNetwork:
    """Return an untrained network; its weights follow from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return LanguageModelNetwork(
            vocabulary=len(codec.vocabulary),
            cell=config.cell,
            embedding_size=embedding_size(config),
            hidden_size=config.hidden_size,
            layers=config.layers,
            tied=is_tied(config),
            dropout=config.dropout,
            input_dropout=config.input_dropout,
            recurrent_dropout=config.recurrent_dropout,
        )


def training_config(config: LanguageConfig, *, tokens: int, validated: bool) -> TrainingConfig:
    """Return the trainer's options for a training part of so many tokens."""
    patience = config.patience
    if patience is None and validated:
        patience = PATIENCE
    return TrainingConfig(
        epochs=epochs(config, tokens),
        batch_size=batch_size(config, tokens),
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        schedule=config.schedule,
        patience=patience,
        clip_norm=config.clip_norm,
        time_limit=config.time_limit,
        seed=config.seed,
        device=config.device,
    )


def with_best_ngrams(model: TextModel, validation: Codes | StoredCodes) -> TextModel:
    """Return the model with the n-grams that predict the validation part best."""
    vocabulary = len(model.codec.vocabulary)
    best = -math.inf
    for smoothing in SMOOTHINGS:
        ngrams = NGramModel(model.counted, vocabulary, ORDERS, smoothing)
        sums = np.zeros(ngrams.order)
        for begin in range(1, len(validation), _SCORED):
            sums += ngram_logs(ngrams, validation, begin, begin + _SCORED).sum(axis=1)
        if sums.max() > best:
            best = sums.max()
            model = replace(model, order=1 + int(sums.argmax()), smoothing=smoothing)
    return model


def ngram_logs(ngrams: NGramModel, codes: Codes | StoredCodes, begin: int, end: int) -> FloatArray:
    """Return `(order, n)`: `ln p` of the tokens `begin`, at least 1, to before `end`.

    They are those of all codes at once: a token follows from `order - 1` before it.
    """
    first = max(0, begin - max(1, ngrams.order - 1))
    return ngrams.log_probabilities(codes[first:end])[:, begin - first - 1 :]


class Samples(Callback):
    """Keeps a text generated after each epoch, from an empty prompt and with equal chances.

    Args:
        model: whose network is in training.
        path: of the file that keeps them for a training that is resumed; `None` for none.
    """

    def __init__(self, model: TextModel, path: Path | None) -> None:
        self._model, self._path = model, path
        self.texts: dict[int, str] = {}

    def on_start(self, model: nn.Module, history: History) -> None:
        """Read the texts of the epochs that a resumed training has behind it."""
        if len(history) and self._path is not None and self._path.exists():
            kept: Mapping[str, Any] = json.loads(self._path.read_bytes())
            self.texts = {int(e): str(t) for e, t in kept.items() if int(e) <= len(history)}

    def on_epoch_end(self, model: nn.Module, state: EpochState) -> bool:
        """Generate a text and keep it."""
        assert isinstance(model, LanguageModelNetwork)
        (codes,) = generate_codes(
            model,
            [self._model.start],
            SAMPLE_LENGTH,
            sampling=Sampling(SAMPLE_TEMPERATURE),
            forbidden=self._model.forbidden,
        )
        self.texts[state.epoch] = decode_text(self._model.codec, codes)
        if self._path is not None:
            write_bytes(self._path, json.dumps(self.texts, ensure_ascii=False).encode())
        return False
