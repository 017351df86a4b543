"""What a tagger gets right on sentences that it has not learned from, beside the baselines."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.examples.contract import Sentences
from rnnkit.errors import DataError
from rnnkit.messages import Message
from rnnkit.metrics import accuracy, confusion, difference_in_accuracy, macro_f1
from rnnkit.tasks.tagging.fitting import Tagger

MODEL = "model"
MOST_FREQUENT = "most frequent tag"
BY_ENDING = "most frequent tag, unknown words by ending"
UNSEEN = -1  # the code of a tag that training never saw

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The scores of a tagger and its baselines on the same words.

    Args:
        words: how many were scored.
        unknown: how many of them the training part did not have.
        scores: of the model and each baseline: `accuracy`, `accuracy_known`, `accuracy_unknown`
            (NaN where there is no such word), `macro_f1` and `accuracy_sentences`.
        difference: by how much the model is more accurate than the best baseline, and the ends of
            the 95 % interval of that.
        confusion: `(K, K)` of the model: row the tag, column what it was taken for.
        unseen: `(K,)` for what words were taken whose tag training never saw; they count as wrong.
        unseen_tags: how often each such tag came.
    """

    words: int
    unknown: int
    scores: Mapping[str, Mapping[str, float]]
    difference: tuple[float, float, float]
    confusion: IntArray
    unseen: IntArray
    unseen_tags: Mapping[str, int]

    @property
    def best_baseline(self) -> str:
        """The name of the baseline of the greatest accuracy."""
        names = [name for name in self.scores if name != MODEL]
        return max(names, key=lambda name: self.scores[name]["accuracy"])

    def notes(self) -> tuple[Message, ...]:
        """Return what is to be said of the sentences scored."""
        if not self.unseen_tags:
            return ()
        return (
            Message(
                "tags that training never saw ({tags}): {count:,} words, which count as wrong",
                {
                    "count": sum(self.unseen_tags.values()),
                    "tags": ", ".join(sorted(self.unseen_tags)),
                },
            ),
        )

    def verdict(self) -> Message:
        """Return in a sentence whether the model is better than the best baseline."""
        name = self.best_baseline
        values: dict[str, Any] = {
            "model": self.scores[MODEL]["accuracy"],
            "baseline": Message(name),
            "other": self.scores[name]["accuracy"],
        }
        _, low, high = self.difference
        if low > 0:
            return Message(
                "The network tags {model:.1%} of the words rightly, the best baseline ({baseline})"
                " {other:.1%}.",
                values,
            )
        if high < 0:
            return Message(
                "The network tags {model:.1%} of the words rightly, fewer than the best baseline"
                " ({baseline}) with {other:.1%}: use that, or train longer or on more sentences.",
                values,
            )
        return Message(
            "The network tags {model:.1%} of the words rightly, the best baseline ({baseline})"
            " {other:.1%}: the difference may be chance.",
            values,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back; NaN becomes `None`."""
        return {
            "words": self.words,
            "unknown": self.unknown,
            "scores": {
                name: {k: None if math.isnan(v) else v for k, v in scores.items()}
                for name, scores in self.scores.items()
            },
            "difference": list(self.difference),
            "confusion": self.confusion.tolist(),
            "unseen": self.unseen.tolist(),
            "unseen_tags": dict(self.unseen_tags),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Evaluation:
        """Return the evaluation that `to_json` wrote."""
        better, low, high = map(float, plain["difference"])
        return cls(
            int(plain["words"]),
            int(plain["unknown"]),
            {
                name: {k: math.nan if v is None else float(v) for k, v in scores.items()}
                for name, scores in plain["scores"].items()
            },
            (better, low, high),
            np.array(plain["confusion"], dtype=np.int64),
            np.array(plain["unseen"], dtype=np.int64),
            {tag: int(count) for tag, count in plain["unseen_tags"].items()},
        )


def evaluate_tagger(tagger: Tagger, sentences: Sentences) -> Evaluation:
    """Score a tagger and the baselines on sentences with tags.

    Raises:
        DataError: if they hold no word.
    """
    assert sentences.tags is not None
    words = sentences.words
    if not any(words):
        raise DataError(f"{sentences.name} holds no word to score on, and at least 1 is needed")
    table, names = tagger.table, tagger.codec.tags
    code = {tag: number for number, tag in enumerate(names)}
    actual = _codes(sentences.tags, code)
    predicted = {
        MODEL: tagger.tag(words),
        MOST_FREQUENT: [table.tag(sentence) for sentence in words],
        BY_ENDING: [table.tag(sentence, endings=True) for sentence in words],
    }
    known = np.array([word in table.words for sentence in words for word in sentence])
    lengths = np.array([len(sentence) for sentence in words])
    codes = {name: _codes(tags, code) for name, tags in predicted.items()}
    scores = {name: _scores(actual, p, known, lengths) for name, p in codes.items()}
    baseline = max((MOST_FREQUENT, BY_ENDING), key=lambda name: scores[name]["accuracy"])
    return Evaluation(
        words=len(actual),
        unknown=int((~known).sum()),
        scores=scores,
        difference=difference_in_accuracy(actual, codes[MODEL], codes[baseline]),
        confusion=confusion(actual, codes[MODEL], len(names)),
        unseen=np.bincount(codes[MODEL][actual == UNSEEN], minlength=len(names)),
        unseen_tags=Counter(tag for given in sentences.tags for tag in given if tag not in code),
    )


def _codes(tags: Sequence[Sequence[str]], code: Mapping[str, int]) -> IntArray:
    return np.array([code.get(tag, UNSEEN) for given in tags for tag in given], dtype=np.int64)


def _scores(
    actual: IntArray, predicted: IntArray, known: NDArray[np.bool_], lengths: IntArray
) -> dict[str, float]:
    def among(which: NDArray[np.bool_]) -> float:
        return accuracy(actual[which], predicted[which]) if which.any() else math.nan

    wrong = np.concatenate([[0], np.cumsum(actual != predicted)])
    ends = np.cumsum(lengths)
    return {
        "accuracy": accuracy(actual, predicted),
        "accuracy_known": among(known),
        "accuracy_unknown": among(~known),
        "macro_f1": macro_f1(actual, predicted),
        "accuracy_sentences": float(np.mean(wrong[ends] == wrong[ends - lengths])),
    }
