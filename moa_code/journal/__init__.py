"""Runs, calls, candidates and verdicts in one SQLite file. Writes and reads them; interprets nothing."""
