"""Keras on TensorFlow or JAX as a peer: networks by Keras's own loop, bare layers by their step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras

from benchmarks.kernels.case import Case
from benchmarks.kernels.peers.contract import Arrays, Program, Unsupported
from benchmarks.kernels.peers.keras_fit import FitProgram
from benchmarks.kernels.peers.keras_layers import JaxProgram, TensorFlowProgram


class TutorialProgram:
    """A network by Keras's own loop and, beside it, by its compiled step alone."""

    variants: tuple[str, ...] = ("", "step")

    def __init__(self, case: Case, step: Program) -> None:
        self.programs: Mapping[str, Program] = {"": FitProgram(case), "step": step}

    def check(self, variant: str) -> Arrays:
        return self.programs[variant].check("")

    def run(self, variant: str, calls: int) -> int:
        return self.programs[variant].run("", calls)


class KerasPeer:
    """Keras on the backend that KERAS_BACKEND names."""

    def __init__(self, threads: int) -> None:
        self.versions = {"keras": keras.__version__}
        self.tensorflow = keras.backend.backend() == "tensorflow"
        if self.tensorflow:
            import tensorflow as tf

            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
            tf.get_logger().setLevel("ERROR")  # a retracing for each case is meant
            self.versions["tensorflow"] = tf.__version__
        else:
            import jax

            self.versions["jax"] = jax.__version__

    def build(self, case: Case) -> Program:
        if case.projection:
            raise Unsupported("Keras's LSTM has no projection")
        step: Program
        step = TensorFlowProgram(case) if self.tensorflow else JaxProgram(case)
        return step if case.bare else TutorialProgram(case, step)

    def product(self, size: int) -> Callable[[], None] | None:
        return None

    def forget(self) -> None:
        keras.backend.clear_session()
        if not self.tensorflow:
            import jax

            jax.clear_caches()


def peer(name: str, backend: str, threads: int) -> KerasPeer:
    """Return the peer; which backend it is stands in the process's environment."""
    return KerasPeer(threads)
