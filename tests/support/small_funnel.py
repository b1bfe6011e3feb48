"""A funnel of a few dozen leads with everything that results are about: promises, volumes, wages, flights, wins."""

from __future__ import annotations

from pathlib import Path

SMALL = """
name: Small funnel
start: 2026-01-05
observe: 8 weeks
cool_down: 2 weeks
timezone: Europe/Berlin
currency: EUR
calendars:
  office: {hours: 09:00-17:00, days: Mon-Fri}
sources:
  web: {rate: 10/week, cost: 50}
  fair: {batch: 30 on 2026-01-14, cost: 100}
deal_value: lognormal(median 1000 p90 4000)
segments:
  large: {share: 25%}
  other: {share: rest}
stages:
  interest:
    work: {attempts: 2, spacing: 1 day, handling: 20 min, contact: [50%, 40%]}
    patience: exponential(mean 20 days)
    pace: exponential(mean 2 days)
    next: {deal: 60%, lost: rest}
  deal:
    work: {handling: 1 hour, contact: always}
    pace: exponential(mean 3 days)
    next: {customer: 70%, interest: 10% after 5 days, lost: rest}
  customer: {}
definitions: {MQL: enters interest, SQL: enters deal, won: enters customer}
teams:
  marketing: {people: 1, calendar: office, cost: 40/hour, habit: exponential(mean 1 day)}
  sales: {people: 1, calendar: office, cost: 60/hour}
ownership:
  interest: {marketing: 50%, sales: 50%}
  deal: sales
  customer: sales
promises:
  marketing_delivers: 40 MQL a month
  first_touch: within 4 business hours
  adherence: 70%
  on_breach: {80%: warn, 100%: escalate, 200%: reassign}
costs:
  - {name: campaign, team: marketing, amount: 1000, from: 2026-01-05, to: 2026-01-11}
"""

CHANGED = """
extends: small.yaml
name: More sales
ownership:
  interest: sales
"""


def write_small(folder: Path) -> Path:
    """The scenario as a file, and one that changes it beside it."""
    (folder / "more-sales.yaml").write_text(CHANGED, encoding="utf-8")
    file = folder / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return file
