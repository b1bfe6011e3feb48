"""What every command of a study gives: the finding, its manifest and its folder; as text, table, plain data, card."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from funnelsim.manifest import Manifest

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class StudyResult(ABC, Generic[ResultT]):
    """A finished study, and where it is saved."""

    command: ClassVar[str]  # "sweep": begins the name of the folder, and names its JSON file

    result: ResultT
    manifest: Manifest
    folder: Path | None = None

    @abstractmethod
    def report(self, verbose: int = 0, width: int = 0) -> str:
        """The text that the command prints; the first line is the answer. `width` of the terminal, 0 for a file."""

    @abstractmethod
    def frame(self) -> pl.DataFrame:
        """The table that people look at first."""

    @abstractmethod
    def as_data(self) -> dict[str, Any]:
        """Plain data, as `--json` prints it."""

    @abstractmethod
    def tables(self) -> dict[str, pl.DataFrame]:
        """The tables of the folder, by file."""

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """The figures of the folder, by name, each drawn when it is asked for; a study may have none."""
        return iter(())

    def _repr_html_(self) -> str:
        from funnelsim.reporting.common.notebook import card

        return card(self.report(), self.frame())
