import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.calendar import Step
from rnnkit.data.readers import Series
from rnnkit.errors import ConfigError, DataError
from rnnkit.tasks.forecasting import pipeline as pipeline_module
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.pipeline import fit_pipeline, new_network, output_weights, plan_fit
from rnnkit.training import History

MONTH = Step("month", 1, day=1)
SECOND = Step("nanosecond", 10**9)  # has no season
QUICK = {"epochs": 1, "hidden_size": 2, "batch_size": 64}


def make_series(rows=60, columns=2, step=MONTH, seed=0):
    """Positive columns of unequal size with a trend, a year's season and noise."""
    t = np.arange(rows)[:, None]
    noise = np.random.default_rng(seed).normal(size=(rows, columns))
    wave = 8 * np.sin(np.pi * t / 6 + np.arange(columns))
    values = (60 + 0.3 * t + wave + noise) * 10.0 ** np.arange(columns)
    first = np.datetime64("2000-01-01", "ns")
    times = np.concatenate([first[None], step.advance(first, rows - 1)])
    return Series(times, values, tuple("abcd"[:columns]), "Month", step, "sales")


def fit(series, **options):
    config = ForecastConfig(**{"horizon": 3, **QUICK, **options})
    return fit_pipeline(plan_fit(series, config), config)


@pytest.fixture(scope="module")
def fitted():
    """A fit of two networks, whose last maps are made random and count in full."""
    result = fit(make_series(), ensemble=2, context=6, test_size=9)
    generator = torch.Generator().manual_seed(0)
    for network in result.pipeline.networks:
        torch.nn.init.normal_(network.head.weight, generator=generator)
    return replace(result, pipeline=replace(result.pipeline, weights=np.array([1.0, 0.5])))


def bits(result):
    """All numbers of a fit, as they would be written."""
    pipeline = result.pipeline
    weights = [tensor for n in pipeline.networks for tensor in n.state_dict().values()]
    return [
        *(tensor.numpy().tobytes() for tensor in weights),
        pipeline.weights.tobytes(),
        repr([column.to_json() for column in pipeline.transform.columns]),
        repr(pipeline.features.to_json()),
        *(repr((h.train_loss, h.validation_loss, h.best_epoch)) for h in result.histories),
    ]


def rows_asked_for(series, config):
    """Return how many rows the refusal asks for; `None` where the rows suffice."""
    try:
        plan_fit(series, config)
    except DataError as error:
        message = str(error)
        assert "\n" not in message
        have, needed = re.search(r"have (\d+) rows, but (\d+) are needed", message).groups()
        assert int(have) == len(series.times)
        return int(needed)
    return None


def check_what_is_needed(options, rows, step=MONTH):
    """The rows named in a refusal suffice, and one less does not; nothing else is ever raised."""
    config = ForecastConfig(**{**QUICK, **options})
    needed = rows_asked_for(make_series(rows, 1, step), config)
    if needed is None:
        return rows
    assert needed > rows
    assert rows_asked_for(make_series(needed, 1, step), config) is None
    assert rows_asked_for(make_series(needed - 1, 1, step), config) == needed
    return needed


CASES = [
    {"horizon": 1},
    {"horizon": 12},
    {"horizon": 5, "season": 4, "context": 7},
    {"horizon": 1, "season": 1, "context": 1},
    {"horizon": 1, "ensemble": 1},
    {"horizon": 4, "season": 12, "ensemble": 1, "context": 30},
    {"horizon": 2, "ensemble": 2, "test_size": 0},
    {"horizon": 3, "validation_size": 40, "test_size": 20},
    {"horizon": 3, "validation_size": 60, "ensemble": 3},
    {"horizon": 7, "season": 3, "test_size": 7, "differencing": "seasonal+difference"},
    {"horizon": 2, "season": 5, "context": 1, "differencing": "seasonal", "log": True},
    {"horizon": 2, "season": 1, "context": 1, "differencing": "difference"},
    {"horizon": 1, "season": 1, "context": 470},
    {
        "horizon": 1,
        "season": 1,
        "validation_size": 490,
    },  # from 500 rows on a fifth is the test part
]


@pytest.mark.parametrize("options", CASES, ids=str)
def test_the_rows_said_to_be_needed_are_enough_and_one_less_is_not(options):
    needed = check_what_is_needed(options, 1)
    config = ForecastConfig(**{**QUICK, **options})
    for rows in {*range(1, min(needed, 80)), *range(max(needed - 5, 1), needed)}:
        assert rows_asked_for(make_series(rows, 1), config) == needed
    for rows in (needed, needed + 1, needed + 5):
        series = make_series(rows, 1)
        result = fit(series, **options)
        origins = np.array([result.split.known, rows])
        forecast = result.pipeline.forecast(series.times, series.values, origins)
        assert np.isfinite(forecast).all()
        assert all(len(history) == 1 for history in result.histories)


