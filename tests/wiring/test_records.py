"""The engine's record in a real journal: what goes in comes out."""

import pytest

from moa_code.core.calls import CallRecord, prompt_sha256
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.model import Completion, Finish, Message, Role, Usage
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.verdict import Counts, Integrity, Level, Outcome, Verdict
from moa_code.journal.store import Journal
from moa_code.wiring.records import JournalRecord

MESSAGES = (Message(role=Role.SYSTEM, text="be brief"), Message(role=Role.USER, text="mend it"))


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        yield journal


@pytest.fixture
def run_id(journal):
    return journal.start_run(kind="solve", task_id="t")


def test_steps_events_candidates_and_verdicts(journal, run_id):
    record = JournalRecord(journal, run_id)
    patch = patch_of(FileChange(path="a.py", before=b"x = 1\n", after=b"x = 2\n"))
    candidate = Candidate(candidate_id="c1", patch=patch, origin=Origin(author="small", role="proposer"))
    verdict = Verdict(
        candidate_id="c1", patch_sha256=patch.sha256, outcome=Outcome.PASSED, integrity=Integrity.IN_PROCESS,
        level=Level.WHOLE_SUITE, counts=Counts(expected=1, run=1, passed=1),
    )  # fmt: skip
    record.step("propose", "first layer", {"n": 1})
    record.event("lost", {"author": "small", "reason": "empty"})
    record.candidate(candidate)
    record.verdict(verdict)
    assert [(s["kind"], s["reason"], s["detail"]) for s in journal.steps(run_id)] == [
        ("propose", "first layer", {"n": 1})
    ]
    assert [(e["kind"], e["detail"]["reason"]) for e in journal.events(run_id)] == [("lost", "empty")]
    assert journal.candidates(run_id) == (candidate,)
    assert journal.verdicts(run_id) == (verdict,)


def call(**more):
    return CallRecord(
        order=3, task_id="t", model="small", role="proposer", messages=MESSAGES,
        prompt_sha256=prompt_sha256(MESSAGES), templates=(("proposer_system.md", "ab"),), **more,
    )  # fmt: skip


def test_a_call_that_was_answered(journal, run_id):
    usage = Usage(prompt_tokens=10, completion_tokens=5, cost_usd=0.01)
    answer = Completion(text="done", finish=Finish.STOP, usage=usage)
    JournalRecord(journal, run_id).call(call(completion=answer, usage=usage, latency_s=0.5))
    (kept,) = journal.calls(run_id)
    assert (kept["model"], kept["role"], kept["answer"], kept["finish"]) == ("small", "proposer", "done", "stop")
    assert (kept["prompt_tokens"], kept["completion_tokens"], kept["cost_usd"]) == (10, 5, 0.01)
    assert "be brief" in kept["prompt"]
    assert "mend it" in kept["prompt"]
    assert kept["detail"] == {"order": 3, "templates": {"proposer_system.md": "ab"}}


def test_a_call_that_was_lost_keeps_what_is_unknown_unknown(journal, run_id):
    JournalRecord(journal, run_id).call(call(error="429"))
    (kept,) = journal.calls(run_id)
    assert (kept["answer"], kept["error"], kept["cost_usd"], kept["prompt_tokens"]) == (None, "429", None, None)
