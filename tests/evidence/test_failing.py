import pytest
from hypothesis import given
from hypothesis import strategies as st
from judging import judged

from moa_code.core.verdict import Outcome
from moa_code.evidence.failing import failing_line, failure_signature, plain_line


@pytest.mark.parametrize(
    ("detail", "line"),
    [
        ("t.py:3: in t\n    f()\nE   KeyError: <a at 0x7f01>\nE   more", "KeyError: <a at 0x>"),
        ("E   OSError: /tmp/a1/b/x.py took 3.25 s", "OSError: x.py took 0 s"),
        ("E   assert 2.5 == 3", "assert 2.5 == 3"),
        ("it said\n\nso  much\n\n", "so much"),
        ("", ""),
    ],
)
def test_the_failing_line_without_what_differs_from_run_to_run(detail, line):
    assert plain_line(detail) == line


@given(st.text(max_size=300))
def test_any_text_has_one_failing_line(text):
    assert "\n" not in failing_line(text)
    assert failing_line(text).strip() == failing_line(text)


def test_two_verdicts_that_fail_alike_have_one_signature():
    one = judged("c1", "pff", details=("E   KeyError: <a at 0x7f01>", "E   OSError: /tmp/a1/x.py"))
    two = judged("c2", "pff", details=("t.py:9: in t\nE   KeyError: <a at 0x7f99>", "E   OSError: /tmp/b2/c/x.py"))
    assert failure_signature(one.verdict) == failure_signature(two.verdict) != ""


@pytest.mark.parametrize(
    "other",
    [
        judged("c2", "pfp", details=("E   KeyError: 1",)),
        judged("c2", "pff", details=("E   KeyError: 2", "E   OSError")),
        judged("c2", "pff", details=("E   KeyError: 1", "E   OSError"), outcome=Outcome.TIMED_OUT),
        judged("c2", "", outcome=Outcome.FAILED, detail="F821"),
    ],
)
def test_other_failures_have_other_signatures(other):
    one = judged("c1", "pff", details=("E   KeyError: 1", "E   OSError"))
    assert failure_signature(one.verdict) != failure_signature(other.verdict) != ""


def test_a_pass_has_no_signature():
    assert failure_signature(judged("c1", "pp").verdict) == ""
