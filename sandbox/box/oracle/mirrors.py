"""Stand-ins on the judge's side for what lives in the candidate's process: objects, classes, modules, exceptions.

An attribute, a call or an operator of a stand-in is a question to the candidate. The rule that keeps a verdict here: no
comparison with a built-in value is ever asked there, and of a class that no check has named, no operator is told the
other operand. So an object that claims to equal everything, or whose difference to everything is 0, equals nothing.
What the operators of a class mean that the checks do name is what is being checked, but only of objects that a check
has made: what comes of another that was told a value says nothing of how large it is.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import collections.abc
import sys
import types
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any

from box.oracle.shared import SHARED_TYPES
from box.oracle.values import EXCEPTION_NAMES

if TYPE_CHECKING:
    from box.oracle.far import Far

ALONE = frozenset({
    "__len__", "__iter__", "__next__", "__reversed__", "__getitem__", "__setitem__", "__delitem__", "__call__",
    "__bool__", "__str__", "__repr__", "__format__", "__int__", "__float__", "__index__", "__complex__",
    "__round__", "__abs__", "__neg__", "__pos__", "__invert__", "__enter__", "__exit__", "__trunc__", "__floor__",
    "__ceil__", "__bytes__", "__aenter__", "__aexit__", "__aiter__", "__anext__", "__await__",
})  # fmt: skip
BINARY = frozenset(
    f"__{prefix}{name}__"
    for name in [
        "add",
        "sub",
        "mul",
        "truediv",
        "floordiv",
        "mod",
        "divmod",
        "pow",
        "matmul",
        "lshift",
        "rshift",
        "and",
        "or",
        "xor",
    ]
    for prefix in ("", "r", "i")
)
ORDER = frozenset({"__lt__", "__le__", "__gt__", "__ge__"})
SPECIALS = ALONE | BINARY | ORDER | {"__eq__", "__ne__", "__hash__", "__contains__"}
FORWARDED = frozenset({"__name__", "__qualname__", "__doc__", "__wrapped__", "__annotations__", "__members__"})
VALUE_BASES: dict[str, type] = {
    kind.__name__: kind for kind in (int, float, complex, str, bytes, tuple, frozenset)
}  # immutable: what such an object holds has crossed, and compares here


MEASURES = frozenset({
    "__abs__", "__neg__", "__pos__", "__invert__", "__int__", "__float__", "__index__", "__complex__", "__round__",
    "__trunc__", "__floor__", "__ceil__", "__bool__", "__len__",
})  # fmt: skip
MOST_ANNOTATION = 500

TELLING = frozenset({
    "startswith", "endswith", "issubset", "issuperset", "isdisjoint", "difference", "symmetric_difference",
    "intersection", "union",
})  # fmt: skip
"""Methods of built-in types that compare: asked of a stand-in for one, they would tell it what is expected."""


CONTAINER_KINDS = frozenset({"Mapping", "MutableMapping", "Sequence", "MutableSequence", "Set", "MutableSet"})


class Foreign(BaseException):
    """An exception that has no class here: what skips, exits or interrupts there fails a check here."""


class MirrorType(type):
    """The class of stand-in classes."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> MirrorType:
        if "_cid" not in namespace:
            far = next(base._far for base in bases if isinstance(base, MirrorType))
            raise far.cannot(f"a class that a check derives from the candidate's {bases[0].__name__}")
        return super().__new__(mcs, name, bases, namespace)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_") and (name in ("_cid", "_far") or _internal(name)):
            raise AttributeError(name)
        if name in TELLING and cls.__name__ not in cls._far.named:
            raise _tells(cls._far, cls.__name__, name)
        return cls._far.attribute(cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        cls._far.ask("set", cls, name, value)

    def __delattr__(cls, name: str) -> None:
        cls._far.ask("del", cls, name)

    def __call__(cls, *args: Any, **named: Any) -> Any:
        made = cls._far.ask("call", cls, args, named)
        if isinstance(type(made), MirrorType) and issubclass(type(made), cls):
            _mark(made, OWN)
        return made

    def __len__(cls) -> int:
        return int(cls._far.ask("special", cls, "__len__", (), {}))

    def __bool__(cls) -> bool:
        return True

    def __iter__(cls) -> Any:
        return iter(cls._far.ask("special", cls, "__iter__", (), {}))

    def __getitem__(cls, key: Any) -> Any:
        return cls._far.ask("item", cls, key)

    def __contains__(cls, item: Any) -> bool:
        return isinstance(item, cls) or any(found is item for found in cls)

    def __dir__(cls) -> list[str]:
        return list(cls._far.ask("dir", cls))

    def __repr__(cls) -> str:
        return f"<class '{cls.__module__}.{cls.__name__}'>"


OWN, GIVEN, TOLD = "own", "given", "told"
"""Where a stand-in is from: made by the check, which names its class (or by operators of such an object); handed out by
the candidate; or what came of a handed-out one that was told a value of the check's.
"""


class Mirror:
    """An object of one of the candidate's classes."""

    __slots__ = ("__weakref__", "_from", "_hash", "_oid")

    def __getattr__(self, name: str) -> Any:
        if _internal(name):
            raise AttributeError(name)
        if name in TELLING and not _named(self):
            return _own_method(self, name)
        return _far(self).attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _far(self).ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        _far(self).ask("del", self, name)

    def __dir__(self) -> list[str]:
        return list(_far(self).ask("dir", self))

    def __copy__(self) -> Any:
        return _far(self).ask("copy", self, False)

    def __deepcopy__(self, memo: Any) -> Any:
        return _far(self).ask("copy", self, True)

    def __eq__(self, other: object) -> Any:
        if self is other:
            return True
        return NotImplemented

    def __hash__(self) -> int:
        hashed = object.__getattribute__(self, "_hash")
        return hash(object.__getattribute__(self, "_oid")) if hashed is None else int(hashed)


class ValueMirror:
    """A subclass of an immutable built-in: what it holds is here, what else it knows is asked for."""

    def __getattr__(self, name: str) -> Any:
        if _internal(name) or name == "_oid":
            raise AttributeError(name)
        if name in TELLING and not _named(self):
            raise _tells(_far(self), type(self).__name__, name)
        return _far(self).attribute(self, name)


class ExceptionMirror:
    """An exception of one of the candidate's classes."""

    def __getattr__(self, name: str) -> Any:
        if _internal(name) or name in ("_oid", "_text"):
            raise AttributeError(name)
        if name in TELLING and not _named(self):
            raise _tells(_far(self), type(self).__name__, name)
        return _far(self).attribute(self, name)

    def __str__(self) -> str:
        return str(self.__dict__.get("_text", ""))


class FarModule(types.ModuleType):
    """A module of the candidate's."""

    def __init__(self, far: Far, name: str, *, answered: bool = False) -> None:
        super().__init__(name)
        self.__dict__["_far"] = far
        self.__dict__["_answered"] = answered  # a value, not what an import led to

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return self._offered(sys._getframe(1).f_globals)
        if name in TELLING and self.__dict__.get("_answered"):
            raise _tells(self._far, self.__name__, name)
        if name.startswith("__") and name not in FORWARDED:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = self._far.attribute(self, name)
        if isinstance(found, FarModule) and found.__name__ == f"{self.__name__}.{name}":
            found = sys.modules.get(found.__name__, found)
        return found

    def _offered(self, taken: dict[str, Any]) -> list[str]:
        """Public names, without those that mean something to the check already: `from m import *` must not bring it an
        `abs` of the candidate's.
        """
        return [
            name
            for name in self._far.ask("public", self)
            if type(name) is str and name.isidentifier() and not name.startswith("__")
            if name not in vars(builtins) and (name not in taken or _is_far(taken[name]))
        ]

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, FarModule):  # the import system's doing; the far side has set its own, or a namesake
            return
        if name.startswith("__") or isinstance(value, types.ModuleType):
            super().__setattr__(name, value)
            return
        self._far.ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        self._far.ask("del", self, name)

    def __dir__(self) -> list[str]:
        return list(self._far.ask("dir", self))


