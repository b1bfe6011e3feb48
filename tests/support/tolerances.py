"""How exact a result must be, where several tests ask for the same."""

# Of a difference that Shapley values divide: weights are whole numbers, divided once by n!, so only rounding is lost.
ROUNDING_OF_SHARES = 1e-9
