"""Random cases, run by the native kernels and by the reference, outputs and gradients together."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from rnnkit.ops import native, reference
from rnnkit.ops.case import Case, valid_steps
from rnnkit.ops.spec import CELLS

# Of a float64 reference: relative to the largest element, with 1 added.
TOLERANCE = {torch.float32: 2e-4, torch.float64: 1e-10}
LAYOUTS = ("rows", "time-major", "slices", "columns", "expanded", "transposed")
FEEDS = ("random", "ones", "expanded rows", "slices", "none")


class Problem(NamedTuple):
    """A case without gradients, and the gradients of its outputs (`None`: not used)."""

    case: Case
    outer: tuple[Tensor | None, ...]  # of y, then of every state


class Result(NamedTuple):
    """What a backend gave, by name: outputs first, then gradients."""

    outputs: dict[str, Tensor]
    gradients: dict[str, Tensor]


def names(case: Case) -> list[str]:
    """Return the names of all tensors that can have a gradient."""
    D = 2 if case.bidirectional else 1
    each = ["w_ih", "w_hh"] + (["b_ih", "b_hh"] if case.bias else [])
    weights = [f"{name}[{k}]" for k in range(case.layers * D) for name in each]
    masks = [f"dropout[{k}]" for k in range(len(case.recurrent_dropout_masks or []))]
    return ["x", *(f"{state}0" for state in case.cell.states), *weights, *masks]


def tensors(case: Case) -> list[Tensor]:
    """Return the tensors that `names` names."""
    return [case.x, *case.states, *case.flat_weights, *(case.recurrent_dropout_masks or [])]


def replaced(case: Case, leaves: list[Tensor]) -> Case:
    """Return `case` over other tensors, in the order of `tensors`."""
    states, weights = len(case.states), len(case.flat_weights)
    masks = leaves[1 + states + weights :]
    return case._replace(
        x=leaves[0],
        states=tuple(leaves[1 : 1 + states]),
        flat_weights=leaves[1 + states : 1 + states + weights],
        recurrent_dropout_masks=masks or None,
    )


def make(
    cell: str,
    shape: tuple[int, int, int, int],
    dtype: torch.dtype = torch.float32,
    *,
    seed: int = 0,
    directions: int = 1,
    layers: int = 1,
    bias: bool = True,
    reverse: bool = False,
    time_major: bool = False,
    layout: str = "rows",
    lengths: str = "none",
    mask: bool = False,
    dropout: bool = False,
    feed: str = "random",
    feeds: tuple[bool, ...] = (True, True, True),
) -> Problem:
    """Return a random case with NaN at every step that does not count.

    Args:
        cell: the cell's name.
        shape: B, T, I and H.
        dtype: of all numbers.
        seed: of all numbers.
        directions: 1 or 2.
        layers: in the stack.
        bias: whether there are biases.
        reverse: from the last step to the first.
        time_major: x is `(T, B, I)`.
        layout: one of LAYOUTS: how x and the parameters lie in memory.
        lengths: "none", "ragged" (0 and T among them) or "zero".
        mask: whether there is a mask with gaps.
        dropout: whether h is masked on its way into the product.
        feed: one of FEEDS: how the gradient of y lies in memory, and what it is.
        feeds: which of y, h_n and c_n have a gradient.
    """
    B, T, I, H = shape  # noqa: E741
    spec, G, LD = CELLS[cell], len(CELLS[cell].gates), layers * directions
    generator = torch.Generator().manual_seed(seed)

    def draw(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator, dtype=dtype)

    def lay(tensor: Tensor) -> Tensor:
        if layout == "slices":  # every third of the last dimension, from the second on
            room = tensor.new_full((*tensor.shape[:-1], 3 * tensor.shape[-1] + 2), float("nan"))
            room[..., 1:-1:3] = tensor
            return room[..., 1:-1:3]
        if layout == "transposed" and tensor.dim() > 1:
            return tensor.transpose(-1, -2).contiguous().transpose(-1, -2)
        return tensor

    ends = within = None
    if lengths != "none":
        ends = torch.randint(0, T + 1, (B,), generator=generator)
        ends[:1], ends[1:2] = T, 0
        ends = ends * 0 if lengths == "zero" else ends[torch.randperm(B, generator=generator)]
    if mask:
        within = torch.rand(B, T, generator=generator) < 0.6
    x = draw(B, T, I)
    if layout == "expanded" and B:
        x = x[:1].expand(B, T, I)
    valid = valid_steps(ends, within, T, torch.device("cpu"))
    if valid is not None and not (layout == "expanded" and B):
        x = x.masked_fill(~valid[..., None], float("nan"))
    if layout == "columns":
        x = torch.cat([draw(B, T, 3), x, draw(B, T, 2)], dim=-1)[..., 3 : 3 + I]
    if time_major:
        x = x.transpose(0, 1)
        x = x if layout in ("expanded", "time-major") else x.contiguous()
    elif layout == "time-major":
        x = x.transpose(0, 1).contiguous().transpose(0, 1)

    weights = []
    for k in range(LD):
        wide = I if k < directions else directions * H
        weights += [
            lay(draw(G * H, wide) / (1 + wide) ** 0.5),
            lay(draw(G * H, H) / (1 + H) ** 0.5),
        ]
        weights += [draw(G * H), draw(G * H)] if bias else []
    masks = None
    if dropout:
        keep = torch.rand(LD, B, H, generator=generator) < 0.7
        masks = [lay(each) for each in (keep.to(dtype) / 0.7).unbind()]
    case = Case(
        cell=spec,
        x=lay(x) if layout in ("slices", "transposed") else x,
        states=tuple(lay(draw(LD, B, H)) for _ in spec.states),
        flat_weights=weights,
        bias=bias,
        time_major=time_major,
        layers=layers,
        bidirectional=directions == 2,
        reverse=reverse,
        lengths=ends,
        mask=within,
        recurrent_dropout_masks=masks,
    )
    wide = directions * H
    if feed == "ones":  # as sum() hands them on: every stride is 0
        dy = torch.ones((), dtype=dtype).expand(B, T, wide)
    elif feed == "expanded rows":  # the same of every row
        dy = draw(1, T, wide).expand(B, T, wide)
    else:
        dy = draw(B, T, wide)
        if valid is not None:
            dy = dy.masked_fill(~valid[..., None], float("nan"))
        if feed == "slices":
            dy = torch.stack([draw(B, T, wide), dy], dim=-1)[..., 1]
    if time_major:
        dy = dy.transpose(0, 1)
    outer = (dy, *(draw(LD, B, H) for _ in spec.states))
    return Problem(
        case,
        tuple(gradient if wanted else None for gradient, wanted in zip(outer, feeds, strict=False)),
    )


def run(
    backend: Callable[[Case], tuple[Tensor, tuple[Tensor, ...]]],
    problem: Problem,
    wanted: list[str],
) -> Result:
    """Run a case forward and backward; `wanted` names the gradients."""
    case, outer = problem
    known = dict(zip(names(case), tensors(case), strict=True))
    leaves = {name: tensor.detach() for name, tensor in known.items()}
    for name in wanted:
        leaves[name].requires_grad_()
    y, states = backend(replaced(case, list(leaves.values())))
    outputs = {"y": y, **{f"{n}_n": s for n, s in zip(case.cell.states, states, strict=True)}}
    pairs = [(o, g) for o, g in zip(outputs.values(), outer, strict=True) if g is not None]
    found: tuple[Tensor | None, ...] = ()
    if wanted and pairs and any(o.requires_grad for o, _ in pairs):
        found = torch.autograd.grad(
            [o for o, _ in pairs],
            [leaves[name] for name in wanted],
            [g.to(o.dtype) for o, g in pairs],
            allow_unused=True,
        )
    gradients = dict(zip(wanted, found, strict=False))
    return Result(
        {name: tensor.detach() for name, tensor in outputs.items()},
        {name: g for name, g in gradients.items() if g is not None},
    )


def in_double(problem: Problem) -> Problem:
    """Return the same numbers in float64."""
    case, outer = problem
    return Problem(
        replaced(case, [tensor.double() for tensor in tensors(case)]),
        tuple(g if g is None else g.double() for g in outer),
    )


def error(got: Tensor, expected: Tensor) -> float:
    """Return the largest difference over 1 and the largest expected; infinite where NaN."""
    if got.numel() == 0:
        return 0.0
    worst = ((got.double() - expected).abs().max() / (1 + expected.abs().max())).item()
    return float("inf") if math.isnan(worst) else worst


def check(problem: Problem, wanted: list[str]) -> bool:
    """Hold the native kernels against the reference in float64; leaves one thread.

    Returns:
        Whether the gradients could be compared: not where float32 puts a ReLU on its other side.
    """
    got = run(native.run, problem, wanted)
    torch.set_num_threads(1)  # in the reference others only wait for one another
    expected = run(reference.run, in_double(problem), wanted)
    tolerance = TOLERANCE[problem.case.x.dtype]
    wrong = {name: error(got.outputs[name], of) for name, of in expected.outputs.items()}
    kinked = problem.case.cell.name == "rnn_relu" and bool(
        ((got.outputs["y"] > 0) != (expected.outputs["y"] > 0)).any()
    )
    if not kinked:
        for name, of in expected.gradients.items():
            assert got.gradients[name].shape == of.shape
            wrong[name] = error(got.gradients[name], of)
    wrong = {name: by for name, by in wrong.items() if not by <= tolerance}
    assert not wrong, wrong
    return not kinked
