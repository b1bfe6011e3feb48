"""What was promised can be kept, broken and acted upon; what counts as a win is said."""

from __future__ import annotations

from funnelsim.scenario.check.findings import Findings, Path
from funnelsim.scenario.check.names import all_terms
from funnelsim.scenario.schema import Scenario, Segment, Source, Terms


def check_terms(scenario: Scenario, found: Findings) -> None:
    for path, terms in all_terms(scenario) if scenario.promises else []:
        if terms.first_touch is not None and terms.first_touch.count:
            found.error((*path, "first_touch"), "a first touch has a time and no count",
                        f"write within {terms.first_touch.length.text}, and the count under attempts")
        if terms.attempts is not None and not terms.attempts.count:
            found.error((*path, "attempts"), "how many attempts?", f"such as 5 within {terms.attempts.length.text}")


def check_actions(scenario: Scenario, found: Findings) -> None:
    if scenario.promises is None:
        return
    for path, terms in all_terms(scenario):
        whole = scenario.promises.of(str(path[-1])) if len(path) > 1 else terms
        for key, term in (("on_breach", "first_touch"), ("on_attempts_breach", "attempts")):
            promised = getattr(whole, term) is not None or (
                len(path) == 1 and any(getattr(own, term) for own in scenario.promises.teams.values()))
            if getattr(terms, key) and not promised:
                found.error((*path, key), f"{key} acts on {term}, which nobody promised", f"add {term}")
            _check_reassign(terms, key, (*path, key), scenario, found)


def check_promised_stages(scenario: Scenario, found: Findings) -> None:
    """A promise about leads that nobody works is empty."""
    for path, terms in all_terms(scenario) if scenario.promises else []:
        for name in terms.stages or ():
            if name in scenario.stages and not scenario.stages[name].work:
                found.error((*path, "stages", name), f"a promise for '{name}', where nobody works",
                            "promises hold where there is work", name)
        if (terms.first_touch or terms.attempts) and not any(stage.work for stage in scenario.stages.values()):
            found.error((*path,), "a promise, and nobody works in any stage", "add work to a stage")


def check_won(scenario: Scenario, found: Findings) -> None:
    if "won" not in scenario.definitions:
        found.warn(("definitions",), "nothing counts as won: the results have no customers and no revenue",
                   "such as definitions: {won: enters loyalty}")
        return
    valued: list[Scenario | Source | Segment] = [scenario, *scenario.sources.values(), *scenario.segments.values()]
    if scenario.goal and scenario.goal.revenue and not any(one.deal_value for one in valued):
        found.error(("goal", "revenue"), "a goal in revenue, and no deal has a value",
                    "such as deal_value: lognormal(median 8000 p90 30000)")


def _check_reassign(terms: Terms, key: str, path: Path, scenario: Scenario, found: Findings) -> None:
    for action in getattr(terms, key):
        where = (*path, f"{100 * action.fraction:g}%")
        if action.kind == "reassign" and len(scenario.teams) < 2:
            found.error(where, "reassign, and there is no other team", "add a team, or escalate instead")
        elif action.kind == "reassign" and action.to is None and len(scenario.teams) > 2:
            found.error(where, f"reassign to which of {len(scenario.teams)} teams?",
                        f"such as reassign to {next(iter(scenario.teams))}")
