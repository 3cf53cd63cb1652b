"""Files that an interpreter, a test runner or a tool loads without being asked to."""

from __future__ import annotations

import sys
from collections.abc import Iterable

_CODE_SUFFIXES = frozenset({"py", "pyc", "pyo", "pyd", "pyw", "so"})
_CUSTOMIZE = frozenset({"sitecustomize", "usercustomize"})
_LOADED_FOLDERS = frozenset(
    {"__pycache__", ".hypothesis", ".pytest_cache", ".ruff_cache", ".mypy_cache", "__pypackages__"}
)
_LOADED_SUFFIXES = (".pth", "._pth", ".pyc", ".pyo", ".pyd", ".so", ".egg-link", ".egg")
_LOADED_FOLDER_SUFFIXES = (".dist-info", ".egg-info", ".egg")
_LOADED_WHEN_CREATED = frozenset(
    {
        "conftest.py",
        "pytest.ini",
        ".pytest.ini",
        "pytest.toml",
        ".pytest.toml",
        "tox.ini",
        "setup.cfg",
        "setup.py",
        "pyproject.toml",
        "ruff.toml",
        ".ruff.toml",
        "mypy.ini",
        ".mypy.ini",
        ".coveragerc",
        "pyvenv.cfg",
        ".env",
        ".python-version",
        "noxfile.py",
    }
)
_NOT_OURS_TO_REPLACE = sys.stdlib_module_names | frozenset(
    {
        "pytest",
        "_pytest",
        "py",
        "pluggy",
        "iniconfig",
        "packaging",
        "pygments",
        "exceptiongroup",
        "tomli",
        "hypothesis",
        "sortedcontainers",
        "attr",
        "attrs",
        "ruff",
        "coverage",
        "pip",
        "setuptools",
        "wheel",
        "pkg_resources",
        "_distutils_hack",
        "pytest_asyncio",
        "pytest_timeout",
        "xdist",
        "execnet",
        "test",
    }
)


def loaded_at_start(path: str, *, created: bool) -> str:
    """Why something loads this file without being asked to; empty when nothing does."""
    *folders, name = (c.casefold() for c in path.split("/"))
    if {name.split(".")[0], *folders} & _CUSTOMIZE:
        return "the interpreter runs it when it starts"
    if name.endswith(_LOADED_SUFFIXES):
        return "the interpreter loads it in place of source, or when it starts"
    if _LOADED_FOLDERS & set(folders):
        return "a cache that tools trust"
    if any(f.endswith(_LOADED_FOLDER_SUFFIXES) for f in folders):
        return "package metadata, by which plugins load themselves"
    if created and name in _LOADED_WHEN_CREATED:
        return "a new file that the test runner or a tool takes its settings from"
    return ""


def shadowing_module(path: str) -> tuple[str, str] | None:
    """(folder, name) if this file is a module that hides one of the standard library's or the test runner's.

    It does so when `folder` is on the import path. `None` for a file that hides nothing.
    """
    folder, _, name = path.rpartition("/")
    stem, *suffixes = name.split(".")
    if not _CODE_SUFFIXES & set(suffixes):
        return None
    if stem == "__init__":
        folder, _, stem = folder.rpartition("/")
    return (folder, stem) if stem in _NOT_OURS_TO_REPLACE else None


def import_roots(paths: Iterable[str]) -> frozenset[str]:
    """Folders that the test runner puts on the import path: the root, `src`, and those that hold tests."""
    roots = {"", "src"}
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name == "conftest.py" or (name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))):
            roots.add(folder)
    return frozenset(roots)
