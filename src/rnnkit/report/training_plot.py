"""The picture of a training: the losses of every epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from rnnkit.messages import Message
from rnnkit.report.drawing import BASELINE, BLACK, MODEL, Style, add_legend, line, sheet
from rnnkit.report.language import Language
from rnnkit.report.lettering import Lettering

_TRAINING: Style = {**BASELINE, "linewidth": 1.2}
_VALIDATION: Style = {**MODEL, "linewidth": 1.4}
_KEPT: Style = {"color": BLACK, "linestyle": "none", "marker": "o", "markersize": 6, "zorder": 3}


class Losses(Protocol):
    """What `training_plot` reads of one network's training; `rnnkit.training.History` has it."""

    @property
    def train_loss(self) -> Sequence[float]:
        """An entry an epoch."""

    @property
    def validation_loss(self) -> Sequence[float]:
        """An entry an epoch; empty without validation data."""

    @property
    def best_epoch(self) -> int:
        """The number, from 1, of the epoch whose weights were kept; 0 for none."""


def training_plot(histories: Sequence[Losses], language: Language = "en") -> Figure:
    """Draw the losses of every epoch, one pair of lines a network, and mark the epochs kept.

    The loss axis is logarithmic where the losses are positive and span more than a factor of 10.

    Args:
        histories: one a network of the ensemble.
        language: of the words.

    Returns:
        A figure that belongs to no display.

    Example:
        >>> from types import SimpleNamespace
        >>> history = SimpleNamespace(train_loss=[2.0, 1.0], validation_loss=[], best_epoch=2)
        >>> len(training_plot([history]).axes)
        1
    """
    lettering = Lettering(language)
    say = lettering.say
    title = (
        Message("Training of the network")
        if len(histories) == 1
        else Message("Training of {count} networks", {"count": len(histories)})
    )
    entries = _entries(histories, lettering)
    figure, (panel,) = sheet(lettering.render(title), [], [3.9], lettering, entries)
    alpha = 1.0 if len(histories) == 1 else 0.65
    for history in histories:
        kept = history.train_loss
        for losses, style in (
            (history.train_loss, _TRAINING),
            (history.validation_loss, _VALIDATION),
        ):
            if len(losses):
                line(panel, np.arange(1.0, len(losses) + 1), np.array(losses, dtype=np.float64),
                     {**style, "alpha": alpha})  # fmt: skip
                kept = losses
        if _has_kept(history):
            panel.plot([history.best_epoch], [kept[history.best_epoch - 1]], **_KEPT)
    logarithmic = _span(histories) > 10
    if logarithmic:
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        panel.yaxis.set_minor_formatter(NullFormatter())
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_xlabel(say("epoch"), **lettering.style)
    panel.set_ylabel(say("loss (logarithmic axis)" if logarithmic else "loss"), **lettering.style)
    add_legend(figure, entries, lettering)
    return figure


def _has_kept(history: Losses) -> bool:
    return 1 <= history.best_epoch <= len(history.validation_loss or history.train_loss)


def _span(histories: Sequence[Losses]) -> float:
    """The largest loss over the smallest; 1 where a logarithm makes no sense."""
    losses = [loss for h in histories for loss in (*h.train_loss, *h.validation_loss)]
    finite = [loss for loss in losses if math.isfinite(loss)]
    return max(finite) / min(finite) if finite and min(finite) > 0 else 1.0


def _entries(histories: Sequence[Losses], lettering: Lettering) -> dict[str, Artist]:
    """Return the legend's entries for what there is to draw."""
    say = lettering.say
    entries: dict[str, Artist] = {}
    if any(len(history.train_loss) for history in histories):
        entries[say("training loss")] = Line2D([], [], **_TRAINING)
    if any(len(history.validation_loss) for history in histories):
        entries[say("validation loss")] = Line2D([], [], **_VALIDATION)
    if any(map(_has_kept, histories)):
        entries[say("epoch whose weights were kept")] = Line2D([], [], **_KEPT)
    return entries
