"""Candidates that attack the judge on the other side of the border: what they send, what they answer, what they claim.

`FRAMES` talk past our end of the channel; `ANSWERS` are wrong answers that pass where check and candidate share an
interpreter; `HONEST` are controls. Each is a candidate `m.py` and a file of checks.
"""

RAW = """
import json
import os
import signal
import struct
import sys
import threading
import time


def answerer():
    frame = sys._getframe()
    while frame is not None:
        found = frame.f_locals.get("self")
        if type(found).__name__ == "Answerer":
            return found
        frame = frame.f_back


def channel():
    for name in os.listdir("/proc/self/fd"):  # no need to know the one who serves it
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                return int(name)
        except OSError:
            continue


def write(data):
    while data:
        data = data[os.write(channel(), data):]


def frame(data):
    write(struct.pack(">I", len(data)) + data)


def say(*message):
    frame(json.dumps(list(message)).encode())


def answer(value):
    say(answerer()._ident, "ok", [], "", [], value)


def literal(text):
    frame(('["%s","ok",[],"",[],%s]' % (answerer()._ident, text)).encode())


def f(x):
"""
CHECKS = """
import time

import m


def test_f():
    assert m.f(1) == 2
    time.sleep(0.3)


def test_g():
    assert m.f(1) == 2
"""


def _raw(*lines: str) -> str:
    return RAW + "".join(f"    {line}\n" for line in (*lines, "return 2"))


FRAMES = {
    "a reply to nothing": _raw('say("0" * 12, "ok", [], "", [], 2)'),
    "a reply twice": _raw("answer(2)"),
    "an empty reply": _raw("say()"),
    "a reply that is no array": _raw('frame(b"2")'),
    "no JSON": _raw('frame(b"\\x80\\x04K\\x02.")'),
    "an object with one key twice": _raw('literal(\'{"a": 1, "a": 2}\')'),
    "NaN": _raw('literal("NaN")'),
    "an infinite float": _raw('literal("1e999")'),
    "a long integer without its tag": _raw('literal("9" * 1000000)'),
    "an array 10^5 deep": _raw('literal("[" * 100000 + "]" * 100000)'),
    "a tuple 10^4 deep": _raw('literal(\'["t",\' * 10000 + "1" + "]" * 10000)'),
    "a frame of 4 GB": _raw('write(b"\\xff\\xff\\xff\\xff")'),
    "a frame that breaks off": _raw('write(struct.pack(">I", 100) + b"[1")', "os._exit(0)"),
    "an unknown tag": _raw('answer(["pickle", "gASVAAAAAA=="])'),
    "an unknown operation": _raw('say(answerer()._ident, "eval", "1")'),
    "a call of what was not lent": _raw('say(answerer()._ident, "call", [], 0, ["t"], ["d", 1])'),
    "an update of what was not told": _raw('say(answerer()._ident, "ok", [[0, 1]], "", [], 2)'),
    "a container under a number of the judge's": _raw('answer(["l", 0, 1])'),
    "an object of no class": _raw('answer(["h", 0, 5, None])'),
    "a class of an unknown kind": _raw('answer(["h", 0, ["C", 0, "X", "m", [], [], "module"], None])'),
    "a class twice": _raw('answer(["t", ["C", 0, "X", "m", [], [], "plain"], ["C", 0, "X", "m", [], [], "plain"]])'),
    "a value of another type than its class": _raw('answer(["v", 0, ["C", 0, "X", "m", [], [], "int"], "2"])'),
    "an exception that is none": _raw('say(answerer()._ident, "raise", [], "", [], ["own", 2, ""])'),
    "a set of lists": _raw('answer(["s", 1, ["l", 3]])'),
    "a dictionary of a key": _raw('answer(["d", 1, 2])'),
    "a fraction by zero": _raw('answer(["q", 1, 0])'),
    "more during a question": _raw('threading.Timer(0.05, say, ("late", "ok")).start()', "time.sleep(0.3)"),
    "more between two questions": _raw('threading.Timer(0.1, say, ("late", "ok")).start()'),
}
FAILS_ONLY = {
    "an integer of 10^6 digits": _raw('answer(["i", "f" * 800000])', "time.sleep(9)"),
    "a lone surrogate": _raw("literal('\"\\\\ud800\"')", "time.sleep(9)"),
    "a string of 30 MB": _raw("literal('\"' + \"x\" * 30000000 + '\"')", "time.sleep(9)"),
    "a byte a second": _raw('write(struct.pack(">I", 50))', "while True:", "    write(b'[')", "    time.sleep(1)"),
    "out-of-band data": _raw(
        "import socket",
        "with socket.socket(fileno=os.dup(channel())) as other:",
        '    other.send(b"x", socket.MSG_OOB)',
        "time.sleep(9)",
    ),
    "silence": _raw("time.sleep(9)"),
    "a stop": _raw("os.kill(os.getpid(), signal.SIGSTOP)"),
    "an end": _raw("os._exit(0)"),
    "an end with an answer": _raw("answer(3)", "os._exit(0)"),
    "a child that replies once its parent has gone": _raw(
        "if os.fork() == 0:", "    time.sleep(0.2)", "    answer(3)", "    os._exit(0)", "os._exit(0)"
    ),
    "a channel shut down": _raw(
        "import socket", "socket.socket(fileno=os.dup(channel())).shutdown(socket.SHUT_WR)", "time.sleep(9)"
    ),
    "a channel closed": _raw("os.close(channel())"),
    "calls without end": _raw("while True:", "    m_f = answerer()._encoder.encode([0] * 1000)", "    time.sleep(0)"),
}
"""What cannot be told from an accident: it fails, in bounded time."""

