"""The report in a real browser: nothing fetched or complained of, figures drawn, tables that sort, a phone's width.

Skipped where there is no Chromium; in CI that is a failure.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

import funnelsim as fs
from support.chromium import Browser, browser
from support.saved_results import NASTY, results, studies

PHONE = 375
MEASURES = "[...document.querySelectorAll('table')].find(t => t.caption.textContent.startsWith('Every measure'))"
COLUMN = f"""(() => {{ const t = {MEASURES};
    const i = [...t.tHead.rows[0].cells].findIndex(c => c.textContent === 'mean');
    return [...t.tBodies[0].rows].map(r => r.cells[i].dataset.digits ?? '')
        .map(d => d === '' ? null : Number(d)); }})()"""
HEAD = f"[...{MEASURES}.tHead.rows[0].cells].find(c => c.textContent === 'mean')"


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tab: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The browser comes first: without one nothing is simulated."""
    return fs.report(*results().folders, out=tmp_path_factory.mktemp("report") / "report.html").file


@pytest.mark.parametrize("width", [1280, PHONE])
def test_it_opens_without_a_complaint_fetches_nothing_and_fits_the_window(tab: Browser, page: Path, width: int) -> None:
    tab.open(page, width)
    assert tab.alarms == []
    assert tab.fetched == [page.as_uri()]
    assert tab.value("document.documentElement.scrollWidth") <= width
    assert NASTY in tab.value("document.title")


@pytest.mark.parametrize("width", [1280, PHONE])
def test_the_studies_open_without_a_complaint_too(tab: Browser, tmp_path: Path, width: int) -> None:
    file = fs.report(*studies().folders, out=tmp_path / "studies.html").file
    tab.open(file, width)
    assert tab.alarms == [] and tab.fetched == [file.as_uri()]
    assert tab.value("document.documentElement.scrollWidth") <= width
    drawn = tab.value("[...document.querySelectorAll('figure svg')].map(f => f.getBoundingClientRect().width)")
    assert len(drawn) == 9 and min(drawn) > 500


def test_every_figure_is_drawn_with_its_words(tab: Browser, page: Path) -> None:
    tab.open(page)
    sizes = tab.value("""[...document.querySelectorAll('figure')].map(f => {
        const drawn = f.querySelector('svg, img').getBoundingClientRect();
        const words = [...f.querySelectorAll('svg text')].filter(t => t.getBoundingClientRect().width > 0).length;
        return [drawn.width, drawn.height, f.querySelector('img') ? 1 : words]; })""")
    assert len(sizes) >= 8
    for width, height, words in sizes:
        assert width > 500 and height > 150 and words > 0


def test_words_of_figures_are_large_enough_on_a_phone(tab: Browser, page: Path) -> None:
    tab.open(page, PHONE)
    heights = tab.value("""[...document.querySelectorAll('figure svg text')]
        .map(t => t.getBoundingClientRect().height).filter(h => h > 0)""")
    assert heights and min(heights) > 8.0
    assert tab.value("getComputedStyle(document.querySelector('.picture')).overflowX") == "auto"


def test_a_click_on_a_heading_sorts_and_a_second_one_turns_it_round(tab: Browser, page: Path) -> None:
    tab.open(page)
    tab.value(f"{MEASURES}.closest('details').open = true")
    saved = tab.value(COLUMN)
    numbers = [one for one in saved if one is not None]
    assert numbers != sorted(numbers)
    for direction, expected in (("ascending", sorted(numbers)), ("descending", sorted(numbers, reverse=True))):
        box = tab.value(
            f"(() => {{ const b = {HEAD}.querySelector('button'); b.scrollIntoView({{block: 'center'}}); "
            "const r = b.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            tab.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)
        assert tab.value(f"{HEAD}.getAttribute('aria-sort')") == direction
        assert tab.value(COLUMN) == expected + [None] * (len(saved) - len(numbers)), "nothing to sort by comes last"
    assert tab.alarms == []


def test_without_scripts_the_tables_are_there_as_saved(tab: Browser, page: Path) -> None:
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(page)
        root = tab.call("DOM.getDocument")["root"]["nodeId"]
        found = {
            what: len(tab.call("DOM.querySelectorAll", nodeId=root, selector=what)["nodeIds"])
            for what in ("tbody tr", "th", "th button")
        }
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
    assert found["tbody tr"] > 100 and found["th"] > 20 and found["th button"] == 0


def test_what_a_screen_reader_is_told(tab: Browser, page: Path) -> None:
    tab.open(page)
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    by_role: dict[str, list[str]] = {}
    for node in nodes:
        if not node.get("ignored"):
            by_role.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert len(by_role["image"]) >= 8 and all(by_role["image"]), "every figure has words"
    assert all(by_role["region"]) and all(by_role["button"]) and by_role["main"]


def test_it_prints(tab: Browser, page: Path) -> None:
    tab.open(page)
    pdf = base64.b64decode(tab.call("Page.printToPDF", printBackground=False)["data"])
    assert pdf.startswith(b"%PDF") and pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= 4


def test_these_checks_can_fail(tab: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!DOCTYPE html><title>bad</title><img src='http://127.0.0.1:9/x.png'><div style='width:900px'>wide"
        "</div><script>console.error('ouch')</script>",
        encoding="utf-8",
    )
    tab.open(bad, PHONE)
    assert any("ouch" in one for one in tab.alarms) and "http://127.0.0.1:9/x.png" in tab.fetched
    assert tab.value("document.documentElement.scrollWidth") > PHONE
