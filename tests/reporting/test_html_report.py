"""`funnelsim report`: one file that says what the saved folders say, whatever their names, and refuses torn ones."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
import shlex
import shutil
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import funnelsim as fs
from funnelsim.cli import code_of
from funnelsim.errors import DataError, UsageError
from funnelsim.reporting.html import page as pages
from funnelsim.reporting.html.images import picture_of
from funnelsim.reporting.html.sections import KINDS
from funnelsim.scenario import load
from funnelsim.scenario.evidence import evidence_of
from support.saved_results import NASTY, results, studies

VOID = {"meta", "link", "img", "br", "input", "hr"}
SVG_ALONE = {"path", "use", "rect", "image", "line", "circle"}


class Reader(HTMLParser):
    """Reads a page and demands what a browser would forgive: every tag closed in its turn, ids used once."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[tuple[tuple[str, ...], str]] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"
        ids = Counter(attributes["id"] for _, attributes in self.tags if "id" in attributes)
        assert max(ids.values()) == 1, ids.most_common(1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.open or tag in VOID, f"<{tag}/> is no element of HTML that ends itself"
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append((tuple(self.open), data))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def said(self, tag: str) -> list[str]:
        """The words directly within each tag of a name."""
        return [text.strip() for path, text in self.words if path[-1] == tag]


def written(folders: list[Path], tmp_path: Path, **options: Any) -> str:
    done = fs.report(*folders, out=tmp_path / "report.html", **options)
    assert done.size == done.file.stat().st_size < 2_000_000
    return done.file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(results().folders, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def reader(text: str) -> Reader:
    return Reader(text)


# ---- what is in the file -------------------------------------------------------------------------------------------


def test_a_report_of_a_run_a_comparison_a_sweep_and_a_search_is_well_formed(reader: Reader) -> None:
    assert len(reader.of("section")) == len(reader.of("li")) == 4
    assert [text for path, text in reader.words if path[-1] == "span" and "h2" in path] == [
        "Run",
        "Comparison",
        "Sweep",
        "Search",
    ]
    assert reader.of("html") == [{"lang": "en"}] and len(reader.of("h1")) == len(reader.of("title")) == 1
    assert any(one.get("name") == "viewport" for one in reader.of("meta"))
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h\d", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels)), "no heading is skipped"


def test_the_answer_comes_first_and_is_the_one_that_the_command_gave(text: str, reader: Reader) -> None:
    told = [(folder / "answer.txt").read_text(encoding="utf-8").splitlines()[0] for folder in results().folders]
    assert [words for path, words in reader.words if path[-1] == "p" and words in told] == told
    body = text[text.index("</nav>") :]
    assert body.index('class="answer"') < body.index("<figure>") < body.index("<table>")
    assert "won of" in told[0] and "customers in the cohort" in told[1] and "wins 20" in told[3]


def test_names_are_words_and_never_markup(text: str, reader: Reader) -> None:
    assert len(reader.of("script")) == 1 and not reader.of("b")
    assert "alert(" not in "".join(reader.said("script"))
    assert any(NASTY in words for words in reader.said("h2")), "shown as it is written"
    assert any(words.startswith(NASTY) for words in reader.said("text")), "in figures too"
    assert "49" not in reader.said("h1")[0] and "{{ 7 * 7 }}" in reader.said("h1")[0]


def test_every_number_of_measures_csv_is_in_the_file_digit_by_digit(tmp_path: Path) -> None:
    folder = results().folders[0]
    page = written([folder], tmp_path)
    body = page[page.index('<caption class="hidden">Every measure') :].split("</table>")[0]
    rows = re.findall(r"<tr>(<td.*?)</tr>", body)
    digits = [re.findall(r'data-digits="([^"]*)"', row) for row in rows]
    with (folder / "measures.csv").open(encoding="utf-8") as stream:
        saved = list(csv.DictReader(stream))
    assert len(digits) == len(saved) > 50
    columns = ("mean", "low", "high", "period_low", "period_high", "replications")
    for mine, row in zip(digits, saved, strict=True):
        wanted = [row[name] for name in columns if row[name]]
        assert [float(one) for one in mine] == [float(one) for one in wanted], row["key"]
    won = next(i for i, row in enumerate(saved) if row["key"] == "cohort.rate.won")
    assert f"{100 * float(saved[won]['mean']):.1f} %" in rows[won], "and as people read it"


def test_chances_are_read_as_shares_and_counts_in_their_unit(reader: Reader) -> None:
    found, cells = results().seek.result.points[0], reader.said("td")
    assert (found.text, f"{100 * found.chance:.1f} %") in zip(cells, cells[3:], strict=False)
    better = results().compare.frame().row(0, named=True)["better"]
    assert f"{100 * better:.1f} %" in cells


def test_what_it_rests_on_has_grades(reader: Reader) -> None:
    cells = reader.said("td")
    at = cells.index("stages.interest.response")
    assert cells[at + 1 : at + 3] == ["leads360-2012", "B: reputable report of a named study"]
    assert "Leads360" in cells[at + 3]
    assert "written: as in the file" in cells


def test_grounds_of_a_fitted_scenario_are_its_history_presets_and_ranges() -> None:
    scenario = load(str(Path(__file__).parents[2] / "scenarios" / "shared-funnel.yaml")).scenario
    found = {
        one.path: one for one in evidence_of(scenario, {"effects.context_lost": [0.6, 1.0], "a.new.one": [1.0, 2.0]})
    }
    assert found["conversion, times and arrivals"].grade == "fitted"
    assert found["stages.interest.response"].grade == "B"
    assert found["effects.context_lost.odds"].grade == "assumption", "not a second time as a range"
    assert found["a.new.one"].value == "1 to 2" and found["a.new.one"].grade == "belief"
    assert "effects.context_lost" not in found


def test_what_differs_is_told_with_its_nature(reader: Reader) -> None:
    cells = reader.said("td")
    at = cells.index("ownership.interest")
    assert cells[at + 1] == "policy" and "marketing: 50%" in cells[at + 2] and "sales" in cells[at + 3]
    assert "sources.web.rate" in cells, "what is varied"


def test_runs_of_different_scenarios_are_set_against_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "larger"
    shutil.copytree(results().folders[0], folder)
    data = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    data["resolved"][0]["scenario"]["teams"]["sales"]["people"] = 3
    (folder / "manifest.json").write_text(json.dumps(data), encoding="utf-8")
    reader = Reader(written([results().folders[0], folder], tmp_path))
    assert reader.said("h2")[-1] == "What differs between these results"
    assert reader.said("td")[-4:] == ["teams.sales.people", "policy", "1", "3"]


def test_the_manifest_is_there_and_how_to_repeat_it(reader: Reader) -> None:
    cells, run = reader.said("td"), results().run
    assert run.manifest.digest in cells and run.manifest.plan in cells and "version of numpy" in cells
    assert run.folder is not None
    assert f"funnelsim run {shlex.quote(f'{run.folder.name}/manifest.json')}" in reader.said("code")


def test_pictures_are_in_the_file_with_words_for_those_who_do_not_see_them(reader: Reader) -> None:
    expected = sum(len(list(folder.glob("*.svg"))) for folder in results().folders)
    assert len(reader.of("figure")) == len(reader.said("figcaption")) == expected >= 8
    assert all(one.get("alt") for one in reader.of("img"))
    pictures = [one for one in reader.of("div") if one.get("role") == "img"]
    assert pictures and all(one["aria-label"] for one in pictures)


def test_nothing_can_be_fetched_and_no_script_run_but_its_own(text: str, reader: Reader) -> None:
    for tag, attributes in reader.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), f"{tag} {name}"
            if name in ("src", "href", "xlink:href", "action", "data"):
                assert value and value.startswith(("#", "data:")), f"{tag} {name}={value}"
    assert not re.search(r"@import|url\((?!#)", text)
    script = text.split("<script>")[1].split("</script>")[0]
    policy = next(one["content"] for one in reader.of("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy and "default-src 'none'" in policy
    assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy


def test_the_same_folders_give_the_same_bytes(text: str, tmp_path: Path) -> None:
    assert written(results().folders, tmp_path) == text


def test_the_command_says_the_answers_and_where_the_file_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "a result"
    shutil.copytree(results().folders[3], folder)
    assert code_of(["report", str(folder / "manifest.json"), "--title", "Monday"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == (folder / "answer.txt").read_text(encoding="utf-8").splitlines()[0]
    file = tmp_path / "a result.html"
    assert f"report: {file} (" in out and "<h1>Monday</h1>" in file.read_text(encoding="utf-8")
    assert code_of(["report", str(folder), str(results().folders[0]), "--json", "-q"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert Path(told["file"]).name == "a result-and-1-more.html" and len(told["answers"]) == 2


# ---- kinds to come, and too much of them ---------------------------------------------------------------------------


def test_a_kind_without_an_entry_is_reported_by_what_its_folder_holds(tmp_path: Path) -> None:
    folder = tmp_path / "future-thing"
    shutil.copytree(results().folders[0], folder)
    data = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(data | {"kind": "foresee"}), encoding="utf-8")
    (folder / "omens.csv").write_text("omen,share\ncrows,0.5\nowls,\n", encoding="utf-8")
    (folder / "event-log.csv").write_text("case\n1\n", encoding="utf-8")
    reader = Reader(written([folder], tmp_path))
    assert "Foresee" in reader.said("span") and {"crows", "0.50", "-"} <= set(reader.said("td"))
    assert {"omens.csv", "measures.csv"} <= set(reader.said("caption")), "by the names of their files"
    assert "event-log.csv" not in reader.said("caption")
    assert "burn up" in reader.said("figcaption")


def test_a_back_test_has_no_scenario_and_is_reported_beside_others(tmp_path: Path) -> None:
    folder = tmp_path / "backtest-mine"
    folder.mkdir()
    manifest = json.loads((results().folders[0] / "manifest.json").read_text(encoding="utf-8"))
    manifest |= {"kind": "backtest", "resolved": [], "beliefs": {}, "design": {"size": {"draws": 9}}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "answer.txt").write_text("Mine: 88 % of 90 % intervals held what happened.\n", encoding="utf-8")
    (folder / "forecasts.csv").write_text("quantity,low,high,happened\nwon,1.0,3.0,2.0\n", encoding="utf-8")
    reader = Reader(written([folder, results().folders[0]], tmp_path))
    assert "Back-test" in reader.said("span") and len(reader.of("section")) == 2
    assert reader.said("h3").count("What it rests on") == 1 and "{'draws': 9}" in reader.said("td")
    with pytest.raises(DataError, match="this table is missing"):
        (folder / "forecasts.csv").unlink()
        fs.report(folder)


def test_the_studies_are_reported_in_one_file_each_with_its_answer_tables_and_figures(tmp_path: Path) -> None:
    """Entries of kinds.py against real folders: all that a command saves is known there, and nothing else."""
    page = written(studies().folders, tmp_path)
    reader = Reader(page)
    heads = [" ".join(one.split()) for one in reader.said("p") + reader.said("strong")]
    captions, legends = reader.said("caption"), reader.said("figcaption")
    for done in studies():
        assert done.folder is not None
        told = (done.folder / "answer.txt").read_text(encoding="utf-8").splitlines()[0]
        assert any(" ".join(told.split()) in one for one in heads), told
        kind = KINDS[done.command]
        tables = {file.name for file in done.folder.glob("*.csv")}
        assert {file.stem for file in done.folder.glob("*.svg")} <= set(kind.figures)
        assert set(kind.tables) - set(kind.optional) <= tables <= set(kind.tables)
        for file in done.folder.glob("*.csv"):
            assert any(one.startswith(kind.tables[file.name]) for one in captions), file
        for file in done.folder.glob("*.svg"):
            assert any(kind.figures[file.stem] in one for one in legends), file
    assert len(reader.of("figure")) == 9


def test_long_tables_are_cut_and_say_so_when_the_file_would_be_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = results().folders[0]
    whole = written([folder], tmp_path)
    rows = len((folder / "measures.csv").read_text(encoding="utf-8").splitlines()) - 1
    assert rows > 100 and "more rows are in" not in whole
    monkeypatch.setattr(pages, "LIMIT", len(whole.encode()) - 1000)
    assert f"{rows - 100} more rows are in measures.csv." in written([folder], tmp_path)
    monkeypatch.setattr(pages, "LIMIT", 10_000)
    with pytest.raises(UsageError, match=r"would have 0\.\d MB, and 2 MB is the most .*: give fewer results"):
        fs.report(folder, out=tmp_path / "never.html")
    assert not (tmp_path / "never.html").exists()


def test_the_smaller_of_two_pictures_is_taken(tmp_path: Path) -> None:
    folder = results().folders[0]
    svg, png = folder / "funnel.svg", folder / "funnel.png"
    both = picture_of([svg, png], "a")
    assert both.svg.startswith("<svg") and len(both.svg) < png.stat().st_size
    long = tmp_path / "long.svg"
    long.write_text(svg.read_text(encoding="utf-8").replace("</svg>", f"<desc>{'x' * 10**6}</desc></svg>"), "utf-8")
    assert picture_of([long, png], "a").png.startswith("data:image/png;base64,iVBOR")
    assert picture_of([png], "a").width == 1600


def test_a_picture_can_neither_act_nor_fetch(tmp_path: Path) -> None:
    file = tmp_path / "bad.svg"
    file.write_text(
        """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
        viewBox="0 0 1 1" onload="alert(1)"><style>*{fill:red}</style><script>alert(2)</script>
        <a href="javascript:alert(3)"><text>away</text></a><image xlink:href="http://example.org/x.png"/>
        <rect fill="url(http://example.org/#y)" OnClick="alert(4)"/><path id="p"/><use xlink:href="#p"/>
        <g clip-path="url(#p)"><text>kept &lt;b&gt;</text></g></svg>""",
        encoding="utf-8",
    )
    svg = picture_of([file], "r1-bad").svg
    assert not re.search(r"alert|example|script|style|onload|OnClick|away", svg)
    assert 'id="r1-bad-p"' in svg and 'href="#r1-bad-p"' in svg and 'clip-path="url(#r1-bad-p)"' in svg
    assert "kept &lt;b&gt;" in svg


# ---- folders that are none -----------------------------------------------------------------------------------------


def _no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _torn_manifest(folder: Path) -> None:
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    (folder / "manifest.json").write_text(text[:200], encoding="utf-8")


def _no_answer(folder: Path) -> None:
    (folder / "answer.txt").unlink()


def _empty_answer(folder: Path) -> None:
    (folder / "answer.txt").write_text("\n", encoding="utf-8")


def _no_table(folder: Path) -> None:
    (folder / "measures.csv").unlink()


def _torn_table(folder: Path) -> None:
    (folder / "measures.csv").write_text('key,mean\n"a,1\n', encoding="utf-8")


def _torn_svg(folder: Path) -> None:
    text = (folder / "funnel.svg").read_text(encoding="utf-8")
    (folder / "funnel.svg").write_text(text[: len(text) // 2], encoding="utf-8")


def _torn_png(folder: Path) -> None:
    data = (folder / "funnel.png").read_bytes()
    (folder / "funnel.png").write_bytes(data[:-20])
    (folder / "funnel.svg").unlink()


@pytest.mark.parametrize(
    ("harm", "file", "message"),
    [
        (_no_manifest, "", "this is no result of funnelsim: it has no manifest.json"),
        (_torn_manifest, "/manifest.json", "this is not JSON: the file is damaged or no manifest"),
        (
            _no_answer,
            "/answer.txt",
            "the answer is missing: the folder is incomplete, or was saved by an older funnelsim",
        ),
        (_empty_answer, "/answer.txt", "the answer is empty: the file is incomplete"),
        (_no_table, "/measures.csv", "this table is missing: the folder is incomplete"),
        (_torn_table, "/measures.csv", "this table cannot be read: "),
        (_torn_svg, "/funnel.svg", "this figure is damaged: "),
        (_torn_png, "/funnel.png", "this figure is damaged: not a complete PNG"),
    ],
)
def test_a_torn_folder_is_refused_with_the_file_that_is_torn(
    harm: Any,
    file: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(results().folders[0], tmp_path / "torn")
    harm(tmp_path / "torn")
    monkeypatch.chdir(tmp_path)
    assert code_of(["report", "torn"]) == 3
    error = capsys.readouterr().err
    assert error.splitlines()[0].startswith(f"torn{file}: error: {message}"), error
    assert error.splitlines()[-1].startswith("1 error in torn")
    assert not list(tmp_path.glob("*.html"))


def test_all_that_is_wrong_with_all_folders_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(results().folders[0], "torn")
    _no_answer(Path("torn"))
    _no_table(Path("torn"))
    Path("a.yaml").write_text("name: a\n", encoding="utf-8")
    assert code_of(["report", "torn", "nowhere", "a.yaml"]) == 3
    again = "repeat it: funnelsim run torn/manifest.json"
    assert capsys.readouterr().err.splitlines() == [
        "torn/answer.txt: error: the answer is missing: the folder is incomplete, or was saved by an older funnelsim",
        f"      | {again}",
        "torn/measures.csv: error: this table is missing: the folder is incomplete",
        "nowhere: error: there is no such folder",
        "a.yaml: error: a report is made of a folder of results, and this is a file",
        "4 errors in 3 results",
    ]


def test_a_report_that_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    assert code_of(["report", str(results().folders[0]), "--out", str(tmp_path / "file" / "x.html")]) == 1
    assert "could not be written" in capsys.readouterr().err
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(UsageError, match="at least one folder"):
        fs.report()
