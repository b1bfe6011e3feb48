"""Points on a Dask cluster: the same task, the same digits, on other machines.

`distributed` is no part of funnelsim: pip install "funnelsim[cluster]". A worker that dies loses the points it was
at, and Dask runs them elsewhere; what is finished is kept by the process that asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from funnelsim.engine.jit import engine_hash
from funnelsim.errors import RunError, UsageError

PATIENCE = "20s"  # for the scheduler to answer
RETRIES = 3  # of a point whose worker fails


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """An executor on the workers behind a scheduler, such as tcp://10.0.0.5:8786."""
    try:
        from distributed import Client
    except ImportError:
        raise UsageError('--cluster needs Dask: pip install "funnelsim[cluster]"') from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        _check_workers(client)
        yield client.get_executor(pure=False, retries=RETRIES)


def _check_workers(client: Any) -> None:
    """Another engine gives other digits: say so before anything runs."""
    try:
        hashes: dict[str, str] = client.run(engine_hash)
    except Exception as error:  # whatever is missing there
        raise RunError(f"the workers cannot run funnelsim: {type(error).__name__}: {error}") from None
    mine = engine_hash()
    if others := [worker for worker, their in hashes.items() if their != mine]:
        raise RunError(
            f"another version of the engine is on {', '.join(others)}: install the same funnelsim, NumPy "
            f"and numba there"
        )
