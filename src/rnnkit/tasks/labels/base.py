"""What classify and regress share: fit, predict, evaluate, plot, save."""

from __future__ import annotations

import time as clock
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError as SklearnNotFittedError

from rnnkit.baselines.examples import label_baselines, number_baselines
from rnnkit.baselines.labels import MajorityClass, MeanNumber, fit_all, predict_all
from rnnkit.data.examples.columns import ExampleColumns, Wants
from rnnkit.data.examples.contract import Examples
from rnnkit.data.stored import scratch_folder
from rnnkit.errors import ConfigError
from rnnkit.messages import Message
from rnnkit.metrics.labels import UNSEEN
from rnnkit.tasks.estimator import Estimator, NotFittedError, csv_text
from rnnkit.tasks.labels.config import LabelOptions
from rnnkit.tasks.labels.evaluation import LabelEvaluation, evaluate_labels
from rnnkit.tasks.labels.fitting import LabelFit, fit_networks, outputs_of, vectors_of
from rnnkit.tasks.labels.meaning import Meaning
from rnnkit.tasks.labels.planning import (
    LabelParts,
    Source,
    as_columns,
    brings_test,
    divide,
    read_source,
)
from rnnkit.tasks.scores import MODEL, ScoreCard, metrics_json, network_name
from rnnkit.training import Progress, RunWriter
from rnnkit.training.run_folder import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rnnkit.report.language import Language

Self = TypeVar("Self", bound="LabelEstimator")

PARTS = ("training", "validation", "test")


class NotFittedLabelsError(NotFittedError, SklearnNotFittedError):  # type: ignore[misc]
    """A classifier or regressor is asked for something before `fit`."""


@dataclass(frozen=True, eq=False)
class Part:
    """What is known of a part of the data when it is gone.

    Args:
        name: `training`, `validation` or `test`.
        count: of its examples.
        classes: how many are of each class; empty for numbers.
        lengths: `(S,)` tokens or steps of each sequence, before any was cut.
    """

    name: str
    count: int
    classes: tuple[int, ...]
    lengths: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FittedLabels:
    """What a fit has found.

    Args:
        fit: codec and networks.
        columns: what the columns of a table are, those found included.
        meaning: of the networks' outputs.
        parts: of the data.
        data: what the data are called.
        kept: the test part, to show some of it; `None` where nothing was kept or it is gone.
        test: its scores.
        notes: what was found and done.
        device: where to compute.
        seconds: that fitting took.
    """

    fit: LabelFit
    columns: ExampleColumns
    meaning: Meaning
    parts: tuple[Part, ...]
    data: str
    kept: Examples | None
    test: LabelEvaluation | None
    notes: tuple[Message, ...]
    device: str
    seconds: float

    @property
    def parameters(self) -> int:
        """Weights of all networks together."""
        return sum(p.numel() for network in self.fit.networks for p in network.parameters())


