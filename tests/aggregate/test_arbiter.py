import asyncio
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moa_code.aggregate.arbiter import (
    ANSWER_TOKENS,
    LlmArbiter,
    lettered_choices,
    read_ruling,
    signature_of,
)
from moa_code.core.behaviour import Answer, AnswerKind, Behaviour
from moa_code.core.brief import Baseline, Brief
from moa_code.core.errors import ModelError
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task
from moa_code.core.tree import MemorySnapshot
from moa_code.models.scripted import ScriptedModel
from moa_code.prompts.tokens import estimate_tokens
from moa_code.propose.writer import LlmWriter

CODE = b'''def order(items: list[int], down: bool = False) -> list[int]:
    """The items, smallest first."""
    return secret(items)
'''
TASK = Task(
    task_id="t1",
    mode=Mode.FIX,
    instruction="order() sorts, and keeps equal items.",
    tree=MemorySnapshot(files={"calc.py": CODE, "tests/test_calc.py": b"def order(x): ..."}),
    checks=Checks(kind=CheckKind.PYTEST),
    rules=EditRules(protected=("tests/**",)),
)
BRIEF = Brief(task=TASK, baseline=Baseline(results=()), seed=1)


def value(text):
    return Answer(kind=AnswerKind.VALUE, text=text, digest=f"d{text}")


def behaviour(calls, **answers):
    return Behaviour(calls=calls, answers={name: tuple(map(value, texts)) for name, texts in answers.items()})


DIFFER = behaviour(
    ("order([1])", "order([2, 1])", "order([1, 1])"),
    c1=("[1]", "[1, 2]", "[1, 1]"),
    c2=("[1]", "[1, 2]", "[1]"),
    c3=("[1]", "[1, 2]", "[1, 1]"),
)


def ruled(step, seen=DIFFER, choices=("c1", "c2", "c3"), brief=BRIEF):
    model, records = ScriptedModel({"strong": [step] if not callable(step) else step}), []
    arbiter = LlmArbiter(LlmWriter("strong", model, record=records.append))
    return asyncio.run(arbiter.rule(brief, seen, choices)), model.requests, records


def letter_of(candidate, seen=DIFFER, seed=1):
    return next(
        c.letter for c in lettered_choices(seen, tuple(seen.answers), seed=seed) if candidate in c.cluster.members
    )


def test_it_is_shown_the_differing_outputs_and_no_code():
    """A golden: the whole letter to the user's side."""
    _, requests, _ = ruled("NONE: x")
    texts = {letter_of("c1"): "[1, 1]", letter_of("c2"): "[1]"}
    assert requests[0].messages[1].text == (
        "# Task\n\norder() sorts, and keeps equal items.\n\n"
        "```python\ndef order(items: list[int], down: bool=False) -> list[int]:\n"
        '    """The items, smallest first."""\n```\n\n'
        "# Where the programs differ\n\n"
        f"```\nInput 1: order([1, 1])\n  A: {texts['A']}\n  B: {texts['B']}\n```\n\n"
        "# Your answer\n\nOne line: one of A, B or NONE, a colon, and one sentence that says why."
    )


@pytest.mark.parametrize("winner", ["c1", "c2"])
def test_a_letter_becomes_the_candidate(winner):
    ruling, requests, records = ruled(f"{letter_of(winner)}: equal items stay.")
    assert (ruling.author, ruling.chosen, ruling.reason) == ("strong", winner, "equal items stay.")
    assert (records[0].role, requests[0].max_tokens) == ("arbiter", ANSWER_TOKENS)
    assert {"arbiter_system", "arbiter_user"} == set(dict(records[0].templates))


def test_none_is_a_legal_answer():
    ruling, _, _ = ruled("NONE: both lose the sign")
    assert (ruling.chosen, ruling.reason) == (None, "none is right: both lose the sign")


def test_a_model_that_fails_rules_nothing():
    ruling, _, records = ruled(ModelError("busy"))
    assert (ruling.chosen, ruling.reason) == (None, "no answer: busy")
    assert records[0].error == "busy"


@pytest.mark.parametrize(
    ("seen", "choices"),
    [
        (DIFFER, ("c1", "c3")),
        (DIFFER, ("c1",)),
        (DIFFER, ("c1", "c9")),  # never compared
        (Behaviour(note="no inputs"), ("c1", "c2")),
    ],
)
def test_without_a_difference_nobody_is_asked(seen, choices):
    ruling, requests, _ = ruled("A: x", seen, choices)
    assert ruling.chosen is None
    assert ruling.reason.startswith("nothing to decide")
    assert requests == []


def test_letters_follow_the_seed_not_the_order():
    assert {letter_of("c2", seed=seed) for seed in range(20)} == {"A", "B"}


def test_authors_have_no_way_in():
    """Only ids go in; the same prompt comes out whatever they are called."""
    renamed = replace(DIFFER, answers={f"x{k}": v for k, v in DIFFER.answers.items()})
    _, one, _ = ruled("NONE")
    _, two, _ = ruled("NONE", renamed, tuple(renamed.answers))
    assert one[0].messages == two[0].messages


