"""Which backend runs, what is said about it, and what is refused."""

import dataclasses

import pytest
import torch
from torch import nn

from rnnkit import ops
from rnnkit.errors import BackendError, ConfigError, RnnkitError, ShapeError
from rnnkit.layers import GRU, LSTM, SimpleRNN
from rnnkit.ops import dispatch

X, W_IH, W_HH = torch.ones(2, 3, 1), torch.ones(6, 1), torch.ones(6, 2)


@pytest.fixture
def ran(monkeypatch):
    """The names of the backends that really ran, in order."""
    names = []

    def spy(backend):
        def run(case):
            names.append(backend.name)
            return backend.run(case)

        return dataclasses.replace(backend, run=run)

    watched = {name: spy(backend) for name, backend in dispatch.BACKENDS.items()}
    monkeypatch.setattr(dispatch, "BACKENDS", watched)
    return names


LAYERS = [
    (SimpleRNN(1, 2), "native"),
    (LSTM(1, 3, proj_size=2), "torch"),
    (LSTM(1, 3, proj_size=2, recurrent_dropout=0.5), "reference"),
    (GRU(1, 2), "native"),
    (GRU(1, 2, backend="torch"), "torch"),
    (GRU(1, 2, backend="reference"), "reference"),
    (GRU(1, 2, reset_after=False), "native"),
    (LSTM(1, 2, recurrent_dropout=0.5), "native"),
    (GRU(1, 2, recurrent_dropout=0.5, backend="torch").eval(), "torch"),
]


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize(("layer", "backend"), LAYERS, ids=lambda value: str(value))
def test_explain_names_the_backend_that_runs(ran, layer, backend):
    layer(X)
    assert ran == [backend]
    explanation = ops.explain(layer, X)
    assert explanation.backend == backend
    assert f"runs on {backend}: " in str(explanation)
    for other in set(dispatch.BACKENDS) - {backend}:
        assert f"not on {other}: " in str(explanation)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (GRU(1, 2, reset_after=False, backend="torch"), "no reset before the product"),
        (SimpleRNN(1, 2, recurrent_dropout=0.1, backend="torch"), "no recurrent dropout"),
        (LSTM(1, 3, proj_size=2, backend="native"), "no projected LSTM"),
    ],
    ids=["reset", "dropout", "projection"],
)
def test_a_backend_asked_for_by_name_is_never_replaced(ran, layer, reason):
    with pytest.raises(BackendError, match=reason):
        layer(X)
    assert ran == []
    explanation = ops.explain(layer)
    assert explanation.backend is None
    assert "raises BackendError" in str(explanation)
    assert reason in str(explanation)
    asked, layer.backend = layer.backend, "auto"
    assert reason in ops.explain(layer).others[asked]


def test_what_else_our_kernels_refuse_is_named():
    gru = GRU(1, 2, backend="native")
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(BackendError, match="bfloat16"):
        gru(X)
    with pytest.raises(BackendError, match="float32 and float64, not in float16"):
        gru.half()(X.half())
    with pytest.raises(BackendError, match="not on meta"):
        GRU(1, 2, backend="native", device="meta")(X.to("meta"))
    with pytest.raises(BackendError, match=r"torch\.vmap cannot go"):
        torch.vmap(lambda x: ops.gru(x, W_IH, W_HH)[0])(torch.ones(5, 2, 3, 1))


def test_ops_refuse_by_name_too(ran):
    with pytest.raises(BackendError, match=r"reset before .* use backend='auto' or 'reference'"):
        ops.gru(X, W_IH, W_HH, reset_after=False, backend="torch")
    ops.gru(X, W_IH, W_HH, reset_after=False)
    ops.gru(X, W_IH, W_HH)
    ops.gru(X, W_IH, W_HH, backend="reference")
    ops.gru(X, W_IH, W_HH, recurrent_dropout_mask=torch.ones(2, 2))
    ops.gru(X, W_IH, W_HH, backend="torch")
    assert ran == ["native", "native", "reference", "native", "torch"]


