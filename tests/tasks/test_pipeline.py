from dataclasses import replace

import numpy as np
import pytest
import torch

from rnnkit.data.windows import make_batch
from rnnkit.errors import DataError
from rnnkit.tasks.forecasting import pipeline as pipeline_module

from .single import cut, fit, make_series


@pytest.fixture(scope="module", params=["direct", "recursive", "linear"])
def fitted(request):
    """A fit of two networks, whose last maps are made random and count in full."""
    changes = {"linear": request.param == "linear"}
    if request.param == "recursive":
        changes["strategy"] = "recursive"
    result = fit(make_series(90), ensemble=2, context=6, test_size=9, season=6, **changes)
    generator = torch.Generator().manual_seed(0)
    for network in result.pipeline.networks:
        torch.nn.init.normal_(network.head.weight, generator=generator)
    return replace(result, pipeline=replace(result.pipeline, weights=np.array([1.0, 0.5])))


def forecast(pipeline, series, origins):
    """The one forecast that this pipeline makes at each origin, `(M, H, K)`."""
    return pipeline.forecast(pipeline.inputs(series), np.asarray(origins))[0]


def test_no_row_from_an_origin_on_changes_its_forecast(fitted):
    series, origins = make_series(90), np.array([30, 81, 85, 90])
    before = forecast(fitted.pipeline, series, origins)
    for m, origin in enumerate(origins):
        future = series.values.copy()
        future[origin:] *= 1000
        after = forecast(fitted.pipeline, replace(series, values=future), origins)
        np.testing.assert_array_equal(after[m], before[m])
        past = series.values.copy()
        past[origin - 1] *= 1.01
        changed = forecast(fitted.pipeline, replace(series, values=past), origins)
        assert not np.allclose(changed[m], before[m], rtol=1e-6)


def test_a_forecast_alone_and_beside_others_gives_the_same_numbers(fitted):
    series, pipeline = make_series(90), fitted.pipeline
    origins = np.array([90, 1, 40, 3, pipeline.reach, pipeline.reach - 1])
    together = forecast(pipeline, series, origins)
    assert together.shape == (6, 3, 2)
    for m, origin in enumerate(origins):
        alone = forecast(pipeline, series, [origin])
        np.testing.assert_allclose(together[m], alone[0], rtol=1e-6)
        # As if the later rows had not yet come.
        known = forecast(pipeline, cut(series, 0, origin), [origin])
        np.testing.assert_allclose(known, alone, rtol=1e-6)


def test_rows_beyond_the_reach_of_a_forecast_are_not_needed(fitted):
    series, pipeline = make_series(90), fitted.pipeline
    last = forecast(pipeline, series, [90])
    short = forecast(pipeline, cut(series, 90 - pipeline.reach, 90), [pipeline.reach])
    np.testing.assert_allclose(short, last, rtol=1e-6)
    if pipeline.linear is None:  # of its lags not all are chosen
        less = forecast(pipeline, cut(series, 91 - pipeline.reach, 90), [pipeline.reach - 1])
        assert not np.allclose(less, last, rtol=1e-6)


def test_many_forecasts_are_made_in_parts(fitted, monkeypatch):
    series = make_series(90)
    origins = np.arange(2, 91)
    whole = forecast(fitted.pipeline, series, origins)
    monkeypatch.setattr(pipeline_module, "_CHUNK", 7)
    parts = forecast(fitted.pipeline, series, origins)
    np.testing.assert_allclose(parts, whole, rtol=1e-6)


def network_means(pipeline, batch):
    """The mean of the networks' outputs, weighted by hand."""
    with torch.no_grad():
        outputs = [network(batch)[..., 0].double().numpy() for network in pipeline.networks]
    return (outputs[0] + outputs[1]) / 2 * [1.0, 0.5]


@pytest.mark.parametrize("fitted", ["direct", "linear"], indirect=True)
def test_a_forecast_is_the_anchor_the_linear_path_and_the_weighted_mean_of_the_networks(fitted):
    series, pipeline, origins = make_series(90), fitted.pipeline, np.array([40, 81, 90])
    inputs = pipeline.inputs(series)
    levels, z = inputs.levels_at(origins), inputs.z_past(origins)
    mean = network_means(pipeline, make_batch(inputs, origins))
    linear = np.zeros((3, 3, 2))
    if pipeline.linear is not None:
        linear = pipeline.linear.outputs(inputs, origins, z)
        assert (linear != 0).all()
    np.testing.assert_allclose(
        forecast(pipeline, series, origins),
        pipeline.transform.invert(z, mean + linear, levels),
        rtol=1e-6,
    )
    bare = pipeline.transform.invert(z, linear, levels)
    for silent in (replace(pipeline, networks=()), replace(pipeline, weights=np.zeros(2))):
        np.testing.assert_allclose(forecast(silent, series, origins), bare, rtol=1e-12)


@pytest.mark.parametrize("fitted", ["recursive"], indirect=True)
def test_the_recursive_strategy_reads_each_forecast_as_the_row_before_the_next(fitted):
    """As if a row had come for every forecast; the calendar goes on meanwhile."""
    pipeline, series = fitted.pipeline, make_series(90)
    at_once = forecast(pipeline, series, [80])[0]
    assert at_once.shape == (3, 2)
    one_step = replace(pipeline, horizon=1)
    for step in range(3):
        row = forecast(one_step, series, [80 + step])[0, 0]
        np.testing.assert_allclose(row, at_once[step], rtol=1e-6)
        values = series.values.copy()
        values[80 + step] = row
        series = replace(series, values=values)


def test_a_pipeline_knows_its_sizes(fitted):
    pipeline = fitted.pipeline
    assert pipeline.horizon == 3
    linear = 0 if pipeline.linear is None else pipeline.linear.reach
    assert pipeline.reach == max(pipeline.transform.reach, pipeline.features.reach, linear)
    calendar = 2 * pipeline.features.calendar  # sine and cosine of the month
    assert pipeline.networks[0].encoder.input_size == len(pipeline.features.channels) + calendar
    assert pipeline.parameters == sum(
        p.numel() for network in pipeline.networks for p in network.parameters()
    )


def test_a_forecast_that_is_not_finite_is_refused(fitted):
    series = make_series(90)
    wild = replace(fitted.pipeline, weights=np.array([np.inf, 1.0]))
    with pytest.raises(DataError, match="the forecast of a, b is not finite"):
        forecast(wild, series, [90])
