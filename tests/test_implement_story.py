"""From a stub and its specification to a task; from what came of it to open questions and proposed tests."""

import ast

import pytest

from moa_code.config import load_config
from moa_code.core.behaviour import Answer, AnswerKind, WrittenCheck
from moa_code.core.brief import Baseline, Judged
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.errors import ModelError, TaskError
from moa_code.core.patch import EMPTY_PATCH
from moa_code.core.run import RunResult, Status
from moa_code.core.task import CheckKind, Mode
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Level, Outcome, Verdict
from moa_code.edits.policy import may_edit
from moa_code.evidence.clusters import Difference
from moa_code.implement import (
    Opinion,
    _suspicious,
    check_team,
    evidence_of,
    proposed_tests,
    question,
    specify,
)

STUB = '''def clamp(x, low, high):
    """Keep x between low and high.

    >>> clamp(5, 0, 3)
    3
    >>> clamp(-1, 0, 3)
    0
    """


def silent(x): ...
'''


@pytest.fixture
def repo(tmp_path):
    (tmp_path / "src" / "pkg").mkdir(parents=True)
    (tmp_path / "src" / "pkg" / "__init__.py").write_text("")
    (tmp_path / "src" / "pkg" / "a.py").write_text(STUB)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text("def test_a():\n    pass\n")
    return tmp_path


def specified(repo, target="src/pkg/a.py::clamp", **more):
    return specify(repo, load_config(environment={"HOME": str(repo)}), target, **more)


def test_the_examples_become_checks_that_no_patch_may_touch(repo):
    found = specified(repo)
    task = found.task
    assert (task.mode, task.checks.kind) == (Mode.IMPLEMENT, CheckKind.ORACLE)
    assert task.checks.targets == (found.checks_path,) == ("spec_checks/test_clamp_examples.py",)
    source = task.tree.read(found.checks_path).decode()
    assert "from pkg.a import clamp" in source
    assert "assert clamp(5, 0, 3) == 3" in source
    assert task.entry_point == "src/pkg/a.py::clamp"
    assert may_edit("src/pkg/a.py", task.rules)
    assert not may_edit(found.checks_path, task.rules)
    assert not may_edit("tests/test_a.py", task.rules)


def test_the_instruction_holds_words_and_stub(repo):
    found = specified(repo, words="clamp(2, 0, 3) == 2, and it never raises.")
    assert "it never raises" in found.task.instruction
    assert "def clamp(x, low, high):" in found.task.instruction
    assert [e.call for e in found.examples.examples][-1] == "clamp(2, 0, 3)"


def test_tests_of_the_repository_may_be_asked_for_too(repo):
    found = specified(repo, test="tests")
    assert found.task.checks.kind is CheckKind.PYTEST
    assert found.task.checks.targets == ("tests", found.checks_path)


def test_the_checks_lie_beside_what_is_there(repo):
    (repo / "spec_checks").mkdir()
    (repo / "spec_checks" / "mine.py").write_text("")
    assert specified(repo).checks_path == "spec_checks_/test_clamp_examples.py"


def test_words_alone_are_a_specification_and_nothing_is_none(repo):
    assert specified(repo, "src/pkg/a.py::silent", words="Returns x. silent(1) == 1").examples.examples
    with pytest.raises(TaskError, match="nothing says what"):
        specified(repo, "src/pkg/a.py::silent")


def test_a_test_file_is_not_implemented(repo):
    (repo / "tests" / "test_b.py").write_text('def test_b():\n    """Say it."""\n')
    with pytest.raises(TaskError, match="may not be edited"):
        specified(repo, "tests/test_b.py::test_b")


def test_without_an_example_there_is_one_check_that_shows_nothing(repo):
    found = specified(repo, "src/pkg/a.py::silent", words="Do it.")
    source = found.task.tree.read(found.checks_path).decode()
    assert "assert silent is not None" in source
    assert "no example that could be read" in evidence_of(found, ())
    assert proposed_tests(found, ()) == ""


