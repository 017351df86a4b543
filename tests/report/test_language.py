import ast
import json
import string
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rnnkit
from rnnkit.baselines import series_baselines
from rnnkit.baselines.examples import label_baselines, number_baselines
from rnnkit.data import calendar, times_parts
from rnnkit.data.differencing import Differencing
from rnnkit.data.examples.given import examples_of
from rnnkit.diagnosis import assumptions
from rnnkit.messages import Message
from rnnkit.report import language as language_module
from rnnkit.report.language import LANGUAGES, render, words
from rnnkit.tasks.labels.base import PARTS
from rnnkit.tasks.language.evaluation import NGRAMS, UNIFORM, UNIGRAM
from rnnkit.tasks.tagging.evaluation import BY_ENDING, MOST_FREQUENT

SOURCE = Path(rnnkit.__file__).parent

# Templates that stand in a variable which no assignment beside it explains: (file, expression).
BASELINES = [make().name for make in series_baselines()]
KINDS = [  # of examples, each with baselines of its own: by words, by letters, series, rows
    ["a good film", "a bad film"],
    ["좋은 영화", "나쁜 영화"],
    np.zeros((2, 3)),
    [np.zeros(2), np.zeros(3)],
    np.zeros((2, 1)),
]
LABEL_BASELINES = {
    baseline.name
    for train in (examples_of(sequences, wants="nothing") for sequences in KINDS)
    for baseline in (*label_baselines(train, 2), *number_baselines(train))
}
UNITS = [*calendar._SPANS, "month", "year", "business day"]
NAMES = {
    *BASELINES,
    *LABEL_BASELINES,
    *(f"{name}, no season" for name in ("AutoARIMA", "ETS")),
    *UNITS,
    *(f"{{count}} {unit}s" for unit in UNITS),
    "quarter",
    "row",
}
ELSEWHERE = {
    ("cli/screen.py", "best"): BASELINES,
    ("tasks/forecasting/verdict.py", "best"): BASELINES,
    ("tasks/labels/evaluation.py", "best"): LABEL_BASELINES,
    ("tasks/language/evaluation.py", "name"): (NGRAMS, UNIGRAM, UNIFORM),
    ("tasks/tagging/evaluation.py", "best"): (MOST_FREQUENT, BY_ENDING),
    ("tasks/tagging/pictures.py", "p.name"): PARTS,
    ("tasks/tagging/pictures.py", "part.name"): PARTS,
    ("report/backtest_plot.py", "name"): BASELINES,
    ("report/forecast_plot.py", "picture.baseline"): BASELINES,
    ("data/times_parts.py", "part"): times_parts._NAMES,
    ("diagnosis/assumptions.py", "key[1]"): [test for _, test in assumptions._HOLDS],
    ("diagnosis/diagnose.py", "name"): assumptions.ORDER,
    ("tasks/forecasting/diagnosis.py", "t.name"): assumptions.ORDER,
    ("tasks/forecasting/diagnosis.py", "t.test"): (
        "spread against level",
        *(test for _, test in assumptions._HOLDS),
    ),
    ("tasks/forecasting/pictures.py", "place"): ("best", "median", "worst"),
    ("report/diagnosis_plots.py", "name"): ("first season", "middle season", "last season"),
    ("data/choosing.py", "chosen"): get_args(Differencing),
    ("data/choosing.py", "kind"): get_args(Differencing),
    ("tasks/forecasting/pictures.py", "panel.step_name"): ("hour", "row"),
}


def sections():
    text = resources.files("rnnkit.report").joinpath("korean.json").read_text(encoding="utf-8")
    return json.loads(text)


def catalogue():
    return {key: entry for section in sections().values() for key, entry in section.items()}


