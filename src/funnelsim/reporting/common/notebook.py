"""What a notebook shows of a result: the answer in a sentence, then the head of its table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from funnelsim.reporting.common.format import shown
from funnelsim.reporting.run.report import answer
from funnelsim.result import Result

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 10
WATCHED = ("leads", "won", "rate.won", "revenue", "cost", "profit", "roi")  # of the cohort of a run


def run_card(result: Result) -> str:
    """The outcomes of a run, as people read them."""
    rows = []
    for name in WATCHED:
        measure = result.measures.get(f"cohort.{name}")
        if measure is not None:
            one, unit, currency = measure.estimate(), measure.unit, result.book.currency
            rows.append(
                [
                    measure.key,
                    *(
                        shown(value, unit, currency)
                        for value in (one.mean, one.low, one.high, one.period_low, one.period_high)
                    ),
                ]
            )
    return _html(
        answer(result).partition("\n")[0],
        ["measure", "mean", "low", "high", "period low", "period high"],
        rows,
        f"{len(result.measures)} measures in all: frame()",
    )


def card(sentence: str, frame: pl.DataFrame) -> str:
    """A sentence and the first rows of a table."""
    rows = [
        [f"{value:.5g}" if isinstance(value, float) else "" if value is None else str(value) for value in row]
        for row in frame.head(MOST_ROWS).iter_rows()
    ]
    more = f"{len(frame)} rows in all: frame()" if len(frame) > MOST_ROWS else ""
    return _html(sentence.partition("\n")[0], frame.columns, rows, more)


def _html(sentence: str, headers: list[str], rows: list[list[str]], more: str) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in headers)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f"<div><p><strong>{escape(sentence)}</strong></p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        f"</table>{f'<p>{escape(more)}</p>' if more else ''}</div>"
    )
