"""What a person sees of a tagger: the figure, the page and the summary."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rnnkit import __version__
from rnnkit.errors import ConfigError
from rnnkit.messages import Message, Value
from rnnkit.report.confusion_plot import confusion_plot
from rnnkit.report.examples import ExampleGroup
from rnnkit.report.language import Language, render
from rnnkit.report.markup import Picture
from rnnkit.report.scores import TAG
from rnnkit.report.tagged_text import TaggedSentence
from rnnkit.report.task_page import ClassRow, DataPart, TaskReport
from rnnkit.tasks.scores import named, network_name
from rnnkit.tasks.tagging.config import TagConfig
from rnnkit.tasks.tagging.evaluation import METRIC, TagEvaluation
from rnnkit.tasks.tagging.fitted import FittedTagger

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 3  # sentences of a kind
_READABLE = 40  # words of a sentence that is shown


def confusion_figure(
    fitted: FittedTagger, evaluation: TagEvaluation | None, language: Language = "en"
) -> Figure:
    """Draw which tag was taken for which.

    Raises:
        ConfigError: if there is no evaluation.
    """
    if evaluation is None:
        raise ConfigError("this tagger was fitted without a test part: give data to plot")
    tags = fitted.tagger.codec.tags
    counts, unseen = evaluation.confusion(len(tags)), evaluation.unseen(len(tags))
    return confusion_plot(counts, tags, unseen, language)


def report(
    fitted: FittedTagger,
    config: TagConfig,
    *,
    pictures: list[Picture],
    training: Picture,
    command: str,
    language: Language,
) -> TaskReport:
    """Return what the page shows."""
    test = fitted.test
    network = network_name(config.cell)
    return TaskReport(
        title=Message("Tags of {name}", {"name": fitted.data}),
        verdict="" if test is None else test.verdict,
        model=network,
        command=command,
        version=__version__,
        measures=TAG,
        metric=METRIC,
        warnings=() if test is None else test.warnings,
        scores={} if test is None else named(test.scores, network),
        pictures=pictures,
        examples=_examples(fitted),
        units=(Message("sentences"), Message("words")),
        parts=[DataPart(Message(p.name), (p.sentences, p.words)) for p in fitted.parts],
        classes=_classes(fitted),
        notes=fitted.notes,
        text=_texts(fitted),
        facts=facts(fitted, config),
        training=training,
        language=language,
    )


def facts(fitted: FittedTagger, config: TagConfig) -> list[tuple[Message, Message]]:
    """Return names and values about model and training."""
    size: dict[str, Value] = {
        "cell": network_name(config.cell),
        "layers": config.layers,
        "units": config.hidden_size,
    }
    epochs: dict[str, Value] = {
        "epochs": str(len(fitted.history)),
        "best": str(fitted.history.best_epoch),
    }
    rows: list[tuple[str, str, dict[str, Value]]] = [
        (
            "Network",
            "{cell}, layers: {layers}, units: {units}, both directions"
            if config.bidirectional
            else "{cell}, layers: {layers}, units: {units}",
            size,
        ),
        (
            "Tags of a sentence",
            "chosen together, by a conditional random field"
            if config.crf
            else "chosen each by itself",
            {},
        ),
        ("Parameters", "{count:,}", {"count": fitted.parameters}),
        ("Epochs", "{epochs}; best {best}", epochs),
        ("Seed", "{seed}", {"seed": config.seed}),
        ("Time", "{seconds:.1f} s, baselines included", {"seconds": fitted.seconds}),
    ]
    return [(Message(name), Message(value, values)) for name, value, values in rows]


def summary(fitted: FittedTagger, config: TagConfig, language: Language = "en") -> str:
    """Return in a few lines what was fitted, on what, and how good it is."""
    lines: list[Message] = [Message("Tags of {name}", {"name": fitted.data})]
    lines += [
        Message(
            "{part}: {sentences:,} sentences, {words:,} words",
            {"part": Message(part.name), "sentences": part.sentences, "words": part.words},
        )
        for part in fitted.parts
    ]
    lines += fitted.notes
    lines += [Message("{name}: {value}", {"name": n, "value": v}) for n, v in facts(fitted, config)]
    if fitted.test is not None:
        lines += [fitted.test.verdict, *fitted.test.warnings]
    return "\n".join(render(line, language) for line in lines)


def _texts(fitted: FittedTagger) -> list[tuple[Message, Message]]:
    codec = fitted.tagger.codec
    return [
        (Message("Words known"), Message("{count:,}", {"count": len(codec.words.tokens)})),
        (Message("Letters known"), Message("{count:,}", {"count": len(codec.letters.tokens)})),
        (Message("Endings known"), Message("{count:,}", {"count": len(codec.endings.tokens)})),
    ]


def _classes(fitted: FittedTagger) -> list[ClassRow]:
    """Return how often each tag comes, and how well it is found."""
    tags = fitted.tagger.codec.tags
    right, came, said = np.zeros((3, len(tags)), dtype=np.int64)
    if fitted.test is not None:
        counts = fitted.test.confusion(len(tags))
        right, came = counts.diagonal(), counts.sum(axis=1)
        said = counts.sum(axis=0) + fitted.test.unseen(len(tags))
    return [
        ClassRow(
            tag,
            [part.tags[k] for part in fitted.parts],
            precision=_share(right[k], said[k]),
            recall=_share(right[k], came[k]),
            f1=_share(2 * right[k], said[k] + came[k]),
        )
        for k, tag in enumerate(tags)
    ]


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan


def _examples(fitted: FittedTagger) -> list[ExampleGroup]:
    """Return some sentences of the test part: the first, and those with the most wrong tags."""
    test, kept = fitted.test, fitted.kept
    if test is None or kept is None or kept.tags is None:
        return []
    names, known = fitted.tagger.codec.tags, fitted.tagger.table.words
    lengths = np.array([len(words) for words in kept.words])
    ends = np.cumsum(lengths)
    wrong = np.concatenate([[0], np.cumsum(test.actual != test.predicted)])
    missed = wrong[ends] - wrong[ends - lengths]
    short = np.flatnonzero(lengths <= _READABLE).tolist()

    def sentence(number: int) -> TaggedSentence:
        assert kept is not None
        assert kept.tags is not None
        assert test is not None
        words = kept.words[number]
        codes = test.predicted[ends[number] - lengths[number] : ends[number]]
        return TaggedSentence(
            words,
            [names[code] for code in codes],
            kept.tags[number],
            kept.place(number),
            [k for k, word in enumerate(words) if word not in known],
        )

    worst = sorted((n for n in short if missed[n]), key=lambda n: -missed[n])[:_SHOWN]
    first = [n for n in short if n not in worst][:_SHOWN]
    return [
        ExampleGroup(Message("First sentences of the test part"), list(map(sentence, first))),
        ExampleGroup(Message("Sentences with the most wrong tags"), list(map(sentence, worst))),
    ]
