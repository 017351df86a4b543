"""The pieces of which the pages are made: HTML that needs no network and runs no script.

Every text is escaped, pictures are embedded, and each page carries a security policy that allows
nothing from elsewhere. Fixed words are `Message`s, put into the page's language; a plain text
comes from data and is never translated.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rnnkit.messages import Message
from rnnkit.report.given_text import seeable
from rnnkit.report.language import Language, render, words

Text: TypeAlias = str | Message


@dataclass(frozen=True)
class Picture:
    """A picture of a page.

    Args:
        png: the bytes of the file.
        text: what it shows, for those who cannot see it.
    """

    png: bytes
    text: Text


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Args:
        head: the names of the columns.
        rows: the cells, as many a row as there are columns; the first names the row.
        numbers: the columns that hold numbers, from 0.
        marked: the rows to be highlighted, from 0.
    """

    head: Sequence[Text]
    rows: Sequence[Sequence[Text]]
    numbers: Collection[int] = ()
    marked: Collection[int] = ()


def join(pieces: Iterable[str]) -> str:
    """Return the pieces that are not empty, each from a new line on."""
    return "\n".join(piece for piece in pieces if piece)


@dataclass(frozen=True)
class Markup:
    """Makes pieces of HTML in one language; what is empty gives an empty piece."""

    language: Language

    def text(self, text: Text) -> str:
        """Return `text` in the page's language, escaped, its control characters visible."""
        return seeable(render(text, self.language))

    def name(self, name: str) -> str:
        """Return the name of a model or baseline in the page's language, not yet escaped."""
        return words(self.language)(name)

    def heading(self, text: Text, level: int = 2) -> str:
        """Return a heading; the title of the page has level 1."""
        return f"<h{level}>{self.text(text)}</h{level}>"

    def paragraph(self, *texts: Text, kind: str = "") -> str:
        """Return the sentences as one paragraph of the CSS class `kind`."""
        body = " ".join(filter(None, map(self.text, texts)))
        if not body:
            return ""
        return f'<p class="{kind}">{body}</p>' if kind else f"<p>{body}</p>"

    def paragraphs(self, texts: Iterable[Text], kind: str = "") -> str:
        """Return a paragraph for each text."""
        return join(self.paragraph(text, kind=kind) for text in texts)

    def sentences(self, texts: Sequence[Text]) -> str:
        """Return a list with an item for each text."""
        items = join(f"<li>{self.text(text)}</li>" for text in texts)
        return f"<ul>\n{items}\n</ul>" if items else ""

    def picture(self, picture: Picture) -> str:
        """Return an embedded picture."""
        data = base64.b64encode(picture.png).decode("ascii")
        return f'<img src="data:image/png;base64,{data}" alt="{self.text(picture.text)}">'

    def facts(self, facts: Iterable[tuple[Text, Text]]) -> str:
        """Return names and values side by side."""
        items = join(
            f"<dt>{self.text(name)}</dt><dd>{self.text(value)}</dd>" for name, value in facts
        )
        return f"<dl>\n{items}\n</dl>" if items else ""

    def table(self, table: Table) -> str:
        """Return a table that scrolls sideways where the window is narrow."""
        if not table.rows:
            return ""
        right = dict.fromkeys(table.numbers, ' class="number"')
        marks = dict.fromkeys(table.marked, ' class="model"')
        head = "".join(
            f'<th scope="col"{right.get(c, "")}>{self.text(title)}</th>'
            for c, title in enumerate(table.head)
        )
        rows = join(
            f'<tr{marks.get(r, "")}><th scope="row">{self.text(row[0])}</th>'
            + "".join(
                f"<td{right.get(c, '')}>{self.text(cell)}</td>" for c, cell in enumerate(row[1:], 1)
            )
            + "</tr>"
            for r, row in enumerate(table.rows)
        )
        return (
            f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{rows}\n</tbody>\n</table></div>"
        )

    def page(
        self, title: Text, sections: Iterable[str], *, command: str, version: str, style: str = ""
    ) -> str:
        """Return a whole page, which ends with the command that makes it again.

        Args:
            title: of the page.
            sections: its pieces.
            command: the command line; may be empty.
            version: of rnnkit.
            style: CSS rules beyond those that all pages have.
        """
        written = Message("Written by rnnkit {version}.", {"version": version})
        end = (
            self.heading(Message("Do it again")) + f"\n<pre><code>{seeable(command)}</code></pre>"
            if command
            else "",
            self.paragraph(written, kind="small"),
        )
        return f"""<!DOCTYPE html>
<html lang="{self.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{self.text(title)}</title>
<style>{_STYLE}{style}</style>
</head>
<body>
<main>
<h1>{self.text(title)}</h1>
{join((*sections, *end))}
</main>
</body>
</html>
"""


_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root { --text: #1b1b1b; --faint: #5c5c5c; --page: #ffffff; --line: #d9d9d9; --mark: #e3f0fa;
  --edge: #0072b2; --alarm: #d55e00; }
@media (prefers-color-scheme: dark) {
  :root { --text: #ececec; --faint: #a8a8a8; --page: #17191c; --line: #3b3f45; --mark: #17354a;
    --edge: #56b4e9; --alarm: #e69f00; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, "Noto Sans", "Noto Sans KR", "Malgun Gothic",
  "Apple SD Gothic Neo", NanumGothic, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 0.25rem; }
ul { margin: 0.5rem 0; padding-left: 1.25rem; overflow-wrap: anywhere; }
p { margin: 0.5rem 0; overflow-wrap: anywhere; }
.verdict { font-size: 1.1rem; border-left: 0.25rem solid var(--edge); padding-left: 0.75rem; }
.warning { border-left: 0.25rem solid var(--alarm); padding-left: 0.75rem; }
.small { color: var(--faint); font-size: 0.875rem; }
img { display: block; width: 100%; height: auto; margin: 1rem 0; background: #ffffff;
  border-radius: 0.25rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: 50%; }
th, td { text-align: left; padding: 0.3rem 0.9rem 0.3rem 0.4rem; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
tbody th { font-weight: 400; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.model { background: var(--mark); }
.model th, .model td { font-weight: 700; }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: 0.2rem 1rem;
  margin: 0.5rem 0; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--mark); padding: 0.75rem; border-radius: 0.25rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
"""
