"""Broken scenarios and the whole message of each.

tests/errors/NAME.yaml (or .toml) is the scenario, NAME.expected what a user reads. Lines `# --set a.b=c` at the top of
a scenario stand for options of the command line. After a deliberate change of wording:

    python tests/test_errors_scenario.py        rewrites the expected texts; read the difference before committing it
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from funnelsim.errors import ScenarioError
from funnelsim.scenario import load

FOLDER = Path(__file__).parent / "broken"
HELPERS = {"base", "seam", "broken_base", "extends_circle_other"}
CASES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".yaml", ".toml") and path.stem not in HELPERS)


def message(name: str) -> str:
    """What load says of a file of the folder, seen from that folder."""
    path = FOLDER / name
    first = path.read_bytes() if path.is_file() else b""
    overrides = re.findall(r"^# --set (.*)$", first.decode("utf-8", "replace"), re.MULTILINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(FOLDER)
        try:
            loaded = load(name, overrides)
        except ScenarioError as error:
            return f"{error}\n"
    return "".join(f"{problem}\n" for problem in loaded.warnings) + "no error\n"


def expected(name: str) -> Path:
    return FOLDER / f"{Path(name).stem}.expected"


@pytest.mark.parametrize("name", CASES)
def test_the_whole_message(name: str) -> None:
    """A broken scenario is refused with exactly this text."""
    assert message(name) == expected(name).read_text(encoding="utf-8")


def test_every_expected_text_has_its_scenario() -> None:
    """No text is left over from a scenario that is gone, and there are many."""
    assert {expected(name) for name in CASES} == set(FOLDER.glob("*.expected"))
    assert len(CASES) >= 150


def test_the_base_of_the_broken_ones_is_sound() -> None:
    """Else every case would show the same mistake."""
    assert message("base.yaml") == "no error\n"


if __name__ == "__main__":
    for case in CASES:
        expected(case).write_text(message(case), encoding="utf-8")
