"""The network of a tagger."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from rnnkit.data.tagged import TagBatch, TagCodec
from rnnkit.data.text.vocabulary import UNK
from rnnkit.models.tagger import TagNetwork, TagSizes, tag_loss

WORDS = [["the", "old", "dog", "barks", "the"], ["it"], ["the", "dog", "sat"], []]
TAGS = [["D", "A", "N", "V", "D"], ["P"], ["D", "N", "V"], []]
CODEC = TagCodec.fit(WORDS, TAGS)
DATA = CODEC.encode(WORDS, TAGS)
OPTIONS = {
    "cell": "lstm",
    "hidden_size": 7,
    "layers": 1,
    "bidirectional": True,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
    "embedding_size": 5,
    "letter_size": 3,
    "letter_hidden_size": 4,
    "ending_size": 2,
    "word_dropout": 0.0,
    "crf": False,
}
VARIANTS = {
    "default": {},
    "crf": {"crf": True},
    "gru, two layers": {"cell": "gru", "layers": 2, "dropout": 0.3},
    "one direction": {"bidirectional": False, "cell": "rnn"},
    "words alone": {"letter_hidden_size": 0, "ending_size": 0},
    "recurrent dropout": {"recurrent_dropout": 0.4, "word_dropout": 0.5},
}


def network(**options) -> TagNetwork:
    torch.manual_seed(3)
    sizes = TagSizes(
        words=len(CODEC.words),
        first_rare=CODEC.first_rare,
        letters=len(CODEC.letters),
        endings=len(CODEC.endings),
        tags=len(CODEC.tags),
    )
    model = TagNetwork(sizes, **{**OPTIONS, **options})
    with torch.no_grad():  # a CRF begins at zero, where it would show little
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def batch(*index: int) -> TagBatch:
    return DATA.batch(torch.tensor(index))


@pytest.mark.parametrize("name", VARIANTS)
def test_a_sentence_alone_is_as_in_a_batch(name) -> None:
    model = network(**VARIANTS[name]).eval()
    with torch.no_grad():
        together = batch(0, 1, 2, 3)
        tags, probabilities = model.tags(together), model.probabilities(together)
        assert probabilities.shape == (4, 5, len(CODEC.tags))
        for i, n in enumerate(map(len, WORDS)):
            alone = batch(i)
            assert torch.equal(model.tags(alone)[0, :n], tags[i, :n])
            torch.testing.assert_close(model.probabilities(alone)[0, :n], probabilities[i, :n])
        mask = together.mask()
        torch.testing.assert_close(probabilities[mask].sum(-1), torch.ones(9))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_parameter_learns_and_padding_does_not_count(name) -> None:
    model = network(**VARIANTS[name])
    torch.manual_seed(0)
    loss, weight = tag_loss(model, batch(0, 1, 2, 3))
    assert weight.item() == 9
    loss.backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.abs().sum() > 0, parameter_name


@pytest.mark.parametrize("crf", [False, True])
def test_the_loss_of_a_batch_is_that_of_its_sentences(crf) -> None:
    model = network(crf=crf).eval()
    together, _ = tag_loss(model, batch(0, 1, 2, 3))
    alone = [tag_loss(model, batch(i))[0] for i in range(4)]
    assert alone[3] == 0
    torch.testing.assert_close(torch.stack(alone).sum(), together)


def test_the_loss_without_a_crf_is_cross_entropy_of_the_words() -> None:
    model = network().eval()
    one = batch(2)
    expected = cross_entropy(model(one)[0], one.targets[0], reduction="sum")
    torch.testing.assert_close(tag_loss(model, one)[0], expected)


def test_the_loss_with_a_crf_is_the_negative_log_likelihood() -> None:
    model = network(crf=True).eval()
    one = batch(2)
    expected = -model.crf(model(one), one.targets)[0]
    torch.testing.assert_close(tag_loss(model, one)[0], expected)


def test_words_that_occur_once_are_read_as_unknown_in_training() -> None:
    """Words that are never dropped come through untouched; of the others some do."""
    model = network(word_dropout=0.5)
    seen = []
    model.words.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    values = batch(0, 1, 2).values
    torch.manual_seed(1)
    for _ in range(200):
        model(batch(0, 1, 2))
    rare = values >= CODEC.first_rare
    assert rare.sum() == 4  # old, barks, it, sat; not the, dog
    read = torch.stack(seen)
    assert (read[:, ~rare] == values[~rare]).all()
    dropped = (read[:, rare] == UNK).float().mean(dim=0)
    assert ((dropped > 0.35) & (dropped < 0.65)).all()
    seen.clear()
    model.eval()(batch(0, 1, 2))
    assert torch.equal(seen[0], values)


def test_letters_and_endings_tell_unknown_words_apart() -> None:
    data = CODEC.encode([["tod"], ["dot"], ["sog"], ["bog"]])
    assert (data.codes[1:] == UNK).all()

    def scores(**options):
        with torch.no_grad():
            return network(**options).eval()(data.batch(torch.arange(4)))[:, 0]

    alone = scores(letter_hidden_size=0, ending_size=0)
    torch.testing.assert_close(alone, alone[:1].expand_as(alone))
    spelled = scores(ending_size=0)
    assert all(not torch.allclose(spelled[i], spelled[j]) for i in range(4) for j in range(i))


def test_dropout_is_drawn_from_torch() -> None:
    model = network(dropout=0.5, word_dropout=0.5, recurrent_dropout=0.5)

    def loss(seed: int) -> float:
        torch.manual_seed(seed)
        return tag_loss(model, batch(0, 1, 2))[0].item()

    assert loss(1) == loss(1)
    assert loss(1) != loss(2)
