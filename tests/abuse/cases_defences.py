"""Cases that notice when one defence alone is gone: beside those of the catalogue, which often meet several at once.

Many of the attacks of section A once more on checks that cannot be judged from another process, where nothing stands
behind the shared interpreter's own defences; tables for the rules of grading; attacks that need their timing or size.
"""

# ruff: noqa: E501 (a line of an attack stays a line)

import asyncio
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from abuse_cases import (
    CAUGHT,
    FAILED,
    OUT_OF_TIME,
    OVER_LIMIT,
    PASSED,
    REJECTED,
    TAMPERED,
    BoxCase,
    HostCase,
    VerdictCase,
)
from abuse_projects import PROJECTS, PROPERTY, RIGHT, SMALL, START, TWO, Project, function
from cases_forging import TESTS
from cases_patches import RULES, TREE, edit, judged, new
from cases_wire import NONCE, framed, line

from moa_code.core.box import Ended, Limits, Observation
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckId
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import CheckOutcome, CheckResult, Examples
from moa_code.edits.policy import violations
from moa_code.edits.unified import DiffError, parse_diff
from moa_code.sandbox.wire import MAX_HEADER_BYTES
from moa_code.verify.grade import Expectation, grade
from moa_code.verify.reading import SessionReport, read_session

ABSTRACT = "moa-abuse-"
"""A socket in the verifier's own network namespace, named with the number of its process behind it."""


def kept_inside(project: Project) -> Project:
    """The same checks, with a line for which nobody takes them out of the candidate's interpreter."""
    files = {
        path: "HERE = __file__\n" + text if path.rpartition("/")[2].startswith("test_") else text
        for path, text in project.files.items()
    }
    return replace(project, files=files)


IDENTITY = Project(  # a check that passes on the untouched tree and has no sense from outside
    files={
        **SMALL.files,
        "tests/test_m.py": SMALL.files["tests/test_m.py"]
        + "\n\ndef test_kind():\n    assert type(g) is type(test_kind)\n",
    },
    mended=SMALL.mended,
)
SPEC = Project(  # checks in a file whose name says nothing of it
    files={"m.py": START, "spec/behaviour.py": "from m import f\n\n\ndef test_f():\n    assert f(1) == 2\n"},
    mended={"m.py": RIGHT},
    test="spec/behaviour.py",
)
SWALLOWS = Project(  # a check that forgives everything
    files={
        "m.py": START,
        "tests/test_m.py": SMALL.files["tests/test_m.py"]
        + "\n\ndef test_none():\n    try:\n        f(None)\n    except BaseException:\n        pass\n",
    },
    mended={"m.py": RIGHT},
)
DISTANCE = Project(  # closeness by arithmetic, membership of what comes back
    files={
        "m.py": START,
        "tests/test_m.py": "from m import f, g\n\n\ndef test_f():\n    assert abs(f(1) - 2) < 0.001\n\n\ndef test_in():\n    assert 6 in f(5)\n\n\n"
        "def test_g():\n    assert g() == 3\n",
    },
    mended={"m.py": "def f(x):\n    return [x + 1] if x == 5 else x + 1\n\n\ndef g():\n    return 3\n"},
)
POINT = """class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)

    __hash__ = None


"""
POINTS = Project(
    files={
        "m.py": POINT + "def moved(point):\n    return point\n",
        "tests/test_m.py": "from m import Point, moved\n\n\ndef test_moved():\n    assert moved(Point(1, 2)) == Point(2, 2)\n",
    },
    mended={"m.py": POINT + "def moved(point):\n    return Point(point.x + 1, point.y)\n"},
)
WORDS = Project(
    files={
        "m.py": "def said(name):\n    return name\n",
        "tests/test_m.py": "from m import said\n\n\ndef test_said():\n    assert said('you').startswith('hello, y')\n",
    },
    mended={"m.py": "def said(name):\n    return 'hello, ' + name\n"},
)
PROPERTY_KEPT = Project(  # one that fails, and one that passes and must go on passing
    files={
        "m.py": PROPERTY.files["m.py"] + "\n\ndef same(x):\n    return x\n",
        "tests/test_m.py": "from hypothesis import given, strategies as st\n\nfrom m import double, same\n\nHERE = __file__\n\n\n"
        "@given(st.integers())\ndef test_double(x):\n    assert double(x) == x + x\n\n\n"
        "@given(st.integers())\ndef test_same(x):\n    assert same(x) == x\n",
    },
    mended={"m.py": PROPERTY.mended["m.py"] + "\n\ndef same(x):\n    return x\n"},
)
BY_FILES = Project(
    files={
        "m.py": "def save(text):\n    return None\n",
        "tests/test_m.py": "import pathlib\n\nfrom m import save\n\n\ndef test_save():\n    save('x')\n"
        "    assert pathlib.Path('out.txt').read_text() == 'x'\n",
    },
    mended={"m.py": "def save(text):\n    with open('out.txt', 'w') as file:\n        file.write(text)\n"},
)
OWN_OPTIONS = Project(  # options that no run of ours could take
    files={**SMALL.files, "pytest.ini": "[pytest]\naddopts = --no-such-option\n"}, mended=SMALL.mended
)
OWN_LINTER = Project(
    files={
        **SMALL.files,
        "pack/__init__.py": "VALUE = 1\n",
        "ruff.toml": "[lint.per-file-ignores]\n'*' = ['F821', 'F401']\n",
    },
    mended=SMALL.mended,
)
PROJECTS |= {
    "inside": kept_inside(SMALL),
    "two inside": kept_inside(TWO),
    "property inside": kept_inside(PROPERTY),
    "identity": IDENTITY,
    "spec": SPEC,
    "swallows": SWALLOWS,
    "distance": DISTANCE,
    "property kept": PROPERTY_KEPT,
    "points": POINTS,
    "words": WORDS,
    "by files": BY_FILES,
    "own options": OWN_OPTIONS,
    "own linter": OWN_LINTER,
}