def make_class(
    far: Far, cid: int, name: str, module: str, bases: tuple[Any, ...], specials: list[Any], kind: str
) -> type:
    """The stand-in for a class, with those bases that a stand-in can have. Raises `ValueError` for an unknown kind."""
    namespace: dict[str, Any] = {"_cid": cid, "_far": far, "__module__": module[:200], "__qualname__": name[:200]}
    asked = {special for special in specials if special in SPECIALS}
    own = [base for base in bases if isinstance(base, MirrorType)]
    root: tuple[type, ...]
    parents: tuple[type, ...]
    if kind == "exception":
        family = tuple(base for base in bases if isinstance(base, type) and issubclass(base, BaseException))
        root = (ExceptionMirror, next((base for base in family if base not in own), Foreign))
        namespace.update({plain: vars(ExceptionMirror)[plain] for plain in ("__getattr__", "__str__")})
        parents = family if any(base in own for base in family) else root
    elif kind in VALUE_BASES:
        root = (ValueMirror, VALUE_BASES[kind])
        namespace.update({special: _forwarder(special) for special in asked & {"__str__", "__repr__", "__format__"}})
    elif kind == "plain":
        root = (Mirror,)
        namespace["__slots__"] = ()
        namespace.update({special: _forwarder(special) for special in asked - {"__ne__", "__hash__"}})
        if "unhashable" in specials:
            namespace["__hash__"] = None
        elif "__eq__" in asked:
            namespace["__hash__"] = Mirror.__hash__
        namespace["__doc__"] = _Doc()
        container = next((base for base in bases if base in SHARED_TYPES), None)
        if container is not None:
            namespace["__class__"] = _shape(name[:200], container)
    else:
        raise ValueError(f"a class of kind {kind!r}")
    if kind == "plain" and module == "collections.abc" and name in CONTAINER_KINDS:
        made = MirrorType(name, (Mirror,), namespace)
        getattr(collections.abc, name).register(made)
        return made
    if kind != "exception":
        parents = tuple(base for base in own if issubclass(base, root[-1])) or root
    try:
        return MirrorType(name[:200], parents, namespace)
    except TypeError:  # bases that a stand-in cannot unite
        return MirrorType(name[:200], root, namespace)


