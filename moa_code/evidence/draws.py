"""Values drawn from a shape, and values that were seen with one thing about them altered. Pure, given the generator."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, assert_never

from moa_code.evidence.shapes import (
    Brackets,
    Choice,
    Fields,
    Letters,
    Masked,
    Numeral,
    OneOf,
    Phrase,
    Real,
    Record,
    Rows,
    Sentence,
    Shape,
    Table,
    Template,
    Whole,
    fits,
    token_kind,
    tokens,
)

TRIES = 8  # draws of an element that has to be a new one


def draw(shape: Shape, rng: Random, *, edge: bool = False) -> Any:
    """A value of the shape. `edge`: rather what is empty, or far out."""
    match shape:
        case Whole():
            if rng.random() < 0.2:  # where it begins and ends, and around zero
                return rng.choice([n for n in {shape.low, 0, 1, -1, shape.high} if shape.low <= n <= shape.high])
            if shape.seen and rng.random() < (0.5 if edge else 0.25):
                return rng.choice(shape.seen)
            return rng.randint(shape.low, shape.high)
        case Real():
            if shape.seen and rng.random() < (0.5 if edge else 0.25):
                return rng.choice(shape.seen)
            return min(shape.high, max(shape.low, round(rng.uniform(shape.low, shape.high), shape.places)))
        case Choice():
            return rng.choice(shape.values)
        case Letters():
            return _letters(shape, rng, edge=edge)
        case Numeral():
            return repr(draw(shape.of, rng, edge=edge))
        case Masked():
            return "".join(
                chr(rng.randint(ord(low), ord(high))) for low, high in zip(shape.low, shape.high, strict=True)
            )
        case Sentence():
            return _sentence(shape, rng)
        case Template(parts=parts):
            numbers = [str(draw(shape.number, rng, edge=edge)) for _ in parts[1:]]
            return parts[0] + "".join(number + part for number, part in zip(numbers, parts[1:], strict=True))
        case Phrase():
            count = _size(shape.low, shape.high, rng, edge=edge)
            words = [_word(shape, rng) for _ in range(count)]
            return "".join(word + rng.choice(shape.separators) for word in words[:-1]) + "".join(words[-1:])
        case Brackets():
            return _bracketed(shape, rng)
        case Rows():
            return _rows(shape, rng, edge=edge)
        case Record():
            items = [draw(place, rng, edge=edge) for place in shape.places]
            return _contained(shape.container, sorted(items) if shape.sorted else items)
        case Table():
            size = _size(shape.low, shape.high, rng, edge=edge)
            found: dict[Any, Any] = {}
            for _ in range(TRIES * size):
                if len(found) < size:
                    found[draw(shape.key, rng)] = draw(shape.value, rng, edge=edge)
            return found
        case Fields():
            return {name: draw(value, rng, edge=edge) for name, value in zip(shape.names, shape.values, strict=True)}
        case OneOf():
            return draw(rng.choice(shape.options), rng, edge=edge)
        case other:
            assert_never(other)


def _size(low: int, high: int, rng: Random, *, edge: bool) -> int:
    """A number of elements: small ones rather often, and at the edge the fewest."""
    if rng.random() < (0.5 if edge else 0.06):
        return low
    return rng.randint(low, min(high, low + 3)) if rng.random() < 0.3 else rng.randint(low, high)


def _letters(shape: Letters, rng: Random, *, edge: bool) -> str:
    size = _size(shape.low, shape.high, rng, edge=edge)
    alphabet = shape.alphabet if rng.random() < 0.6 else rng.sample(shape.alphabet, k=min(3, len(shape.alphabet)))
    text = "".join(rng.choice(alphabet) for _ in range(size))
    if shape.mirror and rng.random() < 0.4:
        text = (text[: (size + 1) // 2] + text[: size // 2][::-1])[:size]
    if shape.numeral and size > 1 and text[0] == "0":
        text = rng.choice([c for c in shape.alphabet if c != "0"] or ["0"]) + text[1:]
    return text


def _sentence(shape: Sentence, rng: Random) -> str:
    """A text that was seen with some of its tokens exchanged."""
    known: dict[str, list[str]] = {}
    for text in shape.seen:
        for token in tokens(text):
            known.setdefault(token_kind(token), []).append(token)
    found: list[str] = []
    for token in tokens(rng.choice(shape.seen)):
        kind = token_kind(token)
        before = next((one for one in reversed(found) if not one.isspace()), "(")
        unary = kind == "operator" and not (before.isalnum() or before[-1] in ")]}")
        if unary or rng.random() > 0.4:
            found.append(token)
        elif kind == "number" and rng.random() < 0.5:
            found.append(str(rng.randint(0, 20)))
        else:
            found.append(rng.choice(known[kind]))
    return "".join(found)


def _word(shape: Phrase, rng: Random) -> str:
    if not shape.alphabet or rng.random() < 0.7:
        return rng.choice(shape.words)
    return "".join(rng.choice(shape.alphabet) for _ in range(rng.randint(1, 7)))


def _bracketed(shape: Brackets, rng: Random) -> str:
    groups = []
    left = rng.randint(shape.low, shape.high)  # pairs
    while left > 0:
        share = rng.randint(1, left)
        groups.append(_group(share, shape, rng))
        left -= share
    if shape.spaced:
        return "".join(char + " " * rng.randint(0, 1) for char in "".join(groups)).strip()
    return (" " if shape.grouped else "").join(groups)


def _group(size: int, shape: Brackets, rng: Random) -> str:
    """So many pairs, all inside the first where that is not too deep."""
    text: list[str] = []
    opened: list[str] = []
    for _ in range(size):
        while len(opened) >= shape.depth or (len(opened) > 1 and rng.random() < 0.5):
            text.append(opened.pop())
        pair = rng.choice(shape.pairs)
        text.append(pair[0])
        opened.append(pair[1])
    return "".join([*text, *reversed(opened)])


def _rows(shape: Rows, rng: Random, *, edge: bool) -> Any:
    items: list[Any]
    size = _size(shape.low, shape.high, rng, edge=edge)
    element = shape.element
    if shape.seen and not (edge and size == 0):
        items = _in_places(shape, rng)
    elif shape.even and isinstance(element, Rows):
        width = size if shape.square else rng.randint(element.low, element.high)
        items = [_contained(element.container, _exactly(element, width, rng)) for _ in range(size)]
    elif not shape.unique and rng.random() < 0.25 and size:
        few = [draw(element, rng) for _ in range(rng.randint(1, 3))]
        items = [rng.choice(few) for _ in range(size)]
    else:
        items = [draw(element, rng, edge=edge and rng.random() < 0.3) for _ in range(size)]
    if shape.unique:
        items = list({repr(item): item for item in items}.values())
        for _ in range(TRIES * size):
            if len(items) >= size:
                break
            items = list({repr(item): item for item in [*items, draw(element, rng)]}.values())
    if shape.mirror and rng.random() < 0.4:
        items = (items[: (size + 1) // 2] + items[: size // 2][::-1])[:size]
    if shape.order:
        items = sorted(items, reverse=shape.order == "down")
    return _contained(shape.container, items)


def _in_places(shape: Rows, rng: Random) -> list[Any]:
    """A list that was seen with some words in other words' places, and some numbers changed."""
    items: list[Any] = list(rng.choice(shape.seen))
    words = [item for row in shape.seen for item in row if isinstance(item, str)]
    for at, item in enumerate(items):
        other = rng.choice(words) if isinstance(item, str) else alter(shape.element, item, rng)
        if rng.random() < 0.4 and fits(shape.element, other):
            items[at] = other
    return items


