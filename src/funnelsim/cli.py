"""The command line: parse, call the function of the same name, print, exit code.

Results go to stdout; progress, notes and errors to stderr. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from funnelsim.errors import FunnelsimError, RunError, did_you_mean
from funnelsim.watch import Terminal

if TYPE_CHECKING:
    from funnelsim.errors import Problem

_F = TypeVar("_F", bound=Callable[..., Any])
INTERRUPTED = 130


def main(args: list[str] | None = None) -> None:
    """Run a command and leave with its exit code; no traceback reaches a user."""
    sys.exit(code_of(args))


def code_of(args: list[str] | None = None) -> int:
    """Run a command and tell its exit code, as `errors` lists them."""
    try:
        given = sys.argv[1:] if args is None else args
        code = commands.main(given, prog_name="funnelsim", standalone_mode=False, obj=given)
    except FunnelsimError as error:
        _complain(error)
        return error.exit_code
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:             # the reader of our output has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # Python closes stdout once more at its end
        return 0
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except MemoryError:
        click.echo("error: the memory of this machine is not enough for this run", err=True)
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {where}{error.strerror or error}", err=True)
        return 1
    except Exception as error:          # a mistake of ours, not of the user
        if os.environ.get("FUNNELSIM_TRACEBACK"):
            raise
        click.echo(f"error: funnelsim itself failed ({type(error).__name__}: {error}). Please report this; with "
                   f"FUNNELSIM_TRACEBACK=1 it says where.", err=True)
        return 1
    return code if isinstance(code, int) else 0


def _complain(error: FunnelsimError) -> None:
    from funnelsim.errors import InvalidInput

    text = str(error)
    click.echo(text if isinstance(error, InvalidInput) else f"error: {text}", err=True)


# ---- options everywhere --------------------------------------------------------------------------------------------


class _Share(click.ParamType[float]):
    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        try:
            return float(text[:-1]) / 100.0 if text.endswith("%") else float(text)
        except ValueError:
            self.fail(f"'{value}' is not a share: write 2% or 0.02", param, ctx)


def _options(*names: str) -> Callable[[_F], _F]:
    def add(function: _F) -> _F:
        for name in reversed(names):
            function = OPTIONS[name](function)
        return function
    return add


OPTIONS: dict[str, Callable[[Any], Any]] = {
    "sets": click.option("--set", "sets", multiple=True, metavar="KEY=VALUE",
                         help="Change a value of the scenario, as in --set teams.sales.people=6. May be repeated."),
    "seed": click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of all luck; default: the scenario's."),
    "replications": click.option("--replications", "-n", type=click.IntRange(min=1), help="How often to simulate."),
    "precision": click.option("--precision", type=_Share(), metavar="SHARE", help="Or: until the simulation error of "
                              "wins and revenue is below this share of them, as in --precision 2%."),
    "engine": click.option("--engine", type=click.Choice(["fast", "reference"]), help="Both give the same digits; "
                           "reference is slow and made to be read. Default: fast."),
    "threads": click.option("--threads", type=click.IntRange(min=1), help="Default: one a processor."),
    "out": click.option("--out", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
                        help="Folder that results are saved in."),
    "json": click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text."),
    "quiet": click.option("--quiet", "-q", is_flag=True, help="No notes, no progress."),
    "verbose": click.option("--verbose", "-v", count=True, help="More."),
}


class _Commands(click.Group):
    """Suggests what was meant."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            meant = did_you_mean(args[0], self.list_commands(ctx))
            raise click.UsageError(f"no command '{args[0]}'. {meant}".strip(), ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
             epilog="Run a command with --help for its examples.")
