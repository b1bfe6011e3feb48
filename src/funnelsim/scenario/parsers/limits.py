"""How large a quantity may be: beyond these no funnel is meant, and sums and instants would not be exact.

Cents are added up in whole numbers of 64 bits, and instants are counted in ticks; both hold within these limits for
as many leads as a run may have.
"""

from __future__ import annotations

MOST_NUMBER = 1e12
MOST_MONEY = 1e12
MOST_LEADS_A_WEEK = 1e7
MOST_YEARS = 1000
MOST_PEOPLE = 10_000
MOST_COUNT = 1_000_000
MOST_ODDS = 1e6
MOST_GROWTH = 1000.0  # a year, as a share: times 1001
MOST_FRACTION = 100.0  # of a term, at which something is done


def shown_limit(limit: float) -> str:
    """A limit as people write it: 1,000,000, and 1e12 from a thousand million on."""
    return f"{limit:,.0f}" if limit < 1e9 else f"{limit:.0e}".replace("e+", "e")
