"""What is known of each member of a team before a run: shipped priors, and what the journal has seen since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from moa_code.core.calls import Price
from moa_code.core.profile import Posterior, Profile
from moa_code.core.task import Mode
from moa_code.evidence.reliability import prior
from moa_code.journal.outcomes import AuthorOutcome
from moa_code.journal.store import Journal
from moa_code.models.catalog import Team
from moa_code.models.presets import MUTATE, PROVIDERS
from moa_code.models.prices import price_of
from moa_code.models.recorded import PREFIX as RECORDED
from moa_code.models.seats import Seat, model_of
from moa_code.models.spec import ModelSpec

MOST_WEIGHT = 400.0
"""What all that was ever seen of an author may weigh together: each pass weighs less, the more came after it."""

_FADE = 1.0 - 1.0 / MOST_WEIGHT  # the weights 1, f, f², … sum to 1 / (1 - f)
_LATEST = 600  # runs read of one author; an older one would weigh less than 0.23
_CALLS = 25  # rows that a typical call is taken from
OTHER_SEAT = 0.5  # what is seen of a model in one seat, for another seat of it
OTHER_MODE = 0.25  # what is seen on tasks of one mode, for those of another

_WEIGHTS = tuple(_FADE**age for age in range(_LATEST))

# Share of recorded HumanEval answers whose first draft passes the visible asserts, by class of model: gpt-4 and its
# successors 711 of 820, gpt-3.5-turbo and gemini-pro 593 of 820, open models of the time 169 of 328. Tasks of a
# repository are harder, so these are worth few tasks and the journal soon says more.
_SOLVES_STRONG, _SOLVES_CHEAP, _SOLVES_LOCAL = 0.87, 0.72, 0.52
_SOLVES_SEARCH = 0.5  # faults of one edit, which is what it looks for; not known how many of a user's are
_SOLVES_NOT_A_FAULT = 0.05  # a search of edits writes no new function
SOLVES_WEIGHT = 8.0

# Tokens of a typical call before there was any: a function and its tests in, a function out.
_PROMPT_TOKENS, _ANSWER_TOKENS = 1_500.0, 600.0
_STRONG = frozenset(spec.litellm_id for p in PROVIDERS for spec in (p.strong, p.reasoner))


def profiles_of(team: Team, journal: Journal | None, mode: Mode) -> Mapping[str, Profile]:
    """A profile of everybody in the team, by name, for a task of this mode; without a journal the shipped priors.

    Reads a bounded number of rows, however long the journal is. Raises `EnvironmentFault` when it cannot be read.
    """
    specs = [*team.proposers, team.aggregator, *([team.reasoner] if team.reasoner is not None else [])]
    wanted = {_model(spec) for spec in specs}
    seats: dict[str, list[str]] = {}
    if journal is None:
        return {spec.name: _profile(spec, mode, []) for spec in specs}
    for author in journal.authors():
        if (model := model_of(author)) in wanted:
            seats.setdefault(model, []).append(author)
    seen = {
        author: _Seen(
            author=author,
            drafts=journal.first_drafts(author, _LATEST),
            graded=journal.graded_passes(author, _LATEST),
            calls=tuple(row for row in journal.outcomes(author, limit=_CALLS) if row.calls),
        )
        for theirs in seats.values()
        for author in theirs
    }
    return {spec.name: _profile(spec, mode, [seen[name] for name in seats.get(_model(spec), ())]) for spec in specs}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One author: all its latest runs, those in which a pass of its was graded, and those in which it was called."""

    author: str
    drafts: Sequence[tuple[str, bool | None]]
    graded: Sequence[tuple[str, int, int]]
    calls: Sequence[AuthorOutcome]


def _profile(spec: ModelSpec, mode: Mode, seen: Sequence[_Seen]) -> Profile:
    wrong = right = solved = tried = 0.0
    for one in seen:
        share = 1.0 if one.author == spec.name else OTHER_SEAT
        for weight, (task_mode, found_right, found_wrong) in zip(_WEIGHTS, one.graded, strict=False):
            weighed = share * weight * (1.0 if task_mode == mode.value else OTHER_MODE)
            wrong += weighed * found_wrong
            right += weighed * found_right
        for weight, (task_mode, passed) in zip(_WEIGHTS, one.drafts, strict=False):
            if passed is not None:
                weighed = share * weight * (1.0 if task_mode == mode.value else OTHER_MODE)
                solved += weighed * passed
                tried += weighed
    shipped = prior(_known_as(spec))
    scale = min(1.0, MOST_WEIGHT / (wrong + right)) if wrong + right else 1.0
    solves = _solves_at_first(spec, mode)
    scale_solves = min(1.0, MOST_WEIGHT / tried) if tried else 1.0
    return Profile(
        family=spec.family,
        false_accept=Posterior(alpha=shipped.alpha + scale * wrong, beta=shipped.beta + scale * right),
        solves=Posterior(
            alpha=solves.alpha + scale_solves * solved, beta=solves.beta + scale_solves * (tried - solved)
        ),
        cost_usd=_cost(spec, [row for one in seen for row in one.calls]),
    )


def _solves_at_first(spec: ModelSpec, mode: Mode) -> Posterior:
    if spec.is_builtin:
        mean = _SOLVES_SEARCH if mode is Mode.FIX and spec.name == MUTATE else _SOLVES_NOT_A_FAULT
    elif spec.litellm_id in _STRONG:
        mean = _SOLVES_STRONG
    elif spec.base_url is not None:
        mean = _SOLVES_LOCAL
    else:
        mean = _SOLVES_CHEAP
    return Posterior(alpha=SOLVES_WEIGHT * mean, beta=SOLVES_WEIGHT * (1.0 - mean))


def _cost(spec: ModelSpec, rows: Sequence[AuthorOutcome]) -> float | None:
    """Dollars of a typical call: what calls did cost, else tokens at the list price; None where neither is known."""
    if spec.is_builtin:
        return 0.0
    costs = [row.cost_usd / row.calls for row in rows if row.cost_usd is not None]
    if costs:
        return median(costs)
    price = _price(spec)
    if price is None:
        return None
    prompts = [row.prompt_tokens / row.calls for row in rows if row.prompt_tokens]
    answers = [row.completion_tokens / row.calls for row in rows if row.completion_tokens]
    return (median(prompts) if prompts else _PROMPT_TOKENS) * price.prompt_usd + (
        median(answers) if answers else _ANSWER_TOKENS
    ) * price.completion_usd


def _price(spec: ModelSpec) -> Price | None:
    """The user's own figure, else the list's; an endpoint of the user's own has no list price."""
    return spec.price if spec.price is not None or spec.base_url is not None else price_of(spec.litellm_id)


def _model(spec: ModelSpec) -> str:
    return spec.model if isinstance(spec, Seat) else spec.name


def _known_as(spec: ModelSpec) -> str:
    """The name a shipped prior goes by: never an address, whose end would look like a model's name."""
    return spec.name if spec.is_builtin else spec.litellm_id.removeprefix(RECORDED)
