import asyncio

import pytest
from judged_drafts import BASE, BLOCK, FAIL, ONE, THREE, TWO, brief, judged, result

from moa_code.aggregate.llm import LlmAggregator
from moa_code.aggregate.refine import LlmRefiner
from moa_code.context.pack import pack
from moa_code.core.brief import Judged
from moa_code.core.candidate import Candidate
from moa_code.core.errors import ModelError
from moa_code.core.patch import FileChange, patch_of
from moa_code.edits.reply import EditFormat
from moa_code.models.scripted import ScriptedModel
from moa_code.prompts.tokens import estimate_tokens
from moa_code.propose.writer import LlmWriter

FIXED = BASE.replace(b"-", b"+")


def asked(kind, wanted, *steps, **settings):
    async def collect():
        return [draft async for draft in author.merge(wanted)]

    model, records = ScriptedModel({"strong": steps}), []
    author = kind(
        LlmWriter("strong", model, record=records.append), pack, **{"edit_format": EditFormat.BLOCKS, **settings}
    )
    (draft,) = asyncio.run(collect())
    return draft, model.requests[0].messages[1].text, records


def merged(wanted, *steps, **settings):
    return asked(LlmAggregator, wanted, *steps, **settings)


def refined(wanted, *steps, **settings):
    return asked(LlmRefiner, wanted, *steps, **settings)


def test_a_merged_draft_names_its_parents():
    draft, _, records = merged(brief(ONE, TWO, THREE), BLOCK)
    assert draft.patch.changes[0].after == FIXED
    assert sorted(draft.parents) == ["c1", "c2", "c3"]
    assert (draft.author, records[0].role) == ("strong", "aggregator")
    assert "aggregator_system" in dict(records[0].templates)


def test_the_prompt_holds_task_code_facts_and_diffs():
    _, prompt, _ = merged(brief(ONE, TWO, feedback="that was not enough"), BLOCK)
    for text in ["add() must add", "return a - b", "+    return a * b", "+    return b * a", "that was not enough"]:
        assert text in prompt
    assert prompt.index("Facts about") < prompt.index("## Draft 1")


def test_authors_and_their_words_stay_out():
    _, prompt, _ = merged(brief(ONE, TWO), BLOCK)
    assert "author-of" not in prompt
    assert "their note" not in prompt


@pytest.mark.parametrize("limit", [1_500, 6_000])
@pytest.mark.parametrize("ask", [merged, refined])
def test_the_prompt_stays_within_its_limit(limit, ask):
    results = [result(f"t::{i}", FAIL, f"assert {i} == {'y' * 900}") for i in range(40)]
    many = [judged(f"c{i}", f"    # {'x' * 900} {i}\n    return {i}\n", *results) for i in range(20)]
    wanted = brief(*many, max_prompt_tokens=limit, feedback="again " * 3000, instruction="add() must add " * 5)
    _, prompt, records = ask(wanted, BLOCK)
    assert sum(estimate_tokens(m.text) for m in records[0].messages) <= limit
    assert "return a - b" in prompt
    assert "+    # xxx" in prompt
    assert "add() must add " * 4 in prompt


@pytest.mark.parametrize("ask", [merged, refined])
def test_drafts_do_not_push_the_task_or_the_code_out(ask):
    """The whole instruction, and the code of a suspect file, whatever drafts there are."""
    instruction = " ".join(f"Word{n}" for n in range(400))
    tree = {"calc.py": BASE + b"\n" + b"# important line\n" * 60, "far.py": b"x = 1\n" * 5000}
    many = [judged(f"c{i}", f"    # {'x' * 3000} {i}\n    return {i}\n", result("t::a", FAIL)) for i in range(20)]
    _, prompt, _ = ask(brief(*many, instruction=instruction, tree=tree, max_prompt_tokens=4_000), BLOCK)
    assert instruction in prompt
    assert prompt.count("# important line") == 60


def test_what_drafts_leave_goes_to_the_code():
    tree = {"calc.py": BASE, "far.py": b"".join(b"x%d = %d\n" % (n, n) for n in range(600))}
    _, prompt, _ = merged(brief(ONE, tree=tree, max_prompt_tokens=4_500), BLOCK)
    assert "x599 = 599" in prompt


def test_feedback_names_drafts_as_the_letter_does():
    feedback = "Your candidate c2: failed.\nCandidate c1 passed t::c1, your candidate c2 breaks it, candidate c7 not."
    _, prompt, _ = merged(brief(ONE, TWO, feedback=feedback), BLOCK)
    first = 1 if prompt.index("return a * b") < prompt.index("return b * a") else 2
    second = 3 - first
    said = f"Your draft {second}: failed.\nDraft {first} passed t::c1, your draft {second} breaks it, candidate c7 not."
    assert said in prompt


def test_without_drafts_it_writes_its_own():
    draft, prompt, _ = merged(brief(), BLOCK)
    assert draft.patch is not None
    assert "There is no draft." in prompt


@pytest.mark.parametrize("ask", [merged, refined])
def test_a_failing_model_is_a_lost_draft_with_its_parents(ask):
    draft, _, _ = ask(brief(ONE), ModelError("busy"))
    assert (draft.lost, draft.parents) == ("busy", ("c1",))


@pytest.mark.parametrize("ask", [merged, refined])
def test_no_patch_is_a_legal_answer(ask):
    draft, _, records = ask(brief(ONE), "NO PATCH: the checks contradict the task")
    assert draft.lost == "no patch: the checks contradict the task"
    assert len(records) == 1
    assert "NO PATCH" in records[0].messages[0].text


@pytest.mark.parametrize("ask", [merged, refined])
def test_code_that_is_no_text_does_not_stop_it(ask):
    change = FileChange(path="calc.py", before=BASE, after=b"# caf\xe9\n")
    odd = Judged(
        candidate=Candidate(candidate_id="c7", patch=patch_of(change), origin=ONE.candidate.origin), verdict=ONE.verdict
    )
    _, prompt, _ = ask(brief(odd), BLOCK)
    prompt.encode("utf-8")
    assert "caf?" in prompt


def test_a_refiner_reads_one_candidate():
    draft, prompt, records = refined(brief(TWO, feedback="c1 passed t::b, your c2 breaks it."), BLOCK, role="reasoner")
    assert draft.patch.changes[0].after == FIXED
    assert (draft.parents, records[0].role) == (("c2",), "reasoner")
    for text in ["add() must add", "return a - b", "+    return b * a", "assert 0 == 9", "your c2 breaks it"]:
        assert text in prompt
    assert "Draft" not in prompt
    assert {"refiner_system", "refiner_user"} <= set(dict(records[0].templates))


def test_who_starts_anew_reads_failures_and_no_attempt():
    draft, prompt, records = refined(brief(ONE, TWO, THREE, anew=True), BLOCK)
    assert draft.parents == ()
    assert "Attempts so far: 3" in prompt
    assert "assert 0 == 9" in prompt
    assert "return a * b" not in prompt
    assert "+" not in prompt.partition("# How all attempts failed")[2].partition("# Your edit")[0]
    assert "anew_user" in dict(records[0].templates)


def test_who_starts_anew_with_nothing_tried_just_writes():
    _, prompt, _ = refined(brief(), BLOCK)
    assert "Nothing was tried yet." in prompt
