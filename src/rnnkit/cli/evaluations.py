"""The scores of any run on the screen."""

from __future__ import annotations

from typing import Any

from rnnkit.report.language import Language


def print_evaluation(model: Any, evaluation: Any, language: Language) -> None:
    """Print the scores of a run of any task, and what they mean."""
    if model.task == "forecast":
        from rnnkit.cli.screen import print_scores

        print_scores(model, evaluation, language)
    else:
        from rnnkit.cli.label_screen import print_label_scores

        print_label_scores(model, evaluation, language)
