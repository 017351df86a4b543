"""What a user may choose about texts as codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnkit.data.text.bpe import ALPHABET
from rnnkit.data.text.levels import check_level
from rnnkit.data.text.vocabulary import RESERVED
from rnnkit.errors import ConfigError

LONGEST = 400  # tokens that are kept of a text, where no number is given
KEPT_WHOLE = 0.95  # or fewer: so that this share of the training texts is not cut
VOCABULARY_SIZE = 20_000
BPE_SIZE = 8_000


@dataclass(frozen=True)
class TextOptions:
    """How texts are to become codes. What is `None` or "auto" is found on the training part.

    Args:
        level: one of `levels.LEVELS`; `None` for what `level_for` says.
        vocabulary_size: codes at most, the reserved ones among them; `None` for 8,000 at level bpe
            and 20,000 at others.
        min_count: how often a token must stand in the training part to be known; `None` for 2 at
            level word, so that the model meets unknown words in training too, and 1 at others. At
            level bpe nothing is unknown, and it must be `None`.
        max_length: tokens that are kept of a text; `None` for all; "auto" for the length that 95 %
            of the training texts do not exceed, but 400 at most.
        truncation: which tokens are kept of a longer text: "head", the first, or "tail", the last.

    Raises:
        ConfigError: if a value is none of these.
    """

    level: str | None = None
    vocabulary_size: int | None = None
    min_count: int | None = None
    max_length: int | Literal["auto"] | None = "auto"
    truncation: str = "head"

    def __post_init__(self) -> None:
        if self.level is not None:
            check_level(self.level)
        least = len(RESERVED) + (len(ALPHABET) if self.level == "bpe" else 1)
        if self.vocabulary_size is not None and self.vocabulary_size < least:
            raise ConfigError(
                f"vocabulary_size must be at least {least} at level {self.level or 'char'}, "
                f"got {self.vocabulary_size}"
            )
        if self.min_count is not None and self.min_count < 1:
            raise ConfigError(f"min_count must be at least 1, got {self.min_count}")
        check_cut(None if self.max_length == "auto" else self.max_length, self.truncation)


def check_cut(max_length: int | None, truncation: str) -> None:
    """Raise ConfigError if texts cannot be cut so."""
    if max_length is not None and (not isinstance(max_length, int) or max_length < 1):
        raise ConfigError(f"max_length must be a whole number of at least 1, got {max_length!r}")
    if truncation not in ("head", "tail"):
        raise ConfigError(f"truncation must be 'head' or 'tail', got {truncation!r}")
