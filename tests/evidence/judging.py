"""Judged candidates in one line."""

from moa_code.core.brief import Judged
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Level, Outcome, Verdict

P, F = CheckOutcome.PASSED, CheckOutcome.FAILED


def judged(
    name, checks="", *, outcome=None, level=Level.WHOLE_SUITE, regressed=(), lines=1, prior=0.0, author="m", details=(),
    after=None, stages=(), detail="",
):  # fmt: skip
    """`checks`: one letter a check, `p` passed, `f` failed; ids c0, c1, …; `details`: texts of the failing ones."""
    results = tuple(CheckResult(check_id=f"c{n}", outcome=P if letter == "p" else F) for n, letter in enumerate(checks))
    texts = iter(details)
    results = tuple(
        r if r.outcome is P else CheckResult(check_id=r.check_id, outcome=F, detail=next(texts, "")) for r in results
    )
    after = b"".join(b"%d\n" % n for n in range(lines)) if after is None else after
    if outcome is None:
        outcome = Outcome.PASSED if checks and "f" not in checks else Outcome.FAILED
    passed = checks.count("p")
    return Judged(
        candidate=Candidate(
            candidate_id=CandidateId(name),
            patch=patch_of(FileChange(path="a.py", before=b"old\n", after=after)),
            origin=Origin(author=author, role="proposer"),
            prior=prior,
        ),
        verdict=Verdict(
            candidate_id=name,
            patch_sha256="",
            outcome=outcome,
            integrity=Integrity.IN_PROCESS,
            level=level,
            counts=Counts(expected=len(checks), run=len(checks), passed=passed, failed=len(checks) - passed),
            results=results,
            regressed=regressed,
            stages=stages,
            detail=detail,
        ),
    )
