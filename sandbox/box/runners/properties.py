"""Tests with `@given`: how many examples each ran and under which settings.

A candidate weakens a property without failing it when it replaces a part of Hypothesis, lowers the settings, or
discards the examples on which it is wrong. The first is told here (`tampered`), the others by comparing with the
untouched tree.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import hypothesis
import pytest
from hypothesis import core, settings
from hypothesis.internal.conjecture import engine

from box.runners import counting, untouched
from box.runners.report import Reporter

CLOCK_FACTOR = 5.0
"""A property may use this many times what other checks may: it runs a hundred examples, and shrinks what fails."""

SHRINKING_SHARE = 0.5  # of its time: a counterexample that is half shrunk says more than a check that ran out of time
_TEST_FOLDERS = {"tests", "test", "visible_tests", "hidden_tests"}


class PropertyWatch:
    """Counts the examples of every property that was collected, and looks after Hypothesis itself."""

    def __init__(self, reporter: Reporter, seed: int) -> None:
        self._reporter = reporter
        self._seed = seed
        self._root = os.getcwd() + os.sep
        self._me = os.geteuid() if os.stat(self._root).st_uid != os.geteuid() else None
        self._functions: dict[str, Any] = {}
        self._settings: dict[str, str] = {}
        self._told = False
        self.begin()

    def watch(self, items: list[pytest.Item]) -> None:
        """Find the properties among `items`, as they were collected."""
        for item in items:
            function = _property_of(item)
            if function is not None:
                self._functions[item.nodeid] = function
                self._settings[item.nodeid] = _words(_settings_of(function))
        self.look()

    def begin(self, name: str = "", seconds: float = 0.0) -> None:
        """A check starts, which may take so long (0: any time)."""
        counting.current = self._tally = counting.Tally(self._is_test)
        if seconds and name in self._functions:
            engine.MAX_SHRINKING_SECONDS = seconds * SHRINKING_SHARE  # type: ignore[assignment] # it takes any number

    def clock_factor(self, name: str) -> float:
        """How many times the time of another check the check with this id may use."""
        return CLOCK_FACTOR if name in self._functions else 1.0

    def look(self) -> None:
        """Tell, once, when Hypothesis is not what it was, its seed not ours, or the counter set aside."""
        part = untouched.replaced()
        if not part and core.global_force_seed != self._seed:
            part = "hypothesis.core.global_force_seed"
        if not part and counting.current is not self._tally and self._settings:
            part = "the counter of examples"
        if part and not self._told:
            self._told = True
            self._reporter.send("tampered", detail=f"{part} was replaced, so that no property can be judged")

    def examples(self, name: str) -> dict[str, object] | None:
        """What the property with this id ran since `begin`; None for a check that is none."""
        function = self._functions.get(name)
        if function is None:
            return None
        self.look()
        chosen = _settings_of(function)
        before, now = self._settings[name], _words(chosen)
        said: dict[str, object] = {
            "planned": chosen.max_examples,
            "settings": before if before == now else f"{before}, then {now}",
        }
        if counting.CAN_COUNT:
            said |= {"valid": self._tally.valid, "discarded": self._tally.discarded, "foreign": self._tally.foreign}
        return said

    def _is_test(self, file: str) -> bool:
        """Whether a file is none of the candidate's: not the job's own, or, where all is, named as tests are."""
        if not os.path.isabs(file):
            return False
        if self._me is not None:
            try:
                return os.stat(file).st_uid != self._me
            except OSError:
                return False
        if not file.startswith(self._root):
            return file.startswith((sys.prefix, sys.base_prefix))
        *folders, name = file[len(self._root) :].split(os.sep)
        return (
            not _TEST_FOLDERS.isdisjoint(folders)
            or name in ("conftest.py", "tests.py")
            or name.startswith("test_")
            or name.endswith("_test.py")
        )


def _property_of(item: pytest.Item) -> Any:
    """The function that `@given` made of a test, or None."""
    try:
        found = getattr(item, "obj", None)
        is_property = found is not None and hypothesis.is_hypothesis_test(found)
    except Exception:
        return None  # an object of the tests' that breaks when it is looked at
    return getattr(found, "__func__", found) if is_property else None


def _settings_of(function: Any) -> settings:
    found = getattr(function, "_hypothesis_internal_use_settings", None)
    if isinstance(found, settings):
        return found
    default = settings.default
    assert default is not None
    return default


def _words(chosen: settings) -> str:
    """What of the settings decides how hard a property looks."""
    phases = ",".join(phase.name for phase in chosen.phases)
    checks = ",".join(
        sorted(check.name for check in chosen.suppress_health_check if check.name != "differing_executors")
    )
    return (
        f"max_examples={chosen.max_examples} steps={chosen.stateful_step_count} phases={phases}"
        f" derandomize={chosen.derandomize} database={chosen.database is not None} suppressed={checks}"
    )
