"""The shape that values seen in one place have in common. Pure.

Doubt is resolved towards fewer inputs: an input outside what a function is for makes right programs differ.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from moa_code.evidence.shapes import (
    MOST_SEEN,
    Choice,
    Fields,
    Letters,
    OneOf,
    Real,
    Record,
    Rows,
    Shape,
    Table,
    Whole,
    ordered,
)
from moa_code.evidence.strings import text_shape

MOST_LENGTH = 30
MOST_SIDE = 8  # of a grid
SURE_LISTS = 3  # so many lists with the same property by chance are few
_SORTED = re.compile(r"\b(sorted|ascending|descending|increasing|decreasing|monoton\w*|binary search|in order)\b")
_DISTINCT = re.compile(r"\b(distinct|unique|duplicates?|permutation)\b")


def shape_of(values: Sequence[object], words: str = "", *, inner: bool = False) -> Shape | None:
    """What `values`, seen in one place, have in common; `words` is what the task says, in lower case.

    None when there is no value, or one that is no plain data. `inner`: the place is an element of something.
    """
    kinds: dict[str, list[object]] = {}
    for value in values:
        kinds.setdefault(type(value).__name__, []).append(value)
    if not kinds:
        return None
    shapes = []
    if {"int", "float"} <= kinds.keys():  # written as 1 where 1.0 is meant
        kinds["float"] += [float(v) for v in kinds["int"] if isinstance(v, int)]
    for name, members in sorted(kinds.items()):
        shape = _of_kind(name, members, words, inner=inner)
        if shape is None:
            return None
        shapes.append(shape)
    return shapes[0] if len(shapes) == 1 else OneOf(options=tuple(shapes))


def _of_kind(name: str, values: list[object], words: str, *, inner: bool) -> Shape | None:
    match name:
        case "bool":
            return Choice(values=(False, True))
        case "int":
            return _whole([v for v in values if isinstance(v, int)])
        case "float":
            return _real([v for v in values if isinstance(v, float)])
        case "str":
            return text_shape([v for v in values if isinstance(v, str)])
        case "NoneType" | "bytes" | "complex" | "range" | "ellipsis":
            return Choice(values=tuple(_distinct(values)))
        case "list" | "tuple":
            return _sequence(name, [list(v) for v in values if isinstance(v, list | tuple)], words, inner=inner)
        case "set" | "frozenset":
            return _set(name, [v for v in values if isinstance(v, set | frozenset)], words)
        case "dict":
            return _table([v for v in values if isinstance(v, dict)], words)
        case _:
            return None


def _whole(seen: list[int]) -> Whole:
    """Never below what was seen where that is small: a base of 2, a count of 1 are often the least that makes sense."""
    low, high = min(seen), max(seen)
    span = high - low
    if {0, 1} == set(seen) and len(seen) > 3:  # bits
        return Whole(low=0, high=1)
    least = min(low, 2) if low >= 0 else low - max(3, min(span, -low))
    most = high + max(5, min(span, abs(high))) if high > 0 else (0 if high == 0 else min(-1, high + 3))
    if high == 0 and low == 0:
        most = 3
    return Whole(low=least, high=most, seen=tuple(sorted(set(seen))[:MOST_SEEN]))


def _real(seen: list[float]) -> Shape:
    finite = [v for v in seen if abs(v) < 1e300]  # nor NaN, which compares as false
    if not finite:
        return Choice(values=tuple(_distinct(list(seen))))
    low, high = min(finite), max(finite)
    span = max(1.0, high - low)
    places = max(len(repr(v).partition("e")[0].partition(".")[2].rstrip("0")) for v in finite)
    return Real(
        low=min(low, 0.0 if low > 1 else low) if low >= 0 else low - span,
        high=high + span if high > 0 else min(0.0, high + span),
        places=min(3, max(1, places)),
        seen=tuple(sorted(set(finite))[:MOST_SEEN]),
    )


def _sequence(container: str, seen: list[list[object]], words: str, *, inner: bool) -> Shape | None:
    lengths = [len(items) for items in seen]
    same = lengths[0] if len(set(lengths)) == 1 and 0 < lengths[0] <= 6 else 0
    kinds = [{type(v).__name__ for v in items} for items in zip(*seen, strict=True)] if same else []
    mixed = len(set().union(*kinds)) > 1 and all(len(k) == 1 for k in kinds) if kinds else False
    if same and (mixed or (container == "tuple" and len(seen) > 1) or (inner and len(seen) >= SURE_LISTS)):
        places = [shape_of(list(column), words, inner=True) for column in zip(*seen, strict=True)]
        if len(seen) < 2:
            places = [shape_of([v], words, inner=True) for v in seen[0]]
        found = tuple(place for place in places if place is not None)
        if len(found) < same:
            return None
        if not mixed and len(seen) >= SURE_LISTS and _up(seen):
            any_place = shape_of([item for items in seen for item in items], words, inner=True) or found[0]
            return Record(container=container, places=(any_place,) * same, sorted=True)
        return Record(container=container, places=found)
    elements = [item for items in seen for item in items]
    element = shape_of(elements, words, inner=True) if elements else Whole(low=0, high=9)
    if element is None:
        return None
    matrix = _matrix(seen, words)
    if matrix is not None:
        return replace(matrix, container=container)
    order = _order(seen, words)
    return Rows(
        container=container,
        element=element,
        low=_least(lengths),
        high=_most(lengths),
        order=order,
        unique=_no_doubles(seen, words, fewest=2 if order else SURE_LISTS + 1),
        seen=tuple(tuple(items) for items in seen[:MOST_SEEN]) if _mixed(elements) else (),
        mirror=any(len(items) > 2 and items == items[::-1] for items in seen),
    )


def _mixed(elements: list[object]) -> bool:
    """Whether texts stand beside numbers: tokens of some language, where each has its place."""
    kinds = {type(element) for element in elements}
    return str in kinds and bool(kinds & {int, float})


def _matrix(seen: list[list[object]], words: str) -> Rows | None:
    """Lists of lists of one length, of one kind of cell: all of one length does not mean all of this length."""
    rows = [row for grid in seen for row in grid]
    if not rows or not any(len(grid) > 1 for grid in seen):
        return None
    cells = [cell for row in rows if isinstance(row, list) for cell in row]
    if not all(isinstance(row, list) for row in rows) or len({type(cell) for cell in cells}) != 1:
        return None
    if any(len({len(row) for row in grid if isinstance(row, list)}) > 1 for grid in seen):
        return None
    widths = [len(row) for row in rows if isinstance(row, list)]
    square = all(len(grid) == len(row) for grid in seen for row in grid if isinstance(row, list))
    heights = [len(grid) for grid in seen]
    cell = shape_of(cells, words, inner=True)
    if cell is None:
        return None
    low, high = _least(heights), min(MOST_SIDE, max(heights) + 2)
    high = max(high, *heights)
    least, most = (low, high) if square else (_least(widths), max(widths) + 2)
    row = Rows(container="list", element=cell, low=least, high=most)
    return Rows(container="list", element=row, low=low, high=high, even=True, square=square)


def _set(container: str, seen: list[set[object] | frozenset[object]], words: str) -> Shape | None:
    elements = sorted((item for items in seen for item in items), key=repr)
    element = shape_of(elements, words, inner=True) if elements else Whole(low=0, high=9)
    lengths = [len(items) for items in seen]
    if element is None:
        return None
    return Rows(container=container, element=element, low=_least(lengths), high=max(lengths) + 3, unique=True)


def _table(seen: list[dict[object, object]], words: str) -> Shape | None:
    names = list(seen[0])
    if len(seen) > 1 and names and all(d.keys() == seen[0].keys() for d in seen):
        values = [shape_of([d[name] for d in seen], words, inner=True) for name in names]
        known = tuple(value for value in values if value is not None)
        return Fields(names=tuple(names), values=known) if len(known) == len(names) else None
    lengths = [len(d) for d in seen]
    keys = _distinct([key for d in seen for key in d])
    key = Choice(values=tuple(keys[:MOST_SEEN])) if len(keys) > 3 else shape_of(keys, words, inner=True)
    value = shape_of([v for d in seen for v in d.values()], words, inner=True)
    if not keys:
        key, value = Letters(alphabet="abc", low=1, high=3), Whole(low=0, high=9)
    if key is None or value is None:
        return None
    most = max(lengths) + 2
    return Table(key=key, value=value, low=_least(lengths), high=min(most, len(keys)) if keys else most)


def _least(lengths: Sequence[int]) -> int:
    """Fewest elements: as few as seen, though not above two."""
    return min(2, *lengths) if lengths else 0


def _most(lengths: Sequence[int]) -> int:
    """Most elements: a few more than seen; of what was always a pair, no more."""
    if len(lengths) > 1 and set(lengths) == {2}:
        return 2
    return max(max(lengths), min(MOST_LENGTH, max(lengths) + 3))


def _order(seen: list[list[object]], words: str) -> str:
    """`up` or `down` where all lists of numbers or texts run so, and that is told or hardly chance."""
    if not _comparable(seen):
        return ""
    runs = [items for items in seen if len(items) > 1]
    long = [items for items in runs if len(items) > 2 and len(_distinct(items)) > 1]
    told = bool(_SORTED.search(words))
    for name, step in (("up", 1), ("down", -1)):
        if runs and all(ordered(items[::step]) for items in runs) and (told or len(long) >= SURE_LISTS):
            return name
    return ""


def _comparable(seen: list[list[object]]) -> bool:
    kinds = {type(item) for items in seen for item in items}
    return kinds <= {int, float} or kinds == {str}


def _up(seen: list[list[object]]) -> bool:
    """Whether each runs up, and the first do not stand still."""
    return _comparable(seen) and all(map(ordered, seen)) and all(len(_distinct(items)) > 1 for items in seen[:2])


def _no_doubles(seen: list[list[object]], words: str, *, fewest: int) -> bool:
    """Whether no list has two alike, and that is told or hardly chance: so of `fewest` lists. In what is searched,
    doubles leave open which is meant.
    """
    if any(len(_distinct(items)) < len(items) for items in seen):
        return False
    long = [items for items in seen if len(items) > 2]
    return bool(long) and (bool(_DISTINCT.search(words)) or len(long) >= fewest)


def _distinct(values: list[object]) -> list[object]:
    return list({repr(value): value for value in values}.values())
