"""RNN: a cell over time equals the layer, and a user's own cell may be anything."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from rnnkit.errors import RnnkitError
from rnnkit.layers import GRU, RNN, GRUCell, LSTMCell, SimpleRNNCell

from .twins import (
    KINDS,
    assert_same,
    cell_twins,
    draw,
    draw_state,
    everything,
    flat,
    layer_twins,
    like,
    run_cell,
)

B, T, I, H = 4, 5, 3, 7  # noqa: E741
LENGTHS = torch.tensor([3, 0, 5, 1])
MASK = torch.tensor(
    [
        [False, True, False, True, True],
        [True, True, True, True, True],
        [True, False, False, True, False],
        [False, False, False, False, False],
    ]
)
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=repr)
FORMS = {
    "equal": ({}, torch.ones(B, T, dtype=torch.bool)),
    "lengths": ({"lengths": LENGTHS}, torch.arange(T) < LENGTHS[:, None]),
    "mask": ({"mask": MASK}, MASK),
    "both": (
        {"lengths": LENGTHS, "mask": MASK},
        MASK & (torch.arange(T) < LENGTHS[:, None]),
    ),
}


@pytest.mark.parametrize("given", [True, False], ids=["state", "no_state"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time_first", "batch_first"])
@pytest.mark.parametrize("form", FORMS)
@EVERY_KIND
def test_a_cell_over_time_equals_the_loop_over_torchs_cell(kind, form, batch_first, reverse, given):
    ours, theirs = cell_twins(kind, I, H)
    runner, arguments = RNN(ours, batch_first=batch_first, reverse=reverse), FORMS[form][0]
    state = draw_state(kind, B, H)
    x = draw(T, B, I, seed=1)

    def run(module, x, state):
        if not batch_first:
            return module(x, state, **arguments)
        output, final = module(x.transpose(0, 1), state, **arguments)
        return output.transpose(0, 1), final

    def loop(cell, x, state):
        zeros = like(draw_state(kind, B, H), [torch.zeros(B, H).double() for _ in range(2)])
        start = zeros if state is None else state
        return run_cell(cell, x, start, FORMS[form][1].mT, reverse=reverse)

    state = state if given else None
    found = everything(run, runner, x, state)
    expected = everything(loop, theirs, x, state)
    names = {name: name.replace("cells.0.", "") for name in found}
    assert_same({names[name]: value for name, value in found.items()}, expected)


@pytest.mark.parametrize("form", ["equal", "lengths", "mask"])
@EVERY_KIND
def test_two_runners_are_the_two_directions_of_a_layer(kind, form):
    layer, _ = layer_twins(kind, I, H, 1, bidirectional=True, batch_first=True)
    x, state = draw(B, T, I, seed=1), draw_state(kind, 2, B, H)
    output, final = layer(x, state, **FORMS[form][0])
    for direction, suffix in enumerate(("_l0", "_l0_reverse")):
        cell = kind.cell(I, H, **kind.options, dtype=torch.float64)
        cell.load_state_dict(
            {
                name.removesuffix(suffix): value
                for name, value in layer.state_dict().items()
                if name.endswith(suffix)
            }
        )
        runner = RNN(cell, batch_first=True, reverse=direction == 1)
        start = like(state, [s[direction] for s in flat(state)])
        half, end = runner(x, start, **FORMS[form][0])
        torch.testing.assert_close(
            half, output[..., direction * H : (direction + 1) * H], atol=1e-10, rtol=1e-10
        )
        for mine, other in zip(flat(end), flat(final), strict=True):
            torch.testing.assert_close(mine, other[direction], atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("form", ["lengths", "mask"])
@EVERY_KIND
def test_what_stands_at_steps_that_do_not_count_reaches_nothing(kind, form, reverse):
    runner = RNN(cell_twins(kind, I, H)[0], batch_first=True, reverse=reverse)
    arguments, valid = FORMS[form]
    clean = draw(B, T, I, seed=1).masked_fill(~valid[..., None], 0.0)
    poisoned = clean.masked_fill(~valid[..., None], math.nan)

    def run(module, x, state):
        return module(x, state, **arguments)

    state = draw_state(kind, B, H)
    found = everything(run, runner, poisoned, state)
    assert (found["output"][~valid] == 0).all()
    assert (found["gradient of x"][~valid] == 0).all()
    assert_same(found, everything(run, runner, clean, state), atol=0, rtol=0)


@pytest.mark.parametrize("form", FORMS)
@EVERY_KIND
def test_a_stack_of_cells_equals_the_stacked_layer(kind, form):
    layer, _ = layer_twins(kind, I, H, 2, batch_first=True)
    cells = [kind.cell(size, H, **kind.options, dtype=torch.float64) for size in (I, H)]
    for number, cell in enumerate(cells):
        cell.load_state_dict(
            {
                name.removesuffix(f"_l{number}"): value
                for name, value in layer.state_dict().items()
                if name.endswith(f"_l{number}")
            }
        )
    x, state = draw(B, T, I, seed=1), draw_state(kind, 2, B, H)
    states = [like(state, [s[number] for s in flat(state)]) for number in range(2)]
    output, finals = RNN(cells, batch_first=True)(x, states, **FORMS[form][0])
    expected, final = layer(x, state, **FORMS[form][0])
    torch.testing.assert_close(output, expected, atol=1e-10, rtol=1e-10)
    assert len(finals) == 2
    for number in range(2):
        for mine, other in zip(flat(finals[number]), flat(final), strict=True):
            torch.testing.assert_close(mine, other[number], atol=1e-10, rtol=1e-10)


def test_cells_of_different_kinds_stack():
    cells = [LSTMCell(I, 5), SimpleRNNCell(5, 4), GRUCell(4, 6)]
    output, (lstm, rnn, gru) = RNN(cells)(torch.zeros(T, B, I))
    assert output.shape == (T, B, 6)
    assert [s.shape for s in lstm] == [(B, 5), (B, 5)]
    assert rnn.shape == (B, 4)
    torch.testing.assert_close(output[-1], gru)


@EVERY_KIND
def test_torchs_own_cell_runs_too(kind):
    ours, theirs = cell_twins(kind, I, H)
    x = draw(T, B, I, seed=1)
    found, expected = RNN(theirs)(x, lengths=LENGTHS), RNN(ours)(x, lengths=LENGTHS)
    torch.testing.assert_close(found[0], expected[0], atol=1e-10, rtol=1e-10)


@EVERY_KIND
def test_step_by_step_equals_the_whole_sequence(kind):
    runner = RNN(cell_twins(kind, I, H)[0])

    def stepwise(runner, x, state):
        outputs = []
        for x_t in x.split(1):
            output, state = runner(x_t, state)
            outputs.append(output)
        return torch.cat(outputs), state

    x, state = draw(T, B, I, seed=1), draw_state(kind, B, H)
    assert_same(
        everything(stepwise, runner, x, state),
        everything(lambda runner, x, state: runner(x, state), runner, x, state),
    )


class Counter(nn.Module):
    """A user's cell: its output is no state, and its three states have shapes of their own."""

    def forward(self, x: Tensor, state):
        if state is None:
            state = (torch.zeros_like(x), torch.zeros(len(x), 2, 2), torch.zeros(len(x)))
        total, grid, steps = state
        return total * 10 + x, (total + x, grid + 1, steps + 1)


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_a_users_cell_with_an_output_of_its_own_and_states_of_any_shape(reverse):
    x = torch.tensor([[[1.0], [2.0], [4.0]], [[8.0], [16.0], [32.0]]])  # (B, T, 1)
    runner = RNN(Counter(), batch_first=True, reverse=reverse)
    output, (total, grid, steps) = runner(x, lengths=torch.tensor([3, 2]))
    expected = [[[61.0], [42.0], [4.0]], [[168.0], [16.0], [0.0]]]
    if not reverse:
        expected = [[[1.0], [12.0], [34.0]], [[8.0], [96.0], [0.0]]]
    assert output.tolist() == expected
    assert total.tolist() == [[7.0], [24.0]]
    assert steps.tolist() == [3.0, 2.0]
    assert grid[:, 0, 1].tolist() == [3.0, 2.0]


