"""Picks adapters by name, opens them, closes them. The only place that knows which class stands behind a Protocol."""
