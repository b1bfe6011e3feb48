"""The command line: starts in an instant, tells every mistake without a traceback, leaves the right exit code."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest

from funnelsim import api
from funnelsim.cli import COMMANDS, code_of
from funnelsim.errors import GoalNotMet, RunError, SweepIncomplete
from funnelsim.progress import TerminalProgress
from support.small_funnel import write_small

HEAVY = ("numba", "numpy", "pydantic", "polars", "scipy", "matplotlib", "simpy", "rich", "yaml")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_small(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("args", [["--help"], ["run", "--help"], ["compare", "--help"], ["--version"], ["fly"]])
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    code = f"import sys, funnelsim.cli as c; c.code_of({args!r}); print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_leads_with_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.index(f"  funnelsim {command}") < text.index("Options:")


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        ([], 2, "Usage"),
        (["fly"], 2, "no command 'fly'"),
        (["compar"], 2, "did you mean 'compare'?"),
        (["run"], 2, "Missing argument 'FILE'"),
        (["run", "small.yaml", "--engine", "slow"], 2, "'slow' is not one of 'fast', 'reference'"),
        (["run", "small.yaml", "--precision", "much"], 2, "'much' is not a share: write 2% or 0.02"),
        (["run", "small.yaml", "-n", "3", "--precision", "2%"], 2, "give --replications or --precision, not both"),
        (["run", "small.yaml", "-n", "0"], 2, "0 is not in the range"),
        (["run", "small.yaml", "--out", "small.yaml"], 2, "results cannot be written to small.yaml"),
        (["compare", "small.yaml"], 2, "at least two scenarios"),
        (["init", "nonsense"], 2, "no template 'nonsense'"),
        (["run", "nowhere.yaml"], 3, "nowhere.yaml: error: no such file"),
        (["run", "nowhere/manifest.json"], 3, "No such file"),
        (["run", "small.yaml", "--set", "teams.sales.people=1.5"], 3, "--set:1:"),
        (["run", "small.yaml", "--set", "teams.sales.peple=3"], 3, "did you mean 'people'?"),
        (["check", "broken.yaml"], 3, "did you mean 'days'?"),
        (["compare", "small.yaml", "broken.yaml"], 3, "2 errors in broken.yaml"),
        (["calibrate", "nowhere.history.yaml"], 3, "nowhere.history.yaml"),
    ],
)
def test_exit_codes_and_messages(
    args: list[str], code: int, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.yaml").write_text("extends: small.yaml\ncycles: -1\nstages:\n  deal:\n    patience: 3 dyas\n")
    before = sorted(folder.iterdir())
    assert code_of(args) == code
    out, err = capsys.readouterr()
    assert said in err and "Traceback" not in err and not out.strip().startswith("{")
    assert sorted(folder.iterdir()) == before, "nothing half-written"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RunError("it failed"), 1),
        (GoalNotMet("missed"), 4),
        (SweepIncomplete("two points"), 5),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device", "x"), 1),
        (MemoryError(), 1),
        (ZeroDivisionError("a mistake of ours"), 1),
    ],
)
def test_what_goes_wrong_inside_has_its_code(
    error: BaseException, code: int, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(api, "run", fail)
    assert code_of(["run", "small.yaml"]) == code
    out, err = capsys.readouterr()
    assert err and not out and "Traceback" not in err


def test_an_interrupted_run_says_so_and_leaves_nothing(folder: Path) -> None:
    command = [sys.executable, "-m", "funnelsim", "run", "small.yaml", "--engine", "reference", "-n", "100000"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if list((folder / "results").glob(".unfinished-*")):
            break
        time.sleep(0.05)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted" in err and "Traceback" not in err and not out
    assert not list((folder / "results").iterdir())


def test_run_prints_the_answer_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(["run", "small.yaml", "-n", "4", "--engine", "reference", "--no-figures"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("Small funnel: ") and "won of" in lines[0] and "in one period" in lines[0]
    assert lines[-1].startswith("results: results/small-funnel-") and Path(lines[-1].split()[1]).is_dir()
    assert err == "" and "\x1b" not in out
    assert len(lines) < 45, "one screen"


def test_run_as_json_and_again_from_the_manifest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(["run", "small.yaml", "-n", "3", "--engine", "reference", "--no-figures", "--json", "-q"]) == 0
    data = json.loads(capsys.readouterr().out)
    won = next(row for row in data["measures"] if row["key"] == "cohort.won")
    assert won["low"] < won["mean"] < won["high"] and won["interval"] == "t"
    manifest = Path(data["folder"]) / "manifest.json"
    assert json.loads(manifest.read_text())["command"][:3] == ["funnelsim", "run", "small.yaml"]
    assert code_of(["run", str(manifest), "--no-figures", "--json"]) == 0
    again = capsys.readouterr()
    assert json.loads(again.out)["measures"] == data["measures"] and "the same digits as before" in again.err


def test_compare_and_again_from_the_manifest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = [
        "compare",
        "small.yaml",
        "more-sales.yaml",
        "--draws",
        "4",
        "--pairs",
        "2",
        "--no-robustness",
        "-q",
        "--json",
    ]
    assert code_of(args) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["base"] == "Small funnel" and data["rungs"][-1]["name"] == "More sales"
    saved = Path(data["folder"])
    assert {
        "manifest.json",
        "differences.csv",
        "replications.parquet",
        "outcomes.png",
        "outcomes.svg",
        "response.png",
        "backlog.png",
    } <= {path.name for path in saved.iterdir()}
    assert code_of(["compare", str(saved), "--out", "again", "--no-figures", "--json", "-q"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["digest"] == data["digest"] and again["rungs"] == data["rungs"]
    assert code_of(["run", str(saved)]) == 2
    assert "repeat it with `funnelsim compare" in capsys.readouterr().err


def test_check_tells_all_files_and_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.yaml").write_text("start: 2026-13-01\n")
    assert code_of(["check", "broken.yaml", "small.yaml"]) == 3
    out, err = capsys.readouterr()
    assert out == "small.yaml: ok\n" and "broken.yaml:1:8" in err


def test_init_gives_a_folder_that_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert code_of(["init"]) == 0
    written = capsys.readouterr().out.split()
    scenarios = [name for name in written if name.endswith(".yaml")]
    assert scenarios and api.SCHEMA_FILE in written and all(Path(name).is_file() for name in written)
    assert code_of(["check", *scenarios, "-q"]) == 0
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert code_of(["init"]) == 2
    assert "exists already; nothing was written" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_one_template_brings_what_it_extends(tmp_path: Path) -> None:
    written = [path.name for path in api.init("promise", tmp_path)]
    assert written == ["baseline.yaml", "promise.yaml", api.SCHEMA_FILE]
    api.check(tmp_path / "promise.yaml")


def test_calibrate_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = Path(__file__).parents[2] / "calibration" / "sample.history.yaml"
    out = tmp_path / "sample.fitted.yaml"
    assert code_of(["calibrate", str(history), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["conversion"]["low"] < told["conversion"]["value"] < told["conversion"]["high"]
    assert str(out) in told["files"] and out.is_file()
    assert code_of(["calibrate", str(history), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Sample history") and shown.splitlines()[-1].startswith(f"fitted: {out}")


def test_schema_is_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(["schema"]) == 0
    assert "stages" in json.loads(capsys.readouterr().out)["properties"]


def test_colour_and_progress_only_on_a_terminal(folder: Path) -> None:
    command = [sys.executable, "-m", "funnelsim", "run", "small.yaml", "-n", "2", "--no-figures"]
    shown = {}
    for plain in (False, True):
        ours, theirs = pty.openpty()
        environment = (
            {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
            | ({"NO_COLOR": "1"} if plain else {})
            | {"TERM": "xterm"}
        )
        subprocess.run(command, stdout=theirs, stderr=subprocess.DEVNULL, check=True, env=environment)
        os.close(theirs)
        shown[plain] = os.read(ours, 200)
        os.close(ours)
    assert shown[False].startswith(b"\x1b[1mSmall funnel") and shown[True].startswith(b"Small funnel")


class Tty(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_shows_on_a_terminal_after_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, expected in ((Tty(), 2), (StringIO(), 0)):
        now = iter([0.0, 1.0, 2.5, 2.6, 3.0])
        monkeypatch.setattr(time, "monotonic", lambda now=now: next(now))
        progress = TerminalProgress(stream)
        for done in (0, 10, 25, 26, 30):
            progress.update("running", done, 100)
        progress.clear()
        text = stream.getvalue()
        assert text.count("running") == expected
        if expected:
            assert "25/100, 8 s left" in text and "30/100" in text and text.endswith("\r")
