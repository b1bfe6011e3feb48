"""Files from outside, read within limits: what is no file, too large or too deep is refused before it is parsed.

A parser that calls itself for each bracket ends the process at some hundred thousand of them, a pipe never ends, and a
few kilobytes of gzip hold gigabytes. So every reader takes its bytes from here. Limits are generous: they stop what
cannot be meant, not what is large.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import zlib
from pathlib import Path
from typing import NamedTuple

MEGABYTE = 1 << 20
NOT_GZIP = (OSError, EOFError, zlib.error)


class Limits(NamedTuple):
    """How much a file of a kind may hold: bytes on disk and, packed files, bytes unpacked."""

    size: int
    unpacked: int = 0


SCENARIO = Limits(4 * MEGABYTE)
LEADS = Limits(256 * MEGABYTE)
MANIFEST = Limits(512 * MEGABYTE)
TABLE = Limits(8192 * MEGABYTE, 8192 * MEGABYTE)
DEPTH = 64  # brackets within brackets, steps of indentation


class FileRefused(Exception):
    """Why a file is not read: a sentence, what to do, and where (line and column from 1; 0 = the file as a whole)."""

    def __init__(self, text: str, hint: str = "", line: int = 0, column: int = 0) -> None:
        super().__init__(text)
        self.text, self.hint, self.line, self.column = text, hint, line, column


def read_bytes(path: Path, limits: Limits) -> bytes:
    """All bytes of a regular file. Raises FileRefused, or the OSError of opening it."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except ValueError:
        raise FileRefused("a file name cannot hold a null character") from None
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(21, "Is a directory", str(path))
        if not stat.S_ISREG(found.st_mode):
            raise FileRefused("this is no regular file but a pipe or a device", "save its content to a file first")
        check_size(found.st_size, limits.size)
        return stream.read(limits.size + 1)


def check_size(size: int, limit: int) -> None:
    """FileRefused when a file is larger than its kind may be."""
    if size > limit:
        raise FileRefused(
            f"the file has {_size(size)}, more than the {_size(limit)} that are read", "is it the right file?"
        )


def unpack(raw: bytes, limits: Limits) -> bytes:
    """What a gzipped file holds. Raises FileRefused when it is more than the limit, or cut or damaged."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
            text = packed.read(limits.unpacked + 1)
    except NOT_GZIP as error:
        raise FileRefused("the compressed file is cut off or damaged", "fetch it again; `gzip -t` tests it") from error
    if len(text) > limits.unpacked:
        raise FileRefused(f"unpacked it has more than the {_size(limits.unpacked)} that are read", "split it")
    return text


def decode(raw: bytes) -> str:
    """UTF-8 text, with or without a byte-order mark. Raises FileRefused with the line that is none."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise FileRefused(
            f"line {line} is not UTF-8 text (byte 0x{raw[error.start]:02x})", "save the file as UTF-8"
        ) from None


_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*'|(?:(?<=\s)|^)#[^\n]*", re.MULTILINE)
_BRACKET = re.compile(r"[\[\]{}]")
_INDENT = re.compile(r"^([ \t]*(?:[-?][ \t]+)*)(?=[^\s#])", re.MULTILINE)


def check_depth(text: str) -> None:
    """FileRefused when YAML, TOML or JSON text is nested deeper than a parser can follow, before one tries."""
    if text.count("[") + text.count("{") > DEPTH:
        _check_brackets(_QUOTED.sub(lambda found: " " * len(found.group()), text))
    for found in _INDENT.finditer(text):
        if len(found[1]) > 2 * DEPTH and len(re.findall(r"[-?]", found[1])) + len(found[1]) // 2 > 4 * DEPTH:
            raise _too_deep(text, found.start())


def _check_brackets(text: str) -> None:
    depth = 0
    for found in _BRACKET.finditer(text):
        depth += 1 if found.group() in "[{" else -1
        if depth > DEPTH:
            raise _too_deep(text, found.start())
        depth = max(depth, 0)


def _too_deep(text: str, at: int) -> FileRefused:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return FileRefused(f"nested more than {DEPTH} levels deep", "no file of ours needs that", line, column)


def _size(count: int) -> str:
    return f"{count / MEGABYTE:,.0f} MB" if count >= MEGABYTE else f"{count:,} bytes"
