"""Where provisioning keeps things, and the locks that keep two of us apart."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from moa_code.core.errors import EnvironmentFault
from moa_code.provision.machine import Progress


def cache_dir(env: Mapping[str, str]) -> Path:
    """What can be made again: wheels, bubblewrap roots, locks. `$XDG_CACHE_HOME/moa-code`, by default `~/.cache`."""
    return _xdg(env, "XDG_CACHE_HOME", ".cache")


def engine_state_path(env: Mapping[str, str]) -> Path:
    """Where we note an engine that we started. `MOA_CODE_ENGINE_STATE` puts it elsewhere, as a CI job does."""
    if named := env.get("MOA_CODE_ENGINE_STATE"):
        return Path(named)
    return _xdg(env, "XDG_STATE_HOME", ".local/state") / "engine.json"


def _xdg(env: Mapping[str, str], variable: str, default: str) -> Path:
    # The XDG specification: a relative value is invalid and is ignored.
    base = env.get(variable, "")
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    return (Path(base) if base.startswith("/") else home / default) / "moa-code"


@contextmanager
def exclusive(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock file at `path`; waits, and says so, while another process holds it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("w")
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write {path}: {error.strerror}", remedy="export XDG_CACHE_HOME=/a/writable/folder"
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another moa-code that prepares the same thing ({path.name})")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def require_space(path: Path, need_bytes: int, what: str) -> None:
    """Raise `EnvironmentFault` unless the disk under `path` has `need_bytes` free."""
    free = free_bytes(path)
    if free < need_bytes:
        raise EnvironmentFault(
            f"{what} needs {need_bytes >> 20} MB free under {path}; {free >> 20} MB are left",
            remedy="docker system prune   (or XDG_CACHE_HOME on a larger disk)",
        )


def free_bytes(path: Path) -> int:
    """Free bytes on the disk that `path`, or its nearest existing parent, is on."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def source_files(*roots: Path) -> dict[str, bytes]:
    """Every file under `roots` by its path from the root's parent, sorted; bytecode and editor litter left out."""
    found: dict[str, bytes] = {}
    for root in roots:
        files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
        for file in files:
            if "__pycache__" in file.parts or file.suffix in {".pyc", ".swp"} or file.name.endswith("~"):
                continue
            found[file.relative_to(root.parent).as_posix()] = file.read_bytes()
    return dict(sorted(found.items()))


def digest(*parts: str | bytes) -> str:
    """Sixteen hex digits over `parts`, each by its length, so that no two splits of the same bytes agree."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()[:16]


def digest_files(files: Mapping[str, bytes], *parts: str) -> str:
    """`digest` over names and contents of `files`, then `parts`."""
    flat: list[str | bytes] = []
    for name, data in files.items():
        flat += [name, data]
    return digest(*flat, *parts)
