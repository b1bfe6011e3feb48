"""A history calibrated: its figures, as text and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.calibration.fitted_history import FittedHistory
from funnelsim.calibration.report.text import report

if TYPE_CHECKING:
    import polars as pl


class Calibration(FittedHistory):
    """What a history tells."""

    def report(self, verbose: bool = False) -> str:
        """The figures as plain text; `verbose`: with every plausible choice of laws."""
        return report(self, verbose)

    def frame(self) -> pl.DataFrame:
        """A row a stage and exit: visits and exits seen in the last period, the fitted share with its 95 % interval."""
        import polars as pl

        rows = [
            {"stage": stage.name, "to": target, "visits": int(stage.current.sum()), "seen": stage.seen(target)}
            | {"share": stage.share(target).value, "low": stage.share(target).low, "high": stage.share(target).high}
            for stage in self.stages
            for target in stage.order
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def __repr__(self) -> str:
        return (
            f"<Calibration of {self.history.name!r} as of {self.as_of}: {self.leads} leads, {len(self.stages)} stages>"
        )

    def _repr_html_(self) -> str:
        from funnelsim.reporting.common.notebook import card

        return card(self.report(), self.frame())
