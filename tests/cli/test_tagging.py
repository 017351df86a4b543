"""What the command tag takes from files of options, and how it ends when too much is asked."""

import json

import pytest
import torch

from rnnkit import load

QUICK = (
    *("--epochs", 1, "--hidden-size", 4, "--embedding-size", 4, "--letter-size", 2),
    *("--letter-hidden-size", 2, "--ending-size", 0, "--quiet"),
)


@pytest.fixture
def trees(here):
    """`trees.conllu`, whose upos are N and V and whose xpos are NN, VB and VBZ."""
    rows = [("dogs", "N", "NN"), ("bark", "V", "VB"), ("cat", "N", "NN"), ("sits", "V", "VBZ")]
    text = ""
    for number in range(20):
        two = rows[:2] if number % 2 else rows[2:]
        for place, (word, upos, xpos) in enumerate(two, start=1):
            cells = [place, f"{word}{number % 7}", "_", upos, xpos, "_", 0, "_", "_", "_"]
            text += "\t".join(map(str, cells)) + "\n"
        text += "\n"
    (here / "trees.conllu").write_text(text)
    return here


def test_the_config_of_a_run_gives_its_field_too(trees, rnnkit):
    first = ("tag", "trees.conllu", *QUICK, "--test-size", 0.2)
    assert rnnkit(*first, "--field", "xpos", "--out", "one").code == 0
    again = ("tag", "trees.conllu", "--config", "one/config.json", "--quiet")
    result = rnnkit(*again, "--out", "two")
    assert result.code == 0, result.err
    assert load("two").fitted.field == "xpos"
    assert load("two").tags_ == ("NN", "VB", "VBZ")
    assert rnnkit(*again, "--field", "upos", "--out", "three").code == 0
    assert load("three").tags_ == ("N", "V")


def test_a_file_of_options_may_name_the_field(trees, rnnkit):
    (trees / "c.json").write_text(json.dumps({"field": "xpos"}))
    result = rnnkit("tag", "trees.conllu", *QUICK, "--config", "c.json", "--out", "one")
    assert result.code == 0, result.err
    assert load("one").tags_ == ("NN", "VB", "VBZ")


@pytest.mark.parametrize("field", [5, None, ["xpos"], "pos"])
def test_a_field_in_a_file_that_is_none_is_refused(trees, rnnkit, field):
    (trees / "c.json").write_text(json.dumps({"field": field}))
    result = rnnkit("tag", "trees.conllu", *QUICK, "--config", "c.json", "--out", "one")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: field must be one of lemma, upos")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("hidden-size", 1_000_000),
        ("embedding-size", 99999999999999999999),
        ("letter-size", 1_000_000_000),
        ("letter-hidden-size", 10**9),
        ("ending-size", 10**9),
        ("layers", 100_000_000),
        ("batch-size", 10**20),
    ],
)
def test_absurd_sizes_are_refused_before_anything_is_built(trees, rnnkit, option, value):
    result = rnnkit("tag", "trees.conllu", *QUICK, f"--{option}", value, "--out", "one")
    assert (result.code, result.out) == (2, "")
    assert f"{option.replace('-', '_')} must be at most" in result.err
    assert result.err.count("\n") == 1
    assert not list(trees.glob("one*"))


def ask_too_much(*_, **__):
    torch.empty(2**43)


def run_out(*_, **__):
    raise MemoryError


@pytest.mark.parametrize(("fails", "says"), [(ask_too_much, "35,184.4 GB"), (run_out, "for this:")])
def test_memory_that_cannot_be_had_ends_in_one_sentence(trees, rnnkit, monkeypatch, fails, says):
    monkeypatch.setattr("rnnkit.tasks.tagging.tagger.fit_tagger", fails)
    result = rnnkit("tag", "trees.conllu", *QUICK, "--out", "one")
    assert result.code == 1
    assert result.err.startswith("error: there is not enough memory for this")
    assert says in result.err
    assert result.err.count("\n") == 1
    assert not list(trees.glob("one*"))


def test_other_errors_of_the_machine_are_not_hidden(trees, rnnkit, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("something else")

    monkeypatch.setattr("rnnkit.tasks.tagging.tagger.fit_tagger", fails)
    with pytest.raises(RuntimeError, match="something else"):
        rnnkit("tag", "trees.conllu", *QUICK, "--out", "one")


@pytest.mark.parametrize("command", [("predict", "one"), ("encode", "one"), ("tag",)])
def test_an_argument_with_a_byte_that_is_no_utf_8_is_refused(trees, rnnkit, command):
    result = rnnkit(*command, "\udcff abc")
    assert (result.code, result.out) == (2, "")
    assert "holds a byte that is not UTF-8" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "value"), [("length", 10**11), ("length", 10**20), ("samples", 10**11)]
)
def test_too_much_to_generate_is_refused(here, rnnkit, option, value):
    result = rnnkit("generate", "none", f"--{option}", value)
    assert (result.code, result.out) == (2, "")
    assert f"{option} must be at most" in result.err


def test_control_characters_of_data_do_not_reach_the_terminal(trees, rnnkit):
    odd = "N\x1b[31m\a\u202e\x9b"
    text = (trees / "trees.conllu").read_text()
    (trees / "odd.conllu").write_text(text.replace("\tN\t", f"\t{odd}\t", 1))
    loud = QUICK[:-1]
    result = rnnkit("tag", "trees.conllu", *loud, "--test", "odd.conllu", "--out", "one")
    assert result.code == 0, result.err
    assert r"(N\x1b[31m\x07\u202e\x9b)" in result.out
    refusal = rnnkit("tag", f"no{odd}file.conllu", *QUICK, "--out", "two")
    assert refusal.code == 2
    assert r"no file noN\x1b[31m\x07\u202e\x9bfile.conllu" in refusal.err
    for written in (result.out, refusal.err):
        assert not {*"\x1b\a\u202e\x9b"} & {*written}


def test_a_folder_is_no_file_of_sentences(trees, rnnkit):
    assert rnnkit("tag", "trees.conllu", *QUICK, "--out", "one").code == 0
    for command in (("tag", ".", "--out", "two"), ("predict", "one", ".")):
        result = rnnkit(*command)
        assert result.code == 2
        assert ". is a folder; a text file was expected" in result.err


def test_a_config_file_that_is_missing_is_said_in_words(trees, rnnkit):
    result = rnnkit("tag", "trees.conllu", "--config", "nofile.json", "--out", "one")
    assert result.code == 2
    assert result.err == (
        "error: config file nofile.json cannot be read: No such file or directory\n"
    )
