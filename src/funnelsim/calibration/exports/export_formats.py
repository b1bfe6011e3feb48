"""Which export is this? The columns of a table against the alias tables in `kinds/`.

A kind fits when every role it needs is played by a column and one of its signs is there. The tables are tried in the
order of their `rank`, the special before the general. Case, spaces and signs in names do not count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from funnelsim.calibration.exports.alias_tables import alias_table, normalised
from funnelsim.calibration.exports.personal import is_personal

FOLDER = "formats"
_NO_ROLES = {
    "title",
    "rank",
    "form",
    "source",
    "grade",
    "needs",
    "signs",
    "stages",
    "entered",
    "fields",
    "empty",
    "statuses",
    "births",
    "every_date",
    "tells_not",
    "yearless",
}


@dataclass(frozen=True)
class ExportFormat:
    """One alias table."""

    name: str
    table: dict[str, Any]

    @property
    def title(self) -> str:
        return str(self.table["title"])

    @property
    def form(self) -> str:
        """wide, events or counts."""
        return str(self.table["form"])

    def get(self, key: str) -> list[Any]:
        """A list of the table, empty when it has none."""
        return list(self.table.get(key, ()))


@dataclass(frozen=True)
class FormatMatch:
    """A kind and the columns that play its roles."""

    export: ExportFormat
    roles: dict[str, str]  # role -> column
    stages: dict[str, str]  # stage -> column, in order, where the kind knows them

    def role(self, name: str) -> str:
        """The column that plays a role, "" when none does."""
        return self.roles.get(name, "")


@cache
def export_formats() -> tuple[ExportFormat, ...]:
    """All kinds, the special ones first."""
    names = [path.stem for path in Path(__file__).with_name(FOLDER).glob("*.yaml")]
    formats = [ExportFormat(name, alias_table(f"{FOLDER}/{name}")) for name in names]
    return tuple(sorted(formats, key=lambda export: (export.table["rank"], export.name)))


def matching(names: Sequence[str]) -> list[FormatMatch]:
    """The kinds that fit these column names, the most special first."""
    known = [name for name in names if name and not is_personal(name)]
    matches = []
    for export in export_formats():
        match = FormatMatch(export, _roles(export, known), _stages(export, known))
        if all(match.role(need) for need in export.get("needs")) and _has_sign(export, known):
            matches.append(match)
    return matches


def closest(names: Sequence[str]) -> tuple[ExportFormat, list[str]] | None:
    """The special kind that misses fewest roles, of those whose signs are there, and what it misses."""
    known = [name for name in names if name and not is_personal(name)]
    missing = []
    for export in export_formats():
        roles = _roles(export, known)
        gaps = [need for need in export.get("needs") if need not in roles]
        if "*" not in export.get("signs") and _has_sign(export, known) and 0 < len(gaps) < len(export.get("needs")):
            missing.append((len(gaps), export.table["rank"], export, gaps))
    if not missing:
        return None
    _, _, export, gaps = min(missing, key=lambda each: each[:2])
    return export, gaps


def entry_columns(export: ExportFormat, names: Sequence[str]) -> list[tuple[str, str, str]]:
    """(column, stage, pipeline) of the columns that are entries into stages by their names."""
    columns = []
    for name in names:
        for pattern in export.get("entered"):
            if match := re.match(pattern, name):
                groups = (*match.groups(), "")
                columns.append((name, groups[0], groups[1] or ""))
                break
    return columns


def _roles(export: ExportFormat, names: Sequence[str]) -> dict[str, str]:
    roles = {}
    for role, aliases in export.table.items():
        if role not in _NO_ROLES and (column := _first_alias(aliases, names)):
            roles[role] = column
    return roles


def _stages(export: ExportFormat, names: Sequence[str]) -> dict[str, str]:
    stages: dict[str, list[str]] = export.table.get("stages", {})
    return {stage: column for stage, aliases in stages.items() if (column := _first_alias(aliases, names))}


def _first_alias(aliases: Sequence[str], names: Sequence[str]) -> str:
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(normalised(name), name)
    return next((by_plain[normalised(alias)] for alias in aliases if normalised(alias) in by_plain), "")


def _has_sign(export: ExportFormat, names: Sequence[str]) -> bool:
    patterns = ["*".join(normalised(part) for part in sign.split("*")) for sign in export.get("signs")]
    return any(fnmatchcase(normalised(name), pattern) for name in names for pattern in patterns)
