"""Dropout between layers and on the recurrent state: masks are captured, then computed with."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from rnnkit import layers
from rnnkit.errors import BackendError, RnnkitError

from .twins import KINDS, Kind, draw, draw_state, flat, layer_twins, like, run_stack

B, T, I, H = 4, 5, 3, 7  # noqa: E741
P = 0.25
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=repr)


def _results(layer: nn.Module, x: Tensor, state, seed: int = 5, **arguments) -> list[Tensor]:
    torch.manual_seed(seed)
    output, final = layer(x, state, **arguments)
    return [output.detach(), *(s.detach() for s in flat(final))]


def _with(kind: Kind, L: int = 2, *, backend: str = "auto", **options) -> nn.Module:
    layer, _ = layer_twins(kind, I, H, L, bidirectional=True, backend=backend)
    other = kind.layer(
        I, H, L, **kind.options, bidirectional=True, dtype=torch.float64, backend=backend, **options
    )
    other.load_state_dict(layer.state_dict())
    return other


OPTIONS = pytest.mark.parametrize(
    "options",
    [{"dropout": P}, {"recurrent_dropout": P}, {"dropout": P, "recurrent_dropout": P}],
    ids=["dropout", "recurrent_dropout", "both"],
)


@OPTIONS
@EVERY_KIND
def test_one_seed_gives_one_result(kind, options):
    layer, x, state = _with(kind, **options), draw(T, B, I, seed=1), draw_state(kind, 4, B, H)
    first, again, other = (_results(layer, x, state, seed) for seed in (5, 5, 6))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    plain = _results(_with(kind), x, state)
    assert not torch.allclose(first[0], plain[0])


@OPTIONS
@EVERY_KIND
def test_dropout_is_off_in_evaluation(kind, options):
    layer, x, state = (
        _with(kind, **options).eval(),
        draw(T, B, I, seed=1),
        draw_state(kind, 4, B, H),
    )
    lengths = torch.tensor([2, 5, 0, 3])
    for arguments in ({}, {"lengths": lengths}):
        found, expected = (
            _results(module, x, state, **arguments) for module in (layer, _with(kind).eval())
        )
        for mine, other in zip(found, expected, strict=True):
            torch.testing.assert_close(mine, other, atol=1e-12, rtol=1e-12)
    generator_state = torch.get_rng_state()
    layer(x, state)
    assert torch.equal(torch.get_rng_state(), generator_state)


@EVERY_KIND
def test_a_probability_of_zero_is_no_dropout(kind):
    x, state = draw(T, B, I, seed=1), draw_state(kind, 4, B, H)
    none = _results(_with(kind, dropout=0.0, recurrent_dropout=0.0), x, state)
    plain = _results(_with(kind), x, state)
    assert all(torch.equal(a, b) for a, b in zip(none, plain, strict=True))


@pytest.mark.parametrize("backend", ["auto", "reference", "torch"])
@pytest.mark.parametrize(
    "arguments", [{}, {"lengths": torch.tensor([50, 30, 7, 1])}], ids=["equal", "ragged"]
)
def test_dropout_stands_between_layers_and_nowhere_else(arguments, backend):
    """Both layers copy an input of ones: the output is the mask between them.

    A dropout before the first layer or after the last would show as a number beside 0 and
    1 / (1 - P), or in the final states.
    """
    layer = layers.SimpleRNN(40, 40, 2, "relu", dropout=P, backend=backend, dtype=torch.float64)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.weight_ih_l0.copy_(torch.eye(40))
        layer.weight_ih_l1.copy_(torch.eye(40))
    torch.manual_seed(5)
    output, final = layer(torch.ones(50, 4, 40, dtype=torch.float64), **arguments)
    lengths = arguments.get("lengths", torch.full((4,), 50))
    masks = output[torch.arange(50)[:, None] < lengths]  # (steps of all rows, 40)
    kept = masks > 0
    torch.testing.assert_close(masks[kept], torch.full_like(masks[kept], 1 / (1 - P)))
    # 88 or 200 steps of 40 units: five standard deviations of the mean are under 0.04.
    assert abs(kept.double().mean().item() - (1 - P)) < 0.04
    assert (kept.double().mean(dim=0) < 1).all(), "a unit was never dropped: the masks repeat"
    assert (final[0] == 1).all(), "the state of the first layer must not be dropped"


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
@EVERY_KIND
def test_dropout_of_the_torch_backend_draws_what_torch_draws(kind, p):
    theirs = kind.torch_layer(I, H, 3, **kind.options, dropout=p, dtype=torch.float64)
    ours = kind.layer(I, H, 3, **kind.options, dropout=p, dtype=torch.float64, backend="torch")
    ours.load_state_dict(theirs.state_dict())
    x, state = draw(T, B, I, seed=1), draw_state(kind, 3, B, H)
    for found, expected in zip(_results(ours, x, state), _results(theirs, x, state), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)


def _capture_recurrent_mask(kind: Kind, seed: int, p: float, sizes=(B, H)) -> Tensor:
    """Return the mask (B, H) that one layer draws under `seed`, read off its first output.

    The recurrent weights are the identity and the gates are held open, so that the new state is a
    known function of mask · h0.
    """
    B, H = sizes
    layer = kind.layer(I, H, **kind.options, recurrent_dropout=p, dtype=torch.float64)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        gate = {"lstm": 2, "gru": 2}.get(kind.name, 0)  # the candidate: g, n, or h itself
        layer.weight_hh_l0[gate * H : (gate + 1) * H] = torch.eye(H)
        if kind.is_lstm:
            layer.bias_ih_l0[:] = torch.tensor([50.0, -50.0, 0.0, 50.0]).repeat_interleave(H)
        elif kind.name == "gru":
            layer.bias_ih_l0[:] = torch.tensor([50.0, -50.0, 0.0]).repeat_interleave(H)
    h0 = torch.full((1, B, H), 0.1, dtype=torch.float64)
    state = (h0, torch.zeros_like(h0)) if kind.is_lstm else h0
    torch.manual_seed(seed)
    h1 = layer(torch.zeros(1, B, I, dtype=torch.float64), state)[0][0]
    if kind.name != "relu":
        h1 = torch.atanh(h1)
    if kind.is_lstm:
        h1 = torch.atanh(h1)
    return (h1 / 0.1).detach()


@EVERY_KIND
def test_the_recurrent_mask_is_scaled_and_drawn_for_each_unit_of_each_row(kind):
    mask = _capture_recurrent_mask(kind, 5, P, sizes=(40, 50))
    kept = mask > 0.5
    # 2000 draws: five standard deviations of the mean are under 0.05.
    assert abs(kept.double().mean().item() - (1 - P)) < 0.05
    torch.testing.assert_close(mask[kept], torch.full_like(mask[kept], 1 / (1 - P)))
    torch.testing.assert_close(mask[~kept], torch.zeros_like(mask[~kept]))
    assert not kept[0].equal(kept[1])


@EVERY_KIND
def test_one_recurrent_mask_serves_all_steps(kind):
    """Random weights, the captured mask, and the recurrence by hand: equal at every step."""
    layer, theirs = layer_twins(kind, I, H)
    dropping = kind.layer(I, H, **kind.options, recurrent_dropout=P, dtype=torch.float64)
    dropping.load_state_dict(layer.state_dict())
    mask = _capture_recurrent_mask(kind, 5, P)
    assert 0 < (mask < 0.5).sum() < mask.numel()
    x, state = draw(T, B, I, seed=1), draw_state(kind, 1, B, H)
    expected = _recurrence_with_dropped_state(kind, theirs, x, flat(state), mask)
    torch.testing.assert_close(_results(dropping, x, state)[0], expected, atol=1e-9, rtol=1e-9)


def _recurrence_with_dropped_state(kind, layer, x, state, mask) -> Tensor:
    """Run one layer by its equations, the state dropped where it enters the recurrent product."""
    h, outputs = state[0][0], []
    c = state[-1][0]
    for x_t in x:
        a = nn.functional.linear(x_t, layer.weight_ih_l0, layer.bias_ih_l0)
        b = nn.functional.linear(h * mask, layer.weight_hh_l0, layer.bias_hh_l0)
        if kind.is_lstm:
            i, f, g, o = (a + b).chunk(4, dim=-1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        elif kind.name == "gru":
            (ar, az, an), (br, bz, bn) = a.chunk(3, dim=-1), b.chunk(3, dim=-1)
            r, z = (ar + br).sigmoid(), (az + bz).sigmoid()
            h = (1 - z) * (an + r * bn).tanh() + z * h
        else:
            h = (a + b).tanh() if kind.name == "tanh" else (a + b).relu()
        outputs.append(h)
    return torch.stack(outputs).detach()


@EVERY_KIND
def test_padding_stays_outside_with_recurrent_dropout(kind):
    layer, state = _with(kind, recurrent_dropout=P), draw_state(kind, 4, B, H)
    lengths = torch.tensor([2, 5, 0, 3])
    clean = draw(T, B, I, seed=1)
    padding = torch.arange(T)[:, None] >= lengths
    poisoned = clean.masked_fill(padding[..., None], float("nan"))
    found, expected = (_results(layer, x, state, lengths=lengths) for x in (poisoned, clean))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert (found[0][padding] == 0).all()
    for final, initial in zip(found[1:], flat(state), strict=True):
        assert torch.equal(final[:, 2], initial[:, 2])


@EVERY_KIND
def test_recurrent_dropout_takes_packed_input_too(kind):
    """With rows packed in order, the masks fall on the same rows as with lengths."""
    layer, state = _with(kind, recurrent_dropout=P), draw_state(kind, 4, B, H)
    x, lengths = draw(T, B, I, seed=1), torch.tensor([5, 3, 2, 2])
    expected = _results(layer, x, state, lengths=lengths)
    torch.manual_seed(5)
    packed, final = layer(nn.utils.rnn.pack_padded_sequence(x, lengths), state)
    output, _ = nn.utils.rnn.pad_packed_sequence(packed)
    for found, other in zip([output, *flat(final)], expected, strict=True):
        torch.testing.assert_close(found, other, atol=1e-12, rtol=1e-12)


def test_recurrent_dropout_and_projection_go_together():
    layer = layers.LSTM(I, H, 2, proj_size=2, recurrent_dropout=P, dtype=torch.float64)
    x, evaluated = draw(T, B, I, seed=1), copy.deepcopy(layer).eval()
    first, again = (_results(layer, x, None, seed=5) for _ in range(2))
    assert first[0].shape == (T, B, 2)
    assert torch.equal(first[0], again[0])
    assert not torch.allclose(first[0], evaluated(x)[0])


@EVERY_KIND
def test_layers_and_directions_draw_masks_of_their_own(kind):
    """With equal weights and inputs in both directions, equal masks would give equal outputs."""
    layer = kind.layer(
        I, H, 1, **kind.options, bidirectional=True, recurrent_dropout=P, dtype=torch.float64
    )
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.endswith("_reverse"):
                parameter.copy_(layer.get_parameter(name.removesuffix("_reverse")))
    x = draw(1, B, I, seed=1).expand(T, B, I)  # the same at every step, so reversal changes nothing
    output, _ = layer(x)
    assert not torch.allclose(output[-1, :, :H], output[0, :, H:])
    layer.eval()
    output, _ = layer(x)
    torch.testing.assert_close(output[-1, :, :H], output[0, :, H:])


@EVERY_KIND
def test_the_torch_backend_refuses_recurrent_dropout_in_training(kind):
    x = draw(T, B, I, seed=1)
    with pytest.raises(BackendError, match="recurrent dropout"):
        kind.layer(I, H, **kind.options, recurrent_dropout=P, backend="torch", dtype=torch.float64)(
            x
        )


@pytest.mark.parametrize("p", [-0.1, 1.5, True, "a"], ids=repr)
@EVERY_KIND
def test_a_recurrent_dropout_that_cannot_be_is_refused(kind, p):
    with pytest.raises(RnnkitError, match="recurrent_dropout") as caught:
        kind.layer(I, H, **kind.options, recurrent_dropout=p)
    assert isinstance(caught.value, ValueError)


@EVERY_KIND
def test_a_dropout_that_would_do_nothing_is_refused(kind):
    with pytest.raises(RnnkitError, match=r"dropout.*layer") as caught:
        kind.layer(I, H, 1, **kind.options, dropout=P)
    assert isinstance(caught.value, ValueError)
    assert kind.layer(I, H, 2, **kind.options, dropout=P).dropout == P


def test_another_seed_draws_another_recurrent_mask():
    kind = KINDS[0]
    assert not torch.equal(_capture_recurrent_mask(kind, 5, P), _capture_recurrent_mask(kind, 6, P))


def test_the_recurrence_of_this_file_is_torchs():
    """With a mask of ones the hand-written recurrence is torch.nn's."""
    for kind in KINDS:
        _, theirs = layer_twins(kind, I, H)
        x, state = draw(T, B, I, seed=1), draw_state(kind, 1, B, H)
        ones = torch.ones(B, H, dtype=torch.float64)
        by_hand = _recurrence_with_dropped_state(kind, theirs, x, flat(state), ones)
        valid = torch.ones(T, B, dtype=torch.bool)
        looped, _ = run_stack(kind, theirs, x, like(state, flat(state)), valid)
        torch.testing.assert_close(by_hand, looped.detach(), atol=1e-10, rtol=1e-10)
        torch.testing.assert_close(by_hand, theirs(x, state)[0].detach(), atol=1e-10, rtol=1e-10)
