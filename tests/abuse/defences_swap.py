"""Puts the changed text of a module into the module that is loaded, and takes it out again.

Functions keep their identity and get other code, so that whoever imported one by name runs the changed one; constants
are bound anew where they are defined.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Undo = Callable[[], None]


def module_of(file: str) -> types.ModuleType | None:
    """The module that a file of ours is when this process can load it; None for what runs in a box alone."""
    name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    if name.startswith("moa_code."):
        return importlib.import_module(name)
    return sys.modules.get(name.removeprefix("sandbox."))


@contextmanager
def swapped(module: types.ModuleType, text: str) -> Iterator[None]:
    """`module` as `text` makes it. Raises `ValueError` where that changes nothing that was loaded."""
    changed = types.ModuleType(module.__name__)
    changed.__dict__.update(__file__=module.__file__, __package__=module.__package__)
    before = sys.modules[module.__name__]
    sys.modules[module.__name__] = changed  # dataclasses look their module up
    try:
        exec(compile(text, str(module.__file__), "exec", dont_inherit=True), changed.__dict__)
    finally:
        sys.modules[module.__name__] = before
    undo: list[Undo] = []
    _swap_names(module, changed, undo, {module.__name__})
    if not undo:
        raise ValueError(f"the changed text of {module.__name__} makes no other module")
    forget_answers()
    try:
        yield
    finally:
        for step in reversed(undo):
            step()
        forget_answers()


def forget_answers() -> None:
    """What functions of ours remember of earlier calls."""
    for name, module in list(sys.modules.items()):
        if name.startswith("moa_code"):
            for value in list(vars(module).values()):
                if callable(clear := getattr(value, "cache_clear", None)):
                    clear()


def _swap_names(holder: object, changed: object, undo: list[Undo], modules: set[str]) -> None:
    for name, new in list(vars(changed).items()):
        old = vars(holder).get(name)
        if old is None or new is None or getattr(new, "__module__", None) not in {None, *modules}:
            continue
        functions = list(zip(_functions(old), _functions(new), strict=False))
        for old_function, new_function in functions:
            _swap_code(old_function, new_function, undo)
        if isinstance(new, type) and isinstance(old, type):
            _swap_names(old, new, undo, modules)
        elif not functions and isinstance(holder, types.ModuleType) and _constant(name, new) and old != new:
            undo.append(lambda name=name, old=old: setattr(holder, name, old))
            setattr(holder, name, new)


def _swap_code(old: types.FunctionType, new: types.FunctionType, undo: list[Undo]) -> None:
    if _same(old.__code__, new.__code__) and old.__defaults__ == new.__defaults__:
        return
    if old.__code__.co_freevars != new.__code__.co_freevars:
        raise ValueError(f"{old.__qualname__} closes over other names")
    code, defaults = old.__code__, old.__defaults__
    undo.append(lambda: (setattr(old, "__code__", code), setattr(old, "__defaults__", defaults)))
    old.__code__, old.__defaults__ = new.__code__, new.__defaults__


def _same(a: types.CodeType, b: types.CodeType) -> bool:
    """Whether two functions do the same, wherever in the file they stand."""
    if (a.co_code, a.co_names, a.co_varnames, len(a.co_consts)) != (
        b.co_code,
        b.co_names,
        b.co_varnames,
        len(b.co_consts),
    ):
        return False
    return all(
        _same(one, other) if isinstance(one, types.CodeType) and isinstance(other, types.CodeType) else one == other
        for one, other in zip(a.co_consts, b.co_consts, strict=True)
    )


def _functions(value: object) -> Iterator[types.FunctionType]:
    if isinstance(value, types.FunctionType):
        yield value
        if hasattr(value, "__wrapped__"):  # a context manager's generator
            yield from _functions(value.__wrapped__)
    elif isinstance(value, classmethod | staticmethod):
        yield from _functions(value.__func__)
    elif isinstance(value, property):
        yield from (part for part in (value.fget, value.fset) if isinstance(part, types.FunctionType))
    elif hasattr(value, "cache_clear"):
        yield from _functions(value.__wrapped__)  # type: ignore[attr-defined]


def _constant(name: str, value: object) -> bool:
    kinds = str | bytes | int | float | tuple | frozenset | dict | set
    return not name.startswith("__") and isinstance(value, kinds) and _plain(value)


def _plain(value: object) -> bool:
    """Made of numbers and words alone: other objects of the changed module are strangers to ours."""
    if isinstance(value, dict):
        return all(_plain(part) for pair in value.items() for part in pair)
    if isinstance(value, tuple | frozenset | set):
        return all(_plain(part) for part in value)
    return value is None or type(value) in (str, bytes, int, float, bool)
