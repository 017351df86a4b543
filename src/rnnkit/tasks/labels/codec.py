"""What turns examples into a network's inputs, whichever they are: texts or signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from rnnkit.data.batches import LabelledSequences
from rnnkit.data.examples.contract import Examples
from rnnkit.data.examples.stored import StoredTexts
from rnnkit.data.signals import SignalCodec
from rnnkit.data.stored import Sequences
from rnnkit.data.text.codec import TextCodec
from rnnkit.data.text.ngrams import frequent_ngrams
from rnnkit.data.text.options import TextOptions
from rnnkit.errors import ConfigError, DataError
from rnnkit.messages import Message
from rnnkit.models.inputs import SequenceInput
from rnnkit.tasks.labels.config import (
    LETTERS,
    Kind,
    LabelOptions,
    input_dropout,
    longest_ngram,
)

# Options that speak of texts alone.
_OF_TEXTS = ("level", "max_length", "vectors", "ngrams")


@dataclass(frozen=True, eq=False)
class ExampleCodec:
    """The codec of texts or that of signals; the other is `None`.

    Args:
        text: of texts.
        signal: of signals.
        ngrams: known n-grams of 2 tokens, of 3, …; see `find_ngrams`.
    """

    text: TextCodec | None
    signal: SignalCodec | None
    ngrams: tuple[Tensor, ...] = ()

    @classmethod
    def fit(cls, train: Examples, config: LabelOptions) -> ExampleCodec:
        """Return the codec of a training part.

        Raises:
            ConfigError: if an option of texts is given where there are none.
            DataError: as `TextCodec.fit`.
        """
        if train.texts is None:
            assert train.signals is not None
            for name in _OF_TEXTS:
                if getattr(config, name) is not None:
                    raise ConfigError(f"{name} is an option of texts, and there are none here")
            return cls(None, SignalCodec.fit(train.signals))
        options = TextOptions(
            level=config.level,
            vocabulary_size=config.vocabulary_size,
            max_length="auto" if config.max_length is None else config.max_length,
            truncation=config.truncation,
        )
        return cls(TextCodec.fit(train.texts, options, place=train.place), None)

    def counted(self, train: LabelledSequences, config: LabelOptions) -> ExampleCodec:
        """Return the codec with the frequent n-grams of the training part, encoded by it."""
        if self.text is None:
            return self
        longest = longest_ngram(config, self.kind, self.text.level)
        size = len(self.text.vocabulary)
        return replace(self, ngrams=frequent_ngrams(train.values, longest, size))

    @property
    def kind(self) -> Kind:
        """What the sequences are made of."""
        if self.text is None:
            return "numbers"
        few = len(self.text.vocabulary) < LETTERS
        return "letters" if few and self.text.level in ("char", "jamo") else "words"

    @property
    def notes(self) -> tuple[Message, ...]:
        """What was chosen, and what it does to the training part."""
        if self.text is None or not self.ngrams:
            return () if self.text is None else self.text.notes
        found = "n-grams with vectors of their own: {count:,}, of up to {longest} tokens"
        values = {"count": sum(map(len, self.ngrams)), "longest": len(self.ngrams) + 1}
        return (*self.text.notes, Message(found, values))

    def check(self, examples: Examples) -> None:
        """Refuse examples of another kind than those of the training part.

        Raises:
            DataError: saying what they are.
        """
        if (examples.texts is None) != (self.text is None):
            learned, given = "texts", "numbers"
            if self.text is None:
                learned, given = given, learned
            raise DataError(
                f"{examples.name} holds {given}, and the model has learned from {learned}: give"
                f" {learned}"
            )
        if self.signal is not None:
            assert examples.signals is not None
            self.signal.check(examples.signals, examples.name)

    def encode(
        self, examples: Examples, targets: Tensor | None = None, weights: Tensor | None = None
    ) -> LabelledSequences:
        """Return examples as a data set for a network.

        Raises:
            DataError: as `check`, or if a text cannot be encoded.
        """
        self.check(examples)
        if self.text is not None:
            texts = examples.texts
            assert texts is not None
            values: Sequences
            if isinstance(texts, StoredTexts):
                values = self.text.encode_stored(texts, texts.file.folder, place=examples.place)
            else:
                values = self.text.encode(texts, place=examples.place)
            return LabelledSequences(values, targets, None, weights)
        assert self.signal is not None
        assert examples.signals is not None
        return LabelledSequences(
            self.signal.numbers(examples.signals),
            targets,
            self.signal.codes(examples.signals),
            weights,
        )

    def new_input(self, config: LabelOptions, vectors: Tensor | None = None) -> SequenceInput:
        """Return an untrained input layer; `vectors` start the embedding of texts."""
        dropout = input_dropout(config, self.kind)
        if self.text is not None:
            return SequenceInput(
                vocabulary=len(self.text.vocabulary),
                embedding=None if config.embedding == "onehot" else config.embedding_size,
                dropout=dropout,
                vectors=vectors,
                frozen=config.freeze,
                ngrams=self.ngrams,
            )
        assert self.signal is not None
        return SequenceInput(
            numbers=self.signal.width, labels=self.signal.label_sizes, dropout=dropout
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back, all but the notes and n-grams."""
        if self.text is not None:
            return {"text": self.text.to_json()}
        assert self.signal is not None
        return {"signal": self.signal.to_json()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], ngrams: tuple[Tensor, ...]) -> ExampleCodec:
        """Return the codec that `to_json` wrote, with its n-grams."""
        if "text" in plain:
            return cls(TextCodec.from_json(plain["text"]), None, ngrams)
        return cls(None, SignalCodec.from_json(plain["signal"]))
