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
from rnnkit.data.tagged import UNKNOWN_TAG
from rnnkit.errors import DataError
from rnnkit.messages import Message
from rnnkit.metrics import accuracy, confusion, difference_in_accuracy, macro_f1
from rnnkit.tasks.scores import MODEL, network_name
from rnnkit.tasks.tagging.fitting import Tagger

MOST_FREQUENT = "most frequent tag"
BY_ENDING = "most frequent tag, unknown words by ending"
METRIC = "accuracy"  # that ranks
NAMED = 10  # tags that training never saw, at the most

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TagEvaluation:
    """The scores of a tagger and its baselines on the same words.

    Args:
        actual: `(N,)` int64, the tags' codes; -1 for one that training never saw, which counts as
            wrong.
        predicted: `(N,)` int64, of the model.
        scores: of the model and each baseline: `accuracy`, `accuracy_known` and `accuracy_unknown`
            (of words that the training part has or has not; NaN where there are none), `macro_f1`.
        verdict: what they mean, in one sentence.
        warnings: what should be known beside it.
    """

    actual: IntArray
    predicted: IntArray
    scores: Mapping[str, Mapping[str, float]]
    verdict: Message
    warnings: tuple[Message, ...]

    def confusion(self, tags: int) -> IntArray:
        """Return `(K, K)`: row the tag, column what it was taken for."""
        return confusion(self.actual, self.predicted, tags)

    def unseen(self, tags: int) -> IntArray:
        """Return `(K,)`, for what words were taken whose tag training never saw."""
        return np.bincount(self.predicted[self.actual == UNKNOWN_TAG], minlength=tags)


def evaluate_tagger(tagger: Tagger, sentences: Sentences, *, cell: str) -> TagEvaluation:
    """Score a tagger and the baselines on sentences with tags.

    Args:
        tagger: that was fitted.
        sentences: that it has not learned from.
        cell: of its network, for the verdict.

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
        MODEL: _codes(tagger.tag(words), code),
        MOST_FREQUENT: _codes([table.tag(sentence) for sentence in words], code),
        BY_ENDING: _codes([table.tag(sentence, endings=True) for sentence in words], code),
    }
    known = np.array([word in table.words for sentence in words for word in sentence])
    scores = {name: _scores(actual, codes, known) for name, codes in predicted.items()}
    best = max((MOST_FREQUENT, BY_ENDING), key=lambda name: scores[name][METRIC])
    return TagEvaluation(
        actual=actual,
        predicted=predicted[MODEL],
        scores=scores,
        verdict=_verdict(actual, predicted, scores, best, network_name(cell)),
        warnings=_unseen(sentences.tags, code),
    )


def _codes(tags: Sequence[Sequence[str]], code: Mapping[str, int]) -> IntArray:
    return np.array([code.get(t, UNKNOWN_TAG) for given in tags for t in given], dtype=np.int64)


def _scores(actual: IntArray, predicted: IntArray, known: NDArray[np.bool_]) -> dict[str, float]:
    def among(which: NDArray[np.bool_]) -> float:
        return accuracy(actual[which], predicted[which]) if which.any() else math.nan

    return {
        "accuracy": accuracy(actual, predicted),
        "accuracy_known": among(known),
        "accuracy_unknown": among(~known),
        "macro_f1": macro_f1(actual, predicted),
    }


def _verdict(
    actual: IntArray,
    predicted: Mapping[str, IntArray],
    scores: Mapping[str, Mapping[str, float]],
    best: str,
    network: str,
) -> Message:
    """Return whether the network is worth having, beyond what chance does to a test part."""
    _, low, high = difference_in_accuracy(actual, predicted[MODEL], predicted[best])
    values: dict[str, Any] = {
        "network": network,
        "model": 100 * scores[MODEL][METRIC],
        "baseline": Message(best),
        "other": 100 * scores[best][METRIC],
        "low": 100 * low,
        "high": 100 * high,
    }
    if low > 0:
        return Message(
            "The {network} tags {model:.1f} % of the words rightly, {low:.1f} to {high:.1f} points"
            " (95 % interval) more than the best baseline, {baseline} ({other:.1f} %).",
            values,
        )
    if high < 0:
        return Message(
            "The best baseline, {baseline}, tags {other:.1f} % of the words rightly, more than the"
            " {network} ({model:.1f} %): use the baseline.",
            values,
        )
    return Message(
        "The {network} ({model:.1f} % of the words tagged rightly) and the best baseline,"
        " {baseline} ({other:.1f} %), differ by no more than chance does: use the cheaper"
        " baseline.",
        values,
    )


def _unseen(tags: Sequence[Sequence[str]], code: Mapping[str, int]) -> tuple[Message, ...]:
    unseen = Counter(tag for given in tags for tag in given if tag not in code)
    if not unseen:
        return ()
    often = sorted(unseen, key=lambda tag: (-unseen[tag], tag))
    values: dict[str, Any] = {
        "count": unseen.total(),
        "tags": ", ".join(sorted(often[:NAMED])),
    }
    template = (
        "Tags that training never saw ({tags}) count as wrong; words that have them: {count:,}."
    )
    if len(often) > NAMED:
        values["more"] = len(often) - NAMED
        template = (
            "Tags that training never saw ({tags} and {more:,} more) count as wrong; words that"
            " have them: {count:,}."
        )
    return (Message(template, values),)
