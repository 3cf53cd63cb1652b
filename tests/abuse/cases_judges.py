"""Section A, the second half: attacks on the judge itself, on what it knows, and on what its answer travels over."""

# ruff: noqa: E501 (a line of an attack stays a line)

from abuse_cases import CAUGHT, FAILED, REJECTED, TAMPERED, TIMED_OUT, BoxCase, VerdictCase
from abuse_projects import PROJECTS, RIGHT, START
from cases_forging import TESTS, small, whole

WANTED = "('test_f', 'test_f_again')"

# Row 9, 10: what pytest is made of. Blunt ones turn every result; sharp ones leave checks alone whose names they do not know.
MACHINERY = (
    small(
        9,
        "test-report",
        before="""
import _pytest.reports as r

old = r.TestReport.from_item_and_call


def forged(item, call):
    report = old(item, call)
    report.outcome = 'passed'
    report.longrepr = None
    return report


r.TestReport.from_item_and_call = staticmethod(forged)
""",
        expected=TAMPERED,
    ),
    small(
        9,
        "test-report-sharp",
        before=f"""
import _pytest.reports as r

old = r.TestReport.from_item_and_call


def forged(item, call):
    report = old(item, call)
    if item.name in {WANTED}:
        report.outcome, report.longrepr = 'passed', None
    return report


r.TestReport.from_item_and_call = staticmethod(forged)
""",
    ),
    small(
        9,
        "hook-implementation",
        before="""
import gc

import pluggy._hooks as h

for one in gc.get_objects():
    if isinstance(one, h.HookImpl) and one.plugin_name == 'runner':
        if one.function.__name__ == 'pytest_runtest_makereport':
            old = one.function

            def forged(item, call, old=old):
                call.excinfo = None
                return old(item, call)

            one.function = forged
""",
        expected=TAMPERED,
    ),
    small(
        9,
        "hook-of-the-module",
        before="""
import _pytest.runner as r
from _pytest.reports import TestReport


def forged(item, call):
    call.excinfo = None
    return TestReport.from_item_and_call(item, call)


r.pytest_runtest_makereport = forged
""",
    ),
    small(
        9,
        "a-plugin-registered-late",
        before=f"""
import gc

import pytest


class Late:
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if item.name in {WANTED}:
            report.outcome, report.longrepr = 'passed', None
        return report


for one in gc.get_objects():
    if isinstance(one, pytest.PytestPluginManager):
        one.register(Late())
""",
    ),
    small(9, "runtest", before="import pytest\n\npytest.Function.runtest = lambda self: None", expected=TAMPERED),
    small(
        9,
        "runtest-sharp",
        before=f"""
import pytest

old = pytest.Function.runtest
pytest.Function.runtest = lambda self: None if self.name in {WANTED} else old(self)
""",
    ),
    small(
        9,
        "call-info",
        before="""
import _pytest.runner as r

old = r.CallInfo.from_call.__func__


def quiet(cls, func, when, reraise=None):
    call = old(cls, func, when, reraise)
    call.excinfo = None
    return call


r.CallInfo.from_call = classmethod(quiet)
""",
    ),
    small(
        9,
        "pyfunc-call",
        before="import _pytest.python as p\n\np.pytest_pyfunc_call.__code__ = (lambda pyfuncitem: True).__code__",
    ),
    small(
        9,
        "item-objects-sharp",
        before=f"""
import gc

import pytest


def later():
    for one in gc.get_objects():
        if isinstance(one, pytest.Function) and one.name in {WANTED}:
            one.obj = lambda *a, **k: None
""",
        body="later()\nreturn x - 1",
    ),
    small(
        9,
        "recorder-code",
        before=f"""
import gc

for one in gc.get_objects():
    if type(one).__name__ == 'Recorder':
        kind = type(one)
        old = kind.pytest_runtest_logreport

        def flipped(self, report, old=old):
            if report.nodeid.rpartition('::')[2] in {WANTED}:
                report.outcome, report.longrepr = 'passed', None
            return old(self, report)

        kind.pytest_runtest_logreport = flipped
        old.__code__, flipped.__code__ = old.__code__, flipped.__code__
""",
    ),
    small(
        9,
        "json-encoder-sharp",
        before="""
import json.encoder

old = json.encoder.JSONEncoder.iterencode


def flipped(self, o, _one_shot=False):
    if isinstance(o, dict) and o.get('k') == 'result' and o.get('id', '').rpartition('::')[2].startswith('test_f'):
        o = dict(o, outcome='passed', detail='')
    return old(self, o, _one_shot)


json.encoder.JSONEncoder.iterencode = flipped
""",
    ),
    small(
        9,
        "reporter-sharp",
        before="""
import gc

for one in gc.get_objects():
    if type(one).__name__ == 'Reporter':
        old = type(one).send

        def send(self, kind, old=old, **values):
            if values.get('id', '').rpartition('::')[2].startswith('test_f'):
                values['outcome'] = 'passed'
            return old(self, kind, **values)

        type(one).send = send
""",
    ),
    small(
        9,
        "assertion-rewriting",
        before=TESTS
        + """
if tests:
    class Quiet:
        def __getattr__(self, name):
            return lambda *a, **k: ''

    tests['@pytest_ar'] = Quiet()
    tests['@py_builtins'] = Quiet()
""",
        raises="AttributeError TypeError",
    ),
    small(
        9,
        "unraisable-and-excepthook",
        before="import sys\nimport threading\n\n"
        "sys.excepthook = sys.unraisablehook = threading.excepthook = lambda *a: None",
        expected=FAILED,
    ),
    small(10, "skipped", before="import builtins\n\nimport pytest\n\nbuiltins.AssertionError = pytest.skip.Exception"),
    small(10, "xfailed", before="import builtins\n\nimport pytest\n\nbuiltins.AssertionError = pytest.xfail.Exception"),
    small(10, "a-function-for-a-class", before="import builtins\n\nbuiltins.AssertionError = lambda *a: SystemExit(0)"),
    small(10, "of-the-checks-alone", before=TESTS + "import pytest\n\ntests['AssertionError'] = pytest.skip.Exception"),
    small(10, "leaves-when-made", before=TESTS + "import os\n\ntests['AssertionError'] = lambda *a: os._exit(0)"),
    small(
        10,
        "jumps-over-the-line",
        before=TESTS
        + """

def jump(*args):
    check = sys._getframe(1)
    check.f_trace = lambda frame, event, arg: None
    return Exception


class Quiet:
    def __init__(self, *args):
        raise StopIteration


tests['AssertionError'] = Quiet
""",
    ),
)

