import pytest

from moa_code.evidence.reliability import PRIOR_RATES, Pass, Posterior, Reliability, prior


def passed(author, family=None, cluster=""):
    return Pass(author=author, family=family or author, cluster=cluster)


STRONG, WEAK = "gpt-4-1106-preview", "starcoder"


def test_one_pass_is_worth_what_the_author_is():
    known = Reliability()
    assert known.belief([passed(STRONG)]) == pytest.approx(1 - prior(STRONG).mean)
    assert known.belief([passed(STRONG)]) > known.belief([passed("never-heard-of")]) > known.belief([passed(WEAK)])
    assert known.belief([]) == 0.0
    assert known.belief([passed(STRONG, cluster="x")], "y") == 0.0


def test_a_second_family_raises_belief_and_the_same_family_does_not():
    known = Reliability()
    alone = known.belief([passed(WEAK, "a")])
    assert known.belief([passed(WEAK, "a"), passed(WEAK, "a")]) == pytest.approx(alone)
    together = known.belief([passed(WEAK, "a"), passed("codellama", "b")])
    assert alone < together < 1 - prior(WEAK).mean * prior("codellama").mean


def test_a_family_counts_by_its_most_reliable_member():
    known = Reliability()
    both = [passed(WEAK, "a"), passed(STRONG, "a")]
    assert known.belief(both) == pytest.approx(known.belief([passed(STRONG, "a")]))


def test_disagreement_takes_belief_away_and_beliefs_never_sum_above_one():
    known = Reliability()
    passes = [passed(STRONG, "a", "x"), passed(WEAK, "b", "y"), passed("codellama", "c", "y")]
    x, y = known.belief(passes, "x"), known.belief(passes, "y")
    assert x < known.belief(passes[:1])
    assert 0 < y < 1
    assert x + y < 1


def test_what_was_seen_moves_the_rate_and_the_order_does_not_matter():
    one = Reliability().after(WEAK, wrong=0, right=300)
    assert one.of(WEAK).mean < prior(WEAK).mean / 5
    assert one.of(STRONG) == prior(STRONG)
    assert one.after(STRONG, wrong=5, right=0).of(STRONG).mean > prior(STRONG).mean
    split = Reliability().after(WEAK, wrong=0, right=100).after(WEAK, wrong=0, right=200)
    assert split.of(WEAK) == one.of(WEAK)


@pytest.mark.parametrize(("alpha", "beta"), [(0, 1), (1, 0), (-1, 2), (float("nan"), 1)])
def test_what_is_no_distribution_is_refused(alpha, beta):
    with pytest.raises(ValueError, match="two positive numbers"):
        Posterior(alpha=alpha, beta=beta)
    with pytest.raises(ValueError, match="negative"):
        Posterior(alpha=1, beta=1).after(wrong=-1, right=0)


def test_priors_go_by_the_longest_known_name_without_the_provider():
    assert prior("openai/GPT-4-1106-preview") == prior("gpt-4-1106-preview")
    assert prior("gpt-4o-mini").mean != prior("gpt-4-1106-preview").mean
    assert prior("builtin:mutate").mean == pytest.approx(0.057)
    assert prior("who-knows").mean == pytest.approx(0.10)
    assert all(0.01 <= rate <= 0.25 for rate in PRIOR_RATES.values())
