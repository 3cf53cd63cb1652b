"""Candidates asked the same calls by the runner, each in forked processes of its own, outside any box."""

import math
from collections import Counter, OrderedDict, deque
from decimal import Decimal
from fractions import Fraction

import pytest
from box.runners import answers
from test_box_runners import of, run

CALL_S = 0.1


def ask(folder, sources, calls, *, name="f", kind="function", path="m.py", made="", **payload):
    """Answers by candidate; each of `sources` is a module, each of `calls` a tuple of arguments."""
    code, lines, said = run(
        "behave",
        folder,
        **{
            "targets": [
                {"path": path, "module": path.removesuffix(".py").replace("/", "."), "name": name, "kind": kind}
            ],
            "calls": [[0, made, repr((args, {}))] for args in calls],
            "sys_path": [""],
            "call_cpu_s": CALL_S,
            "child_cpu_s": 2.0,
            "memory_bytes": 512 << 20,
            "candidates": [one if isinstance(one, dict) else {path: one} for one in sources],
            **payload,
        },
    )
    assert code == 42, said
    assert [line["at"] for line in of(lines, "answers")] == list(range(len(sources)))
    return [line["answers"] for line in of(lines, "answers")]


def kinds(found):
    return [answer[0] for answer in found]


def texts(found):
    return [answer[1] for answer in found]


def marks(found):
    return [answer[2] for answer in found]


def test_equal_answers_have_equal_marks_and_others_have_not(tmp_path):
    one, two, three = ask(
        tmp_path,
        ["def f(n): return n * 2", "def f(n): return n + n", "def f(n): return n ** 2"],
        [(1,), (2,), (3,)],
    )
    assert texts(one) == ["2", "4", "6"]
    assert marks(one) == marks(two)
    assert [a == b for a, b in zip(marks(one), marks(three), strict=True)] == [False, True, False]


def test_the_tree_is_as_it_was_afterwards(tmp_path):
    (tmp_path / "m.py").write_text("def f(): return 'base'")
    (tmp_path / "gone.py").write_text("x = 1")
    found = ask(
        tmp_path,
        [
            {"m.py": "from new.inner import f", "new/inner.py": "def f(): return 'new'", "gone.py": None},
            {"m.py": "import gone\ndef f(): return gone.x"},
            {},
        ],
        [()],
    )
    assert [texts(one) for one in found] == [["'new'"], ["1"], ["'base'"]]
    assert (tmp_path / "m.py").read_text() == "def f(): return 'base'"
    assert (tmp_path / "gone.py").read_text() == "x = 1"
    assert not (tmp_path / "new/inner.py").exists()


def test_exceptions_are_told_by_type(tmp_path):
    one, two, three = ask(
        tmp_path,
        ["def f(n): raise ValueError('a')", "def f(n): raise ValueError('b')", "def f(n): raise SystemExit(0)"],
        [(1,)],
    )
    assert one[0][:2] == ["raised", "ValueError: a"]
    assert marks(one) == marks(two) != marks(three)
    assert kinds(three) == ["raised"]


def test_a_module_that_cannot_be_imported_raises_on_every_call(tmp_path):
    (found,) = ask(tmp_path, ["import nothing_of_that_name"], [(1,), (2,)])
    assert kinds(found) == ["raised", "raised"]
    assert "ModuleNotFoundError" in found[0][1]


def test_a_missing_function_is_an_answer_too(tmp_path):
    (found,) = ask(tmp_path, ["def g(n): return n"], [(1,)])
    assert found[0][0] == "raised"
    assert "AttributeError" in found[0][1]


def test_who_hangs_costs_little_and_the_next_is_asked(tmp_path):
    hang = "def f(n):\n    while n > 1: pass\n    return n"
    swallow = """
def f(n):
    while n > 1:
        try:
            while True: pass
        except Exception: pass
    return n
"""
    sleeps = "import time\ndef f(n):\n    time.sleep(60 * (n > 1))\n    return n"
    found = ask(tmp_path, [hang, swallow, sleeps, "def f(n): return n"], [(1,), (2,), (3,), (4,)])
    for one in found[:3]:
        assert kinds(one) == ["value", "timed_out", "timed_out", "timed_out"]
    assert kinds(found[3]) == ["value"] * 4


def test_a_call_that_cannot_be_interrupted_is_killed_and_the_rest_goes_on(tmp_path):
    stuck = "import re\ndef f(n):\n    if n == 2: re.match('(a*)*b', 'a' * 60)\n    return n"
    deaf = """
import signal
def f(n):
    if n == 2:
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))
        while True: pass
    return n
"""
    for source in (stuck, deaf):
        (found,) = ask(tmp_path, [source], [(1,), (2,), (3,)])
        assert kinds(found) == ["value", "timed_out", "value"], source


