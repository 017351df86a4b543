"""Bad input: one sentence on standard error, status 2, and nothing changed on the disk."""

import json
import re
import sys

import pytest

HERE = ("--time", "Month", "--target", "Sold", "--horizon", "3")


@pytest.fixture
def refuses(rnnkit, here, everything):
    """Run a command that must be refused, and look for what it has to say."""

    def check(*arguments, said=(), status=2):
        before = everything(here)
        result = rnnkit(*arguments)
        assert (result.code, result.out) == (status, ""), result
        assert result.err.startswith("error: ")
        assert result.err.endswith("\n")
        assert len(result.err.splitlines()) == 1, result.err
        for text in said:
            assert re.search(text, result.err), result.err
        assert everything(here) == before
        return result.err

    return check


def test_a_file_that_is_no_table(refuses, here):
    refuses("forecast", "sale.csv", *HERE, said=[r"no file sale\.csv; did you mean 'sales\.csv'\?"])
    refuses("forecast", ".", *HERE, said=["is a folder"])
    refuses("forecast", "nowhere/sales.csv", *HERE, said=["there is no file nowhere/sales.csv"])
    (here / "empty.csv").touch()
    refuses("forecast", "empty.csv", *HERE, said=["is empty"])
    (here / "binary.csv").write_bytes(bytes(range(256)))
    refuses("forecast", "binary.csv", *HERE, said=["binary.csv"])


def test_columns_that_are_missing_or_not_named(refuses):
    horizon = ("--horizon", 3)
    for option, name in (
        ("--time", "month"),
        ("--target", "Sould"),
        ("--series-id", "month"),
        ("--covariate", "Sould"),
        ("--future-covariate", "Sould"),
        ("--static", "month"),
    ):
        found = "Month" if name == "month" else "Sold"
        columns = rf"no column '{name}'; its columns are 'Month', 'Sold'; did you mean '{found}'\?"
        refuses("forecast", "sales.csv", *horizon, option, name, said=[columns])
        refuses("backtest", "sales.csv", *horizon, option, name, said=[columns])
    refuses("forecast", "sales.csv", *HERE, "--target", "Sold", said=["named twice"])
    refuses("forecast", "sales.csv", *HERE, "--target", "Month", said=["both the time and a"])
    refuses("forecast", "sales.csv", *HERE, "--static", "Sold", said=["both a target and a"])
    refuses("forecast", "sales.csv", *HERE[:4], said=["--horizon"])
    refuses("backtest", "sales.csv", *HERE[:4], said=["--horizon"])
    refuses("forecast", "sales.csv", *HERE, "--test", "later.csv", said=["no file later.csv"])


def test_a_target_that_is_not_clear(refuses, here, wave):
    horizon = ("--horizon", 3, "--time", "Month")
    wave(60).assign(Cost=2.5).to_csv("both.csv", index=False)
    refuses("forecast", "both.csv", *horizon, said=["'Sold', 'Cost'; name one with --target"])
    refuses(
        "forecast",
        "both.csv",
        *horizon,
        "--covariate",
        "Sold",
        "--static",
        "Cost",
        said=["no column"],
    )
    refuses(
        "forecast", "sales.csv", "--horizon", 3, "--target", "Month", said=["must hold numbers"]
    )


def test_columns_and_layouts_that_contradict_each_other(refuses, here):
    for options, text in (
        ("--layout diagonal", "layout must be one of long, columns, rows, got 'diagonal'"),
        ("--layout columns --series-id Sold", "leave series_id and statics out"),
        ("--layout rows --time Month", "leave time and covariates out"),
        ("--order newest", "order must be one of .*mean 'newest-first'"),
        ("--time Month --step fortnite", "step must be words such as"),
        ("--time Month --time-zone Europe/Berln", "did you mean 'Europe/Berlin'"),
        ("--time-zone Europe/Berlin", "needs a time column"),
    ):
        refuses("forecast", "sales.csv", "--horizon", 3, *options.split(), said=[text])