def test_explain_counts_the_steps_that_run():
    x, mask = torch.ones(3, 2, 1), torch.tensor([[True, False, True], [True, True, True]])
    text = str(ops.explain(GRU(1, 2), x, lengths=[3, 1], mask=mask))
    assert "on cpu, float32; 3 of 6 steps count" in text
    text = str(ops.explain(GRU(1, 2, batch_first=True), x.transpose(0, 1), lengths=[2, 1]))
    assert "3 of 6 steps count" in text


def test_explain_tells_training_from_evaluation():
    assert "training" in str(ops.explain(GRU(1, 2)))
    assert "evaluation" in str(ops.explain(GRU(1, 2).eval()))


def test_explain_refuses_what_is_no_layer_of_ours():
    with pytest.raises(ConfigError, match=r"of rnnkit\.layers, got Linear"):
        ops.explain(nn.Linear(1, 2))


def test_backends_are_listed_with_a_sentence_each():
    listed = ops.backends()
    assert [info.name for info in listed] == list(dispatch.BACKENDS)
    assert all(info.available and info.why.endswith(".") for info in listed)
    assert torch.__version__ in listed[1].why


def test_an_unknown_backend_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match="got 'refrence'; did you mean 'reference'"):
        ops.gru(X, W_IH, W_HH, backend="refrence")
    with pytest.raises(ConfigError, match="did you mean 'torch'"):
        GRU(1, 2, backend="tocrh")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": torch.ones(3, 1)}, r"x must be \(B, T, I\) .* got shape \(3, 1\)"),
        ({"x": torch.ones(2, 0, 1)}, "T at least 1"),
        ({"weight_ih": torch.ones(4, 1)}, r"weight_ih must be \(6, 1\), got \(4, 1\)"),
        ({"weight_hh": torch.ones(6)}, r"weight_hh must be \(G \* H, H\)"),
        ({"weight_hh": torch.ones(5, 2)}, r"weight_hh must be \(6, 2\), got \(5, 2\)"),
        ({"bias_ih": torch.ones(2)}, r"bias_ih must be \(6,\), got \(2,\)"),
        ({"bias_hh": torch.ones(6).double()}, "bias_hh must be torch.float32 like x"),
        ({"h0": torch.ones(1, 2, 2)}, r"h0 must be \(2, 2\), got \(1, 2, 2\)"),
        ({"recurrent_dropout_mask": torch.ones(2)}, r"recurrent_dropout_mask must be \(2, 2\)"),
        ({"lengths": [1]}, r"lengths must be \(2,\), one for each row, got \(1,\)"),
        ({"lengths": [1, 4]}, r"lengths must lie in 0\.\.3, got \[1, 4\]"),
        ({"lengths": [-1, 2]}, r"lengths must lie in 0\.\.3"),
        ({"lengths": [1.0, 2.0]}, "lengths must be whole numbers"),
        ({"lengths": torch.tensor([True, True])}, "lengths must be whole numbers"),
        ({"mask": torch.ones(3, 2).bool()}, r"mask must be \(B, T\) = \(2, 3\), got \(3, 2\)"),
        ({"mask": torch.ones(2, 3)}, "mask must be a bool tensor, got torch.float32"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_shapes_are_named(options, message):
    given = {"x": X, "weight_ih": W_IH, "weight_hh": W_HH} | options
    with pytest.raises(ShapeError, match=message) as caught:
        ops.gru(**given)
    assert isinstance(caught.value, RnnkitError)


def test_an_unknown_nonlinearity_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match="got 'rleu'; did you mean 'relu'"):
        ops.simple_rnn(X, W_IH[:2], W_HH[:2], nonlinearity="rleu")


def test_states_are_keyword_only():
    with pytest.raises(TypeError, match="positional"):
        ops.lstm(X, torch.ones(8, 1), torch.ones(8, 2), None, None, torch.ones(2, 2))
