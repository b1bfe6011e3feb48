"""Rules across fields: one check_* function each, every problem in one go.

A check runs when what it needs could be read; what could not has been reported already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from funnelsim.errors import Problem
from funnelsim.scenario.check import (
    behaviour,
    demand,
    graph,
    interest,
    names,
    promises,
    shares,
    stages,
    teams,
    time,
    work,
)
from funnelsim.scenario.check.findings import Findings
from funnelsim.scenario.schema import Scenario
from funnelsim.scenario.yaml_nodes import Node

Check = Callable[[Scenario, Findings], None]

CHECKS: tuple[tuple[Check, tuple[str, ...]], ...] = (  # the check, and the keys it needs in full
    (time.check_run, ()),
    (time.check_sources, ()),
    (time.check_batches, ()),
    (time.check_flights, ()),
    (time.check_goal, ()),
    (names.check_spelling, ()),
    (names.check_stage_names, ()),
    (names.check_team_names, ()),
    (names.check_promise_names, ()),
    (names.check_calendar_names, ()),
    (names.check_segment_names, ()),
    (names.check_preset_names, ()),
    (names.check_hours, ()),
    (names.check_paces, ()),
    (names.check_leads_in_flight, ()),
    (shares.check_exit_shares, ()),
    (shares.check_ownership_shares, ()),
    (shares.check_source_shares, ()),
    (shares.check_segment_shares, ()),
    (shares.check_history_shares, ()),
    (graph.check_reached, ("stages", "sources", "leads_in_flight", "promises")),
    (graph.check_left, ("stages", "cycles")),
    (graph.check_time_passes, ("stages", "cycles", "scores", "definitions")),
    (graph.check_response_once, ("stages",)),
    (stages.check_work, ()),
    (stages.check_without_work, ()),
    (stages.check_without_next, ()),
    (stages.check_owner, ()),
    (stages.check_ownership_without_work, ("stages", "ownership")),
    (stages.check_curves, ()),
    (demand.check_number_of_sources, ()),
    (demand.check_captured, ()),
    (demand.check_found_again, ()),
    (demand.check_ready, ("sources", "effects")),
    (demand.check_marketing_plan, ("sources", "marketing_plan")),
    (interest.check_score_names, ()),
    (interest.check_scores, ("definitions", "teams", "handoff", "promises", "influences")),
    (interest.check_gates, ()),
    (interest.check_signals, ()),
    (interest.check_nurture, ("effects", "influences", "scores")),
    (interest.check_points, ("scores",)),
    (work.check_tasks, ()),
    (work.check_orders, ("sources",)),
    (work.check_budgets, ("stages",)),
    (work.check_presence, ()),
    (work.check_acceptance, ("teams", "ownership")),
    (work.check_integration, ("teams",)),
    (behaviour.check_level_names, ("teams",)),
    (behaviour.check_levels, ("teams", "handoff", "influences")),
    (behaviour.check_quotas, ("definitions",)),
    (behaviour.check_pursuit, ("sources",)),
    (behaviour.check_effects, ("stages", "sources", "handoff")),
    (behaviour.check_gated_effects, ()),
    (behaviour.check_influences, ("stages", "teams", "promises")),
    (teams.check_people, ()),
    (teams.check_calendars, ()),
    (teams.check_handoffs, ("teams",)),
    (promises.check_terms, ()),
    (promises.check_actions, ("promises", "teams")),
    (promises.check_promised_stages, ("stages",)),
    (promises.check_promised_acceptance, ("handoff",)),
    (promises.check_tiers, ()),
    (promises.check_volumes, ("deal_value", "sources", "segments")),
    (promises.check_won, ("definitions", "deal_value")),
)


def check(scenario: Scenario, tree: Node, left_out: Sequence[tuple[str | int, ...]]) -> list[Problem]:
    """All problems of a scenario whose `left_out` paths could not be read."""
    findings = Findings(tree, left_out)
    if not scenario.stages:
        findings.error(
            ("stages",), "'stages' is missing", "such as stages: {demo: {next: {customer: 30%, lost: rest}}}"
        )
    for one, needs in CHECKS:
        if findings.unchanged(*needs):
            one(scenario, findings)
    return findings.problems
