"""The `.ts` text of the UEA and UCR archives: a case a line, channels apart by a colon.

The format is that of the time series classification archive (Bagnall et al. 2018, "The UEA
multivariate time series classification archive"): lines of `@attribute value`, then after `@data`
for each case its channels, values apart by commas, and at last its label or target.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np

from rnnkit.data.examples.contract import Examples, FloatArray, Signals
from rnnkit.data.examples.lines import read_lines
from rnnkit.data.files import table_name
from rnnkit.data.ragged import Ragged
from rnnkit.errors import DataError, closest

_MISSING = ("?", "nan", "")
_SHOWN = 40


def read_signals(path: Path) -> Examples:
    """Read the cases of a `.ts` file, plain or compressed.

    Cases may be of unequal length; `?` and NaN are missing numbers.

    Args:
        path: where it is.

    Raises:
        DataError: naming the line, if the file is not as its attributes say, holds times beside its
            values, or something else than numbers, or if channels of a case differ in length.
    """
    return _SignalFile(path).read()


class _SignalFile:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 0
        self.labels: tuple[str, ...] | None = None
        self.has_target = False
        self.dimensions: int | None = None

    def read(self) -> Examples:
        """Return all cases."""
        lines = read_lines(self.path)
        self._read_header(lines)
        cases: list[FloatArray] = []
        answers: list[str] = []
        numbers: list[int] = []
        for self.line, line in lines:
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            channels, answer = self._split(text)
            cases.append(self._steps(channels))
            answers.append(answer)
            numbers.append(self.line)
        if not cases:
            raise DataError(f"{self.path} has no cases after @data; at least one was expected")
        joined = Ragged.join(cases)
        channel_names = tuple(f"channel {i}" for i in range(1, joined.values.shape[1] + 1))
        return Examples(
            name=table_name(self.path),
            texts=None,
            signals=Signals(joined, channel_names, np.empty((len(joined.values), 0), dtype=object)),
            classes=tuple(answers) if self.labels is not None else None,
            targets=np.array(answers, dtype=np.float64)[:, None] if self.has_target else None,
            target_names=("target",) if self.has_target else (),
            place=lambda number: f"line {numbers[number]} of {self.path}",
        )

    def _read_header(self, lines: Iterator[tuple[int, str]]) -> None:
        for self.line, line in lines:
            words = line.strip().split()
            if not words or words[0].startswith("#"):
                continue
            attribute, values = words[0].casefold(), words[1:]
            if attribute == "@data":
                if self.labels is not None and self.has_target:
                    self._refuse("follows both @classLabel and @targetLabel; one was expected")
                return
            if not attribute.startswith("@"):
                self._refuse("stands before @data; only attributes that begin with @ may")
            if attribute == "@timestamps" and self._truth(values):
                self._refuse("says @timeStamps true; values with times beside them are not read")
            if attribute == "@classlabel" and self._truth(values):
                self.labels = tuple(values[1:])
                if not self.labels:
                    self._refuse("names no class; the classes were expected after true")
            if attribute == "@targetlabel":
                self.has_target = self._truth(values)
            if attribute in ("@dimensions", "@dimension"):
                if len(values) != 1 or not values[0].isdecimal() or len(values[0]) > 9:
                    self._refuse("has no number of dimensions")
                self.dimensions = int(values[0])
        raise DataError(f"{self.path} has no line @data; a .ts file was expected")

    def _truth(self, values: list[str]) -> bool:
        if not values or values[0].casefold() not in ("true", "false"):
            self._refuse("says neither true nor false")
        return values[0].casefold() == "true"

    def _split(self, text: str) -> tuple[list[str], str]:
        """Return the channels of a case, and its label or target."""
        if "(" in text:
            self._refuse("holds a bracket: values with times beside them are not read")
        parts = text.split(":")
        answer = ""
        if self.labels is not None or self.has_target:
            answer = parts.pop().strip()
            if not parts:
                self._refuse("has no colon between values and label")
        if self.labels is not None and answer not in self.labels:
            hint = closest(answer, self.labels)
            self._refuse(f"has the label {_shown(answer)}, which @classLabel does not name{hint}")
        if self.has_target and not ("," not in answer and np.isfinite(self._values(answer)).all()):
            self._refuse(f"has the target {_shown(answer)}; a finite number was expected")
        if self.dimensions is None:
            self.dimensions = len(parts)
        if len(parts) != self.dimensions:
            self._refuse(f"has {len(parts)} channels; {self.dimensions} were expected")
        return parts, answer

    def _steps(self, channels: list[str]) -> FloatArray:
        """Return `(T, I)` of the channels of a case."""
        series = [self._values(channel) for channel in channels]
        for number, values in enumerate(series, start=1):
            if len(values) != len(series[0]):
                self._refuse(
                    f"has {len(values)} values in channel {number} and {len(series[0])} in channel "
                    f"1; channels of a case must be of one length"
                )
        return np.stack(series, axis=1)

    def _values(self, text: str) -> FloatArray:
        values = []
        for cell in text.split(","):
            word = cell.strip()
            if word.casefold() in _MISSING:
                values.append(np.nan)
                continue
            try:
                values.append(float(word))
            except ValueError:
                self._refuse(f"holds {_shown(word)} where a number was expected")
        result = np.array(values)
        if np.isinf(result).any() or "_" in text:
            self._refuse("holds an infinite number or one with _ in it")
        return result

    def _refuse(self, why: str) -> NoReturn:
        raise DataError(f"line {self.line} of {self.path} {why}")


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}..."
