"""The corpus of files of one series that are broken, and of files that only look so."""

from __future__ import annotations

import bz2
import datetime
import gzip
import io
import zipfile

import numpy as np
import pandas as pd

from .broken import (
    DAYS,
    GOOD,
    LONG,
    ROWS,
    VALUES,
    Corpus,
    Row,
    asking,
    changed,
    days,
    hours,
    parquet,
    table,
    values,
)

CORPUS = Corpus()
refused, mended = CORPUS.refuse, CORPUS.mend


def line_20(*cells):
    """Return the good file with other cells on line 20."""
    return table(changed(ROWS, 20, *cells))


def each(form):
    """Return the good file with every number written in another form."""
    return table((day, form(value)) for day, value in ROWS)


def dated(form):
    """Return the good file with its days written in another form."""
    return table(zip(days(45, form), VALUES, strict=True))


# --- files

archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as packed:
    packed.writestr("t.csv", GOOD)
korean = table(((*row, "서울") for row in ROWS), ("day", "x", "도시")).decode()

refused("empty", b"", "t.csv is empty")
refused("blank lines alone", b"\n \n\n", "t.csv is empty")
refused("comments alone", b"# day,x\n# nothing\n", "comments alone")
refused("header alone", b"day,x\n", "no rows")
refused("zip", archive.getvalue(), "ZIP archive")
refused("workbook", archive.getvalue(), "workbook", file="t.xlsx")
refused("gz cut", gzip.compress(GOOD)[:-30], "damaged", file="t.csv.gz")
refused("gz in name alone", b"\x1f\x8b" + GOOD, "is damaged .*download it again", file="t.csv.gz")
refused("bz2 cut", bz2.compress(GOOD)[:-30], "damaged", file="t.csv.bz2")
refused("binary", bytes(range(256)) * 4, "not a text table")
refused("picture", b"\x89PNG\r\n\x1a\n" + bytes(100), "not a text table")
refused("UTF-16", GOOD.decode().encode("utf-16"), "UTF-16")
refused("UTF-16 without a mark", GOOD.decode().encode("utf-16-le"), "not a text table")
refused("CP949", korean.encode("cp949"), "line 1 .*CP949")
refused("Latin-1", line_20(DAYS[18], "30 µ").decode().encode("latin-1"), "line 20 .*not UTF-8")
mended("gz named csv", gzip.compress(GOOD))
mended("csv named gz", GOOD, file="t.csv.gz")
mended("bz2", bz2.compress(GOOD), file="t.csv.bz2")
mended("byte order mark", b"\xef\xbb\xbf" + GOOD)
mended("CR LF", GOOD.replace(b"\n", b"\r\n"))
mended("CR", GOOD.replace(b"\n", b"\r"))
mended("no last line end", GOOD[:-1])
mended("blank lines", GOOD.replace(b"\n", b"\n\n"))
mended("comment above", b"# made by a logger\n" + GOOD, "comments.*: 1")
mended("comment below", GOOD + b"# end\n", "comments.*: 1")
mended("semicolons", GOOD.replace(b",", b";"))
mended("tabs", GOOD.replace(b",", b"\t"))
mended("bars", GOOD.replace(b",", b" | "))

frame = pd.DataFrame({"day": pd.to_datetime(DAYS), "x": [float(value) for value in VALUES]})
whole = parquet(frame)
refused("Parquet cut", whole[:-40], "damaged", file="t.parquet")
refused(
    "Parquet of zeros", whole[:60] + bytes(300) + whole[360:], "t.parquet is a", file="t.parquet"
)
refused(
    "Parquet of lists",
    parquet(frame.assign(x=[[value] for value in frame["x"]])),
    "'x' of t.parquet holds lists",
    file="t.parquet",
)
refused("Parquet without rows", parquet(frame[:0]), "no rows", file="t.parquet")
refused(
    "Parquet with a text",
    parquet(frame.assign(x=[*VALUES[:18], "n.v.", *VALUES[19:]])),
    "'x' .*row 18 .*'n.v.'",
    file="t.parquet",
)
refused(
    "Parquet with an infinite number",
    parquet(frame.assign(x=np.where(frame.index == 18, np.inf, frame["x"]))),
    "'x' .*row 18 .*inf",
    file="t.parquet",
)
mended("Parquet", whole, file="t.parquet")
mended("Parquet named csv", whole)
mended("csv named Parquet", GOOD, file="t.parquet")
mended("Parquet of texts", parquet(frame.assign(day=DAYS, x=VALUES)), file="t.parquet")

