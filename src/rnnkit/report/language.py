"""Which language a report is in, and what its sentences are in that language.

The English templates of `rnnkit.messages.Message` and the English fixed labels are the keys of
`korean.json`, whose entries hold the same placeholders. What comes from data (column names, names
of series) is never looked up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from typing import Literal, TypeAlias

from rnnkit.messages import Message, Value

Language: TypeAlias = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")


def render(text: str | Message, language: Language = "en") -> str:
    """Return `text` as a person reads it.

    Args:
        text: a message, or a text that stays as it is.
        language: of the templates of the message and of all messages in it. A template that the
            catalogue lacks is shown in English.

    Raises:
        KeyError: if a message lacks a value that its template names.

    Example:
        >>> render(Message("{count:,} epochs", {"count": 1200}))
        '1,200 epochs'
        >>> render("epoch", "ko"), render(Message("epoch"), "ko")
        ('epoch', '에폭')
    """
    if isinstance(text, str):
        return text
    values = {name: _rendered(value, language) for name, value in text.values.items()}
    return replace(text, values=values).fill(_translated(text.template, language))


def words(language: Language) -> Callable[[str], str]:
    """Return the function that says a fixed label in `language`.

    Example:
        >>> say = words("ko")
        >>> say("validation loss"), say("15 minutes")
        ('검증 손실', '15분')
    """
    return lambda label: _translated(label, language)


def _translated(template: str, language: Language) -> str:
    """Return the entry of a template; one that begins with a number has its place for `{count}`."""
    catalogue = _catalogue(language)
    count, _, unit = template.partition(" ")
    if count.isdecimal():
        return catalogue.get(f"{{count}} {unit}", template).replace("{count}", count)
    return catalogue.get(template, template)


def _rendered(value: Value, language: Language) -> Value:
    if isinstance(value, Message):
        return render(value, language)
    if isinstance(value, tuple):
        return ", ".join(render(message, language) for message in value)
    return value


@lru_cache(maxsize=len(LANGUAGES))
def _catalogue(language: Language) -> Mapping[str, str]:
    """Read the catalogue, whose sections are for its readers alone."""
    if language == "en":
        return {}
    text = resources.files("rnnkit.report").joinpath("korean.json").read_text(encoding="utf-8")
    return {key: entry for section in json.loads(text).values() for key, entry in section.items()}
