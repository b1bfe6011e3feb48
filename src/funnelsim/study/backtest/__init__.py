"""The back-test: forecasts from what was known at several past instants, beside what then happened.

origins     the instants, and how far ahead each looks
forecast    a history as known then: fitted, compiled, simulated from the leads in flight, week by week
happened    the same quantities in the records; the weeks before an instant, which a spreadsheet carries on
scores      coverage, PIT, CRPS, bias, and by how much intervals must be widened
drift       do recent cohorts stay within what was fitted before them?
distances   how far the simulated event log is from the real one
rolling     all of it
"""
