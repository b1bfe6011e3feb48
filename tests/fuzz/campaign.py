"""`make fuzz`: the campaign in chunks that can be taken up again, with counts by outcome.

    python -m fuzz.campaign scenarios --count 100000
    python -m fuzz.campaign runs histories manifests --count 10000
    python -m fuzz.campaign faults --count 1000
    python -m fuzz.campaign engines --count 20000

Results are kept in build/fuzz, a file a chunk; whatever ended badly leaves its input there. The exit code is 1
when anything did.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from fuzz import faults, inputs
from fuzz.worker import BAD, Verdict, Worker

OUT = inputs.ROOT / "build/fuzz"
CHUNK = {"scenarios": 500, "runs": 50, "histories": 100, "manifests": 50, "names": 20, "faults": 10, "engines": 50}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="+", choices=sorted(CHUNK))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="forget what earlier campaigns left")
    asked = parser.parse_args()
    bad = 0
    for kind in asked.kinds:
        if asked.again:
            shutil.rmtree(OUT / kind, ignore_errors=True)
        counts = campaign(kind, asked.first, asked.count, asked.workers)
        bad += sum(counts[name] for name in BAD) + counts["torn"] + counts["differs"]
        print(f"{kind}: " + ", ".join(f"{name} {count:,}" for name, count in counts.most_common()), flush=True)
    return int(bad > 0)


def campaign(kind: str, first: int, count: int, workers: int) -> Counter[str]:
    """Counts by outcome of so many seeds; finished chunks are read, the others run."""
    (OUT / kind).mkdir(parents=True, exist_ok=True)
    size = CHUNK[kind]
    starts = range(first, first + count, size)
    total: Counter[str] = Counter()
    with ProcessPoolExecutor(workers) as pool:
        todo = []
        for start in starts:
            kept = OUT / kind / f"{start}-{size}.json"
            if kept.exists():
                total.update(json.loads(kept.read_text()))
            else:
                todo.append(pool.submit(chunk, kind, start, min(size, first + count - start), kept))
        for i, done in enumerate(as_completed(todo)):
            total.update(done.result())
            print(f"\r{kind}: {i + 1} of {len(todo)} chunks", end="", file=sys.stderr, flush=True)
    return total


def chunk(kind: str, start: int, count: int, kept: Path | None = None) -> Counter[str]:
    """Run some seeds; what ended badly is written beside the counts."""
    counts: Counter[str] = Counter()
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        for seed, verdict in STORIES[kind](range(start, start + count), folder):
            counts[verdict.outcome] += 1
            if kept is not None and (verdict.outcome in BAD or verdict.outcome in ("torn", "differs")):
                where = kept.with_name(f"bad-{seed}")
                shutil.rmtree(where, ignore_errors=True)
                shutil.copytree(folder, where, ignore=shutil.ignore_patterns("out", "*.npz"))
                (where / "verdict.txt").write_text(
                    f"{verdict.outcome}, exit {verdict.code}, {verdict.cpu:.1f} s\n{verdict.printed}"
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if kept is not None:
        part = kept.with_suffix(".part")
        part.write_text(json.dumps(counts))
        part.replace(kept)
    return counts


Story = Iterator[tuple[int, Verdict]]


def _scenarios(seeds: range, folder: Path) -> Story:
    worker = Worker(folder)
    for seed in seeds:
        _write(folder / "it.yaml", inputs.scenario(seed))
        yield seed, worker.run(["check", "it.yaml"])
    worker.close()


def _runs(seeds: range, folder: Path) -> Story:
    """Mutants that `check` passes, run: what check passes, run runs."""
    worker = Worker(folder)
    for seed in seeds:
        mutant = seed * 40
        while True:
            _write(folder / "it.yaml", inputs.scenario(mutant))
            if worker.run(["check", "it.yaml"]).code == 0:
                break
            mutant += 1
        verdict = worker.run(["run", "it.yaml", "-n", "1", "--threads", "1", "--no-figures", "--out", "out", "-q"])
        shutil.rmtree(folder / "out", ignore_errors=True)
        yield seed, verdict
    worker.close()


def _histories(seeds: range, folder: Path) -> Story:
    worker = Worker(folder)
    for seed in seeds:
        text, table = inputs.history(seed)
        _write(folder / "it.history.yaml", text)
        _write(folder / "data.csv", table)
        words = ["calibrate", "it.history.yaml", "--out", "out.yaml"] if seed % 3 else ["calibrate", "data.csv"]
        yield seed, worker.run(words)
        for left in folder.glob("*.history.yaml"):
            left.unlink()
        (folder / "out.yaml").unlink(missing_ok=True)
    worker.close()


def _manifests(seeds: range, folder: Path) -> Story:
    """Damaged manifests, run again and reported."""
    worker = Worker(folder)
    _write(folder / "good.yaml", (inputs.ROOT / "scenarios/mechanisms/adherence.yaml").read_text(encoding="utf-8"))
    worker.run(["run", "good.yaml", "-n", "1", "--no-figures", "--out", "out", "-q"])
    (place,) = (folder / "out").iterdir()
    good = (place / "manifest.json").read_text(encoding="utf-8")
    for seed in seeds:
        _write(place / "manifest.json", inputs.manifest(seed, good))
        _write(folder / "manifest.json", inputs.manifest(seed, good))
        if seed % 2:
            yield seed, worker.run(["report", str(place), "--out", "report.html"])
        else:
            yield seed, worker.run(["run", str(place / "manifest.json"), "--no-figures", "--out", "again", "-q"])
        shutil.rmtree(folder / "again", ignore_errors=True)
    worker.close()


def _names(seeds: range, folder: Path) -> Story:
    """Hostile names through check, run, compare and report."""
    worker = Worker(folder)
    base = (inputs.ROOT / "scenarios/mechanisms/adherence.yaml").read_text(encoding="utf-8")
    for seed in seeds:
        name = json.dumps(inputs.name(seed))
        lines = [line for line in base.splitlines() if not line.startswith("name:")]
        _write(folder / "it.yaml", f"name: {name}\n" + "\n".join(lines))
        for words in (
            ["check", "it.yaml"],
            ["run", "it.yaml", "-n", "1", "--no-figures", "--out", "out"],
            ["run", "it.yaml", "-n", "1", "--set", f"sources.{inputs.name(seed + 1)}.rate=1/week", "--out", "out"],
            ["report", "out", "--out", "report.html"],
        ):
            yield seed, worker.run(words)
        shutil.rmtree(folder / "out", ignore_errors=True)
    worker.close()


def _engines(seeds: range, folder: Path) -> Story:
    """Generated plans in both engines."""
    from engine.test_engines import agree_on

    for seed in seeds:
        try:
            agree_on(range(1_000_000 + seed, 1_000_001 + seed))
        except AssertionError as difference:
            _write(folder / "difference.txt", f"plan {1_000_000 + seed}: {difference}")
            yield seed, Verdict("differs", 1, str(difference), 0.0, 0)
        else:
            yield seed, Verdict("agree", 0, "", 0.0, 0)


STORIES = {
    "scenarios": _scenarios, "runs": _runs, "histories": _histories, "manifests": _manifests, "names": _names,
    "faults": faults.stories, "engines": _engines,
}  # fmt: skip


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")


if __name__ == "__main__":
    sys.exit(main())
