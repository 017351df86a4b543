"""The options of a language model, and the rules that fill in those left open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnkit.errors import ConfigError
from rnnkit.tasks.options import (
    LARGEST_SIZE,
    Cell,
    NetworkOptions,
    Schedule,
    above_zero,
    choice,
    flag,
    flag_or_rule,
    from_zero,
    option,
    part,
    share,
    whole,
)

Level = Literal["char", "syllable", "jamo", "word", "bpe"]
LETTERS = ("char", "syllable", "jamo")  # levels whose tokens are few and short

STEPS_IN_ALL = 4600  # of the optimiser, that training takes by rule
STEPS_AN_EPOCH = 200  # at least, where the text is long enough
WORDS = 10_000  # tokens that a model of words or pieces of words knows by rule


def _forwards(name: str, value: object) -> None:
    flag(name, value)
    if value:
        raise ConfigError(
            "a language model predicts what follows and cannot read backwards: leave bidirectional"
            " out"
        )


@dataclass(frozen=True, kw_only=True)
class LanguageConfig(NetworkOptions):
    """The options of a language model; see `NetworkOptions` for those not named here.

    Args:
        level: of the tokens: `char`, `syllable` and `jamo` (of Hangul), `word`, or `bpe`, pieces of
            words (byte-pair encoding).
        vocabulary_size: tokens that are known, the most frequent of the training part; by rule all
            up to 20,000, and 10,000 words or pieces of words.
        embedding_size: numbers that a token is embedded in; 0 for one-hot vectors. By rule 128, and
            256 for words and pieces of words.
        tied: whether the embedding is the output map, too; by rule for words and pieces of words.
        input_dropout: share of the embedded numbers dropped in training, one mask a chunk.
        steps: tokens through which the gradient goes back: the length of a chunk, `T`.
        batch_size: streams of text that are read side by side; by rule as many, up to 32, as leave
            200 steps an epoch, and at least 4.
        epochs: passes over the training part at the most; by rule so many that there are about
            4,600 steps, but 4 at least and 100 at the most.
        patience: epochs without improvement on the validation part before training stops; by rule
            5, where there is a validation part.
        validation_size: characters of the text, or their share, that early stopping looks at.
        test_size: characters at the end of the text, or their share, that are kept for scoring; 0
            for none.

    Example:
        >>> LanguageConfig(cell="gru").level
        'char'
    """

    cell: Cell = option("lstm", choice(Cell))
    level: Level = option("char", choice(Level))
    vocabulary_size: int | None = option(None, whole(1))
    hidden_size: int = option(512, whole(1, LARGEST_SIZE))
    embedding_size: int | None = option(None, whole(0, LARGEST_SIZE))
    tied: bool | None = option(None, flag_or_rule)
    bidirectional: bool = option(False, _forwards)
    dropout: float = option(0.5, share)
    input_dropout: float = option(0.0, share)
    steps: int = option(128, whole(1))
    epochs: int | None = option(None, whole(1))
    learning_rate: float = option(0.003, above_zero)
    weight_decay: float = option(0.0, from_zero)
    schedule: Schedule = option("cosine", choice(Schedule))
    validation_size: int | float = option(0.05, part)
    test_size: int | float = option(0.1, part)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tied and self.embedding_size == 0:
            raise ConfigError(
                "tied shares the embedding with the output map, and embedding_size 0 means one-hot"
                " vectors: give an embedding_size above 0, or leave tied out"
            )


def vocabulary_size(config: LanguageConfig) -> int | None:
    """Return the tokens known at most; `None` for the default of the level's codec."""
    if config.vocabulary_size is None and config.level not in LETTERS:
        return WORDS
    return config.vocabulary_size


def embedding_size(config: LanguageConfig) -> int:
    """Return the numbers of an embedding; 0 for one-hot vectors."""
    if config.embedding_size is not None:
        return config.embedding_size
    return 128 if config.level in LETTERS else 256


def is_tied(config: LanguageConfig) -> bool:
    """Return whether the embedding is the output map: by rule of words, if they are embedded."""
    if config.tied is not None:
        return config.tied
    return config.level not in LETTERS and embedding_size(config) > 0


def batch_size(config: LanguageConfig, tokens: int) -> int:
    """Return how many streams the training part of so many tokens is read in."""
    if config.batch_size is not None:
        return config.batch_size
    size = 32
    while size > 4 and tokens < STEPS_AN_EPOCH * size * config.steps:
        size //= 2
    return size


def epochs(config: LanguageConfig, tokens: int) -> int:
    """Return how many epochs a training part of so many tokens is trained for."""
    if config.epochs is not None:
        return config.epochs
    steps = max(1.0, tokens / (batch_size(config, tokens) * config.steps))
    return min(100, max(4, round(STEPS_IN_ALL / steps)))