def test_a_users_cell_on_inputs_of_more_dimensions():
    """A convolutional cell: steps are images."""

    class Conv(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x, self.h = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)

        def forward(self, x: Tensor, h: Tensor | None) -> Tensor:
            h = x.new_zeros(len(x), 2, *x.shape[2:]) if h is None else h
            return torch.tanh(self.x(x) + self.h(h))

    cell, x = Conv(), draw(B, T, 1, 4, 4, seed=1, dtype=torch.float32)
    output, final = RNN(cell, batch_first=True)(x, lengths=torch.tensor([2, 5, 0, 3]))
    assert output.shape == (B, T, 2, 4, 4)
    h = None
    for t in range(2):
        h = cell(x[:1, t], h)
    torch.testing.assert_close(final[0], h[0])
    assert (final[2] == 0).all()
    assert (output[0, 2:] == 0).all()


@EVERY_KIND
def test_unknown_state_is_zero_state(kind):
    runner = RNN(cell_twins(kind, I, H)[0])
    x = draw(T, B, I, seed=1)
    zeros = like(draw_state(kind, B, H), [torch.zeros(B, H).double() for _ in range(2)])
    for arguments in ({}, {"lengths": LENGTHS}):
        found, expected = runner(x, **arguments), runner(x, zeros, **arguments)
        assert torch.equal(found[0], expected[0])
        for mine, other in zip(flat(found[1]), flat(expected[1]), strict=True):
            assert torch.equal(mine, other)