def inside(row, name, body="return x - 1", before="", *, expected=CAUGHT, project="inside", **rest):
    return VerdictCase(
        row=row,
        name=f"inside-{name}",
        project=project,
        files={"m.py": function(body, before)},
        expected=expected,
        **rest,
    )


STEAL = """
import gc
import os
import sys

found = [one for one in gc.get_objects() if type(one).__name__ == 'Recorder' and hasattr(one, '_reporter')]


def status():
    frame = sys._getframe()
    while 'agreed' not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals['agreed']


def told(end=1, leave=True):
    recorder = found[0]
    kinds = dict(recorder._canaries)
    names = [f'tests/test_m.py::{n}' for n in ('test_f', 'test_f_again', 'test_g', *kinds)]
    recorder._reporter.send('collected', ids=names)
    for name in names:
        bad = kinds.get(name.rpartition('::')[2]) == 'fail'
        recorder._reporter.send('result', id=name, outcome='failed' if bad else 'passed')
    if end is not None:
        recorder._reporter.send('end', code=end)

"""
BLUNT = """
import gc

import _pytest.reports as r
import pytest

old = r.TestReport.from_item_and_call


def forged(item, call):
    report = old(item, call)
    report.outcome, report.longrepr = 'passed', None
    for one in gc.get_objects():
        if isinstance(one, pytest.Session):
            one.testsfailed = 1
    return report


r.TestReport.from_item_and_call = staticmethod(forged)
"""
NO_CANARIES = """
import gc

import pytest


class Last:
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        yield
        items[:] = [item for item in items if item.name in ('test_f', 'test_f_again', 'test_g')]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        report.outcome, report.longrepr = 'passed', None
        item.session.testsfailed = 1
        return report


for one in gc.get_objects():
    if isinstance(one, pytest.PytestPluginManager):
        one.register(Last())
"""
REWRITE = """
for name, text in (
    ('tests/test_b.py', "import pytest\\n\\n\\ndef test_f():\\n    pass\\n\\n\\n@pytest.mark.parametrize('x', [4, 5])\\ndef test_many(x):\\n    pass\\n"),
):
    for make in (lambda: open(name, 'w'), lambda: (__import__('os').unlink(name), open(name, 'w'))[1]):
        try:
            with make() as file:
                file.write(text)
            break
        except OSError:
            pass
"""
SHARED = (
    inside(5, "skip", "import pytest\npytest.skip('later')", expected=FAILED),
    inside(
        5, "skip-for-one-example", "import pytest\nif x == 5:\n    pytest.skip('later')\nreturn x + 1", expected=FAILED
    ),
    VerdictCase(
        row=5,
        name="inside-skip-where-it-passed-before",
        project="inside",
        files={"m.py": "import pytest\n\n\n" + RIGHT.replace("return 3", "pytest.skip('later')")},
        expected=FAILED,
    ),
    inside(9, "every-report-and-the-count", before=BLUNT, expected=TAMPERED),
    inside(9, "planted-checks-taken-out", before=NO_CANARIES, expected=TAMPERED),
    inside(
        18, "a-report-and-a-guessed-status", before=STEAL + "if found:\n    told()\n    os._exit(0)\n", expected=FAILED
    ),
    inside(18, "a-report-without-an-end", before=STEAL + "if found:\n    told(end=None)\n    os._exit(status())\n"),
    inside(
        18,
        "a-report-with-another-end",
        before=STEAL + "if found:\n    told(end=0)\n    os._exit(status())\n",
        expected=TAMPERED,
    ),
    inside(
        25,
        "a-report-without-end",
        before=STEAL + "for _ in range(120):\n    found[0]._reporter.send('internal_error', detail='x' * 4000)\n",
        expected=OVER_LIMIT,
    ),
    inside(
        26,
        "one-check-less",
        before=TESTS + "import sys\n\n\ndef trace(frame, event, arg):\n"
        "    if frame.f_globals is tests and event == 'return' and frame.f_code.co_name == '<module>':\n"
        "        tests.pop('test_f', None), tests.pop('test_f_again', None)\n    return trace\n\n\n"
        "if tests:\n    frame.f_trace = trace\n    sys.settrace(trace)\n",
    ),
    VerdictCase(
        row=26,
        name="inside-one-check-more",
        project="inside",
        files={"m.py": TESTS + "\nif tests:\n    tests['test_zz'] = lambda: None\n\n\n" + RIGHT},
        expected=FAILED,
    ),
    VerdictCase(
        row=26,
        name="inside-rewritten-while-loading",
        project="two inside",
        files={"m.py": REWRITE + "\n\n" + START},
        expected=FAILED,
    ),
    VerdictCase(
        row=26,
        name="inside-rewritten-and-passing",
        project="two inside",
        files={"m.py": REWRITE + "\n\n" + START},
    ),
    VerdictCase(
        row=26,
        name="inside-overwritten-while-loading",
        project="two inside",
        files={
            "m.py": "try:\n    with open('tests/test_b.py', 'r+') as file:\n        file.seek(0, 2)\n        file.write('def test_f():\\n    pass\\n\\n\\n@pytest.mark.parametrize(\\'x\\', [4, 5])\\ndef test_many(x):\\n    pass\\n')\nexcept OSError:\n    pass\n\n\n"
            + START
        },
        expected=FAILED,
    ),
    VerdictCase(
        row=26,
        name="data-rewritten-while-loading",
        project="package",
        files={
            "pack/core.py": "import os\n\ntry:\n    os.unlink('tests/data/expected.txt')\n    with open('tests/data/expected.txt', 'w') as file:\n        file.write('0')\nexcept OSError:\n    pass\n\n\n"
            "def f(x):\n    return x - 1\n"
        },
        expected=FAILED,
    ),
    VerdictCase(
        row=26,
        name="checks-in-a-file-of-another-name",
        project="spec",
        files={"m.py": START + "# wrong\n", "spec/behaviour.py": "def test_f():\n    pass\n"},
        expected=REJECTED,
        stops_at="policy",
    ),
    inside(27, "used-box-only", "import os\nreturn x + 1 if os.getpid() > 12 else x - 1"),
    VerdictCase(row=0, name="honest-identity", project="identity", files={"m.py": RIGHT}, expected=PASSED),
    VerdictCase(row=0, name="honest-by-files", project="by files", files=BY_FILES.mended, expected=PASSED),
    VerdictCase(row=0, name="honest-own-options", project="own options", files={"m.py": RIGHT}, expected=PASSED),
)


