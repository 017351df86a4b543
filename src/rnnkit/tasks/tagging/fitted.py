"""What fitting a tagger found, as a run folder and back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch

from rnnkit import __version__
from rnnkit.baselines.tags import TagTable
from rnnkit.data.examples.contract import Sentences
from rnnkit.data.tagged import TagCodec
from rnnkit.messages import Message
from rnnkit.tasks.scores import evaluation_json, evaluation_values
from rnnkit.tasks.tagging.config import TagConfig
from rnnkit.tasks.tagging.evaluation import TagEvaluation
from rnnkit.tasks.tagging.fitting import Tagger, new_network
from rnnkit.training import History, find_device
from rnnkit.training.run_folder import Run, RunWriter


@dataclass(frozen=True)
class Part:
    """What is known of a part of the data when it is gone.

    Args:
        name: `training`, `validation` or `test`.
        sentences: how many.
        words: how many.
        tags: how many words have each tag of the training part.
    """

    name: str
    sentences: int
    words: int
    tags: tuple[int, ...]

    @classmethod
    def of(cls, name: str, sentences: Sentences, tags: tuple[str, ...]) -> Part:
        """Return what is to be known of sentences with tags."""
        assert sentences.tags is not None
        counts = Counter(tag for given in sentences.tags for tag in given)
        words = sum(map(len, sentences.words))
        return cls(name, len(sentences), words, tuple(counts[tag] for tag in tags))


@dataclass(frozen=True, eq=False)
class FittedTagger:
    """What fitting a tagger found.

    Args:
        tagger: what tags.
        history: of the training.
        field: of CoNLL-U files, that holds the tags.
        data: what the data are called.
        parts: of the data.
        kept: the test part, to show some of it; `None` where there was none or it is gone.
        test: the scores on it; `None` without one.
        notes: what reading and splitting found and did about it.
        seconds: that fitting took.
    """

    tagger: Tagger
    history: History
    field: str
    data: str
    parts: tuple[Part, ...]
    kept: Sentences | None
    test: TagEvaluation | None
    notes: tuple[Message, ...]
    seconds: float

    @property
    def parameters(self) -> int:
        """Weights of the network."""
        return sum(p.numel() for p in self.tagger.network.parameters())


def save_tagger(writer: RunWriter, options: TagConfig, fitted: FittedTagger) -> None:
    """Write what `read_tagger` needs: `config.json` and `model.safetensors`."""
    tagger = fitted.tagger
    config = {
        "task": "tag",
        "rnnkit": __version__,
        "options": options.to_json(),
        "field": fitted.field,
        "data": fitted.data,
        "codec": tagger.codec.to_json(),
        "table": tagger.table.to_json(),
        "parts": [
            {"name": p.name, "sentences": p.sentences, "words": p.words, "tags": list(p.tags)}
            for p in fitted.parts
        ],
        "notes": [note.to_json() for note in fitted.notes],
        "history": fitted.history.to_json(seconds=False),
        "test": None if fitted.test is None else evaluation_json(fitted.test),
    }
    tensors = {f"network.{name}": t for name, t in tagger.network.state_dict().items()}
    if fitted.test is not None:
        tensors["test.actual"] = torch.from_numpy(fitted.test.actual)
        tensors["test.predicted"] = torch.from_numpy(fitted.test.predicted)
    writer.write_model(config, tensors)


def read_tagger(run: Run, options: TagConfig, device: str) -> FittedTagger:
    """Return what was fitted, to compute on `device`."""
    config, tensors = run.config, run.tensors
    codec = TagCodec.from_json(config["codec"])
    network = new_network(codec, options)
    network.load_state_dict(
        {k.removeprefix("network."): t for k, t in tensors.items() if k.startswith("network.")}
    )
    network.to(find_device(device)).eval()
    return FittedTagger(
        tagger=Tagger(codec, network, TagTable.from_json(config["table"])),
        history=History.from_json(config["history"]),
        field=config["field"],
        data=config["data"],
        parts=tuple(
            Part(p["name"], p["sentences"], p["words"], tuple(p["tags"])) for p in config["parts"]
        ),
        kept=None,
        test=None
        if config["test"] is None
        else TagEvaluation(
            actual=tensors["test.actual"].numpy(),
            predicted=tensors["test.predicted"].numpy(),
            **evaluation_values(config["test"]),
        ),
        notes=tuple(map(Message.from_json, config["notes"])),
        seconds=0.0 if run.metrics is None else float(run.metrics["seconds"]),
    )
