"""sensitivity: which inputs move an answer, and what to measure first."""
