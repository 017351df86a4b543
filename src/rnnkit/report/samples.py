"""The section of a page that shows what a language model wrote, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnkit.messages import Message
from rnnkit.report.given_text import seeable
from rnnkit.report.markup import Markup, join

_MOST = 8  # samples of a page


@dataclass(frozen=True)
class Sample:
    """A text that a model generated after an epoch.

    Args:
        epoch: from 1; 0 for before training.
        text: that the model wrote.
        prompt: that it was given, which the text goes on from; may be empty.
        loss: of the validation part after the epoch, in nats a token; NaN where it is unknown.
    """

    epoch: int
    text: str
    prompt: str = ""
    loss: float = math.nan


def samples_section(markup: Markup, samples: Sequence[Sample]) -> str:
    """Return the samples in their order; of more than 8 the first, the last and some between.

    Args:
        markup: of the page.
        samples: by epoch; none gives an empty section.

    Example:
        >>> html = samples_section(Markup("en"), [Sample(3, "be <or>", prompt="To ", loss=1.5)])
        >>> html.splitlines()[3]
        '<div class="sample" dir="auto"><b>To </b>be &lt;or&gt;</div>'
    """
    if not samples:
        return ""
    chosen = np.unique(np.rint(np.linspace(0, len(samples) - 1, _MOST)).astype(int))
    shown = [samples[k] for k in chosen]
    notes = []
    if any(sample.prompt for sample in shown):
        notes.append(Message("Bold: the prompt, which was given."))
    if len(shown) < len(samples):
        values = {"shown": len(shown), "all": len(samples)}
        notes.append(Message("Shown: {shown} of {all:,} samples.", values))
    return join(
        (
            markup.heading(Message("Samples by epoch")),
            markup.paragraph(*notes, kind="small"),
            *(_sample(markup, sample) for sample in shown),
        )
    )


def _sample(markup: Markup, sample: Sample) -> str:
    said = [Message("epoch {epoch:,}", {"epoch": sample.epoch})]
    if math.isfinite(sample.loss):
        said.append(Message("validation loss {loss:#.4g}", {"loss": sample.loss}))
    caption = " · ".join(map(markup.text, said))
    prompt = f"<b>{seeable(sample.prompt)}</b>" if sample.prompt else ""
    return join(
        (
            f'<p class="caption">{caption}</p>',
            f'<div class="sample" dir="auto">{prompt}{seeable(sample.text)}</div>',
        )
    )
