"""AdamW over PyTorch's fused step, without the second and a half that `torch.optim.AdamW` costs.

Creating any optimiser of `torch.optim` imports the compiler (`torch._dynamo`), which takes as long
as importing torch itself. The fused function below them computes the same bits, one call for all
parameters, without what they do around it, as long as a small model's whole step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


class AdamW:
    """Adam with decoupled weight decay, betas 0.9 and 0.999, epsilon 1e-8.

    Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2. A parameter
    without a gradient is left alone.

    Args:
        parameters: what is optimised.
        weight_decay: share of a weight that is taken off per unit of learning rate.

    Example:
        >>> weight = nn.Parameter(torch.ones(3))
        >>> optimizer = AdamW([weight], weight_decay=0.0)
        >>> weight.sum().backward()
        >>> optimizer.step(rate=0.5)
        >>> weight.data
        tensor([0.5000, 0.5000, 0.5000])
    """

    def __init__(self, parameters: Sequence[nn.Parameter], weight_decay: float) -> None:
        self.parameters = list(parameters)
        self._weight_decay = weight_decay
        self._means = [torch.zeros_like(p) for p in self.parameters]
        self._squares = [torch.zeros_like(p) for p in self.parameters]
        self._steps = [torch.zeros((), device=p.device) for p in self.parameters]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def gradients(self) -> list[Tensor]:
        """Return the gradients of the parameters that have one."""
        return [p.grad for p in self.parameters if p.grad is not None]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Take one step with the learning rate `rate`."""
        used = [number for number, p in enumerate(self.parameters) if p.grad is not None]
        if not used:
            return
        steps = [self._steps[number] for number in used]
        torch._foreach_add_(steps, 1)
        torch._fused_adamw_(
            [self.parameters[number] for number in used],
            self.gradients(),
            [self._means[number] for number in used],
            [self._squares[number] for number in used],
            [],
            steps,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=rate,
            weight_decay=self._weight_decay,
            eps=1e-8,
            maximize=False,
        )

    def state_dict(self) -> dict[str, Tensor]:
        """Return the running means and step counts, by parameter number; not copies."""
        return {
            f"{number}.{name}": tensor
            for name, tensors in self._named()
            for number, tensor in enumerate(tensors)
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_dict` gave for parameters of the same shapes."""
        for name, tensors in self._named():
            for number, tensor in enumerate(tensors):
                tensor.copy_(state[f"{number}.{name}"])

    def _named(self) -> tuple[tuple[str, list[Tensor]], ...]:
        return ("mean", self._means), ("square", self._squares), ("step", self._steps)
