"""The recurrences against a loop over numbers, on every backend that serves them."""

import math
from functools import partial

import pytest
import torch

from rnnkit import ops

OPS = {
    "rnn_tanh": partial(ops.simple_rnn, nonlinearity="tanh"),
    "rnn_relu": partial(ops.simple_rnn, nonlinearity="relu"),
    "lstm": ops.lstm,
    "gru": ops.gru,
    "gru_reset_before": partial(ops.gru, reset_after=False),
}
GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3, "gru_reset_before": 3}
STATES = {"lstm": ("h0", "c0")}
SERVED = [(cell, backend) for cell in OPS for backend in ("native", "reference")] + [
    (cell, "torch") for cell in OPS if cell != "gru_reset_before"
]
SHAPES = [(1, 1, 1, 1), (3, 1, 2, 7), (1, 5, 3, 2), (4, 6, 2, 3)]
each_served = pytest.mark.parametrize(("cell", "backend"), SERVED)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
exactly = partial(torch.testing.assert_close, rtol=0, atol=1e-12)


def problem(cell, shape, dtype=torch.float64, bias=True):
    """Random x, weights and distinct non-zero states."""
    B, T, I, H = shape  # noqa: E741
    G = GATES[cell]
    generator = torch.Generator().manual_seed(sum(shape) + G)

    def draw(*size):
        return torch.randn(*size, generator=generator, dtype=dtype)

    weights = [draw(G * H, I), draw(G * H, H)]
    weights += [draw(G * H), draw(G * H)] if bias else []
    return draw(B, T, I), weights, {name: draw(B, H) for name in STATES.get(cell, ("h0",))}


def call(cell, x, weights, states, **options):
    y, finals = OPS[cell](x, *weights, **states, **options)
    return (y, *finals) if isinstance(finals, tuple) else (y, finals)


def ragged(shape):
    """Lengths that hold 0 and T wherever the batch has room for both."""
    B, T = shape[:2]
    return torch.tensor([3, 0, T, 1])[:B].clamp(max=T)


def gaps(shape):
    """A mask with gaps, and a row without any true step where the batch has room."""
    mask = torch.rand(shape[:2], generator=torch.Generator().manual_seed(3)) < 0.6
    mask[2:3] = False
    return mask


def sigmoid(v):
    return 1 / (1 + math.exp(-v))


def step_by_hand(cell, x, h, c, weights, drop):
    w_ih, w_hh, b_ih, b_hh = weights
    H = len(h)

    def from_x(gate, j):
        row = gate * H + j
        return b_ih[row] + sum(w * v for w, v in zip(w_ih[row], x, strict=True))

    def from_h(gate, j, scale=None):
        row = gate * H + j
        scale = scale or [1.0] * H
        return b_hh[row] + sum(w_hh[row][k] * h[k] * drop[k] * scale[k] for k in range(H))

    def both(gate, j):
        return from_x(gate, j) + from_h(gate, j)

    units = range(H)
    if cell == "rnn_tanh":
        return [math.tanh(both(0, j)) for j in units], c
    if cell == "rnn_relu":
        return [max(0.0, both(0, j)) for j in units], c
    if cell == "lstm":
        i, f, o = ([sigmoid(both(gate, j)) for j in units] for gate in (0, 1, 3))
        new = [f[j] * c[j] + i[j] * math.tanh(both(2, j)) for j in units]
        return [o[j] * math.tanh(new[j]) for j in units], new
    r, z = ([sigmoid(both(gate, j)) for j in units] for gate in (0, 1))
    if cell == "gru":
        n = [math.tanh(from_x(2, j) + r[j] * from_h(2, j)) for j in units]
    else:
        n = [math.tanh(from_x(2, j) + from_h(2, j, r)) for j in units]
    return [(1 - z[j]) * n[j] + z[j] * h[j] for j in units], c


def by_hand(cell, x, weights, states, lengths=None, mask=None, reverse=False, drop=None):
    B, T, _ = x.shape
    H = weights[1].shape[1]
    weights = [w.tolist() for w in weights]
    y = torch.zeros(B, T, H, dtype=x.dtype)
    finals = {name: state.clone() for name, state in states.items()}
    for b in range(B):
        steps = [
            t
            for t in range(T)
            if (lengths is None or t < lengths[b]) and (mask is None or mask[b, t])
        ]
        h, c = states["h0"][b].tolist(), states.get("c0", states["h0"])[b].tolist()
        scale = [1.0] * H if drop is None else drop[b].tolist()
        for t in reversed(steps) if reverse else steps:
            h, c = step_by_hand(cell, x[b, t].tolist(), h, c, weights, scale)
            y[b, t] = torch.tensor(h, dtype=x.dtype)
        for name, final in finals.items():
            final[b] = torch.tensor(h if name == "h0" else c, dtype=x.dtype)
    return (y, *finals.values())


