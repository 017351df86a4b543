"""Keras's own layers on TensorFlow or JAX, compiled as Keras 3 compiles them by default.

What is timed here is the compiled step itself, as in the custom loops of Keras's guides:
`train_step` in a `tf.function` or `jax.jit`, with no callbacks and no metrics fetched between the
steps. `jit_compile` is what `Model.compile` chooses ("auto"): XLA on JAX, none on TensorFlow where
there is no GPU.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from benchmarks.kernels.arrays import checked_rows, make_batch, make_check_dy, make_weights
from benchmarks.kernels.case import Case, Stack
from benchmarks.kernels.gates import from_keras, to_keras
from benchmarks.kernels.peers.contract import Arrays, Unsupported

LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Network:
    """The Keras model of a case, with the weights of the case and the names of its parameters."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.places: list[tuple[str, Any]] = []
        shape = (case.T,) if case.vocabulary else (case.T, case.I)
        dtype = "int32" if case.vocabulary else "float32"
        x = entered = keras.Input(shape, case.B, dtype=dtype)
        mask = keras.Input((case.T,), case.B, dtype="bool") if case.half_padded else None
        if case.vocabulary:
            embedding = keras.layers.Embedding(case.vocabulary, case.I)
            self.places.append(("embedding.weight", embedding))
            x = embedding(x)
        for stack in case.stacks():
            sequences = case.bare or stack.name == "decoder"
            if stack.name == "decoder":
                x = keras.layers.RepeatVector(case.decoder_steps)(x)
            x = self._recurrent(stack, x, mask, sequences)
        if case.head_dropout:
            x = keras.layers.Dropout(case.head_dropout)(x)
        if case.outputs:
            dense = keras.layers.Dense(case.outputs)
            self.places.append(("dense", dense))
            x = dense(x)
        self.model = keras.Model(entered if mask is None else [entered, mask], x)
        if case.loss:
            losses = {
                "mse": keras.losses.MeanSquaredError(),
                "bce": keras.losses.BinaryCrossentropy(from_logits=True),
            }
            self.loss = losses[case.loss]
            self.model.compile(keras.optimizers.Adam(1e-3), self.loss)
        self._set_weights()

    def _recurrent(self, stack: Stack, x: Any, mask: Any, sequences: bool) -> Any:
        case = self.case
        options: dict[str, Any] = {"activation": case.nonlinearity} if case.cell == "rnn" else {}
        for layer in range(stack.layers):
            built = LAYERS[case.cell](
                case.H,
                return_sequences=sequences or layer < stack.layers - 1,
                dropout=case.dropout if stack.name == "rnn" else 0.0,
                recurrent_dropout=case.recurrent_dropout,
                **options,
            )
            if stack.bidirectional:
                built = keras.layers.Bidirectional(built)
            x = built(x, mask=mask)
            ends = [(f"l{layer}", built)]
            if stack.bidirectional:
                ends = [
                    (f"l{layer}", built.forward_layer),
                    (f"l{layer}_reverse", built.backward_layer),
                ]
            self.places += [(f"{stack.name}.{{}}_{end}", part) for end, part in ends]
        return x

    def _set_weights(self) -> None:
        weights = make_weights(self.case)
        for name, layer in self.places:
            if name == "embedding.weight":
                layer.set_weights([weights[name]])
            elif name == "dense":
                layer.set_weights([weights["dense.weight"].T, weights["dense.bias"]])
            else:
                arrays = [weights[name.format(kind)] for kind in KINDS]
                layer.set_weights(to_keras(self.case.cell, *arrays))

    @property
    def variables(self) -> list[Any]:
        return [variable for _, layer in self.places for variable in layer.trainable_variables]

    def gradients_by_name(self, gradients: list[np.ndarray]) -> Arrays:
        """Return gradients of `variables` as those of torch's parameters."""
        left, out = list(gradients), {}
        for name, layer in self.places:
            own = [left.pop(0) for _ in layer.trainable_variables]
            if name == "embedding.weight":
                out[name] = own[0]
            elif name == "dense":
                out |= {"dense.weight": own[0].T, "dense.bias": own[1]}
            else:
                values = from_keras(self.case.cell, own)
                out |= {name.format(k): v for k, v in zip(KINDS, values, strict=True)}
        return out


class Inputs:
    """A case's batch as the backend's tensors."""

    def __init__(self, case: Case) -> None:
        def tensor(array: Any, dtype: str = "float32") -> Any:
            return None if array is None else keras.ops.convert_to_tensor(array, dtype)

        batch = make_batch(case)
        kind = "int32" if case.vocabulary else "float32"
        cuts = range(0, len(batch.x), case.B)
        self.xs = [tensor(batch.x[i : i + case.B], kind) for i in cuts]
        self.targets = []
        if batch.targets is not None:
            self.targets = [tensor(batch.targets[i : i + case.B]) for i in cuts]
        self.mask = None
        if batch.lengths is not None:
            self.mask = tensor(np.arange(case.T) < batch.lengths[:, None], "bool")
        self.dy = tensor(batch.dy)
        self.check_dy = tensor(make_check_dy(case, batch))

    def entering(self, x: Any) -> Any:
        """Return what the model is called with."""
        return x if self.mask is None else [x, self.mask]


