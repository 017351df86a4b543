"""Rows of a table in place of x: the same numbers and gradients as from the rows themselves."""

import pytest
import torch
from torch.func import functional_call
from torch.nn.functional import embedding

from rnnkit import ops
from rnnkit.errors import ShapeError
from rnnkit.layers import GRU, LSTM, SimpleRNN
from rnnkit.ops import native

I, H = 4, 7  # noqa: E741
# (rows, indices below): few rows; few of many occur; nearly all are distinct
TABLES = {"few rows": (5, 5), "few of many": (90, 8), "many": (90, 90)}


def whole(results):
    y, states = results
    return [y, *(states if isinstance(states, tuple) else (states,))]


@pytest.mark.parametrize("backend", ["native", "torch", "reference"])
@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "num_layers": 2}], ids=str)
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("cell", [SimpleRNN, LSTM, GRU, "before"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_outputs_and_gradients(cell, table, options, bias, batch_first, backend):
    if cell == "before":
        if backend == "torch":
            pytest.skip("PyTorch has no reset before the product")
        cell, options = GRU, {**options, "reset_after": False}
    torch.manual_seed(len(table) + 10 * bias)
    layer = cell(
        I, H, **options, bias=bias, batch_first=batch_first, dtype=torch.float64, backend=backend
    )
    V, below = TABLES[table]
    rows = torch.randn(V, I, dtype=torch.float64, requires_grad=True)
    indices = torch.randint(0, below, (6, 9))
    if cell is not LSTM:
        indices = indices.int()
    lengths = torch.tensor([4, 0, 6, 1, 6, 2, 5, 3, 6][: 6 if batch_first else 9])
    found = []
    for given in ((indices, rows), embedding(indices, rows)):
        results = whole(layer(given, lengths=lengths))
        loss = sum((r * torch.arange(r.numel()).view_as(r).cos()).sum() for r in results)
        found.append([*results, *torch.autograd.grad(loss, [rows, *layer.parameters()])])
    for with_table, without in zip(*found, strict=True):
        torch.testing.assert_close(with_table, without, atol=1e-12, rtol=1e-10)


def test_every_way_is_taken():
    def way(table):
        V, below = TABLES[table]
        torch.manual_seed(0)
        indices = torch.randint(0, below, (6, 9))
        return native._distinct(indices, torch.randn(V, I), 3 * H)

    indices, rows = way("few rows")
    assert len(rows) == 5
    indices, rows = way("few of many")
    assert len(rows) == 8
    assert indices.shape == (6, 9)
    assert way("many") is None


def test_gradients_of_gradients():
    torch.manual_seed(0)
    layer = GRU(3, 4, bidirectional=True, dtype=torch.float64, backend="native")
    table = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    indices = torch.randint(0, 3, (5, 2))
    names = [name for name, _ in layer.named_parameters()]

    def run(table, *parameters):
        held = dict(zip(names, parameters, strict=True))
        return functional_call(layer, held, ((indices, table),))[0]

    assert torch.autograd.gradgradcheck(run, (table, *layer.parameters()))


def test_the_functions_take_a_table_too():
    torch.manual_seed(0)
    table, indices = torch.randn(5, I), torch.randint(0, 5, (3, 8))
    w_ih, w_hh, b_ih, b_hh = (torch.randn(3 * H, *rest) for rest in ((I,), (H,), (), ()))
    for backend in ("native", "torch", "reference"):
        y, h = ops.gru((indices, table), w_ih, w_hh, b_ih, b_hh, lengths=[8, 0, 3], backend=backend)
        z, g = ops.gru(table[indices], w_ih, w_hh, b_ih, b_hh, lengths=[8, 0, 3], backend=backend)
        torch.testing.assert_close((y, h), (z, g))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((torch.tensor([[0, 5]]), torch.ones(5, I)), r"indices must lie in 0\.\.4, .* got 5"),
        ((torch.tensor([[-1, 2]]), torch.ones(5, I)), "got -1"),
        ((torch.ones(5, I), torch.tensor([[0, 1]])), r"got torch\.float32; is the order"),
        ((torch.tensor([[0, 1]]), torch.ones(5, 2, I)), r"table must be \(V, I\), got shape"),
        ((torch.tensor([0, 1]), torch.ones(5, I)), "indices must be"),
        (([[0, 1]], torch.ones(5, I)), r"two tensors, got \(list, Tensor\)"),
    ],
    ids=["beyond", "negative", "order", "table", "one row", "list"],
)
def test_what_does_not_fit_is_refused(given, message):
    with pytest.raises(ShapeError, match=message):
        GRU(I, H)(given)
    with pytest.raises(ShapeError, match=message):
        ops.gru(given, torch.ones(3 * H, I), torch.ones(3 * H, H))


def test_a_table_of_another_width_is_refused():
    with pytest.raises((ShapeError, RuntimeError), match="Expected 4, got 5"):
        GRU(I, H)((torch.tensor([[0, 1]]), torch.ones(5, 5)))
