"""What `solve` decides before anybody is asked: checks that no patch could mend, and what the budget bounds."""

import pytest

from moa_code.config import load_config
from moa_code.core.brief import Baseline
from moa_code.core.errors import BaselineFault, BudgetExhausted
from moa_code.core.task import CheckId, CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import CheckOutcome, CheckResult
from moa_code.edits.policy import PROTECTED_BY_DEFAULT
from moa_code.solve import ledger_of, uncollectable
from moa_code.wiring.crew import team_of

SYNTAX = 'File "tests/test_a.py", line 1\n    def f(:\n          ^\nE   SyntaxError: invalid syntax'
FOREIGN = "E   ModuleNotFoundError: No module named 'numpy'"
OWN = "E   ModuleNotFoundError: No module named 'shop.cart'"
NAME = "E   ImportError: cannot import name 'total' from 'shop'"
OWN_SYNTAX = (
    'tests/test_a.py:1: in <module>\n    import shop\nE   File "shop/__init__.py", line 3\nE   SyntaxError: bad'
)


def result(name, outcome=CheckOutcome.ERROR, detail=""):
    return CheckResult(check_id=CheckId(name), outcome=outcome, detail=detail)


def task_of(mode=Mode.FIX, kind=CheckKind.PYTEST):
    tree = MemorySnapshot(files={"shop/__init__.py": b"", "tests/test_a.py": b""})
    rules = EditRules(protected=PROTECTED_BY_DEFAULT)
    checks = Checks(kind=kind, targets=("tests",))
    return Task(task_id=TaskId("t"), mode=mode, instruction="mend", tree=tree, checks=checks, rules=rules)


@pytest.mark.parametrize(
    ("detail", "word"), [(SYNTAX, "SyntaxError: invalid syntax"), (FOREIGN, "No module named 'numpy'")]
)
def test_checks_that_no_patch_could_mend_are_a_fault_of_the_environment(detail, word):
    fault = uncollectable(task_of(), Baseline(results=(result("tests/test_a.py", detail=detail),)))
    assert isinstance(fault, BaselineFault)
    assert word in fault.message
    assert "pytest tests/test_a.py" in fault.remedy


@pytest.mark.parametrize("detail", [OWN, NAME, OWN_SYNTAX, "E   ZeroDivisionError: division by zero"])
def test_what_the_tree_itself_may_be_to_blame_for_is_worked_on(detail):
    assert uncollectable(task_of(), Baseline(results=(result("tests/test_a.py", detail=detail),))) is None


def test_one_check_that_runs_is_enough():
    baseline = Baseline(
        results=(result("tests/test_b.py::test_x", CheckOutcome.FAILED), result("tests/test_a.py", detail=SYNTAX))
    )
    assert uncollectable(task_of(), baseline) is None


@pytest.mark.parametrize("task", [task_of(mode=Mode.IMPLEMENT), task_of(kind=CheckKind.COMMAND)])
def test_what_is_still_to_be_written_may_be_missing(task):
    assert uncollectable(task, Baseline(results=(result("tests/test_a.py", detail=FOREIGN),))) is None


@pytest.mark.parametrize(
    ("flags", "environment", "allowed"),
    [
        ({"models.proposers": ("m@http://127.0.0.1:1/v1",)}, {}, True),
        ({"models.proposers": ("m@http://127.0.0.1:1/v1",), "budget.usd": "1"}, {}, False),
        ({"models.proposers": ("m@http://127.0.0.1:1/v1",)}, {"OPENAI_API_KEY": "k"}, False),
    ],
)
def test_a_server_of_ones_own_needs_no_price_unless_dollars_were_limited(tmp_path, flags, environment, allowed):
    config = load_config(environment={"HOME": str(tmp_path)}, flags=flags)
    ledger = ledger_of(config, team_of(config, environment))
    if allowed:
        ledger.reserve("m", worst_usd=None, worst_tokens=10)
    with pytest.raises(BudgetExhausted):
        ledger.reserve("m", worst_usd=None, worst_tokens=10 if not allowed else 2_000_000)
