"""A process for each peer: it sets cases up, checks them, times calls; else it blocks on a pipe."""

from __future__ import annotations

import gc
import importlib.util
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import MappingProxyType
from typing import Any

from benchmarks.kernels.case import Case
from benchmarks.kernels.peers import ALL, load
from benchmarks.kernels.peers.contract import Arrays, Program, Unsupported

# Quiet, on the CPU, and with as many OpenMP threads as asked for; all else is each peer's default.
ENVIRONMENT = {"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


class WorkerError(Exception):
    """A peer failed at a case; the text says how."""


@dataclass(frozen=True)
class Timing:
    """A round.

    Args:
        seconds: of all its calls together.
        calls: how many there were.
        idle_share: cores' worth of processor time that the process used since its last answer.
    """

    seconds: float
    calls: int
    idle_share: float

    @property
    def each(self) -> float:
        """Seconds of a call."""
        return self.seconds / self.calls


def missing(name: str) -> list[str]:
    """Return the modules a peer needs that are not installed."""
    return [m for m in ALL[name].requires if importlib.util.find_spec(m) is None]


def allowed_cores(threads: int) -> list[int]:
    """Return the cores that every process here may use: the first `threads` of this one's."""
    if not hasattr(os, "sched_getaffinity"):  # macOS, Windows: the libraries' own settings only
        return []
    return sorted(os.sched_getaffinity(0))[:threads]


class Worker:
    """A peer's process, started at once.

    Args:
        name: of the peer.
        backend: of rnnkit's layers.
        threads: that the peer may use; also the number of cores the process may run on.
        extra: environment beside the peer's.
    """

    def __init__(
        self, name: str, backend: str, threads: int, extra: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        environment = ENVIRONMENT | {"OMP_NUM_THREADS": str(threads)}
        environment |= {**ALL[name].environment, **extra}
        before = {key: os.environ.get(key) for key in environment}
        os.environ.update(environment)
        try:
            self._process = context.Process(
                target=serve, args=(theirs, name, backend, threads), daemon=True
            )
            self._process.start()
        finally:
            for key, value in before.items():
                if value is None:
                    del os.environ[key]
                else:
                    os.environ[key] = value
        theirs.close()

    def versions(self) -> dict[str, str]:
        return self._ask("versions")  # type: ignore[no-any-return]

    def build(self, case: Case) -> tuple[str, ...]:
        """Set a case up; return the variants, or raise Unsupported or WorkerError."""
        return self._ask("build", case)  # type: ignore[no-any-return]

    def check(self, case: Case, variant: str) -> Arrays:
        return self._ask("check", case, variant)  # type: ignore[no-any-return]

    def time(self, case: Case, variant: str, calls: int) -> Timing:
        """Do at least so many calls."""
        return self._ask("time", case, variant, calls)  # type: ignore[no-any-return]

    def drop(self) -> None:
        """Forget all cases."""
        self._ask("drop")

    def peak(self, sizes: Sequence[int], seconds: float) -> float | None:
        """Return the best GFLOP/s of a square product of these sizes, None if it has none."""
        return self._ask("peak", sizes, seconds)  # type: ignore[no-any-return]

    def memory(self, case: Case, variant: str) -> int:
        """Return by how many bytes a step grows the process; for a fresh process only."""
        return self._ask("memory", case, variant)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._pipe.close()
        self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _ask(self, command: str, *arguments: Any) -> Any:
        try:
            self._pipe.send((command, arguments))
            kind, value = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join(5)
            raise WorkerDiedError(f"process ended with code {self._process.exitcode}") from error
        if kind == "unsupported":
            raise Unsupported(value)
        if kind == "error":
            raise WorkerError(value)
        return value


class WorkerDiedError(WorkerError):
    """The process is gone; another must be started."""


def serve(pipe: Connection, name: str, backend: str, threads: int) -> None:
    """Answer commands until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent closes the pipe
    cores = allowed_cores(threads)
    if cores:
        os.sched_setaffinity(0, cores)
    server = None
    while True:
        try:
            command, arguments = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            if server is None:
                server = Server(name, backend, threads)
            answer = ("ok", getattr(server, command)(*arguments))
        except Unsupported as refusal:
            answer = ("unsupported", str(refusal))
        except Exception as error:  # noqa: BLE001  # whatever a library raises is a result here
            traceback.clear_frames(error.__traceback__)
            text = " ".join(str(error).split())[:300]
            answer = ("error", f"{type(error).__name__}: {text}")
        if server is not None:
            server.answered()
        try:
            pipe.send(answer)
        except OSError:
            return


class Server:
    """What runs in the process."""

    def __init__(self, name: str, backend: str, threads: int) -> None:
        self.peer = load(name, backend, threads)
        self.programs: dict[Case, Program] = {}
        self.answered()

    def answered(self) -> None:
        self.since = time.perf_counter(), time.process_time()

    def versions(self) -> dict[str, str]:
        return dict(self.peer.versions)

    def build(self, case: Case) -> tuple[str, ...]:
        self.programs[case] = self.peer.build(case)
        return self.programs[case].variants

    def check(self, case: Case, variant: str) -> Arrays:
        return self.programs[case].check(variant)

    def time(self, case: Case, variant: str, calls: int) -> Timing:
        wall, processor = time.perf_counter() - self.since[0], time.process_time() - self.since[1]
        program = self.programs[case]
        start = time.perf_counter()
        done = program.run(variant, calls)
        return Timing(time.perf_counter() - start, done, processor / wall)

    def drop(self) -> None:
        self.programs.clear()
        gc.collect()
        self.peer.forget()

    def peak(self, sizes: Sequence[int], seconds: float) -> float | None:
        best = 0.0
        for size in sizes:
            multiply = self.peer.product(size)
            if multiply is None:
                return None
            multiply()
            end = time.perf_counter() + seconds / len(sizes)
            while time.perf_counter() < end:
                start = time.perf_counter()
                multiply()
                best = max(best, 2e-9 * size**3 / (time.perf_counter() - start))
        return best

    def memory(self, case: Case, variant: str) -> int:
        from benchmarks.kernels.memory import growth

        return growth(self.peer, case, variant)