EVIL = '''
class Yes:
    """Equals, contains, orders and subtracts whatever it is asked to."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return hash(2)

    def __lt__(self, other):
        return True

    __le__ = __gt__ = __ge__ = __contains__ = __lt__

    def __sub__(self, other):
        return 0

    __rsub__ = __sub__

    def __abs__(self):
        return 0

    def __float__(self):
        return 1.0

    def startswith(self, *args):
        return True

    issubset = issuperset = endswith = startswith

    def difference(self, other):
        self.told = list(other)
        return set()

    def intersection(self, other):
        return other

    def __iter__(self):
        return iter(getattr(self, "told", ()))
'''
YES = EVIL + "\n\ndef f(x):\n    return Yes()\n"
_CHECK = "import m\n\n\ndef test_f():\n    {}\n"


def _check(*lines: str) -> str:
    return _CHECK.format("\n    ".join(lines))


ANSWERS = {
    "equals all": (YES, _check("assert m.f(1) == 2")),
    "equals all, asked from the other side": (YES, _check("assert 2 == m.f(1)")),
    "is not unequal": (YES, _check("assert not m.f(1) != 2")),
    "is inside a list": (YES, _check("assert [m.f(1)] == [2]")),
    "is in a list": (YES, _check("assert m.f(1) in [2]")),
    "has the same hash": (YES, _check("assert {m.f(1)} == {2}")),
    "is a key": (YES, _check("assert {2: 'two'}[m.f(1)] == 'two'")),
    "contains all": (YES, _check("assert 2 in m.f(1)")),
    "has no distance": (YES, _check("assert abs(m.f(1) - 2) < 1e-6")),
    "has no distance, from the other side": (YES, _check("assert abs(2 - m.f(1)) < 1e-6")),
    "is less and more": (YES, _check("assert 1 < m.f(1) < 3")),
    "is approximately all": (YES, "import pytest\n" + _check("assert m.f(1) == pytest.approx(2)")),
    "starts like all": (YES, _check("assert m.f(1).startswith('two')")),
    "is a subset": (YES, _check("assert m.f(1).issubset({1, 2})")),
    "is what it is intersected with": (YES, _check("assert m.f(1).intersection({2}) == {2}")),
    "is almost equal": (
        YES,
        "import unittest\n\nimport m\n\n\nclass T(unittest.TestCase):\n"
        "    def test_f(self):\n        self.assertAlmostEqual(m.f(1), 2)\n",
    ),
    "is an equal set": (
        YES,
        "import unittest\n\nimport m\n\n\nclass T(unittest.TestCase):\n"
        "    def test_f(self):\n        self.assertSetEqual(m.f(1), {1, 2})\n",
    ),
    "is called like a class of the library": (
        YES.replace("Yes", "TestCase"),
        "import unittest\n\nimport m\n\n\nclass T(unittest.TestCase):\n"
        "    def test_f(self):\n        assert abs(m.f(1) - 2) < 1e-6\n",
    ),
    "is a class": (
        "class Meta(type):\n    def __eq__(cls, other):\n        return True\n    __hash__ = type.__hash__\n\n\n"
        "class Two(metaclass=Meta):\n    pass\n\n\ndef f(x):\n    return Two\n",
        _check("assert m.f(1) == 2"),
    ),
    "is a module": (
        "import sys\n\n\ndef startswith(x):\n    return True\n\n\ndef f(x):\n    return sys.modules[__name__]\n",
        _check("assert m.f(1).startswith('two')"),
    ),
    "is an integer that equals all": (
        "class Int(int):\n    def __eq__(self, other):\n        return True\n    __hash__ = int.__hash__\n\n\n"
        "def f(x):\n    return Int(7)\n",
        _check("assert m.f(1) == 2"),
    ),
    "is a list that equals all": (
        "class List(list):\n    def __eq__(self, other):\n        return True\n\n\ndef f(x):\n    return List([7])\n",
        _check("assert m.f(1) == [2]"),
    ),
    "is a text that formats as asked": (
        "class Text(str):\n    def __eq__(self, other):\n        return True\n    __hash__ = str.__hash__\n\n"
        "    def __format__(self, spec):\n        return spec\n\n\ndef f(x):\n    return Text('seven')\n",
        _check("assert f'{m.f(1)}' == 'two'"),
    ),
    "ends the loop of the check": (
        "def f(x):\n    raise StopIteration\n",
        _check("for got, want in zip(map(m.f, [1, 2]), [2, 3]):", "    assert got == want"),
    ),
    "swallows what is claimed in its `with`": (
        "class f:\n    def __init__(self, x):\n        self.x = 7\n\n    def __enter__(self):\n        return self\n\n"
        "    def __exit__(self, *error):\n        return True\n",
        _check("with m.f(1) as found:", "    assert found.x == 2"),
    ),
    "swallows a failure in its `with`": (
        "class f:\n    def __init__(self, x):\n        pass\n\n    def __enter__(self):\n        return self\n\n"
        "    def __exit__(self, *error):\n        return True\n",
        "import pytest\n" + _check("with m.f(1):", "    with pytest.raises(ValueError):", "        pass"),
    ),
    "swallows what is claimed in a callback": (
        "def f(x):\n    try:\n        x(7)\n    except BaseException:\n        pass\n",
        _check("def given(value):", "    assert value == 2", "m.f(given)"),
    ),
    "brings its own abs": (
        "__all__ = ['f', 'abs', 'isclose', 'pytest']\n\n\ndef abs(x):\n    return 0\n\n\n"
        "def f(x):\n    return 7.0\n\n\n"
        "def isclose(*args):\n    return True\n\n\nclass pytest:\n    approx = staticmethod(lambda x: 7.0)\n",
        "from math import isclose\n\nimport pytest\nfrom m import *\n\n\ndef test_f():\n"
        "    assert abs(f(1) - 2) < 1e-6 or isclose(f(1), 2) or f(1) == pytest.approx(2.0)\n",
    ),
    "skips": ("import unittest\n\n\ndef f(x):\n    raise unittest.SkipTest\n", _check("assert m.f(1) == 2")),
    "skips by pytest": ("import pytest\n\n\ndef f(x):\n    pytest.skip()\n", _check("assert m.f(1) == 2")),
    "ends the session": ("import pytest\n\n\ndef f(x):\n    pytest.exit('done', 0)\n", _check("assert m.f(1) == 2")),
    "interrupts": ("def f(x):\n    raise KeyboardInterrupt\n", _check("assert m.f(1) == 2")),
    "exits": ("def f(x):\n    raise SystemExit(0)\n", _check("assert m.f(1) == 2")),
    "exits at import": ("raise SystemExit(0)\n", _check("assert m.f(1) == 2")),
    "ends a generator": ("def f(x):\n    raise GeneratorExit\n", _check("assert m.f(1) == 2")),
    "expects to fail": ("import pytest\n\n\ndef f(x):\n    pytest.xfail()\n", _check("assert m.f(1) == 2")),
    "an exit of its own": (
        "class Out(SystemExit):\n    pass\n\n\ndef f(x):\n    raise Out(0)\n",
        _check("try:", "    assert m.f(1) == 2", "except Exception:", "    pass"),
    ),
    "an end that a check swallows": (
        "import os\n\n\ndef f(x):\n    os._exit(0)\n",
        _check("try:", "    m.f(1)", "except BaseException:", "    pass"),
    ),
    "a time-out that a check swallows": (
        "import time\n\n\ndef f(x):\n    time.sleep(30)\n",
        _check("try:", "    m.f(1)", "except BaseException:", "    pass"),
    ),
    "an order that is another": (
        "from collections import OrderedDict\n\n\ndef f(x):\n    return OrderedDict([('a', 1), ('b', 2)])\n",
        "from collections import OrderedDict\n" + _check("assert m.f(1) == OrderedDict([('b', 2), ('a', 1)])"),
    ),
    "a condition that is evaluated": (
        "CASE = 'exec(\"raise SystemExit(__import__(\\'os\\')._exit(42))\")'\n\n\ndef f(x):\n    return 7\n",
        "import m\nimport pytest\n\n\n@pytest.mark.xfail(m.CASE, reason='')\ndef test_f():\n    assert m.f(1) == 2\n",
    ),
    "an annotation that is evaluated": (
        "def f(x) -> \"__import__('os')._exit(42)\":\n    return 7\n",
        "import typing\n" + _check("typing.get_type_hints(m.f)", "assert m.f(1) == 2"),
    ),
    "all examples thrown away": (
        "import hypothesis\n\n\ndef f(x):\n    hypothesis.reject()\n",
        "import m\nfrom hypothesis import given, strategies as st\n\n\n@given(st.integers())\ndef test_f(x):\n"
        "    assert m.f(x) == x + 1\n",
    ),
}
"""Candidate and check. None passes, and none makes its check one that cannot be asked."""

