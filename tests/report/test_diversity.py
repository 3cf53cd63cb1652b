"""What proposers add to each other: hand-computed tables, and what must hold for every table."""

import math
import time
from itertools import combinations, pairwise, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moa_code.report.diversity import Standing, diversity, phi
from moa_code.report.intervals import Resampled
from moa_code.report.team_table import team_text
from moa_code.report.trials import Trial, any_of


def trials(table, **more):
    """`table`: by author a word with a letter a task: 1 right, 0 wrong, anything else not asked."""
    return [
        Trial(task_id=f"t{at}", author=author, right={"1": True, "0": False}.get(letter), **more)
        for author, word in table.items()
        for at, letter in enumerate(word)
        if letter in "01"
    ]


def quick(table, **more):
    return diversity(trials(table), resamples=50, **more)


def of(found):
    return {one.author: one for one in found.proposers}


TABLES = st.integers(1, 4).flatmap(
    lambda authors: st.lists(
        st.lists(st.sampled_from("01"), min_size=authors, max_size=authors), min_size=1, max_size=9
    ).map(lambda rows: {"abcd"[at]: "".join(row[at] for row in rows) for at in range(authors)})
)
HOLES = st.integers(1, 4).flatmap(
    lambda authors: st.lists(
        st.lists(st.sampled_from("01?"), min_size=authors, max_size=authors).filter(lambda row: set(row) != {"?"}),
        min_size=1,
        max_size=6,
    ).map(lambda rows: {"abcd"[at]: "".join(row[at] for row in rows) for at in range(authors)})
)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # both wrong, first wrong, second wrong, of: (n·n11 - n1·n2) / sqrt(n1 (n - n1) n2 (n - n2))
        ((5, 5, 5, 10), 1.0),
        ((0, 5, 5, 10), -1.0),
        ((2, 4, 5, 10), 0.0),
        ((3, 4, 5, 10), 10 / math.sqrt(4 * 6 * 5 * 5)),
        ((20, 30, 40, 100), 800 / math.sqrt(30 * 70 * 40 * 60)),
        ((0, 0, 5, 10), None),
        ((5, 5, 10, 10), None),
    ],
)
def test_phi_by_hand(table, expected):
    assert phi(*table) == (None if expected is None else pytest.approx(expected))


@given(TABLES)
@settings(deadline=None)
def test_phi_is_a_correlation_and_does_not_mind_the_order(table):
    for pair in quick(table).pairs:
        one, two = (table[author] for author in pair.authors)
        together = sum(a == b == "0" for a, b in zip(one, two, strict=True))
        assert phi(together, one.count("0"), two.count("0"), len(one)) == pytest.approx(
            phi(together, two.count("0"), one.count("0"), len(one))
        )
        assert pair.both_wrong.least == pytest.approx(together / len(one))
        if pair.phi is None:
            assert len(set(one)) == 1 or len(set(two)) == 1
        else:
            assert -1 <= pair.phi_low <= pair.phi_high <= 1
            # Pearson's correlation of the columns as numbers, from its definition.
            x, y = [int(a == "0") for a in one], [int(b == "0") for b in two]
            mx, my = sum(x) / len(x), sum(y) / len(y)
            top = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
            bottom = math.sqrt(sum((a - mx) ** 2 for a in x) * sum((b - my) ** 2 for b in y))
            assert pair.phi == pytest.approx(top / bottom)


def solved(table, members):
    tasks = len(next(iter(table.values())))
    return sum(any(table[m][at] == "1" for m in members) for at in range(tasks)) / tasks


@given(TABLES)
@settings(deadline=None)
def test_marginal_values_are_those_of_the_definitions(table):
    """Against all subsets and all orders, one by one."""
    found, names = quick(table), sorted(table)
    everybody = solved(table, names)
    for author, one in of(found).items():
        others = [name for name in names if name != author]
        assert one.only.least == pytest.approx(everybody - solved(table, others))
        gains = [
            solved(table, order[: order.index(author) + 1]) - solved(table, order[: order.index(author)])
            for order in permutations(names)
        ]
        assert one.part.least == pytest.approx(sum(gains) / len(gains))
        assert one.right.least == pytest.approx(solved(table, [author]))
    assert sum(one.part.least for one in found.proposers) == pytest.approx(everybody)
    for union in found.unions:
        teams = list(combinations(names, union.size))
        assert union.any_of.least == pytest.approx(sum(solved(table, team) for team in teams) / len(teams))
        assert union.best.least == pytest.approx(solved(table, union.team))


@given(TABLES)
@settings(deadline=None)
def test_a_union_grows_with_its_size_and_greed_is_no_worse_than_the_average(table):
    unions = quick(table).unions
    for smaller, larger in pairwise(unions):
        assert smaller.any_of.least <= larger.any_of.least + 1e-9
        assert smaller.best.least <= larger.best.least + 1e-9
        assert set(smaller.team) < set(larger.team)
    assert unions[0].best.least >= unions[0].any_of.least - 1e-9
    assert unions[-1].best.least == pytest.approx(unions[-1].any_of.least)