def test_rows_that_cannot_be_forecast(refuses, here, wave, untested):
    def write(frame):
        frame.to_csv("wrong.csv", index=False)

    frame = wave(60).astype({"Sold": object})
    for value, text in (("many", "holds 'many'"), ("inf", "holds 'inf'")):
        changed = frame.copy()
        changed.loc[40, "Sold"] = value
        write(changed)
        refuses("forecast", "wrong.csv", *untested, said=["'Sold'", "line 42 ", text])
    for value, text in (("April", "holds 'April'"), ("", "has no value")):
        changed = frame.copy()
        changed.loc[40, "Month"] = value
        write(changed)
        refuses("forecast", "wrong.csv", *untested, said=["'Month'", "line 42 ", text])
    write(frame.drop(index=range(5, 50)))
    refuses("forecast", "wrong.csv", *untested, said=["line 7 ", "2000-06-01 was expected"])
    changed = frame.copy()
    changed.loc[40, "Month"] = changed.loc[39, "Month"]
    write(changed)
    refuses("forecast", "wrong.csv", *untested, said=["line 42 .*are both at 2003-04-01"])
    write(frame.assign(Sold=""))
    refuses("forecast", "wrong.csv", *untested, said=["'Sold' is empty"])
    write(frame[:1])
    refuses("forecast", "wrong.csv", *untested, said=["at least 3"])


def test_too_few_rows_and_how_many_would_do(refuses, rnnkit, here, wave, small):
    options = ("--time", "Month", "--target", "Sold", "--horizon", 4, *small)
    wave(12).to_csv("short.csv", index=False)
    message = refuses("forecast", "short.csv", *options, said=["have 12 rows"])
    needed = int(re.search(r"but (\d+) are needed", message)[1])
    wave(needed - 1).to_csv("short.csv", index=False)
    refuses("forecast", "short.csv", *options, said=[f"{needed - 1} rows, but {needed} are"])
    wave(needed).to_csv("short.csv", index=False)
    assert rnnkit("forecast", "short.csv", *options).code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--horizon 0", "horizon must be a whole number of at least 1, got 0"),
        ("--horizon three", "'--horizon'"),
        ("--horizon 3.5", "'--horizon'"),
        ("--cell gruu", "did you mean 'gru'"),
        ("--schedule cosin", "did you mean 'cosine'"),
        ("--differencing sesonal", "did you mean 'seasonal'"),
        ("--differencing seasonal", "needs a season"),
        ("--dropout 1", "dropout must be a share from 0 to below 1, got 1"),
        ("--learning-rate nan", "learning_rate must be a number above 0"),
        ("--clip-norm inf", "clip_norm must be a number above 0"),
        ("--weight-decay -1", "weight_decay must be a number from 0"),
        ("--time-limit 0", "time_limit must be a number above 0"),
        ("--test-size 2", "test_size must be 0 or at least the horizon of 3"),
        ("--test-size 20x", "--test-size must be a number of rows, or a share such as .* '20x'"),
        ("--test-size 120%", "test_size must be .* a share of them above 0 and below 1, got 1.2"),
        ("--train-size 0", "train_size must be a whole number of at least 1, or a share"),
        ("--train-size 1.0", "train_size must be .* a share of them above 0 and below 1, got 1.0"),
        ("--validation-size -3", "validation_size must be a whole number of at least 1"),
        ("--test-size 2%", "test_size of 0.02 is 1 of 60 rows, and at least 3 are needed"),
        ("--level 0", "levels must be whole percentages of 1 to 99"),
        ("--level 80 --level 101", "levels must be whole percentages of 1 to 99"),
        ("--level 80.5", "'--level'"),
        ("--intervals none --level 50", "leave out one of the two, got levels 50"),
        ("--intervals none --level 80 --level 95", "leave out one of the two, got levels 80, 95"),
        ("--stride 0", "stride must be a whole number of at least 1, got 0"),
        ("--strategy recursve", "did you mean 'recursive'"),
        ("--intervals conformel", "did you mean 'conformal'"),
        ("--loss absolut", "did you mean 'absolute'"),
        ("--language de", "--language must be en or ko, got 'de'"),
        ("--linear --no-lineer", "--no-lineer"),
        ("--validation-size 2", "validation_size must be at least the horizon of 3"),
        ("--seed -1", "seed must be a whole number of at least 0"),
        ("--device gpu", "device must be 'cpu', 'cuda' or 'cuda:N', got 'gpu'"),
        ("--device cuda:99", "cuda:99"),
        ("--device", "'--device'"),
        ("--context 100000", r"but \d+ are needed"),
        ("--horizon 1000000", r"but \d+ are needed"),
        ("--horizon 1000000000", "horizon must be at most 10000000"),
        ("--celll gru", "--celll"),
        ("--bidirectional maybe", "maybe"),
        ("--log --target Zero", "needs positive"),
    ],
)
def test_options_that_are_wrong(refuses, here, wave, untested, options, said):
    wave(60).assign(Zero=0.0).to_csv("sales.csv", index=False)
    refuses("forecast", "sales.csv", *untested, *options.split(), said=[said])