LARGE = "def f(x):\n    return x * {count}\n\n\ndef g(x):\n    return 'x'\n"
WAYS_OUT = {
    "too deep to say again": (
        "def f(x):\n    for _ in range(150):\n        x = (x,)\n    return x\n\n\ndef g(x):\n    return 1\n",
        _check("assert m.g((m.f(1),)) == 1"),
    ),
    "too large to say again": (
        "def f(x):\n    return 'x' * 30000000\n\n\ndef g(x):\n    return 'x'\n",
        _check("assert m.g(m.f(1) + m.f(1)) == 'x'"),
    ),
    "an exception that cannot cross": (
        "def f(x):\n    try:\n        x('no number')\n    except Exception:\n        pass\n    return 7\n",
        "from decimal import Decimal\n" + _check("assert m.f(Decimal) == 2 or m.f(lambda x: Decimal(x)) == 2"),
    ),
    "a failure in its `with`": (
        "class f:\n    def __init__(self, x):\n        pass\n\n    def __enter__(self):\n        return self\n\n"
        "    def __exit__(self, *error):\n        pass\n",
        "import pytest\n" + _check("with m.f(1):", "    with pytest.raises(ValueError):", "        pass"),
    ),
}
"""What a candidate may try so that its check is taken for one that cannot be asked."""

