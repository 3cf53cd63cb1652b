"""From a repository and its checks to a task: what `fix`, `verify --repo` and `solve --repo` work on."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path

from moa_code.config import Config
from moa_code.core.errors import TaskError
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import Snapshot
from moa_code.edits.policy import PROTECTED_BY_DEFAULT
from moa_code.repo.working_tree import FileId, snapshot

TEST_FOLDERS = ("tests", "test", "testing")
PYTEST_WORDS = (("pytest",), ("python", "-m", "pytest"), ("python3", "-m", "pytest"), ("py.test",))
INSTRUCTION = "Some of this repository's checks fail. Find the cause in its code and mend it; leave the checks alone."


def written_by_us(config: Config, events: Path | None = None) -> frozenset[FileId]:
    """The files this command itself writes: the journal, the events, what standard output and error go to.

    Where one lies inside the repository it is no part of the task, and it may grow while the tree is read.
    """
    journal = str(config.journal)
    paths = (journal, f"{journal}-wal", f"{journal}-shm", "/proc/self/fd/1", "/proc/self/fd/2")
    found = set()
    for path in (*map(Path, paths), *([events] if events else [])):
        try:
            seen = path.stat()
        except OSError:
            continue  # not there yet, or closed: then it cannot be in the tree either
        if stat.S_ISREG(seen.st_mode):
            found.add((seen.st_dev, seen.st_ino))
    return frozenset(found)


def task_of_repository(
    directory: Path,
    config: Config,
    *,
    test: str = "",
    instruction: str = "",
    mode: Mode = Mode.FIX,
    leave_out: frozenset[FileId] = frozenset(),
) -> Task:
    """The repository at `directory` as a task. Uncommitted changes are part of it; files in `leave_out` are not.

    Raises `TaskError` when the folder is none, holds nothing, or has no checks that can be found.
    """
    if not directory.is_dir():
        raise TaskError(f"{directory} is not a folder", remedy="moa-code fix DIR")
    tree = snapshot(directory, leave_out=leave_out)
    if not tree.paths():
        raise TaskError(
            f"{directory} holds no files that git would keep", remedy="name the repository: moa-code fix DIR"
        )
    return Task(
        task_id=TaskId(directory.resolve().name),
        mode=mode,
        instruction=instruction or INSTRUCTION,
        tree=tree,
        checks=checks_of(tree, test or shlex.join(config.verify.test)),
        limits=config.limits,
        rules=EditRules(
            editable=config.edits.editable,
            protected=tuple(dict.fromkeys((*PROTECTED_BY_DEFAULT, *config.edits.protected))),
            max_patch_bytes=config.edits.max_patch_bytes,
            max_files=config.edits.max_files,
        ),
    )


def checks_of(tree: Snapshot, test: str) -> Checks:
    """The checks `test` names: a pytest call, files or ids of the tree, a command; empty: what pytest would find."""
    paths = tree.paths()
    if not test:
        return Checks(kind=CheckKind.PYTEST, targets=_discovered(paths))
    try:
        words = tuple(shlex.split(test))
    except ValueError as error:
        raise TaskError(f"--test {test!r} cannot be split into words: {error}", remedy="close the quotes") from error
    if not words:
        raise TaskError(f"--test {test!r} names nothing", remedy="name a file, a folder or a command") from None
    for start in PYTEST_WORDS:
        if words[: len(start)] == start:
            return Checks(kind=CheckKind.PYTEST, targets=_pytest_targets(words[len(start) :], paths))
    if all(_names_checks(word, paths) for word in words):
        return Checks(kind=CheckKind.PYTEST, targets=words)
    if (len(words) == 1 and "/" in words[0]) or words[0].endswith(".py"):
        raise TaskError(
            f"--test {test}: the repository holds no {words[0]}", remedy="name a file, a folder or a command"
        )
    return Checks(kind=CheckKind.COMMAND, argv=words)


def _pytest_targets(words: tuple[str, ...], paths: tuple[str, ...]) -> tuple[str, ...]:
    options = [
        word for word in words if word.startswith("-") and word not in ("-q", "-v", "-x", "--quiet", "--verbose")
    ]
    if options:
        raise TaskError(
            f"--test: pytest's option {options[0]} is not passed on, so that every check is judged alike",
            remedy="name files, folders or ids alone",
        )
    targets = tuple(word for word in words if not word.startswith("-"))
    missing = [target for target in targets if not _names_checks(target, paths)]
    if missing:
        raise TaskError(f"--test: the repository holds no {missing[0]}", remedy="name existing files or folders")
    return targets or _discovered(paths)


def _names_checks(word: str, paths: tuple[str, ...]) -> bool:
    file = word.partition("::")[0].rstrip("/")
    return file in paths or any(path.startswith(file + "/") for path in paths)


def _discovered(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Folders and files where pytest would find checks. Raises `TaskError` when there are none."""
    files = [path for path in paths if _looks_like_checks(path)]
    folders = [folder for folder in TEST_FOLDERS if any(path.startswith(folder + "/") for path in files)]
    loose = [path for path in files if not path.startswith(tuple(folder + "/" for folder in folders))]
    targets = (*folders, *loose)
    if not targets:
        raise TaskError(
            "no tests were found (looked for test_*.py and *_test.py)",
            remedy='name them with --test: a path, or a command such as --test "make check"',
        )
    return targets


def _looks_like_checks(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))