# --- lines and columns

refused("line too long", line_20(DAYS[18], "5", "7"), "line 20 .*3 cells where the header has 2")
refused("line too short", line_20(DAYS[18]), "line 20 .*1 cells where the header has 2")
refused("quote left open", line_20(DAYS[18], '"5'), "line 20 .*quotation marks")
refused("quote inside", line_20(DAYS[18], '1"7'), "'x' .*line 20 .*'1\"7'")
refused("name twice", table(((*row, "5") for row in ROWS), ("day", "x", "x")), "2 columns .*'x'")
refused("no such column", table(ROWS, ("day", "y")), "no column 'x'; .*'day', 'y'")
refused("misspelt target", table(ROWS, ("day", "X")), "no column 'x'.*did you mean 'X'")
refused("misspelt time", table(ROWS, ("dya", "x")), "no column 'day'.*did you mean 'dya'")
refused("no names, and named", table(ROWS, None), "no column 'day'.*'1', '2'.*first line holds")
refused("header again", table([*ROWS[:20], ("day", "x"), *ROWS[20:]]), "'day' .*line 22 .*'day'")
refused(
    "time as target", GOOD, "'day' must hold numbers.*line 2 ", options=asking("--target", "day")
)
refused(
    "two candidates",
    table(((*row, "5") for row in ROWS), ("day", "x", "y")),
    "'x', 'y'; name one with --target",
    options=asking("--time", "day"),
)
NUMBERED = asking("--time", "1", "--target", "2")
refused("names that are numbers", table(ROWS, ("1", "2")), "'1' .*line 1 ", options=NUMBERED)
mended("names said to be there", table(ROWS, ("1", "2")), options=(*NUMBERED, "--header"))
mended("no names", table(ROWS, None), "called 1, 2, 3", options=NUMBERED, twin_options=LONG)
mended("blanks around names", table(ROWS, (" day ", "x ")))
mended("last column empty", table(((*row, "") for row in ROWS), ("day", "x", "")), "empty cells")
mended("column without a name", table((("7", *row) for row in ROWS), ("", "day", "x")), "column 1")

# --- numbers

