"""Candidates against the judge in the other process: the two processes alone, then whole verdicts in real boxes."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from docker_bench import candidate_of, edit, task_of

from moa_code.core.box import BoxInfo
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import Integrity, Outcome
from moa_code.verify.separate import separation
from moa_code.verify.turns import Turns

sys.path.insert(0, str(Path(__file__).parents[1] / "box"))

from oracle_attacks import ANSWERS, CHECKS, FAILS_ONLY, FRAMES, HONEST, WAYS_OUT
from oracle_pairs import Pairs

TEST = "tests/test_f.py"
WALL_S = 1.5
NEEDS_PYTEST = re.compile(r"class T|@pytest\.mark")
SLACK_S = 4.0  # what a loaded machine adds to the clocks of the two ends and to pytest's start


@pytest.fixture(scope="module")
def pairs():
    with Pairs() as found:
        yield found


def asked(pairs, source, checks, entry="split", **more):
    tree = MemorySnapshot(files={"m.py": b"", TEST: checks.encode()})
    named = separation(tree, [TEST], [TEST]).named
    clocks = {"wall_s": WALL_S, **more}
    return pairs.run({"m.py": source}, {TEST: checks}, entry=entry, named=named, unfit=[], **clocks)


@pytest.mark.parametrize("name", FRAMES)
def test_what_none_of_ours_would_say_is_tampering(pairs, name):
    session = asked(pairs, FRAMES[name], CHECKS)
    assert session.tampered, session
    assert not session.passed
    assert not session.inexpressible
    assert session.seconds < 2 * WALL_S + SLACK_S


@pytest.mark.parametrize("name", FAILS_ONLY)
def test_a_candidate_that_says_too_much_or_nothing_fails_in_time(pairs, name):
    session = asked(pairs, FAILS_ONLY[name], CHECKS)
    assert session.outcomes[f"{TEST}::test_f"] == "failed", session
    assert session.outcomes[f"{TEST}::test_g"] == "failed"
    assert not session.inexpressible
    assert session.seconds < 2 * WALL_S + SLACK_S


@pytest.mark.parametrize("entry", ["split", "oracle"])
def test_an_honest_candidate_passes_beside_all_these(pairs, entry):
    assert asked(pairs, "def f(x):\n    return x + 1\n", CHECKS, entry).passed


@pytest.mark.parametrize("name", ANSWERS)
def test_no_wrong_answer_passes(pairs, name):
    session = asked(pairs, *ANSWERS[name])
    assert not session.passed, session
    assert not session.inexpressible
    assert session.exit == 42, session.stdout  # the judge itself has come to its end
    assert session.events[-1]["k"] == "end"


@pytest.mark.parametrize("name", [name for name in ANSWERS if not NEEDS_PYTEST.search(ANSWERS[name][1])])
def test_nor_where_there_is_no_pytest(pairs, name):
    session = asked(pairs, *ANSWERS[name], "oracle")
    assert not session.passed, session
    assert session.exit == 42, session.stdout
    assert session.events[-1]["k"] == "end"


@pytest.mark.parametrize("name", WAYS_OUT)
def test_no_candidate_makes_its_check_one_that_cannot_be_asked(pairs, name):
    session = asked(pairs, *WAYS_OUT[name])
    assert not session.passed, session
    assert not session.inexpressible


@pytest.mark.parametrize("name", HONEST)
def test_what_looks_like_these_and_is_honest_passes(pairs, name):
    session = asked(pairs, *HONEST[name], wall_s=10.0, cpu_s=10.0)
    assert session.passed, session


def test_a_module_of_the_candidates_takes_no_helpers_place(pairs):
    """`tests/` comes before the root on pytest's path, and so does a helper in it."""
    judged = {
        "tests/helper.py": "def same(got, want):\n    assert got == want\n",
        TEST: "from helper import same\n\nimport m\n\n\ndef test_f():\n    same(m.f(1), 2)\n",
    }
    files = {"m.py": "def f(x):\n    return 7\n", "helper.py": "def same(got, want):\n    pass\n"}
    session = pairs.run(files, judged, entry="split", select=[TEST], unfit=[])
    assert session.outcomes == {f"{TEST}::test_f": "failed"}, session


def test_what_no_class_is_asked_about_is_doubtful_and_stands_for_nothing_where_it_fails_before():
    checks = (
        "from m import Money, f\n\n\ndef test_literal():\n    paid = Money(5)\n    assert paid + 3 == 8\n\n\n"
        "def test_objects():\n    assert Money(5) == Money(5)\n    assert f(Money(5)) == 5\n"
    )
    found = separation(MemorySnapshot(files={"m.py": b"", TEST: checks.encode()}), [TEST], [TEST])
    assert found.doubtful == {f"{TEST}::test_literal"}
    assert found.fits(f"{TEST}::test_literal")
    assert not found.fits_all(TEST)
    assert found.named == ("Money",)


def test_a_judge_that_shares_the_candidates_user_vouches_for_nothing():
    def turns(uid):
        info = BoxInfo(backend="bubblewrap", image_digest="", enforced={"uid": uid})
        return Turns(SimpleNamespace(slots=1, info=info))

    assert turns("one a job").separate_users
    assert not turns("shared").separate_users