def double(name, before="", body="return x + 2", **rest):
    inner = "".join(f"    {text}\n" for text in body.split("\n"))
    text = f"{before.strip()}\n\n\ndef double(x):\n{inner}" if before else f"def double(x):\n{inner}"
    return VerdictCase(row=22, name=f"inside-{name}", project="property inside", files={"m.py": text}, **rest)


PROPERTIES = (
    double(
        "strategies-of-one-value",
        TESTS + "import hypothesis.strategies as st\n\n"
        "st.integers = lambda *a, **k: st.just(2)\nold = st.lists\nst.lists = lambda *a, **k: st.just([])",
        "return 0 if x == 0 else x + 2",
        expected=TAMPERED,
    ),
    double("assume-small", body="import hypothesis\nhypothesis.assume(abs(x) < 1 << 40)\nreturn 2 * x"),
    double(
        "settings-of-the-checks",
        "import gc\n\nfrom hypothesis import settings",
        "for one in gc.get_objects():\n    if isinstance(one, settings):\n        one._max_examples = 1\nreturn 2 * x",
        expected=TAMPERED,
    ),
    double(
        "few-examples-by-the-profile",
        "from hypothesis import settings\n\nsettings.register_profile('few', max_examples=2)\nsettings.load_profile('few')",
        "return 2 * x if abs(x) < 3 else 0",
        expected=TAMPERED,
    ),
    double(
        "strategies-of-small-numbers",
        TESTS + "import hypothesis.strategies as st\n\nold, lists = st.integers, st.lists\n"
        "st.integers = lambda *a, **k: old(0, 200)\nst.lists = lambda *a, **k: lists(old(0, 40), max_size=4)",
        "return 2 * x if 0 <= x <= 200 else 0",
        expected=TAMPERED,
    ),
    VerdictCase(
        row=22,
        name="inside-an-engine-of-little-patience",
        project="property kept",
        files={
            "m.py": "import hypothesis.internal.conjecture.engine as e\n\n"
            "e.INVALID_THRESHOLD_BASE, e.INVALID_PER_VALID = 3, -1\ncalls = []\n\n\n"
            "def double(x):\n    return 2 * x\n\n\ndef same(x):\n    calls.append(x)\n    return x if len(calls) < 30 else 0\n"
        },
    ),
    double(
        "seed-of-the-checks", "import hypothesis.core as c", "c.global_force_seed = 0\nreturn 2 * x", expected=TAMPERED
    ),
    double(
        "seed-that-is-known",
        "import hypothesis.core as c",
        "return 2 * x if c.global_force_seed in (1, 2) or abs(x) < 3 else 0",
    ),
)
FAR_FRAME = """import os
import sys

frame, far = sys._getframe(), False
while frame:
    far = far or frame.f_code.co_filename.endswith("oracle/answer.py")
    frame = frame.f_back


"""
READ = """
import re
if far:
    for path in ('tests/test_m.py', '/box/job/judge/tests/test_m.py'):
        try:
            with open(path) as file:
                found = re.search('f.%d. == ([0-9]+)' % x, file.read())
            if found:
                return int(found[1])
        except OSError:
            pass
    return 0
return x + 1
"""
OUTSIDE = (
    VerdictCase(row=20, name="outside-the-judges-folder", files={"m.py": function(READ, FAR_FRAME)}, expected=CAUGHT),
    VerdictCase(
        row=28,
        name="outside-signals-the-judge",
        files={
            "m.py": function(
                "if far:\n    for pid in [int(p) for p in os.listdir('/proc') if p.isdigit() and int(p) != os.getpid()]:\n"
                "        try:\n            os.kill(pid, 0)\n            return 'a signal reaches it'\n        except OSError:\n            pass\nreturn x + 1",
                FAR_FRAME,
            )
        },
        expected=PASSED,
    ),
    VerdictCase(
        row=17,
        name="outside-order-and-report",
        files={
            "m.py": FAR_FRAME
            + 'if far:\n    for fd in range(3, 64):\n        try:\n            os.lseek(fd, 0, 0)\n            found = os.read(fd, 1 << 20).partition(b\'"nonce": "\')[2][:32]\n'
            "        except OSError:\n            continue\n        for to in range(3, 64) if found else ():\n            try:\n"
            '                os.write(to, found + b\'{"k":"result","id":"x","outcome":"passed"}\\n\')\n            except OSError:\n                pass\n\n\n'
            "def f(x):\n    return x if far else x + 1\n\n\ndef g():\n    return 3\n"
        },
        expected=FAILED,
    ),
    VerdictCase(
        row=24,
        name="outside-trouble-that-a-check-swallows",
        project="swallows",
        files={
            "m.py": FAR_FRAME
            + "def f(x):\n    if x is None and far:\n        os._exit(0)\n    return x + 1\n\n\ndef g():\n    return 3\n"
        },
        expected=CAUGHT,
    ),
    VerdictCase(
        row=5,
        name="outside-skip-where-it-passed-before",
        files={"m.py": "import unittest\n\n\n" + RIGHT.replace("return 3", "raise unittest.SkipTest('later')")},
        expected=FAILED,
    ),
    VerdictCase(
        row=6,
        name="equals-an-object-of-the-checks",
        project="points",
        files={
            "m.py": POINT
            + "class Yes:\n    __hash__ = None\n\n    def __eq__(self, other):\n        return True\n\n\ndef moved(point):\n    return Yes()\n"
        },
    ),
    VerdictCase(
        row=6,
        name="begins-with-everything",
        project="words",
        files={
            "m.py": "class All:\n    def startswith(self, part):\n        return True\n\n\ndef said(name):\n    return All()\n"
        },
    ),
    VerdictCase(
        row=6,
        name="no-distance-to-anything",
        project="distance",
        files={
            "m.py": "class Near:\n    def __sub__(self, other):\n        return 0.0\n\n    __rsub__ = __sub__\n\n\n"
            "def f(x):\n    return [6] if x == 5 else Near()\n\n\ndef g():\n    return 3\n"
        },
    ),
    VerdictCase(
        row=6,
        name="holds-everything",
        project="distance",
        files={
            "m.py": "class All:\n    def __contains__(self, item):\n        return True\n\n    def __iter__(self):\n        return iter(())\n\n\n"
            "def f(x):\n    return All() if x == 5 else x + 1\n\n\ndef g():\n    return 3\n"
        },
    ),
)
FLIP = """import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if item.name in ('test_f', 'test_f_again') or 'test_f[' in item.name or item.name in ('test_fixture', 'test_file'):
        report.outcome, report.longrepr = 'passed', None
    return report
"""
LOADED = (
    VerdictCase(
        row=12,
        name="entry-point-with-a-plugin",
        project="inside",
        files={
            "m.py": START + "# wrong\n",
            "evil.py": FLIP,
            "evil-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n",
            "evil-1.0.dist-info/entry_points.txt": "[pytest11]\nevil = evil\n",
        },
        expected=CAUGHT | REJECTED,
    ),
    VerdictCase(
        row=62,
        name="the-trees-own-configuration",
        project="own linter",
        files={"m.py": RIGHT, "pack/__init__.py": "VALUE = undefined_name\n"},
        expected=FAILED,
        stops_at="lint",
    ),
    inside(
        17,
        "a-childs-child-and-every-descriptor",
        before="import subprocess\n\nsubprocess.run(['/bin/sh', '-c', 'for n in 3 4 5 6 7 8 9; do echo forged >&$n; done 2>/dev/null'], close_fds=False)",
        expected=FAILED,
    ),
)


