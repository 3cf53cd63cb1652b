import importlib.util
import sys
import textwrap

import pytest
from box.runners.screen_run import CannotSwap, Swaps

BASE = """
import functools

LIMIT = 10

def plain(a, b=1):
    return a + b

async def later(a):
    return a

def outer(a):
    def inner(b):
        return a + b
    return inner(1)

def wrapped(f):
    @functools.wraps(f)
    def call(*args):
        return 2 * f(*args)
    return call

def unwrapped(f):
    def call(*args):
        return 2 * f(*args)
    return call

@wrapped
def honest(a):
    return a + 3

@unwrapped
def hidden(a):
    return a + 4

@functools.lru_cache
def cached(a):
    return a + 5

class C:
    size = 1

    def method(self, a):
        return a + 6

    @staticmethod
    def static(a):
        return a + 7

    @classmethod
    def klass(cls, a):
        return cls.size + a

    @property
    def read(self):
        return 8

    @property
    def both(self):
        return 9

    @both.setter
    def both(self, value):
        self.size = value + 10

    class Inner:
        def deep(self):
            return 11

    def closed(self):
        return 12

def replaced(a):
    return a + 13

replaced = plain

if LIMIT:
    def conditional():
        return 14
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    path = tmp_path / "swapped.py"
    path.write_text(BASE)
    spec = importlib.util.spec_from_file_location("swapped", path)
    loaded = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "swapped", loaded)
    spec.loader.exec_module(loaded)
    return loaded


def swap(module, old, new):
    assert BASE.count(old) == 1
    pairs = Swaps().plan(module.__file__, BASE.replace(old, new))
    for function, code in pairs:
        function.__code__ = code
    return len(pairs)


@pytest.mark.parametrize(
    ("old", "new", "call", "value"),
    [
        ("return a + b\n\nasync", "c = a * b\n    return c\n\nasync", lambda m: m.plain(7), 7),
        ("        return a + b\n", "        return a - b\n", lambda m: m.outer(5), 4),
        ("return a + 3", "return a - 3", lambda m: m.honest(5), 4),
        ("return a + 5", "return a - 5", lambda m: m.cached.__wrapped__(5), 0),
        ("return a + 6", "return a - 6", lambda m: m.C().method(5), -1),
        ("return a + 7", "return a - 7", lambda m: m.C.static(5), -2),
        ("return cls.size + a", "return cls.size - a", lambda m: m.C.klass(5), -4),
        ("return 8", "return 80", lambda m: m.C().read, 80),
        ("return 11", "return 110", lambda m: m.C.Inner().deep(), 110),
    ],
    ids=["plain", "nested", "wrapped", "cached", "method", "static", "class method", "property", "inner class"],
)
def test_the_body_of_a_function_can_be_swapped(module, old, new, call, value):
    assert call(module) != value
    assert swap(module, old, new) == 1
    assert call(module) == value


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("def plain(a, b=1)", "def plain(a, b=2)", "signature of plain"),
        ("def plain(a, b=1)", "def plain(a, *, b=1)", "signature of plain"),
        ("def plain(a, b=1)", "def other(a, b=1)", "signature of plain"),
        ("async def later", "def later", "outside a function"),
        ("@wrapped\ndef honest", "def honest", "signature of honest"),
        ("LIMIT = 10", "LIMIT = 11", "outside a function"),
        ("    size = 1", "    size = 2", "outside a function"),
        ("class C:", "class C(dict):", "head of class C"),
        ("LIMIT = 10", "LIMIT = 10\nimport os", "added or removed"),
        ("return 14", "return 15", "outside a function"),
        ("return a + 4", "return a - 4", "stands for unwrapped.<locals>.call"),
        ("return a + 13", "return a - 13", "stands for plain"),
        ("return 9", "return 90", "defined more than once"),
        ("value + 10", "value - 10", "defined more than once"),
        ("return 12", "return super().closed", "closes over"),
        ("LIMIT = 10", "LIMIT = 10", "no function differs"),
        ("LIMIT = 10", "LIMIT = 10  # only a comment", "no function differs"),
    ],
)
def test_what_cannot_be_swapped_is_said_and_left_alone(module, old, new, reason):
    with pytest.raises(CannotSwap, match=reason):
        swap(module, old, new)


def test_several_functions_at_once(module):
    changed = BASE.replace("return a + 6", "return 60").replace("return a + 3", "return 30")
    pairs = Swaps().plan(module.__file__, changed)
    assert sorted(function.__qualname__ for function, _ in pairs) == ["C.method", "honest"]


def test_a_module_nobody_imported_cannot_be_swapped(tmp_path):
    path = tmp_path / "unknown.py"
    path.write_text(BASE)
    with pytest.raises(CannotSwap, match="no collected check imports"):
        Swaps().plan(str(path), BASE)


def test_source_that_does_not_parse_raises_as_such(module):
    with pytest.raises(SyntaxError):
        Swaps().plan(module.__file__, textwrap.dedent("def plain(:"))
