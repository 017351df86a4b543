"""Wrong calls: rnnkit.layers raises torch.nn's type of error with torch.nn's text.

Each wrong call is made on torch.nn too, so that the text expected is the installed torch's.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence

from rnnkit.errors import RnnkitError

from .twins import KINDS

B, T, I, H = 2, 5, 3, 7  # noqa: E741
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=repr)
ERRORS = (RnnkitError, ValueError, TypeError, RuntimeError, AttributeError, IndexError)


def _error(call: Callable[[], object]) -> Exception:
    try:
        call()
    except ERRORS as error:
        return error
    pytest.fail("no error was raised")


def _assert_same_error(ours: Callable[[], object], theirs: Callable[[], object]) -> None:
    found, expected = _error(ours), _error(theirs)
    assert isinstance(found, type(expected)), f"{type(found).__mro__} for {expected!r}"
    assert str(found) == str(expected)
    assert isinstance(found, RnnkitError), f"{type(found).__mro__}"


def _assert_same_type(ours: Callable[[], object], theirs: Callable[[], object]) -> None:
    found, expected = _error(ours), _error(theirs)
    assert isinstance(found, type(expected)), f"{found!r} for {expected!r}"


WRONG_OPTIONS = [
    {"hidden_size": 7.0},
    {"hidden_size": "7"},
    {"hidden_size": 0},
    {"hidden_size": -1},
    {"input_size": 3.0},
    {"input_size": 0},
    {"num_layers": 0},
    {"num_layers": -2},
    {"num_layers": 2, "dropout": 1.5},
    {"num_layers": 2, "dropout": -0.1},
    {"num_layers": 2, "dropout": True},
    {"bias": 1},
    {"bias": None},
    {"batch_first": 1},
    {"proj_size": 7},
    {"proj_size": 8},
    {"proj_size": -1},
]


@pytest.mark.parametrize("options", WRONG_OPTIONS, ids=str)
@EVERY_KIND
def test_wrong_constructor_arguments(kind, options):
    options = {"input_size": I, "hidden_size": H, **kind.options, **options}
    _assert_same_error(lambda: kind.layer(**options), lambda: kind.torch_layer(**options))


def test_projection_is_refused_by_the_others_even_when_it_is_zero():
    for kind in KINDS:
        if not kind.is_lstm:
            _assert_same_error(
                lambda kind=kind: kind.layer(I, H, proj_size=0),
                lambda kind=kind: kind.torch_layer(I, H, proj_size=0),
            )


def test_an_unknown_nonlinearity():
    kind = KINDS[0]
    _assert_same_error(
        lambda: kind.layer(I, H, nonlinearity="sigmoid"),
        lambda: kind.torch_layer(I, H, nonlinearity="sigmoid"),
    )
    # torch's cell takes anything and fails in the first call; ours refuses at once, as layers do.
    _assert_same_error(
        lambda: kind.cell(I, H, nonlinearity="sigmoid"),
        lambda: kind.torch_layer(I, H, nonlinearity="sigmoid"),
    )


@pytest.mark.parametrize(
    "options",
    [
        {"num_layers": 1.5},
        {"num_layers": "2"},
        {"num_layers": 2, "dropout": "a"},
        {"num_layers": 2, "dropout": None},
        {"unknown": 1},
        {"dtype": torch.int64},
        {"device": "nowhere"},
    ],
    ids=str,
)
@EVERY_KIND
def test_constructor_arguments_that_fail_somewhere_inside_torch(kind, options):
    """The text is an accident of torch's inside; only the type is compared."""
    torch_alone = {"unknown", "dtype", "device"} & options.keys()
    options = {"input_size": I, "hidden_size": H, **kind.options, **options}
    _assert_same_type(lambda: kind.layer(**options), lambda: kind.torch_layer(**options))
    assert torch_alone or isinstance(_error(lambda: kind.layer(**options)), RnnkitError)


def _state(kind, *shape: int):
    return (torch.zeros(shape), torch.zeros(shape)) if kind.is_lstm else torch.zeros(shape)


INPUTS = {
    "0-D": torch.zeros(()),
    "1-D": torch.zeros(I),
    "4-D": torch.zeros(1, T, B, I),
    "wrong feature size": torch.zeros(T, B, I + 1),
    "wrong feature size, unbatched": torch.zeros(T, I + 1),
    "no time step": torch.zeros(0, B, I),
    "double for float": torch.zeros(T, B, I).double(),
    "whole numbers": torch.zeros(T, B, I).long(),
}


