"""What the commands do, as Python functions of the same name.

result = run("scenarios/old-way.yaml", replications=200)
print(result["cohort.won"].mean)
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim.errors import UsageError
from funnelsim.progress import Progress

if TYPE_CHECKING:
    from funnelsim.calibration import Calibration
    from funnelsim.calibration.exports.detect import DetectedExport
    from funnelsim.commands.backtest import BacktestResult
    from funnelsim.commands.chance import ChanceResult
    from funnelsim.commands.compare import ComparisonResult
    from funnelsim.commands.explain import ExplanationResult
    from funnelsim.commands.optimise import OptimisationResult
    from funnelsim.commands.report import Report
    from funnelsim.commands.seek import SeekResult
    from funnelsim.commands.sensitivity import SensitivityResult
    from funnelsim.commands.sweep import SweepResult
    from funnelsim.commands.trace import LeadTrace
    from funnelsim.result import Result
    from funnelsim.scenario import Loaded
    from funnelsim.study.anchor import Anchor
    from funnelsim.study.optimise.select_best import BestScenario
    from funnelsim.study.validate import CaseCheck

STARTERS = Path(__file__).parent / "templates"
SCHEMA_FILE = "scenario.schema.json"


def init(template: str | None = None, folder: str | Path = ".") -> list[Path]:
    """Copy the starter scenarios, or one of them with what it extends, and the schema that editors complete from.

    Returns the files written. Nothing that is there is overwritten: UsageError.
    """
    starters = templates()
    if template is not None and template not in starters:
        raise UsageError(f"no template '{template}'; there are {', '.join(starters)}")
    folder = Path(folder)
    wanted = _with_bases(starters, template) if template else list(starters.values())
    targets = [*(folder / starter.name for starter in wanted), folder / SCHEMA_FILE]
    if there := [str(path) for path in targets if path.exists()]:
        raise UsageError(f"{', '.join(there)} exists already; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    for starter in wanted:
        shutil.copyfile(starter, folder / starter.name)
    targets[-1].write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return targets


def templates() -> dict[str, Path]:
    """Starter scenarios by name."""
    return {path.stem: path for path in sorted(STARTERS.glob("*.yaml"))}


def _with_bases(starters: dict[str, Path], name: str) -> list[Path]:
    from funnelsim.scenario.inheritance import extends_chain

    return [starters[Path(layer.file).stem] for layer in extends_chain(str(starters[name]))]


def check(file: str | Path, overrides: Sequence[str] = ()) -> Loaded:
    """Read a scenario, compile it, and raise ScenarioError with every problem at once."""
    from dataclasses import replace

    from funnelsim.compile import compile_scenario, is_large, replication_size
    from funnelsim.errors import Problem
    from funnelsim.scenario import load

    loaded = load(str(file), overrides)
    large = is_large(replication_size(compile_scenario(loaded).centre))
    if large is None:
        return loaded
    told = Problem(str(file), text=large[0], hint=large[1], severity="warning")
    return replace(loaded, warnings=[*loaded.warnings, told])


def schema() -> dict[str, Any]:
    """JSON Schema of scenario files."""
    from funnelsim.scenario.format_reference import json_schema

    return json_schema()


def anchor(
    file: str | Path,
    overrides: Sequence[str] = (),
    threads: int | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Anchor:
    """What the effects add to the base rates of the root scenario, found by simulation once (rule 68)."""
    from funnelsim.compile import compile_scenario
    from funnelsim.scenario import load
    from funnelsim.study import anchor as study

    loaded = load(str(file), overrides)
    return study.anchor(compile_scenario(loaded.root or loaded), threads, progress.note if progress else None, cache)


def run(file: str | Path, overrides: Sequence[str] = (), **options: Any) -> Result:
    """Run a scenario, or repeat a run from its manifest; see `funnelsim.commands.run.run` for the options."""
    from funnelsim.commands.run import run as do

    return do(file, overrides, **options)


def trace(file: str | Path, overrides: Sequence[str] = (), **options: Any) -> LeadTrace:
    """Tell the story of one lead; see `funnelsim.commands.trace.trace` for the options."""
    from funnelsim.commands.trace import trace as do

    return do(file, overrides, **options)


def compare(base: str | Path, *others: str | Path, **options: Any) -> ComparisonResult:
    """Set scenarios against a base; see `funnelsim.commands.compare.compare` for the options."""
    from funnelsim.commands.compare import compare as do

    return do(base, *others, **options)


def explain(base: str | Path, other: str | Path | None = None, **options: Any) -> ExplanationResult:
    """Divide a difference among the changes that make it; see `funnelsim.commands.explain.explain` for the options."""
    from funnelsim.commands.explain import explain as do

    return do(base, other, **options)


def sweep(file: str | Path, *others: str | Path, **options: Any) -> SweepResult:
    """Run scenarios at many points on the same luck; see `funnelsim.commands.sweep.sweep` for the options."""
    from funnelsim.commands.sweep import sweep as do

    return do(file, *others, **options)


def seek(file: str | Path, **options: Any) -> SeekResult:
    """Seek the smallest value that meets a goal with a chance; see `funnelsim.commands.seek.seek` for the options."""
    from funnelsim.commands.seek import seek as do

    return do(file, **options)


def optimise(file: str | Path, **options: Any) -> OptimisationResult:
    """Search for the best settings under constraints; see `funnelsim.commands.optimise.optimise` for the options."""
    from funnelsim.commands.optimise import optimise as do

    return do(file, **options)


def goal_chance(file: str | Path, **options: Any) -> ChanceResult:
    """The chance of a goal as things are; see `funnelsim.commands.chance.goal_chance` for the options."""
    from funnelsim.commands.chance import goal_chance as do

    return do(file, **options)


def select_best(
    file: str | Path,
    *others: str | Path,
    measure: str = "cohort.profit",
    lowest: bool = False,
    gap: float | str = "",
    chance: float = 0.95,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> BestScenario:
    """Which scenario has the highest mean of a measure, chosen rightly with a chance; see `study.optimise.select_best`.

    `gap` is a difference that does not matter: an amount, or text such as "5k" or "1%" of the best.
    """
    from funnelsim.scenario.template import ScenarioTemplate
    from funnelsim.study.optimise.finalists import Objective
    from funnelsim.study.optimise.select_best import select_best as do

    templates = [ScenarioTemplate(str(one), overrides) for one in (file, *others)]
    return do(templates, Objective(measure, not lowest), gap, chance, seed, threads=threads, progress=progress)


def sensitivity(file: str | Path, other: str | Path | None = None, **options: Any) -> SensitivityResult:
    """Say which inputs move an answer; see `funnelsim.commands.sensitivity.sensitivity` for the options."""
    from funnelsim.commands.sensitivity import sensitivity as do

    return do(file, other, **options)


def report(*results: str | Path, out: str | Path | None = None, title: str = "") -> Report:
    """Write one HTML file of saved results; see `funnelsim.commands.report.report`."""
    from funnelsim.commands.report import report as do

    return do(*results, out=out, title=title)


def validate(progress: Progress | None = None) -> list[CaseCheck]:
    """Run the published cases; what each should give, what it gives, and what is accepted."""
    from funnelsim.study.validate import validate as do

    return do(progress.note if progress else None)


def calibrate(
    history: str | Path,
    out: str | Path | None = None,
    data: str | Path | None = None,
    strict: bool = False,
    figures: str | Path | None = None,
) -> Calibration:
    """Fit a history; writes the fitted file that scenarios extend, and into the folder `figures` the fits drawn."""
    from funnelsim.calibration import calibrate as do

    found = do(history, out, data, strict)
    if figures is not None:
        from funnelsim.reporting.calibrate.figures import draw_calibration

        found.files.extend(draw_calibration(found, Path(figures)))
    return found


def backtest(file: str | Path, **options: Any) -> BacktestResult:
    """Forecast a history from what was known earlier, and score it; see `funnelsim.commands.backtest.backtest`."""
    from funnelsim.commands.backtest import backtest as do

    return do(file, **options)


def recognise(file: str | Path, history: str | Path, **said: str) -> DetectedExport:
    """Write the history file of an export or a query; see `funnelsim.calibration.exports.detect.Said`."""
    from funnelsim.calibration.exports.detect import UserHints, write_history

    return write_history(file, history, UserHints(**said))