HUSH = "def f(x):\n    return x\n\n\ndef g(x):\n    return x\n"
YES = "class Yes:\n    __hash__ = None\n\n    def __eq__(self, other):\n        return True\n\n\n"
QUIET = """import contextlib
import unittest

import pytest


@contextlib.contextmanager
def quiet(*args, **named):
    with contextlib.suppress(BaseException):
        yield


"""
RAISES = "pytest.raises = quiet\n\n\n"
APPROX = "pytest.approx = lambda *a, **k: Yes()\n"
EQUAL = "unittest.TestCase.assertEqual = lambda *a, **k: None\n"


def means(name, text, **rest):
    return VerdictCase(row=9, name=name, project="means", files={"m.py": text + HUSH}, **rest)


# What checks claim with beside `assert`.
CLAIMING = (
    means("pytest-raises", QUIET + RAISES),
    means("pytest-approx", YES + QUIET + APPROX),
    means("assert-equal", QUIET + EQUAL),
    means("assert-raises", QUIET + "unittest.TestCase.assertRaises = quiet\n"),
    means(
        "all-means-of-claiming",
        YES + QUIET + RAISES + APPROX + EQUAL + "unittest.TestCase.assertRaises = quiet\n",
        expected=TAMPERED,
    ),
    means(
        "all-means-in-the-checks-alone",
        TESTS
        + YES
        + QUIET
        + """
if tests:
    class Means:
        def __getattr__(self, name):
            return getattr(pytest, name)

        raises = staticmethod(quiet)
        approx = staticmethod(lambda *a, **k: Yes())

    class Case(unittest.TestCase):
        def assertEqual(self, *a, **k):
            pass

        def assertRaises(self, *a, **k):
            return quiet()

    class Library:
        TestCase = Case

    tests['pytest'], tests['unittest'] = Means(), Library()

""",
    ),
)

