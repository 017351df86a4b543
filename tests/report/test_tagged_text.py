import pytest

from rnnkit.errors import ShapeError
from rnnkit.report.markup import Markup
from rnnkit.report.tagged_text import TaggedSentence

EVIL = "<script>alert('1')</script>"


def test_wrong_tags_are_struck_out_before_the_right_ones():
    html = TaggedSentence(
        ["I", "run", "far"], ["PRON", "NOUN", "ADV"], ["PRON", "VERB", "ADV"], "line 7"
    ).html(Markup("en"))
    assert html.splitlines() == [
        '<p class="caption"><bdi>line 7</bdi></p>',
        '<div class="given tagged" dir="auto"><span class="word"><span>I</span>'
        "<small>PRON</small></span>",
        '<span class="word missed"><span>run</span><small><s>NOUN</s> VERB</small></span>',
        '<span class="word"><span>far</span><small>ADV</small></span></div>',
    ]


def test_without_actual_tags_none_is_wrong():
    html = TaggedSentence(["I"], ["PRON"]).html(Markup("en"))
    assert "missed" not in html
    assert "<small>PRON</small>" in html


def test_words_never_seen_are_marked_and_explained():
    sentence = TaggedSentence(["a", "b", "a"], ["X", "X", "X"], unknown={2})
    html = sentence.html(Markup("en"))
    assert html.count('class="new"') == 1
    assert html.index(">b<") < html.index('class="new"')
    assert [str(note)[:12] for note in sentence.notes] == ["Below each w", "Dotted lines"]
    assert len(list(TaggedSentence(["a"], ["X"]).notes)) == 1


def test_words_tags_and_places_are_escaped(strict):
    html = TaggedSentence([EVIL], [EVIL + "1"], [EVIL + "2"], EVIL).html(Markup("en"))
    assert "<script" not in html
    assert "".join(strict(html).text).count(EVIL) == 4


@pytest.mark.parametrize(("predicted", "actual"), [(["X"], None), (["X", "Y"], ["X"])])
def test_too_few_tags_are_an_error(predicted, actual):
    with pytest.raises(ShapeError, match="2 tags, one a word, got 1"):
        TaggedSentence(["a", "b"], predicted, actual)
