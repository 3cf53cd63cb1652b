"""Shortest routes on a road map."""
