"""Files as people have them: one clear sentence or a right forecast, never anything else."""

import contextlib
import csv
import datetime
import gzip
import io
import math
import re
import shutil
import sys
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rnnkit import cli
from rnnkit.baselines import Drift, LastValue

from . import corpus_files, corpus_panels
from .broken import DAYS, GOOD, LONG, ROWS, changed, hours, table, values

REFUSED = [*corpus_files.CORPUS.refused, *corpus_panels.CORPUS.refused]
MENDED = [*corpus_files.CORPUS.mended, *corpus_panels.CORPUS.mended]

EXAMPLES = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def forecast(tmp_path, monkeypatch):
    """Run `rnnkit forecast` on a content; return how it ended, and what it left."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "rnnkit.tasks.forecasting.evaluation.series_baselines", lambda: [LastValue, Drift]
    )

    def run(content, options=LONG, file="t.csv", later=None):
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        monkeypatch.chdir(tmp_path)
        given = {file: content} if later is None else {file: content, "later.csv": later}
        for name, data in given.items():
            (tmp_path / name).write_bytes(data)
        monkeypatch.setattr(sys, "argv", ["rnnkit", "forecast", file, *options, "--out", "run"])
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            cli.main()
        assert all((tmp_path / name).read_bytes() == data for name, data in given.items())
        left = {entry.name for entry in tmp_path.iterdir()} - set(given)
        written = tmp_path / "run" / "forecast.csv"
        return SimpleNamespace(
            code=end.value.code or 0,
            out=out.getvalue(),
            err=err.getvalue(),
            left=left,
            rows=_read(written) if written.exists() else None,
        )

    return run


@pytest.fixture
def light(monkeypatch):
    """Write no pictures and no page: they take most of the time of a tiny forecast."""
    for name in ("forecast_figure", "diagnosis_section", "report"):
        monkeypatch.setattr(f"rnnkit.tasks.forecasting.run.{name}", lambda *_, **__: None)
    monkeypatch.setattr("rnnkit.tasks.pictures.training_plot", lambda *_: None)
    monkeypatch.setattr("rnnkit.tasks.pictures.save", lambda _, path: path.touch())
    monkeypatch.setattr("rnnkit.tasks.forecasting.run.report_page", lambda _: "")


@pytest.fixture(scope="module")
def twins():
    """Forecasts of clean files, by content and options."""
    return {}


def _read(file):
    """Return the rows of a forecast, without the names of its columns and targets."""
    with file.open(newline="") as text:
        names, *rows = csv.reader(text)
    skipped = names.index("target")
    return [[*row[:skipped], *row[skipped + 1 :]] for row in rows]


def _check_refused(result):
    """A refusal is one line and leaves nothing behind."""
    assert (result.code, result.out, result.left) == (2, "", set()), result
    assert re.fullmatch(r"error: [^\n]+\n", result.err), result.err
    assert "Traceback" not in result.err


def _check_right(result, count=2):
    """A forecast is finite, and its intervals hold it."""
    assert (result.code, result.left) == (0, {"run"}), result
    assert len(result.rows) == count
    for row in result.rows:
        value, low_80, high_80, low_95, high_95 = map(float, row[-5:])
        assert low_95 <= low_80 <= value <= high_80 <= high_95
        assert math.isfinite(low_95 + high_95)


# --- by hand


def test_the_corpus_is_large_and_names_no_case_twice():
    names = [case.name for case in (*REFUSED, *MENDED)]
    assert len(REFUSED) > 40
    assert len(MENDED) > 40
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_cannot_be_understood_is_refused_in_one_sentence(forecast, light, case):
    result = forecast(case.content, case.options, case.file, case.later)
    _check_refused(result)
    for text in case.said:
        assert re.search(text, result.err), result.err


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case.name)
def test_what_can_be_understood_is_forecast_as_its_clean_twin(forecast, light, twins, case):
    clean = case.twin, case.twin_options or case.options
    if case.twin == GOOD and case.twin_options is None:
        clean = GOOD, LONG
    if clean not in twins:
        twins[clean] = forecast(*clean).rows
    result = forecast(case.content, case.options, case.file, case.later)
    _check_right(result, len(twins[clean]))
    assert result.rows == twins[clean]
    for text in case.said:
        assert re.search(text, result.out), result.out


def test_a_forecast_tells_the_order_and_each_value(forecast, light):
    """Twins of equal forecasts say nothing where a forecast hardly depends on the rows."""
    good = forecast(GOOD).rows
    moved = [*ROWS[:20], (DAYS[20], ROWS[21][1]), (DAYS[21], ROWS[20][1]), *ROWS[22:]]
    assert forecast(table(moved)).rows != good
    for line in (2, 20, 46):
        other = changed(ROWS, line, DAYS[line - 2], "100.01")
        assert forecast(table(other)).rows != good


@pytest.mark.parametrize("power", [-90, 90])
def test_values_of_any_size_are_forecast_alike(forecast, light, power):
    good = forecast(GOOD).rows
    result = forecast(table((day, f"{value}e{power}") for day, value in ROWS))
    for row, other in zip(good, result.rows, strict=True):
        assert row[0] == other[0]
        sizes = [float(f"{cell}e{power}") for cell in row[1:]]
        assert [float(cell) for cell in other[1:]] == pytest.approx(sizes, rel=1e-6)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["7"] * 45, [7, 7]),
        (["-0.3"] * 45, [-0.3, -0.3]),
        ([str(3 * i + 5) for i in range(45)], [140, 143]),
        ([str(-3 * i) for i in range(45)], [-135, -138]),
        (["" if i % 4 == 3 else "7" for i in range(45)], [7, 7]),
    ],
    ids=["constant", "negative constant", "line up", "line down", "constant with holes"],
)
def test_flat_and_straight_lines_go_on_in_a_whole_run(forecast, cells, expected):
    result = forecast(table(zip(DAYS, cells, strict=True)))
    _check_right(result)
    assert [float(row[1]) for row in result.rows] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("known", [0, 1])
def test_what_is_not_known_in_advance_leaves_no_forecast_and_is_said(forecast, light, known):
    rows = [(*row, "5") for row in ROWS] + [("2024-03-05", "", "5")] * known
    result = forecast(table(rows, ("day", "x", "k")), (*LONG, "--future-covariate", "k"))
    assert (result.code, result.rows, result.left) == (0, None, {"run"})
    said = f"No forecast beyond the data: .*'k' is given for {known} of the 2 rows"
    assert re.search(said, result.out)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("2024-03-28 14:00", ["2024-03-31 03:00:00", "2024-03-31 04:00:00"]),
        ("2024-10-24 14:00", ["2024-10-27 02:00:00", "2024-10-27 02:00:00"]),
    ],
)
def test_a_forecast_follows_the_clock_over_a_change(forecast, light, first, expected):
    content = table(zip(hours(first, 60), values(60), strict=True))
    result = forecast(content, (*LONG, "--time-zone", "Europe/Berlin"))
    assert [row[0] for row in result.rows] == expected


# --- by Hypothesis

CELLS = [
    "", "NA", "7", "-7.5", "1e3", "1e300", "inf", "nan", "x", "1,5", '"', "#", "2024-02-07",
    "2024-02-30", "07.02.2024", "2023-12-31", "\x00", "é", "1 000",
]  # fmt: skip
LINES = [b"", b"#", b"2024-01-21", b"2024-03-05,100", b"2024-02-07,5", b",", b'"', b"day,x"]


@st.composite
def mutations(draw):
    """Draw the good file with up to three things changed."""
    lines = GOOD.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["drop", "repeat", "exchange", "cell", "line", "bytes"]))
        if kind == "drop":
            last = place + draw(st.sampled_from([1, 1, 3, 30]))
            lines[place:last] = []
        elif kind == "repeat":
            lines.insert(draw(st.integers(0, len(lines))), lines[place])
        elif kind == "exchange":
            other = draw(st.integers(0, len(lines) - 1))
            lines[place], lines[other] = lines[other], lines[place]
        elif kind == "cell":
            cells = lines[place].split(b",")
            cells[draw(st.integers(0, len(cells) - 1))] = draw(st.sampled_from(CELLS)).encode()
            lines[place] = b",".join(cells)
        elif kind == "line":
            lines.insert(place, draw(st.sampled_from(LINES)))
        else:
            at = draw(st.integers(0, len(lines[place])))
            gone = draw(st.integers(0, 2))
            new = draw(st.binary(max_size=2))
            lines[place] = lines[place][:at] + new + lines[place][at + gone :]
        if not lines:
            break
    return b"\n".join(lines) + b"\n"


def _understood(content):
    """Return a clean file of the same rows by the stated rules; None where that is not plain."""
    try:
        lines = [line for line in content.decode().split("\n") if line and line[0] != "#"]
    except UnicodeDecodeError:
        return None
    rows = {}
    for line in lines[1:]:
        match = re.fullmatch(r"(\d{4}-\d\d-\d\d),(-?\d+(?:\.\d+)?|NA|)", line, re.ASCII)
        if match is None:
            return None
        try:
            day = datetime.date.fromisoformat(match[1])
        except ValueError:
            return None
        value = None if match[2] in ("NA", "") else float(match[2])
        if rows.setdefault(day, value) != value:
            return None
    if lines[:1] != ["day,x"] or len(rows) < 3:
        return None
    first, last = min(rows), max(rows)
    span = [first + datetime.timedelta(i) for i in range((last - first).days + 1)]
    if len(span) > 2 * len(rows):
        return None
    clean = [(str(day), "" if rows.get(day) is None else repr(rows[day])) for day in span]
    return table(clean)


@settings(EXAMPLES, max_examples=80)
@given(mutations())
@example(b"\n".join([*GOOD.splitlines()[:1], *GOOD.splitlines()[2:]]))
def test_a_file_that_was_changed_somehow(forecast, light, twins, content):
    result = forecast(content)
    if result.code:
        _check_refused(result)
    else:
        _check_right(result)
    clean = _understood(content)
    if clean is not None:
        if clean not in twins:
            twins[clean] = forecast(clean).rows
        assert result.rows == twins[clean], result


@st.composite
def disguises(draw):
    """Draw the good file in another guise that the stated rules see through."""
    rows = draw(st.permutations(ROWS)) if draw(st.booleans()) else list(ROWS)
    rows += draw(st.lists(st.sampled_from(ROWS), max_size=5))
    sep = draw(st.sampled_from([",", ";", "\t", "|"]))
    mark = draw(st.sampled_from(['"', ""]))
    comma = sep != "," and draw(st.booleans())
    cells = (
        (f"{mark}{day}{mark}", value.replace(".", ",") if comma else value) for day, value in rows
    )
    content = table(cells, sep=sep)
    content = content.replace(b"\n", draw(st.sampled_from([b"\n", b"\r\n", b"\n\n"])))
    content = draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + content
    content += draw(st.sampled_from([b"", b"# end", b"\n \n"]))
    return gzip.compress(content) if draw(st.booleans()) else content


@settings(EXAMPLES, max_examples=30)
@given(disguises())
def test_a_file_in_another_guise_has_the_same_forecast(forecast, light, twins, content):
    if (GOOD, LONG) not in twins:
        twins[GOOD, LONG] = forecast(GOOD).rows
    result = forecast(content)
    _check_right(result)
    assert result.rows == twins[GOOD, LONG]
