"""What the options of all tasks share: their checks, their JSON, the file that may hold them."""

from __future__ import annotations

import dataclasses
import json
import math
import numbers
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from rnnkit.errors import ConfigError, closest

Cell = Literal["rnn", "lstm", "gru"]
Schedule = Literal["constant", "cosine", "plateau"]

LARGEST_SEED = 2**32 - 1
MOST = 10_000_000  # of anything that is counted: what is meant, rather than mistyped, is less
LARGEST_SIZE = 100_000  # units, numbers of an embedding
MOST_LAYERS = 100
MOST_NETWORKS = 1000  # averaged

Check = Callable[[str, object], None]
"""Given an option's name and value, raises ConfigError where they do not fit."""

OptionsType = TypeVar("OptionsType", bound="Options")


def option(default: Any, check: Check) -> Any:
    """Return a field of an `Options` class; `None` fits where it is the default.

    Args:
        default: its value where none is given; `dataclasses.MISSING` for none.
        check: what every other value must pass.
    """
    return dataclasses.field(default=default, metadata={"check": check})


def whole(least: int, most: int = MOST) -> Check:
    """Return the check of a whole number."""

    def check(name: str, value: object) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ConfigError(f"{name} must be a whole number of at least {least}, got {value!r}")
        if value > most:
            raise ConfigError(f"{name} must be at most {most}, got {value}")

    return check


def choice(kind: Any) -> Check:
    """Return the check of a `Literal`'s value."""
    choices: tuple[str, ...] = get_args(kind)

    def check(name: str, value: object) -> None:
        if value not in choices:
            hint = closest(value, choices) if isinstance(value, str) else ""
            raise ConfigError(f"{name} must be one of {', '.join(choices)}, got {value!r}{hint}")

    return check


def share(name: str, value: object) -> None:
    """Refuse what is no share."""
    if not is_number(value) or not 0 <= value < 1:  # type: ignore[operator]
        raise ConfigError(f"{name} must be a share from 0 to below 1, got {value!r}")


def above_zero(name: str, value: object) -> None:
    """Refuse what is no number above 0."""
    if not is_number(value) or not 0 < value < math.inf:  # type: ignore[operator]
        raise ConfigError(f"{name} must be a number above 0, got {value!r}")


def from_zero(name: str, value: object) -> None:
    """Refuse what is no number from 0 on."""
    if not is_number(value) or not 0 <= value < math.inf:  # type: ignore[operator]
        raise ConfigError(f"{name} must be a number from 0, got {value!r}")


def flag(name: str, value: object) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name} must be true or false, got {value!r}")


