import dataclasses
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.errors import ShapeError
from rnnkit.report.given_text import clusters, seeable
from rnnkit.report.markup import Markup
from rnnkit.report.saliency import Example

EVIL = "<script>alert('1')</script> & \"so\""


def shown(text, spans=(), weights=None):
    """The HTML of the text alone."""
    weights = None if weights is None else np.array(weights, dtype=np.float64)
    html = Example(text, "b", "a", spans=spans, weights=weights).html(Markup("en"))
    return html.partition('dir="auto">')[2].partition("</div>")[0]


def test_the_shade_of_a_token_is_its_weight_relative_to_the_largest():
    assert shown("a bb  c\nd", [(0, 1), (2, 4), (6, 7), (8, 9)], [0.02, 0.4, 0.2, 0.01]) == (
        'a <mark class="w9">bb</mark>  <mark class="w4">c</mark>\nd'
    )


def test_tokens_that_share_a_character_add_up():
    assert shown("한국", [(0, 1)] * 3 + [(1, 2)] * 2, [0.1, 0.1, 0.1, 0.1, 0.0]) == (
        '<mark class="w9">한</mark><mark class="w3">국</mark>'
    )


def test_what_was_cut_off_is_told_from_what_has_no_weight():
    assert shown("head. one, two tail", [(6, 9), (11, 14)], [0.0, 0.0]) == (
        '<span class="unread">head. </span>one, two<span class="unread"> tail</span>'
    )
    assert shown("  one ", [(2, 5)], [0.0]) == "  one "  # blanks are no text that was cut off
    assert shown("all of it") == "all of it"
    assert shown("none", [(0, 0)], [1.0]) == '<span class="unread">none</span>'
    cut = Example("one two", "b", spans=[(0, 3)])
    assert [str(note) for note in cut.notes] == ["In italics stands what was cut off and not read."]
    assert not list(dataclasses.replace(cut, text="one  ").notes)


def test_what_is_drawn_as_one_is_not_parted():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    flag = "\U0001f1f0\U0001f1f7"
    for whole in (
        "e\u0301",
        "\U0001f44d\U0001f3fd",
        family,
        flag,
        "\u1112\u1161\u11ab",
        "\u0915\u093f",
    ):
        spans = [(k, k + 1) for k in range(1 + len(whole))]
        weights = [0.0, 1.0, *[0.0] * (len(whole) - 1)]
        assert shown(f"x{whole}", spans, weights) == f'x<mark class="w9">{whole}</mark>'


def test_a_text_is_escaped_and_keeps_its_whitespace(strict):
    html = Example(EVIL, EVIL, EVIL, place=EVIL).html(Markup("en"))
    assert "<script" not in html
    assert "".join(strict(html).text).count(EVIL) == 4
    spans = [(k, k + 1) for k in range(len(EVIL))]
    html = Example(EVIL, "b", spans=spans, weights=np.arange(len(EVIL), dtype=float)).html(
        Markup("en")
    )
    assert "<script" not in html
    assert EVIL in "".join(strict(html).text)
    assert shown("  a\n\n\tb ") == "  a\n\n\tb "


def test_control_characters_and_halves_of_pairs_are_made_visible():
    assert seeable("\x00\x1b\x7f\x85\x9f\ud800\ufffe\t\n") == "␀␛␡␤\ufffd\ufffd\ufffd\t\n"
    shown("\udfff").encode("utf-8")


def test_the_caption_tells_right_from_wrong_in_both_languages():
    example = Example("so", "neg", "pos", 0.9725, "row 7")
    assert example.html(Markup("en")).splitlines()[0] == (
        '<p class="caption"><bdi>row 7</bdi> · actual <b><bdi>pos</bdi></b> · predicted'
        ' <b><bdi>neg</bdi></b> (97.2 %) <span class="wrong">✗</span></p>'
    )
    right = dataclasses.replace(example, actual="neg")
    assert "✓</p>" in right.html(Markup("ko"))
    assert "실제 값" in right.html(Markup("ko"))
    for plain in (
        dataclasses.replace(example, marked=False),
        dataclasses.replace(example, actual=None),
    ):
        assert "✗" not in plain.html(Markup("en"))
    assert "%" not in Example("so", "1.5", "2.5").html(Markup("en"))


@pytest.mark.parametrize("text", ["", " \n\u3000"])
def test_an_empty_text_is_said_to_be_empty(text):
    html = Example(text, "neg", "pos").html(Markup("en"))
    assert "(an empty text)" in html
    assert 'class="given"' not in html


def test_of_a_long_text_the_darkest_part_is_shown():
    text = "".join(chr(0x4E00 + k) for k in range(10_000))
    weights = np.zeros(10_000)
    weights[7000] = weights[7001] = 1.0
    example = Example(text, "b", spans=[(k, k + 1) for k in range(10_000)], weights=weights)
    html = example.html(Markup("en"))
    assert f'<mark class="w9">{text[7000:7002]}</mark>' in html
    assert f"{text[6990]}" in html
    assert f"{text[7010]}" in html
    assert html.count("…") == 2
    assert "8,500 more characters of this text are not shown." in html
    plain = Example(text, "b").html(Markup("en"))
    assert f"{text[:1500]} …" in plain
    assert text[1500] not in plain


@pytest.mark.parametrize(
    ("spans", "weights"),
    [
        ([(0, 1)], [1.0, 2.0]),
        ([(0, 1)], [-0.1]),
        ([(0, 1)], [float("nan")]),
        ([(0, 4)], [1.0]),
        ([(2, 1)], [1.0]),
        ([(-1, 1)], [1.0]),
    ],
)
def test_weights_and_spans_that_do_not_fit_are_errors(spans, weights):
    with pytest.raises(ShapeError):
        Example("abc", "b", spans=spans, weights=np.array(weights))


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])), st.data())
def test_any_text_comes_out_whole_and_well_formed(strict, text, data):
    low = data.draw(st.integers(0, len(text)))
    spans = [(low, data.draw(st.integers(low, len(text)))), (0, low)]
    weights = np.array(data.draw(st.lists(st.floats(0, 1e9), min_size=2, max_size=2)))
    example = Example(text, text, text, spans=spans, weights=weights)
    page = strict(example.html(Markup("en")))
    wanted = text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    if text.strip():
        assert wanted in "".join(page.text)
    assert "".join(text[a:b] for a, b in clusters(text)) == text
    for a, _ in clusters(text)[1:]:
        assert not unicodedata.category(text[a]).startswith("M")
