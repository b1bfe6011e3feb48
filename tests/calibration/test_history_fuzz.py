"""Whatever is given to calibrate, a person gets an answer or a reason: never a traceback, never half a file."""

from __future__ import annotations

import gzip
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnelsim.calibration import calibrate
from funnelsim.calibration.exports.detect import write_history
from funnelsim.errors import DataError
from support import crm_exports as crm

LOG = "as_of: 2026-06-30\nevents: {file: data%s, case: case, activity: activity, time: time}\n"
LOG += "stages: {a: {activity: a}, b: {activity: b}}\n"
SUFFIXES = (".csv", ".csv.gz", ".parquet", ".xes", ".xes.gz", ".sqlite")
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def survives(folder: Path, file: Path, history: Path | None = None) -> bool:
    """Is it calibrated? If not, the reason names the file, and nothing is written."""
    before = {path: path.read_bytes() for path in folder.iterdir()}
    out = folder / "it.fitted.yaml"
    try:
        if history is None:
            history = folder / "it.history.yaml"
            write_history(file, history)
        calibrate(history, out)
    except DataError as error:
        assert error.problems and all(problem.text and problem.file for problem in error.problems)
        assert str(error)
        assert not out.exists() and all(path.read_bytes() == was for path, was in before.items())
        return False
    assert out.stat().st_size > 0
    return True


@QUIET
@given(st.binary(max_size=400), st.sampled_from(SUFFIXES), st.booleans())
def test_random_bytes(raw: bytes, suffix: str, packed: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / f"data{suffix}"
        file.write_bytes(gzip.compress(raw) if packed and suffix.endswith(".gz") else raw)
        (folder / "log.history.yaml").write_text(LOG % suffix)
        assert not survives(folder, file)
        assert not survives(folder, file, folder / "log.history.yaml")


@QUIET
@given(st.text(max_size=300))
def test_random_text_as_a_history_file(text: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        history = Path(name) / "it.history.yaml"
        history.write_text(text, encoding="utf-8", errors="replace")
        assert not survives(Path(name), history, history)


CELLS = st.sampled_from(
    [
        "",
        " ",
        "2026-01-05",
        "05/01/2026",
        "13.01.2026 10:00",
        "1767600000000",
        "-1",
        "1e400",
        "ü\u2028",
        "Closed Won",
        "lost",
        "null",
        '{"New Value": 3}',
        "€ 1.234,5",
        "9999-12-31",
        "0001-01-01",
        "NaN",
    ]
)
NAMES = st.sampled_from(
    [
        "id",
        "Record ID",
        "case",
        "activity",
        "time",
        "created",
        "Deal Stage",
        "StageName",
        "Field",
        "OpportunityId",
        "CreatedDate",
        "OldValue",
        "NewValue",
        "won_on",
        "lost_on",
        "Email",
        "value",
        "source",
        "leadId",
        "activityTypeId",
        "activityDate",
        "attributes",
        "a.b > c",
        " ",
        "leads.x",
    ]
)


@QUIET
@given(st.lists(NAMES, min_size=1, max_size=9), st.data())
def test_random_tables(names: list[str], data: st.DataObject) -> None:
    """Names that mean something over cells that mean nothing."""
    rows = data.draw(st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), max_size=12))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        survives(folder, crm.write(folder / "data.csv", names, rows * 3))


EXPORTS = [
    crm.hubspot_contacts,
    crm.hubspot_deals,
    crm.salesforce_field_history,
    crm.salesforce_lead,
    crm.pipedrive_deals,
    crm.marketo_activities,
    crm.event_log,
    crm.wide_dates,
]


@settings(QUIET, max_examples=25)
@given(st.sampled_from(EXPORTS), st.randoms(use_true_random=False), st.sampled_from(["move", "rename", "mix", "swap"]))
def test_exports_with_columns_mixed_up(export: Callable[[Path], Path], luck: random.Random, how: str) -> None:
    """Moved columns change nothing; renamed ones, and cells in the wrong columns, are answered or refused."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = export(folder)
        separator = ";" if export is crm.wide_dates else ","
        frame = pl.read_csv(file, infer_schema=False, separator=separator).fill_null("")
        names = list(frame.columns)
        if how in ("move", "mix"):
            luck.shuffle(names)
            frame = frame.select(names)
        if how in ("rename", "mix"):
            luck.shuffle(names)
            frame.columns = names
        if how == "swap":
            frame = frame.with_columns(frame[names[luck.randrange(len(names))]].shuffle(1).alias(names[0]))
        crm.write(file, frame.columns, [list(row) for row in frame.rows()], separator)
        assert survives(folder, file) or how != "move"


@pytest.mark.parametrize("stop", [1, 50, 500, 5000, 20000])
def test_a_log_cut_short_anywhere(stop: int, tmp_path: Path) -> None:
    raw = gzip.decompress(crm.xes(tmp_path).read_bytes())
    file = tmp_path / "cut.xes"
    file.write_bytes(raw[:stop])
    with pytest.raises(DataError, match="not XML: ") as caught:
        write_history(file, tmp_path / "it.history.yaml")
    assert caught.value.problems[0].line >= 1
