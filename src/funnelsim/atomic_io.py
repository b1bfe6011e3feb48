"""Folders and files written whole or not at all: made beside their place, forced to the disk, then renamed."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from funnelsim.errors import RunError, UsageError


class StagingFolder:
    """A folder in the making; set `name` before it is done."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name


@contextmanager
def atomic_folder(parent: Path, name: str = "") -> Iterator[StagingFolder]:
    """A new folder to fill; it takes its place in `parent` when all went well, and leaves nothing behind otherwise.

    What stood there before stays until then. Raises RunError when the disk is full or cannot be written.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        draft = StagingFolder(Path(tempfile.mkdtemp(prefix=".unfinished-", dir=parent)), name)
    except OSError as error:
        raise _run_error(error, parent) from None
    try:
        yield draft
        draft.path.chmod(0o755)  # mkdtemp makes it private
        for path in (*draft.path.rglob("*"), draft.path):
            _fsync(path)
        _replace(draft.path, parent / draft.name)
        _fsync(parent)
    except OSError as error:
        raise _run_error(error, parent / draft.name) from error
    finally:
        shutil.rmtree(draft.path, ignore_errors=True)


def atomic_write(file: Path, data: bytes) -> None:
    """A file, written whole or not at all; what stood there before stays until then. Raises RunError as above."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    except OSError as error:
        raise _run_error(error, file) from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(draft).chmod(0o644)  # mkstemp makes it private
        _fsync(Path(draft))
        Path(draft).replace(file)
    except OSError as error:
        raise _run_error(error, file) from error
    finally:
        Path(draft).unlink(missing_ok=True)


def check_writable(parent: Path) -> None:
    """Before a long run: whether results can be written there at all."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise UsageError(f"results cannot be written to {parent}: {error.strerror or error}") from None


def _replace(draft: Path, place: Path) -> None:
    if not place.exists():
        draft.rename(place)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{place.name}-old-", dir=place.parent))
    place.rename(old / place.name)
    try:
        draft.rename(place)
    except OSError:
        (old / place.name).rename(place)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _fsync(path: Path) -> None:
    # some file systems cannot sync folders, and Windows cannot open them
    with suppress(PermissionError, IsADirectoryError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EBADF):
                raise
        finally:
            os.close(handle)


def _run_error(error: OSError, place: Path) -> RunError:
    why = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
    return RunError(f"{place} could not be written: {why}. Nothing was left half-written.")
