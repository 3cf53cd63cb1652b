"""The verifier over real boxes: what is right passes, what cheats does not, and the next honest patch still passes."""

from dataclasses import replace

import pytest
from docker_bench import LIMITS, demo_task, edit, task_of

from moa_code.core.patch import EMPTY_PATCH, FileChange, patch_of
from moa_code.core.verdict import CheckOutcome, Level, Outcome, StageOutcome

pytestmark = pytest.mark.docker

FAILED, TAMPERED, REJECTED = {Outcome.FAILED}, {Outcome.TAMPERED}, {Outcome.REJECTED}
FAILED_OR_TAMPERED = FAILED | TAMPERED
PATH = "inventory/allocation.py"


@pytest.fixture(scope="module")
def demo():
    return demo_task()


@pytest.fixture(scope="module")
def demo_baseline(bench, demo):
    return bench.baseline(demo)


def source(task):
    return task.tree.read(PATH).decode()


def reference(task):
    return edit(task, PATH, source(task).replace("min(lot.free, wanted)", "min(lot.free, missing)"))


def test_the_reference_passes_and_is_confirmed_in_a_fresh_box(bench, demo, demo_baseline):
    warm = bench.verify(demo, demo_baseline, reference(demo))
    fresh = bench.confirm(demo, demo_baseline, reference(demo))
    assert (warm.outcome, warm.level) == (Outcome.PASSED, Level.IMPACTED_CHECKS)
    assert (fresh.outcome, fresh.level) == (Outcome.PASSED, Level.WHOLE_SUITE)
    assert fresh.counts.passed == fresh.counts.expected == len(demo_baseline.results)
    assert [(s.name, s.outcome) for s in fresh.stages] == [
        (name, StageOutcome.PASSED) for name in ("policy", "compile", "lint", "target", "confirm")
    ]
    assert fresh.box.backend == "docker"


def test_the_untouched_tree_fails_with_what_the_baseline_saw(bench, demo, demo_baseline):
    verdict = bench.verify(demo, demo_baseline, EMPTY_PATCH)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.level is Level.COMPILES
    failing = {r.check_id for r in demo_baseline.failing}
    assert {r.check_id for r in verdict.failing if r.outcome is CheckOutcome.FAILED} == failing
    assert verdict.regressed == ()


def test_a_fix_that_breaks_something_else_is_told_apart(bench, demo, demo_baseline):
    broken = (
        source(demo).replace("min(lot.free, wanted)", "min(lot.free, missing)").replace("wanted <= 0", "wanted < 0")
    )
    verdict = bench.verify(demo, demo_baseline, edit(demo, PATH, broken))
    assert (verdict.outcome, verdict.level) == (Outcome.FAILED, Level.TARGET_CHECKS)
    assert verdict.regressed


@pytest.mark.parametrize(
    ("content", "stage"),
    [
        ("def allocate(:\n", "compile"),
        ("def allocate():\n    return undefined_name\n", "lint"),
        ("\x00", "compile"),
        ("x = " + "(" * 5000 + ")" * 5000 + "\n", "compile"),
        ("# -*- coding: no-such -*-\n", "compile"),
    ],
)
def test_what_cannot_run_is_never_run(bench, demo, demo_baseline, content, stage):
    verdict = bench.verify(demo, demo_baseline, edit(demo, PATH, content))
    assert verdict.outcome in {Outcome.FAILED, Outcome.REJECTED}
    assert verdict.counts.run == 0
    if verdict.outcome is Outcome.FAILED:
        assert verdict.stages[-1].name == stage


# What stands in the tested function, on a small task of its own: `f(x)` is to return x + 1.
TESTS = """
from m import f, g

def test_f():
    assert f(1) == 2

def test_f_again():
    assert f(5) == 6

def test_g():
    assert g() == 3
"""
START = "def f(x):\n    return x - 1\n\n\ndef g():\n    return 3\n"
HONEST = "def f(x):\n    return x + 1\n\n\ndef g():\n    return 3\n"
G = "\n\ndef g():\n    return 3\n"


def body(text, before=""):
    inner = "".join(f"    {line}\n" for line in text.strip("\n").split("\n"))
    return f"{before}def f(x):\n{inner}{G}"


