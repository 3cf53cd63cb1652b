"""The verifier's pipeline over a box that answers from a script."""

import asyncio
import json
from dataclasses import replace

import pytest
from test_verify_plan import FILES, task

from moa_code.core.box import BoxInfo, Ended, Observation
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.errors import BaselineFault, SandboxUnavailable
from moa_code.core.patch import EMPTY_PATCH, FileChange, patch_of
from moa_code.core.task import CheckKind, Checks
from moa_code.core.verdict import CheckOutcome, CheckResult, Integrity, Level, Outcome, StageOutcome
from moa_code.verify.verifier import Verifier

A, B = "tests/test_a.py::test_a", "tests/test_a.py::test_b"
BASELINE = Baseline(
    results=(
        CheckResult(check_id=A, outcome=CheckOutcome.FAILED),
        CheckResult(check_id=B, outcome=CheckOutcome.PASSED),
    ),
    check_cpu_s=0.01,
)


class ScriptedBox:
    """Answers each job as an honest runner would; `checks` are outcomes by id, `static` findings, `ends` by entry."""

    slots = 2
    info = BoxInfo(backend="scripted", image_digest="sha256:0")

    def __init__(self, checks=None, *, static=(), ends=None, before=()):
        self.checks = {A: "passed", B: "passed"} if checks is None else checks
        self.static = list(static)
        self.before = list(before)
        self.ends = ends or {}
        self.jobs = []

    async def run(self, job, where="warm"):
        self.jobs.append((where, job))
        ended = self.ends.get(job.entry, Ended.EXITED)
        if ended is not Ended.EXITED:
            return Observation(ended=ended, detail="the box is gone")
        return Observation(
            ended=ended, exit_code=job.payload["exit_code"], report=self._report(job), report_complete=True, cpu_s=0.1
        )

    async def run_fresh(self, job):
        return await self.run(job, "fresh")

    def _report(self, job):
        def line(kind, **values):
            return (job.payload["nonce"] + json.dumps({"k": kind, **values}) + "\n").encode()

        if job.entry == "static":
            told = [(at, self._of(job, at)) for at in range(len(job.payload["paths"]))]
            return b"".join(
                b"".join(line("finding", at=at, **one) for one in found) + line("end", at=at) for at, found in told
            )
        kinds = dict(job.payload.get("canaries", ()))
        told = {**self.checks, **{f"tests/test_a.py::{name}": f"{kind}ed" for name, kind in kinds.items()}}
        bad = any(outcome in ("failed", "error") for outcome in told.values())
        lines = [line("collected", ids=list(told))]
        lines += [line("result", id=name, outcome=outcome, duration_s=0.01) for name, outcome in told.items()]
        if job.payload.get("coverage"):
            lines += [line("coverage", id=A, lines={"src/pkg/a.py": [1]})]
        return b"".join([*lines, line("end", code=int(bad))])

    def _of(self, job, at):
        """What is found in one file of a static job: does the tree hold it as it is?"""
        path = job.payload["paths"][at]
        content = next(change.after for change in job.overlay if change.path == f"{job.payload['within']}/{at}/{path}")
        return self.before if FILES.get(path) == content else self.static

    @property
    def entries(self):
        return [(where, job.entry) for where, job in self.jobs]


def finding(code="F821", text="y", line=1):
    return {"tool": "ruff", "code": code, "path": "src/pkg/a.py", "line": line, "message": "undefined", "text": text}


def candidate(after=b"x = 2\n", path="src/pkg/a.py", before=b"x = 1\n", name="c1"):
    patch = patch_of(FileChange(path=path, before=before, after=after))
    return Candidate(candidate_id=name, patch=patch, origin=Origin(author="a", role="user"))


def verify(box, one=None, *, baseline=BASELINE, fresh=False, task_=None, verifier=None):
    verifier = verifier or Verifier(box)
    work = verifier.confirm if fresh else verifier.verify
    return asyncio.run(work(task_ or task(), baseline, one or candidate()))


def stages(verdict):
    return [(s.name, s.outcome.value) for s in verdict.stages]


def test_a_warm_pass_and_a_fresh_one():
    box = ScriptedBox()
    warm, fresh = verify(box), verify(box, fresh=True)
    assert (warm.outcome, warm.level, warm.integrity) == (Outcome.PASSED, Level.IMPACTED_CHECKS, Integrity.IN_PROCESS)
    assert (fresh.outcome, fresh.level) == (Outcome.PASSED, Level.WHOLE_SUITE)
    assert stages(warm)[-1] == ("suite", "passed")
    assert stages(fresh)[-1] == ("confirm", "passed")
    assert ("warm", "pytest") in box.entries
    assert ("fresh", "pytest") in box.entries
    seeds = [job.seed for _, job in box.jobs if job.entry == "pytest"]
    assert len(set(seeds)) == 2
    assert warm.box == ScriptedBox.info


