"""The documentation is true: commands run, shown output is what comes, tables match the code, links lead somewhere.

In the README, the tutorials and the guides, ```yaml FILE is written to FILE, ```console is run by a shell ($
lines are commands, the others what they print) and ```python is run; all blocks of a page in order, in one copy of
scenarios/ and calibration/. Runs and studies without a size are made smaller. So the digits shown are not compared: of
each shown line the words before its first digit must begin a line of the output, in order. `...` stands for any lines.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from funnelsim.scenario import presets
from project.test_imports import MAY

ROOT = Path(__file__).parents[2]
GUIDES = [path for path in sorted((ROOT / "docs/guides").glob("*.md")) if "```console" in path.read_text("utf-8")]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/tutorial").glob("*.md")), *GUIDES]
EVERY_PAGE = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(ROOT.glob("docs/**/*.md")),
    *(ROOT / folder / "README.md" for folder in ("scenarios", "results", "calibration")),
]
# options that give a study its size, and what is added where a page has none of them
SIZES = {
    "run": (("-n", "--precision"), " -n 4"),
    "compare": (("--draws",), " --draws 5 --pairs 1"),
    "explain": (("--draws",), " --draws 3 --pairs 1"),
    "sweep": (("-n",), " -n 2"),
    "seek": (("-n",), " -n 4"),
    "optimise": (("-n",), " -n 4 --trials 12"),
    "backtest": (("-n",), " -n 19"),
    "sensitivity": (("--rows",), " --rows 16 --trajectories 2 --keep 2 -n 1"),
}
OURS = (
    "https://github.com/funnelsim/funnelsim/blob/main/",
    "https://raw.githubusercontent.com/funnelsim/funnelsim/main/",
)
SILENT = {"make demo", "make test"}  # they install, and run these very tests


class Block(NamedTuple):
    """A fenced block."""

    language: str
    file: str
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """Fenced blocks of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    opened: tuple[int, str] | None = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = number, line[3:].strip()
        else:
            language, _, file = opened[1].partition(" ")
            yield Block(language, file.strip(), "\n".join(lines[opened[0] + 1 : number]) + "\n", opened[0] + 1)
            opened = None
    assert opened is None, f"{page}: a block is never closed"


# ---- commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_runs_and_prints_what_is_shown(page: Path, tmp_path: Path) -> None:
    for folder in ("scenarios", "calibration"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    ran = 0
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        if block.file:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for command, shown in commands(block):
                if command not in SILENT:
                    assert_prints(run(smaller(command, shown), tmp_path, where), shown, f"{where}: {command}")
                    ran += 1
        elif block.language == "python":
            text = re.sub(r"replications=\d\d+", "replications=4", block.text)
            run(f"{sys.executable} -W error - <<'END'\n{text}\nEND", tmp_path, where)
            ran += 1
    assert ran or page.name == "README.md"


def commands(block: Block) -> list[tuple[str, list[str]]]:
    """(command, lines shown) of a console block."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found[-1][0].endswith("\\"):
            found[-1] = (found[-1][0][:-1] + line.strip(), [])
        else:
            found[-1][1].append(line)
    return found


def smaller(command: str, shown: list[str]) -> str:
    """The same with fewer replications, unless it says how many or repeats a manifest; without what is not shown."""
    words = command.split()
    kind = words[1] if words[0] == "funnelsim" else ""
    sized, smaller_size = SIZES.get(kind, ((), ""))
    if not sized or "manifest.json" in command or any(word in words for word in sized):
        return command
    aside = "" if kind != "compare" or any("beliefs at 1" in line for line in shown) else " --no-robustness"
    return command + smaller_size + aside


def run(command: str, folder: Path, where: str) -> str:
    """Stdout and stderr of a command that succeeds; one meant to fail is followed by `; echo ...` on the page."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PATH": path, "COLUMNS": "200", "NO_COLOR": "1"},
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, f"{where}: {command}\n{printed}"
    assert "Traceback" not in printed, f"{where}: {command}\n{printed}"
    return printed