def written(name="test_x", **more):
    code = f"from pkg.a import clamp\n\n\ndef {name}():\n    assert clamp(1, 0, 2) == 1\n"
    return WrittenCheck(author="m", name=name, code=code, sentence="Keep x between low and high.", **more)


def test_the_proposed_file_holds_examples_and_kept_checks_with_their_sentence(repo):
    text = proposed_tests(specified(repo), (written(), written("test_example_1")))
    names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert names == ["test_example_1", "test_example_2", "test_x", "test_example_1_2"]
    assert "# “Keep x between low and high.” (m)\ndef test_x():" in text


def test_what_an_answer_rests_on(repo):
    found = specified(repo)
    assert evidence_of(found, ()) == "2 examples of the specification, each a check of its own; that is few"
    heard = [Opinion(check=written(), vote=vote, valid=0.9, kept=False) for vote in (True, False, None)]
    assert "passes 1 of 2 tests that a model wrote" in evidence_of(found, heard)


def test_nobody_to_ask(repo):
    config = load_config(environment={"HOME": str(repo)})
    with pytest.raises(ModelError, match="takes a model"):
        check_team(config, {})
    check_team(config, {"OPENAI_API_KEY": "sk-x"})


def says(*texts, edge=False):
    kinds = {"ValueError": AnswerKind.RAISED, "…": AnswerKind.TIMED_OUT}
    answers = tuple(Answer(kind=kinds.get(t, AnswerKind.VALUE), text=t, digest=t) for t in texts)
    return Difference(call="f([])", edge=edge, answers=answers)


@pytest.mark.parametrize(
    ("difference", "sizes", "own", "expected"),
    [
        (says("[]", "None"), [3, 2], 0, "candidates split 3:2: [] (this answer), None"),
        (says("[]", "None", "None"), [2, 2, 1], None, "candidates split 3:2: None, []"),
        (says("ValueError", "…"), [1, 1], 1, "split 1:1: raises ValueError, does not end (this answer)"),
        (says("1", "2", edge=True), [1, 1], None, "no example says what f([]) does, which is unlike all examples; "),
    ],
)
def test_an_open_question_in_words(difference, sizes, own, expected):
    assert expected in question(difference, sizes, own)


def judged(name, outcomes):
    results = tuple(
        CheckResult(check_id=f"spec_checks/test_clamp_examples.py::test_example_{n}", outcome=outcome)
        for n, outcome in enumerate(outcomes, start=1)
    )
    passed = all(outcome is CheckOutcome.PASSED for outcome in outcomes)
    verdict = Verdict(
        candidate_id=name,
        patch_sha256="",
        outcome=Outcome.PASSED if passed else Outcome.FAILED,
        integrity=Integrity.ORACLE,
        level=Level.COMPILES,
        counts=Counts(expected=len(outcomes)),
        results=results,
    )
    return Judged(
        candidate=Candidate(candidate_id=name, patch=EMPTY_PATCH, origin=Origin(author=name, role="p")), verdict=verdict
    )


def result(*candidates):
    return RunResult(
        status=Status.UNVERIFIED,
        reason="",
        baseline=Baseline(results=()),
        winner=None,
        steps=(),
        judged=candidates,
        screened=0,
        lost=(),
        spent=(),
        duration_s=0.0,
    )


P, F = CheckOutcome.PASSED, CheckOutcome.FAILED


def test_an_example_that_nobody_satisfies_is_suspected(repo):
    """HumanEval/47: the docstring's second example of median is wrong, and every model writes a right median."""
    found = specified(repo)
    (words,) = _suspicious(found, result(judged("a", (P, F)), judged("b", (P, F))))
    assert words == "no candidate satisfies the example clamp(-1, 0, 3): 0 (2 tried); it may be wrong"
    assert _suspicious(found, result(judged("a", (P, F)))) == ()
    assert _suspicious(found, result(judged("a", (P, F)), judged("b", (F, P)))) == ()
    assert _suspicious(found, result(judged("a", (P, F)), judged("b", (F, F)))) == ()
    assert _suspicious(found, result(judged("a", (P, F)), judged("b", (P, F)), judged("c", (P, P)))) == ()
