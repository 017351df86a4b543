"""TF-IDF: words or characters, what is learned, and what is left out to end in time."""

import numpy as np
import pytest

from rnnkit.baselines import SkipBaseline, texts
from rnnkit.baselines.texts import TfidfLogistic, TfidfRidge

from . import toys

GOOD = ["the film was good fun to watch", "good fun and a good cast", "we had good fun with it"]
BAD = ["the film was a dull bore to watch", "dull and a poor cast", "we had a dull time with it"]
TRAIN = toys.texts(*GOOD, *BAD)
CODES = np.array([2, 2, 2, 0, 0, 0])


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (["the film was good", "no it was not"], "words"),
        (["정말 재미있게 보았습니다 추천합니다"], "characters"),
        (["とても面白い映画でした"], "characters"),
        (["ภาพยนตร์เรื่องนี้ดีมาก"], "characters"),
        (["Это был очень хороший фильм"], "words"),
        (["Smith", "O'Neal", "Nguyen"], "characters"),
        (["Kim Minsu", "Park"], "characters"),
        (["a film of the Korean director 봉준호", "it was good to see it"], "words"),
        (["봉준호 감독의 film 정말 좋아요 정말로"], "characters"),
        (["", "  ", "the film was good"], "words"),
        ([""], "words"),
    ],
)
def test_characters_are_counted_where_words_say_little(written, kind):
    assert TfidfLogistic(2, written).name == f"TF-IDF {kind} + logistic regression"
    assert TfidfRidge(written).name == f"TF-IDF {kind} + ridge"


def test_words_that_tell_are_learned_and_a_class_that_is_absent_gets_nothing():
    fitted = TfidfLogistic(4, TRAIN.texts).fit(TRAIN, CODES)
    p = fitted.predict(toys.texts("it was fun", "what a dull thing", "zzz"))
    assert p.shape == (3, 4)
    assert p.argmax(axis=1).tolist()[:2] == [2, 0]
    assert p[0, 2] > 0.6
    assert p[2, 2] == pytest.approx(0.5, abs=0.05)
    assert not p[:, [1, 3]].any()
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_characters_tell_words_never_seen_by_their_endings():
    train = toys.texts("Ivanov", "Petrov", "Sidorov", "Rossi", "Bianchi", "Ferrari")
    fitted = TfidfLogistic(2, train.texts).fit(train, np.array([0, 0, 0, 1, 1, 1]))
    assert fitted.predict(toys.texts("Romanov", "Conti")).argmax(axis=1).tolist() == [0, 1]


def test_ridge_learns_numbers_of_texts():
    stars = np.array([[5.0, 1.0], [5.0, 1.0], [5.0, 1.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0]])
    fitted = TfidfRidge(TRAIN.texts).fit(TRAIN, stars)
    said = fitted.predict(toys.texts("good fun", "dull"))
    assert said.shape == (2, 2)
    assert said[0, 0] > 3.5 > 2.5 > said[1, 0]
    assert said[0, 1] < 1.5 < said[1, 1]


def test_an_ngram_of_a_single_text_is_left_out_of_many(monkeypatch):
    monkeypatch.setattr(texts, "_MANY_TEXTS", len(TRAIN))
    fitted = TfidfLogistic(3, TRAIN.texts).fit(TRAIN, CODES)
    p = fitted.predict(toys.texts("bore", "zzz"))  # "bore" stands in one text alone
    assert p[0].tolist() == p[1].tolist()


def test_too_many_characters_are_cut_to_a_part_that_is_said(monkeypatch):
    train = toys.texts(*[f"word {'good' if i % 2 else 'bad'} number {i}" for i in range(400)])
    size = sum(map(len, train.texts))
    monkeypatch.setattr(texts, "_WORDS", texts._Grams("words", texts._WORDS.options, size // 4))
    fitted = TfidfLogistic(2, train.texts).fit(train, np.arange(400) % 2)
    note = str(fitted.notes[0])
    assert note == "fitted to 99 of 400 examples, drawn at random"
    assert fitted.predict(train).argmax(axis=1).tolist() == [0, 1] * 200


def test_the_most_frequent_ngrams_are_kept_where_there_are_many_classes(monkeypatch):
    monkeypatch.setattr(texts, "_MOST_COEFFICIENTS", 9)
    fitted = TfidfLogistic(3, TRAIN.texts).fit(TRAIN, CODES)
    p = fitted.predict(toys.texts("bore", "zzz"))
    assert p[0].tolist() == p[1].tolist()


def test_a_model_stopped_early_is_no_warning(monkeypatch):
    monkeypatch.setattr(texts, "_MOST_PRODUCTS", 1)
    assert TfidfLogistic(3, TRAIN.texts).fit(TRAIN, CODES).predict(TRAIN).shape == (6, 3)


@pytest.mark.parametrize(
    ("train", "codes", "said"),
    [
        (toys.texts("", "  "), [0, 1], "finds no words in the training part"),
        (toys.texts("one of them is", "two of them are"), [1, 1], "needs two classes"),
        (toys.signals([[1.0]], [[2.0]]), [0, 1], "needs texts"),
    ],
)
def test_what_it_cannot_serve_is_said(train, codes, said):
    with pytest.raises(SkipBaseline, match=said):
        TfidfLogistic(2, train.texts or ["a b c"]).fit(train, np.array(codes))