HONEST = {
    "an exception of the check's own comes back": (
        "def f(x):\n    return x()\n",
        "import pytest\n\nimport m\n\n\nclass Own(ValueError):\n    pass\n\n\ndef fail():\n    raise Own('mine')\n\n\n"
        "def test_f():\n    with pytest.raises(Own, match='mine'):\n        m.f(fail)\n",
    ),
    "an assertion that comes back": (
        "def f(x):\n    return x(7)\n",
        "import pytest\n"
        + _check("def given(value):", "    assert value == 2", "with pytest.raises(AssertionError):", "    m.f(given)"),
    ),
    "a manager that swallows": (
        "import contextlib\n\n\ndef f(x):\n    return contextlib.suppress(x)\n",
        _check("with m.f(ValueError):", "    raise ValueError", "assert True"),
    ),
    "iterators": (
        "class f:\n    def __init__(self, x):\n        self.x = x\n\n    def __iter__(self):\n        return self\n\n"
        "    def __next__(self):\n        if not self.x:\n            raise StopIteration\n        self.x -= 1\n"
        "        return self.x\n",
        "import pytest\n"
        + _check("assert list(m.f(3)) == [2, 1, 0]", "with pytest.raises(StopIteration):", "    next(m.f(0))"),
    ),
    "a set that knows more": (
        "class Set(set):\n    pass\n\n\ndef f(x):\n    return Set([1, 2])\n",
        _check("assert m.f(1).issubset({1, 2, 3})", "assert m.f(1).difference({1}) == {2}"),
    ),
    "an ordered dictionary": (
        "from collections import OrderedDict\n\n\ndef f(x):\n    return OrderedDict([('b', 1), ('a', 2)])\n",
        _check("assert list(m.f(1).items()) == [('b', 1), ('a', 2)]"),
    ),
    "named tuples, many": (
        "from collections import namedtuple\n\nP = namedtuple('P', 'x y')\n\n\ndef f(x):\n"
        "    return [P(i, x) for i in range(1000)]\n",
        _check("for i in range(30):", "    assert m.f(i)[-1] == (999, i)"),
    ),
    "a surrogate in print": ("def f(x):\n    print('\\ud800')\n    return 2\n", _check("assert m.f(1) == 2")),
    "annotations": (
        "def f(x: 'int', y: 'dict[str, list[int]] | None' = None) -> int:\n    return 2\n",
        "import typing\n"
        + _check("assert typing.get_type_hints(m.f)['y'] == dict[str, list[int]] | None", "assert m.f(1) == 2"),
    ),
    "a condition": (
        "SLOW = False\n\n\ndef f(x):\n    return 2\n",
        "import m\nimport pytest\n\n\n@pytest.mark.skipif(m.SLOW, reason='')\n"
        "@pytest.mark.skipif('1 == 2', reason='')\ndef test_f():\n    assert m.f(1) == 2\n",
    ),
    "stars": (
        "def f(x):\n    return x + 1\n",
        "from m import *\n\n\ndef test_f():\n    assert f(1) == 2\n",
    ),
}
