"""What is printed and remembered of hostile patches; the patches themselves are cases (cases_*.py)."""

from dataclasses import replace

import pytest
from docker_bench import candidate_of, edit, task_of

from moa_code.core.patch import patch_of
from moa_code.core.task import CheckKind, Checks
from moa_code.core.verdict import Outcome

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


@pytest.fixture(scope="module")
def task():
    return task_of({"m.py": START, "tests/test_m.py": TESTS})


@pytest.fixture(scope="module")
def baseline(judge, task):
    return judge.baseline(task)


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
