"""Explain: shares against hand-counted funnels, the control with equal people, and what a user sees.

The small funnels here have no luck that matters: leads come in a batch at a known hour and every one that is served in
time becomes a customer. So the four values of two changes are counted by hand, and with them the Shapley values.
"""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import funnelsim as fs
from funnelsim.cli import code_of
from funnelsim.errors import UsageError
from funnelsim.reporting.compare.report import comparison_report
from funnelsim.reporting.explain.figures import waterfall_figure
from funnelsim.reporting.explain.report import answer, explain_report, top_line
from funnelsim.scenario import Loaded, Scenario
from funnelsim.study import batch as batches
from funnelsim.study.compare import CompareSpec, compare
from funnelsim.study.explain.coalitions import ExplainSpec, PriorRuns
from funnelsim.study.explain.equal_hours_control import lending_changes, lent_hours
from funnelsim.study.explain.explain import HOURS_MOVED, SHARING, Explanation, explain
from funnelsim.study.explain.groups import groups_of
from funnelsim.study.paired_difference import two_level_estimate
from funnelsim.study.point import NestedDesign
from funnelsim.study.point_store import PointStore
from support.small_funnel import write_small
from support.tolerances import ROUNDING_OF_SHARES
from support.two_ways import NEW, OLD, SLOW, loaded

RUSH: dict[str, Any] = {
    "name": "Rush hour",
    "start": "2026-01-05",
    "observe": "1 week",
    "cool_down": "1 week",
    "sources": {"fair": {"batch": "4 on 2026-01-05 at 09:00"}},
    "stages": {
        "call": {
            "work": {"attempts": 1, "handling": "60 min", "contact": "always"},
            "patience": "fixed(3.5 hours)",
            "next": {"customer": "100%"},
        },
        "customer": {},
    },
    "definitions": {"won": "enters customer"},
    "teams": {"sales": {"people": 1}},
    "ownership": {"call": "sales", "customer": "sales"},
}
GUESSES = {"effects": {"context_lost": "0.3 to 0.9", "marketing_sells": "0.7 to 1.0"}}


def changed(base: dict[str, Any], **over: Any) -> dict[str, Any]:
    """A scenario with some keys changed, named by dots written as two underlines."""
    data = copy.deepcopy(base)
    for path, value in over.items():
        *above, last = path.split("__")
        here = data
        for key in above:
            here = here.setdefault(key, {})
        here[last] = value
    return data


def explained(
    base: dict[str, Any],
    other: dict[str, Any],
    draws: int = 2,
    pairs: int = 1,
    measure: str = "cohort.won",
    **options: Any,
) -> Explanation:
    threads, store = options.pop("threads", 1), options.pop("store", None)
    size = NestedDesign(draws * pairs, None, pairs)
    question = ExplainSpec(loaded(base), loaded(other, base), measure, size, 1, **options)
    return explain(question, store, threads=threads)


def means(explanation: Explanation) -> dict[str, float]:
    return {one.name: one.value.mean for one in explanation.shares}


# ---- funnels whose shares are known ---------------------------------------------------------------------------------


class TestByHand:
    def test_more_leads_and_more_people_win_only_together_and_share_it(self) -> None:
        """A caller begins at 9, 10, 11 and 12 o'clock and all others hang up at 12:30: 4 of 4 leads, 4 of 16; two
        callers win 4 of 4 and 8 of 16. So neither change alone wins anybody and both win 4: 2 each."""
        other = changed(RUSH, sources__fair__batch="16 on 2026-01-05 at 09:00", teams__sales__people=2)

        explanation = explained(RUSH, other)

        assert (explanation.base.mean, explanation.other.mean, explanation.difference.mean) == (4.0, 8.0, 4.0)
        assert means(explanation) == {"people and hours": 2.0, "demand and budget": 2.0}
        assert [(one.alone.mean, one.last.mean) for one in explanation.shares] == [(0.0, 4.0), (0.0, 4.0)]

    def test_an_unequal_split(self) -> None:
        """6 leads: one caller wins 4, two win all 6. 12 leads: one wins 4, two win 8. More leads bring 0 alone and 2
        last, a second caller 2 alone and 4 last: 1 and 3 of the 4."""
        base = changed(RUSH, sources__fair__batch="6 on 2026-01-05 at 09:00")
        other = changed(base, sources__fair__batch="12 on 2026-01-05 at 09:00", teams__sales__people=2)

        explanation = explained(base, other)

        assert (explanation.base.mean, explanation.other.mean) == (4.0, 8.0)
        assert means(explanation) == {"people and hours": 3.0, "demand and budget": 1.0}

    def test_a_promise_of_volume_changes_nothing_and_gets_exactly_nothing(self) -> None:
        base = changed(OLD, promises=copy.deepcopy(NEW["promises"]))
        other = changed(base, promises__marketing_delivers="100 MQL a month", teams__sales__people=1)

        explanation = explained(base, other, draws=3)

        promise = next(one for one in explanation.shares if one.name == "the promise")
        assert not promise.by_draw.any()
        assert (promise.value.mean, promise.value.low, promise.value.high) == (0.0, 0.0, 0.0)


