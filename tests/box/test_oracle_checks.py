"""Function-level checks: scripts, functions, tables of calls, steps and programs; right ones pass, wrong ones fail."""

import json

import pytest
from oracle_pairs import AGREED, Pairs

SUBJECT = """
import asyncio
import sys


class Broke(Exception):
    def __init__(self, cents):
        super().__init__(f"{cents} cents are missing")
        self.cents = cents


class Till:
    def __init__(self, cents=0):
        self.cents = cents
        self.log = []

    def put(self, *coins, times=1):
        self.cents += sum(coins) * times
        self.log.append(coins)
        return self

    def take(self, cents):
        if cents > self.cents:
            raise Broke(cents - self.cents)
        self.cents -= cents
        return cents

    @classmethod
    def empty(cls):
        return cls()


def add(a, b=1):
    return a + b


def evens(n):
    yield from range(0, n, 2)


def forever():
    while True:
        yield 1


def fill(items, table):
    items.append(len(items))
    table["n"] = len(table)


def same(value):
    return value


def bad(kind):
    if kind == "exit":
        sys.exit(2)
    if kind == "loop":
        while True:
            pass
    if kind == "die":
        import os
        os._exit(0)
    if kind == "false":
        class ValueError(Exception):
            pass
        raise ValueError("made up")
    raise LookupError("what is not there")


async def later(value):
    await asyncio.sleep(0)
    return value
"""
PROGRAM = """
import sys

mode = sys.argv[1] if len(sys.argv) > 1 else ""
if mode == "thread":
    import threading, time
    threading.Thread(target=lambda: (time.sleep(0.05), print("from a thread"))).start()
elif mode == "atexit":
    import atexit
    atexit.register(print, "at the end")
elif mode == "exit":
    print("out")
    sys.exit("words")
elif mode == "status":
    sys.exit(7)
elif mode == "raise":
    raise RuntimeError("broken")
elif mode == "loop":
    while True:
        pass
elif mode == "bytes":
    sys.stdout.buffer.write(sys.stdin.buffer.read().upper())
elif mode == "input":
    print(int(input("")) + int(input()))
elif mode == "main":
    print(__name__, __file__.endswith("main.py"), len(sys.argv))
else:
    for line in sys.stdin:
        print(line.rstrip("\\n")[::-1])
"""
FILES = {"box_office.py": SUBJECT, "pkg/__init__.py": "", "pkg/inner.py": SUBJECT, "main.py": PROGRAM}


@pytest.fixture(scope="module")
def pairs():
    with Pairs() as opened:
        yield opened


def outcomes(pairs, cases, **limits):
    """One outcome a case: True when it passed."""
    session = pairs.run(FILES, {"c.json": json.dumps(cases)}, named=["Till", "Broke"], **limits)
    assert not session.broken, session.broken
    assert session.exit == AGREED, session.stdout
    return [session.outcomes[f"c.json::{case.get('name', at)}"] == "passed" for at, case in enumerate(cases)], session


def call(function, /, *args, **rest):
    return {"call": f"box_office.{function}", "args": list(args), **rest}