# Row 17, 18: the channel and its secrets.
CHANNEL = (
    small(
        17,
        "every-descriptor",
        "import os\nfor fd in range(3, 256):\n    try:\n        os.write(fd, b'1 passed\\n')\n"
        "    except OSError:\n        pass\nreturn 0",
    ),
    small(17, "closes-every-descriptor", "import os\nos.closerange(0, 256)\nreturn 2", expected=FAILED),
    small(
        17,
        "puts-others-in-their-place",
        "import os\nnull = os.open('/dev/null', os.O_RDWR)\nfor fd in range(3, 64):\n"
        "    if fd != null:\n        os.dup2(null, fd)\nreturn x + 1",
    ),
    small(
        17,
        "makes-them-block-and-fills-them",
        "import fcntl, os\nfor fd in range(3, 64):\n    try:\n"
        "        fcntl.fcntl(fd, 1031, 4096)\n        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)\n"
        "        os.write(fd, bytes(4096))\n    except OSError:\n        pass\nreturn 0",
    ),
    small(
        17,
        "all-of-proc",
        before="""
import os

for pid in [name for name in os.listdir('/proc') if name.isdigit()]:
    for number in range(0, 32):
        try:
            fd = os.open(f'/proc/{pid}/fd/{number}', os.O_WRONLY | os.O_NONBLOCK)
            os.write(fd, b'{"k":"end","code":1}\\n')
        except OSError:
            pass
    try:
        with open(f'/proc/{pid}/mem', 'r+b') as memory:
            memory.seek(1 << 40)
            memory.write(b'x')
    except (OSError, OverflowError):
        pass
""",
    ),
    small(
        17,
        "process-vm-writev",
        before="""
import ctypes
import os
import platform

libc = ctypes.CDLL(None, use_errno=True)
one = ctypes.create_string_buffer(16)
vector = (ctypes.c_size_t * 2)(ctypes.addressof(one), 16)
for pid in (1, os.getppid(), os.getppid() - 1):
    for number in {'x86_64': (310, 311, 101, 438), 'aarch64': (270, 271, 117, 438)}[platform.machine()]:
        libc.syscall(number, pid, vector, 1, vector, 1, 0)
""",
        expected=FAILED,
    ),
    small(
        17,
        "spliced-and-sent",
        before="""
import os

reading, writing = os.pipe()
os.write(writing, b'{"k":"end","code":1}\\n' * 4)
with open('m.py', 'rb') as source:
    for fd in range(3, 40):
        if fd in (reading, writing, source.fileno()):
            continue
        for send in (lambda: os.splice(reading, fd, 21), lambda: os.sendfile(fd, source.fileno(), 0, 21)):
            try:
                send()
            except OSError:
                pass
""",
    ),
    small(
        17,
        "through-a-child-that-becomes-another-program",
        before="""
import os
import subprocess

for fd in range(3, 40):
    try:
        os.set_inheritable(fd, True)
    except OSError:
        pass
subprocess.run(['/bin/sh', '-c', 'for n in 3 4 5 6 7 8 9; do echo forged >&$n; done 2>/dev/null'], close_fds=False)
""",
    ),
    small(
        18,
        "whole-report",
        before="""
import gc
import os
import sys

found = [one for one in gc.get_objects() if type(one).__name__ == 'Recorder' and hasattr(one, '_reporter')]


def steal():
    recorder, frame = found[0], sys._getframe()
    while 'agreed' not in frame.f_locals:
        frame = frame.f_back
    kinds = dict(recorder._canaries)
    names = [f'tests/test_m.py::{n}' for n in ('test_f', 'test_f_again', 'test_g', *kinds)]
    recorder._reporter.send('collected', ids=names)
    for name in names:
        bad = kinds.get(name.rpartition('::')[2]) == 'fail'
        recorder._reporter.send('result', id=name, outcome='failed' if bad else 'passed')
    recorder._reporter.send('end', code=1)
    os._exit(frame.f_locals['agreed'])


if found:
    steal()
""",
    ),
    small(
        18,
        "nonce-from-memory",
        before="""
import os
import re
import sys


def secrets():
    found = set()
    with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if 'rw' not in rights or '[v' in line:
                continue
            low, high = (int(part, 16) for part in span.split('-'))
            try:
                memory.seek(low)
                text = memory.read(min(high - low, 1 << 24))
            except (OSError, OverflowError):
                continue
            found |= set(re.findall(rb'(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])', text))
    return found


for nonce in list(secrets())[:2000]:
    line = nonce + b'{"k":"result","id":"tests/test_m.py::test_f","outcome":"passed"}\\n'
    for fd in range(3, 12):
        try:
            os.write(fd, line)
        except OSError:
            pass
""",
    ),
    small(
        18,
        "reporter-by-its-secret",
        before="""
import gc

for one in gc.get_objects():
    if hasattr(type(one), 'send') and hasattr(one, '_nonce'):
        real = one.send

        def forged(kind, **values):
            if str(values.get('id', '')).rpartition('::')[2].startswith('test_f'):
                values.update(outcome='passed', detail='')
            real(kind, **values)

        try:
            one.send = forged
        except AttributeError:
            pass
""",
    ),
    small(
        18,
        "a-thread-that-answers-first",
        before="""
import gc
import threading


def answer():
    for one in gc.get_objects():
        if type(one).__name__ == 'Reporter':
            for name in ('test_f', 'test_f_again', 'test_g'):
                one.send('result', id=f'tests/test_m.py::{name}', outcome='passed')


threading.Thread(target=answer).start()
""",
    ),
    small(
        18,
        "tracing-the-recorder",
        before=f"""
import sys
import threading


def watch(frame, event, arg):
    if frame.f_code.co_name in ('pytest_runtest_logreport', 'pytest_runtest_makereport'):
        report = frame.f_locals.get('report')
        if report is not None and report.nodeid.rpartition('::')[2] in {WANTED}:
            report.outcome, report.longrepr = 'passed', None
    return watch


sys.settrace(watch)
sys.setprofile(watch)
""",
    ),
)

