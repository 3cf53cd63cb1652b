"""Properties (`@given`): whether a candidate's run looked as hard as the run on the untouched tree. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from moa_code.core.task import CheckId
from moa_code.core.verdict import CheckOutcome, CheckResult, Examples

FEWEST = 0.9
"""Share of the planned examples that a passing run must have where the untouched tree's run had all of them. Another
seed may end the search of a small space a little sooner."""

FEWEST_OF_FEWER = 0.5
"""The same where the untouched tree's run had fewer than planned: tests may discard examples by what the code says of
them, and then another code has another count."""


def properties_of(results: Iterable[CheckResult]) -> dict[CheckId, CheckResult]:
    """The results of properties alone, by id."""
    return {result.check_id: result for result in results if result.examples is not None}


def weakened(results: Iterable[CheckResult], before: Mapping[CheckId, CheckResult]) -> str:
    """Why some property of `results` did not look as hard as on the untouched tree (`before`); empty when all did."""
    for result in results:
        known = before.get(result.check_id)
        why = _weaker(result, known) if known is not None else _discarding(result, None)
        if why:
            return f"{result.check_id} {why}"
    return ""


def _weaker(result: CheckResult, before: CheckResult) -> str:
    now, then = result.examples, before.examples
    assert then is not None
    if result.outcome is CheckOutcome.MISSING:
        return ""
    if now is None:
        return "is no property any more" if result.outcome is CheckOutcome.PASSED else ""
    if now.settings != then.settings:
        return f"ran under other settings than on the untouched tree: {now.settings}; before: {then.settings}"
    if why := _discarding(result, then):
        return why
    if result.outcome is not CheckOutcome.PASSED or now.valid is None:
        return ""
    if not now.valid:
        return "passed without one valid example"
    if before.outcome is not CheckOutcome.PASSED or then.valid is None:
        return ""
    wanted = min(now.planned, then.valid)
    if now.valid < wanted * (FEWEST if then.valid >= then.planned else FEWEST_OF_FEWER):
        return f"ran {now.valid} valid examples where the untouched tree ran {then.valid}"
    return ""


def _discarding(result: CheckResult, before: Examples | None) -> str:
    """Whether code under test threw examples away where it did not before."""
    now = result.examples
    if now is None or not now.foreign or (before is not None and before.foreign):
        return ""
    return f"had {now.foreign} of its examples discarded by the code under test"
