"""Words, tables, figures and the one-file report of what the studies find."""
