"""What a forecaster is given, as a panel: files, frames, and rows to test on."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnkit.data.assemble import read_panel, resolve_order, season_of
from rnnkit.data.columns import Columns
from rnnkit.data.files import is_parquet, open_parquet
from rnnkit.data.joining import join_panels
from rnnkit.data.kinds import TELLING
from rnnkit.data.panel import Panel
from rnnkit.data.pieces import prepare_pieces, read_pieces
from rnnkit.data.rows import BoolArray, keep_prepared
from rnnkit.errors import ConfigError, DataError, closest
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.planning import first_origin

Source = str | Path | pd.DataFrame | Panel

LEAST = 1e-6  # of the rows
_SHOWN = 5  # names of series in a message
_COPIES = 6  # of the numbers in a file that reading and fitting hold at once
_SHARE = 4  # a file whose copies take more than this part of the memory is read in pieces


def as_columns(given: Mapping[str, Any]) -> Columns:
    """Return what the columns are, of names to one name, several or an option.

    Raises:
        ConfigError: if there is no such name.
    """
    names: dict[str, Any] = {}
    for name, value in given.items():
        field = _PLURALS.get(name, name)
        if field not in _FIELDS:
            raise ConfigError(
                f"fit has no argument {name!r}; what the columns are is said by"
                f" {', '.join(_FIELDS)}{closest(name, _FIELDS)}"
            )
        if value is None:
            continue
        if field in _MANY:
            value = (value,) if isinstance(value, str) else tuple(value)
        names[field] = value
    return Columns(**names)


def read_to_fit(
    data: Source,
    test: Source | None,
    columns: Columns,
    config: ForecastConfig,
    *,
    name: str | None = None,
) -> tuple[Panel, Columns, ForecastConfig]:
    """Return the panel to fit and score on, its columns and the options, orders and sizes found.

    Args:
        data: a file, a frame or a panel.
        test: later rows of the same series to score on; `None` for the last of `data`.
        columns: what the columns are.
        config: the options.
        name: what the data are called; by default the file's name.

    Raises:
        ConfigError: if an option or a column is wrong.
        DataError: if the data cannot be read, or the test rows do not continue them.
    """
    if not isinstance(data, Panel):
        columns = resolve_order(data, columns)

    def read(telling: float) -> Panel:
        panel = as_panel(data, columns, room=config.horizon, telling=telling)
        return panel if name is None else replace(panel, name=name)

    def first(panel: Panel) -> int:
        joined, sized = with_test(panel, test, columns, config)
        return first_origin(joined, sized, season_of(columns, joined))

    panel = read(TELLING) if isinstance(data, Panel) else read_before(read, first)
    panel, config = with_test(panel, test, columns, config)
    return panel, columns, config


def read_before(read: Callable[[float], Panel], first_origin: Callable[[Panel], int]) -> Panel:
    """Return a panel of whose rows none from the first origin on told what a column holds.

    Args:
        read: reads it, given the share of the rows that tell, the oldest.
        first_origin: gives the tick at which the first forecast to be scored begins.
    """
    telling = TELLING
    while True:
        panel = read(telling)
        # One row there must be; a panel with fewer before its first origin is refused later.
        first = max(1, first_origin(panel)) if panel.told else 0
        if panel.told <= first:
            return panel
        telling *= first / panel.told
        if telling < LEAST:
            raise DataError(
                f"no row of {panel.name} before the first forecast tells what its columns hold: "
                "name the targets, and leave the covariates out"
            )


def as_panel(
    data: Source,
    columns: Columns,
    *,
    like: Panel | None = None,
    room: int = 0,
    telling: float = TELLING,
) -> Panel:
    """Return `data` as a panel; a Parquet file beyond memory as one of mapped files.

    Args:
        data: a file, a frame or a panel.
        columns: what its columns are.
        like: the panel whose form the data must have.
        room: rows wanted after the known ones, of mapped files.
        telling: the share of rows, the oldest, that tell what columns hold.

    Raises:
        ConfigError: if columns are named of a panel.
        DataError: if the data cannot be read.
    """
    if not isinstance(data, Panel):
        if like is None and isinstance(data, (str, Path)) and _is_beyond_memory(data, columns):
            return _mapped(Path(data), columns, room, telling)
        return read_panel(data, columns, like=like, telling=telling)
    if like is None and columns != Columns():
        raise ConfigError("a Panel knows its columns: leave time, target and the others out")
    return data


def _is_beyond_memory(data: str | Path, columns: Columns) -> bool:
    path = Path(data)
    if columns.layout != "long" or columns.series_id is None or not is_parquet(path):
        return False
    numbers = open_parquet(path).rows * max(3, len(columns.named))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 8 * _COPIES * numbers * _SHARE > memory


def _mapped(path: Path, columns: Columns, room: int, telling: float) -> Panel:
    """Return the panel of a file as maps of files, which are removed with the panel."""
    folder = Path(tempfile.mkdtemp(prefix="rnnkit-"))
    try:
        panel = read_pieces(path, columns, folder=folder / "panel", room=room, telling=telling)
        keep_prepared(panel, room, prepare_pieces(panel, room, folder / "rows"))
    except BaseException:
        shutil.rmtree(folder)
        raise
    weakref.finalize(panel, shutil.rmtree, folder, ignore_errors=True)
    return panel


def with_test(
    panel: Panel, test: Source | None, columns: Columns, config: ForecastConfig
) -> tuple[Panel, ForecastConfig]:
    """Return the panel with the rows of `test` behind it, kept for scoring.

    Raises:
        ConfigError: if a `test_size` is asked for besides.
        DataError: if the rows do not continue those of `panel`.
    """
    if test is None:
        return panel, config
    if config.test_size is not None or config.train_size is not None:
        raise ConfigError("rows to test on are given: leave test_size and train_size out")
    joined = join_panels(panel, as_panel(test, columns, like=panel))
    before = dict(zip(panel.ids, panel.known.tolist(), strict=True))
    known = np.array([before.get(name, 0) for name in joined.ids])
    if not (joined.known > known).any():
        raise DataError(
            f"the test rows end before those of {panel.name} do: give later rows to test on"
        )
    continued = (joined.known > known) & (known > 0)
    if not continued.any():
        raise DataError(
            f"the test rows are of {_listed(joined, known == 0)}, and {panel.name} has rows of"
            f" {_listed(joined, known > 0)}: give later rows of the same series"
        )
    first = int((joined.ticks + known)[continued].min())
    size = joined.last_tick - first
    if size < config.horizon:
        raise DataError(
            f"the test rows are {size} steps, and one forecast is scored on {config.horizon}: give"
            " more rows, or a smaller horizon"
        )
    return joined, replace(config, test_size=size)


def _listed(panel: Panel, which: BoolArray) -> str:
    names = [repr(panel.ids[s]) for s in np.flatnonzero(which)]
    return ", ".join(names[:_SHOWN]) + (f", … ({len(names)} in all)" if len(names) > _SHOWN else "")


def fingerprint(panel: Panel) -> str:
    """Return the SHA-256 of a panel's numbers and names, to tell whether data have changed."""
    digest = hashlib.sha256("\0".join((*panel.ids, *panel.targets)).encode())
    for array in (panel.starts, panel.ticks, panel.values, panel.numbers, panel.codes):
        digest.update(np.ascontiguousarray(array).tobytes())
    if panel.times is not None:
        digest.update(panel.times.astype("M8[ns]").tobytes())
    return digest.hexdigest()


_FIELDS = tuple(field.name for field in fields(Columns))
_MANY = ("time", "targets", "covariates", "future_covariates", "statics")
_PLURALS = {
    "target": "targets",
    "covariate": "covariates",
    "future_covariate": "future_covariates",
    "static": "statics",
}
