"""A recurrent layer as one writes it by hand in JAX: projection hoisted, `lax.scan`, jitted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.kernels.arrays import checked_rows, make_batch, make_check_dy, make_weights
from benchmarks.kernels.case import Case, Stack
from benchmarks.kernels.peers.contract import Arrays

Params = dict[str, jax.Array]
# Steps of the scan in one turn of XLA's loop. More than one makes training up to twice as slow, and
# inference of one row up to twice as fast (LSTM, H 64 to 256, T 32 to 128).
UNROLL = {"train": 1, "infer": 4}
BETA1, BETA2, EPSILON, RATE = 0.9, 0.999, 1e-8, 1e-3


def direction(
    case: Case, params: Params, place: str, x: jax.Array, valid: jax.Array | None, key: Any
) -> tuple[jax.Array, jax.Array]:
    """Return the outputs `(T, B, P)` and the last state `(B, P)` of one layer and direction.

    `valid` is `(T, B, 1)` bool or None; `key` draws the recurrent dropout, None for none.
    """
    w_ih, w_hh, b_ih, b_hh = (
        params[f"{place[0]}.{kind}_{place[1]}"]
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    bias = b_ih if case.cell == "gru" else b_ih + b_hh
    gates = x @ w_ih.T + bias  # (T, B, G·H)
    B = x.shape[1]
    h0 = jnp.zeros((B, case.state_size), x.dtype)
    c0 = jnp.zeros((B, case.H if case.cell == "lstm" else 0), x.dtype)
    kept = 1.0
    if key is not None and case.recurrent_dropout:
        rate = 1 - case.recurrent_dropout
        kept = jax.random.bernoulli(key, rate, h0.shape).astype(x.dtype) / rate

    def step(carry: Any, inputs: Any) -> Any:
        h, c = carry
        at, real = inputs
        into = h * kept if key is not None and case.recurrent_dropout else h
        product = into @ w_hh.T
        if case.cell == "rnn":
            new_c = c
            act = jnp.tanh if case.nonlinearity == "tanh" else jax.nn.relu
            new_h = act(at + product)
        elif case.cell == "lstm":
            i, f, g, o = jnp.split(at + product, 4, axis=1)
            new_c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            new_h = jax.nn.sigmoid(o) * jnp.tanh(new_c)
            if case.projection:
                new_h = new_h @ params[f"{place[0]}.weight_hr_{place[1]}"].T
        else:
            xr, xz, xn = jnp.split(at, 3, axis=1)
            hr, hz, hn = jnp.split(product + b_hh, 3, axis=1)
            n = jnp.tanh(xn + jax.nn.sigmoid(xr + hr) * hn)
            z = jax.nn.sigmoid(xz + hz)
            new_c, new_h = c, n + z * (h - n)
        if real is not None:
            new_h, new_c = jnp.where(real, new_h, h), jnp.where(real, new_c, c)
        return (new_h, new_c), new_h

    reverse = place[1].endswith("_reverse")
    (h_n, _), y = lax.scan(
        step, (h0, c0), (gates, valid), reverse=reverse, unroll=UNROLL[case.phase]
    )
    return y, h_n


def drop(x: jax.Array, rate: float, key: Any) -> jax.Array:
    keep = jax.random.bernoulli(key, 1 - rate, x.shape)
    return jnp.where(keep, x / (1 - rate), 0)


def stack_forward(
    case: Case, stack: Stack, params: Params, x: jax.Array, valid: Any, key: Any
) -> tuple[jax.Array, jax.Array]:
    """Return outputs `(T, B, F)` and the last layer's state `(B, F)`."""
    for layer in range(stack.layers):
        if key is not None and case.dropout:
            key, own = jax.random.split(key)
            x = drop(x, case.dropout, own)
        ends = [f"l{layer}"] + ([f"l{layer}_reverse"] if stack.bidirectional else [])
        outputs, states = [], []
        for end in ends:
            own = None
            if key is not None and case.recurrent_dropout:
                key, own = jax.random.split(key)
            y, h_n = direction(case, params, (stack.name, end), x, valid, own)  # type: ignore[arg-type]
            outputs.append(y)
            states.append(h_n)
        x = jnp.concatenate(outputs, -1) if len(outputs) > 1 else outputs[0]
    return x, jnp.concatenate(states, -1) if len(states) > 1 else states[0]


def forward(case: Case, params: Params, x: jax.Array, valid: Any, key: Any) -> jax.Array:
    """Return a bare layer's outputs from `(T, B, I)`, or a network's from `(B, T, ...)`."""
    encoder, *decoders = case.stacks()
    if case.bare:
        return stack_forward(case, encoder, params, x, valid, key)[0]
    if key is not None:
        key, head_key = jax.random.split(key)
    x = params["embedding.weight"][x.T] if case.vocabulary else x.swapaxes(0, 1)
    _, last = stack_forward(case, encoder, params, x, valid, key)
    if decoders:
        repeated = jnp.broadcast_to(last, (case.decoder_steps, *last.shape))
        last = stack_forward(case, decoders[0], params, repeated, None, None)[0].swapaxes(0, 1)
    if key is not None and case.head_dropout:
        last = drop(last, case.head_dropout, head_key)
    return last @ params["dense.weight"].T + params["dense.bias"]


