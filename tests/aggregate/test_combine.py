import asyncio
import dataclasses

import pytest

from moa_code.aggregate.combine import CombineAggregator
from moa_code.core.brief import Baseline, Brief, Judged
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, Mode, Task
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Level, Outcome, Verdict

BASE = {"a.py": b"".join(b"a%d = 0\n\n" % n for n in range(8)), "b.py": b"b0 = 0\n\nb1 = 0\n"}
GOOD = ("ok1", "ok2")


def edit(*lines, base=BASE, value=b"1"):
    """The patch that sets the named variables to `value`: `edit("a0", "b1")`."""
    files = dict(base)
    for name in lines:
        path = f"{name[0]}.py"
        files[path] = files[path].replace(name.encode() + b" = 0", name.encode() + b" = " + value)
    return patch_of(*(FileChange(path=p, before=base[p], after=files[p]) for p in base))


class World:
    """Each check passes when its variables are set; a hunk may break one of the good ones."""

    def __init__(self, needs, breaks=()):
        self.needs = needs  # check → variables that have to be 1
        self.breaks = dict(breaks)  # variable → good check it breaks

    def judge(self, candidate):
        text = b"".join(c.after or b"" for c in candidate.patch.changes)
        broken = {check for name, check in self.breaks.items() if name.encode() + b" = 1" in text}
        ok = {c: all(n.encode() + b" = 1" in text for n in names) for c, names in self.needs.items()}
        ok |= {c: c not in broken for c in GOOD}
        passed = all(ok.values())
        return Verdict(
            candidate_id=candidate.candidate_id,
            patch_sha256=candidate.patch.sha256,
            outcome=Outcome.PASSED if passed else Outcome.FAILED,
            integrity=Integrity.IN_PROCESS,
            level=Level.WHOLE_SUITE,
            counts=Counts(expected=len(ok), run=len(ok), passed=sum(ok.values())),
            results=tuple(
                CheckResult(check_id=c, outcome=CheckOutcome.PASSED if o else CheckOutcome.FAILED)
                for c, o in ok.items()
            ),
            regressed=tuple(sorted(broken)),
        )

    def judged(self, *patches):
        made = [
            Candidate(candidate_id=CandidateId(f"c{n}"), patch=p, origin=Origin(author="m", role="proposer"))
            for n, p in enumerate(patches)
        ]
        return tuple(Judged(candidate=c, verdict=self.judge(c)) for c in made)

    def brief(self, *patches):
        results = [CheckResult(check_id=c, outcome=CheckOutcome.FAILED) for c in self.needs]
        results += [CheckResult(check_id=c, outcome=CheckOutcome.PASSED) for c in GOOD]
        task = Task(
            task_id="t",
            mode=Mode.FIX,
            instruction="",
            tree=MemorySnapshot(files=BASE),
            checks=Checks(kind=CheckKind.PYTEST),
        )
        return Brief(task=task, baseline=Baseline(results=tuple(results)), judged=self.judged(*patches))


def merge(world, *patches, learn=True, **options):
    """All drafts until one passes, each judged and told as the engine would."""
    aggregator = CombineAggregator(**options)

    async def collect():
        drafts = []
        async for draft in aggregator.merge(world.brief(*patches)):
            drafts.append(draft)
            made = Candidate(
                candidate_id=CandidateId(f"m{len(drafts)}"), patch=draft.patch, origin=Origin(author="m", role="a")
            )
            verdict = world.judge(made)
            if verdict.passed:
                return drafts, True
            if learn:
                aggregator.observe(made, verdict)
        return drafts, False

    return asyncio.run(collect())


def test_two_halves_of_a_fix_in_two_files_are_united_at_once():
    drafts, passed = merge(World({"t1": ["a0"], "t2": ["b1"]}), edit("a0"), edit("b1"))
    assert passed
    assert len(drafts) == 1
    assert drafts[0].patch == edit("a0", "b1")
    assert drafts[0].parents == ("c0", "c1")
    assert (drafts[0].author, drafts[0].lost) == ("builtin:combine", "")


def test_two_halves_in_one_file_and_a_third():
    world = World({"t1": ["a0"], "t2": ["a3"], "t3": ["b0"]})
    drafts, passed = merge(world, edit("a0"), edit("a3"), edit("b0"))
    assert passed
    assert drafts[-1].patch == edit("a0", "a3", "b0")


def test_halves_of_which_none_fixes_anything_are_united():
    """What people-like authors write: each mends one of two places that one check needs."""
    world = World({"one": ["a0", "b1"]})
    drafts, right = merge(world, edit("a0"), edit("a3"), edit("b1"))
    assert right
    assert drafts[-1].patch == edit("a0", "b1")
    assert len(drafts) <= 3
    assert set(drafts[-1].parents) == {"c0", "c2"}


