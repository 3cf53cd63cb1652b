"""Judging: what counts as refused, and that silence and nonsense never do."""

from dataclasses import replace

import pytest
from probe_reports import GOOD_ENDS, lines, printed

from moa_code.core.box import BoxInfo, Ended, Observation
from moa_code.probe.findings import Finding, ProbeReport, Standing, judge_greed, judge_trials, refusal
from moa_code.probe.policy import GREED, KINDS, REFUSALS

INFO = BoxInfo(backend="docker", image_digest="sha256:0")


def report(*findings):
    return ProbeReport(box=INFO, kernel="6.1", findings=findings, duration_s=1.0)


def standing(kind, outcome, missing=(), name=""):
    """How a trial of this kind with this outcome stands."""
    found, _ = judge_trials(printed(lines(**{kind: {**outcome, **({"name": name} if name else {})}})), tuple(missing))
    return next(f for f in found if f.kind == kind)


def test_a_good_report_is_tight():
    found, kernel = judge_trials(printed(lines()), ())
    assert kernel == "6.1"
    assert {f.kind for f in found} == KINDS
    assert {f.standing for f in found} == {Standing.REFUSED, Standing.ALLOWED}
    assert report(*found).tight


@pytest.mark.parametrize("kind", sorted(REFUSALS))
def test_what_succeeds_is_forbidden_unless_it_is_ordinary_work(kind):
    assert standing(kind, {"did": "type 1"}).standing is Standing.FORBIDDEN


@pytest.mark.parametrize("kind", ["io_uring", "tracing", "keyrings", "kernel", "mounts"])
@pytest.mark.parametrize("word", ["EFAULT", "EINVAL", "EBADF", "ENOKEY", "ENOENT"])
def test_a_system_call_that_minds_its_arguments_was_reached(kind, word):
    """The filter answers before anything looks at them."""
    finding = standing(kind, {"errno": word})
    assert (finding.standing, finding.detail) == (Standing.FORBIDDEN, f"reached: {word}")


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("network", {"errno": "EAFNOSUPPORT"}),
        ("network", {"signal": "SIGSYS"}),
        ("network", {"held": "there is none"}),
        ("kernel", {"errno": "ENOSYS"}),
        ("writing outside", {"errno": "EROFS"}),
        ("reading", {"errno": "ENOENT"}),
        ("limits", {"errno": "EMFILE"}),
    ],
)
def test_what_a_refusal_looks_like(kind, outcome):
    assert standing(kind, outcome).standing is Standing.REFUSED


@pytest.mark.parametrize(
    "outcome", [{"broken": "no answer within 5 s"}, {"signal": "SIGSEGV"}, {"signal": "SIGKILL"}, {"did": None}, {}]
)
def test_a_trial_that_went_wrong_is_no_refusal(outcome):
    assert standing("tracing", outcome).standing is Standing.UNCLEAR


def test_a_fault_at_an_entry_that_the_kernel_lacks_is_a_refusal():
    finding = standing("tracing", {"signal": "SIGSEGV"}, name="ptrace(TRACEME) by the 32-bit entry")
    assert finding.standing is Standing.REFUSED


def test_ordinary_work_that_is_refused_says_that_the_trials_tell_nothing():
    found, _ = judge_trials(printed(lines(**{"ordinary work": {"errno": "EPERM"}})), ())
    assert not report(*found).tight


def test_what_a_backend_says_it_cannot_do_is_told_and_not_held_against_it():
    missing = ("seccomp: libseccomp is not installed",)
    finding = standing("io_uring", {"did": ""}, missing)
    assert (finding.standing, finding.detail) == (Standing.NOT_ENFORCED, missing[0])
    assert report(finding).tight


@pytest.mark.parametrize(
    ("kind", "missing", "name"),
    [
        ("writing outside", "seccomp: not here", "a file in /etc"),
        ("watchers", "seccomp: not here", "kill() of those who watch"),
        ("io_uring", "separate uid: not run by root", "io_uring_setup()"),
        ("network", "seccomp: not here", "a route to a network"),
        ("mounts", "seccomp: not here", "mount() of a tmpfs"),
        ("privileges", "cpus: a box may use all of them", "setuid(0)"),
    ],
)
def test_an_excuse_covers_no_more_than_it_says(kind, missing, name):
    assert standing(kind, {"did": ""}, (missing,), name).standing is Standing.FORBIDDEN


@pytest.mark.parametrize(
    "observation",
    [
        Observation(ended=Ended.EXITED, exit_code=0),
        Observation(ended=Ended.EXITED, exit_code=1, stderr=b"ModuleNotFoundError: ctypes"),
        Observation(ended=Ended.LOST, detail="the box vanished"),
        Observation(ended=Ended.SIGNALLED, signal=9),
        replace(printed(lines()), exit_code=1),
        printed(lines(), trials=5),
        replace(printed(lines()), stdout=printed(lines()).stdout.rsplit(b"\n", 2)[0]),
        replace(printed(lines()), stdout=b"not json\n" + printed(lines()).stdout),
        replace(printed(lines()), stdout=b"[1]\n" + printed(lines()).stdout),
        printed([]),
        printed(lines()[:-1]),
    ],
    ids=["silence", "status 1", "lost", "killed", "all said, status 1", "other count", "cut", "noise", "a list",
         "nothing tried", "a kind left out"],
)  # fmt: skip
def test_a_report_that_is_not_whole_is_not_tight(observation):
    found, _ = judge_trials(observation, ())
    assert Standing.UNCLEAR in {f.standing for f in found}
    assert not report(*found).tight


def test_a_report_without_findings_is_not_tight():
    assert not report().tight


@pytest.mark.parametrize("name", GREED)
def test_a_greedy_job_must_end_by_its_limit_or_be_refused(name):
    ended = GOOD_ENDS[GREED[name][0]]
    assert judge_greed(name, Observation(ended=ended, wall_s=0.1)).standing is Standing.REFUSED
    assert judge_greed(name, Observation(ended=Ended.EXITED, exit_code=3)).standing is Standing.REFUSED
    assert judge_greed(name, Observation(ended=Ended.EXITED, exit_code=0)).standing is Standing.FORBIDDEN
    for other in (
        Observation(ended=Ended.LOST, detail="gone"),
        Observation(ended=Ended.EXITED, exit_code=1),
        Observation(ended=Ended.SIGNALLED, signal=9),
    ):
        assert judge_greed(name, other).standing is Standing.UNCLEAR


def test_the_refusal_names_operation_box_and_remedy():
    found = [
        Finding(kind="network", name=f"socket(AF_{n})", standing=Standing.FORBIDDEN, detail="type 1") for n in range(7)
    ]
    error = refusal(report(*found))
    assert error.exit_code == 3
    assert "docker" in error.message
    assert "socket(AF_0) (type 1)" in error.message
    assert "and 2 more" in error.message
    assert "moa-code doctor --probe" in error.remedy


def test_a_box_of_which_nothing_is_known_is_not_trusted_either():
    error = refusal(report(Finding(kind="probe", name="the trials", standing=Standing.UNCLEAR, detail="cut")))
    assert "not trusted" in error.message
    assert "cut" in error.message
