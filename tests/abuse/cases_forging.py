"""Section A, the first half: verdicts forged by leaving early, by values that lie, by files that tools load."""

# ruff: noqa: E501 (a line of an attack stays a line)

from abuse_cases import CAUGHT, FAILED, OVER_LIMIT, REJECTED, VerdictCase
from abuse_projects import RIGHT, START, function

# Globals of the module of checks that imports us, empty where none does.
TESTS = """import sys

frame = sys._getframe()
while frame and not frame.f_globals.get("__name__", "").rpartition(".")[2].startswith("test_"):
    frame = frame.f_back
tests = frame.f_globals if frame else {}
"""


def small(row, name, body="return x - 1", before="", *, expected=CAUGHT, **rest):
    return VerdictCase(row=row, name=name, files={"m.py": function(body, before)}, expected=expected, **rest)


def whole(row, name, text, **rest):
    return VerdictCase(row=row, name=name, files={"m.py": text}, **rest)


LEAVING = (
    whole(1, "sys-exit", "import sys\n\nsys.exit(0)\n" + START, expected=FAILED),
    whole(1, "raise-system-exit", "raise SystemExit(0)\n", expected=FAILED),
    whole(1, "builtin-exit", "exit(0)\n" + START, expected=FAILED, raises="NameError"),
    small(1, "in-the-function", "raise SystemExit(0)", expected=FAILED),
    small(
        1,
        "code-that-lies",
        "raise Leave(0)",
        "class Leave(SystemExit):\n    code = property(lambda self: 0)\n\n    def __eq__(self, other):\n        return True\n\n"
        "    __hash__ = None",
        expected=FAILED,
    ),
    whole(1, "lazily-on-attribute", "def __getattr__(name):\n    raise SystemExit(0)\n", expected=FAILED),
    small(
        1,
        "from-a-finaliser",
        "del x\nD()\nreturn 2",
        "class D:\n    def __del__(self):\n        raise SystemExit(0)",
        expected=FAILED,
    ),
    whole(2, "at-import", "import os\n\nos._exit(0)\n", expected=FAILED),
    small(2, "in-the-function", "import os\nos._exit(0)", expected=FAILED),
    small(
        2,
        "from-a-thread",
        "import os, threading\nthreading.Thread(target=os._exit, args=(0,)).start()\nreturn x + 1",
        expected=FAILED,
    ),
    small(2, "through-libc", "import ctypes\nctypes.CDLL(None)._exit(0)", expected=FAILED),
    small(
        2,
        "exit-group-by-number",
        "import ctypes, platform\nctypes.CDLL(None).syscall({'x86_64': 231, 'aarch64': 94}[platform.machine()], 0)",
        expected=FAILED,
    ),
    small(2, "becomes-bin-true", "import os\nos.execv('/bin/true', ['true'])", expected=FAILED),
    small(2, "at-exit", before="import atexit\nimport os\n\natexit.register(os._exit, 0)", expected=FAILED),
    small(
        2, "a-child-goes-on-in-its-place", "import os\nif os.fork():\n    os._exit(0)\nreturn x + 1", expected=FAILED
    ),
    small(2, "killed-by-itself", "import os\nos.kill(os.getpid(), 9)", expected=FAILED),
    small(3, "keyboard-interrupt", "raise KeyboardInterrupt", expected=FAILED),
    small(3, "base-exception", "raise BaseException('x')", expected=FAILED),
    small(3, "generator-exit", "raise GeneratorExit", expected=FAILED),
    small(3, "cancelled", "import asyncio\nraise asyncio.CancelledError", expected=FAILED),
    small(3, "group-of-all", "raise BaseExceptionGroup('x', [KeyboardInterrupt(), SystemExit(0)])", expected=FAILED),
    small(
        3,
        "words-that-leave",
        "raise E",
        "import os\n\n\nclass E(Exception):\n    pass\n\n\nE.__str__ = E.__repr__ = lambda self: os._exit(0)",
        expected=FAILED,
    ),
    small(
        3,
        "words-that-fail",
        "raise E",
        "class E(BaseException):\n    def __str__(self):\n        raise KeyboardInterrupt\n\n    __repr__ = __str__",
        expected=FAILED,
    ),
    small(
        3,
        "words-without-end",
        "raise E",
        "class E(Exception):\n    def __str__(self):\n        return 'x' * (1 << 22)\n\n    __repr__ = __str__",
        expected=FAILED | OVER_LIMIT,
    ),
    small(
        3,
        "a-class-that-lies",
        "raise E",
        "class E(Exception):\n    __class__ = property(lambda self: KeyboardInterrupt)",
        expected=FAILED,
    ),
    small(
        3,
        "chained-to-itself",
        "a, b = ValueError(1), ValueError(2)\na.__context__, b.__context__ = b, a\nraise a",
        expected=FAILED,
    ),
    small(4, "exit-0-in-the-function", "import pytest\npytest.exit('done', returncode=0)"),
    whole(4, "exit-0-at-import", "import pytest\n\npytest.exit('done', returncode=0)\n"),
    small(4, "exit-1-in-the-function", "import pytest\npytest.exit('done', returncode=1)"),
    small(
        4,
        "should-stop",
        "import gc\nimport pytest\nfor one in gc.get_objects():\n"
        "    if isinstance(one, pytest.Session):\n        one.shouldstop = 'done'\nreturn x + 1",
    ),
    small(4, "exception-by-hand", "from _pytest.outcomes import Exit\nraise Exit('done', 0)"),
    small(4, "usage-error", "import pytest\nraise pytest.UsageError('x')", expected=FAILED),
    small(5, "skip", "import pytest\npytest.skip('later')", expected=FAILED),
    small(5, "xfail", "import pytest\npytest.xfail('known')", expected=FAILED),
    small(5, "unittest-skip", "import unittest\nraise unittest.SkipTest('later')", expected=FAILED),
    whole(
        5, "skip-at-module-level", "import pytest\n\npytest.skip('later', allow_module_level=True)\n", expected=FAILED
    ),
    whole(5, "import-or-skip", "import pytest\n\npytest.importorskip('no_such_module')\n", expected=FAILED),
    small(
        5,
        "mark-put-on-the-checks",
        before=TESTS + "import pytest\n\ntests['pytestmark'] = [pytest.mark.xfail]",
        expected=FAILED,
    ),
    small(
        5,
        "marks-added-while-running",
        "import gc\nimport pytest\nfor one in gc.get_objects():\n"
        "    if isinstance(one, pytest.Function):\n        one.add_marker(pytest.mark.xfail(strict=False))\nreturn x - 1",
    ),
    small(
        5,
        "every-evaluation-says-skip",
        before="import _pytest.skipping as s\n\ns.evaluate_skip_marks = lambda item: s.Skip('later')",
    ),
    small(
        5, "skip-for-one-example", "import pytest\nif x == 5:\n    pytest.skip('later')\nreturn x + 1", expected=FAILED
    ),
)

