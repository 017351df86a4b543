"""How well a text was predicted: nats per token, perplexity, bits per character."""

from __future__ import annotations

import math


def perplexity(nats: float, tokens: int) -> float:
    """Return `exp(nats / tokens)`: among how many equally likely tokens one seems to choose.

    Args:
        nats: that a text of `tokens` cost in all, `-Σ ln p`.
        tokens: that were predicted, at least 1.

    Returns:
        Infinity where it exceeds what a number can hold.

    Example:
        >>> round(perplexity(3 * math.log(8), 3), 9)
        8.0
    """
    mean = nats / tokens
    return math.exp(mean) if mean < math.log(1e308) else math.inf


def bits_per_character(nats: float, characters: int) -> float:
    """Return `nats / (characters ln 2)`, which compares models of unequal tokens.

    Args:
        nats: that a text cost in all, `-Σ ln p`.
        characters: that it has, at least 1.

    Example:
        >>> round(bits_per_character(3 * math.log(8), 3), 9)
        3.0
    """
    return nats / (characters * math.log(2))


def language_scores(nats: float, tokens: int, characters: int) -> dict[str, float]:
    """Return the metrics of a predicted text by name.

    Args:
        nats: that the text cost in all.
        tokens: that were predicted.
        characters: that the text has.
    """
    return {
        "nats_per_token": nats / tokens,
        "perplexity": perplexity(nats, tokens),
        "bits_per_character": bits_per_character(nats, characters),
    }
