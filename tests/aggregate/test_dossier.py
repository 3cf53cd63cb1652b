from dataclasses import replace

import pytest
from judged_drafts import FAIL, ONE, THREE, TWO, behaviour, brief, failure, judged, profile, result

from moa_code.aggregate.dossier import facts, facts_of_one, failures_of_all, select, texts
from moa_code.core.brief import Judged
from moa_code.core.candidate import Candidate
from moa_code.core.patch import EMPTY_PATCH
from moa_code.core.verdict import Finding, Outcome
from moa_code.prompts.tokens import estimate_tokens


def told(wanted, max_tokens=5000, **more):
    return facts(select(wanted, max_tokens=max_tokens), wanted, max_tokens=max_tokens, **more)


def numbers(wanted, max_tokens=5000):
    return {d.judged.candidate.candidate_id: d.number for d in select(wanted, max_tokens=max_tokens).drafts}


def test_facts_are_grouped_by_check_and_said_once():
    wanted = brief(ONE, TWO, THREE)
    text, number = told(wanted), numbers(wanted)
    assert text.count("assert 2 == 3") == 1
    assert text.index("Check t::a: passes in no draft that ran it") < text.index("Check t::b: passes in drafts")
    both = ", ".join(str(n) for n in sorted((number["c1"], number["c2"])))
    assert f"failed in drafts {both}:\n```\nassert 2 == 3\n```" in text
    assert f"failed in draft {number['c3']}:\n```\nassert 4 == 3\n```" in text
    assert f"Draft {number['c1']}: failed; 1 of 2 checks passed; +1 −1 lines in 1 file" in text


def test_the_whole_dossier():
    """A golden: call, value, expected value, what was raised where, who agrees with whom, how reliable an author is."""
    raised = "t.py:3: in test_a\n    add(1, 2)\ncalc.py:2: in add\n    return a + c\nE   NameError: name 'c'"
    one = judged("c1", "    return a * b\n", result("t::a", FAIL, failure(2, 3)), result("t::b"))
    two = judged("c2", "    return b * a\n", result("t::a", FAIL, failure(2, 3)), result("t::b"))
    bad = judged("c3", "    return a + c\n", result("t::a", FAIL, raised), result("t::b"), author="weak#plan")
    seen = behaviour(("add(0, 5)", "add([1], [2])"), c1=("0", "dies"), c2=("0", "dies"), c3=("5", "dies"))
    wanted = brief(
        one, two, bad, seed=4, behaviour=seen, profiles={"weak": profile(0.16), "author-of-c1": profile(0.027)}
    )
    n = numbers(wanted)
    first, second = sorted((n["c1"], n["c2"]))
    expected = [""] * 3
    expected[n["c1"] - 1] = "; passes by its author are wrong 3 % of the time"
    expected[n["c3"] - 1] = "; passes by its author are wrong 16 % of the time"
    lines = [
        f"Draft {d}: failed; 1 of 2 checks passed; +1 −1 lines in 1 file{more}" for d, more in enumerate(expected, 1)
    ]
    sections = {
        n["c1"]: f"failed in drafts {first}, {second}: add(1, 2) gives 2, expected 3",
        n["c3"]: f"failed in draft {n['c3']}: add(1, 2) raised NameError: name 'c', at calc.py:2 in add",
    }
    by_first = [sections[k] for k in sorted(sections, key=lambda k: first if k == n["c1"] else k)]
    assert told(wanted) == "\n".join(
        [
            *lines,
            f"On 2 fresh inputs drafts {first} and {second} answer alike.",
            f"Draft {n['c3']} differs from drafts {first} and {second} on 1 of 2: add(0, 5): 5 against 0.",
            "",
            "Check t::a: passes in no draft that ran it",
            *by_first,
        ]
    )


def test_raw_facts_are_outcomes_and_output():
    one = judged("c1", "    return a * b\n", result("t::a", FAIL, failure(2, 3)), regressed=("t::b",))
    two = judged("c2", "    return b * a\n", result("t::a", FAIL, failure(2, 3)))
    seen = behaviour(("add(0, 5)",), c1=("0",), c2=("0",))
    text = told(brief(one, two, behaviour=seen, profiles={"author-of-c1": profile(0.5)}), raw=True)
    assert "E   assert 2 == 3" in text
    for words in ("gives", "alike", "of the time", "breaks", "lines in"):
        assert words not in text


def test_a_property_is_told_by_its_counterexample():
    detail = failure(2, 3) + "\nE   Failing test case: test_add(\nE       a=50,\nE   )"
    assert "Counterexample: test_add(a=50)" in told(brief(judged("c1", "    return 1\n", result("t::a", FAIL, detail))))


