"""Who is served first: a hint from the choices that were made.

Each time somebody began a piece while others waited too, one of k was chosen. By lot, a rule of order names the one
chosen in 1/k of the cases; in the data, in so many as it was followed. Compared are

    first come     the one that had waited longest
    last come      the newest
    rank           the highest priority, and among equals the longest waiting (only where the log has priorities;
                   whether high or low numbers go first is looked up in the same way)

    strength = (hits - chance) / (choices - chance)      0 by lot, 1 always followed

Only pieces of one kind are compared: another kind may be another queue. It is a hint and not a law: people also pick,
and logs round to the second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnelsim.calibration.teams.work_items import WorkItems

MOST = 20_000  # choices looked at, spread evenly over the log
TIE = 1.0  # seconds: who came so close together came together
FEWEST = 50
CLEAR = 0.1  # a rule followed less than this is none
AHEAD = 0.05  # another rule than first come must be followed so much more


@dataclass(frozen=True)
class QueueOrderFit:
    """How far each rule was followed."""

    choices: int
    strength: dict[str, float]  # by rule
    mixed: int  # choices between different ranks
    higher_first: float  # of these, the share in which the highest rank was chosen

    @property
    def best(self) -> str:
        """The rule followed most; first come unless another one is clearly ahead; "" when none is."""
        order = sorted(self.strength, key=lambda rule: -self.strength[rule])
        if self.strength[order[0]] < CLEAR:
            return ""
        ahead = self.strength[order[0]] - self.strength["first come"]
        return order[0] if ahead >= AHEAD else "first come"


def fit_queue_order(pieces: WorkItems) -> QueueOrderFit | None:
    """Compare the rules; None when fewer than 50 choices were made."""
    asked = np.isfinite(pieces.asked) & (pieces.waited_until > pieces.asked)
    waiting = pieces.where(asked)
    order = np.argsort(waiting.asked, kind="stable")
    waiting = waiting.where(order)
    chosen = _choices(waiting)
    if len(chosen) < FEWEST:
        return None
    ranked = np.isfinite(waiting.rank).any() and np.ptp(waiting.rank[np.isfinite(waiting.rank)]) > 0
    rank = np.where(np.isfinite(waiting.rank), waiting.rank, -np.inf)
    hits, chance, mixed, high = dict.fromkeys(("first come", "last come"), 0.0), 0.0, 0, 0
    if ranked:
        hits |= {"high rank": 0.0, "low rank": 0.0}
    for piece, others in chosen:
        chance += 1.0 / len(others)
        came, ranks = waiting.asked[others], rank[others]
        mine, my_rank = waiting.asked[piece], rank[piece]
        hits["first come"] += mine <= came.min() + TIE
        hits["last come"] += mine >= came.max() - TIE
        if ranked:
            for rule, top in (("high rank", ranks.max()), ("low rank", ranks.min())):
                hits[rule] += my_rank == top and mine <= came[ranks == top].min() + TIE
            if np.ptp(ranks) > 0:
                mixed, high = mixed + 1, high + int(my_rank == ranks.max())
    count = len(chosen)
    strength = {rule: float((hit - chance) / max(count - chance, 1e-9)) for rule, hit in hits.items()}
    return QueueOrderFit(count, strength, mixed, high / mixed if mixed else 0.0)


def _choices(waiting: WorkItems) -> list[tuple[int, np.ndarray]]:
    """(chosen, those who waited then, the chosen one among them), where there was a choice."""
    until = waiting.waited_until
    begun = np.flatnonzero(waiting.served & (waiting.started > waiting.asked))
    choices = []
    latest = np.maximum.accumulate(until)
    for piece in begun[:: max(len(begun) // MOST, 1)].tolist():
        now = waiting.started[piece]
        high = int(np.searchsorted(waiting.asked, now, side="right"))
        low = int(np.searchsorted(latest, now))  # before it everyone's wait is over
        there = np.arange(low, high)
        there = there[(waiting.kind[there] == waiting.kind[piece]) & ((until[there] > now + TIE) | (there == piece))]
        if len(there) > 1:
            choices.append((piece, there))
    return choices