RIGHT = [
    call("add", 1, 2, returns=3),
    call("add", 1, returns=2),
    call("add", 1, kwargs={"b": 5}, returns=6),
    {"call": "pkg.inner.add", "args": [1], "returns": 2},
    {"call": "box_office:Till.empty", "args": []},
    call("add", "a", "b", returns="ab", name="named"),
    call("add", {"$tuple": [1]}, {"$tuple": [2]}, returns={"$tuple": [1, 2]}),
    call("same", {"$set": [1, 2]}, returns={"$set": [2, 1]}),
    call("same", {"$frozenset": [{"$tuple": [1, 2]}]}, returns={"$frozenset": [{"$tuple": [1, 2]}]}),
    call("same", {"$bytes": "aGk="}, returns={"$bytes": "aGk="}),
    call("same", {"$float": "nan"}, returns={"$float": "nan"}),
    call("same", {"$float": "-inf"}, returns={"$float": "-inf"}),
    call("same", {"$complex": [1, -2]}, returns={"$complex": [1, -2]}),
    call("same", {"$decimal": "1.10"}, returns={"$decimal": "1.1"}),
    call("same", {"$dict": [[1, 2], [{"$tuple": []}, 3]]}, returns={"$dict": [[1, 2], [{"$tuple": []}, 3]]}),
    call("same", {"a": {"b": [None, True]}}, returns={"a": {"b": [None, True]}}),
    call("same", {"$exception": "KeyError"}, returns={"$exception": "KeyError"}),
    call("add", 0.1, 0.2, returns=0.3, tolerance=1e-9),
    call("add", 1.5, 0.2, returns=2, tolerance=0.5),
    call("same", [3, 1, 2], returns=[1, 2, 3], compare="unordered"),
    call("same", [3, 3], returns=[3], compare="set"),
    call("same", [3, 1], returns=[1, 3], compare="sorted"),
    call("same", [[1, 2]], returns=[{"$tuple": [1, 2]}], compare="list"),
    call("same", [0], returns=True, compare="truthy"),
    call("same", 5, returns=None, compare="any"),
    call("evens", 5, iterates=True, returns=[0, 2, 4]),
    call("forever", take=3, returns=[1, 1, 1]),
    call("fill", [7], {}, returns=None, after=[[7, 1], {"n": 0}]),
    call("bad", "", raises="LookupError"),
    call("bad", "", raises="Exception"),
    call("bad", "", raises="LookupError", match="not there$"),
    call("bad", "exit", raises="SystemExit"),
    call("add", raises="TypeError"),
    {
        "steps": [
            {"new": "box_office.Till", "kwargs": {"cents": 5}, "as": "till"},
            {"on": "till", "call": "put", "args": [1, 2], "kwargs": {"times": 2}, "returns": {"$ref": "till"}},
            {"on": "till", "get": "cents", "returns": 11},
            {"on": "till", "call": "take", "args": [12], "raises": "Broke", "match": "^1 cents"},
            {"on": "till", "get": "log", "as": "log", "returns": [{"$tuple": [1, 2]}]},
            {"call": "box_office.same", "args": [{"$ref": "till"}], "as": "again"},
            {"on": "again", "call": "take", "args": [11], "returns": 11},
            {"on": "till", "get": "cents", "returns": 0},
        ]
    },
]
WRONG = [
    (call("add", 1, 2, returns=4), "expected 4, got 3"),
    (call("add", 1, returns=True), "expected True, got 2"),
    (call("add", 0.1, 0.2, returns=0.3), "expected 0.3"),
    (call("same", [1], returns={"$tuple": [1]}), "list for tuple"),
    (call("same", 1, returns=1.0, compare="exact"), "int for float"),
    (call("same", [3, 1, 1], returns=[1, 3], compare="unordered"), "expected"),
    (call("evens", 5, returns=[0, 2, 4]), "expected [0, 2, 4]"),
    (call("fill", [7], {}, after=[[7], {"n": 0}]), "the arguments afterwards"),
    (call("add", 1, raises="ValueError"), "expected ValueError, got 2"),
    (call("bad", "", raises="KeyError"), "LookupError: what is not there"),
    (call("bad", "", raises="LookupError", match="never"), "does not match"),
    (call("bad", "false", raises="ValueError"), "made up"),
    (call("bad", "exit"), "SystemExit"),
    (call("bad", ""), "LookupError"),
    (call("nothing", 1, returns=1), "AttributeError"),
    ({"call": "missing.add", "args": [1], "returns": 1}, "ModuleNotFoundError"),
    (
        {"steps": [{"new": "box_office.Till", "as": "t"}, {"on": "t", "get": "cents", "returns": 1}]},
        "t.cents: expected 1",
    ),
    ({"steps": [{"on": "nobody", "get": "cents"}]}, "KeyError"),
]


def test_right_cases(pairs):
    found, session = outcomes(pairs, RIGHT)
    assert all(found), session.failing


