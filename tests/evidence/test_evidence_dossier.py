import pytest
from hypothesis import given
from hypothesis import strategies as st
from judging import judged

from moa_code.core.verdict import Finding, Outcome, Stage, StageOutcome
from moa_code.evidence.dossier import expected_and_got, facts, lines


@pytest.mark.parametrize(
    ("detail", "answer"),
    [
        ("E       assert 3 == 4\nE        +  where 3 = f(1)", ("4", "3")),
        (
            "    assert f(1) == 4\nE       assert [1, 2] == [1, 3]\nE         At index 1 diff: 2 != 3",
            ("[1, 3]", "[1, 2]"),
        ),
        ("E   AssertionError: assert 'a == b' == 'c'", ("'c'", "'a == b'")),
        ("E   assert <A object> == 4", ("4", "<A object>")),
        ("E   assert None is True", ("True", "None")),
        ("AssertionError: 3 != 4", ("4", "3")),
        ("AssertionError: 3 != 4 : the sum", ("4", "3")),
        ("AssertionError: expected 4, got 3", ("4", "3")),
        ("Expected: 4 but was: 3", ("4", "3")),
        ("E   Failed: DID NOT RAISE <class 'ValueError'>", ("raises <class 'ValueError'>", "no exception")),
        ("a.py:3: in f\nE   IndexError: list index out of range", ("", "IndexError: list index out of range")),
        ("E   assert x < 3", ("", "")),
        ("E   assert False", ("", "")),
        ("", ("", "")),
        ("E   assert " + "(" * 5000 + " == 1", ("1", "(" * 159 + "…")),
    ],
)
def test_expected_and_got(detail, answer):
    assert expected_and_got(detail) == answer


@given(st.text(max_size=60))
def test_any_text_gives_two_bounded_strings(text):
    assert all(len(side) <= 180 for side in expected_and_got(text))


def test_facts_say_who_else_fails_the_same():
    a = judged("a", "pff", details=["E  assert 1 == 2", "x"], regressed=("c2",), lines=3)
    b = judged("b", "pfp", details=["E  assert 1 == 2"])
    c = judged("c", "pfp", details=["E  assert 9 == 2"])
    first = facts([a, b, c])[0]
    assert (first.passed, first.expected, first.regressed, first.added, first.removed) == (1, 3, ("c2",), 3, 1)
    assert (first.failures[0].expected, first.failures[0].got) == ("2", "1")
    assert (first.failures[0].same, first.failures[0].also) == (("b",), ("c",))
    assert first.failures[1].same == ()


def test_the_lines_of_a_candidate():
    finding = Finding(tool="ruff", code="F821", path="a.py", line=3, message="undefined name")
    stage = Stage(name="lint", outcome=StageOutcome.FAILED, findings=(finding,))
    one = judged("a", "pf", details=["E  assert 1 == 2"], regressed=("c1",), stages=(stage,), detail="1 check fails")
    other = judged("b", "pf", details=["E  assert 1 == 2"])
    assert lines(facts([one, other]))[:6] == (
        "a: failed, 1 of 2 checks pass; +1 -1 lines in a.py",
        "  1 check fails",
        "  fails c1: expected 2, got 1",
        "    so does b, in the same way",
        "  broke c1",
        "  new finding: a.py:3 F821 undefined name",
    )


def test_failures_and_candidates_are_capped_and_the_rest_counted():
    many = [judged(f"c{n}", "f" * 20, details=["E " + "x" * 500] * 20) for n in range(30)]
    found = facts(many)
    assert (len(found[0].failures), found[0].more_failures) == (5, 15)
    text = lines(found, max_chars=3000)
    assert sum(len(line) + 1 for line in text) <= 3100
    assert text[-1].endswith("more candidates left out)")
    assert lines([]) == ()


def test_a_candidate_that_never_ran_says_why():
    one = judged("a", "", outcome=Outcome.REJECTED, detail="touches tests/test_a.py, which is protected")
    assert lines(facts([one]))[1] == "  touches tests/test_a.py, which is protected"
