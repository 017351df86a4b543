"""The cells as data, and the letters of the dimensions, said once for code, kernels and documents.

    B  batch (rows)         I  input size       L  layers
    T  time steps           H  hidden size      D  directions (1 or 2)
    G  gates of a cell

Parameters lie as in PyTorch: `weight_ih (G·H, I)`, `weight_hh (G·H, H)`, `bias_ih (G·H)`,
`bias_hh (G·H)`, with the gates one after the other in the order of `CellSpec.gates`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CellSpec:
    """What a backend has to know about a cell beside its equations.

    Args:
        name: the cell's name, the key of `CELLS`.
        gates: the blocks of H rows in the weights, in order; `G = len(gates)`.
        states: what is carried from step to step, in order; the first is also the output.
    """

    name: str
    gates: tuple[str, ...]
    states: tuple[str, ...]


CELLS = {
    spec.name: spec
    for spec in (
        CellSpec("rnn_tanh", gates=("h",), states=("h",)),
        CellSpec("rnn_relu", gates=("h",), states=("h",)),
        CellSpec("lstm", gates=("i", "f", "g", "o"), states=("h", "c")),
        CellSpec("gru", gates=("r", "z", "n"), states=("h",)),
        CellSpec("gru_reset_before", gates=("r", "z", "n"), states=("h",)),
    )
}
