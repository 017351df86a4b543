import numpy as np
import pytest

from rnnkit.messages import Message
from rnnkit.report.examples import ExampleGroup, choose_examples, examples_section
from rnnkit.report.markup import Markup
from rnnkit.report.saliency import ATTENTION, Example
from rnnkit.report.tagged_text import TaggedSentence


def test_groups_stand_below_their_headings_and_notes_are_said_once(strict):
    cut = Example("one two", "b", "a", spans=[(0, 3)])
    tagged = TaggedSentence(["I"], ["PRON"])
    groups = [
        ExampleGroup(Message("Examples"), [cut, cut]),
        ExampleGroup("nothing", []),
        ExampleGroup("tags", [tagged, tagged]),
    ]
    html = examples_section(Markup("ko"), groups, ATTENTION)
    page = strict(html)
    assert page.headings == ["예시", "예시", "tags"]
    assert html.count("기울임꼴은") == html.count("배경이 짙을수록") == 1
    assert html.count("태그를 적었습니다. ") == 1


def test_nothing_to_show_is_an_empty_section():
    assert examples_section(Markup("en"), [ExampleGroup("right", [])], ATTENTION) == ""


def two(*first):
    """Probabilities of two classes, those of the first given."""
    return np.array([[p, 1 - p] for p in first])


def test_classes_take_turns_and_each_has_its_surest_first():
    probabilities = two(0.99, 0.98, 0.97, 0.1, 0.3, 0.96, 0.03, 0.45)
    actual = [0, 0, 0, 1, 1, 1, 0, 1]
    assert choose_examples(probabilities, actual, count=3) == {
        "right": [0, 3, 1],
        "wrong": [6, 5],
        "unsure": [7, 4, 2],
    }


def test_unsure_is_a_small_lead_over_the_second_class():
    probabilities = np.array([[0.4, 0.2, 0.2, 0.2], [0.49, 0.48, 0.02, 0.01]])
    assert choose_examples(probabilities, [0, 0], count=1)["unsure"] == [0]
    more = np.vstack([probabilities, [[0.9, 0.1, 0, 0]]])
    assert choose_examples(more, [0, 0, 0], count=1) == {"right": [2], "wrong": [], "unsure": [1]}


def test_labels_never_seen_are_wrong():
    assert choose_examples(two(0.9, 0.8), [-1, 0]) == {"right": [1], "wrong": [0], "unsure": []}


@pytest.mark.parametrize("count", [1, 2, 50])
def test_no_example_is_shown_twice(count):
    probabilities = np.random.default_rng(3).dirichlet(np.ones(5), 60)
    actual = np.random.default_rng(4).integers(-1, 5, 60).tolist()
    chosen = choose_examples(probabilities, actual, count)
    everything = [k for kind in chosen.values() for k in kind]
    assert len(set(everything)) == len(everything) <= 3 * count
    assert all(actual[k] == probabilities[k].argmax() for k in chosen["right"])
    assert all(actual[k] != probabilities[k].argmax() for k in chosen["wrong"])
