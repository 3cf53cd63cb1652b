"""What the zygote imports before the first job, so that a job pays for none of it."""

from __future__ import annotations

ENTRIES = ("command", "oracle", "pytest", "screen", "split", "static")
"""Names of the runners, for the supervisor, which must not import them: it forks for every job and stays small."""

PRELOAD = (
    "box.oracle.answer",
    "box.runners",
    "_pytest._argcomplete",
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