refused("text", line_20(DAYS[18], "n.v."), "'x' .*line 20 .*'n.v.'")
refused("dash", line_20(DAYS[18], "-"), "'x' .*line 20 .*'-'")
refused("infinite", line_20(DAYS[18], "inf"), "'x' .*line 20 .*'inf'")
refused("minus infinite", line_20(DAYS[18], "-Infinity"), "'x' .*line 20 .*'-Infinity'")
refused("too large to hold", line_20(DAYS[18], "1e400"), "'x' .*line 20 .*'1e400'")
refused("one too large", line_20(DAYS[18], "1e200"), r"'x' reaches 1e\+200 at 2024-02-07")
refused("all too large", each("{}e150".format), r"'x' reaches 1\.1\d*e\+152")
refused("all too small", each("{}e-200".format), r"'x' reaches 1\.1\d*e-198")
refused("hexadecimal", line_20(DAYS[18], "0x1F"), "'x' .*line 20 .*'0x1F'")
refused("underscore", line_20(DAYS[18], "1_000"), "'x' .*line 20 .*'1_000'")
refused("percent", each("{}%".format), r"'x' .*line 2 .*'100\.00%'")
refused("currency", each("${}".format), r"'x' .*line 2 .*'\$100\.00'")
refused("words for yes and no", each(lambda value: "True"), "'x' .*line 2 .*'True'")
refused("thousands", each('"1,000,{}"'.format), r"'x' .*line 2 .*'1,000,100\.00'.*thousands")
refused("thousands or decimals", each(lambda value: '"1,500"'), "'x' .*line 2 .*'1,500'")
refused("thousands by dots", each(lambda value: "1.000.500"), r"'x' .*line 2 .*'1\.000\.500'")
refused(
    "thousands by dots beside smaller numbers",
    table(((d, f"{900 + 7 * i:,}".replace(",", ".")) for i, (d, _) in enumerate(ROWS)), sep=";"),
    r"'x' .*line 17 .*'1\.005'.*'998' on line 16 .*without thousands separators",
)
refused("thousands by blanks", each(lambda value: "1 500"), "'x' .*line 2 .*'1 500'")
refused(
    "decimal points and commas",
    table(((d, v if i % 2 else v.replace(".", ",")) for i, (d, v) in enumerate(ROWS)), sep=";"),
    "'x' .*line [23] ",
)
refused("no value at all", each(lambda value: ""), "'x' is empty")
refused("NA at all", each(lambda value: "NA"), "'x' is empty")
mended("decimal commas", table(((day, value.replace(".", ",")) for day, value in ROWS), sep=";"))
mended(
    "three decimals beside whole numbers",
    table((day, f"{value}0" if i % 3 else value[:-3]) for i, (day, value) in enumerate(ROWS)),
    twin=table((day, value if i % 3 else value[:-3]) for i, (day, value) in enumerate(ROWS)),
)
mended("decimal commas in quotes", each(lambda value: f'"{value.replace(".", ",")}"'))
mended("blanks around cells", table((f"{day} ", f"  {value}") for day, value in ROWS))
mended("cells in quotes", table((f'"{day}"', f'"{value}"') for day, value in ROWS))
mended("powers of ten", each(lambda value: f"{value.replace('.', '')}e-2"))
mended("plus signs", each("+{}".format))
mended("Arabic digits", line_20(DAYS[18], "١٢٣"), twin=line_20(DAYS[18], "123"))
mended("no value", line_20(DAYS[18], ""), "without a value: 1 of 45", twin=line_20(DAYS[18], "NA"))
mended("null", line_20(DAYS[18], "null"), "without a value: 1 of", twin=line_20(DAYS[18], "NaN"))
mended(
    "no value at first",
    table((day, value if i > 2 else "") for i, (day, value) in enumerate(ROWS)),
    "Left out at the start.*3 of 45",
    twin=table(ROWS[3:]),
)

# --- rows and times

for count in (1, 2, 5):
    refused(f"{count} rows", table(ROWS[:count]), f"{count} rows, but .* needed")
refused("a time twice", table([*ROWS[:20], (DAYS[19], "5"), *ROWS[20:]]), "line 21 .*line 22 ")
refused("most times missing", table([*ROWS[:5], *ROWS[40:]]), "line 7 .*2024-01-25 was expected")
refused("off the step", line_20(f"{DAYS[18]} 07:00", "5"), "line 20 .*2024-02-07 07:00")
refused("a jump of years", table([*ROWS[:44], ("2034-01-01", "5")]), "line 46 .*2034-01-01")
refused("no time", line_20("", "5"), "'day' has no value on line 20 ")
refused("text as time", line_20("today", "5"), "'day' .*line 20 .*'today'")
refused("no such day", line_20("2024-02-30", "5"), "'day' .*line 20 .*'2024-02-30'")
refused("month 13", line_20("2024-13-07", "5"), "'day' .*line 20 .*'2024-13-07'")
refused("minute 61", line_20("2024-02-07 10:61", "5"), "'day' .*line 20 .*'2024-02-07 10:61'")
refused("two forms of time", line_20("07.02.2024", "5"), r"'day' .*line 20 .*'07\.02\.2024'")
refused("years of two digits", dated("%d.%m.%y"), r"'day' .*line 2 .*'20\.01\.24'")
refused(
    "month or day first",
    table(zip([f"{month:02}/01/2024" for month in range(1, 13)], VALUES, strict=False)),
    "'day'",
)
mended("newest first", table(ROWS[::-1]), "newest first and were turned round")
mended("shuffled", table(ROWS[i * 17 % 45] for i in range(45)), "sorted by time.*16 of 45")
mended("two rows exchanged", table([*ROWS[:20], ROWS[21], ROWS[20], *ROWS[22:]]), ": 1 of 45")
mended("a row twice", table([*ROWS[:20], ROWS[19], *ROWS[20:]]), "repeat a row.*: 1 of 46")
mended("all rows twice", table(row for row in ROWS for _ in "ab"), "repeat a row.*: 45 of 90")
mended(
    "a time missing",
    table([*ROWS[:20], *ROWS[21:]]),
    "Missing times: 1 of 45, the first 2024-02-09",
    twin=table(changed(ROWS, 22, DAYS[20], "")),
)
mended(
    "four times missing",
    table([*ROWS[:20], *ROWS[24:]]),
    "Missing times: 4 of 45",
    twin=table((day, "" if 20 <= i < 24 else value) for i, (day, value) in enumerate(ROWS)),
)
for form in ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%d %b %Y", "%Y-%m-%d 00:00:00"):
    mended(f"days as {form.replace('/', '|')}", dated(form))
