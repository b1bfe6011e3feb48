"""Keys and words of older scenario files, by what they are called now: a message names the new one."""

from __future__ import annotations

RENAMED_KEYS: dict[str, dict[str, str]] = {  # by model of the schema
    "Accept": {"looks": "decision_time", "otherwise": "default"},
    "Clocks": {"kept": "adherence"},
    "Curve": {"acts_on": "target"},
    "CurveEffect": {"on": "target"},
    "Effect": {"on": "target"},
    "Influence": {"of": "input", "on": "target", "times": "time_factor"},
    "Level": {"of": "input"},
    "Nurture": {"goes_on": "continues_after_handoff"},
    "Scenario": {"measure": "observe", "follow": "cool_down"},
    "Source": {"ready": "ready_after", "counts": "qualified_share", "worth": "qualified_value"},
    "Stage": {"deal": "is_deal"},
    "Team": {"own_first": "own_lead_head_start"},
}
RENAMED_WORDS = {"kept": "adherence", "heeded": "with compliance"}  # of an influence's target, of an action