@settings(max_examples=150, deadline=None)
@given(
    horizon=st.integers(1, 15),
    extra=st.fixed_dictionaries(
        {},
        optional={
            "context": st.integers(1, 40),
            "season": st.integers(1, 15),
            "ensemble": st.integers(1, 7),
            "test_size": st.integers(0, 60),
            "validation_size": st.integers(1, 60),
        },
    ),
    rows=st.integers(1, 700),
    step=st.sampled_from([MONTH, SECOND, Step("nanosecond", 86_400 * 10**9)]),
)
def test_what_is_needed_is_exact_for_any_options(horizon, extra, rows, step):
    for name in ("test_size", "validation_size"):
        if extra.get(name):
            extra[name] = max(extra[name], horizon)
    check_what_is_needed({"horizon": horizon, **extra}, rows, step)


@pytest.mark.parametrize("rows", [1, 2, 8, 40])
def test_a_constant_series_can_be_fitted_or_is_too_short(rows):
    series = make_series(rows, 1)
    series = replace(series, values=np.full_like(series.values, 0.1))
    if rows_asked_for(series, ForecastConfig(horizon=1, season=1)) is None:
        result = fit(series, horizon=1, season=1)
        forecast = result.pipeline.forecast(series.times, series.values, np.array([rows]))
        np.testing.assert_allclose(forecast, 0.1, rtol=1e-12)


def test_what_cannot_be_scored_is_refused_before_training():
    series = make_series()
    series.values[55, 1] = 0.0
    config = ForecastConfig(horizon=3, test_size=9, log=True)
    with pytest.raises(DataError, match="column 'b' holds 0 at data row 56"):
        plan_fit(series, config)
    series.values[20, 1] = -1.0
    with pytest.raises(ConfigError, match="down to -1"):
        plan_fit(series, config)
    with pytest.raises(ConfigError, match="season of at least 2 rows"):
        plan_fit(make_series(), ForecastConfig(horizon=3, season=1, differencing="seasonal"))


@pytest.mark.parametrize("device", ["gpu", "meta", "cuda:99", "cuda:999"])
def test_a_device_that_is_not_there_is_refused_before_training(device):
    with pytest.raises(ConfigError, match=device):
        plan_fit(make_series(), ForecastConfig(horizon=3, device=device))


@pytest.mark.parametrize(
    "options",
    [
        {"season": 1, "differencing": "difference"},
        {"season": 12, "differencing": "seasonal"},
        {"season": 12, "differencing": "seasonal+difference", "context": 1},
    ],
)
def test_no_window_with_a_whole_context_is_left_out(options):
    plan = plan_fit(make_series(columns=1), ForecastConfig(horizon=3, **options))
    assert plan.split.first == plan.bare.reach


def test_two_runs_with_one_seed_give_equal_bits():
    options = {"ensemble": 2, "epochs": 2, "dropout": 0.2, "recurrent_dropout": 0.2, "seed": 7}
    torch.manual_seed(1)
    first = bits(fit(make_series(), **options))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert bits(fit(make_series(), **options)) == first
    assert torch.equal(torch.get_rng_state(), state)
    other = bits(fit(make_series(), **{**options, "seed": 8}))
    tensors = 2 * 6  # of two networks: four of the layer, two of the map
    assert not any(a == b for a, b in zip(first[:tensors], other[:tensors], strict=True))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_no_two_networks_begin_alike(cell):
    config = ForecastConfig(horizon=2, cell=cell, hidden_size=3)
    starts = [
        new_network(replace(config, seed=seed), 4, 1, member).encoder.weight_hh_l0.detach().numpy()
        for seed in (0, 1, 2)
        for member in (0, 1, 2)
    ]
    assert len({start.tobytes() for start in starts}) == 9
    again = new_network(config, 4, 1, 0).encoder.weight_hh_l0.detach().numpy()
    np.testing.assert_array_equal(again, starts[0])


def test_no_row_of_the_test_part_changes_what_is_fitted():
    series = make_series()
    options = {"ensemble": 2, "test_size": 9, "epochs": 2}
    before = fit(series, **options)
    assert before.split.known == 51
    changed = series.values.copy()
    changed[51:] *= np.random.default_rng(1).uniform(0.01, 100, size=(9, 2))
    after = fit(replace(series, values=changed), **options)
    assert bits(after) == bits(before)
    changed = series.values.copy()
    changed[50] *= 1.5
    assert bits(fit(replace(series, values=changed), **options)) != bits(before)


