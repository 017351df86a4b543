"""Reviews made up by a rule, good or bad, beside TF-IDF with logistic regression.

python examples/classify_texts.py

"Not one bit" turns what follows it round, and somebody else's view stands before it: which words
occur does not tell, nor which pairs; what stands where does.
"""

from __future__ import annotations

import random

from rnnkit import SequenceClassifier

GOOD = ("good", "moving", "superb")
BAD = ("bad", "dull", "awful")
THINGS = ("film", "plot", "cast", "end")


def review(chance: random.Random) -> tuple[str, str]:
    """Return a text and whether it is praise."""
    praise, is_turned = chance.random() < 0.5, chance.random() < 0.5
    word, other = chance.choice(GOOD if praise != is_turned else BAD), chance.choice(GOOD + BAD)
    theirs, ours = ("every", "not one") if is_turned else ("not one", "every")
    text = (
        f"they call it {theirs} bit {other}, but the {chance.choice(THINGS)} is {ours} bit {word}"
    )
    return text, "praise" if praise else "blame"


def main() -> None:
    chance = random.Random(0)
    texts, labels = zip(*(review(chance) for _ in range(500)), strict=True)
    model = SequenceClassifier(ensemble=1, hidden_size=16, epochs=12, learning_rate=0.01)
    model.fit(texts[:400], labels[:400], test=(texts[400:], labels[400:]))
    test = model.evaluate()["test"]
    for name, scores in {"network": test["model"], **test["baselines"]}.items():
        print(f"{name}: accuracy {scores['accuracy']:.3f}")
    print(model.evaluate()["verdict"])
    for text in ("the plot is not one bit dull", "the plot is not one bit good", ""):
        probabilities = dict(zip(model.classes_, model.predict_proba([text])[0], strict=True))
        print(f"{text!r}: praise {probabilities['praise']:.2f}")


if __name__ == "__main__":
    main()
