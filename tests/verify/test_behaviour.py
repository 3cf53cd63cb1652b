"""Asking candidates the same fresh inputs: what is planned, and how strictly the answers are read. No box."""

import asyncio
import json
from dataclasses import replace

import pytest

from moa_code.core.behaviour import AnswerKind, Behaviour
from moa_code.core.box import Ended, Observation
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.evidence.targets import find_targets
from moa_code.verify.behaviour import MOST_CUTS, MOST_TOGETHER, call_cpu_s, compare, questions_of, read_answers

BASE = b'def double(n: int) -> int:\n    """\n    >>> double(3)\n    6\n    """\n'
TEST = b"from m import double\n\n\ndef test_double():\n    assert double(5) == 10\n    assert double(40) == 80\n"
NONCE = "00ff"
TASK = Task(
    task_id=TaskId("t"),
    mode=Mode.IMPLEMENT,
    instruction="",
    tree=MemorySnapshot(files={"m.py": BASE, "tests/test_m.py": TEST}),
    checks=Checks(kind=CheckKind.PYTEST, targets=("tests",)),
    entry_point="double",
)


def candidate(name, body):
    change = FileChange(path="m.py", before=BASE, after=BASE + f"    return {body}\n".encode())
    return Candidate(
        candidate_id=CandidateId(name), patch=patch_of(change), origin=Origin(author=name, role="proposer")
    )


class Turns:
    """Keeps jobs, and answers each as `answer` says."""

    def __init__(self, answer):
        self.jobs = []
        self._answer = answer

    async def run(self, job, *, fresh=False):
        self.jobs.append(job)
        return self._answer(job)


def honest(job, most=10**6):
    """What the runner would tell: each candidate answers with the number of its last line."""
    lines = []
    for at, files in enumerate(job.payload["candidates"][:most]):
        answer = ["value", "v", files["m.py"].rpartition("return ")[2].strip()]
        lines.append({"k": "answers", "at": at, "answers": [answer] * len(job.payload["calls"])})
    return seen(lines, job.payload["nonce"])


def seen(lines, nonce, **others):
    report = "".join(f"{nonce}{json.dumps(line)}\n" for line in lines).encode()
    return Observation(ended=others.pop("ended", Ended.EXITED), exit_code=0, report=report, **others)


def compared(candidates, answer=honest, task=TASK):
    turns = Turns(answer)
    return asyncio.run(compare(turns, task, Baseline(results=()), candidates)), turns.jobs


def test_all_are_asked_the_same_in_one_job_and_equal_patches_once():
    found, jobs = compared([candidate("a", "1"), candidate("b", "2"), candidate("c", "1")])
    (job,) = jobs
    assert len(job.payload["candidates"]) == 2
    assert list(found.answers) == ["a", "b", "c"]
    assert found.answers["a"] == found.answers["c"] != found.answers["b"]
    assert len(found.calls) == len(found.answers["a"]) == len(job.payload["calls"]) > 20
    assert all(call.startswith("double(") for call in found.calls)
    assert "double(3)" not in found.calls, "the checks ask that already"


def test_edges_are_the_calls_outside_what_examples_show():
    found, _ = compared([candidate("a", "1")])
    inside = [int(call[7:-1]) for at, call in enumerate(found.calls) if at not in found.edges]
    assert min(inside) >= 2
    assert any(int(found.calls[at][7:-1]) < 1 for at in found.edges)


def test_the_same_task_is_asked_the_same_and_another_something_else():
    targets = find_targets(TASK, [candidate("a", "1").patch])
    other = replace(TASK, task_id=TaskId("other"))
    assert questions_of(TASK, targets) == questions_of(TASK, targets)
    assert questions_of(TASK, targets) != questions_of(other, targets)


def test_many_candidates_are_several_jobs():
    found, jobs = compared([candidate(f"c{n}", str(n)) for n in range(MOST_TOGETHER + 1)])
    assert [len(job.payload["candidates"]) for job in jobs] == [MOST_TOGETHER, 1]
    assert len(found.answers) == MOST_TOGETHER + 1
    assert found.answers[f"c{MOST_TOGETHER}"][0].digest == str(MOST_TOGETHER)


@pytest.mark.parametrize(
    ("task", "why"),
    [
        (replace(TASK, checks=Checks(kind=CheckKind.COMMAND, argv=("make",))), "a command"),
        (replace(TASK, tree=MemorySnapshot(files={"m.py": b"x = 1\n"}), entry_point=""), "no function"),
    ],
)
def test_where_nothing_can_be_asked_a_note_says_why(task, why):
    found, jobs = compared([candidate("a", "1")], task=task)
    assert (found.calls, dict(found.answers), jobs) == ((), {}, [])
    assert why in found.note


