"""Training: a graph compiled once to a flat program of updates, replayed over data."""