def test_wrong_cases(pairs):
    found, session = outcomes(pairs, [case for case, _ in WRONG])
    assert not any(found), [WRONG[at] for at, passed in enumerate(found) if passed]
    for at, (_, words) in enumerate(WRONG):
        assert words in session.details[f"c.json::{at}"]


def program(*argv, **rest):
    return {"program": "main.py", "argv": list(argv), **rest}


def test_programs(pairs):
    cases = [
        program(stdin="abc\nde\n", stdout="cba\ned"),
        program(stdin="abc  \n", stdout="  cba\n", lines="exact"),
        program(stdin="b a\n", stdout="a   b\n\n", lines="tokens"),
        program(stdin="00.1\n", stdout="1.0000000001\n", lines="numbers"),
        program(stdin="05.1\n", stdout="1.4\n", lines="numbers", tolerance=0.2),
        program("bytes", stdin="é\n", stdout="é\n"),
        program("input", stdin="1\n2\n", stdout="3"),
        program("main", stdout="__main__ True 2"),
        program("thread", stdout="from a thread"),
        program("atexit", stdout="at the end"),
        program("exit", stdout="out", exit=1),
        program("status", exit=7),
        program("status", exit=None),
        program("raise", exit=1),
        program(stdin="x" * 300_000, stdout="x" * 300_000),
    ]
    found, session = outcomes(pairs, cases)
    assert all(found), session.failing


def test_wrong_programs(pairs):
    cases = [
        (program(stdin="abc", stdout="abc"), "expected 'abc', got 'cba'"),
        (program(stdin="abc", stdout="cba", lines="exact"), "main.py:"),
        (program("raise", stdout=""), "RuntimeError: broken"),
        (program("status"), "exit status 7 where 0 is expected"),
        (program(stdin="a\n", stdout="a\nb\n"), "has 1 items where 2"),
        ({"program": "none.py", "stdout": ""}, "none.py"),
    ]
    found, session = outcomes(pairs, [case for case, _ in cases])
    assert not any(found), session.outcomes
    for at, (_, words) in enumerate(cases):
        assert words in session.details[f"c.json::{at}"]


def test_what_hangs_costs_its_own_time_alone(pairs):
    cases = [call("bad", "loop"), program("loop", stdout=""), call("add", 1, returns=2)]
    found, session = outcomes(pairs, cases, cpu_s=0.3, wall_s=1.0)
    assert found == [False, False, True]
    assert "CheckTimeout" in session.details["c.json::0"]
    assert "CheckTimeout" in session.details["c.json::1"]
    assert session.seconds < 20


def test_after_one_that_hangs_the_others_have_little_time(pairs):
    cases = [call("bad", "loop", name=str(number)) for number in range(5)]
    found, session = outcomes(pairs, cases, cpu_s=2.0, wall_s=8.0, hung_cpu_s=0.05)
    assert not any(found)
    assert session.seconds < 15


def test_a_candidate_that_ends_passes_nothing_more(pairs):
    found, session = outcomes(
        pairs, [call("add", 1, returns=2), call("bad", "die"), call("add", 1, returns=2, name="last")]
    )
    assert found == [True, False, False]
    assert "process ended" in session.details["c.json::last"]


SCRIPT = "from box_office import add\nassert add(1, 2) == {}\n"


def test_scripts_and_functions(pairs):
    judged = {
        "right.py": SCRIPT.format(3),
        "wrong.py": SCRIPT.format(4),
        "tests.py": "from box_office import *\nimport box_office\nfrom hypothesis import given, strategies as st\n"
        "def test_right():\n    assert add(1) == 2\n"
        "def test_wrong():\n    assert add(1) == 3\n"
        "async def test_later():\n    assert await box_office.later(3) == 3\n"
        "async def test_later_wrong():\n    assert await box_office.later(3) == 4\n"
        "@given(st.integers())\ndef test_property(n):\n    assert add(n) == n + 1\n"
        "@given(st.integers())\ndef test_wrong_property(n):\n    assert add(n) == n + (n < 500)\n",
        "lines.jsonl": "\n\n".join(json.dumps(call("add", number, returns=2)) for number in (1, 2)),
    }
    session = pairs.run(FILES, judged)
    assert {name: outcome == "passed" for name, outcome in session.outcomes.items()} == {
        "right.py": True,
        "wrong.py": False,
        "tests.py::test_right": True,
        "tests.py::test_wrong": False,
        "tests.py::test_later": True,
        "tests.py::test_later_wrong": False,
        "tests.py::test_property": True,
        "tests.py::test_wrong_property": False,
        "lines.jsonl::0": True,
        "lines.jsonl::1": False,
    }
    assert "assert 3 == 4" in session.details["wrong.py"]
    assert "wrong.py:2" in session.details["wrong.py"]
    assert "n=500" in session.details["tests.py::test_wrong_property"]


