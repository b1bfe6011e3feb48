"""A large sweep: points a second, and how much of the time is not the replications.

Run: python benchmarks/sweep.py [--points 200] [--replications 4] [--threads 2]. Two scenarios at each point of a Latin
hypercube over four paths, from reading the files to the folder with its tables and figures. Beside it the bare
replications of a sample of the same points; the rest is overhead: planning, keeping, tables, figures.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAIR = [ROOT / "scenarios" / "old-way.yaml", ROOT / "scenarios" / "shared-funnel.yaml"]
VARY = [
    "sources.search.rate=80..480/week",
    "sources.content.rate=20..120/week",
    "teams.sales.people=3..8",
    "teams.marketing.people=2..6",
]
SAMPLE = 20  # points whose replications are timed alone


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--points", type=int, default=200, help="of the hypercube; twice as many are run")
    arguments.add_argument("--replications", type=int, default=4)
    arguments.add_argument("--threads", type=int, default=2)
    asked = arguments.parse_args()
    bare_seconds(asked.replications, 1)  # loads the compiled engine, finds the anchor
    bare = bare_seconds(asked.replications, SAMPLE)
    with tempfile.TemporaryDirectory() as out:
        wall, cpu = swept_seconds(asked, out)
        again = swept_seconds(asked, out)[1]
    count = asked.points * len(PAIR)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count:,} points of {asked.replications} replications, {asked.threads} threads: {wall:.1f} s, "
        f"{count / wall:.1f} points a second, {cpu:.1f} s CPU, {most:.0f} MB at most"
    )
    print(
        f"a point: {1e3 * cpu / count:.1f} ms CPU, {1e3 * bare:.1f} of them its replications; overhead "
        f"{1.0 - bare * count / cpu:.0%}; all found again: {1e3 * again / count:.1f} ms CPU a point"
    )


def swept_seconds(asked: argparse.Namespace, out: str) -> tuple[float, float]:
    """(wall, CPU) of the sweep, saved in full."""
    import funnelsim as fs

    wall, cpu = time.perf_counter(), time.process_time()
    fs.sweep(
        *PAIR,
        vary=VARY,
        design=f"latin:{asked.points}",
        replications=asked.replications,
        threads=asked.threads,
        out=out,
    )
    return time.perf_counter() - wall, time.process_time() - cpu


def bare_seconds(replications: int, points: int) -> float:
    """CPU seconds that the replications of one point take, the mean of both scenarios."""
    from funnelsim.scenario.template import ScenarioTemplate
    from funnelsim.study.axes import points as design_points
    from funnelsim.study.axes import read_axes, read_design
    from funnelsim.study.point import RunSize, run_task
    from funnelsim.study.sweep import DEFAULT_MEASURES
    from funnelsim.study.task_builder import TaskBuilder

    axes, total = read_axes(VARY), 0.0
    for template in [ScenarioTemplate(str(file)) for file in PAIR]:
        planner = TaskBuilder(1, template.loaded.scenario.seed, RunSize(replications), DEFAULT_MEASURES)
        for point in design_points(axes, read_design(f"latin:{points}"), 1):
            task = planner.task(template, [f"{axis.path}={value}" for axis, value in zip(axes, point, strict=True)])
            start = time.process_time()
            run_task(task)
            total += time.process_time() - start
    return total / points / len(PAIR)


if __name__ == "__main__":
    main()