class Templates(ast.NodeVisitor):
    """The constant texts that are given to `Message(...)` and `say(...)` in one module.

    In the modules of the report `say` is what `rnnkit.report.language.words` returns.
    """

    def __init__(self, file, tree):
        self.found, self.unknown = set(), []
        self.names = {"Message", "say"} if file.startswith("report/") else {"Message"}
        self.scopes = [assignments(tree)]
        self.visit(tree)

    def visit_FunctionDef(self, node):
        self.scopes.append(assignments(node))
        self.generic_visit(node)
        self.scopes.pop()

    def visit_Call(self, node):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name in self.names and node.args:
            texts = self.texts(node.args[0])
            if texts is None:
                self.unknown.append(ast.unparse(node.args[0]))
            else:
                self.found |= texts
        self.generic_visit(node)

    def texts(self, node):
        """All texts that an expression can be; None where that is not known."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return {node.value} - {""}  # what says nothing
        if isinstance(node, ast.IfExp):
            return self.all_of([node.body, node.orelse])
        if isinstance(node, ast.Dict):
            return self.all_of(node.values)
        if isinstance(node, (ast.Tuple, ast.List)):
            return self.all_of(node.elts)
        if isinstance(node, ast.Subscript):
            return self.texts(node.value)
        if isinstance(node, ast.Name):
            return self.all_of(self.assigned(node.id))
        if isinstance(node, Item):
            return self.all_of(self.items(node.sequence, node.place))
        return None

    def assigned(self, name):
        """What is assigned to a name in the nearest scope that has it; an unknown if none has."""
        return next((scope[name] for scope in reversed(self.scopes) if name in scope), [ast.Pass()])

    def items(self, node, place):
        """What stands at a place of the tuples of a list; an unknown where it is not to be seen."""
        if isinstance(node, ast.Name):
            return [i for value in self.assigned(node.id) for i in self.items(value, place)]
        if isinstance(node, (ast.List, ast.Tuple)):
            rows = [e.elts for e in node.elts if isinstance(e, ast.Tuple) and len(e.elts) > place]
            if len(rows) == len(node.elts):
                return [row[place] for row in rows]
        return [ast.Pass()]

    def all_of(self, nodes):
        each = [self.texts(node) for node in nodes]
        return None if None in each else set().union(*each)


@dataclass
class Item:
    """The element at a place of each tuple that a loop runs over."""

    sequence: ast.AST
    place: int


def assignments(node):
    """The values assigned to each name in a module or function, not in the functions within."""
    found = {}
    waiting = list(node.body)
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
            continue
        if isinstance(inner, ast.ImportFrom) and inner.module.startswith("rnnkit."):
            path = SOURCE.parent.joinpath(*inner.module.split(".")).with_suffix(".py")
            there = assignments(parsed(path)) if path.exists() else {}
            found |= {alias.name: there[alias.name] for alias in inner.names if alias.name in there}
        if isinstance(inner, ast.Assign):
            for target in inner.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(inner.value)
        if isinstance(inner, (ast.For, ast.comprehension)) and isinstance(inner.target, ast.Tuple):
            for place, target in enumerate(inner.target.elts):
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(Item(inner.iter, place))
        if isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
            found.setdefault(inner.target.id, []).append(inner.value)
        if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name) and inner.value:
            found.setdefault(inner.target.id, []).append(inner.value)
        waiting += ast.iter_child_nodes(inner)
    return found


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def templates():
    """Every template in the source and the file that has it, and what could not be resolved."""
    found, unknown = {}, set()
    for path in sorted(SOURCE.rglob("*.py")):
        file = path.relative_to(SOURCE).as_posix()
        module = Templates(file, parsed(path))
        found |= dict.fromkeys(module.found, file)
        for expression in module.unknown:
            if (file, expression) in ELSEWHERE:
                found |= dict.fromkeys(ELSEWHERE[file, expression], file)
            else:
                unknown.add((file, expression))
    return found, unknown


def strings():
    """Every constant text of the source."""
    return {
        node.value
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def placeholders(template):
    return {
        (name, spec, conversion)
        for _, name, spec, conversion in string.Formatter().parse(template)
        if name is not None
    }


def test_the_templates_of_every_message_are_known():
    assert templates()[1] == set()


def test_every_template_has_a_korean_entry():
    missing = {text: file for text, file in templates()[0].items() if text not in catalogue()}
    assert missing == {}


def test_baselines_and_steps_have_korean_names():
    assert sorted(NAMES - set(catalogue())) == []
    say = words("ko")
    assert [say(step) for step in ("month", "2 months", "30 minutes", "2 fortnights")] == [
        "월", "2개월", "30분", "2 fortnights",
    ]  # fmt: skip
    assert words("en")("30 minutes") == "30 minutes"
    assert render(Message("{step} steps", {"step": Message("30 minutes")}), "ko") == "30분 steps"


def test_no_korean_entry_is_out_of_use():
    assert sorted(set(catalogue()) - strings() - NAMES) == []


@pytest.mark.parametrize("section", sections())
def test_korean_entries_have_the_placeholders_of_their_templates(section):
    for template, entry in sections()[section].items():
        assert placeholders(entry) == placeholders(template), template
        assert entry.strip() == entry != ""


def test_no_template_stands_in_two_sections():
    counts = Counter(key for section in sections().values() for key in section)
    assert [key for key, count in counts.items() if count > 1] == []


def test_particles_are_not_chosen_by_a_value_that_is_not_known():
    """After a value that may end in any letter, a particle would often be the wrong one."""
    particles = ("이", "가", "은", "는", "을", "를", "과", "와", "로", "으로")
    for template, entry in catalogue().items():
        for before, _, after in ((e[0], e[1], e[2]) for e in split(entry)):
            assert not after.startswith(particles) or after.startswith("로그"), (template, before)


def split(entry):
    for part in entry.split("{")[1:]:
        name, _, after = part.partition("}")
        yield name, "}", after.split(" ")[0]


@pytest.fixture
def small_catalogue(monkeypatch):
    korean = {"{n:,} rows": "{n:,}행", "rows": "행", "in {what}": "{what}에서"}
    monkeypatch.setattr(
        language_module, "_catalogue", lambda language: korean if language == "ko" else {}
    )


@pytest.mark.usefixtures("small_catalogue")
def test_messages_are_translated_with_all_messages_in_them():
    rows = Message("{n:,} rows", {"n": 1440})
    assert render(rows, "ko") == "1,440행"
    assert render(rows, "en") == render(rows) == "1,440 rows"
    assert render(Message("in {what}", {"what": rows}), "ko") == "1,440행에서"
    many = Message("in {what}", {"what": (rows, Message("{n:,} rows", {"n": 7}))})
    assert render(many, "ko") == "1,440행, 7행에서"
    assert render(many, "en") == "in 1,440 rows, 7 rows"


@pytest.mark.usefixtures("small_catalogue")
def test_what_comes_from_data_is_not_translated_and_what_is_unknown_stays_english():
    assert render("rows", "ko") == "rows"
    assert render(Message("in {what}", {"what": "rows"}), "ko") == "rows에서"
    assert render(Message("{n} steps", {"n": 2}), "ko") == "2 steps"
    assert [words(language)("rows") for language in LANGUAGES] == ["rows", "행"]
    assert words("ko")("columns") == "columns"


def test_a_missing_value_is_an_error():
    with pytest.raises(KeyError, match="n"):
        render(Message("{n} rows"), "ko")


@given(st.text(), st.sampled_from(LANGUAGES))
def test_any_text_and_any_value_comes_out_as_it_went_in(text, language):
    assert render(text, language) == text
    assert render(Message("<{x}>", {"x": text}), language) == f"<{text}>"
    assert render(Message("{x}", {"x": Message("{y}", {"y": text})}), language) == text


@given(st.sampled_from(sorted(catalogue())))
def test_a_message_from_json_reads_the_same_in_every_language(template):
    message = Message(template, {name: 3 for name, _, _ in placeholders(template)})
    again = Message.from_json(json.loads(json.dumps(message.to_json())))
    for language in LANGUAGES:
        assert render(again, language) == render(message, language)
