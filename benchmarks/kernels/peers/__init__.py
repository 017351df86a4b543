"""The peers, each with the environment its process starts in and the module that runs cases."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.kernels.peers.contract import Peer

OURS = "rnnkit"
REFERENCE = "reference"


@dataclass(frozen=True)
class PeerSpec:
    """Where a peer's code is and what it needs.

    Args:
        module: in this package; it has a function `peer(name, backend, threads)`.
        requires: top-level modules that must be installed.
        environment: set before the process starts.
    """

    module: str
    requires: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


PEERS = {
    OURS: PeerSpec("torch_layers", ("torch", "rnnkit")),
    "torch.nn": PeerSpec("torch_layers", ("torch",)),
    "keras-tensorflow": PeerSpec(
        "keras_peer", ("keras", "tensorflow"), {"KERAS_BACKEND": "tensorflow"}
    ),
    "keras-jax": PeerSpec("keras_peer", ("keras", "jax"), {"KERAS_BACKEND": "jax"}),
    "jax-scan": PeerSpec("jax_scan", ("jax",)),
    "onnxruntime": PeerSpec("onnx_session", ("onnx", "onnxruntime")),
}
# Computes what all must equal, in float64; never timed.
ALL = {**PEERS, REFERENCE: PeerSpec("torch_layers", ("torch", "rnnkit"))}


def load(name: str, backend: str, threads: int) -> Peer:
    """Return the peer, imported: once a process, since Keras can have one backend only."""
    module = importlib.import_module(f"benchmarks.kernels.peers.{ALL[name].module}")
    made: Peer = module.peer(name, backend, threads)
    return made
