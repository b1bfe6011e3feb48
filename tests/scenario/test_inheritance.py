"""extends, overrides and --set: what they change, what they leave, and where a value came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from funnelsim.errors import ScenarioError
from funnelsim.scenario import load, loads_resolved

BASE = (Path(__file__).parent / "broken" / "base.yaml").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def variant(folder: Path, text: str, name: str = "variant.yaml") -> str:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return str(file)


def test_named_things_merge_key_by_key(folder: Path) -> None:
    """A ten-line policy beside a baseline."""
    loaded = load(variant(folder, "extends: base.yaml\nname: Six\nteams: {sales: {people: 6}}\n"))

    assert loaded.scenario.name == "Six"
    assert loaded.scenario.teams["sales"].people == 6
    assert loaded.scenario.teams["sales"].calendar == "office"
    assert loaded.scenario.teams["marketing"].people == 4
    assert list(loaded.scenario.stages) == ["discovery", "interest", "evaluation", "customer"]


def test_shares_are_replaced_whole(folder: Path) -> None:
    """Rule 77: else {sales: 100%} over {marketing: 50%, sales: 50%} makes 150 %."""
    middle = "extends: base.yaml\nownership: {interest: {marketing: 50%, sales: 50%}}\n"
    variant(folder, middle, "middle.yaml")
    text = (
        "extends: middle.yaml\nownership: {interest: {sales: 100%}}\nstages: {interest: {next: {evaluation: rest}}}\n"
    )
    loaded = load(variant(folder, text))

    assert list(loaded.scenario.ownership["interest"]) == ["sales"]
    assert list(loaded.scenario.stages["interest"].next or ()) == ["evaluation"]
    assert list(loaded.scenario.ownership) == ["discovery", "interest", "evaluation"]


def test_distributions_schedules_and_effects_are_replaced_whole(folder: Path) -> None:
    """A mapping that is one value is one value."""
    variant(
        folder,
        "extends: base.yaml\nteams: {sales: {people: {start: 3, 2026-06-01: 6}}}\n"
        "effects: {fit: {odds: 1.5, stages: [interest]}}\n"
        "stages: {discovery: {pace: {interest: 3 days, lost: 9 days}}}\n",
        "middle.yaml",
    )
    loaded = load(
        variant(
            folder,
            "extends: middle.yaml\nteams: {sales: {people: {2026-04-01: 4}}}\n"
            "effects: {fit: {odds: 1.2}}\nstages: {discovery: {pace: 2 days}}\n",
        )
    )

    assert len(loaded.scenario.teams["sales"].people.steps) == 1  # type: ignore[union-attr]
    assert loaded.scenario.effects.fit.stages is None
    assert loaded.scenario.stages["discovery"].pace.family == "fixed"  # type: ignore[union-attr]


def test_none_removes(folder: Path) -> None:
    """Rule 78: a thing, a key, a definition."""
    text = (
        "extends: base.yaml\nsources: {trade_show: none}\nstages: {interest: {patience: none, response: none}}\n"
        "definitions: {MQL: none}\n"
    )
    loaded = load(variant(folder, text))

    assert list(loaded.scenario.sources) == ["search", "demo_request"]
    assert loaded.scenario.stages["interest"].patience is None
    assert loaded.scenario.stages["interest"].response is None
    assert list(loaded.scenario.definitions) == ["won"]
    assert "none" not in json.dumps(loaded.resolved)


def test_set_stands_over_everything(folder: Path) -> None:
    """And later ones over earlier ones."""
    path = variant(folder, "extends: base.yaml\nteams: {sales: {people: 6}}\n")
    loaded = load(
        path,
        [
            "teams.sales.people=7",
            "teams.sales.people=8",
            "stages.interest.work.attempts=5",
            "promises={first_touch: within 4 hours, adherence: 60% to 90%}",
            "stages.interest.patience=none",
            "ownership.interest={marketing: 30%, sales: rest}",
            "timezone=UTC",
        ],
    )

    assert loaded.scenario.teams["sales"].people == 8
    assert loaded.scenario.stages["interest"].work[0].attempts == 5
    assert loaded.scenario.stages["interest"].work[0].contact == "leads360-2012"
    assert loaded.scenario.promises is not None
    assert loaded.scenario.stages["interest"].patience is None
    assert loaded.scenario.ownership["interest"]["sales"].rest


def test_set_reaches_one_share_and_one_entry_of_a_list(folder: Path) -> None:
    """For sweeps: the other exits stay as they are."""
    text = (
        "extends: base.yaml\nstages:\n  evaluation:\n    work:\n      - {by: marketing, handling: 5 min}\n"
        "      - {by: sales, attempts: 3, handling: 9 min, contact: always}\n"
    )
    loaded = load(variant(folder, text), ["stages.interest.next.evaluation=50%", "stages.evaluation.work.1.attempts=4"])

    shares = loaded.scenario.stages["interest"].next
    assert shares is not None
    assert (shares["evaluation"].value, shares["discovery"].value) == (0.5, 0.2)
    assert [work.attempts for work in loaded.scenario.stages["evaluation"].work] == [1, 4]


def test_the_root_is_the_unmodified_baseline(folder: Path) -> None:
    """Rule 68: base rates are averages of the root of the chain; --set is for the variant."""
    variant(folder, "extends: base.yaml\nteams: {sales: {people: 6}}\n", "middle.yaml")
    loaded = load(variant(folder, "extends: middle.yaml\nname: Top\n"), ["teams.sales.people=9"])

    assert loaded.scenario.teams["sales"].people == 9
    assert loaded.root is not None
    assert (loaded.root.name, loaded.root.teams["sales"].people) == ("Base", 5)
    assert [Path(file).name for file in loaded.files] == ["base.yaml", "middle.yaml", "variant.yaml"]


def test_a_scenario_that_extends_nothing_is_its_own_root(folder: Path) -> None:
    loaded = load(str(folder / "base.yaml"))

    assert loaded.root is loaded.scenario


def test_a_policy_set_on_a_baseline_leaves_the_file_as_the_root(folder: Path) -> None:
    """Rule 68: its base rates were observed with the people that are written there, not with those asked about."""
    loaded = load(str(folder / "base.yaml"), ["teams.sales.people=9"])

    assert loaded.root is not None
    assert (loaded.root.teams["sales"].people, loaded.scenario.teams["sales"].people) == (5, 9)


def test_a_belief_or_a_setting_is_set_in_the_root_too(folder: Path) -> None:
    loaded = load(str(folder / "base.yaml"), ["effects.fit=3", "observe=13 weeks"])

    assert loaded.root is loaded.scenario
    assert loaded.scenario.observe is not None
    assert loaded.scenario.observe.seconds == 13 * 604800


def test_a_fitted_file_is_no_root(folder: Path) -> None:
    """A baseline that extends calibrated facts is the root, not the facts."""
    facts, policy = BASE.split("teams:")
    fitted = "fitted: {as_of: 2025-12-31, stages: {interest: {exits: [evaluation], x: ~}}}\n"
    variant(folder, facts + fitted, "fit.yaml")
    variant(folder, "extends: fit.yaml\nname: Baseline\nteams:" + policy, "baseline.yaml")
    loaded = load(variant(folder, "extends: baseline.yaml\nname: Top\nteams: {sales: {people: 6}}\n"))

    assert loaded.root is not None
    assert (loaded.root.name, loaded.root.teams["sales"].people) == ("Baseline", 5)
    assert loaded.scenario.fitted is not None
    assert load(str(folder / "baseline.yaml")).root is not None


def test_places_survive(folder: Path) -> None:
    """Each value knows the file, or the option, it was written in."""
    loaded = load(
        variant(folder, "extends: base.yaml\nteams:\n  sales: {people: 6}\n"),
        ["seed=7", "stages.interest.work.attempts=5"],
    )
    places = loaded.places
    people = places["teams", "sales", "people"]
    cost = places["teams", "sales", "cost"]
    attempts = places["stages", "interest", "work", "attempts"]

    assert (Path(people.file).name, people.line, people.column) == ("variant.yaml", 3, 19)
    assert (Path(cost.file).name, cost.line) == ("base.yaml", 30)
    assert (attempts.file, attempts.line, attempts.column) == ("--set", 2, 31)
    assert attempts.source_line == "stages.interest.work.attempts=5"
    assert places["seed",].line == 1


def test_extends_is_relative_to_its_file(folder: Path) -> None:
    """Also through folders, also from TOML."""
    variant(folder, 'extends = "../base.yaml"\nname = "Toml"\n[teams.sales]\npeople = 6\n', "policies/six.toml")
    loaded = load(variant(folder, "extends: policies/six.toml\nname: Top\n"))

    assert loaded.scenario.teams["sales"].people == 6
    assert Path(loaded.files[0]).name == "base.yaml"
    assert ".." not in loaded.files[0]


def test_the_resolved_scenario_makes_the_same_scenario(folder: Path) -> None:
    """A manifest repeats a run without the files, leads in flight included."""
    leads = "id,source,stage,age,reached\n007,search,interest,3 days,true\n\nb2,search,evaluation,,\n"
    (folder / "leads.csv").write_text(leads)
    path = variant(folder, "extends: base.yaml\nleads_in_flight: {file: leads.csv}\nname: Flight\n")
    loaded = load(path, ["teams.sales.people=7"])
    again = loads_resolved(json.loads(json.dumps(loaded.resolved)))

    assert again.scenario == loaded.scenario
    assert again.root == loaded.root
    assert again.root != again.scenario
    assert isinstance(loaded.scenario.leads_in_flight, tuple)
    assert [(lead.id, lead.reached) for lead in loaded.scenario.leads_in_flight] == [("007", True), ("b2", False)]
    assert again.resolved == loaded.resolved


def test_a_manifest_of_another_format_is_refused() -> None:
    """Rather than misread."""
    with pytest.raises(ScenarioError, match="format 1"):
        loads_resolved({"format": 99, "scenario": {}})


def test_a_fault_in_the_root_is_told_once(folder: Path) -> None:
    """Though it is in the scenario and in its root; a fault that the variant repairs is told as well."""
    (folder / "base.yaml").write_text(BASE.replace("25/week", "25/weak").replace("people: 5", "people: 0"))
    with pytest.raises(ScenarioError) as caught:
        load(variant(folder, "extends: base.yaml\nteams: {sales: {people: 6}}\n"))

    assert [problem.text for problem in caught.value.problems] == ["'weak' is not a period", "nobody is in sales"]
