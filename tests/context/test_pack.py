from hypothesis import given, settings
from hypothesis import strategies as st

from moa_code.context.pack import pack
from moa_code.core.brief import Baseline, Suspect
from moa_code.core.calls import Slice
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import CheckOutcome, CheckResult
from moa_code.prompts.tokens import estimate_tokens

CALC = '''"""Sums."""


def add(a, b):
    """The sum."""
    total = a - b
    return total


def far(a):
    """Far away."""
    secret_body = a
    for number in range(a):
        if number % 2 == 0:
            secret_body += number * number
        elif number % 3 == 0:
            secret_body -= number
    return secret_body
'''
HELPER = """def helper_{0}(x):
    y = x + {0}
    for z in range(y):
        y = y * z + x * {0} - len(str(y))
    print(y)
    return y * {0}

"""
FILLER = "\n".join(HELPER.format(i) for i in range(200))
TEST = """from calc import add


def test_ok():
    assert add(0, 0) == 0


def test_add():
    assert add(1, 2) == 3
"""
FILES = {
    "calc.py": CALC.encode(),
    "filler.py": FILLER.encode(),
    "tests/test_calc.py": TEST.encode(),
    "README.md": b"# Calc\n",
    "picture.png": b"\x89PNG\0",
    "broken.py": b"def f(:\n",
    "latin.py": b"# \xe9\n",
}
FAILED = CheckResult(
    check_id="tests/test_calc.py::test_add", outcome=CheckOutcome.FAILED, detail="assert -1 == 3\n where -1 = add(1, 2)"
)
SUSPECT = Suspect(path="calc.py", first_line=6, last_line=6, score=0.9, reason="run by failing checks alone")


def task(files=FILES, **changes):
    values = {
        "task_id": "t",
        "mode": Mode.FIX,
        "instruction": "make it add",
        "tree": MemorySnapshot(files=files),
        "checks": Checks(kind=CheckKind.PYTEST),
        "rules": EditRules(protected=("tests/**",)),
    }
    return Task(**(values | changes))


def packed(max_tokens, baseline=None, slice_=Slice.FULL, **changes):
    baseline = baseline or Baseline(results=(FAILED,), suspects=(SUSPECT,))
    return pack(task(**changes), baseline, max_tokens=max_tokens, slice_=slice_)


def test_with_room_for_all_everything_is_whole():
    result = packed(20_000)
    for text in (CALC, TEST, FILLER):
        assert text.rstrip() in result.text
    assert result.shown[:2] == ("calc.py", "tests/test_calc.py")
    assert "tests/test_calc.py (read only)\n" in result.text
    assert "assert -1 == 3" in result.text
    assert "- picture.png" in result.text


def test_with_little_room_the_suspects_function_and_the_failing_test_stay():
    result = packed(160)
    assert "total = a - b" in result.text
    assert "secret_body" not in result.text
    assert "def far(a):" in result.text
    assert "assert add(1, 2) == 3" in result.text
    assert "helper_150" not in result.text
    assert result.tokens <= 160


def test_a_large_file_is_shown_as_signatures():
    result = packed(2_500)
    assert "def helper_150(x):" in result.text
    assert "return y * 150" not in result.text
    assert "filler.py" in result.shown


def test_the_suspect_survives_where_nothing_else_fits():
    result = packed(80)
    assert result.shown[0] == "calc.py"
    assert "filler.py" not in result.shown
    assert "total = a - b" in result.text


def test_no_room_at_all():
    result = packed(0)
    assert (result.text, result.shown, result.tokens) == ("", (), 0)


def test_a_file_that_does_not_parse_is_shown_as_it_is():
    baseline = Baseline(
        results=(), suspects=(Suspect(path="broken.py", first_line=1, last_line=1, score=1.0, reason="x"),)
    )
    assert "def f(:" in packed(200, baseline).text


def test_a_very_long_file_that_does_not_parse_is_sliced_around_its_suspect():
    lines = [f"line {i} of nothing python" for i in range(1, 3001)]
    baseline = Baseline(
        results=(), suspects=(Suspect(path="x.py", first_line=1500, last_line=1500, score=1.0, reason="x"),)
    )
    text = packed(1_500, baseline, files={"x.py": "\n".join(lines).encode()}).text
    assert "line 1500 of" in text
    assert "line 1400 of" not in text


