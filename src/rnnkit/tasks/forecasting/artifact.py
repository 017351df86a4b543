"""A forecaster as a run folder, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit import __version__
from rnnkit.data.calendar import Step
from rnnkit.data.readers import Series
from rnnkit.data.scaling import ColumnTransform, SeriesTransform
from rnnkit.data.split import Split
from rnnkit.data.windows import Features
from rnnkit.errors import ArtifactError
from rnnkit.tasks.forecasting.config import ForecastConfig, Sizes
from rnnkit.tasks.forecasting.evaluation import Fitted, forecast_frame, metrics_json
from rnnkit.tasks.forecasting.pipeline import Fit, Pipeline, new_network
from rnnkit.tasks.forecasting.scoring import MODEL, WITHOUT, Evaluation
from rnnkit.training import History, find_device
from rnnkit.training.run_folder import RunWriter, finite, read_run


def write_run(writer: RunWriter, fitted: Fitted, config: ForecastConfig, *, command: str) -> None:
    """Write everything a forecast leaves behind: config, weights, scores, forecast, pictures, page.

    Args:
        writer: of the run folder.
        fitted: what a fit has found.
        config: its options.
        command: the command line that made it, for the page; may be empty.
    """
    # Drawing is heavy to import, and forecasting with a run draws nothing.
    from rnnkit.report.page import report_page
    from rnnkit.report.plots import save, training_plot
    from rnnkit.tasks.forecasting.pictures import forecast_figure, report

    writer.write_model(_config(fitted, config), _tensors(fitted))
    writer.write_json("metrics.json", metrics_json(fitted, fitted.test))
    forecast = forecast_frame(fitted.fit.pipeline, fitted.series)
    writer.write_text("forecast.csv", forecast_csv(forecast))
    pngs = []
    for name, figure in (
        ("forecast.png", forecast_figure(fitted, config)),
        ("training.png", training_plot(fitted.fit.histories)),
    ):
        save(figure, writer.folder / name)
        pngs.append((writer.folder / name).read_bytes())
    page = report_page(report(fitted, config, pngs[0], pngs[1], command))
    writer.write_text("report.html", page)


def forecast_csv(forecast: Any) -> str:
    """Return a frame from `Forecaster.predict` as CSV with the header `time,target,value`.

    All times are written in one form: dates, or with a clock if any has one.
    """
    times: NDArray[np.datetime64] = forecast["time"].to_numpy(dtype="M8[ns]")
    unit = next(unit for unit in ("D", "s", "ns") if (times == times.astype(f"M8[{unit}]")).all())
    written = np.char.replace(times.astype(f"M8[{unit}]").astype(str), "T", " ")
    text: str = forecast.assign(time=written).to_csv(index=False, lineterminator="\n")
    return text


def read_forecast(path: Path, device: str) -> tuple[ForecastConfig, Fitted]:
    """Return what `write_run` wrote, with the networks on `device`.

    Raises:
        ConfigError: if the machine has no such device.
        ArtifactError: if there is no finished run, or it was changed or damaged.
    """
    find_device(device)
    run = read_run(path)
    try:
        seconds = 0.0 if run.metrics is None else float(run.metrics["seconds"])
        return _restore(run.config, run.tensors, device, seconds)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        # The hash has shown that the folder is as it was written: another version wrote it.
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ArtifactError(
            f"{path} does not hold a forecast that rnnkit {__version__} can read ({reason}): use"
            " the rnnkit that wrote it, or train again"
        ) from error


def _config(fitted: Fitted, config: ForecastConfig) -> dict[str, Any]:
    series, fit = fitted.series, fitted.fit
    return {
        "task": "forecast",
        "rnnkit": __version__,
        "options": config.to_json(),
        "series": {
            "name": series.name,
            "time": series.time_name,
            "targets": list(series.targets),
            "step": series.step.to_json(),
            "offset": series.offset,
        },
        "sizes": dataclasses.asdict(fit.sizes),
        "split": fit.split.to_json(),
        "transform": [column.to_json() for column in fit.pipeline.transform.columns],
        "features": fit.pipeline.features.to_json(),
        "weights": fit.pipeline.weights.tolist(),
        "inputs": fit.pipeline.inputs,
        "ensemble": len(fit.pipeline.networks),
        "histories": [_without_seconds(history) for history in fit.histories],
        "test": None if fitted.test is None else _test_config(fitted.test),
    }


def _without_seconds(history: History) -> dict[str, Any]:
    """Return the history as JSON without the time taken: equal trainings give equal files."""
    return {name: value for name, value in history.to_json().items() if name != "seconds"}


def _test_config(test: Evaluation) -> dict[str, Any]:
    return {
        "skipped": test.skipped,
        "scores": [{"name": name, **finite(scores)} for name, scores in test.scores.items()],
        "verdict": test.verdict,
        "warning": test.warning,
        "forecasts": list(_kept(test)),
    }


def _kept(test: Evaluation) -> dict[str, np.ndarray[Any, Any]]:
    """The forecasts that pictures show; the others live on as scores."""
    return {name: test.forecasts[name] for name in (MODEL, WITHOUT, test.best_baseline)}


def _tensors(fitted: Fitted) -> dict[str, Tensor]:
    tensors = {
        "series.times": torch.from_numpy(fitted.series.times.astype("M8[ns]").astype(np.int64)),
        "series.values": torch.from_numpy(fitted.series.values),
    }
    for member, network in enumerate(fitted.fit.pipeline.networks):
        for name, tensor in network.state_dict().items():
            tensors[f"network.{member}.{name}"] = tensor
    if fitted.test is not None:
        tensors["test.origins"] = torch.from_numpy(fitted.test.origins)
        for number, forecast in enumerate(_kept(fitted.test).values()):
            tensors[f"test.forecast.{number}"] = torch.from_numpy(forecast)
    return tensors


def _restore(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], device: str, seconds: float
) -> tuple[ForecastConfig, Fitted]:
    if config["task"] != "forecast":
        raise ArtifactError(f"the run's task is {config['task']!r}")
    options = ForecastConfig.from_options(config["options"])
    about = config["series"]
    series = Series(
        times=tensors["series.times"].numpy().astype("M8[ns]"),
        values=tensors["series.values"].numpy(),
        targets=tuple(about["targets"]),
        time_name=about["time"],
        step=Step.from_json(about["step"]),
        name=about["name"],
        offset=about["offset"],
    )
    networks = []
    for member in range(config["ensemble"]):
        network = new_network(options, config["inputs"], len(series.targets), member)
        prefix = f"network.{member}."
        network.load_state_dict(
            {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
        )
        networks.append(network.to(device).eval())
    pipeline = Pipeline(
        series.targets,
        series.step,
        SeriesTransform(tuple(map(ColumnTransform.from_json, config["transform"]))),
        Features.from_json(config["features"]),
        tuple(networks),
        np.asarray(config["weights"], dtype=np.float64),
        device,
    )
    fit = Fit(
        pipeline,
        Sizes(**config["sizes"]),
        Split.from_json(config["split"]),
        tuple(map(History.from_json, config["histories"])),
    )
    test = None
    if config["test"] is not None:
        test = _restore_test(config["test"], tensors, series, options.horizon)
    return options, Fitted(series, fit, test, seconds)


def _restore_test(
    about: Mapping[str, Any], tensors: Mapping[str, Tensor], series: Series, horizon: int
) -> Evaluation:
    origins = tensors["test.origins"].numpy()
    return Evaluation(
        origins=origins,
        actual=series.values[origins[:, None] + np.arange(horizon)],
        forecasts={
            name: tensors[f"test.forecast.{number}"].numpy()
            for number, name in enumerate(about["forecasts"])
        },
        skipped=dict(about["skipped"]),
        scores={entry["name"]: _with_nan(entry) for entry in about["scores"]},
        verdict=about["verdict"],
        warning=about["warning"],
    )


def _with_nan(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Undo `finite`, a score that JSON holds as null being undefined, and leave the name out."""
    return {
        key: {name: _with_nan(of_target) for name, of_target in value.items()}
        if isinstance(value, Mapping)
        else float("nan")
        if value is None
        else value
        for key, value in scores.items()
        if key != "name"
    }
