"""What all commands that train have in common: the run folder, and how an interruption ends."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rnnkit.cli.endings import FAILED, INTERRUPTED, fail, say
from rnnkit.cli.options import Config, Language, Out, Quiet, Resume, check_language

_DISCARDED = "An interrupted training was found and is started over; --resume goes on with one."


@dataclass(frozen=True)
class Training:
    """What every command that trains is asked beside its data and its options.

    Args:
        out: the run folder; `None` for the command's own.
        config: a file of options.
        language: of screen, report and pictures.
        resume: go on after an interruption.
        quiet: print nothing but errors.

    Raises:
        ConfigError: if there is no such language.
    """

    out: Out = None
    config: Config = None
    language: Language = "en"
    resume: Resume = False
    quiet: Quiet = False

    def __post_init__(self) -> None:
        check_language(self.language)

    def run(
        self,
        train: Callable[..., Any],
        *,
        folder: Path,
        files: tuple[str, ...],
        read: Callable[[Any, Any], None],
        done: Callable[[Any, Any], None],
    ) -> None:
        """Train into a run folder, and say what was read, how it went and where the files are.

        Args:
            train: `run_forecast` or its like, with all that is this command's own.
            folder: the run folder where none was named.
            files: of the run folder, to be named where they are there.
            read: says what was read, in a language, before the training.
            done: says how what `train` returned has turned out, in a language.
        """
        folder = self.out or folder
        language: Any = self.language
        from rnnkit.messages import Message
        from rnnkit.report.language import render
        from rnnkit.training import Progress

        def announce(data: Any, discarded: bool) -> None:
            if not self.quiet:
                if discarded:
                    say(render(Message(_DISCARDED), language))
                read(data, language)

        try:
            trained = train(
                out=folder,
                resume=self.resume,
                progress=Progress(quiet=self.quiet, render=partial(render, language=language)),
                command=command_line(),
                language=language,
                announce=announce,
            )
        except (KeyboardInterrupt, OSError) as error:
            self._say_how_to_go_on(folder, error)
            raise
        if not self.quiet:
            done(trained, language)
            say_folder(folder, files, language)

    def _say_how_to_go_on(self, folder: Path, error: KeyboardInterrupt | OSError) -> None:
        """End the command, if something of the work that ended early is kept."""
        from rnnkit.training.run_folder import partial_folder

        if not partial_folder(folder).exists():
            return
        if isinstance(error, KeyboardInterrupt):
            again = command_line() if self.resume else f"{command_line()} --resume"
            fail(f"interrupted; nothing is lost, go on with: {again}", INTERRUPTED)
        fail(f"{error.strerror or error}; what was trained is kept, --resume goes on", FAILED)


def command_line() -> str:
    """Return the command line that runs, as it could be typed."""
    return shlex.join(["rnnkit", *sys.argv[1:]])


def default_folder(data: Path) -> Path:
    """Return the run folder of data where none was named."""
    from rnnkit.data.files import table_name

    return Path("runs") / (table_name(data) or "data")


def say_folder(out: Path, names: tuple[str, ...], language: Any) -> None:
    """Say where the run folder is, and which of the files `names` it has."""
    from rnnkit.messages import Message
    from rnnkit.report.language import render

    files = ", ".join(name for name in names if (out / name).exists())
    said = Message("Run folder: {out} ({files})", {"out": str(out), "files": files})
    say(render(said, language))
