"""The options of a forecast, and the rules that fill in those left open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from typing import Any, Literal

from rnnkit.data.differencing import Differencing
from rnnkit.errors import ConfigError
from rnnkit.tasks.options import (
    LARGEST_SIZE,
    MOST_NETWORKS,
    NetworkOptions,
    Schedule,
    above_zero,
    choice,
    flag_or_rule,
    option,
    whole,
)

Strategy = Literal["direct", "recursive"]
Loss = Literal["squared", "absolute"]
Intervals = Literal["conformal", "quantile", "none"]

LONG = 500  # rows from which a fifth of a series is kept for the test
LONG_EPOCH = 20_000  # windows in an epoch from which fewer are waited for
MANY = 1000  # training windows from which one network replaces an ensemble
CONTEXT = 96  # rows that a context of whole seasons may reach at the most
LEVELS = (80, 95)  # percent of the outcomes that intervals hold unless other levels are asked for


def _levels(name: str, levels: object) -> None:
    usable = isinstance(levels, tuple) and all(
        isinstance(level, int) and not isinstance(level, bool) and 1 <= level <= 99
        for level in levels
    )
    if not usable or not levels or list(levels) != sorted(set(levels)):  # type: ignore[call-overload]
        raise ConfigError(
            f"{name} must be whole percentages of 1 to 99 in rising order, such as (80, 95), got"
            f" {levels!r}"
        )


def _size(name: str, size: object) -> None:
    if name == "test_size" and size == 0 and not isinstance(size, bool):
        return
    if isinstance(size, float):
        if not 0 < size < 1:
            raise ConfigError(
                f"{name} must be a whole number of rows, or a share of them above 0 and below 1,"
                f" got {size!r}"
            )
        return
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ConfigError(
            f"{name} must be a whole number of at least {0 if name == 'test_size' else 1}, or a"
            f" share of the rows, got {size!r}"
        )


@dataclass(frozen=True, kw_only=True)
class ForecastConfig(NetworkOptions):
    """All options of a forecast. `None` leaves a choice to the rule that `resolve` states.

    Args:
        horizon: rows to forecast, at least 1.
        cell: `rnn`, `lstm` or `gru`.
        context: rows that the network reads before it forecasts.
        season: rows in a season; by rule that of the times' step, such as 12 for months.
        log: whether the logarithm of the values is taken; by rule where it steadies their spread.
        differencing: `none`, `difference`, `seasonal` or `seasonal+difference`; by rule the one
            that forecasts best on the training part with the network's output at zero.
        train_size: rows to learn from, counted from the first; by rule all before the validation
            part. What follows the test part then is left out of training and test.
        test_size: rows at the end that are kept for scoring; 0 for none.
        validation_size: rows before them that early stopping looks at. By rule each network of an
            ensemble has a block of rows of its own. All three sizes may be shares of the rows,
            above 0 and below 1.
        stride: scores the forecast from every so many-th row of the test part.
        strategy: `direct`, the whole horizon at once; `recursive`, one row at a time, each forecast
            being read as the row before the next.
        linear: whether the network adds to a linear autoregression; by rule where it has 1,000
            windows to learn from and forecasts the validation part better so.
        loss: `squared` or `absolute` error; by rule absolute for many series, which are ranked by
            it.
        intervals: `conformal`, from the errors on rows left out of training; `quantile`, learned
            by the network and corrected by those errors; `none`.
        levels: percent of the outcomes that an interval should hold; left alone without intervals.
        hidden_size: units of a layer.
        layers: stacked layers.
        bidirectional: read the context in both directions.
        dropout: share of units dropped in training between layers and before the last map.
        recurrent_dropout: share of the recurrent state dropped in training.
        ensemble: networks, differing in their seed, whose forecasts are averaged.
        epochs: passes over the training windows at the most.
        batch_size: windows a step of the optimiser.
        learning_rate: of AdamW.
        weight_decay: of AdamW.
        schedule: `constant`, `cosine` or `plateau`.
        patience: epochs without improvement on the validation part before training stops; by rule
            20, and 5 where an epoch has 20,000 windows or more.
        clip_norm: largest norm of a gradient.
        time_limit: seconds that training may take, shared equally by the networks of an ensemble;
            `None` for no limit.
        seed: of weights, order and dropout.
        device: `cpu`, `cuda`, …

    Raises:
        ConfigError: if a value has the wrong type or lies outside its range.

    Example:
        >>> ForecastConfig(horizon=12, cell="gru").hidden_size
        32
    """

    horizon: int = option(MISSING, whole(1))
    context: int | None = option(None, whole(1))
    season: int | None = option(None, whole(1))
    log: bool | None = option(None, flag_or_rule)
    differencing: Differencing | None = option(None, choice(Differencing))
    train_size: int | float | None = option(None, _size)
    test_size: int | float | None = option(None, _size)
    validation_size: int | float | None = option(None, _size)
    stride: int = option(1, whole(1))
    strategy: Strategy = option("direct", choice(Strategy))
    linear: bool | None = option(None, flag_or_rule)
    loss: Loss | None = option(None, choice(Loss))
    intervals: Intervals = option("conformal", choice(Intervals))
    levels: tuple[int, ...] = option(LEVELS, _levels)
    hidden_size: int = option(32, whole(1, LARGEST_SIZE))
    ensemble: int | None = option(None, whole(1, MOST_NETWORKS))
    epochs: int = option(300, whole(1))
    schedule: Schedule = option("constant", choice(Schedule))
    learning_rate: float = option(0.003, above_zero)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("test_size", "validation_size"):
            _check_holds_forecast(name, getattr(self, name), self.horizon)
        if self.intervals == "none" and self.levels != LEVELS:
            raise levels_without_intervals(self.levels)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, source: str = "") -> ForecastConfig:
        """Return the config of `options`, names to values.

        Raises:
            ConfigError: if a name is unknown, a value is wrong or the horizon is missing; `source`
                names where the options come from.
        """
        cls.check_names(options, source)
        if options.get("horizon") is None:
            raise ConfigError("a forecast needs a horizon: how many rows should it look ahead?")
        return super().from_options(options, source=source)


@dataclass(frozen=True)
class Sizes:
    """The choices that depend on the data, made.

    Args:
        season: rows in a season, 1 for none.
        context: rows of a context.
        known: rows before the test part.
        test_size: rows of the test part.
        validation_size: rows of the validation part.
    """

    season: int
    context: int
    known: int
    test_size: int
    validation_size: int


def resolve(config: ForecastConfig, *, rows: int, season: int) -> Sizes:
    """Fill in the sizes left open. The rules see how many rows there are, and no value of them.

    - season: that of the times' step (`season`).
    - test part: a fifth of a series of 500 rows or more, otherwise a tenth but no more than ten
      rows; at least one horizon and one season. With a `train_size` all that is left.
    - validation rows, if they are one block: 15 % of the other rows and at least two horizons, but
      no more than a quarter of them; at least one horizon.
    - context: whole seasons (or horizons, if longer): one for every 20 before the test part, at
      least one, together no more than 96 rows.
    """
    season = season if config.season is None else config.season
    span = max(season, config.horizon)
    train, validation, test = (
        _rows(name, config, rows) for name in ("train_size", "validation_size", "test_size")
    )
    if test is None and train is None:
        test = max(span, rows // 5 if rows >= LONG else min(10, rows // 10))
    rest = max(rows - (test or 0), 0)
    if validation is None:
        wanted = max(2 * config.horizon, rest * 15 // 100)
        validation = max(config.horizon, min(wanted, rest // 4))
    known = rest if train is None else train + validation
    if test is None:
        test = max(0, rows - known)
    context = config.context
    if context is None:
        context = span * max(1, min(known // (20 * span), CONTEXT // span))
    return Sizes(season, context, known, test, validation)


def _rows(name: str, config: ForecastConfig, rows: int) -> int | None:
    """Return a size in rows, of a number of rows or a share of all `rows`."""
    size: int | float | None = getattr(config, name)
    if not isinstance(size, float):
        return size
    part = round(size * rows)
    least = 1 if name == "train_size" else config.horizon
    if part < least:
        raise ConfigError(
            f"{name} of {size:g} is {part} of {rows} rows, and at least {least} are needed: give a"
            " larger share"
        )
    return part


def ensemble_size(config: ForecastConfig, windows: int) -> int:
    """Return how many networks are averaged: by rule 5 below 1,000 training windows, then 1."""
    if config.ensemble is not None:
        return config.ensemble
    return 5 if windows < MANY else 1


def validation_blocks(config: ForecastConfig, networks: int) -> int:
    """Return in how many blocks the known rows are validated: by rule one a network."""
    return networks if config.validation_size is None else 1


def patience(config: ForecastConfig, windows: int) -> int:
    """Return how many epochs without gain are waited for: by rule 20, or 5 where they are long."""
    if config.patience is not None:
        return config.patience
    return 20 if windows < LONG_EPOCH else 5


def loss_name(config: ForecastConfig, series: int) -> Loss:
    """Return the loss: by rule absolute for many series, else squared."""
    return config.loss or ("absolute" if series > 1 else "squared")


def batch_size(config: ForecastConfig, windows: int) -> int:
    """Return the windows a step: by rule the power of 2 in 16..128 next above windows / 32."""
    if config.batch_size is not None:
        return config.batch_size
    size = 16
    while size < min(128, windows / 32):
        size *= 2
    return size


def levels_without_intervals(levels: Sequence[int]) -> ConfigError:
    """Return the error of levels that no interval would have."""
    return ConfigError(
        "levels are those of intervals, and intervals is none: leave out one of the two,"
        f" got levels {', '.join(map(str, levels))}"
    )


def _check_holds_forecast(name: str, size: int | float | None, horizon: int) -> None:
    if isinstance(size, int) and 0 < size < horizon:
        least = f"0 or at least the horizon of {horizon}"
        raise ConfigError(
            f"{name} must be {least if name == 'test_size' else least[5:]}, got {size}: one"
            f" forecast needs {horizon} rows to be scored on"
        )