def test_a_partial_fix_takes_up_half_of_another():
    world = World({"one": ["a0"], "two": ["a2", "b1"]})
    drafts, right = merge(world, edit("a0", "a2"), edit("b1"))
    assert right
    assert drafts[-1].patch == edit("a0", "a2", "b1")
    assert len(drafts) <= 4


def test_what_a_search_tried_in_vain_is_not_united():
    brief = World({"one": ["a0", "b1"]}).brief(edit("a0"), edit("b1"))
    searched = tuple(
        dataclasses.replace(
            j,
            candidate=dataclasses.replace(j.candidate, origin=Origin(author="builtin:mutate", role="proposer")),
        )
        for j in brief.judged
    )

    async def collect():
        return [draft async for draft in CombineAggregator().merge(dataclasses.replace(brief, judged=searched))]

    assert asyncio.run(collect()) == []


def test_a_union_that_was_seen_to_work_grows_further():
    """The fourth and fifth part are reached through unions that were observed, two at a time at most."""
    names = ("a0", "a1", "a2", "a3", "a4", "a5")
    world = World({f"t{n}": [n] for n in names})
    drafts, passed = merge(world, *(edit(n) for n in names))
    assert passed
    assert len(drafts) <= 40


def test_the_hunk_that_breaks_a_check_is_dropped():
    world = World({"t1": ["a0"], "t2": ["b1"]}, breaks={"a5": "ok1"})
    drafts, passed = merge(world, edit("a0", "a5", "b1"))
    assert passed
    assert drafts[-1].patch == edit("a0", "b1")
    assert "without its hunk 2 of 3" in drafts[-1].note


def test_harmful_and_harmless_halves():
    world = World({"t1": ["a0"], "t2": ["b1"]}, breaks={"a5": "ok1", "a6": "ok2"})
    _, passed = merge(world, edit("a0", "a5"), edit("b1", "a6"))
    assert passed


def test_where_halves_overlap_each_gets_its_way_once():
    other = patch_of(
        FileChange(path="a.py", before=BASE["a.py"], after=BASE["a.py"].replace(b"a0 = 0", b"a0 = 2")),
        FileChange(path="b.py", before=BASE["b.py"], after=BASE["b.py"].replace(b"b1 = 0", b"b1 = 1")),
    )
    drafts, passed = merge(World({"t1": ["a0"], "t2": ["b1"]}), edit("a0", "a5"), other)
    assert passed
    assert drafts[-1].patch in (edit("a0", "b1"), edit("a0", "a5", "b1"))


def test_nothing_to_unite_gives_no_draft():
    world = World({"t1": ["a0"], "t2": ["b1"]})
    assert merge(world) == ([], False)
    assert merge(world, edit("a0")) == ([], False)
    assert merge(world, edit("a0"), edit("a0", "a3"))[1] is False


def test_what_never_ran_is_left_out():
    world = World({"t1": ["a0"], "t2": ["b1"]})
    brief = world.brief(edit("a0"), edit("b1"))
    odd = tuple(
        dataclasses.replace(j, verdict=dataclasses.replace(j.verdict, outcome=Outcome.TAMPERED)) for j in brief.judged
    )

    async def collect():
        return [d async for d in CombineAggregator().merge(dataclasses.replace(brief, judged=odd))]

    assert asyncio.run(collect()) == []


def test_patches_against_another_base_are_not_mixed():
    other = {**BASE, "a.py": b"# other\n" + BASE["a.py"]}
    drafts, _ = merge(World({"t1": ["a0"], "t2": ["a7"]}), edit("a0"), edit("a7", base=other))
    assert drafts == []


def test_a_union_that_does_not_parse_is_not_proposed():
    base = b"x = 1\n\ny = 2\n\nz = 3\n"

    def made(after):
        return patch_of(FileChange(path="c.py", before=base, after=after))

    opened, closed = made(b"x = (a0 = 1\n\ny = 2\n\nz = 3\n"), made(b"x = 1\n\ny = 2\n\nb1 = 1\n")
    assert merge(World({"t1": ["a0"], "t2": ["b1"]}), opened, closed) == ([], False)


@pytest.mark.parametrize("learn", [True, False])
def test_many_candidates_stay_bounded_and_no_patch_comes_twice(learn):
    world = World({f"t{n}": [f"a{n}"] for n in range(8)} | {"never": ["b0", "zz"]}, breaks={"b1": "ok1"})
    many = [edit(f"a{n}", f"a{m}", "b1") for n in range(8) for m in range(n)]
    drafts, passed = merge(world, *many, learn=learn, max_drafts=60)
    assert not passed
    assert len(drafts) == 60
    assert len({d.patch.sha256 for d in drafts} | {p.sha256 for p in many}) == 60 + len(many)


def test_the_most_complete_union_comes_first():
    world = World({"t1": ["a0"], "t2": ["a2"], "t3": ["b0", "b1"]})
    drafts, _ = merge(world, edit("a0"), edit("a2"), edit("b0", "b1"), edit("a0", "b0"), learn=False)
    assert drafts[0].patch == edit("a0", "a2", "b0", "b1")
