"""How the seam between the teams is written: definitions, policies in a word, tiers, levels, assumptions."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from funnelsim.errors import ScenarioError
from funnelsim.scenario import Loaded, load, loads_resolved, parsers, presets
from funnelsim.scenario.assumptions import assumptions, equally_good
from funnelsim.scenario.parsers import ParseError
from funnelsim.scenario.values import LevelRef, Range, Schedule

ERRORS = Path(__file__).parent / "broken"
FUNNEL = """
start: 2026-01-05
observe: 26 weeks
sources: {web: {rate: 50/week}}
teams: {marketing: {people: 2}, sales: {people: 3}}
scores: {marketing: {fit: 10, points: 1}}
definitions: {MQL: marketing score at least 40, SQL: enters meeting, won: enters customer}
stages:
  lead: {gate: MQL, next: {call: 30%, lost: rest}}
  call: {work: {handling: 5 min}, next: {meeting: 40%, lost: rest}}
  meeting: {work: {handling: 60 min}, next: {customer: 30%, lost: rest}}
  customer: {}
"""


def written(folder: Path, text: str, *overrides: str, name: str = "s.yaml") -> Loaded:
    (folder / name).write_text(text)
    return load(str(folder / name), overrides)


def owners(loaded: Loaded) -> dict[str, Any]:
    found: dict[str, Any] = loaded.resolved["scenario"]["ownership"]
    return found


def seam(folder: Path, text: str = "", *overrides: str) -> Loaded:
    return written(folder, f"extends: {ERRORS / 'seam.yaml'}\n{text}", *overrides)


# ---- words and what they mean ---------------------------------------------------------------------------------------
def test_a_definition_is_a_stage_entered_or_a_score_reached() -> None:
    entered = parsers.definition("enters Closed Won")
    assert (entered.stage, entered.score, entered.is_threshold) == ("Closed Won", "", False)
    reached = parsers.definition("inside sales score at least 40")
    assert (reached.stage, reached.score, reached.at_least, reached.is_threshold) == ("", "inside sales", 40.0, True)
    by_date = parsers.definition({"score": "sales", "at_least": {"start": 40, "2026-06-01": 50}})
    assert isinstance(by_date.at_least, Schedule)
    assert [value for _, value in by_date.at_least.steps] == [40.0, 50.0]
    for wrong in ("entres demo", "score at least 3", "sales score over 3", {"score": "sales"}, {"at_least": 3}, 40):
        with pytest.raises(ParseError):
            parsers.definition(wrong)


def test_volumes_in_leads_and_in_money() -> None:
    leads, money = parsers.volume("360 MQL a month"), parsers.volume("120k of MQL per quarter")
    assert (leads.count, leads.definition, leads.period, leads.of) == (360.0, "MQL", "month", "count")
    assert (money.count, money.definition, money.period, money.of) == (120_000.0, "MQL", "quarter", "value")


def test_quotas_budgets_and_reviews() -> None:
    assert (parsers.quota("1.2M a quarter").amount, parsers.quota("200k per quarter").period) == (1.2e6, "quarter")
    assert parsers.budget("52k/year").per_week == pytest.approx(52_000 / (365.25 / 7))
    assert [
        (parsers.period(text).count, parsers.period(text).unit) for text in ("month", "2 weeks", "every 3 days")
    ] == [(1, "month"), (2, "week"), (3, "day")]
    for reader, wrong in (
        (parsers.quota, "200k"),
        (parsers.quota, "0 a month"),
        (parsers.budget, "40k"),
        (parsers.budget, "40k/fortnight"),
        (parsers.period, "0 weeks"),
        (parsers.period, "14 minutes"),
    ):
        with pytest.raises(ParseError):
            reader(wrong)


def test_levels_and_scores_by_name() -> None:
    assert parsers.share_or_level("level sales quota") == LevelRef("sales quota", "level sales quota")
    assert parsers.share_or_level("40%") == 0.4
    looked = [parsers.looked(text) for text in ("own lead", "level trust", "score inside sales")]
    assert [(one.kind, one.name) for one in looked] == [("own lead", ""), ("level", "trust"), ("score", "inside sales")]
    for wrong in ("levels trust", "level", "score", "mood"):
        with pytest.raises(ParseError):
            parsers.looked(wrong)


# ---- a policy in a word ---------------------------------------------------------------------------------------------
def test_the_handoff_point_divides_the_stages(tmp_path: Path) -> None:
    """An MQL that is a score lies behind the stage whose gate it is; other points are stages, or entered ones."""
    for point, marketing in (("MQL", 1), ("SQL", 2), ("won", 3), ("meeting", 2), ("lead", 0)):
        found = owners(written(tmp_path, f"{FUNNEL}handoff: {{at: {point}}}\n"))
        assert list(found.values()) == ["marketing"] * marketing + ["sales"] * (4 - marketing), point


def test_the_old_way_is_its_handoff_point_a_daily_list_and_no_promise(tmp_path: Path) -> None:
    scenario = written(tmp_path, f"{FUNNEL}policy: old-way\n").scenario
    assert {stage: list(shares) for stage, shares in scenario.ownership.items()} == {
        "lead": ["marketing"],
        "call": ["sales"],
        "meeting": ["sales"],
        "customer": ["sales"],
    }
    assert scenario.handoff.delay is not None and scenario.handoff.delay.at == "08:00"
    assert scenario.promises is None


def test_the_old_way_hands_over_where_the_file_says(tmp_path: Path) -> None:
    loaded = written(tmp_path, f"{FUNNEL}policy: old-way\nhandoff: {{at: SQL, context_kept: 70%}}\n")
    assert owners(loaded)["call"] == "marketing"
    assert loaded.scenario.handoff.context_kept == Range(0.7, 0.7, "70%")  # the file's own key goes before
    assert loaded.scenario.handoff.delay is not None  # and the preset's others stay


def test_shared_stages_of_other_names_are_divided_by_definition(tmp_path: Path) -> None:
    """Before the MQL marketing has most leads, from the SQL on sales; a stage that is an end keeps its owner."""
    found = owners(written(tmp_path, f"{FUNNEL}policy: shared-funnel\n"))
    assert found == {
        "lead": {"marketing": "85%", "sales": "15%"},
        "call": {"marketing": "50%", "sales": "50%"},
        "meeting": {"marketing": "20%", "sales": "80%"},
    }


def test_a_policy_stands_over_what_a_file_extends_and_under_its_own_keys(tmp_path: Path) -> None:
    written(tmp_path, f"{FUNNEL}policy: old-way\npromises: {{first_touch: within 3 days}}\n", name="base.yaml")
    loaded = written(tmp_path, "extends: base.yaml\npolicy: union\nownership: {call: sales}\n")
    assert owners(loaded)["lead"] == {"marketing": "50%", "sales": "50%"}
    assert owners(loaded)["call"] == "sales"
    promises = loaded.scenario.promises
    assert promises is not None and promises.first_touch is not None
    assert promises.first_touch.text == "within 4 business hours"
    assert loaded.root is not None and owners(load(str(tmp_path / "base.yaml")))["lead"] == "marketing"
    without = written(tmp_path, "extends: base.yaml\npolicy: union\npromises: none\n", name="without.yaml")
    assert without.scenario.promises is None


def test_a_policy_by_set_goes_before_other_sets_and_leaves_the_root(tmp_path: Path) -> None:
    """Rule 68: base rates were observed under the policy of the file."""
    loaded = written(tmp_path, f"{FUNNEL}policy: old-way\n", "ownership.call=sales", "policy=union")
    assert owners(loaded)["meeting"] == {"marketing": "50%", "sales": "50%"}
    assert owners(loaded)["call"] == "sales"
    assert loaded.root is not None and list(loaded.root.ownership["meeting"]) == ["sales"]


def test_what_a_policy_stands_for_is_in_the_manifest_and_at_the_place_of_the_word(tmp_path: Path) -> None:
    loaded = written(tmp_path, f"policy: shared-funnel{FUNNEL}")
    again = loads_resolved(json.loads(json.dumps(loaded.resolved)))
    assert again.scenario == loaded.scenario
    place = loaded.places["ownership", "call", "marketing"]
    assert (place.line, place.column) == (1, 9)
    with pytest.raises(ScenarioError) as caught:  # a third team: reassign to whom?
        written(tmp_path, f"policy: shared-funnel{FUNNEL}", "teams={partner: {people: 1}}")
    errors = [(problem.line, problem.text) for problem in caught.value.problems if problem.severity == "error"]
    assert errors == [(1, "reassign to which of 3 teams?")]


@pytest.mark.parametrize("name", presets.names("policy"))
def test_every_policy_works_on_the_stages_it_names(tmp_path: Path, name: str) -> None:
    """And on a funnel of other names that defines MQL."""
    named = written(
        tmp_path,
        f"policy: {name}{FUNNEL}".replace("lead:", "discovery:")
        .replace("call:", "interest:")
        .replace("{call: 30%", "{interest: 30%"),
    )
    assert set(owners(named)) >= {"discovery", "interest", "meeting"}
    assert written(tmp_path, f"policy: {name}{FUNNEL}").scenario.handoff.delay is not None


# ---- promises -------------------------------------------------------------------------------------------------------
def test_tiers_are_complete_and_the_plain_terms_come_last(tmp_path: Path) -> None:
    promises = seam(tmp_path).scenario.promises
    assert promises is not None
    first, second, plain = promises.of("sales").all_tiers()
    assert (first.sources, first.segments) == (("demo_request",), None)
    assert first.first_touch is not None and first.first_touch.length.seconds == 1800.0
    assert first.adherence == plain.adherence  # what a tier leaves out is as in the plain terms
    assert first.accept == plain.accept is not None
    assert (second.score, second.value) == ({"sales": 20.0}, 20_000.0)
    assert (plain.sources, plain.segments, plain.score, plain.value) == (None, None, None, 0.0)


def test_a_team_has_tiers_of_its_own(tmp_path: Path) -> None:
    """Over the common ones, as any key of its terms."""
    own = "{adherence: 50%, tiers: [{segments: small, accept: within 1 day}]}"
    promises = seam(tmp_path, f"promises: {{teams: {{sales: {own}}}}}").scenario.promises
    assert promises is not None
    tier, plain = promises.of("sales").all_tiers()
    assert tier.segments == ("small",) and tier.adherence == plain.adherence == Range(0.5, 0.5, "50%")
    assert len(promises.of("marketing").all_tiers()) == 3


def test_no_plain_terms_no_last_tier(tmp_path: Path) -> None:
    text = f"{FUNNEL}policy: old-way\npromises: {{tiers: [{{sources: web, first_touch: within 1 hour}}]}}\n"
    promises = written(tmp_path, text).scenario.promises
    assert promises is not None and len(promises.of("sales").all_tiers()) == 1


def test_a_volume_tells_its_segment_from_its_definition(tmp_path: Path) -> None:
    volumes = seam(tmp_path).scenario.volumes
    assert [(one.count, one.segment, one.definition, one.of) for one in volumes] == [
        (360.0, None, "MQL", "count"),
        (80.0, "enterprise", "MQL", "count"),
        (120_000.0, None, "MQL", "value"),
    ]


# ---- levels and assumptions -----------------------------------------------------------------------------------------
def test_a_quota_is_a_level(tmp_path: Path) -> None:
    levels = seam(tmp_path).scenario.all_levels
    assert list(levels) == ["trust", "load", "sales quota"]
    quota = levels["sales quota"]
    assert (quota.input, quota.team, quota.per, quota.definition) == ("quota", "sales", 200_000.0, "won")
    assert quota.review is not None and (quota.review.count, quota.review.unit) == (1, "quarter")


def test_a_scenario_names_what_it_assumes_and_how_to_vary_it(tmp_path: Path) -> None:
    found = {one.path: one for one in assumptions(seam(tmp_path).scenario)}
    assert found["influences.under_pressure.odds"].vary == "influences.under_pressure.odds=1..4:7"
    assert found["effects.context_lost.odds"].written == "0.6 to 1.0"
    assert found["effects.context_lost.odds"].vary.startswith("effects.context_lost.odds=0.387..1")
    assert found["teams.sales.pursuit.base"].vary == "teams.sales.pursuit.base=0..1:7"
    assert "teams.sales.pursuit.quality" not in found  # a level by name is no number
    assert "teams.sales.pursuit.strength" in found  # in use though at its default
    assert "stages.discovery.nurture.intent" in found and "stages.discovery.nurture.fatigue" not in found
    assert found["levels.trust.weight"].command("my funnel.yaml") == (
        "funnelsim sweep 'my funnel.yaml' --vary levels.trust.weight=0..1:7"
    )


def test_both_ends_of_every_sweep_can_be_set(tmp_path: Path) -> None:
    """The path is one that --set takes, and its ends are values that the key accepts."""
    for one in assumptions(seam(tmp_path).scenario):
        path, _, ends = one.vary.partition("=")
        low, high = ends.rpartition(":")[0].split("..")
        for value in (low, high):
            scenario = seam(tmp_path, "", f"{path}={value}").scenario
            assert scenario != load(str(ERRORS / "base.yaml")).scenario, one


def test_a_scenario_without_beliefs_assumes_nothing(tmp_path: Path) -> None:
    assert (
        assumptions(
            written(
                tmp_path,
                f"{FUNNEL}policy: old-way\nscores: none\n".replace("gate: MQL, ", "")
                .replace("MQL: marketing score at least 40", "MQL: enters call")
                .replace("scores: {marketing: {fit: 10, points: 1}}\n", "")
                .replace("scores: none\n", ""),
            ).scenario
        )
        == ()
    )


@pytest.mark.parametrize(
    ("text", "so"),
    [
        ("", True),
        ("effects: {marketing_sells: 0.8 to 1}", False),
        ("effects: {marketing_sells: 1}", True),
        ("teams: {marketing: {handling: 1.2}}", False),
        ("ownership: {call: sales}", False),  # marketing is at no stage with work
    ],
)
def test_both_teams_count_as_equally_good_where_nothing_says_otherwise(tmp_path: Path, text: str, so: bool) -> None:
    (tmp_path / "base.yaml").write_text(
        f"{FUNNEL}ownership: {{lead: marketing, call: {{marketing: 50%, sales: 50%}}, meeting: sales}}\n"
    )
    assert equally_good(written(tmp_path, f"extends: base.yaml\n{text}").scenario) == so


# ---- what is published ----------------------------------------------------------------------------------------------
def response(of: str, experience: float, performance: float) -> float:
    """By how much the log-odds of pursuit rise with one of the three inputs, by the preset."""
    preset = presets.load("pursuit", "sabnis-2013")
    return float(
        preset["main"][of]
        + preset["experience"].get(of, 0) * (experience - 0.5)
        + preset["performance"].get(of, 0) * (performance - 0.5)
    )


@pytest.mark.parametrize(
    ("of", "who", "sign"),
    [
        ("quality", "experience", 1),
        ("tracking", "experience", -1),
        ("volume", "experience", -1),
        ("tracking", "performance", -1),
        ("volume", "performance", 1),
    ],
)
def test_pursuit_has_the_five_published_signs(of: str, who: str, sign: int) -> None:
    """Sabnis et al. 2013: how the response to each changes as experience or performance rises."""
    low, high = ((0.0, 0.5), (1.0, 0.5)) if who == "experience" else ((0.5, 0.0), (0.5, 1.0))
    assert math.copysign(1, response(of, *high) - response(of, *low)) == sign


def test_tracking_and_volume_backfire_with_the_most_experienced_alone() -> None:
    """As the press reported of the study; the others respond as one would think."""
    for of in ("tracking", "volume"):
        assert response(of, 1.0, 0.5) < 0 < response(of, 0.5, 0.5) < response(of, 0.0, 0.5)


def test_hours_have_the_published_ratios() -> None:
    lrm = presets.load("hour", "lrm-2007")
    assert lrm["hours"][16] / lrm["hours"][11] == pytest.approx(2.14, abs=0.002)
    counts = list(lrm["contacts"].values())
    assert lrm["days"][:5] == pytest.approx([5 * count / sum(counts) for count in counts], abs=0.001)
    assert max(lrm["days"]) / min(lrm["days"][:5]) == pytest.approx(1.47, abs=0.005)
    flat = presets.load("hour", "velocify-2016")
    odds = flat["base"] / (1 - flat["base"])
    best, worst = (odds * flat["hours"][hour] / (1 + odds * flat["hours"][hour]) for hour in (16, 11))
    assert best - worst == pytest.approx(0.026, abs=0.0005)
