import asyncio

import pytest

from moa_code.core.brief import Baseline, Brief, Suspect
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.task import CheckId, CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Level, Outcome, Verdict
from moa_code.propose.mutate.proposer import MutateProposer, allowed, is_test, lesson
from moa_code.propose.mutate.search import Lesson

CODE = b"from b import limit\n\n\ndef f(a):\n    return a < limit(a)\n"
FILES = {
    "a.py": CODE,
    "b.py": b"def limit(x):\n    return x + 2\n",
    "tests/test_a.py": b"def test():\n    assert 1 < 0\n",
}


def suspect(path, line, score=1.0):
    return Suspect(path=path, first_line=line, last_line=line, score=score, reason="")


def result(check, outcome, detail=""):
    return CheckResult(check_id=CheckId(check), outcome=outcome, detail=detail)


SUSPECTS = (suspect("a.py", 5), suspect("tests/test_a.py", 2))
ANYTHING = EditRules()


def brief(files=FILES, suspects=SUSPECTS, rules=ANYTHING, results=()):
    task = Task(
        task_id=TaskId("t"),
        mode=Mode.FIX,
        instruction="",
        tree=MemorySnapshot(files=files),
        checks=Checks(kind=CheckKind.PYTEST),
        rules=rules,
    )
    return Brief(task=task, baseline=Baseline(results=tuple(results), suspects=tuple(suspects)))


def drafts(proposer, given, limit=100_000):
    async def read():
        found = []
        stream = proposer.drafts(given)
        async for draft in stream:
            found.append(draft)
            if len(found) >= limit:
                break
        await stream.aclose()
        return found

    return asyncio.run(read())


def candidate(draft):
    return Candidate(
        candidate_id=CandidateId("c"), patch=draft.patch, origin=Origin(author=draft.author, role="proposer")
    )


def verdict(draft, *results, outcome=Outcome.FAILED, regressed=()):
    return Verdict(
        candidate_id="c",
        patch_sha256=draft.patch.sha256,
        outcome=outcome,
        integrity=Integrity.IN_PROCESS,
        level=Level.COMPILES,
        counts=Counts(),
        results=tuple(results),
        regressed=tuple(regressed),
    )


def test_drafts_are_patches_of_suspect_files_that_may_be_edited():
    found = drafts(MutateProposer(), brief())
    assert len(found) > 50
    assert {path for d in found for path in d.patch.paths} == {"a.py"}
    assert all(d.patch.changes[0].before == CODE and d.author == "builtin:mutate" for d in found)
    assert any(b"a <= limit(a)" in d.patch.changes[0].after for d in found[:5])
    assert len({d.patch.sha256 for d in found}) == len(found)


def test_drafts_come_likeliest_first_and_say_what_they_change():
    found = drafts(MutateProposer(), brief(), limit=40)
    # A draft's prior also weighs what passing would be worth, so the order holds only by and large.
    assert sum(d.prior for d in found[:20]) > 2 * sum(d.prior for d in found[20:])
    assert found[0].note.startswith("comparison: a.py:5:")


def test_protected_files_and_tests_are_never_touched():
    rules = EditRules(protected=("a.py",))
    (only,) = drafts(MutateProposer(), brief(rules=rules))
    assert only.patch is None
    assert "a.py" in only.lost


def test_several_files_are_searched_in_one_order():
    given = brief(suspects=(suspect("a.py", 5, 0.5), suspect("b.py", 2, 1.0)))
    found = drafts(MutateProposer(), given)
    assert found[0].patch.paths == ("b.py",)
    assert {d.patch.paths for d in found} == {("a.py",), ("b.py",)}


def test_files_that_do_not_parse_are_left_out():
    (only,) = drafts(MutateProposer(), brief(files={"a.py": b"def f(:\n"}))
    assert only.lost


def test_the_encoding_of_a_file_is_kept():
    text = "# coding: latin-1\n\n\ndef f(a):\n    return a < 'ä'\n".encode("latin-1")
    found = drafts(MutateProposer(), brief(files={"a.py": text}, suspects=(suspect("a.py", 5),)), limit=30)
    assert all(b"\xe4" in d.patch.changes[0].after for d in found[:1])


