"""Prompts, and the texts that go on with them: each begins with its prompt."""

from __future__ import annotations

from collections.abc import Sequence

from rnnkit.data.text.codec import TextCodec
from rnnkit.data.text.jamo import compose
from rnnkit.data.text.vocabulary import RESERVED
from rnnkit.tasks.language.corpus import decode_text


def joining(codec: TextCodec, prompt: str) -> frozenset[int]:
    """Return the codes that would change the last character of a prompt, were they to follow it.

    These are letters of level jamo: after 짜 the final consonant ㄹ would make another syllable,
    짤. No token of another level joins with what is before it.

    Args:
        codec: of the model.
        prompt: in normal form C.
    """
    if codec.level != "jamo" or not prompt:
        return frozenset()
    last = prompt[-1]
    return frozenset(
        code
        for code, letter in enumerate(codec.vocabulary.tokens, start=len(RESERVED))
        if not compose(last + letter).startswith(last)
    )


def continued(codec: TextCodec, prompt: str, before: Sequence[int], added: Sequence[int]) -> str:
    """Return a prompt, as it was written, and the text of the tokens that were added to it.

    Args:
        codec: of the model.
        prompt: in normal form C.
        before: its codes.
        added: the codes that follow.
    """
    if codec.level != "word":
        return prompt + decode_text(codec, added)
    # The spaces between words depend on those before them.
    known = len(decode_text(codec, before))
    text = decode_text(codec, [*before, *added])[known:]
    return prompt + (text.removeprefix(" ") if prompt[-1:].isspace() else text)
