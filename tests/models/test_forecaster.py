import itertools

import pytest
import torch

from rnnkit import SequenceBatch
from rnnkit.models.forecaster import ForecastNetwork, squared_error

CELLS = ("rnn", "lstm", "gru")
SHAPES = list(itertools.product(CELLS, (1, 2, 3), (False, True)))
F, H, K, T = 3, 4, 2, 6
LENGTHS = (6, 1, 4, 3, 6)


def network(cell="gru", layers=1, bidirectional=False, *, trained=True, **options):
    """A network, by default with a last map that is no longer zero."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = ForecastNetwork(
            cell=cell,
            input_size=F,
            horizon=H,
            targets=K,
            hidden_size=3,
            layers=layers,
            bidirectional=bidirectional,
            **{"dropout": 0.0, "recurrent_dropout": 0.0, **options},
        )
        if trained:
            torch.nn.init.normal_(model.head.weight)
            torch.nn.init.normal_(model.head.bias)
    return model.double()


def contexts(lengths=LENGTHS, seed=0):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(len(lengths), T, F, generator=generator, dtype=torch.float64)
    return SequenceBatch(values, lengths=torch.tensor(lengths))


def one(batch, row):
    """A row of a batch alone, without its padding."""
    return SequenceBatch(batch.values[row : row + 1, : int(batch.lengths[row])])


@pytest.mark.parametrize(("cell", "layers", "bidirectional"), SHAPES)
def test_a_row_alone_and_beside_longer_ones_gives_the_same_numbers(cell, layers, bidirectional):
    model = network(cell, layers, bidirectional).eval()
    batch = contexts()
    together = model(batch)
    assert together.shape == (len(LENGTHS), H, K)
    for row in range(len(LENGTHS)):
        torch.testing.assert_close(model(one(batch, row))[0], together[row], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("cell", "layers", "bidirectional"), SHAPES)
def test_padding_is_never_read(cell, layers, bidirectional):
    model = network(cell, layers, bidirectional)  # dropout is 0: training gives the same numbers
    batch = contexts()
    other = torch.where(batch.mask()[..., None], batch.values, 1e6)
    padded = SequenceBatch(other, lengths=batch.lengths)
    assert torch.equal(model(padded), model(batch))
    gradients = []
    for data in (batch, padded):
        model.zero_grad()
        model(data).square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters()])
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("cell", "layers", "bidirectional"), SHAPES)
def test_the_output_is_a_linear_map_of_the_state_after_the_last_step(cell, layers, bidirectional):
    model = network(cell, layers, bidirectional).eval()
    batch = contexts()
    y, _ = model.encoder(batch.values, lengths=batch.lengths)  # (B, T, D * 3)
    for row, length in enumerate(LENGTHS):
        # Forwards the last step is the last row; backwards it is the first.
        state = y[row, length - 1, :3]
        if bidirectional:
            state = torch.cat([state, y[row, 0, 3:]])
        expected = (model.head.weight @ state + model.head.bias).reshape(H, K)
        torch.testing.assert_close(model(batch)[row], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("cell", "layers", "bidirectional"), SHAPES)
def test_every_step_of_the_context_counts_and_every_parameter_learns(cell, layers, bidirectional):
    model = network(cell, layers, bidirectional)
    batch = contexts()
    values = batch.values.clone().requires_grad_()
    model(SequenceBatch(values, lengths=batch.lengths)).square().sum().backward()
    assert torch.equal((values.grad != 0).all(dim=-1), batch.mask())
    assert all(bool(parameter.grad.any()) for parameter in model.parameters())


@pytest.mark.parametrize(("cell", "layers", "bidirectional"), SHAPES)
def test_an_untrained_network_adds_exactly_nothing(cell, layers, bidirectional):
    options = {"dropout": 0.5, "recurrent_dropout": 0.5}
    model = network(cell, layers, bidirectional, trained=False, **options)
    for mode in (model.train(), model.eval()):
        assert torch.equal(mode(contexts()), torch.zeros(len(LENGTHS), H, K, dtype=torch.float64))


@pytest.mark.parametrize("cell", CELLS)
def test_an_untrained_network_can_learn(cell):
    model = network(cell, trained=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batch = SequenceBatch(
        contexts().values, lengths=contexts().lengths, targets=torch.ones(5, H, K).double()
    )
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        total, count = squared_error(model, batch)
        (total / count).backward()
        optimizer.step()
        losses.append(float((total / count).detach()))
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == 1.0


@pytest.mark.parametrize(("cell", "layers", "bidirectional"), SHAPES)
@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"recurrent_dropout": 0.5}])
def test_dropout_acts_in_training_alone(cell, layers, bidirectional, options):
    model = network(cell, layers, bidirectional, **options)
    plain = network(cell, layers, bidirectional)
    plain.load_state_dict(model.state_dict())
    batch = contexts()
    torch.manual_seed(1)
    first = model.train()(batch)
    assert not torch.equal(first, model(batch))
    torch.manual_seed(1)
    assert torch.equal(model(batch), first)
    assert torch.equal(model.eval()(batch), plain.eval()(batch))


@pytest.mark.parametrize("cell", CELLS)
def test_dropout_of_a_single_layer_drops_whole_units_of_the_last_state(cell):
    model = network(cell, dropout=0.5).train()
    state = model.eval()(contexts())
    model.train()
    torch.manual_seed(0)
    outputs = torch.stack([model(contexts()) for _ in range(400)])
    # Each unit is kept half of the time at twice its size: the mean stays.
    torch.testing.assert_close(outputs.mean(dim=0), state, rtol=0, atol=0.25)
    assert len({tuple(out[0].flatten().tolist()) for out in outputs}) == 2**3
    # One time in eight all three are dropped, and the bias alone is left.
    bare = (outputs[:, 0] == model.head.bias.reshape(H, K)).all(dim=2).all(dim=1)
    assert 25 < bare.sum() < 80


@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_acts_between_layers_too(layers):
    model = network(layers=layers, dropout=0.5).train()
    model.dropout = torch.nn.Identity()
    first, second = model(contexts()), model(contexts())
    assert torch.equal(first, second) == (layers == 1)


def test_the_same_seed_gives_the_same_weights():
    one, other = network("lstm", 2), network("lstm", 2)
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("lengths", [None, (6, 2, 1, 6, 3)])
def test_squared_error_is_a_sum_and_how_many_values_it_sums(lengths):
    model = network().eval()
    targets = torch.randn(5, H, K, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    batch = SequenceBatch(
        contexts().values, None if lengths is None else torch.tensor(lengths), targets
    )
    total, count = squared_error(model, batch)
    outputs = model(batch).tolist()
    errors = [
        (outputs[b][h][k] - float(targets[b, h, k])) ** 2
        for b, h, k in itertools.product(range(5), range(H), range(K))
    ]
    assert total.item() == pytest.approx(sum(errors))
    assert float(count) == 5 * H * K
    assert total.requires_grad
    assert total.shape == count.shape == ()


def test_the_mean_over_batches_of_unequal_size_is_the_mean_over_all():
    model = network().eval()
    targets = torch.randn(5, H, K, dtype=torch.float64)
    values = contexts().values
    parts = [
        squared_error(model, SequenceBatch(values[part], targets=targets[part]))
        for part in (slice(0, 2), slice(2, 5))
    ]
    total, count = squared_error(model, SequenceBatch(values, targets=targets))
    torch.testing.assert_close(
        sum(t for t, _ in parts) / sum(c for _, c in parts), total / count, rtol=1e-12, atol=0
    )
