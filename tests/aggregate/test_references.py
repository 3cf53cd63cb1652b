import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_drafts import BLOCK, FAIL, ONE, THREE, TWO, behaviour, brief, failure, judged, profile, result

from moa_code.aggregate.llm import LlmAggregator
from moa_code.aggregate.references import References, levelled, refer
from moa_code.context.pack import pack
from moa_code.core.verdict import CheckOutcome, Outcome
from moa_code.edits.reply import EditFormat
from moa_code.models.scripted import ScriptedModel
from moa_code.prompts.tokens import estimate_tokens
from moa_code.propose.writer import LlmWriter

OTHERS = ("+def other():\n+    return 'of another task'\n" * 3, "-    x = 1\n+    x = 2\n")
GOOD = judged("c4", "    return a + b\n", result("t::a"), result("t::b"), outcome=Outcome.PASSED, author="best")
SEEN = behaviour(("add(0, 5)",), c1=("0",), c2=("0",), c3=("6",), c4=("5",))
WANTED = brief(GOOD, ONE, THREE, TWO, behaviour=SEEN, profiles={"best": profile(0.02)}, seed=5)


def letter(kind, wanted=WANTED, **more):
    writer = LlmWriter("strong", ScriptedModel({"strong": [BLOCK]}), record=lambda _: None)
    others = OTHERS if kind is References.OTHER_TASK else ()
    author = LlmAggregator(writer, pack, edit_format=EditFormat.BLOCKS, references=kind, others=others, **more)
    return author.letter(wanted)


def tokens(sent):
    return sum(estimate_tokens(m.text) for m in sent.messages)


def shown(kind, wanted=WANTED):
    return refer(kind, wanted, max_tokens=6_000, others=OTHERS)


def long(count):
    results = [result(f"t::{i}", FAIL, failure(i, "y" * 200)) for i in range(count)]
    return [judged(f"c{i}", f"    # {'x' * 700} {i}\n    return {i}\n", *results) for i in range(count)]


@pytest.mark.parametrize("kind", References)
@pytest.mark.parametrize("limit", [2_000, 5_000, 24_000])
@pytest.mark.parametrize(
    "wanted", [WANTED, brief(*long(12), feedback="c1 broke it"), brief()], ids=["few", "many", "none"]
)
def test_every_arm_has_the_same_budget(kind, limit, wanted):
    real = tokens(letter(References.REAL, wanted, max_prompt_tokens=limit))
    assert tokens(letter(kind, wanted, max_prompt_tokens=limit)) == pytest.approx(real, rel=0.02)
    assert real <= limit


@pytest.mark.parametrize("kind", References)
def test_task_and_code_are_the_same_in_every_arm(kind):
    text, real = (letter(one).messages[1].text for one in (kind, References.REAL))
    mark = "# Facts about the drafts"
    assert text.partition(mark)[0] == real.partition(mark)[0]
    assert letter(kind).messages[0] == letter(References.REAL).messages[0]


def test_none_shows_no_draft():
    none = shown(References.NONE)
    assert none.facts.startswith("There is no draft.")
    assert none.drafts.startswith("None.")
    assert none.numbers == {}
    assert "return" not in none.drafts


def test_another_tasks_drafts_say_nothing_about_this_one():
    other = shown(References.OTHER_TASK)
    assert other.facts.startswith("Nothing was measured")
    assert "t::a" not in other.facts
    assert "of another task" in other.drafts
    assert "a * b" not in other.drafts
    assert other.drafts.count("## Draft") == 4
    assert other.numbers == {}


def test_another_tasks_drafts_must_be_given():
    with pytest.raises(ValueError, match="none were given"):
        refer(References.OTHER_TASK, WANTED, max_tokens=6_000)


@pytest.mark.parametrize("seed", range(6))
def test_shuffled_drafts_have_another_ones_facts(seed):
    """Each draft's text under a line that tells of another draft: no fact stays where it belongs."""
    distinct = [
        judged(f"c{i}", f"    return {i}\n", *[result("t", CheckOutcome.PASSED)] * i, author=f"m{i}")
        for i in range(1, 5)
    ]
    wanted = brief(*distinct, seed=seed)
    real, shuffled = (shown(kind, wanted) for kind in (References.REAL, References.SHUFFLED))
    assert shuffled.drafts == real.drafts
    lines = [[line for line in one.facts.splitlines() if line.startswith("Draft ")] for one in (real, shuffled)]
    assert all(here != there for here, there in zip(*lines, strict=True))
    assert sorted(line.partition(": ")[2] for line in lines[0]) == sorted(line.partition(": ")[2] for line in lines[1])
    assert real.numbers == shuffled.numbers


def test_a_lonely_draft_cannot_be_shuffled():
    wanted = brief(ONE)
    assert shown(References.SHUFFLED, wanted) == shown(References.REAL, wanted)


def test_best_only():
    best = shown(References.BEST_ONLY)
    assert best.numbers == {"c4": 1}
    assert "return a + b" in best.drafts
    assert "a * b" not in best.drafts
    assert "Draft 2" not in best.facts


def test_failing_ones_with_their_output():
    failing = shown(References.FAILING_WITH_OUTPUT)
    assert sorted(failing.numbers) == ["c1", "c2", "c3"]
    assert "assert 2 == 3" in failing.facts
    assert "alike" not in failing.facts
    assert "return a + b\n" not in failing.drafts


@settings(deadline=None)
@given(st.text(max_size=300), st.integers(0, 400))
def test_any_text_can_be_made_as_long_as_asked_for(text, wanted):
    assert wanted - 3 <= estimate_tokens(levelled(text, wanted)) <= max(wanted, 0) or wanted < 40
    assert estimate_tokens(levelled(text, wanted)) <= wanted
