"""A layer as a module: copies, files, seeds, factory arguments, and what users do to torch's."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.utils import parameters_to_vector
from torch.nn.utils.parametrizations import weight_norm

from rnnkit import layers
from rnnkit.errors import ConfigError

from .twins import KINDS, cell_twins, draw, draw_state, everything, layer_twins, randomize

B, T, I, H = 3, 5, 3, 7  # noqa: E741
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=repr)
EXTRAS = {
    "tanh": {"recurrent_dropout": 0.5, "backend": "reference"},
    "relu": {"recurrent_dropout": 0.5},
    "lstm": {"proj_size": 2, "backend": "torch"},
    "gru": {"recurrent_dropout": 0.25, "reset_after": False},
}


def _layer(kind, **more) -> nn.Module:
    return kind.layer(I, H, 2, **kind.options, bidirectional=True, **more)


def _modules(kind) -> list[nn.Module]:
    modules = (_layer(kind, **EXTRAS[kind.name]), kind.cell(I, H, **kind.options))
    return [module.double() for module in modules]


def _run(module: nn.Module, seed: int = 3) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    return _flatten(module(draw(T, I, seed=1)))


def _flatten(results) -> list[torch.Tensor]:
    if isinstance(results, torch.Tensor):
        return [results]
    return [tensor for result in results for tensor in _flatten(result)]


def _assert_same_bits(one: nn.Module, other: nn.Module) -> None:
    for mine, yours in zip(_run(one), _run(other), strict=True):
        assert torch.equal(mine, yours)


def test_the_public_names():
    recurrent = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "SimpleRNN", "SimpleRNNCell"]
    around = ["CRF", "Pooling", "SequenceLoss", "sequence_loss"]
    assert sorted(layers.__all__) == sorted([*recurrent, *around])


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no_bias"])
@EVERY_KIND
def test_one_seed_draws_torchs_initial_weights(kind, bias):
    torch.manual_seed(8)
    theirs = kind.torch_layer(I, H, 2, bias=bias, bidirectional=True, **kind.options)
    their_cell = kind.torch_cell(I, H, bias, **kind.options)
    theirs.reset_parameters()
    torch.manual_seed(8)
    ours = kind.layer(I, H, 2, bias=bias, bidirectional=True, **kind.options)
    our_cell = kind.cell(I, H, bias, **kind.options)
    ours.reset_parameters()
    for mine, other in ((ours, theirs), (our_cell, their_cell)):
        assert [name for name, _ in mine.named_parameters()] == [
            name for name, _ in other.named_parameters()
        ]
        assert torch.equal(
            parameters_to_vector(mine.parameters()), parameters_to_vector(other.parameters())
        )


@EVERY_KIND
def test_our_options_do_not_move_the_random_numbers(kind):
    torch.manual_seed(8)
    plain = [_layer(kind), kind.cell(I, H, **kind.options)]
    torch.manual_seed(8)
    extras = {name: value for name, value in EXTRAS[kind.name].items() if name != "proj_size"}
    with_extras = [_layer(kind, **extras), kind.cell(I, H, **kind.options)]
    for one, other in zip(plain, with_extras, strict=True):
        assert torch.equal(
            parameters_to_vector(one.parameters()), parameters_to_vector(other.parameters())
        )


@pytest.mark.parametrize(
    ("kind", "options"),
    [(kind, options) for kind in KINDS for options in ({}, {"bias": False})]
    + [(kind, {"proj_size": 3}) for kind in KINDS if kind.is_lstm],
    ids=str,
)
def test_state_dicts_are_interchangeable_both_ways(kind, options):
    options = {**kind.options, **options, "bidirectional": True}
    ours, theirs = kind.layer(I, H, 2, **options), kind.torch_layer(I, H, 2, **options)
    assert [*ours.state_dict()] == [*theirs.state_dict()]
    x, modules = draw(T, B, I, seed=1), [ours.double(), theirs.double()]
    for seed, (source, target) in enumerate((modules, modules[::-1])):
        randomize(source, seed)
        assert target.load_state_dict(source.state_dict()) == ([], [])
        torch.testing.assert_close(target(x)[0], source(x)[0], atol=1e-10, rtol=1e-10)


@EVERY_KIND
def test_state_dicts_of_cells_are_interchangeable_both_ways(kind):
    ours, theirs = kind.cell(I, H, **kind.options), kind.torch_cell(I, H, **kind.options)
    assert [*ours.state_dict()] == [*theirs.state_dict()]
    assert ours.load_state_dict(theirs.state_dict()) == ([], [])
    assert theirs.load_state_dict(ours.state_dict()) == ([], [])


def test_a_gru_that_resets_before_has_the_same_parameters():
    state_dict = layers.GRU(I, H, 2, reset_after=False).state_dict()
    assert [*state_dict] == [*nn.GRU(I, H, 2).state_dict()]
    assert layers.GRUCell(I, H, reset_after=False).load_state_dict(
        nn.GRUCell(I, H).state_dict()
    ) == ([], [])


@pytest.mark.parametrize("trained", [False, True])
@EVERY_KIND
def test_a_deep_copy_is_equal_and_independent(kind, trained):
    for module in _modules(kind):
        if trained:
            _run(module)[0].sum().backward()
        twin = copy.deepcopy(module)
        _assert_same_bits(module, twin)
        before = _run(module)
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter.add_(1.0)
        for kept, now in zip(before, _run(module), strict=True):
            assert torch.equal(kept, now)
        assert not torch.equal(_run(twin)[0], before[0])


@EVERY_KIND
def test_a_module_survives_pickle_and_torch_save(kind):
    for module in _modules(kind):
        _run(module)[0].sum().backward()
        _assert_same_bits(module, pickle.loads(pickle.dumps(module)))  # noqa: S301 (made above)
        file = io.BytesIO()
        torch.save(module, file)
        file.seek(0)
        _assert_same_bits(module, torch.load(file, weights_only=False))


@EVERY_KIND
def test_options_survive_a_copy(kind):
    layer = _layer(kind, **EXTRAS[kind.name])
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):  # noqa: S301
        for name, value in EXTRAS[kind.name].items():
            assert getattr(twin, name) == value
        assert repr(twin) == repr(layer)


@EVERY_KIND
def test_factory_arguments_reach_every_parameter(kind):
    for factory in (
        {"dtype": torch.float64},
        {"device": "meta"},
        {"device": "meta", "dtype": torch.bfloat16},
    ):
        for module in (
            kind.layer(I, H, 2, **kind.options, **factory),
            kind.cell(I, H, **kind.options, **factory),
        ):
            for parameter in module.parameters():
                assert parameter.dtype == factory.get("dtype", torch.float32)
                assert parameter.device.type == factory.get("device", "cpu")


@EVERY_KIND
def test_double_and_back_convert_the_computation(kind):
    layer = _layer(kind).double()
    x = draw(T, B, I, seed=1)
    assert layer(x)[0].dtype == torch.float64
    assert layer.float()(x.float())[0].dtype == torch.float32
    assert layer.to(torch.bfloat16)(x.bfloat16())[0].dtype == torch.bfloat16


@EVERY_KIND
def test_the_default_dtype_is_obeyed(kind):
    torch.set_default_dtype(torch.float64)
    try:
        assert kind.layer(I, H, **kind.options)(torch.zeros(T, B, I))[0].dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@EVERY_KIND
def test_repr_is_torchs_with_our_name_and_our_options(kind):
    options = {"bias": False, "batch_first": True, "dropout": 0.5, "bidirectional": True}
    theirs = repr(kind.torch_layer(I, H, 2, **kind.options, **options))
    arguments = theirs[theirs.index("(") :].removesuffix(")")
    ours = repr(kind.layer(I, H, 2, **kind.options, **options))
    assert ours.startswith(kind.layer.__name__ + arguments)
    text = repr(kind.layer(I, H, 2, **kind.options, recurrent_dropout=0.25))
    assert "recurrent_dropout=0.25" in text
    their_cell = repr(kind.torch_cell(I, H, False, **kind.options))
    our_cell = repr(kind.cell(I, H, False, **kind.options))
    assert our_cell == kind.cell.__name__ + their_cell[their_cell.index("(") :]


def test_repr_shows_where_the_reset_is():
    assert "reset_after=False" in repr(layers.GRU(I, H, reset_after=False))
    assert "reset_after" not in repr(layers.GRU(I, H))
    assert "reset_after=False" in repr(layers.GRUCell(I, H, reset_after=False))


@EVERY_KIND
def test_torchs_attributes_and_methods_are_there(kind):
    options = {**kind.options, "bias": False, "batch_first": True, "dropout": 0.5}
    ours, theirs = kind.layer(I, H, 2, **options), kind.torch_layer(I, H, 2, **options)
    names = ["input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout"]
    names += ["bidirectional", "proj_size", "mode", *kind.options]
    for name in names:
        assert getattr(ours, name) == getattr(theirs, name)
    ours.flatten_parameters()
    assert [[w.shape for w in row] for row in ours.all_weights] == [
        [w.shape for w in row] for row in theirs.all_weights
    ]
    for name in ("input_size", "hidden_size", "bias", *kind.options):
        assert getattr(kind.cell(I, H, **kind.options), name) == getattr(
            kind.torch_cell(I, H, **kind.options), name
        )


@EVERY_KIND
def test_functional_call_uses_the_parameters_it_is_given(kind):
    for ours, theirs, arguments in (
        (*layer_twins(kind, I, H, 2), (draw(T, B, I, seed=1), draw_state(kind, 2, B, H))),
        (*cell_twins(kind, I, H), (draw(B, I, seed=1), draw_state(kind, B, H))),
    ):
        others = {name: 0.3 * p.detach() + 0.1 for name, p in ours.named_parameters()}
        found = functional_call(ours, others, arguments)
        expected = functional_call(theirs, others, arguments)
        for mine, other in zip(_flatten(found), _flatten(expected), strict=True):
            torch.testing.assert_close(mine, other, atol=1e-10, rtol=1e-10)


@EVERY_KIND
def test_a_replaced_parameter_is_used(kind):
    x = draw(T, B, I, seed=1)
    ours, theirs = layer_twins(kind, I, H, 2)
    for module in (ours, theirs):
        module(x)
        module.weight_hh_l1 = nn.Parameter(0.2 * draw(*module.weight_hh_l1.shape, seed=9))
    torch.testing.assert_close(ours(x)[0], theirs(x)[0], atol=1e-10, rtol=1e-10)


@EVERY_KIND
def test_weight_norm_works_as_on_torchs_layer(kind):
    """A weight that is computed anew in every forward pass, as in the AWD-LSTM."""
    x, results = draw(T, B, I, seed=1), []
    for module in layer_twins(kind, I, H):
        weight_norm(module, "weight_hh_l0")
        with torch.no_grad():
            module.parametrizations.weight_hh_l0.original0.mul_(0.7)
        results.append(everything(lambda m, x, _: m(x), module, x, None))
    for name, expected in results[1].items():
        torch.testing.assert_close(results[0][name], expected, atol=1e-10, rtol=1e-10)


@EVERY_KIND
def test_training_steps_give_torchs_weights(kind):
    """Ten steps of Adam on both: a gradient lost or added by a step would show."""
    x, target = draw(T, B, I, seed=1), draw(T, B, 2 * H, seed=2)
    weights = []
    for module in layer_twins(kind, I, H, 2, bidirectional=True):
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        for _ in range(10):
            optimizer.zero_grad()
            nn.functional.mse_loss(module(x)[0], target).backward()
            optimizer.step()
        weights.append(parameters_to_vector(module.parameters()))
    torch.testing.assert_close(*weights, atol=1e-8, rtol=1e-8)


@EVERY_KIND
def test_autocast_gives_torchs_dtypes(kind):
    ours, theirs = layer_twins(kind, I, H, dtype=torch.float32)
    x = draw(T, B, I, seed=1, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        found, expected = ours(x), theirs(x)
    for mine, other in zip(_flatten(found), _flatten(expected), strict=True):
        assert mine.dtype == other.dtype
        torch.testing.assert_close(mine.float(), other.float(), atol=5e-2, rtol=5e-2)


@pytest.mark.parametrize("backend", ["auto", "reference", "torch"])
@pytest.mark.parametrize("arguments", [{}, {"lengths": [2, 5, 0]}], ids=["equal", "ragged"])
@EVERY_KIND
def test_autocast_reaches_every_backend_but_our_kernels(kind, arguments, backend):
    ours, _ = layer_twins(kind, I, H, 2, bidirectional=True, backend=backend, dtype=torch.float32)
    x = draw(T, B, I, seed=1, dtype=torch.float32)
    plain, _ = ours(x, **arguments)
    with torch.autocast("cpu", torch.bfloat16):
        output, _ = ours(x, **arguments)
    torch.testing.assert_close(output.float(), plain, atol=0.2, rtol=5e-2)
    output.float().sum().backward()


@EVERY_KIND
def test_our_options_are_keyword_only(kind):
    torchs = len((I, H, 2, *kind.options, True, False, 0.0, False))
    positional = [I, H, 2, *kind.options.values(), True, False, 0.0, False]
    assert len(positional) == torchs
    positional += [0] if kind.is_lstm else []
    positional += ["cpu", torch.float32]
    kind.layer(*positional)
    with pytest.raises(TypeError):
        kind.layer(*positional, 0.5)
    with pytest.raises(TypeError):
        kind.layer(I, H, **kind.options)(torch.zeros(T, B, I), None, torch.full((B,), T))


@EVERY_KIND
def test_a_backend_that_does_not_exist_is_refused_with_the_nearest_name(kind):
    with pytest.raises(ConfigError, match=r"'referense'; did you mean 'reference'"):
        kind.layer(I, H, **kind.options, backend="referense")
