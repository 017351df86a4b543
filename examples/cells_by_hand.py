"""A stack of cells looped by hand, as in the textbooks, and the same by two shorter ways.

python examples/cells_by_hand.py
"""

from __future__ import annotations

import torch

from rnnkit.layers import LSTM, RNN, LSTMCell

B, T, INPUTS, H = 4, 9, 3, 5


def main() -> None:
    torch.manual_seed(0)
    x = torch.randn(B, T, INPUTS)
    lower, upper = LSTMCell(INPUTS, H), LSTMCell(H, H)

    # By hand: at each step the upper cell reads the state of the lower one.
    outputs = []
    lower_state, upper_state = None, None
    for x_t in x.unbind(1):
        lower_state = lower(x_t, lower_state)
        upper_state = upper(lower_state[0], upper_state)
        outputs.append(upper_state[0])
    by_hand = torch.stack(outputs, 1)  # (B, T, H)

    # RNN runs any cell, or stack of cells, over time. It knows lengths, too.
    by_wrapper, _ = RNN([lower, upper], batch_first=True)(x)

    # The layer holds the same weights under torch.nn's names, and runs them fused.
    layer = LSTM(INPUTS, H, num_layers=2, batch_first=True)
    layer.load_state_dict(
        {
            f"{name}_l{number}": weight
            for number, cell in enumerate([lower, upper])
            for name, weight in cell.state_dict().items()
        }
    )
    by_layer, _ = layer(x)

    for name, y in (("RNN of cells", by_wrapper), ("LSTM layer", by_layer)):
        print(f"{name}: largest difference {(y - by_hand).abs().max().item():.1e}")


if __name__ == "__main__":
    main()
