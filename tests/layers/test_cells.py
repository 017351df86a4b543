"""rnnkit's cells against torch.nn's, and cells looped by hand against layers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from .twins import (
    BACKENDS,
    KINDS,
    assert_same,
    cell_twins,
    draw,
    draw_state,
    everything,
    flat,
    layer_twins,
    like,
)

B, T, I, H = 3, 5, 3, 7  # noqa: E741
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=repr)


def _call(cell, x, state):
    final = cell(x) if state is None else cell(x, state)
    return flat(final)[0] * 1.0, final


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no_bias"])
@pytest.mark.parametrize("batch", [(), (1,), (B,), (0,)], ids=["unbatched", "one", "three", "none"])
@EVERY_KIND
def test_a_cell_equals_torchs(kind, batch, bias):
    ours, theirs = cell_twins(kind, I, H, bias=bias)
    x, state = draw(*batch, I, seed=1), draw_state(kind, *batch, H)
    assert_same(everything(_call, ours, x, state), everything(_call, theirs, x, state))


@pytest.mark.parametrize("batch", [(), (B,)], ids=["unbatched", "three"])
@EVERY_KIND
def test_the_state_of_a_cell_is_zero_when_none_is_given(kind, batch):
    ours, theirs = cell_twins(kind, I, H)
    x = draw(*batch, I, seed=1)
    assert_same(everything(_call, ours, x, None), everything(_call, theirs, x, None))


@EVERY_KIND
def test_a_cell_of_one_unit(kind):
    ours, theirs = cell_twins(kind, 1, 1)
    x, state = draw(1, 1, seed=1), draw_state(kind, 1, 1)
    assert_same(everything(_call, ours, x, state), everything(_call, theirs, x, state))


@EVERY_KIND
def test_a_cell_returns_what_torchs_returns(kind):
    ours, theirs = cell_twins(kind, I, H)
    found, expected = ours(draw(B, I, seed=1)), theirs(draw(B, I, seed=1))
    assert type(found) is type(expected)
    assert ours(input=draw(B, I, seed=1), hx=draw_state(kind, B, H)) is not None


@EVERY_KIND
def test_a_cell_takes_torchs_positional_arguments(kind):
    tail = (*kind.options.values(), torch.device("cpu"), torch.float64)
    ours, theirs = kind.cell(I, H, False, *tail), kind.torch_cell(I, H, False, *tail)
    assert [*ours.state_dict()] == [*theirs.state_dict()]
    ours.load_state_dict(theirs.state_dict())
    x = draw(B, I, seed=1)
    for mine, other in zip(flat(ours(x)), flat(theirs(x)), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
@EVERY_KIND
def test_a_stack_of_cells_looped_by_hand_equals_the_stacked_layer(kind, backend):
    """The loop of the textbooks: over time, and inside it over the cells of the stack."""
    layer, _ = layer_twins(kind, I, H, 3, backend=backend)
    cells = []
    for number in range(3):
        cell = kind.cell(I if number == 0 else H, H, **kind.options, dtype=torch.float64)
        suffix = f"_l{number}"
        cell.load_state_dict(
            {
                name.removesuffix(suffix): value
                for name, value in layer.state_dict().items()
                if name.endswith(suffix)
            }
        )
        cells.append(cell)
    x, state = draw(T, B, I, seed=1), draw_state(kind, 3, B, H)
    states = [like(state, [s[number] for s in flat(state)]) for number in range(3)]
    outputs: list[Tensor] = []
    for x_t in x:
        for number, cell in enumerate(cells):
            states[number] = cell(x_t, states[number])
            x_t = flat(states[number])[0]
        outputs.append(x_t)
    output, final = layer(x, state)
    torch.testing.assert_close(output, torch.stack(outputs), atol=1e-10, rtol=1e-10)
    for number in range(3):
        for found, expected in zip(flat(final), flat(states[number]), strict=True):
            torch.testing.assert_close(found[number], expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("chunk", [1, 2])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time_first", "batch_first"])
@EVERY_KIND
def test_step_by_step_equals_the_whole_sequence(kind, batch_first, chunk, backend):
    """States handed in and out, one or two steps at a time, gradients through all calls."""
    layer, _ = layer_twins(kind, I, H, 2, batch_first=batch_first, backend=backend)
    time = 1 if batch_first else 0

    def stepwise(layer, x, state):
        outputs = []
        for part in x.split(chunk, dim=time):
            output, state = layer(part, state)
            outputs.append(output)
        return torch.cat(outputs, dim=time), state

    x = draw(*((B, T, I) if batch_first else (T, B, I)), seed=1)
    state = draw_state(kind, 2, B, H)
    assert_same(
        everything(stepwise, layer, x, state),
        everything(lambda layer, x, state: layer(x, state), layer, x, state),
    )