@pytest.mark.parametrize("batch_first", [False, True], ids=["time_first", "batch_first"])
@pytest.mark.parametrize("name", INPUTS)
@EVERY_KIND
def test_wrong_input(kind, name, batch_first):
    x = INPUTS[name]
    if name == "no time step" and batch_first:
        x = x.transpose(0, 1)
    ours, theirs = (
        layer(I, H, 2, **kind.options, batch_first=batch_first)
        for layer in (kind.layer, kind.torch_layer)
    )
    _assert_same_error(lambda: ours(x), lambda: theirs(x))


STATES = {
    "too few layers": ((T, B, I), (1, B, H)),
    "too many rows": ((T, B, I), (2, B + 1, H)),
    "wrong hidden size": ((T, B, I), (2, B, H - 1)),
    "2-D for batched": ((T, B, I), (2, H)),
    "1-D for batched": ((T, B, I), (H,)),
    "4-D for batched": ((T, B, I), (1, 2, B, H)),
    "3-D for unbatched": ((T, I), (2, 1, H)),
    "wrong hidden size, unbatched": ((T, I), (2, H - 1)),
    "too few layers, unbatched": ((T, I), (1, H)),
}


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize("name", STATES)
@EVERY_KIND
def test_wrong_initial_state(kind, name, backend):
    x_shape, state_shape = STATES[name]
    x, state = torch.zeros(x_shape), _state(kind, *state_shape)
    ours = kind.layer(I, H, 2, **kind.options, backend=backend)
    theirs = kind.torch_layer(I, H, 2, **kind.options)
    _assert_same_error(lambda: ours(x, state), lambda: theirs(x, state))


@pytest.mark.parametrize("wrong", [0, 1], ids=["h0", "c0"])
@pytest.mark.parametrize("proj_size", [0, 2])
def test_lstm_names_the_state_that_is_wrong(wrong, proj_size):
    kind = next(kind for kind in KINDS if kind.is_lstm)
    shapes = [(2, B, proj_size or H), (2, B, H)]
    shapes[wrong] = (2, B, H + 1)
    state = tuple(torch.zeros(shape) for shape in shapes)
    ours, theirs = (c(I, H, 2, proj_size=proj_size) for c in (kind.layer, kind.torch_layer))
    x = torch.zeros(T, B, I)
    _assert_same_error(lambda: ours(x, state), lambda: theirs(x, state))


@EVERY_KIND
def test_wrong_state_beside_lengths(kind):
    """Lengths do not switch the checks off."""
    ours, theirs = (c(I, H, 2, **kind.options) for c in (kind.layer, kind.torch_layer))
    lengths = torch.tensor([2, 5])
    for x, state in (
        (torch.zeros(T, B, I), _state(kind, 2, B, H - 1)),
        (torch.zeros(T, B, I), _state(kind, 1, B, H)),
        (torch.zeros(T, B, I + 1), _state(kind, 2, B, H)),
    ):
        _assert_same_error(
            lambda x=x, state=state: ours(x, state, lengths=lengths),
            lambda x=x, state=state: theirs(x, state),
        )


def _packed(features: int = I, dtype: torch.dtype = torch.float32):
    return pack_sequence([torch.zeros(n, features, dtype=dtype) for n in (3, 2)])


WRONG_PACKED = {
    "wrong feature size": (_packed(I + 1), None),
    "double for float": (_packed(dtype=torch.float64), None),
    "wrong feature size beside a state": (_packed(I + 1), (2, B, H)),
    "wrong hidden size": (_packed(), (2, B, H - 1)),
    "too few layers": (_packed(), (1, B, H)),
    "too many rows": (_packed(), (2, B + 1, H)),
}


@pytest.mark.parametrize("name", WRONG_PACKED)
@EVERY_KIND
def test_wrong_packed_input(kind, name):
    x, shape = WRONG_PACKED[name]
    arguments = (x,) if shape is None else (x, _state(kind, *shape))
    ours, theirs = (c(I, H, 2, **kind.options) for c in (kind.layer, kind.torch_layer))
    if not kind.is_lstm:
        _assert_same_error(lambda: ours(*arguments), lambda: theirs(*arguments))
        return
    # torch.nn.LSTM checks nothing beside a packed input and fails somewhere inside C++.
    found = _error(lambda: ours(*arguments))
    assert isinstance(found, RnnkitError)
    assert isinstance(found, (RuntimeError, ValueError))


