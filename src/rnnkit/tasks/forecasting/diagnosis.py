"""The diagnoses of a panel: numbers, pictures and sentences, and a section of a report."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnnkit.data.panel import Panel
from rnnkit.diagnosis import Diagnosis, diagnose
from rnnkit.diagnosis.contract import spoken_p
from rnnkit.diagnosis.stationarity import series_name
from rnnkit.errors import DataError, MissingExtraError
from rnnkit.messages import Message
from rnnkit.report.diagnosis_page import Finding
from rnnkit.report.diagnosis_plots import (
    ErrorsPicture,
    PartsPicture,
    Remark,
    Test,
    errors_plot,
    parts_plot,
)
from rnnkit.report.drawing import Axis, save
from rnnkit.report.language import Language
from rnnkit.report.markup import Picture, Table, Text
from rnnkit.tasks.forecasting.evaluation import local_times

MOST = 6  # series and targets that are diagnosed
_PANELS: dict[str, Test] = {  # of the picture of the errors, by test
    "threshold test": "linearity",
    "ARCH LM": "clusters",
    "Breusch–Pagan": "level",
    "Ljung–Box": "independence",
    "Jarque–Bera": "normality",
}
_HOLDS = {True: Message("yes"), False: Message("no"), None: Message("left out")}


@dataclass(frozen=True, eq=False)
class Diagnosed:
    """The diagnosis of one target of one series.

    Args:
        label: what it is called.
        series: the name of the series; `""` where there is one without a name.
        target: the name of the column.
        axis: `(N,)` the times of its rows, or their numbers from 1.
        time_name: of the time column; `""` without times.
        diagnosis: of its values.
    """

    label: str
    series: str
    target: str
    axis: Axis
    time_name: str
    diagnosis: Diagnosis


def diagnose_panel(
    panel: Panel, season: int, *, series: Sequence[int] | None = None, target: int | None = None
) -> tuple[list[Diagnosed], list[Message]]:
    """Diagnose the targets of one series, or of many series the first six.

    Args:
        panel: the data; rows of the future are left out.
        season: rows in a season; 1 for none.
        series: the numbers of those to diagnose; by default all.
        target: the number of the one to diagnose; by default all.

    Returns:
        The diagnoses, and what was left out and why.

    Raises:
        DataError: if none can be diagnosed, such as for too few rows.
        MissingExtraError: if statsmodels is not installed.
    """
    targets = range(len(panel.targets)) if target is None else [target]
    wanted = [
        (s, k) for s in (range(len(panel.ids)) if series is None else series) for k in targets
    ]
    notes = []
    if len(wanted) > MOST:
        notes.append(
            Message(
                "Diagnosed: the first {count} of {all:,} series and targets.",
                {"count": MOST, "all": len(wanted)},
            )
        )
    found: list[Diagnosed] = []
    first_error: DataError | None = None
    for s, k in wanted[:MOST]:
        try:
            found.append(_diagnose(panel, s, k, season))
        except DataError as error:
            first_error = first_error or error
            notes.append(Message("Not diagnosed: {reason}.", {"reason": str(error)}))
    if not found and first_error is not None:
        raise first_error
    return found, notes


def _diagnose(panel: Panel, s: int, k: int, season: int) -> Diagnosed:
    target, series = panel.targets[k], panel.ids[s]
    label = target
    if not panel.is_single:
        label = f"{series}: {target}" if len(panel.targets) > 1 else series
    known = panel.known_rows(s)
    if panel.times is None:
        axis: Axis = np.arange(1, known.stop - known.start + 1)
    else:
        axis = np.asarray(local_times(panel, np.arange(known.start, known.stop)))
    return Diagnosed(
        label=label,
        series=series,
        target=target,
        axis=axis,
        time_name="" if panel.clock is None else " ".join(panel.clock.names),
        diagnosis=diagnose(np.array(panel.values[known, k]), season=season, name=label),
    )


def draw(diagnosed: Diagnosed, language: Language = "en") -> dict[str, bytes]:
    """Return the PNG files of a diagnosis, `decomposition` and `residuals`, as far as it has them.

    The errors of a model that makes none are not drawn.
    """
    diagnosis, linear = diagnosed.diagnosis, diagnosed.diagnosis.linear
    figures = {}
    parts = diagnosis.decomposition
    if parts is not None:
        figures["decomposition"] = parts_plot(
            PartsPicture(
                times=diagnosed.axis[parts.first : parts.first + len(parts.observed)],
                observed=parts.observed,
                trend=parts.trend,
                season=parts.seasonal if parts.season > 1 else None,
                cycle=parts.cycle,
                remainder=parts.remainder,
                season_rows=parts.season,
                log=parts.log,
                time_name=diagnosed.time_name,
                title=Message("What {name} is made of", _name(diagnosed)),
                lines=_about_parts(diagnosis),
                language=language,
            )
        )
    if linear is not None and not linear.exact:
        errors = linear.errors
        title = Message(
            "{name}: the errors of {model} one row ahead",
            {"name": diagnosed.label, "model": linear.best.orders.name},
        )
        figures["residuals"] = errors_plot(
            ErrorsPicture(
                times=diagnosed.axis[errors.first : errors.first + len(errors.values)],
                errors=errors.values,
                fitted=errors.fitted,
                lagged=errors.lagged,
                delay=errors.delay,
                threshold=errors.threshold,
                season_rows=diagnosis.season,
                log=diagnosis.log,
                time_name=diagnosed.time_name,
                title=title,
                lines=[diagnosis.headline],
                remarks={
                    _PANELS[test.test]: Remark(test.holds, test.sentence)
                    for test in linear.assumptions
                    if test.of_errors
                },
                language=language,
            )
        )
    files = {}
    for name, figure in figures.items():
        file = io.BytesIO()
        save(figure, file)
        files[name] = file.getvalue()
    return files


def findings(diagnosed: Diagnosed, pictures: Mapping[str, bytes]) -> list[Finding]:
    """Return what was found, under a heading each; last, what it means.

    Args:
        diagnosed: the diagnosis.
        pictures: its PNG files by name, as from `draw`.
    """
    diagnosis, linear = diagnosed.diagnosis, diagnosed.diagnosis.linear
    found = [
        Finding(
            Message("Decomposition"),
            [*diagnosis.notes, *_about_parts(diagnosis)],
            _picture(pictures, "decomposition", Message("Parts of {name}", _name(diagnosed))),
        )
    ]
    if linear is not None:
        found += [
            Finding(
                Message("Stationarity"),
                linear.stationarity.sentences,
                table=_stationarity_table(diagnosis),
            ),
            Finding(
                Message("Linear models"), diagnosis.findings[-1:], table=_model_table(diagnosis)
            ),
        ]
    if linear is not None and linear.assumptions:
        found.append(
            Finding(
                Message("Assumptions of the linear model"),
                [assumption.sentence for assumption in linear.assumptions],
                _picture(pictures, "residuals", Message("Errors of {name}", _name(diagnosed))),
                assumption_table(diagnosis),
            )
        )
    if diagnosis.advice:
        found.append(Finding(Message("What it means"), diagnosis.advice))
    return found


def _about_parts(diagnosis: Diagnosis) -> Sequence[Message]:
    # With models, the last sentence is about them.
    return diagnosis.findings if diagnosis.linear is None else diagnosis.findings[:-1]


def _name(diagnosed: Diagnosed) -> dict[str, str]:
    return {"name": diagnosed.label}


def _picture(pictures: Mapping[str, bytes], name: str, text: Message) -> Picture | None:
    return Picture(pictures[name], text) if name in pictures else None


def assumption_table(diagnosis: Diagnosis) -> Table:
    """Return the tests of the assumptions: test, statistic, p-value, whether it holds."""
    tests = () if diagnosis.linear is None else diagnosis.linear.assumptions
    rows = [
        (Message(t.name), Message(t.test), _number(t.statistic), _p(t.p_value), _HOLDS[t.holds])
        for t in tests
    ]
    head = [
        Message("assumption"),
        Message("tested by"),
        Message("statistic"),
        Message("p-value"),
        Message("holds"),
    ]
    return Table(head, rows, numbers=(2, 3))


def _stationarity_table(diagnosis: Diagnosis) -> Table:
    tests = () if diagnosis.linear is None else diagnosis.linear.stationarity.tests
    rows = [
        (
            series_name(test.d, test.D),
            f"{test.adf:.2f}",
            _p(test.adf_p),
            f"{test.kpss:.2f}",
            # KPSS has tables from 0.01 to 0.1 alone.
            {0.01: "≤ 0.01", 0.1: "≥ 0.1"}.get(round(test.kpss_p, 6), _p(test.kpss_p)),
            _HOLDS[test.holds],
        )
        for test in tests
    ]
    head: list[Text] = [Message("series"), "ADF", "p", "KPSS", "p", Message("stationary")]
    return Table(head, rows, numbers=(1, 2, 3, 4))


def _model_table(diagnosis: Diagnosis) -> Table:
    linear = diagnosis.linear
    models = () if linear is None else linear.models
    rows = [
        (
            model.orders.name,
            str(model.parameters),
            f"{model.sigma(len(model.residuals)):.4g}",
            f"{model.explained:.1%}",
        )
        for model in models
    ]
    marked = [n for n, model in enumerate(models) if linear is not None and model is linear.best]
    head = [
        Message("model"),
        Message("coefficients"),
        Message("error one row ahead"),
        Message("explained after differences"),
    ]
    return Table(head, rows, numbers=(1, 2, 3), marked=marked)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _p(value: float | None) -> str:
    return "–" if value is None else spoken_p(value).removeprefix("= ")


def diagnosis_section(panel: Panel, known: int, season: int, language: Language) -> list[Finding]:
    """Return the section of a forecast's report: the first series and target before the test part.

    Where statsmodels is missing or the rows are too few, a sentence says so instead.

    Args:
        panel: the data.
        known: the tick that the test part begins at.
        season: rows in a season; 1 for none.
        language: of the pictures.
    """
    begun = np.flatnonzero((panel.ticks < known) & (panel.known > 0))
    heading = Message("Before the test part")
    if not len(begun):
        return []
    try:
        before = panel.take([int(begun[0])]).before(known)
        (diagnosed,), _ = diagnose_panel(before, season, target=0)
    except (DataError, MissingExtraError) as error:
        reason = Message("The diagnosis is left out: {reason}.", {"reason": str(error)})
        return [Finding(heading, [reason])]
    about = Message(
        "Diagnosed: {name}, {rows:,} rows before the test part.",
        {"name": diagnosed.label, "rows": diagnosed.diagnosis.rows},
    )
    return [
        Finding(heading, [about, diagnosed.diagnosis.headline]),
        *findings(diagnosed, draw(diagnosed, language)),
    ]
