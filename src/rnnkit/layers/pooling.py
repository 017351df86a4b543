"""Pooling: from the outputs of a recurrent layer to one vector a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from rnnkit.errors import ConfigError, ShapeError, closest
from rnnkit.ops.case import check_lengths, valid_steps

PoolingName = Literal["last", "mean", "max", "attention"]
POOLINGS: tuple[str, ...] = get_args(PoolingName)


class Pooling(nn.Module):
    """One vector of each sequence, from the steps that count.

    - `last`: the state after the last step run: forwards the last step that counts, backwards the
      first, side by side.
    - `mean` and `max`: of each output over the steps.
    - `attention`: the sum over the steps of `a_t y_t`, with `a = softmax over t of
      v · tanh(W y_t + b)`: the additive score of Bahdanau et al., "Neural Machine Translation by
      Jointly Learning to Align and Translate", 2015, with a learned vector in place of the
      decoder's state, as in Yang et al., "Hierarchical Attention Networks for Document
      Classification", 2016, equations 5 to 7.

    Padding never counts, whatever stands there, and a sequence without steps gives zeros.

    Args:
        how: `last`, `mean`, `max` or `attention`.
        width: W, numbers of an output: `D * H`.

    Call arguments:
        y: `(B, T, W)`, the layer's outputs.
        h_n: `(L * D, B, H)`, its last states; of LSTM, without the cells.
        lengths: `(B,)` whole numbers in `0..T`, default all T.

    Returns:
        `(B, W)`.

    Raises:
        ConfigError: if there is no such pooling, or the width is below 1.
        ShapeError: if a tensor does not fit.

    Example:
        >>> import torch
        >>> y = torch.tensor([[[1.0], [5.0], [9.0]], [[2.0], [4.0], [float("nan")]]])
        >>> Pooling("mean", 1)(y, torch.zeros(1, 2, 1), lengths=[3, 2]).tolist()
        [[5.0], [3.0]]
    """

    def __init__(self, how: PoolingName, width: int) -> None:
        super().__init__()
        if how not in POOLINGS:
            hint = closest(how, POOLINGS) if isinstance(how, str) else ""
            raise ConfigError(f"pooling must be one of {', '.join(POOLINGS)}, got {how!r}{hint}")
        if isinstance(width, bool) or not isinstance(width, int) or width < 1:
            raise ConfigError(f"width must be a whole number of at least 1, got {width!r}")
        self.how = how
        self.width = width
        if how == "attention":
            self.hidden = nn.Linear(width, width)
            self.score = nn.Linear(width, 1, bias=False)  # a constant would leave softmax as it is

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"{self.how!r}, {self.width}"

    def forward(
        self, y: Tensor, h_n: Tensor, lengths: Tensor | Sequence[int] | None = None
    ) -> Tensor:
        """Return `(B, W)`; see the class."""
        valid = self._valid(y, lengths)
        if self.how == "last":
            return self._last(y, h_n)
        if self.how == "max":
            return _max(y, valid)
        y = _without_padding(y, valid)
        if self.how == "mean":
            if valid is None:
                return y.mean(dim=1)
            return y.sum(dim=1) / valid.sum(dim=1, keepdim=True).clamp(min=1)
        return (self._attention(y, valid)[:, None] @ y).squeeze(1)

    def weights(self, y: Tensor, lengths: Tensor | Sequence[int] | None = None) -> Tensor:
        """Return the attention `a (B, T)` of each step: they sum to 1, and are 0 at padding.

        Args:
            y: `(B, T, W)`.
            lengths: `(B,)` in `0..T`, default all T; a row of length 0 has zeros.

        Raises:
            ConfigError: if this pooling weighs no steps.
            ShapeError: if a tensor does not fit.
        """
        if self.how != "attention":
            raise ConfigError(
                f"pooling {self.how!r} has no weights for steps: use 'attention', or the saliency "
                "of a network"
            )
        valid = self._valid(y, lengths)
        return self._attention(_without_padding(y, valid), valid)

    def _valid(self, y: Tensor, lengths: Tensor | Sequence[int] | None) -> Tensor | None:
        if y.dim() != 3 or y.shape[1] == 0 or y.shape[2] != self.width:
            raise ShapeError(
                f"y must be (B, T, {self.width}) with T at least 1, got {tuple(y.shape)}"
            )
        B, T, _ = y.shape
        return valid_steps(check_lengths(lengths, None, B, T)[0], None, T, y.device)

    def _last(self, y: Tensor, h_n: Tensor) -> Tensor:
        B, D = len(y), self.width // max(1, h_n.shape[-1])
        if h_n.dim() != 3 or len(h_n) < D or h_n.shape[1:] != (B, self.width / max(1, D)):
            raise ShapeError(
                f"h_n must be (L * D, {B}, H) with D * H = {self.width}, got {tuple(h_n.shape)}"
            )
        return torch.cat(list(h_n[-D:]), dim=-1)

    def _attention(self, y: Tensor, valid: Tensor | None) -> Tensor:
        """Return `(B, T)` weights of `y`, which holds zeros at padding."""
        scores = self.score(torch.tanh(self.hidden(y))).squeeze(-1)
        if valid is None:
            return torch.softmax(scores, dim=1)
        # Not -inf: a row of nothing else would give NaN.
        scores = scores.masked_fill(~valid, torch.finfo(scores.dtype).min)
        return torch.softmax(scores, dim=1) * valid


def _max(y: Tensor, valid: Tensor | None) -> Tensor:
    # max, not amax: its gradient takes a third of the time.
    if valid is None:
        return y.max(dim=1).values
    highest = y.masked_fill(~valid[..., None], -torch.inf).max(dim=1).values
    return highest.masked_fill(~valid.any(dim=1)[:, None], 0.0)


def _without_padding(y: Tensor, valid: Tensor | None) -> Tensor:
    # 0 * NaN is NaN: what stands at padding must not enter a product, nor its gradient.
    return y if valid is None else y.masked_fill(~valid[..., None], 0.0)
