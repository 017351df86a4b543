"""A forecast from data to run folder: what the command `forecast` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from rnnkit.data.readers import Series, read_series
from rnnkit.tasks.forecasting.artifact import write_run
from rnnkit.tasks.forecasting.forecaster import Forecaster, fingerprint
from rnnkit.tasks.forecasting.pipeline import plan_fit
from rnnkit.training import Progress
from rnnkit.training.run_folder import RunWriter


def run_forecast(
    source: str | Path | pd.DataFrame,
    *,
    time: str,
    targets: Sequence[str],
    options: Mapping[str, Any],
    out: Path,
    resume: bool = False,
    progress: Progress | None = None,
    command: str = "",
    name: str | None = None,
    announce: Callable[[Series, bool], None] | None = None,
) -> Forecaster:
    """Read, fit, score and write the run folder `out`; return the fitted forecaster.

    Args:
        source: the data.
        time: the time column.
        targets: the columns to forecast.
        options: those of `ForecastConfig`.
        out: the run folder; it appears when all is done.
        resume: go on with an interrupted training of the same data and options.
        progress: shows the epochs.
        command: the command line, for the report.
        name: what the data are called; by default the file's name.
        announce: called before training with the series read, and whether the checkpoints of an
            interrupted training were discarded.

    Raises:
        RnnkitError: if options, data or folder are wrong, or training diverges.
    """
    forecaster = Forecaster(**options)
    series = read_series(source, time=time, targets=targets)
    if name is not None:
        series = replace(series, name=name)
    plan_fit(series, forecaster.config)  # an impossible option must not cost a checkpoint
    settings = {
        "options": forecaster.config.to_json(),
        "data": {"time": time, "targets": list(targets), "sha256": fingerprint(series)},
    }
    with RunWriter(out, settings=settings, resume=resume) as writer:
        if announce is not None:
            announce(series, writer.discarded)
        writer.checkpoints.mkdir(exist_ok=True)
        forecaster.fit(series, checkpoints=writer.checkpoints, resume=resume, progress=progress)
        write_run(writer, forecaster.fitted, forecaster.config, command=command)
        writer.finish()
    return forecaster
