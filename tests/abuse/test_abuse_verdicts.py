"""Patches that attack their judge: what checks claim with, what is printed of them, what is remembered of them."""

import time
from dataclasses import replace

import pytest
from docker_bench import candidate_of, edit, task_of

from moa_code.core.patch import patch_of
from moa_code.core.task import CheckKind, Checks
from moa_code.core.verdict import Outcome
from moa_code.verify.reading import MOST_DETAIL_CHARS, MOST_LINE_BYTES, read_session

START = "def f(x):\n    return x - 1\n\n\ndef g(x):\n    return x\n"
HONEST = (
    "def f(x):\n    if x is None:\n        raise ValueError('none')\n    return x + 1\n\n\ndef g(x):\n    return x\n"
)
TESTS = """
import unittest

import pytest

from m import f, g


def test_raises():
    with pytest.raises(ValueError):
        f(None)


def test_approx():
    assert f(1.0) == pytest.approx(2.0)


class Case(unittest.TestCase):
    def test_equal(self):
        self.assertEqual(f(1), 2)

    def test_raises(self):
        with self.assertRaises(ValueError):
            f(None)


def test_g():
    assert g(1) == 1
"""
HUSH = "def f(x):\n    return x\n\n\ndef g(x):\n    return x\n"
QUIET_RAISES = (
    "import contextlib\n\nimport pytest\n\n\n@contextlib.contextmanager\ndef quiet(*args, **named):\n"
    "    with contextlib.suppress(BaseException):\n        yield\n\n\npytest.raises = quiet\n\n\n"
)
YES = "class Yes:\n    __hash__ = None\n\n    def __eq__(self, other):\n        return True\n\n\n"
FORGERIES = {
    "pytest.raises": QUIET_RAISES + HUSH,
    "pytest.approx": YES + "import pytest\n\npytest.approx = lambda *a, **k: Yes()\n\n\n" + HUSH,
    "assertEqual": "import unittest\n\nunittest.TestCase.assertEqual = lambda *a, **k: None\n\n\n" + HUSH,
    "all of them": YES
    + QUIET_RAISES
    + "import unittest\n\npytest.approx = lambda *a, **k: Yes()\nunittest.TestCase.assertEqual = lambda *a, **k: None\n"
    "unittest.TestCase.assertRaises = quiet\n\n\n" + HUSH,
}


@pytest.fixture(scope="module")
def task():
    return task_of({"m.py": START, "tests/test_m.py": TESTS})


@pytest.fixture(scope="module")
def baseline(judge, task):
    return judge.baseline(task)


@pytest.mark.parametrize("name", FORGERIES)
def test_means_of_claiming_that_accept_all_are_noticed(judge, task, baseline, name):
    verdict = judge.verify(task, baseline, edit(task, "m.py", FORGERIES[name]))
    assert verdict.outcome in {Outcome.TAMPERED, Outcome.FAILED}, verdict
    if name == "all of them":
        assert verdict.outcome is Outcome.TAMPERED, verdict.detail
    honest = judge.verify(task, baseline, edit(task, "m.py", HONEST + f"# after {name}\n"))
    assert honest.outcome is Outcome.PASSED, honest.detail


LEAVE = """import os, sys

for folder in (".", "tests", "/tmp", "/dev/shm", os.environ["HOME"], os.environ["TMPDIR"]):
    for name, text in (
        ("conftest.py", "collect_ignore_glob = ['*']\\n"),
        ("pytest.ini", "[pytest]\\naddopts = --collect-only\\n"),
        ("sitecustomize.py", "raise SystemExit(0)\\n"),
        ("x.pth", "import os; os._exit(0)\\n"),
        ("pytest.py", "raise SystemExit(0)\\n"),
        ("test_m.py", "def test_f(): pass\\n"),
    ):
        try:
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        except OSError:
            pass
try:
    os.rename("tests", "elsewhere")
except OSError:
    pass


"""


def test_what_is_left_in_every_folder_is_read_by_nobody(judge, task, baseline):
    cheat = edit(task, "m.py", LEAVE + HUSH)
    assert judge.verify(task, baseline, cheat).outcome is Outcome.FAILED
    assert judge.confirm(task, baseline, cheat).outcome is Outcome.FAILED
    honest = edit(task, "m.py", HONEST + "# after all that\n")
    assert judge.verify(task, baseline, honest).outcome is Outcome.PASSED
    assert judge.confirm(task, baseline, honest).outcome is Outcome.PASSED


def test_what_a_failure_says_can_be_printed_and_stored(judge, task, baseline):
    """A lone surrogate cannot be encoded; escapes would reach the user's terminal."""
    text = r"\x1b]0;title\x07\x1b[2J\r\ud800\u202e\x9b31m"
    verdict = judge.verify(
        task, baseline, edit(task, "m.py", START.replace("return x - 1", f'raise OSError("{text}")'))
    )
    assert verdict.outcome is Outcome.FAILED
    said = verdict.detail + "".join(r.detail + r.check_id for r in verdict.results)
    assert said.encode()
    assert not set(said) & set("\x1b\x07\r\x9b\u202e")
    assert "title" in said


