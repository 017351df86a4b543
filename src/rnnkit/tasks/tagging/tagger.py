"""The tagger: fit, predict, evaluate, plot, save."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.errors import ConfigError
from rnnkit.messages import Message
from rnnkit.report.scores import TAG
from rnnkit.tasks.estimator import Estimator, csv_text
from rnnkit.tasks.scores import ScoreCard, metrics_json, network_name
from rnnkit.tasks.tagging.config import TagConfig
from rnnkit.tasks.tagging.evaluation import METRIC, TagEvaluation, evaluate_tagger
from rnnkit.tasks.tagging.fitted import FittedTagger, Part, read_tagger
from rnnkit.tasks.tagging.fitting import fit_tagger
from rnnkit.tasks.tagging.reading import (
    Parts,
    Source,
    Tagged,
    Words,
    as_tagged,
    as_untagged,
    read_parts,
)
from rnnkit.training import Progress, RunWriter
from rnnkit.training.json_file import finite
from rnnkit.training.run_folder import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rnnkit.report.language import Language


class SequenceTagger(Estimator[TagConfig, FittedTagger]):
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
        parts = read_parts(data, tags, validation, test, self.config, field=field)
        return self.fit_parts(
            parts, field=field, checkpoints=checkpoints, resume=resume, progress=progress
        )

    def fit_parts(
        self,
        parts: Parts,
        *,
        field: str,
        checkpoints: Path | None = None,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> SequenceTagger:
        """Fit to parts that were divided before; see `fit`."""
        config = self.config
        start = time.perf_counter()
        tagger, history = fit_tagger(
            parts.train,
            parts.validation,
            config,
            checkpoint=None if checkpoints is None else checkpoints / "network.safetensors",
            resume=resume,
            progress=progress,
        )
        named = {"training": parts.train, "validation": parts.validation, "test": parts.test}
        self._fitted = FittedTagger(
            tagger=tagger,
            history=history,
            field=field,
            data=parts.train.name,
            parts=tuple(
                Part.of(name, sentences, tagger.codec.tags)
                for name, sentences in named.items()
                if sentences is not None
            ),
            kept=parts.test,
            test=None
            if parts.test is None
            else evaluate_tagger(tagger, parts.test, cell=config.cell),
            notes=parts.notes,
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
        return self.metrics_json(self.scored(data))

    def scored(self, data: Tagged | None = None) -> TagEvaluation | None:
        """Return what `evaluate` scores, with the tags themselves."""
        fitted = self.fitted
        if data is None:
            return fitted.test
        sentences = as_tagged(data, field=fitted.field)
        return evaluate_tagger(fitted.tagger, sentences, cell=self.config.cell)

    def metrics_json(self, evaluation: TagEvaluation | None) -> dict[str, Any]:
        """Return the content of `metrics.json` for an evaluation."""
        fitted = self.fitted
        found = metrics_json(self.task, evaluation, fitted.parameters, fitted.seconds)
        return dict(finite(found))

    def score_card(self, evaluation: TagEvaluation) -> ScoreCard:
        """Return what an evaluation shows."""
        return ScoreCard(
            title=Message("Test: {count:,} words", {"count": len(evaluation.actual)}),
            network=network_name(self.config.cell),
            scores=evaluation.scores,
            measures=TAG,
            metric=METRIC,
            verdict=evaluation.verdict,
            warnings=evaluation.warnings,
        )

    def predictions_csv(self, data: Source | None) -> str:
        """Return the tags as CSV with a header: a row a word, sentences counted from 1.

        Raises:
            ConfigError: without data.
        """
        if data is None:
            raise ConfigError("a run of tag predicts of new data: give a text or a file")
        words = as_untagged(data, field=self.fitted.field).words
        tags = self.fitted.tagger.tag(words)
        frame = pd.DataFrame(
            [
                (number, word, tag)
                for number, (sentence, given) in enumerate(zip(words, tags, strict=True), start=1)
                for word, tag in zip(sentence, given, strict=True)
            ],
            columns=["sentence", "word", "tag"],
        )
        return csv_text(frame)

    def text_source(self, text: str) -> list[str]:
        """Return a text as data to predict of."""
        return [text]

    def plot(self, data: Tagged | None = None, language: Language = "en") -> Figure:
        """Return the picture of which tag was taken for which, on the test part or on `data`.

        Raises:
            ConfigError: if there is neither.
            NotFittedError: before `fit`.
        """
        from rnnkit.tasks.tagging.pictures import confusion_figure

        return confusion_figure(self.fitted, self.scored(data), language)

    def summary(self, language: Language = "en") -> str:
        """Return in a few lines what was fitted, on what, and how good it is."""
        from rnnkit.tasks.tagging.pictures import summary

        return summary(self.fitted, self.config, language)

    def write_run(self, writer: RunWriter, *, command: str = "", language: Language = "en") -> None:
        """Write everything a fit leaves behind; see `Estimator`."""
        from rnnkit.tasks.tagging.run import write_run

        write_run(writer, self, command=command, language=language)

    @classmethod
    def from_run(cls, run: Run, device: str) -> SequenceTagger:
        """Return the tagger that `write_run` wrote; see `Estimator`."""
        model = cls(**run.config["options"])
        model._fitted = read_tagger(run, model.config, device)
        return model