def test_no_row_from_an_origin_on_changes_its_forecast(fitted):
    series, origins = make_series(), np.array([20, 51, 55, 60])
    before = fitted.pipeline.forecast(series.times, series.values, origins)
    for m, origin in enumerate(origins):
        future = series.values.copy()
        future[origin:] *= 1000
        after = fitted.pipeline.forecast(series.times, future, origins)
        np.testing.assert_array_equal(after[m], before[m])
        past = series.values.copy()
        past[origin - 1] *= 1.01
        changed = fitted.pipeline.forecast(series.times, past, origins)
        assert not np.allclose(changed[m], before[m], rtol=1e-6)


def test_a_forecast_alone_and_beside_others_gives_the_same_numbers(fitted):
    series, pipeline = make_series(), fitted.pipeline
    origins = np.array([60, pipeline.shortest, 40, pipeline.shortest + 2, pipeline.reach])
    together = pipeline.forecast(series.times, series.values, origins)
    assert together.shape == (5, 3, 2)
    for m, origin in enumerate(origins):
        alone = pipeline.forecast(series.times, series.values, np.array([origin]))
        np.testing.assert_allclose(together[m], alone[0], rtol=1e-6)
        # As if the later rows had not yet come.
        known = pipeline.forecast(series.times[:origin], series.values[:origin], origins[m : m + 1])
        np.testing.assert_allclose(known, alone, rtol=1e-6)


def test_rows_beyond_the_reach_of_a_forecast_are_not_needed(fitted):
    series, pipeline = make_series(), fitted.pipeline
    last = pipeline.forecast(series.times, series.values, np.array([60]))
    times, values = series.times[-pipeline.reach :], series.values[-pipeline.reach :]
    short = pipeline.forecast(times, values, np.array([pipeline.reach]))
    np.testing.assert_allclose(short, last, rtol=1e-6)


def test_many_forecasts_are_made_in_parts(fitted, monkeypatch):
    series = make_series()
    origins = np.arange(fitted.pipeline.shortest, 61)
    whole = fitted.pipeline.forecast(series.times, series.values, origins)
    monkeypatch.setattr(pipeline_module, "_PREDICTION_BATCH", 7)
    parts = fitted.pipeline.forecast(series.times, series.values, origins)
    np.testing.assert_allclose(parts, whole, rtol=1e-6)


def test_a_forecast_is_the_anchor_and_the_weighted_mean_of_the_networks(fitted):
    series, pipeline, origins = make_series(), fitted.pipeline, np.array([30, 51, 60])
    z = pipeline.transform.forward(series.values, series.targets)
    with torch.no_grad():
        batch = pipeline.windows(series.times, z, origins).batch(torch.arange(3))
        outputs = [network(batch).double().numpy() for network in pipeline.networks]
    mean = (outputs[0] + outputs[1]) / 2 * [1.0, 0.5]
    np.testing.assert_allclose(
        pipeline.forecast(series.times, series.values, origins),
        pipeline.transform.invert(z, origins, mean),
        rtol=1e-6,
    )
    bare = pipeline.without_network(series.values, origins)
    zeros = pipeline.transform.invert(z, origins, np.zeros((3, 3, 2)))
    np.testing.assert_array_equal(bare, zeros)
    silent = replace(pipeline, weights=np.zeros(2))
    np.testing.assert_array_equal(silent.forecast(series.times, series.values, origins), bare)


def test_a_pipeline_knows_its_sizes(fitted):
    pipeline = fitted.pipeline
    assert pipeline.horizon == 3
    assert pipeline.reach == max(pipeline.transform.reach, pipeline.features.reach)
    assert pipeline.shortest == max(pipeline.transform.reach, pipeline.features.shortest)
    assert pipeline.inputs == len(pipeline.features.channels) + 2  # sine and cosine of the month
    assert pipeline.parameters == sum(
        p.numel() for network in pipeline.networks for p in network.parameters()
    )


