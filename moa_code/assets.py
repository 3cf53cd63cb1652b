"""Where the files that are no Python modules lie: in a checkout at its top, in an installed package inside it."""

from __future__ import annotations

from pathlib import Path

from moa_code.core.errors import EnvironmentFault

_PACKAGE = Path(__file__).resolve().parent


def sandbox_dir() -> Path:
    """The recipe of the box and the code that runs in it. Raises `EnvironmentFault` when the installation lacks it."""
    return _find("sandbox", "Dockerfile")


def tasks_dir() -> Path:
    """The tasks that ship with moa-code. Raises `EnvironmentFault` when the installation lacks them."""
    return _find("tasks", "")


def _find(name: str, landmark: str) -> Path:
    # Installed first: beside an installed package, `tasks` and `sandbox` would be somebody else's folders.
    installed = _PACKAGE / "_assets" / name
    checkout = _PACKAGE.parent / name
    if (installed / landmark).exists():
        return installed
    if (_PACKAGE.parent / "pyproject.toml").is_file() and (checkout / landmark).exists():
        return checkout
    raise EnvironmentFault(
        f"this installation of moa-code lacks its {name} files (looked in {installed} and {checkout})",
        remedy="pip install --force-reinstall moa-code",
    )