def test_policy_comes_first_and_nothing_runs_then():
    box = ScriptedBox()
    verdict = verify(box, candidate(b"def test_a(): pass\n", "tests/test_a.py", FILES_TEST))
    assert (verdict.outcome, verdict.level, verdict.integrity) == (Outcome.REJECTED, Level.NONE, Integrity.NONE)
    assert box.jobs == []
    assert verdict.counts.expected == 2
    assert verdict.detail


FILES_TEST = b"from hypothesis import given\n"


def test_a_syntax_error_ends_it_before_any_check():
    broken = {**finding("SyntaxError"), "tool": "compile"}
    box = ScriptedBox(static=[broken])
    verdict = verify(box)
    assert (verdict.outcome, verdict.level) == (Outcome.FAILED, Level.APPLIES)
    assert stages(verdict) == [("policy", "passed"), ("compile", "failed")]
    assert box.entries == [("warm", "static")]


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ([], [finding()], Outcome.FAILED),
        ([finding()], [finding(line=9)], Outcome.PASSED),  # it was there before, on another line
        ([finding(text="z")], [finding()], Outcome.FAILED),
        ([], [finding("F401")], Outcome.PASSED),  # told, and not held against it
    ],
)
def test_only_new_findings_that_block_count(before, after, outcome):
    verdict = verify(ScriptedBox(static=after, before=before))
    assert verdict.outcome is outcome
    lint = next(s for s in verdict.stages if s.name == "lint")
    assert bool(lint.findings) == (not before or before[0]["text"] != after[0]["text"])


def test_without_lint_nobody_asks_for_it():
    box = ScriptedBox(static=[finding()])
    verdict = verify(box, verifier=Verifier(box, lint=False))
    assert verdict.passed
    assert box.jobs[0][1].payload["select"] == ""


def test_the_untouched_files_are_linted_once_and_in_the_same_job():
    box = ScriptedBox()
    verifier = Verifier(box)
    for n in range(3):
        verify(box, candidate(b"x = %d\n" % (n + 5)), verifier=verifier)
    static = [job for _, job in box.jobs if job.entry == "static"]
    assert [[change.after for change in job.overlay] for job in static] == [
        [b"x = 5\n", b"x = 1\n"], [b"x = 6\n"], [b"x = 7\n"],
    ]  # fmt: skip


@pytest.mark.parametrize("entry", ["static", "pytest"])
def test_a_lost_box_is_inconclusive_and_not_remembered(entry):
    box = ScriptedBox(ends={entry: Ended.LOST})
    verifier = Verifier(box)
    assert verify(box, verifier=verifier).outcome is Outcome.INCONCLUSIVE
    box.ends = {}
    assert verify(box, verifier=verifier).outcome is Outcome.PASSED


def test_a_static_job_that_is_cut_off_is_no_pass():
    verdict = verify(ScriptedBox(ends={"static": Ended.MEMORY}))
    assert (verdict.outcome, stages(verdict)[-1]) == (Outcome.FAILED, ("compile", "failed"))


def test_equal_patches_are_run_once_and_keep_their_own_names():
    box = ScriptedBox()
    verifier = Verifier(box)
    first = verify(box, candidate(name="c1"), verifier=verifier)
    ran = len(box.jobs)
    second = verify(box, candidate(name="c2"), verifier=verifier)
    assert len(box.jobs) == ran
    assert (first.candidate_id, second.candidate_id) == ("c1", "c2")
    assert replace(second, candidate_id="c1") == first


def test_twins_that_come_together_are_run_once():
    box = ScriptedBox()
    verifier = Verifier(box)

    async def both():
        return await asyncio.gather(*(verifier.verify(task(), BASELINE, candidate(name=name)) for name in ("c1", "c2")))

    verdicts = asyncio.run(both())
    assert [verdict.candidate_id for verdict in verdicts] == ["c1", "c2"]
    assert box.entries == [("warm", "static"), ("warm", "pytest")]


def test_one_patch_made_against_another_tree_is_another_candidate():
    box = ScriptedBox()
    verifier = Verifier(box)
    for before in (b"x = 1\n", b"x = 3\n"):
        verify(box, candidate(before=before), verifier=verifier)
    assert [name for _, name in box.entries].count("pytest") + 1 == 2  # the second does not apply


def test_what_is_remembered_is_bounded_by_what_it_weighs(monkeypatch):
    from moa_code.verify import verifier as module

    monkeypatch.setattr(module, "MOST_KNOWN_BYTES", 10_000)
    verifier = Verifier(ScriptedBox())
    for n in range(40):
        assert verify(None, candidate(b"x = %d\n" % (n + 5)), verifier=verifier).passed
    assert 0 < len(verifier._known) < 10
    assert verifier._known_bytes <= 10_000
    assert len(verifier._running) == 0


def test_a_confirmation_is_never_served_from_a_warm_verdict():
    box = ScriptedBox()
    verifier = Verifier(box)
    verify(box, verifier=verifier)
    verify(box, verifier=verifier, fresh=True)
    assert [where for where, job in box.jobs if job.entry == "pytest"] == ["warm", "fresh"]