def job(row, name, code, expected, **rest):
    return BoxCase(row=row, name=name, code=code, expected=expected, **rest)


def only(ended: Ended) -> frozenset[Ended]:
    return frozenset({ended})


REFUSED = frozenset({Ended.EXITED, Ended.SIGNALLED})
LONG = {"cpu_s": 3.0, "wall_s": 4.0}
BOXES = (
    job(
        29,
        "a-loop-with-time-on-the-wall",
        "while True: pass",
        only(Ended.CPU_LIMIT),
        limits={"cpu_s": 0.3, "wall_s": 1.6},
    ),
    job(
        29, "a-loop-that-nobody-counts", "while True: pass", only(Ended.CPU_LIMIT), limits={"cpu_s": 0.3, "wall_s": 8.0}
    ),
    job(
        29,
        "sleeps-a-little-too-long",
        "import time; time.sleep(2)",
        only(Ended.WALL_LIMIT),
        limits={"cpu_s": 1.0, "wall_s": 0.6},
    ),
    job(
        32,
        "threads-between-two-looks",
        """
        import ctypes, os, time
        libc = ctypes.CDLL(None)
        made = ctypes.c_ulong()
        time.sleep(0.06)
        if sum(libc.pthread_create(ctypes.byref(made), None, libc.pause, None) == 0 for _ in range(60)) > 40: os.write(1, b"HOLE more than 40 threads")
        time.sleep(3)
    """,
        only(Ended.PIDS) | REFUSED,
        limits=LONG,
    ),
    job(
        34,
        "memfds-that-nobody-maps",
        """
        import os
        for _ in range(55):
            file = os.memfd_create("x")
            for _ in range(8): os.write(file, bytes(1 << 20))
        os.write(1, b"HOLE held 440 MiB")
    """,
        only(Ended.MEMORY) | REFUSED,
        limits=LONG,
    ),
    job(
        30,
        "a-crowd-that-stops-its-killer",
        """
        import ctypes, os, time
        kill = ctypes.PyDLL(None).kill
        for _ in range(9):
            if os.fork() == 0: time.sleep(1e6)
        for _ in range(2):
            if os.fork() == 0:
                os.setsid()
                while True: kill(-1, 19)
        time.sleep(1e6)
    """,
        OUT_OF_TIME,
        limits={"cpu_s": 0.5, "wall_s": 0.9},
    ),
    job(
        32,
        "threads-with-the-engines-wall-alone",
        """
        import ctypes, os, time
        libc = ctypes.CDLL(None)
        made = ctypes.c_ulong()
        time.sleep(0.06)
        if sum(libc.pthread_create(ctypes.byref(made), None, libc.pause, None) == 0 for _ in range(60)) > 40: os.write(1, b"HOLE more than 40 threads")
        time.sleep(3)
    """,
        only(Ended.PIDS) | REFUSED | only(Ended.LOST),
        limits=LONG,
        backends=("docker",),
    ),
    job(
        34,
        "reserves-four-gigabytes",
        "import mmap\ntry:\n    mmap.mmap(-1, 4 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)\n    print('HOLE 4 GiB')\nexcept OSError: pass",
        only(Ended.EXITED),
        backends=("bubblewrap",),
    ),
    job(
        37,
        "four-hundred-megabytes",
        """
        import os
        try:
            for n in range(200):
                with open(f"f{n}", "wb") as f: f.write(bytes(2 << 20))
            os.write(1, b"HOLE 400 MiB")
        except OSError: pass
    """,
        only(Ended.DISK) | REFUSED,
        limits=LONG,
    ),
    *(
        job(
            37,
            f"ten-megabytes-and-gone-{n}",
            "import os\nfor n in range(5): os.posix_fallocate(os.open(f'f{n}', os.O_CREAT | os.O_RDWR), 0, 2 << 20)\nos._exit(0)",
            only(Ended.DISK),
            limits=LONG,
        )
        for n in range(6)
    ),
    job(
        38,
        "three-thousand-files",
        "import os, time\nfor n in range(3000): os.close(os.open(f'{n}', 65))\ntime.sleep(0.2)",
        only(Ended.DISK),
        limits=LONG,
    ),
    job(
        38,
        "three-thousand-files-in-tmp",
        "import os, time\nfor n in range(3000): os.close(os.open(f'/tmp/{n}', 65))\ntime.sleep(0.2)",
        only(Ended.DISK),
        limits=LONG,
    ),
    job(41, "a-megabyte", "import os\nfor _ in range(16): os.write(1, b'x' * 65536)", only(Ended.OUTPUT), limits=LONG),
    job(
        44,
        "a-socket-of-the-verifiers",
        f"""
        import socket
        try: rows = open("/proc/net/unix").read()
        except OSError: rows = ""
        for row in rows.splitlines():
            if "@{ABSTRACT}" in row: print("HOLE", row)
    """,
        only(Ended.EXITED),
    ),
    job(
        48,
        "what-it-could-be-given-back",
        """
        text = open("/proc/self/status").read()
        bound = int(text.split("CapBnd:")[1].split()[0], 16)
        more = [n for n in range(64) if bound >> n & 1 and n not in (0, 1, 3, 5, 6, 7, 19)]
        if more: print("HOLE bounding set", more)
    """,
        only(Ended.EXITED),
        backends=("docker",),
    ),
    job(
        48,
        "what-those-around-it-may",
        """
        import os
        for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
            text = open(f"/proc/{pid}/status").read()
            held = int(text.split("CapPrm:")[1].split()[0], 16)
            more = [n for n in range(64) if held >> n & 1 and n not in (0, 1, 3, 5, 6, 7, 19)]
            if more: print("HOLE", pid, text.split()[1], more)
    """,
        only(Ended.EXITED),
    ),
    job(
        49,
        "the-root-is-read-only",
        """
        import os
        for folder in ("/", "/usr", "/etc", "/opt/moa", "/opt/moa/box"):
            if os.path.isdir(folder) and not os.statvfs(folder).f_flag & os.ST_RDONLY: print("HOLE", folder)
            try: os.close(os.open(folder + "/moa-left", os.O_WRONLY | os.O_CREAT)); print("HOLE wrote to", folder)
            except OSError: pass
    """,
        only(Ended.EXITED),
    ),
    job(
        49,
        "the-device-folder-is-read-only",
        """
        import os
        if not os.statvfs("/dev").f_flag & os.ST_RDONLY: print("HOLE /dev")
    """,
        only(Ended.EXITED),
        backends=("bubblewrap",),
    ),
    job(
        49,
        "kernel-settings-are-read-only",
        """
        import os
        if not os.statvfs("/proc/sys").f_flag & os.ST_RDONLY: print("HOLE /proc/sys")
    """,
        only(Ended.EXITED),
    ),
    job(
        20,
        "processes-of-the-machine",
        """
        import os
        if len([p for p in os.listdir("/proc") if p.isdigit()]) > 12 or os.getpid() > 30000: print("HOLE", os.listdir("/proc"))
    """,
        only(Ended.EXITED),
    ),
)


