"""Searching: batches through the screen, the few that get through verified, and every way to end."""

import asyncio

import pytest
from engine_doubles import BASELINE, TASK, Looked, RuleJudge, Script, draft, lost, text_of, verdict

from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.verdict import CheckOutcome, Integrity, Level, Outcome
from moa_code.engine.search import (
    FIRST_BATCH,
    LARGEST_BATCH,
    PARTIALS_ALIKE,
    PARTIALS_KEPT,
    Search,
    SearchLimits,
    screen_verdict,
)

AUTHOR = "builtin:mutate"


def drafts_of(*texts):
    return [draft(text, AUTHOR) for text in texts]


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Searching:
    """One search with its doubles; `tick` seconds pass with every screen."""

    def __init__(self, drafts, judge=None, *, tick=0.0, endless=None, slots=1, **limits):
        self.judge = judge or RuleJudge()
        self.judge.slots = slots
        self.clock = Clock()
        self.proposer = Script(AUTHOR, drafts)
        self.partials = []
        self.looks = []
        self.tick = tick
        self.endless = endless
        self.search = Search(
            task=TASK,
            baseline=BASELINE,
            observe=self.proposer.observe,
            judge=self.judge,
            limits=SearchLimits(**limits),
            number=self._number,
            verified=self._verified,
            partial=lambda candidate, seen: self.partials.append((text_of(candidate), seen)),
            looked=lambda *seen: self.looks.append(seen),
            clock=self.clock,
        )
        screen = self.judge.screen

        async def ticking(task, baseline, candidates):
            self.clock.now += self.tick
            return await screen(task, baseline, candidates)

        self.judge.screen = ticking

    def _number(self, one):
        origin = Origin(author=one.author, role="proposer", note=one.text)
        return Candidate(candidate_id=CandidateId(one.text), patch=one.patch, origin=origin)

    async def _verified(self, candidate):
        return await self.judge.verify(TASK, BASELINE, candidate)

    async def _endless(self):
        number = 0
        while True:
            number += 1
            yield draft(f"{self.endless} {number}", AUTHOR)

    def run(self):
        async def all_of_it():
            async with asyncio.timeout(20):
                stream = self._endless() if self.endless else self.proposer.drafts(None)
                try:
                    return await self.search.run(stream)
                finally:
                    await stream.aclose()

        return asyncio.run(all_of_it())


def test_an_exhausted_search_has_screened_everything():
    texts = [f"bad {n}" for n in range(100)]
    searching = Searching(drafts_of(*texts))
    assert searching.run() == ""
    assert searching.search.screened == 100
    assert [t for batch in searching.judge.screens for t in batch] == texts
    assert searching.judge.verified == []


def test_batches_grow_to_a_bound():
    searching = Searching(drafts_of(*(f"bad {n}" for n in range(200))))
    searching.run()
    sizes = [len(batch) for batch in searching.judge.screens]
    assert sizes[:4] == [FIRST_BATCH, 2 * FIRST_BATCH, 4 * FIRST_BATCH, LARGEST_BATCH]
    assert max(sizes) == LARGEST_BATCH


def test_who_gets_through_the_screen_is_verified_and_told_to_the_proposer():
    searching = Searching(drafts_of("bad", "good", "worse"))
    searching.run()
    assert searching.judge.verified == ["good"]
    assert sorted(searching.proposer.observed) == [
        ("bad", Outcome.FAILED), ("good", Outcome.PASSED), ("worse", Outcome.FAILED),
    ]  # fmt: skip


def test_a_screen_is_never_a_verdict():
    """The screen says it passes; verification says no, and verification counts."""
    judge = RuleJudge(lambda text: False)
    judge.look = lambda text: {"passed": True}
    searching = Searching(drafts_of("a", "b"), judge)
    searching.run()
    assert judge.verified == ["a", "b"]
    assert searching.search.passing == 0
    assert {outcome for _, outcome in searching.proposer.observed} == {Outcome.FAILED}


def test_what_cannot_be_screened_is_verified():
    judge = RuleJudge()
    judge.look = lambda text: {"supported": text != "odd"}
    searching = Searching(drafts_of("bad", "odd"), judge)
    searching.run()
    assert judge.verified == ["odd"]


def test_a_patch_of_two_files_is_not_screened():
    two = patch_of(
        FileChange(path="a.py", before=b"x = 0\n", after=b"good"), FileChange(path="b.py", before=None, after=b"")
    )
    searching = Searching([draft("bad", AUTHOR)])
    searching.proposer.rounds[0].append(type(draft("x"))(author=AUTHOR, patch=two, text="two"))
    searching.run()
    assert searching.judge.screens == [["bad"]]
    assert searching.judge.verified == ["good"]


def test_a_partial_fix_is_kept_as_failed():
    judge = RuleJudge()
    judge.look = lambda text: {"fixed": ("t.py::test_bad",), "broken": ("t.py::test_fine",)} if text == "half" else {}
    searching = Searching(drafts_of("bad", "half"), judge)
    searching.run()
    ((text, seen),) = searching.partials
    assert (text, seen.outcome, seen.regressed) == ("half", Outcome.FAILED, ("t.py::test_fine",))
    assert searching.search.partials == 1


