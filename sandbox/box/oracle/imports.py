"""Where the judge's imports lead: checks are loaded here, what they check is imported in the candidate's process."""

from __future__ import annotations

import dataclasses
import functools
import importlib.abc
import importlib.machinery
import os
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from box.oracle.far import Far
from box.oracle.mirrors import FarModule, Mirror, MirrorType

OF_DATACLASSES = ("asdict", "astuple", "fields", "is_dataclass", "replace")


def module_names(paths: Sequence[str], roots: Sequence[str]) -> dict[str, bool]:
    """Dotted names of the modules in `paths` as seen from import `roots`, and whether each is a package."""
    names: dict[str, bool] = {}
    for path in paths:
        if not path.endswith(".py"):
            continue
        for root in roots:
            inside = path[len(root) + 1 :] if root and path.startswith(root + "/") else path if not root else ""
            if not inside:
                continue
            parts = inside[:-3].split("/")
            package = parts[-1] == "__init__"
            if package:
                parts.pop()
            if not parts or not all(part.isidentifier() for part in parts):
                continue
            for depth in range(1, len(parts)):
                names[".".join(parts[:depth])] = True
            name = ".".join(parts)
            names[name] = names.get(name, False) or package
    return names


def own_names(root: str) -> Iterator[str]:
    """Dotted names that the judge's own files have, from `root` and as pytest imports them: these come first, or a
    module of the candidate's could take the place of what checks share.
    """
    for folder, _, names in os.walk(root):
        for name in names:
            if not name.endswith(".py"):
                continue
            parts = [] if name == "__init__.py" else [name[:-3]]
            base = folder
            while base != root and os.path.exists(os.path.join(base, "__init__.py")):
                base, _, package = base.rpartition(os.sep)
                parts.insert(0, package)
            yield ".".join(parts)
            inside = os.path.relpath(folder, root)
            yield ".".join([*(inside.split(os.sep) if inside != "." else ()), *parts[-1:]]) if parts else ""


class FarFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """First on `sys.meta_path`: sends imports of the candidate's modules to the candidate's process."""

    def __init__(self, far: Far, names: dict[str, bool], here: str) -> None:
        self._far = far
        self._names = names
        self._here = here

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._names:
            return None
        spec = importlib.machinery.ModuleSpec(fullname, self, is_package=self._names[fullname])
        if spec.submodule_search_locations is not None:  # checks may lie inside the package
            for folder in path or (self._here, os.path.join(self._here, "src")):
                spec.submodule_search_locations.append(os.path.join(folder, fullname.rpartition(".")[2]))
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return FarModule(self._far, spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        self._far.ask("import", module.__name__)


def install(far: Far, paths: Sequence[str], roots: Sequence[str]) -> None:
    """Lead imports of the modules in `paths` to `far`."""
    names = module_names(paths, roots)
    for name in own_names(os.getcwd()):
        names.pop(name, None)
    sys.meta_path.insert(0, FarFinder(far, names, os.getcwd()))
    for name in OF_DATACLASSES:
        setattr(dataclasses, name, _led(far, name, getattr(dataclasses, name)))


def _led(far: Far, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    """A function that looks into objects from below: asked where the object is."""

    def look(target: Any, *args: Any, **named: Any) -> Any:
        if isinstance(target, Mirror | MirrorType):
            return far.ask("dataclass", name, target, args, named)
        return own(target, *args, **named)

    return functools.update_wrapper(look, own)


def far_attribute(far: Far, module: str, name: str) -> Any:
    """`module.name` of the candidate's, by a dotted name, imported on the way."""
    far.ask("import", module)
    found: Any = FarModule(far, module)
    for part in name.split("."):
        found = getattr(found, part)
    return found
