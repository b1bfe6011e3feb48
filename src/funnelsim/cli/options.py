"""Options that several commands share: one spelling and one help text each."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

_F = TypeVar("_F", bound=Callable[..., Any])


def options(*names: str) -> Callable[[_F], _F]:
    """The options of these names, in this order."""

    def add(function: _F) -> _F:
        for name in reversed(names):
            function = OPTIONS[name](function)
        return function

    return add


class Share(click.ParamType[float]):
    """`2%` or `0.02`."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        try:
            return float(text[:-1]) / 100.0 if text.endswith("%") else float(text)
        except ValueError:
            self.fail(f"'{value}' is not a share: write 2% or 0.02", param, ctx)


class Formats(click.ParamType[tuple[str, ...]]):
    """`svg,pdf`"""

    name = "formats"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        from funnelsim.errors import UsageError
        from funnelsim.reporting.common.figure_formats import formats_of

        try:
            return formats_of(value)
        except UsageError as error:
            self.fail(str(error).removeprefix("--figures: "), param, ctx)


def _figures(function: _F) -> _F:
    """--figures FORMATS and --no-figures, as one argument."""

    @wraps(function)
    def merged(*arguments: Any, no_figures: bool, figures: tuple[str, ...], **others: Any) -> Any:
        return function(*arguments, figures=() if no_figures else figures, **others)

    none = click.option("--no-figures", is_flag=True, help="Draw no figures.")
    drawn = click.option(
        "--figures",
        type=Formats(),
        default="png,svg",
        show_default=True,
        metavar="FORMATS",
        help="Formats that figures are drawn in: png, svg, pdf, or several with commas between.",
    )
    return cast("_F", drawn(none(merged)))


OPTIONS: dict[str, Callable[[Any], Any]] = {
    "overrides": click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change a value of the scenario, as in --set teams.sales.people=6. May be repeated.",
    ),
    "seed": click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of all luck; default: the scenario's."),
    "replications": click.option("--replications", "-n", type=click.IntRange(min=1), help="How often to simulate."),
    "precision": click.option(
        "--precision",
        type=Share(),
        metavar="SHARE",
        help="Or: until the simulation error of wins and revenue is below this share of them, as in --precision 2%.",
    ),
    "engine": click.option(
        "--engine",
        type=click.Choice(["fast", "reference"]),
        help="Both give the same digits; reference is slow and made to be read. Default: fast.",
    ),
    "threads": click.option("--threads", type=click.IntRange(min=1), help="Default: one a processor."),
    "cluster": click.option("--cluster", metavar="ADDRESS", help="Run on a Dask cluster, as in tcp://10.0.0.5:8786."),
    "out": click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=Path("results"),
        show_default=True,
        help="Folder that results are saved in.",
    ),
    "figures": _figures,
    "json": click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text."),
    "quiet": click.option("--quiet", "-q", is_flag=True, help="No notes, no progress."),
    "verbose": click.option("--verbose", "-v", count=True, help="More."),
}
