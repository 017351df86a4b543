"""How well a language model predicts a text that it has not learned from, beside n-grams."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from rnnkit.baselines.ngram import FloatArray, IntArray, Smoothing
from rnnkit.data.streams import StoredCodes, TokenStreams
from rnnkit.data.text.vocabulary import UNK
from rnnkit.errors import DataError
from rnnkit.messages import Message
from rnnkit.metrics.language import language_scores
from rnnkit.models.language_model import LanguageModelNetwork, State
from rnnkit.tasks.language.corpus import Codes, read_codes
from rnnkit.tasks.language.fitting import TextModel, ngram_logs
from rnnkit.tasks.language.texts import Text
from rnnkit.tasks.scores import MODEL
from rnnkit.training import threads_for

_NAMES: dict[Smoothing, str] = {"witten-bell": "Witten-Bell", "kneser-ney": "Kneser-Ney"}
NGRAMS, UNIGRAM, UNIFORM = "n-gram", "unigram", "uniform"

_LOGITS = 4_000_000  # that are held at a time
_TOGETHER = 1 << 18  # tokens whose scores are held at a time, at least
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

    def notes(self, level: str) -> tuple[Message, ...]:
        """Return what is to be said of the text, the baseline and the scores.

        Args:
            level: of the tokens.
        """
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
        if level == "word":
            notes.append(
                Message(
                    "at level word capitals and spaces cost nothing, and an unknown word no more"
                    " than one token: its bits per character cannot be compared with those of other"
                    " levels"
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


def evaluate_model(model: TextModel, text: Text) -> Evaluation:
    """Score a text: all of its tokens, each after all those before it.

    Raises:
        DataError: if the text holds no token.
    """
    codes = read_codes(model.codec, [text])
    tokens = len(codes) - 1
    if tokens < 1:
        raise DataError("there is no token to predict in the text: give one that holds some")
    # The first blocks have a token more where they cannot all be of one length.
    blocks = np.diff(np.arange(_BLOCKS + 1) * (tokens // _BLOCKS))
    blocks[: tokens % _BLOCKS] += 1
    ends = np.cumsum(blocks)
    sums = {name: np.zeros(_BLOCKS) for name in (MODEL, NGRAMS, UNIGRAM)}
    unknown, at = 0, 0
    for network in token_nats(model.network, codes):
        end = at + len(network)
        ngrams = -ngram_logs(model.ngrams, codes, at + 1, end + 1)
        block = np.searchsorted(ends, np.arange(at, end), side="right")
        for name, nats in ((MODEL, network), (NGRAMS, ngrams[-1]), (UNIGRAM, ngrams[0])):
            sums[name] += np.bincount(block, weights=nats, minlength=_BLOCKS)
        unknown += int((codes[at + 1 : end + 1] == UNK).sum())
        at = end
    sums[UNIFORM] = blocks * math.log(len(model.codec.vocabulary))
    totals = {name: float(of.sum()) for name, of in sums.items()}
    best = min((name for name in totals if name != MODEL), key=lambda name: totals[name])
    return Evaluation(
        tokens=tokens,
        characters=len(text),
        unknown=unknown,
        order=model.ngrams.order,
        smoothing=model.smoothing,
        scores={name: language_scores(of, tokens, len(text)) for name, of in totals.items()},
        difference=_difference(sums[best] - sums[MODEL], blocks),
    )


@torch.inference_mode()
def token_nats(network: LanguageModelNetwork, codes: Codes | StoredCodes) -> Iterator[FloatArray]:
    """Yield `-ln p` of every token of `codes (M,)` but the first, many at a time.

    The text is one stream, whose state is carried from its beginning to its end.
    """
    vocabulary = network.head.out_features
    data = TokenStreams(codes, steps=max(1, min(512, _LOGITS // vocabulary)), streams=1)
    device = network.head.weight.device
    state: State | None = None
    parts, count = list[FloatArray](), 0
    with threads_for(network.operations(1)):
        for index in data.arrange(torch.arange(len(data)), 1):
            batch = data.batch(index).to(device)
            assert batch.targets is not None
            logits, state = network(batch.values, state)
            nats = cross_entropy(logits[0].double(), batch.targets[0], reduction="none")
            parts.append(nats.cpu().numpy())
            count += len(parts[-1])
            if count >= _TOGETHER:
                yield np.concatenate(parts)
                parts, count = [], 0
    if parts:
        yield np.concatenate(parts)


def _difference(gains: FloatArray, tokens: IntArray) -> tuple[float, float, float]:
    """Return the mean gain of a token and its 95 % interval; neighbouring tokens go together.

    Args:
        gains: of each block, together.
        tokens: of each block.
    """
    mean = float(gains.sum() / tokens.sum())
    if not tokens.all():  # too few to tell
        return mean, mean - abs(mean), mean + abs(mean)
    reach = _SURE * float(np.std(gains / tokens, ddof=1)) / math.sqrt(len(tokens))
    return mean, mean - reach, mean + reach
