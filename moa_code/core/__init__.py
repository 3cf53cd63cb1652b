"""Nouns, errors and Protocols. The standard library alone; no I/O; no clock."""
