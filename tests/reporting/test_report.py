"""Numbers as people read them, tables that fit, figures whose words are all there and do not cover each other."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from funnelsim.reporting.common.drawing import PALETTE, save
from funnelsim.reporting.common.format import Table, duration, error, money, number, percent, shown, spread
from funnelsim.reporting.common.funnel_figure import FunnelStep, funnel_figure
from funnelsim.reporting.common.response_curve_figure import curves_figure
from funnelsim.reporting.run.figures import (
    Band,
    Response,
    ScenarioOutcome,
    backlog_figure,
    outcomes_figure,
    response_figure,
    weekly_figure,
)
from funnelsim.scenario import load
from funnelsim.study.response_curves import stages_with_curves

NAMES = ("Old way", "Old way with a promise", "Shared funnel")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (59.4, "59 s"),
        (60.0, "1 min"),
        (720.0, "12 min"),
        (3600.0, "1.0 h"),
        (100800.0, "28.0 h"),
        (181440.0, "2.1 d"),
        (86400.0 * 140, "140 d"),
        (-7200.0, "-2.0 h"),
        (math.nan, "-"),
        (math.inf, "-"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.4, "1,234"), (56.66, "56.7"), (0.888, "0.89"), (12.0, "12"), (-0.001, "0"), (math.nan, "-")],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1.237e6, "EUR", "€1.24 M"),
        (341_600.0, "USD", "$342 k"),
        (95.4, "GBP", "£95"),
        (-25_100.0, "EUR", "-€25.1 k"),
        (2.5e9, "CHF", "CHF 2.5 bn"),
        (999_700.0, "EUR", "€999.7 k"),
        (math.nan, "EUR", "-"),
    ],
)
def test_money(amount: float, currency: str, text: str) -> None:
    assert money(amount, currency) == text


def test_spreads_say_the_unit_once() -> None:
    assert spread(0.1, 0.234, "share") == "10.0 to 23.4 %"
    assert spread(3600.0, 7200.0, "seconds") == "1.0 h to 2.0 h"
    assert error(10.0, 13.0, "leads") == "±1.50"
    assert shown(0.5, "share of hours") == percent(0.5) == "50.0 %"
    assert spread(math.nan, 1.0, "leads") == "-"


def test_tables_drop_columns_from_the_right() -> None:
    table = Table(["name", "first", "second"])
    table.add("a long name", "1", "22")
    assert table.lines() == ["name         first  second", "a long name      1      22"]
    assert table.lines(20) == ["name         first", "a long name      1"]


# ---- figures -------------------------------------------------------------------------------------------------------


def outcomes() -> Figure:
    rows = [
        ScenarioOutcome(
            name, (200.0 + 40 * i, 160.0 + 40 * i, 240.0 + 40 * i), (1.5e6 + 5e5 * i, 1.2e6 + 5e5 * i, 2.0e6 + 5e5 * i)
        )
        for i, name in enumerate(NAMES)
    ]
    return outcomes_figure(rows, "EUR", "central 90 % of single periods")


def response() -> Figure:
    delays = 60.0 * 2.0 ** (np.arange(81) / 4.0)
    curves = [
        Response(name, delays, (0.7 + 0.1 * i) * (1 - np.exp(-delays / (2e5 / 4**i)))) for i, name in enumerate(NAMES)
    ]
    return response_figure(curves, 4 * 3600.0, "promise: 4.0 h of business time")


def backlog() -> Figure:
    days = [date(2026, 1, 5) + timedelta(weeks=week) for week in range(52)]
    level = 20 + 10 * np.sin(np.arange(52) / 6.0)
    bands = [
        Band(name, days, level / (i + 1), 0.7 * level / (i + 1), 1.4 * level / (i + 1)) for i, name in enumerate(NAMES)
    ]
    return backlog_figure({"marketing": bands[1:], "sales": bands})


def utilisation() -> Figure:
    days = [date(2026, 1, 5) + timedelta(weeks=week) for week in range(26)]
    bands = [
        Band(name, days, np.full(26, 0.5 + 0.2 * i), np.full(26, 0.4), np.full(26, 1.1)) for i, name in enumerate(NAMES)
    ]
    return weekly_figure({"marketing": bands, "sales": bands}, "Hours worked of hours paid", share=True)


def curves() -> Figure:
    scenario = load(str(Path(__file__).parents[2] / "scenarios" / "old-way.yaml")).scenario
    return curves_figure(list(stages_with_curves(scenario)), {"interest": [("half", 5400.0)]})


def funnel() -> Figure:
    return funnel_figure({"Old way": steps()}, "Old way: the funnel and where it leaks")


def funnels() -> Figure:
    return funnel_figure(dict.fromkeys(NAMES, steps()))


def steps() -> list[FunnelStep]:
    shares = {"went on": 0.4, "still open": 0.05, "went back": 0.1, "never reached": 0.15, "lost": 0.3}
    names = ("awareness", "discovery", "interest", "evaluation")
    steps = [FunnelStep(name, 10000.0 * 0.4**i, shares) for i, name in enumerate(names)]
    return [*steps, FunnelStep("a stage with rather a long name", 256.0, {"end": 1.0})]


FIGURES = {
    "outcomes": outcomes,
    "response": response,
    "backlog": backlog,
    "utilisation": utilisation,
    "curves": curves,
    "funnel": funnel,
    "funnels": funnels,
}
WORDS = {
    "outcomes": {"Wins", "Revenue", "240", "€2 M", "Old way", "Points: mean. Bars: central 90 % of single periods."},
    "response": {
        "1 h",
        "4 h",
        "30 days",
        "100 %",
        "promise: 4.0 h of business time",
        "Leads touched by then",
        "Old way (never 30.0 %)",
        "Shared funnel (never 10.0 %)",
    },
    "backlog": {"marketing", "sales", "Leads waiting", "Jul", *NAMES},
    "utilisation": {"marketing", "sales", "Hours worked of hours paid", "100 %", *NAMES},
    "curves": {
        "interest: odds to go on, against a touch after 1 hour",
        "hbr-2011 (A)",
        "leads360-2012 (B)",
        "1 x",
        "10 x",
        "half touched by 1.5 h",
    },
    "funnel": {"10,000, 40.0 % go on", "40 %", "256", "never reached", "still open", "went back", "lost", "went on"},
    "funnels": {"10,000, 40.0 %", "lost", *NAMES},
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_say_what_they_show(name: str) -> None:
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    said = {text.get_text() for text in _texts(figure)}
    assert WORDS[name] <= said, f"{WORDS[name] - said} is missing among {said}"


@pytest.mark.parametrize("name", FIGURES)
def test_no_words_cover_each_other_or_leave_the_figure(name: str) -> None:
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in _texts(figure)]
    for (one, box), (other, second) in combinations(boxes, 2):
        assert not box.overlaps(second), f"{one!r} and {other!r} overlap"
    for text, box in boxes:
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1, text


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_saved_as_png_and_svg_always_the_same(name: str, tmp_path: Path) -> None:
    png, svg = save(FIGURES[name](), tmp_path, name)
    with Image.open(png) as picture:
        assert picture.size[0] == 1600 and 400 < picture.size[1] < 1500
    root = ElementTree.parse(svg).getroot()
    assert root.tag.endswith("svg") and any(one.tag.endswith("text") for one in root.iter()), "text stays text"
    (tmp_path / "again").mkdir()
    for first, again in zip((png, svg), save(FIGURES[name](), tmp_path / "again", name), strict=True):
        assert first.read_bytes() == again.read_bytes()


def test_a_pdf_is_always_the_same(tmp_path: Path) -> None:
    first, second = (save(funnel(), tmp_path, name, ["pdf"])[0].read_bytes() for name in ("one", "other"))
    assert first == second and first.startswith(b"%PDF")


def test_colours_keep_apart_for_the_colour_blind() -> None:
    """By the simulation of Machado, Oliveira and Fernandes (2009), severity 1: the first four of the palette."""
    protan = np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    )
    deutan = np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    )
    colours = np.array([[int(one[i : i + 2], 16) / 255 for i in (1, 3, 5)] for one in PALETTE[:4]])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    for sight in (np.eye(3), protan, deutan):
        lab = _lab(np.clip(linear @ sight.T, 0, 1))
        assert min(np.linalg.norm(one - other) for one, other in combinations(lab, 2)) > 18


def _lab(linear: np.ndarray) -> np.ndarray:
    xyz = linear @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    f = np.cbrt(np.maximum(xyz / [0.9505, 1.0, 1.089], 1e-9))
    return np.stack((116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])), axis=1)


def _texts(figure: Figure) -> Iterable[Text]:
    """All words that are drawn."""
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible() and _is_drawn(figure, text):
            yield text


def _is_drawn(figure: Figure, text: Text) -> bool:
    """Tick labels beyond the limits of an axis, and those that sharing hides, are kept but not drawn."""
    for axes in figure.axes:
        for axis, low, high in ((axes.xaxis, *sorted(axes.get_xlim())), (axes.yaxis, *sorted(axes.get_ylim()))):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if text is tick.label2 or (text is tick.label1 and not low <= tick.get_loc() <= high):
                    return False
                if text is tick.label1:
                    return bool(tick.label1.get_visible())
    return True
