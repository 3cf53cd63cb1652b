"""Candidates and checks vote on each other."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moa_code.core.behaviour import WrittenCheck
from moa_code.evidence.dual import KEPT_FROM, agreement, dual, kept, void_checks

T, F, N = True, False, None


def checks(count, author="strong"):
    return tuple(WrittenCheck(author=author, name=f"t{n}", code="", sentence="") for n in range(count))


def rows(**votes):
    return {name: tuple({"+": T, "-": F, "?": N}[mark] for mark in marks) for name, marks in votes.items()}


def ask(authors="", **votes):
    count = len(next(iter(votes.values())))
    written = checks(count) if not authors else tuple(checks(1, author)[0] for author in authors)
    return dual(rows(**votes), written)


@pytest.mark.parametrize(
    ("votes", "best"),
    [
        ({"a": "+++", "b": "---"}, "a"),
        ({"a": "+++++-", "b": "-----+"}, "a"),  # one bad check does not flip five good ones
        ({"a": "++--", "b": "++++", "c": "+---"}, "b"),
        ({"a": "+-+?", "b": "+--?"}, "a"),
        ({"a": "++", "b": "++", "c": "++", "d": "--"}, "a"),
    ],
)
def test_who_passes_more_is_likelier(votes, best):
    told = ask(**votes)
    assert told.candidates[best] == max(told.candidates.values())
    assert told.candidates[best] > sum(told.candidates.values()) / len(votes)


def test_those_that_behave_alike_share_one_probability_and_strengthen_each_other():
    alone = ask(a="++-", x="--+", y="-++", z="+--")
    together = ask(a="++-", b="++-", c="++-", x="--+")
    assert together.candidates["a"] == together.candidates["b"] == together.candidates["c"]
    assert together.candidates["a"] > alone.candidates["a"]


def test_a_large_cluster_beats_a_lone_candidate_that_a_wrong_check_likes():
    """CodeT's point: 5 agree and pass 3 of 4; one passes the fourth alone."""
    told = ask(a="+++-", b="+++-", c="+++-", d="+++-", e="+++-", x="---+")
    assert told.candidates["a"] > 0.9
    assert told.checks[3] < 0.2 < 0.9 < told.checks[0]


def test_the_check_that_only_the_wrong_one_passes_is_found_out():
    told = ask(a="+++++-", b="-----+")
    assert told.checks[-1] < 0.25
    assert min(told.checks[:-1]) > 0.75


def test_nobody_may_be_right():
    told = ask(a="+--+--", b="-+--+-", c="--+--+")
    assert told.none_right > ask(a="++++++", b="-+--+-", c="--+--+").none_right


def test_no_check_is_trusted_singly():
    """One check alone moves belief, and never as far as two that agree; against a better prior it does not win."""
    before = {"a": 0.3, "b": 0.6}
    one = agreement(rows(a="+", b="-"), checks(1), prior=before)
    two = agreement(rows(a="++", b="--"), checks(2), prior=before)
    strong = agreement(rows(a="+", b="-"), checks(1), prior={"a": 0.1, "b": 0.85})
    assert 0.3 < one["a"] < two["a"]
    assert strong["a"] < 0.5 < strong["b"]


def test_one_author_counts_for_no_more_than_a_few_votes():
    before = {"a": 0.02, "b": 0.95}
    many = agreement(rows(a="+" * 11, b="-" * 11), checks(11), prior=before)
    some = agreement(rows(a="+" * 5, b="-" * 5), checks(5), prior=before)
    assert many["a"] < some["a"] + 0.25
    three = tuple(check for author in "xyz" for check in checks(4, author))
    assert agreement(rows(a="+" * 12, b="-" * 12), three, prior=before)["a"] > many["a"]


def test_an_author_whose_checks_nobody_believes_is_not_believed():
    """x's checks go with the large clusters; y's contradict all but one candidate, each time another."""
    votes = {"a": "++++----", "b": "++++----", "c": "++++----", "d": "----++++"}
    told = ask("xxxxyyyy", **votes)
    assert min(told.checks[:4]) > max(told.checks[4:])
    assert told.candidates["a"] > told.candidates["d"]


def test_what_is_known_of_candidates_before_counts():
    votes = rows(a="+-", b="-+")
    told = agreement(votes, checks(2), prior={"a": 0.9, "b": 0.05})
    assert told["a"] > 0.8
    assert agreement(votes, checks(2), prior={"a": 0.0, "b": 0.5})["a"] == 0.0


