"""The options of a forecast, and the rules that fill in those left open."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from rnnkit.data.differencing import Differencing
from rnnkit.errors import ConfigError, closest

Cell = Literal["rnn", "lstm", "gru"]
Schedule = Literal["constant", "cosine", "plateau"]
Strategy = Literal["direct", "recursive"]
Loss = Literal["squared", "absolute"]
Intervals = Literal["conformal", "quantile", "none"]

LONG = 500  # rows from which a fifth of a series is kept for the test
LONG_EPOCH = 20_000  # windows in an epoch from which fewer are waited for
MANY = 1000  # training windows from which one network replaces an ensemble
LARGEST_SEED = 2**32 - 1
CONTEXT = 96  # rows that a context of whole seasons may reach at the most
LEVELS = (80, 95)  # percent of the outcomes that intervals hold unless other levels are asked for


@dataclass(frozen=True)
class ForecastConfig:
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

    horizon: int
    cell: Cell = "gru"
    context: int | None = None
    season: int | None = None
    log: bool | None = None
    differencing: Differencing | None = None
    train_size: int | float | None = None
    test_size: int | float | None = None
    validation_size: int | float | None = None
    stride: int = 1
    strategy: Strategy = "direct"
    linear: bool | None = None
    loss: Loss | None = None
    intervals: Intervals = "conformal"
    levels: tuple[int, ...] = LEVELS
    hidden_size: int = 32
    layers: int = 1
    bidirectional: bool = False
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    ensemble: int | None = None
    epochs: int = 300
    batch_size: int | None = None
    learning_rate: float = 0.003
    weight_decay: float = 0.0
    schedule: Schedule = "constant"
    patience: int | None = None
    clip_norm: float = 1.0
    time_limit: float | None = None
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, least in _WHOLE.items():
            value = getattr(self, name)
            if value is None and name in _BY_RULE:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigError(
                    f"{name} must be a whole number of at least {least}, got {value!r}"
                )
        if self.seed > LARGEST_SEED:
            raise ConfigError(f"seed must be at most {LARGEST_SEED}, got {self.seed}")
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value is None and name in _BY_RULE:
                continue
            if value not in choices:
                hint = closest(value, choices) if isinstance(value, str) else ""
                raise ConfigError(
                    f"{name} must be one of {', '.join(choices)}, got {value!r}{hint}"
                )
        for name in ("dropout", "recurrent_dropout"):
            value = getattr(self, name)
            if not _is_number(value) or not 0 <= value < 1:
                raise ConfigError(f"{name} must be a share from 0 to below 1, got {value!r}")
        for name in _SIZES:
            _check_size(name, getattr(self, name), self.horizon)
        _check_levels(self.levels)
        if self.intervals == "none" and self.levels != LEVELS:
            raise levels_without_intervals(self.levels)
        for name in ("learning_rate", "clip_norm", "time_limit"):
            value = getattr(self, name)
            if value is None and name == "time_limit":
                continue
            if not _is_number(value) or not 0 < value < float("inf"):
                raise ConfigError(f"{name} must be a number above 0, got {value!r}")
        if not _is_number(self.weight_decay) or not 0 <= self.weight_decay < float("inf"):
            raise ConfigError(f"weight_decay must be a number from 0, got {self.weight_decay!r}")
        if not isinstance(self.device, str):
            raise ConfigError(f"device must be a name such as cpu or cuda, got {self.device!r}")
        if not isinstance(self.bidirectional, bool):
            raise ConfigError(f"bidirectional must be true or false, got {self.bidirectional!r}")
        for name in ("log", "linear"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, bool):
                raise ConfigError(f"{name} must be true, false or left out, got {value!r}")

    def to_json(self) -> dict[str, Any]:
        """Return all options as plain values."""
        return {**dataclasses.asdict(self), "levels": list(self.levels)}

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, source: str = "") -> ForecastConfig:
        """Return the config of `options`, names to values.

        Raises:
            ConfigError: if a name is unknown, a value is wrong or the horizon is missing; `source`
                names where the options come from.
        """
        check_names(options, source)
        if options.get("horizon") is None:
            raise ConfigError("a forecast needs a horizon: how many rows should it look ahead?")
        levels = options.get("levels")
        if isinstance(levels, list):
            options = {**options, "levels": tuple(levels)}
        return cls(**options)


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
    train, validation, test = (_rows(name, config, rows) for name in _SIZES)
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


def read_options(path: Path) -> dict[str, Any]:
    """Return the options in a JSON file: `{"horizon": 12, "cell": "lstm"}`, or a run's config.

    Raises:
        ConfigError: if the file is missing, is not a JSON object, or holds an unknown key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {path} cannot be read: {error}") from None
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"config file {path} is not JSON: {error.msg} in line {error.lineno}"
        ) from None
    except (RecursionError, ValueError) as error:  # nested too deeply; a number of 5,000 digits
        raise ConfigError(f"config file {path} cannot hold options: {error}") from None
    if isinstance(values, dict) and "format_version" in values and "options" in values:
        values = values["options"]
    if not isinstance(values, dict):
        raise ConfigError(
            f"config file {path} must hold a JSON object of options, got {text[:40]!r}"
        )
    check_names(values, f" in {path}")
    return values


def check_names(options: Mapping[str, Any], source: str) -> None:
    """Raise ConfigError for an option that does not exist; `source` ends what it is called."""
    for name in options:
        if name not in NAMES:
            raise ConfigError(
                f"unknown option {name!r}{source}; the options are {', '.join(NAMES)}"
                f"{closest(name, NAMES)}"
            )


NAMES = tuple(field.name for field in dataclasses.fields(ForecastConfig))
_BY_RULE = {field.name for field in dataclasses.fields(ForecastConfig) if field.default is None}
_WHOLE = {
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
_SIZES = ("train_size", "validation_size", "test_size")
_CHOICES: dict[str, tuple[str, ...]] = {
    "cell": get_args(Cell),
    "schedule": get_args(Schedule),
    "differencing": get_args(Differencing),
    "strategy": get_args(Strategy),
    "loss": get_args(Loss),
    "intervals": get_args(Intervals),
}


def _check_levels(levels: object) -> None:
    usable = isinstance(levels, tuple) and all(
        isinstance(level, int) and not isinstance(level, bool) and 1 <= level <= 99
        for level in levels
    )
    if not usable or not levels or list(levels) != sorted(set(levels)):  # type: ignore[call-overload]
        raise ConfigError(
            f"levels must be whole percentages of 1 to 99 in rising order, such as (80, 95), got"
            f" {levels!r}"
        )


def levels_without_intervals(levels: Sequence[int]) -> ConfigError:
    """Return the error of levels that no interval would have."""
    return ConfigError(
        "levels are those of intervals, and intervals is none: leave out one of the two,"
        f" got levels {', '.join(map(str, levels))}"
    )


def _check_size(name: str, size: object, horizon: int) -> None:
    if size is None or (name == "test_size" and size == 0 and not isinstance(size, bool)):
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
    if name != "train_size" and size < horizon:
        least = f"0 or at least the horizon of {horizon}"
        raise ConfigError(
            f"{name} must be {least if name == 'test_size' else least[5:]}, got {size}: one"
            f" forecast needs {horizon} rows to be scored on"
        )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
