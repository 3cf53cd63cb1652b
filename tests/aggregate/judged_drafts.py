"""Judged drafts of one small task, and briefs that hold them."""

from moa_code.core.behaviour import Answer, AnswerKind, Behaviour
from moa_code.core.brief import Baseline, Brief, Judged
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.profile import Posterior, Profile
from moa_code.core.task import CheckKind, Checks, Mode, Task
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import (
    CheckOutcome,
    CheckResult,
    Counts,
    Integrity,
    Level,
    Outcome,
    Stage,
    StageOutcome,
    Verdict,
)

BASE = b"def add(a, b):\n    return a - b\n"
BLOCK = "calc.py\n<<<<<<< SEARCH\n    return a - b\n=======\n    return a + b\n>>>>>>> REPLACE\n"
FAIL = CheckOutcome.FAILED


def result(check, outcome=CheckOutcome.PASSED, detail=""):
    return CheckResult(check_id=check, outcome=outcome, detail=detail)


def judged(name, body, *results, author="", outcome=Outcome.FAILED, findings=(), regressed=(), detail=""):
    change = FileChange(path="calc.py", before=BASE, after=f"def add(a, b):\n{body}".encode())
    patch = patch_of(change)
    passed = sum(r.outcome is CheckOutcome.PASSED for r in results)
    verdict = Verdict(
        candidate_id=name,
        patch_sha256=patch.sha256,
        outcome=outcome,
        integrity=Integrity.IN_PROCESS,
        level=Level.COMPILES,
        counts=Counts(expected=2, run=len(results), passed=passed, failed=len(results) - passed),
        results=results,
        stages=(Stage(name="lint", outcome=StageOutcome.PASSED, findings=findings),),
        regressed=regressed,
        detail=detail,
    )
    origin = Origin(author=author or f"author-of-{name}", role="proposer", note="their note")
    return Judged(candidate=Candidate(candidate_id=name, patch=patch, origin=origin), verdict=verdict)


def failure(got, want):
    """As pytest writes it."""
    where = f"E    +  where {got} = add(1, 2)"
    return f"t.py:3: in test_a\n    assert add(1, 2) == {want}\nE   assert {got} == {want}\n{where}"


ONE = judged("c1", "    return a * b\n", result("t::a", FAIL, "assert 2 == 3"), result("t::b"))
TWO = judged("c2", "    return b * a\n", result("t::a", FAIL, "assert 2 == 3"), result("t::b", FAIL, "assert 0 == 9"))
THREE = judged("c3", "    x = a\n    return x + b + 1\n", result("t::a", FAIL, "assert 4 == 3"), result("t::b"))


def brief(*candidates, instruction="add() must add", tree=None, **changes):
    task = Task(
        task_id="t1",
        mode=Mode.FIX,
        instruction=instruction,
        tree=MemorySnapshot(files=tree or {"calc.py": BASE}),
        checks=Checks(kind=CheckKind.PYTEST),
    )
    return Brief(
        task=task, baseline=Baseline(results=(result("t::a", FAIL, "assert -1 == 3"),)), judged=candidates, **changes
    )


def behaviour(calls, **answers):
    """Values alone; `dies` in a list is an answer that never came."""

    def answer(text):
        kind = AnswerKind.DIED if text == "dies" else AnswerKind.VALUE
        return Answer(kind=kind, text=text, digest=f"digest of {text}")

    return Behaviour(calls=calls, answers={name: tuple(map(answer, texts)) for name, texts in answers.items()})


def profile(rate):
    return Profile(
        family="f", false_accept=Posterior(alpha=rate * 100, beta=100 - rate * 100), solves=Posterior(alpha=1, beta=1)
    )
