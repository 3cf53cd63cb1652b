from moa_code.propose.mutate.mutant import Mutant
from moa_code.propose.mutate.ranking import naturalness, rank_plausible

BEFORE = "def f(a, k):\n    if a < k:\n        return a\n    return k - 1\n"


def mutant(old, new, operator, prior=0.02, order=1):
    assert old in BEFORE
    return Mutant(
        path="m.py",
        before=BEFORE,
        after=BEFORE.replace(old, new),
        operator=operator,
        line=2,
        prior=prior,
        description=f"{old} -> {new}",
        order=order,
    )


def test_mending_a_comparison_beats_a_guard_that_returns_a_literal():
    mended = mutant("a < k", "a <= k", "comparison")
    guarded = mutant("    if a < k", "    if a == 7:\n        return 49\n    if a < k", "guard")
    assert rank_plausible([guarded, mended]) == (mended, guarded)


def test_a_constant_the_program_did_not_know_counts_against():
    assert naturalness(mutant("k - 1", "k - 37", "constant")) < naturalness(mutant("k - 1", "k - 0", "constant"))


def test_two_edits_are_less_natural_than_one():
    one, two = mutant("a < k", "a <= k", "comparison"), mutant("a < k", "a <= k", "comparison", order=2)
    assert naturalness(two) < naturalness(one)


def test_larger_changes_are_less_natural():
    small = mutant("return a", "return k", "variable")
    large = mutant("return a", "return [a, k, a + k, a - k, a * k, a]", "variable")
    assert naturalness(large) < naturalness(small)


def test_the_prior_decides_between_alike_edits():
    weak, strong = mutant("a < k", "a == k", "comparison", 0.01), mutant("a < k", "a <= k", "comparison", 0.1)
    assert rank_plausible([weak, strong])[0] is strong
