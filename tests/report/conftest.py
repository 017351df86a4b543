"""What the tests of pictures share: what is drawn, what is written, and which fonts there are."""

from html.parser import HTMLParser

import pytest
from matplotlib.colors import to_hex

from rnnkit.report import lettering
from rnnkit.report.drawing import save


@pytest.fixture
def drawn():
    """The lines of a colour on a panel, as (x, y); `dashes` picks those of a line style."""

    def lines(panel, colour, dashes=None):
        return [
            line.get_xydata().T
            for line in panel.lines
            if to_hex(line.get_color()) == colour.lower()
            and (dashes is None or line.get_linestyle() == dashes)
        ]

    return lines


@pytest.fixture
def texts():
    """Everything that is written on a figure but for the labels of ticks."""

    def written(figure):
        found = [text.get_text() for text in figure.texts]
        for panel in figure.axes:
            found += [panel.get_title(loc="left"), panel.get_xlabel(), panel.get_ylabel()]
        found += [text.get_text() for legend in figure.legends for text in legend.get_texts()]
        return [" ".join(text.split()) for text in found if text]

    return written


@pytest.fixture
def render(tmp_path):
    """Draw a figure as it is drawn for a user; return the bytes of the file."""

    def bytes_of(figure):
        save(figure, tmp_path / "picture.png")
        return (tmp_path / "picture.png").read_bytes()

    return bytes_of


@pytest.fixture
def stays_within(render):
    """Assert that everything written lies within the picture, and that panels do not meet."""

    def check(figure):
        render(figure)
        width, height = figure.canvas.get_width_height()
        written = [*figure.texts, *(t for legend in figure.legends for t in legend.get_texts())]
        for panel in figure.axes:
            written += [panel.xaxis.label, panel.yaxis.label, panel._left_title]
        for text in written:
            box = text.get_window_extent()
            assert 0 <= box.x0 <= box.x1 <= width, text.get_text()
            assert 0 <= box.y0 <= box.y1 <= height, text.get_text()
        header = min((text.get_window_extent().y0 for text in figure.texts), default=height)
        boxes = [panel.get_tightbbox() for panel in figure.axes]
        for above, below in zip([header, *(box.y0 for box in boxes)], boxes, strict=False):
            assert below.y1 <= above + 1
            assert below.height > 50

    return check


@pytest.fixture
def without_korean_font(monkeypatch):
    """A machine on which the fonts have no Hangul."""
    monkeypatch.setattr(lettering, "_are_drawable", str.isascii)


@pytest.fixture
def with_korean_font(monkeypatch):
    """A machine on which the fonts have Hangul; good for looking at texts, not for drawing."""
    monkeypatch.setattr(lettering, "_are_drawable", lambda text: True)


class Strict(HTMLParser):
    """Fails on a tag that is not closed in order, and keeps what was met."""

    VOID = frozenset({"meta", "img", "link", "br", "hr", "input"})

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text, self.rows, self.headings = [], [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append((dict(attributes).get("class"), []))
        if tag in ("td", "th"):
            self.rows[-1][1].append("")
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][1][-1] += data
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.headings[-1] += data


@pytest.fixture(scope="session")
def strict():
    """Read a page, which must be well formed; return its tags, texts, headings and rows."""
    return Strict