START = "def f(x):\n    return x - 1\n\n\ndef g(x):\n    return x\n"
GOOD = START.replace("x - 1", "x + 1")
TESTS = """
from hypothesis import given, strategies as st

from m import f, g


def test_f():
    assert f(1) == 2


@given(st.integers())
def test_all(x):
    assert f(x) == x + 1


def test_g():
    assert g(3) == 3
"""
INSIDE = "import os\nimport time\n\nINSIDE = os.path.exists('tests/test_m.py')\n\n\n"
PRIES = """
import ctypes


def holes():
    me = os.getuid()
    found = []
    for folder, folders, names in os.walk("."):
        found += [f"{folder}/{name}" for name in names if "test" in name]
    for name in os.listdir(".."):
        if not os.path.samefile(".", os.path.join("..", name)):
            try:
                found += [f"../{name}/{inner}" for inner in os.listdir(os.path.join("..", name)) if "test" in inner]
            except OSError:
                pass
    for name in os.listdir("/proc/self/fd"):
        try:
            where = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if int(name) > 2 and not where.startswith(("socket:", "/proc/")):
            found.append(f"{name} is {where}")
    libc = ctypes.CDLL(None, use_errno=True)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if os.stat(f"/proc/{pid}").st_uid == me:
            continue
        for part in ("environ", "mem", "maps", "auxv", "stack"):
            try:
                with open(f"/proc/{pid}/{part}", "rb") as stream:
                    if stream.read(1):
                        found.append(f"read {pid} {part}")
            except OSError:
                pass
        for part in ("fd", "cwd", "root", "map_files"):
            try:
                found.append(f"listed {pid} {part} {os.listdir(f'/proc/{pid}/{part}')[:3]}")
            except OSError:
                pass
        for number in (0, 9, 19):
            try:
                os.kill(int(pid), number)
                found.append(f"signal {number} to {pid}")
            except OSError:
                pass
        if libc.ptrace(16, int(pid), 0, 0) == 0:
            found.append(f"traces {pid}")
        try:
            os.setpriority(os.PRIO_PROCESS, int(pid), 19)
            found.append(f"slows {pid}")
        except OSError:
            pass
    return found


if not INSIDE:
    FOUND = holes()
    if FOUND:
        raise RuntimeError(f"HOLE {FOUND}")
"""
YES = "class Yes:\n    __hash__ = None\n\n    def __eq__(self, other):\n        return True\n\n\n"
VERDICTS = {
    "right inside, wrong outside": (
        GOOD.replace("return x + 1", "return x + 1 if INSIDE else x"),
        {Outcome.FAILED},
    ),
    "forged inside, wrong outside": (YES + START.replace("return x - 1", "return Yes()"), {Outcome.FAILED}),
    "forges a reply": (
        GOOD.replace(
            "return x + 1",
            "if not INSIDE:\n        for name in os.listdir('/proc/self/fd'):\n            try:\n"
            "                os.write(int(name), b'\\x00\\x00\\x00\\x04[1]]')\n            except OSError:\n"
            "                pass\n    return x + 1",
        ),
        {Outcome.TAMPERED},
    ),
    "kills all it can": (GOOD.replace("return x + 1", "INSIDE or os.kill(-1, 9)\n    return x + 1"), {Outcome.PASSED}),
    "leaves early": (GOOD.replace("return x + 1", "INSIDE or os._exit(0)\n    return x + 1"), {Outcome.FAILED}),
    "leaves a child with the channel": (
        GOOD.replace(
            "return x + 1",
            "if not INSIDE and os.fork() == 0:\n        os.setsid()\n        while True:\n            time.sleep(1)\n"
            "    return x + 1 if INSIDE else x",
        ),
        {Outcome.FAILED, Outcome.OVER_LIMIT, Outcome.TIMED_OUT},
    ),
}


@pytest.fixture(scope="module")
def task():
    return task_of({"m.py": START, "tests/test_m.py": TESTS})


@pytest.fixture(scope="module")
def baseline(judge, task):
    return judge.baseline(task)


def confirmed(judge, task, baseline, source, *more):
    changes = [*edit(task, "m.py", INSIDE + source).changes, *more]
    return judge.run(judge.session.verifier.confirm(task, baseline, candidate_of(patch_of(*changes))))


def test_an_honest_candidate_is_judged_from_outside_and_finds_no_way_to_its_judge(judge, task, baseline):
    verdict = confirmed(judge, task, baseline, PRIES + "\n\n" + GOOD)
    assert (verdict.outcome, verdict.integrity) == (Outcome.PASSED, Integrity.ORACLE), verdict


@pytest.mark.parametrize("name", VERDICTS)
def test_no_candidate_gets_past_its_judge(judge, task, baseline, name):
    source, expected = VERDICTS[name]
    verdict = confirmed(judge, task, baseline, source)
    assert verdict.outcome in expected, verdict
    assert verdict.integrity is Integrity.ORACLE
    again = confirmed(judge, task, baseline, GOOD + f"# after {name}\n")
    assert (again.outcome, again.integrity) == (Outcome.PASSED, Integrity.ORACLE), again


def test_hidden_checks_that_vanish_inside_are_missed_outside(judge, task):
    """The list of hidden checks is made where the candidate lives; what only the judge finds must not be lost."""
    hidden = "from m import f\n\n\ndef test_easy():\n    assert f(1) == 2\n\n\ndef test_hard():\n    assert f(5) == 6\n"
    forged = (
        "import sys\n\n\nif 'pytest' in sys.modules and INSIDE:\n    import gc\n\n    import pytest\n\n"
        "    for found in gc.get_objects():\n        if type(found) is pytest.Module:\n"
        "            found.collect = lambda it=found.collect: [i for i in it() if i.name != 'test_hard']\n\n\n"
        "def f(x):\n    return 2\n\n\ndef g(x):\n    return x\n"
    )
    change = FileChange(path="tests/test_hidden.py", before=None, after=hidden.encode())
    patch = edit(task, "m.py", INSIDE.replace("test_m", "test_hidden") + forged)
    graded = judge.run(judge.session.verifier.hold_out(task, patch, [change], ("tests/test_hidden.py",), ()))
    assert graded.outcome is Outcome.FAILED
    assert "test_hard" in graded.detail, graded