def new_mirror(cls: type, oid: int, hashed: int | None) -> Any:
    if not issubclass(cls, Mirror):
        raise TypeError("no class of plain objects")
    made = object.__new__(cls)
    object.__setattr__(made, "_oid", oid)
    object.__setattr__(made, "_hash", hashed)
    object.__setattr__(made, "_from", GIVEN)
    return made


def new_value(cls: type, oid: int, content: Any) -> Any:
    """Raises `TypeError` when the content is not what the class derives from."""
    base = next((base for base in VALUE_BASES.values() if issubclass(cls, base)), None)
    if base is None or type(content) is not base:
        raise TypeError("a value of another type than its class")
    made: Any = base.__new__(cls, content)
    made.__dict__["_oid"] = oid
    return made


def oid_of(value: Any) -> int:
    if isinstance(value, Mirror):
        return int(object.__getattribute__(value, "_oid"))
    return int(value.__dict__["_oid"])


def generator(mirror: Any) -> Generator[Any, Any, Any]:
    """A real generator that steps the candidate's."""
    far = _far(mirror)

    def step() -> Generator[Any, Any, Any]:
        sent: Any = None
        try:
            while True:
                try:
                    value = far.ask("send", mirror, sent)
                except StopIteration as end:
                    return end.value
                try:
                    sent = yield value
                except GeneratorExit:
                    raise
                except Exception as error:
                    sent = None
                    try:
                        value = far.ask("throw", mirror, error)
                    except StopIteration as end:
                        return end.value
                    sent = yield value
        finally:
            if far.idle:
                far.ask("close", mirror)

    return step()


def coroutine(mirror: Any) -> Coroutine[Any, Any, Any]:
    """A real coroutine. The candidate's is a task of its own loop, which goes on a little as this one is stepped."""
    far = _far(mirror)

    async def drive() -> Any:
        number = far.ask("start", mirror)
        try:
            while not far.ask("step", number):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            if far.idle:
                far.ask("cancel", number)
            raise
        return far.ask("await", number)

    return drive()


def _far(value: Any) -> Far:
    return type(value).__dict__["_far"] if "_far" in type(value).__dict__ else type(value)._far  # type: ignore[no-any-return]


