"""The command line: options in, words out; the work is done by `rnnkit.tasks`.

Nothing heavy is imported before a command needs it, so that `--help` and a misspelt column are
answered at once.
"""

from __future__ import annotations

import io
import re
import sys
from typing import Annotated

import typer

from rnnkit import __version__
from rnnkit.cli.diagnosing import diagnose
from rnnkit.cli.endings import BAD_INPUT, FAILED, INTERRUPTED, check_encodable, fail
from rnnkit.cli.forecasting import backtest, demo, forecast
from rnnkit.cli.labels import classify, regress
from rnnkit.cli.language import generate, lm
from rnnkit.cli.runs import encode, evaluate, info, predict
from rnnkit.cli.tagging import tag
from rnnkit.errors import RnnkitError

app = typer.Typer(
    help="Trains, compares and ships recurrent neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # tables cut the names of options on a terminal of 80 columns
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    forecast,
    backtest,
    diagnose,
    classify,
    regress,
    tag,
    lm,
    demo,
    predict,
    evaluate,
    encode,
    generate,
    info,
):
    app.command()(command)


def main() -> None:
    """Run the command line; what goes wrong ends in one line and a status that is not 0."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal of few letters shows "?" for a letter it lacks, rather than an error.
            stream.reconfigure(errors="replace")
    try:
        check_encodable(sys.argv[1:])
        status = app(standalone_mode=False)
    except RnnkitError as error:
        fail(str(error), BAD_INPUT)
    except typer.TyperException as error:
        fail(f"{error.format_message()} (rnnkit --help lists what there is)", BAD_INPUT)
    except BrokenPipeError:
        # The reader of our output has gone (`rnnkit predict RUN | head`): nothing is left to say.
        sys.stdout = None
        sys.exit(FAILED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}", FAILED)
    except (MemoryError, RuntimeError) as error:
        if not _is_lack_of_memory(error):
            raise
        fail(_lack_of_memory(error), FAILED)
    if status == INTERRUPTED:  # what typer makes of Ctrl-C
        fail("interrupted", INTERRUPTED)
    sys.exit(status)


def _is_lack_of_memory(error: MemoryError | RuntimeError) -> bool:
    """Tell whether an error says that memory could not be had; torch has none of its own for it."""
    return isinstance(error, MemoryError) or bool(
        re.search("can't allocate memory|out of memory", str(error))
    )


def _lack_of_memory(error: MemoryError | RuntimeError) -> str:
    asked = re.search(r"allocate (\d+) bytes", str(error))
    size = f" ({int(asked[1]) / 1e9:,.1f} GB more were asked for)" if asked else ""
    return (
        f"there is not enough memory for this{size}: give smaller sizes, such as of the network or"
        " of a batch, or fewer data"
    )


def _print_version(asked: bool) -> None:
    if asked:
        print(f"rnnkit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass
