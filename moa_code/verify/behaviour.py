"""What candidates answer to the same fresh inputs: chosen here, asked in one trip to the box, read strictly."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from moa_code.core.behaviour import Answer, AnswerKind, Behaviour
from moa_code.core.box import Ended, Job, Observation
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, CandidateId
from moa_code.core.patch import Patch
from moa_code.core.task import CheckKind, Task
from moa_code.evidence.inputs import Input, arranged, inputs_of
from moa_code.evidence.targets import NoTarget, Target, find_targets
from moa_code.verify import plan
from moa_code.verify.reading import plain
from moa_code.verify.turns import Turns

NEAR, EDGE = 44, 10  # inputs in all, inside the examples' domain and at its edge
FEWEST_NEAR, FEWEST_EDGE = 14, 4  # of one function, where there are several
MOST_TOGETHER = 24  # patches in one job
MOST_PATCH_BYTES = 4 << 20  # in one job
CALL_CPU_S = (0.1, 0.5)  # least and most that one call may use
CALL_FACTOR = 10.0  # times the costliest check of the baseline
CALLS_OF_CHILD = 10.0  # a candidate may use so many times the limit of one call
JOB_CPU_S = 60.0
MOST_CUTS = 4  # jobs that may end early before the rest is given up
MOST_TEXT = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One call: of which target, its inputs, and as a person would type it. `made`: for a method's object."""

    target: int
    given: Input
    made: Input | None
    text: str


async def compare(turns: Turns, task: Task, baseline: Baseline, candidates: Sequence[Candidate]) -> Behaviour:
    """Their answers to the same fresh inputs. Equal patches are asked once. What the box could not do is a note."""
    if task.checks.kind is CheckKind.COMMAND:
        return Behaviour(note="the checks are a command of the task, which shows no calls")
    patches = list({candidate.patch.sha256: candidate.patch for candidate in candidates}.values())
    if not patches:
        return Behaviour(note="there is no candidate to ask")
    targets = find_targets(task, patches)
    if isinstance(targets, NoTarget):
        return Behaviour(note=targets.reason)
    questions = questions_of(task, targets)
    if not questions:
        return Behaviour(note=f"no fresh input could be made for {targets[0].name}")
    answers: dict[str, tuple[Answer, ...]] = {}
    notes: list[str] = []
    waiting = _batches(patches)
    while waiting:
        batch = waiting.pop(0)
        planned = behave_job(task, targets, questions, batch, call_cpu_s(baseline))
        seen = await turns.run(planned.job)
        told = read_answers(seen.report, planned.nonce, len(questions))
        answers |= {patch.sha256: told[at] for at, patch in enumerate(batch) if at in told}
        missing = [patch for at, patch in enumerate(batch) if at not in told]
        if missing:
            notes.append(_cut(seen))
        if len(missing) > 1 and seen.ended is not Ended.LOST and len(notes) < MOST_CUTS:
            waiting.append(missing[1:])  # the first of them was being asked when the job ended
    found: Mapping[CandidateId, tuple[Answer, ...]] = {
        candidate.candidate_id: answers[candidate.patch.sha256]
        for candidate in candidates
        if candidate.patch.sha256 in answers
    }
    if not found:
        return Behaviour(note=notes[0])
    return Behaviour(
        calls=tuple(question.text for question in questions),
        answers=found,
        note="; ".join(notes),
        edges=frozenset(at for at, q in enumerate(questions) if q.given.edge or (q.made is not None and q.made.edge)),
    )


