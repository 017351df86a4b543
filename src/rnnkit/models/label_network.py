"""The network of a label or a number for a sequence, and its losses."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from rnnkit.data.batches import LabelBatch
from rnnkit.errors import ShapeError
from rnnkit.layers import Pooling
from rnnkit.layers.losses import check_label_smoothing
from rnnkit.layers.pooling import PoolingName
from rnnkit.models.forecaster import LAYERS, Cell
from rnnkit.models.inputs import SequenceInput
from rnnkit.sequence import SequenceBatch


class LabelNetwork(nn.Module):
    """Many to one: a recurrent encoder, one vector of its outputs, a linear map.

    `W dropout(pool(y_1 .. y_T)) + b`, with `y` the last layer's outputs, of both directions if
    bidirectional. A sequence without steps gives `b`.

    Args:
        cell: `rnn`, `lstm` or `gru`.
        inputs: what the encoder reads.
        outputs: K, logits of classes, or numbers.
        hidden_size: H, units of each layer and direction.
        layers: stacked layers.
        bidirectional: whether a second direction reads each sequence backwards.
        pooling: `last`, `mean`, `max` or `attention`; see `rnnkit.layers.Pooling`.
        dropout: share of the pooled vector, and of the outputs between layers, dropped in training.
        recurrent_dropout: share of the recurrent state dropped, one mask a sequence.

    Example:
        >>> import torch
        >>> inputs = SequenceInput(vocabulary=50, embedding=8)
        >>> network = LabelNetwork(
        ...     "gru", inputs, outputs=3, hidden_size=7, layers=1, bidirectional=True,
        ...     pooling="max", dropout=0.0, recurrent_dropout=0.0)
        >>> batch = LabelBatch(torch.tensor([[4, 9, 7], [6, 0, 0]]), torch.tensor([3, 1]))
        >>> network(batch).shape, network.vectors(batch).shape
        (torch.Size([2, 3]), torch.Size([2, 14]))
    """

    def __init__(
        self,
        cell: Cell,
        inputs: SequenceInput,
        outputs: int,
        *,
        hidden_size: int,
        layers: int,
        bidirectional: bool,
        pooling: PoolingName,
        dropout: float,
        recurrent_dropout: float,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.encoder = LAYERS[cell](
            inputs.size,
            hidden_size,
            layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=bidirectional,
            recurrent_dropout=recurrent_dropout,
        )
        width = hidden_size * (2 if bidirectional else 1)
        self.pooling = Pooling(pooling, width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, outputs)

    def operations(self, batch_size: int) -> int:
        """Return the floating-point operations of one layer's recurrent product in a time step."""
        return 2 * batch_size * self.encoder.get_parameter("weight_hh_l0").numel()

    def forward(self, batch: LabelBatch) -> Tensor:
        """Return `(B, K)` logits or numbers."""
        return self._outputs(self.inputs(batch), batch)

    def vectors(self, batch: LabelBatch) -> Tensor:
        """Return `(B, D * H)`, what pooling makes of each sequence.

        Tokens are looked up step by step, and not by the table of a whole batch, so that a sequence
        has the same vector whatever stands beside it.
        """
        return self._pooled(self.inputs.steps(batch), batch)

    def attention(self, batch: LabelBatch) -> Tensor | None:
        """Return `(B, T)` weights of the steps, 0 at padding; `None` if pooling has none."""
        if self.pooling.how != "attention":
            return None
        y, _ = self.encoder(self.inputs(batch), lengths=batch.lengths)
        return self.pooling.weights(y, batch.lengths)

    def saliency(self, batch: LabelBatch, output: int | Tensor) -> Tensor:
        """Return how much each step matters for an output: the norm of gradient times input.

        `s_t = ‖∂z_k/∂x_t ∘ x_t‖₂`, with `x_t` the inputs of step t, embedded, and `z_k` the output
        asked for, without dropout. Simonyan et al., "Deep Inside Convolutional Networks", 2014, by
        the gradient; times the input, Shrikumar et al., "Not Just a Black Box", 2016.

        Args:
            batch: of B sequences.
            output: k in `0..K-1`, one for all or `(B,)`, one for each sequence.

        Returns:
            `(B, T)`, 0 at padding.

        Raises:
            ShapeError: if there is no such output.
        """
        B, K = len(batch), self.head.out_features
        chosen = torch.as_tensor(output, device=batch.values.device)
        if chosen.shape not in ((), (B,)) or chosen.dtype != torch.int64:
            raise ShapeError(
                f"output must be one int64 or ({B},), got {chosen.dtype} {tuple(chosen.shape)}"
            )
        if chosen.numel() and not 0 <= int(chosen.min()) <= int(chosen.max()) < K:
            raise ShapeError(f"output must lie in 0..{K - 1}, got {chosen.tolist()}")
        training = self.training
        self.eval()
        try:
            # cuDNN has no gradient outside training.
            with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
                x = self.inputs.steps(batch).detach().requires_grad_()
                z = self._outputs(x, batch).gather(1, chosen.expand(B)[:, None])
                (dx,) = torch.autograd.grad(z.sum(), x)
        finally:
            self.train(training)
        with torch.no_grad():
            norms: Tensor = torch.linalg.vector_norm(dx * x, dim=-1)
            return norms.masked_fill(~batch.mask(), 0.0)

    def _outputs(self, x: Tensor | tuple[Tensor, Tensor], batch: LabelBatch) -> Tensor:
        logits: Tensor = self.head(self.dropout(self._pooled(x, batch)))
        return logits

    def _pooled(self, x: Tensor | tuple[Tensor, Tensor], batch: LabelBatch) -> Tensor:
        y, state = self.encoder(x, lengths=batch.lengths)
        h_n = state[0] if isinstance(state, tuple) else state
        pooled: Tensor = self.pooling(y, h_n, batch.lengths)
        return pooled


