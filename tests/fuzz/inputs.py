"""Hostile inputs from good ones: each is a pure function of the good texts and a seed."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NUMBERS = (
    "0", "-1", "1e20", "1e308", "1e-320", "-0.0", ".inf", "-.inf", ".nan", "0x" + "f" * 300, "9" * 4400, "0b11", "0o17", "1_000",
    "1e400", "12345678901234567890", "50%", "-5%", "1e17 EUR", "3.0000000000000000001", "٣", "½", "1,5", "1/0",
)  # fmt: skip
TIMES = (
    "0001-01-01", "9999-12-31", "2026-02-30", "2026-01-05T25:00", "1e9 weeks", "0 seconds", "-4 hours", "at once", "never", "1e300 days",
    "lognormal(median 0 days p90 0 days)", "exponential(mean 1e300 years)", "gamma(mean 1 day cv 1e300)", "mix(50% 1 day, 60% never)",
)  # fmt: skip
TEXTS = (
    "", " ", "null", "true", "~", "[]", "{}", "a", "none", "rest", "\u202eevil\u202c", "\x1b[31mred", "\x00", "\u200b", "é" * 300, "a" * 5000,
    "<script>alert(1)</script>", "'; drop table leads; --", "../../../etc/passwd", "/dev/zero", "/dev/stdin", "=cmd|' /C calc'!A0", "\ufeff",
    "{{7*7}}", "%s%n", "won", "💣", "\ud7ff", "𝔘", "!!python/object/apply:os.system ['true']", "&a [*a]", "*nothing",
)  # fmt: skip
HOSTILE = (*NUMBERS, *TIMES, *TEXTS)


def scenario(seed: int) -> str:
    """A mutated scenario file."""
    chance = random.Random(seed)
    text = chance.choice(_scenarios())
    if chance.random() < 0.02:
        return _monster(chance)
    for _ in range(1 + int(chance.expovariate(0.7))):
        text = chance.choice(MUTATIONS)(text, chance)
    return text


def history(seed: int) -> tuple[str, str]:
    """A mutated history file and a mutated table for it to read."""
    chance = random.Random(seed)
    text, table = chance.choice(_histories())
    for _ in range(int(chance.expovariate(0.8))):
        text = chance.choice(MUTATIONS)(text, chance)
    for _ in range(int(chance.expovariate(0.6))):
        table = chance.choice(TABLE_MUTATIONS)(table, chance)
    return text, table


def manifest(seed: int, good: str) -> str:
    """A mutated manifest: values replaced, keys lost, lists emptied, numbers of other types."""
    chance = random.Random(seed)
    if chance.random() < 0.2:
        return chance.choice(MUTATIONS)(good, chance)
    data = json.loads(good)
    for _ in range(1 + int(chance.expovariate(0.7))):
        _mutate_json(data, chance)
    return json.dumps(data)


def name(seed: int) -> str:
    """A hostile name for a scenario, a stage or a source."""
    chance = random.Random(seed)
    parts = [
        chance.choice(TEXTS),
        chance.choice(("won", "Q3", "€", "\t", "\n", "\r", "\x07", "\u2066", "a b", "#", ": ", "- ")),
    ]
    chance.shuffle(parts)
    return "".join(parts)[:200]


# ---- mutations of a text ---------------------------------------------------------------------------------------------


def _drop_line(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        del lines[chance.randrange(len(lines))]
    return "".join(lines)


def _double_line(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        i = chance.randrange(len(lines))
        lines.insert(chance.randrange(len(lines)), lines[i])
    return "".join(lines)


def _swap_lines(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    if len(lines) > 1:
        i, j = chance.randrange(len(lines)), chance.randrange(len(lines))
        lines[i], lines[j] = lines[j], lines[i]
    return "".join(lines)


def _hostile_value(text: str, chance: random.Random) -> str:
    spots = list(re.finditer(r"(?<=: )[^\n#]+", text))
    if not spots:
        return text
    spot = chance.choice(spots)
    return text[: spot.start()] + chance.choice(HOSTILE) + text[spot.end() :]


def _hostile_number(text: str, chance: random.Random) -> str:
    spots = list(re.finditer(r"\d+(?:\.\d+)?", text))
    if not spots:
        return text
    spot = chance.choice(spots)
    return text[: spot.start()] + chance.choice(NUMBERS) + text[spot.end() :]


def _word_of_elsewhere(text: str, chance: random.Random) -> str:
    spots = list(re.finditer(r"[a-z_]{3,}", text))
    words = re.findall(r"[a-z_]{3,}", chance.choice(_scenarios()))
    if not spots or not words:
        return text
    spot = chance.choice(spots)
    return text[: spot.start()] + chance.choice(words) + text[spot.end() :]


def _graft(text: str, chance: random.Random) -> str:
    other = chance.choice(_scenarios()).splitlines(keepends=True)
    lines = text.splitlines(keepends=True)
    start = chance.randrange(len(other) or 1)
    at = chance.randrange(len(lines) + 1)
    return "".join(lines[:at] + other[start : start + chance.randint(1, 12)] + lines[at:])


def _indent(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        i = chance.randrange(len(lines))
        lines[i] = chance.choice(("  ", "\t", " ", "    - ")) + lines[i].lstrip(" " if chance.random() < 0.5 else "")
    return "".join(lines)


def _hostile_character(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice("\x00\x07\x1b\u202e\u2066\ufeff\u2028{}[]:#&*!|>'\"%@`,\\\t\r\u00a0") + text[at:]


def _cut(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text) + 1)]


def _flow(text: str, chance: random.Random) -> str:
    """A scalar becomes a list or a map, or the other way round."""
    spots = list(re.finditer(r"(?<=: )[^\n#]+", text))
    if not spots:
        return text
    spot = chance.choice(spots)
    value = chance.choice(("[{0}]", "{{a: {0}}}", "[{0}, {0}]", "[[{0}]]", "{{2026-03-01: {0}}}", "'{0}'")).format(
        spot.group()
    )
    return text[: spot.start()] + value + text[spot.end() :]


Mutation = Callable[[str, random.Random], str]
MUTATIONS: Sequence[Mutation] = (
    _drop_line, _double_line, _swap_lines, _hostile_value, _hostile_value, _hostile_number, _word_of_elsewhere, _word_of_elsewhere, _graft,
    _indent, _hostile_character, _cut, _flow,
)  # fmt: skip


def _monster(chance: random.Random) -> str:
    """A file that is small to write and large to read."""
    kind = chance.randrange(7)
    if kind == 0:
        return "a: " + "[" * 100_000
    if kind == 1:
        return "\n".join(f"key{i}: 1" for i in range(16_000))
    if kind == 2:
        levels = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12))
        return f"a0: &a0 [x]\n{levels}\n"
    if kind == 3:
        return "\n".join(" " * i + f"k{i}:" for i in range(2000))
    if kind == 4:
        return f"name: {'n' * 2_000_000}"
    if kind == 5:
        return "{" * 50_000 + "}" * 50_000
    return "name: x\n" + "- " * 30_000


# ---- mutations of a table ----------------------------------------------------------------------------------------------


def _cells(change: Callable[[list[list[str]], random.Random], None]) -> Mutation:
    def mutate(table: str, chance: random.Random) -> str:
        rows = [line.split(",") for line in table.split("\n")]
        change(rows, chance)
        return "\n".join(",".join(row) for row in rows)

    return mutate


def _hostile_cell(rows: list[list[str]], chance: random.Random) -> None:
    row = chance.choice(rows)
    row[chance.randrange(len(row))] = chance.choice(HOSTILE).replace("\n", " ")


def _swap_columns(rows: list[list[str]], chance: random.Random) -> None:
    i, j = (chance.randrange(len(rows[0])) for _ in range(2))
    for row in rows:
        if len(row) > max(i, j):
            row[i], row[j] = row[j], row[i]


def _drop_column(rows: list[list[str]], chance: random.Random) -> None:
    i = chance.randrange(len(rows[0]))
    for row in rows:
        if len(row) > max(i, 1):
            del row[i]


def _rename_column(rows: list[list[str]], chance: random.Random) -> None:
    row = rows[0]
    row[chance.randrange(len(row))] = chance.choice(
        ("lead", "stage", "time", "", "id", "_fivetran_synced", "Created Date", "x")
    )


def _shorten_row(rows: list[list[str]], chance: random.Random) -> None:
    i = chance.randrange(len(rows))
    rows[i] = rows[i][: chance.randrange(len(rows[i]) + 1)] or [""]


def _repeat_rows(rows: list[list[str]], chance: random.Random) -> None:
    rows.extend(rows[1 : 1 + chance.randint(1, 30)])


def _empty_column(rows: list[list[str]], chance: random.Random) -> None:
    i = chance.randrange(len(rows[0]))
    for row in rows[1:]:
        if len(row) > i:
            row[i] = chance.choice(("", "?", "n/a", "0"))


TABLE_MUTATIONS: Sequence[Mutation] = (
    *(_cells(change) for change in (
        _hostile_cell, _hostile_cell, _swap_columns, _drop_column, _rename_column, _shorten_row, _repeat_rows, _empty_column)),
    _cut, _drop_line, _double_line, _hostile_character,
)  # fmt: skip


# ---- mutations of JSON -------------------------------------------------------------------------------------------------


def _mutate_json(data: Any, chance: random.Random) -> None:
    """Change one place somewhere below, in place."""
    while isinstance(data, dict | list) and data:
        keys = list(data) if isinstance(data, dict) else list(range(len(data)))
        key = chance.choice(keys)
        if isinstance(data[key], dict | list) and data[key] and chance.random() < 0.8:
            data = data[key]
            continue
        action = chance.randrange(3)
        if action == 0:
            del data[key]
        elif action == 1:
            data[key] = chance.choice(
                (None, True, -1, 0, 1e308, 10**30, "", "x", [], {}, [None], {"a": 1}, "2026-13-01", [[[]]], "\x1b[0m")
            )
        else:
            other = chance.choice(keys)
            data[key] = data[other]
        return


# ---- good ones ---------------------------------------------------------------------------------------------------------

_cache: dict[str, list[Any]] = {}


def _scenarios() -> list[str]:
    if "scenarios" not in _cache:
        folders = (ROOT / "scenarios", ROOT / "src/funnelsim/templates", ROOT / "src/funnelsim/study/published")
        files = sorted(path for folder in folders for path in folder.rglob("*.yaml"))
        _cache["scenarios"] = [path.read_text(encoding="utf-8") for path in files]
    return _cache["scenarios"]


def _histories() -> list[tuple[str, str]]:
    """Small ones, each of its own form."""
    if "histories" not in _cache:
        log = "\n".join(["lead,what,when,source,value", *(
            f"L{i},{what},2026-0{1 + i % 6}-{1 + (i * 7 + 3 * k) % 28:02} {8 + (i + k) % 9:02}:{(i * 13) % 60:02},{('web', 'event')[i % 2]},{1000 + i}"
            for i in range(60) for k, what in enumerate(("created", "mql", "sql", "won")[: 1 + i % 4])
        )])  # fmt: skip
        wide = "\n".join(["id,created,mql_date,sql_date,won_date,status,amount", *(
            f"{i},2026-01-{1 + i % 28:02},{f'2026-02-{1 + i % 28:02}' if i % 2 else ''},{f'2026-03-{1 + i % 28:02}' if i % 4 == 1 else ''},"
            f"{f'2026-04-{1 + i % 28:02}' if i % 8 == 1 else ''},{('open', 'lost', 'won')[i % 3]},{100 * i}"
            for i in range(60)
        )])  # fmt: skip
        event_file = (
            "name: fuzz\nas_of: 2026-08-01\ntimezone: Europe/Berlin\ncurrency: EUR\ntables:\n  leads: {file: data.csv, id: lead}\n"
            "events: {file: data.csv, case: lead, activity: what, time: when}\n"
            "stages:\n  created: {activity: created}\n  mql: {activity: mql}\n  sql: {activity: sql}\n  won: {activity: won}\n"
        )
        wide_file = (
            "name: fuzz\nas_of: 2026-08-01\ntimezone: UTC\ncurrency: EUR\ntables:\n  leads: {file: data.csv, id: id}\n"
            "stages:\n  created: leads.created\n  mql: leads.mql_date\n  sql: leads.sql_date\n  won: leads.won_date\nvalue: leads.amount\n"
        )
        _cache["histories"] = [(event_file, log), (wide_file, wide)]
    return _cache["histories"]