def test_clusters_keep_apart_what_the_checks_cannot_tell_apart():
    votes = rows(a="++", b="++", c="++", d="-+")
    alike = agreement(votes, checks(2))
    apart = agreement(votes, checks(2), clusters={"a": "1", "b": "1", "c": "2", "d": "3"})
    assert alike["a"] == alike["c"]
    assert apart["a"] == apart["b"] > apart["c"]


def test_a_cluster_whose_members_vote_differently_is_two():
    told = agreement(rows(a="+++", b="---"), checks(3), clusters={"a": "1", "b": "1"}, prior={"a": 0.8, "b": 0.8})
    assert told["a"] > told["b"]
    assert told["a"] + told["b"] <= 1.0


def test_what_is_kept_is_passed_by_the_winner_and_probably_valid():
    votes, written = rows(a="++++-?", b="++++-+", x="----++"), checks(6)
    told = kept(votes, written, "a")
    assert [check.name for check in told] == ["t0", "t1", "t2", "t3"]
    assert "t4" not in {check.name for check in kept(votes, written, "x")}
    assert dual(votes, written).checks[0] >= KEPT_FROM


def test_void_checks():
    votes = rows(a="+-?+", b="+-?-")
    assert void_checks(votes) == {1, 2}
    assert void_checks(votes, stub=(T, F, F, F)) == {0, 1, 2}
    assert void_checks({}) == frozenset()


def test_without_votes_nothing_is_learnt():
    assert agreement(rows(a="??", b="??"), checks(2), prior={"a": 0.4, "b": 0.4}) == pytest.approx({"a": 0.4, "b": 0.4})
    assert agreement({"a": ()}, (), prior={"a": 0.4}) == pytest.approx({"a": 0.4})
    assert agreement({}, checks(2)) == {}


@pytest.mark.parametrize("prior", [{"a": 1.2}, {"a": -0.1}])
def test_a_prior_is_a_probability(prior):
    with pytest.raises(ValueError, match="between 0 and 1"):
        agreement(rows(a="+"), checks(1), prior=prior)


def test_a_row_has_one_vote_a_check():
    with pytest.raises(ValueError, match="2 votes on 1 checks"):
        agreement(rows(a="++"), checks(1))


tables = st.integers(1, 6).flatmap(
    lambda n: st.lists(st.lists(st.sampled_from([T, F, N]), min_size=n, max_size=n).map(tuple), min_size=1, max_size=5)
)


def named(table):
    return {f"c{n}": row for n, row in enumerate(table)}


@settings(max_examples=60, deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_order_does_not_matter(table, rng):
    votes, count = named(table), len(table[0])
    names, places = list(votes), list(range(count))
    rng.shuffle(names)
    rng.shuffle(places)
    written = tuple(checks(1, f"author{n % 2}")[0] for n in range(count))
    one = dual(votes, written)
    other = dual({name: tuple(votes[name][p] for p in places) for name in names}, [written[p] for p in places])
    assert other.candidates == pytest.approx(one.candidates)
    assert [other.checks[places.index(p)] for p in range(count)] == pytest.approx(one.checks)


@settings(max_examples=60, deadline=None)
@given(tables, st.booleans())
def test_a_check_that_all_answer_alike_changes_nothing(table, answer):
    votes, count = named(table), len(table[0])
    more = {name: (*row, answer) for name, row in votes.items()}
    assert agreement(more, checks(count + 1)) == pytest.approx(agreement(votes, checks(count)))


@settings(max_examples=60, deadline=None)
@given(tables)
def test_probabilities(table):
    votes, count = named(table), len(table[0])
    told = dual(votes, checks(count))
    assert all(0.0 <= p <= 1.0 + 1e-9 for p in (*told.candidates.values(), *told.checks, told.none_right))
    once = {row: told.candidates[name] for name, row in votes.items()}
    assert sum(once.values()) + told.none_right == pytest.approx(1.0)


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(0, 4), st.integers(0, 5))
def test_failing_one_more_check_never_helps_against_the_same_candidate(table, who, where):
    """Of two candidates that differ on one check alone, who passes it is not less likely than who does not.

    Among others it may be: that they all fail a check says that the check is wrong.
    """
    count = len(table[0])
    row = list(table[who % len(table)])
    row[where % count] = T
    twin = [*row]
    twin[where % count] = F
    told = agreement({"passes": tuple(row), "fails": tuple(twin)}, checks(count))
    rest = [at for at in range(count) if at != where % count]
    if sum(row[at] is T for at in rest) >= sum(row[at] is F for at in rest):  # else passing may mark the check as wrong
        assert told["passes"] >= told["fails"] - 1e-9
