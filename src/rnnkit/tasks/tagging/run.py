"""A tagger from data to run folder: what the command `tag` does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from rnnkit.data.examples.contract import Sentences
from rnnkit.messages import Message
from rnnkit.report.language import Language
from rnnkit.report.task_page import task_page
from rnnkit.tasks.estimator import csv_text, train_run
from rnnkit.tasks.pictures import drawn, training_picture
from rnnkit.tasks.tagging.evaluation import TagEvaluation
from rnnkit.tasks.tagging.fitted import FittedTagger, save_tagger
from rnnkit.tasks.tagging.pictures import confusion_figure, report
from rnnkit.tasks.tagging.reading import Parts, Source, Tagged, read_parts
from rnnkit.tasks.tagging.tagger import SequenceTagger
from rnnkit.training import Progress
from rnnkit.training.run_folder import RunWriter


def run_tagger(
    model: SequenceTagger,
    source: Source,
    *,
    out: Path,
    validation: Tagged | None = None,
    test: Tagged | None = None,
    field: str = "upos",
    resume: bool = False,
    progress: Progress | None = None,
    command: str = "",
    language: Language = "en",
    announce: Callable[[Parts, bool], None] | None = None,
) -> None:
    """Read, fit, score and write the run folder `out`.

    Args:
        model: with its options; it is fitted afterwards.
        source: sentences with tags.
        out: the run folder; it appears when all is done.
        validation: sentences to stop early by.
        test: sentences to score on.
        field: of CoNLL-U files, that holds the tags.
        resume: go on with an interrupted training of the same data and options.
        progress: shows the epochs.
        command: the command line, for the report.
        language: of the report and the pictures.
        announce: called before training with the parts, and whether the checkpoints of an
            interrupted training were discarded.

    Raises:
        RnnkitError: if options, data or folder are wrong, or training diverges.
    """
    parts = read_parts(source, None, validation, test, model.config, field=field)
    train_run(
        model,
        lambda checkpoints: model.fit_parts(
            parts, field=field, checkpoints=checkpoints, resume=resume, progress=progress
        ),
        out=out,
        data={"field": field, "sha256": _fingerprints(parts)},
        resume=resume,
        announce=None if announce is None else lambda discarded: announce(parts, discarded),
        command=command,
        language=language,
    )


def write_run(
    writer: RunWriter, tagger: SequenceTagger, *, command: str, language: Language
) -> None:
    """Write everything a fit leaves behind: model, scores, predictions, pictures, page."""
    fitted, config = tagger.fitted, tagger.config
    save_tagger(writer, config, fitted)
    writer.write_json("metrics.json", tagger.metrics_json(fitted.test))
    pictures = []
    if fitted.test is not None:
        if fitted.kept is not None:
            writer.write_text("predictions.csv", _predictions(fitted, fitted.kept, fitted.test))
        figure = confusion_figure(fitted, fitted.test, language)
        text = Message("How often each tag was taken for each, on the test part")
        pictures.append(drawn(writer, "test.png", figure, text))
    page = report(
        fitted,
        config,
        pictures=pictures,
        training=training_picture(writer, [fitted.history], language),
        command=command,
        language=language,
    )
    writer.write_text("report.html", task_page(page))


def _predictions(fitted: FittedTagger, kept: Sentences, test: TagEvaluation) -> str:
    """Return what each word of the test part was taken for as CSV with a header."""
    assert kept.tags is not None
    names = fitted.tagger.codec.tags
    rows = [
        (number, word, tag)
        for number, (words, tags) in enumerate(zip(kept.words, kept.tags, strict=True), start=1)
        for word, tag in zip(words, tags, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["sentence", "word", "actual"])
    frame["predicted"] = [names[code] for code in test.predicted]
    return csv_text(frame)


def _fingerprints(parts: Parts) -> dict[str, str]:
    """Return a hash of each part of what is learned from and scored on; "none" where it lacks."""
    found = {"training": parts.train, "validation": parts.validation, "test": parts.test}
    return {
        name: "none"
        if part is None
        else hashlib.sha256(repr((part.words, part.tags)).encode()).hexdigest()
        for name, part in found.items()
    }