class TensorFlowProgram:
    """A case in `tf.function`s."""

    variants: tuple[str, ...] = ("",)

    def __init__(self, case: Case) -> None:
        import tensorflow as tf

        self.tf, self.case, self.done = tf, case, 0
        self.network = network = Network(case)
        self.inputs = Inputs(case)
        model = network.model
        self.jit = bool(model.jit_compile)
        compiled = tf.function(jit_compile=self.jit)
        self.predict = compiled(lambda x: model(self.inputs.entering(x), training=False))
        self.gradients = tf.function(self._gradients, jit_compile=self.jit)
        self.train = compiled(lambda x, target: model.train_step((x, target)))

    def _gradients(self, x: Any, toward: Any, training: bool) -> Any:
        """Return gradients for the variables and a bare layer's x; `toward` is dy or the target."""
        with self.tf.GradientTape() as tape:
            if self.case.bare:
                tape.watch(x)
            y = self.network.model(self.inputs.entering(x), training=training)
            value = y if self.case.bare else self.network.loss(toward, y)
        wanted = [v.value for v in self.network.variables] + ([x] if self.case.bare else [])
        dy = toward if self.case.bare else None
        return [self.tf.convert_to_tensor(g) for g in tape.gradient(value, wanted, dy)]

    def check(self, variant: str) -> Arrays:
        toward = self.inputs.check_dy if self.case.bare else self.inputs.targets[0]
        y = self.predict(self.inputs.xs[0])
        grads = None
        if self.case.trains:
            grads = self.gradients(self.inputs.xs[0], toward, False)
        return checked(self.case, self.network, y, grads)

    def run(self, variant: str, calls: int) -> int:
        case, xs, result = self.case, self.inputs.xs, None
        for _ in range(calls):
            at = self.done % len(xs)
            self.done += 1
            if not case.trains:
                result = self.predict(xs[at])
            elif case.bare:
                result = self.gradients(xs[0], self.inputs.dy, case.random)
            else:
                result = self.train(xs[at], self.inputs.targets[at])
        self.tf.nest.map_structure(lambda tensor: tensor.numpy(), result)
        return calls


class JaxProgram:
    """A case in `jax.jit`, through Keras's stateless calls."""

    variants: tuple[str, ...] = ("",)

    def __init__(self, case: Case) -> None:
        import jax

        self.jax, self.case, self.done = jax, case, 0
        self.network = network = Network(case)
        self.inputs = Inputs(case)
        model = network.model
        self.jit = bool(model.jit_compile)
        if not self.jit:
            raise Unsupported("Keras would not compile this model on JAX")
        self.trainable = [v.value for v in model.trainable_variables]
        self.fixed = [v.value for v in model.non_trainable_variables]
        # Keras orders the model's variables by layer; ours go by the order of the names.
        order = {id(v): i for i, v in enumerate(model.trainable_variables)}
        self.order = [order[id(v)] for v in network.variables]
        self.predict = jax.jit(
            lambda trainable, fixed, x: self._call(trainable, fixed, x, False)[0]
        )
        self.gradients = jax.jit(self._gradients, static_argnums=4)
        self.train = jax.jit(model.train_step, donate_argnums=0)
        if case.trains and not case.bare:
            model.optimizer.build(model.trainable_variables)
            held = (
                model.trainable_variables,
                model.non_trainable_variables,
                model.optimizer.variables,
                model.metrics_variables,
            )
            # Copies: the step gives its arguments' memory away.
            self.state = tuple([jax.numpy.copy(v.value) for v in part] for part in held)

    def _call(self, trainable: Any, fixed: Any, x: Any, training: bool) -> Any:
        entering = self.inputs.entering(x)
        return self.network.model.stateless_call(trainable, fixed, entering, training=training)

    def _gradients(self, trainable: Any, fixed: Any, x: Any, toward: Any, training: bool) -> Any:
        if self.case.bare:
            _, pull, fixed = self.jax.vjp(
                lambda t, x: self._call(t, fixed, x, training), trainable, x, has_aux=True
            )
            return pull(toward), fixed

        def loss(t: Any) -> Any:
            return self.network.loss(toward, self._call(t, fixed, x, training)[0])

        return (self.jax.grad(loss)(trainable), None), fixed

    def check(self, variant: str) -> Arrays:
        toward = self.inputs.check_dy if self.case.bare else self.inputs.targets[0]
        x = self.inputs.xs[0]
        y, grads = self.predict(self.trainable, self.fixed, x), None
        if self.case.trains:
            (own, dx), _ = self.gradients(self.trainable, self.fixed, x, toward, False)
            grads = [own[i] for i in self.order] + ([dx] if self.case.bare else [])
        return checked(self.case, self.network, y, grads)

    def run(self, variant: str, calls: int) -> int:
        case, xs, block = self.case, self.inputs.xs, self.jax.block_until_ready
        for _ in range(calls):
            at = self.done % len(xs)
            self.done += 1
            if not case.trains:
                block(self.predict(self.trainable, self.fixed, xs[at]))
            elif case.bare:
                arguments = (self.trainable, self.fixed, xs[0], self.inputs.dy, case.random)
                grads, self.fixed = self.gradients(*arguments)
                block(grads)
            else:
                _, self.state = self.train(self.state, (xs[at], self.inputs.targets[at]))
        if case.trains and not case.bare:
            block(self.state)
        return calls


def checked(case: Case, network: Network, y: Any, grads: Any) -> Arrays:
    """Return what `Program.check` promises."""
    rows = checked_rows(case)
    out = {"y": keras.ops.convert_to_numpy(y)[:rows]}
    if grads is not None:
        arrays = [keras.ops.convert_to_numpy(gradient) for gradient in grads]
        if case.bare:
            out["x"] = arrays.pop()[:rows]
        out |= network.gradients_by_name(arrays)
    return out
