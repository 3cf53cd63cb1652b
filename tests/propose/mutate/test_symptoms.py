import pytest

from moa_code.propose.mutate.operators.catalogue import CATALOGUE
from moa_code.propose.mutate.symptoms import _FACTORS, emphasis


@pytest.mark.parametrize(
    ("detail", "operator"),
    [
        ("E   KeyError: 'a'", "default-access"),
        ("AttributeError: 'NoneType' object has no attribute 'next'", "none-guard"),
        ("RecursionError: maximum recursion depth exceeded", "guard"),
        ("NameError: name 'n' is not defined", "own-field"),
        ("assert None == 3", "insert-statement"),
    ],
)
def test_an_error_points_at_what_mends_it(detail, operator):
    assert emphasis([detail])[operator] > 1


def test_a_symptom_counts_by_the_share_of_checks_that_show_it():
    alone, half = emphasis(["KeyError: 1"]), emphasis(["KeyError: 1", "assert 1 == 2"])
    assert 1 < half["default-access"] < alone["default-access"]


def test_plain_differences_say_nothing():
    assert emphasis(["assert 1 == 2", ""]) == {}


def test_every_operator_named_exists():
    known = {operator.name for operator in CATALOGUE}
    assert {name for factors in _FACTORS.values() for name in factors} <= known
    assert len(known) == len(CATALOGUE)
