"""The story of `implement`: from a stub and its specification to a patch, proposed tests and open questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from moa_code.config import Config
from moa_code.context.example_checks import example_checks
from moa_code.context.examples import Examples, examples_in
from moa_code.core.behaviour import Answer, AnswerKind, Behaviour, WrittenCheck
from moa_code.core.brief import Judged
from moa_code.core.candidate import Candidate, CandidateId
from moa_code.core.errors import ModelError, TaskError
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.run import RunResult, Status
from moa_code.core.task import CheckId, CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot, Snapshot
from moa_code.core.verdict import CheckOutcome, Outcome
from moa_code.edits.merged_tests import merged_tests
from moa_code.edits.policy import PROTECTED_BY_DEFAULT, may_edit
from moa_code.edits.stubs import Stub, find_stub, with_docstring
from moa_code.engine.events import Listener
from moa_code.evidence.clusters import Difference, clusters, differences
from moa_code.evidence.dual import dual, kept
from moa_code.fix import checks_of
from moa_code.policies import from_spec
from moa_code.policies.from_spec import FEW_EXAMPLES, Writing
from moa_code.prompts.compose import fenced
from moa_code.propose.check_reader import Rejected, read_checks
from moa_code.propose.checks import WRITER_ROLE, subject_of
from moa_code.repo.working_tree import FileId, snapshot
from moa_code.report.documents import run_document
from moa_code.solve import Solved, diff_of, solve
from moa_code.wiring.crew import team_of
from moa_code.wiring.session import Session
from moa_code.wiring.strategies import policy_of

FOLDER = "spec_checks"
MOST_QUESTIONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Specified:
    """A function to be written: its stub, what the specification shows of it, and the task made from both.

    `checks_path` is the file of the examples in the task's tree.
    """

    stub: Stub
    examples: Examples
    task: Task
    checks_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What became of one written check: the winner's answer to it, how probably it is valid, whether it is proposed."""

    check: WrittenCheck
    vote: bool | None
    valid: float
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Implemented:
    """What came of it. `tests` is a file proposed beside the patch, empty where there is nothing to propose;
    `ambiguities` are sentences; `evidence` says what the answer rests on; `rejected` are tests that a model wrote and
    that were never run.
    """

    solved: Solved
    specified: Specified
    opinions: tuple[Opinion, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    tests: str = ""
    ambiguities: tuple[str, ...] = ()
    evidence: str = ""


def specify(
    directory: Path,
    config: Config,
    target: str,
    *,
    words: str = "",
    test: str = "",
    leave_out: frozenset[FileId] = frozenset(),
) -> Specified:
    """The task of writing `target` (`path::function`) in the repository at `directory`, by its docstring and `words`.

    The examples of both are its checks; `test` names checks of the repository's own that must pass too. Raises
    `TaskError` when there is no such stub, or its specification says nothing.
    """
    path, _, name = target.partition("::")
    if not name or not path.endswith(".py"):
        raise TaskError(f"{target!r} names no function", remedy="moa-code implement PATH::FUNCTION, e.g. lib/a.py::f")
    if not directory.is_dir():
        raise TaskError(f"{directory} is not a folder", remedy="name the repository: --repo DIR")
    tree = snapshot(directory, leave_out=leave_out)
    stub = find_stub(tree, path.removeprefix("./"), name)
    if not (stub.docstring.strip() or words.strip()):
        raise TaskError(
            f"nothing says what {target} is to do: it has no docstring",
            remedy="write one, or give the specification with --spec FILE (- reads standard input)",
        )
    found = examples_in(f"{stub.docstring}\n\n{words}", stub.called, stub.parameters, stub.names)
    checks_path = _free_path(tree, stub)
    source = example_checks(found.examples, stub.module, stub.names) if found.examples else _no_example(stub)
    rules = EditRules(
        editable=(stub.path,),
        protected=tuple(dict.fromkeys((*PROTECTED_BY_DEFAULT, *config.edits.protected, checks_path))),
        max_patch_bytes=config.edits.max_patch_bytes,
        max_files=config.edits.max_files,
    )
    if not may_edit(stub.path, rules):
        raise TaskError(f"{stub.path} may not be edited: it is a test, or protected", remedy="moa-code config show")
    task = Task(
        task_id=TaskId(f"{directory.resolve().name}-{name}"),
        mode=Mode.IMPLEMENT,
        instruction=_instruction(stub, words),
        tree=_with_file(tree, checks_path, source),
        checks=_checks(tree, test, checks_path),
        limits=config.limits,
        rules=rules,
        entry_point=f"{stub.path}::{name}",
    )
    return Specified(stub=stub, examples=found, task=task, checks_path=checks_path)


def check_team(config: Config, environment: Mapping[str, str]) -> None:
    """Raise `ModelError` when nobody on the team can write a function."""
    team = team_of(config, environment)
    if all(seat.is_builtin for seat in team.proposers) and team.aggregator.is_builtin:
        raise ModelError(
            "to implement a function takes a model, and no provider's key is set",
            remedy="set a key such as OPENAI_API_KEY, or name a model: --proposer openai/NAME@http://HOST:PORT/v1",
        )


async def implement(
    session: Session,
    specified: Specified,
    *,
    writing: Writing,
    listen: Listener,
    directory: str = "",
    on_start: Callable[[Callable[[], None]], None] = lambda _: None,
) -> Implemented:
    """Solve the task, then weigh what passed: which tests to propose, and what the specification leaves open."""
    policy = partial(
        from_spec.next_steps,
        inner=policy_of(session.config.strategy),
        writing=writing,
        examples=len(specified.examples.examples),
    )
    solved = await solve(
        session,
        specified.task,
        command="implement",
        listen=listen,
        directory=directory,
        on_start=on_start,
        policy=policy,
    )
    result = solved.result
    if result.status in (Status.INTERRUPTED, Status.TIME_LIMIT):
        return Implemented(solved=solved, specified=specified, evidence=evidence_of(specified, ()))
    opinions = await _opinions(session, specified.task, result)
    questions = (*_suspicious(specified, result), *await _open_questions(session, specified.task, result))
    return Implemented(
        solved=await _with_its_words(session, specified, solved),
        specified=specified,
        opinions=opinions,
        rejected=_rejected(session, specified.task, solved.run_id),
        tests=proposed_tests(specified, tuple(o.check for o in opinions if o.kept)),
        ambiguities=(*specified.examples.contradictions, *questions),
        evidence=evidence_of(specified, opinions),
    )


def proposed_tests(specified: Specified, written: Sequence[WrittenCheck]) -> str:
    """The examples and the kept checks as one file of tests; empty when there are none."""
    parts = []
    if specified.examples.examples:
        source = specified.task.tree.read(specified.checks_path).decode()
        parts.append(("Examples of the specification.", source))
    parts += [(f"“{check.sentence}” ({check.author})", check.code) for check in written]
    return merged_tests(f"Tests of {specified.stub.name}, from its specification.", parts) if parts else ""


def evidence_of(specified: Specified, opinions: Sequence[Opinion]) -> str:
    """What an answer that passes rests on, in a sentence or two."""
    count = len(specified.examples.examples)
    if not count:
        said = "the specification shows no example that could be read, so no check tells right from wrong"
    else:
        said = f"{count} example{'s' if count > 1 else ''} of the specification, each a check of its own"
        said += "; that is few" if count < FEW_EXAMPLES else ""
    heard = [opinion for opinion in opinions if opinion.vote is not None]
    if heard:
        passed = sum(opinion.vote is True for opinion in heard)
        said += f"; it passes {passed} of {len(heard)} tests that a model wrote, which prove nothing alone"
    return said


async def _with_its_words(session: Session, specified: Specified, solved: Solved) -> Solved:
    """What was verified, with the docstring that its author left out put back and all of it confirmed once more."""
    result, task, path = solved.result, specified.task, specified.stub.path
    if result.status is not Status.VERIFIED or result.winner is None or result.baseline is None:
        return solved
    candidate = result.winner.candidate
    before = task.tree.read(path)
    changes = {change.path: change for change in candidate.patch.changes}
    after = changes[path].after if path in changes else None
    if after is None:
        return solved
    made = with_docstring(before.decode("utf-8", "replace"), after.decode("utf-8", "replace"), specified.stub.name)
    changes[path] = FileChange(path=path, before=before, after=made.encode())
    if changes[path].after == after:
        return solved
    origin = replace(
        candidate.origin, parents=(candidate.candidate_id,), note=f"{candidate.origin.note}; its docstring put back"
    )
    name = CandidateId(f"{candidate.candidate_id}d")
    whole = Candidate(candidate_id=name, patch=patch_of(*changes.values()), origin=origin)
    verdict = await session.verifier.confirm(task, result.baseline, whole)
    if not verdict.passed or verdict.level < result.winner.verdict.level:
        return solved
    winner = Judged(candidate=whole, verdict=verdict)
    result = replace(result, winner=winner, judged=(*result.judged, winner))
    diff = diff_of(task, whole.patch)
    document = run_document("implement", solved.run_id, task.task_id, result, diff)
    session.journal.add_candidate(solved.run_id, whole)
    session.journal.add_verdict(solved.run_id, verdict)
    session.journal.finish_run(solved.run_id, result.status.value, document, winner=name)
    return replace(solved, result=result, diff=diff, document=document)


async def _opinions(session: Session, task: Task, result: RunResult) -> tuple[Opinion, ...]:
    winner = result.winner
    if winner is None or result.baseline is None or not result.written or not winner.verdict.passed:
        return ()
    voters = {j.candidate.candidate_id: j.candidate for j in (*_passing(result), winner)}
    votes = {
        name: await session.verifier.vote(task, result.baseline, candidate, result.written)
        for name, candidate in voters.items()
    }
    alike = _alike(result.behaviour)
    groups = {name: alike.get(name, str(name)) for name in voters}
    name = winner.candidate.candidate_id
    told = dual(votes, result.written, clusters=groups)
    worth = {id(check) for check in kept(votes, result.written, name, clusters=groups)}
    return tuple(
        Opinion(check=check, vote=vote, valid=valid, kept=id(check) in worth)
        for check, vote, valid in zip(result.written, votes[name], told.checks, strict=True)
    )


def _rejected(session: Session, task: Task, run_id: str) -> tuple[Rejected, ...]:
    """What the writers of checks wrote and the screening refused, read once more from the journal."""
    replies = [call for call in session.journal.calls(run_id) if call["role"] == WRITER_ROLE and call["answer"]]
    subject = subject_of(task)
    return tuple(
        one for call in replies for one in read_checks(str(call["answer"]), str(call["model"]), subject).rejected
    )


async def _open_questions(session: Session, task: Task, result: RunResult) -> tuple[str, ...]:
    """Inputs on which candidates that pass everything differ: there the specification does not decide."""
    drafts = {j.candidate.candidate_id: j.candidate for j in _passing(result)}
    if len(drafts) < 2 or result.baseline is None:
        return ()
    behaviour = result.behaviour
    if behaviour is None or not drafts.keys() <= behaviour.answers.keys():
        behaviour = await session.verifier.distinguish(task, result.baseline, tuple(drafts.values()))
    parts = clusters(behaviour, drafts)
    sizes = [len(cluster.members) for cluster in parts]
    chosen = result.winner.candidate.candidate_id if result.winner else None
    own = next((at for at, cluster in enumerate(parts) if chosen in cluster.members), None)
    return tuple(question(found, sizes, own) for found in differences(behaviour, parts, most=MOST_QUESTIONS))


def question(found: Difference, sizes: Sequence[int], own: int | None = None) -> str:
    """One difference as a sentence, the answer of most candidates first; `own` is the winner's place among them."""
    counted: dict[str, int] = {}
    for answer, size in zip(found.answers, sizes, strict=True):
        counted[_said(answer)] = counted.get(_said(answer), 0) + size
    order = sorted(counted, key=lambda words: -counted[words])
    split = ":".join(str(counted[words]) for words in order)
    here = "" if own is None else _said(found.answers[own])
    told = ", ".join(f"{words} (this answer)" if words == here else words for words in order)
    far = ", which is unlike all examples" if found.edge else ""
    return f"no example says what {found.call} does{far}; candidates split {split}: {told}"


def _said(answer: Answer) -> str:
    match answer.kind:
        case AnswerKind.VALUE:
            return answer.text
        case AnswerKind.RAISED:
            return f"raises {answer.text}"
        case AnswerKind.TIMED_OUT:
            return "does not end"
        case AnswerKind.DIED:
            return "ends its process"
        case AnswerKind.UNSTABLE:
            return "now this, now that"


def _suspicious(specified: Specified, result: RunResult) -> tuple[str, ...]:
    """Examples that every candidate fails which passes some other one: perhaps they are wrong."""
    failing: dict[CheckId, int] = {}
    tried = 0
    for judged in result.judged:
        failed = {r.check_id for r in judged.verdict.results if r.outcome is not CheckOutcome.PASSED}
        if judged.verdict.outcome is Outcome.FAILED and len(failed) < judged.verdict.counts.expected:
            tried += 1
            for name in failed:
                failing[name] = failing.get(name, 0) + 1
    if tried < 2 or any(j.verdict.passed for j in result.judged):
        return ()
    names = {
        CheckId(f"{specified.checks_path}::test_example_{number}"): example
        for number, example in enumerate(specified.examples.examples, start=1)
    }
    return tuple(
        f"no candidate satisfies the example {example.call}: {example.claim} ({tried} tried); it may be wrong"
        for name, example in names.items()
        if failing.get(name, 0) == tried
    )


def _passing(result: RunResult) -> list[Judged]:
    return [j for j in result.judged if j.verdict.passed]


def _alike(behaviour: Behaviour | None) -> dict[CandidateId, str]:
    found = clusters(behaviour) if behaviour is not None else ()
    return {member: str(number) for number, cluster in enumerate(found) for member in cluster.members}


def _checks(tree: Snapshot, test: str, checks_path: str) -> Checks:
    """The examples alone, judged from another process; with tests of the repository's own, by pytest."""
    if not test:
        return Checks(kind=CheckKind.ORACLE, targets=(checks_path,))
    own = checks_of(tree, test)
    if own.kind is not CheckKind.PYTEST:
        raise TaskError(
            f"--test {test!r} is a command; the examples of a specification are checked by pytest",
            remedy="name files, folders or ids of tests",
        )
    return Checks(kind=CheckKind.PYTEST, targets=(*own.targets, checks_path))


def _instruction(stub: Stub, words: str) -> str:
    parts = [
        f"Write the body of `{stub.name}` in {stub.path}. Its name, its parameters and its docstring stay as they are.",
        words.strip(),
        fenced(stub.text, "python"),
    ]
    return "\n\n".join(part for part in parts if part)


def _no_example(stub: Stub) -> str:
    top = stub.name.partition(".")[0]
    return (
        '"""The specification shows no example: all that can be seen is that the module loads."""\n\n'
        f"from {stub.module} import {top}\n\n\ndef test_it_is_there():\n    assert {stub.name} is not None\n"
    )


def _free_path(tree: Snapshot, stub: Stub) -> str:
    folder = FOLDER
    while any(path.partition("/")[0] == folder for path in tree.paths()):
        folder += "_"
    return f"{folder}/test_{stub.name.rpartition('.')[2].strip('_') or 'function'}_examples.py"


def _with_file(tree: Snapshot, path: str, text: str) -> Snapshot:
    files = {one: tree.read(one) for one in tree.paths()} | {path: text.encode()}
    return MemorySnapshot(files=files, executables=frozenset(p for p in tree.paths() if tree.executable(p)))