def questions_of(task: Task, targets: Sequence[Target]) -> tuple[Question, ...]:
    """The same calls for the same task and functions, in order: inside the domain first, function by function."""
    near, edge = max(FEWEST_NEAR, NEAR // len(targets)), max(FEWEST_EDGE, EDGE // len(targets))
    seed = int(hashlib.sha256(f"{task.task_id}\0{task.tree.digest}".encode()).hexdigest()[:12], 16)
    found = []
    for number, target in enumerate(targets):
        given = inputs_of(target.domain, near=near, edge=edge, seed=seed)
        if target.made is None:
            found += [Question(target=number, given=one, made=None, text=f"{target.name}({one.text})") for one in given]
            continue
        holder, _, method = target.name.rpartition(".")
        made = _objects(target, near, seed)
        for at, one in enumerate(given or (Input(args=(), kwargs={}),) * len(made)):
            new = made[at % len(made)]
            text = f"{holder}({new.text}).{method}({one.text})"
            found.append(Question(target=number, given=one, made=new, text=text))
    return tuple({question.text: question for question in found}.values())


def _objects(target: Target, count: int, seed: int) -> list[Input]:
    """Arguments for the constructor: those of the examples, which are known to do, and fresh ones."""
    assert target.made is not None
    fresh = inputs_of(target.made, near=count // 2, edge=0 if target.made.shown else count // 2, seed=seed + 1)
    shown = [arranged(target.made, values) for values in target.made.examples]
    unique = list({one.text: one for one in [*shown, *fresh]}.values())
    return unique or [Input(args=(), kwargs={})]


def _batches(patches: Sequence[Patch]) -> list[list[Patch]]:
    batches: list[list[Patch]] = [[]]
    size = 0
    for patch in patches:
        weight = sum(len(change.after or b"") for change in patch.changes)
        if batches[-1] and (len(batches[-1]) >= MOST_TOGETHER or size + weight > MOST_PATCH_BYTES):
            batches.append([])
            size = 0
        batches[-1].append(patch)
        size += weight
    return batches


def call_cpu_s(baseline: Baseline) -> float:
    """CPU seconds that one call may use."""
    least, most = CALL_CPU_S
    return min(most, max(least, CALL_FACTOR * baseline.check_cpu_s))


def behave_job(
    task: Task, targets: Sequence[Target], questions: Sequence[Question], patches: Sequence[Patch], call_s: float
) -> plan.Planned:
    """One job that asks every question of every patch."""
    nonce = secrets.token_hex(16)
    exit_code = 32 + secrets.randbelow(200)
    child_s = CALLS_OF_CHILD * call_s
    source = any(path.startswith("src/") for path in task.tree.paths())
    payload = {
        "targets": [
            {
                "path": target.path,
                "module": target.module,
                "name": target.name,
                "kind": "function" if target.made is None else "method",
            }
            for target in targets
        ],
        "calls": [[q.target, "" if q.made is None else _source(q.made), _source(q.given)] for q in questions],
        "sys_path": ["", *(["src"] if source else [])],
        "call_cpu_s": call_s,
        "child_cpu_s": child_s,
        "memory_bytes": task.limits.memory_bytes,
        "candidates": [
            {
                change.path: None if change.after is None else change.after.decode("utf-8", "surrogateescape")
                for change in patch.changes
            }
            for patch in patches
        ],
        "nonce": nonce,
        "exit_code": exit_code,
    }
    cpu_s = min(JOB_CPU_S, 5.0 + len(patches) * (child_s + 1.0))
    limits = replace(
        task.limits, cpu_s=cpu_s, wall_s=cpu_s * plan.WALL_FACTOR + plan.WALL_FLOOR_S, pids=max(8, task.limits.pids)
    )
    job = Job(tree=task.tree, entry="behave", payload=payload, limits=limits, sealed=plan.sealed_paths(task))
    return plan.Planned(job=job, nonce=nonce, exit_code=exit_code)


def _source(one: Input) -> str:
    return repr((one.args, dict(one.kwargs)))


def read_answers(report: bytes, nonce: str, count: int) -> dict[int, tuple[Answer, ...]]:
    """Answers by candidate; one that was not asked everything is left out."""
    found: dict[int, tuple[Answer, ...]] = {}
    for line in report.split(b"\n")[:-1]:
        if not line.startswith(nonce.encode()):
            break
        try:
            event = json.loads(line[len(nonce) :])
        except (ValueError, RecursionError):
            break
        match event:
            case {"k": "answers", "at": int(at), "answers": list(answers)} if len(answers) == count:
                read = [_answer(answer) for answer in answers]
                if at not in found:
                    found[at] = tuple(read)
            case _:
                continue
    return found


def _answer(told: object) -> Answer:
    match told:
        case [str(kind), str(text), str(digest)] if kind in set(AnswerKind):
            return Answer(kind=AnswerKind(kind), text=plain(text[:MOST_TEXT]), digest=digest)
        case _:
            return Answer(kind=AnswerKind.DIED, text="its answer cannot be read", digest="died")


def _cut(seen: Observation) -> str:
    """Why the job did not come to all candidates."""
    if seen.ended is Ended.LOST:
        return f"the box was lost: {seen.detail}"
    words = seen.stderr.decode("utf-8", "replace").strip().splitlines()
    why = f"exit status {seen.exit_code}" if seen.ended is Ended.EXITED else str(seen.ended)
    said = f": {plain(words[-1])}" if words and seen.ended is Ended.EXITED else ""
    return f"a candidate ended the job ({why}{said})"
