"""Segments of a history: told apart from sources, by hand and on made-up firms; written, simulated; known too late."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml

from funnelsim.calibration import Calibration, calibrate
from funnelsim.calibration.events.leads_in_flight import COLUMNS
from funnelsim.calibration.events.source_segment import LeakageTest, label_leakage
from funnelsim.calibration.exports.detect import write_history
from funnelsim.calibration.pooling.partial_pooling import GroupEffects, posterior
from funnelsim.compile import compile_scenario
from funnelsim.engine.replicate import replicate
from funnelsim.errors import DataError
from funnelsim.scenario import load
from funnelsim.study.sensitivity.inputs import MARKET, owner_and_method

ROOT = Path(__file__).parents[2]
OLIST = ROOT.parent / "shared" / "data" / "olist_funnel_asof_2018-03-31"
START = datetime(2026, 1, 5)
HISTORY = """as_of: {as_of}
tables: {{leads: {{file: leads.csv, id: id}}}}
source: source
segment: segment
stages: {{lead: created, customer: won}}
lost: lost
"""
SMALL, LARGE = 0.0, 1.0  # log-odds of the made-up firms' segments, and of their sources
WEB, FAIR = 0.0, -0.5
LEVEL = -1.5
MIX = {"web": 0.3, "fair": 0.7}  # share of large ones

Row = tuple[str, str, datetime, datetime | None, bool]  # source, segment, created, ended, won


def write(folder: Path, rows: list[Row], as_of: str, history: str = HISTORY) -> Path:
    def text(at: datetime | None, shown: bool = True) -> str:
        return at.strftime("%Y-%m-%d %H:%M") if at and shown else ""

    lines = ["id,source,segment,created,won,lost"]
    lines += [
        f"{i},{source},{segment},{text(created)},{text(ended, won)},{text(ended, not won)}"
        for i, (source, segment, created, ended, won) in enumerate(rows, start=1)
    ]
    (folder / "leads.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = folder / "firm.history.yaml"
    path.write_text(history.format(as_of=as_of), encoding="utf-8")
    return path


def counted(cells: dict[tuple[str, str], tuple[int, int]]) -> list[Row]:
    """(source, segment): (won, lost), all of them long ago."""
    rng = np.random.default_rng(1)
    return [
        (
            source,
            segment,
            at := START + timedelta(minutes=int(rng.integers(0, 60 * 1440))),
            at + timedelta(minutes=float(rng.exponential(8000) + 1)),
            i < won,
        )
        for (source, segment), (won, lost) in cells.items()
        for i in range(won + lost)
    ]


def firm(seed: int, leads: int, days: int) -> list[Row]:
    """Half of the leads of a short history have not ended yet; the fair brings larger ones, which go on more often."""
    rng, rows = np.random.default_rng(seed), []
    end = START + timedelta(days=days)
    for _ in range(leads):
        source = "fair" if rng.random() < 0.4 else "web"
        large = bool(rng.random() < MIX[source])
        logit = LEVEL + (LARGE if large else SMALL) + (FAIR if source == "fair" else WEB)
        won = bool(rng.random() < 1 / (1 + np.exp(-logit)))
        created = START + timedelta(seconds=float(rng.uniform(0, days * 86400)))
        ended = created + timedelta(days=float(rng.exponential(8 if won else 15)))
        rows.append((source, "large" if large else "small", created, ended if ended < end else None, won))
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("segments")


@pytest.fixture(scope="module")
def calibration(folder: Path) -> Calibration:
    return calibrate(write(folder, firm(1, 6000, 180), "2026-07-03"), out=folder / "firm.fitted.yaml")


def test_two_sets_of_groups_by_hand() -> None:
    """Sources at -1, 0, 1 and segments at -2, 0, 2, each pair seen once with variance 3: a source's mean has variance
    1. Where sources differ by 1 they keep half; segments that differ without bound keep all."""
    source, segment = np.repeat(np.arange(3), 3), np.tile(np.arange(3), 3)
    y = 0.7 + (source - 1.0) + 2.0 * (segment - 1.0)
    sets = (GroupEffects(source, np.ones(3), 1.0), GroupEffects(segment, np.ones(3), 1e3))
    of_sources, of_segments = posterior(y, np.full(9, 3.0), np.zeros(9, int), 1, sets)
    np.testing.assert_allclose(of_sources.value, [-0.5, 0.0, 0.5], atol=1e-6)
    np.testing.assert_allclose(of_segments.value, [-2.0, 0.0, 2.0], atol=1e-4)
    np.testing.assert_allclose(np.diag(of_sources.covariance), 1 / 3, atol=1e-6)  # as in test_calibration_pooling


def test_counts_by_hand(tmp_path: Path) -> None:
    """10 of 40 small and 20 of 40 large ones went on, half a lead added to both sides: ln(20.5/20.5 / (10.5/30.5))."""
    rows = counted({("web", "small"): (10, 30), ("web", "large"): (20, 20)})
    calibration = calibrate(write(tmp_path, rows, "2027-01-01"))
    assert (
        calibration.fits.names == () and calibration.segment_fits.tau == np.inf
    )  # two do not say how much segments differ
    (large, _), (small, _) = (calibration.segment_fits.of(name) for name in ("large", "small"))
    assert large - small == pytest.approx(np.log(30.5 / 10.5), abs=2e-3)
    assert large + small == pytest.approx(0.0, abs=1e-9)  # against the average lead, half of each
    assert [calibration.segments.of(name) for name in ("small", "large")] == [(40, 0.5), (40, 0.5)]
    assert calibration.stages[0].naive_segments == {"large": (20, 40), "small": (10, 40)}


def test_a_source_is_not_good_because_its_leads_are_large(tmp_path: Path) -> None:
    """Of small ones 20 % go on and of large ones 50 %, whatever the source; the fair brings three large ones to a small
    one, the web the reverse. By source alone 42.5 % and 27.5 % go on; told apart, the sources are alike."""
    rows = counted(
        {
            ("web", "small"): (60, 240),
            ("web", "large"): (50, 50),
            ("fair", "small"): (20, 80),
            ("fair", "large"): (150, 150),
        }
    )
    calibration = calibrate(write(tmp_path, rows, "2027-01-01"))
    fit = {name: calibration.fits.of(name)[0] for name in ("web", "fair")}
    assert abs(fit["web"] - fit["fair"]) < 0.01
    large, small = (calibration.segment_fits.of(name)[0] for name in ("large", "small"))
    assert large - small == pytest.approx(np.log(4.0), abs=0.02)
    share = {name: one.value for name, one in calibration.stages[0].sources.items()}
    assert share["fair"] - share["web"] == pytest.approx(0.15, abs=0.02)
    assert calibration.conversion().value == pytest.approx(0.35, abs=0.005)
    assert calibration.segments.by_source["web"][calibration.segments.names.index("large")] == pytest.approx(
        0.25, abs=0.02
    )


def test_intervals_hold_the_truth_of_short_histories(tmp_path: Path) -> None:
    """12 firms of 1,500 leads in 45 days. At a true 95 % fewer than 9 of 12 intervals hold a difference once in 5,000
    runs; the mean error is beyond 3.5 of its standard errors once in 2,000."""
    errors, held = [], []
    for seed in range(12):
        calibration = calibrate(write(tmp_path, firm(100 + seed, 1500, 45), "2026-02-18"))
        row = []
        for fits, one, other, truth in (
            (calibration.segment_fits, "large", "small", LARGE - SMALL),
            (calibration.fits, "web", "fair", WEB - FAIR),
        ):
            i, j = fits.names.index(one), fits.names.index(other)
            cov = fits.covariance
            error = np.sqrt(cov[i, i] + cov[j, j] - 2 * cov[i, j])
            row.append((fits.value[i] - fits.value[j] - truth) / error)
        errors.append(row)
        held.append(np.abs(row) < 1.96)
    assert (np.sum(held, axis=0) >= 9).all(), errors
    assert (np.abs(np.mean(errors, axis=0)) < 3.5 / np.sqrt(12)).all(), errors


def test_small_segments_are_drawn_further(tmp_path: Path) -> None:
    """Six segments: 600 leads keep what they say of themselves, 12 do not."""
    cells = {("web", f"s{i}"): (won, 600 - won) for i, won in enumerate((90, 120, 150, 180, 210))}
    calibration = calibrate(write(tmp_path, counted({**cells, ("web", "tiny"): (8, 4)}), "2027-01-01"))
    own = dict(zip(calibration.segment_fits.names, calibration.segment_fits.reliability, strict=True))
    assert own["tiny"] < 0.7 < 0.95 < min(own[f"s{i}"] for i in range(5))
    alone = np.log(8.5 / 4.5) - np.log(750 / 2250)
    assert 0.0 < calibration.segment_fits.of("tiny")[0] < 0.75 * alone
    assert calibration.grades()["segments"] == "measured, thin"


def test_written_and_in_flight(calibration: Calibration, folder: Path) -> None:
    text = yaml.safe_load((folder / "firm.fitted.yaml").read_text())
    assert text["segments"]["small"]["share"] == "rest"
    assert float(text["segments"]["large"]["share"].rstrip("%")) == pytest.approx(46, abs=2.5)
    for name in ("small", "large"):
        fit, error = calibration.segment_fits.of(name)
        assert text["segments"][name]["fit"] == pytest.approx(fit, abs=1e-3)
        assert text["fitted"]["segments"][name]["fit_se"] == pytest.approx(error, rel=1e-3)
    assert text["fitted"]["grades"]["segments"] == "measured"
    assert float(text["sources"]["fair"]["segments"]["small"].rstrip("%")) == pytest.approx(30, abs=3.5)
    header, *rows = (folder / "firm.in-flight.csv").read_text().splitlines()
    assert header == ",".join((*COLUMNS, "segment"))
    at = {row.split(",")[0]: row.split(",")[-1] for row in rows}
    segment = np.array(calibration.records.segments)[calibration.records.segment]
    assert at == {id_: segment[list(calibration.records.ids).index(id_)] for id_ in at}


def test_report(calibration: Calibration) -> None:
    text = calibration.report()
    section = text[text.index("Segments") : text.index("Leads in flight")]
    assert "fits of sources and segments add up" in section and "its own" in section
    fit, error = calibration.segment_fits.of("large")
    assert f"{fit:+.2f} +- {error:.2f}" in section


def test_the_fitted_file_runs_and_gives_the_shares(calibration: Calibration, folder: Path) -> None:
    """What the model says of each segment, over the sources' mixes, is what its simulated leads do: within 4.5 standard
    errors of counting (once in 30,000 runs for each of the two)."""
    path = folder / "next.yaml"
    path.write_text(
        "extends: firm.fitted.yaml\nobserve: 26 weeks\ncool_down: 26 weeks\n"
        "definitions: {won: enters customer}\nleads_in_flight: []\n",
        encoding="utf-8",
    )
    blueprint = compile_scenario(load(str(path)))
    names = blueprint.book.segments
    done = replicate(blueprint.plan(), 1, list(range(4)), "fast", 1)
    arrived = np.sum([one.arrived[0].sum(axis=0) for one in done.summaries], axis=0)
    won = np.sum([one.passages[0, 0]["count"].sum(axis=0) for one in done.summaries], axis=0)
    expected = {name: share.value for name, share in calibration.stages[0].segments.items()}
    for i, name in enumerate(names):
        error = np.sqrt(
            expected[name] * (1 - expected[name]) / arrived[i] + calibration.stages[0].segments[name].se ** 2
        )
        assert won[i] / arrived[i] == pytest.approx(expected[name], abs=4.5 * error)
    part = arrived[names.index("large")] / arrived.sum()
    assert part == pytest.approx(calibration.segments.of("large")[1], abs=4.5 * 0.5 / np.sqrt(arrived.sum()))


def test_a_draw_moves_a_segment_in_every_source(calibration: Calibration, folder: Path) -> None:
    path = folder / "draws.yaml"
    path.write_text("extends: firm.fitted.yaml\nobserve: 13 weeks\ndefinitions: {won: enters customer}\n")
    scenario = load(str(path)).scenario
    blueprint = compile_scenario(load(str(path)))
    (one,) = [each for each in blueprint.uncertain_inputs if each.path == "fitted.segments.large.fit"]
    moved = blueprint.plan(one.high).source_segments["fit_shift"] - blueprint.plan(one.low).source_segments["fit_shift"]
    by_source = moved.reshape(-1, len(blueprint.book.segments))
    far = 2 * 1.6448536 * calibration.segment_fits.of("large")[1]
    at = blueprint.book.segments.index("large")
    np.testing.assert_allclose(by_source[:, at], far, rtol=1e-3)
    assert (np.delete(by_source, at, axis=1) == 0).all()
    owner, learn = owner_and_method(one.path, scenario)
    assert owner == MARKET and "this segment" in learn


# ---- known too late --------------------------------------------------------------------------------------------------


def test_the_rule_by_hand() -> None:
    """Of 200 leads 100 went on; 90 of them and 60 of the others have a segment: apart by 0.3, error of chance 0.061."""
    given = np.repeat([True, False, True, False], [90, 10, 60, 40])
    lead = np.concatenate([np.arange(200), np.arange(100)])
    (one,) = label_leakage(("lead", "customer"), given, lead, np.repeat([0, 1], [200, 100]))
    assert (one.went, one.others) == (0.9, 0.6)
    assert one.error == pytest.approx(np.sqrt(0.75 * 0.25 * 2 / 100))
    assert one.refused and one.suspicious


@pytest.mark.parametrize(
    ("went", "others", "error", "refused", "told"),
    [
        (0.95, 0.80, 0.02, True, True),
        (0.80, 0.95, 0.02, True, True),  # written down of the lost
        (0.95, 0.80, 0.06, False, False),  # chance may have done it
        (0.95, 0.90, 0.01, False, True),
        (0.99, 0.97, 0.001, False, False),
        (0.08, 0.02, 0.005, True, True),  # seldom given, but four times as often
    ],
)
def test_what_is_refused(went: float, others: float, error: float, refused: bool, told: bool) -> None:
    one = LeakageTest("lead", went, others, error)
    assert (one.refused, one.suspicious) == (refused, told)


def test_a_segment_asked_of_buyers_only_is_refused(tmp_path: Path) -> None:
    rows = [
        (source, segment if won and ended else "", at, ended, won)
        for source, segment, at, ended, won in firm(3, 1500, 180)
    ]
    with pytest.raises(DataError, match=r"segment is given for 100 % .* from lead and 0 % of the others"):
        calibrate(write(tmp_path, rows, "2026-07-03"))


def test_a_word_for_nothing_is_nothing(tmp_path: Path) -> None:
    """`n/a` in the cells of the others hides it from nobody who says what it means."""
    rows = [
        (source, segment if won and ended else "n/a", at, ended, won)
        for source, segment, at, ended, won in firm(3, 1500, 180)
    ]
    history = HISTORY.replace("segment: segment", "segment: {{column: segment, same: {{n/a: unknown}}}}")
    with pytest.raises(DataError, match="it would tell of the outcome"):
        calibrate(write(tmp_path, rows, "2026-07-03", history))


def test_what_stands_in_the_cells_is_given_whatever_empty_ones_are_called(tmp_path: Path) -> None:
    """`empty: small` for the few blanks: that large ones go on more often is no hindsight."""
    rows = [
        (source, "" if i % 20 == 0 and segment == "small" else segment, at, ended, won)
        for i, (source, segment, at, ended, won) in enumerate(firm(8, 3000, 180))
    ]
    history = HISTORY.replace("segment: segment", "segment: {{column: segment, empty: small}}")
    calibration = calibrate(write(tmp_path, rows, "2026-07-03", history))
    assert set(calibration.records.segments) == {"small", "large"}


def test_more_values_than_anybody_has_segments_are_refused(tmp_path: Path) -> None:
    rows = [
        (source, f"kind {i % 51}", at, ended, won) for i, (source, _, at, ended, won) in enumerate(firm(9, 200, 90))
    ]
    with pytest.raises(DataError, match="segment has 51 values: too many for segments, at most 50"):
        calibrate(write(tmp_path, rows, "2026-04-04"))


def test_gaps_that_have_nothing_to_do_with_the_outcome_are_a_segment(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    rows = [
        (source, segment if rng.random() < 0.7 else "", at, ended, won)
        for source, segment, at, ended, won in firm(4, 3000, 180)
    ]
    calibration = calibrate(write(tmp_path, rows, "2026-07-03"))
    assert set(calibration.records.segments) == {"small", "large", "unknown"} and calibration.records.leakage == ()


def test_a_small_difference_is_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    rows = [
        (source, segment if won or rng.random() < 0.94 else "", at, ended, won)
        for source, segment, at, ended, won in firm(5, 4000, 180)
    ]
    text = calibrate(write(tmp_path, rows, "2026-07-03")).report()
    assert "lead: the segment is given for 100.0 % of the leads that went on" in text


def test_olist_asked_its_sellers_not_its_leads(tmp_path: Path) -> None:
    """`business_segment` stands in the table of closed deals: a trap."""
    if not OLIST.is_dir():
        pytest.skip("the Olist data are not here")
    text = (ROOT / "calibration" / "olist.history.yaml").read_text(encoding="utf-8")
    path = tmp_path / "olist.history.yaml"
    path.write_text(text + "segment: deals.business_segment\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"business_segment is given for \d+ % .* from contact and 0 % of the others"):
        calibrate(path, data_dir=OLIST)


# ---- recognised ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Segment", "Industry", "Company size", "customer_tier"])
def test_a_segment_is_recognised_by_its_name(name: str, tmp_path: Path) -> None:
    write(tmp_path, firm(6, 600, 90), "2026-04-04")
    file = tmp_path / "leads.csv"
    file.write_text(file.read_text().replace("segment", name, 1))
    text = write_history(file, tmp_path / "it.history.yaml").text
    assert f"segment: {{column: {'leads.' + name}, empty: unknown}}" in text.replace('"', "")
    assert set(calibrate(tmp_path / "it.history.yaml").records.segments) == {"small", "large"}


@pytest.mark.parametrize(
    ("segment", "note"),
    [
        (lambda i, won: f"kind {i % 40}", "segment has 40 values: too many for segments, so it is left out."),
        (lambda i, won: "dentist" if i % 2 else "", None),
        (lambda i, won: ("dentist", "")[i % 2] if won else ("baker", "", "")[i % 3], "segment is given in"),
        (lambda i, won: "dentist", None),
    ],
)
def test_it_is_left_out_when_it_cannot_be_one(segment: object, note: str | None, tmp_path: Path) -> None:
    rows = [
        (source, segment(i, won), at, ended, won)  # type: ignore[operator]
        for i, (source, _, at, ended, won) in enumerate(firm(7, 600, 90))
    ]
    write(tmp_path, rows, "2026-04-04")
    text = write_history(tmp_path / "leads.csv", tmp_path / "it.history.yaml").text
    assert "\nsegment:" not in text
    assert note is None or note in text
