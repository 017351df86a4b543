"""Which backend computes a case: by name, or the fastest that can; and who says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from rnnkit.errors import BackendError, ConfigError, closest
from rnnkit.native_build import why_absent
from rnnkit.ops import framework, native, reference
from rnnkit.ops.calls import kernels
from rnnkit.ops.case import Case, Traits, check_lengths, valid_steps


@dataclass(frozen=True)
class Backend:
    """A way to compute cases.

    Args:
        name: how users ask for it.
        what: one clause that says what it is.
        run: computes a case: outputs `(B, T, D * H)` and final states `(L * D, B, H)` each.
        why_not: the reason why it cannot serve, or `None`.
    """

    name: str
    what: str
    run: Callable[[Case], tuple[Tensor, tuple[Tensor, ...]]]
    why_not: Callable[[Traits], str | None]


def _never(traits: Traits) -> None:
    return None


# The fastest first; the reference serves everything and comes last.
BACKENDS = {
    backend.name: backend
    for backend in (
        Backend("native", "our kernels, a whole sequence in a call", native.run, native.why_not),
        Backend("torch", "PyTorch's own fused calls", framework.run, framework.why_not),
        Backend("reference", "one step after the other in plain PyTorch", reference.run, _never),
    )
}


def check_backend(name: str) -> None:
    """Raise ConfigError unless `name` is "auto" or a backend."""
    known = ["auto", *BACKENDS]
    if name not in known:
        raise ConfigError(f"backend must be one of {known}, got {name!r}{closest(name, known)}")


def choose(traits: Traits, backend: str = "auto") -> Backend:
    """Return the backend that serves.

    Raises:
        ConfigError: if there is no backend of that name.
        BackendError: if the backend asked for by name cannot serve; it is never replaced.
    """
    if backend == "auto":
        return next(b for b in BACKENDS.values() if b.why_not(traits) is None)
    check_backend(backend)
    asked = BACKENDS[backend]
    reason = asked.why_not(traits)
    if reason is not None:
        raise BackendError(
            f"backend {backend!r} cannot run this {traits.cell.name}: {reason}; "
            "use backend='auto' or 'reference'"
        )
    return asked


def run(case: Case, backend: str = "auto") -> tuple[Tensor, tuple[Tensor, ...]]:
    """Compute a case by the backend that `choose` gives."""
    return choose(case.traits(), backend).run(case)


@dataclass(frozen=True)
class BackendInfo:
    """One line about a backend: its name, whether this machine has it, and what it is or lacks."""

    name: str
    available: bool
    why: str


def backends() -> list[BackendInfo]:
    """Return every backend, fastest first, with a sentence each.

    Example:
        >>> [info.name for info in backends()]
        ['native', 'torch', 'reference']
    """
    onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    cpu = "oneDNN on the CPU" if onednn else "no oneDNN on the CPU"
    cuda = torch.cuda.is_available()
    gpu = f"cuDNN on {torch.cuda.get_device_name()}" if cuda else "no CUDA GPU"
    fused = f"The fused calls of PyTorch {torch.__version__}: {cpu}, {gpu}."
    if kernels is None:
        own = f"Not here: {why_absent()}."
    else:
        own = f"Kernels of our own, a whole sequence in a call, for {kernels.info()['isa']}."
    plain = "Step by step in plain PyTorch: slow, serves every case, and is the truth for the rest."
    return [
        BackendInfo("native", kernels is not None, own),
        BackendInfo("torch", True, fused),
        BackendInfo("reference", True, plain),
    ]


class Explainable(Protocol):
    """What `explain` asks of a layer."""

    backend: str
    batch_first: bool

    def traits(self) -> Traits:
        """Return what a forward pass would ask of a backend now."""


@dataclass(frozen=True, repr=False)
class Explanation:
    """Which backend runs a layer, and why no other; it prints as text for people.

    Args:
        layer: the layer, in words.
        backend: the backend's name; `None` where the call raises BackendError.
        how: how it runs, or the error.
        others: for every other backend, why it does not run.
    """

    layer: str
    backend: str | None
    how: str
    others: dict[str, str]

    def __repr__(self) -> str:
        head = "runs on nothing" if self.backend is None else f"runs on {self.backend}"
        lines = [self.layer, f"  {head}: {self.how}"]
        lines += [f"  not on {name}: {reason}" for name, reason in self.others.items()]
        return "\n".join(lines)


def explain(
    layer: Explainable,
    x: Tensor | None = None,
    *,
    lengths: Tensor | Sequence[int] | None = None,
    mask: Tensor | None = None,
) -> Explanation:
    """Say which backend runs a layer as it stands (training or not), and why not the others.

    Args:
        layer: a `SimpleRNN`, `LSTM` or `GRU` of `rnnkit.layers`.
        x: an input of it, to say more.
        lengths: as the layer takes them.
        mask: as the layer takes it.

    Returns:
        An `Explanation`, which prints as lines of text.

    Raises:
        ConfigError: if `layer` is no recurrent layer of rnnkit.
        ShapeError: if lengths or mask do not fit `x`.

    Example:
        >>> from rnnkit.layers import GRU
        >>> explain(GRU(3, 8, reset_after=False, backend="reference"))
        GRU(3, 8, backend='reference', reset_after=False), training
          runs on reference: one step after the other in plain PyTorch
          not on native: reference was asked for
          not on torch: PyTorch's GRU has no reset before the product
    """
    if not hasattr(layer, "traits"):
        raise ConfigError(
            "explain takes a SimpleRNN, LSTM or GRU of rnnkit.layers, got "
            f"{type(layer).__name__}; use the rnnkit layer of the same name"
        )
    traits = layer.traits()
    title = f"{layer}, {'training' if getattr(layer, 'training', False) else 'evaluation'}"
    reasons = {name: b.why_not(traits) for name, b in BACKENDS.items()}
    try:
        chosen = choose(traits, layer.backend)
    except BackendError as error:
        return Explanation(title, None, f"raises BackendError: {error}", {})
    if layer.backend == "auto":
        others = {name: reason or "slower" for name, reason in reasons.items()}
    else:
        others = {
            name: reason or f"{chosen.name} was asked for" for name, reason in reasons.items()
        }
    del others[chosen.name]
    how = [chosen.what]
    if x is not None:
        how.append(f"on {x.device}, {str(x.dtype).removeprefix('torch.')}")
        if x.dim() == 3 and (lengths is not None or mask is not None):
            how.append(_skipped(layer, x, lengths, mask))
    return Explanation(title, chosen.name, "; ".join(how), others)


def _skipped(
    layer: Explainable,
    x: Tensor,
    lengths: Tensor | Sequence[int] | None,
    mask: Tensor | None,
) -> str:
    B, T = x.shape[:2] if layer.batch_first else (x.shape[1], x.shape[0])
    lengths, mask = check_lengths(lengths, mask, B, T)
    valid = valid_steps(lengths, mask, T, x.device)
    assert valid is not None  # one of the two is given
    return f"{int(valid.sum())} of {B * T} steps count"
