"""JSON Lines: an object a line, its keys the columns."""

from __future__ import annotations

import itertools
import json
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnkit.data.examples.delimited import SAMPLE
from rnnkit.data.examples.lines import Lines
from rnnkit.errors import DataError

_SUFFIXES = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True)
class JsonLines:
    """A file of JSON objects, one a line.

    Args:
        path: where it is.
        lines: of the text.
        names: the keys of the first thousand objects, in the order in which they appear.
    """

    path: Path
    lines: Lines
    names: tuple[str, ...]

    def rows(self) -> Generator[tuple[int, list[Any]], None, None]:
        """Yield the cells for each name, with the line: texts, numbers, lists or dicts.

        A missing key and null are an empty text, truth values are `true` and `false`.

        Raises:
            DataError: as `read_lines`; naming the line, if one is no JSON object.
        """
        for number, line in _objects(self.path, self.lines):
            yield number, [_cell(line.get(name)) for name in self.names]

    def sample(self) -> list[list[Any]]:
        """Return the first rows: enough to tell what the columns are."""
        return [cells for _, cells in itertools.islice(self.rows(), SAMPLE)]


def is_json_lines(path: Path, first: str) -> bool:
    """Tell whether a text file is JSON Lines: by its name, or since its first line is an object.

    Args:
        path: where it is.
        first: its first line.
    """
    if any(suffix in _SUFFIXES for suffix in path.suffixes[-2:]):
        return True
    try:
        return first.lstrip().startswith("{") and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def open_json_lines(path: Path, lines: Lines) -> JsonLines:
    """Find the columns of a file of JSON objects.

    Raises:
        DataError: as `JsonLines.rows`; if there are none.
    """
    names: dict[str, None] = {}
    found = False
    for _, line in itertools.islice(_objects(path, lines), SAMPLE):
        found = True
        names.update(dict.fromkeys(line))
    if not found:
        raise DataError(f"{path} is empty; a JSON object on each line was expected")
    return JsonLines(path, lines, tuple(names))


def _objects(path: Path, lines: Lines) -> Generator[tuple[int, dict[str, Any]], None, None]:
    for number, line in lines():
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            whole = "; a file of one JSON list is no JSON Lines" if line.strip() == "[" else ""
            reason = str(error).partition(" (char")[0]
            raise DataError(
                f"line {number} of {path} is no JSON object ({reason}); write one object a line"
                f"{whole}"
            ) from error
        if not isinstance(value, dict):
            raise DataError(
                f"line {number} of {path} holds a JSON {type(value).__name__}; an object with a "
                f"key for each column was expected on every line"
            )
        yield number, value


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value
