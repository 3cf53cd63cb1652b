"""The oracle on public benchmarks: every reference passes from outside, everything wrong fails. Needs the data sets."""

import os

import pytest
from oracle_suites import Pairs, human_eval, human_eval_plus, mbpp, polyglot, quixbugs

pytestmark = [pytest.mark.data, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

INSIDE_ALONE = {
    "grep": "patches `open`",
    "paasio": "derives from and patches `super`, and hands mocks to the candidate",
}
"""Exercises whose checks stay in the candidate's interpreter, and why."""


@pytest.fixture(scope="module")
def pairs():
    with Pairs() as opened:
        yield opened


def wrong_verdicts(pairs, questions, **limits):
    """Names of references that fail and of wrong candidates that pass, with what was said; prints what it took."""
    failing, passing, seconds, calls, count = {}, [], 0.0, 0, 0
    for question in questions:
        right = question.run(pairs, **limits)
        count, calls, seconds = count + 1, calls + question.calls, seconds + right.seconds
        if not right.passed:
            failing[question.name] = right.failing or right.broken or right.stdout
        if question.run(pairs, wrong=True, **limits).passed:
            passing.append(question.name)
    print(f"{count} candidates, {1000 * seconds / count:.1f} ms each, {1000 * seconds / calls:.2f} ms a call", end=" ")
    return count, failing, passing


def test_human_eval(pairs):
    assert wrong_verdicts(pairs, human_eval(), cpu_s=20, wall_s=60) == (164, {}, [])


def test_mbpp(pairs):
    """Every fifth task; with MOA_TEST_ALL set all of them, which takes a minute and a half."""
    step, count = (1, 974) if os.environ.get("MOA_TEST_ALL") else (5, 195)
    assert wrong_verdicts(pairs, mbpp(step), cpu_s=20, wall_s=60) == (count, {}, [])


def test_human_eval_plus(pairs):
    questions = list(human_eval_plus(step=8, most_inputs=200))
    count, failing, passing = wrong_verdicts(pairs, questions, cpu_s=20, wall_s=60)
    assert (failing, passing) == ({}, [])
    assert count == 20
    assert sum(question.calls for question in questions) > 2000


def test_quixbugs(pairs):
    assert wrong_verdicts(pairs, quixbugs(), cpu_s=2, wall_s=8) == (40, {}, [])


def test_polyglot(pairs):
    """References pass from outside, check by check; stubs fail. What must stay inside is known before any candidate."""
    inside, checks = set(), 0
    for question in polyglot():
        session = question.run(pairs, cpu_s=10, wall_s=40)
        stub = question.run(pairs, wrong=True, cpu_s=10, wall_s=40)
        assert not stub.passed, question.name
        if session.inexpressible or not question.separation.modules:
            inside.add(question.name)
            assert not set(session.failing) - set(session.inexpressible), question.name
            continue
        assert session.passed, (question.name, session.failing)
        checks += len(session.outcomes)
    assert inside == set(INSIDE_ALONE)
    assert checks == 584 - 25 - 25


def test_graph_programs_are_judged_from_outside():
    """The nine programs of QuixBugs that work on graphs of the candidate's own nodes."""
    graphs = [question for question in quixbugs() if question.entry == "split"]
    assert len(graphs) == 9
    for question in graphs:
        assert question.separation.modules, question.name
        assert not question.separation.unfit, question.name
