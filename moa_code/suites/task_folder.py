"""Task folders: our own format, described in docs/tasks.md."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from moa_code.core.errors import TaskError
from moa_code.core.patch import FileChange, Patch, patch_of
from moa_code.core.task import CheckKind, Checks, EditRules, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.policy import PROTECTED_BY_DEFAULT
from moa_code.suites.folder_files import LEFTOVERS, FolderFiles, read_files
from moa_code.suites.loaded import HIDDEN_FOLDER, VISIBLE_FOLDER, HiddenChecks, LoadedTask
from moa_code.suites.task_toml import decode, nearest

_FOLDERS = ("workspace", "visible_tests", "tests", "solution")
ORACLE_SUFFIXES = (".py", ".json", ".jsonl")
_REMEDY = "see docs/tasks.md for the format"
PROTECTED = (*PROTECTED_BY_DEFAULT, f"{VISIBLE_FOLDER}/**", f"{HIDDEN_FOLDER}/**")


def load_task(folder: Path) -> LoadedTask:
    """The task in `folder`. Its tree is the workspace with the visible tests at `visible_tests/`.

    Raises `TaskError` for anything the format does not say: a missing or unknown key or folder, a wrong type, a
    symbolic link, a file over the caps, an instruction that is empty or not UTF-8.
    """
    if not folder.is_dir():
        raise TaskError(f"{folder} is not a folder", remedy="name a folder that holds a task.toml")
    _check_entries(folder)
    toml = decode(folder / "task.toml")
    workspace = _part(folder, "workspace")
    for reserved in (VISIBLE_FOLDER, HIDDEN_FOLDER):
        if any(path.split("/")[0] == reserved for path in workspace.contents):
            raise TaskError(f"{folder / 'workspace'} holds {reserved}, which is kept for checks", remedy="rename it")
    visible = FolderFiles() if toml.argv and not (folder / "visible_tests").exists() else _part(folder, "visible_tests")
    hidden = _part(folder, "tests")
    tree = _at("", workspace.contents) | _at(f"{VISIBLE_FOLDER}/", visible.contents)
    executables = workspace.executables | {f"{VISIBLE_FOLDER}/{path}" for path in visible.executables}
    hidden_files = MemorySnapshot(files=_at(f"{HIDDEN_FOLDER}/", hidden.contents))
    targets: tuple[str, ...] = (VISIBLE_FOLDER,)
    hidden_targets: tuple[str, ...] = (HIDDEN_FOLDER,)
    if toml.kind is CheckKind.ORACLE:
        targets = _check_files(folder / "visible_tests", VISIBLE_FOLDER, visible)
        hidden_targets = _check_files(folder / "tests", HIDDEN_FOLDER, hidden)
    elif toml.kind is CheckKind.COMMAND:
        targets = ()
    return LoadedTask(
        task=Task(
            task_id=TaskId(toml.task_id),
            mode=toml.mode,
            instruction=_instruction(folder),
            tree=MemorySnapshot(files=tree, executables=executables),
            checks=Checks(kind=toml.kind, targets=targets, argv=toml.argv, expected=toml.expected),
            limits=toml.limits,
            rules=EditRules(editable=toml.editable, protected=tuple(dict.fromkeys(PROTECTED))),
            entry_point=toml.entry_point,
        ),
        hidden=HiddenChecks(files=hidden_files, targets=hidden_targets),
        solution=_solution(folder, workspace.contents),
        folder=folder,
        environment=toml.environment,
    )


def task_names(roots: Iterable[Path]) -> tuple[str, ...]:
    """Names of the task folders directly below `roots`, sorted."""
    return tuple(sorted({path.parent.name for root in roots for path in root.glob("*/task.toml")}))


def find_task(name_or_path: str, roots: Sequence[Path]) -> Path:
    """The folder of a task that is given by path, or by name below one of `roots`; a path wins.

    Raises `TaskError` with the nearest names.
    """
    path = Path(name_or_path)
    if (path / "task.toml").is_file():
        return path
    if path.is_dir():
        raise TaskError(
            f"{path} holds no task.toml, so it is not a task folder",
            remedy=f"moa-code fix {path} to work on it as a repository",
        )
    if os.sep not in name_or_path and name_or_path not in (".", ".."):
        for root in roots:
            if (root / name_or_path / "task.toml").is_file():
                return root / name_or_path
    names = task_names(roots)
    raise TaskError(
        f"no task {name_or_path!r}: neither a folder nor a bundled task; {nearest(name_or_path, names)}",
        remedy=f"one of {', '.join(names)}" if names else "give the path of a folder that holds a task.toml",
    )


def _check_entries(folder: Path) -> None:
    """Raises for what is missing and for folders that a misspelt name would make us overlook."""
    present = {path.name: path for path in folder.iterdir()}
    for name in ("task.toml", "instruction.md"):
        if name not in present:
            files = [other for other, path in present.items() if path.is_file()]
            raise TaskError(f"{folder}: {name} is missing; {nearest(name, files)}", remedy=_REMEDY)
    for name, path in sorted(present.items()):
        if path.is_symlink():
            raise TaskError(f"{path} is a symbolic link", remedy="put a copy in its place")
        if path.is_dir() and name not in _FOLDERS and name not in LEFTOVERS:
            raise TaskError(f"{folder}: unknown folder {name!r}; {nearest(name, _FOLDERS)}", remedy=_REMEDY)


def _part(folder: Path, name: str) -> FolderFiles:
    part = folder / name
    if not part.is_dir():
        raise TaskError(f"{folder}: the folder {name}/ is missing", remedy=_REMEDY)
    files = read_files(part)
    if not files.contents:
        raise TaskError(f"{part} holds no file", remedy=_REMEDY)
    return files


def _check_files(part: Path, prefix: str, files: FolderFiles) -> tuple[str, ...]:
    """The files of checks for the oracle; what begins with an underscore only helps them."""
    found = sorted(
        f"{prefix}/{path}"
        for path in files.contents
        if path.endswith(ORACLE_SUFFIXES) and not path.rpartition("/")[2].startswith("_")
    )
    if not found:
        raise TaskError(f'{part} holds no checks: with kind = "oracle" they are .py, .json or .jsonl', remedy=_REMEDY)
    return tuple(found)


def _instruction(folder: Path) -> str:
    path = folder / "instruction.md"
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise TaskError(f"cannot read {path}: {error.strerror}", remedy=_REMEDY) from error
    except UnicodeDecodeError as error:
        raise TaskError(f"{path} is not UTF-8: {error.reason} at byte {error.start}", remedy=_REMEDY) from error
    if not text.strip():
        raise TaskError(f"{path} is empty", remedy="say there what is to be done")
    return text


def _solution(folder: Path, workspace: Mapping[str, bytes]) -> Patch | None:
    """The reference as a patch: files of `solution/` laid over the workspace. `None` when there is no such folder."""
    if not (folder / "solution").exists():
        return None
    files = _part(folder, "solution").contents
    patch = patch_of(
        *(FileChange(path=path, before=workspace.get(path), after=content) for path, content in files.items())
    )
    if not patch.changes:
        raise TaskError(f"{folder / 'solution'} changes nothing of the workspace", remedy="put the changed files there")
    return patch


def _at(prefix: str, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    return {prefix + path: content for path, content in contents.items()}