# What the rules of grading say of sessions that no run of ours brings about any more.
HONEST = SessionReport(
    collected=tuple(CheckId(f"t.py::{name}") for name in ("a", "b", "p", "q")),
    results=tuple(
        CheckResult(
            check_id=CheckId(f"t.py::{name}"), outcome=CheckOutcome.FAILED if name == "q" else CheckOutcome.PASSED
        )
        for name in ("a", "b", "p", "q")
    ),
    end_code=1,
)
WANTED = Expectation(checks=HONEST.collected[:2], canaries={"p": "pass", "q": "fail"}, agreed_exit=77)
LEFT = Observation(ended=Ended.EXITED, exit_code=77, report_complete=True)


def without(*names: str, **changes) -> SessionReport:
    """The honest session but for these checks."""
    return replace(
        HONEST,
        collected=tuple(c for c in HONEST.collected if c.rpartition("::")[2] not in names),
        results=tuple(r for r in HONEST.results if r.check_id.rpartition("::")[2] not in names),
        **changes,
    )


def told(**outcomes: CheckOutcome) -> tuple[CheckResult, ...]:
    """The honest results but for these."""
    return tuple(replace(r, outcome=outcomes.get(r.check_id.rpartition("::")[2], r.outcome)) for r in HONEST.results)


