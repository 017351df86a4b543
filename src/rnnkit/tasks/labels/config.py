"""The options of classify and regress, and the rules that fill in those left open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnkit.errors import ConfigError
from rnnkit.tasks.options import (
    LARGEST_SIZE,
    MOST_NETWORKS,
    Check,
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

Level = Literal["char", "syllable", "jamo", "word", "bpe"]
Truncation = Literal["head", "tail"]
Embedding = Literal["learned", "onehot", "word2vec"]
PoolingName = Literal["last", "mean", "max", "attention"]
ClassWeights = Literal["none", "balanced"]
NumberLoss = Literal["squared", "absolute"]

# What sequences are made of, by which rules differ: numbers; letters; words, or what else means
# something by itself, such as syllables and the characters of Chinese.
Kind = Literal["numbers", "letters", "words"]

LETTERS = 500  # different characters, below which these are letters
STEPS = {"letters": 4000, "words": 1500}  # of the optimiser, that texts are trained for by rule
MANY = 50_000  # examples, from which one network is trained
LONGEST_NGRAM = 20  # tokens, that may have a vector
FEW = 1000  # examples to learn from, below which five networks are averaged
FEWEST = 200  # examples to learn from, below which ten are


def _text(what: str) -> Check:
    def check(name: str, value: object) -> None:
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{name} must be {what}, got {value!r}")

    return check


@dataclass(frozen=True, kw_only=True)
class LabelOptions(NetworkOptions):
    """What classify and regress share; `None` leaves a choice to the rule stated here.

    Args:
        level: of a text's tokens: `char`, `syllable`, `jamo`, `word`, `bpe`; by rule words, and for
            languages without spaces or with long words what serves them.
        vocabulary_size: tokens that are known, the most frequent of the training part.
        max_length: tokens of a text that are read; by rule what 95 % of the training texts need,
            but at most 400.
        truncation: whether the `head` or the `tail` of a longer text is read.
        embedding: how tokens become numbers: `learned`; `onehot`; `word2vec`, learned from the
            training texts beforehand.
        vectors: file of word vectors to start the embedding from, in the format of word2vec.
        freeze: leave the vectors as they are.
        embedding_size: numbers of a token's vector.
        ngrams: tokens in a row, up to so many, that have a vector of their own where they are
            frequent, 50,000 of each length at the most, which is added to that of the last of them;
            by rule 2 of words and 3 of shorter tokens, but 1, so none, of letters, which characters
            and jamo are where there are fewer than 500 different ones.
        pooling: how the states of all steps become one vector: `last`, `mean`, `max`, `attention`;
            by rule `max`, and for fewer than 1,000 sequences of numbers that of `last`, `max` and
            `attention` whose networks foretell what they left out best.
        input_dropout: share of a step's inputs dropped, the same at all steps of a sequence; by
            rule half of texts', a tenth of letters' and none of numbers'.
        ensemble: networks whose outputs are averaged; by rule 5 where there are fewer than 1,000
            examples to learn from, each stopping early by a fifth of its own; below 200 10, by a
            tenth; 3 below 50,000, else 1.
        validation_size: examples, or their share, that early stopping looks at; by rule a tenth,
            and at most 5,000.
        epochs: passes over the training part at the most; by rule 300 of numbers, and of texts so
            many that there are about 1,500 steps (letters: 4,000), but 4 at least and 30 at the
            most.
        schedule: `constant`, `cosine` or `plateau`; by rule cosine for texts and constant for
            numbers.
        patience: epochs without improvement on the validation part before training stops; by rule
            2 of texts, 4 of letters; of numbers 40, and fewer the more examples there are.
        test_size: examples, or their share, kept for scoring where no test data are given; by rule
            a fifth; 0 for none.
    """

    level: Level | None = option(None, choice(Level))
    vocabulary_size: int = option(20_000, whole(1))
    max_length: int | None = option(None, whole(1))
    truncation: Truncation = option("head", choice(Truncation))
    embedding: Embedding = option("learned", choice(Embedding))
    vectors: str | None = option(None, _text("the path of a file of vectors"))
    freeze: bool = option(False, flag)
    embedding_size: int = option(100, whole(1, LARGEST_SIZE))
    ngrams: int | None = option(None, whole(1, LONGEST_NGRAM))
    pooling: PoolingName | None = option(None, choice(PoolingName))
    input_dropout: float | None = option(None, share)
    ensemble: int | None = option(None, whole(1, MOST_NETWORKS))
    validation_size: int | float | None = option(None, part)
    test_size: int | float | None = option(None, part)
    cell: Literal["rnn", "lstm", "gru"] = option("gru", choice(Literal["rnn", "lstm", "gru"]))
    bidirectional: bool = option(True, flag)
    dropout: float = option(0.5, share)
    epochs: int | None = option(None, whole(1))
    schedule: Schedule | None = option(None, choice(Schedule))
    learning_rate: float = option(0.002, above_zero)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.embedding == "onehot" and (self.vectors is not None or self.freeze):
            raise ConfigError("one-hot tokens have no vectors to read or freeze: leave these out")
        if self.embedding == "onehot" and (self.ngrams or 1) > 1:
            raise ConfigError(
                "one-hot tokens have no vectors to add those of n-grams to: leave ngrams out"
            )
        if self.embedding == "word2vec" and self.vectors is not None:
            raise ConfigError(
                "word2vec learns vectors and vectors reads them: give one of the two options"
            )
        if self.freeze and self.embedding == "learned" and self.vectors is None:
            raise ConfigError("freeze keeps given vectors: add vectors, or embedding word2vec")


@dataclass(frozen=True, kw_only=True)
class ClassifyConfig(LabelOptions):
    """The options of a classification; see `LabelOptions` and `NetworkOptions` for the others.

    Args:
        class_weights: what examples weigh in the loss: `none`, all the same; `balanced`, so much
            that all classes weigh the same.
        label_smoothing: share of the target that is spread over all classes (Szegedy et al.,
            "Rethinking the Inception Architecture", 2016).

    Example:
        >>> ClassifyConfig(cell="lstm").vocabulary_size
        20000
    """

    class_weights: ClassWeights = option("none", choice(ClassWeights))
    label_smoothing: float = option(0.0, share)


@dataclass(frozen=True, kw_only=True)
class RegressConfig(LabelOptions):
    """The options of a regression; see `LabelOptions` and `NetworkOptions` for the others.

    Args:
        loss: `squared` or `absolute` error.
    """

    loss: NumberLoss = option("squared", choice(NumberLoss))


def ensemble_size(config: LabelOptions, examples: int) -> int:
    """Return how many networks are averaged: by rule 10 below 200 examples, then 5, 3, 1."""
    if config.ensemble is not None:
        return config.ensemble
    if examples < FEW:
        return 10 if examples < FEWEST else 5
    return 3 if examples < MANY else 1


def batch_size(config: LabelOptions, examples: int) -> int:
    """Return the examples a step: by rule the power of 2 in 16..64 next above examples / 32."""
    if config.batch_size is not None:
        return config.batch_size
    size = 16
    while size < min(64, examples / 32):
        size *= 2
    return size


def epochs(config: LabelOptions, examples: int, kind: Kind) -> int:
    """Return how many epochs are trained at the most; texts soon are learned by heart."""
    if config.epochs is not None:
        return config.epochs
    if kind == "numbers":
        return 300
    steps = max(1.0, examples / batch_size(config, examples))
    return min(30, max(4, round(STEPS[kind] / steps)))


def schedule(config: LabelOptions, kind: Kind) -> Schedule:
    """Return how the learning rate changes."""
    return config.schedule or ("constant" if kind == "numbers" else "cosine")


def patience(config: LabelOptions, examples: int, kind: Kind) -> int:
    """Return how many epochs without gain are waited for: by rule fewer, the longer they are."""
    if config.patience is not None:
        return config.patience
    if kind != "numbers":
        return 4 if kind == "letters" else 2
    return 40 if examples < FEW else 10 if examples < 10_000 else 3


def poolings(config: LabelOptions, kind: Kind, *, folded: bool) -> tuple[PoolingName, ...]:
    """Return the ways to pool that are tried, of which the best is kept."""
    if config.pooling is not None:
        return (config.pooling,)
    return ("max",) if kind != "numbers" or not folded else ("last", "max", "attention")


def input_dropout(config: LabelOptions, kind: Kind) -> float:
    """Return the share of a step's inputs that is dropped."""
    if config.input_dropout is not None:
        return config.input_dropout
    return {"numbers": 0.0, "letters": 0.1, "words": 0.5}[kind]


def longest_ngram(config: LabelOptions, kind: Kind, level: str) -> int:
    """Return how many tokens the longest n-grams with vectors have; 1 where there are none."""
    if config.ngrams is not None:
        return config.ngrams
    if kind == "letters" or config.embedding == "onehot":
        return 1
    return 2 if level == "word" else 3
