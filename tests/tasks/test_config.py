import dataclasses
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.errors import ConfigError
from rnnkit.tasks.forecasting.config import (
    ForecastConfig,
    Sizes,
    batch_size,
    ensemble_size,
    loss_name,
    patience,
    resolve,
    validation_blocks,
)

WHOLE = {  # the least value of each whole number
    "horizon": 1,
    "context": 1,
    "season": 1,
    "stride": 1,
    "hidden_size": 1,
    "layers": 1,
    "ensemble": 1,
    "epochs": 1,
    "batch_size": 1,
    "patience": 1,
    "seed": 0,
}
MAY_BE_LEFT_OPEN = {
    field.name for field in dataclasses.fields(ForecastConfig) if field.default is None
}
SIZES = {"train_size": 1, "validation_size": 1, "test_size": 0}
NAN, INF = float("nan"), float("inf")


def config(**options):
    return ForecastConfig(**{"horizon": 1, **options})


def refusal(**options):
    """The one sentence that refuses the options."""
    with pytest.raises(ConfigError) as caught:
        config(**options)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    assert not re.search(r"\. [A-Z]", message), message
    return message


@pytest.mark.parametrize(("name", "least"), WHOLE.items())
def test_whole_numbers_have_a_least_value(name, least):
    assert getattr(config(**{name: least}), name) == least
    for bad in (least - 1, -3, 1.0, 2.5, "2", True, [2], NAN):
        assert refusal(**{name: bad}) == (
            f"{name} must be a whole number of at least {least}, got {bad!r}"
        )


def test_a_seed_must_suit_all_that_draw_from_it():
    assert config(seed=2**32 - 1).seed == 2**32 - 1
    assert "seed must be at most 4294967295, got 4294967296" in refusal(seed=2**32)


@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout"])
def test_shares_lie_from_zero_to_below_one(name):
    for good in (0, 0.0, 0.3, 0.999):
        assert getattr(config(**{name: good}), name) == good
    for bad in (1, 1.0, -0.1, NAN, INF, "0.1", True, None):
        assert name in refusal(**{name: bad})


@pytest.mark.parametrize("name", ["learning_rate", "clip_norm", "time_limit"])
def test_sizes_are_above_zero(name):
    for good in (1, 1e-9, 1e9):
        assert getattr(config(**{name: good}), name) == good
    for bad in (0, -1.0, NAN, INF, "1", True):
        assert refusal(**{name: bad}) == f"{name} must be a number above 0, got {bad!r}"


def test_weight_decay_may_be_zero():
    assert config(weight_decay=0).weight_decay == 0
    for bad in (-1e-9, NAN, INF, "0", False, None):
        assert "weight_decay must be a number from 0" in refusal(weight_decay=bad)


@pytest.mark.parametrize(
    ("name", "bad", "says"),
    [
        ("cell", "gruu", "cell must be one of rnn, lstm, gru, got 'gruu'; did you mean 'gru'?"),
        ("cell", "LSTM", "cell must be one of rnn, lstm, gru, got 'LSTM'; did you mean 'lstm'?"),
        ("cell", None, "cell must be one of rnn, lstm, gru, got None"),
        ("cell", ["gru"], "cell must be one of rnn, lstm, gru, got ['gru']"),
        ("schedule", "cosin", "did you mean 'cosine'?"),
        ("schedule", 3, "schedule must be one of constant, cosine, plateau, got 3"),
        ("differencing", "season", "did you mean 'seasonal'?"),
        ("differencing", True, "differencing must be one of none, difference, seasonal"),
        ("bidirectional", 1, "bidirectional must be true or false, got 1"),
        ("bidirectional", None, "bidirectional must be true or false, got None"),
        ("log", 1, "log must be true, false or left out, got 1"),
        ("log", "yes", "log must be true, false or left out, got 'yes'"),
        ("linear", 0, "linear must be true, false or left out, got 0"),
        ("strategy", "recursiv", "did you mean 'recursive'?"),
        ("strategy", None, "strategy must be one of direct, recursive, got None"),
        ("loss", "absolut", "did you mean 'absolute'?"),
        ("intervals", "conformel", "did you mean 'conformal'?"),
        ("intervals", None, "intervals must be one of conformal, quantile, none, got None"),
        ("device", 5, "device"),
        ("device", None, "device"),
        ("horizon", None, "horizon must be a whole number of at least 1, got None"),
    ],
)
def test_other_wrong_values_are_refused(name, bad, says):
    assert says in refusal(**{name: bad})


