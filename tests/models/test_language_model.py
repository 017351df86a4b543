"""The language model's network, and its loss with a carried state."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from rnnkit.data.streams import TokenStreams
from rnnkit.models.language_model import LanguageModelNetwork, StreamLoss
from rnnkit.training import Trainer, TrainingConfig
from rnnkit.training.trainer import Callback

V = 11


def network(seed: int = 0, **options) -> LanguageModelNetwork:
    torch.manual_seed(seed)
    return LanguageModelNetwork(
        **{"vocabulary": V, "hidden_size": 6, "embedding_size": 5, **options}
    )


def codes(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, V, n)


def state_tensors(state) -> tuple[torch.Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("embedding_size", [0, 5])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_text_in_chunks_is_the_text_in_one(cell, embedding_size, layers):
    model = network(cell=cell, embedding_size=embedding_size, layers=layers).eval()
    text = torch.from_numpy(codes(3 * 17).reshape(3, 17))
    whole, last = model(text)
    assert whole.shape == (3, 17, V)
    state, parts = None, []
    for part in text.split(5, dim=1):
        logits, state = model(part, state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole)
    for a, b in zip(state_tensors(state), state_tensors(last), strict=True):
        torch.testing.assert_close(a, b)
    assert not torch.allclose(model(text[:, 5:])[0], whole[:, 5:])  # the state matters


def test_rows_that_end_early_keep_their_state():
    model = network().eval()
    text = torch.tensor([[1, 2, 3], [4, 5, 0]])
    _, state = model(text, lengths=torch.tensor([3, 2]))
    _, alone = model(torch.tensor([[4, 5]]))
    torch.testing.assert_close(state[:, 1:], alone)


def test_one_hot_vectors_are_an_identity_that_is_not_saved():
    model = network(embedding_size=0)
    assert model.layers.input_size == V
    assert not [name for name in model.state_dict() if "hot" in name]


@pytest.mark.parametrize(("hidden_size", "projects"), [(5, False), (6, True)])
def test_tied_embeddings_serve_as_the_output_map(hidden_size, projects):
    model = network(tied=True, hidden_size=hidden_size)
    assert model.head.weight is model.embedding.weight
    assert (model.projection is not None) == projects
    names = [name for name, _ in model.named_parameters()]
    assert names.count("embedding.weight") == 1
    assert "head.weight" not in names
    h = torch.randn(2, hidden_size)
    z = h if model.projection is None else h @ model.projection.weight.T
    torch.testing.assert_close(
        model.eval().logits(h), z @ model.embedding.weight.T + model.head.bias
    )
    # both uses give a gradient
    logits, _ = model(torch.tensor([[1, 2]]))
    cross_entropy(logits[0], torch.tensor([3, 4])).backward()
    assert (model.embedding.weight.grad.abs().sum(dim=1) > 0).all()


def test_input_dropout_keeps_one_mask_for_all_steps():
    model = network(input_dropout=0.5, embedding_size=8).train()
    seen = []
    model.layers.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    torch.manual_seed(1)
    model(torch.full((4, 7), 3))
    (inputs,) = seen
    assert (inputs == inputs[:, :1]).all()
    dropped = inputs[:, 0] == 0
    assert 0 < int(dropped.sum()) < dropped.numel()
    torch.testing.assert_close(
        inputs[:, 0][~dropped], (2 * model.embedding.weight[3]).expand(4, 8)[~dropped]
    )
    assert len(set(map(tuple, dropped.tolist()))) > 1  # a mask for each stream


def test_dropout_acts_in_training_alone():
    model = network(dropout=0.5, recurrent_dropout=0.3, input_dropout=0.2)
    text = torch.tensor([[1, 2, 3]])
    assert not torch.equal(model.train()(text)[0], model(text)[0])
    assert torch.equal(model.eval()(text)[0], model(text)[0])


def test_the_loss_of_chunks_is_the_loss_of_the_text():
    model = network(cell="lstm").eval()
    text = codes(48)
    data = TokenStreams(text, steps=7, streams=1)
    loss = StreamLoss()
    total = weight = 0.0
    with torch.no_grad():
        for _ in range(2):  # the second pass begins anew
            total = weight = 0.0
            for index in data.arrange(torch.arange(len(data)), 1):
                nats, count = loss(model, data.batch(index))
                total, weight = total + nats.item(), weight + count.item()
            logits, _ = model(torch.from_numpy(text[None, :-1]))
            whole = cross_entropy(logits[0], torch.from_numpy(text[1:]), reduction="sum")
            assert weight == 47
            assert total == pytest.approx(whole.item(), rel=1e-6)


def test_padding_of_the_last_chunk_does_not_count():
    model = network().eval()
    text = codes(10)
    data = TokenStreams(text, steps=3, streams=2)  # 9 tokens to predict: 4 and 5
    loss, total, weight = StreamLoss(), 0.0, 0.0
    with torch.no_grad():
        for index in data.arrange(torch.arange(len(data)), 1):
            nats, count = loss(model, data.batch(index))
            total, weight = total + nats.item(), weight + count.item()
        expected = 0.0
        for begin, end in ((0, 4), (4, 9)):
            logits, _ = model(torch.from_numpy(text[None, begin:end]))
            targets = torch.from_numpy(text[begin + 1 : end + 1])
            expected += cross_entropy(logits[0], targets, reduction="sum").item()
    assert weight == 9
    assert total == pytest.approx(expected, rel=1e-6)


def test_gradients_end_at_the_border_of_a_chunk():
    model, loss = network(cell="lstm"), StreamLoss()
    data = TokenStreams(codes(30), steps=5, streams=2)
    for index in data.arrange(torch.arange(len(data)), 2):  # a second backward would fail else
        total, _ = loss(model, data.batch(index))
        total.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_it_learns_what_needs_more_context_than_a_chunk():
    # The same token is followed by another at every other turn, 6 tokens after the difference:
    # chunks of 4 tokens must carry the state to tell the two.
    text = np.array([1, 3, 3, 3, 3, 3, 5, 2, 3, 3, 3, 3, 3, 6] * 60)
    data = TokenStreams(text, steps=4)
    model = network(cell="gru", hidden_size=24)
    config = TrainingConfig(epochs=40, batch_size=4, learning_rate=0.02, schedule="cosine")
    history = Trainer(config).fit(model, StreamLoss(), data, TokenStreams(text, 4, streams=1))
    nats = history.best_loss
    # Of every seven tokens one needs the memory; who has none loses ln 2 there.
    assert nats < 0.5 * math.log(2) / 7


class StopAfter(Callback):
    """Interrupts a training as a user would."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch_end(self, model, state):
        if state.epoch == self.epoch:
            raise KeyboardInterrupt
        return False


def test_a_resumed_training_ends_with_the_same_bits(tmp_path):
    def train(*callbacks: Callback, checkpoint: Path, resume: bool = False):
        model = network(cell="lstm", dropout=0.2, input_dropout=0.1, recurrent_dropout=0.1)
        Trainer(TrainingConfig(epochs=4, batch_size=3, seed=5), callbacks=callbacks).fit(
            model,
            StreamLoss(),
            TokenStreams(codes(200), steps=6),
            TokenStreams(codes(40, seed=1), steps=6, streams=2),
            checkpoint=checkpoint,
            resume=resume,
        )
        return model.state_dict()

    whole = train(checkpoint=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(StopAfter(3), checkpoint=tmp_path / "cut")
    resumed = train(checkpoint=tmp_path / "cut", resume=True)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
