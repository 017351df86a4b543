"""The page and the pictures of a language model's run."""

from __future__ import annotations

import math

from rnnkit import __version__
from rnnkit.messages import Message, Value
from rnnkit.report.language import Language
from rnnkit.report.markup import Picture
from rnnkit.report.samples import Sample
from rnnkit.report.scores import LANGUAGE
from rnnkit.report.task_page import DataPart, TaskReport, task_page
from rnnkit.tasks.language.artifact import Fitted
from rnnkit.tasks.language.config import LanguageConfig, batch_size, embedding_size, is_tied
from rnnkit.tasks.pictures import training_picture
from rnnkit.tasks.scores import named, network_name
from rnnkit.training import RunWriter


def write_page(
    writer: RunWriter,
    fitted: Fitted,
    config: LanguageConfig,
    *,
    command: str,
    language: Language = "en",
) -> None:
    """Write the picture of the training and `report.html`."""
    picture = training_picture(writer, [fitted.history], language)
    page = task_page(report(fitted, config, picture, command=command, language=language))
    writer.write_text("report.html", page)


def report(
    fitted: Fitted,
    config: LanguageConfig,
    training: Picture,
    *,
    command: str,
    language: Language = "en",
) -> TaskReport:
    """Return what the page shows."""
    losses = dict(enumerate(fitted.history.validation_loss, start=1))
    network = network_name(config.cell)
    return TaskReport(
        title=fitted.name,
        verdict="" if fitted.test is None else fitted.test.verdict(),
        model=network,
        command=command,
        version=__version__,
        measures=LANGUAGE,
        metric="nats_per_token",
        scores={} if fitted.test is None else named(fitted.test.scores, network),
        samples=[
            Sample(epoch, text, loss=losses.get(epoch, math.nan))
            for epoch, text in fitted.samples.items()
        ],
        units=[Message("characters")],
        parts=[
            DataPart(name, [fitted.characters[part]])
            for name, part in (
                (Message("training"), "train"),
                (Message("validation"), "validation"),
                (Message("test"), "test"),
            )
        ],
        notes=fitted.notes,
        facts=facts(fitted, config),
        training=training,
        language=language,
    )


def facts(fitted: Fitted, config: LanguageConfig) -> list[tuple[Message, Message]]:
    """Return names and values about model and training."""
    network, tokens = fitted.model.network, fitted.model.tokens
    embedding: dict[str, Value] = {"size": embedding_size(config)}
    embedded = "{size}"
    if not embedding_size(config):
        embedded = "one-hot vectors"
    elif is_tied(config):
        embedded = "{size}, shared with the output map"
    rows: list[tuple[str, str, dict[str, Value]]] = [
        (
            "Network",
            "{cell}, layers: {layers}, units: {units}",
            {
                "cell": network_name(config.cell),
                "layers": config.layers,
                "units": config.hidden_size,
            },
        ),
        ("Embedding", embedded, embedding),
        ("Parameters", "{count:,}", {"count": sum(p.numel() for p in network.parameters())}),
        (
            "Streams",
            "{streams} of {tokens:,} tokens, in chunks of {steps}",
            {
                "streams": batch_size(config, tokens),
                "tokens": tokens // batch_size(config, tokens),
                "steps": config.steps,
            },
        ),
        (
            "Epochs",
            "{epochs}; best {best}",
            {"epochs": str(len(fitted.history)), "best": str(fitted.history.best_epoch)},
        ),
        ("Seed", "{seed}", {"seed": config.seed}),
    ]
    return [(Message(name), Message(template, values)) for name, template, values in rows]
