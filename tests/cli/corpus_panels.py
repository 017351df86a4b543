"""The corpus of broken files of many series, with covariates, in other layouts, of later rows."""

from __future__ import annotations

from .broken import (
    DAYS,
    GOOD,
    LONG,
    ROWS,
    TINY,
    VALUES,
    Corpus,
    Row,
    asking,
    changed,
    days,
    table,
    values,
)

CORPUS = Corpus()
refused, mended = CORPUS.refuse, CORPUS.mend

# --- many series

NAMES = ("s", "day", "x")
SERIES = asking("--series-id", "s", "--time", "day", "--target", "x")
three: list[Row] = [
    (name, *row)
    for i, name in enumerate("abc")
    for row in zip(DAYS, values(45, 50 * i), strict=True)
]
colours = [(*row, "red" if row[0] == "a" else "blue") for row in three]
refused("series not said", table(three, NAMES), "line 2 .*line 47 .*'s'")
refused(
    "series without a name",
    table(changed(three, 20, "", DAYS[18], "5"), NAMES),
    "'s' .*line 20 ",
    options=SERIES,
)
refused(
    "nothing left to test on",
    GOOD,
    "of the 45 rows 36 are to train on, 8 to validate on and 1 to test on.*forecast of 2 rows",
    options=(
        "--time",
        "day",
        "--target",
        "x",
        *TINY,
        "--train-size",
        "0.8",
        "--validation-size",
        "8",
    ),
)
refused(
    "no value to test on",
    table((day, "" if 38 <= i < 44 else value) for i, (day, value) in enumerate(ROWS)),
    "no series of t has a value to test on .*forecasts of 2 rows .*the last 4 rows",
    options=("--time", "day", "--target", "x", *TINY, "--test-size", "4", "--stride", "3"),
)
refused(
    "static that changes",
    table(changed(colours, 20, "a", DAYS[18], "5", "blue"), (*NAMES, "c")),
    "'c' .*'a' .*red .*line 2 .*blue .*line 20 ",
    options=(*SERIES, "--static", "c"),
)
refused(
    "static too large",
    table(((*row, "1e300" if row[0] == "a" else "5") for row in three), (*NAMES, "c")),
    "'c' ",
    options=(*SERIES, "--static", "c"),
)
refused(
    "a time twice in a series",
    table([*three[:50], ("b", DAYS[4], "5"), *three[50:]], NAMES),
    "line 51 .*line 52 .*'b'",
    options=SERIES,
)
refused(
    "a text in a series",
    table(changed(three, 60, "b", DAYS[13], "?"), NAMES),
    r"'x' .*line 60 .*'\?'",
    options=SERIES,
)
refused(
    "a thousand series of two rows",
    table(((f"s{i}", *row) for i in range(1000) for row in ROWS[:2]), NAMES),
    "2 rows in a series, but at least 3 are needed",
    options=SERIES,
)
mended(
    "series mixed up",
    table((three[i * 37 % 135] for i in range(135)), NAMES),
    "sorted by time",
    options=SERIES,
    twin=table(three, NAMES),
)
mended(
    "blanks in the names of series",
    table(((f" {row[0]} ", *row[1:]) for row in three), NAMES),
    options=SERIES,
    twin=table(three, NAMES),
)

# --- covariates

THREE = ("day", "x", "k")
KNOWN, FUTURE = (*LONG, "--covariate", "k"), (*LONG, "--future-covariate", "k")
numbered: list[Row] = [(*row, str(i % 5)) for i, row in enumerate(ROWS)]
refused(
    "a text in a covariate",
    table(changed(numbered, 20, DAYS[18], "5", "many"), THREE),
    "'k' .*line 20 .*'many'",
    options=KNOWN,
)
refused(
    "a covariate of 2,000 labels",
    table(
        ((*row, f"l{i}") for i, row in enumerate(zip(days(2000), values(2000), strict=True))), THREE
    ),
    "'k' holds 2000 different texts.*1000 labels",
    options=KNOWN,
)
refused("an empty covariate", table(((*row, "") for row in ROWS), THREE), "'k'", options=KNOWN)
mended(
    "a covariate that misses a value",
    table(changed(numbered, 20, *ROWS[18], ""), THREE),
    "without a value: 1 of 45 in k",
    options=KNOWN,
    twin=table(changed(numbered, 20, *ROWS[18], numbered[17][2]), THREE),
)

