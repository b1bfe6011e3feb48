"""Files from outside: too deep, too large, no file or no text is refused with its place, in little time."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from funnelsim import manifest
from funnelsim.bounded_files import FileRefused, Limits, check_depth, read_bytes
from funnelsim.cli import code_of
from funnelsim.errors import TOLD, DataError, printable

DEEP = {
    "brackets": "a: " + "[" * 100_000,
    "braces": "{" * 50_000 + "}" * 50_000,
    "dashes": "name: x\n" + "- " * 30_000,
    "indentation": "\n".join(" " * i + f"k{i}:" for i in range(2000)),
}
ODD = {
    "digits": "seed: " + "1" * 5000,
    "hexadecimal": "seed: 0x" + "f" * 300,
    "infinite": "seed: .inf",
    "no number": "seed: .nan",
    "early": "start: 0001-01-01",
    "late": "start: 9999-12-31",
    "null": 'extends: "a\\0b.yaml"',
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_is_nested_too_deep_is_refused_before_a_parser_tries(text: str) -> None:
    with pytest.raises(FileRefused, match="nested more than 64 levels deep"):
        check_depth(text)


@pytest.mark.parametrize("text", [*DEEP.values(), *ODD.values()], ids=[*DEEP, *ODD])
def test_such_a_scenario_is_an_error_of_its_own(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "it.yaml").write_text(text, encoding="utf-8")
    assert code_of(["check", str(tmp_path / "it.yaml")]) == 3
    assert "itself failed" not in capsys.readouterr().err


def test_of_many_mistakes_fifty_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "it.yaml").write_text("\n".join(f"key{i}: 1" for i in range(16_000)), encoding="utf-8")
    assert code_of(["check", str(tmp_path / "it.yaml")]) == 3
    printed = capsys.readouterr().err
    assert printed.count(": error: ") + printed.count(": warning: ") == TOLD
    assert "... and 15,9" in printed


def test_a_file_larger_than_its_kind_or_no_regular_one_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 11)
    with pytest.raises(FileRefused, match="more than the 10 bytes"):
        read_bytes(tmp_path / "large", Limits(10))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileRefused, match="no regular file"):
        read_bytes(tmp_path / "pipe", Limits(10))


def test_a_damaged_manifest_names_each_part_that_is_damaged(tmp_path: Path) -> None:
    good = {
        "kind": "run", "name": "x", "command": [], "resolved": [None], "plan": "p", "seed": "7", "replications": 0,
        "engine": "fast", "digest": "d", "book": [], "format": 1,
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(good))
    with pytest.raises(DataError) as refused:
        manifest.read(tmp_path)
    told = [problem.text for problem in refused.value.problems]
    assert told == [
        "resolved.0 is no mapping",
        "seed is no whole number",
        "book is no mapping",
        f"replications is 0, not a number from 1 to {2**63 - 1}",
    ]


def test_what_could_steer_a_terminal_is_written_out() -> None:
    assert printable("a\x1b[2Jb\u202ec\n€") == "a\\u001b[2Jb\\u202ec\n€"