def test_one_check_of_a_file(pairs):
    judged = {"tests.py": "def test_a(): pass\ndef test_b(): pass\n"}
    session = pairs.run(FILES, judged, select=["tests.py::test_b"])
    assert list(session.outcomes) == ["tests.py::test_b"]


def test_those_named_first_are_a_gate(pairs):
    judged = {"a.json": json.dumps([call("add", 1, returns=2), call("add", 1, returns=9)])}
    session = pairs.run(FILES, judged, first=["a.json::1"])
    assert session.outcomes == {"a.json::1": "failed"}


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("c.json", "{", "Expecting"),
        ("c.json", "{}", "a list of cases"),
        ("c.json", "[3]", "no object"),
        ("c.json", '[{"cal": "a.b"}]', "unknown key 'cal'"),
        ("c.json", '[{"args": []}]', "neither call, steps nor program"),
        ("c.json", '[{"call": "a.b", "compare": "similar"}]', "'similar'; known are"),
        ("c.json", '[{"steps": [{"nwe": "a.b"}]}]', "unknown key 'nwe'"),
        ("c.json", '[{"call": "a.b", "name": "x"}, {"call": "a.b", "name": "x"}]', "two cases are called 'x'"),
        ("c.jsonl", '{"call": "a.b"}\n{', "Expecting"),
        ("c.py", "def broken(:\n", "invalid syntax"),
        ("c.py", "class TestThings:\n    def test_a(self): pass\n", "use pytest"),
        ("c.py", "import unittest\nclass Things(unittest.TestCase):\n    def test_a(self): pass\n", "use pytest"),
        ("c.py", "def test_a(fixture): pass\n", "takes arguments"),
        ("c.py", '"""Words."""\nimport box_office\ndef check(candidate):\n    assert False\n', "checks nothing"),
        ("c.txt", "", ".py, .json or .jsonl"),
    ],
)
def test_what_cannot_be_read_says_why(pairs, file, text, words):
    session = pairs.run(FILES, {file: text})
    assert not session.outcomes
    assert words in session.broken[file]
    assert not session.passed


def test_what_cannot_be_asked_says_so(pairs):
    judged = {
        "a.py": "import box_office\nclass Mine: pass\ntry:\n    box_office.same(Mine())\nexcept BaseException: pass\n",
        "b.py": "import box_office\nclass Till2(box_office.Till): pass\nassert Till2()\n",
        "c.py": "import box_office\nassert box_office.same(3) == 3\n",
    }
    session = pairs.run(FILES, judged)
    assert session.outcomes == {"a.py": "failed", "b.py": "failed", "c.py": "passed"}
    assert "Mine" in session.inexpressible["a.py"]
    assert "Till" in session.inexpressible["b.py"]


def test_lines_that_each_check_executes(pairs):
    judged = {"a.json": json.dumps([call("add", 1, returns=2), call("evens", 4, iterates=True)])}
    session = pairs.run(FILES, judged, coverage=True)
    lines = {event["id"]: event["lines"] for event in session.events if event["k"] == "coverage"}
    body = SUBJECT.splitlines()
    assert [body[line - 1].strip() for line in lines["a.json::1"]["box_office.py"]] == ["yield from range(0, n, 2)"]
    assert "return a + b" in [body[line - 1].strip() for line in lines["a.json::0"]["box_office.py"]]