@given(HOLES, st.integers(0, 2**12))
@settings(deadline=None, max_examples=60)
def test_what_was_not_asked_lies_between(table, filling):
    """However the holes are filled, the figures of the filled table are in the bounds of the one with holes."""
    holes = sum(word.count("?") for word in table.values())
    bits = iter(f"{filling % (1 << holes):0{holes}b}" if holes else "")
    filled = {author: "".join(next(bits) if c == "?" else c for c in word) for author, word in table.items()}
    known, whole = of(quick(table)), of(quick(filled))
    for author, one in whole.items():
        if author in known:
            for figure in ("only", "part"):
                bounds, exact = getattr(known[author], figure), getattr(one, figure)
                if set(known) == set(whole):
                    assert bounds.least - 1e-9 <= exact.least <= bounds.most + 1e-9
    if set(known) == set(whole):
        for bounds, exact in zip(quick(table).unions, quick(filled).unions, strict=True):
            assert bounds.any_of.least - 1e-9 <= exact.any_of.least <= bounds.any_of.most + 1e-9


@given(HOLES)
@settings(deadline=None, max_examples=60)
def test_an_estimate_lies_in_its_interval(table):
    found = quick(table)
    estimates = [e for one in found.proposers for e in (one.only, one.part, one.adds, one.right) if e is not None]
    estimates += [e for union in found.unions for e in (union.any_of, union.best)]
    for one in estimates:
        assert 0 <= one.low <= one.least + 1e-9
        assert one.least <= one.most + 1e-9
        assert one.most <= one.high + 1e-9 <= 1 + 2e-9


def test_one_that_everybody_can_replace_is_dropped_and_its_twin_kept():
    """Leaving one out at a time would drop both of a pair of twins; what each adds to those before it drops one."""
    good, other = "1" * 150 + "0" * 50, "0" * 150 + "1" * 40 + "0" * 10
    found = of(quick({"good": good, "twin": good, "other": other, "worse": "1" * 90 + "0" * 110}))
    standings = {author: one.standing for author, one in found.items()}
    assert standings == {
        "good": Standing.KEEP,
        "twin": Standing.DROP,
        "other": Standing.KEEP,
        "worse": Standing.DROP,
    }
    assert found["good"].only.most == found["twin"].only.most == 0
    assert found["other"].adds.least == pytest.approx(0.2)


def test_few_tasks_tell_nothing():
    found = quick({"a": "1" * 10 + "0" * 9, "b": "0" * 19})
    assert {one.standing for one in found.proposers} == {Standing.CANNOT_TELL}
    assert "cannot tell: 19 tasks" in team_text(found)


def test_nothing_in_forty_tasks_is_not_nothing():
    """None of 40 is consistent with 8 in 100: not a reason to drop anybody. None of 200 is."""
    few = of(quick({"a": "1" * 40, "b": "0" * 40}))["b"]
    assert (few.standing, few.adds.least) == (Standing.CANNOT_TELL, 0)
    assert 0.07 < few.adds.high < 0.10
    many = of(quick({"a": "1" * 200, "b": "0" * 200}))["b"]
    assert many.standing is Standing.DROP


def test_one_lucky_task_is_no_reason_to_keep_anybody():
    lucky = of(quick({"a": "1" * 99 + "0", "b": "0" * 99 + "1"}))["b"]
    assert lucky.adds.least == pytest.approx(0.01)
    assert (lucky.adds.low, lucky.standing) == (0.0, Standing.CANNOT_TELL)


def test_the_best_of_many_coins_is_not_praised_for_its_luck():
    """The order is chosen on other tasks than those it is scored on: the luckiest coin adds what a coin adds."""
    random = Random(5)
    found = quick({f"coin{at:02}": "".join(random.choices("01", k=60)) for at in range(15)})
    assert found.proposers[0].right.least >= 0.6
    assert found.proposers[0].adds.least < found.proposers[0].right.least - 0.05


def test_what_it_adds_is_held_against_what_it_costs():
    table = {"cheap": "1" * 150 + "0" * 50, "dear": "1" * 170 + "0" * 30}
    made = [
        Trial(task_id=t.task_id, author=t.author, right=t.right, cost_usd=0.3 if t.author == "dear" else 0.001)
        for t in trials({"cheap": table["cheap"], "dear": "0" * 150 + "1" * 20 + "0" * 30})
    ]
    worth_little = of(diversity(made, worth_usd=1.0, resamples=50))
    assert worth_little["cheap"].standing is Standing.KEEP
    assert worth_little["dear"].standing is Standing.DROP
    worth_much = of(diversity(made, worth_usd=100.0, resamples=50))
    assert worth_much["dear"].standing is Standing.KEEP
    assert worth_much["dear"].tasks_per_usd.least == pytest.approx(0.1 / 0.3)
    assert of(diversity(made, resamples=50))["dear"].standing is Standing.KEEP


def test_a_cost_that_is_unknown_once_is_unknown():
    made = trials({"a": "1" * 30}, cost_usd=0.1)
    assert diversity(made, resamples=10).proposers[0].cost_usd == pytest.approx(0.1)
    made.append(Trial(task_id="x", author="a", right=True))
    assert diversity(made, resamples=10).proposers[0].cost_usd is None


