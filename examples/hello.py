"""Three words learned by heart: which letter follows which, by SimpleRNN and by LSTM.

    python examples/hello.py

Each letter is a one-hot vector; each network reads a batch of words and predicts at every step the
next letter. Words may differ in length: padding has weight 0 in the loss. This shows that layers,
lengths and loss fit together; a network that learns three words has learned nothing about others.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnnkit.layers import LSTM, SimpleRNN, sequence_loss

WORDS = ["hello", "apple", "lobby"]
LETTERS = sorted(set("".join(WORDS)))
STEPS = 150


class NextLetter(nn.Module):
    """A recurrent layer over one-hot letters, and a linear map to the logits of the next."""

    def __init__(self, layer: type[SimpleRNN] | type[LSTM]) -> None:
        super().__init__()
        self.layer = layer(len(LETTERS), 16, batch_first=True)
        self.head = nn.Linear(16, len(LETTERS))

    def forward(self, letters: Tensor, lengths: Tensor) -> Tensor:
        """Return logits `(B, T, K)` for the letters `(B, T)` of words of `lengths (B,)`."""
        one_hot = nn.functional.one_hot(letters, len(LETTERS)).float()  # (B, T, K)
        states, _ = self.layer(one_hot, lengths=lengths)
        return self.head(states)


def batch() -> tuple[Tensor, Tensor, Tensor]:
    """Return the words without their last letter, those without their first, and the lengths."""
    codes = [torch.tensor([LETTERS.index(letter) for letter in word]) for word in WORDS]
    inputs = nn.utils.rnn.pad_sequence([word[:-1] for word in codes], batch_first=True)
    targets = nn.utils.rnn.pad_sequence([word[1:] for word in codes], batch_first=True)
    return inputs, targets, torch.tensor([len(word) - 1 for word in codes])


def main() -> None:
    inputs, targets, lengths = batch()
    weights = (torch.arange(inputs.shape[1]) < lengths[:, None]).float()  # 0 at padding
    for layer in (SimpleRNN, LSTM):
        torch.manual_seed(0)
        model = NextLetter(layer)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        for _ in range(STEPS):
            loss = sequence_loss(model(inputs, lengths), targets, weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"{layer.__name__}: loss {loss.item():.4f}")
        predicted = model(inputs, lengths).argmax(dim=-1)
        for word, row, length in zip(WORDS, predicted, lengths, strict=True):
            read = "".join(LETTERS[code] for code in row[:length])
            print(f"  {word[:-1]} -> {read}")
    print(
        "The networks know these words by heart. That is a check that they can fit, an overfit"
        " check: it says nothing about words that they have not seen."
    )


if __name__ == "__main__":
    main()
