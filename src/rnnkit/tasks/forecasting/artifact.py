"""A forecaster as a run folder, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit import __version__
from rnnkit.data.calendar import Step
from rnnkit.data.columns import Columns
from rnnkit.data.features import Features
from rnnkit.data.panel import Clock, Covariate, Panel
from rnnkit.data.scaling import ColumnTransform, Levels, SeriesTransform
from rnnkit.data.split import Split
from rnnkit.messages import Message
from rnnkit.models.linear_path import LinearPath
from rnnkit.tasks.forecasting.config import ForecastConfig, Sizes
from rnnkit.tasks.forecasting.evaluation import Fitted
from rnnkit.tasks.forecasting.fitting import Fit, new_network
from rnnkit.tasks.forecasting.intervals import Calibration
from rnnkit.tasks.forecasting.pipeline import Pipeline, input_sizes
from rnnkit.tasks.forecasting.planning import quantiles
from rnnkit.tasks.forecasting.scoring import Evaluation, Intervals
from rnnkit.tasks.forecasting.verdict import WITHOUT
from rnnkit.tasks.scores import MODEL, evaluation_json, evaluation_values
from rnnkit.training import History
from rnnkit.training.run_folder import Run, RunWriter


def save_run(writer: RunWriter, fitted: Fitted, config: ForecastConfig) -> None:
    """Write what `read_forecast` needs: `config.json` and `model.safetensors`."""
    writer.write_model(_config(fitted, config), _tensors(fitted))


def read_forecast(run: Run, device: str = "cpu") -> tuple[ForecastConfig, Fitted]:
    """Return options and fitted forecast of a run, to compute on `device`."""
    seconds = 0.0 if run.metrics is None else float(run.metrics["seconds"])
    return _restore(run.config, run.tensors, device, seconds)


def forecast_csv(forecast: Any) -> str:
    """Return a frame from `Forecaster.predict` as CSV with a header.

    All times are written in one form: dates, or with a clock if any has one.
    """
    if forecast["time"].dtype.kind == "M":
        times: NDArray[np.datetime64] = forecast["time"].to_numpy(dtype="M8[ns]")
        units = ("D", "s", "ns")
        unit = next(unit for unit in units if (times == times.astype(f"M8[{unit}]")).all())
        written = np.char.replace(times.astype(f"M8[{unit}]").astype(str), "T", " ")
        forecast = forecast.assign(time=written)
    text: str = forecast.to_csv(index=False, lineterminator="\n")
    return text


MOST_KEPT = 5_000_000  # values of the data that a run keeps; of more, the last rows of each series


def _kept_panel(fitted: Fitted) -> Panel:
    panel, split = fitted.panel, fitted.fit.split
    if panel.values.size <= MOST_KEPT:
        return panel
    return panel.tail(fitted.fit.pipeline.reach + panel.last_tick - split.known + 500)


def _config(fitted: Fitted, config: ForecastConfig) -> dict[str, Any]:
    panel, fit = fitted.panel, fitted.fit
    pipeline = fit.pipeline
    return {
        "task": "forecast",
        "rnnkit": __version__,
        "options": config.to_json(),
        "columns": fitted.columns.to_json(),
        "panel": {
            "name": panel.name,
            "ids": list(panel.ids),
            "id_name": panel.id_name,
            "targets": list(panel.targets),
            "covariates": [
                {"name": c.name, "role": c.role, "labels": c.labels and list(c.labels)}
                for c in panel.covariates
            ],
            "clock": None
            if panel.clock is None
            else {
                "step": panel.clock.step.to_json(),
                "names": list(panel.clock.names),
                "offset": panel.clock.offset,
                "zone": panel.clock.zone,
            },
            "notes": [note.to_json() for note in panel.notes],
        },
        "sizes": dataclasses.asdict(fit.sizes),
        "split": fit.split.to_json(),
        "windows": fit.windows,
        "season": None if fit.season is None else fit.season.to_json(),
        "transform": [column.to_json() for column in pipeline.transform.columns],
        "typical": pipeline.typical.tolist(),
        "features": pipeline.features.to_json(),
        "linear": None if pipeline.linear is None else pipeline.linear.to_json(),
        "ridge": None if fit.ridge is None else fit.ridge.to_json(),
        "weights": pipeline.weights.tolist(),
        "ensemble": len(pipeline.networks),
        "histories": [history.to_json(seconds=False) for history in fit.histories],
        "test": None if fitted.test is None else _test_config(fitted.test),
    }


def _test_config(test: Evaluation) -> dict[str, Any]:
    return {
        **evaluation_json(test),
        "warning": None if test.warning is None else test.warning.to_json(),
        "remark": None if test.remark is None else test.remark.to_json(),
        "series": {
            name: [[s, v if np.isfinite(v) else None] for s, v in by.items()]
            for name, by in test.series_mase.items()
        },
        "forecasts": list(_kept(test)),
        "levels": None if test.intervals is None else list(test.intervals.levels),
    }


def _kept(test: Evaluation) -> dict[str, np.ndarray[Any, Any]]:
    """The forecasts that pictures show; the others live on as scores."""
    return {name: test.forecasts[name] for name in (MODEL, WITHOUT, test.best_baseline)}


def _tensors(fitted: Fitted) -> dict[str, Tensor]:
    panel, fit = _kept_panel(fitted), fitted.fit
    arrays = {
        "panel.starts": panel.starts,
        "panel.known": panel.known,
        "panel.ticks": panel.ticks,
        "panel.values": panel.values,
        "panel.numbers": panel.numbers,
        "panel.codes": panel.codes,
        "levels.loc": fit.pipeline.levels.loc,
        "levels.scale": fit.pipeline.levels.scale,
        "levels.floor": fit.pipeline.levels.floor,
    }
    if panel.times is not None:
        arrays["panel.times"] = panel.times.astype("M8[ns]").astype(np.int64)
    if fit.pipeline.linear is not None:
        arrays["linear.weights"] = fit.pipeline.linear.weights
    if fit.ridge is not None:
        arrays["ridge.weights"] = fit.ridge.weights
    for name, calibration in (("fit", fit.calibration), ("all", fitted.calibration)):
        if calibration is not None:
            arrays[f"calibration.{name}"] = calibration.errors
    test = fitted.test
    if test is not None:
        arrays["test.origins"] = test.origins
        arrays["test.series"] = test.series
        arrays["test.last"] = test.last
        arrays["test.actual"] = test.actual
        for number, forecast in enumerate(_kept(test).values()):
            arrays[f"test.forecast.{number}"] = forecast
        if test.intervals is not None:
            arrays["test.lower"] = test.intervals.lower
            arrays["test.upper"] = test.intervals.upper
    tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()}
    for member, network in enumerate(fit.pipeline.networks):
        for name, tensor in network.state_dict().items():
            tensors[f"network.{member}.{name}"] = tensor
    return tensors


def _restore(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], device: str, seconds: float
) -> tuple[ForecastConfig, Fitted]:
    options = ForecastConfig.from_options(config["options"])
    panel = _restore_panel(config["panel"], tensors)
    linear, ridge = (
        None
        if config[name] is None
        else LinearPath.from_json(config[name], tensors[f"{name}.weights"].numpy())
        for name in ("linear", "ridge")
    )
    pipeline = Pipeline(
        horizon=options.horizon,
        targets=panel.targets,
        ids=panel.ids,
        transform=SeriesTransform(tuple(map(ColumnTransform.from_json, config["transform"]))),
        levels=Levels(*(tensors[f"levels.{name}"].numpy() for name in ("loc", "scale", "floor"))),
        typical=np.asarray(config["typical"], dtype=np.float64),
        features=Features.from_json(config["features"]),
        linear=linear,
        networks=(),
        weights=np.asarray(config["weights"], dtype=np.float64),
        quantiles=quantiles(options),
        device=device,
    )
    sizes = input_sizes(pipeline.inputs(panel.take([0])))
    networks = []
    for member in range(config["ensemble"]):
        network = new_network(options, sizes, len(panel.targets), member)
        prefix = f"network.{member}."
        network.load_state_dict(
            {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
        )
        networks.append(network.to(device).eval())
    calibrations = [
        Calibration(tensors[f"calibration.{name}"].numpy(), options.levels)
        if f"calibration.{name}" in tensors
        else None
        for name in ("fit", "all")
    ]
    fit = Fit(
        dataclasses.replace(pipeline, networks=tuple(networks)),
        Sizes(**config["sizes"]),
        Split.from_json(config["split"]),
        int(config["windows"]),
        tuple(map(History.from_json, config["histories"])),
        ridge,
        calibrations[0],
        None if config["season"] is None else Message.from_json(config["season"]),
    )
    test = None
    if config["test"] is not None:
        test = _restore_test(config["test"], tensors, panel.targets)
    columns = Columns.from_json(config["columns"])
    return options, Fitted(panel, columns, fit, test, calibrations[1], seconds)


def _restore_panel(about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Panel:
    clock = about["clock"]
    times = tensors.get("panel.times")
    return Panel(
        name=about["name"],
        ids=tuple(about["ids"]),
        id_name=about["id_name"],
        starts=tensors["panel.starts"].numpy(),
        known=tensors["panel.known"].numpy(),
        ticks=tensors["panel.ticks"].numpy(),
        targets=tuple(about["targets"]),
        values=tensors["panel.values"].numpy(),
        covariates=tuple(
            Covariate(c["name"], c["role"], None if c["labels"] is None else tuple(c["labels"]))
            for c in about["covariates"]
        ),
        numbers=tensors["panel.numbers"].numpy(),
        codes=tensors["panel.codes"].numpy(),
        times=None if times is None else times.numpy().astype("M8[ns]"),
        clock=None
        if clock is None
        else Clock(
            Step.from_json(clock["step"]), tuple(clock["names"]), clock["offset"], clock["zone"]
        ),
        notes=tuple(map(Message.from_json, about["notes"])),
    )


def _restore_test(
    about: Mapping[str, Any], tensors: Mapping[str, Tensor], targets: tuple[str, ...]
) -> Evaluation:
    def message(plain: Mapping[str, Any] | None) -> Message | None:
        return None if plain is None else Message.from_json(plain)

    intervals = None
    if about["levels"] is not None:
        intervals = Intervals(
            tuple(about["levels"]), tensors["test.lower"].numpy(), tensors["test.upper"].numpy()
        )
    return Evaluation(
        origins=tensors["test.origins"].numpy(),
        series=tensors["test.series"].numpy(),
        last=tensors["test.last"].numpy(),
        actual=tensors["test.actual"].numpy(),
        forecasts={
            name: tensors[f"test.forecast.{number}"].numpy()
            for number, name in enumerate(about["forecasts"])
        },
        intervals=intervals,
        **evaluation_values(about),
        warning=message(about["warning"]),
        remark=message(about["remark"]),
        targets=targets,
        series_mase={
            name: {s: float("nan") if v is None else v for s, v in by}
            for name, by in about["series"].items()
        },
    )