def test_a_task_tried_often_weighs_once():
    """Nine more samples of one task that `a` fails: its rate stays that of the two tasks."""
    made = [Trial(task_id="easy", author="a", right=True)]
    made += [Trial(task_id="hard", author="a", right=False, sample=str(n)) for n in range(10)]
    found = diversity(made, resamples=50)
    assert (found.tasks, found.proposers[0].right.least) == (2, 0.5)
    halves = [Trial(task_id="half", author="a", right=n % 2 == 0, sample=str(n)) for n in range(4)]
    assert diversity([*made, *halves], resamples=50).proposers[0].right.least == pytest.approx(1.5 / 3)
    assert diversity([*made[1:], *halves], resamples=50).proposers[0].right.least == pytest.approx(0.5 / 2)


def test_two_trials_of_one_sample_are_refused():
    with pytest.raises(ValueError, match="a has two trials of t0"):
        diversity(trials({"a": "1"}) * 2)


def test_passes_that_were_wrong():
    made = [Trial(task_id=f"t{n}", author="a", right=n < 6, passed_visible=n < 8) for n in range(10)] + [
        Trial(task_id="t11", author="a", right=None, passed_visible=True)
    ]
    assert of(diversity(made, resamples=20))["a"].false_accept.least == pytest.approx(2 / 8)


def test_a_ladder_that_stops_early_is_not_held_against_those_behind():
    """`b` was asked only where `a` failed: what it adds is known exactly, what it would do alone is not."""
    found = of(quick({"a": "1" * 60 + "0" * 40, "b": "?" * 60 + "1" * 30 + "0" * 10}))
    assert found["b"].adds.exact
    assert found["b"].adds.least == pytest.approx(0.3)
    assert found["b"].standing is Standing.KEEP
    assert (found["b"].tried, found["b"].right.least) == (40, 0.75)
    assert (found["a"].only.least, found["a"].only.most) == (0.0, pytest.approx(0.6))


def test_nobody_and_nothing_known():
    assert diversity([]).proposers == ()
    found = diversity([Trial(task_id="t", author="a", right=None)])
    assert (found.tasks, found.proposers[0].right, found.proposers[0].adds.high) == (0, None, 1.0)
    assert "cannot tell" in team_text(found)


def test_a_pair_does_not_mind_who_else_is_there():
    """Many pairs are drawn in several goes, from the same tasks."""
    random = Random(3)
    table = {f"m{at:02}": "".join(random.choices("01", k=40)) for at in range(16)}
    many = {pair.authors: pair for pair in quick(table).pairs}
    assert len(many) == 16 * 15 / 2 > 100
    for names in (("m00", "m01"), ("m14", "m15")):
        (alone,) = quick({name: table[name] for name in names}).pairs
        assert many[names] == alone


def test_the_same_seed_brings_the_same_intervals():
    table = {"a": "1101001110" * 4, "b": "0111010010" * 4}
    assert quick(table, seed=1) == quick(table, seed=1)
    assert quick(table, seed=1) != quick(table, seed=2)


def test_the_bootstrap_has_the_spread_that_theory_says():
    """Of 40 in 100: mean 0.4, standard error sqrt(0.4 · 0.6 / 100) = 0.049, so 95 % lie within ± 0.096."""
    drawn = Resampled([[1.0] * 40 + [0.0] * 60, [0.25] * 100], seed=0)
    values = [value / 100 for value in drawn.drawn(0)]
    mean = sum(values) / len(values)
    assert mean == pytest.approx(0.4, abs=0.01)
    assert math.sqrt(sum((v - mean) ** 2 for v in values) / len(values)) == pytest.approx(0.049, rel=0.1)
    assert set(drawn.drawn(1)) == {25.0}
    share = drawn.share(0, 0)
    assert (share.low, share.high) == (pytest.approx(0.305, abs=0.02), pytest.approx(0.5, abs=0.02))


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    """500 draws of 40 tasks from a known rate: a 95 % interval misses it in about 25, and never in 60."""
    random, missed = Random(7), 0
    for seed in range(500):
        column = [float(random.random() < 0.2) for _ in range(40)]
        found = Resampled([column], seed=seed, resamples=100).share(0, 0)
        missed += not found.low <= 0.2 <= found.high
    assert missed < 40


def test_figures_of_a_task_are_shares():
    with pytest.raises(ValueError, match="between 0 and 1"):
        Resampled([[1.5]], seed=0)


def test_any_of_by_hand():
    assert any_of(1, 4, 2) == pytest.approx(1 / 2)
    assert (any_of(0, 3, 3), any_of(2, 3, 2), any_of(3, 3, 1)) == (0.0, 1.0, 1.0)


def test_twelve_on_164_tasks_within_two_seconds():
    random = Random(1)
    table = {f"m{at}": "".join("01"[random.random() < 0.4 + at / 24] for _ in range(164)) for at in range(12)}
    made = trials(table)
    start = time.process_time()
    found = diversity(made)
    assert time.process_time() - start < 2.0
    assert len(found.pairs) == 66
    assert all(pair.phi_low < pair.phi < pair.phi_high for pair in found.pairs)