@pytest.mark.parametrize("options", [{}, {"validation_size": 9}])
def test_output_weights_come_from_blocks_that_the_networks_have_not_learned_from(options):
    series = make_series(120)
    result = fit(series, ensemble=3, epochs=5, learning_rate=0.05, **options)
    pipeline, split = result.pipeline, result.split
    z = pipeline.transform.forward(series.values, series.targets)[: split.known]
    outputs, targets = [], []
    for member, network in enumerate(pipeline.networks):
        origins = split.validation_origins(member)
        with torch.no_grad():
            windows = pipeline.windows(series.times[: split.known], z, origins)
            outputs.append(network(windows.batch(torch.arange(len(windows)))).double().numpy())
        targets.append(pipeline.transform.targets(z, origins))
    for k in range(2):
        x = np.concatenate([o[..., k].ravel() for o in outputs])
        y = np.concatenate([t[..., k].ravel() for t in targets])
        slope = np.linalg.lstsq(x[:, None], y, rcond=None)[0][0]
        assert pipeline.weights[k] == pytest.approx(np.clip(slope, 0, 1), abs=1e-6)


def test_each_network_is_trained_on_its_own_part_with_its_own_seed(monkeypatch, tmp_path):
    trainings = []

    class Recorder:
        def __init__(self, config, *, progress, title):
            self.config, self.title = config, title

        def fit(self, network, loss, train, validation, *, checkpoint, resume):
            parts = (len(train), len(validation))
            trainings.append((self.config, self.title, parts, checkpoint.name, resume))
            return History()

    monkeypatch.setattr(pipeline_module, "Trainer", Recorder)
    config = ForecastConfig(horizon=3, ensemble=3, time_limit=60, epochs=4, patience=2, seed=5)
    plan = plan_fit(make_series(), config)
    result = fit_pipeline(plan, config, checkpoints=tmp_path, resume=True)
    configs, titles, parts, names, resumed = zip(*trainings, strict=True)
    assert len({c.seed for c in configs}) == 3
    assert {c.time_limit for c in configs} == {20.0}
    assert {(c.epochs, c.patience, c.clip_norm) for c in configs} == {(4, 2, 1.0)}
    assert titles == ("network 1/3", "network 2/3", "network 3/3")
    assert len(set(names)) == 3
    assert resumed == (True, True, True)
    assert parts == tuple(
        (len(result.split.train_origins(m)), len(result.split.validation_origins(m)))
        for m in range(3)
    )


def test_a_network_alone_has_no_number(monkeypatch):
    titles = []
    real = pipeline_module.Trainer
    monkeypatch.setattr(
        pipeline_module,
        "Trainer",
        lambda config, *, progress, title: titles.append(title) or real(config, title=title),
    )
    fit(make_series(), ensemble=1)
    assert titles == [""]


def test_a_fit_goes_on_from_its_checkpoints(tmp_path):
    config = ForecastConfig(horizon=3, ensemble=2, **{**QUICK, "epochs": 2})
    plan = plan_fit(make_series(), config)
    first = fit_pipeline(plan, config, checkpoints=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    resumed = fit_pipeline(plan, config, checkpoints=tmp_path, resume=True)
    assert bits(resumed) == bits(first)
    assert resumed.histories[0].seconds == first.histories[0].seconds  # nothing was trained again


def random_outputs(seed, size=(2000, 3, 2)):
    return np.random.default_rng(seed).normal(size=size)


def test_an_output_weight_is_a_least_squares_slope_of_each_column():
    outputs = [random_outputs(0, (50, 3, 2)), random_outputs(1, (20, 3, 2))]
    targets = [
        o * [0.7, 0.2] + 0.3 * random_outputs(s, o.shape) for s, o in enumerate(outputs, start=2)
    ]
    weights = output_weights(list(zip(outputs, targets, strict=True)))
    assert weights.shape == (2,)
    for k in range(2):
        x = np.concatenate([o[..., k].ravel() for o in outputs])
        y = np.concatenate([t[..., k].ravel() for t in targets])
        slope = np.linalg.lstsq(x[:, None], y, rcond=None)[0][0]
        assert 0 < slope < 1
        assert weights[k] == pytest.approx(slope)


@pytest.mark.parametrize(
    ("of_target", "weight"),
    [(1.0, 1.0), (0.5, 1.0), (2.0, 0.5), (-1.0, 0.0), (-1e-3, 0.0), (0.0, 0.0)],
)
def test_output_weights_lie_from_zero_to_one(of_target, weight):
    targets = random_outputs(0)
    targets[..., 1] *= 1e6
    weights = output_weights([(of_target * targets, targets)])
    np.testing.assert_allclose(weights, weight, rtol=1e-12)


def test_noise_is_hardly_trusted():
    weights = output_weights([(random_outputs(0), random_outputs(1))])
    assert (weights < 0.05).all()
    assert (weights >= 0).all()


def test_a_silent_column_beside_a_good_one_gets_nothing():
    targets = random_outputs(0)
    weights = output_weights([(targets * [1.0, 0.0], targets)])
    assert weights.tolist() == [1.0, 0.0]
