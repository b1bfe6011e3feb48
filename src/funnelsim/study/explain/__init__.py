"""explain: a difference divided among the changes that make it."""