YES = """class Yes:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __lt__(self, other):
        return True

    __le__ = __gt__ = __ge__ = __contains__ = __bool__ = __lt__

    def __hash__(self):
        return {hash}

    def __bool__(self):
        return True

    def __iter__(self):
        return iter((self,))

    def __len__(self):
        return 1
"""
NUMBER = """class Number(int):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __lt__(self, other):
        return True

    __le__ = __gt__ = __ge__ = __lt__

    def __hash__(self):
        return 6
"""
ARRAY = """class Array:
    shape = ()
    dtype = "int64"

    def __init__(self, value):
        self.value = value

    def __array_ufunc__(self, *args, **kwargs):
        return True

    def __eq__(self, other):
        return Array(True)

    def __ne__(self, other):
        return Array(False)

    def __bool__(self):
        return bool(self.value)

    def all(self):
        return True

    any = item = all
    __hash__ = None
"""
EQUAL = (
    small(6, "equals-everything", "return Yes()", YES.replace("{hash}", "0")),
    small(
        6,
        "only-eq",
        "return Yes()",
        "class Yes:\n    __hash__ = None\n\n    def __eq__(self, other):\n        return True",
    ),
    small(6, "mock-any", "from unittest import mock\nreturn mock.ANY"),
    small(6, "like-an-array", "return Array(x)", ARRAY),
    small(
        6,
        "a-class-that-lies",
        "return Yes()",
        YES.replace("{hash}", "0") + "\n    __class__ = property(lambda self: int)",
    ),
    small(
        6,
        "through-the-metaclass",
        "return Yes",
        "class Meta(type):\n    def __eq__(cls, other):\n        return True\n\n    __hash__ = type.__hash__\n\n\n"
        "class Yes(metaclass=Meta):\n    pass",
    ),
    small(6, "round-about", "return Yes()", YES.replace("{hash}", "6"), project="round about"),
    small(
        6,
        "round-about-and-a-class-that-lies",
        "return Yes()",
        YES.replace("{hash}", "6") + "\n    __class__ = property(lambda self: int)",
        project="round about",
    ),
    small(
        6,
        "equal-by-what-is-asked",
        "return Guess()",
        "class Guess:\n    __hash__ = None\n\n    def __eq__(self, other):\n        self.__class__ = type(other) if not "
        "isinstance(other, int) else Guess\n        return True",
    ),
    small(7, "int", "return Number(x)", NUMBER),
    small(7, "int-round-about", "return Number(x)", NUMBER, project="round about"),
    small(
        7,
        "int-through-getattribute",
        "return Number(x)",
        NUMBER + "\n    def __getattribute__(self, name):\n        return int.__getattribute__(int(6), name)",
    ),
    *(
        whole(
            7,
            f"{kind}-of-values",
            "import builtins\n\n\ndef lying(base):\n    class Lie(base):\n        def __eq__(self, other):\n"
            "            return True\n\n        def __ne__(self, other):\n            return False\n\n"
            "        def __lt__(self, other):\n            return True\n\n        __gt__ = __lt__\n"
            "        __hash__ = None\n\n        def __len__(self):\n            return 1\n\n    Lie.__name__ = base.__name__\n"
            "    Lie.__qualname__ = base.__qualname__\n    return Lie\n\n\n"
            f"RIGHT = {{'str': 'abc', 'int': 7, 'float': 1.5, 'list': [1, [2, 'x']], 'dict': {{'a': [1]}},\n"
            "         'tuple': (1, 'b'), 'set': {1, 2}, 'bytes': b'xy', 'bool': True}\n\n\n"
            f"def value(kind):\n    return lying(builtins.{kind})() if kind == '{kind}' else RIGHT[kind]\n",
            project="values",
        )
        for kind in ("str", "float", "list", "dict")
    ),
    whole(
        7,
        "one-liar-deep-inside",
        "class Lie(str):\n    __hash__ = str.__hash__\n\n    def __eq__(self, other):\n        return True\n\n"
        "    def __ne__(self, other):\n        return False\n\n\n"
        "RIGHT = {'str': 'abc', 'int': 7, 'float': 1.5, 'list': [1, [2, 'x']], 'dict': {'a': [1]},\n"
        "         'tuple': (1, Lie('zzz')), 'set': {1, 2}, 'bytes': b'xy', 'bool': True}\n\n\n"
        "def value(kind):\n    return RIGHT[kind]\n",
        project="values",
    ),
    whole(
        7,
        "an-enum-for-an-int",
        "import enum\n\n\nclass Kind(enum.IntEnum):\n    SEVEN = 3\n\n    def __eq__(self, other):\n        return True\n\n"
        "    def __gt__(self, other):\n        return True\n\n    __lt__ = __gt__\n    __hash__ = int.__hash__\n\n\n"
        "RIGHT = {'str': 'abc', 'int': Kind.SEVEN, 'float': 1.5, 'list': [1, [2, 'x']], 'dict': {'a': [1]},\n"
        "         'tuple': (1, 'b'), 'set': {1, 2}, 'bytes': b'xy', 'bool': True}\n\n\n"
        "def value(kind):\n    return RIGHT[kind]\n",
        project="values",
    ),
)