def test_few_inputs_that_tell_all_apart_are_shown():
    calls = tuple(f"f({n})" for n in range(20))
    seen = behaviour(
        calls,
        c1=["same"] * 10 + ["a"] * 10,
        c2=["same"] * 10 + ["b"] * 10,
        c3=["same"] * 9 + ["c"] + ["a"] * 10,
    )
    _, requests, _ = ruled("NONE", seen, ("c1", "c2", "c3"))
    text = requests[0].messages[1].text
    assert text.count("Input ") == 5
    assert ": f(9)\n" in text
    assert not any(f": f({n})\n" in text for n in range(9))


def test_the_first_named_of_those_that_behave_alike_is_chosen():
    ruling, _, _ = ruled(f"{letter_of('c1')}: yes", DIFFER, ("c3", "c2", "c1"))
    assert ruling.chosen == "c3"


def test_edges_and_unstable_answers_decide_nothing():
    """Right programs may differ where the task says nothing, and who answers by chance has no answer."""
    seen = behaviour(("f(1)", "f(-1)", "f(2)"), c1=("1", "edge", "x"), c2=("1", "other", "y"))
    dice = Answer(kind=AnswerKind.UNSTABLE, text="", digest="dice")
    answers = {**seen.answers, "c2": (*seen.answers["c2"][:2], dice)}
    ruling, requests, _ = ruled("A: x", replace(seen, answers=answers, edges=frozenset({1})), ("c1", "c2"))
    assert (ruling.chosen, requests) == (None, [])
    _, requests, _ = ruled("NONE", replace(seen, edges=frozenset({1})), ("c1", "c2"))
    assert "f(2)" in requests[0].messages[1].text
    assert "f(-1)" not in requests[0].messages[1].text


def test_long_outputs_and_instructions_are_cut():
    seen = behaviour(("f('" + "x" * 9000 + "')",), c1=["y" * 90_000], c2=["z\n" * 9000])
    brief = replace(BRIEF, task=replace(TASK, instruction="long " * 40_000), max_prompt_tokens=3_000)
    _, requests, _ = ruled("NONE", seen, ("c1", "c2"), brief)
    assert sum(estimate_tokens(m.text) for m in requests[0].messages) <= 3_000


def test_how_other_ends_are_said():
    ends = {"c1": AnswerKind.RAISED, "c2": AnswerKind.TIMED_OUT, "c3": AnswerKind.DIED}
    answers = {c: (Answer(kind=kind, text="ValueError: no", digest=c),) for c, kind in ends.items()}
    _, requests, _ = ruled("NONE", Behaviour(calls=("f(1)",), answers=answers))
    text = requests[0].messages[1].text
    for words in ("raises ValueError: no\n", "does not come back in time\n", "its process ends\n"):
        assert words in text


@pytest.mark.parametrize(
    ("text", "letter", "reason"),
    [
        ("B: it keeps 1.", "B", "it keeps 1."),
        ("**B**: it keeps 1.", "B", "it keeps 1."),
        ("Answer: B - it keeps 1.", "B", "it keeps 1."),
        ("**Choice:** (B) — it keeps 1.", "B", "it keeps 1."),
        ("B\nIt keeps 1.", "B", "It keeps 1."),
        ("Input 1 must give [1, 1].\n\nB", "B", "Input 1 must give [1, 1]."),
        ("<think>A: perhaps\nno</think>\nB: it keeps 1.", "B", "it keeps 1."),
        ("B: yes\nB: yes indeed", "B", "yes indeed"),
        ("none: nothing fits", None, "none is right: nothing fits"),
        ("NONE", None, "none is right"),
        ("A: gives [1]\nB: gives [1, 1]\nSo B it is", None, "the answer names several choices: A, B"),
        ("A sorted list is wanted.", None, "the answer names no choice: A sorted list is wanted."),
        ("D: it", None, "the answer names D, which was not to choose: it"),
        ("b: lower case is prose", None, "the answer names no choice: b: lower case is prose"),
        ("", None, "the answer names no choice: it is empty"),
        ("<think>B: cut off", None, "the answer names no choice: it is empty"),
    ],
)  # fmt: skip
def test_answers_are_read_strictly(text, letter, reason):
    assert read_ruling(text, ("A", "B")) == (letter, reason)


WORDS = st.sampled_from(
    ["A", "B", "NONE", "C", ":", "-", "\n", "**", "<think>", "</think>", "answer", " ", "why", "\x00"]
)


@given(st.text(max_size=200) | st.lists(WORDS, max_size=12).map("".join))
@example("*" * 20_000 + "A" + "*" * 20_000 + "x")
@example("A:" + " \t" * 20_000 + "x")
def test_any_text_is_a_choice_or_an_abstention(text):
    letter, reason = read_ruling(text, ("A", "B"))
    assert letter in ("A", "B", None)
    assert reason
    assert len(reason) <= 300
    assert reason.isprintable()
    ruling, _, _ = ruled(text)
    assert ruling.chosen in ("c1", "c2", None)


def test_signatures_of_methods_and_of_what_is_not_there():
    code = b"class Box:\n    async def put(self, x, *, n=1):\n        pass\n\ndef far(): ...\n"
    task = replace(TASK, tree=MemorySnapshot(files={"a.py": code, "b.py": b"def f(:"}))
    assert signature_of(task, ("Box().put(1)", "a.Box.put(2)", "gone(1)", "no call (")) == (
        "async def put(self, x, *, n=1):\n    ..."
    )
