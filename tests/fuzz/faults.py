"""Kills at any moment, writers that race, caches that are damaged: nothing torn, nothing lost, nothing left behind."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from fuzz.inputs import ROOT
from fuzz.worker import Verdict

SCENARIO = ROOT / "scenarios/mechanisms/adherence.yaml"
QUIET = ["--quiet"]


def stories(seeds: range, folder: Path) -> Iterator[tuple[int, Verdict]]:
    """A fault a seed: killed while running or sweeping, two writers of one folder, or a damaged cache."""
    kinds = (_killed_run, _killed_sweep, _race, _damaged_cache)
    for seed in seeds:
        place = folder / str(seed)
        place.mkdir()
        shutil.copy(SCENARIO, place / "it.yaml")
        problem = kinds[seed % len(kinds)](place, random.Random(seed))
        yield seed, Verdict("torn" if problem else "whole", int(bool(problem)), problem, 0.0, 0)
        if not problem:
            shutil.rmtree(place)


def _run(place: Path, words: list[str], **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "funnelsim", *words],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        start_new_session=True,
    )


def _finished(place: Path, words: list[str], **environment: str) -> tuple[int, str]:
    process = _run(place, words, **environment)
    out, err = process.communicate(timeout=300)
    return process.returncode, out + err


RUN = ["run", "it.yaml", "-n", "3", "--no-figures", "--out", "out", *QUIET]
SWEEP = ["sweep", "it.yaml", "--vary", "teams.sales.people=1..6:6", "-n", "2", "--no-figures", "--out", "out", *QUIET]


def _killed(place: Path, words: list[str], chance: random.Random) -> str:
    """Killed at any moment, then done again: the digits of an undisturbed one, and no file that does not belong."""
    process = _run(place, words)
    time.sleep(chance.uniform(0.05, 2.5))
    os.killpg(process.pid, chance.choice((signal.SIGKILL, signal.SIGTERM)))
    process.communicate(timeout=60)
    for result in (place / "out").glob("[!.]*"):
        if result.is_dir() and not (result / "manifest.json").exists():
            return f"{result.name} is there without its manifest"
    code, printed = _finished(place, words)
    if code:
        return f"done again: exit {code}: {printed}"
    calm = place / "calm"
    calm.mkdir()
    shutil.copy(place / "it.yaml", calm)
    code, printed = _finished(calm, words)
    if code or _tables(calm / "out") != _tables(place / "out"):
        return f"other tables than undisturbed ones (exit {code})"
    return ""


def _killed_run(place: Path, chance: random.Random) -> str:
    return _killed(place, RUN, chance)


def _killed_sweep(place: Path, chance: random.Random) -> str:
    return _killed(place, SWEEP, chance)


def _race(place: Path, chance: random.Random) -> str:
    """Two writers of one result."""
    both = [_run(place, RUN) for _ in range(2)]
    ends = [(process.communicate(timeout=300), process.returncode) for process in both]
    if any(code for _, code in ends):
        return f"of two writers one failed: {ends}"
    return "" if len(_tables(place / "out")) > 0 else "two writers left nothing"


def _damaged_cache(place: Path, chance: random.Random) -> str:
    """A file of the cache emptied, cut or filled with noise counts as absent."""
    cache = place / "cache"
    own = {"FUNNELSIM_CACHE": str(cache)}
    shutil.copytree(_warm_cache(), cache)
    files = sorted(path for path in cache.rglob("*") if path.is_file() and path.suffix != ".nbc")
    for path in chance.sample(files, min(len(files), 3)):
        whole = path.read_bytes()
        path.write_bytes(chance.choice((b"", whole[: len(whole) // 2], chance.randbytes(64))))
    code, printed = _finished(place, RUN, **own)
    if code:
        return f"exit {code}: {printed}"
    code, printed = _finished(place, RUN, **own)
    return f"exit {code} at the second time: {printed}" if code else ""


def _warm_cache() -> Path:
    """A cache that a run has filled; made once for all processes of a campaign."""
    warm = ROOT / "build/fuzz/warm-cache"
    if not warm.exists():
        part = warm.with_name(f"warm-cache.{os.getpid()}")
        place = part / "work"
        place.mkdir(parents=True)
        shutil.copy(SCENARIO, place / "it.yaml")
        _finished(place, RUN, FUNNELSIM_CACHE=str(part / "cache"))
        with contextlib.suppress(OSError):  # another process was first
            (part / "cache").replace(warm)
        shutil.rmtree(part, ignore_errors=True)
    return warm


def _tables(out: Path) -> dict[str, str]:
    """Digests of the tables of all results in a folder."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.suffix in (".csv", ".parquet") and ".unfinished" not in str(path)
    }
