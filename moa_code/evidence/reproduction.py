"""Whether a verdict came out the same again, and what may explain it where it did not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from moa_code.core.verdict import CheckResult, Outcome, StageOutcome, Verdict

ABSENT = "not judged"


class Answer(StrEnum):
    REPRODUCED = "reproduced"  # the same outcome, and each check as before
    DIFFERS = "differs"
    INCONCLUSIVE = "inconclusive"  # our side broke this time: nothing is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One check, or a fact of the environment, that is not as it was."""

    name: str
    stored: str
    now: str
    detail: str = ""  # of a check: what it says now, or said then


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """`checks` differ in their outcome; `environment` differs and may explain that. Either may be empty alone."""

    answer: Answer
    checks: tuple[Difference, ...]
    environment: tuple[Difference, ...]


def reproduction(
    stored: Verdict, now: Verdict, *, facts: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
) -> Reproduction:
    """What became of `stored`. `facts` are of the machines then and now, beside what verdicts say of their boxes."""
    checks = _outcome(stored, now) + _stages(stored, now) + _checks(stored, now)
    if now.outcome is Outcome.INCONCLUSIVE:
        answer = Answer.INCONCLUSIVE
    else:
        answer = Answer.DIFFERS if checks else Answer.REPRODUCED
    then, here = {**_box(stored), **facts[0]}, {**_box(now), **facts[1]}
    environment = tuple(
        Difference(name=name, stored=then[name], now=here.get(name, ""))
        for name in then
        if then[name] != here.get(name, "")
    )
    return Reproduction(answer=answer, checks=checks, environment=environment)


def _outcome(stored: Verdict, now: Verdict) -> tuple[Difference, ...]:
    if stored.outcome is now.outcome:
        return ()
    return (Difference(name="outcome", stored=stored.outcome, now=now.outcome, detail=now.detail or stored.detail),)


def _stages(stored: Verdict, now: Verdict) -> tuple[Difference, ...]:
    """Where neither verdict has results, the stage that failed is all there is to compare."""
    if stored.results or now.results:
        return ()
    first, again = (
        next((s for s in verdict.stages if s.outcome is StageOutcome.FAILED), None) for verdict in (stored, now)
    )
    names = [stage.name if stage is not None else "none" for stage in (first, again)]
    if names[0] == names[1]:
        return ()
    return (Difference(name="failed stage", stored=names[0], now=names[1], detail=again.detail if again else ""),)


def _checks(stored: Verdict, now: Verdict) -> tuple[Difference, ...]:
    before = {r.check_id: r for r in stored.results}
    after = {r.check_id: r for r in now.results}
    return tuple(
        Difference(
            name=name,
            stored=_word(before.get(name)),
            now=_word(after.get(name)),
            detail=next((r.detail for r in (after.get(name), before.get(name)) if r is not None and r.detail), ""),
        )
        for name in {**before, **after}
        if _word(before.get(name)) != _word(after.get(name))
    )


def _word(result: CheckResult | None) -> str:
    return ABSENT if result is None else result.outcome.value


def _box(verdict: Verdict) -> dict[str, str]:
    return {
        "backend": verdict.box.backend,
        "image": verdict.box.image_digest,
        "python": verdict.box.python,
        "integrity": verdict.integrity.value,
    }