def test_a_suspect_in_a_huge_file_is_found():
    huge = "".join(HELPER.format(i) for i in range(6000))
    assert len(huge) > 600_000
    line = huge[: huge.index("def helper_5000")].count("\n") + 3
    baseline = Baseline(
        results=(), suspects=(Suspect(path="x.py", first_line=line, last_line=line, score=1.0, reason="x"),)
    )
    files = {**FILES, "x.py": huge.encode()}
    result = packed(6_000, baseline, files=files)
    assert "return y * 5000\n" in result.text
    assert "def helper_150(x):" in result.text  # of the other file: one file's signatures do not eat the room


def test_nesting_beyond_the_parser_does_not_stop_it():
    files = {"deep.py": b"x = " + b"(" * 3000 + b")" * 3000, "ok.py": b"y = 1\n"}
    assert "ok.py" in packed(500, Baseline(results=()), files=files).shown


def test_a_failure_text_shared_by_many_is_said_once():
    results = tuple(
        CheckResult(check_id=f"t.py::test_{i}", outcome=CheckOutcome.ERROR, detail="ImportError: no a")
        for i in range(30)
    )
    text = packed(3_000, Baseline(results=results)).text
    assert text.count("ImportError: no a") == 1
    assert "- and 10 more with the same text" in text


def test_failures_leave_room_for_code():
    results = tuple(
        CheckResult(check_id=f"t.py::test_{i}", outcome=CheckOutcome.FAILED, detail=f"{i} " * 2000) for i in range(30)
    )
    result = packed(2_000, Baseline(results=results, suspects=(SUSPECT,)))
    assert "total = a - b" in result.text
    assert "more failing checks" in result.text


def test_text_that_cannot_be_shown_is_not_called_shown():
    assert {"picture.png", "latin.py"}.isdisjoint(packed(20_000).shown)


def test_a_failing_test_in_a_class_with_parameters_is_found():
    test = (
        b"class TestA:\n    def test_b(self, x):\n        assert x == 'only here'\n\n\ndef test_other():\n    pass\n"
        + b"z = 1\n" * 400
    )
    result = CheckResult(check_id="t.py::TestA::test_b[a::b]", outcome=CheckOutcome.FAILED)
    text = packed(150, Baseline(results=(result,)), files={"t.py": test}).text
    assert "only here" in text
    assert "test_other" not in text


USER = """from calc import add, far


def total(items):
    result = 0
    for item in items:
        result = add (result, item)
    return result


def other(items):
    called_other = [far(i) for i in items]
    return called_other, address(items), "and so on, for long enough to be worth leaving out"
"""


def test_a_focused_slice_is_the_suspects_who_calls_them_and_the_failing_checks():
    result = packed(20_000, slice_=Slice.FOCUSED, files={**FILES, "user.py": USER.encode()})
    assert result.shown == ("calc.py", "tests/test_calc.py", "user.py")
    for text in ("assert -1 == 3", "total = a - b", "assert add(1, 2) == 3", "result = add (result, item)"):
        assert text in result.text
    for text in ("secret_body", "called_other", "helper_1"):
        assert text not in result.text
    assert "- filler.py" in result.text


def test_of_a_constructor_the_callers_are_those_of_its_class():
    files = {
        "box.py": b"class Box:\n    def __init__(self):\n        self.x = 1\n",
        "a.py": b"def make():\n    return Box()\n" + b"z = 1\n" * 50,
    }
    suspects = (Suspect(path="box.py", first_line=3, last_line=3, score=1.0, reason="x"),)
    result = packed(2_000, Baseline(results=(), suspects=suspects), Slice.FOCUSED, files=files)
    assert "return Box()" in result.text
    assert "z = 1" not in result.text


def test_a_focused_slice_without_suspects_is_the_full_one():
    baseline = Baseline(results=(FAILED,))
    assert packed(5_000, baseline, Slice.FOCUSED) == packed(5_000, baseline)


def test_tests_come_first_where_they_shall_and_stay_where_little_fits():
    result = packed(20_000, slice_=Slice.TESTS_FIRST)
    assert result.shown[:2] == ("tests/test_calc.py", "calc.py")
    assert set(result.shown) == set(packed(20_000).shown)
    little = packed(75, slice_=Slice.TESTS_FIRST)
    assert "assert add(1, 2) == 3" in little.text
    assert "total = a - b" not in little.text


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 5000),
    st.dictionaries(st.sampled_from(["a.py", "b.py", "c.md"]), st.text(max_size=2000)),
    st.sampled_from(Slice),
)
def test_the_budget_holds(max_tokens, texts, slice_):
    files = {**FILES, **{path: text.encode("utf-8", "replace") for path, text in texts.items()}}
    result = packed(max_tokens, slice_=slice_, files=files)
    assert result.tokens == estimate_tokens(result.text) <= max_tokens
    assert set(result.shown) <= set(files)
