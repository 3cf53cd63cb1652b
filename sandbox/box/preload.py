"""What the zygotes import before the first job, so that a job pays for none of it.

There are two: forking costs by what is loaded, and a job that needs no pytest starts from a slim one.
"""

from __future__ import annotations

ENTRIES = ("behave", "command", "oracle", "pytest", "screen", "split", "static")
"""Names of the runners, for the supervisor, which must not import them: it forks for every job and stays small."""

SLIM_ENTRIES = ("command", "oracle", "static")
"""Entries that a slim zygote can start, where the job does not ask for more."""

SLIM = (
    "box.oracle.answer",
    *(f"box.runners.{entry}_run" for entry in SLIM_ENTRIES),
    "_pytest.assertion.rewrite",
    "bisect",
    "collections.abc",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "heapq",
    "itertools",
    "math",
    "random",
    "re",
    "statistics",
    "string",
    "subprocess",
    "typing",
)

PRELOAD = (
    "box.oracle.answer",
    *(f"box.runners.{entry}_run" for entry in ENTRIES),
    "_pytest.assertion.rewrite",
    "_pytest.doctest",
    "_pytest.faulthandler",
    "_pytest.fixtures",
    "_pytest.helpconfig",
    "_pytest.junitxml",
    "_pytest.legacypath",
    "_pytest.logging",
    "_pytest.monkeypatch",
    "_pytest.python",
    "_pytest.raises",
    "_pytest.recwarn",
    "_pytest.skipping",
    "_pytest.terminal",
    "_pytest.tmpdir",
    "_pytest.unittest",
    "_pytest.warnings",
    "asyncio",
    "collections.abc",
    "coverage",
    "dataclasses",
    "decimal",
    "fractions",
    "hypothesis",
    "hypothesis.internal.conjecture.engine",
    "hypothesis.strategies",
    "pdb",
    "pytest",
    "unittest.mock",
)
