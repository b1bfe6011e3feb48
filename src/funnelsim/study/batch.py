"""A batch of points under way: kept ones are found, others run on any executor of `concurrent.futures`.

A few more points than there are threads are under way at a time, so that planning and running go on side by side. A
point that several scenarios share runs once.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from funnelsim.errors import RunError
from funnelsim.progress import Progress
from funnelsim.study.point import PointResult, PointTask, Stopped, run_task
from funnelsim.study.point_store import PointStore

FAR = 1000  # points sent to a cluster at a time


class SubmittedPoint(NamedTuple):
    """A point as it was asked for."""

    name: str  # of the scenario
    point: tuple[str, ...]
    key: str  # "" when it could not even be planned
    error: str = ""


class PointBatch:
    """Points under way, and what became of those that are done."""

    def __init__(
        self, what: str, store: PointStore, executor: Executor | None, threads: int, total: int, watch: Progress
    ) -> None:
        """`executor` None runs on threads here; `total` points are expected, for the progress line."""
        self.what, self.store, self.watch, self.total = what, store, watch, total
        self.stop = False
        self.own = ThreadPoolExecutor(threads) if executor is None else None
        self.executor = executor or self.own
        self.most = 2 * threads if executor is None else FAR
        self.inside = threads if executor is None and total < 2 * threads else 1  # threads within a point
        self.rows: list[SubmittedPoint] = []
        self.outcomes: dict[str, PointResult] = {}
        self.fresh: set[str] = set()  # run now
        self.errors: dict[str, str] = {}  # by key: failed while running
        self._waiting: dict[Future[PointResult], str] = {}
        self._found = self._ran = 0

    def submit(self, task: PointTask, name: str, point: tuple[str, ...]) -> None:
        """Run a point, unless it was run before or is under way for another scenario or point."""
        self.rows.append(SubmittedPoint(name, point, task.key))
        if task.key in self.outcomes or task.key in self._waiting.values() or task.key in self.errors:
            self.total -= 1
            return
        kept = self.store.find(task.key)
        if kept is not None:
            self.outcomes[task.key] = kept
            self._found += 1
            return
        assert self.executor is not None
        stopped: Callable[[], bool] | None = (lambda: self.stop) if self.own is not None else None
        self._waiting[self.executor.submit(run_task, task, stopped, self.inside)] = task.key
        while len(self._waiting) >= self.most:
            self._collect()

    def failed(self, name: str, point: tuple[str, ...], text: str) -> None:
        """A point that cannot be planned, such as a scenario that is invalid there."""
        self.rows.append(SubmittedPoint(name, point, "", text))
        self._ran += 1
        self.watch.note(f"failed: {name} at {', '.join(point)}: {text}")

    def finish(self) -> None:
        """Wait for all points under way."""
        while self._waiting:
            self._collect()
        self.watch.clear()
        if self._found:
            self.watch.note(f"{self._found} of {self.total} points were there already")

    def close(self) -> None:
        """Also after an interruption: nothing more begins, and what is finished stays."""
        self.stop = True
        for future in self._waiting:
            future.cancel()
        if self.own is not None:
            self.own.shutdown(cancel_futures=True)

    def error_of(self, row: SubmittedPoint) -> str:
        """Why a point failed; nothing when it did not."""
        return row.error or self.errors.get(row.key, "")

    def _collect(self) -> None:
        done, _ = wait(self._waiting, return_when=FIRST_COMPLETED)
        for future in done:
            key = self._waiting.pop(future)
            self._take(future, key)
            self._ran += 1
            self.watch.progress(self.what, self._ran, self.total - self._found)

    def _take(self, future: Future[PointResult], key: str) -> None:
        try:
            outcome = future.result()
        except (OSError, MemoryError, Stopped):
            raise
        except CancelledError:
            raise RunError("the cluster went away; what is finished is kept, so start again") from None
        except Exception as error:  # one point that fails must not cost the others
            self.errors[key] = one_line(error)
            name, point = next((row.name, row.point) for row in self.rows if row.key == key)
            self.watch.note(f"failed: {name} at {', '.join(point)}: {self.errors[key]}")
            return
        self.store.keep(outcome)
        self.outcomes[key] = outcome
        self.fresh.add(key)


def one_line(error: BaseException) -> str:
    """The first problem, in a line."""
    problems = getattr(error, "problems", None)
    if problems:
        one = problems[0]
        return f"{one.text}{f' ({one.hint})' if one.hint else ''}"
    return str(error) or type(error).__name__
