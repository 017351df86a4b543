"""How a command ends: its status, and the one line that says why."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import typer

from rnnkit.errors import ConfigError

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130


# What moves a terminal's cursor, colours it or turns the order of letters about.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""Return a text whose control characters, which data may hold, are escaped.

    Example:
        >>> print(visible("a\x1b[31mb"))
        a\x1b[31mb
    """
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)


def say(line: str) -> None:
    """Print a line about data on the screen."""
    print(visible(line))


def fail(message: str, status: int) -> NoReturn:
    """Say on one line what went wrong, and end with `status`."""
    print(f"error: {visible(' '.join(message.split()))}", file=sys.stderr)
    sys.exit(status)


def check_encodable(arguments: Iterable[str]) -> None:
    """Refuse what was typed if it cannot be written: texts and names go into runs and reports.

    Raises:
        ConfigError: if an argument holds a byte that is not UTF-8.
    """
    for argument in arguments:
        if re.search("[\ud800-\udfff]", argument):
            raise ConfigError(
                f"the argument {argument!r:.60} holds a byte that is not UTF-8: give it as UTF-8"
                " text, or rename the file"
            )


def write_or_print(text: str, out: Path | None) -> None:
    """Write `text` to the file `out`, or print it where there is none.

    Raises:
        ConfigError: if the file cannot be written, or is part of a run.
    """
    if out is None:
        typer.echo(text.encode(), nl=False)  # bytes: data are UTF-8, whatever the terminal is
        return
    write_bytes_to(text.encode(), out)


def write_bytes_to(data: bytes, out: Path) -> None:
    """Write a file whole or not at all.

    Raises:
        ConfigError: if the file cannot be written, or is part of a run.
    """
    from rnnkit.training.run_folder import is_part_of_run
    from rnnkit.training.tensor_file import write_bytes

    try:
        if not out.name or out.is_dir():
            raise ConfigError(f"{str(out)!r} names a folder: give a file to write to")
        if is_part_of_run(out):
            raise ConfigError(f"{out} is part of a run, which would be lost: give another file")
        write_bytes(out, data)
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}") from None
