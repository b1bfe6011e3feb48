"""Two ways of selling the same, each team by itself or shared with a promise; and teams slow to turn to leads."""

from __future__ import annotations

from typing import Any

from funnelsim.scenario import Loaded, loads_resolved

OLD: dict[str, Any] = {
    "name": "Old way",
    "start": "2026-01-05",
    "measure": "6 weeks",
    "follow": "10 weeks",
    "sources": {"web": {"rate": "40/week", "cost": 50}},
    "deal_value": 1000,
    "stages": {
        "discovery": {"pace": "exponential(mean 3 days)", "next": {"interest": "60%", "lost": "rest"}},
        "interest": {
            "work": {"attempts": 3, "spacing": "1 day", "handling": "20 min", "contact": ["50%"]},
            "patience": "exponential(mean 10 days)",
            "pace": "exponential(mean 2 days)",
            "next": {"customer": "40%", "lost": "rest"},
        },
        "customer": {},
    },
    "definitions": {"MQL": "enters interest", "won": "enters customer"},
    "teams": {"marketing": {"people": 2, "habit": "at once"}, "sales": {"people": 3, "habit": "at once"}},
    "ownership": {"discovery": "marketing", "interest": "sales", "customer": "sales"},
    "handoff": {"delay": "at once", "context_kept": "30%"},
}
NEW = {
    "ownership": {"discovery": "marketing", "interest": {"marketing": "50%", "sales": "50%"}, "customer": "sales"},
    "handoff": {"delay": "at once", "context_kept": "90%"},
    "promises": {"first_touch": "within 4 hours", "kept": "90%", "on_breach": {"100%": "escalate"}},
}
SLOW = {
    "teams": {
        name: {"people": people, "habit": "exponential(mean 4 days) never 40%"}
        for name, people in (("marketing", 2), ("sales", 3))
    }
}


def loaded(scenario: dict[str, Any], root: dict[str, Any] | None = None) -> Loaded:
    return loads_resolved({"format": 1, "scenario": scenario, "root": root})