LEAVE_FILES = """import os

for folder in (".", "tests", "pack", "/tmp", "/dev/shm", os.environ["HOME"], os.environ["TMPDIR"]):
    for name, text in (
        ("conftest.py", "collect_ignore_glob = ['*']\\n"),
        ("pytest.ini", "[pytest]\\naddopts = --collect-only\\n"),
        (".pytest.ini", "[pytest]\\naddopts = -k nothing\\n"),
        ("tox.ini", "[pytest]\\naddopts = --ignore=tests\\n"),
        ("setup.cfg", "[tool:pytest]\\naddopts = -p no:python\\n"),
        ("sitecustomize.py", "raise SystemExit(0)\\n"),
        ("usercustomize.py", "raise SystemExit(0)\\n"),
        ("x.pth", "import os; os._exit(0)\\n"),
        ("pytest.py", "raise SystemExit(0)\\n"),
        ("json.py", "raise SystemExit(0)\\n"),
        ("ruff.toml", "exclude = ['*']\\n"),
        ("test_m.py", "def test_f(): pass\\n"),
    ):
        try:
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        except OSError:
            pass
"""
LOADED = (
    *(
        VerdictCase(
            row=8,
            name=name,
            project="package",
            expected=REJECTED,
            stops_at="policy",
            files={path: "collect_ignore_glob = ['*']\n"},
        )
        for name, path in (
            ("in-the-root", "conftest.py"),
            ("in-the-package", "pack/conftest.py"),
            ("in-the-tests", "tests/conftest.py"),
            ("below-the-tests", "tests/data/conftest.py"),
            ("in-capitals", "Conftest.py"),
        )
    ),
    VerdictCase(
        row=8,
        name="a-package-of-that-name",
        project="package",
        files={"conftest/__init__.py": "collect_ignore_glob = ['*']\n"},
        expected=FAILED | REJECTED,
    ),
    VerdictCase(
        row=8,
        name="left-while-running",
        project="package",
        expected=FAILED,
        files={"pack/core.py": LEAVE_FILES + "\n\ndef f(x):\n    return x - 1\n"},
    ),
    *(
        VerdictCase(row=11, name=name, project=project, expected=REJECTED, stops_at="policy", files={path: text})
        for name, project, path, text in (
            ("pytest-ini", "small", "pytest.ini", "[pytest]\naddopts = --collect-only\n"),
            ("hidden-pytest-ini", "small", ".pytest.ini", "[pytest]\naddopts = --collect-only\n"),
            ("pytest-toml", "small", "pytest.toml", "[pytest]\naddopts = ['--collect-only']\n"),
            ("tox-ini", "small", "tox.ini", "[pytest]\naddopts = -k nothing\n"),
            ("setup-cfg", "small", "setup.cfg", "[tool:pytest]\naddopts = --ignore=tests\n"),
            ("pyproject", "small", "pyproject.toml", "[tool.pytest.ini_options]\naddopts = '-p no:python'\n"),
            ("pyproject-that-is-there", "package", "pyproject.toml", "[tool.pytest.ini_options]\naddopts = '--co'\n"),
            ("ini-in-the-tests", "small", "tests/pytest.ini", "[pytest]\npython_functions = nothing\n"),
        )
    ),
    VerdictCase(row=11, name="left-while-running", expected=FAILED, files={"m.py": LEAVE_FILES + START}),
    small(
        11,
        "options-changed-in-memory",
        before="import gc\n\nimport pytest\n\nfor one in gc.get_objects():\n"
        "    if isinstance(one, pytest.Config):\n        one.option.keyword = 'nothing'\n"
        "        one.option.collectonly = True\n        one.option.deselect = ['tests/test_m.py::test_f']\n"
        "        one.option.ignore = ['tests']\n        one.option.maxfail = 1",
    ),
    small(
        11,
        "names-of-checks-changed-in-memory",
        before="import gc\n\nimport pytest\n\nfor one in gc.get_objects():\n"
        "    if isinstance(one, pytest.Config):\n        one._inicache['python_functions'] = ['nothing']",
    ),
    small(
        12,
        "pytest-plugins-of-ours",
        before="pytest_plugins = ['evil']\n\ndef pytest_collection_modifyitems(items):\n    items.clear()",
        expected=FAILED,
    ),
    VerdictCase(
        row=12,
        name="pytest-plugins-of-the-checks",
        files={
            "m.py": TESTS + "\ntests['pytest_plugins'] = ['evil']\n\n\n" + START,
            "evil.py": "import pytest\n\n\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
            "    report = yield\n    if item.name in ('test_f', 'test_f_again') and report.when == 'call':\n"
            "        report.outcome, report.longrepr = 'passed', None\n    return report\n",
        },
    ),
    small(
        12,
        "environment",
        before="import os\n\nos.environ['PYTEST_ADDOPTS'] = '--collect-only'\n"
        "os.environ['PYTEST_PLUGINS'] = 'm'\nos.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = ''",
        expected=FAILED,
    ),
    *(
        VerdictCase(row=12, name=name, expected=REJECTED, stops_at="policy", files={"m.py": RIGHT, path: text})
        for name, path, text in (
            ("entry-point", "evil-1.0.dist-info/entry_points.txt", "[pytest11]\nevil = m\n"),
            ("egg-info", "evil.egg-info/entry_points.txt", "[pytest11]\nevil = m\n"),
            ("dotenv", ".env", "PYTEST_ADDOPTS=--collect-only\n"),
        )
    ),
    *(
        VerdictCase(
            row=13,
            name=path.replace("/", "-").replace(".", "-").strip("-"),
            expected=REJECTED,
            stops_at="policy",
            files={"m.py": RIGHT, path: "raise SystemExit(0)\n"},
        )
        for path in (
            "pytest.py",
            "pytest/__init__.py",
            "_pytest/__init__.py",
            "pluggy.py",
            "hypothesis.py",
            "hypothesis/__init__.py",
            "ruff.py",
            "json.py",
            "random.py",
            "typing.py",
            "unittest/__init__.py",
            "src/json.py",
            "tests/json.py",
            "pytest.pyc",
            "json.so",
            "_pytest.pyd",
        )
    ),
    VerdictCase(row=13, name="left-while-running", expected=FAILED, project="two", files={"m.py": LEAVE_FILES + START}),
    small(
        13,
        "module-table",
        before="import sys\nimport types\n\nfake = types.ModuleType('pytest')\n"
        "fake.__getattr__ = lambda name: (lambda *a, **k: None)\n"
        "for name in ('pytest', '_pytest.runner', '_pytest.reports', '_pytest.outcomes', 'json'):\n"
        "    sys.modules[name] = fake",
    ),
    *(
        VerdictCase(
            row=14,
            name=path.replace("/", "-").replace(".", "-").strip("-"),
            expected=REJECTED,
            stops_at="policy",
            files={"m.py": RIGHT, path: "import os; os._exit(0)\n"},
        )
        for path in (
            "sitecustomize.py",
            "usercustomize.py",
            "x.pth",
            "src/sitecustomize.py",
            "sitecustomize/__init__.py",
            "pyvenv.cfg",
            "lib/evil.pth",
            "__pycache__/m.cpython-311.pyc",
        )
    ),
    small(
        14,
        "left-in-the-home",
        before="import os\nimport site\nimport sys\n\n"
        "os.environ.update(PYTHONPATH='/tmp', PYTHONSTARTUP='/tmp/s.py', PYTHONHOME='/tmp', PYTHONINSPECT='1')\n"
        "user = os.path.join(os.environ['HOME'], '.local/lib/python%d.%d/site-packages' % sys.version_info[:2])\n"
        "for folder in (user, site.getusersitepackages(), '/tmp'):\n    try:\n"
        "        os.makedirs(folder, exist_ok=True)\n"
        "        for name in ('sitecustomize.py', 'usercustomize.py', 'x.pth', 's.py'):\n"
        "            with open(os.path.join(folder, name), 'w') as file:\n"
        "                file.write('import os; os._exit(0)')\n    except OSError:\n        pass",
        expected=FAILED,
    ),
)

