"""Train the networks of a classification or regression, and ask them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.data.batches import LabelBatch, LabelledSequences, bounded
from rnnkit.data.examples.contract import Examples
from rnnkit.data.text.vectors import read_vectors, train_vectors
from rnnkit.errors import DataError
from rnnkit.layers.pooling import PoolingName
from rnnkit.messages import Message
from rnnkit.models.label_network import (
    CrossEntropy,
    LabelNetwork,
    absolute_label_error,
    squared_label_error,
)
from rnnkit.tasks.labels.codec import ExampleCodec
from rnnkit.tasks.labels.config import (
    ClassifyConfig,
    Kind,
    LabelOptions,
    RegressConfig,
    batch_size,
    ensemble_size,
    epochs,
    patience,
    poolings,
    schedule,
)
from rnnkit.tasks.labels.parts import Groups, IntArray, folds
from rnnkit.training import History, Progress, Trainer, TrainingConfig
from rnnkit.training.epochs import Loss

FloatArray = NDArray[np.float64]

BATCH = 256  # sequences that are predicted at once


@dataclass(frozen=True, eq=False)
class LabelFit:
    """Trained networks and how they came about.

    Args:
        codec: of their inputs.
        pooling: by which states become one vector.
        networks: whose outputs are averaged.
        histories: of the training of each.
        notes: what was done on the way.
    """

    codec: ExampleCodec
    pooling: PoolingName
    networks: tuple[LabelNetwork, ...]
    histories: tuple[History, ...]
    notes: tuple[Message, ...] = ()


def fit_networks(
    train: Examples,
    answers: Tensor,
    groups: Groups,
    validation: tuple[Examples, Tensor] | None,
    config: LabelOptions,
    outputs: int,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> LabelFit:
    """Train the networks.

    Args:
        train: what they learn from; without `validation` each network of several leaves out a fold
            of it to stop early by.
        answers: of these, `(S,)` int64 classes or `(S, K)` float32 numbers.
        groups: which of these are equal.
        validation: examples to stop early by, with their answers.
        config: the options.
        outputs: classes or numbers, K.
        checkpoints: folder for the state of the training; `None` keeps none.
        resume: go on from `checkpoints`.
        progress: shows the epochs.

    Raises:
        DataError: if a text cannot be encoded, or a file of vectors cannot be read.
        TrainingError: if a training diverges.
    """
    codec = ExampleCodec.fit(train, config)
    weights = _class_weights(config, answers, outputs)
    data = codec.encode(train, answers, weights)
    codec = codec.counted(data, config)
    held = None
    if validation is not None:
        examples, their_answers = validation
        their_weights = None if weights is None else _of_classes(config, answers, outputs)
        held = codec.encode(
            examples, their_answers, None if their_weights is None else their_weights[their_answers]
        )
    vectors, notes = _vectors(codec, data, config)
    members = ensemble_size(config, len(train))
    # Each fold has an example at least, and leaves one to learn from.
    count = min(members, len(groups.strata))
    folded = held is None and count > 1 and config.validation_size is None
    fold = folds(groups, count, config.seed) if folded else None
    tried = poolings(config, codec.kind, folded=fold is not None)
    fits: list[LabelFit] = []
    for pooling in tried:
        networks, histories = [], []
        for member in range(members):
            own, stop = data, held
            if fold is not None:
                out = fold == member % count
                own, stop = _rows(data, ~out), _rows(data, out)
            network, history = _train(
                new_network(codec, config, outputs, member, pooling, vectors),
                own,
                stop,
                config,
                member=member,
                share=members * len(tried),
                title=_title(member, members, pooling if len(tried) > 1 else ""),
                checkpoint=None
                if checkpoints is None
                else checkpoints / f"network-{pooling}-{member}.safetensors",
                resume=resume,
                progress=progress,
                kind=codec.kind,
            )
            networks.append(network)
            histories.append(history)
        fits.append(LabelFit(codec, pooling, tuple(networks), tuple(histories)))
    best = fits[0]
    if len(fits) > 1:
        best, note = _best(fits)
        notes = (*notes, note)
    return replace(best, notes=(*codec.notes, *notes))


def _best(fits: Sequence[LabelFit]) -> tuple[LabelFit, Message]:
    """Return the fit whose networks foretell best what each of them left out, and say so."""
    losses = []
    for fit in fits:
        held = [history.best_loss for history in fit.histories]
        losses.append(float(np.mean([loss for loss in held if loss is not None])))
    best = fits[int(np.argmin(losses))]
    found = (f"{fit.pooling} {loss:.3g}" for fit, loss in zip(fits, losses, strict=True))
    return best, Message(
        "states become one vector by {pooling}: smallest loss on what networks left out ({losses})",
        {"pooling": best.pooling, "losses": ", ".join(found)},
    )


def _train(
    network: LabelNetwork,
    own: LabelledSequences,
    stop: LabelledSequences | None,
    config: LabelOptions,
    *,
    member: int,
    share: int,
    title: str | Message,
    checkpoint: Path | None,
    resume: bool,
    progress: Progress | None,
    kind: Kind,
) -> tuple[LabelNetwork, History]:
    """Train one network; it has one part in `share` of the time that is allowed."""
    count = len(own)
    trainer = Trainer(
        TrainingConfig(
            epochs=epochs(config, count, kind),
            batch_size=batch_size(config, count),
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            schedule=schedule(config, kind),
            patience=None if stop is None else patience(config, count, kind),
            clip_norm=config.clip_norm,
            time_limit=None if config.time_limit is None else config.time_limit / share,
            seed=_member_seed(config, member),
            device=config.device,
        ),
        progress=progress,
        title=title,
    )
    history = trainer.fit(network, _loss(config), own, stop, checkpoint=checkpoint, resume=resume)
    return network.eval(), history


def new_network(
    codec: ExampleCodec,
    config: LabelOptions,
    outputs: int,
    member: int,
    pooling: PoolingName,
    vectors: Tensor | None = None,
) -> LabelNetwork:
    """Return an untrained network; its weights follow from the seed and the member's number."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_member_seed(config, member))
        return LabelNetwork(
            config.cell,
            codec.new_input(config, vectors),
            outputs,
            hidden_size=config.hidden_size,
            layers=config.layers,
            bidirectional=config.bidirectional,
            pooling=pooling,
            dropout=config.dropout,
            recurrent_dropout=config.recurrent_dropout,
        )


