"""optimise: the best settings under constraints, and the best of k with a stated chance."""