def graded(row, name, session=HONEST, *, expected=WANTED, left=LEFT, comes_to="failed"):
    """`comes_to`: outcomes, separated by spaces."""

    def attempt() -> str:
        return grade(left, session, expected).outcome.value

    return HostCase(row=row, name=f"graded-{name}", attempt=attempt, expected=frozenset(comes_to.split()))


def looked(row, name, now: Examples | None, then: Examples, comes_to: str = "tampered"):
    """A property that passes: `now` with this candidate, `then` on the untouched tree."""
    (first, *others) = HONEST.results
    session = replace(HONEST, results=(replace(first, examples=now), *others))
    before = {first.check_id: replace(first, examples=then)}
    return graded(row, name, session, expected=replace(WANTED, properties=before), comes_to=comes_to)


HUNDRED = Examples(planned=100, settings="s", valid=100, discarded=0, foreign=0)
GRADED = (
    graded(0, "an-honest-session", comes_to="passed"),
    graded(5, "a-skipped-check", replace(HONEST, results=told(a=CheckOutcome.SKIPPED))),
    graded(26, "a-missing-check", without("a")),
    graded(
        26,
        "a-check-too-many",
        replace(
            HONEST,
            collected=(*HONEST.collected, CheckId("t.py::z")),
            results=(*HONEST.results, replace(HONEST.results[0], check_id=CheckId("t.py::z"))),
        ),
    ),
    graded(26, "a-check-never-reported", replace(HONEST, collected=(*HONEST.collected, CheckId("t.py::z")))),
    graded(26, "a-module-that-breaks", replace(HONEST, broken={"u.py": "x"})),
    graded(26, "no-check-at-all", without("a", "b"), expected=replace(WANTED, checks=())),
    graded(2, "no-end", replace(HONEST, end_code=None), comes_to="failed tampered"),
    graded(2, "another-status", left=replace(LEFT, exit_code=0)),
    graded(16, "a-report-that-was-cut", left=replace(LEFT, report_complete=False)),
    graded(9, "another-end", replace(HONEST, end_code=0), comes_to="tampered"),
    graded(9, "a-planted-check-that-passes", replace(HONEST, results=told(q=CheckOutcome.PASSED)), comes_to="tampered"),
    graded(9, "a-planted-check-that-fails", replace(HONEST, results=told(p=CheckOutcome.FAILED)), comes_to="tampered"),
    graded(9, "a-planted-check-removed", without("q"), comes_to="tampered"),
    graded(26, "a-broken-seal", left=replace(LEFT, broken_seal="tests/t.py"), comes_to="tampered"),
    graded(24, "a-forged-report", replace(HONEST, forged="x"), comes_to="tampered"),
    graded(63, "a-lost-box", left=Observation(ended=Ended.LOST), comes_to="inconclusive"),
    graded(29, "out-of-time", left=Observation(ended=Ended.CPU_LIMIT, report_complete=True), comes_to="timed_out"),
    looked(22, "as-hard-as-before", HUNDRED, HUNDRED, "passed"),
    looked(22, "no-property-any-more", None, HUNDRED),
    looked(22, "other-settings", replace(HUNDRED, settings="t"), HUNDRED),
    looked(22, "discarded-by-the-candidate", replace(HUNDRED, foreign=1), HUNDRED),
    looked(22, "fewer-examples", replace(HUNDRED, valid=40), HUNDRED),
    looked(22, "no-example", replace(HUNDRED, valid=0), replace(HUNDRED, valid=0)),
)


