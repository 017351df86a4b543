"""Networks through Keras's own loop: what it trains and counts, and where its rows stand."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.kernels.case import Case
from benchmarks.kernels.check import TOLERANCE, deviation
from benchmarks.kernels.peers import OURS, PEERS
from benchmarks.kernels.results import Results, Row
from benchmarks.kernels.suites import IMDB
from benchmarks.kernels.table import best_peer, brief, markdown, ratio, ratio_to
from benchmarks.kernels.worker import Worker

NETWORK = replace(IMDB, B=3, T=4, I=5, H=7, vocabulary=11)
KERAS = ("keras-tensorflow", "keras-jax")


@pytest.fixture(scope="module", params=KERAS)
def worker(request: pytest.FixtureRequest) -> Iterator[Worker]:
    for module in PEERS[request.param].requires:
        pytest.importorskip(module)
    started = Worker(request.param, "auto", 1)
    yield started
    started.close()


def test_networks_run_by_fit_and_by_step_and_layers_by_step(worker: Worker) -> None:
    assert worker.build(NETWORK) == ("", "step")
    assert worker.build(NETWORK.with_phase("infer")) == ("", "step")
    assert worker.build(Case("lstm", "lstm", "train", B=3, T=5, I=2, H=7)) == ("",)


def test_a_fit_is_of_whole_epochs(worker: Worker) -> None:
    worker.build(NETWORK)
    assert [worker.time(NETWORK, "", calls).calls for calls in (1, 2, 50, 51)] == [20, 50, 50, 100]
    assert worker.time(NETWORK, "step", 3).calls == 3
    epoch = replace(NETWORK, batches=6)
    worker.build(epoch)
    assert [worker.time(epoch, "", calls).calls for calls in (1, 6, 7)] == [6, 6, 12]
    inference = NETWORK.with_phase("infer")
    worker.build(inference)
    assert worker.time(inference, "", 4).calls == 4


def test_fit_and_step_agree_in_an_epoch_of_many_batches(worker: Worker) -> None:
    case = replace(NETWORK, batches=4)
    worker.build(case)
    by_fit, by_step = (worker.check(case, variant) for variant in ("", "step"))
    found = deviation(case, by_fit, by_step)
    assert 0 < found[0] < TOLERANCE, found


# Tables


def results(*cases: tuple[str, str, dict[str, float]]) -> Results:
    """Return rows of one round each: name, cell and seconds by label."""
    made = Results({"threads": 2, "backend": "native", "versions": {"torch": "2"}})
    made.machine = {"processor": "a processor"}
    made.sgemm_gflops = {"torch": 80.0}
    for name, cell, seconds in cases:
        made.rows[name] = [
            Row(name, name, label, label.split()[0], seconds=[value], cell=cell)
            for label, value in seconds.items()
        ]
    return made


FIRST = (
    "first", "rnn",
    {
        OURS: 2.0, "torch.nn padded": 7.0, "keras-tensorflow": 8.0, "keras-jax": 5.0,
        "keras-tensorflow step": 3.0, "keras-jax step": 1.0, "jax-scan": 0.5, "onnxruntime": 4.0,
    },
)  # fmt: skip
SECOND = (
    "second", "lstm",
    {OURS: 1.0, "keras-tensorflow": 9.0, "keras-jax step": 8.0, "jax-scan": 2.0},
)  # fmt: skip


def test_what_is_no_loop_of_its_own_is_never_a_tutorials_best_peer() -> None:
    rows = results(FIRST).rows["first"]
    best = best_peer(rows, "tutorial")
    assert best is not None
    assert best.label == "keras-jax"
    assert ratio(rows, "tutorial") == pytest.approx(2.5)
    assert ratio(rows, "grid") == pytest.approx(0.25)
    assert brief(results(FIRST), "tutorial")[0][2:] == ("5e+03", "keras-jax", "2.50")


def test_ratio_to_one_label() -> None:
    rows = results(FIRST).rows["first"]
    assert ratio_to(rows, "keras-tensorflow") == pytest.approx(4.0)
    assert ratio_to(rows, "keras-tensorflow step") == pytest.approx(1.5)
    assert ratio_to(rows, "torch.nn packed") is None
    assert ratio_to([row for row in rows if row.label != OURS], "jax-scan") is None
    wrong = [replace(row, status="wrong") if row.label == "jax-scan" else row for row in rows]
    assert ratio_to(wrong, "jax-scan") is None


def test_report_of_tutorials_has_means_and_a_table_of_what_stands_beside() -> None:
    lines = markdown(results(FIRST, SECOND), "tutorial").splitlines()
    assert lines[5].endswith("| best peer | ratio | to keras-tensorflow |")
    assert next(line for line in lines if line.startswith("| first")).endswith(
        "| keras-jax | 2.50 | 4.00 |"
    )
    assert any("| 2e+03 ±? | 7e+03 ±? |" in line for line in lines)  # of one round
    # √(2.5 · 9) and √(4 · 9).
    assert any("2 cases: geometric mean of the ratios 4.74" in line for line in lines)
    assert any("geometric mean of the ratios to keras-tensorflow 6.00" in line for line in lines)
    assert any("1 cases" in line and "keras-tensorflow of SimpleRNN 4.00" in line for line in lines)
    # Where nobody ran, the cell is empty; 1 / 2 and 8 / 1 have the mean 2, 0.5 / 2 and 2 / 1 ½√2.
    at = lines.index(
        "| ratio beside the compiled step alone | keras-tensorflow step | keras-jax step "
        "| jax-scan | onnxruntime |"
    )
    assert lines[at + 2 : at + 6] == [
        "| first | 1.50 | 0.50 loss | 0.25 loss | 2.00 |",
        "| second |  | 8.00 | 2.00 |  |",
        "| geometric mean | 1.50 | 2.00 | 0.71 loss | 2.00 |",
        "| losses | 0 of 1 | 1 of 2 | 1 of 2 | 0 of 1 |",
    ]


def test_other_suites_have_no_such_table() -> None:
    report = markdown(results(FIRST, SECOND), "grid")
    assert "beside the compiled step" not in report
    assert "to keras-tensorflow" not in report