@click.version_option(package_name="funnelsim")
def commands() -> None:
    """Simulates sales-and-marketing funnels and the agreements between the two teams.

    \b
    funnelsim init                              a folder with a first scenario
    funnelsim check baseline.yaml               is the file right?
    funnelsim run baseline.yaml                 what comes out, and how sure is it?
    funnelsim compare baseline.yaml shared.yaml which way is better, and why?
    funnelsim sweep baseline.yaml --vary ...    the same at many volumes, team sizes, promises
    funnelsim seek baseline.yaml --vary ...     how many leads or people does a goal take?
    funnelsim calibrate crm.history.yaml        your own history in place of guesses
    """


@commands.command()
@click.argument("template", required=False)
@click.option("--folder", type=click.Path(path_type=Path), default=Path(), help="Where; default: here.")
@_options("quiet")
def init(template: str | None, folder: Path, quiet: bool) -> None:
    """Start a folder with scenarios to edit.

    \b
    funnelsim init                  all starter files
    funnelsim init shared           one, with what it extends
    """
    from funnelsim import api

    written = api.init(template, folder)
    if not quiet:
        for path in written:
            click.echo(path)
        first = written[0]
        click.echo(f"Next: funnelsim check {first}, then funnelsim run {first}", err=True)


@commands.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@_options("sets", "quiet")
def check(files: tuple[Path, ...], sets: tuple[str, ...], quiet: bool) -> int:
    """Say whether scenario files are right; every mistake at once, with its place.

    \b
    funnelsim check scenarios/*.yaml
    funnelsim check base.yaml --set teams.sales.people=6
    """
    from funnelsim import api
    from funnelsim.errors import InvalidInput

    code = 0
    for file in files:
        try:
            _warn(api.check(file, sets).warnings, quiet)
            if not quiet:
                click.echo(f"{file}: ok")
        except InvalidInput as error:
            _complain(error)
            code = error.exit_code
    return code


@commands.command()
@click.argument("file", type=click.Path(path_type=Path))
@_options("sets", "threads", "json", "quiet")
@click.option("--again", is_flag=True, help="Solve even if this has been done before.")
def anchor(file: Path, sets: tuple[str, ...], threads: int | None, as_json: bool, quiet: bool, again: bool) -> None:
    """Show the intercepts that make the root scenario reproduce its base rates.

    \b
    funnelsim anchor old-way.yaml

    A base rate is an average over the leads of the root scenario, with all its effects on. Runs and comparisons do
    this by themselves and keep what they find.
    """
    from funnelsim import api

    watch = Terminal(quiet=quiet)
    found = api.anchor(file, sets, threads, not again, watch)
    watch.clear()
    if as_json:
        from funnelsim.study.anchor import to_json

        click.echo(json.dumps(to_json(found), indent=1))
    else:
        from funnelsim.report.terminal import anchor_report

        click.echo(anchor_report(found))