@pytest.mark.parametrize("name", sorted(set(ForecastConfig.names()) - MAY_BE_LEFT_OPEN))
def test_none_is_refused_where_no_rule_fills_it_in(name):
    assert name in refusal(**{name: None})


@pytest.mark.parametrize("name", sorted(MAY_BE_LEFT_OPEN))
def test_none_leaves_a_choice_to_the_rule(name):
    assert getattr(config(**{name: None}), name) is None


@pytest.mark.parametrize(("name", "least"), SIZES.items())
def test_sizes_are_rows_or_shares_of_them(name, least):
    for good in (least, 10**6, 0.001, 0.5, 0.999):
        assert getattr(config(**{name: good}), name) == good
    for bad in (1.0, -0.2, 1.5, NAN, INF, *([0.0] if least else [])):
        assert refusal(**{name: bad}) == (
            f"{name} must be a whole number of rows, or a share of them above 0 and below 1,"
            f" got {bad!r}"
        )
    for bad in (least - 1, -3, "2", True, [2]):
        assert refusal(**{name: bad}) == (
            f"{name} must be a whole number of at least {least}, or a share of the rows,"
            f" got {bad!r}"
        )


def test_one_forecast_must_fit_into_test_and_validation():
    assert config(horizon=12, test_size=12, validation_size=12, train_size=1).test_size == 12
    assert config(horizon=12, test_size=0).test_size == 0
    assert "test_size must be 0 or at least the horizon of 12, got 11" in refusal(
        horizon=12, test_size=11
    )
    assert "validation_size must be at least the horizon of 12, got 11" in refusal(
        horizon=12, validation_size=11
    )


def test_levels_are_percentages_in_rising_order():
    assert config(levels=(50,)).levels == (50,)
    assert config(levels=(1, 80, 99)).levels == (1, 80, 99)
    for bad in ((), (95, 80), (80, 80), (0, 50), (100,), (-5,), (80.0,), (True,), "80", 80, None):
        says = "levels must be whole percentages of 1 to 99 in rising order"
        assert refusal(levels=bad).startswith(says)
    assert ForecastConfig.from_options({"horizon": 1, "levels": [50, 90]}).levels == (50, 90)


def test_levels_without_intervals_are_refused():
    says = "levels are those of intervals, and intervals is none: leave out one of the two"
    assert refusal(intervals="none", levels=(50, 90)) == f"{says}, got levels 50, 90"
    assert config(intervals="none").levels == (80, 95)


def test_options_make_the_config_they_came_from():
    made = config(
        horizon=12, cell="lstm", context=24, log=False, time_limit=2.5, test_size=0.25,
        train_size=70, levels=(50, 90), linear=True, intervals="quantile", strategy="recursive",
    )  # fmt: skip
    plain = json.loads(json.dumps(made.to_json()))
    assert ForecastConfig.from_options(plain) == made
    assert tuple(plain) == ForecastConfig.names()


@pytest.mark.parametrize(
    ("name", "meant"), [("hidden", "hidden_size"), ("Horizon", "horizon"), ("epoch", "epochs")]
)
def test_an_unknown_option_is_refused_with_the_closest(name, meant):
    with pytest.raises(ConfigError) as caught:
        ForecastConfig.from_options({"horizon": 1, name: 3}, source=" in c.json")
    message = str(caught.value)
    assert message.startswith(f"unknown option {name!r} in c.json; the options are cell, hidden_")
    assert message.endswith(f"; did you mean {meant!r}?")


def test_nothing_like_an_option_gets_no_guess():
    with pytest.raises(ConfigError, match=r"unknown option 'zzz'; the options are .*epochs, .*$"):
        ForecastConfig.from_options({"horizon": 1, "zzz": 3})


