"""The tagger: fit, predict, evaluate, plot, save."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnkit import __version__
from rnnkit.baselines.tags import TagTable
from rnnkit.data.examples.contract import Sentences
from rnnkit.data.tagged import TagCodec
from rnnkit.errors import ConfigError
from rnnkit.messages import Message
from rnnkit.tasks.estimator import Estimator
from rnnkit.tasks.tagging.config import TagConfig
from rnnkit.tasks.tagging.evaluation import MODEL, Evaluation, evaluate_tagger
from rnnkit.tasks.tagging.fitting import Tagger, fit_tagger, new_network
from rnnkit.tasks.tagging.reading import (
    Parts,
    Source,
    Tagged,
    Words,
    as_tagged,
    as_untagged,
    split,
)
from rnnkit.training import History, Progress, RunWriter, find_device
from rnnkit.training.run_folder import Run, finite

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rnnkit.report.language import Language


@dataclass(frozen=True, eq=False)
class Fitted:
    """What fitting a tagger found.

    Args:
        tagger: what tags.
        history: of the training.
        test: the scores on the test part; `None` without one.
        field: of CoNLL-U files, that holds the tags.
        name: what the data are called.
        sentences: how many there are of each part: `train`, `validation`, `test`.
        words: how many words the training part has.
        notes: what reading and splitting found and did about it.
        seconds: that fitting took.
    """

    tagger: Tagger
    history: History
    test: Evaluation | None
    field: str
    name: str
    sentences: Mapping[str, int]
    words: int
    notes: tuple[Message, ...]
    seconds: float


class SequenceTagger(Estimator[TagConfig, Fitted]):
    """Gives each word of a sentence a tag, by a recurrent network in both directions.

    Words are known by themselves, by their letters and by their endings, so that unknown words have
    features too. Vocabulary and tags are those of the training part alone; the epoch is chosen by
    the validation part; the test part is looked at once, beside the most frequent tag of each word.

    Args:
        **options: those of `TagConfig`.

    Raises:
        ConfigError: if an option is unknown or wrong.

    Example:
        >>> words = [["the", "dog", "barks"], ["a", "dog"], ["the", "cat"], ["dogs", "bark"]]
        >>> tags = [["DET", "NOUN", "VERB"], ["DET", "NOUN"], ["DET", "NOUN"], ["NOUN", "VERB"]]
        >>> model = SequenceTagger(epochs=60, dropout=0.0, test_size=0, validation_size=0)
        >>> model.fit(words, tags).predict([["the", "cat"], [], ["dogs", "bark"]])
        [['DET', 'NOUN'], [], ['NOUN', 'VERB']]
        >>> model.predict("the dog")
        [['DET', 'NOUN']]
    """

    task: ClassVar[str] = "tag"
    options_type: ClassVar[type[TagConfig]] = TagConfig

    def fit(
        self,
        data: Source,
        tags: Words | None = None,
        *,
        validation: Tagged | None = None,
        test: Tagged | None = None,
        field: str = "upos",
        checkpoints: Path | None = None,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> SequenceTagger:
        """Fit to sentences with tags, and score on the test part.

        Args:
            data: the path of a file, sentences read before, or lists of words.
            tags: of lists of words, as many lists.
            validation: a file, sentences, or a pair of words and tags, to stop early by; by default
                the share `validation_size` of the sentences.
            test: as `validation`, to score on; by default the share `test_size`.
            field: of CoNLL-U files, that holds the tags.
            checkpoints: folder for the state of the training, to resume it from; `None` keeps none.
            resume: go on from `checkpoints`.
            progress: shows the epochs; `None` shows nothing.

        Returns:
            The tagger itself.

        Raises:
            DataError: if the data cannot be read, have no tags or too few sentences.
            ConfigError: if an option is wrong.
            TrainingError: if the training diverges.
        """
        return self.fit_sentences(
            as_tagged(data, tags, field=field),
            validation=None if validation is None else as_tagged(validation, field=field),
            test=None if test is None else as_tagged(test, field=field),
            field=field,
            checkpoints=checkpoints,
            resume=resume,
            progress=progress,
        )

    def fit_sentences(
        self,
        data: Sentences,
        *,
        validation: Sentences | None,
        test: Sentences | None,
        field: str,
        checkpoints: Path | None = None,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> SequenceTagger:
        """Fit to sentences read before; see `fit`."""
        config = self.config
        start = time.perf_counter()
        parts = split(data, validation, test, config)
        tagger, history = fit_tagger(
            parts.train,
            parts.validation,
            config,
            checkpoint=None if checkpoints is None else checkpoints / "network.safetensors",
            resume=resume,
            progress=progress,
        )
        evaluation = None if parts.test is None else evaluate_tagger(tagger, parts.test)
        self._fitted = Fitted(
            tagger=tagger,
            history=history,
            test=evaluation,
            field=field,
            name=data.name,
            sentences=_sizes(parts),
            words=sum(map(len, parts.train.words)),
            notes=(*parts.train.notes, *(() if evaluation is None else evaluation.notes())),
            seconds=round(time.perf_counter() - start, 3),
        )
        return self

    @property
    def tags_(self) -> tuple[str, ...]:
        """The tags of the training part, in the order of the columns of `predict_proba`."""
        return self.fitted.tagger.codec.tags

    def predict(self, data: Source) -> list[list[str]]:
        """Return a tag for each word, in a list for each sentence.

        A sentence has the same tags alone as among others; an empty one has none.

        Args:
            data: lists of words; a text, or a list of texts, whose words white space separates; or
                a file, whose tags, if any, are not read. A text is a file's path where it names a
                file, or ends like one of CoNLL.

        Raises:
            DataError: if they cannot be read.
            NotFittedError: before `fit`.
        """
        fitted = self.fitted
        return fitted.tagger.tag(as_untagged(data, field=fitted.field).words)

    def predict_proba(self, data: Source) -> list[NDArray[np.float32]]:
        """Return the probabilities of the tags `(T, K)` of each sentence's words; see `tags_`.

        With `crf` these are the marginals of the sentence's distribution.

        Args:
            data: as for `predict`.
        """
        fitted = self.fitted
        return fitted.tagger.probabilities(as_untagged(data, field=fitted.field).words)

    def evaluate(self, data: Tagged | None = None) -> dict[str, Any]:
        """Score the tags of sentences that fitting has not seen, beside the baselines.

        Args:
            data: a file, sentences, or a pair of words and tags; `None` gives the scores on the
                test part.

        Returns:
            The entries `task`, `test`, `verdict`, … of `metrics.json`.

        Raises:
            DataError: if they cannot be read or have no tags.
            NotFittedError: before `fit`.
        """
        return self._metrics(self._evaluation(data))

    def plot(self, data: Tagged | None = None, language: Language = "en") -> Figure:
        """Return the picture of which tag was taken for which, on the test part or on `data`.

        Raises:
            ConfigError: if there are no test data.
        """
        from rnnkit.report.confusion_plot import confusion_plot

        evaluation = self._evaluation(data)
        if evaluation is None:
            raise ConfigError("this tagger was fitted without a test part: give data to plot")
        return confusion_plot(evaluation.confusion, self.tags_, evaluation.unseen, language)

    def write_run(self, writer: RunWriter, *, command: str = "", language: Language = "en") -> None:
        """Write everything a fit leaves behind; see `Estimator`."""
        fitted = self.fitted
        tagger = fitted.tagger
        history = fitted.history.to_json()
        config = {
            "task": self.task,
            "rnnkit": __version__,
            "options": self.config.to_json(),
            "field": fitted.field,
            "name": fitted.name,
            "sentences": dict(fitted.sentences),
            "words": fitted.words,
            "notes": [note.to_json() for note in fitted.notes],
            "codec": tagger.codec.to_json(),
            "table": tagger.table.to_json(),
            # Without the time taken: equal trainings give equal files.
            "history": {name: value for name, value in history.items() if name != "seconds"},
            "test": None if fitted.test is None else fitted.test.to_json(),
        }
        writer.write_model(config, tagger.network.state_dict())
        writer.write_json("metrics.json", self._metrics(fitted.test))

    @classmethod
    def from_run(cls, run: Run, device: str) -> SequenceTagger:
        """Return the tagger that `write_run` wrote; see `Estimator`."""
        plain = run.config
        model = cls(**plain["options"])
        codec = TagCodec.from_json(plain["codec"])
        network = new_network(codec, model.config)
        network.load_state_dict(run.tensors)
        model._fitted = Fitted(
            tagger=Tagger(
                codec, network.to(find_device(device)).eval(), TagTable.from_json(plain["table"])
            ),
            history=History.from_json({**plain["history"], "seconds": []}),
            test=None if plain["test"] is None else Evaluation.from_json(plain["test"]),
            field=str(plain["field"]),
            name=str(plain["name"]),
            sentences={name: int(count) for name, count in plain["sentences"].items()},
            words=int(plain["words"]),
            notes=tuple(map(Message.from_json, plain["notes"])),
            seconds=0.0 if run.metrics is None else float(run.metrics["seconds"]),
        )
        return model

    def _evaluation(self, data: Tagged | None) -> Evaluation | None:
        fitted = self.fitted
        if data is None:
            return fitted.test
        return evaluate_tagger(fitted.tagger, as_tagged(data, field=fitted.field))

    def _metrics(self, evaluation: Evaluation | None) -> dict[str, Any]:
        """Return the content of `metrics.json` for an evaluation."""
        fitted = self.fitted
        test = None
        if evaluation is not None:
            scores = dict(evaluation.scores)
            test = {
                "model": dict(scores.pop(MODEL)),
                "baselines": {name: dict(of_baseline) for name, of_baseline in scores.items()},
                "words": evaluation.words,
                "unknown_words": evaluation.unknown,
                "unseen_tags": dict(evaluation.unseen_tags),
            }
        metrics = {
            "task": self.task,
            "test": test,
            "verdict": "" if evaluation is None else str(evaluation.verdict()),
            "parameters": sum(p.numel() for p in fitted.tagger.network.parameters()),
            "seconds": fitted.seconds,
        }
        return dict(finite(metrics))


def _sizes(parts: Parts) -> dict[str, int]:
    named = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    return {name: 0 if part is None else len(part) for name, part in named.items()}