def _exactly(row: Rows, size: int, rng: Random) -> Any:
    return draw(
        Rows(container="list", element=row.element, low=size, high=size, order=row.order, unique=row.unique), rng
    )


def _contained(container: str, items: list[Any]) -> Any:
    match container:
        case "tuple":
            return tuple(items)
        case "set":
            return set(items)
        case "frozenset":
            return frozenset(items)
        case _:
            return items


def alter(shape: Shape, value: Any, rng: Random) -> Any:
    """The value with one thing about it changed; whether it still fits is for the caller to see."""
    match shape:
        case Whole() if type(value) is int:
            return value + rng.choice((-2, -1, 1, 2, 3))
        case Real() if isinstance(value, float):
            return round(value + rng.choice((-1, -0.5, 0.5, 1)) * 10.0 ** -rng.randint(0, shape.places), 6)
        case Letters() if value:
            return _cut_or_put(list(value), rng.choice(shape.alphabet), rng, "".join)
        case Masked():
            at = rng.randrange(len(value))
            return value[:at] + chr(rng.randint(ord(shape.low[at]), ord(shape.high[at]))) + value[at + 1 :]
        case Rows(container=("list" | "tuple") as container) if value and not shape.even:
            items = list(value)
            if shape.seen:
                return _contained(container, _in_places(shape, rng))
            if rng.random() < 0.3:
                at = rng.randrange(len(items))
                items[at] = alter(shape.element, items[at], rng)
                return _contained(container, items)
            return _cut_or_put(items, draw(shape.element, rng), rng, lambda found: _contained(container, found))
        case Record():
            items = list(value)
            at = rng.randrange(len(items)) if items else 0
            items[at : at + 1] = [alter(shape.places[at], items[at], rng)] if items else []
            return _contained(shape.container, items)
        case Fields() if value:
            name = rng.choice(shape.names)
            return {**value, name: alter(shape.values[list(shape.names).index(name)], value[name], rng)}
        case Table() if value:
            key = rng.choice(list(value))
            if rng.random() < 0.3:
                return {one: item for one, item in value.items() if one != key}
            return {**value, key: alter(shape.value, value[key], rng)}
        case OneOf():
            option = next((one for one in shape.options if fits(one, value)), None)
            return draw(shape, rng) if option is None else alter(option, value, rng)
        case _:
            return draw(shape, rng)


def _cut_or_put(items: list[Any], new: Any, rng: Random, made: Callable[[list[Any]], Any]) -> Any:
    """One item dropped, put in, replaced, doubled, or two changed places."""
    at, other = rng.randrange(len(items)), rng.randrange(len(items))
    match rng.randrange(5):
        case 0:
            del items[at]
        case 1:
            items.insert(at, new)
        case 2:
            items[at] = new
        case 3:
            items.insert(at, items[other])
        case _:
            items[at], items[other] = items[other], items[at]
    return made(items)