@pytest.mark.parametrize(
    ("checks", "level", "regressed", "last"),
    [
        ({A: "failed", B: "passed"}, Level.COMPILES, (), ("target", "failed")),
        ({A: "passed", B: "failed"}, Level.TARGET_CHECKS, (B,), ("suite", "failed")),
        ({A: "failed", B: "failed"}, Level.COMPILES, (B,), ("target", "failed")),
        ({A: "passed"}, Level.TARGET_CHECKS, (), ("suite", "failed")),
    ],
)
def test_how_far_a_failure_got(checks, level, regressed, last):
    verdict = verify(ScriptedBox(checks))
    assert (verdict.outcome, verdict.level, verdict.regressed) == (Outcome.FAILED, level, regressed)
    assert stages(verdict)[-1] == last


def test_a_deleted_file_is_not_compiled():
    box = ScriptedBox()
    verify(box, candidate(None))
    assert box.entries == [("warm", "pytest")]


def test_a_baseline_is_two_runs_the_second_under_coverage():
    box = ScriptedBox({A: "failed", B: "passed"})
    measured = asyncio.run(Verifier(box).baseline(task()))
    assert [bool(job.payload["coverage"]) for _, job in box.jobs] == [False, True]
    assert [job.seed for _, job in box.jobs] == [1, 2]
    assert [c.check_id for c in measured.spectrum.checks] == [A, B]
    assert [r.check_id for r in measured.baseline.failing] == [A]


def test_tracing_that_does_not_come_to_an_end_makes_nothing_flaky():
    """The second run is made again without it, rather than taking what it did not come to for flaky."""
    box = ScriptedBox({A: "failed", B: "passed"})
    honest = box.run

    async def slow(job, where="warm"):
        seen = await honest(job, where)
        if job.payload.get("coverage"):
            return Observation(ended=Ended.CPU_LIMIT, report=seen.report.split(b"\n")[0] + b"\n")
        return seen

    box.run = slow
    measured = asyncio.run(Verifier(box).baseline(task()))
    assert measured.baseline.flaky == ()
    assert len(box.jobs) == 3


def test_a_baseline_without_a_box_is_the_boxes_fault():
    with pytest.raises(SandboxUnavailable, match="the box is gone"):
        asyncio.run(Verifier(ScriptedBox(ends={"pytest": Ended.LOST})).baseline(task()))


def test_a_baseline_that_hangs_is_a_fault():
    with pytest.raises(BaselineFault, match="do not come to an end"):
        asyncio.run(Verifier(ScriptedBox(ends={"pytest": Ended.WALL_LIMIT})).baseline(task()))


COMMAND = Checks(kind=CheckKind.COMMAND, argv=("make", "check"))


class CommandBox(ScriptedBox):
    def __init__(self, *codes):
        super().__init__()
        self.codes = list(codes)

    async def run(self, job, where="warm"):
        self.jobs.append((where, job))
        return Observation(ended=Ended.EXITED, exit_code=self.codes.pop(0), cpu_s=0.2)


def test_a_command_is_judged_at_the_lowest_trust():
    box = CommandBox(2, 2, 0)
    commanded = task(checks=COMMAND)
    verifier = Verifier(box, lint=False)
    baseline = asyncio.run(verifier.baseline(commanded)).baseline
    assert [r.check_id for r in baseline.failing] == ["command: make check"]
    verdict = asyncio.run(verifier.verify(commanded, baseline, candidate(None)))
    assert (verdict.outcome, verdict.integrity) == (Outcome.PASSED, Integrity.EXIT_STATUS)


@pytest.mark.parametrize(("codes", "words"), [((0, 1), "passes and fails"), ((127, 127), "cannot be run in the box")])
def test_a_command_that_cannot_judge_is_a_fault(codes, words):
    with pytest.raises(BaselineFault, match=words):
        asyncio.run(Verifier(CommandBox(*codes)).baseline(task(checks=COMMAND)))


def test_hidden_checks_run_fresh_sealed_and_once():
    box = ScriptedBox({"hidden_tests/test_h.py::test_h": "passed"})
    hidden = (FileChange(path="hidden_tests/test_h.py", before=None, after=b"def test_h(): pass\n"),)
    graded = asyncio.run(Verifier(box).hold_out(task(), EMPTY_PATCH, hidden, ("hidden_tests",), ()))
    assert graded.outcome is Outcome.PASSED
    inside, outside = box.jobs
    assert [(where, job.entry) for where, job in box.jobs] == [("fresh", "pytest"), ("fresh", "split")]
    assert "hidden_tests/test_h.py" in inside[1].sealed
    assert "hidden_tests/test_h.py" in outside[1].judged
    named = asyncio.run(
        Verifier(box).hold_out(task(), EMPTY_PATCH, hidden, ("hidden_tests",), ("hidden_tests/x.py::y",))
    )
    assert named.outcome is Outcome.FAILED


def test_an_inconclusive_stage_is_told_as_such():
    verdict = verify(ScriptedBox(ends={"pytest": Ended.LOST}))
    assert verdict.stages[-1].outcome is StageOutcome.INCONCLUSIVE
    assert verdict.level <= Level.COMPILES
