import asyncio

import pytest

from moa_code.aggregate.dossier import facts, select, texts
from moa_code.aggregate.llm import LlmAggregator
from moa_code.context.pack import pack
from moa_code.core.brief import Baseline, Brief, Judged
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.errors import ModelError
from moa_code.core.patch import EMPTY_PATCH, FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, Mode, Task
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import (
    CheckOutcome,
    CheckResult,
    Counts,
    Finding,
    Integrity,
    Level,
    Outcome,
    Stage,
    StageOutcome,
    Verdict,
)
from moa_code.edits.reply import EditFormat
from moa_code.models.scripted import ScriptedModel
from moa_code.prompts.tokens import estimate_tokens
from moa_code.propose.writer import LlmWriter

BASE = b"def add(a, b):\n    return a - b\n"
BLOCK = "calc.py\n<<<<<<< SEARCH\n    return a - b\n=======\n    return a + b\n>>>>>>> REPLACE\n"


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
    origin = Origin(author=author or f"author-of-{name}", role="proposer")
    return Judged(candidate=Candidate(candidate_id=name, patch=patch, origin=origin), verdict=verdict)


FAIL = CheckOutcome.FAILED
ONE = judged("c1", "    return a * b\n", result("t::a", FAIL, "assert 2 == 3"), result("t::b"))
TWO = judged("c2", "    return b * a\n", result("t::a", FAIL, "assert 2 == 3"), result("t::b", FAIL, "assert 0 == 9"))
THREE = judged("c3", "    x = a\n    return x + b + 1\n", result("t::a", FAIL, "assert 4 == 3"), result("t::b"))


def brief(*candidates, **changes):
    task = Task(
        task_id="t1",
        mode=Mode.FIX,
        instruction="add() must add",
        tree=MemorySnapshot(files={"calc.py": BASE}),
        checks=Checks(kind=CheckKind.PYTEST),
    )
    return Brief(
        task=task, baseline=Baseline(results=(result("t::a", FAIL, "assert -1 == 3"),)), judged=candidates, **changes
    )


def merged(wanted, *steps, edit_format=EditFormat.BLOCKS):
    async def collect():
        return [draft async for draft in aggregator.merge(wanted)]

    model, records = ScriptedModel({"strong": steps}), []
    aggregator = LlmAggregator(LlmWriter("strong", model, record=records.append), pack, edit_format=edit_format)
    (draft,) = asyncio.run(collect())
    return draft, model.requests[0].messages[1].text, records


def test_a_merged_draft_names_its_parents():
    draft, _, records = merged(brief(ONE, TWO, THREE), BLOCK)
    assert draft.patch.changes[0].after == BASE.replace(b"-", b"+")
    assert sorted(draft.parents) == ["c1", "c2", "c3"]
    assert (draft.author, records[0].role) == ("strong", "aggregator")
    assert "aggregator_system" in dict(records[0].templates)


def test_the_prompt_holds_task_code_facts_and_diffs():
    _, prompt, _ = merged(brief(ONE, TWO, feedback="draft c1 was not enough"), BLOCK)
    for text in ["add() must add", "return a - b", "+    return a * b", "+    return b * a", "draft c1 was not enough"]:
        assert text in prompt
    assert prompt.index("Facts about") < prompt.index("## Draft 1")


def test_authors_and_their_words_stay_out():
    _, prompt, _ = merged(brief(ONE, TWO), BLOCK)
    assert "author-of" not in prompt


def test_facts_are_grouped_by_check_and_said_once():
    selection = select((ONE, TWO, THREE), seed=0, max_tokens=5000)
    number = {draft.judged.candidate.candidate_id: draft.number for draft in selection.drafts}
    text = facts(selection, max_tokens=5000)
    assert text.count("assert 2 == 3") == 1
    assert text.index("Check t::a: passes in no draft that ran it") < text.index("Check t::b: passes in drafts")
    both = ", ".join(str(n) for n in sorted((number["c1"], number["c2"])))
    assert f"failed in drafts {both}:\n```\nassert 2 == 3\n```" in text
    assert f"failed in draft {number['c3']}:\n```\nassert 4 == 3\n```" in text
    assert f"Draft {number['c1']}: failed; 1 of 2 checks passed; +1 −1 lines in 1 file" in text


