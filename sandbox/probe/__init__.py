"""Tries in a box what its walls must refuse, as an ordinary job does, and says what came of it.

Started as `python -m probe '{"open_files": N}'`; one JSON line a trial on standard output, and a last one with their
number. It judges nothing: `moa_code/probe/` does. Every trial is harmless where it succeeds.
"""
