"""How well a language model predicts a text that it has not learned from, beside n-grams."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from rnnkit.baselines.ngram import Smoothing
from rnnkit.data.streams import TokenStreams
from rnnkit.data.text.vocabulary import UNK
from rnnkit.errors import DataError
from rnnkit.messages import Message
from rnnkit.metrics.language import language_scores
from rnnkit.models.language_model import LanguageModelNetwork, State
from rnnkit.tasks.language.corpus import Codes, read_codes
from rnnkit.tasks.language.fitting import TextModel
from rnnkit.tasks.scores import MODEL
from rnnkit.training import threads_for

FloatArray = NDArray[np.float64]

_NAMES: dict[Smoothing, str] = {"witten-bell": "Witten-Bell", "kneser-ney": "Kneser-Ney"}
NGRAMS, UNIGRAM, UNIFORM = "n-gram", "unigram", "uniform"

_LOGITS = 4_000_000  # that are held at a time
_BLOCKS = 30  # of the text, whose scores tell how far chance reaches
_SURE = 2.045  # standard errors of a mean of 30 that 95 % lie within (Student's t, 29 degrees)


@dataclass(frozen=True)
class Evaluation:
    """The scores of a language model and its baselines on the same text.

    Args:
        tokens: that were predicted: all of the text.
        characters: of the text.
        unknown: how many tokens are not in the vocabulary.
        order: tokens of the longest n-grams of the baseline.
        smoothing: of the n-grams.
        scores: of the model and each baseline: `nats_per_token`, `perplexity` and
            `bits_per_character`.
        difference: by how many nats a token the model is better than the best baseline, and the
            ends of the 95 % interval of that, from blocks of the text.
    """

    tokens: int
    characters: int
    unknown: int
    order: int
    smoothing: Smoothing
    scores: Mapping[str, Mapping[str, float]]
    difference: tuple[float, float, float]

    @property
    def best_baseline(self) -> str:
        """The name of the baseline that predicts the text best."""
        names = [name for name in self.scores if name != MODEL]
        return min(names, key=lambda name: self.scores[name]["nats_per_token"])

    def notes(self) -> tuple[Message, ...]:
        """Return what is to be said of the text and of the baseline."""
        notes = [
            Message(
                "the n-gram baseline guesses each token from at most {before} before it, with"
                " {smoothing} smoothing",
                {"before": self.order - 1, "smoothing": _NAMES[self.smoothing]},
            )
        ]
        if self.unknown:
            notes.append(
                Message(
                    "{count:,} of the {tokens:,} tokens of the test part ({share:.2%}) are not in"
                    " the vocabulary and count as one unknown token",
                    {
                        "count": self.unknown,
                        "tokens": self.tokens,
                        "share": self.unknown / self.tokens,
                    },
                )
            )
        return tuple(notes)

    def verdict(self) -> Message:
        """Return in a sentence whether the network is better than the best baseline."""
        name = self.best_baseline
        values: dict[str, Any] = {
            "model": self.scores[MODEL]["nats_per_token"],
            "baseline": Message(name),
            "other": self.scores[name]["nats_per_token"],
        }
        _, low, high = self.difference
        if low > 0:
            return Message(
                "The network needs {model:.3f} nats per token, the best baseline ({baseline})"
                " {other:.3f}.",
                values,
            )
        if high < 0:
            return Message(
                "The network needs {model:.3f} nats per token, more than the best baseline"
                " ({baseline}) with {other:.3f}: use that, or train longer or on more text.",
                values,
            )
        return Message(
            "The network needs {model:.3f} nats per token, the best baseline ({baseline})"
            " {other:.3f}: the difference may be chance.",
            values,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back; what is not finite becomes `None`."""
        return {
            "tokens": self.tokens,
            "characters": self.characters,
            "unknown": self.unknown,
            "order": self.order,
            "smoothing": self.smoothing,
            "scores": {
                name: {k: v if math.isfinite(v) else None for k, v in scores.items()}
                for name, scores in self.scores.items()
            },
            "difference": list(self.difference),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Evaluation:
        """Return the evaluation that `to_json` wrote."""
        better, low, high = map(float, plain["difference"])
        return cls(
            int(plain["tokens"]),
            int(plain["characters"]),
            int(plain["unknown"]),
            int(plain["order"]),
            plain["smoothing"],
            {
                name: {k: math.inf if v is None else float(v) for k, v in scores.items()}
                for name, scores in plain["scores"].items()
            },
            (better, low, high),
        )


def evaluate_model(model: TextModel, text: str) -> Evaluation:
    """Score a text: all of its tokens, each after all those before it.

    Raises:
        DataError: if the text holds no token.
    """
    codes = read_codes(model.codec, [text])
    if len(codes) < 2:
        raise DataError("there is no token to predict in the text: give one that holds some")
    network = token_nats(model.network, codes)
    ngrams = -model.ngrams.log_probabilities(codes)
    nats = {
        MODEL: network,
        NGRAMS: ngrams[-1],
        UNIGRAM: ngrams[0],
        UNIFORM: np.full(len(network), math.log(len(model.codec.vocabulary))),
    }
    scores = {
        name: language_scores(float(of.sum()), len(of), len(text)) for name, of in nats.items()
    }
    best = min((name for name in nats if name != MODEL), key=lambda name: float(nats[name].sum()))
    return Evaluation(
        tokens=len(network),
        characters=len(text),
        unknown=int((codes[1:] == UNK).sum()),
        order=model.ngrams.order,
        smoothing=model.smoothing,
        scores=scores,
        difference=_difference(nats[best] - network),
    )


@torch.inference_mode()
def token_nats(network: LanguageModelNetwork, codes: Codes) -> FloatArray:
    """Return `(M - 1,)`: `-ln p` of every token of `codes (M,)` but the first.

    The text is one stream, whose state is carried from its beginning to its end.
    """
    vocabulary = network.head.out_features
    data = TokenStreams(codes, steps=max(1, min(512, _LOGITS // vocabulary)), streams=1)
    device = network.head.weight.device
    state: State | None = None
    parts = []
    with threads_for(network.operations(1)):
        for index in data.arrange(torch.arange(len(data)), 1):
            batch = data.batch(index).to(device)
            assert batch.targets is not None
            logits, state = network(batch.values, state)
            nats = cross_entropy(logits[0].double(), batch.targets[0], reduction="none")
            parts.append(nats.cpu().numpy())
    return np.concatenate(parts)


def _difference(gains: FloatArray) -> tuple[float, float, float]:
    """Return the mean gain and its 95 % interval; neighbouring tokens go together in blocks."""
    mean = float(gains.mean())
    if len(gains) < _BLOCKS:  # too few to tell
        return mean, mean - abs(mean), mean + abs(mean)
    means = [float(block.mean()) for block in np.array_split(gains, _BLOCKS)]
    reach = _SURE * float(np.std(means, ddof=1)) / math.sqrt(_BLOCKS)
    return mean, mean - reach, mean + reach
