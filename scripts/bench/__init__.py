"""Measure what the notes promise: `make bench`. A ratio or a count stands beside each time, for machines are noisy."""
