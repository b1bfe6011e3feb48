"""From files to a saved folder: one module a command that leaves results."""