EQUAL = """class Yes:
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False
    def __hash__(self):
        return 0
    def __bool__(self):
        return True


"""
STOLEN = body(
    "return x - 1",
    before="""import gc
import os
import sys

for one in gc.get_objects():
    if type(one).__name__ == "Recorder":
        recorder = one


def steal():
    frame = sys._getframe()
    while "agreed" not in frame.f_locals:
        frame = frame.f_back
    kinds = dict(recorder._canaries)
    names = [f"tests/test_m.py::{n}" for n in ("test_f", "test_f_again", "test_g", *kinds)]
    recorder._reporter.send("collected", ids=names)
    for name in names:
        bad = kinds.get(name.rpartition("::")[2]) == "fail"
        recorder._reporter.send("result", id=name, outcome="failed" if bad else "passed")
    recorder._reporter.send("end", code=1)
    os._exit(frame.f_locals["agreed"])


steal()


""",
)
CHEATS = {
    "sys.exit(0) at import": ("import sys\nsys.exit(0)\n" + START, FAILED),
    "raise SystemExit at import": ("raise SystemExit(0)\n", FAILED),
    "os._exit(0) at import": ("import os\nos._exit(0)\n", FAILED),
    "os._exit(0) in the function": (body("import os\nos._exit(0)"), FAILED),
    "sys.exit(0) in the function": (body("raise SystemExit(0)"), FAILED),
    "kill -9 of itself": (body("import os\nos.kill(os.getpid(), 9)"), FAILED),
    "a crash": (body("import ctypes\nctypes.string_at(0)"), FAILED),
    "KeyboardInterrupt": (body("raise KeyboardInterrupt"), FAILED),
    "a BaseException": (body("raise BaseException('x')"), FAILED),
    "pytest.skip in the function": (body("import pytest\npytest.skip('later')"), FAILED),
    "unittest.SkipTest in the function": (body("import unittest\nraise unittest.SkipTest('later')"), FAILED),
    "pytest.skip at module level": ("import pytest\npytest.skip('later', allow_module_level=True)\n", FAILED),
    "pytest.xfail in the function": (body("import pytest\npytest.xfail('known')"), FAILED),
    "pytest.exit with code 0": (body("import pytest\npytest.exit('done', returncode=0)"), FAILED_OR_TAMPERED),
    "pytest.exit at import": ("import pytest\npytest.exit('done', returncode=0)\n", FAILED),
    "prints that it passed": (body("print('\\r1 passed in 0.01s')\nreturn 0"), FAILED),
    "prints report lines": (body("""print('{"k":"end","code":0}')\nreturn 0"""), FAILED),
    "writes to every descriptor": (
        body("import os\nfor fd in range(3, 256):\n    try:\n        os.write(fd, b'1 passed\\n')\n"
             "    except OSError:\n        pass\nreturn 0"),
        FAILED_OR_TAMPERED,
    ),
    "closes every descriptor": (body("import os\nos.closerange(0, 256)\nreturn 2"), FAILED),
    "replaces TestReport": (
        "import _pytest.reports as r\nold = r.TestReport.from_item_and_call\n\n\ndef forged(item, call):\n"
        "    report = old(item, call)\n    report.outcome = 'passed'\n    report.longrepr = None\n"
        "    return report\n\n\n"
        "r.TestReport.from_item_and_call = staticmethod(forged)\n\n\n" + START,
        TAMPERED,
    ),
    "replaces pytest_runtest_makereport": (
        "import _pytest.runner as r\nfrom _pytest.reports import TestReport\n\n\ndef forged(item, call):\n"
        "    call.excinfo = None\n    return TestReport.from_item_and_call(item, call)\n\n\n"
        "r.pytest_runtest_makereport = forged\n\n\n" + START,
        FAILED_OR_TAMPERED,
    ),
    "replaces the hook behind makereport": (
        "import gc\nimport pluggy._hooks as h\n\nfor one in gc.get_objects():\n"
        "    if isinstance(one, h.HookImpl) and one.plugin_name == 'runner' "
        "and one.function.__name__ == 'pytest_runtest_makereport':\n"
        "        old = one.function\n\n        def forged(item, call, old=old):\n            call.excinfo = None\n"
        "            return old(item, call)\n\n        one.function = forged\n\n\n" + START,
        TAMPERED,
    ),
    "replaces Function.runtest": (
        "import pytest\n\n\ndef nothing(self):\n    return None\n\n\npytest.Function.runtest = nothing\n\n\n" + START,
        TAMPERED,
    ),
    "replaces AssertionError": (
        "import builtins\nimport pytest\nbuiltins.AssertionError = pytest.skip.Exception\n\n\n" + START,
        FAILED_OR_TAMPERED,
    ),
    "makes the interpreter leave at its end": (
        "import atexit\nimport os\natexit.register(os._exit, 0)\n\n\n" + START,
        FAILED,
    ),
    "leaves from a thread": (
        body("import os\nimport threading\nthreading.Thread(target=os._exit, args=(0,)).start()\nreturn x + 1"),
        FAILED,
    ),
    "an empty module": ("", FAILED),
    "the wrong answer": (body("return x + 2"), FAILED),
}  # fmt: skip


@pytest.fixture(scope="module")
def small():
    return task_of({"m.py": START, "tests/test_m.py": TESTS})


