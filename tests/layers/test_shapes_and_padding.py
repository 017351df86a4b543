"""Odd shapes, and the rule that padding and masked steps never change a number."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor

from rnnkit.errors import RnnkitError

from .twins import (
    BACKENDS,
    KINDS,
    assert_same,
    draw,
    draw_state,
    everything,
    flat,
    layer_twins,
    like,
    run_stack,
)

B, T, I, H = 4, 5, 3, 7  # noqa: E741
LENGTHS = torch.tensor([3, 0, 5, 1])
# Holes at the start, in the middle and at the end; a row all true; a row all false.
MASK = torch.tensor(
    [
        [False, True, False, True, True],
        [True, True, True, True, True],
        [True, False, False, True, False],
        [False, False, False, False, False],
    ]
)
# Sizes (B, T, I, H) that a kernel written for round numbers gets wrong.
SIZES = [(1, 1, 1, 1), (1, 5, 3, 7), (3, 1, 3, 7), (3, 5, 1, 1), (2, 3, 9, 2), (17, 2, 5, 33)]
BATCH_FIRST = pytest.mark.parametrize(
    "batch_first", [False, True], ids=["time_first", "batch_first"]
)
EVERY_BACKEND = pytest.mark.parametrize("backend", BACKENDS)
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=repr)


def _valid(lengths: Tensor) -> Tensor:
    return torch.arange(T) < lengths[:, None]  # (B, T)


@EVERY_BACKEND
@BATCH_FIRST
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@EVERY_KIND
def test_equals_torch_at_odd_sizes(kind, sizes, batch_first, backend):
    B, T, I, H = sizes  # noqa: E741
    options = {"bidirectional": True, "batch_first": batch_first}
    ours, theirs = layer_twins(kind, I, H, 2, backend=backend, **options)
    x = draw(*((B, T, I) if batch_first else (T, B, I)), seed=1)
    state = draw_state(kind, 4, B, H)
    call = lambda module, x, state: module(x, state)  # noqa: E731
    assert_same(everything(call, ours, x, state), everything(call, theirs, x, state))


@EVERY_BACKEND
@BATCH_FIRST
@pytest.mark.parametrize("D", [1, 2], ids=["one_way", "two_ways"])
@EVERY_KIND
def test_unbatched_input_equals_torch(kind, D, batch_first, backend):
    options = {"bidirectional": D == 2, "batch_first": batch_first}
    ours, theirs = layer_twins(kind, I, H, 2, backend=backend, **options)
    x, state = draw(T, I, seed=1), draw_state(kind, 2 * D, H)
    call = lambda module, x, state: module(x, state)  # noqa: E731
    found = everything(call, ours, x, state)
    assert found["output"].shape == (T, D * H)
    assert found["final h"].shape == (2 * D, H)
    assert_same(found, everything(call, theirs, x, state))
    assert torch.equal(ours(x)[0], ours(x, like(state, [0 * s for s in flat(state)]))[0])


@EVERY_BACKEND
@EVERY_KIND
def test_an_empty_batch_gives_empty_results_as_in_torch(kind, backend):
    ours, theirs = layer_twins(kind, I, H, 2, bidirectional=True, backend=backend)
    found, expected = ours(torch.zeros(T, 0, I).double()), theirs(torch.zeros(T, 0, I).double())
    assert found[0].shape == expected[0].shape
    assert [s.shape for s in flat(found[1])] == [s.shape for s in flat(expected[1])]


@EVERY_BACKEND
@EVERY_KIND
def test_strides_do_not_matter(kind, backend):
    ours, theirs = layer_twins(kind, I, H, 2, bidirectional=True, batch_first=True, backend=backend)
    wide = draw(T, 2 * B, 2 * I, seed=1)
    x = wide[:, ::2, ::2].transpose(0, 1)
    assert not x.is_contiguous()
    states = [draw(H, B, 4, seed=2 + number).permute(2, 1, 0) for number in range(2)]
    state = like(draw_state(kind, 1, 1, 1), states)
    call = lambda module, x, state: module(x, state)  # noqa: E731

    def strided(module, _x, _state):
        # `everything` clones; the strides must reach the layer.
        return module(_x.transpose(0, 1).contiguous().transpose(0, 1), _state)

    expected = everything(call, theirs, x, state)
    assert_same(everything(strided, ours, x, state), expected)
    with torch.no_grad():
        torch.testing.assert_close(ours(x, state)[0], expected["output"], atol=1e-10, rtol=1e-10)
        row = ours(x[:1].expand(B, T, I), state)[0]
        torch.testing.assert_close(
            row, theirs(x[:1].repeat(B, 1, 1), state)[0], atol=1e-10, rtol=1e-10
        )
        one = like(state, [draw(1, 1, H, seed=5 + number) for number in range(2)])
        expanded = like(state, [s.expand(4, B, H) for s in flat(one)])
        repeated = like(state, [s.repeat(4, B, 1) for s in flat(one)])
        for lengths in (None, LENGTHS):
            assert torch.equal(
                ours(x, expanded, lengths=lengths)[0], ours(x, repeated, lengths=lengths)[0]
            )


@EVERY_BACKEND
@BATCH_FIRST
@pytest.mark.parametrize("D", [1, 2], ids=["one_way", "two_ways"])
@pytest.mark.parametrize("form", ["lengths", "mask"])
@EVERY_KIND
def test_an_invalid_step_gives_zero_and_carries_the_state(kind, form, D, batch_first, backend):
    """The rule itself, as a loop over torch.nn cells; rows of length 0 keep their initial state.

    A mask is (B, T) whatever `batch_first` says.
    """
    options = {"bidirectional": D == 2, "batch_first": batch_first}
    ours, theirs = layer_twins(kind, I, H, 2, backend=backend, **options)
    valid = _valid(LENGTHS) if form == "lengths" else MASK
    argument = {"lengths": LENGTHS} if form == "lengths" else {"mask": MASK}
    x, state = draw(T, B, I, seed=1), draw_state(kind, 2 * D, B, H)

    def call(module, x, state):
        if not batch_first:
            return module(x, state, **argument)
        output, final = module(x.transpose(0, 1), state, **argument)
        return output.transpose(0, 1), final

    def loop(module, x, state):
        return run_stack(kind, module, x, state, valid.mT)

    found = everything(call, ours, x, state)
    assert_same(found, everything(loop, theirs, x, state))
    assert (found["output"][~valid.mT] == 0).all()
    empty = ~valid.any(dim=1)
    for name, initial in zip("hc", flat(state), strict=False):
        assert torch.equal(found[f"final {name}"][:, empty], initial[:, empty])


@EVERY_BACKEND
@EVERY_KIND
def test_lengths_and_mask_together_let_a_step_count_where_both_do(kind, backend):
    ours, _ = layer_twins(kind, I, H, 2, bidirectional=True, batch_first=True, backend=backend)
    x, state = draw(B, T, I, seed=1), draw_state(kind, 4, B, H)
    both = MASK & _valid(LENGTHS)
    assert_same(
        everything(lambda m, x, s: m(x, s, lengths=LENGTHS, mask=MASK), ours, x, state),
        everything(lambda m, x, s: m(x, s, mask=both), ours, x, state),
    )


@EVERY_BACKEND
@EVERY_KIND
def test_lengths_and_the_same_mask_agree(kind, backend):
    ours, _ = layer_twins(kind, I, H, 2, bidirectional=True, batch_first=True, backend=backend)
    x, state = draw(B, T, I, seed=1), draw_state(kind, 4, B, H)
    assert_same(
        everything(lambda m, x, s: m(x, s, lengths=LENGTHS), ours, x, state),
        everything(lambda m, x, s: m(x, s, mask=_valid(LENGTHS)), ours, x, state),
    )


@EVERY_BACKEND
@EVERY_KIND
def test_lengths_that_are_all_full_change_nothing(kind, backend):
    ours, _ = layer_twins(kind, I, H, 2, bidirectional=True, backend=backend)
    x, state = draw(T, B, I, seed=1), draw_state(kind, 4, B, H)
    assert_same(
        everything(lambda m, x, s: m(x, s, lengths=torch.full((B,), T)), ours, x, state),
        everything(lambda m, x, s: m(x, s), ours, x, state),
    )


@EVERY_BACKEND
@EVERY_KIND
def test_a_batch_of_empty_rows_keeps_the_initial_state(kind, backend):
    ours, _ = layer_twins(kind, I, H, 2, bidirectional=True, backend=backend)
    x, state = draw(T, B, I, seed=1), draw_state(kind, 4, B, H)
    output, final = ours(x, state, lengths=torch.zeros(B, dtype=torch.int64))
    assert output.shape == (T, B, 2 * H)
    assert (output == 0).all()
    for found, initial in zip(flat(final), flat(state), strict=True):
        assert torch.equal(found, initial)


@EVERY_BACKEND
@EVERY_KIND
def test_a_batch_of_empty_rows_trains_on(kind, backend):
    """Nothing was computed: every gradient is zero, but `backward` must not fail."""
    ours, _ = layer_twins(kind, I, H, 2, bidirectional=True, backend=backend)
    x = draw(T, B, I, seed=1)
    output, _ = ours(x, lengths=torch.zeros(B, dtype=torch.int64))
    output.sum().backward()
    assert all(p.grad is None or (p.grad == 0).all() for p in ours.parameters())


@EVERY_BACKEND
@EVERY_KIND
def test_results_share_no_memory_with_the_state_given(kind, backend):
    ours, _ = layer_twins(kind, I, H, 1, backend=backend)
    x, state = draw(T, B, I, seed=1), draw_state(kind, 1, B, H)
    for lengths in (torch.zeros(B, dtype=torch.int64), LENGTHS):
        kept = [s.clone() for s in flat(state)]
        with torch.no_grad():
            _, final = ours(x, state, lengths=lengths)
            for s in flat(final):
                s.add_(1.0)
        assert all(torch.equal(a, b) for a, b in zip(kept, flat(state), strict=True))


@pytest.mark.parametrize(
    "lengths",
    [[3, 0, 5, 1], (3, 0, 5, 1), LENGTHS.to(torch.int32), LENGTHS.to(torch.uint8)],
    ids=["list", "tuple", "int32", "uint8"],
)
@EVERY_KIND
def test_lengths_may_be_a_list_or_any_whole_numbers(kind, lengths):
    ours, _ = layer_twins(kind, I, H, 2, bidirectional=True)
    x = draw(T, B, I, seed=1)
    assert torch.equal(ours(x, lengths=lengths)[0], ours(x, lengths=LENGTHS)[0])


@EVERY_BACKEND
@pytest.mark.parametrize("poison", [math.nan, math.inf, -1e300])
@pytest.mark.parametrize("lengths", [[3, 2, 4, 1], [3, 0, 5, 1]], ids=["ragged", "with_empty_row"])
@EVERY_KIND
def test_what_stands_in_padding_reaches_nothing(kind, lengths, poison, backend):
    ours, _ = layer_twins(kind, I, H, 2, bidirectional=True, batch_first=True, backend=backend)
    lengths = torch.tensor(lengths)
    valid, state = _valid(lengths), draw_state(kind, 4, B, H)
    clean = draw(B, T, I, seed=1).masked_fill(~valid[..., None], 0.0)
    poisoned = clean.masked_fill(~valid[..., None], poison)
    call = lambda module, x, state: module(x, state, lengths=lengths)  # noqa: E731
    found = everything(call, ours, poisoned, state)
    assert (found["gradient of x"][~valid] == 0).all()
    assert_same(found, everything(call, ours, clean, state), atol=0, rtol=0)


@EVERY_BACKEND
@pytest.mark.parametrize("poison", [math.nan, math.inf])
@EVERY_KIND
def test_what_stands_at_masked_steps_reaches_nothing(kind, poison, backend):
    ours, _ = layer_twins(kind, I, H, 2, bidirectional=True, batch_first=True, backend=backend)
    state = draw_state(kind, 4, B, H)
    clean = draw(B, T, I, seed=1).masked_fill(~MASK[..., None], 0.0)
    poisoned = clean.masked_fill(~MASK[..., None], poison)
    call = lambda module, x, state: module(x, state, mask=MASK)  # noqa: E731
    found = everything(call, ours, poisoned, state)
    assert (found["gradient of x"][~MASK] == 0).all()
    assert_same(found, everything(call, ours, clean, state), atol=0, rtol=0)


@EVERY_BACKEND
@EVERY_KIND
def test_a_row_alone_and_beside_longer_ones_gives_the_same(kind, backend):
    ours, _ = layer_twins(kind, I, H, 2, bidirectional=True, batch_first=True, backend=backend)
    lengths = torch.tensor([3, 5, 1, 4])
    x, state = draw(B, T, I, seed=1), draw_state(kind, 4, B, H)
    output, final = ours(x, state, lengths=lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = like(state, [s[:, row : row + 1] for s in flat(state)])
        expected, expected_final = ours(x[row : row + 1, :length], alone)
        torch.testing.assert_close(output[row, :length], expected[0], atol=1e-10, rtol=1e-10)
        for found, other in zip(flat(final), flat(expected_final), strict=True):
            torch.testing.assert_close(found[:, row], other[:, 0], atol=1e-10, rtol=1e-10)


@EVERY_KIND
def test_the_reverse_direction_starts_at_the_last_step_of_each_row(kind):
    """No arithmetic at all: flip each row within its length and exchange the two directions."""
    ours, _ = layer_twins(kind, I, H, 1, bidirectional=True, batch_first=True)
    lengths = torch.tensor([3, 5, 1, 4])
    x, state = draw(B, T, I, seed=1), draw_state(kind, 2, B, H)
    flipped = torch.zeros_like(x)
    for row, length in enumerate(lengths.tolist()):
        flipped[row, :length] = x[row, :length].flip(0)
    output, _ = ours(x, state, lengths=lengths)
    weights = copy.deepcopy(ours.state_dict())
    ours.load_state_dict(
        {
            name: weights[
                name.removesuffix("_reverse") if name.endswith("_reverse") else f"{name}_reverse"
            ]
            for name in weights
        }
    )
    turned, _ = ours(flipped, like(state, [s.flip(0) for s in flat(state)]), lengths=lengths)
    for row, length in enumerate(lengths.tolist()):
        forward, backward = output[row, :length].split(H, dim=-1)
        other_backward, other_forward = turned[row, :length].flip(0).split(H, dim=-1)
        torch.testing.assert_close(forward, other_forward, atol=1e-10, rtol=1e-10)
        torch.testing.assert_close(backward, other_backward, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(
    "lengths",
    [
        torch.tensor([3, 5, 1]),
        torch.tensor([[3, 5, 1, 2]]),
        torch.tensor([3, 6, 1, 2]),
        torch.tensor([3, -1, 1, 2]),
        torch.tensor(3),
        torch.tensor([3.0, 5.0, 1.0, 2.0]),
        torch.tensor([True, True, True, True]),
    ],
    ids=["too_few", "2-D", "longer_than_the_input", "negative", "0-D", "float", "bool"],
)
@EVERY_KIND
def test_lengths_that_cannot_be_are_refused(kind, lengths):
    layer = kind.layer(I, H, **kind.options)
    with pytest.raises(RnnkitError, match="lengths") as caught:
        layer(torch.zeros(T, B, I), lengths=lengths)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("shape", [(T, B), (B + 1, T), (T,), (B, T, 1)], ids=str)
@EVERY_KIND
def test_a_mask_of_the_wrong_shape_is_refused(kind, shape):
    layer = kind.layer(I, H, **kind.options)
    with pytest.raises(RnnkitError, match="mask") as caught:
        layer(torch.zeros(T, B, I), mask=torch.ones(shape, dtype=torch.bool))
    assert isinstance(caught.value, ValueError)


@EVERY_KIND
def test_a_mask_that_is_no_bool_tensor_is_refused(kind):
    layer = kind.layer(I, H, **kind.options)
    for mask in (torch.ones(B, T), torch.ones(B, T).tolist(), torch.ones(B, T).bool().numpy()):
        with pytest.raises(RnnkitError, match=r"mask.*bool"):
            layer(torch.zeros(T, B, I), mask=mask)


@EVERY_KIND
def test_lengths_and_masks_need_a_batch(kind):
    layer = kind.layer(I, H, **kind.options)
    for name, value in (("lengths", [T]), ("mask", torch.ones(1, T, dtype=torch.bool))):
        with pytest.raises(RnnkitError, match=rf"{name}.*batch"):
            layer(torch.zeros(T, I), **{name: value})


@EVERY_KIND
def test_a_packed_sequence_has_its_own_lengths(kind):
    layer = kind.layer(I, H, **kind.options)
    packed = torch.nn.utils.rnn.pack_sequence([torch.zeros(3, I), torch.zeros(2, I)])
    with pytest.raises(RnnkitError, match="lengths"):
        layer(packed, lengths=torch.tensor([3, 2]))
    with pytest.raises(RnnkitError, match="mask"):
        layer(packed, mask=torch.ones(3, 2, dtype=torch.bool))