def _internal(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in FORWARDED


def _named(value: Any) -> bool:
    """Whether the checks name its class: what its operators mean is then what they check."""
    far = _far(value)
    return any(kind.__name__ in far.named for kind in type(value).__mro__ if isinstance(kind, MirrorType))


def _forwarder(special: str) -> Callable[..., Any]:
    if special in ORDER or special == "__eq__":

        def compare(self: Any, other: Any) -> Any:
            if self is other and special == "__eq__":
                return True
            if isinstance(other, Mirror):
                if _named(other) and not _named(self):
                    return NotImplemented  # what equals an object that is being checked, its own class says
                return _truth(_far(self).ask("special", self, special, (other,), {}))
            content = _content(self, other)
            if content is not NotImplemented:
                return getattr(content, special)(other)
            _far(self).note(
                f"an object of the candidate's class {type(self).__name__} was compared with {type(other).__name__}:"
                " only built-in values equal built-in values"
            )
            return NotImplemented

        return compare
    if special == "__contains__":

        def contains(self: Any, item: Any) -> Any:
            if (_named(self) and _from(self) == OWN) or isinstance(item, Mirror):
                return bool(_far(self).ask("special", self, special, (item,), {}))
            return any(found is item or found == item for found in self)

        return contains
    if special in BINARY:

        def operate(self: Any, other: Any, *more: Any) -> Any:
            if not (_named(self) or isinstance(other, Mirror)):
                _far(self).note(
                    f"{special} of {type(self).__name__}, a class of the candidate's that the checks do not name, with"
                    f" {type(other).__name__}"
                )
                return NotImplemented
            answer = _far(self).ask("special", self, special, (other, *more), {})
            if isinstance(other, Mirror) or _from(self) == OWN:
                _mark(answer, OWN if _from(self) == OWN else GIVEN)
            elif not _mark(answer, TOLD) and answer is not NotImplemented:
                _far(self).note(
                    f"{special} of a {type(self).__name__} that the check did not make, with {type(other).__name__},"
                    f" gave {type(answer).__name__}: it was told what the answer is compared with"
                )
                return NotImplemented
            return answer

        return operate

    if special == "__await__":
        return lambda self: coroutine(self).__await__()

    def alone(self: Any, *args: Any, **named: Any) -> Any:
        answer = _far(self).ask("special", self, special, args, named)
        if special in MEASURES and _from(self) != GIVEN and not _mark(answer, _from(self)) and _from(self) == TOLD:
            _far(self).note(f"{special} of a {type(self).__name__} that was told a value of the check's")
            raise TypeError(f"{special} of such a {type(self).__name__} says nothing")
        return answer

    def leave(self: Any, kind: Any, error: Any, trace: Any) -> Any:
        ours = kind is not None and not (kind in EXCEPTION_NAMES or isinstance(kind, MirrorType))
        claim = kind is not None and (ours or issubclass(kind, AssertionError))
        told = (RuntimeError, RuntimeError("the check's own")) if claim else (kind, error)
        answer = _far(self).ask("special", self, special, (*told, None), {})
        if special == "__exit__":
            return answer and not claim  # what a check claims in a `with` of the candidate's, that cannot take back
        return _without(answer) if claim else answer

    return leave if special in ("__exit__", "__aexit__") else alone


def _from(mirror: Any) -> str:
    return str(object.__getattribute__(mirror, "_from"))


def _mark(value: Any, origin: str) -> bool:
    """Note where a stand-in is from; whether it is one. What the check has made stays its own."""
    if not isinstance(value, Mirror):
        return False
    if _from(value) != OWN:
        object.__setattr__(value, "_from", origin)
    return True


async def _without(answer: Any) -> None:
    await answer


def _shape(name: str, container: type) -> property:
    """The `__class__` of a stand-in for a container's subclass: one that `isinstance` knows for a list."""
    shape = type(name, (container,), {})
    return property(lambda self: shape)


class _Doc:
    """`__doc__` of a stand-in."""

    def __get__(self, instance: Any, owner: Any) -> Any:
        return owner._far.ask("get", owner if instance is None else instance, "__doc__")


def harmless_annotations(found: Any) -> Any:
    """Annotations without those texts that do more than name types: `get_type_hints` would evaluate them here."""
    if type(found) is not dict:
        return {}
    texts = {key for key, value in found.items() if isinstance(value, str)}
    fine = {key for key in texts if type(found[key]) is str and _names_a_type(found[key])}
    return {key: value for key, value in found.items() if key not in texts or key in fine}


def _names_a_type(text: str) -> bool:
    try:
        nodes = list(ast.walk(ast.parse(text[:MOST_ANNOTATION], mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    for node in nodes:
        match node:
            case ast.Constant(value=str(inner)):
                if not _names_a_type(inner):
                    return False
            case ast.Name(id=name) | ast.Attribute(attr=name):
                if name.startswith("_"):
                    return False
            case ast.Expression() | ast.Subscript() | ast.Tuple() | ast.List() | ast.Constant() | ast.Load():
                continue
            case ast.BinOp(op=ast.BitOr()) | ast.BitOr():
                continue
            case _:
                return False
    return len(text) <= MOST_ANNOTATION


def _is_far(value: Any) -> bool:
    return isinstance(value, FarModule | MirrorType) or isinstance(type(value), MirrorType)


def _tells(far: Far, kind: str, name: str) -> AttributeError:
    far.note(f"{name} of {kind}, which the checks do not name, is not asked: it would be told what is expected")
    return AttributeError(name)


def _own_method(mirror: Any, name: str) -> Any:
    """A comparing method: of what a subclass of a built-in container holds, here."""
    content = _far(mirror).ask("content", mirror)
    if type(content) in (list, dict, set) and hasattr(content, name):
        return getattr(content, name)
    raise _tells(_far(mirror), type(mirror).__name__, name)


def _truth(answer: Any) -> Any:
    return answer if answer is NotImplemented else bool(answer)


def _content(mirror: Any, other: Any) -> Any:
    """Of a subclass of a built-in container: what it holds, as that container, where `other` is one of its kind."""
    kind = set if type(other) is frozenset else type(other)
    if kind not in (list, dict, set):
        return NotImplemented
    found = _far(mirror).ask("content", mirror)
    return found if type(found) is kind else NotImplemented