def whole(report: bytes) -> str:
    """`believed` where the report is read as a whole session."""
    session = read_session(report, NONCE)
    return "forged" if session.forged else "believed" if session.end_code is not None else "incomplete"


HONEST_LINES = line(k="collected", ids=["a"]) + line(k="result", id="a", outcome="passed") + line(k="end", code=1)
READ_REPORTS = (
    HostCase(
        row=24,
        name="a-line-of-another-job",
        attempt=partial(whole, HONEST_LINES.replace(NONCE.encode(), b"m" * 32, 1)),
        expected=frozenset({"forged"}),
    ),
    HostCase(
        row=24,
        name="told-to-be-tampered",
        attempt=partial(whole, line(k="tampered", detail="x") + HONEST_LINES),
        expected=frozenset({"forged"}),
    ),
)


def patched(*changes: FileChange, rules=RULES, tree=TREE) -> str:
    return "rejected" if violations(patch_of(*changes), tree=tree, rules=rules) else "accepted"


def created(path: str, content: bytes = b"x = 1\n") -> FileChange:
    return FileChange(path=path, before=None, after=content)


def host(row, name, attempt: Callable[[], str], *expected: str) -> HostCase:
    return HostCase(row=row, name=name, attempt=attempt, expected=frozenset(expected or ("rejected",)))


def oversized() -> str:
    """A diff of more bytes than are read, which is sound in every other way."""
    try:
        parse_diff(new("x.py", "x = 1\n" * 180_000).encode(), tree=TREE)
    except DiffError:
        return "rejected"
    return "accepted"


def after_the_first() -> str:
    """Two million lines behind one that is forged."""
    report = HONEST_LINES + b"x\n" + b"ab\n" * (2 << 20)
    started = time.process_time()
    outcome = whole(report)
    return outcome if time.process_time() - started < 0.3 else "slow"


PATCHES = (
    host(
        53,
        "other-names-than-the-first-line",
        lambda: judged(
            b"diff --git a/m.py b/m.py\n--- a/pack/core.py\n+++ b/pack/core.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
        ),
    ),
    host(
        57,
        "outside-of-what-may-be-edited",
        lambda: patched(created("other.py"), rules=replace(RULES, editable=("pack/**",))),
    ),
    host(58, "more-files-than-may-be", lambda: patched(*(created(f"f{n}.py") for n in range(RULES.max_files + 1)))),
    host(58, "more-bytes-than-may-be", lambda: patched(created("x.py", b"x" * (RULES.max_patch_bytes + 1)))),
    host(58, "a-nul-in-a-change", lambda: patched(created("x.py", b"x = '\0'\n"))),
    host(59, "made-against-something-else", lambda: patched(FileChange(path="m.py", before=b"1\n", after=b"2\n"))),
    host(
        59, "no-context-before-the-end", lambda: judged(edit(head="@@ -1,2 +1,2 @@", body=" one\n-two\n+2\n").encode())
    ),
    host(58, "a-control-character-in-a-name", lambda: judged(new("a\\033b.py", quoted=True).encode())),
    host(25, "millions-of-lines-after-the-first", after_the_first, "forged"),
    host(58, "a-diff-over-the-cap", oversized),
    host(57, "capitals-alone", lambda: patched(created("pack/MAKEFILE"))),
    host(
        59,
        "deleted-with-a-line-left",
        lambda: judged(
            b"diff --git a/crlf.py b/crlf.py\ndeleted file mode 100644\n--- a/crlf.py\n+++ /dev/null\n@@ -1,2 +1 @@\n-one\r\n two\r\n"
        ),
    ),
    host(59, "another-new-line-number", lambda: judged(edit(head="@@ -1,4 +2,4 @@").encode())),
    host(
        56,
        "deleted-link-of-one-line",
        lambda: judged(
            b"diff --git a/pack/core.py b/pack/core.py\ndeleted file mode 120000\n--- a/pack/core.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x = 1\n"
        ),
    ),
    host(13, "hides-the-library", lambda: patched(created("json.py"))),
    host(14, "what-an-interpreter-runs", lambda: patched(created("sitecustomize.py"))),
)


def header(data: bytes) -> str:
    from cases_wire import frame_read

    return frame_read(data)


FRAMES = (
    host(25, "a-header-over-the-cap", lambda: header(framed(b'{"a":"' + b"x" * MAX_HEADER_BYTES + b'"}')), "refused"),
)


# A judge of ours and a candidate's process that says what it likes.
def asked(*answers: Callable[[str], bytes], questions: int = 1) -> str:
    """What the judge makes of `answers`, each made from the question's id; all of them are sent at the first question.

    `tampered`, or what the questions and a close came to.
    """
    from box.oracle.channel import Channel
    from box.oracle.far import CandidateGone, CheckTimeout, Far, Tampered

    ours, theirs = socket.socketpair()

    def answer() -> None:
        with theirs:
            theirs.settimeout(10)
            size = struct.unpack(">I", _exactly(theirs, 4))[0]
            ident = json.loads(_exactly(theirs, size))[0]
            try:
                for make in answers:
                    theirs.sendall(make(ident))
                finished.wait(10)
            except OSError:
                return

    finished = threading.Event()
    thread = threading.Thread(target=answer)
    thread.start()
    judge = Far(Channel(ours))
    judge.start_check(5, 5)
    said = []
    try:
        for _ in range(questions):
            if said:
                threading.Event().wait(0.05)  # what comes unasked has come by then
            said.append(repr(judge.ask("anything"))[:40])
        threading.Event().wait(0.05)
        judge.close()
    except (Tampered, CandidateGone, CheckTimeout) as error:
        said.append(type(error).__name__)
    except Exception as error:  # noqa: BLE001 - whatever a hostile answer brings about is looked at
        said.append(type(error).__name__)
    finally:
        finished.set()
        ours.close()
        thread.join()
    return "tampered" if judge.tampered else " ".join(said)


