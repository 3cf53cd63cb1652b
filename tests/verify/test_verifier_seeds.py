"""Which seed a candidate meets, and in which box: a warm one has the baseline's, a fresh one its own."""

import asyncio
from dataclasses import replace

from test_verifier import BASELINE, ScriptedBox, candidate
from test_verify_plan import task

from moa_code.core.task import CheckKind, Checks
from moa_code.core.verdict import Outcome
from moa_code.verify.verifier import Verifier


def seeds(box, where, entry="pytest"):
    return [job.seed for place, job in box.jobs if (place, job.entry) == (where, entry)]


def test_a_warm_box_has_the_baselines_seed():
    box = ScriptedBox()
    verdict = asyncio.run(Verifier(box).verify(task(), replace(BASELINE, seed=2), candidate()))
    assert (verdict.outcome, verdict.seed) == (Outcome.PASSED, 2)
    assert (seeds(box, "warm"), seeds(box, "fresh")) == ([2], [])


def test_a_fresh_box_has_a_seed_of_its_own_which_is_recorded():
    box = ScriptedBox()
    verifier = Verifier(box)
    found = [asyncio.run(verifier.confirm(task(), BASELINE, candidate(b"x = %d\n" % n))) for n in range(2, 6)]
    assert len({verdict.seed for verdict in found}) == 4
    assert seeds(box, "fresh") == [verdict.seed for verdict in found]


def test_a_seed_that_is_named_is_used():
    box = ScriptedBox()
    verdict = asyncio.run(Verifier(box).confirm(task(), BASELINE, candidate(), seed=77))
    assert verdict.seed == 77
    assert seeds(box, "fresh") == [77]


def test_a_verdict_under_one_seed_is_none_under_another():
    box = ScriptedBox()
    verifier = Verifier(box)
    for seed in (77, 78, 77):
        asyncio.run(verifier.confirm(task(), BASELINE, candidate(), seed=seed))
    assert seeds(box, "fresh") == [77, 78]


def test_a_paranoid_verifier_takes_a_fresh_box_for_each_and_confirms_in_another():
    box = ScriptedBox()
    verifier = Verifier(box, paranoid=True)
    first = asyncio.run(verifier.verify(task(), BASELINE, candidate()))
    again = asyncio.run(verifier.confirm(task(), BASELINE, candidate()))
    assert seeds(box, "warm") == []
    assert seeds(box, "fresh") == [BASELINE.seed, again.seed]
    assert first.seed == BASELINE.seed != again.seed


def test_where_nothing_is_random_there_is_no_seed():
    command = replace(task(), checks=Checks(kind=CheckKind.COMMAND, argv=("true",)))
    verdict = asyncio.run(Verifier(ScriptedBox()).confirm(command, BASELINE, candidate()))
    assert verdict.seed is None
    refused = asyncio.run(Verifier(ScriptedBox()).verify(task(), BASELINE, candidate(path="tests/test_a.py")))
    assert (refused.outcome, refused.seed) == (Outcome.REJECTED, None)
