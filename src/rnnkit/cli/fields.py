"""Command-line options made from the fields of a task's options: declared and described once."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from rnnkit.cli.options import Option, parse_size
from rnnkit.errors import ConfigError
from rnnkit.tasks.options import NetworkOptions, Options

# Where an option of the network belongs in the help; those of a task come first.
_MODEL = ("cell", "hidden_size", "layers", "bidirectional", "dropout", "recurrent_dropout")


def options_of(kind: type[Options]) -> tuple[Option, ...]:
    """Return the command-line options of a task, one a field, by the headings of the help."""
    described = _descriptions(kind)
    hints = typing.get_type_hints(kind)
    shared = set(NetworkOptions.names())
    own: list[Option] = []
    model: list[Option] = []
    training: list[Option] = []
    for field in dataclasses.fields(kind):
        panel, group = ("Text, parts and model", own)
        if field.name in _MODEL:
            panel, group = ("Network", model)
        elif field.name in shared:
            panel, group = ("Training", training)
        group.append(_option(field, hints[field.name], described[field.name], panel))
    return (*own, *model, *training)


def given_options(
    kind: type[Options],
    given: Mapping[str, Any],
    config: Path | None,
    *,
    beside: Collection[str] = (),
) -> dict[str, Any]:
    """Return the options of a task: those of the file `config`, then those given.

    Args:
        kind: of the options.
        given: on the command line.
        config: a file of options, or a run's; `None` for none.
        beside: names of what is none of the options and may be in the file; see `Options.read`.

    Raises:
        ConfigError: if one is wrong.
    """
    options: dict[str, Any] = {} if config is None else kind.read(config, beside)
    hints = typing.get_type_hints(kind)
    for name in kind.names():
        if name in given:
            value = given[name]
            options[name] = parse_size(name, value) if _is_size(hints[name]) else value
    kind.from_options({name: v for name, v in options.items() if name not in beside})
    return options


def _option(field: dataclasses.Field[Any], hint: Any, description: str, panel: str) -> Option:
    kinds = _kinds(hint)
    choices = [kind for kind in kinds if typing.get_origin(kind) is typing.Literal]
    flag = f"--{field.name.replace('_', '-')}"
    if bool in kinds:
        return Option(
            field.name,
            bool,
            _help(description, field.default),
            flags=(f"{flag}/--no-{field.name.replace('_', '-')}",),
            panel=panel,
        )
    if choices:
        metavar = "|".join(typing.get_args(choices[0]))
        return Option(field.name, str, _help(description, field.default), metavar, panel=panel)
    if _is_size(hint):
        return Option(field.name, str, _help(description, field.default), "SIZE", panel=panel)
    return Option(field.name, kinds[0], _help(description, field.default), panel=panel)


def _help(description: str, default: Any) -> str:
    """Return one sentence about an option, and its default where that says something."""
    plain = re.sub(r" \([^)]*\d{4}[^)]*\)", "", description)  # without its source
    sentence = re.split(r"[;.](?=\s|$)", plain.replace("`", ""))[0]
    if not plain.startswith("`"):
        sentence = sentence[0].upper() + sentence[1:]
    if default is None or default is dataclasses.MISSING or isinstance(default, bool):
        return f"{sentence}."
    return f"{sentence} (default: {default})."


def _kinds(hint: Any) -> list[Any]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [kind for kind in typing.get_args(hint) if kind is not type(None)]
    return [hint]


def _is_size(hint: Any) -> bool:
    return set(_kinds(hint)) == {int, float}


def _descriptions(kind: type[Options]) -> dict[str, str]:
    """Return what the docstrings of a class and its bases say of each field."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        found.update(_arguments(inspect.cleandoc(base.__doc__ or "").splitlines()))
    missing = [name for name in kind.names() if name not in found]
    if missing:
        raise ConfigError(f"options without a description: {', '.join(missing)}")
    return found


def _arguments(lines: Iterable[str]) -> dict[str, str]:
    """Return the names and texts of a docstring's section `Args`."""
    found: dict[str, str] = {}
    inside, name = False, ""
    for line in lines:
        if line == "Args:":
            inside = True
        elif inside and line and not line.startswith(" "):
            break
        elif inside and (start := re.match(r"    (\w+): (.*)", line)):
            name = start.group(1)
            found[name] = start.group(2)
        elif inside and line.strip():
            found[name] += " " + line.strip()
    return found