class CrossEntropy:
    """The loss of logits `(B, K)` and classes `(B,)`, for the trainer.

    `-(1 - ε) log p(y) - ε/K Σ_k log p(k)`, times the batch's weights where it has some, by which a
    rare class counts more.

    Args:
        label_smoothing: ε in 0..1, default 0.

    Raises:
        ConfigError: if it lies elsewhere.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        check_label_smoothing(label_smoothing)
        self.label_smoothing = label_smoothing

    def __call__(self, model: nn.Module, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
        """Return the sum of a batch's losses and the weight of what it sums."""
        assert batch.targets is not None
        losses = cross_entropy(
            model(batch), batch.targets, reduction="none", label_smoothing=self.label_smoothing
        )
        return _weighed(losses[:, None], batch)


def squared_label_error(model: nn.Module, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
    """Return the sum of squared errors of numbers `(B, K)` and the weight of what it sums."""
    return _weighed(_errors(model, batch).square(), batch)


def absolute_label_error(model: nn.Module, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
    """Return the sum of absolute errors of numbers `(B, K)` and the weight of what it sums."""
    return _weighed(_errors(model, batch).abs(), batch)


def _errors(model: nn.Module, batch: SequenceBatch) -> Tensor:
    outputs: Tensor = model(batch)
    assert batch.targets is not None
    if outputs.shape != batch.targets.shape:  # which would be broadcast
        raise ShapeError(
            f"targets must be {tuple(outputs.shape)} like the outputs, got "
            f"{tuple(batch.targets.shape)}"
        )
    return outputs - batch.targets


def _weighed(losses: Tensor, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
    """Sum losses `(B, K)` by the weights `(B,)` of the batch."""
    weights = batch.weights if isinstance(batch, LabelBatch) else None
    if weights is None:
        return losses.sum(), torch.tensor(float(losses.numel()))
    return (losses * weights[:, None]).sum(), weights.sum() * losses.shape[1]
