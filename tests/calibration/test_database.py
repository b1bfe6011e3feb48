"""Queries to databases, on a PostgreSQL server started here and on SQLite: read, and nothing else."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from funnelsim.calibration.io.database import open_query
from funnelsim.calibration.io.files import Unreadable

SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
ROWS = "SELECT * FROM leads"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database on a server of our own, with a table of two leads."""
    if not SERVERS:
        pytest.skip("Debian's package postgresql is not installed")  # .ci/run installs it
    psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    folder = Path(shutil.copytree(tmp_path_factory.mktemp("pg"), f"/tmp/funnelsim-pg-{os.getpid()}"))
    as_owner: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres")
        as_owner = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, binaries = str(folder / "data"), SERVERS[-1]
    quiet = {"check": True, "capture_output": True, "cwd": "/tmp"}
    subprocess.run([*as_owner, str(binaries / "initdb"), "-D", data, "-U", "funnel", "-A", "trust"], **quiet)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    start = [str(binaries / "pg_ctl"), "-D", data, "-o", options, "-l", f"{folder}/log", "-w"]
    subprocess.run([*as_owner, *start, "start"], **quiet)
    address = f"postgresql://funnel@127.0.0.1:{port}/postgres"
    try:
        with psycopg.connect(address) as connection:
            connection.execute("CREATE TABLE leads (id text, created timestamptz, value numeric)")
            connection.execute("INSERT INTO leads VALUES ('a', '2026-01-05 09:00Z', 10), ('b', NULL, 20)")
        yield address
    finally:
        subprocess.run([*as_owner, *start, "-m", "immediate", "stop"], **quiet)
        shutil.rmtree(folder)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    path = tmp_path / "crm.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE leads (id text, created text, value real)")
        connection.execute("INSERT INTO leads VALUES ('a', '2026-01-05 09:00', 10), ('b', NULL, 20)")
    connection.close()
    return str(path)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def ids(database: str, query: str = ROWS) -> list[str]:
    table = open_query("crm", query, database, Path(database))
    return table.frame(["id"])["id"].to_list()


def test_columns_come_as_text(database: str) -> None:
    table = open_query("crm", f"{ROWS} ORDER BY id;", database, Path(database))
    assert table.names == ("id", "created", "value")
    assert ids(database) == ["a", "b"]
    assert table.frame(["created"])["created"].to_list()[1] is None


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1) AS q; DROP TABLE leads; SELECT * FROM (SELECT 1",
        "SELECT 1) AS q; COMMIT; DELETE FROM leads; SELECT * FROM (SELECT 1",
        "DELETE FROM leads RETURNING id",
        "WITH gone AS (DELETE FROM leads RETURNING id) SELECT * FROM gone",
        "UPDATE leads SET value = 0 RETURNING id",
        "no such thing",
        "",
    ],
)
def test_a_query_that_is_more_than_a_question_is_refused_and_does_nothing(database: str, query: str) -> None:
    with pytest.raises(Unreadable, match="the database does not take the query"):
        ids(database, query)
    assert ids(database) == ["a", "b"]


def test_a_password_does_not_stand_in_a_history_file() -> None:
    with pytest.raises(Unreadable, match="a password does not belong here"):
        open_query("crm", ROWS, "postgresql://me:secret@127.0.0.1/crm", Path("crm"))


def test_a_server_that_is_not_there_is_told() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(Unreadable, match="the database cannot be reached"):
        open_query("crm", ROWS, "postgresql://me@127.0.0.1:1/crm", Path("crm"))


def test_without_the_driver_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Unreadable, match="which is not installed"):
        open_query("crm", ROWS, "postgresql://me@127.0.0.1/crm", Path("crm"))