def test_without_candidates_there_is_nothing_to_ask():
    assert compared([]) == (Behaviour(note="there is no candidate to ask"), [])


def test_a_lost_box_is_a_note_and_no_answer():
    found, _ = compared([candidate("a", "1")], lambda job: Observation(ended=Ended.LOST, detail="gone"))
    assert (dict(found.answers), found.note) == ({}, "the box was lost: gone")


def test_who_ends_the_job_is_left_out_and_the_others_are_asked_again():
    def ended_by_b(job):
        """Tells of all before the one that returns 2, and ends there."""
        bodies = [files["m.py"].rpartition("return ")[2].strip() for files in job.payload["candidates"]]
        if "2" not in bodies:
            return honest(job)
        return replace(honest(job, most=bodies.index("2")), ended=Ended.SIGNALLED, exit_code=None, signal=9)

    found, jobs = compared([candidate(name, body) for name, body in zip("abcd", "1234", strict=True)], ended_by_b)
    assert [len(job.payload["candidates"]) for job in jobs] == [4, 2]
    assert {name: answers[0].digest for name, answers in found.answers.items()} == {"a": "1", "c": "3", "d": "4"}
    assert found.note == "a candidate ended the job (signalled)"


def test_where_every_job_ends_early_it_stops():
    found, jobs = compared(
        [candidate(str(n), str(n)) for n in range(20)], lambda job: Observation(ended=Ended.CPU_LIMIT)
    )
    assert len(jobs) == MOST_CUTS
    assert dict(found.answers) == {}
    assert "cpu_limit" in found.note


def lines(*events, nonce=NONCE):
    return seen(events, nonce).report


GOOD = {"k": "answers", "at": 0, "answers": [["value", "1", "d"]]}


@pytest.mark.parametrize(
    ("report", "known"),
    [
        (lines(GOOD), [0]),
        (lines(GOOD, {"k": "end", "code": 0}), [0]),
        (lines(GOOD, nonce="0000"), []),
        (lines({**GOOD, "answers": []}), []),
        (lines({**GOOD, "answers": [["value", "1", "d"]] * 2}), []),
        (lines({**GOOD, "at": "0"}), []),
        (lines({**GOOD, "answers": None}), []),
        (lines(GOOD)[:-1], []),
        (b"no line of ours\n" + lines(GOOD), []),
        (lines(GOOD) + NONCE.encode() + b"[" * 100_000 + b"\n" + lines({**GOOD, "at": 1}), [0]),
        (b"", []),
    ],
)
def test_reports_are_read_strictly(report, known):
    assert list(read_answers(report, NONCE, 1)) == known


@pytest.mark.parametrize("told", [None, [], ["value"], ["won", "1", "d"], ["value", 1, "d"], {"kind": "value"}])
def test_an_answer_of_another_form_cannot_be_read(told):
    found = read_answers(lines({**GOOD, "answers": [told]}), NONCE, 1)
    assert found[0][0].kind is AnswerKind.DIED


def test_what_comes_first_stands_and_texts_are_safe_to_print():
    report = lines(
        {**GOOD, "answers": [["value", "a\x1b[31mb\u202e" + "x" * 9999, "d"]]}, {**GOOD, "answers": [["died", "", ""]]}
    )
    (answer,) = read_answers(report, NONCE, 1)[0]
    assert answer.kind is AnswerKind.VALUE
    assert answer.text.isprintable()
    assert len(answer.text) < 1000


def test_methods_are_written_with_the_object_they_are_called_on():
    source = b"class Counter:\n    def __init__(self, start): pass\n    def add(self, n): pass\n"
    test = (
        b"from m import Counter\ndef test():\n    c = Counter(3)\n    assert c.add(4) == 7\n    assert c.add(1) == 8\n"
    )
    task = replace(
        TASK, tree=MemorySnapshot(files={"m.py": source, "tests/test_m.py": test}), entry_point="Counter.add"
    )
    change = FileChange(path="m.py", before=source, after=source.replace(b"pass\n", b"return 1\n"))
    (target,) = find_targets(task, [patch_of(change)])
    questions = questions_of(task, (target,))
    assert any(question.text.startswith("Counter(3).add(") for question in questions)
    assert len({question.text.partition(".")[0] for question in questions}) > 1


@pytest.mark.parametrize(("costliest_s", "expected_s"), [(0.0, 0.1), (0.02, 0.2), (9.0, 0.5)])
def test_a_call_may_use_what_checks_use(costliest_s, expected_s):
    assert call_cpu_s(Baseline(results=(), check_cpu_s=costliest_s)) == expected_s
