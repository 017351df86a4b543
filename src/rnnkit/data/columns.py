"""What the columns of a table are, as the user says: times, series, targets and covariates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from rnnkit.errors import ConfigError, closest

Layout = Literal["long", "columns", "rows"]
Order = Literal["oldest-first", "newest-first"]
Role = Literal["past", "future", "static"]

ALL = "all"  # as the only target: every column of numbers that is nothing else


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are.

    Args:
        layout: `long`, a row a time and series; `columns`, each target column a series of its own;
            `rows`, each row a series, its values from left to right.
        time: the time column, or several whose cells together are the time (year, month, day,
            hour, minute, second); none where the rows are in order but have no times.
        targets: the columns to forecast. Empty where there is but one candidate; `("all",)` for
            every column of numbers that is nothing else. In layout `rows` the columns of values,
            by default all that are nothing else.
        series_id: the column that names the series of a row; `None` for one series.
        covariates: columns known up to the origin of a forecast only.
        future_covariates: columns known for the rows to be forecast as well.
        statics: columns that never change within a series.
        order: of rows without times, or whose times should not be sorted; `None` to find it.
        step: the distance between rows in words, such as `hour` or `15 minutes`; `None` to infer
            it from the times.
        time_zone: the zone of the clock in the time column, such as `Europe/Berlin`, for hours
            that summer time leaves out or repeats.
        header: whether the table has a line of column names; `None` to find it.

    Raises:
        ConfigError: if a column has two roles, or options contradict each other.
    """

    layout: Layout = "long"
    time: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    series_id: str | None = None
    covariates: tuple[str, ...] = ()
    future_covariates: tuple[str, ...] = ()
    statics: tuple[str, ...] = ()
    order: Order | None = None
    step: str | None = None
    time_zone: str | None = None
    header: bool | None = None

    def __post_init__(self) -> None:
        for name, choices in (("layout", get_args(Layout)), ("order", (None, *get_args(Order)))):
            value = getattr(self, name)
            if value not in choices:
                words = [choice for choice in choices if choice is not None]
                hint = closest(value, words) if isinstance(value, str) else ""
                raise ConfigError(f"{name} must be one of {', '.join(words)}, got {value!r}{hint}")
        seen: dict[str, str] = {}
        for role, names in self.roles().items():
            for name in names:
                if name in seen:
                    twice = seen[name] == role
                    raise ConfigError(
                        f"column {name!r} is named twice as {role}; name each column once"
                        if twice
                        else f"column {name!r} cannot be both {seen[name]} and {role}"
                    )
                seen[name] = role
        if self.layout == "rows" and (self.time or self.covariates or self.future_covariates):
            raise ConfigError(
                "layout rows has a series a row and no column of times or covariates: leave time"
                " and covariates out, or bring the table into the long layout"
            )
        if self.layout == "columns" and (self.series_id is not None or self.statics):
            raise ConfigError(
                "layout columns has a series a column: leave series_id and statics out, or choose"
                " the layout long"
            )

    def roles(self) -> dict[str, tuple[str, ...]]:
        """Return the columns named, by what they are called in messages."""
        return {
            "the time": self.time,
            "the series": () if self.series_id is None else (self.series_id,),
            "a target": self.targets,
            "a covariate": self.covariates,
            "a future covariate": self.future_covariates,
            "a static covariate": self.statics,
        }

    @property
    def named(self) -> tuple[str, ...]:
        """All columns that must be in the table."""
        columns = [name for names in self.roles().values() for name in names]
        return tuple(name for name in columns if name != ALL or self.targets != (ALL,))

    @property
    def covariate_roles(self) -> dict[str, Role]:
        """The columns beside the targets by their roles: past, then future ones, then statics."""
        return {
            **dict.fromkeys(self.covariates, "past"),
            **dict.fromkeys(self.future_covariates, "future"),
            **dict.fromkeys(self.statics, "static"),
        }

    @property
    def asks(self) -> bool:
        """Whether the cells have to tell what some of the columns hold."""
        return self.targets in ((), (ALL,)) or bool(self.covariate_roles)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Columns:
        """Return the columns that `to_json` wrote."""
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**plain)