@commands.command()
@click.argument("file", type=click.Path(path_type=Path))
@_options("sets", "seed", "replications", "precision", "engine", "threads", "out")
@click.option("--tables", is_flag=True, help="Save visits, assignments and attempts as Parquet.")
@click.option("--event-log", "log", type=click.Choice(["csv", "parquet"]), help="Save an event log for process mining.")
@click.option("--figures/--no-figures", default=True, help="Draw figures into the results.  [default: figures]")
@_options("json", "quiet", "verbose")
def run(file: Path, sets: tuple[str, ...], as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Simulate a scenario; say what comes out and how sure that is.

    \b
    funnelsim run old-way.yaml
    funnelsim run old-way.yaml --set teams.sales.people=6 --precision 2%
    funnelsim run old-way.yaml -n 20 --event-log csv
    funnelsim run results/old-way-1f2e3d4c5b/manifest.json

    The last repeats a run to the last digit.
    """
    from funnelsim import api

    watch = Terminal(quiet=quiet)
    result = api.run(file, sets, watch=watch, command=_command_line(), **options)
    watch.clear()
    if as_json:
        click.echo(json.dumps(result.as_data(), indent=1, ensure_ascii=False))
    else:
        from funnelsim.report.terminal import run_report

        _answer(run_report(result, verbose, _width()))
        click.echo(_assumed(result, file, verbose), nl=False)
        click.echo(f"\nresults: {result.folder}")


def _assumed(result: Any, file: Path, verbose: int) -> str:
    """What the scenario of a run rests on that nobody has published."""
    from funnelsim.report.seam import assumptions_report
    from funnelsim.scenario import loads_resolved
    from funnelsim.scenario.assumptions import assumptions

    scenario = loads_resolved(result.manifest.resolved[0]).scenario
    found = [(one.path, one.written, one.command(str(file))) for one in assumptions(scenario)]
    text = assumptions_report(found, len(found) if verbose else 6)
    return f"\n{text}\n" if text else ""


@commands.command()
@click.argument("files", nargs=-1, required=True, metavar="BASE OTHER...", type=click.Path(path_type=Path))
@_options("sets", "seed")
@click.option("--draws", type=click.IntRange(min=2), help="Draws of what is not known.  [default: 40]")
@click.option("--pairs", type=click.IntRange(min=1), help="Pairs of periods in each draw.  [default: 4]")
@_options("precision", "engine", "threads", "out")
@click.option("--aside/--no-aside", default=True, help="Also ask what beliefs at 1 and other response curves would "
              "say.  [default: aside]")
@click.option("--figures/--no-figures", default=True, help="Draw figures into the results.  [default: figures]")
@_options("json", "quiet", "verbose")
def compare(files: tuple[Path, ...], as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Say which way is better, by how much, how sure that is, and what it rests on.

    \b
    funnelsim compare old-way.yaml shared-funnel.yaml
    funnelsim compare old-way.yaml old-way-with-promise.yaml shared-funnel.yaml --precision 1%
    funnelsim compare results/compare-shared-funnel-1f2e3d4c5b/manifest.json

    The first file is the base. The last repeats a comparison to the last digit.
    """
    from funnelsim import api

    watch = Terminal(quiet=quiet)
    done = api.compare(*files, watch=watch, command=_command_line(), **options)
    watch.clear()
    if as_json:
        click.echo(json.dumps(done.as_data(), indent=1, ensure_ascii=False, default=str))
    else:
        from funnelsim.report.comparison import comparison_report

        _answer(comparison_report(done.found, verbose, _width()))
        click.echo(f"\nresults: {done.folder}")


@commands.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--vary", multiple=True, metavar="KEY=RANGE", help="What is varied, as in --vary "
              "sources.search.rate=80..480/week:11, teams.sales.people=3..7 or a list. May be repeated.")
@click.option("--measure", "measures", multiple=True, metavar="KEY", help="What is shown, as in measures.csv; goal is "
              "the chance of the goal. May be repeated.  [default: cohort.won, cohort.revenue, cohort.profit]")
@click.option("--design", metavar="DESIGN", help="grid, latin:N or sobol:N.  [default: grid]")
@_options("sets", "seed")
@click.option("--replications", "--reps", "-n", type=click.IntRange(min=1), help="At each point.  [default: 50]")
@click.option("--precision", type=_Share(), metavar="SHARE", help="Or: at each point until the simulation error of the "
              "first measure is below this share of it, as in --precision 3%.")