def test_a_file_that_holds_checks_is_protected_whatever_its_name(judge):
    checks = "from m import f\n\n\ndef test_f():\n    assert f(1) == 2\n"
    for targets in (("spec/behaviour.py",), ("spec/behaviour.py::test_f",)):
        task = task_of({"m.py": START, "spec/behaviour.py": checks}, targets)
        baseline = judge.baseline(task)
        assert baseline.failing
        weaker = edit(task, "spec/behaviour.py", checks.replace("== 2", "== 0"))
        verdict = judge.verify(task, baseline, weaker)
        assert (verdict.outcome, verdict.counts.run) == (Outcome.REJECTED, 0)
        sealed = "open('spec/behaviour.py', 'w').close()\n\n\n" + HONEST
        assert judge.verify(task, baseline, edit(task, "m.py", sealed)).outcome is Outcome.FAILED
        assert judge.verify(task, baseline, edit(task, "m.py", HONEST)).outcome is Outcome.PASSED


def test_a_verdict_is_not_remembered_for_other_checks_or_rules(judge, task, baseline):
    half = edit(task, "m.py", START.replace("x - 1", "x + 1"))  # right but for None
    narrow = replace(task, checks=Checks(kind=CheckKind.PYTEST, targets=("tests/test_m.py::test_approx",)))
    assert judge.verify(narrow, judge.baseline(narrow), half).outcome is Outcome.PASSED
    assert judge.verify(task, baseline, half).outcome is Outcome.FAILED
    strict = replace(narrow, rules=replace(task.rules, protected=("**",)))
    assert judge.verify(strict, judge.baseline(strict), half).outcome is Outcome.REJECTED


def test_what_is_remembered_is_the_patch_and_not_its_digest(judge, task, baseline):
    honest = edit(task, "m.py", HONEST)
    assert judge.verify(task, baseline, honest).outcome is Outcome.PASSED
    (change,) = honest.changes
    elsewhere = patch_of(replace(change, before=b"something else\n"))
    assert elsewhere.sha256 == honest.sha256
    assert judge.verify(task, baseline, elsewhere).outcome is Outcome.REJECTED


FLOOD = """import os

for fd in range(3, 64):
    try:
        for _ in range(40):
            os.write(fd, b"\\n" * (1 << 19))
    except OSError:
        continue


"""


def test_a_flood_of_empty_report_lines_costs_little(judge, task, baseline):
    started = time.process_time()
    verdict = judge.verify(task, baseline, edit(task, "m.py", FLOOD + HUSH))
    assert verdict.outcome in {Outcome.TAMPERED, Outcome.OVER_LIMIT}, verdict
    assert time.process_time() - started < 2.0
    assert judge.verify(task, baseline, edit(task, "m.py", HONEST + "# dry\n")).outcome is Outcome.PASSED


def test_verdicts_that_are_remembered_do_not_pile_up(judge, task, baseline, monkeypatch):
    from moa_code.verify import verifier

    monkeypatch.setattr(verifier, "MOST_KNOWN", 3)
    before = dict(judge.session.verifier._known)
    judge.session.verifier._known.clear()
    for number in range(5):
        refused = edit(task, "tests/test_m.py", f"# {number}\n")
        judge.run(judge.session.verifier.verify(task, baseline, candidate_of(refused)))
    assert len(judge.session.verifier._known) <= 3
    judge.session.verifier._known.update(before)


# What follows reads made-up reports: no box is needed.

NONCE = "n" * 32


@pytest.mark.parametrize(
    "report",
    [
        b"\n" * (16 << 20),
        b"ab\n" * (5 << 20),
        (NONCE + "{}\n").encode() * 400_000,
        (NONCE + '{"k":"collected","ids":[' + "[]," * (5 << 20) + "[]]}\n").encode(),
        (NONCE + "[" * (8 << 20) + "\n").encode(),
        (NONCE + '{"k":"end","code":' + "9" * 1_000_000 + "}\n").encode(),
        (NONCE + '{"k":"end","code":0}\n' + NONCE + '{"k":"end","code":0}\n').encode(),
    ],
    ids=["empty lines", "short lines", "empty objects", "ids that are lists", "depth", "a huge number", "two ends"],
)
def test_a_hostile_report_is_read_at_bounded_cost(report):
    import tracemalloc

    tracemalloc.start()
    try:
        session = read_session(report, NONCE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert session.forged
    assert peak < len(report) + 8 * MOST_LINE_BYTES


def test_a_detail_without_end_is_cut():
    line = f'{NONCE}{{"k":"collected","ids":["a"]}}\n{NONCE}{{"k":"result","id":"a","outcome":"failed","detail":"'
    session = read_session((line + "x" * 1_000_000 + '"}\n').encode(), NONCE)
    assert [len(r.detail) for r in session.results] == [MOST_DETAIL_CHARS]
