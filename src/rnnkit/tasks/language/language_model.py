"""The language model: fit, generate, evaluate, encode, plot, save."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from rnnkit.data.examples.lines import read_whole
from rnnkit.data.ragged import Ragged
from rnnkit.data.stored import scratch_folder
from rnnkit.data.text.given import place_in_list
from rnnkit.data.text.vocabulary import RESERVED, UNK
from rnnkit.errors import ConfigError, DataError
from rnnkit.messages import Message
from rnnkit.report.scores import LANGUAGE
from rnnkit.tasks.estimator import Estimator, csv_text
from rnnkit.tasks.language.artifact import Fitted, read_language, save_run
from rnnkit.tasks.language.config import LanguageConfig
from rnnkit.tasks.language.corpus import (
    Corpus,
    as_source,
    encode_text,
    read_corpus,
    read_text,
    split_corpus,
)
from rnnkit.tasks.language.evaluation import Evaluation, evaluate_model
from rnnkit.tasks.language.fitting import fit_model
from rnnkit.tasks.language.generation import Sampling, generate_codes, next_probabilities
from rnnkit.tasks.language.prompts import continued, joining
from rnnkit.tasks.language.texts import plain_text
from rnnkit.tasks.scores import ScoreCard, network_name, scores_json
from rnnkit.training import Progress, RunWriter, threads_for
from rnnkit.training.json_file import finite
from rnnkit.training.run_folder import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rnnkit.report.language import Language

_BATCH = 64  # texts that are encoded at a time


class LanguageModel(Estimator[LanguageConfig, Fitted]):
    r"""Learns from a text what follows what, and writes more of it.

    A recurrent network reads the text token by token, with its state carried from one chunk to the
    next, and predicts each token from all before it. The vocabulary is that of the training part
    alone; the epoch is chosen by the validation part; the test part is looked at once, beside
    n-grams with backoff.

    Args:
        **options: those of `LanguageConfig`.

    Raises:
        ConfigError: if an option is unknown or wrong.

    Example:
        >>> options = {"hidden_size": 16, "learning_rate": 0.02, "steps": 16, "dropout": 0.0}
        >>> model = LanguageModel(**options, epochs=30, test_size=0, validation_size=0)
        >>> model.fit("the cat sat on the mat\n" * 20).generate("the cat", length=7, temperature=0)
        'the cat sat on'
    """

    task: ClassVar[str] = "lm"
    options_type: ClassVar[type[LanguageConfig]] = LanguageConfig

    def fit(
        self,
        data: str | Path,
        *,
        validation: str | Path | None = None,
        test: str | Path | None = None,
        stream: bool = False,
        checkpoints: Path | None = None,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> LanguageModel:
        """Fit to a text, and score on its test part.

        Args:
            data: a text, or a file in UTF-8, plain or compressed. A `str` is a file's path where it
                is one line that names a file or ends in `.txt`.
            validation: likewise, to stop by; by default blocks of `data`, see `validation_size`.
            test: likewise, to score on; by default the end of `data`, see `test_size`.
            stream: read files in pieces, for those larger than memory, by temporary files where
                `checkpoints` lies, or in the system's folder for these.
            checkpoints: folder for the state of the training, to resume it from; `None` keeps none.
            resume: go on from `checkpoints`.
            progress: shows the epochs; `None` shows nothing.

        Returns:
            The model itself.

        Raises:
            DataError: if a text cannot be read or is too short.
            ConfigError: if an option is wrong.
            TrainingError: if the training diverges.
        """
        corpus = read_corpus(
            as_source(data),
            validation=None if validation is None else as_source(validation),
            test=None if test is None else as_source(test),
            scratch=scratch_folder(checkpoints) if stream else None,
        )
        return self.fit_corpus(corpus, checkpoints=checkpoints, resume=resume, progress=progress)

    def fit_corpus(
        self,
        corpus: Corpus,
        *,
        checkpoints: Path | None = None,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> LanguageModel:
        """Fit to a text read before; see `fit`."""
        config = self.config
        start = time.perf_counter()
        parts = split_corpus(
            corpus, validation_size=config.validation_size, test_size=config.test_size
        )
        model, history, samples = fit_model(
            parts, config, checkpoints=checkpoints, resume=resume, progress=progress
        )
        test = None if parts.test is None else evaluate_model(model, parts.test)
        self._fitted = Fitted(
            model=model,
            history=history,
            test=test,
            name=corpus.name,
            characters=parts.characters,
            notes=(
                *model.notes(),
                *parts.notes(),
                *(() if test is None else test.notes(config.level)),
            ),
            samples=samples,
            seconds=round(time.perf_counter() - start, 3),
        )
        return self

    def generate(
        self,
        prompt: str = "",
        length: int = 400,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ) -> str:
        """Return the prompt and what the model goes on with.

        The same arguments give the same text on the same machine. Tokens that the model never
        learned are never drawn.

        Args:
            prompt: what the text begins with; after an empty one the model begins as after the end
                of a line.
            length: tokens to add: at level char, characters.
            temperature: below 1 likely tokens become likelier; 0 always takes the likeliest.
            top_k: draw among the `k` likeliest tokens alone; `None` for all.
            top_p: draw among the likeliest tokens that together have this probability; `None` for
                all.
            seed: of the drawing, at least 0.

        Raises:
            ConfigError: if a number lies outside its range.
            DataError: if the prompt holds what the training text did not.
            NotFittedError: before `fit`.
        """
        (text,) = self.generate_many(
            prompt,
            length,
            samples=1,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
        )
        return text

    def generate_many(
        self,
        prompt: str = "",
        length: int = 400,
        *,
        samples: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ) -> list[str]:
        """Return several texts, each with chances of its own; the first is that of `generate`.

        Args:
            prompt: as for `generate`, and so the others.
            length: tokens to add to each.
            samples: how many texts.
            temperature: of the drawing.
            top_k: of the drawing.
            top_p: of the drawing.
            seed: of the drawing.
        """
        model = self.fitted.model
        prompt, before = self._prompt(prompt)
        rows = generate_codes(
            model.network,
            [model.start, *before],
            length,
            sampling=Sampling(temperature, top_k, top_p),
            seed=seed,
            samples=samples,
            forbidden=model.forbidden,
            forbidden_first=joining(model.codec, prompt),
        )
        return [continued(model.codec, prompt, before, row) for row in rows]

    def next_token(self, prompt: str = "") -> dict[str, float]:
        r"""Return how likely each token of the vocabulary is to follow the prompt, likeliest first.

        The probabilities sum to 1; at level word the end of a line is the token `"\n"`.

        Raises:
            DataError: if the prompt holds what the training text did not.
            NotFittedError: before `fit`.
        """
        model = self.fitted.model
        codes = [model.start, *self._prompt(prompt)[1]]
        p = next_probabilities(model.network, codes, model.forbidden)
        allowed = [int(c) for c in np.argsort(-p, kind="stable") if int(c) not in model.forbidden]
        tokens = model.codec.vocabulary.decode(allowed)
        return {
            "\n" if code < len(RESERVED) else token: float(p[code])
            for code, token in zip(allowed, tokens, strict=True)
        }

    def unknown(self, text: str) -> list[str]:
        """Return the tokens of a text that are not in the vocabulary, each once, in their order."""
        codec = self.fitted.model.codec
        text = plain_text(text, "the text")
        codes = codec.encode([text]).values
        pieces = codec.tokens(text)
        found = (p.piece for p, code in zip(pieces, codes, strict=True) if code == UNK)
        return list(dict.fromkeys(found))

    def encode(self, texts: Sequence[str] | str | Path) -> NDArray[np.float32]:
        """Return `(S, H)`, the last layer's state after each text; an empty one has that of none.

        A text has the same vector alone as among others.

        Args:
            texts: a list of texts, or the path of a file with a text a line, which may be empty.

        Raises:
            DataError: if one is no text, or the file holds no line.
            ConfigError: if there is one text where several are asked for.
            NotFittedError: before `fit`.
        """
        model = self.fitted.model
        start = np.array([model.start], dtype=np.int32)
        rows = Ragged.join(
            [np.concatenate([start, encode_text(model.codec, text)]) for text in listed(texts)]
        )
        vectors = np.zeros((len(rows), model.network.layers.hidden_size), dtype=np.float32)
        by_length = np.argsort(rows.lengths, kind="stable")
        device = model.network.head.weight.device
        with torch.inference_mode(), threads_for(model.network.operations(_BATCH)):
            for at in range(0, len(rows), _BATCH):
                index = by_length[at : at + _BATCH]
                codes, lengths = rows.padded(index)
                _, state = model.network.states(codes.to(device), lengths=lengths.to(device))
                h = state if isinstance(state, torch.Tensor) else state[0]
                vectors[index] = h[-1].cpu().numpy()
        return vectors

    def evaluate(self, data: str | Path | None = None) -> dict[str, Any]:
        """Score the model on a text that fitting has not seen, beside the baselines.

        Args:
            data: a text or a file, as for `fit`; `None` gives the scores on the test part.

        Returns:
            The entries `task`, `test`, `verdict`, … of `metrics.json`.

        Raises:
            DataError: if it cannot be read or is empty.
            NotFittedError: before `fit`.
        """
        return self.metrics_json(self.scored(data))

    def scored(self, data: str | Path | None = None) -> Evaluation | None:
        """Return what `evaluate` scores."""
        fitted = self.fitted
        if data is None:
            return fitted.test
        return evaluate_model(fitted.model, read_text(as_source(data), "text"))

    def score_card(self, evaluation: Evaluation) -> ScoreCard:
        """Return what an evaluation shows."""
        return ScoreCard(
            title=Message("Test: {count:,} characters", {"count": evaluation.characters}),
            network=network_name(self.config.cell),
            scores=evaluation.scores,
            measures=LANGUAGE,
            metric="nats_per_token",
            verdict=evaluation.verdict(),
            remarks=evaluation.notes(self.config.level),
        )

    def predictions_csv(self, data: Path | list[str] | None = None) -> str:
        """Return what may follow a text, or the text of a file, as CSV, the likeliest first."""
        prompt = read_text(data, "text") if isinstance(data, Path) else "".join(data or ())
        likely = self.next_token(prompt)
        frame = pd.DataFrame({"token": list(likely), "probability": list(likely.values())})
        return csv_text(frame)

    def text_source(self, text: str) -> list[str]:
        """Return a text as data to predict of."""
        return [text]

    def plot(self, language: Language = "en") -> Figure:
        """Return the picture of the training and validation loss by epoch."""
        from rnnkit.report.training_plot import training_plot

        return training_plot([self.fitted.history], language)

    def write_run(self, writer: RunWriter, *, command: str = "", language: Language = "en") -> None:
        """Write everything a fit leaves behind; see `Estimator`."""
        from rnnkit.tasks.language.pages import write_page

        fitted = self.fitted
        save_run(writer, fitted, self.config)
        writer.write_json("metrics.json", self.metrics_json(fitted.test))
        write_page(writer, fitted, self.config, command=command, language=language)

    @classmethod
    def from_run(cls, run: Run, device: str) -> LanguageModel:
        """Return the model that `write_run` wrote; see `Estimator`."""
        options, fitted = read_language(run, device)
        model = cls(**options.to_json())
        model._fitted = fitted
        return model

    def _prompt(self, prompt: str) -> tuple[str, list[int]]:
        """Return a prompt and its codes; one that the network cannot know is refused."""
        model = self.fitted.model
        prompt = plain_text(prompt, "the prompt")
        codes = [int(code) for code in encode_text(model.codec, prompt)]
        if UNK in codes and not model.learned_unknown:
            named = ", ".join(map(repr, self.unknown(prompt)[:5]))
            raise DataError(
                f"the prompt holds {named}, which the text that the model learned from does not:"
                " write it without"
            )
        return prompt, codes

    def metrics_json(self, evaluation: Evaluation | None) -> dict[str, Any]:
        """Return the content of `metrics.json` for an evaluation."""
        fitted = self.fitted
        test = None
        if evaluation is not None:
            test = {
                **scores_json(evaluation.scores),
                "tokens": evaluation.tokens,
                "characters": evaluation.characters,
                "unknown_tokens": evaluation.unknown,
            }
        metrics = {
            "task": self.task,
            "test": test,
            "verdict": "" if evaluation is None else str(evaluation.verdict()),
            "parameters": sum(p.numel() for p in fitted.model.network.parameters()),
            "seconds": fitted.seconds,
        }
        return dict(finite(metrics))


def listed(texts: Sequence[str] | str | Path) -> list[str]:
    """Return texts to encode, a line each of a file; one where several are asked for is refused."""
    if isinstance(texts, Path):
        text = unicodedata.normalize("NFC", read_whole(texts))
        if not text:
            raise DataError(f"{texts} is empty: give a file with a text a line")
        return text.removesuffix("\n").split("\n")
    if isinstance(texts, str):
        raise ConfigError("encode takes a list of texts, got one text: put it into a list")
    return [plain_text(text, place_in_list(number)) for number, text in enumerate(texts)]
