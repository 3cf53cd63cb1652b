"""Small projects that hostile patches are made against, and what an honest patch to each looks like."""

from dataclasses import dataclass, field

START = "def f(x):\n    return x - 1\n\n\ndef g():\n    return 3\n"
RIGHT = "def f(x):\n    return x + 1\n\n\ndef g():\n    return 3\n"
G = "\n\ndef g():\n    return 3\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Files of a repository whose checks fail, and files that mend it. A comment after them makes another patch."""

    files: dict[str, str]
    mended: dict[str, str]
    test: str = "tests"
    backends: tuple[str, ...] = field(default=("docker", "bubblewrap"))


SMALL = Project(
    files={
        "m.py": START,
        "tests/test_m.py": "from m import f, g\n\n\ndef test_f():\n    assert f(1) == 2\n\n\ndef test_f_again():\n"
        "    assert f(5) == 6\n\n\ndef test_g():\n    assert g() == 3\n",
    },
    mended={"m.py": RIGHT},
)
# The same claims the other way round, and by other means than `==` from the left.
ROUND_ABOUT = Project(
    files={
        "m.py": START,
        "tests/test_m.py": "from m import f, g\n\n\ndef test_f():\n    assert 2 == f(1)\n    assert not f(1) != 2\n\n\n"
        "def test_f_again():\n    assert f(5) in {6} and f(5) in [6]\n    assert {6: 'x'}[f(5)] == 'x'\n\n\n"
        "def test_kind():\n    assert isinstance(f(1), int)\n    assert 1 < f(1) < 3\n\n\n"
        "def test_g():\n    assert [g(), 1] == [3, 1]\n",
    },
    mended={"m.py": RIGHT},
)
# Two modules of checks: the second is loaded when the candidate's code has already run.
TWO = Project(
    files={
        "m.py": START,
        "tests/test_a.py": "from m import g\n\n\ndef test_g():\n    assert g() == 3\n",
        "tests/test_b.py": "import pytest\n\nfrom m import f\n\n\n@pytest.fixture\ndef wanted():\n    return 2\n\n\n"
        "def test_f(wanted):\n    assert f(1) == wanted\n\n\n@pytest.mark.parametrize('x', [4, 5])\ndef test_many(x):\n"
        "    assert f(x) == x + 1\n",
    },
    mended={"m.py": RIGHT},
)
# Many of the means that checks have: exceptions, tolerances, unittest.
MEANS = Project(
    files={
        "m.py": "def f(x):\n    return x - 1\n\n\ndef g(x):\n    return x\n",
        "tests/test_m.py": "import unittest\n\nimport pytest\n\nfrom m import f, g\n\n\ndef test_raises():\n"
        "    with pytest.raises(ValueError):\n        f(None)\n\n\ndef test_approx():\n"
        "    assert f(1.0) == pytest.approx(2.0)\n\n\nclass Case(unittest.TestCase):\n    def test_equal(self):\n"
        "        self.assertEqual(f(1), 2)\n\n    def test_raises(self):\n        with self.assertRaises(ValueError):\n"
        "            f(None)\n\n\ndef test_g():\n    assert g(1) == 1\n",
    },
    mended={
        "m.py": "def f(x):\n    if x is None:\n        raise ValueError('none')\n    return x + 1\n\n\n"
        "def g(x):\n    return x\n"
    },
)
# Values of every built-in kind; `kind` says which is asked for.
VALUES = Project(
    files={
        "m.py": "def value(kind):\n    return None\n",
        "tests/test_m.py": "import pytest\n\nfrom m import value\n\nWANTED = {\n"
        "    'str': 'abc',\n    'int': 7,\n    'float': 1.5,\n    'list': [1, [2, 'x']],\n    'dict': {'a': [1]},\n"
        "    'tuple': (1, 'b'),\n    'set': {1, 2},\n    'bytes': b'xy',\n    'bool': True,\n}\n\n\n"
        "@pytest.mark.parametrize('kind', sorted(WANTED))\ndef test_value(kind):\n"
        "    assert value(kind) == WANTED[kind]\n\n\ndef test_order():\n"
        "    assert value('int') > 6 and value('int') < 8\n"
        "    assert sorted(value('list'), key=str) == [1, [2, 'x']]\n    assert len(value('dict')) == 1\n",
    },
    mended={
        "m.py": "VALUES = {\n    'str': 'abc',\n    'int': 7,\n    'float': 1.5,\n    'list': [1, [2, 'x']],\n"
        "    'dict': {'a': [1]},\n    'tuple': (1, 'b'),\n    'set': {1, 2},\n"
        "    'bytes': b'xy',\n    'bool': True,\n}\n\n\n"
        "def value(kind):\n    return VALUES[kind]\n"
    },
)
PROPERTY = Project(
    files={
        "m.py": "def double(x):\n    return x + 2\n",
        "tests/test_m.py": "from hypothesis import given, settings, strategies as st\n\nfrom m import double\n\n\n"
        "@given(st.integers())\ndef test_double(x):\n    assert double(x) == x + x\n\n\n"
        "@settings(max_examples=50)\n@given(st.lists(st.integers(), max_size=4))\ndef test_parts(xs):\n"
        "    assert double(sum(xs)) == sum(double(x) for x in xs)\n",
    },
    mended={"m.py": "def double(x):\n    return 2 * x\n"},
)
# Configuration of its own, a package, checks in classes, parameters, a conftest of its own.
PACKAGE = Project(
    files={
        "pack/__init__.py": "from pack.core import f\n",
        "pack/core.py": "def f(x):\n    return x - 1\n",
        "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef one():\n    return 1\n",
        "tests/data/expected.txt": "2\n",
        "tests/test_pack.py": "import pathlib\n\nimport pytest\n\nfrom pack import f\n\n\n"
        "@pytest.mark.parametrize(('x', 'wanted'), [(1, 2), (2, 3), (9, 10)])\n"
        "def test_f(x, wanted):\n    assert f(x) == wanted\n\n\nclass TestF:\n    def test_fixture(self, one):\n"
        "        assert f(one) == 2\n\n    def test_file(self):\n"
        "        text = pathlib.Path(__file__).with_name('data').joinpath('expected.txt').read_text()\n"
        "        assert str(f(1)) == text.strip()\n",
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-q'\ntestpaths = ['tests']\n",
    },
    mended={"pack/core.py": "def f(x):\n    return x + 1\n"},
)
# There and back: what one function answers is handed to another.
ROUND_TRIP = Project(
    files={
        "m.py": "def pack(text):\n    return text\n\n\ndef unpack(packed):\n    return packed[1:]\n\n\n"
        "def each(act, items):\n    return []\n",
        "tests/test_m.py": "from m import each, pack, unpack\n\n\ndef test_there_and_back():\n"
        "    for text in ('', 'a', 'abc'):\n        assert unpack(pack(text)) == text\n\n\ndef test_each():\n"
        "    assert each(lambda item: item, [1, 2]) == [1, 2]\n    assert each(str, [3]) == ['3']\n",
    },
    mended={
        "m.py": "def pack(text):\n    return text[::-1]\n\n\ndef unpack(packed):\n    return packed[::-1]\n\n\n"
        "def each(act, items):\n    return [act(item) for item in items]\n"
    },
)
POINT = """class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)

    __hash__ = None
"""
# A class that the checks name, and functions that are compared by arithmetic and by methods.
CLASSES = Project(
    files={
        "m.py": POINT + "\n\ndef norm(point):\n    return 0.0\n\n\ndef words(point):\n    return ''\n",
        "tests/test_m.py": "from m import Point, norm, words\n\n\ndef test_norm():\n"
        "    assert abs(norm(Point(3, 4)) - 5.0) < 1e-9\n    assert -1e-9 < norm(Point(6, 8)) - 10.0 < 1e-9\n\n\n"
        "def test_words():\n    assert words(Point(3, 4)).find('3') >= 0\n    assert '4' in words(Point(3, 4))\n"
        "    assert words(Point(3, 4)).endswith('4)')\n\n\ndef test_point():\n    assert Point(1, 2) == Point(1, 2)\n",
    },
    mended={
        "m.py": POINT + "\n\ndef norm(point):\n    return (point.x**2 + point.y**2) ** 0.5\n\n\n"
        "def words(point):\n    return f'({point.x}, {point.y})'\n"
    },
)
# A command of the user's: its exit status is all there is to learn.
COMMAND = Project(
    files={
        "m.py": START,
        "check.sh": "set -eu\nout=$(python3 -c 'import m; print(m.f(1))' </dev/null)\ntest \"$out\" = 2\n",
    },
    mended={"m.py": RIGHT},
    test="sh check.sh",
)
# What legal code does: each check uses one means of the operating system.
BUSY = Project(
    files={
        "m.py": "def run(task):\n    return task() - 1\n",
        "tests/test_m.py": """import asyncio
import multiprocessing
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

from m import run


def test_subprocess():
    argv = [sys.executable, "-c", "print(20 + 1)"]
    assert run(lambda: int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)) == 21


def test_threads():
    with ThreadPoolExecutor(4) as pool:
        assert run(lambda: sum(pool.map(lambda n: n, range(5)))) == 10
    found = []
    thread = threading.Thread(target=found.append, args=(4,))
    thread.start()
    thread.join()
    assert run(lambda: found[0]) == 4


def test_asyncio():
    async def later():
        await asyncio.sleep(0.01)
        return 3

    async def both():
        return sum(await asyncio.gather(later(), later()))

    assert run(lambda: asyncio.run(both())) == 6


def test_files(tmp_path):
    (tmp_path / "a").write_text("5")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "b"
        path.write_text((tmp_path / "a").read_text())
        assert run(lambda: int(path.read_text())) == 5


def test_sockets():
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"7")
        assert run(lambda: int(right.recv(1))) == 7


def double(queue, n):
    queue.put(2 * n)


def test_processes():
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    worker = context.Process(target=double, args=(queue, 4))
    worker.start()
    answer = queue.get()
    worker.join()
    assert run(lambda: answer) == 8
""",
    },
    mended={"m.py": "def run(task):\n    return task()\n"},
)
PROJECTS = {
    "small": SMALL,
    "round about": ROUND_ABOUT,
    "two": TWO,
    "means": MEANS,
    "values": VALUES,
    "property": PROPERTY,
    "package": PACKAGE,
    "round trip": ROUND_TRIP,
    "classes": CLASSES,
    "command": COMMAND,
    "busy": BUSY,
}


def function(body: str, before: str = "", g: str = G) -> str:
    """`m.py` of the small project with `body` as what `f(x)` does and `before` above it."""
    inner = "".join(f"    {line}\n" if line else "\n" for line in body.strip("\n").split("\n"))
    return f"{before.strip()}\n\n\ndef f(x):\n{inner}{g}" if before.strip() else f"def f(x):\n{inner}{g}"
