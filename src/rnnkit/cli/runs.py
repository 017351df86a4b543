"""The commands that use a finished run, whatever its task; and `info`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.endings import write_bytes_to, write_or_print
from rnnkit.cli.options import Language, Quiet, RunFolder, check_language
from rnnkit.errors import ConfigError


def predict(
    run: RunFolder,
    data: Annotated[
        str | None,
        typer.Argument(
            help="New data, as the run was trained on, or a text.",
            metavar="[DATA|TEXT]",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file to write (default: print).")] = None,
) -> None:
    """Predict with a run: what follows its data, or what new data or a text are."""
    from rnnkit.tasks import load

    model = load(run)
    write_or_print(model.predictions_csv(None if data is None else _source(model, data)), out)


def evaluate(
    run: RunFolder,
    data: Annotated[Path, typer.Argument(help="Data with what is true of them.", metavar="DATA")],
    out: Annotated[Path | None, typer.Option(help="JSON file to write the scores to.")] = None,
    language: Language = "en",
    quiet: Quiet = False,
) -> None:
    """Score a run on data that it was not fitted on, beside the baselines."""
    from rnnkit.tasks import load

    words = check_language(language)
    model = load(run)
    evaluation = model.scored(data)
    if out is not None:
        from rnnkit.training.json_file import finite, json_text

        write_or_print(json_text(finite(model.metrics_json(evaluation))), out)
    if not quiet:
        from rnnkit.cli.tables import print_card

        print_card(model.score_card(evaluation), words)


def encode(
    run: RunFolder,
    data: Annotated[
        str, typer.Argument(help="Sequences, as the run was trained on, or a text.", metavar="DATA")
    ],
    out: Annotated[
        Path | None, typer.Option(help=".npz or CSV file to write (default: print CSV).")
    ] = None,
) -> None:
    """Turn each sequence into its vector: the states that the network's answer comes from."""
    from rnnkit.tasks import load

    if out is not None and out.suffix.lower() not in (".npz", ".csv"):
        raise ConfigError(f"{out} must end in .npz or .csv, which says what to write")
    model = load(run)
    if not hasattr(model, "encode"):
        raise ConfigError(f"a run of {model.task} gives no vectors: encode asks for another task")
    vectors = model.encode(_source(model, data))
    if out is not None and out.suffix.lower() == ".npz":
        import io

        import numpy as np

        file = io.BytesIO()
        np.savez_compressed(file, vectors=vectors)
        write_bytes_to(file.getvalue(), out)
        return
    import pandas as pd

    names = [f"v{k}" for k in range(vectors.shape[1])]
    frame = pd.DataFrame(vectors, columns=names)
    write_or_print(frame.to_csv(index=False, lineterminator="\n", float_format="%.8g"), out)


def info() -> None:
    """Say what is installed, and which kernels serve."""
    from rnnkit.report.machine import machine_lines

    for line in machine_lines():
        print(line)


def _source(model: Any, given: str) -> Any:
    """Return what was typed as a path, or as a text where the run reads texts and there is none.

    Raises:
        ConfigError: if there is no such file, and the run does not read texts.
    """
    path = Path(given)
    try:
        exists = bool(given) and path.exists()
    except (OSError, ValueError):  # too long for a name, or with a byte that none can have
        exists = False
    if exists:
        return path
    texts = getattr(model, "text_source", None)
    found = None if texts is None else texts(given)
    if found is None or (path.suffix and " " not in given and path.suffix[1:].isalnum()):
        raise ConfigError(f"there is no file or folder {given!r}: give one that exists")
    return found
