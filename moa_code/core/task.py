"""A task: instruction, workspace, checks, limits. Hidden checks are not part of it: only the benchmark holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from moa_code.core.box import Limits
from moa_code.core.tree import Snapshot

TaskId = NewType("TaskId", str)
CheckId = NewType("CheckId", str)
"""A check's name as its runner prints it: for pytest the node id, `tests/test_a.py::test_b[1]`."""


class Mode(StrEnum):
    FIX = "fix"  # some visible check fails; make it pass
    IMPLEMENT = "implement"  # a stub is to be written
    EDIT = "edit"  # a change is asked for in words


class CheckKind(StrEnum):
    PYTEST = "pytest"
    COMMAND = "command"  # exit status alone: the lowest trust
    ORACLE = "oracle"  # calls across a process border, judged outside the candidate's process


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """The visible checks. `targets` are arguments of the runner (files, folders, ids), relative to the tree.

    `expected` names the ids a complete run must report; empty means "what the baseline collects".
    """

    kind: CheckKind
    targets: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()  # for COMMAND
    expected: tuple[CheckId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRules:
    """What a patch may touch. Globs over relative paths; `protected` wins over `editable`."""

    editable: tuple[str, ...] = ("**",)
    protected: tuple[str, ...] = ()
    max_patch_bytes: int = 1_000_000
    max_files: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task, ready to be worked on. `tree` holds the workspace with the visible tests in it."""

    task_id: TaskId
    mode: Mode
    instruction: str
    tree: Snapshot
    checks: Checks
    limits: Limits = field(default_factory=Limits)
    rules: EditRules = field(default_factory=EditRules)
    entry_point: str = ""
