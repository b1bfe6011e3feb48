"""Results rendered as one HTML file that needs nothing else: template, style, script, pictures and tables in one text.

A content security policy in the file forbids it to fetch anything and to run any script but its own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from funnelsim.errors import UsageError
from funnelsim.reporting.html import provenance
from funnelsim.reporting.html.images import Picture
from funnelsim.reporting.html.saved_result import Saved
from funnelsim.reporting.html.sections import said_of
from funnelsim.reporting.html.tables import Page, table_of

HERE = Path(__file__).parent
LIMIT = 2_000_000  # bytes: what every mail server takes
ROWS = (1000, 300, 100, 30)  # of each table: as many as fit


@dataclass(frozen=True)
class Figure:
    """A picture with its words."""

    name: str
    caption: str
    picture: Picture


@dataclass(frozen=True)
class Section:
    """One result."""

    anchor: str
    noun: str
    name: str
    answer: str  # one sentence
    details: str  # the rest of what the command printed
    figures: Sequence[Figure]
    tables: Sequence[Page]
    rests_on: Page | None  # none of a result without a scenario, such as a back-test
    differs: Sequence[Page]
    provenance: Page
    warnings: Sequence[str]
    repeated_by: str


def html_of(every: Sequence[Saved], title: str = "") -> str:
    """The page. Long tables are cut, and say so, when it would be over 2 MB; UsageError when that is not enough."""
    title = title or " · ".join(dict.fromkeys(one.manifest.name for one in every))
    for most in ROWS:
        text = _rendered(
            [_section(one, i + 1, most) for i, one in enumerate(every)], title, provenance.differs_between(every)
        )
        if len(text.encode()) < LIMIT:
            return text
    raise UsageError(
        f"the report would have {len(text.encode()) / 1e6:.1f} MB, and 2 MB is the most that e-mail takes "
        f"well: give fewer results"
    )


def _section(saved: Saved, number: int, most: int) -> Section:
    manifest, kind = saved.manifest, saved.kind
    sentence, _, rest = saved.answer.partition("\n")
    currency = str(manifest.book.get("currency", ""))
    tables = [
        table_of(frame, said_of(file, kind.tables) or file, file, kind.units, currency, most)
        for file, frame in saved.tables.items()
    ]
    figures = [
        Figure(name, said_of(name, kind.figures) or name.replace("-", " "), picture)
        for name, picture in saved.pictures.items()
    ]
    varied = provenance.varied(saved)
    return Section(
        f"result-{number}",
        kind.noun,
        manifest.name,
        sentence.strip(),
        rest.strip("\n"),
        figures,
        tables,
        provenance.rests_on(saved),
        [*([varied] if varied else []), *provenance.differs(saved)],
        provenance.provenance_page(manifest),
        manifest.warnings,
        provenance.repeated_by(saved),
    )


def _rendered(sections: Sequence[Section], title: str, between: Sequence[Page]) -> str:
    engine = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    engine.filters["inline"] = Markup  # of our own files, and of pictures that have been cleaned
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return engine.get_template("page.html.j2").render(
        title=title, sections=sections, between=between, style=style, script=script, digest=_digest(script)
    )


def _digest(script: str) -> str:
    """As a policy names a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
