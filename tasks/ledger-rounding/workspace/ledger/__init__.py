"""A small ledger in whole cents."""
