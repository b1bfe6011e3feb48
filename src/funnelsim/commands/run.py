"""run: a scenario file or a manifest to a Result, saved whole.

Each replication draws its own beliefs and fitted parameters (rule 71), so the spread of one period holds luck and
ignorance together; the same replication has the same luck and the same draw in every scenario.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from funnelsim import manifest as manifests
from funnelsim.atomic_io import StagingFolder, atomic_folder, check_writable
from funnelsim.compile import Blueprint, compile_scenario, is_large, replication_size
from funnelsim.engine.jit import is_compiled
from funnelsim.engine.replicate import in_threads, replicate
from funnelsim.errors import RunError, UsageError
from funnelsim.export import event_log, named_tables
from funnelsim.manifest import Manifest, manifest_at
from funnelsim.measures import credit, mean, revenue, stack_summaries
from funnelsim.plan import Plan, fingerprint
from funnelsim.progress import Progress
from funnelsim.reporting.common.figure_formats import Figures, formats_of
from funnelsim.reporting.run.report import run_report
from funnelsim.result import ANSWER, Result, concat_parquet, write_bytes, write_parquet
from funnelsim.run_tables import Trace
from funnelsim.scenario import Loaded, load, loads_resolved
from funnelsim.study import anchor as anchors
from funnelsim.summary import COHORT, Summary

REPLICATIONS = 100
FIRST, MOST = 20, 10_000  # of a run to a precision
CREDITED = 20  # replications whose tables are read for the credit of each team
TRACED = 4  # replications whose tables are in memory at a time
ENGINES = ("fast", "reference")
LOGS = ("csv", "parquet")
ISO = "%Y-%m-%dT%H:%M:%S%.6f%:z"


@dataclass
class Job:
    """What is to be run."""

    loaded: Loaded
    blueprint: Blueprint
    anchor: anchors.Anchor
    seed: int
    replications: int
    engine: str = "fast"
    precision: float | None = None
    threads: int | None = None
    tables: bool = False
    event_log: str | None = None
    progress: Progress = field(default_factory=Progress)

    @property
    def centre(self) -> Plan:
        """The plan with everything unknown at its centre."""
        return self.anchor.plan(self.blueprint)

    def plan(self, replication: int) -> Plan:
        """The plan of a replication, with its own draw of what is not known."""
        return self.anchor.plan(self.blueprint, replication if self.blueprint.uncertain else None)


def run(
    file: str | Path,
    overrides: Sequence[str] = (),
    *,
    seed: int | None = None,
    replications: int | None = None,
    precision: float | None = None,
    engine: str | None = None,
    threads: int | None = None,
    tables: bool = False,
    log: str | None = None,
    out: str | Path | None = "results",
    figures: Figures = True,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> Result:
    """Run a scenario file; or, given a manifest or a results folder, repeat that run bit for bit.

    `precision` adds replications until the simulation error of wins and revenue is below that share of their mean.
    `out` is the folder of results, None to save nothing. Raises ScenarioError, UsageError or RunError.
    """
    progress, formats = progress or Progress(), formats_of(figures)
    _check_options(replications, precision, engine, log)
    repeated = manifest_at(Path(file), "run")
    if repeated is None:
        loaded = load(str(file), overrides)
    elif overrides or seed is not None or replications is not None or precision is not None or engine is not None:
        raise UsageError(
            "a manifest is repeated as it is: leave out --set, --seed, --replications, --precision and --engine"
        )
    else:
        loaded = loads_resolved(repeated.resolved[0])
    if out is not None:
        check_writable(Path(out))
    for problem in (one for one in loaded.warnings if one.severity == "warning"):
        progress.note(str(problem))
    job = _job(loaded, repeated, seed, replications, engine, progress)
    job.precision, job.threads, job.tables, job.event_log = precision, threads, tables, log
    with atomic_folder(Path(out)) if out is not None else nullcontext() as draft:
        result = _finished(
            job, repeated, draft, list(command) or ["funnelsim", "run", str(file), *_set_options(overrides)]
        )
        if draft is None:
            return result
        result.write(draft.path)
        write_bytes(draft.path / ANSWER, run_report(result, width=0).encode())
        if formats:
            from funnelsim.reporting.run.figures import draw_run

            draw_run(result, draft.path, formats)
        draft.name = result.folder_name
    return result.at(Path(out or "") / result.folder_name)


def prepare_run(file: str | Path, overrides: Sequence[str], seed: int | None, progress: Progress) -> Job:
    """What `run` would run, compiled and anchored, without running it: of a scenario file, or of a saved run."""
    repeated = manifest_at(Path(file), "run")
    if repeated is not None and (overrides or seed is not None):
        raise UsageError("a saved run is taken as it is: leave out --set and --seed")
    loaded = load(str(file), overrides) if repeated is None else loads_resolved(repeated.resolved[0])
    return _job(loaded, repeated, seed, None, None, progress)


def _check_options(replications: int | None, precision: float | None, engine: str | None, log: str | None) -> None:
    if replications is not None and precision is not None:
        raise UsageError("give --replications or --precision, not both")
    if replications is not None and replications < 1:
        raise UsageError("--replications must be 1 or more")
    if precision is not None and not 0.0 < precision < 1.0:
        raise UsageError("--precision must lie between 0 % and 100 %")
    if engine is not None and engine not in ENGINES:
        raise UsageError(f"--engine must be one of {', '.join(ENGINES)}")
    if log is not None and log not in LOGS:
        raise UsageError(f"--event-log must be one of {', '.join(LOGS)}")


def _set_options(overrides: Sequence[str]) -> list[str]:
    return [part for text in overrides for part in ("--set", text)]


def _job(
    loaded: Loaded,
    repeated: Manifest | None,
    seed: int | None,
    replications: int | None,
    engine: str | None,
    progress: Progress,
) -> Job:
    blueprint = compile_scenario(loaded)
    if large := is_large(replication_size(blueprint.centre)):
        progress.note(f"{large[0]}; {large[1]}")
    if not is_compiled() and (repeated.engine if repeated else engine) != "reference":
        progress.note("compiling the engine (once)")
    if repeated is not None:
        anchor = anchors.from_json(repeated.anchor[0])
        job = Job(loaded, blueprint, anchor, repeated.seed, repeated.replications, repeated.engine, progress=progress)
        if fingerprint(job.centre) != repeated.plan:
            used, now = repeated.versions.get("funnelsim", "?"), manifests.versions()["funnelsim"]
            raise RunError(
                f"the scenario of the manifest gives another plan: it was run with funnelsim {used}, this is {now}"
            )
        return job
    anchor = anchors.anchor(
        compile_scenario(loaded.root) if loaded.root is not None else blueprint, on_step=progress.note
    )
    return Job(
        loaded,
        blueprint,
        anchor,
        loaded.scenario.seed if seed is None else seed,
        replications or REPLICATIONS,
        engine or "fast",
        progress=progress,
    )


def _finished(job: Job, repeated: Manifest | None, draft: StagingFolder | None, command: list[str]) -> Result:
    began = datetime.now(UTC)
    summaries, credits = _replications(job, draft)
    job.progress.clear()
    ended = datetime.now(UTC)
    digest = manifests.digest_of(summaries)
    if repeated is not None:
        if digest != repeated.digest:
            raise RunError("results differ from the manifest for the same inputs: this is a bug, please report it")
        job.progress.note("the same digits as before")
    scenario = job.loaded.scenario
    manifest = Manifest(
        kind="run",
        name=scenario.name or Path(job.loaded.files[-1] if job.loaded.files else "run").stem,
        command=command,
        resolved=[job.loaded.resolved],
        plan=fingerprint(job.centre),
        seed=job.seed,
        replications=len(summaries),
        engine=job.engine,
        digest=digest,
        book=job.blueprint.book._asdict(),
        anchor=[anchors.to_json(job.anchor)],
        beliefs={belief.path: [belief.low, belief.high] for belief in job.blueprint.beliefs},
        data=manifests.hashes(map(Path, job.loaded.files)),
        presets=manifests.preset_hashes(),
        versions=manifests.versions(),
        warnings=[str(problem) for problem in job.loaded.warnings],
        times={"began": began.isoformat(), "ended": ended.isoformat(), "seconds": (ended - began).total_seconds()},
    )
    if repeated is not None:  # the same run has the same name and papers
        manifest = replace(manifest, name=repeated.name, data=repeated.data, warnings=repeated.warnings)
    return Result.of(summaries, credits, job.centre, job.blueprint.book, manifest)


# ---- replications --------------------------------------------------------------------------------------------------


def _replications(job: Job, draft: StagingFolder | None) -> tuple[list[Summary], np.ndarray]:
    """Counts of all replications, and the credit of each team in the first ones."""
    summaries: list[Summary] = []
    credits: list[np.ndarray] = []
    wanted = FIRST if job.precision else job.replications
    writer = _Tables(job, draft) if draft is not None and (job.tables or job.event_log) else None
    while len(summaries) < wanted:
        done = len(summaries)
        traced = writer is not None or done < CREDITED
        numbers = range(done, min(wanted, done + TRACED) if traced else wanted)
        for number, (summary, trace) in zip(numbers, _batch(job, numbers, traced, wanted), strict=True):
            summaries.append(summary)
            if trace is not None and number < CREDITED:
                credits.append(credit(trace, job.centre, job.blueprint.book))
            if trace is not None and writer is not None:
                writer.add(trace, number)
        if job.precision and len(summaries) == wanted:
            wanted = _enough(job, summaries)
    if writer is not None:
        writer.close()
    return summaries, np.array(credits)


def _batch(job: Job, numbers: range, traced: bool, wanted: int) -> list[tuple[Summary, Trace | None]]:
    """Some replications, in order; on as many threads as there are processors."""

    def report(done: int) -> None:
        job.progress.update("running", numbers.start + done, wanted)

    threads = job.threads or os.cpu_count() or 1
    if not job.blueprint.uncertain:
        found = replicate(job.centre, job.seed, numbers, job.engine, threads, traced, report)
        nothing: list[Trace | None] = [None] * len(numbers)
        return list(zip(found.summaries, found.traces or nothing, strict=True))
    finished: list[int] = []

    def one(number: int, _: Callable[[], bool]) -> tuple[Summary, Trace | None]:
        found = replicate(job.plan(number), job.seed, [number], job.engine, 1, traced)
        finished.append(number)
        report(len(finished))
        return found.summaries[0], found.traces[0] if found.traces else None

    return in_threads(one, numbers, threads)


def _enough(job: Job, summaries: list[Summary]) -> int:
    """How many replications the precision will take, judged by those there are."""
    stacked, book = stack_summaries(summaries), job.blueprint.book
    watched = [stacked.arrived.sum(axis=(1, 2, 3))]
    if book.won >= 0:
        watched = [stacked.passages[:, COHORT, book.won]["count"].sum(axis=(1, 2)), revenue(stacked, book, int(COHORT))]
    errors = [mean(values).error for values in watched if values.any()]
    worst = max(errors, default=0.0)
    assert job.precision
    if worst <= job.precision:
        return len(summaries)
    if len(summaries) >= MOST:
        job.progress.note(f"stopped at {MOST} replications with a simulation error of {worst:.1%}")
        return len(summaries)
    guess = math.ceil(len(summaries) * (worst / job.precision) ** 2 * 1.05)
    return min(MOST, max(guess, len(summaries) + FIRST))


class _Tables:
    """Writes the tables of replications as they come, piece by piece, joined at the end."""

    def __init__(self, job: Job, draft: StagingFolder) -> None:
        self.job, self.folder, self.book = job, draft.path, job.blueprint.book
        self.parts: dict[str, list[Path]] = {}

    def add(self, trace: Trace, number: int) -> None:
        if self.job.tables:
            for name, frame in named_tables(trace, self.book, number).items():
                write_parquet(self._part(name, number), frame)
        if self.job.event_log == "parquet":
            write_parquet(self._part("event-log", number), event_log(trace, self.book, number))
        elif self.job.event_log == "csv":
            text = event_log(trace, self.book, number).write_csv(include_header=number == 0, datetime_format=ISO)
            with (self.folder / "event-log.csv").open("ab") as stream:
                stream.write(text.encode())

    def close(self) -> None:
        for name, parts in self.parts.items():
            concat_parquet(parts, self.folder / f"{name}.parquet")

    def _part(self, name: str, number: int) -> Path:
        part = self.folder / f".{name}-{number:06}.parquet"
        self.parts.setdefault(name, []).append(part)
        return part