@each_served
@each_shape
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", ["all", "lengths", "mask", "both", "none"])
def test_equals_the_loop_over_numbers(cell, backend, shape, reverse, steps):
    x, weights, states = problem(cell, shape)
    options = {"reverse": reverse}
    if steps in ("lengths", "both"):
        options["lengths"] = ragged(shape)
    if steps in ("mask", "both"):
        options["mask"] = gaps(shape)
    if steps == "none":
        options["lengths"] = torch.zeros(shape[0], dtype=torch.long)
    results = call(cell, x, weights, states, backend=backend, **options)
    for result, expected in zip(results, by_hand(cell, x, weights, states, **options), strict=True):
        exactly(result, expected)


@pytest.mark.parametrize("cell", OPS)
@each_shape
def test_recurrent_dropout_enters_only_the_recurrent_product(cell, shape):
    x, weights, states = problem(cell, shape)
    drop = torch.tensor([0.0, 2.0, 0.0, 2.0, 2.0, 0.0, 2.0], dtype=x.dtype)
    drop = drop[: shape[3]].repeat(shape[0], 1)
    drop[0] = drop[0].flip(0)
    options = {"lengths": ragged(shape), "reverse": True}
    results = call(cell, x, weights, states, recurrent_dropout_mask=drop, **options)
    for result, expected in zip(
        results, by_hand(cell, x, weights, states, drop=drop, **options), strict=True
    ):
        exactly(result, expected)


@each_served
def test_without_states_and_biases_they_are_zero(cell, backend):
    shape = (3, 4, 2, 5)
    x, weights, states = problem(cell, shape, bias=False)
    zeros = torch.zeros(GATES[cell] * 5, dtype=x.dtype)
    none = {name: torch.zeros_like(state) for name, state in states.items()}
    for result, expected in zip(
        call(cell, x, weights, {}, backend=backend),
        call(cell, x, [*weights, zeros, zeros], none, backend=backend),
        strict=True,
    ):
        exactly(result, expected)


@each_served
@pytest.mark.parametrize("missing", ["bias_ih", "bias_hh"])
def test_one_bias_may_be_missing(cell, backend, missing):
    x, (w_ih, w_hh, b_ih, b_hh), states = problem(cell, (2, 3, 2, 3))
    biases = {"bias_ih": b_ih, "bias_hh": b_hh}
    full = biases | {missing: torch.zeros_like(b_ih)}
    del biases[missing]
    for result, expected in zip(
        call(cell, x, [w_ih, w_hh], states, backend=backend, **biases),
        call(cell, x, [w_ih, w_hh], states, backend=backend, **full),
        strict=True,
    ):
        exactly(result, expected)


@each_served
@pytest.mark.parametrize("reverse", [False, True])
def test_a_right_padded_mask_equals_lengths_exactly(cell, backend, reverse):
    shape = (4, 6, 2, 3)
    x, weights, states = problem(cell, shape)
    lengths = ragged(shape)
    mask = torch.arange(6) < lengths[:, None]
    options = {"backend": backend, "reverse": reverse}
    for by_mask, by_lengths in zip(
        call(cell, x, weights, states, mask=mask, **options),
        call(cell, x, weights, states, lengths=lengths, **options),
        strict=True,
    ):
        assert torch.equal(by_mask, by_lengths)


@each_served
@pytest.mark.parametrize("reverse", [False, True])
def test_a_row_alone_equals_the_row_in_a_batch(cell, backend, reverse):
    shape = (4, 6, 2, 3)
    x, weights, states = problem(cell, shape)
    lengths = ragged(shape)
    together = call(cell, x, weights, states, lengths=lengths, reverse=reverse, backend=backend)
    for b in (0, 2, 3):
        n = int(lengths[b])
        own = {name: state[b : b + 1] for name, state in states.items()}
        alone = call(cell, x[b : b + 1, :n], weights, own, reverse=reverse, backend=backend)
        exactly(together[0][b : b + 1, :n], alone[0])
        for batched, single in zip(together[1:], alone[1:], strict=True):
            exactly(batched[b : b + 1], single)


@each_served
def test_handing_the_state_on_equals_the_whole_sequence(cell, backend):
    x, weights, states = problem(cell, (3, 5, 2, 4))
    whole = call(cell, x, weights, states, backend=backend)
    outputs, running = [], states
    for t in range(5):
        y, *finals = call(cell, x[:, t : t + 1], weights, running, backend=backend)
        outputs.append(y)
        running = dict(zip(states, finals, strict=True))
    for stepped, expected in zip([torch.cat(outputs, 1), *running.values()], whole, strict=True):
        exactly(stepped, expected)