@EVERY_KIND
def test_states_that_fail_somewhere_inside_torch(kind):
    """A state of another dtype: torch's type of error, whatever C++ says."""
    ours, theirs = (c(I, H, **kind.options) for c in (kind.layer, kind.torch_layer))
    state = _state(kind, 1, B, H)
    wrong = tuple(s.double() for s in state) if kind.is_lstm else state.double()
    x = torch.zeros(T, B, I)
    _assert_same_type(lambda: ours(x, wrong), lambda: theirs(x, wrong))


def test_a_state_of_another_kind_of_cell():
    """torch stumbles over these with AttributeError or IndexError; ours says what is wrong."""
    h, x = torch.zeros(1, B, H), torch.zeros(T, B, I)
    for kind in KINDS:
        wrong = [h, (h,), (h, h, h)] if kind.is_lstm else [(h, h), [h]]
        for state in wrong:
            with pytest.raises(RnnkitError):
                kind.layer(I, H, **kind.options)(x, state)


@EVERY_KIND
def test_an_input_that_is_no_tensor(kind):
    for wrong in ([[[0.0] * I]], None):
        with pytest.raises((RnnkitError, AttributeError, TypeError)):
            kind.layer(I, H, **kind.options)(wrong)


CELL_CALLS = {
    "0-D input": ((), (B, H)),
    "3-D input": ((1, B, I), (B, H)),
    "wrong feature size": ((B, I + 1), (B, H)),
    "wrong feature size, unbatched": ((I + 1,), (H,)),
    "wrong hidden size": ((B, I), (B, H - 1)),
    "wrong number of rows": ((B, I), (B + 1, H)),
    "one row for two": ((B, I), (1, H)),
    "3-D state": ((B, I), (1, B, H)),
    "1-D state for batched": ((B, I), (H,)),
    "2-D state for unbatched": ((I,), (B, H)),
}


@pytest.mark.parametrize("name", CELL_CALLS)
@EVERY_KIND
def test_wrong_call_of_a_cell(kind, name):
    x_shape, state_shape = CELL_CALLS[name]
    x, state = torch.zeros(x_shape), _state(kind, *state_shape)
    ours, theirs = kind.cell(I, H, **kind.options), kind.torch_cell(I, H, **kind.options)
    _assert_same_error(lambda: ours(x, state), lambda: theirs(x, state))


@pytest.mark.parametrize("shape", [(), (1, B, I), (B, I + 1), (I + 1,)], ids=str)
@EVERY_KIND
def test_wrong_input_of_a_cell_without_state(kind, shape):
    ours, theirs = kind.cell(I, H, **kind.options), kind.torch_cell(I, H, **kind.options)
    _assert_same_error(lambda: ours(torch.zeros(shape)), lambda: theirs(torch.zeros(shape)))


def test_lstm_cell_names_the_state_that_is_wrong():
    ours, theirs = next((k.cell(I, H), nn.LSTMCell(I, H)) for k in KINDS if k.is_lstm)
    x, h = torch.zeros(B, I), torch.zeros(B, H)
    for state in ((h, torch.zeros(B, H - 1)), (h, torch.zeros(1, B, H)), (h,), (h, h, h)):
        _assert_same_error(lambda state=state: ours(x, state), lambda state=state: theirs(x, state))


@EVERY_KIND
def test_calls_of_a_cell_that_fail_somewhere_inside_torch(kind):
    ours, theirs = kind.cell(I, H, **kind.options), kind.torch_cell(I, H, **kind.options)
    x, state = torch.zeros(B, I), _state(kind, B, H)
    double = tuple(s.double() for s in state) if kind.is_lstm else state.double()
    for arguments in ((x.double(),), (x, double)):
        _assert_same_type(
            lambda arguments=arguments: ours(*arguments),
            lambda arguments=arguments: theirs(*arguments),
        )


@pytest.mark.parametrize(
    "options",
    [{"hidden_size": 7.0}, {"hidden_size": "7"}, {"hidden_size": -1}, {"input_size": -1}],
    ids=str,
)
@EVERY_KIND
def test_wrong_constructor_arguments_of_a_cell(kind, options):
    options = {"input_size": I, "hidden_size": H, **kind.options, **options}
    _assert_same_type(lambda: kind.cell(**options), lambda: kind.torch_cell(**options))
    assert isinstance(_error(lambda: kind.cell(**options)), RnnkitError)