def loss_of(case: Case, y: jax.Array, target: jax.Array) -> jax.Array:
    if case.loss == "mse":
        return jnp.mean((y - target) ** 2)
    return jnp.mean(jnp.maximum(y, 0) - y * target + jnp.log1p(jnp.exp(-jnp.abs(y))))


def adam(params: Params, grads: Params, moments: tuple[Params, Params], count: Any) -> Any:
    first = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, moments[0], grads)
    second = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, moments[1], grads)
    rate = RATE * jnp.sqrt(1 - BETA2**count) / (1 - BETA1**count)
    params = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v) + EPSILON), params, first, second
    )
    return params, (first, second)


class JaxProgram:
    """A case, jitted whole; states of training are donated, and calls follow without waiting."""

    variants: tuple[str, ...] = ("",)

    def __init__(self, case: Case) -> None:
        self.case, self.rows = case, checked_rows(case)
        self.params = {name: jnp.asarray(value) for name, value in make_weights(case).items()}
        batch = make_batch(case)
        self.valid = None
        if batch.lengths is not None:
            self.valid = jnp.asarray((np.arange(case.T)[:, None] < batch.lengths)[..., None])
        if case.bare:
            self.x = jnp.asarray(batch.x.swapaxes(0, 1))
            self.dy, self.check_dy = (
                None if dy is None else jnp.asarray(dy.swapaxes(0, 1))
                for dy in (batch.dy, make_check_dy(case, batch))
            )
        else:
            assert batch.targets is not None
            cuts = range(0, len(batch.x), case.B)
            self.pairs = [
                (jnp.asarray(batch.x[i : i + case.B]), jnp.asarray(batch.targets[i : i + case.B]))
                for i in cuts
            ]
            self.x = self.pairs[0][0]
        self.key = jax.random.key(0)
        self.done = 0
        self.predict = jax.jit(lambda params, x: forward(case, params, x, self.valid, None))
        self.gradients = jax.jit(self._gradients)
        self.train = jax.jit(self._train, donate_argnums=(0, 1))
        if case.trains and not case.bare:
            zeros = jax.tree.map(jnp.zeros_like, self.params)
            self.state = jax.tree.map(jnp.copy, self.params), (zeros, jax.tree.map(jnp.copy, zeros))

    def _gradients(self, params: Params, x: jax.Array, dy: jax.Array, key: Any) -> Any:
        _, pull = jax.vjp(lambda p, x: forward(self.case, p, x, self.valid, key), params, x)
        return pull(dy)

    def _train(self, params: Params, moments: Any, x: Any, target: Any, count: Any) -> Any:
        key = jax.random.fold_in(self.key, count) if self.case.random else None
        grads = jax.grad(lambda p: loss_of(self.case, forward(self.case, p, x, None, key), target))(
            params
        )
        return adam(params, grads, moments, count)

    def check(self, variant: str) -> Arrays:
        case = self.case
        if case.bare:
            out = {"y": self.predict(self.params, self.x)}
            if case.trains:
                grads, dx = self.gradients(self.params, self.x, self.check_dy, None)
                out |= {**grads, "x": dx}
            for name in out.keys() & {"y", "x"}:
                out[name] = out[name].swapaxes(0, 1)[: self.rows]
        else:
            x, target = self.pairs[0]
            out = {"y": self.predict(self.params, x)}
            if case.trains:
                out |= jax.grad(lambda p: loss_of(case, self.predict(p, x), target))(self.params)
        return {name: np.asarray(value) for name, value in out.items()}

    def run(self, variant: str, calls: int) -> int:
        case = self.case
        if not case.trains:
            for _ in range(calls):
                self.predict(self.params, self.x).block_until_ready()
        elif case.bare:
            for _ in range(calls):
                self.done += 1
                key = jax.random.fold_in(self.key, self.done) if case.random else None
                jax.block_until_ready(self.gradients(self.params, self.x, self.dy, key))
        else:
            for _ in range(calls):
                self.done += 1
                x, target = self.pairs[self.done % len(self.pairs)]
                self.state = self.train(*self.state, x, target, self.done)
            jax.block_until_ready(self.state)
        return calls


class JaxPeer:
    """JAX on the CPU; its threads are as many as the process may use cores."""

    def __init__(self) -> None:
        self.versions = {"jax": jax.__version__}

    def build(self, case: Case) -> JaxProgram:
        return JaxProgram(case)

    def product(self, size: int) -> Callable[[], None]:
        a, b = (jax.random.normal(jax.random.key(i), (size, size)) for i in (0, 1))
        multiply = jax.jit(jnp.matmul)

        def run() -> None:
            multiply(a, b).block_until_ready()

        return run

    def forget(self) -> None:
        jax.clear_caches()


def peer(name: str, backend: str, threads: int) -> JaxPeer:
    """Return the peer; `backend` is rnnkit's and `threads` is set by the cores allowed."""
    return JaxPeer()
