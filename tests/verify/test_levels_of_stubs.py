"""What a pass is worth depends on what the untouched tree fails."""

import pytest

from moa_code.core.brief import Baseline
from moa_code.core.task import Mode
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Level, Outcome
from moa_code.verify.grade import Graded
from moa_code.verify.stages import level_of

PASSES = CheckResult(check_id="t.py::a", outcome=CheckOutcome.PASSED)
FAILS = CheckResult(check_id="t.py::b", outcome=CheckOutcome.FAILED)
GREEN = Graded(outcome=Outcome.PASSED, results=(PASSES,), counts=Counts(expected=1, run=1, passed=1))


@pytest.mark.parametrize(
    ("mode", "before", "level"),
    [
        (Mode.IMPLEMENT, (PASSES,), Level.COMPILES),  # the stub passes it too: it shows nothing
        (Mode.IMPLEMENT, (PASSES, FAILS), Level.WHOLE_SUITE),
        (Mode.EDIT, (PASSES,), Level.WHOLE_SUITE),
        (Mode.FIX, (PASSES, FAILS), Level.WHOLE_SUITE),
    ],
)
def test_what_a_stub_passes_shows_nothing(mode, before, level):
    assert level_of(Baseline(results=before), GREEN, fresh=True, mode=mode) is level