def test_of_partial_fixes_that_are_alike_few_are_kept_and_all_counted():
    judge = RuleJudge()
    kinds = {"a": ("t.py::test_bad",), "b": ("t.py::test_worse",), "c": ("t.py::test_bad", "t.py::test_worse")}
    judge.look = lambda text: {"fixed": kinds[text[0]]}
    texts = [f"{kind} {n}" for n in range(PARTIALS_ALIKE + 3) for kind in "abc"]
    searching = Searching(drafts_of(*texts), judge)
    searching.run()
    assert searching.search.partials == len(texts)
    assert [text for text, _ in searching.partials] == texts[: 3 * PARTIALS_ALIKE]


def test_partial_fixes_of_many_kinds_are_kept_up_to_a_number():
    judge = RuleJudge()
    judge.look = lambda text: {"fixed": (f"t.py::test_{text}",)}
    searching = Searching(drafts_of(*(f"half {n}" for n in range(PARTIALS_KEPT + 5))), judge)
    searching.run()
    assert len(searching.partials) == PARTIALS_KEPT
    assert searching.search.partials == PARTIALS_KEPT + 5


def test_the_deadline_ends_an_endless_search():
    searching = Searching([], endless="bad", tick=1.0, seconds=10)
    searching.run()
    assert len(searching.judge.screens) == 10


def test_the_number_of_candidates_ends_an_endless_search():
    searching = Searching([], endless="bad", most_candidates=50)
    searching.run()
    assert 50 <= searching.search.screened < 50 + LARGEST_BATCH


def test_the_batch_that_reaches_the_number_is_still_verified():
    searching = Searching(drafts_of("bad", "good"), most_candidates=2)
    searching.run()
    assert searching.judge.verified == ["good"]


def test_after_the_first_pass_it_looks_on_for_the_grace_and_no_longer():
    searching = Searching([], endless="bad", tick=1.0, seconds=1000, grace_share=0.5, least_grace_s=0, most_grace_s=100)
    searching.judge.rule = lambda text: text == "bad 200"
    searching.run()
    passed_at = next(n for n, batch in enumerate(searching.judge.screens, 1) if "bad 200" in batch)
    assert len(searching.judge.screens) == passed_at + -(-passed_at // 2)


def test_the_grace_has_bounds():
    for tick, least, most, batches in ((10.0, 1.0, 5.0, 2), (1.0, 3.0, 5.0, 4), (1.0, 0.0, 0.0, 1)):
        searching = Searching([], endless="good", tick=tick, seconds=1000, least_grace_s=least, most_grace_s=most,
                              most_passing=10_000, least_grace_candidates=0)  # fmt: skip
        searching.run()
        assert len(searching.judge.screens) == batches


def test_the_grace_goes_on_until_enough_was_looked_at_and_never_beyond_its_upper_bound():
    for least, batches in ((80, 5), (10_000, 6)):
        searching = Searching([], endless="good", tick=1.0, seconds=1000, least_grace_s=0.0, most_grace_s=5.0,
                              most_passing=10_000, least_grace_candidates=least)  # fmt: skip
        searching.run()
        assert len(searching.judge.screens) == batches


def test_enough_passing_patches_end_the_search():
    searching = Searching([], endless="good", most_passing=4)
    searching.run()
    assert searching.search.passing == 4


def test_a_search_that_has_nothing_says_why():
    assert Searching([lost("no editable Python file", AUTHOR)]).run() == "no editable Python file"


def test_trouble_in_a_batch_is_raised_and_the_other_batches_are_gone():
    judge = RuleJudge()
    judge.trouble = RuntimeError("broken")
    searching = Searching(drafts_of(*(f"good {n}" for n in range(50))), judge, slots=4)
    with pytest.raises(RuntimeError, match="broken"):
        searching.run()


def test_a_screen_in_a_verdicts_form_is_at_the_lowest_level():
    candidate = Searching([])._number(draft("x", AUTHOR))

    seen = screen_verdict(Looked(candidate, fixed=("t.py::test_bad",)), BASELINE)
    assert (seen.outcome, seen.integrity, seen.level) == (Outcome.FAILED, Integrity.NONE, Level.COMPILES)
    assert [(r.check_id, r.outcome) for r in seen.results] == [("t.py::test_bad", CheckOutcome.PASSED)]
    assert not verdict(candidate, Outcome.FAILED).passed
    assert screen_verdict(Looked(candidate, timed_out=True), BASELINE).outcome is Outcome.TIMED_OUT


def test_what_cannot_be_screened_does_not_hold_up_what_can():
    """Each such verdict takes ten seconds, each screen one: the good one is reached long before the last odd one."""
    judge = RuleJudge(lambda text: text == "good")
    judge.look = lambda text: {"supported": not text.startswith("odd"), "passed": text == "good"}
    texts = [f"odd {n}" for n in range(30)] + [f"bad {n}" for n in range(60)] + ["good"]
    searching = Searching(drafts_of(*texts), judge, tick=1.0, seconds=100_000, most_passing=1)
    verified = searching._verified

    async def slow(candidate):
        searching.clock.now += 10.0 if candidate.origin.note.startswith("odd") else 0.0
        return await verified(candidate)

    searching.search.verified = slow
    searching.run()
    assert "good" in judge.verified
    assert len(judge.verified) < 10


def test_what_cannot_be_screened_is_verified_in_the_end():
    judge = RuleJudge(lambda text: False)
    judge.look = lambda text: {"supported": False}
    searching = Searching(drafts_of(*(f"odd {n}" for n in range(50))), judge, tick=0.1, seconds=100_000)
    searching.run()
    assert len(judge.verified) == 50
