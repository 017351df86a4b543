"""How examples are divided: equal ones together, classes in their shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.batches import LabelledSequences
from rnnkit.data.examples.columns import ExampleColumns
from rnnkit.data.examples.contract import Examples
from rnnkit.data.ragged import Ragged
from rnnkit.errors import ConfigError, DataError
from rnnkit.tasks.labels.config import ClassifyConfig
from rnnkit.tasks.labels.fitting import in_batches
from rnnkit.tasks.labels.parts import find_groups, folds, split_off, validation_size
from rnnkit.tasks.labels.planning import divide


def examples(texts, classes=None, name="toys"):
    return Examples(name, tuple(texts), None, classes, None, lambda i: f"row {i}")


texts_strategy = st.lists(
    st.sampled_from([f"text {k}" for k in range(12)]), min_size=4, max_size=60
)


@settings(deadline=None)
@given(texts_strategy, st.floats(0.05, 0.9), st.integers(0, 50))
def test_equal_texts_are_on_one_side(texts, size, seed):
    strata = [hash(text) % 3 for text in texts]
    stay, held = split_off(find_groups(examples(texts), strata), size, seed, name="test_size")
    assert sorted([*stay, *held]) == list(range(len(texts)))
    assert not {texts[i] for i in stay} & {texts[i] for i in held}
    assert len(stay)


def test_blanks_do_not_make_texts_differ():
    groups = find_groups(examples(["a  b", "a b ", "a\nb", "ab"]))
    assert groups.group.tolist() == [0, 0, 0, 1]


def test_classes_keep_their_shares_and_rare_ones_have_one_each():
    texts = [f"t{k}" for k in range(302)]
    strata = np.array([0] * 200 + [1] * 100 + [2, 2])
    stay, held = split_off(find_groups(examples(texts), strata), 0.2, 7, name="test_size")
    assert np.bincount(strata[held]).tolist() == [40, 20, 1]
    assert np.bincount(strata[stay]).tolist() == [160, 80, 1]


def test_a_class_of_one_is_learned_from():
    stay, held = split_off(find_groups(examples("abcdef"), [0, 0, 0, 0, 0, 1]), 0.5, 0, name="t")
    assert 5 in stay
    assert len(held) in (2, 3)


def test_other_seeds_draw_others_and_equal_seeds_the_same():
    groups = find_groups(examples([f"t{k}" for k in range(100)]))
    first, again, other = (split_off(groups, 20, seed, name="t")[1].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_a_part_of_all_is_refused():
    with pytest.raises(DataError, match="test_size of 4 leaves nothing to learn from: there are 4"):
        split_off(find_groups(examples("abcd")), 4, 0, name="test_size")


@given(texts_strategy, st.integers(2, 5))
def test_folds_keep_equal_texts_together_and_are_even(texts, count):
    strata = [0] * len(texts)
    groups = find_groups(examples(texts), strata)
    fold = folds(groups, count, 3)
    for text in set(texts):
        assert len({fold[i] for i in range(len(texts)) if texts[i] == text}) == 1
    sizes = np.bincount(fold[np.unique(groups.group, return_index=True)[1]], minlength=count)
    assert sizes.max() - sizes.min() <= 1


def test_a_tenth_is_validated_and_at_most_5000():
    assert [validation_size(n) for n in (3, 1000, 10**6)] == [1, 100, 5000]


def plan(texts, *, test=None, validation=None, **options):
    given_ = examples(texts, tuple("ab"[k % 2] for k in range(len(texts))))
    config = ClassifyConfig(**options)
    return divide(given_, None, validation, test, ExampleColumns(), config, "class")


def test_arrays_keep_no_test_part_unless_asked():
    texts = [f"t{k}" for k in range(50)]
    parts = plan(texts)
    assert (len(parts.train), parts.validation, parts.test) == (50, None, None)
    parts = plan(texts, test_size=0.2, validation_size=4)
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [36, 4, 10]
    assert "10 of the 50 examples, drawn at random" in str(parts.notes[0])


def test_test_texts_that_were_learned_from_are_counted():
    test = examples(["t3", "new", "t4 "], ("a", "b", "a"))
    parts = plan([f"t{k}" for k in range(20)], test=test)
    assert [str(note) for note in parts.notes] == [
        "2 of the 3 test sequences also stand in the data learned from"
    ]


def test_a_size_beside_data_is_refused():
    with pytest.raises(ConfigError, match=r"test_size is the part .* leave it or them out"):
        plan(["a", "b"], test=examples(["c"], ("a",)), test_size=1)


def test_signals_are_equal_by_their_numbers_and_words():
    from rnnkit.data.examples.given import examples_of

    arrays = [np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.array([[1.0], [2.5]])]
    assert find_groups(examples_of(arrays, wants="nothing")).group.tolist() == [0, 0, 1]


def test_a_long_sequence_pads_no_short_ones_where_nothing_is_learned():
    values = Ragged.join([*[np.ones((2, 1), np.float32)] * 255, np.ones((5000, 1), np.float32)])
    batches = list(in_batches(LabelledSequences(values), "cpu"))
    assert [tuple(batch.values.shape) for _, batch in batches] == [(255, 2, 1), (1, 5000, 1)]
    assert [index.tolist() for index, _ in batches] == [list(range(255)), [255]]
