"""A language model from text to run folder: what the command `lm` does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnkit.data.stored import scratch_folder
from rnnkit.report.language import Language
from rnnkit.tasks.estimator import train_run
from rnnkit.tasks.language.corpus import Corpus, Parts, read_corpus, split_corpus
from rnnkit.tasks.language.language_model import LanguageModel
from rnnkit.tasks.language.texts import Text, windows
from rnnkit.training import Progress


def run_language_model(
    source: str | Path,
    *,
    options: Mapping[str, Any],
    out: Path,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    stream: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
    command: str = "",
    language: Language = "en",
    announce: Callable[[Parts, bool], None] | None = None,
) -> LanguageModel:
    """Read, fit, score and write the run folder `out`; return the fitted language model.

    Args:
        source: the text, or the `Path` of its file.
        options: those of `LanguageConfig`.
        out: the run folder; it appears when all is done.
        validation: a text or file to stop by; by default blocks of `source`.
        test: a text or file to score on; by default the end of `source`.
        stream: read files in pieces; the texts go to temporary files on the disk of `out`.
        resume: go on with an interrupted training of the same text and options.
        progress: shows the epochs.
        command: the command line, for the report.
        language: of the report and the pictures.
        announce: called before training with the parts of the text, and whether the checkpoints of
            an interrupted training were discarded.

    Raises:
        RnnkitError: if options, text or folder are wrong, or training diverges.
    """
    model = LanguageModel(**options)
    scratch = scratch_folder(out) if stream else None
    corpus = read_corpus(source, validation=validation, test=test, scratch=scratch)
    config = model.config
    parts = split_corpus(  # an impossible option costs no checkpoint
        corpus, validation_size=config.validation_size, test_size=config.test_size
    )
    train_run(
        model,
        lambda checkpoints: model.fit_corpus(
            corpus, checkpoints=checkpoints, resume=resume, progress=progress
        ),
        out=out,
        data={"sha256": fingerprint(corpus)},
        resume=resume,
        announce=None if announce is None else lambda discarded: announce(parts, discarded),
        command=command,
        language=language,
    )
    return model


def fingerprint(corpus: Corpus) -> str:
    """Return the SHA-256 of the texts, which tells them from others."""
    digest = hashlib.sha256()
    for text in (corpus.text, corpus.validation, corpus.test):
        digest.update(f"{text is None} {sum(map(len, _encoded(text)))} ".encode())
        for data in _encoded(text):
            digest.update(data)
    return digest.hexdigest()


def _encoded(text: Text | None) -> Iterator[bytes]:
    for window in windows(text or ""):
        yield window.encode("utf-8", "surrogatepass")
