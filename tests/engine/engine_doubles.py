"""Small doubles of what the engine works with: proposers from a script, a judge from a rule, a record in a list."""

import asyncio
from contextlib import suppress
from dataclasses import replace

from moa_code.core.behaviour import Answer, AnswerKind, Behaviour, Strength
from moa_code.core.box import Limits
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Draft
from moa_code.core.patch import EMPTY_PATCH, FileChange, patch_of
from moa_code.core.run import Members
from moa_code.core.task import CheckKind, Checks, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Level, Outcome, Verdict
from moa_code.engine.budget import Ledger
from moa_code.engine.engine import Engine
from moa_code.engine.parts import EngineSettings, Parts
from moa_code.policies.moa import next_steps

BEFORE = b"x = 0\n"
TASK = Task(
    task_id=TaskId("t"),
    mode=Mode.FIX,
    instruction="mend it",
    tree=MemorySnapshot(files={"a.py": BEFORE}),
    checks=Checks(kind=CheckKind.PYTEST, targets=("tests",)),
    limits=Limits(),
)
BASELINE = Baseline(
    results=(
        CheckResult(check_id="t.py::test_bad", outcome=CheckOutcome.FAILED, detail="E  assert 0 == 1"),
        CheckResult(check_id="t.py::test_fine", outcome=CheckOutcome.PASSED),
    )
)


def patch(text):
    return patch_of(FileChange(path="a.py", before=BEFORE, after=text.encode()))


def text_of(candidate_or_patch):
    return getattr(candidate_or_patch, "patch", candidate_or_patch).changes[0].after.decode()


def draft(text, author="small", **more):
    return Draft(author=author, patch=patch(text), text=text, **more)


def lost(reason, author="small"):
    return Draft(author=author, lost=reason)


def verdict(candidate, outcome, *, level=None, detail="", failing="E  assert 0 == 1"):
    passed = outcome is Outcome.PASSED
    results = (
        CheckResult(
            check_id="t.py::test_bad",
            outcome=CheckOutcome.PASSED if passed else CheckOutcome.FAILED,
            detail="" if passed else failing,
        ),
        CheckResult(check_id="t.py::test_fine", outcome=CheckOutcome.PASSED),
    )
    return Verdict(
        candidate_id=candidate.candidate_id,
        patch_sha256=candidate.patch.sha256,
        outcome=outcome,
        integrity=Integrity.IN_PROCESS,
        level=level or (Level.IMPACTED_CHECKS if passed else Level.COMPILES),
        counts=Counts(expected=2, run=2, passed=1 + passed, failed=1 - passed),
        results=results,
        detail=detail,
    )


class Looked:
    """What a screen says of one candidate."""

    def __init__(self, candidate, *, supported=True, passed=False, timed_out=False, fixed=(), broken=(), changed=True):
        self.candidate = candidate
        self.supported = supported
        self.passed = passed
        self.timed_out = timed_out
        self.fixed = fixed
        self.broken = broken
        self.changed = changed


class RuleJudge:
    """Passes what `rule` names True for, by the text of the patch. Counts what it was asked."""

    def __init__(self, rule=lambda text: text.startswith("good"), *, confirms=lambda text: True, slots=2):
        self.rule = rule
        self.confirms = confirms
        self.slots = slots
        self.verified = []
        self.confirmed = []
        self.screens = []
        self.trouble = None
        self.gate = None
        self.loses = lambda text: False
        self.confirmations_lost = 0
        self.compared = []
        self.measured = []
        self.voted = []
        self.kills = 9
        self.unexercised = None
        self.votes = lambda text, check: True

    async def screen(self, task, baseline, candidates, *, on=EMPTY_PATCH):
        self.screens.append([text_of(c) for c in candidates])
        await asyncio.sleep(0)
        return [Looked(c, **self.look(text_of(c))) for c in candidates]

    def look(self, text):
        return {"passed": self.rule(text)}

    async def verify(self, task, baseline, candidate):
        self.verified.append(text_of(candidate))
        await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        if self.loses(text_of(candidate)):
            return verdict(candidate, Outcome.INCONCLUSIVE, detail="the box was lost")
        outcome = Outcome.PASSED if self.rule(text_of(candidate)) else Outcome.FAILED
        told = f"{text_of(candidate)} failed"
        detail = "" if outcome is Outcome.PASSED else told
        return verdict(candidate, outcome, detail=detail, failing=f"E  AssertionError: {told}")

    async def confirm(self, task, baseline, candidate):
        self.confirmed.append(text_of(candidate))
        await asyncio.sleep(0)
        if self.confirmations_lost:
            self.confirmations_lost -= 1
            return verdict(candidate, Outcome.INCONCLUSIVE, detail="the box was lost")
        if self.confirms(text_of(candidate)):
            return verdict(candidate, Outcome.PASSED, level=Level.WHOLE_SUITE)
        return verdict(candidate, Outcome.FAILED, detail="not in a fresh box")

    async def distinguish(self, task, baseline, candidates):
        """Candidates answer alike when their texts are equal up to the first digit."""
        self.compared.append([text_of(c) for c in candidates])
        await asyncio.sleep(0)
        answers = {c.candidate_id: (answer(text_of(c).rstrip("0123456789\n ")),) for c in candidates}
        return Behaviour(calls=("f(1)",), answers=answers)

    async def strength(self, task, baseline, candidate, mutants):
        if mutants:  # without any it is asked for the lines that no check exercises
            self.measured.append(text_of(candidate))
        await asyncio.sleep(0)
        return Strength(killed=self.kills, tried=10, unexercised=self.unexercised)

    async def vote(self, task, baseline, candidate, checks):
        self.voted.append(text_of(candidate))
        await asyncio.sleep(0)
        return tuple(self.votes(text_of(candidate), check.name) for check in checks)


