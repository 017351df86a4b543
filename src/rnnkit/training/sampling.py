"""Randomness as a function of seed and epoch: nothing to save, nothing to restore."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def epoch_seed(purpose: str, seed: int, epoch: int, rank: int = 0, world: int = 1) -> int:
    """Return the seed, in `0..2**63 - 1`, of one use of randomness in one epoch.

    The arguments are hashed: neighbouring seeds and epochs give unrelated streams.

    Args:
        purpose: what the randomness is for; two purposes never share a stream.
        seed: of the training.
        epoch: its number.
        rank: of this process among `world`.
        world: number of processes that train together.

    Example:
        >>> epoch_seed("dropout", 0, 1) == epoch_seed("dropout", 0, 1)
        True
        >>> epoch_seed("dropout", 0, 1) == epoch_seed("dropout", 1, 0)
        False
    """
    key = f"{purpose}/{seed}/{epoch}/{rank}/{world}".encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "big") >> 1


def epoch_order(n: int, seed: int, epoch: int, rank: int = 0, world: int = 1) -> Tensor:
    """Return the numbers of the samples that process `rank` visits in an epoch, in order.

    All processes deal out one permutation of `0..n-1`: every sample is visited once, by one of
    them, and the numbers of their samples differ by at most one.

    Args:
        n: number of samples, at least 0.
        seed: of the training.
        epoch: its number.
        rank: of this process, in `0..world-1`; default 0.
        world: number of processes; default 1.

    Returns:
        `(n / world,)` int64 on the CPU, rounded up or down.

    Example:
        >>> sorted(epoch_order(5, seed=0, epoch=1).tolist())
        [0, 1, 2, 3, 4]
        >>> parts = [epoch_order(5, 0, 1, rank, world=2) for rank in (0, 1)]
        >>> sorted(torch.cat(parts).tolist())
        [0, 1, 2, 3, 4]
    """
    generator = torch.Generator().manual_seed(epoch_seed("order", seed, epoch))
    return torch.randperm(n, generator=generator)[rank::world]