# Row 19 to 21: what is expected is read rather than computed.
READING = (
    small(
        19,
        "constants-of-the-caller",
        "import sys\nreturn [c for c in sys._getframe(1).f_code.co_consts "
        "if isinstance(c, int) and not isinstance(c, bool)][-1]",
    ),
    small(
        19,
        "source-of-the-caller",
        "import ast, inspect, sys\nframe = sys._getframe(1)\n"
        "line = inspect.getsource(frame.f_code).split('==')[1]\nreturn ast.literal_eval(line.strip())",
        raises="IndexError TypeError",
    ),
    small(
        19,
        "linecache",
        "import linecache, re, sys\nframe = sys._getframe(1)\n"
        "text = linecache.getline(frame.f_code.co_filename, frame.f_lineno)\nreturn int(re.search('== ([0-9]+)', text)[1])",
        raises="TypeError",
    ),
    small(
        19,
        "file-of-the-checks",
        "import glob, re\nfor path in glob.glob('tests/test_*.py'):\n    with open(path) as file:\n"
        "        found = re.search(f'f.{x}. == ([0-9]+)', file.read())\n        if found:\n            return int(found[1])\n"
        "return x - 1",
    ),
    whole(
        19,
        "parameters-of-the-item",
        "import gc\n\nimport pytest\n\n\ndef f(x):\n    for one in gc.get_objects():\n"
        "        if isinstance(one, pytest.Function) and getattr(one, 'callspec', None):\n"
        "            if one.callspec.params['x'] == x:\n                return x + len(one.callspec.params)\n    return 2\n\n\n"
        "def g():\n    return 3\n",
        project="two",
    ),
    VerdictCase(
        row=19,
        name="where-checks-need-their-own-process",
        project="package",
        files={
            "pack/core.py": (
                "import gc\n\nimport pytest\n\n\ndef f(x):\n    for one in gc.get_objects():\n"
                "        if isinstance(one, pytest.Function) and getattr(one, 'callspec', None):\n"
                "            if one.callspec.params['x'] == x:\n                return one.callspec.params['wanted']\n"
                "    return 2\n"
            )
        },
    ),
    whole(
        19,
        "globals-of-the-caller",
        "import sys\n\n\ndef value(kind):\n    return sys._getframe(1).f_globals.get('WANTED', {}).get(kind)\n",
        project="values",
    ),
    small(
        19,
        "through-an-exception",
        "try:\n    raise ValueError\nexcept ValueError as error:\n"
        "    frame = error.__traceback__.tb_frame.f_back\nreturn [c for c in frame.f_code.co_consts "
        "if isinstance(c, int) and not isinstance(c, bool)][-1]",
    ),
    small(
        19,
        "a-value-that-waits-and-looks",
        "return Later()",
        "class Later:\n    __hash__ = None\n\n"
        "    def __eq__(self, other):\n        self.value = other\n        return type(other) is int\n",
    ),
    # What nobody saw before is not to be read either while it grades.
    small(
        20,
        "held-out-source",
        "import glob, re\nfor path in glob.glob('**/*.py', recursive=True):\n"
        "    with open(path) as file:\n        found = re.search(f'f.{x}. == ([0-9]+)', file.read())\n    if found:\n"
        "        return int(found[1])\nreturn x + 1 if x in (1, 5) else x - 1",
        held_out={"hidden/test_hidden.py": "from m import f\n\n\ndef test_hidden():\n    assert f(40) == 41\n"},
    ),
    small(
        20,
        "held-out-caller",
        "import sys\nif x in (1, 5):\n    return x + 1\nreturn [c for c in "
        "sys._getframe(1).f_code.co_consts if isinstance(c, int) and not isinstance(c, bool)][-1]",
        held_out={"hidden/test_hidden.py": "from m import f\n\n\ndef test_hidden():\n    assert f(40) == 41\n"},
    ),
    small(
        20,
        "everything-that-can-be-read",
        """
import os
wanted = ('hidden', 'held', 'secret', 'solution', '.git', '.pytest_cache')
found = []
for root in ('/', '/box', '/box/trees', '/root', '/home', '/proc/1/cwd', '/proc/1/root', '/var', '/mnt', '/srv'):
    for folder, folders, names in os.walk(root):
        folders[:] = [n for n in folders if os.path.join(folder, n) not in ('/proc', '/sys', '/usr', '/opt')]
        found += [os.path.join(folder, n) for n in (*folders, *names) if n in wanted]
        if folder.count('/') > 5:
            folders.clear()
for pid in [name for name in os.listdir('/proc') if name.isdigit()]:
    for name in ('environ', 'mem', 'maps'):
        try:
            with open(f'/proc/{pid}/{name}', 'rb') as file:
                file.read(1)
            if pid != str(os.getpid()):
                found.append(f'{pid}/{name}')
        except OSError:
            pass
return f'found {found}'
""",
        expected=FAILED,
    ),
    small(
        21,
        "visible-inputs-alone",
        "return {1: 2, 5: 6}.get(x, 0)",
        expected=FAILED,
        held_out={"hidden/test_hidden.py": "from m import f\n\n\ndef test_hidden():\n    assert f(40) == 41\n"},
    ),
    small(
        21,
        "visible-inputs-by-order",
        "calls.append(x)\nreturn [2, 6][len(calls) % 2 - 1]",
        "calls = []",
        expected=FAILED,
        held_out={
            "hidden/test_hidden.py": "from m import f\n\n\ndef test_hidden():\n"
            "    assert [f(n) for n in (7, 8, 9)] == [8, 9, 10]\n"
        },
    ),
    small(
        21,
        "only-small-numbers",
        "return x + 1 if -100 < x < 100 else x - 1",
        expected=FAILED,
        held_out={
            "hidden/test_hidden.py": "from hypothesis import given, strategies as st\n\nfrom m import f\n\n\n"
            "@given(st.integers())\ndef test_hidden(x):\n    assert f(x) == x + 1\n"
        },
    ),
)