def outputs_of(
    networks: Sequence[LabelNetwork], data: LabelledSequences, device: str, *, classes: bool
) -> FloatArray:
    """Return the mean output of the networks, `(S, K)`: probabilities or scaled numbers."""
    total = np.zeros((len(data), networks[0].head.out_features))
    for index, batch in in_batches(data, device):
        for network in networks:
            weight, bias = (p.double().cpu().numpy() for p in network.head.parameters())
            pooled = network.vectors(batch).double().cpu().numpy()
            for row, vector in zip(index, pooled, strict=True):
                # Row by row: a product of matrices may round a row by the rows beside it.
                z = weight @ vector + bias
                total[row] += softmax(z) if classes else z
    return total / len(networks)


def softmax(z: FloatArray) -> FloatArray:
    """Return `exp(z) / sum exp(z)` of logits `(K,)`."""
    powers = np.exp(z - z.max())
    return np.asarray(powers / powers.sum())


def vectors_of(
    networks: Sequence[LabelNetwork], data: LabelledSequences, device: str
) -> FloatArray:
    """Return the pooled states of all networks side by side, `(S, W)`."""
    parts = []
    for network in networks:
        found = np.zeros((len(data), network.head.in_features))
        for index, batch in in_batches(data, device):
            found[index] = network.vectors(batch).cpu().numpy()
        parts.append(found)
    return np.concatenate(parts, axis=1)


def in_batches(data: LabelledSequences, device: str) -> Iterator[tuple[IntArray, LabelBatch]]:
    """Yield the sequences in batches of like length, with their numbers."""
    with torch.no_grad():
        batches = data.arrange(torch.arange(len(data)), BATCH)
        for index in bounded(batches, data.values.lengths):
            yield index.numpy(), data.batch(index).to(device)


def _rows(data: LabelledSequences, chosen: NDArray[np.bool_]) -> LabelledSequences:
    index = np.flatnonzero(chosen)
    rows = torch.from_numpy(index)
    return LabelledSequences(
        data.values.take(index),
        None if data.targets is None else data.targets[rows],
        None if data.codes is None else data.codes.take(index),
        None if data.weights is None else data.weights[rows],
    )


def _of_classes(config: LabelOptions, answers: Tensor, classes: int) -> Tensor | None:
    """Return the weight `(K,)` of each class in the loss; `None` where all weigh the same."""
    if not isinstance(config, ClassifyConfig) or config.class_weights == "none":
        return None
    counts = torch.bincount(answers, minlength=classes).clamp(min=1).float()
    return len(answers) / (classes * counts)


def _class_weights(config: LabelOptions, answers: Tensor, classes: int) -> Tensor | None:
    weights = _of_classes(config, answers, classes)
    return None if weights is None else weights[answers]


def _loss(config: LabelOptions) -> Loss:
    if isinstance(config, ClassifyConfig):
        return CrossEntropy(config.label_smoothing)
    assert isinstance(config, RegressConfig)
    return absolute_label_error if config.loss == "absolute" else squared_label_error


def _vectors(
    codec: ExampleCodec, data: LabelledSequences, config: LabelOptions
) -> tuple[Tensor | None, tuple[Message, ...]]:
    """Return what the embedding starts from, where that is not random."""
    if codec.text is None or (config.vectors is None and config.embedding != "word2vec"):
        return None, ()
    vocabulary = codec.text.vocabulary
    if config.vectors is not None:
        found, share = read_vectors(Path(config.vectors), vocabulary)
        if found.shape[1] != config.embedding_size:
            raise DataError(
                f"{config.vectors} has vectors of {found.shape[1]} numbers, and embedding_size is"
                f" {config.embedding_size}: give the same"
            )
        note = Message("vectors were read for {share:.1%} of the tokens", {"share": share})
        return torch.from_numpy(found), (note,)
    learned = train_vectors(data.values, vocabulary, size=config.embedding_size, seed=config.seed)
    note = Message("the embedding starts from Word2Vec vectors of the training texts")
    return torch.from_numpy(learned), (note,)


def _title(member: int, members: int, pooling: str) -> str | Message:
    if members == 1:
        return ""
    values = {"number": member + 1, "count": members}
    if pooling:
        return Message("{pooling}, network {number}/{count}", {"pooling": pooling, **values})
    return Message("network {number}/{count}", values)


def _member_seed(config: LabelOptions, member: int) -> int:
    return config.seed * 10_000 + member
