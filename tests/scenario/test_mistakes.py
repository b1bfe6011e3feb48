"""Whatever stands in a scenario, a user meets problems with places and never a traceback."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnelsim.errors import ScenarioError
from funnelsim.scenario import load
from funnelsim.scenario.yaml_nodes import parse_yaml, plain

ERRORS = Path(__file__).parent / "broken"


def merged(below: Any, over: Any) -> Any:
    """Key by key, as a file over the one that it extends."""
    if not isinstance(below, dict) or not isinstance(over, dict):
        return over
    return {**below, **{key: merged(below.get(key), value) for key, value in over.items()}}


SEAM = plain(parse_yaml((ERRORS / "seam.yaml").read_text(), "seam.yaml"))
BASE = plain(parse_yaml((ERRORS / "base.yaml").read_text(), "base.yaml"))
FULL = {key: deepcopy(value) for key, value in merged(BASE, SEAM).items() if key != "extends"}
FULL["policy"] = "old-way"
FULL["marketing_plan"] = {"budget": "40k/month", "maximise": "value"}
FULL["sources"]["search"] |= {"qualified_share": "20%", "qualified_value": 300}
FULL["effects"] |= {"hour": {"hours": [1.0] * 24, "days": [1.0] * 7}, "fit": {"odds": 1.8, "stages": ["interest"]}}
FULL["teams"]["marketing"] |= {
    "queues": "personal",
    "ramp": {"start": "50%", "2026-03-01": "100%"},
    "order": "score",
    "score": "marketing",
}
BASE["promises"] = {
    "first_touch": "within 4 hours",
    "attempts": "5 within 3 days",
    "adherence": "60% to 90%",
    "on_breach": {"80%": "warn", "150%": "reassign"},
    "teams": {"sales": {"adherence": "50%"}},
}
BASE["leads_in_flight"] = [{"id": "a", "source": "search", "stage": "interest", "age": "3 days"}]
BASE["costs"] = [{"name": "CRM", "team": "sales", "amount": 900, "from": "2026-01-05", "to": "2026-06-30"}]
BASE["segments"] = {"small": {"share": "70%"}, "large": {"share": "rest"}}
BASE["goal"] = {"wins": 30, "by": "2026-12-31"}
BASE["history"] = {"stages": {"interest": {"evaluation": {"share": "18%"}}}}


def paths(data: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [above] if above else []
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, child in pairs:
        found += paths(child, (*above, key))
    return found


WORDS = [
    "none",
    "rest",
    "lost",
    "silent",
    "always",
    "at once",
    "45%",
    "140%",
    "4 business hours",
    "2026-01-05",
    "",
    "uniform(1 day to 3 days)",
    "mixture(60% 1 h)",
    "interest",
    "sales",
    "5 within 3 days",
    "0",
    "1e400",
    "-3",
    "%",
    "lognormal(median -1 day p90 3 days)",
    "9999-12-31",
    "1000000 weeks",
    "160/week",
    "()",
    "1e308 weeks",
    "a" * 50,
]
SEAM_WORDS = [
    "level trust",
    "level",
    "score sales",
    "marketing score at least 40",
    "month",
    "200k per quarter",
    "MQL",
    "40k/month",
    "habit",
    "meeting",
    "quota",
    "0.6 to 1.0",
    "outcomes",
    "own lead",
    "union",
]
words = st.sampled_from([*WORDS, *SEAM_WORDS])
scalars = (
    words
    | st.integers(-10, 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none()
    | st.text(max_size=8)
)
keys = st.sampled_from([*WORDS, "share", "people", "odds", "table", "score", "at_least"])
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=4
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(st.sampled_from([BASE, FULL]), st.data())
def test_no_scenario_makes_a_traceback(tmp_path: Path, sound: Any, luck: st.DataObject) -> None:
    """Junk in up to three places: the scenario is read, or refused with problems that can be printed."""
    data = json.loads(json.dumps(sound))
    changes = luck.draw(st.lists(st.tuples(st.sampled_from(paths(sound)), junk), min_size=1, max_size=3))
    for path, value in changes:
        here = data
        try:
            for key in path[:-1]:
                here = here[key]
            here[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    file = tmp_path / "scenario.yaml"
    file.write_text(json.dumps(data))
    try:
        load(str(file))
    except ScenarioError as error:
        assert "error" in str(error)
        assert "Value error" not in str(error)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.sampled_from(paths(FULL)), junk)
def test_no_setting_makes_a_traceback(tmp_path: Path, path: tuple[Any, ...], value: Any) -> None:
    """The same through --set."""
    file = tmp_path / "scenario.yaml"
    file.write_text(json.dumps(FULL))
    try:
        load(str(file), [f"{'.'.join(map(str, path))}={json.dumps(value)}"])
    except ScenarioError as error:
        assert "error" in str(error)
        assert "Value error" not in str(error)


@pytest.mark.parametrize("sound", [BASE, FULL])
def test_the_examples_are_sound(tmp_path: Path, sound: Any) -> None:
    """Else the two above would prove little."""
    file = tmp_path / "scenario.yaml"
    file.write_text(json.dumps(sound))

    assert load(str(file)).warnings == []
