"""Rank and merge judged candidates; run no code."""
