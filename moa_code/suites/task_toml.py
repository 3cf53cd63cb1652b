"""Decoding `task.toml` strictly: a misspelt key is an error that names the nearest right one."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from moa_code.core.box import Limits
from moa_code.core.errors import TaskError
from moa_code.core.task import CheckId, CheckKind, Mode
from moa_code.suites.loaded import Environment

_KEYS: Mapping[str, tuple[str, ...]] = {
    "task": ("id", "mode", "editable", "entry_point"),
    "checks": ("kind", "commands", "expected"),
    "limits": ("cpu_s", "wall_s", "memory_mb", "pids", "output_kb"),
    "environment": ("python", "packages", "image"),
}
_CAPS: Mapping[str, float] = {"cpu_s": 3600, "wall_s": 7200, "memory_mb": 65_536, "pids": 4096, "output_kb": 65_536}
"""No task folder may ask for more than this; what the user's own configuration allows is decided elsewhere."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_FORMAT = "see docs/tasks.md for the format"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskToml:
    """What `task.toml` says. `argv` is empty unless the checks are a command."""

    task_id: str
    mode: Mode
    editable: tuple[str, ...]
    entry_point: str
    kind: CheckKind
    argv: tuple[str, ...]
    expected: tuple[CheckId, ...]
    limits: Limits
    environment: Environment


def nearest(word: str, known: Iterable[str]) -> str:
    """A clause that names the known words: `did you mean x?` when one is near, else the whole list."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known are {', '.join(words)}" if words else "there is none"


def decode(path: Path) -> TaskToml:
    """The checked contents of a `task.toml`. Raises `TaskError` that names the file, the key and what is right."""
    tables = _tables(path)
    task = _Table(path, "task", tables.get("task"))
    checks = _Table(path, "checks", tables.get("checks", {}))
    limits = _Table(path, "limits", tables.get("limits", {}))
    environment = _Table(path, "environment", tables.get("environment", {}))
    task_id = task.text("id")
    if not _ID.fullmatch(task_id):
        raise task.fault("id", f"{task_id!r} is no id: letters, digits, - _ . and at most 100 of them")
    default = Limits()
    return TaskToml(
        task_id=task_id,
        mode=_mode(task),
        editable=_globs(task),
        entry_point=task.text("entry_point", default=""),
        kind=_kind(checks),
        argv=_argv(checks),
        expected=tuple(CheckId(name) for name in checks.texts("expected", default=())),
        limits=Limits(
            cpu_s=limits.number("cpu_s", default=default.cpu_s),
            wall_s=limits.number("wall_s", default=default.wall_s),
            memory_bytes=limits.whole("memory_mb", default=default.memory_bytes >> 20) << 20,
            pids=limits.whole("pids", default=default.pids),
            output_bytes=limits.whole("output_kb", default=default.output_bytes >> 10) << 10,
        ),
        environment=Environment(
            python=environment.text("python", default=""),
            packages=environment.texts("packages", default=()),
            image=environment.text("image", default=""),
        ),
    )


def _tables(path: Path) -> dict[str, object]:
    try:
        tables: dict[str, object] = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise TaskError(f"cannot read {path}: {error.strerror}", remedy=_FORMAT) from error
    except UnicodeDecodeError as error:
        raise TaskError(f"{path} is not UTF-8: {error.reason} at byte {error.start}", remedy=_FORMAT) from error
    except tomllib.TOMLDecodeError as error:
        raise TaskError(f"{path} is not TOML: {error}", remedy=_FORMAT) from error
    for name in tables:
        if name not in _KEYS:
            raise TaskError(f"{path}: unknown table or key {name!r}; {nearest(name, _KEYS)}", remedy=_FORMAT)
    return tables


class _Table:
    """One table of the file; every reader raises `TaskError` with the file, the table and the key in it."""

    def __init__(self, path: Path, name: str, values: object) -> None:
        if values is None:
            raise TaskError(f"{path}: the table [{name}] is missing", remedy=_FORMAT)
        if not isinstance(values, dict):
            raise TaskError(f"{path}: {name} must be a table, got {values!r}", remedy=_FORMAT)
        self._path, self._name = path, name
        self._values: dict[str, object] = values
        for key in self._values:
            if key not in _KEYS[name]:
                raise self.fault(key, f"unknown key; {nearest(key, _KEYS[name])}")

    def fault(self, key: str, why: str) -> TaskError:
        return TaskError(f"{self._path}: [{self._name}] {key}: {why}", remedy=_FORMAT)

    def has(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str, default: object) -> object:
        if key in self._values:
            return self._values[key]
        if default is None:
            raise self.fault(key, "is missing")
        return default

    def text(self, key: str, default: str | None = None) -> str:
        value = self.get(key, default)
        if not isinstance(value, str):
            raise self.fault(key, f"must be a string, got {value!r}")
        if not value and default is None:
            raise self.fault(key, "must not be empty")
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        value = self.get(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
            raise self.fault(key, f"must be a list of strings, none of them empty, got {value!r}")
        return tuple(str(item) for item in value)

    def number(self, key: str, default: float) -> float:
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fault(key, f"must be a number, got {value!r}")
        if not (math.isfinite(value) and 0 < value <= _CAPS[key]):
            raise self.fault(key, f"must be above 0 and at most {_CAPS[key]:g}, got {value!r}")
        return float(value)

    def whole(self, key: str, default: int) -> int:
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.fault(key, f"must be a whole number, got {value!r}")
        return int(self.number(key, default))


def _mode(task: _Table) -> Mode:
    word = task.text("mode")
    if word not in set(Mode):
        raise task.fault("mode", f"{word!r} is no mode; {nearest(word, Mode)}")
    return Mode(word)


def _globs(task: _Table) -> tuple[str, ...]:
    globs = task.texts("editable")
    if not globs:
        raise task.fault("editable", "must name at least one file or glob, or nothing could be changed")
    for glob in globs:
        if glob.startswith("/") or ".." in glob.split("/"):
            raise task.fault("editable", f"{glob!r} leads out of the workspace")
    return globs


def _kind(checks: _Table) -> CheckKind:
    default = CheckKind.COMMAND if checks.has("commands") else CheckKind.PYTEST
    word = checks.text("kind", default=default)
    if word not in set(CheckKind):
        raise checks.fault("kind", f"{word!r} is no kind of checks; {nearest(word, CheckKind)}")
    kind = CheckKind(word)
    if (kind is CheckKind.COMMAND) is not checks.has("commands"):
        raise checks.fault("kind", f"{word!r} and commands: a command is needed for that kind, and for no other")
    return kind


def _argv(checks: _Table) -> tuple[str, ...]:
    commands = checks.get("commands", ())
    if not isinstance(commands, list | tuple) or not all(isinstance(command, list) for command in commands):
        raise checks.fault("commands", f'must be a list of argument lists such as [["make", "test"]], got {commands!r}')
    if not commands:
        if checks.has("commands"):
            raise checks.fault("commands", "is empty; leave it out to run pytest on visible_tests")
        return ()
    if len(commands) > 1:
        raise checks.fault("commands", f"holds {len(commands)} commands, one is supported; join them in a script")
    argv = commands[0]
    if not argv or not all(isinstance(word, str) and word for word in argv):
        raise checks.fault("commands", f"must hold strings, none of them empty, got {argv!r}")
    return tuple(str(word) for word in argv)
