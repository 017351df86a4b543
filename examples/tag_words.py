"""Parts of speech in a tiny made-up language, where many words can be a noun or a verb.

python examples/tag_words.py

The word alone does not tell which; the words beside it do. Words that training never saw are told
by their endings and by their place.
"""

from __future__ import annotations

import random

from rnnkit import SequenceTagger

BOTH = ("walk", "plan", "play", "cook", "watch", "paint")  # a walk, to walk
NOUNS = ("dog", "child", "house", "tree")
ADJECTIVES = ("old", "red", "small")

Tagged = list[tuple[str, str]]


def phrase(chance: random.Random) -> Tagged:
    """Return an article, perhaps an adjective, and a noun."""
    adjective = [(chance.choice(ADJECTIVES), "ADJ")] if chance.random() < 0.4 else []
    return [("the", "DET"), *adjective, (chance.choice(NOUNS + BOTH), "NOUN")]


def sentence(chance: random.Random) -> Tagged:
    """Return a sentence: somebody, what they do, and what they do it to."""
    verb = [(chance.choice(BOTH), "VERB")]
    return [*phrase(chance), ("can", "AUX"), *verb, *phrase(chance)]


def main() -> None:
    chance = random.Random(0)
    tagged = [sentence(chance) for _ in range(300)]
    words = [[word for word, _ in pairs] for pairs in tagged]
    tags = [[tag for _, tag in pairs] for pairs in tagged]
    model = SequenceTagger(hidden_size=16, epochs=8, learning_rate=0.01)
    model.fit(words, tags)
    test = model.evaluate()["test"]
    for name, scores in {"network": test["model"], **test["baselines"]}.items():
        print(f"{name}: accuracy {scores['accuracy']:.3f}")
    text = "the old cook can watch the plan"
    (found,) = model.predict(text)
    print(" ".join(f"{word}/{tag}" for word, tag in zip(text.split(), found, strict=True)))


if __name__ == "__main__":
    main()