def test_regressions_findings_and_reasons_are_facts():
    finding = Finding(tool="ruff", code="F841", path="calc.py", line=2, message="unused\nvariable")
    bad = judged("c9", "    y = 1\n", result("t::a"), findings=(finding,), regressed=("t::b",))
    slow = judged("c8", "    while 1: pass\n", outcome=Outcome.TIMED_OUT, detail="ran for 30 s")
    text = told(brief(bad, slow))
    assert "breaks what passed before: t::b" in text
    assert "new findings: F841 calc.py:2 unused variable" in text
    assert "timed out; ran for 30 s; +1 −1" in text


@pytest.mark.parametrize("by_engine", [True, False])
def test_equal_patches_are_one_draft(by_engine):
    again = judged("c4", "    return a * b\n", result("t::a", FAIL), author="another")
    wanted = brief(ONE, TWO, agreed={"c1": ("another",)}) if by_engine else brief(ONE, again, TWO)
    wanted = replace(wanted, profiles={"another": profile(0.02), "author-of-c1": profile(0.2)})
    assert len(select(wanted, max_tokens=5000).drafts) == 2
    assert "written alike by 2 authors; passes by the most reliable of them are wrong 2 % of the time" in told(wanted)


def test_an_empty_patch_is_no_draft():
    empty = Judged(
        candidate=Candidate(candidate_id="c0", patch=EMPTY_PATCH, origin=ONE.candidate.origin), verdict=ONE.verdict
    )
    assert select(brief(empty), max_tokens=5000).drafts == ()
    assert told(brief(empty)) == "There is no draft."


def test_the_order_of_drafts_follows_the_seed_not_the_ranking():
    def order(seed):
        selection = select(brief(ONE, TWO, THREE, seed=seed), max_tokens=5000)
        return tuple(draft.judged.candidate.candidate_id for draft in selection.drafts)

    assert order(1) == order(1)
    assert len({order(seed) for seed in range(30)}) == 6


def many(count, size=300):
    return [judged(f"c{i}", f"    # {'x' * size} {i}\n    return {i}\n", result("t::a", FAIL)) for i in range(count)]


def test_the_best_drafts_get_the_room():
    wanted = brief(*many(20), seed=3)
    selection = select(wanted, max_tokens=1000)
    kept = sorted(int(draft.judged.candidate.candidate_id[1:]) for draft in selection.drafts)
    assert kept == list(range(len(kept)))
    assert 1 <= len(kept) < 20
    assert selection.left_out == 20 - len(kept)
    assert f"{selection.left_out} further drafts" in told(wanted, 1000)
    assert sum(estimate_tokens(d.diff) for d in selection.drafts) <= 1000


def test_one_of_each_group_that_behaves_alike_comes_before_a_second():
    drafts = many(6)
    calls = ("add(1, 2)",)
    seen = behaviour(calls, c0=["a"], c1=["a"], c2=["a"], c3=["a"], c4=["b"])  # c5 was not compared
    wanted = brief(*drafts, behaviour=seen)
    room = 3 * (estimate_tokens(select(wanted, max_tokens=9000).drafts[0].diff) + 14)
    assert set(numbers(wanted, room)) == {"c0", "c4", "c5"}
    assert set(numbers(replace(wanted, behaviour=None), room)) == {"c0", "c1", "c2"}


def test_a_huge_draft_does_not_push_the_others_out():
    huge = judged("c0", "    # " + "x" * 50_000 + "\n    return 1\n", result("t::a", FAIL))
    selection = select(brief(huge, ONE, TWO), max_tokens=2000)
    assert len(selection.drafts) == 3
    assert "characters left out" in texts(selection)


def test_authors_and_their_words_stay_out():
    wanted = brief(ONE, TWO, profiles={"author-of-c1": profile(0.1)})
    text = told(wanted) + texts(select(wanted, max_tokens=5000))
    assert "author-of" not in text
    assert "their note" not in text


def test_one_candidate_is_told_without_numbers():
    one = judged("c1", "    return a * b\n", result("t::a", FAIL, failure(2, 3)), result("t::b"), regressed=("t::a",))
    assert facts_of_one(one, max_tokens=500) == (
        "Outcome: failed; 1 of 2 checks passed; breaks what passed before: t::a.\n\n"
        "Check t::a\nfailed: add(1, 2) gives 2, expected 3"
    )


def test_failures_of_all_hold_no_text_of_any():
    slow = judged("c8", "    while 1: pass\n", outcome=Outcome.TIMED_OUT, detail="ran for 30 s")
    text = failures_of_all((ONE, TWO, THREE, slow), max_tokens=2000)
    assert text.startswith("Attempts so far: 4; none is right.\n1 attempt timed out: ran for 30 s\n\nCheck t::a")
    assert "failed in 2 attempts:\n```\nassert 2 == 3\n```" in text
    assert "Check t::b: passes in 2 attempts" in text
    assert "return" not in text
    assert "c1" not in text
