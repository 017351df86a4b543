"""The command that diagnoses a series: `diagnose`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rnnkit.cli.endings import say, visible
from rnnkit.cli.options import (
    DATA,
    Data,
    Language,
    Out,
    Quiet,
    check_language,
    data_columns,
    with_options,
)
from rnnkit.cli.training import command_line, say_folder


@with_options(DATA)
def diagnose(
    data: Data,
    season: Annotated[
        int | None, typer.Option(help="Rows in a season (default: by the times' step).")
    ] = None,
    out: Out = None,
    language: Language = "en",
    quiet: Quiet = False,
    *,
    given: dict[str, Any],
) -> None:
    """Take series apart and test the assumptions of linear models."""
    from rnnkit.data.header import check_table

    words = check_language(language)
    columns = data_columns(given)
    check_table(data, columns)
    from rnnkit.tasks.forecasting.diagnosis_run import run_diagnosis

    run = run_diagnosis(
        data,
        columns=columns,
        season=season,
        out=out,
        command=command_line(),
        language=words,
    )
    if not quiet:
        _print(run, words)


def _print(run: Any, language: Any) -> None:
    """Say what was read and found, and where the files are."""
    from rnnkit.cli.screen import print_panel
    from rnnkit.report.language import render

    print_panel(run.panel, language)
    for note in run.notes:
        say(f"- {render(note, language)}")
    for each in run.diagnosed:
        print()
        _print_diagnosis(each, language)
    print()
    say_folder(run.folder, run.files, language)


def _print_diagnosis(each: Any, language: Any) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text  # names of columns are no markup

    from rnnkit.messages import Message
    from rnnkit.report.language import render
    from rnnkit.tasks.forecasting.diagnosis import assumption_table

    diagnosis = each.diagnosis
    headline = {"name": each.label, "reason": diagnosis.headline}
    say(render(Message("{name}: {reason}", headline), language))
    for sentence in (*diagnosis.notes, *diagnosis.findings):
        say(f"- {render(sentence, language)}")
    linear = diagnosis.linear
    for sentence in () if linear is None else linear.stationarity.sentences:
        say(f"- {render(sentence, language)}")
    rows = assumption_table(diagnosis)
    if rows.rows:
        table = Table()
        for number, heading in enumerate(rows.head):
            justify: Any = "right" if number in rows.numbers else "left"
            table.add_column(render(heading, language), justify=justify)
        for row in rows.rows:
            table.add_row(*(Text(visible(render(cell, language))) for cell in row))
        console = Console()
        if not console.is_terminal:
            console = Console(width=120)  # nobody narrowed it: a file is as wide as its lines
        console.print(table)
    for sentence in diagnosis.advice:
        say(f"> {render(sentence, language)}")