def flag_or_rule(name: str, value: object) -> None:
    """Refuse what is neither true nor false, of an option with a rule."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name} must be true, false or left out, got {value!r}")


def part(name: str, value: object) -> None:
    """Refuse what is neither a number of examples nor a share of them; 0 is allowed."""
    whole_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not whole_number and not (isinstance(value, float) and 0 < value < 1):
        raise ConfigError(
            f"{name} must be a whole number from 0, or a share above 0 and below 1, got {value!r}"
        )


def is_number(value: object) -> bool:
    """Return whether a value is a number, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def plain(value: Any) -> Any:
    """Return a number of numpy as one of Python, also in a tuple; all else as it is."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


def _device(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a name such as cpu or cuda, got {value!r}")


@dataclass(frozen=True)
class Options:
    """The options of a task: a frozen dataclass whose fields `option` made."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = plain(getattr(self, field.name))
            object.__setattr__(self, field.name, value)  # frozen for all others
            if value is not None or field.default is not None:
                field.metadata["check"](field.name, value)

    def to_json(self) -> dict[str, Any]:
        """Return all options as plain values."""
        values = dataclasses.asdict(self)
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    @classmethod
    def from_options(
        cls: type[OptionsType], options: Mapping[str, Any], *, source: str = ""
    ) -> OptionsType:
        """Return the config of `options`, names to values; lists serve where tuples do.

        Raises:
            ConfigError: if a name is unknown or a value is wrong; `source` names where the options
                come from.
        """
        cls.check_names(options, source)
        return cls(**{n: tuple(v) if isinstance(v, list) else v for n, v in options.items()})

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all options."""
        return tuple(field.name for field in dataclasses.fields(cls))

    @classmethod
    def check_names(cls, options: Mapping[str, Any], source: str = "") -> None:
        """Raise ConfigError for an option that does not exist; `source` ends what it is called."""
        names = cls.names()
        for name in options:
            if name not in names:
                raise ConfigError(
                    f"unknown option {name!r}{source}; the options are {', '.join(names)}"
                    f"{closest(name, names)}"
                )

    @classmethod
    def read(cls, path: Path, beside: Collection[str] = ()) -> dict[str, Any]:
        """Return the options in a JSON file: `{"cell": "lstm", …}`, or a run's config.

        Args:
            path: of the file.
            beside: names of what may stand among these options, and stands beside them in a run's
                config.

        Raises:
            ConfigError: if the file is missing, is not a JSON object, or holds an unknown key.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"config file {path} cannot be read: {error.strerror or error}"
            ) from None
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"config file {path} cannot be read: it is not UTF-8 text ({error.reason} at byte"
                f" {error.start + 1}); save it as UTF-8"
            ) from None
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise ConfigError(
                f"config file {path} is not JSON: {error.msg} in line {error.lineno}"
            ) from None
        except (RecursionError, ValueError) as error:  # nested too deeply; 5,000 digits
            raise ConfigError(f"config file {path} cannot hold options: {error}") from None
        if isinstance(values, dict) and "format_version" in values and "options" in values:
            own = {name: values[name] for name in beside if name in values}
            values = {**values["options"], **own} if isinstance(values["options"], dict) else None
        if not isinstance(values, dict):
            raise ConfigError(
                f"config file {path} must hold a JSON object of options, got {text[:40]!r}"
            )
        cls.check_names({n: v for n, v in values.items() if n not in beside}, f" in {path}")
        return values


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(Options):
    """The options of the recurrent network and its training; tasks differ in their defaults.

    Args:
        cell: `rnn`, `lstm` or `gru`.
        hidden_size: units of a layer and direction.
        layers: stacked layers.
        bidirectional: read in both directions.
        dropout: share of units dropped in training between layers and before the last map.
        recurrent_dropout: share of the recurrent state dropped in training.
        epochs: passes over the training data at the most.
        batch_size: sequences a step of the optimiser.
        learning_rate: of AdamW.
        weight_decay: of AdamW.
        schedule: `constant`, `cosine` or `plateau`.
        patience: epochs without improvement on the validation part before training stops.
        clip_norm: largest norm of a gradient.
        time_limit: seconds that training may take; `None` for no limit.
        seed: of weights, order and dropout.
        device: `cpu`, `cuda`, …

    Raises:
        ConfigError: if a value has the wrong type or lies outside its range.
    """

    cell: Cell = option("gru", choice(Cell))
    hidden_size: int = option(64, whole(1, LARGEST_SIZE))
    layers: int = option(1, whole(1, MOST_LAYERS))
    bidirectional: bool = option(False, flag)
    dropout: float = option(0.0, share)
    recurrent_dropout: float = option(0.0, share)
    epochs: int | None = option(100, whole(1))
    batch_size: int | None = option(None, whole(1))
    learning_rate: float = option(0.001, above_zero)
    weight_decay: float = option(0.0, from_zero)
    schedule: Schedule | None = option("constant", choice(Schedule))
    patience: int | None = option(None, whole(1))
    clip_norm: float = option(1.0, above_zero)
    time_limit: float | None = option(None, above_zero)
    seed: int = option(0, whole(0, LARGEST_SEED))
    device: str = option("cpu", _device)
