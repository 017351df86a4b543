"""The section of a page that shows examples, and which examples to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rnnkit.messages import Message
from rnnkit.report.drawing import FloatArray, IntArray
from rnnkit.report.markup import Markup, Text, join


class Shown(Protocol):
    """What a group of examples is made of."""

    @property
    def notes(self) -> Iterable[Message]:
        """What a reader has to be told to understand the example."""

    def html(self, markup: Markup) -> str:
        """Return the example as HTML."""


@dataclass(frozen=True)
class ExampleGroup:
    """Examples of a kind.

    Args:
        heading: such as `Message("Surest and wrong")`.
        examples: texts (`rnnkit.report.saliency`) or sentences (`rnnkit.report.tagged_text`).
    """

    heading: Text
    examples: Sequence[Shown]


def examples_section(markup: Markup, groups: Sequence[ExampleGroup], legend: Text = "") -> str:
    """Return the groups of examples; empty if there is none.

    Args:
        markup: of the page.
        groups: each below its heading; one without examples is left out.
        legend: what the shades mean, such as `rnnkit.report.saliency.ATTENTION`; may be empty.
    """
    groups = [group for group in groups if group.examples]
    if not groups:
        return ""
    found = (note for group in groups for example in group.examples for note in example.notes)
    return join(
        (
            markup.heading(Message("Examples")),
            markup.paragraph(legend, *dict.fromkeys(found), kind="small"),
            *(_group(markup, group) for group in groups),
        )
    )


def choose_examples(
    probabilities: FloatArray, actual: Sequence[int], count: int = 3
) -> dict[str, list[int]]:
    """Return which examples to show: the surest right and wrong ones, and the most unsure.

    Each kind has its classes by turns, the surest of each first, so that one class does not take
    all places.

    Args:
        probabilities: `(S, K)` float64 of the classes, K of 2 or more.
        actual: `S` numbers of classes; -1 for a label that training never saw.
        count: the most of each kind.

    Returns:
        The numbers of the examples by "right", "wrong" and "unsure"; no example is in two of them.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.51, 0.49], [0.3, 0.7]])
        >>> choose_examples(probabilities, [0, 0, 0, 1], count=1)
        {'right': [0], 'wrong': [1], 'unsure': [2]}
    """
    predicted: IntArray = probabilities.argmax(1)
    surest = probabilities.max(1)
    margin = surest - np.partition(probabilities, -2, axis=1)[:, -2]
    is_right = predicted == np.asarray(actual)
    order = np.argsort(-surest, kind="stable")
    chosen = {
        "right": _by_turns(order[is_right[order]], predicted, count),
        "wrong": _by_turns(order[~is_right[order]], predicted, count),
    }
    taken = {*chosen["right"], *chosen["wrong"]}
    unsure = (int(k) for k in np.argsort(margin, kind="stable") if int(k) not in taken)
    chosen["unsure"] = [k for k, _ in zip(unsure, range(count), strict=False)]
    return chosen


def _group(markup: Markup, group: ExampleGroup) -> str:
    examples = (example.html(markup) for example in group.examples)
    return join((markup.heading(group.heading, 3), *examples))


def _by_turns(order: IntArray, predicted: IntArray, count: int) -> list[int]:
    """Return the first of `order`, one of each class before the second of any."""
    seen: dict[int, int] = {}
    turns = []
    for place, number in enumerate(order.tolist()):
        turn = seen.get(int(predicted[number]), 0)
        seen[int(predicted[number])] = turn + 1
        turns.append((turn, place, number))
    return [number for _, _, number in sorted(turns)[:count]]