@pytest.mark.parametrize("way", ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.kill(os.getpid(), 11)", "os.abort()"])
def test_who_dies_has_no_more_answers_and_harms_nobody(tmp_path, way):
    found = ask(
        tmp_path,
        [f"import os\ndef f(n):\n    if n == 2: {way}\n    return n", "def f(n): return n"],
        [(1,), (2,), (3,)],
    )
    assert kinds(found[0]) == ["value", "died", "died"]
    assert kinds(found[1]) == ["value"] * 3


def test_who_wants_too_much_memory_or_disk_is_refused_alone(tmp_path):
    memory = "def f(n): return len([0] * 10 ** 9)"
    disk = """
def f(n):
    with open("large", "wb") as stream:
        while True: stream.write(b"x" * (1 << 20))
"""
    found = ask(tmp_path, [memory, disk, "def f(n): return n"], [(1,)])
    assert texts(found[0]) == ["MemoryError: "]
    assert found[1][0][0] in ("raised", "died")
    assert kinds(found[2]) == ["value"]


def test_what_a_candidate_leaves_running_is_gone_before_the_next(tmp_path):
    leaves = f"""
import os, time
def f(n):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            open({str(tmp_path / "alive")!r}, "w").write(str(os.getpid()))
            time.sleep(60)
        os._exit(0)
    time.sleep(0.05)
    return n
"""
    looks = f"""
import os
def f(n):
    try:
        os.kill(int(open({str(tmp_path / "alive")!r}).read()), 0)
    except ProcessLookupError:
        return "gone"
    return "alive"
"""
    found = ask(tmp_path, [leaves, looks], [(1,)])
    assert texts(found[1]) == ["'gone'"]


def test_unstable_answers_are_named_so(tmp_path):
    chance = "import random\ndef f(n): return random.random()"
    counts = "def f(n, seen=[]):\n    seen.append(n)\n    return len(seen)"
    caches = "known = {}\ndef f(n):\n    known.setdefault(n, object())\n    return n"
    found = ask(tmp_path, [chance, counts, caches], [(n,) for n in range(4)])
    assert kinds(found[0])[-1] == kinds(found[1])[-1] == "unstable"
    assert set(kinds(found[2])) == {"value"}


def test_addresses_make_no_difference(tmp_path):
    source = "class A:\n    pass\ndef f(n): return [A(), f, object(), lambda: n][n]"
    one, two = ask(tmp_path, [source, "import json, decimal\n" + source], [(n,) for n in range(4)])
    assert kinds(one) == ["value"] * 4
    assert marks(one) == marks(two)
    assert not any("0x" in text for text in texts(one))


def test_functions_in_place_are_told_by_what_they_do(tmp_path):
    sorts = "def f(items): items.sort()"
    other = "def f(items): items[:] = sorted(items, reverse=True)"
    none = "def f(items): pass"
    one, two, three, again = ask(tmp_path, [sorts, other, none, sorts], [([2, 1, 3],)])
    assert "[1, 2, 3]" in one[0][1]
    assert len({one[0][2], two[0][2], three[0][2]}) == 3
    assert marks(one) == marks(again)


def test_what_a_function_with_an_answer_does_to_its_arguments_is_its_own_affair(tmp_path):
    one, two = ask(
        tmp_path,
        ["def f(items):\n    items.sort()\n    return items[0]", "def f(items): return min(items)"],
        [([2, 1, 3],)],
    )
    assert marks(one) == marks(two)


def test_arguments_are_fresh_for_every_call(tmp_path):
    (found,) = ask(tmp_path, ["def f(items):\n    items.append(1)\n    return len(items)"], [([],), ([],), ([2],)])
    assert texts(found) == ["1", "1", "2"]
    assert kinds(found) == ["value"] * 3


def test_printing_counts_where_nothing_is_returned(tmp_path):
    one, two, three = ask(
        tmp_path,
        ["def f(n): print(n)", "def f(n): print(n + 1)", "def f(n):\n    while True: print('x' * 10000)"],
        [(1,)],
    )
    assert "prints '1" in one[0][1]
    assert marks(one) != marks(two)
    assert kinds(three) == ["timed_out"]


def test_iterators_are_read_to_a_bound(tmp_path):
    endless = "def f(n):\n    while True: yield n"
    one, two, three = ask(tmp_path, [endless, endless, "def f(n): return iter([n])"], [(1,)])
    assert kinds(one) == ["value"]
    assert marks(one) == marks(two) != marks(three)


def test_coroutines_are_run(tmp_path):
    (found,) = ask(tmp_path, ["import asyncio\nasync def f(n):\n    await asyncio.sleep(0)\n    return n"], [(3,)])
    assert texts(found) == ["3"]


def test_methods_are_called_on_new_objects_and_their_state_counts(tmp_path):
    head = "class A:\n    def __init__(self, n): self.n = n\n"
    one, two, three = ask(
        tmp_path,
        [
            head + "    def add(self, m): self.n += m",
            head + "    def add(self, m): self.n = self.n + m; self._seen = m",
            head + "    def add(self, m): self.n = m",
        ],
        [(1,), (2,)],
        name="A.add",
        kind="method",
        made=repr(((5,), {})),
    )
    assert marks(one) == marks(two)
    assert not set(marks(one)) & set(marks(three))


def test_modules_are_found_in_packages_and_behind_names_that_are_taken(tmp_path):
    package = tmp_path / "src" / "pkg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "base.py").write_text("ONE = 1")
    (found,) = ask(
        tmp_path,
        [{"src/pkg/mod.py": "from .base import ONE\ndef f(n): return n + ONE"}],
        [(1,)],
        sys_path=["", "src"],
        targets=[{"path": "src/pkg/mod.py", "module": "pkg.mod", "name": "f", "kind": "function"}],
    )
    assert texts(found) == ["2"]
    (found,) = ask(tmp_path, [{"json.py": "def f(n): return 'mine'"}], [(1,)], path="json.py")
    assert texts(found) == ["'mine'"]


def test_a_candidate_cannot_write_the_report(tmp_path):
    forges = """
import os
def f(n):
    for number in range(3, 64):
        try:
            os.write(number, b'["value", "forged", "forged"]\\n')
        except OSError:
            pass
    return n
"""
    found = ask(tmp_path, [forges, "def f(n): return n"], [(1,), (2,)])
    assert marks(found[1]) == [answers.digest(1), answers.digest(2)], "its own answers alone are its to forge"


def test_floods_and_nonsense_on_its_pipe_end_a_candidate_alone(tmp_path):
    floods = """
import os
def f(n):
    for k in range(3, 64):
        try:
            while True: os.write(k, b"x" * 65536)
        except OSError: pass
    return n
"""
    found = ask(tmp_path, [floods, "def f(n): return n"], [(1,)])
    assert kinds(found[0])[0] in ("died", "timed_out")
    assert kinds(found[1]) == ["value"]


class Plain:
    def __init__(self, **values):
        self.__dict__.update(values)


def loop():
    items = [1]
    items.append(items)
    return items


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0),
        (1, True),
        (0.1 + 0.2, 0.3),
        (0.0, -0.0),
        (1e-17, 0.0),
        (math.nan, float("nan")),
        (Fraction(1, 1), Fraction(2, 2)),
        (Decimal("1.5"), Decimal("1.5")),
        ({1, 2, 3}, frozenset([3, 2, 1])),
        ({"a": 1, "b": 2}, OrderedDict(b=2, a=1)),
        (Counter("aab"), {"b": 1, "a": 2}),
        ([Plain(a=1, _b=2)], [Plain(a=1, _b=3)]),
        (loop(), loop()),
        (ValueError("a"), ValueError("a")),
        (deque([1]), deque([1])),
    ],
)
def test_values_that_checks_take_for_equal_are_equal(left, right):
    assert answers.digest(left) == answers.digest(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 2),
        (1, "1"),
        (b"a", "a"),
        ([1, 2], (1, 2)),
        ([1, [2]], [[1], 2]),
        ([1, 2], [2, 1]),
        (["a", "b"], ["ab"]),
        ("1:a", ["1", "a"]),
        (1.0, 1.000001),
        (10**20, 10**20 + 1),
        (math.inf, -math.inf),
        (None, 0),
        ([], ()),
        ({}, set()),
        ({1: 2}, {2: 1}),
        ([[]], []),
        (Plain(a=1), Plain(a=2)),
        (Plain(a=1), Plain(b=1)),
        (range(3), [0, 1, 2]),
        ("\ud800", "?"),
    ],
)
def test_values_that_differ_are_told_apart(left, right):
    assert answers.digest(left) != answers.digest(right)


def test_what_has_no_sound_representation_has_a_text():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert "RuntimeError" in answers.text_of(Broken())
    assert len(answers.text_of("x" * 10**6)) <= answers.MOST_TEXT


def test_the_runner_is_known_to_the_supervisor():
    """And not to the slim zygote: what it needs would cost every other job that starts from there."""
    from box.preload import ENTRIES, PRELOAD, SLIM_ENTRIES

    assert "behave" in ENTRIES
    assert "behave" not in SLIM_ENTRIES
    assert "box.runners.behave_run" in PRELOAD
