"""The benchmark of kernels: what it counts, compares and keeps; never how long anything took."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.kernels.arrays import (
    CHECKED_FLOPS,
    checked_rows,
    make_batch,
    make_check_dy,
    make_weights,
)
from benchmarks.kernels.case import Case
from benchmarks.kernels.check import TOLERANCE, deviation
from benchmarks.kernels.gates import from_keras, reorder, to_keras, to_onnx
from benchmarks.kernels.measure import Entry
from benchmarks.kernels.peers import OURS, PEERS, REFERENCE
from benchmarks.kernels.peers.contract import Unsupported
from benchmarks.kernels.results import Results, Row, code_digest, resume, row_of
from benchmarks.kernels.suites import (
    ENCODER_DECODER,
    IMDB,
    extras,
    grid,
    memory,
    neighbour,
    shapes,
    tutorial,
)
from benchmarks.kernels.table import best_peer, markdown, ratio, relative_costs
from benchmarks.kernels.worker import Worker

LSTM = Case("lstm", "lstm", "train", B=3, T=5, I=2, H=7)
GRU = replace(LSTM, name="gru", cell="gru")
RNN = replace(LSTM, name="rnn", cell="rnn")

# One of each thing that a peer must get right, small and of odd sizes.
VARIED = [
    LSTM,
    replace(LSTM, half_padded=True, bidirectional=True, layers=2),
    replace(GRU, half_padded=True),
    replace(GRU, bidirectional=True, layers=2),
    replace(RNN, half_padded=True, nonlinearity="relu"),
    replace(RNN, layers=2),
    replace(LSTM, projection=3, half_padded=True),
    replace(GRU, recurrent_dropout=0.4),
    replace(ENCODER_DECODER, B=3, T=4, H=5, decoder_steps=6),
    replace(IMDB, B=3, T=4, I=5, H=7, vocabulary=11),
    replace(LSTM, vocabulary=11, dropout=0.5, layers=2, outputs=1, loss="bce"),
    replace(LSTM, vocabulary=11, head_dropout=0.5, bidirectional=True, outputs=2, loss="mse"),
]


def row(case: str, label: str, *seconds: float, **kwargs: object) -> Row:
    peer = label.split()[0]
    return Row("group", case, label, peer, seconds=list(seconds), **kwargs)  # type: ignore[arg-type]


def results(*rows: Row) -> Results:
    made = Results({"threads": 2, "backend": "auto", "versions": {"torch": "2"}})
    made.machine = {"processor": "a processor"}
    made.sgemm_gflops = {"torch": 80.0, "jax": 100.0}
    made.rows = {"group": list(rows)}
    return made


# What is counted


def test_flops_of_bare_layers() -> None:
    # 15 steps; LSTM 2·4·7·(2 + 7) = 504 a step, GRU 378, simple 126; three products in training.
    assert LSTM.with_phase("infer").step_flops() == 15 * 504
    assert LSTM.step_flops() == 3 * 15 * 504
    assert GRU.forward_flops() == 15 * 378
    assert RNN.forward_flops() == 15 * 126


def test_flops_of_directions_layers_and_projection() -> None:
    # Second layer reads 14 features: 2·4·2·7·(14 + 7) = 2352; first 2·4·2·7·(2 + 7) = 1008.
    assert replace(LSTM, layers=2, bidirectional=True).forward_flops() == 15 * (1008 + 2352)
    # 2·4·7·(2 + 3) = 280 and the projection 2·7·3 = 42.
    assert replace(LSTM, projection=3).forward_flops() == 15 * (280 + 42)


def test_flops_do_not_count_padding() -> None:
    ragged = replace(LSTM, half_padded=True)
    # 0, 2.5 and 5 rounded (half to even) and at least 1: 1 + 2 + 5 steps.
    assert sorted(ragged.lengths()) == [1, 2, 5]
    assert ragged.forward_flops() == 8 * 504


@pytest.mark.parametrize(("B", "T"), [(32, 128), (128, 32), (1, 9)])
def test_half_of_the_steps_are_padding(B: int, T: int) -> None:
    case = replace(LSTM, B=B, T=T, half_padded=True)
    assert case.steps() / (B * T) == pytest.approx(0.5, abs=0.06)
    lengths = case.lengths()
    assert lengths.min() >= 1
    assert lengths.max() <= T
    assert B == 1 or (np.diff(lengths) < 0).any()  # in no order


def test_flops_of_networks() -> None:
    case = replace(ENCODER_DECODER, B=3, T=4, H=5, decoder_steps=6)
    # Encoder 12 steps of 2·5·(1 + 5), decoder 18 of 2·5·(5 + 5), Dense 18 of 2·1·5. The gradient
    # of the inputs, 12 of 2·5·1, is not needed.
    forward = 12 * 60 + 18 * 100 + 18 * 10
    assert case.forward_flops() == forward
    assert case.step_flops() == 3 * forward - 12 * 10
    # Under an embedding it is: 12 steps of 2·7·(5 + 7), and 3 rows of 2·1·7.
    embedded = replace(IMDB, B=3, T=4, I=5, H=7)
    assert embedded.step_flops() == 3 * (12 * 168 + 3 * 14)


def test_flops_agree_with_the_formula_of_the_public_shapes(shared: Path) -> None:
    path = shared / "conformance" / "shapes.json"
    groups = shapes(path)
    assert len(groups) > 100
    assert all(g.cases[0].forward_flops() <= 20.1e9 for g in groups if not g.cases[0].projection)
    # The first of the file, 9.9123 GFLOP there.
    assert groups[0].cases[0].forward_flops() == pytest.approx(9.9123e9, rel=1e-5)
    assert groups[0].cases[0].nonlinearity == "relu"


# What is in the suites


def test_every_group_and_case_has_its_name() -> None:
    for groups in (tutorial(), grid([16], [1, 2], [3]), extras(), neighbour(), memory()):
        names = [group.name for group in groups]
        assert len(set(names)) == len(names)
        for group in groups:
            cases = [case.name for case in group.cases]
            assert len(set(cases)) == len(cases)


def test_grid_and_epoch() -> None:
    assert len(grid([16, 64, 256, 1024], [1, 32, 128], [32, 128])) == 3 * 2 * 4 * 3 * 2
    epoch = tutorial()[-1].cases[0]
    assert epoch.batches * epoch.B == 20_000
    assert epoch.T == 130


def test_shapes_that_no_layer_expresses_are_left_out(tmp_path: Path) -> None:
    shape = {
        "source": "made up", "name": "first", "cell": "lstm", "phase": "correctness", "T": 3,
        "B": 2, "input_size": 5, "hidden_size": 7, "num_layers": 2, "num_directions": 2,
        "proj_size": 0, "cpu_quick": True,
    }  # fmt: skip
    listed = [
        shape,
        shape | {"name": "the same again"},
        shape | {"name": "slow", "T": 4, "cpu_quick": False},
        shape | {"name": "one step", "T": 5, "recurrent_input_size": 9},
        shape | {"name": "projected up", "T": 6, "proj_size": 7},
        shape | {"name": "projected", "T": 7, "proj_size": 6},
    ]
    path = tmp_path / "shapes.json"
    path.write_text(json.dumps({"shapes": listed}))
    first, projected = (group.cases[0] for group in shapes(path))
    assert (first.phase, first.T, first.B, first.I, first.H) == ("train", 3, 2, 5, 7)
    assert (first.layers, first.bidirectional) == (2, True)
    assert (projected.T, projected.projection) == (7, 6)


# Weights between layouts


def test_reorder_takes_blocks() -> None:
    assert reorder(np.array([0, 1, 10, 11, 20, 21]), (1, 2, 0)).tolist() == [10, 11, 20, 21, 0, 1]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_gradients_come_back_from_keras_in_torch_order(cell: str) -> None:
    case = replace(LSTM, cell=cell)
    w_ih, w_hh, b_ih, b_hh = make_weights(case).values()
    kernel, recurrent, bias = to_keras(cell, w_ih, w_hh, b_ih, b_hh)
    assert kernel.shape == w_ih.T.shape
    back = from_keras(cell, [kernel, recurrent, bias])
    np.testing.assert_array_equal(back[0], w_ih)
    np.testing.assert_array_equal(back[1], w_hh)
    if cell == "gru":
        np.testing.assert_array_equal(back[2], b_ih)
        np.testing.assert_array_equal(back[3], b_hh)
    else:
        np.testing.assert_array_equal(back[2], b_ih + b_hh)
        np.testing.assert_array_equal(back[3], b_ih + b_hh)


def test_gate_orders() -> None:
    ih, hh = np.arange(4.0)[:, None], np.arange(4.0)[:, None] + 10
    bias = np.arange(4.0)
    W, R, B = to_onnx("lstm", [(ih, hh, bias, bias + 10)])
    assert W[0, :, 0].tolist() == [0, 3, 1, 2]  # i, o, f, c of i, f, g, o
    assert R[0, :, 0].tolist() == [10, 13, 11, 12]
    assert B[0].tolist() == [0, 3, 1, 2, 10, 13, 11, 12]
    kernel, _, gru_bias = to_keras("gru", ih[:3], hh[:3], bias[:3], bias[:3] + 10)
    assert kernel[0].tolist() == [1, 0, 2]  # z, r, h of r, z, n
    assert gru_bias.tolist() == [[1, 0, 2], [11, 10, 12]]


# What is compared before anything is timed


def test_deviation() -> None:
    expected = {"y": np.array([[[4.0], [-8.0]]]), "x": np.array([[[1.0], [2.0]]])}
    got = {"y": expected["y"] + 0.4, "x": expected["x"] + 0.02}
    case = replace(LSTM, B=1, T=2)
    assert deviation(case, got, expected) == (pytest.approx(0.05), "y")
    assert deviation(case, {"y": got["y"]}, expected) == (float("inf"), "x")
    assert deviation(case, {**got, "x": got["x"] * np.nan}, expected) == (float("inf"), "x")
    assert deviation(case, {**got, "x": got["x"][:, :1]}, expected)[0] == float("inf")
    # At T = 2 half padded, the second output is padding and may be anything; the gradient may not.
    ragged = replace(case, half_padded=True)
    got["y"] = np.array([[[4.0], [1e6]]])
    assert deviation(ragged, got, expected) == (pytest.approx(0.01), "x")


def test_rows_that_are_not_checked_have_no_gradient() -> None:
    case = Case("large", "lstm", "train", B=64, T=100, I=256, H=256)
    rows = checked_rows(case)
    assert 1 <= rows < 64
    assert case.step_flops() * rows / 64 <= CHECKED_FLOPS
    dy = make_check_dy(case, make_batch(case))
    assert not dy[rows:].any()
    assert dy[rows - 1].any()


def needs(peer: str) -> None:
    for module in PEERS[peer].requires:
        if module != "rnnkit":
            pytest.importorskip(module)


@pytest.fixture(scope="module")
def references() -> list[dict[str, np.ndarray]]:
    """What every varied case gives in float64."""
    from benchmarks.kernels.peers import load

    peer = load(REFERENCE, "auto", 1)
    return [peer.build(case).check("") for case in VARIED]


@pytest.mark.parametrize("name", PEERS)
def test_peers_compute_what_the_reference_does(
    name: str, references: list[dict[str, np.ndarray]]
) -> None:
    needs(name)
    worker = Worker(name, "auto", 1)
    try:
        checked = 0
        for case, expected in zip(VARIED, references, strict=True):
            if name == "onnxruntime":
                case = case.with_phase("infer")
                expected = {"y": expected["y"]}
            try:
                variants = worker.build(case)
            except Unsupported:
                continue
            for variant in variants:
                found = deviation(case, worker.check(case, variant), expected)
                assert found[0] < TOLERANCE, (case, variant, found)
                checked += 1
            # Only then: a training step moves the weights.
            assert all(worker.time(case, variant, 2).seconds > 0 for variant in variants)
        assert checked >= 10
    finally:
        worker.close()


def test_a_wrong_layer_is_found(references: list[dict[str, np.ndarray]]) -> None:
    expected = references[0]
    swapped = {**expected, "rnn.weight_hh_l0": reorder(expected["rnn.weight_hh_l0"], (1, 0, 2, 3))}
    assert deviation(LSTM, swapped, expected)[0] > 100 * TOLERANCE


def test_training_moves_the_weights() -> None:
    worker = Worker(OURS, "auto", 1)
    try:
        case = replace(IMDB, B=3, T=4, I=5, H=7, vocabulary=11, batches=2)
        worker.build(case)
        before = worker.check(case, "")["y"]
        worker.time(case, "", 5)
        assert np.abs(worker.check(case, "")["y"] - before).max() > 1e-3
    finally:
        worker.close()


# Tables


def test_ratio_is_to_the_best_peer_and_losses_stay() -> None:
    rows = [
        row("a", OURS, 2.0, 4.0, 3.0, flops=30_000_000_000),
        row("a", "torch.nn padded", 9.0),
        row("a", "torch.nn packed", 1.5, 1.4, 1.6),
        row("a", "jax-scan", 0.1, status="wrong", note="y deviates"),
        row("a", "onnxruntime", status="unsupported", note="infers only"),
    ]
    assert ratio(rows, "grid") == pytest.approx(0.5)
    best = best_peer(rows, "grid")
    assert best is not None
    assert best.label == "torch.nn packed"
    report = markdown(results(*rows), "grid")
    line = next(line for line in report.splitlines() if "0.50 loss" in line)
    # 10 GFLOP/s of a peak of 100; medians in milliseconds, quartiles 2.5 and 3.5.
    assert "| 10 | 10.0% | torch.nn packed |" in line
    assert "3e+03 ±17%" in line
    assert "losses 1" in report
    assert "- jax-scan: wrong: y deviates" in report
    assert "- onnxruntime: unsupported: infers only" in report


def test_ratio_needs_both() -> None:
    assert ratio([row("a", OURS, 1.0)], "grid") is None
    assert ratio([row("a", "torch.nn padded", 1.0)], "grid") is None


def test_costs_over_the_first_case() -> None:
    base = [row("full", OURS, 4.0), row("full", "torch.nn padded", 2.0)]
    other = [row("half", OURS, 2.2), row("half", "torch.nn packed", 1.0)]
    assert relative_costs(base, other) == {OURS: "0.55"}
    assert "| group: half | 0.55 |" in markdown(results(*base, *other), "extras")


def test_report_of_neighbour_memory_and_epoch() -> None:
    beside = row("a", OURS, 0.002, busy_seconds=[0.003, 0.005, 0.004])
    assert beside.slowdown == pytest.approx(2.0)
    assert "2 → ×2.00" in markdown(results(beside), "neighbour")
    grown = [
        row("a", OURS, bytes=[3 << 20, 9 << 20, 4 << 20]),
        row("a", "torch.nn padded", bytes=[8 << 20]),
    ]
    assert "| 4.0 | 8.0 | 0.50 |" in markdown(results(*grown), "memory")
    epoch = row("epoch", OURS, 0.01, batches=200, calls=200)
    assert "rnnkit 2.00 s" in markdown(results(epoch), "tutorial")


# Resuming


def test_resume_keeps_rows_of_equal_settings_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "kernels.json"
    made = results(row_of("group", Entry(LSTM, OURS, seconds=[0.5], idle_share=0.25), 2.0))
    made.save(path)
    again, differing = resume(path, made.settings)
    assert again == made
    assert not differing
    anew, differing = resume(path, {**made.settings, "threads": 1})
    assert differing == ["threads"]
    assert not anew.rows
    assert anew.lacks("group", 2.0)
    assert not again.lacks("group", 2.0)
    assert again.lacks("group", 2.5)
    assert again.lacks("another", 2.0)


def test_digest_of_code(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = code_digest(tmp_path)
    (tmp_path / "b.txt").write_text("no code")
    assert code_digest(tmp_path) == before
    (tmp_path / "kernel.so").write_bytes(b"2")
    assert code_digest(tmp_path) != before


def test_command_measures_once_and_then_reads(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [
        sys.executable, "-m", "benchmarks.kernels", "--suite", "grid", "--hidden", "4",
        "--batch", "2", "--steps", "3", "--only", "gru infer", "--peers", OURS, "torch.nn",
        "--threads", "1", "--seconds", "0.2", "--round-ms", "1", "--out", str(tmp_path),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONWARNINGS": "default"}
    path = tmp_path / "kernels-grid.json"
    written = []
    for _ in range(2):
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        written.append(path.read_text())
    assert written[0] == written[1]
    content = json.loads(written[0])
    [(name, rows)] = content["groups"].items()
    assert name == "gru infer H4 B2 T3"
    assert [r["label"] for r in rows] == [OURS, "torch.nn padded", "torch.nn packed"]
    assert all(r["status"] == "ok" and r["deviation"] < TOLERANCE for r in rows)
    assert "gru infer H4 B2 T3" in (tmp_path / "kernels-grid.md").read_text()
    assert (tmp_path / "kernels-grid.png").exists()


def test_peers_name_modules_that_exist() -> None:
    for spec in PEERS.values():
        assert importlib.util.find_spec(f"benchmarks.kernels.peers.{spec.module}") is not None
