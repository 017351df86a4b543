"""What all tasks share: options in, `fit`, a run folder out and back."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rnnkit import __version__
from rnnkit.errors import ArtifactError, ConfigError, RnnkitError
from rnnkit.tasks.options import Options
from rnnkit.training import RunWriter, find_device
from rnnkit.training.run_folder import Run, read_run

if TYPE_CHECKING:
    import pandas as pd

    from rnnkit.report.language import Language

OptionsType = TypeVar("OptionsType", bound=Options)
FittedType = TypeVar("FittedType")


class NotFittedError(RnnkitError, ValueError, AttributeError):
    """An estimator is asked for something before `fit`."""


class Estimator(ABC, Generic[OptionsType, FittedType]):
    """The base of what is fitted to data.

    A subclass names its task and the class of its options, which become its keyword arguments and
    attributes of the same names; `fit` ends with setting `_fitted`.
    """

    task: ClassVar[str]
    options_type: ClassVar[type[Options]]
    _not_fitted: ClassVar[type[NotFittedError]] = NotFittedError
    _fitted: FittedType | None = None

    def __init__(self, **options: Any) -> None:
        self._set(options)
        _ = self.config

    def _set(self, options: Mapping[str, Any]) -> None:
        """Take over the options as they are; `config` checks them."""
        self.options_type.check_names(options)
        for field in dataclasses.fields(self.options_type):
            if field.name in options:
                vars(self)[field.name] = options[field.name]
            elif field.default is not dataclasses.MISSING:
                vars(self)[field.name] = field.default

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class a constructor that has the options as its parameters."""
        super().__init_subclass__(**kwargs)
        if "options_type" not in vars(cls):
            return

        inherited = cls.__init__

        def __init__(self: Estimator[Any, Any], **options: Any) -> None:  # noqa: N807
            inherited(self, **options)

        __init__.__signature__ = _signature(cls.options_type)  # type: ignore[attr-defined]
        cls.__init__ = __init__  # type: ignore[method-assign]

    @property
    def config(self) -> OptionsType:
        """The options, checked."""
        names = self.options_type.names()
        given = {name: vars(self)[name] for name in names if name in vars(self)}
        options: Any = self.options_type.from_options(given)
        return typing.cast("OptionsType", options)

    @property
    def fitted(self) -> FittedType:
        """What `fit` found.

        Raises:
            NotFittedError: before `fit`.
        """
        if self._fitted is None:
            name = type(self).__name__
            raise self._not_fitted(f"this {name} is not fitted yet: call fit first")
        return self._fitted

    def save(self, path: str | Path) -> None:
        """Write the run folder; an older run of that name is replaced.

        Raises:
            ConfigError: if something else than a run is there.
            NotFittedError: before `fit`.
        """
        _ = self.fitted
        with RunWriter(Path(path), settings={}) as writer:
            self.write_run(writer)
            writer.finish()

    @abstractmethod
    def write_run(self, writer: RunWriter, *, command: str = "", language: Language = "en") -> None:
        """Write everything that a fit leaves behind: model, scores, predictions, pictures, page.

        Args:
            writer: of the run folder.
            command: the command line that made it, for the page; may be empty.
            language: of the page and the pictures.
        """

    @classmethod
    @abstractmethod
    def from_run(cls, run: Run, device: str) -> Any:
        """Return the fitted estimator that `write_run` wrote, to compute on `device`."""


def train_run(
    estimator: Estimator[Any, Any],
    fit: Callable[[Path], object],
    *,
    out: Path,
    data: Mapping[str, Any],
    resume: bool = False,
    announce: Callable[[bool], None] | None = None,
    command: str = "",
    language: Language = "en",
) -> None:
    """Fit an estimator and write its run folder `out`, which appears when all is done.

    Args:
        estimator: with its options, not fitted yet.
        fit: fits it, given the folder of its checkpoints.
        out: the run folder.
        data: what tells the data from others, JSON values: a training is resumed on equal ones.
        resume: go on with an interrupted training of the same data and options.
        announce: called before training with whether the checkpoints of an interrupted training
            were discarded.
        command: the command line, for the report.
        language: of the report and the pictures.

    Raises:
        RnnkitError: if options, data or folder are wrong, or training diverges.
    """
    settings = {"options": estimator.config.to_json(), "data": dict(data)}
    with RunWriter(out, settings=settings, resume=resume) as writer:
        if announce is not None:
            announce(writer.discarded)
        writer.checkpoints.mkdir(exist_ok=True)
        fit(writer.checkpoints)
        estimator.write_run(writer, command=command, language=language)
        writer.finish()


_HOMES = {
    "forecast": ("rnnkit.tasks.forecasting.forecaster", "Forecaster"),
    "classify": ("rnnkit.tasks.labels.classifier", "SequenceClassifier"),
    "regress": ("rnnkit.tasks.labels.regressor", "SequenceRegressor"),
    "tag": ("rnnkit.tasks.tagging.tagger", "SequenceTagger"),
    "lm": ("rnnkit.tasks.language.language_model", "LanguageModel"),
}


def load(path: str | Path, *, device: str = "cpu") -> Any:
    """Return the fitted estimator in the run folder `path`: a `Forecaster`, and so on.

    Nothing in the folder is executed: it holds numbers and texts.

    Args:
        path: the run folder.
        device: where to compute, whatever the run was trained on.

    Raises:
        ConfigError: if the machine has no such device.
        ArtifactError: if there is no finished run, or it was changed or damaged, or it is of a
            task or version that this rnnkit does not know.
    """
    find_device(device)
    run = read_run(Path(path))
    try:
        if run.config["task"] not in _HOMES:
            raise ArtifactError(f"the run's task is {run.config['task']!r}")
        module, name = _HOMES[run.config["task"]]
        return getattr(importlib.import_module(module), name).from_run(run, device)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        # The hash has shown that the folder is as it was written: another version wrote it.
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ArtifactError(
            f"{path} does not hold a run that rnnkit {__version__} can read ({reason}): use the"
            " rnnkit that wrote it, or train again"
        ) from error


def require_task(run: Any, *classes: type[Any], doing: str) -> None:
    """Refuse a run of another task than those that can do something.

    Args:
        run: what `load` returned.
        classes: the estimators that can.
        doing: what, such as `"generate"`.

    Raises:
        ConfigError: if it is none of them.
    """
    if not isinstance(run, classes):
        raise ConfigError(
            f"{doing} asks for a run of {' or '.join(c.task for c in classes)}, and this one is of"
            f" {run.task}"
        )


def csv_text(frame: pd.DataFrame) -> str:
    """Return a frame as CSV with a header, the same on every system."""
    text: str = frame.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    return text


def _signature(options_type: type[Options]) -> inspect.Signature:
    kinds = typing.get_type_hints(options_type)
    parameters = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=kinds[field.name],
            default=inspect.Parameter.empty
            if field.default is dataclasses.MISSING
            else field.default,
        )
        for field in dataclasses.fields(options_type)
    ]
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return inspect.Signature([own, *parameters])
