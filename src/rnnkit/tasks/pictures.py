"""Pictures of a run, whatever its task: each a file in the folder and a part of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnnkit.messages import Message
from rnnkit.report.drawing import save
from rnnkit.report.language import Language
from rnnkit.report.markup import Picture, Text
from rnnkit.report.training_plot import training_plot
from rnnkit.training import History, RunWriter

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def drawn(writer: RunWriter, name: str, figure: Figure, text: Text) -> Picture:
    """Write a figure as the file `name` of the run; return it for the page, described by `text`."""
    save(figure, writer.folder / name)
    return Picture((writer.folder / name).read_bytes(), text)


def training_picture(
    writer: RunWriter, histories: Sequence[History], language: Language
) -> Picture:
    """Write `training.png`, the losses of each network, and return it for the page."""
    text = Message("Training and validation loss by epoch")
    return drawn(writer, "training.png", training_plot(histories, language), text)
