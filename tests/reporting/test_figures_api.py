"""fs.figures: every figure as a function, formats by choice; and results as frames, arrays and in a notebook."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

import funnelsim as fs
from funnelsim.cli import code_of
from funnelsim.errors import UsageError
from funnelsim.reporting.common.figure_formats import formats_of
from support.drifting_history import write_funnel
from support.saved_results import NASTY, grid, results, studies
from support.small_funnel import write_small

ROOT = Path(__file__).parents[2]


def words(figure: Figure) -> set[str]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.draw_without_rendering()
    texts = [text for axes in figure.axes for text in axes.texts] + [axes.title for axes in figure.axes]
    legends = [
        text
        for one in (*figure.legends, *(axes.get_legend() for axes in figure.axes))
        if one
        for text in one.get_texts()
    ]
    titles = [axes.get_title(where) for axes in figure.axes for where in ("left", "center")]
    return {" ".join(said.split()) for said in (*titles, *(text.get_text() for text in (*texts, *legends)))}


# ---- figures -------------------------------------------------------------------------------------------------------


def test_every_figure_of_every_result_is_the_one_that_was_saved() -> None:
    for done in (*results(), *studies()):
        assert done.folder is not None
        saved = {file.stem for file in done.folder.glob("*.svg")}
        drawn = fs.figures.all_figures(done)
        assert set(drawn) == saved and all(isinstance(one, Figure) for one in drawn.values())
    assert {"funnel", "response", "backlog", "utilisation", "burn-up", "response-curves"} <= set(
        fs.figures.all_figures(results().run)
    ) & set(fs.figures.all_figures(results().compare))


def test_each_figure_is_a_function() -> None:
    run, compared, swept, sought = results()
    drawn = [
        fs.figures.funnel(run),
        fs.figures.funnel(compared),
        fs.figures.response(run),
        fs.figures.response(compared),
        fs.figures.burn_up(run),
        fs.figures.burn_up(compared),
        fs.figures.backlog(run),
        fs.figures.backlog(compared),
        fs.figures.utilisation(run),
        fs.figures.utilisation(compared),
        fs.figures.breaches(run),
        fs.figures.response_curves(run),
        fs.figures.response_curves(compared),
        fs.figures.outcomes(compared),
        fs.figures.curves(swept),
        fs.figures.points(swept, "won"),
        fs.figures.chance(sought),
    ]
    assert all(isinstance(one, Figure) and one.axes for one in drawn)
    of_studies = {"waterfall", "tornado", "indices", "trials", "front", "settings", "fans", "coverage", "pit", "fit"}
    public = set(fs.figures.__all__) - {"all_figures", "heat_map", "contour"} - of_studies
    assert public == {
        "funnel",
        "response",
        "burn_up",
        "backlog",
        "utilisation",
        "breaches",
        "response_curves",
        "outcomes",
        "curves",
        "points",
        "chance",
    }, "a new figure is tested here"


def test_each_figure_of_a_study_is_the_one_of_its_name() -> None:
    """Drawn alone and with `all_figures` it has the same words; what a study has not is said."""
    done = studies()
    assert fs.figures.all_figures(done.chance) == {}, "a chance is a sentence"
    for drawn, one, names in (
        (fs.figures.all_figures(done.explain), done.explain, ["waterfall"]),
        (fs.figures.all_figures(done.sensitivity), done.sensitivity, ["tornado", "indices"]),
        (fs.figures.all_figures(done.optimise), done.optimise, ["trials"]),
        (fs.figures.all_figures(done.front), done.front, ["front", "settings"]),
        (fs.figures.all_figures(done.backtest), done.backtest, ["fans", "coverage", "pit"]),
    ):
        assert list(drawn) == names
        for name in names:
            said = words(getattr(fs.figures, name)(one))
            assert said == words(drawn[name]) and len(said) > 1
    rows = fs.figures.tornado(done.sensitivity).axes[0].get_yticklabels()
    assert "promises.adherence" in [row.get_text() for row in rows]
    for draw, wrong, message in (
        (fs.figures.front, done.optimise, "a front is of several objectives"),
        (fs.figures.settings, done.optimise, "a front of several objectives"),
        (fs.figures.trials, done.front, "trials are drawn for one objective"),
    ):
        with pytest.raises(UsageError, match=message):
            draw(wrong)


def test_the_fit_of_a_calibration_is_drawn_stage_by_stage(tmp_path: Path) -> None:
    found = fs.calibrate(write_funnel(tmp_path, 1))
    first = found.stages[0].name
    assert list(fs.figures.all_figures(found)) == [f"{i}-{one.name}" for i, one in enumerate(found.stages, 1)]
    assert words(fs.figures.fit(found)) == words(fs.figures.fit(found, first))
    assert any(f"leaving {first}" in one for one in words(fs.figures.fit(found)))
    with pytest.raises(UsageError, match=f"no stage 'deal'; it has {first}"):
        fs.figures.fit(found, "deal")
    assert found.frame()["stage"].to_list()[0] == first and repr(found).startswith("<Calibration of 'Made up' as of ")
    assert _Cells(found._repr_html_()).strong == found.report().splitlines()[0]


def test_funnels_of_runs_stand_side_by_side_on_one_scale() -> None:
    run = results().run
    figure = fs.figures.funnel(run, run)
    assert len(figure.axes) == 2 and figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert {NASTY, f"{NASTY} (2)"} <= words(figure)
    conversion = run["cohort.conversion.interest"].mean
    entered = run["cohort.entered.interest"].mean
    assert any(text.startswith(f"{entered:,.0f}") and f"{100 * conversion:.1f} %" in text for text in words(figure))


def test_contours_pass_between_the_points_that_were_run() -> None:
    """Of two terms; the heat map of the same figures marks their highest."""
    swept = grid()
    won = swept.frame().filter(pl.col("measure") == "cohort.won")["mean"].to_numpy()
    assert len(won) == 16
    figure = fs.figures.contour(swept)
    heights = [float(text.get_text()) for text in figure.axes[0].texts if re.fullmatch(r"[\d.]+", text.get_text())]
    assert heights and all(won.min() <= one <= won.max() for one in heights)
    assert figure.axes[0].get_xlim() == (1.0, 16.0), "at their true distances"
    assert isinstance(fs.figures.heat_map(swept, "attainment.interest.sales"), Figure)


def test_what_cannot_be_drawn_is_said() -> None:
    run, compared, swept, _ = results()
    for wrong, message in (
        (lambda: fs.figures.heat_map(swept), "a heat map is of a grid of two axes"),
        (lambda: fs.figures.contour(swept), "contours take a grid of two axes of numbers, each with 4 values"),
        (lambda: fs.figures.curves(grid()), "curves are of one axis"),
        (lambda: fs.figures.points(swept, "lost"), "this sweep has no measure 'lost'; it has cohort.won"),
        (lambda: fs.figures.funnel(), "this figure is of results of `run` or of one of `compare`"),
        (lambda: fs.figures.funnel(run, compared), "give one comparison, or any number of runs"),
    ):
        with pytest.raises(UsageError, match=message):
            wrong()


def test_drawing_leaves_nothing_global_behind() -> None:
    # the items of the dict itself: to read the backend otherwise would import pyplot
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests' / 'reporting')!r}); import matplotlib\n"
        "before = [*dict.items(matplotlib.rcParams)]\n"
        "import test_report as t\nt.outcomes(), t.backlog(), t.funnels(), t.curves()\n"
        "assert [*dict.items(matplotlib.rcParams)] == before\nassert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- formats -------------------------------------------------------------------------------------------------------


def test_formats_are_a_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_small(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert code_of(["run", "small.yaml", "-n", "2", "--figures", "pdf,svg", "-q"]) == 0
    folder = next(Path("results").iterdir())
    assert {file.suffix for file in folder.iterdir()} == {".json", ".txt", ".csv", ".parquet", ".pdf", ".svg"}
    assert all(file.read_bytes().startswith(b"%PDF") for file in folder.glob("*.pdf"))
    capsys.readouterr()
    for command in ("run", "compare", "sweep", "seek", "explain", "sensitivity", "optimise", "backtest"):
        assert code_of([command, "small.yaml", "--figures", "svg,pfd"]) == 2
        assert "no format 'pfd'; did you mean 'pdf'?" in capsys.readouterr().err
    with pytest.raises(UsageError, match="--figures: no format 'gif'; there are png, svg, pdf"):
        fs.run("small.yaml", figures=["gif"], out=None)


def test_formats_may_be_said_in_several_ways() -> None:
    assert formats_of(True) == ("png", "svg") and formats_of(False) == formats_of("") == formats_of(()) == ()
    assert formats_of(" PDF, svg,pdf") == formats_of(["pdf", "svg"]) == ("pdf", "svg")


# ---- frames, arrays, notebooks -------------------------------------------------------------------------------------


def test_frames_are_the_tables_that_were_saved() -> None:
    run, compared, swept, sought = results()
    explained, sensed, optimised, _, told, backtested = studies()
    for done, name in (
        (run, "measures.csv"),
        (compared, "differences.csv"),
        (swept, "sweep.csv"),
        (sought, "seek.csv"),
        (explained, "shares.csv"),
        (sensed, "sensitivity.csv"),
        (optimised, "trials.csv"),
        (told, "chance.csv"),
        (backtested, "forecasts.csv"),
    ):
        assert done.folder is not None
        saved = pl.read_csv(done.folder / name, infer_schema_length=None)
        frame = done.frame()
        assert frame.columns == saved.columns and len(frame) == len(saved) > 1
        for column in (one for one in frame.columns if frame.schema[one] == pl.Float64):
            np.testing.assert_array_equal(frame[column].to_numpy(), saved[column].cast(pl.Float64).to_numpy())
    assert run.folder is not None
    for name, frame in (
        ("replications", run.replications()),
        ("series", run.series()),
        ("responses", run.responses()),
        ("breaches", run.breach_hours()),
    ):
        assert frame.equals(pl.read_parquet(run.folder / f"{name}.parquet"))
    assert fs.Result.load(run.folder).frame().equals(run.frame())


def test_a_manifest_names_the_optional_packages_that_had_a_part() -> None:
    assert "optuna" in studies().optimise.manifest.versions
    assert "optuna" not in results().run.manifest.versions
    assert "log-distance-measures" not in studies().backtest.manifest.versions, "no distances were asked for"


def test_arrays_have_an_axis_for_what_was_repeated() -> None:
    run, compared, swept, _ = results()
    assert run.values("cohort.won").shape == (6,)
    assert run.values("cohort.won").mean() == run["cohort.won"].mean
    assert compared.values("cohort.won").shape == (3, 2)
    difference = compared.values("cohort.won") - compared.values("cohort.won", NASTY)
    row = compared.frame().filter(pl.col("measure") == "cohort.won", pl.col("scenario") == "More <b>sales</b>")
    assert difference.mean() == pytest.approx(row["mean"][0]) and row["unit"][0] == "leads"
    assert swept.values("cohort.won", "More <b>sales</b>").shape == (3, 3)
    rows = compared.replications().filter(pl.col("measure") == "cohort.won", pl.col("scenario") == NASTY)
    np.testing.assert_array_equal(rows["value"].to_numpy().reshape(3, 2), compared.values("cohort.won", NASTY))


def test_a_result_says_in_a_line_what_it_is() -> None:
    run, compared, swept, sought = map(repr, results())
    assert run.startswith(f"<Result of {NASTY!r}: 6 replications, seed 1, ") and run.endswith(" measures>")
    assert compared.endswith(": 3 draws x 2 pairs, seed 1>") and swept.endswith(
        ": 3 points of sources.web.rate, seed 1>"
    )
    assert "sources.web.rate for wins 20" in sought and all(len(one) < 300 for one in (run, compared, swept, sought))
    explained, sensed, optimised, front, told, backtested = map(repr, studies())
    assert explained.startswith(f"<Explanation of 'More <b>sales</b>' against {NASTY!r}: cohort.won, ")
    assert sensed == f"<Sensitivity of {NASTY!r}: cohort.won by 2 inputs, seed 1>"
    assert optimised.endswith(": highest cohort.profit over sources.web.rate, 4 trials, seed 1>")
    assert "highest cohort.profit and lowest calendar.cost over" in front
    assert told == f"<Chance of {NASTY!r}: wins 20, 8 periods, seed 1>"
    assert re.fullmatch(r"<Back-test of 'Made up': \d+ forecasts from 3 instants, seed \d+>", backtested)


def test_a_notebook_shows_the_answer_and_a_table() -> None:
    for done in (*results(), *studies()):
        card = done._repr_html_()
        assert done.folder is not None
        sentence = (done.folder / "answer.txt").read_text(encoding="utf-8").splitlines()[0]
        reader = _Cells(card)
        assert reader.strong == sentence and reader.rows > 1
        assert "<script" not in card and "<b>" not in card
    assert "cohort.revenue" in results().run._repr_html_() and "€" in results().run._repr_html_()


class _Cells(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.strong, self.rows, self._within = "", 0, ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        self.rows += tag == "tr"

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "strong":
            self.strong += data
