from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.messages import Message, Value

PARTS = (Message("none {error:.2f}", {"error": 1.234}), Message("trend"))
NESTED = Message(
    "{kind} of {rows:,} rows: {errors} ({share:.0%}; {name})",
    {
        "kind": Message("the {what}", {"what": "last"}),
        "rows": 12345,
        "errors": PARTS,
        "share": 0.256,
        "name": "a {b} c",
    },
)
SCALARS = st.one_of(st.text(max_size=5), st.integers(), st.floats(allow_nan=False))
NAMES = st.text("abc", min_size=1, max_size=3)
MESSAGES = st.recursive(
    st.builds(Message, st.text("xyz ", max_size=4), st.dictionaries(NAMES, SCALARS, max_size=2)),
    lambda inner: st.builds(
        Message,
        st.just("t"),
        st.dictionaries(
            NAMES, st.one_of(SCALARS, inner, st.lists(inner, max_size=2).map(tuple)), max_size=3
        ),
    ),
    max_leaves=5,
)


def test_values_are_filled_in() -> None:
    assert str(NESTED) == "the last of 12,345 rows: none 1.23, trend (26%; a {b} c)"
    assert str(Message("plain")) == "plain"


def test_a_translation_takes_the_values_in_any_order_and_as_often_as_it_likes() -> None:
    message = Message("{a} before {b:.1f}", {"a": "x", "b": 2.25})
    assert message.fill("{b:.2f} nach {a}, {a}") == "2.25 nach x, x"


def test_a_tuple_of_messages_is_joined_by_commas() -> None:
    one, two = Message("one"), Message("{n}", {"n": 2})
    assert str(Message("<{all}>", {"all": (one, two, one)})) == "<one, 2, one>"
    assert str(Message("<{all}>", {"all": (one,)})) == "<one>"
    assert str(Message("<{all}>", {"all": ()})) == "<>"


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError, match="rows"):
        str(Message("{rows} rows", {"row": 1}))


@pytest.mark.parametrize(
    "other",
    [
        Message("x {n}", {"n": 2}),
        Message("x {n}", {"m": 1}),
        Message("y {n}", {"n": 1}),
        Message("x {n}", {}),
    ],
)
def test_messages_differ_in_template_or_values(other: Message) -> None:
    message = Message("x {n}", {"n": 1})
    assert message != other
    assert message == Message("x {n}", {"n": 1})
    assert hash(message) == hash(Message("x {n}", {"n": 1}))
    assert len({message, other, Message("x {n}", {"n": 1})}) == 2


def test_messages_of_unlike_values_can_be_in_a_set() -> None:
    values: list[dict[str, Value]] = [{"n": (Message("a"),)}, {"n": 1}, {"n": "1"}, {"n": 1.5}]
    assert len({Message("x {n}", each) for each in values}) == 4


def test_json_brings_back_the_same_message() -> None:
    again = Message.from_json(json.loads(json.dumps(NESTED.to_json())))
    assert again == NESTED
    assert str(again) == str(NESTED)
    assert again.fill("{errors}") == "none 1.23, trend"


@given(MESSAGES)
def test_json_brings_back_any_message(message: Message) -> None:
    again = Message.from_json(json.loads(json.dumps(message.to_json())))
    assert again == message
    assert hash(again) == hash(message)