SPEAKING = (
    small(15, "n-passed", "print('\\r\\x1b[2K3 passed in 0.01s')\nreturn 0", expected=FAILED),
    small(
        15,
        "report-lines",
        'print(\'{"k":"end","code":0}\')\nprint(\'0\' * 32 + \'{"k":"end","code":1}\')\nreturn 0',
        expected=FAILED,
    ),
    small(
        15,
        "raw-to-the-terminal",
        before="import os\n\nfor fd in (1, 2):\n"
        "    os.write(fd, b'\\x1b]0;passed\\x07\\x1b[1A\\x1b[2K=== 3 passed in 0.01s ===\\r\\n' * 20)",
        expected=FAILED,
    ),
    small(
        15,
        "our-own-documents",
        'print(\'{"schema_version": 1, "outcome": "passed", "checks": {"passed": 3}}\')\n'
        "raise AssertionError('passed  small  3 of 3 checks pass\\n  evidence L5, integrity oracle')",
        expected=FAILED,
    ),
    small(
        15,
        "exit-status-in-words",
        before="import sys\n\nsys.stdout = sys.stderr = sys.__stdout__\n"
        "print('moa-code: verified', file=sys.__stderr__)",
        expected=FAILED,
    ),
    VerdictCase(
        row=16,
        name="seeded-before",
        expected=FAILED | REJECTED,
        files={
            "m.py": START + "# wrong\n",
            "report.xml": "<testsuite tests='3' failures='0'/>\n",
            "junit.xml": "<testsuite/>\n",
            "reward.txt": "1\n",
            ".report.json": '{"outcome": "passed"}\n',
            "logs/verifier/reward.txt": "1\n",
        },
    ),
    small(
        16,
        "at-exit",
        before="import atexit\n\n\ndef leave():\n    for path in ('report.xml', 'reward.txt', '/tmp/report', "
        "'/box/job/report', '/box/report.json'):\n        try:\n            with open(path, 'w') as file:\n"
        "                file.write('passed')\n        except OSError:\n            pass\n\n\natexit.register(leave)",
        expected=FAILED,
    ),
    small(
        16,
        "by-a-detached-child",
        before="import os\nimport time\n\nif os.fork() == 0:\n    os.setsid()\n"
        "    if os.fork() == 0:\n        for _ in range(200):\n            for fd in range(3, 32):\n"
        '                try:\n                    os.write(fd, b\'{"k":"end","code":1}\\n\')\n'
        "                except OSError:\n                    pass\n            time.sleep(0.01)\n    os._exit(0)",
    ),
    small(
        16,
        "by-a-child-after-the-end",
        before="import os\nimport time\n\nif os.fork() == 0:\n    os.setsid()\n"
        "    parent = os.getppid()\n    while os.getppid() == parent:\n        time.sleep(0.001)\n    for fd in range(3, 64):\n"
        '        try:\n            os.write(fd, b\'0\' * 32 + b\'{"k":"end","code":1}\\n\')\n        except OSError:\n'
        "            pass\n    os._exit(0)",
    ),
)
CASES = LEAVING + EQUAL + LOADED + SPEAKING
