"""Witten-Bell n-grams against the formula by hand and by dictionaries."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from rnnkit.baselines.ngram import SMOOTHINGS, NGramModel
from rnnkit.errors import ConfigError, DataError


def by_dictionaries(train: list[int], V: int, history: list[int], token: int, order: int) -> float:
    """The same probability from the formula, as slowly as can be."""
    p = 1 / V
    for n in range(1, order + 1):
        if len(history) < n - 1:
            break
        context = tuple(history[len(history) - n + 1 :])
        follow: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for i in range(n - 1, len(train)):
            follow[tuple(train[i - n + 1 : i])][train[i]] += 1
        seen = follow[context]
        total, types = sum(seen.values()), len(seen)
        if total:
            p = (seen[token] + types * p) / (total + types)
    return p


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_probabilities_are_those_of_the_formula(order, seed):
    rng = np.random.default_rng(seed)
    train, text = rng.integers(0, 4, 60), rng.integers(0, 6, 25)  # 4 and 5 were never seen
    found = NGramModel(train, vocabulary=6, order=order).log_probabilities(text)
    assert found.shape == (order, 24)
    for n in range(order):
        expected = [
            by_dictionaries(train.tolist(), 6, text[:i].tolist(), int(text[i]), n + 1)
            for i in range(1, len(text))
        ]
        np.testing.assert_allclose(np.exp(found[n]), expected, rtol=1e-12)


def kneser_ney_by_sets(
    train: list[int], V: int, history: list[int], token: int, order: int
) -> float:
    """Modified Kneser-Ney from the formula: the probability of the longest n-grams, `order`."""
    p = 1 / V
    for n in range(1, order + 1):
        if len(history) < n - 1:
            break
        grams = [tuple(train[i - n + 1 : i + 1]) for i in range(n - 1, len(train))]
        counts = Counter(grams)
        if n < order:  # how many different tokens come before each
            longer = {tuple(train[i - n : i + 1]) for i in range(n, len(train))}
            before = Counter(gram[1:] for gram in longer)
            counts = Counter({gram: before[gram] for gram in counts})
        n1, n2, n3, n4 = (sum(c == k for c in counts.values()) for k in (1, 2, 3, 4))
        discounts = [0, 0.5, 1.0, 1.5]
        if n1 and n2 and n3 and n4:
            y = n1 / (n1 + 2 * n2)
            exact = [0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
            discounts = [min(max(d, 0), k) for k, d in enumerate(exact)]
        context = tuple(history[len(history) - n + 1 :])
        follow = {gram[-1]: c for gram, c in counts.items() if gram[:-1] == context}
        total = sum(follow.values())
        if total:
            taken = sum(discounts[min(c, 3)] for c in follow.values())
            own = follow.get(token, 0)
            p = (own - discounts[min(own, 3)] + taken * p) / total
    return p


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize(("seed", "tokens"), [(0, 60), (1, 400), (2, 3)])
def test_kneser_ney_is_the_formula(order, seed, tokens):
    rng = np.random.default_rng(seed)
    # frequencies of every kind, so that all discounts are used
    train, text = (rng.geometric(0.3, n).clip(1, 9) - 1 for n in (tokens, 25))
    model = NGramModel(train, vocabulary=11, order=order, smoothing="kneser-ney")
    found = model.log_probabilities(text)
    for n in range(model.order):
        expected = [
            kneser_ney_by_sets(train.tolist(), 11, text[:i].tolist(), int(text[i]), n + 1)
            for i in range(1, len(text))
        ]
        # All shorter lengths of a model of order n + 1 count what comes before.
        np.testing.assert_allclose(np.exp(found[n]), expected, rtol=1e-10)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_probabilities_of_all_tokens_sum_to_one(order, smoothing):
    rng = np.random.default_rng(2)
    train = rng.geometric(0.4, 80).clip(1, 5) - 1
    model = NGramModel(train, vocabulary=7, order=order, smoothing=smoothing)
    for history in ([3], [1, 6], [2, 0, 4, 1]):
        texts = [np.array([*history, token]) for token in range(7)]
        total = sum(np.exp(model.log_probabilities(text)[-1, -1]) for text in texts)
        assert total == pytest.approx(1.0, abs=1e-12)


def test_by_hand():
    # a b a b a c: after a come b (twice) and c (once); unigrams a 3, b 2, c 1, three kinds of six
    model = NGramModel(np.array([0, 1, 0, 1, 0, 2]), vocabulary=4, order=2)
    p_b = (2 + 3 * (1 / 4)) / (6 + 3)
    np.testing.assert_allclose(
        np.exp(model.log_probabilities(np.array([0, 1]))[:, 0]), [p_b, (2 + 2 * p_b) / (3 + 2)]
    )
    # nothing ever followed c: what comes after it is a unigram
    p_d = 3 * (1 / 4) / 9
    np.testing.assert_allclose(np.exp(model.log_probabilities(np.array([2, 3]))[:, 0]), [p_d, p_d])


def test_longer_n_grams_know_a_text_that_repeats():
    text = np.array([0, 1, 2, 0, 1, 3] * 50)
    nats = -NGramModel(text, vocabulary=4, order=4).log_probabilities(text[:60]).mean(axis=1)
    assert nats[0] > 1.2
    assert nats[3] < 0.2  # 0 1 2 0 1 tells that 3 follows
    assert nats[3] < nats[2] < nats[1] < nats[0]


def test_order_is_no_more_than_there_are_tokens():
    model = NGramModel(np.array([0, 1]), vocabulary=2, order=9)
    assert model.order == 2
    assert np.isfinite(model.log_probabilities(np.array([0, 1, 0, 0]))).all()
    assert model.log_probabilities(np.array([1])).shape == (2, 0)


def test_large_vocabularies_do_not_overflow():
    V = 2**31
    model = NGramModel(np.array([V - 1, 5, V - 1, 5], dtype=np.int64), vocabulary=V, order=3)
    np.testing.assert_allclose(
        np.exp(model.log_probabilities(np.array([V - 1, 5]))[1, 0]),
        (2 + (2 + 2 / V) / 6) / 3,
    )


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match="order must be at least 1, got 0"):
        NGramModel(np.array([0, 1]), vocabulary=2, order=0)
    with pytest.raises(ConfigError, match=r"smoothing must be one of .*did you mean 'kneser-ney'"):
        NGramModel(np.array([0, 1]), vocabulary=2, smoothing="kneser")
    with pytest.raises(DataError, match="at least 1 token"):
        NGramModel(np.array([], dtype=int), vocabulary=2)
    for wrong in (np.array([0, 2]), np.array([-1, 0])):
        with pytest.raises(DataError, match=r"tokens must lie in 0\.\.1"):
            NGramModel(wrong, vocabulary=2)
        with pytest.raises(DataError, match=r"tokens must lie in 0\.\.1"):
            NGramModel(np.array([0, 1]), vocabulary=2).log_probabilities(wrong)
