"""The scores of forecasts as they are shown."""

from __future__ import annotations

from typing import Any

from rnnkit.data.panel import Panel
from rnnkit.messages import Message
from rnnkit.report.scores import FORECAST
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.scoring import Evaluation
from rnnkit.tasks.scores import ScoreCard, network_name


def forecast_card(config: ForecastConfig, panel: Panel, evaluation: Evaluation) -> ScoreCard:
    """Return what an evaluation shows."""
    return ScoreCard(
        title=_title(config, panel, evaluation),
        network=network_name(config.cell),
        scores=evaluation.scores,
        measures=FORECAST,
        metric=evaluation.metric,
        verdict=evaluation.verdict,
        remarks=[text for text in (evaluation.remark,) if text is not None],
        warnings=[text for text in (evaluation.warning,) if text is not None],
        skipped=evaluation.skipped,
        notes=evaluation.notes,
    )


def _title(config: ForecastConfig, panel: Panel, evaluation: Evaluation) -> Message:
    values: dict[str, Any] = {
        "count": len(evaluation.origins),
        "horizon": config.horizon,
        "series": len(panel.ids),
        "target": panel.targets[0],
        "targets": len(panel.targets),
    }
    if len(panel.ids) > 1:
        template = "Test: {count:,} forecasts, horizon {horizon}, of {series:,} series"
    elif len(panel.targets) > 1:
        template = "Test: {count:,} forecasts, horizon {horizon}, mean of {targets} targets"
    elif len(evaluation.origins) > 1:
        template = "Test: {count:,} forecasts, horizon {horizon}, in {target}"
    else:
        template = "Test: 1 forecast, horizon {horizon}, in {target}"
    return Message(template, values)
