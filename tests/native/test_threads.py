"""Threads: those of a call, of the caller, none after a fork; no result depends on them."""

import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from rnnkit.ops import native

from . import cases

pytestmark = pytest.mark.skipif(
    native.kernels is None, reason="rnnkit is installed without native kernels"
)
linux = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="reads /proc/self/task")
HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def threads():
    """Give the number of threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


# A module without a package around it: `cases` imports nothing of the tests.
PRELUDE = """
import os, runpy, sys, threading, time
runpy.run_path(os.path.join(sys.argv[1], "conftest.py"))  # the build that is tested
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
import cases
from rnnkit.ops import native

def tasks():
    return len(os.listdir("/proc/self/task"))

def compute(problem, threads):
    torch.set_num_threads(threads)
    result = cases.run(native.run, problem, cases.names(problem.case))
    return [*result.outputs.values(), *result.gradients.values()]

def infer(problem, threads):
    torch.set_num_threads(threads)
    with torch.no_grad():
        return native.run(problem.case)[0]

def same(some, others):
    torch.set_num_threads(1)  # PyTorch's own threads do not survive a fork
    return all(map(torch.equal, some, others))

def ends_well(child, within=60):
    for _ in range(within * 100):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False

by_rows = cases.make("lstm", (12, 20, 9, 40))
by_units = cases.make("gru", (1, 12, 9, 300))
"""


def in_a_fresh_process(script):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(script), str(HERE)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- several Python threads


@pytest.mark.parametrize("threads_of_a_call", [1, 2])
def test_python_threads_at_once_get_the_bits_of_one(threads_of_a_call):
    torch.set_num_threads(threads_of_a_call)
    shapes = [(5, 7, 3, 11), (12, 20, 9, 40), (1, 12, 9, 300), (40, 3, 30, 64)]
    problems = [
        cases.make(cell, shape, dtype, seed=k, lengths="ragged" if k % 2 else "none")
        for cell in ("lstm", "gru", "rnn_tanh")
        for dtype in (torch.float32, torch.float64)
        for k, shape in enumerate(shapes)
    ]

    def bits(problem):
        result = cases.run(native.run, problem, cases.names(problem.case))
        return [*result.outputs.values(), *result.gradients.values()]

    expected = [bits(problem) for problem in problems]
    together = threading.Barrier(8)

    def some(worker):
        together.wait()
        assert torch.get_num_threads() == threads_of_a_call
        order = [(worker * 5 + 7 * call) % len(problems) for call in range(50)]
        return [k for k in order if not all(map(torch.equal, bits(problems[k]), expected[k]))]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(some, range(8))) == [[]] * 8


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_other_python_threads_go_on_during_a_call(direction):
    """A thread counts milliseconds; were the interpreter locked, it would stand still in a call."""
    problem = cases.make("lstm", (64, 150, 64, 256))
    leaves = [t.detach().requires_grad_() for t in cases.tensors(problem.case)]
    case = cases.replaced(problem.case, leaves)
    ticks, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            ticks[0] += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    try:
        while ticks[0] < 3:
            time.sleep(0.001)
        started, before = time.perf_counter(), ticks[0]
        y, _ = native.run(case)
        took, counted = time.perf_counter() - started, ticks[0] - before
        if direction == "backward":
            gradient = torch.ones_like(y)
            started, before = time.perf_counter(), ticks[0]
            torch.autograd.grad(y, leaves, gradient)
            took, counted = time.perf_counter() - started, ticks[0] - before
    finally:
        stop.set()
        counter.join()
    assert took > 0.03, "the call is too short to tell"
    assert counted >= 5, f"{counted} ticks in {took:.3f} s"


# --- the number of threads


@linux
def test_set_num_threads_is_obeyed():
    in_a_fresh_process(
        """
        small = cases.make("gru", (2, 3, 2, 5))
        many = cases.make("rnn_tanh", (40, 30, 20, 60))
        before = tasks()
        for problem in (by_rows, by_units, many):
            infer(problem, 1)
        assert tasks() == before, "one thread was asked for"
        infer(small, 3)
        assert tasks() == before, "too little work to share"
        # Brief calls have threads of their own, longer ones and those by units PyTorch's.
        own = ((2, many, 1), (3, many, 2), (2, many, 2), (1, many, 2))
        for threads, problem, made in (*own, (2, by_units, 3), (2, many, 3), (1, by_units, 3)):
            infer(problem, threads)
            assert tasks() == before + made, (threads, tasks() - before)
        """
    )


def test_the_number_of_threads_may_change_between_forward_and_backward():
    problem = cases.make("lstm", (9, 15, 7, 70), lengths="ragged")
    leaves = [t.detach().requires_grad_() for t in cases.tensors(problem.case)]
    found = []
    for forward, backward in ((1, 1), (3, 1), (1, 3), (2, 3)):
        torch.set_num_threads(forward)
        y, _ = native.run(cases.replaced(problem.case, leaves))
        torch.set_num_threads(backward)
        found.append(torch.autograd.grad(y.sum(), leaves))
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=1e-4, atol=1e-5)
    assert all(map(torch.equal, found[1], found[0]))
    assert all(map(torch.equal, found[3], found[2]))


# --- forks


@linux
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_computes_after_a_fork():
    """The parent's threads do not exist in its child, nor the child's in the grandchild."""
    in_a_fresh_process(
        """
        expected = [compute(by_rows, 2), compute(by_units, 3)]
        child = os.fork()
        if child == 0:
            good = same(compute(by_rows, 2), expected[0])
            good = good and same(compute(by_units, 3), expected[1])
            grandchild = os.fork()
            if grandchild == 0:
                os._exit(0 if same(compute(by_units, 3), expected[1]) else 1)
            os._exit(0 if good and ends_well(grandchild, 30) else 1)
        assert ends_well(child)
        assert same(compute(by_rows, 2), expected[0])
        """
    )


@pytest.mark.skipif(
    "RNNKIT_NATIVE" in os.environ,
    reason="what another thread locks of the sanitizer's own allocator stays locked in a child",
)
@linux
def test_a_child_of_a_process_that_computes_meanwhile():
    """Whatever another thread holds at the fork is held for ever in the child."""
    in_a_fresh_process(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: forks among threads
        few = cases.make("rnn_tanh", (8, 10, 40, 64))
        expected = infer(few, 2)
        stop = threading.Event()
        wrong = []

        def go_on():
            while not stop.is_set():
                if not torch.equal(infer(few, 2), expected):
                    wrong.append(1)

        others = [threading.Thread(target=go_on) for _ in range(2)]
        for other in others:
            other.start()
        for _ in range(40):
            child = os.fork()
            if child == 0:
                os._exit(0 if torch.equal(infer(few, 2), expected) else 1)
            if not ends_well(child, 20):
                wrong.append(2)
                break
        stop.set()
        for other in others:
            other.join()
        assert not wrong, wrong
        """
    )


@linux
def test_a_process_ends_while_its_workers_wait():
    in_a_fresh_process("compute(by_rows, 3)")
