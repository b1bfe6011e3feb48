"""report: saved folders of any commands to one HTML file, without simulating anything again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from funnelsim.atomic_io import atomic_write
from funnelsim.errors import UsageError
from funnelsim.reporting.html.page import html_of
from funnelsim.reporting.html.saved_result import Saved, read_all


@dataclass(frozen=True)
class Report:
    """A report that has been written."""

    file: Path
    size: int  # bytes
    answers: tuple[str, ...]  # the answer sentence of each result


def report(*results: str | Path, out: str | Path | None = None, title: str = "") -> Report:
    """Write one HTML file of saved results: answer, figures, tables, what they rest on, what differs, manifest.

    `results` are folders that run, compare, sweep, seek ... have saved. `out` is the file, by default named after the
    first folder and beside it. Raises DataError with every problem of all folders; UsageError for none, or for more
    than 2 MB of them.
    """
    if not results:
        raise UsageError("report needs at least one folder of results")
    saved_results = read_all(results)
    file = Path(out) if out is not None else _beside(saved_results)
    data = html_of(saved_results, title).encode()
    atomic_write(file, data)
    return Report(file, len(data), tuple(one.answer.partition("\n")[0] for one in saved_results))


def _beside(saved_results: list[Saved]) -> Path:
    first = saved_results[0].folder.resolve()
    more = f"-and-{len(saved_results) - 1}-more" if len(saved_results) > 1 else ""
    return saved_results[0].folder.parent / f"{first.name}{more}.html"
