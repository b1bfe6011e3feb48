"""A query to a database as a table: SQLite by Python's own library, PostgreSQL by psycopg.

The database is opened for reading only, and only the columns asked for leave it, each as text. Passwords stay out of
history files: PostgreSQL finds them in PGPASSWORD or ~/.pgpass.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from funnelsim.calibration.io.files import OpenedFile, Unreadable, numbered
from funnelsim.errors import Problem
from funnelsim.scenario.values import Place
from funnelsim.scenario.yaml_nodes import problem_at

SQLITE = (".sqlite", ".sqlite3", ".db")
_POSTGRES = re.compile(r"postgres(ql)?://")


def is_database(name: str) -> bool:
    """Is this a SQLite file or the address of a PostgreSQL database?"""
    return bool(_POSTGRES.match(name)) or Path(name).suffix.lower() in SQLITE


def open_query(name: str, query: str, database: str, path: Path, place: Place | None = None) -> OpenedFile:
    """The columns that a query gives. `path`: where the database lies, when it is a file. Raises Unreadable."""
    query = query.strip().rstrip(";").strip()
    wrapped = f"SELECT * FROM ({query}) AS q"
    with closing(_connect(name, database, path, place)) as connection:
        header = _ask(connection, name, f"{wrapped} LIMIT 0", place)[0]

    def fetch(positions: Sequence[int]) -> pl.DataFrame:
        wanted = ", ".join(f"CAST({_quoted(header[i])} AS TEXT)" for i in positions)
        with closing(_connect(name, database, path, place)) as connection:
            rows = _ask(connection, name, f"SELECT {wanted} FROM ({query}) AS q", place)[1]
        names = [header[i] for i in positions]
        frame = pl.DataFrame(rows, schema=dict.fromkeys(map(str, range(len(names))), pl.String), orient="row")
        return numbered(frame, [column.strip() for column in names])

    return OpenedFile(name, tuple(column.strip() for column in header), fetch, _digest)


def _connect(name: str, database: str, path: Path, place: Place | None) -> Any:
    if not _POSTGRES.match(database):
        if not path.is_file():
            raise _refused(name, f"no such database: '{path}'", "", place)
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    if urlsplit(database).password:
        hint = "put it into PGPASSWORD or ~/.pgpass, and leave it out here"
        raise _refused(name, "a password does not belong here", hint, place)
    try:
        import psycopg
    except ImportError:
        hint = "`pip install 'funnelsim[postgres]'` installs it"
        raise _refused(name, "PostgreSQL is read by psycopg, which is not installed", hint, place) from None
    try:
        connection = psycopg.connect(database, connect_timeout=10)
    except psycopg.Error as error:
        raise _refused(name, f"the database cannot be reached: {_first_line(error)}", "", place) from None
    connection.read_only = True
    return connection


def _ask(connection: Any, name: str, query: str, place: Place | None) -> tuple[tuple[str, ...], list[Any]]:
    try:
        cursor = connection.cursor()
        cursor.execute(query)
        return tuple(column[0] for column in cursor.description or ()), cursor.fetchall()
    except Exception as error:  # each driver has its own tree of errors, and any of them is the query's
        if not type(error).__module__.startswith(("sqlite3", "psycopg")):
            raise
        raise _refused(name, f"the database does not take the query: {_first_line(error)}", "", place) from None


def _refused(name: str, text: str, hint: str, place: Place | None) -> Unreadable:
    return Unreadable(problem_at(place, text, hint) if place else Problem(name, text=text, hint=hint))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0]


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _digest(frame: pl.DataFrame) -> str:
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()
