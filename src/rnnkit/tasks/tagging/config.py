"""The options of a tagger."""

from __future__ import annotations

from dataclasses import dataclass

from rnnkit.tasks.options import (
    LARGEST_SIZE,
    Cell,
    NetworkOptions,
    Schedule,
    above_zero,
    choice,
    flag,
    option,
    part,
    share,
    whole,
)


@dataclass(frozen=True, kw_only=True)
class TagConfig(NetworkOptions):
    """The options of a tagger; see `NetworkOptions` for those not named here.

    Args:
        embedding_size: numbers of a word's embedding.
        letter_size: numbers of a letter's embedding.
        letter_hidden_size: units of each direction in which the letters of a word are read; 0 reads
            none.
        ending_size: numbers of the embedding of a word's last two, three and four letters each; 0
            for none.
        word_dropout: share of the words that occur once which are read as unknown in training;
            with a `min_count` above 1 there are none.
        min_count: how often a word must occur in the training part to have an embedding.
        crf: whether the tags of a sentence are chosen together, by a conditional random field, or
            each by itself. Parts of speech gain little: 0.04 points on Korean-GSD, for half as
            much time again. Marks of beginnings and insides (BIO) depend on each other more.
        validation_size: sentences, or their share, that early stopping looks at where no
            validation data are given; 0 for none.
        test_size: sentences, or their share, kept for scoring where no test data are given; 0 for
            none.

    Raises:
        ConfigError: if a value has the wrong type or lies outside its range.

    Example:
        >>> TagConfig(cell="gru", crf=True).bidirectional
        True
    """

    cell: Cell = option("gru", choice(Cell))
    hidden_size: int = option(128, whole(1, LARGEST_SIZE))
    bidirectional: bool = option(True, flag)
    dropout: float = option(0.5, share)
    embedding_size: int = option(100, whole(1, LARGEST_SIZE))
    letter_size: int = option(32, whole(1, LARGEST_SIZE))
    letter_hidden_size: int = option(48, whole(0, LARGEST_SIZE))
    ending_size: int = option(32, whole(0, LARGEST_SIZE))
    word_dropout: float = option(0.5, share)
    min_count: int = option(1, whole(1))
    crf: bool = option(False, flag)
    validation_size: int | float = option(0.1, part)
    test_size: int | float = option(0.1, part)
    epochs: int = option(8, whole(1))
    batch_size: int = option(32, whole(1))
    learning_rate: float = option(0.002, above_zero)
    schedule: Schedule = option("cosine", choice(Schedule))
