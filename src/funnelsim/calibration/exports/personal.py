"""Columns of personal data, told by their names: nothing of them is ever needed, so nothing of them is loaded."""

from __future__ import annotations

import re
from functools import cache

from funnelsim.calibration.exports.alias_tables import alias_table, normalised

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+")


@cache
def is_personal(name: str) -> bool:
    """Does a column of this name hold names, addresses, e-mail addresses or telephone numbers?"""
    known = alias_table("personal")
    if normalised(name) in known["columns"]:
        return True
    words = {word.casefold() for word in _WORDS.findall(name.replace("e-mail", "email").replace("E-Mail", "email"))}
    return bool(words & set(known["words"])) and not words & set(known["unless"])
