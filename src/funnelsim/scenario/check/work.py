"""How teams work: tasks after the contact, queues, time budgets, and whether a lead handed over is taken."""

from __future__ import annotations

import math

from funnelsim.scenario.check.findings import Findings, Path
from funnelsim.scenario.check.shares import ROUNDING
from funnelsim.scenario.schema import Accept, Scenario, Task, Team, TimeBudget
from funnelsim.scenario.values import Schedule

KINDS = tuple(TimeBudget.model_fields)


def check_tasks(scenario: Scenario, findings: Findings) -> None:
    for name, stage in scenario.stages.items():
        for task_name, task in stage.tasks.items():
            path: Path = ("stages", name, "tasks", task_name)
            _check_task(task, task_name, path, findings)
            if task.handling is None and not findings.unreadable(*path, "handling"):
                findings.error(path, f"the task '{task_name}' takes no time", "such as handling: 30 min", task_name)


def check_orders(scenario: Scenario, findings: Findings) -> None:
    """Keys that only one order of the queue looks at."""
    valued = [scenario, *scenario.sources.values(), *scenario.segments.values()]
    for name, team in scenario.teams.items():
        path: Path = ("teams", name)
        if team.own_lead_head_start is not None and team.order != "first come":
            findings.error(
                (*path, "own_lead_head_start"),
                f"own_lead_head_start moves leads up in the order first come, and {name} serves by {team.order}",
                "write order: first come, or leave it out",
            )
        elif team.own_lead_head_start is not None and not _has_own(scenario, name):
            findings.warn(
                (*path, "own_lead_head_start"),
                f"{name} has no leads of its own",
                f"say whose leads a source brings, such as side: {scenario.side_of(name)}",
            )
        if team.score is not None and team.order != "score":
            findings.error((*path, "score"), f"{name} serves by {team.order}, whatever its score", "write order: score")
        if team.order == "value" and not any(one.deal_value for one in valued):  # type: ignore[attr-defined]
            findings.error(
                (*path, "order"),
                "served by value, and no deal has a value",
                "such as deal_value: lognormal(median 8000 p90 30000)",
            )


def check_budgets(scenario: Scenario, findings: Findings) -> None:
    deals = any(stage.is_deal for stage in scenario.stages.values())
    for name, team in scenario.teams.items():
        if team.time_budget is not None:
            _check_budget(team, team.time_budget, name, deals, findings)
    for name, stage in scenario.stages.items():
        if stage.is_deal and not any(team.time_budget for team in scenario.teams.values()):
            findings.note(
                ("stages", name, "is_deal"),
                "'deal' does nothing: no team has a time_budget",
                "such as time_budget: {own: 30%, other: 30%, follow_ups: 20%, deals: 20%}",
            )


def check_presence(scenario: Scenario, findings: Findings) -> None:
    for name, team in scenario.teams.items():
        if team.absence >= 1.0:
            findings.error(("teams", name, "absence"), f"everybody of {name} is away every day", "less than 100%")
        by_date = isinstance(team.people, Schedule) or any(isinstance(one.people, Schedule) for one in team.shifts)
        if team.queues == "personal" and by_date:
            findings.warn(
                ("teams", name, "queues"),
                f"people of {name} come and go: leads that belong to one who is not there wait",
                "queues: pooled, or the same people throughout",
            )


def check_acceptance(scenario: Scenario, findings: Findings) -> None:
    asked: list[tuple[Path, Accept | None]] = [(("handoff", "accept"), scenario.handoff.accept)]
    asked += [(("handoff", "to", name, "accept"), one.accept) for name, one in scenario.handoff.to.items()]
    for path, accept in asked:
        if accept is not None:
            _check_accept(accept, path, findings)
            if len(scenario.teams) < 2:
                findings.error(
                    path, "accept, and there is no other team to hand leads over", "add a team, or remove it"
                )
            elif len(_working(scenario)) < 2:
                findings.warn(
                    path,
                    "nobody is ever asked: one team has the leads of every stage",
                    "leads change hands where stages have different owners",
                )
    if any(accept for _, accept in asked) or not findings.unchanged("handoff"):
        return
    for name, stage in scenario.stages.items():
        if stage.rejected is not None and stage.work:
            findings.warn(
                ("stages", name, "rejected"),
                "no lead is ever turned down: nobody is asked to accept",
                "such as handoff: {accept: {score: sales, at_least: 30}}",
            )


def check_integration(scenario: Scenario, findings: Findings) -> None:
    if scenario.handoff.integration is not None and len(scenario.teams) < 2:
        findings.warn(("handoff", "integration"), "there is no other team to share a system with", "remove it")


def _check_task(task: Task, name: str, path: Path, findings: Findings) -> None:
    if task.kind is None:
        if not findings.unreadable(*path, "is"):
            findings.error(path, f"what is '{name}'?", "is: meeting, or is: objection", name)
        return
    this, other, strange = (
        ("a meeting", "an objection", ("resolved",))
        if task.kind == "meeting"
        else ("an objection", "a meeting", ("shows", "idle"))
    )
    for key in strange:
        if key in task.model_fields_set:
            findings.error((*path, key), f"'{key}' means nothing to {this}", f"it belongs to {other}")


def _check_budget(team: Team, budget: TimeBudget, name: str, deals: bool, findings: Findings) -> None:
    path: Path = ("teams", name, "time_budget")
    total = math.fsum(getattr(budget, kind) for kind in KINDS)
    if abs(total - 1.0) > ROUNDING:
        findings.error(
            path,
            f"the shares of teams.{name}.time_budget sum to {100 * total:.6g} %, not 100 %",
            f"shares of {', '.join(KINDS)}",
        )
    if team.queues == "personal":
        findings.error(
            path,
            f"a time budget is one of the team, and the queues of {name} are personal",
            "write queues: pooled, or leave the time budget out",
        )
    if budget.deals and not deals:
        findings.error((*path, "deals"), "time for deals, and no stage is a deal", "such as purchase: {is_deal: true}")


def _check_accept(accept: Accept, path: Path, findings: Findings) -> None:
    for key, question in (("score", "by which score?"), ("at_least", "from which score on?")):
        if getattr(accept, key) is None and not findings.unreadable(*path, key):
            findings.error(path, f"the receiving team accepts {question}", "such as {score: sales, at_least: 30}")
    if accept.within is None and "default" in accept.model_fields_set:
        findings.error(
            (*path, "default"),
            "'default' is for when the time is over, and none is given",
            "such as within: 2 business days",
        )
    elif accept.within is not None and not (accept.within.seconds or accept.within.business_days):
        findings.error((*path, "within"), "a decision needs time", "such as within: 2 business days")


def _working(scenario: Scenario) -> set[str]:
    """Teams that own or work the leads of some stage."""
    return {team for shares in scenario.ownership.values() for team in shares} | {
        work.by for stage in scenario.stages.values() for work in stage.work if work.by
    }


def _has_own(scenario: Scenario, team: str) -> bool:
    return any(source.side == scenario.side_of(team) for source in scenario.sources.values())
