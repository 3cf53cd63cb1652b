"""A tree of drafts: each step goes wider with some model, or deeper on some candidate with its failures as feedback.

Which, is drawn by Thompson sampling over the scores measured so far (the share of checks that pass), after "Wider or
Deeper? Scaling LLM Inference-Time Compute with Adaptive Branching Tree Search" (Inoue et al. 2025, arXiv:2503.04412);
which model writes is a bandit of its own, over everything it wrote in this run.
"""

from __future__ import annotations

from random import Random

from moa_code.core.brief import Judged
from moa_code.core.candidate import CandidateId
from moa_code.core.run import Propose, Refine, RunState, Status, Step
from moa_code.evidence.bandit import Arm, thompson
from moa_code.policies.finish import authoring, give_up, over, passing, readable, stop_early
from moa_code.policies.moa import towards_proof
from moa_code.policies.rounds import BUILTIN

ROOT = None
Node = CandidateId | None
MOST_CHILDREN = 6  # of one node that are looked at, the best first: the rest would never be drawn
KNOWN = 8.0  # drafts that a model's profile is worth here
REGRESSED = 0.5  # what a draft is worth that breaks what worked


def next_steps(state: RunState, *, calls: int = 12, width: int = 2) -> tuple[Step, ...]:
    """Up to `width` authors at a time, `calls` of them in all; the first candidate that passes ends it."""
    if why := over(state):
        return stop_early(why, state)
    if passing(state):
        return towards_proof(state)
    running = authoring(state)
    used = [s for s in (*state.done, *running) if isinstance(s, Propose | Refine)]
    free = _searches(state)
    if free:
        return (
            Propose(proposers=free, round=0, reason=f"{', '.join(free)} costs nothing: it searches beside the tree"),
        )
    asked = [s for s in running if not _is_free(s)]
    models = _models(state)
    left = calls - sum(not _is_free(s) for s in used)
    if state.out_of_budget or not models or left <= 0:
        if running or state.running:
            return ()
        return stop_early(Status.BUDGET, state) if state.out_of_budget else (give_up(state),)
    return tuple(_grow(state, models, len(used) + n) for n in range(min(width - len(asked), left)))


def score(judged: Judged) -> float:
    """How near a candidate is: the share of checks it passes, halved where it breaks what worked."""
    verdict = judged.verdict
    if verdict.passed:
        return 1.0
    share = verdict.counts.passed / verdict.counts.expected if verdict.counts.expected else 0.0
    return share * REGRESSED if verdict.regressed else share


def _grow(state: RunState, models: tuple[str, ...], turn: int) -> Step:
    """One draft more: walk down from the root, at each node drawing between a new child and the children there are."""
    rng = Random(f"{state.seed}:{turn}")
    drafts = readable(state)
    refiners = tuple(name for name in models if name in state.members.refiners)
    node: Node = ROOT
    while True:
        children = _children(node, drafts)
        here = [score(child) for child in children]
        arms: list[tuple[Node, Arm]] = [(node, Arm(scores=tuple(here), expected=_expected(node, drafts)))]
        for child in children[: MOST_CHILDREN if refiners else 0]:
            below = _scores_below(child.candidate.candidate_id, drafts)
            arms.append((child.candidate.candidate_id, Arm(scores=tuple(below), expected=score(child))))
        chosen = thompson(arms, rng)
        if chosen == node:
            break
        node = chosen
    able = refiners if node is not ROOT else tuple(m for m in models if _has_more(m, state)) or models
    author = thompson([(m, _arm_of(m, drafts, state)) for m in able], rng)
    wrote = [score(j) for j in drafts if j.candidate.origin.author == author]
    seen = f"its {len(wrote)} drafts here pass {sum(wrote) / len(wrote):.0%} on average" if wrote else "not tried yet"
    if node is ROOT:
        return Propose(proposers=(author,), round=turn, reason=f"wider with {author}: {seen}")
    parent = next(j for j in drafts if j.candidate.candidate_id == node)
    counts = parent.verdict.counts
    reason = f"deeper on {node} ({counts.passed} of {counts.expected} checks) with {author}: {seen}"
    return Refine(author=author, candidate_id=node, round=turn, reason=reason)


def _children(node: Node, drafts: list[Judged]) -> list[Judged]:
    """Drafts made from this one, the best first; of the root those made from none."""
    found = [j for j in drafts if (node in j.candidate.origin.parents if node else not j.candidate.origin.parents)]
    return sorted(found, key=score, reverse=True)


def _scores_below(node: CandidateId, drafts: list[Judged]) -> list[float]:
    return [score(child) for child in _children(node, drafts)]


def _expected(node: Node, drafts: list[Judged]) -> float:
    """What a new child may score: like its parent; at the root, where there is none, an open question."""
    return next((score(j) for j in drafts if j.candidate.candidate_id == node), 0.5)


def _arm_of(model: str, drafts: list[Judged], state: RunState) -> Arm:
    """What the model scored in this run, and before it what it solves of such tasks, as far as that is known."""
    scores = tuple(score(j) for j in drafts if j.candidate.origin.author == model)
    known = state.members.profiles.get(model)
    return Arm(scores=scores, expected=known.solves.mean, weight=KNOWN) if known else Arm(scores=scores)


def _models(state: RunState) -> tuple[str, ...]:
    members = state.members
    named = (*members.proposers, *([members.strong] if members.strong else []))
    return tuple(dict.fromkeys(name for name in named if not name.startswith(BUILTIN)))


def _has_more(model: str, state: RunState) -> bool:
    """Whether asking the model afresh brought something new so far: one that repeats itself is not asked again."""
    times = sum(model in s.proposers for s in state.done if isinstance(s, Propose))
    brought = sum(j.candidate.origin.author == model and not j.candidate.origin.parents for j in state.judged)
    return times <= brought


def _searches(state: RunState) -> tuple[str, ...]:
    """Proposers that are no model and were not started yet."""
    begun = {name for s in (*state.done, *state.running) if isinstance(s, Propose) for name in s.proposers}
    return tuple(name for name in state.members.proposers if name.startswith(BUILTIN) and name not in begun)


def _is_free(step: Step) -> bool:
    return isinstance(step, Propose) and all(name.startswith(BUILTIN) for name in step.proposers)
