"""Hypothesis as it was before any code under test ran: what has been replaced since then can be told.

Imported last by the zygote, when all of Hypothesis is loaded; a job compares, and never takes the picture itself.
"""

from __future__ import annotations

import os
import random
import sys
import types
from collections.abc import Iterator
from typing import Any

import hypothesis.stateful  # noqa: F401 - loaded before the picture is taken
from hypothesis import configuration
from hypothesis.internal import charmap

import box.runners.counting  # noqa: F401 - sets its counter in before the picture is taken

OURS = ("hypothesis", "_hypothesis")

Picture = tuple[tuple[dict[str, Any] | types.MappingProxyType[str, Any], str, object, str], ...]
Inside = tuple[tuple[types.FunctionType, tuple[object, ...]], ...]


def _namespaces() -> Iterator[tuple[str, dict[str, Any] | types.MappingProxyType[str, Any]]]:
    """Every module of Hypothesis, every class that is defined there, and where its randomness comes from."""
    seen: set[type] = set()
    for name, module in sorted(sys.modules.items()):
        if not name.startswith(OURS) or not isinstance(module, types.ModuleType):
            continue
        yield name, vars(module)
        for value in list(vars(module).values()):
            if isinstance(value, type) and str(value.__module__).startswith(OURS) and value not in seen:
                seen.add(value)
                yield f"{value.__module__}.{value.__qualname__}", vars(value)
    yield "random.Random", vars(random.Random)


def _inside(function: types.FunctionType) -> tuple[object, ...]:
    """What a function does: its code, its defaults, and the functions it closes over."""
    cells = []
    for cell in function.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        if isinstance(value, types.FunctionType):
            cells.append(value)
    return (function.__code__, function.__defaults__, *cells)


def _functions(value: object) -> Iterator[types.FunctionType]:
    match value:
        case types.FunctionType():
            yield value
        case classmethod() | staticmethod():
            yield from _functions(value.__func__)
        case property():
            for part in (value.fget, value.fset):
                yield from _functions(part)


def _take() -> tuple[Picture, Inside]:
    bindings: list[tuple[dict[str, Any] | types.MappingProxyType[str, Any], str, object, str]] = []
    inside: dict[int, tuple[types.FunctionType, tuple[object, ...]]] = {}
    for where, names in _namespaces():
        for name, value in names.items():
            found = list(_functions(value))
            if found or isinstance(value, type):
                bindings.append((names, name, value, f"{where}.{name}"))
            for function in found:
                inside[id(function)] = (function, _inside(function))
    return tuple(bindings), tuple(inside.values())


def _load_characters() -> None:
    """Hypothesis's table of characters, as the image's recipe has kept it; a job that draws text would make its own."""
    kept = os.path.join(sys.prefix, "share", "hypothesis")
    if os.path.isdir(kept):
        configuration.set_hypothesis_home_dir(kept)
        charmap.charmap()
        configuration.set_hypothesis_home_dir(None)


_load_characters()
_BINDINGS, _INSIDE = _take()


def replaced() -> str:
    """The first part of Hypothesis that is no longer what it was; empty when all is."""
    for names, name, value, where in _BINDINGS:
        if names.get(name) is not value:
            return where
    for function, before in _INSIDE:
        now = _inside(function)
        if len(now) != len(before) or any(a is not b for a, b in zip(now, before, strict=True)):
            return f"{function.__module__}.{function.__qualname__}"
    return ""
