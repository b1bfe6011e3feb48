"""What the documentation site asks of its pages beyond MkDocs: links out of docs/ lead to files, quoted paths exist.

A link to a file outside docs/ becomes one to the repository. A quoted path of the sources, tests or scenarios that
is not there is a warning, and `make docs` fails on warnings.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
log = logging.getLogger("mkdocs.hooks.funnelsim")
_LINK = re.compile(r"(\]\()([^)\s:#]+)((?:#[^)\s]*)?\))")
_PATH = re.compile(r"`((?:src|tests|scenarios|benchmarks|calibration|docs|schema)/[\w./-]+)`")


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """The page with links out of docs/ made absolute; the page for contributors is CONTRIBUTING.md itself."""
    here = posixpath.dirname("docs/" + page.file.src_uri)
    if page.file.src_uri == "contributing.md":
        here, markdown = "", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").replace("](docs/", "](")
    for quoted in _PATH.findall(markdown):
        if not (ROOT / quoted).exists():
            log.warning("%s: there is no %s", page.file.src_uri, quoted)

    def absolute(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(here, match[2]))
        if target.startswith("docs/") or (ROOT / "docs" / target).is_file():
            return match[0]
        if not (ROOT / target).exists():
            log.warning("%s: a link to %s, which is not there", page.file.src_uri, target)
        return f"{match[1]}{config.repo_url}/blob/main/{target}{match[3]}"

    return _LINK.sub(absolute, markdown)
