"""The run folder: all that a training leaves behind, complete or not there at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from torch import Tensor

from rnnkit.errors import ArtifactError, ConfigError
from rnnkit.training.folder_lock import LOCK_NAME, FolderLock
from rnnkit.training.json_file import finite, json_text, read_json
from rnnkit.training.tensor_file import (
    TEMPORARY_SUFFIX,
    read_tensors,
    write_bytes,
    write_tensors,
)

FORMAT_VERSION = 1
CONFIG = "config.json"
MODEL = "model.safetensors"
METRICS = "metrics.json"
SETTINGS = "settings.json"
OWN_FILES = frozenset(
    {
        CONFIG,
        MODEL,
        METRICS,
        "report.html",
        "forecast.csv",
        "forecast.png",
        "coverage.png",
        "training.png",
        "backtest.csv",
        "backtest.png",
        "predictions.csv",
        "test.png",
        "lengths.png",
    }
)
CHECKPOINTS = "checkpoint"
REPLACED = ".replaced"
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Run:
    """A finished run, read and checked.

    Args:
        path: of its folder.
        config: what `config.json` holds, `format_version` included.
        tensors: the weights by name, on the CPU.
        metrics: what `metrics.json` holds; `None` if there is none.
    """

    path: Path
    config: dict[str, Any]
    tensors: dict[str, Tensor]
    metrics: dict[str, Any] | None


class RunWriter:
    """Writes a run folder `RUN` in `RUN.partial` beside it, which takes its name at the end.

    Used as a context manager. An older run at `RUN` stays as it is until `finish` replaces it. A
    block that ends without `finish` leaves `RUN.partial` if it holds a checkpoint to go on from,
    and nothing otherwise; a process that is killed leaves `RUN.partial`. Only one process can
    write a run at a time.

    Args:
        path: of the folder, `RUN`.
        settings: JSON values that must be equal for a training to go on, such as the options and
            a hash of the data.
        resume: go on in the `RUN.partial` of an interrupted training; otherwise one that is found
            is discarded.

    Attributes:
        folder: `RUN.partial`, to write in.
        checkpoints: its subfolder for checkpoints, which the finished run has no more.
        discarded: whether the work of an interrupted training was thrown away at the start.

    Raises:
        ConfigError: on entry, if `RUN` or `RUN.partial` is something else than a run; if another
            process is writing it; if there is nothing to resume or the settings differ.
        ArtifactError: on entry, if the settings of the interrupted training cannot be read.

    Example:
        >>> import tempfile, torch
        >>> place = tempfile.TemporaryDirectory()
        >>> path = Path(place.name) / "airline"
        >>> with RunWriter(path, settings={"seed": 0}) as run:
        ...     run.write_model({"cell": "gru"}, {"weight": torch.ones(2)})
        ...     run.write_json("metrics.json", {"rmse": 17.5})
        ...     run.finish()
        >>> sorted(file.name for file in path.iterdir())
        ['config.json', 'metrics.json', 'model.safetensors']
        >>> read_run(path).config
        {'cell': 'gru', 'format_version': 1}
        >>> place.cleanup()
    """

    def __init__(self, path: Path, *, settings: Mapping[str, Any], resume: bool = False) -> None:
        if path.name in ("", ".."):
            raise ConfigError(f"{str(path)!r} is no name for a run: give it a folder of its own")
        try:
            self._path = path.resolve() if path.is_symlink() else path
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
        self._settings: dict[str, Any] = json.loads(json.dumps(settings))
        self._resume = resume
        self.folder = partial_folder(self._path)
        self.checkpoints = self.folder / CHECKPOINTS
        self.discarded = False
        self._finished = False
        self._created: list[Path] = []

    def __enter__(self) -> RunWriter:
        try:
            self._enter()
        except OSError as error:
            raise ConfigError(f"{self.folder} cannot be written: {error.strerror}") from None
        return self

    def _enter(self) -> None:
        _check_replaceable(self._path)
        if self._resume and not self.folder.is_dir():
            done = _is_run(self._path)
            raise ConfigError(
                f"there is nothing to resume: {self._path} is finished already"
                if done
                else f"there is nothing to resume: {self.folder} does not exist; start without "
                "resume"
            )
        _check_own_partial(self.folder)
        self._created = _create_parents(self.folder)
        self._lock = FolderLock(self.folder)
        try:
            self._put_back_older_run()
            if self._resume:
                _check_settings(self.folder, self._settings)
            else:
                self.discarded = self._clear()
                self.write_json(SETTINGS, self._settings)
        except BaseException:
            self._lock.release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._finished:
            self._put_back_older_run()
            if not self._holds_checkpoint():
                self._remove()
        self._lock.release()

    def write_model(self, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Write `config.json`, with `format_version` added, and `model.safetensors`."""
        text = json_text({**config, "format_version": FORMAT_VERSION})
        self.write_text(CONFIG, text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        write_tensors(self.folder / MODEL, tensors, {"config_sha256": digest})

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        """Write a JSON file; numbers that are not finite, which JSON lacks, become `null`."""
        self.write_text(name, json_text(finite(data)))

    def write_text(self, name: str, text: str) -> None:
        """Write a text file in UTF-8, as it is."""
        write_bytes(self.folder / name, text.encode())

    def finish(self) -> None:
        """Put everything on the disk and give the folder its name, in place of an older run.

        Raises:
            ArtifactError: if no model was written.
            ConfigError: if something else than a run has appeared at `RUN` in the meantime.
        """
        if not _is_run(self.folder):
            raise ArtifactError(f"{self.folder} cannot be finished before its model is written")
        _check_replaceable(self._path)
        for entry in (*self.folder.rglob("*"), self.folder):
            _sync(entry)
        if sys.platform == "win32":
            self._lock.release()  # Windows moves no folder that has an open file
        if self._path.exists():
            self._path.replace(self.folder / REPLACED)
        self.folder.replace(self._path)
        self._finished = True
        _sync(self._path.parent)
        self._keep_strange_files()
        # What only an interrupted training needs goes last, so that no kill can lose it too early.
        for name in (CHECKPOINTS, REPLACED):
            if (self._path / name).exists():
                shutil.rmtree(self._path / name)
        for name in (SETTINGS, LOCK_NAME):
            (self._path / name).unlink()

    def _keep_strange_files(self) -> None:
        """Move into the new run what someone has put into the older one beside its own files."""
        older = self._path / REPLACED
        for entry in older.iterdir() if older.exists() else ():
            if entry.name not in OWN_FILES and not (self._path / entry.name).exists():
                entry.replace(self._path / entry.name)

    def _clear(self) -> bool:
        """Empty the folder but for its lock, and return whether there was a checkpoint."""
        had_checkpoint = self._holds_checkpoint()
        for entry in self.folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != LOCK_NAME:
                entry.unlink()
        return had_checkpoint

    def _holds_checkpoint(self) -> bool:
        files = self.checkpoints.iterdir() if self.checkpoints.is_dir() else ()
        return any(not file.name.endswith(TEMPORARY_SUFFIX) for file in files)

    def _put_back_older_run(self) -> None:
        """Undo a `finish` that ended between its two renamings."""
        if (self.folder / REPLACED).exists():
            (self.folder / REPLACED).replace(self._path)

    def _remove(self) -> None:
        """Remove the folder, and those above it that were created for it and are still empty."""
        shutil.rmtree(self.folder)
        for parent in self._created:
            if not any(parent.iterdir()):
                parent.rmdir()


def read_run(path: Path) -> Run:
    """Return the run at `path`, checked against what was written; nothing in it is executed.

    Raises:
        ArtifactError: if there is no finished run; if it is of a format that this rnnkit does not
            know; if `config.json` was changed since it was written; if a file is missing,
            truncated or damaged.
    """
    try:
        if not path.is_dir():
            raise ArtifactError(_why_missing(path))
        if not (path / CONFIG).is_file():
            raise ArtifactError(f"{path} is not a run of rnnkit: it holds no {CONFIG}")
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from None
    config, text = read_json(path / CONFIG)
    version = config.get("format_version")
    if version != FORMAT_VERSION:
        raise ArtifactError(
            f"{path / CONFIG} has format_version {version!r}, and this rnnkit reads "
            f"{FORMAT_VERSION}: use the rnnkit that wrote it, or train again"
        )
    tensors, metadata = read_tensors(path / MODEL)
    if metadata.get("config_sha256") != hashlib.sha256(text).hexdigest():
        raise ArtifactError(
            f"{path / CONFIG} was changed after it was written (its SHA-256 is not the one kept in "
            f"{MODEL}): restore it, or train again"
        )
    metrics = path / METRICS
    return Run(
        path=path,
        config=config,
        tensors=tensors,
        metrics=read_json(metrics)[0] if metrics.exists() else None,
    )


def is_part_of_run(path: Path) -> bool:
    """Return whether `path` is a file that a finished run wrote."""
    return path.name in OWN_FILES and _is_run(path.resolve().parent)


def _why_missing(path: Path) -> str:
    if path.exists():
        return f"{path} is a file, and a run is a folder"
    partial = _beside(path, "partial")
    if partial.is_dir():
        return (
            f"{path} is not finished: its training was interrupted and its work lies in {partial}; "
            "go on with the same command and --resume"
        )
    return f"{path} does not exist: name the folder of a run"


def partial_folder(path: Path) -> Path:
    """Return where the run `path` is written until it is finished."""
    return _beside(path, "partial")


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}.{ending}")


