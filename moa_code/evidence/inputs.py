"""Fresh inputs inside a domain, the same for the same seed. Pure.

Half of them are examples with something altered, half are new. Drawn by a plain generator and not by Hypothesis, which
is built to search and to shrink: it takes some milliseconds an input and repeats itself, and here fifty independent
inputs are wanted in about one millisecond.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from moa_code.evidence.domain import Domain, Relation
from moa_code.evidence.draws import alter, draw
from moa_code.evidence.shapes import fits

TRIES = 8  # draws a wanted input
MOST_TEXT = 1500  # characters that an input takes as source


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Arguments of one call. `edge`: outside what examples have in common."""

    args: tuple[object, ...]
    kwargs: Mapping[str, object]
    edge: bool = False

    @property
    def text(self) -> str:
        """As a person would type it between the brackets of the call."""
        return ", ".join([*map(repr, self.args), *(f"{name}={value!r}" for name, value in self.kwargs.items())])


def inputs_of(domain: Domain, *, near: int, edge: int, seed: int) -> tuple[Input, ...]:
    """Up to so many different inputs of either kind, none of them an example; fewer where the domain is small."""
    rng = Random(seed)
    found: dict[str, Input] = {}
    shown = {arranged(domain, values).text for values in domain.examples}
    if domain.shown:
        _collect(found, near, shown, lambda: _inside(domain, rng))
    _collect(found, edge, shown, lambda: arranged(domain, _edge(domain, rng), edge=True))
    return tuple(found.values())


def _collect(found: dict[str, Input], wanted: int, shown: set[str], draw: Callable[[], Input | None]) -> None:
    goal = len(found) + wanted
    for _ in range(wanted * TRIES):
        if len(found) >= goal:
            return
        one = draw()
        if one is not None and one.text not in shown and len(one.text) <= MOST_TEXT:
            found.setdefault(one.text, one)


def _inside(domain: Domain, rng: Random) -> Input | None:
    """A new input; None where relations stood against each other."""
    values = _near(domain, rng)
    if not all(related(relation, values) for relation in domain.relations):
        return None
    return arranged(domain, values)


def _near(domain: Domain, rng: Random) -> dict[str, Any]:
    """New values that keep to all shapes and relations."""
    if domain.examples and rng.random() < 0.5:
        values = _altered_example(domain, rng)
        if values is not None:
            return values
    values = {name: draw(shape, rng) for name, shape in domain.shapes.items()}
    _leave_out(domain, values, rng)
    _relate_all(domain.relations, values, rng)
    return values


def _altered_example(domain: Domain, rng: Random) -> dict[str, Any] | None:
    """An example with one or two of its values altered; None where that leaves the domain."""
    values: dict[str, Any] = dict(rng.choice(domain.examples))
    names = [name for name in domain.shapes if name in values]
    if not names:
        return None
    for name in rng.sample(names, k=min(len(names), rng.choice((1, 1, 2)))):
        shape = domain.shapes[name]
        for _ in range(3):
            other = alter(shape, values[name], rng)
            if fits(shape, other):
                values[name] = other
                break
        else:
            values[name] = draw(shape, rng)
    return values if all(related(r, values) for r in domain.relations) else None


def _edge(domain: Domain, rng: Random) -> dict[str, Any]:
    """One value at its border, the others inside; or all of them."""
    names = list(domain.shapes)
    chosen = set(names) if rng.random() < 0.3 or not domain.shown else {rng.choice(names)} if names else set()
    values = {
        name: draw(domain.borders.get(name, shape) if name in chosen else shape, rng, edge=name in chosen)
        for name, shape in domain.shapes.items()
    }
    _leave_out(domain, values, rng)
    _relate_all([r for r in domain.relations if r.kind not in ("at_most", "below", "member")], values, rng)
    return values


def _leave_out(domain: Domain, values: dict[str, Any], rng: Random) -> None:
    for name in sorted(domain.optional):
        if name in values and rng.random() < 0.5:
            del values[name]


def arranged(domain: Domain, values: Mapping[str, Any], *, edge: bool = False) -> Input:
    """The input of these values by parameter: by place as long as they can be told so, then by name."""
    args: list[object] = []
    kwargs: dict[str, object] = {}
    by_name = False
    for name in domain.shapes:
        if name not in values:
            by_name = True
        elif name == domain.star:
            args += [] if by_name else list(values[name])
            by_name = True
        elif by_name or name in domain.keyword_only:
            kwargs[name] = values[name]
        else:
            args.append(values[name])
    return Input(args=tuple(args), kwargs=kwargs, edge=edge)


def related(relation: Relation, values: Mapping[str, Any]) -> bool:
    """Whether the relation holds; it does where one of the two is missing."""
    if relation.first not in values or relation.second not in values:
        return True
    a, b = values[relation.first], values[relation.second]
    match relation.kind:
        case "length":
            return bool(len(a) == len(b) + relation.by)
        case "size":
            return bool(a == len(b))
        case "index":
            return bool(0 <= a < max(1, len(b)))
        case "count":
            return bool(0 <= a <= len(b))
        case "at_most":
            return bool(a <= b)
        case "below":
            return bool(a < b)
        case "member":
            return not b or bool(a in b)
        case _:
            return True


def _relate_all(relations: Any, values: dict[str, Any], rng: Random) -> None:
    """Change values so that the relations hold."""
    for relation in relations:
        first, second = relation.first, relation.second
        if first not in values or second not in values:
            continue
        a, b = values[first], values[second]
        match relation.kind:
            case "length":
                size = min(len(a) - relation.by, len(b))
                values[first], values[second] = a[: max(0, size + relation.by)], b[: max(0, size, -relation.by)]
            case "size":
                values[first] = len(b)
            case "index":
                values[first] = rng.randint(0, max(0, len(b) - 1))
            case "count":
                values[first] = rng.randint(min(1, len(b)), len(b))
            case "at_most":
                values[first], values[second] = min(a, b), max(a, b)
            case "below":
                low, high = min(a, b), max(a, b)
                values[first], values[second] = low, high if low < high else high + 1
            case "member" if b:
                values[first] = rng.choice(list(b))
            case "may_be_member" if b and rng.random() < 0.5:
                values[first] = rng.choice(list(b))