def assert_prints(printed: str, shown: list[str], where: str) -> None:
    """Each shown line, up to its first digit, begins a line of what was printed, in order."""
    waiting = [line.strip() for line in printed.splitlines()]
    for line in shown:
        words = label(line)
        if not words:
            continue
        at = next((i for i, actual in enumerate(waiting) if " ".join(actual.split()).startswith(words)), None)
        assert at is not None, f"{where}\nshown, but not printed (in this order): {words!r}\n{printed}"
        waiting = waiting[at + 1 :]


def label(line: str) -> str:
    """What of a shown line must come: its words before the first digit."""
    if line.strip() == "...":
        return ""
    words = []
    for word in line.removesuffix(" ...").split():
        if any(c.isdigit() for c in word) or word[0] in "+-±€<>│|^":
            break
        words.append(word)
    return " ".join(words)


def test_the_check_of_shown_output_can_fail() -> None:
    assert_prints("b 1\na  2 x\n", ["...", "a 77 y"], "")
    with pytest.raises(AssertionError, match="not printed"):
        assert_prints("a 1\n", ["a 1", "a 1"], "")
    with pytest.raises(AssertionError, match="not printed"):
        assert_prints("a 1\n", ["leads 1"], "")


# ---- what the background says --------------------------------------------------------------------------------------


def test_every_preset_is_among_the_sources_with_its_grade() -> None:
    text = (ROOT / "docs/background/sources.md").read_text(encoding="utf-8")
    told: dict[str, dict[str, str]] = {}
    for section in text.split("\n## ")[1:]:
        kind = re.match(r"[^\n]*\(`(\w+)`\)", section)
        if kind:
            rows = re.findall(r"^\| ([a-z0-9-]+) \| (A|B|C|assumption) \|", section, re.MULTILINE)
            told[kind[1]] = dict(rows)
    kinds = sorted(path.stem for path in (ROOT / "src/funnelsim/scenario/presets").glob("*.yaml"))
    assert sorted(told) == kinds
    for kind in kinds:
        assert told[kind] == {name: presets.load(kind, name)["grade"] for name in presets.names(kind)}


def test_the_sources_say_on_what_a_response_curve_acts() -> None:
    text = (ROOT / "docs/background/sources.md").read_text(encoding="utf-8")
    for name in presets.names("response"):
        row = re.search(rf"^\| {name} \| \w+ \| (\w+) \|", text, re.MULTILINE)
        assert row and row[1] == presets.load("response", name)["target"]


def test_rules_are_numbered_1_to_110_and_cited_ones_exist() -> None:
    text = (ROOT / "docs/background/rules.md").read_text(encoding="utf-8")
    numbers = [int(number) for number in re.findall(r"^\*\*(\d+)\.", text, re.MULTILINE)]
    assert numbers == list(range(1, 111))
    cited = {
        int(number)
        for source in ROOT.glob("src/funnelsim/engine/**/*.py")
        for found in re.findall(r"\[([\d, to]+)\]", re.sub(r"\w+\[.*?\]", "", source.read_text(encoding="utf-8")))
        for number in re.findall(r"\d+", found)
    }
    assert cited and cited <= {0, *numbers}


def test_the_architecture_tells_who_may_import_whom() -> None:
    text = (ROOT / "docs/background/architecture.md").read_text(encoding="utf-8")
    section = text.split("## Who may import whom")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([a-z0-9_.]+) \|([a-z0-9_., ]*)\|$", section, re.MULTILINE)
    told = {part: set(others.strip().split(", ")) - {""} for part, others in rows if part != "part"}
    assert told == MAY


# ---- links and hygiene ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_no_machine_shows(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        folder, inside = page.parent, target.split("#")[0]
        for address in OURS:  # the README is also shown on a package index, far from its folder
            if target.startswith(address):
                folder, inside = ROOT, inside.removeprefix(address)
        if not inside.startswith(("http://", "https://")) and inside:
            assert (folder / inside).exists(), f"{page}: {target}"
    assert not re.search(r"/(?:work|root|home|tmp)/", text)
