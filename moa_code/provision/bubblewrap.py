"""The root of a bubblewrap box: an environment made by the running Python, the box's code, and what both need of /."""

from __future__ import annotations

import shutil
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from moa_code.assets import sandbox_dir
from moa_code.core.errors import SandboxUnavailable
from moa_code.provision.machine import Machine, Progress, ThisMachine, apt_install, is_debian, quiet
from moa_code.provision.places import cache_dir, digest_files, exclusive, require_space, source_files
from moa_code.provision.wheels import pip_command

_SPACE_BYTES = 256 << 20
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxRoot:
    """What a bubblewrap box is made of. `binds` are host paths to show read-only, under the same names."""

    root: str  # server.py and the rest of the box's code are in `box/` under it
    python: str
    binds: tuple[str, ...]
    digest: str

    @property
    def server(self) -> str:
        return f"{self.root}/box/server.py"


def find_bwrap(machine: Machine) -> str | None:
    """Where bubblewrap is, if it is installed."""
    return machine.which("bwrap")


def ensure_bwrap(*, install: bool, progress: Progress = quiet, machine: Machine | None = None) -> str:
    """Where bubblewrap is; with `install`, as root on Debian, installed first. Raises `SandboxUnavailable`."""
    machine = machine or ThisMachine()
    if found := machine.which("bwrap"):
        return found
    if install and machine.is_root() and is_debian(machine):
        apt_install(machine, ("bubblewrap",), progress)
        if found := machine.which("bwrap"):
            return found
    raise SandboxUnavailable("bubblewrap is not installed", remedy="sudo apt-get install -y bubblewrap")


def ensure_root(progress: Progress = quiet, machine: Machine | None = None) -> BoxRoot:
    """The root, made if it is missing. Raises `SandboxUnavailable` or `EnvironmentFault` with the last lines."""
    machine = machine or ThisMachine()
    files = _recipe()
    key = digest_files(files, sys.version, sys.base_prefix)
    root = cache_dir(machine.env) / "box" / key
    if not (root / "complete").is_file():
        with exclusive(root.with_name(f"{key}.lock"), progress):
            # Another process may have made it while we waited.
            if not (root / "complete").is_file():
                _make(root, files, machine, progress)
    return BoxRoot(root=str(root), python=str(root / "venv/bin/python"), binds=_binds(root), digest=f"venv:{key}")


def _recipe() -> dict[str, bytes]:
    root = sandbox_dir()
    return source_files(root / "requirements.txt", root / "warm.py", root / "box")


def _make(root: Path, files: dict[str, bytes], machine: Machine, progress: Progress) -> None:
    # In its final place, because bytecode remembers its paths; what a killed process left has no `complete`.
    shutil.rmtree(root, ignore_errors=True)
    require_space(root, _SPACE_BYTES, "making the bubblewrap root")
    progress(f"making the bubblewrap root {root}")
    for name, data in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    # pip is called from outside: Debian without python3-venv can make such an environment, too.
    venv.EnvBuilder(symlinks=True, with_pip=False).create(root / "venv")
    python = str(root / "venv/bin/python")
    pip = [
        *pip_command(machine),
        *("--python", python, "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile"),
        *("--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(root / "requirements.txt")),
    ]
    compile_box = [python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(root / "box")]
    for step, argv in (
        ("installing the box's packages", pip),
        ("warming the bytecode", [python, "-I", str(root / "warm.py")]),
        ("compiling the box's code", compile_box),
    ):
        progress(step)
        done = machine.run(argv, timeout_s=900, progress=progress)
        if not done.ok:
            raise SandboxUnavailable(
                f"{step} for bubblewrap failed (exit status {done.code}):{done.quote()}",
                remedy="check the network and pip's settings (pip config list), then: moa-code setup",
            )
    # The box runs under other uids, and whoever made this may have a tight umask.
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    (root / "complete").touch()


def _binds(root: Path) -> tuple[str, ...]:
    paths = [path for path in _SYSTEM if Path(path).exists()]
    for prefix in dict.fromkeys((sys.base_prefix, sys.base_exec_prefix)):
        if not Path(prefix).is_relative_to("/usr"):
            paths.append(prefix)
    return (*paths, str(root))
