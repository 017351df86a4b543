"""First and second derivatives against finite differences, in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.func import functional_call

from .twins import KINDS, cell_twins, draw, draw_state, flat, layer_twins, like

# "auto" is one of these.
BACKENDS = ("reference", "torch")
B, T, I, H = 3, 3, 2, 3  # noqa: E741
FORMS = {
    "equal": {},
    "ragged": {"lengths": torch.tensor([2, 3, 1])},
    "empty row": {"lengths": torch.tensor([2, 0, 3])},
    "masked": {
        "mask": torch.tensor([[True, False, True], [False, True, True], [True, True, False]])
    },
}


def _function_of_everything(module, x, state, **arguments):
    """Return a function of flat tensors (input, states, parameters), and those tensors."""
    names = [name for name, _ in module.named_parameters()]
    states = flat(state)

    def function(x: Tensor, *rest: Tensor) -> Tensor:
        state_, parameters = rest[: len(states)], dict(zip(names, rest[len(states) :], strict=True))
        results = functional_call(module, parameters, (x, like(state, state_)), arguments)
        results = (results,) if isinstance(results, Tensor) else results
        tensors = (tensor for result in results for tensor in flat(result))
        return torch.cat([tensor.flatten() for tensor in tensors])

    leaves = (x, *states, *(parameter.detach() for parameter in module.parameters()))
    return function, tuple(leaf.clone().requires_grad_() for leaf in leaves)


def _check(function, leaves) -> None:
    assert gradcheck(function, leaves, fast_mode=True, check_undefined_grad=False)
    assert gradgradcheck(function, leaves, fast_mode=True, check_undefined_grad=False)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", FORMS)
# relu has a kink: finite differences across it would test luck, and torch.nn already is the judge.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name != "relu"], ids=repr)
def test_derivatives_of_a_layer(kind, form, backend):
    L = 2 if form == "ragged" else 1  # two layers take twice the time: once is enough
    layer, _ = layer_twins(kind, I, H, L, bidirectional=True, backend=backend)
    state = draw_state(kind, 2 * L, B, H)
    _check(*_function_of_everything(layer, draw(T, B, I, seed=1), state, **FORMS[form]))


@pytest.mark.parametrize("form", FORMS)
def test_derivatives_of_a_gru_that_resets_before_the_product(form):
    kind = next(kind for kind in KINDS if kind.name == "gru")
    layer, _ = layer_twins(kind, I, H, 1, bidirectional=True)
    before = kind.layer(I, H, 1, bidirectional=True, reset_after=False, dtype=torch.float64)
    before.load_state_dict(layer.state_dict())
    _check(
        *_function_of_everything(
            before, draw(T, B, I, seed=1), draw_state(kind, 2, B, H), **FORMS[form]
        )
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", ["equal", "ragged"])
def test_derivatives_of_a_projection(form, backend):
    kind = next(kind for kind in KINDS if kind.is_lstm)
    layer, _ = layer_twins(kind, I, H, 1, bidirectional=True, proj_size=2, backend=backend)
    state = draw_state(kind, 2, B, H, proj_size=2)
    _check(*_function_of_everything(layer, draw(T, B, I, seed=1), state, **FORMS[form]))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name != "relu"], ids=repr)
def test_derivatives_of_a_cell(kind):
    cell, _ = cell_twins(kind, I, H)
    _check(*_function_of_everything(cell, draw(B, I, seed=1), draw_state(kind, B, H)))