def test_a_partial_fix_is_built_upon():
    files = {"a.py": b"def f(a, b):\n    x = a < b\n    y = a < b\n    return x, y\n"}
    failing = (result("t1", CheckOutcome.FAILED), result("t2", CheckOutcome.FAILED))
    given = brief(files=files, suspects=(suspect("a.py", 2), suspect("a.py", 3)), results=failing)
    wanted = b"def f(a, b):\n    x = a <= b\n    y = a <= b\n    return x, y\n"
    proposer = MutateProposer()

    async def search(judge):
        position = 0
        async for draft in proposer.drafts(given):
            position += 1
            after = draft.patch.changes[0].after
            if after == wanted:
                return position
            if judge:
                ok = [
                    CheckOutcome.PASSED if part in after else CheckOutcome.FAILED for part in (b"x = a <=", b"y = a <=")
                ]
                proposer.observe(candidate(draft), verdict(draft, result("t1", ok[0]), result("t2", ok[1])))
        return None

    assert asyncio.run(search(True)) < 200
    assert asyncio.run(search(False)) is None


def test_candidates_of_others_and_inconclusive_verdicts_teach_nothing():
    proposer = MutateProposer()
    (draft,) = drafts(MutateProposer(), brief(), limit=1)
    proposer.observe(candidate(draft), verdict(draft))
    (own,) = drafts(proposer, brief(), limit=1)
    proposer.observe(candidate(own), verdict(own, outcome=Outcome.INCONCLUSIVE))
    assert proposer.plausible == ()


def test_what_passes_is_remembered():
    proposer = MutateProposer()
    (own,) = drafts(proposer, brief(), limit=1)
    proposer.observe(candidate(own), verdict(own, outcome=Outcome.PASSED))
    assert [m.operator for m in proposer.plausible] == ["comparison"]


LESSONS = [
    ((CheckOutcome.FAILED, "same"), (), (0, 0, False)),
    ((CheckOutcome.FAILED, "other"), (), (0, 0, True)),
    ((CheckOutcome.PASSED, ""), (), (1, 0, True)),
    ((CheckOutcome.FAILED, "same"), ("t2",), (0, 1, True)),
]


@pytest.mark.parametrize(("now", "regressed", "expected"), LESSONS)
def test_lessons_compare_with_the_baseline(now, regressed, expected):
    baseline = Baseline(results=(result("t1", CheckOutcome.FAILED, "same"), result("t2", CheckOutcome.PASSED)))
    (draft,) = drafts(MutateProposer(), brief(), limit=1)
    found = lesson(baseline, verdict(draft, result("t1", *now), regressed=regressed))
    assert found == Lesson(fixed=expected[0], failing=1, regressed=expected[1], changed=expected[2])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/util.py", True),
        ("a/test_b.py", True),
        ("b_test.py", True),
        ("conftest.py", True),
        ("a/testing.py", False),
    ],
)
def test_tests_are_known_by_their_names(path, expected):
    assert is_test(path) is expected


@pytest.mark.parametrize(
    ("path", "editable", "protected", "expected"),
    [
        ("a.py", ("**",), (), True),
        ("src/a.py", ("src/**",), (), True),
        ("src/deep/a.py", ("src",), (), True),
        ("a.py", ("**/a.py",), (), True),
        ("b.py", ("a.py",), (), False),
        ("a.py", ("**",), ("a.py",), False),
    ],
)
def test_edit_rules_are_globs(path, editable, protected, expected):
    assert allowed(path, EditRules(editable=editable, protected=protected)) is expected


RATES = {
    "shop/rates.py": b"RATE = 15\n\n\ndef unused():\n    return 1\n",
    "shop/lines.py": b"class Line:\n    notes = None\n",
    "shop/price.py": b"from .rates import RATE\n\n\ndef price(n):\n    return n * RATE\n",
    "tests/test_price.py": b"def test():\n    assert False\n",
}


def test_constants_of_modules_that_suspect_code_imports_are_searched_too():
    found = drafts(MutateProposer(), brief(RATES, (suspect("shop/price.py", 5),)))
    assert {path for d in found for path in d.patch.paths} == {"shop/price.py", "shop/rates.py"}
    changed = [d.patch.changes[0].after for d in found if d.patch.paths == ("shop/rates.py",)]
    assert any(after.startswith(b"RATE = 16") for after in changed)


def test_where_no_line_is_suspect_what_ran_at_import_is_searched():
    found = drafts(MutateProposer(), brief(RATES, ()))
    assert {"shop/rates.py", "shop/lines.py"} <= {path for d in found for path in d.patch.paths}
    assert any(b"notes = []" in d.patch.changes[0].after for d in found)
