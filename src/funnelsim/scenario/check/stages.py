"""A stage's keys fit together: work has what it needs, and nothing stands where nobody works."""

from __future__ import annotations

from funnelsim.scenario.check.findings import Findings, Path
from funnelsim.scenario.schema import Curve, Scenario, Work


def check_work(scenario: Scenario, findings: Findings) -> None:
    for name, stage in scenario.stages.items():
        for i, work in enumerate(stage.work):
            _check_work(work, ("stages", name, "work", i), name, findings)


def check_without_work(scenario: Scenario, findings: Findings) -> None:
    for name, stage in scenario.stages.items():
        for key, sense in (
            ("patience", "waits to be reached"),
            ("response", "waits for a first touch"),
            ("unreached", "is tried"),
            ("cold", "waits to be reached"),
            ("tasks", "is reached"),
            ("rejected", "is turned down"),
        ):
            if not stage.work and getattr(stage, key) not in (None, "none", {}):
                findings.error(
                    ("stages", name, key),
                    f"'{key}' in {name}, where nobody works: no buyer {sense} there",
                    f"add work, or write {key}: none",
                )
        if stage.work and stage.cold and stage.patience is None:
            findings.error(("stages", name, "cold"), f"'cold' in {name}, where no patience ever ends", "add patience")


def check_without_next(scenario: Scenario, findings: Findings) -> None:
    """A stage without `next` is an end: leads stay."""
    for name, stage in scenario.stages.items():
        if stage.next is None and not findings.unreadable("stages", name, "next"):
            for key in ("pace", "work", "patience", "response", "gate", "signals", "nurture"):
                if getattr(stage, key) not in (None, (), {}, "none"):
                    findings.error(
                        ("stages", name, key),
                        f"'{key}' in {name}, which leads nowhere",
                        "a stage without next is an end: add next",
                    )


def check_owner(scenario: Scenario, findings: Findings) -> None:
    for name, stage in scenario.stages.items():
        if findings.unreadable("policy") or findings.unreadable("handoff", "at"):
            return  # they would have said who owns it
        if any(work.by is None for work in stage.work) and name not in scenario.ownership:
            findings.error(
                ("stages", name, "work"),
                f"'{name}' has work, and nobody owns its leads",
                f"add ownership: {{{name}: a team}}, or say who by",
                "work",
            )


def check_ownership_without_work(scenario: Scenario, findings: Findings) -> None:
    """Rule 47: it decides credit and later handoffs only."""
    for name, shares in scenario.ownership.items():
        stage = scenario.stages.get(name)
        if stage is None or stage.work or len(shares) < 2:
            continue
        given = sum(share.value or 0.0 for share in shares.values())
        sizes = {team: 1.0 - given if share.value is None else share.value for team, share in shares.items()}
        smaller = min(sizes, key=lambda team: sizes[team])
        part = f"{100 * sizes[smaller]:.4g} %"
        findings.note(
            ("ownership", name),
            f"{smaller} owns {part} of {name}, where nobody works (rule 47)",
            "this moves no queue and costs no time: it decides credit and later handoffs",
        )


def check_curves(scenario: Scenario, findings: Findings) -> None:
    for name, stage in scenario.stages.items():
        if isinstance(stage.response, Curve):
            _check_curve(stage.response, ("stages", name, "response"), findings)


def _check_work(work: Work, path: Path, name: str, findings: Findings) -> None:
    if work.handling is None:
        findings.error(
            (*path, "handling"),
            f"the work in {name} has no handling time",
            "what an attempt takes of a rep's time, such as handling: 6 min",
        )
    if work.spacing is not None and work.on_days is not None:
        findings.error((*path, "on_days"), "spacing and on_days say the same in two ways", "keep one of them")
    if work.on_days is not None:
        rising = all(a < b for a, b in zip((-1.0, *work.on_days), work.on_days, strict=False))
        if not rising or work.on_days[:1] != (0.0,):
            findings.error((*path, "on_days"), "on_days begins at 0 and rises", "such as [0, 1, 3, 7]")
        elif work.attempts > len(work.on_days):
            findings.error(
                (*path, "attempts"),
                f"{work.attempts} attempts on {len(work.on_days)} days",
                "name a day for each attempt",
            )
    elif work.attempts > 1 and work.spacing is None and work.contact != "always":
        findings.warn(
            (*path, "attempts"),
            f"the {work.attempts} attempts in {name} follow each other at once",
            "add spacing, such as spacing: 1 day",
        )


def _check_curve(curve: Curve, path: Path, findings: Findings) -> None:
    forms = [form for form in ("table", "lomax", "power", "loglogistic") if getattr(curve, form) is not None]
    if len(forms) != 1:
        findings.error(path, f"a response has one form, not {len(forms)}", "table, lomax, power or loglogistic")
        return
    form = getattr(curve, forms[0])
    if forms[0] == "table":
        return
    for key in type(form).model_fields:
        value = getattr(form, key)
        if value is None or getattr(value, "seconds", 1.0) == 0.0:
            findings.error((*path, forms[0], key), f"{forms[0]} needs {key} above zero", type(form).__doc__ or "")
