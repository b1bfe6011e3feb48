"""The Book: what the numbers of a plan are called and cost."""

from __future__ import annotations

from funnelsim.compile.context import CompileContext
from funnelsim.plan import Labels

WON = "won"  # the definition that is revenue


def make_labels(context: CompileContext, sources: list[str], tasks: list[str]) -> Labels:
    """Names in the order of the plan, wages, flights and tools, promised volumes (of value: in units of currency)."""
    scenario = context.scenario
    definitions = tuple(scenario.definitions)
    return Labels(
        start=context.start.astimezone(context.zone).isoformat(),
        timezone=scenario.timezone,
        currency=scenario.currency,
        sources=tuple(sources),
        segments=tuple(context.segments),
        stages=tuple(context.stages),
        teams=tuple(context.teams),
        definitions=definitions,
        won=definitions.index(WON) if WON in definitions else -1,
        team_costs=tuple(scenario.teams[team].cost for team in context.teams),
        costs=tuple(
            (
                cost.team or "",
                context.instant(cost.first),
                context.day_after(cost.last) if cost.last else context.horizon,
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
                context.segments[volume.segment] if volume.segment else -1,
            )
            for volume in scenario.volumes
        ),
        levels=tuple(context.levels),
        tasks=tuple(tasks),
    )