for name, options in (("known", KNOWN), ("known in advance", FUTURE)):
    rows = [*numbered, *((day, "", "3") for day in ("2024-03-05", "2024-03-06"))]
    for line, (*row, _), size in (
        (20, rows[18], "1e300"),
        (47, rows[45], "-1e150"),
    ):
        if line < 47 or options == FUTURE:
            refused(
                f"a covariate {name} of {size} on line {line}",
                table(changed(rows, line, *row, size), THREE),
                f"'k' .*{row[0]}",
                options=options,
            )
mended(
    "a covariate known in advance",
    table([*numbered, ("2024-03-05", "", "3"), ("2024-03-06", "", "4")], THREE),
    "of which only what is known in advance is read: 2 of 47",
    options=FUTURE,
    twin=table([*numbered, ("2024-03-05", "NA", "3"), ("2024-03-06", "NA", "4")], THREE),
)

# --- layouts

WIDE = asking("--layout", "columns", "--time", "day")
ACROSS = asking("--layout", "rows", "--series-id", "s")
COUNTED = ("s", *map(str, range(1, 46)))
beside = [(*row, other) for row, other in zip(ROWS, values(45, 50), strict=True)]
across: list[Row] = [("a", *VALUES), ("b", *values(45, 50))]
refused(
    "a text in layout columns",
    table(changed(beside, 20, DAYS[18], "?", "5"), ("day", "a", "b")),
    r"'a' .*line 20 .*'\?'",
    options=WIDE,
)
refused(
    "a text in layout rows",
    table([across[0], (*across[1][:31], "?", *across[1][32:])], COUNTED),
    r"'31' .*line 3 .*'\?'",
    options=ACROSS,
)
refused(
    "a series twice in layout rows",
    table([across[0], across[0]], COUNTED),
    "line 2 .*line 3 .*'a'",
    options=ACROSS,
)
mended(
    "layout columns",
    table(beside, ("day", "a", "b")),
    options=WIDE,
    twin=table(three[:90], NAMES),
    twin_options=SERIES,
)
mended(
    "layout columns, one empty",
    table(((*row, "") for row in beside), ("day", "a", "b", "c")),
    "Left out: c",
    options=WIDE,
    twin=table(three[:90], NAMES),
    twin_options=SERIES,
)
mended(
    "layout rows, ragged",
    table([across[0], across[1][:31]], None),
    "from 30 to 45 rows",
    options=asking("--layout", "rows", "--series-id", "1", "--no-header"),
    twin=table([across[0], (*across[1][:31], *[""] * 15)], COUNTED),
    twin_options=ACROSS,
)

# --- later rows

TESTED = ("--time", "day", "--target", "x", *TINY, "--test", "later.csv")
later: list[Row] = list(zip(days(55), values(55), strict=True))
far = zip(days(10, first="2025-01-01"), VALUES, strict=False)
for name, content, text in (
    ("of the past", table(later[30:40]), "end before"),
    ("after a gap", table(far), "begins at 2025-01-01, 302 steps"),
    ("of other columns", table(later[45:], ("day", "y")), "later.csv has no column 'x'"),
    ("with a text", table(changed(later[45:], 4, "2024-03-07", "?")), "'x' .*line 4 of later.csv"),
    ("empty", b"", "later.csv is empty"),
    ("of one row", table(later[45:46]), "1 steps, and one forecast is scored on 2"),
):
    refused(f"test rows {name}", GOOD, text, options=TESTED, later=content)
refused(
    "test rows of other series",
    table(three, NAMES),
    "of 'z', and t has rows of 'a', 'b', 'c'",
    options=("--series-id", "s", *TESTED),
    later=table((("z", *row) for row in later[45:]), NAMES),
)
for name, first, known in (("that go on", 45, 45), ("that overlap", 40, 45)):
    mended(
        f"test rows {name}",
        table(later[:known]),
        "Test: 9 forecasts",
        options=TESTED,
        later=table(later[first:]),
        twin=table(later),
        twin_options=(*LONG[:4], *TINY, "--test-size", "10"),
    )
mended(
    "test rows that correct",
    table(changed(later[:45], 45, DAYS[43], "5")),
    "came again with other values: 1 of 2",
    options=TESTED,
    later=table(later[43:]),
    twin=table(later),
    twin_options=(*LONG[:4], *TINY, "--test-size", "10"),
)
