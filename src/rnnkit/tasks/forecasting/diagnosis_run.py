"""A diagnosis from data to folder: what the command `diagnose` does."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rnnkit import __version__
from rnnkit.data.assemble import read_panel, season_of
from rnnkit.data.columns import Columns
from rnnkit.data.panel import Panel
from rnnkit.data.season import find_season
from rnnkit.errors import ConfigError
from rnnkit.messages import Message
from rnnkit.report.diagnosis_page import DiagnosisReport, Finding, diagnosis_page
from rnnkit.report.language import Language
from rnnkit.tasks.forecasting.diagnosis import Diagnosed, diagnose_panel, draw, findings
from rnnkit.training.json_file import finite, json_text

REPORT, JSON = "report.html", "diagnosis.json"
_PICTURES = ("decomposition", "residuals")


@dataclass(frozen=True, eq=False)
class DiagnosisRun:
    """What `run_diagnosis` found and wrote.

    Args:
        panel: the data.
        season: rows in a season.
        diagnosed: a diagnosis each.
        notes: what was not diagnosed, and how the season was found.
        folder: that holds the files.
        files: their names.
    """

    panel: Panel
    season: int
    diagnosed: tuple[Diagnosed, ...]
    notes: tuple[Message, ...]
    folder: Path
    files: tuple[str, ...]


def run_diagnosis(
    source: str | Path | pd.DataFrame,
    *,
    columns: Columns,
    season: int | None = None,
    out: Path | None = None,
    command: str = "",
    language: Language = "en",
) -> DiagnosisRun:
    """Read, diagnose and write a folder with report, pictures and JSON, whole or not at all.

    Args:
        source: the data.
        columns: what its columns are.
        season: rows in a season; by default that of the times' step, without times that found.
        out: the folder; by default `runs/NAME-diagnosis`.
        command: the command line, for the report.
        language: of the report and the pictures.

    Raises:
        ConfigError: if the season is below 1, or the folder cannot be written or holds other files.
        DataError: if the data cannot be read or diagnosed.
        MissingExtraError: if statsmodels is not installed.
    """
    if season is not None and season < 1:
        raise ConfigError(f"the season must be at least 1 row (1 for none), got {season}")
    panel = read_panel(source, columns)
    out = out or Path("runs") / f"{panel.name or 'data'}-diagnosis"
    _check_replaceable(out)
    notes: list[Message] = []
    if season is None:
        season, notes = _find_season(panel, columns)
    diagnosed, left_out = diagnose_panel(panel, season)
    notes += left_out
    files: dict[str, bytes] = {}
    found: list[Finding] = []
    for number, each in enumerate(diagnosed, 1):
        pictures = draw(each, language)
        ending = f"-{number}" if len(diagnosed) > 1 else ""
        files |= {f"{name}{ending}.png": png for name, png in pictures.items()}
        if len(diagnosed) > 1:
            found.append(Finding(each.label, [each.diagnosis.headline]))
        found += findings(each, pictures)
    page = DiagnosisReport(
        title=Message(
            "Diagnosis of {targets} ({name})",
            {"targets": ", ".join(each.label for each in diagnosed), "name": panel.name},
        ),
        verdict=diagnosed[0].diagnosis.headline if len(diagnosed) == 1 else "",
        findings=found,
        command=command,
        version=__version__,
        notes=[*panel.notes, *notes],
        facts=[
            (Message("Series"), str(len(panel.ids))),
            (Message("Rows in a season"), f"{season:,}"),
        ],
        language=language,
    )
    files[REPORT] = diagnosis_page(page).encode()
    files[JSON] = json_text(finite(_to_json(panel, season, diagnosed, notes))).encode()
    _write_folder(out, files)
    return DiagnosisRun(panel, season, tuple(diagnosed), tuple(notes), out, tuple(sorted(files)))


def _find_season(panel: Panel, columns: Columns) -> tuple[int, list[Message]]:
    season = season_of(columns, panel)
    if season > 1 or panel.clock is not None:
        return season, []
    values = [
        panel.values[panel.known_rows(s), k]
        for s in range(len(panel.ids))
        for k in range(len(panel.targets))
    ]
    season, why = find_season(values, longest=max(1, panel.last_tick // 3))
    return season, [Message("Without times: {why}.", {"why": why})]


def _to_json(
    panel: Panel, season: int, diagnosed: Sequence[Diagnosed], notes: Sequence[Message]
) -> dict[str, Any]:
    return {
        "name": panel.name,
        "season": season,
        "notes": [message.to_json() for message in (*panel.notes, *notes)],
        "diagnoses": [
            {"series": each.series, "target": each.target, **each.diagnosis.to_json()}
            for each in diagnosed
        ],
    }


def _check_replaceable(out: Path) -> None:
    """Refuse a folder that holds anything but an older diagnosis."""
    if out.name in ("", ".."):
        raise ConfigError(f"{str(out)!r} is no name for a diagnosis: give it a folder of its own")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file, and a diagnosis is a folder: choose another name")
    names = [entry.name for entry in out.iterdir()] if out.is_dir() else []
    if names and (JSON not in names or not all(map(_is_own, names))):
        raise ConfigError(
            f"{out} holds files that are not of a diagnosis: choose another name, or move it away"
        )


def _is_own(name: str) -> bool:
    return name in (REPORT, JSON) or (name.endswith(".png") and name.startswith(_PICTURES))


def _write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Write the files beside `out` and give the folder its name when all are there."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as place:
            new, old = Path(place, "new"), Path(place, "old")
            new.mkdir()
            for name, content in files.items():
                (new / name).write_bytes(content)
            _check_replaceable(out)
            if out.exists():
                out.replace(old)
            try:
                new.replace(out)
            except OSError:
                if old.exists():
                    old.replace(out)
                raise
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror or error}") from None