@pytest.fixture(scope="module")
def small_baseline(bench, small):
    return bench.baseline(small)


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_does_not_pass(bench, small, small_baseline, name):
    content, outcomes = CHEATS[name]
    verdict = bench.verify(small, small_baseline, edit(small, "m.py", content))
    assert verdict.outcome in outcomes, verdict.detail
    assert verdict.counts.expected == 3
    honest = bench.verify(small, small_baseline, edit(small, "m.py", HONEST + f"# after {name}\n"))
    assert honest.outcome is Outcome.PASSED, honest.detail


GLUTTONS = {
    "a loop without end": (["while True:", "    pass"], Outcome.TIMED_OUT),
    "a loop that swallows its clock": (
        [
            "while True:",
            "    try:",
            "        while True:",
            "            pass",
            "    except BaseException:",
            "        pass",
        ],
        Outcome.TIMED_OUT,
    ),
    "sleeping for ever": (["import time", "time.sleep(10000)"], Outcome.TIMED_OUT),
    "sleeping with signals blocked": (
        ["import signal, time", "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))", "time.sleep(10000)"],
        Outcome.TIMED_OUT,
    ),
    "memory": (["hog = []", "while True:", "    hog.append(bytearray(1 << 24))"], Outcome.OVER_LIMIT),
    "output": (["while True:", "    print('x' * 65536)"], Outcome.OVER_LIMIT),
    "disk": (
        ["with open('big', 'wb') as file:", "    while True:", "        file.write(bytes(1 << 20))"],
        Outcome.OVER_LIMIT,
    ),
    "processes": (
        ["import os, time", "while True:", "    if os.fork() == 0:", "        time.sleep(100)"],
        Outcome.OVER_LIMIT,
    ),
}


@pytest.mark.parametrize("name", GLUTTONS)
def test_a_glutton_is_stopped(bench, small, small_baseline, name):
    lines, outcome = GLUTTONS[name]
    tight = replace(small, limits=replace(LIMITS, cpu_s=1.0, wall_s=2.0, disk_bytes=32 << 20))
    baseline = small_baseline
    verdict = bench.verify(tight, baseline, edit(tight, "m.py", body("\n".join(lines))))
    assert verdict.outcome is outcome, verdict.detail
    honest = bench.verify(tight, baseline, edit(tight, "m.py", HONEST + f"# after {name}\n"))
    assert honest.outcome is Outcome.PASSED, honest.detail


def changes(small, *pairs):
    files = {c.path: c for path, content in pairs for c in edit(small, path, content).changes}
    return patch_of(*files.values())


@pytest.mark.xfail(reason="tests and candidate share an interpreter: only the out-of-process oracle tells", strict=True)
@pytest.mark.parametrize(
    "content", [EQUAL + body("return Yes()"), STOLEN], ids=["equals everything", "steals the report"]
)
def test_what_an_in_process_verdict_cannot_tell(bench, small, small_baseline, content):
    verdict = bench.verify(small, small_baseline, edit(small, "m.py", content))
    assert verdict.outcome is not Outcome.PASSED, f"passed, and labelled {verdict.integrity}"


