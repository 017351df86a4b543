"""What a person sees of a training: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from rnnkit.messages import Message
from rnnkit.training.history import EpochState, History, StopReason

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

SECONDS_BETWEEN_LINES = 1.0
SECONDS_BETWEEN_FRAMES = 0.2
COLUMNS_FOR_A_BAR = 100  # below, the numbers alone fit


class Progress:
    """Shows the epochs of one training after another, such as those of an ensemble's members.

    On a terminal each training has a live line with its epoch, losses, the best validation loss
    and the most time that the epochs left would take, and a bar where 100 columns leave room.
    Elsewhere it has plain lines without control codes: at most one an epoch and one a second, and
    always one for the last epoch, which says why training stopped.

    Args:
        quiet: show nothing; default false.
        stream: where to; standard error by default, which leaves standard output to results.
        render: says a message in the reader's language; English by default.

    Example:
        >>> import sys
        >>> progress = Progress(stream=sys.stdout)
        >>> progress.start("member 1/5", epochs=1, history=History())
        >>> progress.update(EpochState(1, 1, 0.5, 0.25, 1e-3, 0.1, 1, 0.25), stopped="epochs")
        member 1/5: epoch 1/1, loss 0.5, validation 0.25, best 0.25 in epoch 1, done
        >>> progress.stop()
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        render: Callable[[str | Message], str] = str,
    ) -> None:
        self._quiet = quiet
        self._stream = stream
        self._render = render
        self._title = ""
        self._first = 0
        self._started = self._shown = 0.0
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def start(self, title: str | Message, epochs: int, history: History) -> None:
        """Begin to show a training; `history` holds the epochs that a resumed one has behind it."""
        self._title = self._render(title)
        self._first = len(history)
        self._started = self._shown = time.monotonic()
        if not self._quiet and history.stopped is None and _is_terminal(self._target()):
            self._open_bar(epochs)

    def update(self, state: EpochState, stopped: StopReason | None) -> None:
        """Show an epoch that ended; `stopped` says why it was the last, if it was."""
        if self._quiet:
            return
        now = time.monotonic()
        pause = SECONDS_BETWEEN_LINES if self._bar is None else SECONDS_BETWEEN_FRAMES
        if stopped is None and now - self._shown < pause:
            return
        self._shown = now
        outlook = self._outlook(state, stopped, now)
        if self._bar is not None and self._task is not None:
            said = self._join([*_losses(state, digits=3, best_epoch=False), outlook])
            numbers = f"{state.epoch}/{state.epochs} {said}"
            self._bar.update(self._task, completed=state.epoch, numbers=numbers)
            self._bar.refresh()
            return
        title = f"{self._title}: " if self._title else ""
        counts = {"epoch": state.epoch, "epochs": state.epochs}
        epoch = Message("epoch {epoch}/{epochs}", counts)
        losses = _losses(state, digits=4, best_epoch=True)
        self._print(title + self._join([epoch, *losses, outlook]))

    def stop(self) -> None:
        """End the showing of a training; a bar stays on the screen as its last line."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None

    def _outlook(self, state: EpochState, stopped: StopReason | None, now: float) -> Message:
        if stopped is not None:
            return Message(_ENDINGS[stopped])
        pace = (now - self._started) / (state.epoch - self._first)
        left = _clock(pace * (state.epochs - state.epoch))
        return Message("at most {time} left", {"time": left})  # it may stop early

    def _join(self, parts: Sequence[Message]) -> str:
        return ", ".join(map(self._render, parts))

    def _target(self) -> TextIO:
        # Looked up at each use: whoever captures output replaces sys.stderr.
        return sys.stderr if self._stream is None else self._stream

    def _print(self, line: str) -> None:
        stream = self._target()
        encoding = getattr(stream, "encoding", None) or "utf-8"
        print(line.encode(encoding, "replace").decode(encoding), file=stream, flush=True)

    def _open_bar(self, epochs: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        console = Console(file=self._target())
        title = TextColumn("{task.description}", markup=False)
        numbers = TextColumn("{task.fields[numbers]}", markup=False)
        wide = console.width >= COLUMNS_FOR_A_BAR
        self._bar = Bar(
            *((title, BarColumn(bar_width=20), numbers) if wide else (title, numbers)),
            console=console,
            auto_refresh=False,  # a thread that redraws would take time from training
        )
        self._task = self._bar.add_task(
            self._title or self._render(Message("epoch")),
            total=epochs,
            completed=self._first,
            numbers=f"{self._first}/{epochs}",
        )
        self._bar.start()


_ENDINGS: dict[StopReason, str] = {
    "epochs": "done",
    "patience": "stopped early",
    "time limit": "time limit passed",
    "callback": "stopped by a callback",
}


def _losses(state: EpochState, digits: int, *, best_epoch: bool) -> list[Message]:
    """Return the losses that there are; the epoch of the best one where there is room for it."""
    best = "best {value} in epoch {epoch}" if best_epoch else "best {value}"
    named = [
        ("loss {value}", state.train_loss),
        ("validation {value}", state.validation_loss),
        (best, state.best_loss),
    ]
    return [
        Message(template, {"value": f"{loss:.{digits}g}", "epoch": state.best_epoch})
        for template, loss in named
        if loss is not None
    ]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
