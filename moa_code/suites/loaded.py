"""A task as it was loaded, with what only the benchmark may hold: hidden checks and the reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from moa_code.core.patch import FileChange, Patch
from moa_code.core.task import CheckId, Task
from moa_code.core.tree import MemorySnapshot

VISIBLE_FOLDER = "visible_tests"
HIDDEN_FOLDER = "hidden_tests"
"""Where hidden checks are laid into the tree for grading. No workspace may hold this name itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenChecks:
    """The checks that grade a finished run, once. Never part of a `Task`, so that nothing that solves can see them.

    `files` lie under `HIDDEN_FOLDER`; `targets` are pytest arguments relative to the tree. `expected` names the
    ids a complete run reports; empty means "what the reference collects".
    """

    files: MemorySnapshot
    targets: tuple[str, ...] = (HIDDEN_FOLDER,)
    expected: tuple[CheckId, ...] = ()

    def overlay(self) -> tuple[FileChange, ...]:
        """The files as changes to lay over the task's tree, sorted by path."""
        return tuple(FileChange(path=path, before=None, after=self.files.read(path)) for path in self.files.paths())


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the checks need around them: a Python version, distributions to install, an image. Empty: the default."""

    python: str = ""
    packages: tuple[str, ...] = ()
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedTask:
    """A task, its hidden checks and its reference. `folder` is where it was read from.

    `stricter` are a second set of hidden checks, harder to pass, which is reported beside the first.
    """

    task: Task
    hidden: HiddenChecks
    solution: Patch | None
    folder: Path
    environment: Environment = field(default_factory=Environment)
    stricter: HiddenChecks | None = None
