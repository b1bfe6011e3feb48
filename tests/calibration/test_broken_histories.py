"""Broken histories: each with the exact message a user gets. A new one is a .history.yaml and a .txt beside it."""

from pathlib import Path

import pytest

from funnelsim.calibration import calibrate
from funnelsim.errors import DataError, FunnelsimError

FOLDER = Path(__file__).parent / "broken"
CASES = sorted(path.name.removesuffix(".history.yaml") for path in FOLDER.glob("*.history.yaml"))


def test_there_are_many() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES)
def test_message(case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(FOLDER)
    out = tmp_path / "fitted.yaml"
    with pytest.raises(DataError) as caught:
        calibrate(f"{case}.history.yaml", out=out, strict=case.startswith("strict-"))
    assert str(caught.value) == (FOLDER / f"{case}.txt").read_text(encoding="utf-8").rstrip("\n")
    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_rows_are_counted_when_not_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    calibration = calibrate("strict-rows.history.yaml")
    counted = {count.reason: (count.rows, count.lines) for count in calibration.issues.counts.values()}
    assert counted == {
        "an id that is not in leads": (1, [6]),
        "a time that cannot be read in won_on": (2, [2, 3]),
        "times out of order: 'customer' before the stage that precedes it": (1, [5]),
    }
    assert calibration.leads == 30 - 3


def test_an_unwritable_place_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(FOLDER)
    (tmp_path / "file").touch()
    with pytest.raises(FunnelsimError, match="could not be written"):
        calibrate("strict-rows.history.yaml", out=tmp_path / "file" / "fitted.yaml")
