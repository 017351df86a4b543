"""A classification or regression from data to run folder: what the commands do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnkit.data.examples.columns import ExampleColumns
from rnnkit.data.examples.contract import Examples
from rnnkit.data.stored import scratch_folder
from rnnkit.messages import Message
from rnnkit.report.language import Language
from rnnkit.report.task_page import task_page
from rnnkit.tasks.estimator import csv_text, train_run
from rnnkit.tasks.labels.artifact import save_labels
from rnnkit.tasks.labels.base import FittedLabels, LabelEstimator
from rnnkit.tasks.labels.evaluation import LabelEvaluation
from rnnkit.tasks.labels.parts import sequence_key
from rnnkit.tasks.labels.pictures import label_report, lengths_figure, main_figure
from rnnkit.tasks.labels.planning import LabelParts, Source, divide
from rnnkit.tasks.pictures import drawn, training_picture
from rnnkit.training import Progress
from rnnkit.training.run_folder import RunWriter


def run_labels(
    estimator: LabelEstimator,
    source: Source,
    *,
    columns: ExampleColumns,
    out: Path,
    validation: Source | None = None,
    test: Source | None = None,
    stream: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
    command: str = "",
    language: Language = "en",
    announce: Callable[[LabelParts, bool], None] | None = None,
) -> None:
    """Read, fit, score and write the run folder `out`.

    Args:
        estimator: with its options; it is fitted afterwards.
        source: the data.
        columns: what its columns are.
        out: the run folder; it appears when all is done.
        validation: data to stop early by.
        test: data to score on.
        stream: read files of texts in pieces; the texts go to temporary files on the disk of `out`.
        resume: go on with an interrupted training of the same data and options.
        progress: shows the epochs.
        command: the command line, for the report.
        language: of the report and the pictures.
        announce: called before training with the parts, and whether the checkpoints of an
            interrupted training were discarded.

    Raises:
        RnnkitError: if options, data or folder are wrong, or training diverges.
    """
    scratch = scratch_folder(out) if stream else None
    parts = divide(
        source, None, validation, test, columns, estimator.config, estimator.wants, scratch
    )
    train_run(
        estimator,
        lambda checkpoints: estimator.fit_parts(
            parts, checkpoints=checkpoints, resume=resume, progress=progress
        ),
        out=out,
        data={"columns": parts.columns.to_json(), "sha256": _fingerprint(parts)},
        resume=resume,
        announce=None if announce is None else lambda discarded: announce(parts, discarded),
        command=command,
        language=language,
    )


def write_run(
    writer: RunWriter, estimator: LabelEstimator, *, command: str, language: Language
) -> None:
    """Write everything a fit leaves behind: model, scores, predictions, pictures, page."""
    fitted = estimator.fitted
    save_labels(writer, estimator.task, estimator.config, fitted)
    writer.write_json("metrics.json", estimator.metrics_json(fitted.test))
    pictures = []
    if fitted.test is not None:
        writer.write_text("predictions.csv", _predictions(fitted, fitted.test))
        text = (
            Message("How often each class was taken for each, on the test part")
            if fitted.meaning.classes
            else Message("Predicted against actual numbers of the test part")
        )
        pictures.append(drawn(writer, "test.png", main_figure(estimator, language), text))
    lengths = lengths_figure(fitted, language)
    page = label_report(
        estimator,
        pictures=pictures,
        lengths=None
        if lengths is None
        else drawn(writer, "lengths.png", lengths, Message("Lengths of the sequences")),
        training=training_picture(writer, fitted.fit.histories, language),
        command=command,
        language=language,
    )
    writer.write_text("report.html", task_page(page))


def _predictions(fitted: FittedLabels, test: LabelEvaluation) -> str:
    """Return what was predicted of each example of the test part as CSV with a header."""
    frame: dict[str, Any] = {}
    kept = fitted.kept
    if kept is not None:
        frame["example"] = [kept.place(i) for i in range(len(kept))]
    meaning = fitted.meaning
    if meaning.classes:
        names = np.array([*meaning.classes, ""], dtype=object)
        actual = names[test.actual]  # the last, "", for a class that training never saw
        if kept is not None and kept.classes is not None:
            actual = np.array(kept.classes, dtype=object)
        frame |= {"actual": actual, "predicted": names[test.predicted]}
        frame |= {f"p({c})": test.outputs[:, k] for k, c in enumerate(meaning.classes)}
    else:
        for k, name in enumerate(meaning.targets):
            frame[f"actual {name}"] = test.actual[:, k]
            frame[f"predicted {name}"] = test.outputs[:, k]
    return csv_text(pd.DataFrame(frame))


def _fingerprint(parts: LabelParts) -> str:
    """Return a hash of all that is learned from and scored on."""
    digest = hashlib.sha256()
    for part in (parts.train, parts.validation, parts.test):
        digest.update(b"|")
        if part is not None:
            for piece in _pieces(part):
                digest.update(piece)
    return digest.hexdigest()


def _pieces(part: Examples) -> Iterator[bytes]:
    key = sequence_key(part)
    for i in range(len(part)):
        yield key(i)
        if part.classes is not None:
            yield part.classes[i].encode("utf-8", "surrogatepass")
    if part.targets is not None:
        yield np.ascontiguousarray(part.targets).tobytes()