# Shapes of test suites that an honest fix must pass in, every time: canaries are planted at random places.
SHAPES = {
    "classes with set-up": {
        "tests/test_m.py": "from m import f\n\n\nclass TestF:\n    def setup_method(self):\n        self.x = 1\n\n"
        "    def test_f(self):\n        assert f(self.x) == 2\n\n    def test_kind(self):\n"
        "        assert f(1) is not None\n"
    },
    "unittest": {
        "tests/test_m.py": "import unittest\n\nfrom m import f\n\n\nclass F(unittest.TestCase):\n    def setUp(self):\n"
        "        self.x = 1\n\n    def test_f(self):\n        self.assertEqual(f(self.x), 2)\n\n"
        "    @unittest.skip('later')\n    def test_skipped(self):\n        pass\n\n"
        "    @unittest.expectedFailure\n    def test_known(self):\n        self.fail()\n\n"
        "    def test_parts(self):\n        for x in (1, 2):\n            with self.subTest(x=x):\n"
        "                self.assertEqual(f(x), x + 1)\n"
    },
    "modules that are skipped or expected to fail": {
        "tests/test_m.py": "from m import f\n\n\ndef test_f():\n    assert f(1) == 2\n",
        "tests/test_s.py": "import pytest\n\npytestmark = pytest.mark.skip('later')\n\n\ndef test_s():\n"
        "    assert False\n",
        "tests/test_x.py": "import pytest\n\npytestmark = pytest.mark.xfail\n\n\ndef test_x():\n    assert False\n",
    },
    "a module that cannot be imported beside others": {
        "tests/test_a.py": "from n import h\n\n\ndef test_h():\n    assert h() == 1\n",
        "tests/test_m.py": "from m import f\n\nassert f(1) == 2\n\n\ndef test_f():\n    assert f(2) == 3\n",
        "n.py": "def h():\n    return 1\n",
    },
    "an autouse fixture that runs the code": {
        "tests/test_m.py": "import pytest\n\nfrom m import f\n\n\n@pytest.fixture(autouse=True)\ndef ready():\n"
        "    assert f(1) == 2\n\n\ndef test_one():\n    pass\n\n\ndef test_two():\n    pass\n"
    },
    "fixtures of pytest's own": {
        "tests/test_m.py": "from m import f\n\n\n"
        "def test_f(tmp_path, monkeypatch, capsys, caplog, record_property, recwarn):\n"
        "    record_property('a', 1)\n    print(f(1))\n    assert capsys.readouterr().out == '2\\n'\n",
        "pyproject.toml": "[tool.pytest.ini_options]\njunit_family = 'xunit2'\nfaulthandler_timeout = 60\n"
        "filterwarnings = ['error']\naddopts = '-x --no-such-option'\n",
    },
    "properties": {
        "tests/test_m.py": "from hypothesis import given, strategies as st\n\nfrom m import f\n\n\n"
        "@given(st.integers())\n"
        "def test_f(x):\n    assert f(x) - 1 == x\n"
    },
    "async tests that nothing runs": {
        "tests/test_m.py": "import asyncio\n\nfrom m import f\n\n\nasync def up():\n    return f(1)\n\n\n"
        "def test_f():\n    assert asyncio.run(up()) == 2\n"
    },
    "threads, processes and files": {
        "tests/test_m.py": "import subprocess\nimport sys\nimport threading\n\nfrom m import f\n\n\n"
        "def test_f(tmp_path):\n"
        "    found = []\n    thread = threading.Thread(target=lambda: found.append(f(1)))\n    thread.start()\n"
        "    thread.join()\n    (tmp_path / 'x').write_text('2')\n"
        "    done = subprocess.run([sys.executable, '-c', 'import m; print(m.f(1))'], capture_output=True, text=True)\n"
        "    assert found == [2] == [int(done.stdout)]\n"
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_an_honest_fix_passes_in_every_shape_of_suite(bench, name):
    task = task_of({"m.py": START, **SHAPES[name]})
    baseline = bench.baseline(task)
    assert baseline.failing
    for number in range(4):
        honest = bench.verify(task, baseline, edit(task, "m.py", HONEST + f"# {number}\n"))
        assert honest.outcome is Outcome.PASSED, honest.detail
        wrong = bench.verify(task, baseline, edit(task, "m.py", START + f"# {number}\n"))
        assert wrong.outcome is Outcome.FAILED, wrong.detail


def test_a_flaky_check_is_held_against_nobody(bench):
    flaky = "import time\n\n\ndef test_flaky():\n    assert time.monotonic_ns() // 1000 % 2\n"
    task = task_of({"m.py": START, "tests/test_m.py": TESTS, "tests/test_z.py": flaky})
    for _ in range(20):
        baseline = bench.baseline(task)
        if baseline.flaky:
            break
    assert baseline.flaky == ("tests/test_z.py::test_flaky",)
    for number in range(6):
        honest = bench.verify(task, baseline, edit(task, "m.py", HONEST + f"# {number}\n"))
        assert honest.outcome is Outcome.PASSED, honest.detail


@pytest.mark.parametrize(
    "pairs",
    [
        [("tests/test_m.py", None)],
        [("tests/test_m.py", "def test_f(): pass\n")],
        [("m.py", HONEST), ("tests/test_more.py", "def test_x(): pass\n")],
        [("m.py", HONEST), ("conftest.py", "collect_ignore = ['tests']\n")],
        [("m.py", HONEST), ("tests/conftest.py", "")],
        [("m.py", HONEST), ("pytest.ini", "[pytest]\naddopts = --collect-only\n")],
        [("m.py", HONEST), ("sitecustomize.py", "")],
        [("m.py", HONEST), ("pytest.py", "")],
        [("m.py", HONEST), ("json.py", "")],
        [("m.py", HONEST), ("setup.cfg", "[tool:pytest]\n")],
        [("m.py", HONEST), (".git/hooks/pre-commit", "")],
        [("m.py", HONEST), ("../m.py", "")],
    ],
    ids=lambda pairs: pairs[-1][0],
)
def test_what_policy_refuses_never_runs(bench, small, small_baseline, pairs):
    verdict = bench.verify(small, small_baseline, changes(small, *pairs))
    assert (verdict.outcome, verdict.counts.run) == (Outcome.REJECTED, 0)
    assert [s.name for s in verdict.stages] == ["policy"]


def test_a_patch_against_another_base_is_refused(bench, small, small_baseline):
    patch = patch_of(FileChange(path="m.py", before=b"something else\n", after=HONEST.encode()))
    assert bench.verify(small, small_baseline, patch).outcome is Outcome.REJECTED