def test_commands_that_are_wrong(refuses):
    refuses("forcast", "sales.csv", said=["forcast", "forecast"])
    refuses("forecast", said=["DATA"])
    refuses("predict", said=["RUN"])
    refuses("evaluate", "runs/sales", said=["DATA"])
    refuses("backtest", said=["DATA"])
    refuses("backtset", "sales.csv", said=["backtset", "backtest"])
    refuses("--verbose", said=["--verbose"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"hidden_sise": 3}', r"unknown option 'hidden_sise'.*did you mean 'hidden_size'\?"),
        ('{"epochs": "many"}', "epochs must be a whole number"),
        ('{"dropout": NaN}', "dropout must be a share"),
        ('{"layers": null}', "layers must be a whole number"),
        ('{"cell": ["gru"]}', "cell must be one of"),
        ('{"horizon": 3', r"options\.json is not JSON"),
        ("horizon: 3", r"options\.json is not JSON"),
        ("[3]", "must hold a JSON object"),
        ("[" * 100_000, r"options\.json"),
        ('{"format_version": 1, "options": {"horizn": 3}}', "did you mean 'horizon'"),
        (b"\xff\xfe{}", r"options\.json cannot be read"),
        (None, r"options\.json"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_config_file_that_is_wrong(refuses, here, text, said):
    if text is not None:
        (here / "options.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    config = ("--config", "options.json")
    refuses("forecast", "sales.csv", *HERE, *config, said=[said])


def test_a_place_that_cannot_hold_a_run(refuses, here, untested, monkeypatch):
    (here / "mine").mkdir()
    (here / "mine" / "notes.txt").write_text("mine")
    for out, text in (
        ("sales.csv", "is a file"),
        ("sales.csv/run", "sales.csv is a file"),
        ("mine", "is not a run of rnnkit"),
        (".", "is no name for a run"),
        ("..", "is no name for a run"),
        ("", "is no name for a run"),
        ("x" * 300, "File name too long"),
    ):
        refuses("forecast", "sales.csv", *untested, "--out", out, said=[text])
    (here / "runs").write_text("mine")
    refuses("forecast", "sales.csv", *untested, said=["runs is a file"])
    (here / "runs").unlink()

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", denied)
    refuses("forecast", "sales.csv", *untested, said=["cannot be written: Permission denied"])


def test_a_run_that_cannot_be_trusted(refuses, here, run):
    config, weights = run / "config.json", run / "model.safetensors"
    refuses("predict", "runs/sale", said=["runs/sale does not exist"])
    refuses("predict", "runs", said=["runs is not a run of rnnkit"])
    refuses("predict", "sales.csv", said=["is a file"])
    refuses("evaluate", "sales.csv", "runs/sales", said=["is a file"])
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    for command in (("predict",), ("evaluate", "sales.csv")):
        refuses(command[0], "runs/sales", *command[1:], said=["model.safetensors is damaged"])
    weights.write_bytes(content)
    settings = json.loads(config.read_text())
    settings["options"]["horizon"] = 4
    config.write_text(json.dumps(settings))
    refuses("predict", "runs/sales", said=["config.json was changed after it was written"])
    config.unlink()
    refuses("predict", "runs/sales", said=["holds no config.json"])


def test_rows_that_a_run_cannot_use(refuses, here, wave, run):
    far = wave(200)[-5:]
    far.to_csv("gap.csv", index=False)
    for command in ("predict", "evaluate"):
        refuses(command, "runs/sales", "gap.csv", said=["135 steps .month. after the last of the"])
    wave(62).assign(Sold="?").to_csv("odd.csv", index=False)
    for command in ("predict", "evaluate"):
        refuses(command, "runs/sales", "odd.csv", said=["line 2 of odd.csv holds '\\?'"])
    missing = "there is no file or folder 'nowhere.csv'"
    refuses("predict", "runs/sales", "nowhere.csv", said=[missing])
    wave(60).rename(columns={"Sold": "Sould"}).to_csv("other.csv", index=False)
    refuses("predict", "runs/sales", "other.csv", said=["'Sold'; its columns are 'Month', 'Sould'"])
    wave(40).to_csv("seen.csv", index=False)
    refuses("evaluate", "runs/sales", "seen.csv", said=["no row after 2003-12-01"])


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("nowhere/f.csv", "nowhere/f.csv cannot be written: No such file"),
        ("runs", "folder"),
        (".", "folder"),
        ("/", "folder"),
        ("", "folder"),
        ("runs/sales/config.json", "part of a run"),
        ("sales.csv/f.csv", "sales.csv/f.csv cannot be written: Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_forecast_that_cannot_be_written(refuses, run, few_baselines, out, said):
    refuses("predict", "runs/sales", "--out", out, said=[said])
    refuses("evaluate", "runs/sales", "sales.csv", "--out", out, said=[said])


def test_a_full_disk_is_no_traceback_and_costs_no_training(rnnkit, here, untested, monkeypatch):
    def no_room(figure, path):
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("rnnkit.tasks.pictures.save", no_room)
        result = rnnkit("forecast", "sales.csv", *untested)
    assert result.code == 1  # nothing is wrong with the input
    last = result.err.splitlines()[-1]
    assert last.startswith("error: ")
    assert "No space left on device" in last
    assert "--resume" in last
    assert "Traceback" not in result.err
    assert [entry.name for entry in (here / "runs").iterdir()] == ["sales.partial"]
    again = rnnkit("forecast", "sales.csv", *untested, "--resume")
    assert again.code == 0
    assert [entry.name for entry in (here / "runs").iterdir()] == ["sales"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--test-size 6", "a backtest's parts are its folds: leave test_size out"),
        ("--train-size 6", "leave train_size out"),
        ("--folds 100", "100 folds of 3 rows are 300 rows, and the data have 60"),
        ("--folds 0", "folds must be at least 1, got 0"),
        ("--folds -1", "folds must be at least 1, got -1"),
        ("--folds many", "'--folds'"),
        ("--fold-size 2", "at least the horizon of 3 rows, got 2"),
        ("--folds 18", r"\d+ are needed"),
        ("--refitt", "--refitt"),
        ("--test later.csv", "--test"),
        ("--language kr", "--language must be en or ko"),
        ("--resume", "nothing to resume"),
    ],
)
def test_backtests_that_cannot_be(refuses, small, options, said):
    refuses("backtest", "sales.csv", *HERE, *small, *options.split(), said=[said])


def test_a_disk_that_fails_is_no_traceback(rnnkit, here, monkeypatch):
    def fail(_):
        raise OSError(5, "Input/output error", "runs/sales")

    monkeypatch.setattr("rnnkit.tasks.load", fail)
    result = rnnkit("predict", "runs/sales")
    assert (result.code, result.out) == (1, "")
    assert result.err == "error: runs/sales: Input/output error\n"


def test_statsforecast_that_is_missing_is_named(rnnkit, here, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast.utils", None)
    result = rnnkit("demo")
    assert result.code == 2
    assert 'pip install "rnnkit[forecast]"' in result.err
    assert [entry.name for entry in here.iterdir()] == ["sales.csv"]
