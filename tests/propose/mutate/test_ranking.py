from moa_code.propose.mutate.mutant import Mutant
from moa_code.propose.mutate.ranking import naturalness, rank_plausible, standing

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


def test_a_line_that_becomes_like_its_sisters_is_likelier():
    text = "def f(a, i, j, n):\n    if i != n:\n        a += i\n    if j != n - 1:\n        a += j\n    return a\n"

    def changed(new):
        return Mutant(
            path="m.py", before=text, after=text.replace("i != n:", new), operator="off-by-one", line=2, prior=0.01,
            description="",
        )  # fmt: skip

    assert standing(changed("i != n - 1:")) > 2 * standing(changed("i != n + 1:"))


def test_a_parameter_that_nobody_reads_any_more_counts_against():
    text = "def g(n):\n    return n\n\n\ndef f(side, n):\n    return pair(side, n)\n"

    def changed(new):
        return Mutant(
            path="m.py", before=text, after=text.replace("pair(side, n)", new), operator="variable", line=6, prior=0.01,
            description="",
        )  # fmt: skip

    assert naturalness(changed("pair(side, side)")) == naturalness(changed("pair(n, n)"))
    assert naturalness(changed("pair(side, side)")) < naturalness(changed("pair(n, side)"))


def test_what_a_loop_goes_through_and_nobody_reads_counts_against():
    text = "def f(goal, nodes):\n    return any(g(node) for node in nodes)\n"
    after = text.replace("g(node)", "g(goal)")
    found = Mutant(
        path="m.py", before=text, after=after, operator="variable", line=2, prior=0.01, description=""
    )  # fmt: skip
    assert naturalness(found) < 0.5
