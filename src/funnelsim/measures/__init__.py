"""From what happened to what it means: tables to a Summary, Summaries to named measures with their uncertainty."""

from funnelsim.measures.fold import summarise

__all__ = ["summarise"]
