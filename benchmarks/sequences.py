"""Texts, signals, tags and characters at defaults: the numbers of the README.

    python benchmarks/sequences.py --data DIR [--only IMDb] [--seeds 3] [--out FILE]

DIR holds the public files named below (they are not part of this repository): reviews of IMDb and
NSMC, questions of a Korean chatbot, names by nationality, signals of the UCR and UEA archives,
Universal Dependencies of English (EWT) and Korean (GSD), tinyshakespeare, used cars. What `rnnkit
classify`, `regress`, `tag` and `lm` would print, in one table: the network, the best baseline, and
seconds. Each line is written as soon as it is known.
"""

from __future__ import annotations

import argparse
import json
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from rnnkit import LanguageModel, SequenceClassifier, SequenceRegressor, SequenceTagger

WINDOW = 50


def classify(folder: Path, seed: int, file: str, **given: Any) -> Any:
    options = {**given.pop("options", {}), "seed": seed}
    test = given.pop("test", None)
    return SequenceClassifier(**options).fit(
        folder / file, test=None if test is None else folder / test, columns=given
    )


def signals(name: str) -> dict[str, str]:
    return {"file": f"seqclass/{name}_TRAIN.ts.xz", "test": f"seqclass/{name}_TEST.ts.xz"}


def names(folder: Path, seed: int) -> Any:
    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(folder / "seqclass/names.tar.xz") as archive:
            archive.extractall(place, filter="data")
        return SequenceClassifier(seed=seed).fit(Path(place))


def sine(layers: int) -> Callable[[Path, int], Any]:
    def fit(folder: Path, seed: int) -> Any:
        """Fit to the value after each of 10,000 windows of noisy sums of two sines."""
        random = np.random.default_rng(seed)
        t = np.linspace(0, 1, WINDOW + 1)
        phase, speed = random.random((2, 2, 10_000, 1))
        waves = 0.5 * np.sin((10 + 20 * speed[0]) * (t - phase[0]))
        waves += 0.2 * np.sin((40 + 40 * speed[1]) * (t - phase[1]))
        waves += 0.1 * (random.random(waves.shape) - 0.5)
        options = {"cell": "rnn", "hidden_size": 20, "bidirectional": False, "pooling": "last"}
        model = SequenceRegressor(**options, layers=layers, dropout=0.0, seed=seed, test_size=1000)
        return model.fit(waves[:, :WINDOW], waves[:, WINDOW])

    return fit


def cars(folder: Path, seed: int) -> Any:
    return SequenceRegressor(seed=seed).fit(
        folder / "cars/audi.csv.xz", columns={"targets": ["price"]}
    )


def tag(language: str) -> Callable[[Path, int], Any]:
    def fit(folder: Path, seed: int) -> Any:
        train, dev, test = (
            folder / f"pos/{language}-ud-{part}.conllu.xz" for part in ("train", "dev", "test")
        )
        return SequenceTagger(seed=seed).fit(train, validation=dev, test=test)

    return fit


def characters(folder: Path, seed: int) -> Any:
    return LanguageModel(seed=seed).fit(folder / "charlm/tinyshakespeare.txt.xz")


IMDB: dict[str, Any] = {
    "file": "sentiment/imdb_train.tsv.xz",
    "test": "sentiment/imdb_test.tsv.xz",
    "text": "text",
    "label": "label",
}
# One network, no n-grams, and the end of a long review, which `pad_sequences` leaves.
TUTORIAL = {"ensemble": 1, "ngrams": 1, "truncation": "tail"}
TUTORIAL_BILSTM = {**TUTORIAL, "cell": "lstm", "vocabulary_size": 10_000, "max_length": 200}
TUTORIAL_RNN = {
    **TUTORIAL,
    "cell": "rnn",
    "hidden_size": 16,
    "bidirectional": False,
    "pooling": "last",
    "vocabulary_size": 6000,
    "max_length": 130,
}

CASES: dict[str, tuple[str, Callable[[Path, int], Any]]] = {
    "IMDb": ("accuracy", lambda d, s: classify(d, s, **IMDB)),
    "IMDb, tutorial BiLSTM(64)": (
        "accuracy",
        lambda d, s: classify(d, s, **IMDB, options=TUTORIAL_BILSTM),
    ),
    "IMDb, tutorial SimpleRNN(16)": (
        "accuracy",
        lambda d, s: classify(d, s, **IMDB, options=TUTORIAL_RNN),
    ),
    "NSMC": (
        "accuracy",
        lambda d, s: classify(d, s, "sentiment/nsmc_ratings_train.txt.xz", label="label"),
    ),
    "Korean chatbot": (
        "accuracy",
        lambda d, s: classify(d, s, "seq2seq/korean_chatbot.csv.xz", text="Q", label="label"),
    ),
    "names by nationality": ("macro_f1", names),
    "JapaneseVowels": ("accuracy", lambda d, s: classify(d, s, **signals("JapaneseVowels"))),
    "ItalyPowerDemand": ("accuracy", lambda d, s: classify(d, s, **signals("ItalyPowerDemand"))),
    "BasicMotions": ("accuracy", lambda d, s: classify(d, s, **signals("BasicMotions"))),
    "ArrowHead": ("accuracy", lambda d, s: classify(d, s, **signals("ArrowHead"))),
    "UD English-EWT": ("accuracy", tag("en_ewt")),
    "UD Korean-GSD": ("accuracy", tag("ko_gsd")),
    "tinyshakespeare": ("nats_per_token", characters),
    "deep sine, one layer": ("rmse", sine(1)),
    "deep sine, two layers": ("rmse", sine(2)),
    "used cars": ("rmse", cars),
}
LARGER_IS_BETTER = {"accuracy", "macro_f1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public files")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    given = parser.parse_args()

    table = Table()
    for heading in ("", "measure", "network", "best baseline", "", "seconds"):
        table.add_column(heading, justify="left" if heading in ("", "measure") else "right")
    written: dict[str, Any] = {}
    for name in given.only:
        measure, fit = CASES[name]
        runs = []
        for seed in range(given.seeds):
            start = time.perf_counter()
            model = fit(given.data, seed)
            seconds = time.perf_counter() - start
            scores = model.evaluate()
            runs.append({**scores["test"], "verdict": scores["verdict"], "seconds": seconds})
            print(f"{name}, seed {seed}: {scores['verdict']}", flush=True)
        written[name] = {"measure": measure, "runs": runs}
        best, other = _best(runs[0]["baselines"], measure)
        ours = [run["model"][measure] for run in runs]
        table.add_row(
            name,
            measure,
            f"{np.mean(ours):.4g}",
            f"{other:.4g}",
            best,
            f"{np.mean([run['seconds'] for run in runs]):.0f}",
        )
        if given.out is not None:
            about = {"threads": torch.get_num_threads(), "torch": torch.__version__}
            given.out.write_text(json.dumps({**about, "cases": written}, indent=1) + "\n")
    Console().print(table)


def _best(baselines: dict[str, dict[str, float]], measure: str) -> tuple[str, float]:
    choose = max if measure in LARGER_IS_BETTER else min
    name = choose(baselines, key=lambda name: baselines[name][measure])
    return name, baselines[name][measure]


if __name__ == "__main__":
    main()