@pytest.mark.parametrize("options", [{}, {"horizon": None}, {"cell": "gru"}])
def test_a_horizon_is_required(options):
    with pytest.raises(ConfigError, match="needs a horizon"):
        ForecastConfig.from_options(options)


@pytest.mark.parametrize(
    ("options", "rows", "season", "sizes"),
    [
        # 12 years of months, a year ahead: a year to test, two to validate, one to read.
        ({"horizon": 12}, 144, 12, Sizes(12, 12, 132, 12, 24)),
        # ETTh1: a fifth to test, 15 % of the rest to validate, 4 days to read.
        ({"horizon": 24}, 17_420, 24, Sizes(24, 96, 13_936, 3484, 2090)),
        # 50 years: a tenth to test, 15 % of the other 45 to validate, one row for every 20 to read.
        ({"horizon": 1}, 50, 1, Sizes(1, 2, 45, 5, 6)),
        # A tenth is no more than 10 rows, until 500, where a fifth is taken.
        ({"horizon": 1}, 499, 1, Sizes(1, 24, 489, 10, 73)),
        ({"horizon": 1}, 500, 1, Sizes(1, 20, 400, 100, 60)),
        ({"horizon": 1}, 100_000, 1, Sizes(1, 96, 80_000, 20_000, 12_000)),
        # A horizon longer than a season counts as one: in the test part and in the context.
        ({"horizon": 30}, 2000, 7, Sizes(7, 60, 1600, 400, 240)),
        ({"horizon": 3}, 144, 12, Sizes(12, 12, 132, 12, 19)),
        # At least one season to read and to test on, however long.
        ({"horizon": 1}, 2000, 365, Sizes(365, 365, 1600, 400, 240)),
        # Validation takes two horizons, but no more than a quarter, but at least one horizon.
        ({"horizon": 12}, 60, 12, Sizes(12, 12, 48, 12, 12)),
        ({"horizon": 12}, 20, 12, Sizes(12, 12, 8, 12, 12)),
        # What is asked for is kept, and the rules see it.
        (
            {"horizon": 12, "season": 4, "context": 7, "test_size": 24, "validation_size": 13},
            144,
            12,
            Sizes(4, 7, 120, 24, 13),
        ),
        ({"horizon": 12, "test_size": 0}, 144, 12, Sizes(12, 12, 144, 0, 24)),
        ({"horizon": 2, "season": 1}, 144, 12, Sizes(1, 6, 134, 10, 20)),
        ({"horizon": 2, "test_size": 50}, 10, 1, Sizes(1, 2, 0, 50, 2)),
        # Shares are of all rows.
        (
            {"horizon": 2, "test_size": 0.2, "validation_size": 0.1},
            150,
            1,
            Sizes(1, 6, 120, 30, 15),
        ),
        (
            {"horizon": 2, "train_size": 0.7, "validation_size": 0.1},
            150,
            1,
            Sizes(1, 6, 120, 30, 15),
        ),
        # After a train_size comes validation, then the test part, by default all that is left.
        ({"horizon": 2, "train_size": 70, "validation_size": 20}, 150, 1, Sizes(1, 4, 90, 60, 20)),
        (
            {"horizon": 2, "train_size": 70, "validation_size": 20, "test_size": 30},
            150,
            1,
            Sizes(1, 4, 90, 30, 20),
        ),
        ({"horizon": 2, "train_size": 149, "validation_size": 20}, 150, 1, Sizes(1, 8, 169, 0, 20)),
    ],
)
def test_the_sizes_left_open_follow_the_rule(options, rows, season, sizes):
    assert resolve(ForecastConfig(**options), rows=rows, season=season) == sizes


