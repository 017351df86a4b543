"""Tensors and text in one safetensors file that is written whole, and read whole or refused."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from rnnkit.errors import ArtifactError

TEMPORARY_SUFFIX = ".tmp"


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that a kill at any moment leaves the old content or the new, never a part.

    The data go to `PATH.tmp` in the same folder, reach the disk, and take the name by renaming.
    Only one process may write a path at a time.
    """
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors and metadata as a safetensors file with a checksum over all of it.

    Equal content gives equal bytes, which safetensors alone does not promise (it keeps metadata in
    no fixed order). Tensors that share memory are written once each.
    """
    copies = {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}
    header, body = _split(safetensors.torch.save({k: v.contiguous() for k, v in copies.items()}))
    header["__metadata__"] = dict(metadata)
    header["__metadata__"]["sha256"] = _checksum(header, body)
    text = _canonical(header)
    text += b" " * (-len(text) % 8)  # the format asks for tensors on 8-byte boundaries
    write_bytes(path, len(text).to_bytes(8, "little") + text + body)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return what `write_tensors` wrote.

    Raises:
        ArtifactError: if the file is missing, truncated, or differs in any byte that matters from
            what was written.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; restore it from a copy or train again") from None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from None
    try:
        tensors = safetensors.torch.load(data)
        header, body = _split(data)
        metadata: dict[str, str] = header.get("__metadata__", {})
        expected = metadata.pop("sha256", None)
    except (SafetensorError, KeyError, ValueError):
        raise ArtifactError(
            f"{path} is damaged: {len(data)} bytes that are not a complete safetensors file; "
            "restore it from a copy or train again"
        ) from None
    if expected != _checksum(header, body):
        raise ArtifactError(
            f"{path} is damaged: its checksum is not the one written with it; restore it "
            "from a copy or train again"
        )
    return tensors, metadata


def _split(data: bytes) -> tuple[dict[str, Any], memoryview]:
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), memoryview(data)[end:]


def _canonical(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()


def _checksum(header: Mapping[str, Any], body: memoryview) -> str:
    digest = hashlib.sha256(_canonical(header))
    digest.update(body)
    return digest.hexdigest()