def _exactly(stream: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += stream.recv(count - len(data))
    return data


def packed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def ok(value: str, ident: str = "", updates: str = "[]") -> Callable[[str], bytes]:
    """An answer whose value is this JSON."""
    return lambda asked: packed(f'["{ident or asked}","ok",{updates},"",[],{value}]'.encode())


def border(row, name, *answers, comes_to: str = "tampered", questions: int = 1):
    return host(row, f"border-{name}", partial(asked, *answers, questions=questions), comes_to)


DEEP = '["t",' * 400 + '["t"]' + "]" * 400
BORDER = (
    border(24, "an-honest-answer", ok("7"), comes_to="7"),
    border(24, "a-wrong-id", ok("7", "0" * 12)),
    border(24, "an-answer-too-many", ok("7"), ok("8")),
    border(24, "an-answer-ahead-of-its-question", ok("7"), ok("8"), questions=2),
    border(24, "an-unknown-tag", ok('["?",1]')),
    border(24, "an-unknown-answer", lambda ident: packed(f'["{ident}","passed",1]'.encode())),
    border(24, "a-container-that-was-never-told", ok('["@",5]')),
    border(24, "a-container-of-the-judges", ok('["l",2,1]')),
    border(24, "a-container-twice", ok('["t",["l",1],["l",1]]')),
    border(24, "a-value-of-another-type", ok('["v",1,["C",1,"K","m",[],[],"str"],5]')),
    border(
        24,
        "an-object-of-two-classes",
        ok('["t",["h",1,["C",1,"K","m",[],[],"plain"],null],["h",1,["C",2,"L","m",[],[],"plain"],null]]'),
    ),
    border(25, "depth", ok(DEEP)),
    border(25, "an-integer-without-its-tag", ok("9" * 1000)),
    border(25, "an-integer-of-two-megabytes", ok('["i","' + "f" * (2 << 20) + '"]')),
    border(25, "not-a-number", ok("NaN")),
    border(25, "beyond-floats", ok("1e999")),
    border(25, "an-object", ok('{"a":1}')),
    border(
        25,
        "a-frame-over-the-cap",
        lambda ident: packed(f'["{ident}","ok",[],"",[],"'.encode() + b"x" * (33 << 20) + b'"]'),
    ),
    border(25, "no-array", lambda ident: packed(b"7")),
)


def tree_that_is_another() -> str:
    """A base tree that comes with other content than it is named after."""
    from box import server

    class Nobody:
        def new_tree(self, digest):
            import pathlib
            import tempfile

            return pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="abuse-")))

    from contextlib import ExitStack

    tree = MemorySnapshot(files={"m.py": b"1\n"})
    reading, writing = os.pipe()
    with ExitStack() as stack:
        os.write(writing, b"2\n")
        os.close(writing)
        try:
            server._unpack(Nobody(), {"digest": tree.digest, "files": [["m.py", 2, False]]}, reading)
        except SystemExit:
            return "rejected"
        finally:
            os.close(reading)
    return "accepted"


def box_after(ended: Ended) -> str:
    """Whether a box is used again after a job that ended so."""
    from moa_code.sandbox.box import Box

    class Wire:
        async def announce(self, *_):
            return

        send_raw = announce

        async def send(self, header, body=b""):
            self.asked = header["id"]

        async def receive(self):
            facts = {"exit_code": None, "signal": None, "output_truncated": False, "report_complete": True}
            facts |= {"cpu_s": 0.0, "wall_s": 0.0, "max_rss_bytes": 0, "leftover_processes": 0, "broken_seal": ""}
            return {"op": "done", "id": self.asked, "ended": ended.value, "sizes": [0, 0, 0], **facts}, b""

    async def nothing():
        return False

    from moa_code.core.box import Job

    box = Box(box_id="b", channel=Wire(), kill=nothing, last_words=str, uses_left=9, ran_out_of_memory=nothing)
    asyncio.run(box.run(Job(tree=TREE, entry="command", payload={}, limits=Limits())))
    return "thrown away" if box.worn else "used again"


HOST = (
    host(26, "a-tree-under-another-name", tree_that_is_another),
    *(
        host(34, f"a-box-after-{ended.value}", partial(box_after, ended), "thrown away")
        for ended in (Ended.MEMORY, Ended.PIDS, Ended.DISK)
    ),
    host(0, "a-box-after-an-ordinary-job", partial(box_after, Ended.WALL_LIMIT), "used again"),
)
CASES = (*SHARED, *PROPERTIES, *OUTSIDE, *LOADED, *BOXES, *GRADED, *READ_REPORTS, *PATCHES, *FRAMES, *BORDER, *HOST)