def test_an_lstm_cell_over_time_takes_a_list_for_its_state():
    runner = RNN(LSTMCell(I, H))
    x, (h, c) = torch.ones(T, B, I), (torch.ones(B, H), torch.zeros(B, H))
    assert torch.equal(runner(x, [h, c])[0], runner(x, (h, c))[0])


def test_a_runner_is_a_module():
    runner = RNN(GRUCell(I, H), batch_first=True)
    assert sum(p.numel() for p in runner.parameters()) == sum(
        p.numel() for p in GRU(I, H).parameters()
    )
    twin = copy.deepcopy(runner)
    x = draw(B, T, I, seed=1, dtype=torch.float32)
    assert torch.equal(runner(x)[0], twin(x)[0])
    assert runner.double()(x.double())[0].dtype == torch.float64
    assert "GRUCell(3, 7)" in repr(runner)


@pytest.mark.parametrize(
    "arguments",
    [
        {"lengths": torch.tensor([3, 5, 1])},
        {"lengths": torch.tensor([3, 6, 1, 1])},
        {"lengths": torch.tensor([3, -1, 1, 1])},
        {"mask": torch.ones(B + 1, T, dtype=torch.bool)},
        {"mask": torch.ones(B, T)},
    ],
    ids=["too_few", "too_long", "negative", "mask_shape", "mask_of_numbers"],
)
def test_lengths_and_masks_that_do_not_fit_are_refused(arguments):
    (name,) = arguments
    with pytest.raises(RnnkitError, match=name):
        RNN(GRUCell(I, H), batch_first=True)(torch.zeros(B, T, I), **arguments)


def test_calls_that_cannot_be_are_refused():
    runner = RNN(GRUCell(I, H))
    packed = nn.utils.rnn.pack_sequence([torch.zeros(3, I), torch.zeros(2, I)])
    for x in (torch.zeros(0, B, I), torch.zeros(T), packed, None):
        with pytest.raises(RnnkitError, match="input"):
            runner(x)
    with pytest.raises(RnnkitError, match="cell"):
        RNN([])
    with pytest.raises(RnnkitError, match="2 states, got 1"):
        RNN([GRUCell(I, H), GRUCell(H, H)])(torch.zeros(T, B, I), [torch.zeros(B, H)])


@pytest.mark.parametrize(
    "result", [1.0, (), (torch.zeros(B, 1), 1.0)], ids=["float", "empty", "pair"]
)
def test_a_cell_that_returns_no_state_is_named(result):
    class Wrong(nn.Module):
        def forward(self, x, state):
            return result

    with pytest.raises(RnnkitError, match="Wrong must return"):
        RNN(Wrong())(torch.zeros(T, B, I))
