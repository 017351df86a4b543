"""Backtest: forecasts from several origins in the past, each scored on the rows that followed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnnkit import __version__
from rnnkit.data.assemble import season_of
from rnnkit.data.columns import Columns
from rnnkit.data.panel import FloatArray, Panel
from rnnkit.data.split import Split
from rnnkit.errors import ConfigError, DataError
from rnnkit.messages import Message
from rnnkit.metrics import mase, rmse
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.evaluation import evaluate_fit, yardsticks
from rnnkit.tasks.forecasting.fitting import Fit, fit_pipeline
from rnnkit.tasks.forecasting.planning import plan_fit
from rnnkit.tasks.forecasting.reading import fingerprint
from rnnkit.tasks.forecasting.scoring import Evaluation, Intervals, Yardsticks, evaluate
from rnnkit.training import Progress
from rnnkit.training.run_folder import RunWriter
from rnnkit.training.tensor_file import read_tensors, write_tensors


@dataclass(frozen=True, eq=False)
class Fold:
    """One origin of a backtest.

    Args:
        first: the first tick that is forecast.
        end: the tick after the last.
        known: rows before it, of all series together.
        evaluation: of the forecasts whose rows lie between.
        yardsticks: what their errors are measured against, from the rows before.
    """

    first: int
    end: int
    known: int
    evaluation: Evaluation
    yardsticks: Yardsticks


@dataclass(frozen=True, eq=False)
class Backtest:
    """All origins of a backtest.

    Args:
        panel: the data.
        config: the options.
        refit: whether the networks were trained anew at every origin.
        folds: in the order of time.
        evaluation: of all forecasts together.
    """

    panel: Panel
    config: ForecastConfig
    refit: bool
    folds: tuple[Fold, ...]
    evaluation: Evaluation

    def by_fold(self) -> dict[str, FloatArray]:
        """Return the ranking metric of each fold, `(F,)`, by name of model or baseline."""
        metric = self.evaluation.metric
        return {
            name: np.array(
                [
                    fold.evaluation.scores.get(name, {}).get(metric, float("nan"))
                    for fold in self.folds
                ]
            )
            for name in self.evaluation.scores
        }

    def by_step(self) -> dict[str, FloatArray]:
        """Return the ranking metric so many steps ahead, `(H,)`, by the same names."""
        scales = np.concatenate([f.yardsticks.naive[f.evaluation.series] for f in self.folds])
        actual = self.evaluation.actual

        def error(forecast: FloatArray, step: int) -> float:
            pair = actual[:, step], forecast[:, step]
            return rmse(*pair) if self.evaluation.metric == "rmse" else mase(*pair, scales)

        return {
            name: np.array([error(forecast, step) for step in range(actual.shape[1])])
            for name, forecast in self.evaluation.forecasts.items()
        }


def fold_borders(
    panel: Panel, config: ForecastConfig, *, folds: int, size: int | None
) -> list[tuple[int, int]]:
    """Return the ticks `(first, end)` of each fold: the last ones of the data.

    Args:
        panel: the data.
        config: the options.
        folds: how many.
        size: rows of a fold; by default the horizon.

    Raises:
        ConfigError: if there is no fold, or one is shorter than a forecast.
        DataError: if the data are too short for so many.
    """
    size = config.horizon if size is None else size
    if folds < 1:
        raise ConfigError(f"folds must be at least 1, got {folds}")
    if size < config.horizon:
        raise ConfigError(
            f"a fold must have at least the horizon of {config.horizon} rows, got {size}: one"
            " forecast needs them to be scored on"
        )
    last = panel.last_tick
    if folds * size >= last:
        raise DataError(
            f"{folds} folds of {size} rows are {folds * size} rows, and the data have {last}: ask"
            " for fewer or smaller folds"
        )
    return [(last - (folds - n) * size, last - (folds - n - 1) * size) for n in range(folds)]


def check_backtest(
    panel: Panel, columns: Columns, config: ForecastConfig, *, folds: int, size: int | None
) -> None:
    """Raise what `run_backtest` would, before anything is trained or thrown away."""
    borders = fold_borders(panel, config, folds=folds, size=size)
    size = config.horizon if size is None else size
    for number, (tick, end) in enumerate(borders, start=1):
        part = panel.before(end)
        split = Split(known=tick, rows=end, blocks=(), reach=0, horizon=config.horizon)
        if not len(split.test_origins(part, config.stride)):
            raise DataError(
                f"no series of {panel.name} has a value to score a forecast on in fold {number} of"
                f" {folds}, rows {tick + 1} to {end}: ask for fewer or larger folds, or for data"
                " with values there"
            )
    start = panel.before(borders[0][1])
    first = replace(config, test_size=size, train_size=None)
    plan_fit(start, first, season_of(columns, start))


def run_backtest(
    panel: Panel,
    columns: Columns,
    config: ForecastConfig,
    *,
    folds: int,
    size: int | None,
    refit: bool,
    writer: RunWriter,
    resume: bool = False,
    progress: Progress | None = None,
    announce: Callable[[int, Fold], None] | None = None,
) -> Backtest:
    """Forecast from `folds` origins, and score each on the rows that follow.

    The work of a fold is kept once it is done, and its networks while they train, so that an
    interrupted backtest goes on where it was.

    Args:
        panel: the data.
        columns: how they were read.
        config: the options; sizes of train and test part are the fold's own.
        folds: origins, at least 1.
        size: rows of a fold; by default the horizon, so that each has one forecast a series.
        refit: train anew at every origin, rather than at the first alone.
        writer: of the run folder, entered.
        resume: go on with what the writer's folder holds.
        progress: shows the epochs.
        announce: called with the number of each fold, from 1, and what it gave.

    Raises:
        DataError: if the data are too short.
        TrainingError: if a training diverges.
    """
    borders = fold_borders(panel, config, folds=folds, size=size)
    size = config.horizon if size is None else size
    config = replace(config, test_size=size, train_size=None)
    done: list[Fold] = []
    fit: Fit | None = None
    start = panel.before(borders[0][1])
    for number, (first, end) in enumerate(borders):
        place = writer.checkpoints / f"fold-{number}"
        part = panel.before(end)
        kept = place.with_suffix(".safetensors")
        if resume and kept.exists():
            fold = _read_fold(kept, config)
        else:
            if fit is None or refit:
                # Without a refit the networks are those of the first fold, also after a resumption.
                if refit:
                    start = part
                else:
                    place = writer.checkpoints / "fold-0"
                place.mkdir(parents=True, exist_ok=True)
                fit = fit_pipeline(
                    plan_fit(start, config, season_of(columns, start)),
                    config,
                    checkpoints=place,
                    resume=resume,
                    progress=progress,
                )
            evaluation = evaluate_fit(
                fit, start, part, first=first, end=end, cell=config.cell, stride=config.stride
            )
            fold = _fold(panel, part, first, end, evaluation, yardsticks(fit, start, part, first))
            _write_fold(kept, fold)
        done.append(fold)
        if announce is not None:
            announce(number + 1, fold)
    return Backtest(panel, config, refit, tuple(done), _joined(done, panel, config))


def _fold(
    panel: Panel, part: Panel, first: int, end: int, evaluation: Evaluation, measures: Yardsticks
) -> Fold:
    """Return a fold whose series are numbered as in the whole panel: `part` may lack some."""
    place = np.array([panel.ids.index(name) for name in part.ids])
    wide = {
        field.name: np.zeros((len(panel.ids), len(panel.targets)))
        for field in dataclasses.fields(Yardsticks)
    }
    for name, array in wide.items():
        array[place] = getattr(measures, name)
    return Fold(
        first,
        end,
        int(part.before(first).known.sum()),
        replace(evaluation, series=place[evaluation.series]),
        Yardsticks(**wide),
    )


def settings(
    panel: Panel,
    columns: Columns,
    config: ForecastConfig,
    *,
    folds: int,
    size: int | None,
    refit: bool,
) -> dict[str, Any]:
    """Return what must be equal for an interrupted backtest to go on."""
    return {
        "task": "backtest",
        "options": config.to_json(),
        "folds": folds,
        "size": size,
        "refit": refit,
        "data": {"columns": columns.to_json(), "sha256": fingerprint(panel)},
    }


def metrics_json(backtest: Backtest, seconds: float) -> dict[str, Any]:
    """Return the content of `metrics.json`."""
    evaluation = backtest.evaluation
    return {
        "task": "backtest",
        "test": evaluation.to_json(),
        "folds": [
            {"known": fold.known, "first": fold.first, "end": fold.end, **fold.evaluation.to_json()}
            for fold in backtest.folds
        ],
        "verdict": str(evaluation.verdict),
        "warning": str(evaluation.warning or ""),
        "seconds": round(seconds, 3),
    }


def save_backtest(writer: RunWriter, backtest: Backtest, columns: Columns) -> None:
    """Write what was forecast: `config.json` and `model.safetensors`, which hold no network."""
    evaluation = backtest.evaluation
    config = {
        "task": "backtest",
        "rnnkit": __version__,
        "options": backtest.config.to_json(),
        "columns": columns.to_json(),
        "refit": backtest.refit,
        "folds": [[fold.first, fold.end] for fold in backtest.folds],
        "forecasts": list(evaluation.forecasts),
    }
    writer.write_model(config, {n: torch.from_numpy(a) for n, a in _arrays(evaluation).items()})


def _arrays(evaluation: Evaluation) -> dict[str, Any]:
    arrays = {
        "origins": evaluation.origins,
        "series": evaluation.series,
        "actual": evaluation.actual,
        "last": evaluation.last,
    }
    for number, forecast in enumerate(evaluation.forecasts.values()):
        arrays[f"forecast.{number}"] = forecast
    if evaluation.intervals is not None:
        arrays["lower"], arrays["upper"] = evaluation.intervals.lower, evaluation.intervals.upper
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _write_fold(path: Path, fold: Fold) -> None:
    evaluation = fold.evaluation
    arrays = _arrays(evaluation)
    arrays |= {f"yardsticks.{name}": array for name, array in vars(fold.yardsticks).items()}
    about = {
        "first": fold.first,
        "end": fold.end,
        "known": fold.known,
        "forecasts": list(evaluation.forecasts),
        "skipped": {name: reason.to_json() for name, reason in evaluation.skipped.items()},
        "targets": list(evaluation.targets),
        "notes": {
            name: [note.to_json() for note in notes] for name, notes in evaluation.notes.items()
        },
    }
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    write_tensors(path, tensors, {"fold": json.dumps(about)})


def _read_fold(path: Path, config: ForecastConfig) -> Fold:
    tensors, metadata = read_tensors(path)
    about = json.loads(metadata["fold"])
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    measures = Yardsticks(
        **{f.name: arrays[f"yardsticks.{f.name}"] for f in dataclasses.fields(Yardsticks)}
    )
    intervals = None
    if "lower" in arrays:
        intervals = Intervals(config.levels, arrays["lower"], arrays["upper"])
    evaluation = evaluate(
        actual=arrays["actual"],
        origins=arrays["origins"],
        series=arrays["series"],
        last=arrays["last"],
        forecasts={name: arrays[f"forecast.{n}"] for n, name in enumerate(about["forecasts"])},
        intervals=intervals,
        skipped={name: Message.from_json(plain) for name, plain in about["skipped"].items()},
        notes={name: tuple(map(Message.from_json, n)) for name, n in about["notes"].items()},
        targets=about["targets"],
        yardsticks=measures,
        cell=config.cell,
    )
    return Fold(about["first"], about["end"], about["known"], evaluation, measures)


def _joined(folds: Sequence[Fold], panel: Panel, config: ForecastConfig) -> Evaluation:
    """Return the evaluation of all forecasts, each measured by the yardsticks of its own fold."""
    first = folds[0].evaluation
    names = [n for n in first.forecasts if all(n in f.evaluation.forecasts for f in folds)]
    skipped: dict[str, Message] = {}
    for fold in folds:
        skipped |= fold.evaluation.skipped
        skipped |= {
            name: Message("could not be made at every origin")
            for name in fold.evaluation.forecasts
            if name not in names and name not in fold.evaluation.skipped
        }
    series = np.concatenate([fold.evaluation.series for fold in folds])
    numbers = np.repeat(np.arange(len(folds)), [len(f.evaluation.series) for f in folds])
    measures = Yardsticks(
        **{
            field.name: np.concatenate([getattr(fold.yardsticks, field.name) for fold in folds])
            for field in dataclasses.fields(Yardsticks)
        }
    )
    intervals = None
    if first.intervals is not None:
        sides = [
            np.concatenate([getattr(f.evaluation.intervals, side) for f in folds], axis=1)
            for side in ("lower", "upper")
        ]
        intervals = Intervals(first.intervals.levels, *sides)

    def join(part: Callable[[Evaluation], FloatArray]) -> FloatArray:
        return np.concatenate([part(fold.evaluation) for fold in folds])

    forecasts = {
        name: np.concatenate([fold.evaluation.forecasts[name] for fold in folds]) for name in names
    }
    return evaluate(
        actual=join(lambda e: e.actual),
        origins=np.concatenate([fold.evaluation.origins for fold in folds]),
        series=series,
        last=join(lambda e: e.last),
        forecasts=forecasts,
        intervals=intervals,
        skipped=skipped,
        notes={},
        targets=panel.targets,
        yardsticks=measures,
        cell=config.cell,
        measured=series + numbers * len(panel.ids),
    )