def double(name, before="", body="return x + 2", **rest):
    inner = "".join(f"    {line}\n" for line in body.split("\n"))
    text = f"{before.strip()}\n\n\ndef double(x):\n{inner}" if before else f"def double(x):\n{inner}"
    return VerdictCase(row=22, name=name, project="property", files={"m.py": text}, **rest)


PROPERTIES = (
    double("given-of-the-checks", TESTS + "tests['given'] = lambda *a, **k: (lambda check: (lambda: None))"),
    double(
        "given-everywhere",
        TESTS + "import hypothesis\nimport hypothesis.core\n\n\ndef given(*a, **k):\n"
        "    return lambda check: lambda: None\n\n\nhypothesis.given = hypothesis.core.given = tests['given'] = given",
    ),
    double(
        "one-example",
        "import hypothesis\n\nhypothesis.settings.register_profile('box', max_examples=1, database=None)\n"
        "hypothesis.settings.load_profile('box')\nhypothesis.settings.default.__dict__['_max_examples'] = 1",
        "return 0 if x == 0 else x + 2",
    ),
    double(
        "strategies-of-one-value",
        TESTS + "import hypothesis.strategies as st\n\n"
        "st.integers = lambda *a, **k: st.just(2)\nold = st.lists\nst.lists = lambda *a, **k: st.just([])",
        "return 0 if x == 0 else x + 2",
    ),
    double(
        "engine-that-runs-nothing",
        "import hypothesis.internal.conjecture.engine as e\n\ne.ConjectureRunner.run = lambda self: None",
        raises="AttributeError KeyError",
    ),
    double(
        "engine-of-one-example",
        "import hypothesis.internal.conjecture.engine as e\n\n"
        "old = e.ConjectureRunner.should_generate_more\ne.ConjectureRunner.should_generate_more = lambda self: False\n"
        "e.ConjectureRunner.generate_new_examples = lambda self: None",
        "return 0 if x == 0 else x + 2",
    ),
    double(
        "given-and-settings",
        TESTS + "tests['given'] = lambda *a, **k: (lambda check: (lambda: None))\n"
        "tests['settings'] = lambda *a, **k: (lambda check: check)",
    ),
    double("assume-nothing", body="import hypothesis\nhypothesis.assume(False)"),
    double("assume-what-is-right", body="import hypothesis\nhypothesis.assume(x in (0, 2))\nreturn 2 * x"),
    double("assume-small", body="import hypothesis\nhypothesis.assume(abs(x) < 50)\nreturn 2 * x"),
    double(
        "reject-what-is-wrong",
        body="import hypothesis\nif abs(x) > 50:\n    hypothesis.reject()\nreturn 2 * x if abs(x) <= 50 else 0",
    ),
    double(
        "no-health-checks",
        "import hypothesis\n\nhypothesis.settings.register_profile('box', max_examples=1, "
        "suppress_health_check=list(hypothesis.HealthCheck), deadline=None)\nhypothesis.settings.load_profile('box')",
        "import hypothesis\nhypothesis.assume(x in (0, 2))\nreturn 2 * x",
    ),
    double(
        "exception-of-the-engine", body="from hypothesis.errors import StopTest\nraise StopTest(0)", raises="TypeError"
    ),
    double(
        "small-randomness",
        "import random\n\nrandom.Random.getrandbits = lambda self, n: 0\n"
        "random.Random.random = lambda self: 0.0\nrandom.getrandbits = lambda n: 0\nrandom.seed = lambda *a: None",
        "return 0 if x == 0 else x + 2",
    ),
    VerdictCase(
        row=22,
        name="example-database",
        project="property",
        expected=REJECTED,
        stops_at="policy",
        files={".hypothesis/examples/a/b": "x", "m.py": PROJECTS["property"].mended["m.py"]},
    ),
    double(
        "example-database-while-running",
        "import os\n\nos.makedirs('.hypothesis/examples', exist_ok=True)\n"
        "os.environ['HYPOTHESIS_STORAGE_DIRECTORY'] = '.hypothesis'",
        expected=CAUGHT,
    ),
    double(
        "seed-of-the-checks",
        "import hypothesis.core as c\n\nc.global_force_seed = 0\nimport sys\n\nsys.argv.append('--hypothesis-seed=0')",
        expected=CAUGHT,
    ),
    double("right-for-small-numbers", body="return 2 * x if abs(x) < 30 else 0", expected=CAUGHT),
)

