"""ONNX Runtime, for inference, on a graph of the ONNX operators RNN, LSTM and GRU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.kernels.arrays import checked_rows, make_batch, make_weights
from benchmarks.kernels.case import Case, Stack
from benchmarks.kernels.gates import to_onnx
from benchmarks.kernels.peers.contract import Arrays, Unsupported

OPSET, IR_VERSION = 17, 8


class Graph:
    """Nodes and constants of a graph in the making."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, array: np.ndarray) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> list[str]:
        names = [f"value{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names


def build_model(case: Case, weights: Arrays) -> onnx.ModelProto:
    """Return the graph; a bare layer reads and writes `(T, B, ...)`, a network `(B, T, ...)`."""
    graph = Graph()
    x = "x"
    lengths = "lengths" if case.half_padded else ""
    if case.vocabulary:
        [x] = graph.node("Gather", [graph.constant(weights["embedding.weight"]), x])
    if not case.bare:
        [x] = graph.node("Transpose", [x], perm=[1, 0, 2])
    last = ""
    for stack in case.stacks():
        if stack.name == "decoder":
            shape = graph.constant(np.array([case.decoder_steps, case.B, case.features]))
            [x] = graph.node("Expand", [last, shape])
        x, last = recurrent(graph, case, stack, weights, x, lengths)
    if not case.bare:
        if case.decoder_steps:
            [x] = graph.node("Transpose", [x], perm=[1, 0, 2])
        else:
            x = last
        product = graph.node("MatMul", [x, graph.constant(weights["dense.weight"].T)])
        [x] = graph.node("Add", [*product, graph.constant(weights["dense.bias"])])
    return finished(case, graph, x)


def recurrent(
    graph: Graph, case: Case, stack: Stack, weights: Arrays, x: str, lengths: str
) -> tuple[str, str]:
    """Add the layers of a stack; return the outputs `(T, B, F)` and the last state `(B, F)`."""
    D = 2 if stack.bidirectional else 1
    options: dict[str, Any] = {"gru": {"linear_before_reset": 1}}.get(case.cell, {})
    if case.cell == "rnn":
        options = {"activations": [case.nonlinearity.capitalize()] * D}
    h_n = ""
    for layer in range(stack.layers):
        ends = [f"l{layer}", f"l{layer}_reverse"][:D]
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        parts = [tuple(weights[f"{stack.name}.{kind}_{end}"] for kind in kinds) for end in ends]
        constants = [graph.constant(array) for array in to_onnx(case.cell, parts)]  # type: ignore[arg-type]
        y, h_n = graph.node(
            case.cell.upper(),
            [x, *constants, lengths],
            2,
            hidden_size=case.H,
            direction="bidirectional" if D == 2 else "forward",
            **options,
        )  # (T, D, B, H), (D, B, H)
        if D == 1:
            [x] = graph.node("Squeeze", [y, graph.constant(np.array([1]))])
        else:
            [y] = graph.node("Transpose", [y], perm=[0, 2, 1, 3])
            [x] = graph.node("Reshape", [y, graph.constant(np.array([0, 0, D * case.H]))])
    [state] = graph.node("Transpose", [h_n], perm=[1, 0, 2])
    [last] = graph.node("Reshape", [state, graph.constant(np.array([0, D * case.H]))])
    return x, last


def finished(case: Case, graph: Graph, output: str) -> onnx.ModelProto:
    """Return the checked model of a graph."""
    kind = TensorProto.INT64 if case.vocabulary else TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info("x", kind, None)]
    if case.half_padded:
        inputs.append(helper.make_tensor_value_info("lengths", TensorProto.INT32, [case.B]))
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
    made = helper.make_graph(graph.nodes, "case", inputs, outputs, graph.constants)
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, opset_imports=opset, ir_version=IR_VERSION)


class OnnxProgram:
    """A session with its inputs."""

    variants: tuple[str, ...] = ("",)

    def __init__(self, case: Case, threads: int) -> None:
        self.case = case
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        model = build_model(case, make_weights(case)).SerializeToString()
        self.session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        batch = make_batch(case)
        x = np.ascontiguousarray(batch.x.swapaxes(0, 1)) if case.bare else batch.x[: case.B]
        self.feed = {"x": x}
        if batch.lengths is not None:
            self.feed["lengths"] = batch.lengths.astype(np.int32)

    def check(self, variant: str) -> Arrays:
        [y] = self.session.run(None, self.feed)
        return {"y": y.swapaxes(0, 1)[: checked_rows(self.case)] if self.case.bare else y}

    def run(self, variant: str, calls: int) -> int:
        for _ in range(calls):
            self.session.run(None, self.feed)
        return calls


class OnnxPeer:
    """ONNX Runtime's CPU provider."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.versions = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}

    def build(self, case: Case) -> OnnxProgram:
        if case.trains:
            raise Unsupported("ONNX Runtime infers only")
        if case.projection:
            raise Unsupported("ONNX's LSTM has no projection")
        return OnnxProgram(case, self.threads)

    def product(self, size: int) -> Callable[[], None] | None:
        return None

    def forget(self) -> None:
        """A session is freed with its program."""


def peer(name: str, backend: str, threads: int) -> OnnxPeer:
    """Return the peer."""
    return OnnxPeer(threads)
