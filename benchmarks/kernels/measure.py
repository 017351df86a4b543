"""Rounds that alternate between the peers: build, check, calibrate, time."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.kernels import memory
from benchmarks.kernels.busy import Neighbour
from benchmarks.kernels.case import Case, Group
from benchmarks.kernels.check import TOLERANCE, deviation
from benchmarks.kernels.peers import REFERENCE
from benchmarks.kernels.peers.contract import Unsupported
from benchmarks.kernels.worker import Worker, WorkerDiedError, WorkerError

# Thread pools spin for a moment after their work (libgomp and ONNX Runtime by default): the pause
# before the next peer's round outlasts them. `idle_share` in the results tells whether it does.
SETTLE_SECONDS = 0.05
# A share of the sgemm peak that peers reach on large layers, for guessing whether a case fits.
GUESSED_SHARE = 0.5


@dataclass
class Entry:
    """A case on a peer in a variant, and what came out.

    Args:
        status: "ok", "unsupported", "wrong", "failed" or "too long".
        note: why it is not "ok".
        deviation: from the reference, relative.
        asked: calls of a round that are asked for.
        calls: that it did.
        seconds: a call, of each round.
        busy_seconds: the same with a busy neighbour.
        idle_share: the most processor time used while other peers ran, in cores.
    """

    case: Case
    peer: str
    variant: str = ""
    status: str = "ok"
    note: str = ""
    deviation: float | None = None
    asked: int = 1
    calls: int = 1
    seconds: list[float] = field(default_factory=list)
    busy_seconds: list[float] = field(default_factory=list)
    idle_share: float = 0.0

    @property
    def label(self) -> str:
        return f"{self.peer} {self.variant}".strip()

    def fail(self, status: str, note: object) -> None:
        self.status, self.note = status, str(note)


class Workers:
    """The peers' processes, started when first needed and again after they died."""

    def __init__(self, backend: str, threads: int) -> None:
        self._backend, self._threads = backend, threads
        self._running: dict[str, Worker] = {}

    def __getitem__(self, name: str) -> Worker:
        if name not in self._running:
            self._running[name] = Worker(name, self._backend, self._threads)
        return self._running[name]

    def fresh(self, name: str) -> contextlib.closing[Worker]:
        """Return a process for its memory, which the caller's `with` closes."""
        made = Worker(name, self._backend, self._threads, memory.ENVIRONMENT)
        return contextlib.closing(made)

    def bury(self, name: str) -> None:
        self._running.pop(name).close()

    def drop(self) -> None:
        """Let all forget their cases."""
        for name, worker in list(self._running.items()):
            try:
                worker.drop()
            except WorkerDiedError:
                self.bury(name)

    def close(self) -> None:
        for name in list(self._running):
            self.bury(name)


@dataclass(frozen=True)
class Plan:
    """How to measure.

    Args:
        peers: to run, ours included.
        seconds: of rounds for a group, and the bound for running it at all.
        round_seconds: that a round's calls should last at least.
        sgemm_gflops: the machine's peak.
        neighbour: kept busy in every second round; None for no such rounds.
        say: what is going on, for the screen.
    """

    peers: Sequence[str]
    seconds: float
    round_seconds: float
    sgemm_gflops: float
    neighbour: Neighbour | None
    say: Callable[[str], None]


def measure(group: Group, workers: Workers, plan: Plan) -> list[Entry]:
    """Return an entry for every case, peer and variant of a group."""
    guess = sum(case.step_flops() for case in group.cases) * len(plan.peers) * 1e-9
    guess /= GUESSED_SHARE * plan.sgemm_gflops
    if guess > plan.seconds:
        note = f"about {guess:.0f} s a round; see --seconds"
        every = [(case, peer) for case in group.cases for peer in plan.peers]
        return [Entry(case, peer, status="too long", note=note) for case, peer in every]
    entries = list(_build(group, workers, plan))
    _check(group, entries, workers, plan)
    for entry in _alive(entries):
        plan.say(f"{entry.label}: warming up")
        with _failing(entry, workers):
            _calibrate(entry, workers[entry.peer], plan.round_seconds)
    _rounds(entries, workers, plan)
    workers.drop()
    return entries


def _alive(entries: list[Entry]) -> Iterator[Entry]:
    return (entry for entry in entries if entry.status == "ok")


@contextlib.contextmanager
def _failing(entry: Entry, workers: Workers) -> Iterator[None]:
    """Write a peer's failure down as its result."""
    try:
        yield
    except Unsupported as refusal:
        entry.fail("unsupported", refusal)
    except WorkerError as error:
        entry.fail("failed", error)
        if isinstance(error, WorkerDiedError):
            workers.bury(entry.peer)


def _build(group: Group, workers: Workers, plan: Plan) -> Iterator[Entry]:
    for peer in plan.peers:
        for case in group.cases:
            plan.say(f"{peer}: building")
            entry = Entry(case, peer)
            variants: tuple[str, ...] = ()
            with _failing(entry, workers):
                variants = workers[peer].build(case)
            if entry.status != "ok":
                yield entry
            for variant in variants:
                yield Entry(case, peer, variant)


def _check(group: Group, entries: list[Entry], workers: Workers, plan: Plan) -> None:
    for case in group.cases:
        plan.say(f"{REFERENCE}: computing")
        workers[REFERENCE].build(case)
        expected = workers[REFERENCE].check(case, "")
        workers[REFERENCE].drop()
        for entry in _alive(entries):
            if entry.case != case:
                continue
            plan.say(f"{entry.label}: checking")
            with _failing(entry, workers):
                got = workers[entry.peer].check(case, entry.variant)
                entry.deviation, where = deviation(case, got, expected)
                if not entry.deviation <= TOLERANCE:
                    entry.fail("wrong", f"{where} deviates by {entry.deviation:.1e}")


def _calibrate(entry: Entry, worker: Worker, round_seconds: float) -> None:
    """Compile and warm up, then set the calls of a round: an epoch for a case of many batches."""
    worker.time(entry.case, entry.variant, 1)
    once = worker.time(entry.case, entry.variant, 1).each
    if entry.case.batches > 1:
        entry.asked = entry.case.batches
        return
    entry.asked = math.ceil(round_seconds / once)
    if entry.asked > 1:
        several = worker.time(entry.case, entry.variant, entry.asked).each
        entry.asked = math.ceil(round_seconds / several)


def _rounds(entries: list[Entry], workers: Workers, plan: Plan) -> None:
    """Run rounds while another one fits; one in any case."""
    start = time.perf_counter()
    longest, done = 0.0, 0
    while not done or time.perf_counter() - start + longest <= plan.seconds:
        plan.say(f"round {done + 1}")
        begun = time.perf_counter()
        _round(entries, workers, busy=False)
        if plan.neighbour is not None:
            with plan.neighbour:
                _round(entries, workers, busy=True)
        longest = max(longest, time.perf_counter() - begun)
        done += 1
        if not any(_alive(entries)):
            return


def _round(entries: list[Entry], workers: Workers, *, busy: bool) -> None:
    for entry in _alive(entries):
        time.sleep(SETTLE_SECONDS)
        with _failing(entry, workers):
            timing = workers[entry.peer].time(entry.case, entry.variant, entry.asked)
            entry.calls = timing.calls
            if busy:
                entry.busy_seconds.append(timing.each)
                continue
            entry.seconds.append(timing.each)
            if len(entry.seconds) > 1:
                entry.idle_share = max(entry.idle_share, timing.idle_share)