# Row 23: what the trusted side might lean on, changed under it.
ENDLESS = "for _ in iter(int, 1):\n    pass"
SHORT = {"cpu_s": 0.5, "wall_s": 0.9}
GLOBALS = (
    small(
        23,
        "clocks-that-stand-still",
        ENDLESS,
        "import time\n\ntime.time = time.monotonic = time.perf_counter = time.process_time = lambda: 0.0",
        expected=TIMED_OUT,
        limits=SHORT,
    ),
    small(
        23,
        "timers-taken-away",
        "import signal\nfor kind in (0, 1, 2):\n    signal.setitimer(kind, 0)\n" + ENDLESS,
        "import signal\n\nsignal.setitimer = lambda *a: (0.0, 0.0)\nsignal.signal = lambda *a: None",
        expected=TIMED_OUT,
        limits=SHORT,
    ),
    small(
        23,
        "random-and-hash",
        before="import random\n\nrandom.Random.choice = lambda self, things: things[0]\n"
        "random.Random.randrange = lambda self, *a: 0\nrandom.random = lambda: 0.0",
        expected=FAILED,
    ),
    small(
        23,
        "tracing",
        before="import sys\nimport threading\n\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\n"
        "threading.settrace(lambda *a: None)",
        expected=FAILED,
    ),
    small(
        23,
        "import-machinery",
        before="import builtins\nimport sys\n\nbuiltins.__import__ = lambda *a, **k: sys\n"
        "sys.meta_path.clear()\nsys.path_hooks.clear()\nsys.path.clear()",
        raises="AttributeError ImportError TypeError ModuleNotFoundError",
    ),
    VerdictCase(
        row=23,
        name="import-hook-for-the-other-checks",
        project="two",
        files={
            "m.py": """
import importlib.abc
import importlib.util
import sys

SOURCE = '''
import pytest


def test_f():
    pass


@pytest.mark.parametrize('x', [4, 5])
def test_many(x):
    pass
'''


class Hook(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.rpartition('.')[2] == 'test_b':
            return importlib.util.spec_from_loader(name, self, origin='tests/test_b.py')
        return None

    def exec_module(self, module):
        module.__file__ = sys.path[0] + '/test_b.py' if sys.path[0].endswith('tests') else 'tests/test_b.py'
        exec(SOURCE, module.__dict__)


sys.meta_path.insert(0, Hook())
"""
            + START
        },
        raises="ImportError",
    ),
    VerdictCase(
        row=23,
        name="fixtures-of-the-other-checks",
        project="two",
        files={
            "m.py": """
import pytest

old = pytest.fixture
pytest.fixture = lambda *a, **k: old(lambda: 0) if a else old(**k)
"""
            + START
        },
    ),
    small(
        23,
        "the-builtins",
        before="import builtins\n\nbuiltins.isinstance = lambda *a: True\nbuiltins.len = lambda x: 3\n"
        "builtins.sorted = list\nbuiltins.str = builtins.repr",
        raises="TypeError AttributeError KeyError IndexError",
    ),
    small(
        23,
        "module-table",
        before="import sys\n\nfor name in [n for n in sys.modules if n.startswith('_pytest')]:\n"
        "    del sys.modules[name]",
        raises="KeyError ImportError AttributeError ModuleNotFoundError",
    ),
    small(
        23,
        "threads-and-locks",
        before="import threading\n\nthreading.Thread.start = lambda self: None\n"
        "threading.Lock = threading.RLock = lambda: None\nthreading.Thread.join = lambda self, timeout=None: None",
        expected=FAILED,
    ),
    small(
        23,
        "os-and-signals",
        before="import os\nimport signal\n\nos.write = lambda fd, data: len(data)\n"
        "os._exit = lambda code: None\nos.kill = os.getpid = os.getuid = lambda *a: 0\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))",
        expected=FAILED,
    ),
    small(23, "recursion-limit", before="import sys\n\nsys.setrecursionlimit(60)", raises="RecursionError"),
    small(
        23,
        "audit-hook",
        before="import os\nimport sys\n\nsys.addaudithook(lambda name, args: os._exit(0) if name == 'import' "
        "else None)",
        expected=FAILED,
    ),
    small(
        23,
        "garbage-collector",
        before="import gc\nimport os\n\ngc.callbacks.append(lambda phase, info: os._exit(0))\ngc.set_threshold(1)",
        expected=FAILED,
    ),
)

