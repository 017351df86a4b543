"""The CRF against the sum over all sequences of tags."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.func import functional_call

from rnnkit.errors import ConfigError, ShapeError
from rnnkit.layers import CRF

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


def drawn(K: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> CRF:
    torch.manual_seed(seed)
    crf = CRF(K, dtype=dtype)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_(std=1.5)
    return crf


def score(crf: CRF, emissions: Tensor, tags: tuple[int, ...]) -> Tensor:
    """Return the score of one sequence `(T, K)`, as the definition says."""
    if not tags:
        return emissions.new_zeros(())
    total = crf.start[tags[0]] + crf.end[tags[-1]]
    for t, tag in enumerate(tags):
        total = total + emissions[t, tag]
    for one, next_ in itertools.pairwise(tags):
        total = total + crf.transitions[one, next_]
    return total


def enumerated(crf: CRF, emissions: Tensor) -> tuple[list[tuple[int, ...]], Tensor]:
    """Return all sequences of tags of one row, and their log-probabilities."""
    paths = list(itertools.product(range(crf.tags), repeat=len(emissions)))
    return paths, torch.stack([score(crf, emissions, path) for path in paths]).log_softmax(0)


CASES = [  # K, T, lengths
    (3, 5, [5, 1, 0, 4, 2]),
    (1, 4, [4, 0, 2]),
    (7, 3, [3, 3]),
    (2, 1, [1]),
    (2, 7, [0, 6, 1]),
]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("K", "T", "lengths"), CASES)
def test_equals_the_sum_over_all_sequences(K, T, lengths, dtype) -> None:
    crf = drawn(K, dtype)
    B = len(lengths)
    emissions = torch.randn(B, T, K, dtype=dtype) * 2
    tags = torch.randint(K, (B, T))
    likelihoods = crf(emissions, tags, lengths)
    decoded = crf.decode(emissions, lengths)
    marginals = crf.marginals(emissions, torch.tensor(lengths))
    assert likelihoods.dtype == marginals.dtype == dtype
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    for b, n in enumerate(lengths):
        paths, logs = enumerated(crf, emissions[b, :n])
        expected = logs[paths.index(tuple(tags[b, :n].tolist()))]
        torch.testing.assert_close(likelihoods[b], expected, **close)
        assert tuple(decoded[b, :n].tolist()) == paths[int(logs.argmax())]
        assert not decoded[b, n:].any()
        expected = torch.zeros(T, K, dtype=dtype)
        for path, log in zip(paths, logs, strict=True):
            for t, tag in enumerate(path):
                expected[t, tag] += log.detach().exp()
        torch.testing.assert_close(marginals[b], expected, **close)


def test_gradients_in_float64() -> None:
    crf = drawn(3)
    emissions = torch.randn(4, 3, 3, dtype=torch.float64, requires_grad=True)
    tags = torch.randint(3, (4, 3))
    names = [name for name, _ in crf.named_parameters()]

    def likelihoods(x: Tensor, *parameters: Tensor) -> Tensor:
        named = dict(zip(names, parameters, strict=True))
        return functional_call(crf, named, (x, tags, [2, 3, 1, 0]))

    assert gradcheck(likelihoods, (emissions, *crf.parameters()))
    assert gradgradcheck(likelihoods, (emissions, *crf.parameters()))


def test_marginals_are_the_gradient_of_the_partition() -> None:
    """As the derivative of log Z by an emission is the probability of its tag."""
    crf = drawn(4)
    emissions = torch.randn(3, 6, 4, dtype=torch.float64, requires_grad=True)
    tags = torch.randint(4, (3, 6))
    lengths = [6, 2, 5]
    crf(emissions, tags, lengths).sum().backward()
    gold = torch.nn.functional.one_hot(tags, 4) * (
        torch.arange(6) < torch.tensor(lengths)[:, None]
    ).unsqueeze(-1)
    torch.testing.assert_close(gold - emissions.grad, crf.marginals(emissions, lengths).detach())


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), -1e30])
def test_padding_never_matters(poison) -> None:
    crf = drawn(5, torch.float32)
    lengths = [4, 1, 0, 7]
    emissions, tags = torch.randn(4, 7, 5), torch.randint(5, (4, 7))
    padding = torch.arange(7) >= torch.tensor(lengths)[:, None]
    poisoned = emissions.masked_fill(padding[..., None], poison)
    strange = tags.masked_fill(padding, -100)

    def results(x: Tensor, y: Tensor) -> list[Tensor]:
        crf.zero_grad()
        x = x.clone().requires_grad_()
        likelihoods = crf(x, y, lengths)
        likelihoods.sum().backward()
        assert not x.grad[padding].any()
        gradients = [x.grad, *(parameter.grad.clone() for parameter in crf.parameters())]
        decoded, marginals = crf.decode(x, lengths), crf.marginals(x, lengths)
        return [likelihoods, *gradients, decoded, marginals]

    for one, other in zip(results(emissions, tags), results(poisoned, strange), strict=True):
        assert torch.equal(one, other)


def test_a_row_alone_is_as_in_a_batch() -> None:
    crf = drawn(6, torch.float32)
    lengths = [3, 9, 1]
    emissions, tags = torch.randn(3, 9, 6), torch.randint(6, (3, 9))
    together = crf(emissions, tags, lengths)
    for b, n in enumerate(lengths):
        alone = emissions[b : b + 1, :n]
        torch.testing.assert_close(crf(alone, tags[b : b + 1, :n])[0], together[b])
        assert torch.equal(crf.decode(alone)[0], crf.decode(emissions, lengths)[b, :n])


def test_long_sequences_and_large_scores_stay_finite() -> None:
    crf = drawn(4, torch.float32)
    with torch.no_grad():
        crf.transitions[1, 2] = -1e4
    emissions = torch.randn(2, 500, 4) * 1000
    decoded = crf.decode(emissions)
    likelihood = crf(emissions, decoded)
    likelihood.sum().backward()
    assert torch.isfinite(likelihood).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in crf.parameters())
    assert torch.isfinite(crf.marginals(emissions)).all()
    # no sequence that was changed in a step is more probable
    worse = decoded.clone()
    worse[:, 250] = (worse[:, 250] + 1) % 4
    assert (crf(emissions, worse) < likelihood).all()


@pytest.mark.parametrize(("B", "T"), [(0, 3), (2, 0)])
def test_nothing_gives_nothing(B, T) -> None:
    crf = drawn(3, torch.float32)
    emissions = torch.zeros(B, T, 3)
    assert crf(emissions, torch.zeros(B, T, dtype=torch.int64)).tolist() == [0.0] * B
    assert crf.decode(emissions).shape == (B, T)
    assert crf.marginals(emissions).shape == (B, T, 3)


def test_begins_as_a_softmax_of_each_step() -> None:
    emissions, tags = torch.randn(2, 4, 3), torch.randint(3, (2, 4))
    logs = emissions.log_softmax(-1).gather(2, tags[..., None]).sum(dim=(1, 2))
    torch.testing.assert_close(CRF(3)(emissions, tags), logs)


def test_state_dict_names() -> None:
    assert list(CRF(2).state_dict()) == ["transitions", "start", "end"]
    assert repr(CRF(2)) == "CRF(2)"


@pytest.mark.parametrize(
    ("emissions", "tags", "lengths", "words"),
    [
        ((2, 3), (2, 3), None, r"emissions must be \(B, T, 4\), got shape \(2, 3\)"),
        ((2, 3, 5), (2, 3), None, r"got shape \(2, 3, 5\)"),
        ((2, 3, 4), (2, 2), None, r"tags must be \(2, 3\) int64"),
        ((2, 3, 4), (2, 3), [3], r"lengths must be \(2,\)"),
        ((2, 3, 4), (2, 3), [3, 4], r"lengths must lie in 0..3"),
    ],
)
def test_wrong_shapes(emissions, tags, lengths, words) -> None:
    with pytest.raises(ShapeError, match=words):
        CRF(4)(torch.zeros(emissions), torch.zeros(tags, dtype=torch.int64), lengths)


def test_a_tag_out_of_range() -> None:
    with pytest.raises(ShapeError, match=r"tags must lie in 0\.\.3, got 0\.\.4"):
        CRF(4)(torch.zeros(1, 2, 4), torch.tensor([[0, 4]]))
    with pytest.raises(ShapeError, match="float32"):
        CRF(4)(torch.zeros(1, 2, 4), torch.zeros(1, 2))


@pytest.mark.parametrize("tags", [0, -1, 2.0, True, "3"])
def test_a_wrong_number_of_tags(tags) -> None:
    with pytest.raises(ConfigError, match="tags must be a whole number of at least 1"):
        CRF(tags)
