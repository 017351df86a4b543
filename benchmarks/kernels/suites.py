"""The cases of each suite."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.kernels.case import Case, Group

CELLS = ("rnn", "lstm", "gru")
PHASES = ("infer", "train")
REVIEWS, REVIEWS_BATCH = 20_000, 100

AIRLINE = Case("airline SimpleRNN(4)", "rnn", "train", 8, 4, 1, 4, outputs=1, loss="mse")
SINE = Case("deep sine SimpleRNN(20)×2", "rnn", "train", 256, 50, 1, 20, 2, outputs=1, loss="mse")
IMDB = Case(
    "IMDb Embedding → SimpleRNN(16)", "rnn", "train", REVIEWS_BATCH, 130, 100, 16,
    vocabulary=6000, outputs=1, loss="bce",
)  # fmt: skip
DEEP_LSTM = Case(
    "Embedding → LSTM(64)×2, dropout", "lstm", "train", 128, 80, 100, 64, 2,
    vocabulary=10_000, dropout=0.5, outputs=1, loss="bce",
)  # fmt: skip
DEEP_GRU = replace(DEEP_LSTM, name="Embedding → GRU(64)×2, dropout", cell="gru")
BILSTM = Case(
    "Embedding → BiLSTM(64) → Dropout", "lstm", "train", 128, 200, 128, 64,
    bidirectional=True, vocabulary=10_000, head_dropout=0.5, outputs=1, loss="bce",
)  # fmt: skip
ENCODER_DECODER = Case(
    "encoder–decoder SimpleRNN(20) 10 → 30", "rnn", "train", 32, 10, 1, 20,
    decoder_steps=30, outputs=1, loss="mse",
)  # fmt: skip
TUTORIALS = (AIRLINE, SINE, IMDB, DEEP_LSTM, DEEP_GRU, BILSTM, ENCODER_DECODER)


def tutorial() -> list[Group]:
    """Return whole training steps and inference of networks that tutorials build, and an epoch."""
    groups = []
    for case, phase in itertools.product(TUTORIALS, PHASES):
        named = case.with_phase(phase)
        groups.append(Group(named.name, (named,)))
    # A call of this case is a step; its round is one epoch, every batch once.
    epoch = replace(
        IMDB, name=f"IMDb, an epoch of {REVIEWS:,} reviews", batches=REVIEWS // REVIEWS_BATCH
    )
    return [*groups, Group(epoch.name, (epoch,))]


def layer(cell: str, phase: str, H: int, B: int, T: int) -> Case:
    """Return a bare layer whose inputs are as wide as its state."""
    return Case(f"{cell} {phase} H{H} B{B} T{T}", cell, phase, B, T, H, H)


def grid(hidden: Sequence[int], batches: Sequence[int], steps: Sequence[int]) -> list[Group]:
    """Return bare layers over all sizes."""
    every = itertools.product(CELLS, PHASES, hidden, batches, steps)
    cases = [layer(*sizes) for sizes in every]
    return [Group(case.name, (case,)) for case in cases]


def extras() -> list[Group]:
    """Return what lengths, recurrent dropout, a second direction and a second layer cost."""
    groups = []
    for cell, phase, H in itertools.product(CELLS, PHASES, (64, 256)):
        base = layer(cell, phase, H, 32, 128)
        made: dict[str, dict[str, Any]] = {
            "full": {},
            "half padding": {"half_padded": True},
            "bidirectional": {"bidirectional": True},
            "bidirectional, half padding": {"bidirectional": True, "half_padded": True},
            "two layers": {"layers": 2},
        }
        if phase == "train":
            made["recurrent dropout"] = {"recurrent_dropout": 0.2}
        cases = tuple(replace(base, name=name, **changes) for name, changes in made.items())
        groups.append(Group(base.name, cases))
    return groups


def neighbour() -> list[Group]:
    """Return training steps to run with and without a busy process beside them."""
    cases = [case.with_phase("train") for case in TUTORIALS]
    cases += [layer(cell, "train", H, 32, 128) for cell in CELLS for H in (64, 256)]
    return [Group(case.name, (case,)) for case in cases]


def memory() -> list[Group]:
    """Return training steps whose memory is more than a process's noise."""
    cases = [case.with_phase("train") for case in TUTORIALS if case.vocabulary]
    cases += [layer(cell, "train", H, 128, 128) for cell in CELLS for H in (64, 256)]
    cases += [replace(layer(cell, "train", 256, 32, 128), layers=2) for cell in CELLS]
    cases = [
        replace(c, name=f"{c.name} two layers") if c.layers == 2 and c.bare else c for c in cases
    ]
    return [Group(case.name, (case,)) for case in cases]


def shapes(path: Path) -> list[Group]:
    """Return the shapes marked `cpu_quick` in a file of shapes from public benchmark suites.

    Left out are problems that no recurrent layer expresses: one step whose recurrent input is wider
    than the state, and projections not below the hidden size. Shapes for correctness run as
    training. Equal shapes run once.
    """
    found: dict[Case, str] = {}
    for shape in json.loads(path.read_text())["shapes"]:
        H, P = shape["hidden_size"], shape["proj_size"]
        if not shape["cpu_quick"] or "recurrent_input_size" in shape or P >= H > 0 < P:
            continue
        phase = "infer" if shape["phase"] == "infer" else "train"
        case = Case(
            "",
            shape["cell"],
            phase,
            shape["B"],
            shape["T"],
            shape["input_size"],
            H,
            shape["num_layers"],
            shape["num_directions"] == 2,
            P,
            "relu" if "relu" in shape.get("note", "") else "tanh",
        )
        found.setdefault(case, f"{shape['source']} {shape['name']}".strip())
    groups = []
    for case, source in found.items():
        sizes = f"{case.cell} {case.phase} T{case.T} B{case.B} I{case.I} H{case.H}"
        sizes += f" L{case.layers}" if case.layers > 1 else ""
        sizes += " D2" if case.bidirectional else ""
        name = f"{source} {sizes}"
        groups.append(Group(name, (replace(case, name=name),)))
    return groups


SUITES: dict[str, Callable[..., list[Group]]] = {
    "tutorial": tutorial,
    "grid": grid,
    "extras": extras,
    "shapes": shapes,
    "neighbour": neighbour,
    "memory": memory,
}
