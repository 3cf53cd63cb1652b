"""The facts under a patch: what is believed, where others that pass differ, which lines no check exercises."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from moa_code.cli.evidence import evidence_lines, ranges
from moa_code.core.behaviour import Answer, AnswerKind, Behaviour
from moa_code.core.brief import Baseline, Judged
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.run import RunResult, Status
from moa_code.core.verdict import Counts, Integrity, Level, Outcome, Verdict


def answer(text, kind=AnswerKind.VALUE):
    return Answer(kind=kind, text=text, digest=text)


def result(**more):
    patch = patch_of(FileChange(path="a.py", before=b"x\n", after=b"y\n"))
    candidate = Candidate(
        candidate_id="c2", patch=patch, origin=Origin(author="small", role="minimiser", parents=("c1",))
    )
    verdict = Verdict(
        candidate_id="c2",
        patch_sha256="",
        outcome=Outcome.PASSED,
        integrity=Integrity.ORACLE,
        level=Level.MINIMISED,
        counts=Counts(expected=3, run=3, passed=3),
    )
    winner = Judged(candidate=candidate, verdict=verdict)
    found = RunResult(
        status=Status.VERIFIED, reason="", baseline=Baseline(results=()), winner=winner, steps=(), judged=(winner,),
        screened=0, lost=(), spent=(), duration_s=1.0,
    )  # fmt: skip
    return replace(found, **more)


def lines_of(found, word):
    solved = SimpleNamespace(result=found, run_id="r1")
    return [line for line in evidence_lines(solved, "apply it") if line.startswith(f"  {word} ")]


def test_belief_is_said_as_doubt():
    (line,) = lines_of(result(belief=0.93), "caution")
    assert "7% likely to be wrong" in line
    (line,) = lines_of(result(), "caution")
    assert "were wrong in measurements" in line


def test_where_others_that_pass_differ():
    behaviour = Behaviour(
        calls=("f([])", "f([1])"),
        answers={
            "c1": (answer("0"), answer("1")),
            "c3": (answer("ValueError", AnswerKind.RAISED), answer("1")),
            "c4": (answer("ValueError", AnswerKind.RAISED), answer("1")),
        },
    )
    (line,) = lines_of(result(behaviour=behaviour), "differs")
    assert line == "  differs     f([]) is 0 here, raises ValueError (2) in others that pass"
    assert lines_of(result(behaviour=Behaviour(note="nothing could be asked")), "differs") == []


def test_lines_that_no_check_exercises():
    found = result(unexercised={"a.py": (3, 4, 9), "b.py": ()})
    assert lines_of(found, "unchecked") == ["  unchecked   a.py:3-4, 9: lines that no check exercises"]


@pytest.mark.parametrize(
    ("lines", "text"), [((), ""), ((4,), "4"), ((4, 5), "4-5"), ((9, 1, 2, 3), "1-3, 9"), ((1, 3, 5), "1, 3, 5")]
)
def test_ranges(lines, text):
    assert ranges(lines) == text