@click.option("--goal", metavar="TEXT", help='As in --goal "wins 200 by 2026-12-31"; default: the scenario\'s.')
@_options("engine", "threads")
@click.option("--cluster", metavar="ADDRESS", help="Run the points on a Dask cluster, as in tcp://10.0.0.5:8786.")
@_options("out")
@click.option("--figures/--no-figures", default=True, help="Draw figures into the results.  [default: figures]")
@_options("json", "quiet", "verbose")
def sweep(files: tuple[Path, ...], as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Run scenarios at many points of their settings, on the same luck: where does it turn?

    \b
    funnelsim sweep old-way.yaml --vary sources.search.rate=80..480/week:11
    funnelsim sweep old-way.yaml shared.yaml --vary teams.sales.people=3..7 --measure won --measure profit
    funnelsim sweep growth.study.yaml --design latin:200
    funnelsim sweep results/sweep-growth-1f2e3d4c5b/manifest.json

    Stop it at any moment and start it again: finished points are kept in results/points and never run twice. Exit
    code 5 when some points failed.
    """
    from funnelsim import api
    from funnelsim.errors import SweepIncomplete

    watch = Terminal(quiet=quiet)
    done = api.sweep(*files, watch=watch, command=_command_line(), **options)
    watch.clear()
    if as_json:
        click.echo(json.dumps(done.as_data(), indent=1, ensure_ascii=False, default=str))
    else:
        from funnelsim.report.sweep_words import sweep_report

        _answer(sweep_report(done.found, verbose, _width()))
        click.echo(f"\nresults: {done.folder}")
    if failed := done.found.failed:
        raise SweepIncomplete(f"{len(failed)} of {len(done.found.cells)} points failed; the others are there")


@commands.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--vary", multiple=True, metavar="KEY=RANGE", help="What is sought, as in --vary "
              "sources.search.rate=80..480/week or teams.sales.people=2..12.")
@click.option("--goal", metavar="TEXT", help='As in --goal "revenue 1.2M by 2026-12-31"; default: the scenario\'s.')
@click.option("--chance", type=_Share(), metavar="SHARE", help="How sure it must be.  [default: 80%]")
@click.option("--booked", metavar="AMOUNT", help="What counts towards the goal already, as in --booked 400k.")
@_options("sets", "seed")
@click.option("--replications", "--reps", "-n", type=click.IntRange(min=1), help="At each point.  [default: 100]")
@click.option("--precision", type=_Share(), metavar="SHARE", help="Or: more until half the interval of the answer is "
              "below this share of it, as in --precision 5%.")
@_options("engine", "threads")
@click.option("--cluster", metavar="ADDRESS", help="Run the points on a Dask cluster, as in tcp://10.0.0.5:8786.")
@_options("out")
@click.option("--figures/--no-figures", default=True, help="Draw figures into the results.  [default: figures]")
@click.option("--fail-on-miss", is_flag=True, help="Exit code 4 when the goal cannot be met.")
@_options("json", "quiet", "verbose")
def seek(file: Path, fail_on_miss: bool, as_json: bool, quiet: bool, verbose: int, **options: Any) -> None:
    """Find the smallest volume or team, or the slowest promise, that meets a goal with a chance.

    \b
    funnelsim seek shared.yaml --vary sources.search.rate=80..480/week --goal "wins 250" --chance 80%
    funnelsim seek shared.yaml --vary teams.sales.people=2..12 --goal "revenue 1.2M by 2026-12-31"
    funnelsim seek shared.yaml --vary "promises.first_touch=within 1..40 business hours" --goal "cohort.profit 800k"

    Any path will do of which more only helps, or only harms.
    """
    from funnelsim import api
    from funnelsim.errors import GoalNotMet

    watch = Terminal(quiet=quiet)
    done = api.seek(file, watch=watch, command=_command_line(), **options)
    watch.clear()
    if as_json:
        click.echo(json.dumps(done.as_data(), indent=1, ensure_ascii=False, default=str))
    else:
        from funnelsim.report.seek_words import seek_report

        _answer(seek_report(done.found, verbose, _width()))
        click.echo(f"\nresults: {done.folder}")
    if fail_on_miss and not done.found.met:
        raise GoalNotMet("the goal cannot be met within the range")


@commands.command()
@click.argument("file")
@click.option("--out", type=click.Path(path_type=Path), help="The fitted file; default: beside the history.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the data, when it is not the one in the file.")
@click.option("--strict", is_flag=True, help="Rows that cannot be used are errors.")
@click.option("--timezone", default="", help="Of an export: the zone of times without an offset.")
@click.option("--as-of", default="", help="Of an export: its last day; default: the last day with anything in it.")
@click.option("--dates", type=click.Choice(["day first", "month first"]), help="Of an export: how to read 03/04/2026.")
@click.option("--query", default="", help="Of a database: SELECT ..., one row a lead or an event.")
@_options("json", "quiet", "verbose")
def calibrate(file: str, out: Path | None, data: Path | None, strict: bool, timezone: str, as_of: str,
              dates: str | None, query: str, as_json: bool, quiet: bool, verbose: int) -> None:
    """Turn a history into numbers that a scenario extends.

    \b
    funnelsim calibrate deals.csv --timezone Europe/Berlin
    funnelsim calibrate crm.history.yaml
    funnelsim calibrate olist.history.yaml --data ~/olist --out olist.fitted.yaml
    funnelsim calibrate crm.sqlite --query 'SELECT id, created, won FROM deals'

    FILE is an export (CSV, CSV.gz, Parquet, XES), a database, or a history file, which says which column is what.
    An export is recognised by its columns, and a history file is written for it, to be edited.
    """
    from funnelsim import api
    from funnelsim.calibration.readers.recognise import history_of, is_history

    history = Path(file) if is_history(file) else history_of(file, out)
    if not is_history(file):
        said = {"timezone": timezone, "as_of": as_of, "dates": dates or "", "query": query}
        told = api.recognise(file, history, **said).said()
        if not quiet:
            click.echo(f"{told}\nhistory: {history}, to be edited", err=True)
    target = out or history.with_name(history.name.removesuffix(".yaml").removesuffix(".history") + ".fitted.yaml")
    found = api.calibrate(history, target, data, strict)
    if as_json:
        conversion = found.conversion()._asdict() if found.stages else None
        answer = {"as_of": found.as_of, "leads": found.leads, "conversion": conversion,
                "naive": found.naive() if found.stages else None, "grades": found.grades(), "files": found.files}
        click.echo(json.dumps(answer, indent=1, default=str))
    elif not quiet:
        _answer(found.report(bool(verbose)))
        click.echo("\nfitted: " + ", ".join(map(str, found.files)))


@commands.command()
@_options("json", "quiet")
def validate(as_json: bool, quiet: bool) -> None:
    """Run the published cases of the field and say whether funnelsim reproduces them.

    \b
    funnelsim validate

    Exit code 1 when one of them is not reproduced.
    """
    from funnelsim import api

    watch = Terminal(quiet=quiet)
    checks = api.validate(watch)
    watch.clear()
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=1, default=str))
    else:
        from funnelsim.study.validate import table

        click.echo(table(checks))
    if not all(check.passed for check in checks):
        raise RunError("published cases are not reproduced")


@commands.command()
@click.option("--out", type=click.Path(path_type=Path), help="Write it to a file.")
def schema(out: Path | None) -> None:
    """Print the JSON Schema of scenario files, for editors.

    \b
    funnelsim schema --out scenario.schema.json

    Then let a scenario begin with `# yaml-language-server: $schema=scenario.schema.json`.
    """
    from funnelsim import api

    text = json.dumps(api.schema(), indent=1, ensure_ascii=False)
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")


# ---- printing ------------------------------------------------------------------------------------------------------


def _answer(text: str) -> None:
    """The first line is the answer: bold on a terminal, unless NO_COLOR."""
    first, _, rest = text.partition("\n")
    plain = bool(os.environ.get("NO_COLOR")) or not sys.stdout.isatty()
    click.echo(first if plain else click.style(first, bold=True), color=not plain)
    click.echo(rest)


def _warn(problems: list[Problem], quiet: bool) -> None:
    if not quiet:
        for problem in problems:
            click.echo(str(problem), err=True)


def _command_line() -> list[str]:
    return ["funnelsim", *click.get_current_context().find_root().obj]


def _width() -> int:
    return shutil.get_terminal_size((110, 40)).columns
