"""A linear-chain conditional random field: the score of a whole sequence of tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rnnkit.errors import ConfigError, ShapeError
from rnnkit.ops.case import check_lengths


class CRF(nn.Module):
    """A linear-chain conditional random field over the outputs of a network.

    A sequence of tags y_1..y_T has the score s(y) = start[y_1] + Σ_t e_t[y_t] +
    Σ_t transitions[y_(t-1), y_t] + end[y_T], and the probability exp(s(y)) / Σ exp(s(y')) over all
    sequences y' of that length. Lafferty, McCallum and Pereira (2001), Conditional random fields;
    above a recurrent network: Lample et al. (2016), arXiv 1603.01360, after Collobert et al.
    (2011), arXiv 1103.0398. Everything begins at zero, where each step has a softmax of its own.

    Args:
        tags: K, at least 1.
        device: where the parameters live.
        dtype: of the parameters and the emissions.

    Attributes:
        transitions: `(K, K)`, `[i, j]` the score of tag `j` after tag `i`.
        start: `(K,)` of a first tag.
        end: `(K,)` of a last tag.

    Call arguments:
        emissions: `(B, T, K)`, the score of each tag at each step. What stands at steps beyond a
            row's length may be anything, here and in `tags`.
        tags: `(B, T)` int64 in `0..K-1`.
        lengths: `(B,)` whole numbers in `0..T`, tensor or list; default all T.

    Returns:
        The log-likelihoods `(B,)` of `tags`; 0 for a row of length 0.

    Raises:
        ConfigError: if `tags` is below 1.
        ShapeError: for a wrong shape or type in a call, or a tag outside `0..K-1`.

    Example:
        >>> import torch
        >>> crf = CRF(2)
        >>> with torch.no_grad():
        ...     crf.transitions[0, 0] = -5.0  # hardly ever twice
        >>> emissions = torch.tensor([[[1.0, 0.0], [1.0, 0.5]]])
        >>> crf.decode(emissions), crf.decode(emissions, lengths=[1])
        (tensor([[0, 1]]), tensor([[0, 0]]))
        >>> round(crf(emissions, torch.tensor([[0, 1]])).exp().item(), 3)
        0.504
    """

    def __init__(self, tags: int, *, device: Any = None, dtype: Any = None) -> None:
        if isinstance(tags, bool) or not isinstance(tags, int) or tags < 1:
            raise ConfigError(f"tags must be a whole number of at least 1, got {tags!r}")
        super().__init__()
        self.tags = tags
        self.transitions = nn.Parameter(torch.empty(tags, tags, device=device, dtype=dtype))
        self.start = nn.Parameter(torch.empty(tags, device=device, dtype=dtype))
        self.end = nn.Parameter(torch.empty(tags, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set all scores to zero."""
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def extra_repr(self) -> str:
        """Return the number of tags."""
        return f"{self.tags}"

    def forward(
        self, emissions: Tensor, tags: Tensor, lengths: Tensor | Sequence[int] | None = None
    ) -> Tensor:
        """Return the log-likelihoods of `tags`; see the class."""
        emissions, lengths, mask = self._check(emissions, lengths)
        if tags.shape != mask.shape or tags.dtype != torch.int64:
            raise ShapeError(
                f"tags must be {tuple(mask.shape)} int64, got {tuple(tags.shape)} {tags.dtype}"
            )
        tags = tags.masked_fill(~mask, 0)
        if tags.numel() and (int(tags.min()) < 0 or int(tags.max()) >= self.tags):
            raise ShapeError(
                f"tags must lie in 0..{self.tags - 1}, got {int(tags.min())}..{int(tags.max())}"
            )
        return self._score(emissions, tags, lengths, mask) - self._partition(emissions, lengths)

    def decode(self, emissions: Tensor, lengths: Tensor | Sequence[int] | None = None) -> Tensor:
        """Return the most probable tags `(B, T)` int64, 0 beyond a row's length.

        By the algorithm of Viterbi (1967).
        """
        emissions, lengths, mask = self._check(emissions, lengths)
        if not mask.numel():
            return torch.zeros_like(mask, dtype=torch.int64)
        with torch.no_grad():
            best = self.start + emissions[0]  # (B, K), of sequences that end in each tag
            before = []
            for t in range(1, len(emissions)):
                scores, previous = (best[:, :, None] + self.transitions).max(dim=1)
                best = torch.where(mask[:, t, None], scores + emissions[t], best)
                before.append(previous)  # (B, K)
            tag = (best + self.end).argmax(dim=1)
            path = [tag]
            for t in range(len(before), 0, -1):
                previous = before[t - 1].gather(1, tag[:, None]).squeeze(1)
                tag = torch.where(mask[:, t], previous, tag)
                path.append(tag)
        return torch.stack(path[::-1], dim=1).masked_fill(~mask, 0)

    def marginals(self, emissions: Tensor, lengths: Tensor | Sequence[int] | None = None) -> Tensor:
        """Return the probability `(B, T, K)` of each tag at each step, 0 beyond a row's length.

        By the forward-backward algorithm; Rabiner (1989), section III.A.
        """
        emissions, lengths, mask = self._check(emissions, lengths)
        if not mask.numel():
            return emissions.transpose(0, 1)
        forward = self._forward_scores(emissions)
        after = self.end.expand_as(forward[0])  # (B, K), of all that can follow each tag
        backward = [after]
        for t in range(len(emissions) - 1, 0, -1):
            following = (after + emissions[t])[:, None, :] + self.transitions  # (B, K, K)
            after = torch.where(mask[:, t, None], following.logsumexp(dim=2), self.end)
            backward.append(after)
        scores = torch.stack(forward, dim=1) + torch.stack(backward[::-1], dim=1)
        return scores.softmax(dim=-1).masked_fill(~mask[..., None], 0.0)

    def _check(
        self, emissions: Tensor, lengths: Tensor | Sequence[int] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return emissions `(T, B, K)`, 0 where there is no step, lengths and mask `(B, T)`."""
        if emissions.dim() != 3 or emissions.shape[2] != self.tags:
            raise ShapeError(
                f"emissions must be (B, T, {self.tags}), got shape {tuple(emissions.shape)}"
            )
        B, T, _ = emissions.shape
        checked, _ = check_lengths(lengths, None, B, T)
        if checked is None:
            checked = torch.full((B,), T)
        checked = checked.to(emissions.device)
        mask = torch.arange(T, device=emissions.device) < checked[:, None]
        filled = emissions.masked_fill(~mask[..., None], 0.0)
        return filled.transpose(0, 1).contiguous(), checked, mask

    def _score(self, emissions: Tensor, tags: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
        """Return the scores `(B,)` of `tags`, 0 for a row of length 0."""
        if not mask.numel():
            return emissions.new_zeros(len(mask))
        given = emissions.gather(2, tags.T[..., None]).squeeze(2).sum(dim=0)
        moves = self.transitions[tags[:, :-1], tags[:, 1:]].masked_fill(~mask[:, 1:], 0.0)
        last = tags.gather(1, (lengths - 1).clamp(min=0)[:, None]).squeeze(1)
        ends = (self.start[tags[:, 0]] + self.end[last]).masked_fill(lengths == 0, 0.0)
        return given + moves.sum(dim=1) + ends

    def _partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Return log Σ exp(s(y)) over all sequences `(B,)`, 0 for a row of length 0."""
        if not emissions.numel():
            return emissions.new_zeros(len(lengths))
        scores = torch.stack(self._forward_scores(emissions))  # (T, B, K)
        rows = torch.arange(len(lengths), device=lengths.device)
        last = scores[(lengths - 1).clamp(min=0), rows]
        return (last + self.end).logsumexp(dim=1).masked_fill(lengths == 0, 0.0)

    def _forward_scores(self, emissions: Tensor) -> list[Tensor]:
        """Return log Σ exp of the scores, so far, of sequences that have come to each tag.

        `(B, K)` for each step of `(T, B, K)`; beyond a row's length they mean nothing.
        """
        scores = self.start + emissions[0]
        steps = [scores]
        for emission in emissions[1:].unbind():
            scores = (scores[:, :, None] + self.transitions).logsumexp(dim=1) + emission
            steps.append(scores)
        return steps