# ---- a funnel with luck and guesses ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def old() -> dict[str, Any]:
    return copy.deepcopy(OLD) | copy.deepcopy(SLOW) | GUESSES


@pytest.fixture(scope="module")
def new(old: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(old) | copy.deepcopy(NEW) | {"name": "Shared"}


@pytest.fixture(scope="module")
def explanation(old: dict[str, Any], new: dict[str, Any]) -> Explanation:
    old = changed(old, teams__marketing__other_work="50%", teams__sales__other_work="40%")
    new = changed(new, teams__marketing__other_work="50%", teams__sales__other_work="40%")
    return explained(old, new, draws=6, pairs=2)


class TestOnTheSameLuck:
    def test_shares_add_up_in_every_draw_and_pair(self, explanation: Explanation) -> None:
        total = sum(one.by_draw for one in explanation.shares)

        assert np.allclose(total.mean(), explanation.difference.mean, rtol=ROUNDING_OF_SHARES)
        assert sum(one.value.mean for one in explanation.shares) == pytest.approx(
            explanation.difference.mean, rel=ROUNDING_OF_SHARES
        )
        assert sum(one.value.mean for one in explanation.parts) == pytest.approx(
            explanation.difference.mean, rel=ROUNDING_OF_SHARES
        )

    def test_the_difference_is_that_of_compare(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        one = explained(old, new, draws=3, pairs=2)
        other = compare(loaded(old), loaded(new, old), spec=CompareSpec(draws=3, pairs=2), robustness=False)

        assert one.difference == other.compared[-1].differences["cohort.won"]

    def test_the_interval_of_a_share_is_that_of_a_difference(self, explanation: Explanation) -> None:
        share = explanation.shares[0]

        assert share.value == two_level_estimate(share.by_draw, explanation.uncertain)
        assert explanation.uncertain and share.value.error < share.value.high - share.value.mean

    def test_the_same_digits_for_any_number_of_threads(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        one, two = (explained(old, new, threads=threads) for threads in (1, 2))

        assert [share.value for share in one.parts] == [share.value for share in two.parts]

    def test_many_groups_are_walked_in_some_orders_and_add_up_still(
        self, old: dict[str, Any], new: dict[str, Any]
    ) -> None:
        other = changed(new, sources__web__rate="60/week", teams__sales__people=2)
        exact = explained(old, other, equal_hours=False)
        some = explained(old, other, equal_hours=False, order_pairs=4)

        assert (exact.orders, exact.coalitions, some.orders) == (0, 32, 8)
        assert some.coalitions < 32
        assert sum(one.value.mean for one in some.shares) == pytest.approx(
            exact.difference.mean, rel=ROUNDING_OF_SHARES
        )
        for name, mean in means(exact).items():
            share = next(one for one in some.shares if one.name == name)
            assert abs(share.value.mean - mean) <= 2.0 * share.order_error + 1e-9  # 90 % half widths, five shares
            assert share.value.high - share.value.low > 2.0 * share.order_error - 1e-9

    def test_the_control_is_divided_in_the_same_orders(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        other = changed(new, sources__web__rate="60/week", teams__sales__people=2)

        explanation = explained(old, other, order_pairs=4)

        assert explanation.orders == 8 and explanation.equal_hours is not None and explanation.divided is not None
        assert explanation.equal_hours.lent is not None
        assert np.allclose(
            sum(one.by_draw for one in explanation.equal_hours.steps),
            explanation.divided.by_draw,
            rtol=ROUNDING_OF_SHARES,
        )

    def test_shares_of_a_small_study_follow_the_difference_of_a_large_one(
        self, old: dict[str, Any], new: dict[str, Any]
    ) -> None:
        """Four draws of the large study are the small one; what the large one ran is not run again."""
        large = compare(loaded(old), loaded(new, old), spec=CompareSpec(draws=12, pairs=1), robustness=False)
        first, last = (large.runs[i].values for i in (0, -1))
        whole = large.compared[-1].differences["cohort.won"].mean

        plain = explained(old, new, draws=4)
        fitted = explained(old, new, draws=4, prior=PriorRuns(first, last, whole))

        assert fitted.base == plain.base and fitted.other == plain.other
        assert fitted.difference.mean == pytest.approx(whole) != plain.difference.mean
        assert sum(one.value.mean for one in fitted.parts) == pytest.approx(whole, rel=ROUNDING_OF_SHARES)
        assert [one.by_draw.tolist() for one in plain.shares] == [
            next(two for two in fitted.shares if two.name == one.name).by_draw.tolist() for one in plain.shares
        ]


# ---- groups ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("promises__kept", "the promise"),
        ("ownership__interest", "who works where"),
        ("handoff__at", "who works where"),
        ("handoff__context_kept", "handoff and context"),
        ("teams__sales__people", "people and hours"),
        ("teams__sales__other_work", "people and hours"),
        ("calendars__office__days", "people and hours"),
        ("teams__sales__order", "how teams choose"),
        ("teams__inside", "teams"),
        ("definitions__MQL", "definitions and scores"),
        ("stages__discovery__gate", "definitions and scores"),
        ("stages__discovery__nurture", "nurture and signals"),
        ("stages__interest__work__attempts", "the work on a lead"),
        ("stages__interest__work__by", "who works where"),
        ("stages__interest__response", "beliefs"),
        ("effects__context_lost", "beliefs"),
        ("sources__web__rate", "demand and budget"),
        ("marketing_plan__budget", "demand and budget"),
        ("stages__interest__next", "the market"),
        ("deal_value", "the market"),
        ("measure", "settings"),
    ],
)
def test_a_change_belongs_to_the_group_people_think_of(path: str, group: str) -> None:
    assert [one.name for one in groups_of(OLD, changed(OLD, **{path: "anything"}))] == [group]


def test_the_name_the_seed_and_the_goal_are_no_changes() -> None:
    assert groups_of(OLD, OLD | {"name": "Other", "about": "x", "seed": 7, "goal": {"wins": 5}}) == []


def test_what_cannot_stand_alone_is_taken_as_one_and_said() -> None:
    """Leads go to a team that is not there yet: the team, its share of the work and its promise come together."""
    other = changed(
        OLD,
        teams__inside={"people": 1, "habit": "at once"},
        handoff__context_kept="90%",
        ownership__interest={"inside": "50%", "sales": "50%"},
    )

    explanation = explained(OLD, other)

    assert {one.name for one in explanation.shares} == {"who works where with teams", "handoff and context"}
    assert [one.names for one in explanation.merged_groups] == [("who works where", "teams")]
    assert "inside" in explanation.merged_groups[0].why
    assert "who works where and teams are taken as one" in explain_report(explanation)
    assert sum(means(explanation).values()) == pytest.approx(explanation.difference.mean, rel=ROUNDING_OF_SHARES)


def test_facts_and_beliefs_that_differ_are_told_loudly() -> None:
    other = changed(RUSH, sources__fair__batch="8 on 2026-01-05 at 09:00", effects__marketing_sells=0.5)

    text = explain_report(explained(RUSH, other))

    assert "WARNING: demand and budget differs in a fact: sources.fair.batch" in text
    assert "WARNING: beliefs differs in a belief: effects" in text


# ---- the control with equal people ----------------------------------------------------------------------------------


class TestEqualPeople:
    TEAMS = Scenario.model_validate(
        {"teams": {"marketing": {"people": 1, "other_work": "50%"}, "sales": {"people": 1, "other_work": "50%"}}}
    )

    def test_hours_by_hand(self) -> None:
        # sharing gives marketing 100 hours of the 110 it takes from sales: these 100 are lent, and both have 200
        lent = lent_hours(
            {"marketing": 100.0, "sales": 40.0},
            {"marketing": 0.0, "sales": 150.0},
            {"marketing": 400.0, "sales": 400.0},
            self.TEAMS,
        )

        assert lent is not None and (lent.total, lent.wanted) == (100.0, 100.0)
        changes = lending_changes(self.TEAMS, {"marketing": 400.0, "sales": 400.0}, lent)
        assert {one.path: one.other for one in changes} == {
            ("teams", "marketing", "handling"): 2.0,
            ("teams", "sales", "handling"): pytest.approx(200 / 300),
        }

    def test_nobody_lends_every_hour(self) -> None:
        lent = lent_hours({"marketing": 300.0}, {"sales": 300.0}, {"marketing": 400.0, "sales": 400.0}, self.TEAMS)

        assert lent is not None
        assert lent.total == pytest.approx(190.0)  # 95 % of the 200 hours that marketing has for leads
        assert lent.wanted == 300.0

    def test_a_whole_team_lent_by_hand(self) -> None:
        """Both teams have the four hours from 9 to 13. Sales calls 4 of 16 leads in them, marketing would do the same:
        handing over all calls changes nothing. It moves marketing's 4 hours, of which 3.8 can be lent; sales then needs
        60 / 1.95 = 30.8 min a call and begins 7 before 12:30. So moving hours is worth +3 and sharing -3."""
        morning = {"people": 1, "calendar": "morning"}
        base = changed(
            RUSH,
            sources__fair__batch="16 on 2026-01-05 at 09:00",
            teams__sales=morning,
            teams__marketing=morning,
            calendars__morning={"hours": "09:00-13:00", "days": "Mon"},
        )

        explanation = explained(base, changed(base, ownership__call="marketing"))

        assert explanation.equal_hours is not None and explanation.equal_hours.lent is not None
        assert explanation.equal_hours.lent.total == pytest.approx(3.8)
        assert [(one.name, one.value.mean) for one in explanation.equal_hours.steps] == [
            (HOURS_MOVED, 3.0),
            (SHARING, -3.0),
        ]
        assert means(explanation) == {"who works where": 0.0}
        assert "only 3.8 of the 4 hours" in explanation.notes[0]

    def test_where_all_work_more_no_hours_move(self) -> None:
        assert (
            lent_hours({"marketing": 9.0, "sales": 9.0}, {}, {"marketing": 400.0, "sales": 400.0}, self.TEAMS) is None
        )

    def test_sharing_is_divided_into_hours_moved_and_the_rest(self, explanation: Explanation) -> None:
        assert (
            explanation.equal_hours is not None
            and explanation.equal_hours.lent is not None
            and explanation.divided is not None
        )
        step, rest = explanation.equal_hours.steps

        assert (step.name, rest.name) == (HOURS_MOVED, SHARING)
        assert np.allclose(step.by_draw + rest.by_draw, explanation.divided.by_draw, rtol=ROUNDING_OF_SHARES)
        assert explanation.equal_hours.lent.hours["marketing"] < 0.0 < explanation.equal_hours.lent.hours["sales"]
        assert explanation.equal_hours.paid[0] == explanation.equal_hours.paid[1]
        assert explanation.equal_hours.alone == step.alone

    def test_people_moved_and_nothing_shared_is_the_control_itself(self) -> None:
        base = changed(RUSH, sources__fair__batch="16 on 2026-01-05 at 09:00", teams__marketing={"people": 2})
        other = changed(base, teams__marketing__people=1, teams__sales__people=2)

        explanation = explained(base, other)

        assert explanation.equal_hours is not None
        assert (explanation.equal_hours.alone.mean, explanation.equal_hours.lent) == (4.0, None)
        assert explanation.equal_hours.paid[0] == explanation.equal_hours.paid[1]
        assert "with the other's people, nothing shared: +4.0" in explain_report(explanation)

    def test_more_people_are_said_to_be_paid_for(self) -> None:
        explanation = explained(
            changed(RUSH, sources__fair__batch="16 on 2026-01-05 at 09:00"),
            changed(RUSH, sources__fair__batch="16 on 2026-01-05 at 09:00", teams__sales__people=2),
        )

        assert "so the control pays for the other's people too" in explain_report(explanation)

    def test_none_is_needed_where_nobody_moves(self) -> None:
        explanation = explained(RUSH, changed(RUSH, sources__fair__batch="8 on 2026-01-05 at 09:00"))

        assert explanation.equal_hours is None
        assert "none is needed" in explain_report(explanation)


# ---- what a user sees -----------------------------------------------------------------------------------------------


def test_the_first_line_says_the_difference_its_interval_and_its_shares(explanation: Explanation) -> None:
    first = answer(explanation)

    assert first == explain_report(explanation).splitlines()[0]
    assert first.startswith("Shared against Old way: ")
    assert "customers in the cohort (90 % interval" in first and "given what your data leaves open" in first
    assert "Of +" in first and HOURS_MOVED in first


def test_the_waterfall_ends_where_the_other_scenario_is(explanation: Explanation) -> None:
    axes = waterfall_figure(explanation).axes[0]
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    steps, totals = ends[: len(explanation.parts)], ends[len(explanation.parts) :]

    assert steps[-1] == pytest.approx(explanation.other.mean)
    assert totals == pytest.approx([explanation.base.mean, explanation.other.mean])
    assert len(axes.get_yticklabels()) == len(explanation.parts) + 2


def test_compare_prints_the_top_line_of_its_own_difference(old: dict[str, Any], new: dict[str, Any]) -> None:
    design = CompareSpec(draws=6, pairs=2, check_draws=3)
    with_why = compare(loaded(old), loaded(new, old), spec=design)

    assert with_why.explanation is not None
    total = with_why.compared[-1].differences["cohort.won"].mean
    assert sum(one.value.mean for one in with_why.explanation.parts) == pytest.approx(total, rel=ROUNDING_OF_SHARES)
    assert f"Shared, whatever the order: {top_line(with_why.explanation)}" in comparison_report(with_why)
    assert "Control with equal people" in comparison_report(with_why)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_small(tmp_path)
    other = (
        "extends: small.yaml\nname: Quicker\npromises: {first_touch: within 1 business hour}\n"
        "ownership: {interest: sales}\nteams: {sales: {people: 2}}\n"
    )
    (tmp_path / "quicker.yaml").write_text(other)
    monkeypatch.chdir(tmp_path)
    return tmp_path


SMALL_STUDY = ["--draws", "3", "--pairs", "1", "--json", "-q"]


def run(args: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert code_of(args) == 0
    data: dict[str, Any] = json.loads(capsys.readouterr().out)
    return data


def test_a_saved_folder_and_again_from_the_manifest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = run(["explain", "small.yaml", "quicker.yaml", *SMALL_STUDY, "--measure", "cohort.profit"], capsys)
    saved = Path(first["folder"])

    assert {file.name for file in saved.iterdir()} == {
        "manifest.json",
        "answer.txt",
        "shares.csv",
        "shares.parquet",
        "explain.json",
        "waterfall.png",
        "waterfall.svg",
    }
    assert first["unit"] == "EUR" and len(first["shares"]) == 3
    again = run(["explain", str(saved), "--out", "again", "--no-figures", "--json", "-q"], capsys)
    assert again["digest"] == first["digest"]
    assert again["shares"] == first["shares"]


def test_a_stopped_study_goes_on_where_it_was(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    args = ["explain", "small.yaml", "quicker.yaml", *SMALL_STUDY, "--no-figures"]
    ran: list[str] = []
    real = batches.run_task

    def counted(task: Any, *how: Any) -> Any:
        ran.append(task.key)
        return real(task, *how)

    monkeypatch.setattr(batches, "run_task", counted)
    first = run(args, capsys)
    all_of_them = len(ran)
    points = sorted(Path("results/points").glob("*/*.json"))
    points[0].unlink()
    points[1].write_text("{")  # torn
    shutil.rmtree(first["folder"])
    second = run(args, capsys)

    assert len(ran) == all_of_them + 2
    assert second["digest"] == first["digest"]


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        ([], 2, "Missing argument 'BASE'"),
        (["small.yaml"], 2, "explain needs two scenarios: a base and another"),
        (["small.yaml", "small.yaml"], 2, "do not differ: there is nothing to explain"),
        (["small.yaml", "quicker.yaml", "--measure", "cohort.wom"], 2, "did you mean 'cohort.won'?"),
        (["small.yaml", "quicker.yaml", "--orders", "3"], 2, "3 is not in the range"),
        (["small.yaml", "nowhere.yaml"], 3, "nowhere.yaml: error: no such file"),
        (["small.yaml", "quicker.yaml", "--set", "teams.sales.poeple=3"], 3, "did you mean 'people'?"),
    ],
)
def test_mistakes(args: list[str], code: int, said: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(["explain", *args]) == code
    assert said in capsys.readouterr().err
    assert not Path("results").exists() or not list(Path("results").glob("explain-*"))


def test_a_manifest_is_repeated_as_it_is(folder: Path) -> None:
    done = fs.explain("small.yaml", "quicker.yaml", draws=2, pairs=1, figures=False)

    with pytest.raises(UsageError, match="a manifest is repeated as it is"):
        fs.explain(done.folder or "", draws=3)
    with pytest.raises(UsageError, match="manifest of `explain`"):
        fs.compare(done.folder or "")


def test_a_measure_that_some_mixtures_lack_is_refused() -> None:
    base = changed(RUSH, promises={"first_touch": "within 1 hour"})
    other = changed(RUSH, teams__sales__people=2)

    with pytest.raises(UsageError, match="has no value in some periods of some mixtures"):
        explained(base, other, measure="cohort.attainment.call.sales")


def test_a_history_of_its_own_is_said() -> None:
    other: Loaded = loaded(changed(RUSH, teams__sales__people=2))
    size = NestedDesign(2, None, 1)

    explanation = explain(ExplainSpec(loaded(RUSH), other, "cohort.won", size, 1), PointStore(None), threads=1)

    assert "stands on a history of its own" in explanation.notes[0]
