"""Sources whose people are found again, lost before they are known, or bought by marketing's plan."""

from __future__ import annotations

from funnelsim.scenario.check.findings import Findings, Path
from funnelsim.scenario.schema import Scenario

MOST_SOURCES = 8191  # and batches: a lead's number has room for so many


def check_number_of_sources(scenario: Scenario, findings: Findings) -> None:
    """Each further batch of a source is a source of its own to the engines."""
    rows = sum(max(1, len(source.batch)) for source in scenario.sources.values())
    if rows > MOST_SOURCES:
        findings.error(("sources",), f"{rows:,} sources and batches are too many", f"at most {MOST_SOURCES:,}")


def check_captured(scenario: Scenario, findings: Findings) -> None:
    for name, source in scenario.sources.items():
        if source.captured == 0.0:
            findings.error(
                ("sources", name, "captured"),
                f"nobody of '{name}' ever becomes a known record",
                "more than 0%, or leave the source out",
            )


def check_found_again(scenario: Scenario, findings: Findings) -> None:
    for name, source in scenario.sources.items():
        if source.found_again is not None and source.found_again.chance == 0.0:
            findings.warn(("sources", name, "found_again"), f"nobody of '{name}' is found again", "such as chance: 20%")


def check_ready(scenario: Scenario, findings: Findings) -> None:
    """Too early and too late are seen from the instant at which a buyer is ready."""
    if any(source.ready_after for source in scenario.sources.values()):
        return
    for key in ("too_early", "too_late"):
        effect = getattr(scenario.effects, key)
        if effect != type(effect)():
            sense = "never comes too early" if key == "too_early" else "is as late as it is after entry"
            findings.note(
                ("effects", key),
                f"every buyer is ready at once: a first touch {sense}",
                "say of a source when its buyers are ready, such as ready_after: exponential(mean 10 days)",
            )


def check_marketing_plan(scenario: Scenario, findings: Findings) -> None:
    """Money is spent where a lead has a cost and a chance to count."""
    plan, path = scenario.marketing_plan, ("marketing_plan",)
    if plan is None:
        _check_unplanned(scenario, findings)
        return
    if plan.budget is None:
        findings.error(path, "a marketing plan has a budget", "such as budget: 40k/month")
    bought = [name for name, source in scenario.sources.items() if source.qualified_share is not None and source.cost]
    if not bought:
        findings.error(
            path,
            "there is nothing to buy: no source has a cost and says how many of its leads count",
            "such as sources: {webinar: {cost: 90, qualified_share: 40%, qualified_value: 500}}",
        )
    for name in bought:
        here: Path = ("sources", name)
        if plan.maximise == "value" and scenario.sources[name].qualified_value is None:
            findings.error(
                here,
                f"the plan maximises value, and '{name}' does not say what a lead that counts is worth",
                "such as qualified_value: 500",
                name,
            )
        if scenario.sources[name].rate is None:
            findings.error(
                here,
                f"the plan buys leads of a rate, and '{name}' has none",
                "its rate is the most it can bring, such as rate: 100/week",
                name,
            )


def _check_unplanned(scenario: Scenario, findings: Findings) -> None:
    for name, source in scenario.sources.items():
        for key in ("qualified_share", "qualified_value"):
            if getattr(source, key) is not None:
                findings.note(
                    ("sources", name, key),
                    f"'{key}' does nothing without a marketing_plan",
                    "such as marketing_plan: {budget: 40k/month, maximise: count}",
                )
