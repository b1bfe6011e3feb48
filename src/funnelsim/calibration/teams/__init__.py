"""What a log of work says about the teams: handling times, opening hours, people, queue order, patience, call-backs."""