def test_regressions_findings_and_reasons_are_facts():
    finding = Finding(tool="ruff", code="F841", path="calc.py", line=2, message="unused\nvariable")
    bad = judged("c9", "    y = 1\n", result("t::a"), findings=(finding,), regressed=("t::b",))
    slow = judged("c8", "    while 1: pass\n", outcome=Outcome.TIMED_OUT, detail="ran for 30 s")
    text = facts(select((bad, slow), seed=0, max_tokens=5000), max_tokens=5000)
    assert "breaks what passed before: t::b" in text
    assert "new findings: F841 calc.py:2 unused variable" in text
    assert "timed out; ran for 30 s; +1 −1" in text


def test_equal_patches_are_one_draft():
    again = judged("c4", "    return a * b\n", result("t::a", FAIL), author="another")
    selection = select((ONE, again, TWO), seed=0, max_tokens=5000)
    assert len(selection.drafts) == 2
    assert "written alike by 2 authors" in facts(selection, max_tokens=5000)


def test_an_empty_patch_is_no_draft():
    empty = Judged(
        candidate=Candidate(candidate_id="c0", patch=EMPTY_PATCH, origin=ONE.candidate.origin), verdict=ONE.verdict
    )
    assert select((empty,), seed=0, max_tokens=5000).drafts == ()


def test_the_order_of_drafts_follows_the_seed_not_the_ranking():
    def order(seed):
        selection = select((ONE, TWO, THREE), seed=seed, max_tokens=5000)
        return tuple(draft.judged.candidate.candidate_id for draft in selection.drafts)

    assert order(1) == order(1)
    assert len({order(seed) for seed in range(30)}) == 6


def test_the_best_drafts_get_the_room():
    many = [judged(f"c{i}", f"    # {'x' * 300} {i}\n    return {i}\n", result("t::a", FAIL)) for i in range(20)]
    selection = select(many, seed=3, max_tokens=1000)
    kept = sorted(int(draft.judged.candidate.candidate_id[1:]) for draft in selection.drafts)
    assert kept == list(range(len(kept)))
    assert 1 <= len(kept) < 20
    assert selection.left_out == 20 - len(kept)
    assert f"{selection.left_out} further drafts" in facts(selection, max_tokens=1000)
    assert sum(estimate_tokens(d.diff) for d in selection.drafts) <= 1000


def test_a_huge_draft_does_not_push_the_others_out():
    huge = judged("c0", "    # " + "x" * 50_000 + "\n    return 1\n", result("t::a", FAIL))
    selection = select((huge, ONE, TWO), seed=0, max_tokens=2000)
    assert len(selection.drafts) == 3
    assert "characters left out" in texts(selection)


@pytest.mark.parametrize("limit", [1_500, 6_000])
def test_the_prompt_stays_within_its_limit(limit):
    results = [result(f"t::{i}", FAIL, f"assert {i} == {'y' * 900}") for i in range(40)]
    many = [judged(f"c{i}", f"    # {'x' * 900} {i}\n    return {i}\n", *results) for i in range(20)]
    wanted = brief(*many, max_prompt_tokens=limit, feedback="again " * 3000)
    _, prompt, records = merged(wanted, BLOCK)
    assert sum(estimate_tokens(m.text) for m in records[0].messages) <= limit
    assert "return a - b" in prompt
    assert "## Draft 1" in prompt


def test_without_drafts_it_writes_its_own():
    draft, prompt, _ = merged(brief(), BLOCK)
    assert draft.patch is not None
    assert "There is no draft." in prompt


def test_a_failing_model_is_a_lost_draft_with_its_parents():
    draft, _, _ = merged(brief(ONE), ModelError("busy"))
    assert (draft.lost, draft.parents) == ("busy", ("c1",))


def test_code_that_is_no_text_does_not_stop_it():
    change = FileChange(path="calc.py", before=BASE, after=b"# caf\xe9\n")
    odd = Judged(
        candidate=Candidate(candidate_id="c7", patch=patch_of(change), origin=ONE.candidate.origin), verdict=ONE.verdict
    )
    _, prompt, _ = merged(brief(odd), BLOCK)
    prompt.encode("utf-8")
    assert "caf?" in prompt
