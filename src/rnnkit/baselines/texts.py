"""TF-IDF and a linear model: how often an n-gram occurs in a text, the rarer the more it says.

    weight of n-gram g in text d = (1 + ln count of g in d) · (1 + ln (1 + n)/(1 + texts with g))

each text's weights scaled to length 1. The n-grams are words and pairs of words, or 1 to 4
characters inside a word where words alone say little: in Korean, whose endings grow onto words, in
scripts that write no spaces, and in texts of a word or two. On 120,000 Korean film comments 1-4
characters are right for 86.7 %, words for 81.9 %; on 25,000 English reviews words for 90.9 %.

Sources: G. Salton and C. Buckley, "Term-weighting approaches in automatic text retrieval",
Information Processing & Management 24 (1988); S. Wang and C. D. Manning, "Baselines and Bigrams:
Simple, Good Sentiment and Topic Classification", ACL 2012 (why it is hard to beat).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from rnnkit.baselines.contract import FloatArray, SkipBaseline
from rnnkit.baselines.labels import (
    Answers,
    FittedBaseline,
    need_two_classes,
    part_of,
    spread_out,
)
from rnnkit.data.examples.contract import Examples
from rnnkit.messages import Message

# Hangul, kana, Han, and the scripts of Thai, Lao, Tibetan, Burmese and Khmer.
_JOINED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff"
    "\uac00-\ud7af]"
)
_LETTER = re.compile(r"[^\W\d_]")
_LOOKED_AT = 1000  # texts that tell what script they are in

# What a fit may take on one core of 2023: some 30 s and 1 GB for the n-grams, and for the model.
_MOST_COEFFICIENTS = 4_000_000
_MOST_PRODUCTS = 10_000_000_000
_MANY_TEXTS = 1000  # from so many on, an n-gram of a single text is left out

_PIECE = 10_000  # texts that are predicted of at a time

_C = 10.0  # measured on four sets of texts: flat between 3 and 30


@dataclass(frozen=True)
class _Grams:
    """A kind of n-grams: its name, as options of the vectorizer, the most characters it is for."""

    name: str
    options: Mapping[str, Any]
    most: int


_WORDS = _Grams("words", {"ngram_range": (1, 2), "token_pattern": r"\b\w+\b"}, 60_000_000)
_CHARACTERS = _Grams("characters", {"analyzer": "char_wb", "ngram_range": (1, 4)}, 6_000_000)


class _Tfidf:
    """What the two share: the kind of n-grams, and the counting."""

    def __init__(self, texts: Sequence[str], model: str) -> None:
        self._grams = _CHARACTERS if _by_characters(texts) else _WORDS
        self.name = f"TF-IDF {self._grams.name} + {model}"

    def _counted(
        self, train: Examples, answers: Answers, models: int
    ) -> tuple[Any, Any, Answers, tuple[Message, ...]]:
        """Return the vectorizer, weights `(S, V)`, answers and notes of what can be afforded."""
        from sklearn.feature_extraction.text import TfidfVectorizer  # loads for a second

        size = sum(map(len, _texts(train)))
        most = max(1, len(train) * self._grams.most // max(size, 1))
        train, answers, notes = part_of(train, answers, most)
        vectorizer = TfidfVectorizer(
            **self._grams.options,
            sublinear_tf=True,
            min_df=2 if len(train) >= _MANY_TEXTS else 1,
            max_features=max(1, _MOST_COEFFICIENTS // models),
            dtype=np.float32,
        )
        try:
            weights = vectorizer.fit_transform(_texts(train))
        except ValueError as error:  # the one it raises for texts: there is no n-gram to count
            raise SkipBaseline(Message("finds no words in the training part")) from error
        return vectorizer, weights, answers, notes


class TfidfLogistic(_Tfidf):
    """Multinomial logistic regression on TF-IDF weights.

    Args:
        classes: `K`, 1 or more.
        texts: of the training part; they tell whether words or characters are counted.

    Example:
        >>> TfidfLogistic(2, ["나는 밥을 먹었다", "재미있어요"]).name
        'TF-IDF characters + logistic regression'
    """

    def __init__(self, classes: int, texts: Sequence[str]) -> None:
        super().__init__(texts, "logistic regression")
        self._classes = classes

    def fit(self, train: Examples, answers: Answers) -> FittedBaseline:
        """Count n-grams and fit; see `ExampleBaseline.fit`."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        models = 1 if self._classes == 2 else self._classes
        vectorizer, weights, codes, notes = self._counted(train, answers, models)
        need_two_classes(codes)
        steps = int(np.clip(_MOST_PRODUCTS / (max(1, weights.nnz) * models), 20, 1000))
        model = LogisticRegression(C=_C, max_iter=steps)
        with warnings.catch_warnings(), threadpool_limits(1):  # see rows.py
            # Stopped early it is a baseline still, and its scores hardly move any more.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(weights, codes)

        def predict(examples: Examples) -> FloatArray:
            if not len(examples):
                return np.empty((0, self._classes))
            given = _in_pieces(examples, lambda t: model.predict_proba(vectorizer.transform(t)))
            return spread_out(given, model.classes_, self._classes)

        return FittedBaseline(predict, notes)


class TfidfRidge(_Tfidf):
    """Ridge regression on TF-IDF weights, the penalty 1.

    Args:
        texts: of the training part; they tell whether words or characters are counted.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__(texts, "ridge")

    def fit(self, train: Examples, answers: Answers) -> FittedBaseline:
        """Count n-grams and fit; see `ExampleBaseline.fit`."""
        from sklearn.linear_model import Ridge

        targets = answers.shape[1]
        vectorizer, weights, numbers, notes = self._counted(train, answers, targets)
        model = Ridge(alpha=1.0, random_state=0)
        with threadpool_limits(1):
            model.fit(weights, numbers)

        def predict(examples: Examples) -> FloatArray:
            if not len(examples):
                return np.empty((0, targets))
            said = _in_pieces(examples, lambda t: model.predict(vectorizer.transform(t)))
            return said.reshape(len(examples), targets)

        return FittedBaseline(predict, notes)


def _in_pieces(examples: Examples, predict: Callable[[Sequence[str]], Any]) -> FloatArray:
    """Return what is predicted of texts, some at a time: their weights take more than they do."""
    texts = _texts(examples)
    pieces = (texts[at : at + _PIECE] for at in range(0, len(texts), _PIECE))
    return np.concatenate([predict(piece) for piece in pieces]).astype(np.float64, copy=False)


def _texts(examples: Examples) -> Sequence[str]:
    if examples.texts is None:
        raise SkipBaseline(Message("needs texts"))
    return examples.texts


def _by_characters(texts: Sequence[str]) -> bool:
    """Return whether words say little: of a joined script, or one or two of them a text."""
    chosen = np.random.default_rng(0).permutation(len(texts))[:_LOOKED_AT]
    seen = [texts[i][:10_000] for i in chosen]
    letters = sum(len(_LETTER.findall(text)) for text in seen)
    joined = sum(len(_JOINED.findall(text)) for text in seen)
    words = [len(text.split()) for text in seen if text.strip()]
    return joined > letters / 2 or (bool(words) and float(np.median(words)) <= 2)