def answer(text):
    return Answer(kind=AnswerKind.VALUE, text=text, digest=text)


class Script:
    """A proposer or aggregator whose drafts stand in a list; an `asyncio.Event` in it is waited for."""

    def __init__(self, name, *rounds):
        self.name = name
        self.rounds = list(rounds)
        self.briefs = []
        self.observed = []
        self.closed = 0
        self.cancelled = False

    async def drafts(self, brief):
        self.briefs.append(brief)
        script = self.rounds[min(len(self.briefs), len(self.rounds)) - 1]
        try:
            for one in script:
                if isinstance(one, BaseException):
                    raise one
                if isinstance(one, asyncio.Event):
                    await one.wait()
                else:
                    await asyncio.sleep(0)
                    yield one
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.closed += 1

    merge = drafts

    def observe(self, candidate, verdict):
        self.observed.append((text_of(candidate), verdict.outcome))


class Whole:
    """A reducer with nothing smaller to offer."""

    lines_before = 3
    lines_after = 3

    unexercised = None

    def __init__(self, patch, unexercised=None):
        self.patch = patch
        self.unexercised = unexercised

    def next_batch(self):
        return ()

    def tell(self, results):
        raise AssertionError("nothing was asked")


class Halves:
    """A reducer that tries the first half of the text, again and again."""

    unexercised = None

    def __init__(self, whole, unexercised=None):
        self.patch = whole
        self.lines_before = len(text_of(whole))
        self._asked = None
        self._done = False

    @property
    def lines_after(self):
        return len(text_of(self.patch))

    def next_batch(self):
        text = text_of(self.patch)
        if self._done or len(text) < 2:
            return ()
        self._asked = patch(text[: len(text) // 2])
        return (self._asked,)

    def tell(self, results):
        if results[0]:
            self.patch = self._asked
        else:
            self._done = True


class ListRecord:
    """What a journal would have been told."""

    def __init__(self):
        self.steps = []
        self.events = []
        self.candidates = []
        self.verdicts = []

    def step(self, kind, reason, detail):
        self.steps.append((kind, reason))

    def event(self, kind, detail):
        self.events.append((kind, dict(detail)))

    def candidate(self, candidate):
        self.candidates.append(candidate)

    def verdict(self, verdict):
        self.verdicts.append(verdict)


class Bench:
    """An engine with its doubles, and what it did."""

    def __init__(
        self,
        proposers,
        aggregator=None,
        *,
        judge=None,
        policy=next_steps,
        reducer=Whole,
        ledger=None,
        members=None,
        parts=None,
        mode=TASK.mode,
        **more,
    ):
        self.judge = judge or RuleJudge()
        self.record = ListRecord()
        self.heard = []
        self.listeners = []
        aggregator = aggregator or Script("builtin:combine", [])
        self.engine = Engine(
            task=replace(TASK, mode=mode),
            baseline=BASELINE,
            judge=self.judge,
            policy=policy,
            members=members or Members(proposers=tuple(p.name for p in proposers), aggregator=aggregator.name),
            parts=Parts(
                proposers={p.name: p for p in proposers},
                aggregators={aggregator.name: aggregator},
                reducer=reducer,
                mutants=lambda task, patch: (patch,),
                **(parts or {}),
            ),
            record=self.record,
            ledger=ledger or Ledger(),
            settings=EngineSettings(**{k: v for k, v in more.items() if k != "clock"}),
            listen=self.hear,
            **{k: v for k, v in more.items() if k == "clock"},
        )

    def hear(self, event):
        self.heard.append(event)
        for listener in self.listeners:
            listener(event)

    def run(self, *beside):
        """The run's result, with `beside` running next to it. A run that hangs fails the test."""

        async def all_of_it():
            others = [asyncio.create_task(one) for one in beside]
            try:
                async with asyncio.timeout(20):
                    return await self.engine.run()
            finally:
                for one in others:
                    one.cancel()
                    with suppress(asyncio.CancelledError):
                        await one
                await asyncio.sleep(0)  # what was cancelled needs one turn to be gone
                left = asyncio.all_tasks() - {asyncio.current_task()}
                assert not left, f"tasks outlived the run: {left}"

        return asyncio.run(all_of_it())
