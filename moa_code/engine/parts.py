"""Everybody and everything a run can ask, by name; `wiring/` brings them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from moa_code.core.brief import Brief
from moa_code.core.patch import Patch
from moa_code.core.ports import Aggregator, Arbiter, CheckWriter, Proposer
from moa_code.core.run import RunState
from moa_code.core.task import Task
from moa_code.core.verdict import Level
from moa_code.engine.feedback import feedback_for
from moa_code.engine.minimise import Reducer
from moa_code.engine.search import SearchLimits
from moa_code.evidence.ranking import order

Unexercised = Mapping[str, Collection[int]] | None
"""Lines that no check executes, by path; None where that is not known."""

WIDER = 2  # how much more of the code a wide letter may hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Who takes part, and the pure pieces the engine carries steps out with.

    `refiners` go on from one candidate; they have an aggregator's shape. `mutants` makes small mistakes in a patch, as
    patches against the clean base.
    """

    proposers: Mapping[str, Proposer]
    aggregators: Mapping[str, Aggregator]
    refiners: Mapping[str, Aggregator] = field(default_factory=dict)
    arbiters: Mapping[str, Arbiter] = field(default_factory=dict)
    check_writers: Mapping[str, CheckWriter] = field(default_factory=dict)
    reducer: Callable[[Patch, Unexercised], Reducer]
    mutants: Callable[[Task, Patch], Sequence[Patch]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """`seconds` is the whole run's limit (None: none); `minimise_s` what minimising may take."""

    seconds: float | None = None
    feedback_rounds: int = 3
    min_level: Level = Level.WHOLE_SUITE
    minimise_s: float = 20.0
    seed: int = 0
    search: SearchLimits = field(default_factory=SearchLimits)
    max_prompt_tokens: int = 24_000
    max_answer_tokens: int = 4_096

    def brief(
        self, task: Task, state: RunState, round_: int, *, judged: bool, author: str = "", wide: bool = False
    ) -> Brief:
        """What an author gets to know now; `judged` says whether that includes earlier candidates."""
        return Brief(
            task=task,
            baseline=state.baseline,
            judged=order(state.judged) if judged else (),
            layer=1 if judged else 0,
            round=round_,
            seed=self.seed + round_,
            feedback=feedback_for(state, round_, author) if author else "",
            behaviour=state.behaviour if judged else None,
            profiles=state.members.profiles,
            agreed=state.agreed if judged else {},
            max_prompt_tokens=self.max_prompt_tokens * (WIDER if wide else 1),
            max_answer_tokens=self.max_answer_tokens,
        )
