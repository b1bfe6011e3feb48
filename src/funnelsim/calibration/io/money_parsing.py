"""Amounts of money as people write them: `€ 1.234,56`, `£9000`, `1,200.50 USD`; nan where there is no number.

Whether the comma or the point cuts off the cents is read off the column as a whole: a mark that comes last and has one
or two digits behind it is the decimal mark, one that comes twice is not. `value: {decimal: ","}` says it when no cell
does.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from funnelsim.typing import FloatArray

_NUMBER = r"(\(?-?\s*[0-9][0-9.,'\s\u00a0\u202f]*)"


def amounts(cells: pl.Series, decimal: str = "") -> FloatArray:
    """Numbers of a column of text; below zero where the sign or brackets say so."""
    plain = cells.cast(pl.Float64, strict=False)
    if (plain.is_null() & (cells != "")).any():
        plain = _written(cells, decimal or _decimal_mark(cells)).fill_null(plain if not decimal else None)
    numbers = np.array(plain.fill_null(np.nan).to_numpy(), float)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def signs(cells: pl.Series) -> pl.Series:
    """The currency sign or code that stands beside each number, "" where none does."""
    return cells.str.extract(r"([$€£¥₹₽₺₩₴₫฿]|[A-Z]{3}\b|\bR\$|\bkr\b|\bzł)", 1).fill_null("")


def _written(cells: pl.Series, decimal: str) -> pl.Series:
    thousands = "." if decimal == "," else ","
    bare = cells.str.extract(_NUMBER, 1)
    negative = cells.str.contains(r"^\s*[^0-9]*[-(\u2212]")
    digits = bare.str.replace_all(r"[^0-9.,]", "").str.replace_all(thousands, "", literal=True)
    number = digits.str.replace(decimal, ".", literal=True).cast(pl.Float64, strict=False)
    return pl.select(pl.when(negative).then(-number).otherwise(number)).to_series()


def _decimal_mark(cells: pl.Series) -> str:
    """`,` when the column's cells speak for it more often than against."""
    comma = (cells.str.contains(r"[0-9],[0-9]{1,2}\D*$") | cells.str.contains(r"[0-9]\.[0-9]{3}[.,]")).sum()
    point = (cells.str.contains(r"[0-9]\.[0-9]{1,2}\D*$") | cells.str.contains(r"[0-9],[0-9]{3}[.,]")).sum()
    return "," if comma > point else "."
