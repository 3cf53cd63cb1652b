"""Starts, feeds, times and kills boxes. Knows nothing of tests."""
