"""What a run will be, estimated before it runs: against closed forms and against runs; what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from funnelsim import api
from funnelsim.compile import compile_scenario, is_large, replication_size
from funnelsim.engine import fast
from funnelsim.errors import ScenarioError
from funnelsim.scenario import load

ROUND = {
    "name": "Round",
    "start": "2026-01-05",
    "observe": "4 weeks",
    "cool_down": "0 days",
    "sources": {"web": {"rate": "50/week"}},
    "definitions": {"won": "enters b"},
    "stages": {"a": {"next": {"a": "99%", "b": "1%"}}, "b": {}},
}


def written(folder: Path, **changes: Any) -> Path:
    import yaml

    file = folder / "scenario.yaml"
    file.write_text(yaml.safe_dump(ROUND | changes, sort_keys=False), encoding="utf-8")
    return file


def refused(file: Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        api.check(file)
    (problem,) = caught.value.problems
    assert problem.hint and problem.file == str(file)
    return problem.text


def test_leads_and_visits_of_a_round_in_closed_form(tmp_path: Path) -> None:
    """200 leads in four weeks, 100 visits of a and one of b each."""
    size = replication_size(compile_scenario(load(str(written(tmp_path)))).centre)

    assert size.leads == pytest.approx(200.0)
    assert size.visits == pytest.approx(200.0 * 101)


def test_cycles_limit_the_visits_of_a_round_without_an_end(tmp_path: Path) -> None:
    stages = {"a": {"pace": "1 s", "next": {"a": "100%", "b": "rest"}}, "b": {}}
    size = replication_size(compile_scenario(load(str(written(tmp_path, stages=stages, cycles=9)))).centre)

    assert 200.0 * 10 <= size.visits <= 200.0 * 20


@pytest.mark.parametrize("name", ["funnel-a", "old-way-with-promise", "shared-funnel"])
def test_the_size_is_that_of_a_run(name: str) -> None:
    plan = compile_scenario(load(str(Path(__file__).parents[2] / "scenarios" / f"{name}.yaml"))).centre
    size, (trace, _) = replication_size(plan), fast.run(plan, 1, 0)

    assert size.visits == pytest.approx(len(trace.visits), rel=0.15)
    assert size.attempts == pytest.approx(len(trace.attempts), rel=0.3)


def test_what_no_computer_could_run_is_refused(tmp_path: Path) -> None:
    many = written(tmp_path, sources={"web": {"rate": "1e7/week"}}, observe="40 weeks")
    assert "400,000,000 leads" in refused(many)
    crowd = written(tmp_path, sources={"fair": {"batch": [f"1000000 on 2026-01-{day:02}" for day in range(5, 20)]}})
    assert "15,000,000 leads" in refused(crowd)
    rounds = {"a": {"next": {"a": "99.9999999%", "b": "rest"}}, "b": {}}
    assert "leads go round too often" in refused(written(tmp_path, stages=rounds))
    often = written(tmp_path, stages=rounds, cycles=1_000_000, sources={"web": {"rate": "5000/week"}})
    assert "leads go round too often" in refused(often)
    assert "too much to be added up to the cent" in refused(written(tmp_path, deal_value="1e12"))


def test_a_large_run_is_told_of_and_not_refused(tmp_path: Path) -> None:
    loaded = api.check(
        written(
            tmp_path,
            sources={"web": {"rate": "1e6/week"}},
            stages={"a": {"next": {"b": "1%", "lost": "rest"}}, "b": {}},
        )
    )

    assert [problem.severity for problem in loaded.warnings][-1] == "warning"
    assert "4,000,000 leads" in loaded.warnings[-1].text
    assert api.check(written(tmp_path)).warnings == []
    assert is_large(replication_size(compile_scenario(load(str(written(tmp_path)))).centre)) is None
