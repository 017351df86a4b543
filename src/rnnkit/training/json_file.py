"""JSON as a run folder has it: sorted keys, no number that is not finite, an object or refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnkit.errors import ArtifactError


def finite(value: Any) -> Any:
    """Return `value` with `None`, which JSON has, for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_text(data: Any) -> str:
    """Return `data` as JSON with sorted keys; a number that is not finite raises ValueError."""
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return the object in a JSON file, and the file's bytes.

    Raises:
        ArtifactError: if the file cannot be read, or holds something else.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise ArtifactError(
            f"{path} is damaged: it is not JSON; restore it, or train again"
        ) from None
    if not isinstance(data, dict):
        raise ArtifactError(
            f"{path} is damaged: it holds no JSON object; restore it, or train again"
        )
    return data, text
