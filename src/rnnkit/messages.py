"""Sentences that can be said in more than one language.

A `Message` keeps its English template apart from the values in it, so that the report can look the
template up in the catalogue of another language (`rnnkit.report.language`). Everything that a run
says to a person about its data, its choices and its results is a `Message`; errors are plain
English texts, since they are read where they occur.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Value: TypeAlias = "str | int | float | Message | tuple[Message, ...]"


@dataclass(frozen=True)
class Message:
    """A sentence, or a part of one, with values to be filled in.

    Args:
        template: English, with `{name}` or `{name:format}` where a value goes.
        values: what goes there: text, numbers, messages, or a tuple of messages (joined by commas).

    Example:
        >>> str(Message("{name}: {rows:,} rows", {"name": "airline", "rows": 1440}))
        'airline: 1,440 rows'
    """

    template: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.fill(self.template)

    def __hash__(self) -> int:
        return hash((self.template, tuple(sorted(self.values))))

    def fill(self, template: str) -> str:
        """Return `template`, this message's own or its translation, with the values filled in."""
        return template.format_map({name: _spoken(value) for name, value in self.values.items()})

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {"text": self.template, "values": {n: _plain(v) for n, v in self.values.items()}}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Message:
        """Return the message that `to_json` wrote."""
        return cls(str(plain["text"]), {n: _value(v) for n, v in plain["values"].items()})


def _spoken(value: Value) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value


def _plain(value: Value) -> Any:
    if isinstance(value, Message):
        return value.to_json()
    return [message.to_json() for message in value] if isinstance(value, tuple) else value


def _value(plain: Any) -> Value:
    if isinstance(plain, Mapping):
        return Message.from_json(plain)
    return tuple(map(Message.from_json, plain)) if isinstance(plain, list) else plain
