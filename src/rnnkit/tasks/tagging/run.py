"""Everything that a tagger leaves in its run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnkit.messages import Message
from rnnkit.report.drawing import save
from rnnkit.report.language import Language
from rnnkit.report.markup import Picture
from rnnkit.report.task_page import task_page
from rnnkit.report.training_plot import training_plot
from rnnkit.tasks.scores import scores_json
from rnnkit.tasks.tagging.config import TagConfig
from rnnkit.tasks.tagging.evaluation import TagEvaluation
from rnnkit.tasks.tagging.fitted import FittedTagger, save_tagger
from rnnkit.tasks.tagging.pictures import confusion_figure, report
from rnnkit.training.run_folder import RunWriter, finite

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def metrics_json(fitted: FittedTagger, evaluation: TagEvaluation | None) -> dict[str, Any]:
    """Return the content of `metrics.json` for an evaluation."""
    metrics = {
        "task": "tag",
        "test": None if evaluation is None else scores_json(evaluation.scores),
        "verdict": "" if evaluation is None else str(evaluation.verdict),
        "warning": "" if evaluation is None else " ".join(map(str, evaluation.warnings)),
        "parameters": fitted.parameters,
        "seconds": fitted.seconds,
    }
    return dict(finite(metrics))


def write_run(
    writer: RunWriter,
    fitted: FittedTagger,
    config: TagConfig,
    *,
    command: str,
    language: Language = "en",
) -> None:
    """Write model, scores, pictures and page.

    Args:
        writer: of the run folder.
        fitted: what a fit has found.
        config: its options.
        command: the command line that made it, for the page; may be empty.
        language: of the page and the pictures.
    """
    save_tagger(writer, config, fitted)
    writer.write_json("metrics.json", metrics_json(fitted, fitted.test))

    def drawn(name: str, figure: Figure, text: Message) -> Picture:
        save(figure, writer.folder / name)
        return Picture((writer.folder / name).read_bytes(), text)

    pictures = []
    if fitted.test is not None:
        figure = confusion_figure(fitted, fitted.test, language)
        pictures.append(drawn("confusion.png", figure, Message("Which tag was taken for which")))
    page = report(
        fitted,
        config,
        pictures=pictures,
        training=drawn(
            "training.png",
            training_plot([fitted.history], language),
            Message("Training and validation loss by epoch"),
        ),
        command=command,
        language=language,
    )
    writer.write_text("report.html", task_page(page))
