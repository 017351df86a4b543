"""What the columns of a table of examples are, as the user says, and what is to be read of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from rnnkit.errors import ConfigError, closest

Layout = Literal["wide", "long", "flat"]
# What is to be said of a sequence: its class, its numbers, or nothing (it is to be predicted).
Wants = Literal["class", "numbers", "nothing"]


@dataclass(frozen=True)
class ExampleColumns:
    """What the columns of a table of examples are; what is not said is found by stated rules.

    Args:
        text: the column of texts; `None` to find it, or where the sequences are numbers.
        label: the column of classes.
        targets: the columns of numbers to predict.
        id: the column that names the sequence of a row, in layout `long`.
        time: the column that orders the rows of a sequence, in layout `long`.
        features: the columns that the sequences are made of.
        words: those of them that hold labels, though all of their cells may look like numbers.
        layout: `wide`, a row a sequence, its steps from left to right; `long`, a row a step;
            `flat`, a row a sequence of one step. `None` to find it.
        header: whether a text table has a line of column names; `None` to find it.

    Raises:
        ConfigError: if a column has two roles, or options contradict each other.
    """

    text: str | None = None
    label: str | None = None
    targets: tuple[str, ...] = ()
    id: str | None = None
    time: str | None = None
    features: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    layout: Layout | None = None
    header: bool | None = None

    def __post_init__(self) -> None:
        choices = get_args(Layout)
        if self.layout is not None and self.layout not in choices:
            hint = closest(self.layout, choices) if isinstance(self.layout, str) else ""
            raise ConfigError(
                f"layout must be one of {', '.join(choices)}, got {self.layout!r}{hint}"
            )
        seen: dict[str, str] = {}
        for role, names in self.roles().items():
            for name in names:
                if name in seen:
                    raise ConfigError(
                        f"column {name!r} is named twice as {role}; name each column once"
                        if seen[name] == role
                        else f"column {name!r} cannot be both {seen[name]} and {role}"
                    )
                seen[name] = role
        for name in self.words:
            if self.features and name not in self.features:
                raise ConfigError(f"column {name!r} is among words but not among features; add it")
        if self.text is not None and self.is_of_numbers:
            raise ConfigError(
                "a text is a sequence by itself: leave id, time, features, words and layout out, "
                "or leave text out"
            )
        if self.layout == "long" and self.id is None:
            raise ConfigError("layout long has a row a step: say by id which rows belong together")
        if self.layout in ("wide", "flat") and (self.time is not None or self.id is not None):
            raise ConfigError(
                f"layout {self.layout} has a sequence a row: leave id and time out, or choose the "
                f"layout long"
            )
        if self.layout == "wide" and self.words:
            raise ConfigError("layout wide has a number a cell: leave words out")
        if self.time is not None and self.id is None:
            raise ConfigError("time orders the rows of a sequence: say by id which these are")

    def roles(self) -> dict[str, tuple[str, ...]]:
        """Return the columns named, by what they are called in messages."""
        single = {"the text": self.text, "the label": self.label}
        order = {"the id": self.id, "the time": self.time}
        named: dict[str, tuple[str, ...]] = {
            role: () if name is None else (name,) for role, name in single.items()
        }
        named["a target"] = self.targets
        named |= {role: () if name is None else (name,) for role, name in order.items()}
        return named | {"a feature": self.features}

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns named that sequences are made of, without what is to be said of them."""
        roles = self.roles()
        named = [n for role in ("the text", "the id", "the time", "a feature") for n in roles[role]]
        return (*named, *(name for name in self.words if name not in named))

    @property
    def answers(self) -> tuple[str, ...]:
        """The columns named that say what is to be predicted."""
        return (*self.roles()["the label"], *self.targets)

    @property
    def is_of_numbers(self) -> bool:
        """Whether something was said that only sequences of numbers have."""
        return self.layout is not None or bool(self.id or self.time or self.features or self.words)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ExampleColumns:
        """Return the columns that `to_json` wrote."""
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**plain)
