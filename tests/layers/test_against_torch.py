"""rnnkit.layers against torch.nn: outputs, final states and every gradient, with random weights.

Tolerances: float64 1e-10 (absolute and relative), float32 1e-5.
"""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from .twins import (
    BACKENDS,
    KINDS,
    Kind,
    assert_same,
    draw,
    draw_state,
    everything,
    flat,
    layer_twins,
)

B, T, I, H = 3, 5, 3, 7  # noqa: E741
# The longest row is shorter than T, so that a tail of padding belongs to every row.
RAGGED = torch.tensor([3, 4, 1])
LENGTHS = {
    "packed sorted": torch.tensor([5, 3, 1]),
    "packed unsorted": torch.tensor([1, 5, 3]),
    "packed ties": torch.tensor([2, 4, 4]),
}


def _packed(module: nn.Module, x: Tensor, state, lengths: Tensor, *, batch_first: bool):
    in_order = bool((lengths.diff() <= 0).all())
    packed = pack_padded_sequence(x, lengths, batch_first, enforce_sorted=in_order)
    output, final = module(packed, state)
    assert isinstance(output, PackedSequence)
    return pad_packed_sequence(output, batch_first, total_length=T)[0], final


def _call(form: str, batch_first: bool, *, ours: bool):
    """Return how to call a module for one form of input."""
    if form == "equal":
        return lambda module, x, state: module(x, state)
    if form == "ragged":
        if ours:
            return lambda module, x, state: module(x, state, lengths=RAGGED)
        return lambda module, x, state: _packed(module, x, state, RAGGED, batch_first=batch_first)
    return lambda module, x, state: _packed(
        module, x, state, LENGTHS[form], batch_first=batch_first
    )


def _input(batch_first: bool, dtype: torch.dtype) -> Tensor:
    return draw(*((B, T, I) if batch_first else (T, B, I)), seed=41, dtype=dtype)


@cache
def _expected(kind: Kind, L: int, D: int, bias: bool, batch_first: bool, form: str, dtype):
    options = {"bias": bias, "batch_first": batch_first, "bidirectional": D == 2, "dtype": dtype}
    _, theirs = layer_twins(kind, I, H, L, **options)
    state = draw_state(kind, L * D, B, H, dtype=dtype)
    return everything(
        _call(form, batch_first, ours=False), theirs, _input(batch_first, dtype), state
    )


