"""A neighbour: a process that keeps one core busy while asked to."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from types import TracebackType


class Neighbour:
    """A process on one core, which computes inside `with` and blocks outside."""

    def __init__(self, core: int | None) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=keep_busy, args=(theirs, core), daemon=True)
        self._process.start()
        theirs.close()
        self._pipe.recv()

    def __enter__(self) -> None:
        self._pipe.send("on")
        self._pipe.recv()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pipe.send("off")
        self._pipe.recv()

    def close(self) -> None:
        self._pipe.close()
        self._process.join()


def keep_busy(pipe: Connection, core: int | None) -> None:
    """Spin between "on" and "off"; look at the pipe about every millisecond."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if core is not None:
        os.sched_setaffinity(0, [core])
    pipe.send("ready")
    try:
        while True:
            pipe.send(pipe.recv())
            while not pipe.poll():
                for _ in range(20_000):
                    pass
            pipe.send(pipe.recv())
    except (EOFError, OSError):
        return
