"""The page of `rnnkit diagnose`, and the same findings as a section of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnnkit.messages import Message
from rnnkit.report import sections
from rnnkit.report.markup import Markup, Picture, Table, Text, join


@dataclass(frozen=True)
class Finding:
    """What one examination found.

    Args:
        heading: what was examined.
        sentences: what was found and what it means.
        picture: that shows it.
        table: the numbers behind it.
    """

    heading: Text
    sentences: Sequence[Text] = ()
    picture: Picture | None = None
    table: Table | None = None


@dataclass(frozen=True, kw_only=True)
class DiagnosisReport(sections.PageReport):
    """What `diagnosis_page` shows. What is empty is left out.

    Beside the arguments of `rnnkit.report.sections.PageReport`:

    Args:
        findings: a section each.
    """

    findings: Sequence[Finding]


def diagnosis_page(report: DiagnosisReport) -> str:
    """Return the page as one HTML text, the same for equal reports.

    Args:
        report: what to show.

    Example:
        >>> page = diagnosis_page(DiagnosisReport(
        ...     title="airline", verdict="", findings=[Finding("Residuals", ["They are noise."])],
        ...     command="rnnkit diagnose airline.csv", version="1", language="ko",
        ... ))
        >>> '<html lang="ko">' in page, "<h2>Residuals</h2>" in page
        (True, True)
    """
    markup = Markup(report.language)
    data = join((markup.facts(report.facts), markup.sentences(report.notes)))
    body = (
        sections.opening(markup, report),
        findings(markup, report.findings, level=2),
        join((markup.heading(Message("Data")), data)) if data else "",
    )
    return markup.page(report.title, body, command=report.command, version=report.version)


def findings(markup: Markup, findings: Sequence[Finding], *, level: int) -> str:
    """Return the findings, each below a heading of this level."""
    return join(
        join(
            (
                markup.heading(finding.heading, level),
                markup.paragraphs(finding.sentences),
                markup.table(finding.table) if finding.table else "",
                sections.pictures(markup, [finding.picture] if finding.picture else []),
            )
        )
        for finding in findings
    )
