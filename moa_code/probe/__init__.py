"""Tries on an open sandbox what its walls must refuse, and says whether they do. The trials are in `sandbox/probe/`."""