def _is_run(path: Path) -> bool:
    return (path / MODEL).is_file() and b'"format_version"' in _read_or_empty(path / CONFIG)


def _read_or_empty(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _check_replaceable(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{path} is a file, and a run is a folder: choose another name")
    if path.is_dir() and any(path.iterdir()) and not _is_run(path):
        raise ConfigError(
            f"{path} holds files and is not a run of rnnkit: choose another name, or move it away"
        )


def _check_own_partial(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}, where the work would go, is a file: choose another name")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / LOCK_NAME).exists():
        raise ConfigError(
            f"{folder}, where the work would go, holds files that are not rnnkit's: choose another "
            "name, or move it away"
        )


def _create_parents(folder: Path) -> list[Path]:
    """Create the folders above `folder` and return the new ones, the deepest first."""
    missing = [parent for parent in folder.parents if not parent.exists()]
    above = folder.parents[len(missing)]
    if not above.is_dir():
        raise ConfigError(f"{above} is a file, and a run needs a folder: choose another name")
    folder.parent.mkdir(parents=True, exist_ok=True)
    return missing


def _check_settings(folder: Path, now: dict[str, Any]) -> None:
    path = folder / SETTINGS
    try:
        saved, _ = read_json(path)
    except ArtifactError as error:
        raise ArtifactError(f"{error}; start again without resume") from None
    before, after = _flat(saved), _flat(now)
    keys = [k for k in {**before, **after} if before.get(k, "unset") != after.get(k, "unset")]
    if keys:
        named = ", ".join(
            _difference(key, before.get(key, "unset"), after.get(key, "unset")) for key in keys
        )
        raise ConfigError(
            f"{folder} was started with other settings: {named}; give the same to resume, or start "
            "again without resume"
        )


def _difference(key: str, before: object, now: object) -> str:
    """Return what differs; of two hashes, which say nothing to anybody, only that they do."""
    if all(isinstance(value, str) and _SHA256.fullmatch(value) for value in (before, now)):
        return f"{key} (other content)"
    return f"{key} (was {before!r}, now {now!r})"


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _sync(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on the disk."""
    # Windows syncs only what is open for writing, and `write_bytes` has done that.
    if sys.platform != "win32":
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
