import pytest

from moa_code.evidence.reliability import PRIOR_RATES, Posterior, prior

STRONG, WEAK = "gpt-4-1106-preview", "starcoder"


def test_what_was_seen_moves_the_rate_and_the_order_does_not_matter():
    seen = prior(WEAK).after(wrong=0, right=300)
    assert seen.mean < prior(WEAK).mean / 5
    assert prior(STRONG).after(wrong=5, right=0).mean > prior(STRONG).mean
    assert prior(WEAK).after(wrong=0, right=100).after(wrong=0, right=200) == seen


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
