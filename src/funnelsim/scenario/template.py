"""A scenario read once and loaded with as many `--set` texts as a study likes.

Reading a file and understanding thousands of leads in flight costs a third of a second, and a study asks for ten
thousand variants. So what the texts do not touch is kept: the merged tree, the leads, and the root where only facts or
policy change. The checks are all made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from funnelsim.errors import Problem, ScenarioError
from funnelsim.scenario import inheritance
from funnelsim.scenario.check import check
from funnelsim.scenario.leads_csv import with_leads
from funnelsim.scenario.loading import Loaded, load, loads_resolved, sort_problems, tree_of
from funnelsim.scenario.schema import nature
from funnelsim.scenario.validation import validate
from funnelsim.scenario.yaml_nodes import plain

LEADS = "leads_in_flight"


class ScenarioTemplate:
    """A scenario as it is written; `loaded` is the scenario itself."""

    def __init__(self, path: str, overrides: Sequence[str] = ()) -> None:
        """Read a file; `overrides` hold for every variant. Raises ScenarioError as `load` does."""
        self.path, self.overrides = path, list(overrides)
        self.loaded = load(path, overrides)
        self.resolved: dict[str, Any] | None = None
        self.tree = with_leads(
            inheritance.set_path(inheritance.merge(inheritance.extends_chain(path), []), overrides, []), []
        )

    @classmethod
    def of_resolved(cls, resolved: dict[str, Any]) -> ScenarioTemplate:
        """The scenario that a manifest holds."""
        self = cls.__new__(cls)
        self.path, self.overrides, self.resolved = "manifest", [], resolved
        self.loaded = loads_resolved(resolved)
        self.tree = tree_of(resolved["scenario"])
        return self

    def with_overrides(self, overrides: Sequence[str]) -> Loaded:
        """What `load` gives with these texts added; ScenarioError counts them from 1, without the template's own."""
        if not overrides:
            return self.loaded
        keys = [tuple(one.partition("=")[0].strip().split(".")) for one in overrides]
        keeps_leads = all(key[0] != LEADS for key in keys)
        keeps_root = all(nature(key) in ("fact", "policy") for key in keys)
        if keeps_leads and keeps_root and self._has_a_root_of_its_own():
            return self._quick(overrides)
        if self.resolved is not None:
            return loads_resolved(self.resolved, overrides)
        try:
            return load(self.path, [*self.overrides, *overrides])
        except ScenarioError as error:
            raise ScenarioError(
                [
                    replace(one, line=max(1, one.line - len(self.overrides))) if one.file == "--set" else one
                    for one in error.problems
                ],
                self.path,
            ) from None

    def _has_a_root_of_its_own(self) -> bool:
        """Not so where the file needs the template's own texts to be whole: then each variant is its own root."""
        return self.loaded.root is not self.loaded.scenario or not self.overrides

    def _quick(self, overrides: Sequence[str]) -> Loaded:
        """As `load`, with the leads and the root understood before."""
        base, problems = self.loaded, list[Problem]()
        tree = inheritance.set_path(self.tree, overrides, problems)
        small = replace(tree, value={key: child for key, child in tree.value.items() if key != LEADS})
        scenario, parse_problems, left_out = validate(small, [problem.path for problem in problems])
        scenario = scenario.model_copy(update={LEADS: base.scenario.leads_in_flight})
        problems_found = sort_problems([*problems, *parse_problems, *check(scenario, tree, left_out)], base.files)
        if any(problem.severity == "error" for problem in problems_found):
            raise ScenarioError(problems_found, self.path)
        known = base.resolved
        written = plain(small) | {key: known["scenario"][key] for key in (LEADS,) if key in known["scenario"]}
        resolved = known | {"scenario": written, "root": known["root"] or known["scenario"]}
        return Loaded(scenario, base.root, inheritance.places(small), base.files, resolved, problems_found)


def with_data(base: Loaded, data: dict[str, Any]) -> Loaded:
    """A scenario with other data, its root and its leads in flight as understood before, where they are the same.

    `data` is like `base.resolved["scenario"]`. Raises ScenarioError when it makes no scenario.
    """
    keeps_leads = data.get(LEADS) == base.resolved["scenario"].get(LEADS)
    tree = tree_of({key: value for key, value in data.items() if not (keeps_leads and key == LEADS)})
    scenario, parse_problems, left_out = validate(tree)
    if keeps_leads:
        scenario = scenario.model_copy(update={LEADS: base.scenario.leads_in_flight})
    problems_found = sort_problems([*parse_problems, *check(scenario, tree, left_out)], [])
    if any(problem.severity == "error" for problem in problems_found):
        raise ScenarioError(problems_found, scenario.name)
    resolved = base.resolved | {"scenario": data, "root": base.resolved["root"] or base.resolved["scenario"]}
    return replace(base, scenario=scenario, root=base.root or base.scenario, resolved=resolved, warnings=problems_found)