mended("days in UTC", dated("%Y-%m-%dT00:00:00Z"))

PARTS = asking("--time", "y", "--time", "m", "--target", "x")
months: list[Row] = [(str(2020 + i // 12), str(i % 12 + 1), v) for i, v in enumerate(VALUES)]
for cells in (
    ("2021", "13"),
    ("2021", "0"),
    ("2021", "6.5"),
    ("2021", ""),
    ("", "7"),
    ("202x", "7"),
):
    refused(
        f"months with {' and '.join(cells)}",
        table(changed(months, 20, *cells, "5"), ("y", "m", "x")),
        "'[ym]'.* line 20 ",
        options=PARTS,
    )
mended(
    "a year and a month",
    table(months, ("y", "m", "x")),
    "y as the year, m as the month",
    options=PARTS,
    twin=table((f"{year}-{int(month):02}", value) for year, month, value in months),
    twin_options=LONG,
)
mended(
    "a year, a month and a day",
    table(((*day.split("-"), value) for day, value in ROWS), ("y", "m", "d", "x")),
    "y as the year, m as the month, d as the day",
    options=asking("--time", "y", "--time", "m", "--time", "d", "--target", "x"),
    twin_options=LONG,
)

# --- clocks

ZONE = (*LONG, "--time-zone", "Europe/Berlin")
AUTUMN, SPRING, HOURLY = "2024-10-26", "2024-03-30", values(60)


def clock(first, form="%Y-%m-%d %H:%M"):
    """Return rows of the clock of Berlin, an hour each."""
    return list(zip(hours(first, 60, form), HOURLY, strict=True))


skipped = [*clock(SPRING)[:26], ("2024-03-31 02:00", "5"), *clock(SPRING)[26:]]
offsets = clock(AUTUMN, "%Y-%m-%d %H:%M%z")
utc = datetime.datetime(2024, 10, 25, 22)
refused("autumn", table(clock(AUTUMN)), "line 28 .*line 29 .*2024-10-27 02:00.*Europe/Berlin")
refused("an hour that is not", table(skipped), "line 28 .*2024-03-31 02:00.*skips", options=ZONE)
refused(
    "offsets here and there",
    table((time if i % 2 else time[:-5], value) for i, (time, value) in enumerate(offsets)),
    "'day' .*line [23] ",
)
refused("no such zone", GOOD, "Europe/Berlin", options=(*LONG, "--time-zone", "Europe/Berln"))
mended("autumn, zone", table(clock(AUTUMN)), "twice", options=ZONE, twin=table(offsets))
mended(
    "spring",
    table(clock(SPRING)),
    "Missing times: 1 of 61, the first 2024-03-31 02:00",
    twin=table(changed(skipped, 28, "2024-03-31 02:00", "")),
)
mended("spring, zone", table(clock(SPRING)), options=ZONE, twin=table(clock(SPRING, "%F %R%z")))
mended(
    "offsets that change",
    table(offsets),
    r"from \+02:00 to \+01:00.*clock of \+02:00",
    twin=table(
        (f"{utc + datetime.timedelta(hours=i + 2):%Y-%m-%d %H:%M}", v) for i, v in enumerate(HOURLY)
    ),
)
for form in ("%Y-%m-%d", "%Y-%m-%d 00:00"):
    mended(f"days as {form}, zone", dated(form), options=ZONE, twin_options=LONG)
spring = days(45, first="2024-03-01")
mended(
    "days over a change, zone",
    table(zip(spring, VALUES, strict=True)),
    options=ZONE,
    twin=table(zip(spring, VALUES, strict=True)),
    twin_options=LONG,
)
mended(
    "months, zone",
    table((f"{year}-{int(month):02}", value) for year, month, value in months),
    options=ZONE,
    twin=table((f"{year}-{int(month):02}", value) for year, month, value in months),
    twin_options=LONG,
)
