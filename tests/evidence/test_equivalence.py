import pytest
from judging import judged

from moa_code.core.verdict import Outcome
from moa_code.evidence.equivalence import by_patch, by_signature, cluster_weights, plain, verdict_signature


def names(groups):
    return [[one.candidate.candidate_id for one in group] for group in groups]


def test_equal_patches_are_one_group():
    assert names(by_patch([judged("a", after=b"1"), judged("b", after=b"2"), judged("c", after=b"1")])) == [
        ["a", "c"],
        ["b"],
    ]


def test_equal_failures_are_one_group_whatever_the_patch():
    a = judged("a", "pf", details=["E  assert <X object at 0x7f1234> == 1 in 0.31s"], after=b"1")
    b = judged("b", "pf", details=["E  assert <X object at 0x7fabcd> == 1 in 0.52s"], after=b"2")
    c = judged("c", "pf", details=["E  assert 3 == 1"], after=b"3")
    assert names(by_signature([a, b, c])) == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    "other",
    [
        judged("b", "pp"),
        judged("b", "fp", details=["x"]),
        judged("b", "pff", details=["x"]),
        judged("b", "pf", details=["y"]),
        judged("b", "pf", details=["x"], outcome=Outcome.TIMED_OUT),
    ],
)
def test_any_difference_in_outcome_or_text_is_another_signature(other):
    assert verdict_signature(judged("a", "pf", details=["x"]).verdict) != verdict_signature(other.verdict)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("<A at 0x7f00aa11>", "<A at 0x>"),
        ("took 0.25 s, 3ms", "took <time>, <time>"),
        ("/tmp/box-17/src/a.py:12: in f", "a.py: in f"),
        ('File "/x/y/a.py", line 12', 'File "a.py", line'),
        ("assert 12 == 13", "assert 12 == 13"),
        ("a / b", "a / b"),
        ("two\n  lines ", "two lines"),
    ],
)
def test_what_is_noise_in_a_failure(text, kept):
    assert plain(text) == kept


def test_a_family_counts_once():
    groups = by_patch([
        judged("a", author="gpt-4", after=b"1"), judged("b", author="gpt-3", after=b"1"),
        judged("c", author="claude", after=b"1"), judged("d", author="gpt-4", after=b"2"),
    ])  # fmt: skip
    assert cluster_weights(groups) == {"a": 3.0, "b": 3.0, "c": 3.0, "d": 1.0}
    assert cluster_weights(groups, family=lambda a: a[:3]) == {"a": 2.0, "b": 2.0, "c": 2.0, "d": 1.0}