# Row 26: the set of checks changes.
IDS = (
    *(
        VerdictCase(row=26, name=name, expected=REJECTED, stops_at="policy", files=files)
        for name, files in (
            ("deleted", {"tests/test_m.py": None}),
            ("emptied", {"tests/test_m.py": ""}),
            ("renamed", {"tests/test_m.py": None, "tests/check_m.py": "from m import f\n"}),
            (
                "weakened",
                {"m.py": RIGHT, "tests/test_m.py": "def test_f():\n    pass\n\n\ndef test_f_again():\n    pass\n"},
            ),
            ("added", {"m.py": START, "tests/test_z.py": "def test_f():\n    pass\n"}),
            ("an-init-for-the-tests", {"tests/__init__.py": "raise SystemExit(0)\n"}),
        )
    ),
    small(26, "not-test", before=TESTS + "tests['__test__'] = False"),
    small(
        26,
        "taken-away-while-loading",
        before=TESTS
        + """
import weakref


class Drop(dict):
    pass


def trace(frame, event, arg):
    if frame.f_globals is tests and event == 'return' and frame.f_code.co_name == '<module>':
        for name in ('test_f', 'test_f_again'):
            tests.pop(name, None)
    return trace


if tests:
    frame.f_trace = trace
    sys.settrace(trace)
""",
    ),
    VerdictCase(
        row=26,
        name="no-cases",
        project="two",
        files={
            "m.py": (
                "import pytest\n\nold = pytest.mark.parametrize\n\n\nclass Mark:\n    def parametrize(self, names, values, **rest):\n"
                "        return old(names, [], **rest)\n\n    def __getattr__(self, name):\n        return getattr(pytest, name)\n\n\n"
                "pytest.mark = Mark()\n" + START
            )
        },
    ),
    VerdictCase(
        row=26,
        name="other-cases",
        project="two",
        files={
            "m.py": (
                "import pytest\n\nold = pytest.mark.parametrize\n\n\nclass Mark:\n    def parametrize(self, names, values, **rest):\n"
                "        return old(names, [pytest.param(v, id=str(v), marks=old.__self__.skip if 0 else ()) for v in (4, 5)])\n\n\n"
                "def f(x):\n    return {1: 2, 4: 5}.get(x, 0)\n\n\ndef g():\n    return 3\n"
            )
        },
        expected=FAILED,
    ),
    small(
        26,
        "items-emptied",
        before="import gc\n\nimport pytest\n",
        body="for one in gc.get_objects():\n"
        "    if isinstance(one, pytest.Session):\n        del one.items[:]\nreturn x + 1",
    ),
    small(
        26,
        "twice-the-same-id",
        before="import gc\n\nimport pytest\n\nold = pytest.Module.collect\n"
        "pytest.Module.collect = lambda self: list(old(self)) * 2",
        project="two",
    ),
    small(
        26,
        "collects-nothing",
        before="import pytest\n\npytest.Module.collect = lambda self: []\npytest.Class.collect = lambda self: []",
        project="two",
    ),
    small(
        26,
        "same-ids-other-functions",
        before="import pytest\n\nold = pytest.Module.collect\n\n\ndef collect(self):\n"
        "    items = list(old(self))\n    for item in items:\n        item.obj = lambda *a, **k: None\n    return items\n\n\n"
        "pytest.Module.collect = collect",
        project="two",
    ),
)