class LabelEstimator(Estimator[LabelOptions, FittedLabels]):
    """The base of `SequenceClassifier` and `SequenceRegressor`."""

    wants: ClassVar[Wants]
    _not_fitted: ClassVar[type[NotFittedError]] = NotFittedLabelsError

    def fit(
        self: Self,
        X: Source,
        y: Any = None,
        *,
        validation: Source | None = None,
        test: Source | None = None,
        columns: ExampleColumns | Mapping[str, Any] | None = None,
        stream: bool = False,
        checkpoints: Path | None = None,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> Self:
        """Fit to sequences and what is to be said of them, and score on the test part.

        Args:
            X: a file or folder, a frame, `S` texts, `S` arrays `(T,)` or `(T, I)`, or an array
                `(S, T)`, each row a sequence of numbers, or `(S, T, I)`.
            y: `S` labels or numbers, of texts and arrays.
            validation: to stop early by, in the same forms; arrays as a pair `(X, y)`.
            test: to score on, likewise. Without it a fifth of a file is kept for the test.
            columns: what the columns of a table are: those of `ExampleColumns`.
            stream: read files of texts in pieces, for those larger than memory, by temporary files
                where `checkpoints` lies, or in the system's folder for these.
            checkpoints: folder for the state of the training; `None` keeps none.
            resume: go on from `checkpoints`.
            progress: shows the epochs; `None` shows nothing.

        Raises:
            DataError: if something cannot be read, or does not suffice.
            ConfigError: if an option or a column is wrong.
            TrainingError: if a training diverges.
        """
        asked = as_columns(columns)
        scratch = scratch_folder(checkpoints) if stream else None
        parts = divide(X, y, validation, test, asked, self.config, self.wants, scratch)
        return self.fit_parts(parts, checkpoints=checkpoints, resume=resume, progress=progress)

    def fit_parts(
        self: Self,
        parts: LabelParts,
        *,
        checkpoints: Path | None = None,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> Self:
        """Fit to parts that were divided before; see `fit`."""
        start = clock.perf_counter()
        train, held = parts.train, parts.validation
        meaning = Meaning.of(train)
        if held is not None and meaning.classes:  # nothing can be learned of other classes
            held = held.take(np.flatnonzero(meaning.actual(held) != UNSEEN))
        fit = fit_networks(
            train,
            meaning.learned(train),
            parts.groups,
            None if held is None or not len(held) else (held, meaning.learned(held)),
            self.config,
            meaning.outputs,
            checkpoints=checkpoints,
            resume=resume,
            progress=progress,
        )
        fitted = FittedLabels(
            fit=fit,
            columns=parts.columns,
            meaning=meaning,
            parts=tuple(
                _part(name, fit, meaning, examples)
                for name, examples in zip(PARTS, (train, held, parts.test), strict=True)
                if examples is not None
            ),
            data=train.name,
            kept=parts.test,
            test=None,
            notes=(*train.notes, *parts.notes, *fit.notes),
            device=self.config.device,
            seconds=0.0,
        )
        if parts.test is not None:
            fitted = replace(fitted, test=self._tested(fitted, parts, parts.test))
        self._fitted = replace(fitted, seconds=round(clock.perf_counter() - start, 3))
        return self

    def _tested(self, fitted: FittedLabels, parts: LabelParts, test: Examples) -> LabelEvaluation:
        meaning, train = fitted.meaning, parts.train
        baselines = (
            label_baselines(train, meaning.outputs) if meaning.classes else number_baselines(train)
        )
        learned, skipped = fit_all(baselines, train, meaning.actual(train))
        outputs, silent = predict_all(learned, test)
        return evaluate_labels(
            test,
            fitted.meaning,
            {MODEL: _outputs(fitted, test), **outputs},
            cell=self.config.cell,
            skipped={**skipped, **silent},
            notes={name: baseline.notes for name, baseline in learned.items()},
            warnings=parts.warnings,
        )

    def evaluate(self, X: Source = None, y: Any = None) -> dict[str, Any]:
        """Score on examples that fitting has not seen.

        Args:
            X: as for `fit`; `None` gives the scores on the test part.
            y: of texts and arrays.

        Returns:
            The entries `task`, `test`, `verdict`, … of `metrics.json`.

        Raises:
            DataError: if they cannot be read or are of another kind.
            NotFittedError: before `fit`.
        """
        return self.metrics_json(self.scored(X, y))

    def scored(self, X: Source = None, y: Any = None) -> LabelEvaluation | None:
        """Return what `evaluate` scores.

        Of the baselines those that learn from the training examples are left out, since a run does
        not keep these.
        """
        fitted = self.fitted
        if X is None:
            return fitted.test
        part = "test" if y is None and brings_test(X) else "train"
        examples = read_source(X, y, fitted.columns, self.wants, part)
        simplest = constant_baseline(fitted, len(examples))
        others = () if fitted.test is None else tuple(fitted.test.scores)
        return evaluate_labels(
            examples,
            fitted.meaning,
            {MODEL: _outputs(fitted, examples), **simplest},
            cell=self.config.cell,
            skipped={
                name: Message("learns from the training examples, which a run does not keep")
                for name in others
                if name != MODEL and name not in simplest
            },
            notes={},
            warnings=(
                Message(
                    "Only the simplest baseline could be asked here; the others stand in the report"
                    " of the training."
                ),
            ),
        )

    def encode(self, X: Source) -> NDArray[np.float64]:
        """Return a vector for each sequence, `(S, W)`: its pooled states, of all networks.

        Raises:
            DataError: if the sequences cannot be read or are of another kind.
            NotFittedError: before `fit`.
        """
        fitted = self.fitted
        examples = self._read(X)
        data = fitted.fit.codec.encode(examples)
        return vectors_of(fitted.fit.networks, data, fitted.device)

    @abstractmethod
    def predict_frame(self, X: Source) -> pd.DataFrame:
        """Return a row for each sequence: what is predicted of it."""

    def predictions_csv(self, X: Source | None) -> str:
        """Return what is predicted of each sequence as CSV with a header.

        Raises:
            ConfigError: without data.
            DataError: if the sequences cannot be read or are of another kind.
        """
        if X is None:
            raise ConfigError(f"a run of {self.task} predicts of new data: give some")
        examples = self._read(X)
        frame = self.predict_frame(examples)
        frame.insert(0, "example", [examples.place(i) for i in range(len(examples))])
        return csv_text(frame)

    def text_source(self, text: str) -> list[str] | None:
        """Return a text as data to predict of; `None` where the run does not read texts."""
        return None if self.fitted.fit.codec.text is None else [text]

    def metrics_json(self, evaluation: LabelEvaluation | None) -> dict[str, Any]:
        """Return the content of `metrics.json` for an evaluation."""
        fitted = self.fitted
        return metrics_json(self.task, evaluation, fitted.parameters, fitted.seconds)

    def score_card(self, evaluation: LabelEvaluation) -> ScoreCard:
        """Return what an evaluation shows."""
        return ScoreCard(
            title=Message("Test: {count:,} examples", {"count": len(evaluation.actual)}),
            network=network_name(self.config.cell),
            scores=evaluation.scores,
            measures=evaluation.measures,
            metric=evaluation.metric,
            verdict=evaluation.verdict,
            warnings=evaluation.warnings,
            skipped=evaluation.skipped,
            notes=evaluation.notes,
        )

    def plot(self, language: Language = "en") -> Figure:
        """Return the picture of the test part: the confusion matrix, or predicted against actual.

        Raises:
            NotFittedError: before `fit`.
        """
        from rnnkit.tasks.labels.pictures import main_figure

        return main_figure(self, language)

    def summary(self, language: Language = "en") -> str:
        """Return in a few lines what was fitted, on what, and how good it is."""
        from rnnkit.tasks.labels.pictures import summary

        return summary(self, language)

    def write_run(self, writer: RunWriter, *, command: str = "", language: Language = "en") -> None:
        """Write everything a fit leaves behind; see `Estimator`."""
        from rnnkit.tasks.labels.run import write_run

        write_run(writer, self, command=command, language=language)

    @classmethod
    def from_run(cls: type[Self], run: Run, device: str) -> Self:
        """Return the estimator that `write_run` wrote; see `Estimator`."""
        from rnnkit.tasks.labels.artifact import read_labels

        options = cls.options_type.from_options(run.config["options"])
        estimator = cls(**run.config["options"])
        assert isinstance(options, LabelOptions)
        estimator._fitted = read_labels(run, options, device)
        estimator._restored()
        return estimator

    def _read(self, X: Source) -> Examples:
        columns = self.fitted.columns
        return read_source(self._given(X), None, columns, "nothing")

    def _given(self, X: Any, y: Any = None, **options: Any) -> Any:
        """Return data as they were given."""
        return X

    def _predicted(self, X: Source) -> NDArray[np.float64]:
        """Return probabilities or numbers, `(S, K)`, of sequences in any form."""
        return _outputs(self.fitted, self._read(X))

    def _restored(self) -> None:
        """Set what scikit-learn expects beside `_fitted`."""


def constant_baseline(fitted: FittedLabels, examples: int) -> dict[str, NDArray[np.float64]]:
    """Return the outputs of the baseline that needs no training examples, by its name."""
    meaning = fitted.meaning
    if meaning.classes:
        counts = np.array(fitted.parts[0].classes, dtype=np.float64)
        return {MajorityClass(len(counts)).name: np.tile(counts / counts.sum(), (examples, 1))}
    return {MeanNumber().name: np.tile(np.array(meaning.center), (examples, 1))}


def _outputs(fitted: FittedLabels, examples: Examples) -> NDArray[np.float64]:
    data = fitted.fit.codec.encode(examples)
    found = outputs_of(
        fitted.fit.networks, data, fitted.device, classes=bool(fitted.meaning.classes)
    )
    return fitted.meaning.read(found)


def _part(name: str, fit: LabelFit, meaning: Meaning, examples: Examples) -> Part:
    if fit.codec.text is not None:
        assert examples.texts is not None
        lengths = fit.codec.text.lengths(examples.texts, place=examples.place)
    else:
        assert examples.signals is not None
        lengths = examples.signals.numbers.lengths
    counts: tuple[int, ...] = ()
    if meaning.classes:
        actual = meaning.actual(examples)
        counts = tuple(np.bincount(actual[actual != UNSEEN], minlength=meaning.outputs).tolist())
    return Part(name, len(examples), counts, lengths)
