import logging
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st
from matplotlib import font_manager
from matplotlib.figure import Figure

from rnnkit.messages import Message
from rnnkit.report import lettering
from rnnkit.report.drawing import save
from rnnkit.report.lettering import Lettering, can_draw, columns, shorten, wrap


def test_wide_letters_count_twice_when_text_is_broken_or_cut():
    assert wrap("가나 다라", 5).splitlines() == ["가나", "다라"]
    assert wrap("a " * 30, 9) == "\n".join(["a a a a a"] * 6)
    assert shorten("가나다라", 5) == "가나…"
    assert wrap("", 10) == ""


@given(st.text(), st.integers(2, 30))
def test_broken_and_cut_text_keeps_to_its_width(text, width):
    assert columns(shorten(text, width)) <= width
    assert all(columns(line) <= width for line in wrap(text, width).splitlines())


def test_text_is_put_on_one_line():
    assert Lettering().text(" a\n b\tc ", "x") == "a b c"


def test_the_language_is_kept_where_there_is_a_font_for_it(with_korean_font):
    assert can_draw("ko")
    assert Lettering("ko").language == "ko"
    assert Lettering("ko").render(Message("epoch")) == "에폭"
    assert Lettering("ko").say("loss") == "손실"


def test_without_a_font_the_language_is_english(without_korean_font):
    assert not can_draw("ko")
    assert can_draw("en")
    korean = Lettering("ko")
    assert (korean.language, korean.complete) == ("en", True)
    assert korean.render(Message("epoch")) == "epoch"
    assert korean.render("에폭") == ""
    assert not korean.complete


def test_a_font_installed_later_is_found_and_one_that_cannot_be_read_is_passed_over(monkeypatch):
    manager = font_manager.fontManager
    known = manager.ttflist[0].fname
    added, names = [], ["DejaVu Sans"]

    def add(path):
        if path == "/broken.ttf":
            raise RuntimeError("no font")
        added.append(path)
        names.append("NanumGothic")

    monkeypatch.setattr(
        font_manager, "findSystemFonts", lambda: [known, "/broken.ttf", "/new/Nanum.ttf"]
    )
    monkeypatch.setattr(manager, "addfont", add)
    monkeypatch.setattr(manager, "get_font_names", lambda: names)
    caches = lettering._families, lettering._find_new_fonts, lettering._is_drawable
    try:
        for cache in caches:
            cache.cache_clear()
        assert "NanumGothic" not in lettering._families()
        assert lettering._find_new_fonts()
        assert added == ["/new/Nanum.ttf"]
        assert lettering._families() == ("DejaVu Sans", "NanumGothic")
    finally:
        for cache in caches:
            cache.cache_clear()


def test_a_font_without_bold_letters_is_no_matter_of_the_users(tmp_path, caplog):
    def bold(size):  # cmr10 has one weight alone, as many Korean fonts do
        figure = Figure()
        figure.text(0.1, 0.5, "a", fontfamily=["cmr10"], fontweight="bold", fontsize=size)
        return figure

    with caplog.at_level(logging.WARNING):
        save(bold(11), tmp_path / "quiet.png")
        assert caplog.records == []
        bold(12).savefig(tmp_path / "loud.png")
        assert len(caplog.records) == 1


def test_drawing_needs_neither_pyplot_nor_a_display_nor_torch():
    code = (
        "import sys\n"
        "from rnnkit.report.training_plot import training_plot\n"
        "training_plot([])\n"
        "print('matplotlib.pyplot' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
