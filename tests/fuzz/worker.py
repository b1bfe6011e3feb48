"""A process that runs commands one after the other and says how each ended; the parent notices when it dies.

    python -m fuzz.worker FOLDER         reads a JSON list of words a line, writes a JSON verdict a line

A verdict: exit code, what was printed, seconds of CPU, peak memory. CPU beyond the limit ends the process.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CPU_LIMIT = 10.0
MEMORY_LIMIT = 1 << 30
DOCUMENTED = {0, 1, 2, 3, 4, 5}
BAD = ("died", "traceback", "itself failed", "slow", "large", "undocumented exit", "control character", "nan printed")


class Verdict(NamedTuple):
    """How a command ended."""

    outcome: str
    code: int
    printed: str
    cpu: float
    memory: int


def verdict_of(code: int, printed: str, cpu: float, memory: int) -> Verdict:
    """The worst thing about it, or its exit code."""
    outcome = f"exit {code}"
    if any(
        (ord(c) < 32 and c not in "\n\t\r") or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        for c in printed
    ):
        outcome = "control character"
    if "±nan" in printed or "± nan" in printed:
        outcome = "nan printed"
    if code not in DOCUMENTED:
        outcome = "undocumented exit"
    if memory > MEMORY_LIMIT:
        outcome = "large"
    if cpu > CPU_LIMIT:
        outcome = "slow"
    if "itself failed" in printed:
        outcome = "itself failed"
    if "Traceback" in printed:
        outcome = "traceback"
    return Verdict(outcome, code, printed, cpu, memory)


class Worker:
    """The parent's side of one such process; made again when it died."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None

    def run(self, words: list[str]) -> Verdict:
        """Run a command in the folder."""
        if self._process is None:
            self._process = self._start()
        process = self._process
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps(words) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = process.wait()
            self._process = None
            return Verdict("slow" if code == -signal.SIGPROF else "died", code, "", CPU_LIMIT, 0)
        verdict = verdict_of(**json.loads(line))
        if verdict.memory > MEMORY_LIMIT // 2:  # the peak never falls: the next one is measured in a new process
            self.close()
        return verdict

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        here = str(Path(__file__).parents[1])
        path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
        return subprocess.Popen(
            [sys.executable, "-m", "fuzz.worker", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": path, "NO_COLOR": "1", "COLUMNS": "120"},
        )


def counted(verdicts: Iterator[tuple[int, Verdict]]) -> Counter[str]:
    """Verdicts by outcome."""
    return Counter(verdict.outcome for _, verdict in verdicts)


def _serve(folder: Path) -> None:
    os.chdir(folder)
    from funnelsim.cli import code_of

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    for line in sys.stdin:
        printed = io.StringIO()
        before = resource.getrusage(resource.RUSAGE_SELF)
        signal.setitimer(signal.ITIMER_PROF, 3 * CPU_LIMIT)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                code = code_of(json.loads(line))
            except SystemExit as error:
                code = error.code if isinstance(error.code, int) else 1
            except BaseException:  # whatever gets out is what is looked for
                import traceback

                printed.write(traceback.format_exc())
                code = 1
        signal.setitimer(signal.ITIMER_PROF, 0)
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        answer = {"code": code, "printed": printed.getvalue()[-20_000:], "cpu": cpu, "memory": after.ru_maxrss * 1024}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
