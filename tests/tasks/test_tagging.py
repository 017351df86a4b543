"""The tagger from sentences to tags, and its run folder."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rnnkit.data.examples.conll import sentences_of
from rnnkit.errors import ConfigError, DataError
from rnnkit.tasks.estimator import NotFittedError, load
from rnnkit.tasks.tagging.config import TagConfig
from rnnkit.tasks.tagging.run import run_tagger
from rnnkit.tasks.tagging.tagger import SequenceTagger

SMALL = {
    "hidden_size": 8,
    "embedding_size": 6,
    "letter_size": 4,
    "letter_hidden_size": 5,
    "ending_size": 3,
    "batch_size": 4,
    "dropout": 0.1,
    "learning_rate": 0.02,
}


def sentences(count: int, seed: int = 0) -> tuple[list[list[str]], list[list[str]]]:
    """Return sentences in which "run" and "walk" are nouns after "the", else verbs.

    So a table of words cannot be right, and the network can.
    """
    rng = np.random.default_rng(seed)
    words, tags = [], []
    for _ in range(count):
        sentence, given = [], []
        for _ in range(rng.integers(1, 4)):
            noun = rng.choice(["run", "walk", f"b{rng.integers(100)}ness"])
            verb = rng.choice(["run", "walk", f"b{rng.integers(100)}ed"])
            sentence += ["the", str(noun), str(verb)]
            given += ["DET", "NOUN", "VERB"]
        words.append(sentence)
        tags.append(given)
    return words, tags


@pytest.fixture(scope="module")
def fitted() -> SequenceTagger:
    return SequenceTagger(**SMALL, epochs=12, seed=1).fit(*sentences(60))


def conllu(path: Path, words, tags) -> Path:
    path.write_text(
        "\n".join(
            "".join(
                f"{i}\t{word}\t_\t{tag}\t_\t_\t0\t_\t_\t_\n"
                for i, (word, tag) in enumerate(zip(sentence, given, strict=True), start=1)
            )
            for sentence, given in zip(words, tags, strict=True)
        )
        + "\n",
        encoding="utf-8",
    )
    return path


def test_learns_what_a_table_cannot(fitted) -> None:
    test = fitted.evaluate()["test"]
    assert test["model"]["accuracy"] == 1.0
    assert 0.5 < test["baselines"]["most frequent tag"]["accuracy"] < 0.9
    assert fitted.predict("the run run") == [["DET", "NOUN", "VERB"]]
    unknown = fitted.predict([["the", "goodness", "walk"], ["the", "walk", "hopped"]])
    assert unknown == [["DET", "NOUN", "VERB"]] * 2


def test_a_sentence_alone_is_as_among_others(fitted) -> None:
    words, _ = sentences(5, seed=9)
    words.append(["the", "walk", "run"] * 40)
    words.append([])
    together, probabilities = fitted.predict(words), fitted.predict_proba(words)
    for i, sentence in enumerate(words):
        assert fitted.predict([sentence]) == [together[i]]
        alone = fitted.predict_proba([sentence])[0]
        assert alone.shape == (len(sentence), 3)
        np.testing.assert_allclose(alone, probabilities[i], atol=1e-6)
        np.testing.assert_allclose(alone.sum(axis=1), 1.0, rtol=1e-5)
        named = [fitted.tags_[k] for k in alone.argmax(axis=1)]
        assert named == together[i]


def test_a_long_sentence_pads_no_short_ones(fitted, monkeypatch) -> None:
    words = [["the", "run"]] * 127 + [["the", "walk", "run"] * 1500]
    alone = [fitted.predict(words[:1]) * 127, fitted.predict(words[-1:])]
    asked, network = [], fitted.fitted.tagger.network
    tags = network.tags

    def seen(batch):
        asked.append(tuple(batch.values.shape))
        return tags(batch)

    monkeypatch.setattr(network, "tags", seen)
    assert fitted.predict(words) == [tag for part in alone for tag in part]
    assert asked == [(127, 2), (1, 4500)]


def test_nothing_to_tag(fitted) -> None:
    assert fitted.predict([]) == []
    assert fitted.predict([[]]) == [[]]
    assert fitted.predict("") == [[]]
    assert fitted.predict_proba([[], ["the"]])[0].shape == (0, 3)


@pytest.mark.parametrize("word", ["", "🙂", "x" * 100_000, "\x00", "강가에서", "e\u0301", "\ud800"])
def test_strange_words_have_a_tag(fitted, word) -> None:
    [[first, tag, last]] = fitted.predict([["the", word, "run"]])
    assert {first, tag, last} <= set(fitted.tags_)


def test_composed_and_decomposed_words_are_equal() -> None:
    words = [["caf\u00e9", "x"], ["y", "x"]] * 10
    model = SequenceTagger(**SMALL, epochs=1, test_size=0)
    model.fit(words, [["A", "B"], ["A", "B"]] * 10)
    one, other = model.predict_proba([["caf\u00e9"], ["cafe\u0301"]])
    assert np.array_equal(one, other)


def test_texts_are_split_on_white_space(fitted) -> None:
    expected = fitted.predict([["the", "run", "walk"], ["the", "walk"]])
    assert fitted.predict([" the\trun\u3000walk \n", "the walk"]) == expected
    assert fitted.predict(["the run walk", ["the", "walk"]]) == expected


def test_files(fitted, tmp_path) -> None:
    words, tags = sentences(3, seed=5)
    path = conllu(tmp_path / "with space.conllu", words, tags)
    assert fitted.predict(path) == fitted.predict(str(path)) == fitted.predict(words)
    assert fitted.evaluate(path) == fitted.evaluate((words, tags))
    with pytest.raises(DataError, match=r"missing\.conllu"):
        fitted.predict("missing.conllu")


def test_given_parts_are_used_as_they_are(tmp_path) -> None:
    words, tags = sentences(30)
    train = conllu(tmp_path / "train.conllu", words, tags)
    validation, test = sentences(5, seed=2), sentences_of(*sentences(7, seed=3))
    model = SequenceTagger(**SMALL, epochs=2).fit(train, validation=validation, test=test)
    assert [p.sentences for p in model.fitted.parts] == [30, 5, 7]
    assert model.fitted.parts[2].words == sum(map(len, test.words))
    assert sum(model.fitted.parts[2].tags) == len(model.fitted.test.actual)
    held = SequenceTagger(**SMALL, epochs=2, validation_size=4).fit(words, tags, test=test)
    assert [p.sentences for p in held.fitted.parts] == [26, 4, 7]


def test_a_pair_may_be_a_list() -> None:
    words, tags = sentences(5, seed=2)
    fits = [
        SequenceTagger(**SMALL, epochs=1).fit(*sentences(20), validation=pair, test=pair)
        for pair in ((words, tags), [words, tags])
    ]
    assert fits[0].evaluate() | {"seconds": 0} == fits[1].evaluate() | {"seconds": 0}
    for listed in ([["the", "run"], ["run"]], [], ["the", "run"], "run"):
        with pytest.raises(DataError):
            fits[0].evaluate(listed)


def test_what_has_no_length_is_refused_in_one_sentence() -> None:
    words, tags = sentences(20)
    model = SequenceTagger(**SMALL, epochs=1)
    with pytest.raises(DataError, match=r"words must be a list of .*, got generator"):
        model.fit((sentence for sentence in words), (given for given in tags))
    with pytest.raises(DataError, match=r"tags must be a list of .*, got generator"):
        model.fit(words, (given for given in tags))
    with pytest.raises(DataError, match=r"words must be a list of .*, got int"):
        model.fit(5, tags)


def test_a_fitted_tagger_can_be_pickled(fitted, tmp_path) -> None:
    words, tags = sentences(20)
    from_file = SequenceTagger(**SMALL, epochs=1).fit(conllu(tmp_path / "a.conllu", words, tags))
    for model in (fitted, from_file):
        again = pickle.loads(pickle.dumps(model))  # noqa: S301  (of our own making)
        assert again.predict(words) == model.predict(words)
        assert again.fitted.kept.place(1) == model.fitted.kept.place(1)


def test_other_data_are_named_where_a_training_is_resumed(tmp_path, monkeypatch) -> None:
    def stop(*_, **__):
        raise KeyboardInterrupt

    def start(test, **options):
        model = SequenceTagger(**SMALL, epochs=1, validation_size=0)
        run_tagger(model, train, out=tmp_path / "run", test=test, **options)

    train = conllu(tmp_path / "train.conllu", *sentences(9))
    one, other = (conllu(tmp_path / f"{k}.conllu", *sentences(3, seed=k)) for k in (1, 2))
    with monkeypatch.context() as patch:
        patch.setattr("rnnkit.tasks.tagging.run.save_tagger", stop)
        with pytest.raises(KeyboardInterrupt):
            start(one)
    differs = r"other settings: data\.sha256\.test \(other content\); give the same"
    with pytest.raises(ConfigError, match=differs):
        start(other, resume=True)
    start(one, resume=True)


def test_a_tag_that_training_never_saw_counts_as_wrong(fitted) -> None:
    words, tags = [["the", "run", "run"], ["the"]], [["DET", "NOUN", "XX"], ["YY"]]
    metrics = fitted.evaluate((words, tags))
    assert metrics["test"]["model"]["accuracy"] == 0.5
    warning = "Tags that training never saw (XX, YY) count as wrong; words that have them: 2."
    assert metrics["warning"] == warning
    model = SequenceTagger(**SMALL, epochs=1).fit(
        *sentences(20), validation=sentences(3), test=(words, tags)
    )
    assert list(map(str, model.fitted.test.warnings)) == [warning]
    counted = model.fitted.test
    assert counted.confusion(3).sum() == 2
    assert counted.unseen(3).sum() == 2


def test_a_validation_tag_that_training_never_saw_is_left_out() -> None:
    words, tags = sentences(20)
    strange = ([["the"], ["the", "run"]], [["XX"], ["DET", "NOUN"]])
    model = SequenceTagger(**SMALL, epochs=1, crf=True, test_size=0)
    model.fit(words, tags, validation=strange)
    assert model.fitted.parts[1].sentences == 1
    assert str(model.fitted.notes[0]).endswith("one of their tags: 1")
    with pytest.raises(DataError, match="every validation sentence has a tag"):
        model.fit(words, tags, validation=([["the"]], [["XX"]]))


@pytest.mark.parametrize("crf", [False, True])
def test_saved_and_loaded(crf, tmp_path) -> None:
    model = SequenceTagger(**SMALL, epochs=2, crf=crf, cell="gru", layers=2).fit(*sentences(40))
    model.save(tmp_path / "run")
    words, _ = sentences(6, seed=4)
    again = load(tmp_path / "run")
    assert isinstance(again, SequenceTagger)
    assert again.config == model.config
    assert again.tags_ == model.tags_
    assert again.evaluate() == model.evaluate()
    assert again.fitted.history.train_loss == model.fitted.history.train_loss
    assert again.predict(words) == model.predict(words)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics == model.evaluate()
    again.save(tmp_path / "copy")
    written = [(tmp_path / name / "config.json").read_bytes() for name in ("run", "copy")]
    assert written[0] == written[1]


def test_loaded_in_another_process(fitted, tmp_path) -> None:
    fitted.save(tmp_path / "run")
    words, _ = sentences(6, seed=4)
    code = (
        "import sys, json; from rnnkit.tasks.estimator import load\n"
        "model = load(sys.argv[1]); words = json.loads(sys.argv[2])\n"
        "found = [p.tolist() for p in model.predict_proba(words)]\n"
        "print(json.dumps([model.predict(words), found]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run"), json.dumps(words)],
        capture_output=True,
        text=True,
        check=True,
    )
    tags, probabilities = json.loads(ran.stdout)
    assert tags == fitted.predict(words)
    assert probabilities == [p.tolist() for p in fitted.predict_proba(words)]


def test_equal_trainings_are_equal_and_resume_to_the_same(tmp_path) -> None:
    data, words = sentences(30), sentences(4, seed=8)[0]
    options = {**SMALL, "word_dropout": 0.5, "schedule": "constant"}
    one = SequenceTagger(**options, epochs=4).fit(*data)
    SequenceTagger(**options, epochs=4, seed=1).fit(*data)  # another seed leaves no trace
    other = SequenceTagger(**options, epochs=4).fit(*data, checkpoints=tmp_path)
    resumed = SequenceTagger(**options, epochs=4).fit(*data, checkpoints=tmp_path, resume=True)
    for model in (other, resumed):
        assert model.fitted.history.train_loss == one.fitted.history.train_loss
        for p, q in zip(model.predict_proba(words), one.predict_proba(words), strict=True):
            assert np.array_equal(p, q)


def test_from_files_to_a_run_folder(tmp_path) -> None:
    words, tags = sentences(20)
    train = conllu(tmp_path / "train.conllu", words, tags)
    test = conllu(tmp_path / "test.conllu", *sentences(4, seed=3))
    said = []

    def run() -> SequenceTagger:
        model = SequenceTagger(**SMALL, epochs=1)
        run_tagger(
            model,
            train,
            out=tmp_path / "run",
            test=test,
            command="rnnkit tag train.conllu",
            announce=lambda parts, discarded: said.append((len(parts.test), discarded)),
        )
        return model

    model = run()
    assert said == [(4, False)]
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "rnnkit tag train.conllu" in page
    assert load(tmp_path / "run").predict(words) == model.predict(words)


def test_the_picture(fitted) -> None:
    figure = fitted.plot()
    assert figure.axes
    model = SequenceTagger(**SMALL, epochs=1, test_size=0).fit(*sentences(10))
    assert model.evaluate()["test"] is None
    with pytest.raises(ConfigError, match="without a test part"):
        model.plot()
    assert model.plot(sentences(3, seed=2)).axes


def test_the_page_and_the_summary(fitted, tmp_path) -> None:
    fitted.save(tmp_path / "run")
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert files == {
        "config.json",
        "model.safetensors",
        "metrics.json",
        "predictions.csv",
        "test.png",
        "training.png",
        "report.html",
    }
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "100.00 %" in page
    assert page.count('<div class="given tagged"') >= 3
    assert fitted.summary().splitlines()[0] == "Tags of data"
    assert "training: 48 sentences" in fitted.summary()


def test_before_fit() -> None:
    with pytest.raises(NotFittedError, match="SequenceTagger is not fitted yet"):
        SequenceTagger().predict("a")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (([["a"], ["b"]], [["A"]]), "2 sentences, but tags of 1"),
        (([["a", "b"]], [["A"]]), "has 2 words and 1 tags"),
        (([["a"]], None), "must be a path, lists of words with lists of tags"),
        (("missing.conllu", None), "missing.conllu"),
        (([["a"]] * 3, [["A"]] * 3), "leaves none to learn from"),
        ((7, None), "got int"),
        (([["a"], ["b\ud800"]], [["A"], ["B"]]), r"sentence 1 .* has 'b\\ud800', which holds half"),
    ],
)
def test_what_cannot_be_learned_from(data, words) -> None:
    with pytest.raises(DataError, match=words):
        SequenceTagger(**SMALL, epochs=1).fit(*data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (7, "got int"),
        ([["a"], 7], r"sentence 1 \(counted from 0\) must be a text or a list of words, got int"),
        ([["a", 7]], "has 7 among its words"),
    ],
)
def test_what_cannot_be_tagged(fitted, data, words) -> None:
    with pytest.raises(DataError, match=words):
        fitted.predict(data)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hiden_size": 3}, "unknown option 'hiden_size'.*did you mean 'hidden_size'"),
        ({"word_dropout": 1.0}, "word_dropout must be a share"),
        ({"letter_hidden_size": -1}, "letter_hidden_size must be a whole number of at least 0"),
        ({"crf": "yes"}, "crf must be true or false"),
        ({"batch_size": None}, "batch_size must be a whole number"),
        ({"test_size": 1.5}, "test_size must be a whole number from 0, or a share"),
    ],
)
def test_wrong_options(options, words) -> None:
    with pytest.raises(ConfigError, match=words):
        SequenceTagger(**options)


def test_options_survive_json() -> None:
    config = TagConfig(cell="gru", crf=True, patience=3, test_size=0.25)
    assert TagConfig.from_options(json.loads(json.dumps(config.to_json()))) == config
