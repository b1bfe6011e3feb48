"""Leads in flight: numbers that do not change, in order, with what the snapshot says."""

from __future__ import annotations

from pathlib import Path

import pytest

from funnelsim.compile import compile_scenario
from funnelsim.compile.initial_leads import lead_id
from funnelsim.errors import ScenarioError
from funnelsim.plan import DAY
from funnelsim.scenario import load
from support.compile_helpers import compiled

FULL = {
    "id": "17",
    "source": "web",
    "stage": "interest",
    "age": "3 days",
    "number": 2,
    "team": "sales",
    "attempts": 1,
    "reached": True,
    "context": "40%",
    "value": 1234.56,
}


def test_a_lead_as_the_snapshot_has_it() -> None:
    (row,) = compiled(leads_in_flight=[FULL]).plan().initial_leads
    assert (row["id"], row.source, row.segment, row.stage, row.age) == (17, 0, -1, 0, 3 * DAY)
    assert (row.number, row.team, row.attempts, row.reached, row.context, row.value) == (2, 1, 1, 1, 0.4, 123456.0)


def test_what_is_not_said_is_drawn_or_fresh() -> None:
    lead = {"id": "a", "source": "web", "stage": "evaluation", "age": "1 day"}
    (row,) = compiled(leads_in_flight=[lead]).plan().initial_leads
    assert (row.segment, row.team, row.value) == (-1, -1, -1)
    assert (row.number, row.attempts, row.reached, row.context) == (1, 0, 0, 1)


def test_rows_are_in_the_order_of_their_numbers() -> None:
    leads = [{**FULL, "id": str(i)} for i in (30, 4, 12)]
    assert compiled(leads_in_flight=leads).plan().initial_leads["id"].tolist() == [4, 12, 30]


def test_numbers_of_leads() -> None:
    assert lead_id("", 5) == 5
    assert lead_id("0012", 1) == 12
    named = lead_id("L-77", 1)
    assert named == lead_id("L-77", 9) and 2**43 <= named < 2**44  # the 44 bits of a lead's number
    assert lead_id(str(2**43), 1) >= 2**43 and lead_id("L-78", 1) != named


def test_the_same_number_twice_is_an_error() -> None:
    scenario = compiled(leads_in_flight=[FULL]).scenario
    twice = scenario.model_copy(update={"leads_in_flight": (*scenario.leads_in_flight, *scenario.leads_in_flight)})
    with pytest.raises(ScenarioError, match="two leads have the id '17'"):
        compile_scenario(twice)


def test_a_csv_file_says_the_same_as_a_list(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text(
        "id,source,stage,age,number,team,attempts,reached,context,value\n"
        "17,web,interest,3 days,2,sales,1,true,40%,1234.56\n"
    )
    (tmp_path / "s.yaml").write_text("""
start: 2026-01-05
observe: 4 weeks
sources: {web: {rate: 70/week}}
stages:
  interest: {work: {handling: 6 min}, next: {evaluation: 45%, lost: rest}}
  evaluation: {next: {customer: 50%, lost: rest}}
  customer: {}
teams: {sales: {people: 2}, marketing: {people: 1}}
ownership: {interest: sales}
leads_in_flight: {file: leads.csv}
""")
    from_file = compile_scenario(load(str(tmp_path / "s.yaml"))).plan().initial_leads
    assert from_file.tolist() == compiled(leads_in_flight=[FULL]).plan().initial_leads.tolist()
