"""Pictures, words and the page of a classification or regression."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from rnnkit import __version__
from rnnkit.data.examples.contract import Examples
from rnnkit.messages import Message
from rnnkit.metrics.labels import UNSEEN
from rnnkit.models.label_network import LabelNetwork
from rnnkit.report.confusion_plot import confusion_plot
from rnnkit.report.examples import ExampleGroup, choose_examples
from rnnkit.report.language import Language, render
from rnnkit.report.length_plot import length_plot
from rnnkit.report.markup import Picture
from rnnkit.report.saliency import ATTENTION, GRADIENT, Example
from rnnkit.report.scatter_plot import scatter_plot
from rnnkit.report.scores import CLASSIFY, REGRESS
from rnnkit.report.task_page import ClassRow, DataPart, TaskReport
from rnnkit.tasks.estimator import NotFittedError
from rnnkit.tasks.labels.base import FittedLabels, LabelEstimator
from rnnkit.tasks.labels.config import batch_size
from rnnkit.tasks.labels.evaluation import LabelEvaluation
from rnnkit.tasks.scores import named, network_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PART_NAMES = {
    "training": Message("training"),
    "validation": Message("validation"),
    "test": Message("test"),
}


def main_figure(estimator: LabelEstimator, language: Language) -> Figure:
    """Return the picture of the test part: confusions, or predicted against actual numbers."""
    fitted = estimator.fitted
    if fitted.test is None:
        raise NotFittedError("there is nothing to plot: this fit kept no test part")
    return _test_figure(fitted, fitted.test, language)


def _test_figure(fitted: FittedLabels, test: LabelEvaluation, language: Language) -> Figure:
    if not test.classes:
        return scatter_plot(test.actual, test.outputs, fitted.meaning.targets, language)
    unseen = test.actual == UNSEEN
    row = None
    if unseen.any():
        row = np.bincount(test.predicted[unseen], minlength=fitted.meaning.outputs)
    return confusion_plot(test.confusion, fitted.meaning.classes, row, language)


def lengths_figure(fitted: FittedLabels, language: Language) -> Figure | None:
    """Return the histogram of the lengths; `None` where all are the same."""
    lengths = np.concatenate([part.lengths for part in fitted.parts])
    if np.ptp(lengths) == 0:
        return None
    text = fitted.fit.codec.text
    unit = Message("steps") if text is None else Message("tokens")
    return length_plot(lengths, unit, None if text is None else text.max_length, language)


def summary(estimator: LabelEstimator, language: Language) -> str:
    """Return in a few lines what was fitted, on what, and how good it is."""
    return "\n".join(render(line, language) for line in sentences(estimator))


def sentences(estimator: LabelEstimator) -> Iterator[Message]:
    """Yield what was fitted, on what, and how good it is."""
    fitted = estimator.fitted
    for part in fitted.parts:
        yield Message(
            "{part}: {count:,} examples", {"part": PART_NAMES[part.name], "count": part.count}
        )
    yield from fitted.notes
    yield _model_sentence(estimator)
    if fitted.test is None:
        yield Message("No test part was kept, so nothing is known of the error.")
        return
    yield fitted.test.verdict
    yield from fitted.test.warnings


def _model_sentence(estimator: LabelEstimator) -> Message:
    fitted, config = estimator.fitted, estimator.config
    histories = fitted.fit.histories
    values: dict[str, Any] = {
        "cell": network_name(config.cell),
        "units": config.hidden_size,
        "networks": len(histories),
        "parameters": fitted.parameters,
        "epochs": sum(map(len, histories)),
    }
    if len(histories) > 1:
        return Message(
            "{networks} networks, {cell} with {units} units, {parameters:,} weights together,"
            " {epochs:,} epochs in all",
            values,
        )
    return Message("{cell} with {units} units, {parameters:,} weights, {epochs:,} epochs", values)


def label_report(
    estimator: LabelEstimator,
    *,
    pictures: list[Picture],
    lengths: Picture | None,
    training: Picture,
    command: str,
    language: Language,
) -> TaskReport:
    """Return what the page shows."""
    fitted, test = estimator.fitted, estimator.fitted.test
    network = network_name(estimator.config.cell)
    classes = bool(fitted.meaning.classes)
    groups, legend = ([], Message("")) if test is None else _examples(fitted, test)
    title = (
        Message("{name}: classes by {network}", {"name": fitted.data, "network": network})
        if classes
        else Message("{name}: numbers by {network}", {"name": fitted.data, "network": network})
    )
    return TaskReport(
        title=title,
        verdict="" if test is None else test.verdict,
        model=network,
        command=command,
        version=__version__,
        measures=CLASSIFY if classes else REGRESS,
        metric="accuracy" if classes else "rmse",
        warnings=() if test is None else test.warnings,
        scores={} if test is None else named(test.scores, network),
        skipped={} if test is None else test.skipped,
        pictures=pictures,
        examples=groups,
        legend=legend,
        units=(Message("examples"),),
        parts=tuple(DataPart(PART_NAMES[part.name], (part.count,)) for part in fitted.parts),
        classes=_class_rows(fitted, test),
        notes=fitted.notes,
        lengths=lengths,
        text=_text_facts(fitted),
        facts=_facts(estimator),
        training=training,
        language=language,
    )


def _class_rows(fitted: FittedLabels, test: LabelEvaluation | None) -> tuple[ClassRow, ...]:
    counts = [part.classes for part in fitted.parts]
    if test is None:
        return tuple(
            ClassRow(name, [of[k] for of in counts])
            for k, name in enumerate(fitted.meaning.classes)
        )
    if not test.classes:
        return ()
    predicted = test.predicted
    rows = []
    for k, name in enumerate(fitted.meaning.classes):
        right = int(((test.actual == k) & (predicted == k)).sum())
        said, happened = int((predicted == k).sum()), int((test.actual == k).sum())
        rows.append(
            ClassRow(
                name,
                [of[k] for of in counts],
                right / said if said else float("nan"),
                right / happened if happened else float("nan"),
                2 * right / (said + happened) if said + happened else float("nan"),
            )
        )
    return tuple(rows)


def _text_facts(fitted: FittedLabels) -> tuple[tuple[Message, str | Message], ...]:
    text = fitted.fit.codec.text
    if text is None:
        return ()
    longest = Message("all") if text.max_length is None else f"{text.max_length:,}"
    return (
        (Message("level"), text.level),
        (Message("vocabulary"), f"{len(text.vocabulary):,}"),
        (Message("tokens read of a text"), longest),
    )


def _facts(estimator: LabelEstimator) -> tuple[tuple[Message, str | Message], ...]:
    fitted, config = estimator.fitted, estimator.config
    count = fitted.parts[0].count
    return (
        (Message("cell"), network_name(config.cell)),
        (Message("units"), f"{config.hidden_size}"),
        (Message("layers"), f"{config.layers}"),
        (Message("reads in both directions"), _yes(config.bidirectional)),
        (Message("states become one vector by"), fitted.fit.pooling),
        (Message("networks"), f"{len(fitted.fit.networks)}"),
        (Message("weights"), f"{fitted.parameters:,}"),
        (Message("examples a step"), f"{batch_size(config, count)}"),
        (Message("learning rate"), f"{config.learning_rate:g}"),
        (Message("epochs"), ", ".join(str(len(history)) for history in fitted.fit.histories)),
        (Message("seed"), f"{config.seed}"),
    )


def _yes(value: bool) -> Message:
    return Message("yes") if value else Message("no")


def _examples(fitted: FittedLabels, test: LabelEvaluation) -> tuple[list[ExampleGroup], Message]:
    """Return texts of the test part with the weights of their tokens; none of numbers."""
    kept, text = fitted.kept, fitted.fit.codec.text
    if kept is None or text is None or not test.classes or len(test.outputs) == 0:
        return [], Message("")
    headings = {
        "right": Message("Surest and right"),
        "wrong": Message("Surest and wrong"),
        "unsure": Message("Most unsure"),
    }
    network = fitted.fit.networks[0]
    legend = ATTENTION if network.pooling.how == "attention" else GRADIENT
    groups = [
        ExampleGroup(
            headings[kind], [_example(fitted, test, kept, network, number) for number in numbers]
        )
        for kind, numbers in choose_examples(test.outputs, test.actual.tolist()).items()
    ]
    return groups, legend


def _example(
    fitted: FittedLabels,
    test: LabelEvaluation,
    kept: Examples,
    network: LabelNetwork,
    number: int,
) -> Example:
    text = fitted.fit.codec.text
    assert text is not None
    assert kept.texts is not None
    assert kept.classes is not None
    one = kept.take([number])
    batch = fitted.fit.codec.encode(one).batch(torch.zeros(1, dtype=torch.int64)).to(fitted.device)
    found = network.attention(batch)
    klass = int(test.predicted[number])
    weights = network.saliency(batch, klass) if found is None else found.detach()
    tokens = text.tokens(kept.texts[number])
    return Example(
        text=kept.texts[number],
        predicted=fitted.meaning.classes[klass],
        actual=kept.classes[number],
        probability=float(test.outputs[number, klass]),
        place=kept.place(number),
        spans=[(token.start, token.end) for token in tokens],
        weights=weights[0, : len(tokens)].double().cpu().numpy(),
    )
