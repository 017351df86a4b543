"""Recorded numbers of Keras, ONNX and ONNX Runtime: every case that the layers can express.

What they cannot express is listed by name with its reason, and the numbers of both are fixed, so
that no case can drop out in silence.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from .recorded import KerasModel, run_onnx, tensor

pytestmark = pytest.mark.shared

PEEPHOLES, ACTIVATIONS = "peepholes", "activations other than the cell's own"
NOT_EXPRESSED = {
    "keras": {
        "time_distributed_test::TimeDistributedTest::test_correctness#0": "no recurrence",
        "time_distributed_test::TimeDistributedTest::test_masking#0": "no recurrence",
        "embedding_test::EmbeddingTest::test_correctness#0": "no recurrence",
    },
    "onnx": {"test_lstm_with_peepholes": PEEPHOLES},
    "ort": {
        "LSTM_ForwardPeepHole": PEEPHOLES,
        "LSTM_BidirectionalBasic": PEEPHOLES,
        "LSTM_ForwardNoBiasUsePeepholes": PEEPHOLES,
        "LSTM_ForwardInputForget": f"{PEEPHOLES}, input_forget, clip",
        "LSTM_ForwardClip": f"{PEEPHOLES}, clip",
        "LSTM_Backward": PEEPHOLES,
        "LSTM_SequenceLengthShorterThanInput": PEEPHOLES,
        "LSTM_SequenceLengthShorterThanInputNoBias": PEEPHOLES,
        "LSTM_Activation": ACTIVATIONS,
        "LSTM_BatchReallocation_batch3": ACTIVATIONS,
        "LSTM_OutputWrite_batch3": ACTIVATIONS,
        "LSTM_SequenceLengthAllZeros": ACTIVATIONS,
        "LSTM_SequenceLengthPartialZeros": ACTIVATIONS,
        "GRU_ForwardActivation": ACTIVATIONS,
    },
}
EXPRESSED = {"keras": 89, "onnx": 17, "ort": 35}


@cache
def _cases(folder: Path, suite: str) -> dict[str, Any]:
    """Return all recorded cases of a suite by name."""
    if suite == "keras":
        return {c["id"]: c for c in json.loads((folder / "keras_cases.json").read_text())["cases"]}
    if suite == "ort":
        return {c["name"]: c for c in json.loads((folder / "ort_cases.json").read_text())["cases"]}
    index = json.loads((folder / "onnx" / "index.json").read_text())
    return {c["name"]: c for c in index["cases"]}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each case, or one that is skipped where there is no shared data."""
    for suite in EXPRESSED:
        if f"{suite}_case" in metafunc.fixturenames:
            folder: Path | None = metafunc.config.getoption("--shared")
            names = ["no shared data"]
            if folder is not None:
                names = [
                    name
                    for name in _cases(folder / "conformance", suite)
                    if name not in NOT_EXPRESSED[suite]
                ]
            metafunc.parametrize(f"{suite}_case", names)


@pytest.mark.parametrize("suite", EXPRESSED)
def test_no_case_drops_out(shared, suite):
    cases = _cases(shared / "conformance", suite)
    assert NOT_EXPRESSED[suite].keys() <= cases.keys()
    assert len(cases) - len(NOT_EXPRESSED[suite]) == EXPRESSED[suite]


def _expected_without_masked_steps(expected: Tensor, path: list[int], mask: Tensor) -> Tensor:
    """Put rnnkit's zeros where Keras repeats the last output, or has zeros too, at masked steps."""
    mask = mask[tuple(path)] if path else mask
    return expected.masked_fill(~mask[..., None], 0.0)


def test_keras(shared, keras_case):
    case = _cases(shared / "conformance", "keras")[keras_case]
    model, compared = KerasModel(case), 0
    for step in case["steps"]:
        if step["op"] == "reset_state":
            model.reset()
            continue
        arguments = step["kwargs"]
        mask = tensor(arguments["mask"]) if "mask" in arguments else None
        state = arguments.get("initial_state")
        if state is not None:
            state = [tensor(s) for s in state] if isinstance(state, list) else tensor(state)
        result = model(tensor(step["inputs"]), state, mask)
        for expectation in step["expect"]:
            found = _at(result, expectation["path"])
            if "equals_path" in expectation:
                expected = _at(result, expectation["equals_path"])
            else:
                expected = tensor(expectation["value"])
                if mask is not None and model.inner.get("return_sequences", False):
                    expected = _expected_without_masked_steps(expected, expectation["path"], mask)
            torch.testing.assert_close(
                found, expected, atol=expectation["atol"], rtol=expectation["rtol"]
            )
            compared += 1
    assert compared == sum(len(step.get("expect", ())) for step in case["steps"]) > 0


def _at(result: Any, path: list[int]) -> Tensor:
    for index in path:
        result = result[index]
    return result


def _compare_onnx(found: dict[str, Tensor], expected: dict[str, Tensor], case: Any) -> None:
    assert expected
    for name, values in expected.items():
        torch.testing.assert_close(
            found[name],
            values,
            atol=case["atol"],
            rtol=case["rtol"],
            msg=lambda t, n=name: f"{n}: {t}",
        )


def test_onnx(shared, onnx_case):
    folder = shared / "conformance"
    case = _cases(folder, "onnx")[onnx_case]
    with np.load(folder / "onnx" / f"{onnx_case}.npz") as arrays:
        values = {name: tensor(array) for name, array in arrays.items()}
    inputs = {n.removeprefix("in_"): v for n, v in values.items() if n.startswith("in_")}
    expected = {n.removeprefix("out_"): v for n, v in values.items() if n.startswith("out_")}
    assert sorted(inputs) == sorted(case["node_inputs"])
    _compare_onnx(run_onnx(case["op"], case["attributes"], inputs), expected, case)


def test_ort(shared, ort_case):
    case = _cases(shared / "conformance", "ort")[ort_case]
    inputs = {
        name: tensor(value) for name, value in case["inputs"].items() if isinstance(value, dict)
    }
    if case["inputs"]["sequence_lens"] is not None:
        inputs["sequence_lens"] = torch.tensor(case["inputs"]["sequence_lens"])
    expected = {name: tensor(v) for name, v in case["outputs"].items() if v is not None}
    _compare_onnx(run_onnx(case["op"], case["attributes"], inputs), expected, case)
