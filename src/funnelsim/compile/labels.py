"""The Book: what the numbers of a plan are called and cost."""

from __future__ import annotations

from funnelsim.compile.context import CompileContext
from funnelsim.plan import Labels

WON = "won"  # the definition that is revenue


def make_labels(frame: CompileContext, sources: list[str], tasks: list[str]) -> Labels:
    """Names in the order of the plan, wages, flights and tools, promised volumes (of value: in units of currency)."""
    scenario = frame.scenario
    definitions = tuple(scenario.definitions)
    return Labels(
        start=frame.start.astimezone(frame.zone).isoformat(),
        timezone=scenario.timezone,
        currency=scenario.currency,
        sources=tuple(sources),
        segments=tuple(frame.segments),
        stages=tuple(frame.stages),
        teams=tuple(frame.teams),
        definitions=definitions,
        won=definitions.index(WON) if WON in definitions else -1,
        team_costs=tuple(scenario.teams[team].cost for team in frame.teams),
        costs=tuple(
            (
                cost.team or "",
                frame.instant(cost.first),
                frame.day_after(cost.last) if cost.last else frame.horizon,
                cost.amount,
            )
            for cost in scenario.costs
        ),
        volume_promises=tuple(
            (
                volume.definition,
                volume.count,
                volume.period,
                volume.of,
                frame.segments[volume.segment] if volume.segment else -1,
            )
            for volume in scenario.volumes
        ),
        levels=tuple(frame.levels),
        tasks=tuple(tasks),
    )
