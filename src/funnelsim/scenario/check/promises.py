"""What was promised can be kept, broken and acted upon; what counts as a win is said."""

from __future__ import annotations

from funnelsim.scenario.check.findings import Findings, Path
from funnelsim.scenario.check.names import BREACHES, all_terms, all_tiers
from funnelsim.scenario.schema import Clocks, Scenario, Segment, Source, Tier


def check_terms(scenario: Scenario, findings: Findings) -> None:
    for path, terms in _all_clocks(scenario):
        for key, what in (("first_touch", "a first touch"), ("accept", "an acceptance")):
            term = getattr(terms, key)
            if term is not None and term.count:
                under = ", and the count under attempts" if key == "first_touch" else ""
                findings.error(
                    (*path, key), f"{what} has a time and no count", f"write within {term.length.text}{under}"
                )
        if terms.attempts is not None and not terms.attempts.count:
            findings.error((*path, "attempts"), "how many attempts?", f"such as 5 within {terms.attempts.length.text}")


def check_actions(scenario: Scenario, findings: Findings) -> None:
    if scenario.promises is None:
        return
    for path, clocks in _all_clocks(scenario):
        for key, term in BREACHES.items():
            if getattr(clocks, key) and not _is_promised(term, clocks, path, scenario):
                findings.error((*path, key), f"{key} acts on {term}, which nobody promised", f"add {term}")
            _check_reassign(clocks, key, (*path, key), scenario, findings)


def check_promised_stages(scenario: Scenario, findings: Findings) -> None:
    """A promise about leads that nobody works is empty."""
    for path, terms in all_terms(scenario) if scenario.promises else []:
        for name in terms.stages or ():
            if name in scenario.stages and not scenario.stages[name].work:
                findings.error(
                    (*path, "stages", name),
                    f"a promise for '{name}', where nobody works",
                    "promises hold where there is work",
                    name,
                )
        if terms.promises_something and not any(stage.work for stage in scenario.stages.values()):
            findings.error((*path,), "a promise, and nobody works in any stage", "add work to a stage")


def check_promised_acceptance(scenario: Scenario, findings: Findings) -> None:
    handoff = scenario.handoff
    if handoff.accept is not None or any(one.accept for one in handoff.to.values()):
        return
    for path, clocks in _all_clocks(scenario):
        if clocks.accept is not None:
            findings.error(
                (*path, "accept"),
                "a promise to accept in time, and nobody is asked to accept",
                "such as handoff: {accept: {score: sales, at_least: 30}}",
            )


def check_tiers(scenario: Scenario, findings: Findings) -> None:
    """Every tier speaks of some leads, promises something, and can be reached past those before it."""
    for path, terms in all_terms(scenario) if scenario.promises else []:
        for i, tier in enumerate(terms.tiers):
            here: Path = (*path, "tiers", i)
            before = next((j for j in range(i) if _covers(terms.tiers[j], tier)), None)
            if _fits_all(tier):
                findings.error(
                    here,
                    "this tier is for every lead, as the plain terms are",
                    "say for which: segments, sources, score or value",
                )
            elif before is not None:
                findings.error(
                    here,
                    f"no lead comes to this tier: all of them are in tier {before + 1}",
                    "the first tier that fits counts: put the narrower one first",
                )
            if not terms.all_tiers()[i].promises_something:
                findings.error(here, "this tier promises nothing", "such as first_touch: within 30 min")


def check_volumes(scenario: Scenario, findings: Findings) -> None:
    """A volume in money needs deals with a value."""
    for i, volume in enumerate(scenario.volumes):
        if volume.of == "value" and not _is_valued(scenario):
            findings.error(
                ("promises", "marketing_delivers", i),
                "a promise in money, and no deal has a value",
                "such as deal_value: lognormal(median 8000 p90 30000)",
            )


def check_won(scenario: Scenario, findings: Findings) -> None:
    if "won" not in scenario.definitions:
        findings.warn(
            ("definitions",),
            "nothing counts as won: the results have no customers and no revenue",
            "such as definitions: {won: enters loyalty}",
        )
    elif scenario.definitions["won"].is_threshold:
        findings.error(
            ("definitions", "won"), "won is a stage that a customer enters, not a score", "such as won: enters customer"
        )
    elif scenario.goal and scenario.goal.revenue and not _is_valued(scenario):
        findings.error(
            ("goal", "revenue"),
            "a goal in revenue, and no deal has a value",
            "such as deal_value: lognormal(median 8000 p90 30000)",
        )


def _all_clocks(scenario: Scenario) -> list[tuple[Path, Clocks]]:
    """Terms and tiers, each as written."""
    return [*all_terms(scenario), *all_tiers(scenario)] if scenario.promises else []


def _is_promised(term: str, clocks: Clocks, path: Path, scenario: Scenario) -> bool:
    """Whether the term stands here, or where these terms get theirs from, or with a team that gets its from here."""
    promises = scenario.promises
    assert promises is not None
    team = str(path[2]) if len(path) > 2 and path[1] == "teams" else None
    above = promises.of(team) if team is not None else promises
    givers: list[Clocks] = [clocks, above]
    if not isinstance(clocks, Tier):
        takers = [above, *(promises.teams.values() if team is None else ())]
        givers += [*takers, *(tier for terms in takers for tier in terms.tiers)]
    return any(getattr(one, term) is not None for one in givers)


def _is_valued(scenario: Scenario) -> bool:
    valued: list[Scenario | Source | Segment] = [scenario, *scenario.sources.values(), *scenario.segments.values()]
    return any(one.deal_value for one in valued)


def _fits_all(tier: Tier) -> bool:
    return tier.segments is None and tier.sources is None and tier.score is None and not tier.value


def _covers(wide: Tier, narrow: Tier) -> bool:
    """Whether every lead of the narrow tier is one of the wide one."""
    for key in ("segments", "sources"):
        ours, theirs = getattr(wide, key), getattr(narrow, key)
        if ours is not None and (theirs is None or not set(theirs) <= set(ours)):
            return False
    if wide.score is not None:
        ((score, least),) = wide.score.items()
        if narrow.score is None or narrow.score.get(score, least - 1.0) < least:
            return False
    return narrow.value >= wide.value


def _check_reassign(clocks: Clocks, key: str, path: Path, scenario: Scenario, findings: Findings) -> None:
    for action in getattr(clocks, key):
        where = (*path, f"{100 * action.fraction:g}%")
        if action.kind == "reassign" and len(scenario.teams) < 2:
            findings.error(where, "reassign, and there is no other team", "add a team, or escalate instead")
        elif action.kind == "reassign" and action.to is None and len(scenario.teams) > 2:
            findings.error(
                where,
                f"reassign to which of {len(scenario.teams)} teams?",
                f"such as reassign to {next(iter(scenario.teams))}",
            )
