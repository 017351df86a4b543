"""Texts that a language model makes, a token at a time."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.errors import ConfigError
from rnnkit.models.language_model import LanguageModelNetwork, State
from rnnkit.training import threads_for

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn from what the network gives.

    Args:
        temperature: by which the logits are divided: below 1 likely tokens become likelier; 0 takes
            the likeliest, always.
        top_k: draw among the `k` likeliest alone; `None` for all. Fan et al., "Hierarchical Neural
            Story Generation" (2018).
        top_p: draw among the likeliest that together have this probability; `None` for all.
            Holtzman et al., "The Curious Case of Neural Text Degeneration" (2020).

    Raises:
        ConfigError: if a value lies outside its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        t = self.temperature
        if isinstance(t, bool) or not isinstance(t, int | float) or not 0 <= t < math.inf:
            raise ConfigError(f"temperature must be a number from 0, got {t!r}")
        k = self.top_k
        if k is not None and (isinstance(k, bool) or not isinstance(k, int) or k < 1):
            raise ConfigError(f"top_k must be a whole number of at least 1, got {k!r}")
        p = self.top_p
        if p is not None and (
            isinstance(p, bool) or not isinstance(p, int | float) or not 0 < p <= 1
        ):
            raise ConfigError(f"top_p must be a share above 0 and at most 1, got {p!r}")

    def draw(self, logits: FloatArray, chance: float) -> int:
        """Return the token that `chance`, in 0 to below 1, falls on.

        Args:
            logits: `(V,)`; minus infinity for tokens that must not come.
            chance: uniform.
        """
        if self.temperature == 0:
            return int(logits.argmax())
        order = np.argsort(-logits, kind="stable")[: self.top_k]
        with np.errstate(over="ignore"):  # a tiny temperature makes all but the likeliest -inf
            weights = np.exp((logits[order] - logits[order[0]]) / self.temperature)
        sums = np.cumsum(weights)
        if self.top_p is not None:
            sums = sums[: np.searchsorted(sums, self.top_p * sums[-1]) + 1]
        place = np.searchsorted(sums, chance * sums[-1], side="right")
        return int(order[min(int(place), len(sums) - 1)])


@torch.inference_mode()
def generate_codes(
    network: LanguageModelNetwork,
    prompt: Sequence[int] | NDArray[np.int32],
    length: int,
    *,
    sampling: Sampling,
    seed: int = 0,
    samples: int = 1,
    forbidden: Collection[int] = (),
    forbidden_first: Collection[int] = (),
) -> list[list[int]]:
    """Return what `samples` texts go on with after the same prompt.

    Sample `n` depends on `(seed, n)` alone, and not on how many are asked for.

    Args:
        network: of the language model; left in the mode, training or not, that it is in.
        prompt: codes, at least one.
        length: tokens to generate.
        sampling: how each is drawn.
        seed: of the drawing, at least 0.
        samples: texts to generate.
        forbidden: tokens that never come.
        forbidden_first: tokens that do not come first.

    Raises:
        ConfigError: if `length`, `samples` or `seed` is not a number of the kind.
    """
    for name, value, least in (("length", length, 0), ("samples", samples, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ConfigError(f"{name} must be a whole number of at least {least}, got {value!r}")
    chances = [np.random.default_rng([seed, n]).random(length) for n in range(samples)]
    out: list[list[int]] = [[] for _ in range(samples)]
    barred = sorted(forbidden)
    barred_first = sorted({*forbidden, *forbidden_first})
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    try:
        with threads_for(network.operations(samples)):
            codes = torch.as_tensor(np.asarray(prompt, dtype=np.int64), device=device)[None]
            states, state = network.states(codes)
            last, state = states[:, -1].expand(samples, -1), _repeated(state, samples)
            for step in range(length):
                for n in range(samples):
                    # A row at a time: the product of one row does not depend on how many there are.
                    logits = network.logits(last[n]).double().cpu().numpy()
                    logits[barred if step else barred_first] = -np.inf
                    out[n].append(sampling.draw(logits, float(chances[n][step])))
                if step + 1 < length:
                    codes = torch.tensor([[row[-1]] for row in out], device=device)
                    states, state = network.states(codes, state)
                    last = states[:, 0]
    finally:
        network.train(was_training)
    return out


@torch.inference_mode()
def next_probabilities(
    network: LanguageModelNetwork,
    prompt: Sequence[int] | NDArray[np.int32],
    forbidden: Collection[int] = (),
) -> FloatArray:
    """Return `(V,)` how likely each token is to follow the prompt; 0 for those forbidden."""
    device = next(network.parameters()).device
    codes = torch.as_tensor(np.asarray(prompt, dtype=np.int64), device=device)[None]
    states, _ = network.states(codes)
    logits = network.logits(states[0, -1]).double().cpu().numpy()
    logits[sorted(forbidden)] = -np.inf
    weights = np.exp(logits - logits.max())
    return np.asarray(weights / weights.sum())


def _repeated(state: State, samples: int) -> State:
    def rows(tensor: Tensor) -> Tensor:
        return tensor.expand(-1, samples, -1).contiguous()

    return rows(state) if isinstance(state, Tensor) else (rows(state[0]), rows(state[1]))
