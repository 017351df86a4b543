"""Classify and regress, from data to run folder and back."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from rnnkit.errors import ConfigError, DataError
from rnnkit.tasks import NotFittedError, SequenceClassifier, SequenceRegressor, load
from rnnkit.tasks.labels import fitting
from rnnkit.tasks.labels.config import (
    ClassifyConfig,
    Kind,
    epochs,
    input_dropout,
    patience,
    schedule,
)

QUICK = {"epochs": 12, "ensemble": 1, "hidden_size": 8, "embedding_size": 8, "learning_rate": 0.02}
KINDS: tuple[Kind, ...] = ("numbers", "letters", "words")
GOOD, BAD = ["good", "great", "fine"], ["bad", "awful", "poor"]


def reviews(n=60, seed=0):
    random = np.random.default_rng(seed)
    texts, labels = [], []
    for k in range(n):
        word = (GOOD if k % 2 else BAD)[random.integers(3)]
        filler = " ".join(f"w{random.integers(40)}" for _ in range(random.integers(1, 9)))
        texts.append(f"{filler} {word} film {k}")
        labels.append("pos" if k % 2 else "neg")
    return texts, labels


@pytest.fixture(scope="module")
def classifier():
    torch.manual_seed(0)
    texts, labels = reviews()
    return SequenceClassifier(**QUICK, test_size=0.25).fit(texts, labels)


def test_what_is_learned_is_better_than_chance(classifier):
    assert classifier.predict(["a good film", "so awful a film"]).tolist() == ["pos", "neg"]
    scores = classifier.evaluate()
    assert scores["test"]["model"]["accuracy"] >= 0.8
    assert set(scores["test"]["baselines"]) >= {"majority class"}
    assert scores["task"] == "classify"
    assert scores["verdict"]


def test_probabilities_sum_to_one_and_agree_with_classes(classifier):
    texts = reviews(20, seed=3)[0]
    p = classifier.predict_proba(texts)
    assert p.shape == (20, 2)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    assert (classifier.classes_[p.argmax(axis=1)] == classifier.predict(texts)).all()


ODD = ["", "   ", "🙂 good 🙂", "x" * 100_000, "good " * 20_000, "좋은 영화", "never seen words"]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_alone_as_beside_a_long_text(cell, pooling):
    texts, labels = reviews(24)
    options = {**QUICK, "epochs": 2, "validation_size": 0, "ngrams": 3}
    model = SequenceClassifier(**options, cell=cell, pooling=pooling).fit(texts, labels)
    assert len(model.fitted.fit.codec.ngrams) == 2
    together = model.predict_proba([*ODD, *texts])
    alone = np.concatenate([model.predict_proba([text]) for text in [*ODD, *texts]])
    if pooling in ("last", "max"):  # sums over time are rounded by the length of the batch
        assert np.array_equal(together, alone)
        assert np.array_equal(model.encode(ODD)[2], model.encode(ODD[2:3])[0])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-7)
    assert np.isfinite(together).all()


def test_an_empty_text_has_an_answer_that_depends_on_nothing(classifier):
    p = classifier.predict_proba(["", " ", "\n"])
    assert (p == p[0]).all()


def test_save_load_in_another_process_predicts_the_same(classifier, tmp_path):
    texts = [*ODD, *reviews(10, seed=5)[0]]
    classifier.save(tmp_path / "run")
    np.save(tmp_path / "p.npy", classifier.predict_proba(texts))
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    code = (
        "import json, numpy as np, rnnkit;"
        "m = rnnkit.load('run'); t = json.load(open('texts.json'));"
        "assert np.array_equal(m.predict_proba(t), np.load('p.npy'));"
        "print(m.evaluate()['test']['model']['accuracy'], m.classes_.tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    accuracy = classifier.evaluate()["test"]["model"]["accuracy"]
    assert done.stdout.split() == [str(accuracy), "['neg',", "'pos']"]
    names = {file.name for file in (tmp_path / "run").iterdir()}
    assert names >= {"config.json", "model.safetensors", "metrics.json", "report.html"}
    assert names >= {"predictions.csv", "test.png", "training.png"}
    assert not [name for name in names if name.endswith((".pkl", ".pt", ".joblib"))]


def test_the_predictions_file_says_what_was_asked_and_answered(classifier, tmp_path):
    classifier.save(tmp_path / "run")
    frame = pd.read_csv(tmp_path / "run" / "predictions.csv")
    assert list(frame) == ["example", "actual", "predicted", "p(neg)", "p(pos)"]
    right = (frame["actual"] == frame["predicted"]).mean()
    assert right == pytest.approx(classifier.evaluate()["test"]["model"]["accuracy"])


def test_a_label_only_in_the_test_counts_as_wrong_and_is_said():
    texts, labels = reviews(40)
    test = (["good film", "odd film"], ["pos", "odd"])
    model = SequenceClassifier(**QUICK).fit(texts, labels, test=test)
    assert model.evaluate()["test"]["model"]["accuracy"] == 0.5
    assert (
        "1 of the 2 test examples have a label that the training part does not have"
        in (model.evaluate()["warning"])
    )


def test_nothing_of_the_test_part_reaches_the_model():
    texts, labels = reviews(40)
    fits = []
    for word in ("good", "secret"):
        test = ([f"{word} film"] * 3, ["pos"] * 3)
        model = SequenceClassifier(**{**QUICK, "epochs": 2}).fit(texts, labels, test=test)
        fits.append(model)
    first, second = (m.fitted.fit for m in fits)
    assert first.codec.text == second.codec.text
    assert first.codec.ngrams
    assert all(map(torch.equal, first.codec.ngrams, second.codec.ngrams))
    for a, b in zip(first.networks, second.networks, strict=True):
        for name, tensor in a.state_dict().items():
            assert torch.equal(tensor, b.state_dict()[name])


@pytest.mark.parametrize(("count", "networks"), [(30, 10), (200, 5), (1200, 3)])
def test_few_examples_train_networks_each_with_a_fold(count, networks):
    texts, labels = reviews(count)
    options = {name: value for name, value in QUICK.items() if name != "ensemble"}
    model = SequenceClassifier(**{**options, "epochs": 1}, batch_size=64).fit(texts, labels)
    assert len(model.fitted.fit.networks) == networks
    assert len(model.fitted.fit.histories[0].validation_loss) == 1


@pytest.mark.parametrize("count", [2, 3, 4, 9])
def test_fewer_examples_than_networks_are_left_out_in_turn(count):
    X, y = np.random.default_rng(0).normal(size=(count, 5)), [k % 2 for k in range(count)]
    model = SequenceClassifier(epochs=1, hidden_size=3, pooling="last").fit(X, y)
    assert len(model.fitted.fit.networks) == 10
    assert all(len(history.validation_loss) == 1 for history in model.fitted.fit.histories)


def test_no_network_learns_from_what_it_stops_by(monkeypatch):
    seen = []
    train = fitting._train

    def spy(network, own, stop, *given, **options):
        seen.append([sorted(data.values.values[::5, 0].tolist()) for data in (own, stop)])
        return train(network, own, stop, *given, **options)

    monkeypatch.setattr(fitting, "_train", spy)
    X, y = np.random.default_rng(0).normal(size=(23, 5)), [k % 2 for k in range(23)]
    SequenceClassifier(epochs=1, hidden_size=3, pooling="last", ensemble=4).fit(X, y)
    every = sorted(seen[0][0] + seen[0][1])
    assert len(set(every)) == 23
    for own, stop in seen:
        assert sorted(own + stop) == every
    assert sorted(value for _, stop in seen for value in stop) == every


def test_letters_have_rules_of_their_own():
    open_ = ClassifyConfig()
    assert [input_dropout(open_, kind) for kind in KINDS] == [0.0, 0.1, 0.5]
    assert [epochs(open_, 16_000, kind) for kind in KINDS] == [300, 16, 6]
    assert [patience(open_, 16_000, kind) for kind in KINDS] == [3, 4, 2]
    assert [schedule(open_, kind) for kind in KINDS] == ["constant", "cosine", "cosine"]
    asked = ClassifyConfig(input_dropout=0.2, epochs=3, patience=9, schedule="plateau")
    for kind in KINDS:
        assert (input_dropout(asked, kind), epochs(asked, 9, kind)) == (0.2, 3)
        assert (patience(asked, 9, kind), schedule(asked, kind)) == (9, "plateau")


def test_one_sequence_again_and_again_stops_by_nothing():
    model = SequenceClassifier(epochs=1, hidden_size=3).fit(np.ones((4, 5)), [0, 1, 0, 1])
    assert model.predict_proba(np.ones((1, 5))).shape == (1, 2)


def test_balanced_classes_weigh_the_same():
    texts = [f"film t{k}" for k in range(33)]  # which tell nothing
    labels = ["common"] * 30 + ["rare"] * 3
    options = {**QUICK, "epochs": 15, "validation_size": 0, "dropout": 0.0}
    plain, balanced = (
        SequenceClassifier(**options, class_weights=kind)
        .fit(texts, labels)
        .predict_proba(["new"])[0, 1]
        for kind in ("none", "balanced")
    )
    assert plain < 0.25
    assert 0.35 < balanced < 0.65


def test_labels_keep_the_type_they_were_given_in():
    X = np.random.default_rng(0).normal(size=(40, 6))
    y = np.where(X.mean(axis=1) > 0, 10, 9)
    model = SequenceClassifier(**QUICK).fit(X, y)
    assert model.classes_.tolist() == [9, 10]
    assert model.predict(X).dtype == y.dtype


def test_signals_of_any_length_and_gaps():
    random = np.random.default_rng(0)
    signals, labels = [], []
    for k in range(60):
        steps = random.integers(3, 15)
        signal = random.normal(size=(steps, 2)) * 0.3 + (1 if k % 2 else -1)
        signal[0, 0] = np.nan
        signals.append(signal)
        labels.append(f"class {k % 2}")
    model = SequenceClassifier(**QUICK, test_size=0.3).fit(signals, labels)
    assert model.evaluate()["test"]["model"]["accuracy"] > 0.9
    vectors = model.encode(signals)
    assert vectors.shape == (60, 16)
    np.testing.assert_allclose(model.encode(signals[5:6])[0], vectors[5], atol=1e-6)


def test_numbers_are_predicted_in_their_units():
    random = np.random.default_rng(1)
    X = random.normal(size=(200, 9))
    y = 1000 + 50 * X[:, -3:].sum(axis=1)
    options = {**QUICK, "epochs": 60, "test_size": 0.2, "dropout": 0.0}
    model = SequenceRegressor(**options).fit(X, y)
    scores = model.evaluate()["test"]
    assert scores["model"]["rmse"] < 40 < scores["baselines"]["mean"]["rmse"]
    assert set(scores["baselines"]) == {"mean", "ridge", "gradient boosting"}


def test_a_row_of_one_step_is_said_to_be_no_sequence(tmp_path):
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"age": random.normal(size=80), "kind": random.choice(["a", "b"], 80)})
    frame["price"] = 3 * frame["age"] + (frame["kind"] == "a")
    frame.to_csv(tmp_path / "cars.csv", index=False)
    model = SequenceRegressor(**QUICK).fit(
        tmp_path / "cars.csv", columns={"targets": ["price"], "layout": "flat"}
    )
    assert "A row is not a sequence" in model.evaluate()["warning"]
    assert "gradient boosting" in model.evaluate()["test"]["baselines"]


def test_one_class_and_wrong_kinds_are_refused(classifier):
    with pytest.raises(DataError, match="has a single class, 'a'"):
        SequenceClassifier(**QUICK).fit(["x y", "z"], ["a", "a"])
    with pytest.raises(DataError, match="holds numbers, and the model has learned from texts"):
        classifier.predict([[1.0, 2.0]])
    with pytest.raises(NotFittedError, match="not fitted yet"):
        SequenceClassifier().predict(["a"])
    with pytest.raises(ConfigError, match="level is an option of texts"):
        SequenceClassifier(level="word", **QUICK).fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(ConfigError, match=r"unknown option 'hiden_size'.*did you mean"):
        SequenceClassifier(hiden_size=3)


def test_a_killed_training_resumes_to_the_same_bits(tmp_path):
    texts, labels = reviews(40)
    whole = SequenceClassifier(**QUICK).fit(texts, labels)
    short = SequenceClassifier(**{**QUICK, "ensemble": 2}, validation_size=4)
    ends = []
    for resume in (False, True):
        ends.append(short.fit(texts, labels, checkpoints=tmp_path, resume=resume))
    first, second = (
        [t.clone() for n in m.fitted.fit.networks for t in n.state_dict().values()] for m in ends
    )
    assert all(map(torch.equal, first, second))
    assert len(whole.fitted.fit.histories[0]) == 12


@pytest.mark.parametrize("embedding", ["onehot", "word2vec"])
def test_other_starts_of_the_embedding(embedding, tmp_path):
    texts, labels = reviews(60)
    model = SequenceClassifier(**QUICK, embedding=embedding, freeze=embedding == "word2vec")
    model.fit(texts, labels)
    table = model.fitted.fit.networks[0].inputs.table
    assert not table.requires_grad
    model.save(tmp_path / "run")
    assert np.array_equal(load(tmp_path / "run").predict_proba(ODD), model.predict_proba(ODD))


def test_ngrams_are_those_of_the_training_part_and_saved(tmp_path):
    texts = [
        f"{a} {b} w{k % 7} film" for k in range(20) for a, b in (("not", "good"), ("so", "so"))
    ]
    labels = [text.startswith("so") for text in texts]
    test = (["unseen pair of words unseen pair of words"] * 4, [True] * 4)
    model = SequenceClassifier(**QUICK, validation_size=8).fit(texts, labels, test=test)
    (pairs,) = model.fitted.fit.codec.ngrams
    codes = model.fitted.fit.codec.text.vocabulary.codes
    assert codes["good"] * (len(codes) + 4) + codes["not"] in pairs.tolist()
    assert "unseen" not in codes
    rows = model.fitted.fit.networks[0].inputs.grams[0]
    assert len(rows) == len(pairs) + 1
    assert rows.any(), "they have learned something"
    model.save(tmp_path / "run")
    again = load(tmp_path / "run")
    assert np.array_equal(again.predict_proba(texts), model.predict_proba(texts))
    assert any("n-grams with vectors" in str(note) for note in model.fitted.notes)


@pytest.mark.parametrize(
    ("level", "count"), [("word", 1), ("syllable", 2), ("bpe", 2), ("char", 0), ("jamo", 0)]
)
def test_how_long_ngrams_are_follows_from_the_level(level, count):
    texts, labels = reviews(30)
    model = SequenceClassifier(**{**QUICK, "epochs": 1}, level=level).fit(texts, labels)
    assert len(model.fitted.fit.codec.ngrams) == count
    assert model.fitted.fit.codec.kind == ("words" if count else "letters")


def test_many_characters_are_no_letters():
    texts = [chr(0x4E00 + k) + chr(0x4E00 + (k + 1) % 600) for k in range(600)]
    options = {**QUICK, "epochs": 1, "level": "char"}
    model = SequenceClassifier(**options).fit([*texts, *texts], [0, 1] * 600)
    assert model.fitted.fit.codec.kind == "words"
    assert model.fitted.fit.codec.ngrams


def test_ngrams_without_texts_or_vectors_are_refused():
    with pytest.raises(ConfigError, match="ngrams is an option of texts"):
        SequenceClassifier(ngrams=2, **QUICK).fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(ConfigError, match="one-hot tokens have no vectors to add those of n-grams"):
        ClassifyConfig(ngrams=2, embedding="onehot")


@pytest.mark.parametrize(
    "labels", [[9, 10], [0.0, 1.0], [False, True], ["9", "10"]], ids=["int", "float", "bool", "str"]
)
def test_labels_have_their_type_after_loading_too(labels, tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 5))
    y = np.array(labels)[(X[:, 0] > 0).astype(int)]
    model = SequenceClassifier(**{**QUICK, "epochs": 2}).fit(X, y)
    model.save(tmp_path / "run")
    loaded = load(tmp_path / "run")
    assert loaded.predict(X).dtype.kind == y.dtype.kind
    assert (loaded.predict(X) == model.predict(X)).all()
    assert set(loaded.classes_.tolist()) == set(labels)


def wide_table(path, names, rows=40):
    random = np.random.default_rng(4)
    frame = pd.DataFrame(random.normal(size=(rows, len(names))), columns=names)
    frame["label"] = np.where(frame[names[0]] > 0, "up", "down")
    frame.to_csv(path, index=False)
    return path


def test_steps_of_a_wide_table_are_known_by_name_and_order(tmp_path):
    names = [f"t{k}" for k in range(6)]
    train = wide_table(tmp_path / "train.csv", names)
    model = SequenceClassifier(**{**QUICK, "epochs": 2}).fit(train, columns={"label": "label"})
    for other, said in ((names[::-1], "'t5' where the training data have 't0'"), (
        ["s0", *names[1:]], "'s0' where")):  # fmt: skip
        with pytest.raises(DataError, match=said):
            model.predict(wide_table(tmp_path / "other.csv", other))
    shorter = wide_table(tmp_path / "shorter.csv", names[:4])
    assert len(model.predict(shorter)) == 40


def test_a_column_called_id_is_no_feature(tmp_path):
    frame = pd.DataFrame({"id": range(30), "x": np.arange(30.0), "z": 1.5})
    frame["label"] = ["a", "b"] * 15
    frame.to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(DataError, match=r"column 'id' of .* looks like the name of a sequence"):
        SequenceClassifier(**QUICK).fit(tmp_path / "rows.csv", columns={"label": "label"})


def test_a_test_part_that_the_data_bring_is_the_one_that_is_scored(tmp_path):
    random = np.random.default_rng(5)
    X, y = random.normal(size=(50, 7)), ["a", "b"] * 25
    path = tmp_path / "both.npz"
    np.savez(path, x_train=X[:40], y_train=y[:40], x_test=X[40:], y_test=y[40:])
    model = SequenceClassifier(**{**QUICK, "epochs": 2}).fit(path)
    assert [part.count for part in model.fitted.parts if part.name == "test"] == [10]
    assert "scored on the test part that the data bring along" in map(str, model.fitted.notes)
    assert len(model.scored(path).actual) == 10


def test_numbers_without_squares_are_refused(tmp_path):
    X = np.ones((20, 3))
    X[3, 1] = 1e200
    with pytest.raises(DataError, match="column 'value' reaches 1e"):
        SequenceClassifier(**QUICK).fit(X, ["a", "b"] * 10)
    with pytest.raises(DataError, match="column 'y' reaches 2e"):
        SequenceRegressor(**QUICK).fit(np.eye(20), np.arange(20) * 1e300)


def test_equal_test_texts_are_one_witness():
    texts, labels = reviews(40)
    model = SequenceClassifier(**QUICK).fit(texts, labels)
    once = model.scored(["good film", "bad film"], ["pos", "neg"])
    often = model.scored(["good film"] * 300 + ["bad film"], ["pos"] * 300 + ["neg"])
    assert once.verdict.values["low"] == often.verdict.values["low"]


def test_validation_texts_that_are_learned_from_are_counted():
    texts, labels = reviews(40)
    model = SequenceClassifier(**{**QUICK, "epochs": 1})
    model.fit(texts, labels, validation=(texts[:10], labels[:10]))
    assert "10 of the 10 validation sequences also stand in the training data" in map(
        str, model.fitted.notes
    )


def test_few_signals_choose_how_states_become_one_vector(tmp_path):
    random = np.random.default_rng(6)
    X = random.normal(size=(60, 12)) * 0.3
    y = np.array(["low", "high"] * 30)
    X[y == "high", -1] += 3  # the last step alone tells
    options = {**QUICK, "ensemble": 3, "epochs": 15}
    model = SequenceClassifier(**options).fit(X, y)
    chosen = model.fitted.fit.pooling
    said = [str(note) for note in model.fitted.notes if "states become one vector" in str(note)]
    losses = dict(part.split() for part in said[0].split("(")[1].rstrip(")").split(", "))
    assert set(losses) == {"last", "max", "attention"}
    assert chosen == min(losses, key=lambda name: float(losses[name]))
    assert {network.pooling.how for network in model.fitted.fit.networks} == {chosen}
    assert len(model.fitted.fit.networks) == 3
    model.save(tmp_path / "run")
    assert np.array_equal(load(tmp_path / "run").predict_proba(X), model.predict_proba(X))
