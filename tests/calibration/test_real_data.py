"""Two real histories. Their data are not shipped: without them these tests are skipped."""

import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from funnelsim.calibration import Calibration, calibrate
from funnelsim.scenario import load

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
OLIST, BPI = DATA / "olist_funnel_asof_2018-03-31", DATA / "bpic2012_asof_2011-12-31"


@pytest.fixture(scope="module")
def olist(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    if not OLIST.is_dir():
        pytest.skip("the Olist data are not here")
    return calibrate(
        ROOT / "calibration" / "olist.history.yaml", tmp_path_factory.mktemp("olist") / "olist.fitted.yaml", OLIST
    )


@pytest.fixture(scope="module")
def bpi(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    if not BPI.is_dir():
        pytest.skip("the BPI 2012 data are not here")
    return calibrate(
        ROOT / "calibration" / "bpic2012.history.yaml", tmp_path_factory.mktemp("bpi") / "bpi.fitted.yaml", BPI
    )


def test_olist_rows(olist: Calibration) -> None:
    assert olist.leads == 5344
    assert [(count.rows, count.lines) for count in olist.issues.counts.values()] == [(1, [273])]  # won before contact
    assert "unknown" in olist.records.sources and olist.value is None and not olist.arrivals.hours_known


def test_olist_2018_naive_and_fitted(olist: Calibration) -> None:
    """Naive counting says 6 % of all and 9 % of 2018's; the fit does not fall from month to month."""
    assert olist.naive() == pytest.approx(0.0627, abs=0.0005)
    since = olist.history.changes[-1].timestamp()
    assert olist.naive(since=since) == pytest.approx(0.0949, abs=0.0005)
    months = {name: (seen / size, share) for name, size, seen, share in olist.cohorts if name.startswith("2018")}
    assert list(months) == ["2018-01", "2018-02", "2018-03"]
    naive = [naive for naive, _ in months.values()]
    assert naive[2] < 0.7 * naive[0]
    for _, share in months.values():
        assert share.low < olist.conversion().value < share.high
    assert naive[0] < olist.conversion().low


def test_olist_against_a_count_that_needs_no_model(olist: Calibration) -> None:
    """Won within 30 days: leads of January and February 2018, all of them followed that long, simply counted."""
    visits = olist.records.visits
    mine = (visits.stage == 0) & (visits.entered >= olist.history.changes[-1].timestamp())
    mine &= visits.entered < olist.records.as_of - 30 * 86400
    won = mine & (visits.left - visits.entered <= 30 * 86400)
    stage = olist.stages[0]
    fitted = stage.share("customer").value * stage.fit.gone_by(0, np.array([30 * 86400.0]))[0]
    low, high = stats.binomtest(int(won.sum()), int(mine.sum())).proportion_ci(0.99)
    assert low < fitted < high


def test_olist_file_is_a_base_for_scenarios(olist: Calibration) -> None:
    out = olist.files[0]
    (out.parent / "next.yaml").write_text(
        f"extends: {out.name}\nobserve: 8 weeks\ndefinitions: {{won: enters customer}}\n"
    )
    scenario = load(str(out.parent / "next.yaml")).scenario
    assert str(scenario.start) == "2018-04-01" and len(scenario.sources) == 10
    assert scenario.stages["contact"].next["customer"].value == pytest.approx(
        olist.stages[0].share("customer").value, abs=2e-5
    )


def test_olist_in_under_a_second(olist: Calibration) -> None:
    """Processor time of the best of three: the machine may be busy with other tests."""
    spent = []
    for _ in range(3):
        began = time.process_time()
        calibrate(ROOT / "calibration" / "olist.history.yaml", data_dir=OLIST)
        spent.append(time.process_time() - began)
    assert min(spent) < 1.0


def test_bpi(bpi: Calibration) -> None:
    assert bpi.leads == 7455
    path = {stage.name: stage.order for stage in bpi.stages}
    assert path == {
        "submitted": ("preaccepted", "lost"),
        "preaccepted": ("offered", "lost"),
        "offered": ("sent_back", "approved", "lost"),
        "sent_back": ("approved", "offered", "lost"),
    }
    whole = bpi.conversion()
    assert bpi.naive() == pytest.approx(0.152, abs=0.001) and bpi.naive() < whole.low < 0.18 < whole.high + 0.005
    for stage in bpi.stages:
        assert sum(stage.share(target).value for target in stage.order) <= 1


def test_bpi_time_out_after_thirty_days(bpi: Calibration) -> None:
    timers = {(stage.name, timer.exit): timer for stage in bpi.stages for timer in stage.timeouts}
    assert set(timers) == {("preaccepted", "lost"), ("offered", "lost")}
    assert all(30 < timer.days < 31.5 for timer in timers.values())
    assert "136 of 1,193 fall on one day, 30.7 days after entry: a time-out" in bpi.report()


def test_bpi_file_is_a_base_for_scenarios(bpi: Calibration) -> None:
    out = bpi.files[0]
    (out.parent / "next.yaml").write_text(
        f"extends: {out.name}\nobserve: 4 weeks\ndefinitions: {{won: enters approved}}\n"
    )
    assert list(load(str(out.parent / "next.yaml")).scenario.stages) == list(bpi.records.stages)


def read(name: str, folder: str, tmp_path: Path) -> Calibration:
    if not (DATA / folder).is_dir():
        pytest.skip(f"the {name} data are not here")
    return calibrate(ROOT / "calibration" / f"{name}.history.yaml", tmp_path / "it.fitted.yaml", DATA / folder)


def test_maven_is_won_in_two_modes(tmp_path: Path) -> None:
    """Deals are won within days or after months, and both modes are kept; Prospecting has not begun."""
    calibration = read("maven", "maven_crm_fictitious", tmp_path)
    assert calibration.leads == 8300 and {count.reason: count.rows for count in calibration.issues.dropped} == {
        "no time in any stage": 500
    }
    stage = calibration.stages[0]
    assert stage.seen("customer") == 4238 and stage.seen("lost") == 2473
    assert stage.targets.count("customer") >= 2
    days = sorted(stage.fit.median([j]) / 86400 for j in stage.of("customer"))
    assert days[0] < 20 and days[-1] > 60
    assert "GTX Pro" in calibration.records.sources and "GTXPro" not in calibration.records.sources
    assert calibration.fits.reliability[calibration.fits.names.index("GTK 500")] < 0.6  # 40 deals say little


def test_call_centre_quirks(tmp_path: Path) -> None:
    """Phantom calls left out; who hung up in the menu never asked; a negative menu time harms nothing."""
    calibration = read("call-centre", "call_centre_1999-02-01_21", tmp_path)
    assert calibration.team is not None and calibration.team.order is not None
    told = {count.reason: count.rows for count in calibration.issues.counts.values()}
    # 1,659 hung up before the queue; 17 of the other calls have neither a queue nor a server.
    assert told["neither asked for nor begun"] == 1_676
    assert told["begun before it was asked for (taken as asked for then)"] == 39
    pieces = calibration.team.pieces
    assert len(pieces) == 20_899 + 4_770 - 1_676 and np.isfinite(pieces.asked).all()  # of 25,890 with 221 phantoms
    assert pieces.wait.min() >= 0
    assert calibration.team.order.higher_first == pytest.approx(0.77, abs=0.02)  # priority 2 mostly goes first


def test_cdnow_buys_again(tmp_path: Path) -> None:
    calibration = read("cdnow", "cdnow_asof_1997-09-30", tmp_path)
    assert calibration.repeat is not None and calibration.repeat.customers == 23_570
    assert calibration.repeat.repeats > 10_000 and calibration.repeat.best.model == "bg/nbd"


def test_consulta(tmp_path: Path) -> None:
    """Requests that come back to an earlier step, and losses that are taken back."""
    calibration = read("consulta", "consulta_datamining", tmp_path)
    assert (
        calibration.leads == 952
        and "requested" in {stage.name: stage.order for stage in calibration.stages}["validated"]
    )
    assert any(count.reason.startswith("lost, yet went on") for count in calibration.issues.changed)


def test_purchasing(tmp_path: Path) -> None:
    calibration = read("purchasing", "purchasing_example_synthetic", tmp_path)
    assert calibration.leads == 608 and calibration.naive() == pytest.approx(413 / 608)
    assert not calibration.issues.counts