@each_served
def test_float32_keeps_its_type_and_its_precision(cell, backend):
    shape = (4, 6, 2, 3)
    x, weights, states = problem(cell, shape)
    single = [w.float() for w in weights]
    states32 = {name: state.float() for name, state in states.items()}
    options = {"lengths": ragged(shape), "backend": backend}
    for result, expected in zip(
        call(cell, x.float(), single, states32, **options),
        call(cell, x, weights, states, **options),
        strict=True,
    ):
        assert result.dtype == torch.float32
        torch.testing.assert_close(result.double(), expected, rtol=0, atol=1e-5)


def gradients(cell, x, weights, states, **options):
    """Outputs, and the gradients of a random weighting of them by every input."""
    leaves = [t.clone().requires_grad_() for t in (x, *weights, *states.values())]
    split = 1 + len(weights)
    given = dict(zip(states, leaves[split:], strict=True))
    results = call(cell, leaves[0], leaves[1:split], given, **options)
    generator = torch.Generator().manual_seed(5)
    loss = sum(
        (r * torch.randn(r.shape, generator=generator, dtype=r.dtype)).sum() for r in results
    )
    return results, torch.autograd.grad(loss, leaves)


@pytest.mark.parametrize("cell", [cell for cell, backend in SERVED if backend == "torch"])
@each_shape
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", ["lengths", "both", "none"])
def test_gradients_equal_the_reference(cell, shape, reverse, steps):
    options = {"reverse": reverse, "lengths": ragged(shape)}
    if steps == "none":
        options["lengths"] = torch.zeros(shape[0], dtype=torch.long)
    if steps == "both":
        options["mask"] = gaps(shape)
    case = problem(cell, shape)
    _, expected = gradients(cell, *case, backend="reference", **options)
    _, found = gradients(cell, *case, backend="torch", **options)
    for a, b in zip(found, expected, strict=True):
        exactly(a, b)


@each_served
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_padding_reaches_neither_outputs_nor_gradients(cell, backend, reverse, masked, poison):
    shape = (4, 6, 2, 3)
    x, weights, states = problem(cell, shape)
    valid = gaps(shape) if masked else torch.arange(6) < ragged(shape)[:, None]
    options = {"backend": backend, "reverse": reverse}
    options |= {"mask": valid} if masked else {"lengths": ragged(shape)}
    clean = gradients(cell, x, weights, states, **options)
    poisoned = gradients(cell, x.masked_fill(~valid[..., None], poison), weights, states, **options)
    for a, b in zip((*clean[0], *clean[1]), (*poisoned[0], *poisoned[1]), strict=True):
        assert torch.isfinite(b).all()
        exactly(a, b)
    assert not poisoned[0][0][~valid].any()
    assert not poisoned[1][0][~valid].any()


@each_served
def test_an_empty_row_gives_its_state_back_with_its_gradient(cell, backend):
    x, weights, states = problem(cell, (2, 3, 2, 4))
    states = {name: state.requires_grad_() for name, state in states.items()}
    _, *finals = call(cell, x, weights, states, lengths=[0, 3], backend=backend)
    for final, state in zip(finals, states.values(), strict=True):
        assert torch.equal(final[0], state[0])
        (gradient,) = torch.autograd.grad(final[0].sum(), state, retain_graph=True)
        assert torch.equal(gradient[0], torch.ones_like(gradient[0]))
        assert not gradient[1].any()


@each_served
@pytest.mark.parametrize("reverse", [False, True])
def test_gradcheck_and_gradgradcheck(cell, backend, reverse):
    x, weights, states = problem(cell, (3, 3, 2, 2))
    inputs = [t.requires_grad_() for t in (x, *weights, *states.values())]
    mask = torch.tensor([[True, False, True], [True, True, True], [False, False, False]])

    def function(x, w_ih, w_hh, b_ih, b_hh, *given):
        named = dict(zip(states, given, strict=True))
        options = {"lengths": [3, 2, 3], "mask": mask, "reverse": reverse, "backend": backend}
        return call(cell, x, [w_ih, w_hh, b_ih, b_hh], named, **options)

    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


@pytest.mark.parametrize("cell", OPS)
def test_gradcheck_through_a_recurrent_dropout_mask(cell):
    x, weights, states = problem(cell, (2, 3, 2, 2))
    drop = torch.tensor([[2.0, 0.0], [2.0, 2.0]], dtype=x.dtype)
    inputs = [t.requires_grad_() for t in (x, *weights, *states.values())]

    def function(x, w_ih, w_hh, b_ih, b_hh, *given):
        named = dict(zip(states, given, strict=True))
        return call(
            cell, x, [w_ih, w_hh, b_ih, b_hh], named, recurrent_dropout_mask=drop, lengths=[3, 1]
        )

    assert torch.autograd.gradcheck(function, inputs)