@settings(max_examples=200, deadline=None)
@given(rows=st.integers(1, 5000), horizon=st.integers(1, 60), season=st.integers(1, 60))
def test_sizes_keep_the_bounds_that_the_rules_state(rows, horizon, season):
    sizes = resolve(ForecastConfig(horizon=horizon), rows=rows, season=season)
    span, rest = max(season, horizon), max(rows - sizes.test_size, 0)
    assert sizes.season == season
    assert sizes.known == rest
    assert sizes.test_size >= span
    assert sizes.test_size <= max(span, rows / 5)
    assert sizes.context % span == 0
    assert span <= sizes.context <= max(span, 96)
    assert sizes.context == span or 20 * sizes.context <= rest
    assert horizon <= sizes.validation_size <= max(horizon, rest / 4)


def test_an_ensemble_is_for_small_data():
    assert ensemble_size(config(), 999) == 5
    assert ensemble_size(config(), 1000) == 1
    assert ensemble_size(config(), -3) == 5
    assert ensemble_size(config(ensemble=3), 10**6) == 3
    assert ensemble_size(config(ensemble=1), 10) == 1


def test_each_network_has_a_validation_block_unless_a_size_is_asked_for():
    assert validation_blocks(config(), 5) == 5
    assert validation_blocks(config(), 1) == 1
    assert validation_blocks(config(validation_size=20), 5) == 1


def test_long_epochs_are_not_waited_for_as_often_unless_asked_for():
    assert patience(config(), 100) >= patience(config(), 10**6) >= 1
    assert patience(config(patience=3), 100) == patience(config(patience=3), 10**6) == 3


@pytest.mark.parametrize("series", [1, 2, 1000])
def test_the_loss_asked_for_is_taken(series):
    for loss in ("squared", "absolute"):
        assert loss_name(config(loss=loss), series) == loss
    assert loss_name(config(), series) in ("squared", "absolute")


@pytest.mark.parametrize("windows", [1, 100, 512, 513, 543, 544, 1024, 1025, 2048, 2049, 10**6])
def test_a_step_takes_the_power_of_two_from_a_thirty_second_of_the_windows(windows):
    expected = next((size for size in (16, 32, 64, 128) if size >= windows / 32), 128)
    assert batch_size(config(), windows) == expected
    assert batch_size(config(batch_size=7), windows) == 7


def write(folder, text):
    path = folder / "options.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_options_are_read_from_json(tmp_path):
    path = write(tmp_path, '{"horizon": 12, "cell": "lstm", "log": null}')
    assert ForecastConfig.read(path) == {"horizon": 12, "cell": "lstm", "log": None}
    assert ForecastConfig.read(write(tmp_path, "{}")) == {}


def test_the_config_of_a_run_gives_its_options(tmp_path):
    run = {"format_version": 1, "task": "forecast", "options": config(horizon=7).to_json()}
    options = ForecastConfig.read(write(tmp_path, json.dumps(run)))
    assert ForecastConfig.from_options(options) == config(horizon=7)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read: No such file"),
        (b"\xff\xfe", "cannot be read: it is not UTF-8 .* at byte 1"),
        ("", "is not JSON: .* in line 1"),
        ('{"horizon": 12,\n "cell": lstm}', "is not JSON: .* in line 2"),
        ("{'horizon': 12}", "is not JSON"),
        ("[1, 2]", r"must hold a JSON object of options, got '\[1, 2\]'"),
        ('"horizon"', "must hold a JSON object"),
        ("null", "must hold a JSON object"),
        ("12", "must hold a JSON object"),
        ('{"horizon": 12, "hidden": 3}', "unknown option 'hidden' in .*did you mean 'hidden_size'"),
        ('{"format_version": 1, "options": [1]}', "must hold a JSON object"),
        ('{"format_version": 1, "options": {"cel": 1}}', "unknown option 'cel'"),
        ('{"format_version": 1}', "unknown option 'format_version'"),
        ("[" * 100_000, "options.json"),
        ('{"horizon": ' + "1" * 5000 + "}", "options.json"),
    ],
)
def test_a_config_file_that_is_none_is_refused_in_one_sentence(tmp_path, text, says):
    path = tmp_path / "options.json" if text is None else write(tmp_path, text)
    with pytest.raises(ConfigError, match=says) as caught:
        ForecastConfig.read(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert len(message) < 700


def test_a_folder_is_no_config_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        ForecastConfig.read(tmp_path)
