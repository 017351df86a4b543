"""The next value of noisy sums of two sines: two layers of SimpleRNN beside two simple forecasts.

    python examples/deep_sine.py

The layer is used as torch.nn's would be; only the import differs.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from rnnkit.layers import SimpleRNN

STEPS = 40
EPOCHS = 15
BATCH = 50


def series(count: int, generator: torch.Generator) -> Tensor:
    """Return `(count, STEPS + 1, 1)`: a slow and a fast sine of random speed, and noise."""
    time = torch.linspace(0, 1, STEPS + 1)
    phase, speed = torch.rand(2, 2, count, 1, generator=generator)  # one for each sine
    slow = torch.sin((5 + 20 * speed[0]) * (time - phase[0]))
    fast = torch.sin((20 + 40 * speed[1]) * (time - phase[1]))
    noise = torch.randn(count, STEPS + 1, generator=generator)
    return (0.5 * slow + 0.2 * fast + 0.03 * noise)[..., None]


class NextValue(nn.Module):
    """Two recurrent layers, and a linear map of what they know after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = SimpleRNN(1, 32, num_layers=2, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, T, 1)`, after each step the value that follows, for `x (B, T, 1)`."""
        y, _ = self.encoder(x)
        return self.head(y)


def main() -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    train, test = series(4000, generator), series(1000, generator)

    model = NextValue()
    optimizer = torch.optim.Adam(model.parameters())
    steps = EPOCHS * len(train) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(train), generator=generator).split(BATCH):
            x, y = train[index, :-1], train[index, 1:]
            loss = nn.functional.mse_loss(model(x)[:, 5:], y[:, 5:])  # the first few are a guess
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()

    known, actual = test[:, :-1], test[:, -1]
    with torch.no_grad():
        forecast = model(known)[:, -1]
    weights = torch.linalg.lstsq(train[:, :-1, 0], train[:, -1]).solution
    for name, values in [
        ("last value", known[:, -1]),
        ("linear regression", known[..., 0] @ weights),
        ("SimpleRNN", forecast),
    ]:
        print(f"{name:<17}  RMSE {math.sqrt(nn.functional.mse_loss(values, actual)):.4f}")


if __name__ == "__main__":
    main()