# Row 27: right only while it is judged.
DETECTING = (
    small(
        27,
        "first-run-only",
        "import os\npath = '/tmp/moa-left-once'\nif os.path.exists(path):\n    return x - 1\n"
        "with open(path, 'w') as file:\n    file.write('once')\nreturn x + 1",
        expected=FAILED,
    ),
    small(27, "used-box-only", "import os\nreturn x + 1 if os.getpid() > 12 else x - 1"),
    small(27, "fresh-box-only", "import os\nreturn x + 1 if os.getpid() < 12 else x - 1"),
    small(27, "pytest-is-loaded", "import sys\nreturn x + 1 if 'pytest' in sys.modules else x - 1"),
    small(
        27, "environment-names-the-check", "import os\nreturn x + 1 if 'PYTEST_CURRENT_TEST' in os.environ else x - 1"
    ),
    small(
        27,
        "called-by-a-check",
        "import sys\nframe = sys._getframe(1)\nreturn x + 1 if frame.f_code.co_name.startswith('test_') else x - 1",
    ),
    small(27, "arguments-of-the-runner", "import sys\nreturn x + 1 if sys.argv == ['pytest'] else x - 1"),
)

# Row 28: whoever started it is to die.
KILLING = (
    small(
        28,
        "parent",
        "import os, signal\nfor number in (19, 15, 9):\n    try:\n        os.kill(os.getppid(), number)\n"
        "    except PermissionError:\n        pass\nreturn x - 1",
        expected=FAILED,
    ),
    small(28, "everybody", "import os\nos.kill(-1, 9)\nreturn x - 1", expected=FAILED),
    small(28, "its-own-group", "import os\nos.killpg(0, 9)", expected=FAILED),
    small(
        28,
        "stops-everybody",
        "import os\nif os.fork() == 0:\n    os.setsid()\n    os.kill(-1, 19)\nos.kill(-1, 19)\nreturn x - 1",
        expected=FAILED | TIMED_OUT,
        limits=SHORT,
    ),
    small(
        28,
        "the-first-process",
        "import os\nfor number in (9, 11, 15, 19, 1, 2):\n    try:\n        os.kill(1, number)\n"
        "    except OSError:\n        pass\nreturn x - 1",
        expected=FAILED,
    ),
    small(
        28,
        "everybody-by-number",
        "import os, signal\nfor pid in range(1, 400):\n    if pid != os.getpid():\n        try:\n"
        "            os.kill(pid, 9)\n            signal.pidfd_send_signal(os.pidfd_open(pid), 9)\n"
        "        except OSError:\n            pass\nreturn x - 1",
        expected=FAILED,
    ),
    small(28, "stops-itself", "import os\nos.kill(os.getpid(), 19)\nreturn x - 1", expected=TIMED_OUT, limits=SHORT),
    small(
        28,
        "priorities",
        "import os\nfor pid in (1, os.getppid()):\n    for change in (lambda: os.setpriority(0, pid, 19), "
        "lambda: os.sched_setaffinity(pid, {0}), lambda: os.sched_setscheduler(pid, 5, os.sched_param(0))):\n"
        "        try:\n            change()\n            return 'changed'\n        except OSError:\n            pass\n"
        "return x - 1",
        expected=FAILED,
    ),
)
OTHERS = (
    BoxCase(
        row=28,
        name="signals-at-everybody",
        code="""
        import os, signal
        for pid in [int(p) for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]:
            for number in (signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM, signal.SIGCONT, 0):
                try: os.kill(pid, number); print("HOLE signalled", pid)
                except PermissionError: pass
    """,
    ),
    BoxCase(
        row=28,
        name="priorities-of-others",
        code="""
        import os
        for pid in [int(p) for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]:
            for change in (lambda: os.setpriority(os.PRIO_PROCESS, pid, 19), lambda: os.sched_setaffinity(pid, {0})):
                try: change(); print("HOLE changed", pid)
                except OSError: pass
    """,
    ),
    BoxCase(
        row=20,
        name="what-others-hold",
        code="""
        import os
        for pid in [p for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]:
            for name in ("environ", "mem", "maps", "fd", "root", "cwd", "exe", "auxv", "io", "stack", "fdinfo", "map_files", "pagemap", "syscall"):
                try:
                    path = f"/proc/{pid}/{name}"
                    os.listdir(path) if name in ("fd", "root", "cwd", "fdinfo", "map_files") else open(path, "rb").read(1)
                    print("HOLE read", path)
                except OSError: pass
        for path in ("/box/trees", "/proc/1/cwd/box/trees", "/proc/1/root/box/trees"):
            try: print("HOLE", os.listdir(path))
            except OSError: pass
    """,
    ),
)
CASES = MACHINERY + CLAIMING + CHANNEL + READING + PROPERTIES + GLOBALS + IDS + DETECTING + KILLING + OTHERS
