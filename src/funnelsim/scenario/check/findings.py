"""What the checks find, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from funnelsim.errors import Problem, did_you_mean
from funnelsim.scenario.validation import as_written, find
from funnelsim.scenario.yaml_nodes import Node, moved, problem_at

Path = tuple[str | int, ...]
MAX_NAMES = 12  # more are not listed in a hint


class Findings:
    """Problems of one scenario; what could not be read at all is not complained about twice."""

    def __init__(self, tree: Node, left_out: Sequence[Path]) -> None:
        self.tree, self.left_out = tree, [path for path in left_out if path]
        self.problems: list[Problem] = []

    def error(self, path: Sequence[str | int], text: str, hint: str = "", piece: str = "") -> None:
        self._add("error", tuple(path), text, hint, piece)

    def warn(self, path: Sequence[str | int], text: str, hint: str = "", piece: str = "") -> None:
        self._add("warning", tuple(path), text, hint, piece)

    def note(self, path: Sequence[str | int], text: str, hint: str = "", piece: str = "") -> None:
        """Worth knowing when the file is checked; a run does not repeat it."""
        self._add("note", tuple(path), text, hint, piece)

    def unknown(self, kind: str, name: str, known: Iterable[str], path: Sequence[str | int]) -> None:
        """A name that means nothing, with what was probably meant."""
        names = list(known)
        listed = ", ".join(names[:MAX_NAMES]) + (", ..." if len(names) > MAX_NAMES else "")
        hint = f"{did_you_mean(name, names)}  known: {listed}".strip() if names else f"no {kind} is defined"
        self._add("error", tuple(path), f"there is no {kind} '{name}'", hint, name)

    def unparsed(self, collection: str) -> list[str] | None:
        """Names of a collection that exist and could not be read; None when the collection as a whole could not."""
        if (collection,) in self.left_out:
            return None
        return [str(path[1]) for path in self.left_out if path[0] == collection and len(path) > 1]

    def unreadable(self, *path: str | int) -> bool:
        """Whether there is something at this path that could not be read."""
        return path in self.left_out

    def unchanged(self, *keys: str) -> bool:
        """Whether all below these keys of the scenario could be read."""
        return not any(path[0] in keys for path in self.left_out)

    def _add(self, severity: str, path: Path, text: str, hint: str, piece: str) -> None:
        written = as_written(self.tree, path)
        if any(left[: len(written)] == written or written[: len(left)] == left for left in self.left_out):
            return
        node, real = find(self.tree, path)
        if not real:
            self.problems.append(Problem(self.tree.place.file, path=path, text=text, hint=hint, severity=severity))
            return
        by_key = isinstance(node.value, dict | list) or (isinstance(real[-1], str) and real[-1] == piece)
        place = node.at if by_key else moved(node.place, piece)
        self.problems.append(problem_at(place, text, hint, path, severity))