def _compare(
    kind, L, D, bias, batch_first, form, backend, *, dtype=torch.float64, tolerance=1e-10
) -> None:
    options = {"bias": bias, "batch_first": batch_first, "bidirectional": D == 2, "dtype": dtype}
    ours, _ = layer_twins(kind, I, H, L, backend=backend, **options)
    state = draw_state(kind, L * D, B, H, dtype=dtype)
    found = everything(_call(form, batch_first, ours=True), ours, _input(batch_first, dtype), state)
    expected = _expected(kind, L, D, bias, batch_first, form, dtype)
    assert_same(found, expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", ["equal", "ragged", "packed sorted", "packed unsorted"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time_first", "batch_first"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no_bias"])
@pytest.mark.parametrize("D", [1, 2], ids=["one_way", "two_ways"])
@pytest.mark.parametrize("L", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_equals_torch_in_float64(kind, L, D, bias, batch_first, form, backend):
    _compare(kind, L, D, bias, batch_first, form, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", ["equal", "ragged", "packed sorted", "packed unsorted"])
@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_equals_torch_in_float32(kind, form, backend):
    _compare(kind, 2, 2, True, True, form, backend, dtype=torch.float32, tolerance=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_rows_of_equal_length_keep_their_order_when_packed(kind, backend):
    _compare(kind, 1, 2, True, False, "packed ties", backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_the_state_is_zero_when_none_is_given(kind, backend):
    ours, theirs = layer_twins(kind, I, H, 2, bidirectional=True, backend=backend)
    x = draw(T, B, I, seed=41)
    assert_same(
        everything(lambda module, x, _: module(x), ours, x, None),
        everything(lambda module, x, _: module(x), theirs, x, None),
    )
    lengths = LENGTHS["packed unsorted"]
    assert_same(
        everything(lambda module, x, _: module(x, lengths=lengths), ours, x, None),
        everything(
            lambda module, x, _: _packed(module, x, None, lengths, batch_first=False),
            theirs,
            x,
            None,
        ),
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("in_order", [True, False], ids=["sorted", "unsorted"])
@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_a_packed_sequence_comes_back_with_torchs_own_bookkeeping(kind, in_order, backend):
    ours, theirs = layer_twins(kind, I, H, 2, bidirectional=True, backend=backend)
    lengths = LENGTHS["packed sorted" if in_order else "packed unsorted"]
    packed = pack_padded_sequence(draw(T, B, I, seed=41), lengths, enforce_sorted=in_order)
    found, _ = ours(packed)
    expected, _ = theirs(packed)
    assert type(found) is type(expected)
    torch.testing.assert_close(found.data, expected.data, atol=1e-10, rtol=1e-10)
    for field in ("batch_sizes", "sorted_indices", "unsorted_indices"):
        if getattr(expected, field) is None:
            assert getattr(found, field) is None
        else:
            assert torch.equal(getattr(found, field), getattr(expected, field))


@pytest.mark.parametrize("backend", ["auto", "reference", "torch"])
@pytest.mark.parametrize("form", ["equal", "ragged", "packed unsorted"])
@pytest.mark.parametrize("D", [1, 2], ids=["one_way", "two_ways"])
@pytest.mark.parametrize("L", [1, 2])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no_bias"])
def test_lstm_with_projection_equals_torch(bias, L, D, form, backend):
    kind = next(kind for kind in KINDS if kind.is_lstm)
    options = {"bias": bias, "bidirectional": D == 2, "proj_size": 2}
    ours, theirs = layer_twins(kind, I, H, L, backend=backend, **options)
    state = draw_state(kind, L * D, B, H, proj_size=2)
    x = _input(False, torch.float64)
    assert_same(
        everything(_call(form, False, ours=True), ours, x, state),
        everything(_call(form, False, ours=False), theirs, x, state),
    )


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_constructor_and_forward_take_torchs_positional_arguments(kind):
    nonlinearity = tuple(kind.options.values())
    arguments = (I, H, 2, *nonlinearity, False, True, 0.0, True)
    theirs = kind.torch_layer(*arguments).double()
    randomized = {
        name: 0.5 * draw(*value.shape, seed=number)
        for number, (name, value) in enumerate(theirs.state_dict().items())
    }
    theirs.load_state_dict(randomized)
    ours = kind.layer(*arguments).double()
    ours.load_state_dict(randomized)
    assert ours.num_layers == 2
    assert ours.bias is False
    assert ours.batch_first is True
    assert ours.bidirectional is True
    x, state = draw(B, T, I, seed=41), draw_state(kind, 4, B, H)
    for mine, other in zip(flat(ours(x, state)[1]), flat(theirs(x, state)[1]), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(
        ours(input=x, hx=state)[0], theirs(x, state)[0], atol=1e-10, rtol=1e-10
    )


def test_lstm_takes_its_states_in_a_list_as_torch_does():
    kind = next(kind for kind in KINDS if kind.is_lstm)
    ours, theirs = layer_twins(kind, I, H)
    x, state = draw(T, B, I, seed=41), [*draw_state(kind, 1, B, H)]
    torch.testing.assert_close(ours(x, state)[0], theirs(x, state)[0], atol=1e-10, rtol=1e-10)


def test_lstm_takes_the_projection_by_position():
    arguments = (I, H, 2, True, False, 0.0, True, 2, torch.device("cpu"), torch.float64)
    theirs, ours = nn.LSTM(*arguments), next(k for k in KINDS if k.is_lstm).layer(*arguments)
    ours.load_state_dict(theirs.state_dict())
    x = draw(T, B, I, seed=41)
    torch.testing.assert_close(ours(x)[0], theirs(x)[0], atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("wanted", ["x", "state", "weight_hh_l1"])
@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_a_gradient_is_right_when_it_is_the_only_one_wanted(kind, wanted, backend):
    """Frozen weights, or a frozen input, must not switch a needed gradient off."""
    gradients = []
    for module in layer_twins(kind, I, H, 2, backend=backend):
        module.requires_grad_(False)
        x, state = draw(T, B, I, seed=41), draw_state(kind, 2, B, H)
        targets = {"x": (x,), "state": flat(state)}.get(wanted)
        targets = targets or (module.get_parameter(wanted),)
        for target in targets:
            target.requires_grad_()
        output, final = module(x, state)
        loss = sum((r * draw(*r.shape, seed=7)).sum() for r in (output, *flat(final)))
        gradients.append(torch.autograd.grad(loss, targets))
    for mine, other in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_without_gradients_the_numbers_are_the_same(kind, backend):
    ours, theirs = layer_twins(kind, I, H, 2, bidirectional=True, backend=backend)
    x, state = draw(T, B, I, seed=41), draw_state(kind, 4, B, H)
    with torch.no_grad():
        output, final = ours(x, state)
    assert not output.requires_grad
    expected, expected_final = theirs(x, state)
    torch.testing.assert_close(output, expected.detach(), atol=1e-10, rtol=1e-10)
    for mine, other in zip(flat(final), flat(expected_final), strict=True):
        torch.testing.assert_close(mine, other.detach(), atol=1e-10, rtol=1e-10)
    with torch.inference_mode():
        torch.testing.assert_close(ours(x, state)[0], expected.detach(), atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_bfloat16_equals_torch_to_its_precision(kind):
    ours, theirs = layer_twins(kind, I, H, 2, dtype=torch.bfloat16)
    x = draw(T, B, I, seed=41, dtype=torch.bfloat16)
    found, expected = ours(x)[0], theirs(x)[0]
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected, atol=5e-2, rtol=5e-2)
