"""Constants, variables and attributes: the wrong one of its kind."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import lru_cache

from moa_code.propose.mutate.kinds import SIZED, Kind, compatible
from moa_code.propose.mutate.site import Edit, Operator, Site

_BUILTINS = frozenset(dir(builtins))


@lru_cache(maxsize=8192)
def alike(one: str, other: str) -> float:
    """How easily one name is mistaken for the other, in [0, 1]: shared letters, shared words, prefixes."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def constant(site: Site) -> Iterator[Edit]:
    for node in site.unit.nodes:
        if not isinstance(node, ast.Constant):
            continue
        parent, field = site.parent(node)
        if isinstance(parent, ast.Expr | ast.JoinedStr | ast.FormattedValue) or field == "annotation":
            continue
        value = node.value
        if isinstance(value, bool):
            yield site.swap(node, str(not value), 1.0)
            if isinstance(parent, ast.Return | ast.Assign):
                yield site.swap(node, "None", 0.1)
        elif isinstance(value, int | float):
            yield from _number(site, node, value)
        elif isinstance(value, str):
            yield from _string(site, node, value)
        elif value is None:
            for text, weight in (("0", 0.4), ("[]", 0.4), ("False", 0.3), ("True", 0.2), ("''", 0.3), ("{}", 0.3),
                                 ("-1", 0.2), ("1", 0.15)):  # fmt: skip
                yield site.swap(node, text, weight)


def _number(site: Site, node: ast.Constant, value: int | float) -> Iterator[Edit]:
    seen = {site.text(node)}
    options: list[tuple[str, float]] = []
    if isinstance(value, int):
        options += [(str(value + 1), 1.0), (str(value - 1), 1.0)]
        options += [("0", 0.7), ("1", 0.7), (str(-value), 0.5), ("2", 0.35), ("-1", 0.5), (str(value + 2), 0.12)]
        options += [(str(value - 2), 0.12), (str(value * 2), 0.15), (str(value // 2), 0.15), (str(value * 10), 0.12)]
        options += [(str(value // 10), 0.1), (f"{value}.0", 0.1)]
    else:
        options += [(repr(value + 1), 0.5), (repr(value - 1), 0.5), (repr(-value), 0.4), ("0.0", 0.4), ("1.0", 0.3)]
        options += [(repr(value * 10), 0.3), (repr(value / 10), 0.3), (repr(value * 2), 0.3), (repr(value / 2), 0.3)]
    if isinstance(site.stmt, ast.Assign | ast.Return) and site.parent(node)[0] is site.stmt:
        options += [("float('inf')", 0.3), ("float('-inf')", 0.3), ("None", 0.25), ("[]", 0.15), ("''", 0.1)]
        options += [(name, 0.3) for name in site.scope.params if site.scope.kind(name) is Kind.NUM]
        options += [(f"{p}[0]", 0.25) for p in site.scope.params if site.scope.kind(p) in (Kind.LIST, Kind.ITER)]
    options += [(text, 0.35) for text in site.pool.numbers]
    options += [(name, 0.35) for name in site.names(node) if site.scope.kind(name) is Kind.NUM]
    options += [(f"len({name})", 0.1) for name in site.names(node) if site.scope.kind(name) in SIZED]
    options += [(text, 0.12) for text in site.ingredients.numbers[:12]]
    parent, _ = site.parent(node)
    base = isinstance(parent, ast.UnaryOp)
    for text, weight in options:
        if text in seen or (base and text.startswith("-")):
            continue
        seen.add(text)
        yield site.swap(node, text, weight)


def _string(site: Site, node: ast.Constant, value: str) -> Iterator[Edit]:
    mark = site.text(node)
    quote = '"' if mark[-1:] == '"' else "'"

    def literal(text: str) -> str:
        shown = repr(text)
        return shown if quote == "'" or quote in shown[1:-1] or "\\" in shown else f'"{shown[1:-1]}"'

    options: list[tuple[str, float]] = []
    if value == "":
        options += [(" ", 0.8), (",", 0.2), ("\n", 0.3), ("0", 0.15)]
    else:
        options += [("", 0.6)]
    if value == " ":
        options += [("", 0.6), (",", 0.2), ("\n", 0.2), (", ", 0.2)]
    options += [(other, weight) for other, weight in (
        (value.lower(), 0.6), (value.upper(), 0.4), (value.strip(), 0.6), (value + " ", 0.25), (" " + value, 0.2),
        (value.title(), 0.15), (value.rstrip("s"), 0.2), (value + "s", 0.15), (value[:-1], 0.25), (value[1:], 0.2),
        (value[::-1], 0.15), (value + "\n", 0.15), (value.swapcase(), 0.1))]  # fmt: skip
    options += [(other, 0.35 + 0.4 * alike(value, other)) for other in map(_plain, site.pool.strings)]
    options += [(other, 0.15 + 0.5 * alike(value, other)) for other in site.ingredients.strings[:30]]
    if len(value) <= 3 and not value.isalnum():
        for pair in (("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), (",", ";"), ("-", "_"), ("+", "-"), ("*", "/")):
            if value in pair:
                options.append((pair[1 - pair.index(value)], 0.8))
    if len(value) == 1 and value in "rwa":
        options += [("r", 0.5), ("w", 0.5), ("a", 0.5), ("rb", 0.2), ("wb", 0.2)]
    if mark.startswith("r") and len(mark) <= 80 and "\n" not in value:
        for text, weight in pattern_slips(value):
            yield site.swap(node, f"r{mark[1:].replace(value, text, 1)}", weight)
        return
    seen = {value}
    for text, weight in options:
        if text not in seen:
            seen.add(text)
            yield site.swap(node, literal(text), min(weight, 1.0))


_PATTERN_PARTS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[.)\w]|[*+?^$|]|-")


def pattern_slips(pattern: str) -> Iterator[tuple[str, float]]:
    """Regular expressions near `pattern`: a repetition missing or superfluous, anchors, escapes, classes."""
    anchored = (pattern.startswith("^"), pattern.endswith("$"))
    for part in _PATTERN_PARTS.finditer(pattern):
        start, end, text = part.start(), part.end(), part.group()
        before, after = pattern[:start], pattern[end:]
        repeated = after[:1] in ("*", "+", "?", "{")
        if text in ("*", "+", "?"):
            for other, weight in (("*", 0.8), ("+", 0.8), ("", 0.5), ("?", 0.4)):
                if other != text:
                    yield f"{before}{other}{after}", weight
            if text != "?" and after[:1] != "?":
                yield f"{before}{text}?{after}", 0.6
        elif text in "^$|-":
            continue
        elif not repeated:
            weight = 1.0 if len(text) > 1 and text[1:2] != "." else 0.3
            yield f"{before}{text}+{after}", weight
            yield f"{before}{text}*{after}", weight * 0.5
            yield f"{before}{text}?{after}", weight * 0.4
        if text == ".":
            yield f"{before}\\.{after}", 0.6
        elif len(text) == 2 and text[1] in "dDwWsSbB":
            yield f"{before}\\{text[1].swapcase()}{after}", 0.5
            for other in "wds":
                if other != text[1]:
                    yield f"{before}\\{other}{after}", 0.3
        elif text.startswith("[") and len(text) > 2:
            for more in ("0-9", "A-Z", "a-z", "_", "-", "."):
                if more not in text:
                    yield f"{before}{text[:-1]}{more}]{after}", 0.3
            yield f"{before}{'[' + text[2:] if text[1] == '^' else '[^' + text[1:]}{after}", 0.4
    yield pattern[1:] if anchored[0] else f"^{pattern}", 0.5
    yield pattern[:-1] if anchored[1] else f"{pattern}$", 0.5


def _plain(literal: str) -> str:
    try:
        value = ast.literal_eval(literal)
    except (SyntaxError, ValueError):
        return ""
    return value if isinstance(value, str) else ""


_EMPTY_LIST = (
    ("[0]", 0.5), ("[1]", 0.4), ("set()", 0.4), ("{}", 0.4), ("None", 0.3), ("['']", 0.25), ("()", 0.15),
    ("[None]", 0.1), ("''", 0.15), ("0", 0.15), ("[True]", 0.1),
)  # fmt: skip


def display(site: Site) -> Iterator[Edit]:
    """List, tuple, set and dict literals: emptier, fuller, of another kind."""
    for node in site.loads():
        parent, _ = site.parent(node)
        returned = isinstance(parent, ast.Return | ast.Yield)
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Mult)
            and isinstance(node.left, ast.BinOp | ast.List)
        ):
            # [row] * n holds the same row n times.
            inner = node.left if isinstance(node.left, ast.BinOp) else node.left.elts[0] if node.left.elts else None
            if inner is not None and site.kind(inner) in (Kind.LIST, Kind.SET, Kind.DICT):
                yield site.swap(node, f"[{site.text(inner)} for _ in range({site.text(node.right)})]", 0.8)
        if isinstance(node, ast.List) and not node.elts:
            yield site.swap(node, "[[]]", 0.8)
            for name in site.names(node):
                yield site.swap(node, f"[{name}]", 0.8 if name in site.scope.params else 0.4)
                if returned:
                    yield site.swap(node, name, 0.3)
                if site.scope.kind(name) in (Kind.LIST, Kind.ITER):
                    yield site.swap(node, f"[{name}[0]]", 0.3)
            for text, weight in _EMPTY_LIST:
                yield site.swap(node, text, weight)
        elif isinstance(node, ast.Dict) and not node.keys:
            for text, weight in (("set()", 0.8), ("[]", 0.6), ("None", 0.3)):
                yield site.swap(node, text, weight)
        elif isinstance(node, ast.List | ast.Tuple | ast.Set) and len(node.elts) == 1:
            yield site.swap(node, site.text(node.elts[0]), 0.7)
            if isinstance(node, ast.List):
                yield site.swap(node, "[]", 0.5)
                yield site.swap(node, f"[{site.text(node)}]", 0.5)
        elif isinstance(node, ast.List | ast.Tuple) and len(node.elts) >= 2:
            texts = [site.text(e) for e in node.elts]
            left, right = ("[", "]") if isinstance(node, ast.List) else ("(", ")")
            bare = isinstance(node, ast.Tuple) and not site.text(node).startswith("(")
            if bare:
                left = right = ""
            for i in range(len(texts) - 1):
                swapped = [*texts[:i], texts[i + 1], texts[i], *texts[i + 2 :]]
                yield site.swap(node, f"{left}{', '.join(swapped)}{right}", 1.0, "swap two elements")
            if len(texts) == 3:
                yield site.swap(node, f"{left}{', '.join(texts[::-1])}{right}", 0.3, "reverse the elements")
            if len(texts) <= 6 and (isinstance(node, ast.List) or isinstance(parent, ast.Return)):
                for i in range(len(texts)):
                    kept = [*texts[:i], *texts[i + 1 :]]
                    tail = "," if len(kept) == 1 and isinstance(node, ast.Tuple) else ""
                    yield site.swap(node, f"{left}{', '.join(kept)}{tail}{right}", 0.2)
        if isinstance(node, ast.List | ast.Tuple | ast.Set) and len(node.elts) >= 2:
            yield from _missing_element(site, node)
    stmt = site.stmt
    if isinstance(stmt, ast.Assign | ast.For):
        target = stmt.targets[0] if isinstance(stmt, ast.Assign) else stmt.target
        if isinstance(target, ast.Tuple) and len(target.elts) >= 2:
            texts = [site.text(e) for e in target.elts]
            bracket = site.text(target).startswith("(")
            for i in range(len(texts) - 1):
                joined = ", ".join([*texts[:i], texts[i + 1], texts[i], *texts[i + 2 :]])
                yield site.swap(target, f"({joined})" if bracket else joined, 0.8, "swap two targets")


def _missing_element(site: Site, node: ast.List | ast.Tuple | ast.Set) -> Iterator[Edit]:
    """A text left out of a list of texts; those that stand in tests or elsewhere are tried."""
    held = [e.value for e in node.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
    if len(held) < len(node.elts):
        return
    last = site.source.span(node.elts[-1])[1]
    quote = site.text(node.elts[-1])[-1]
    single = all(len(text) == 1 for text in held)
    for other in site.ingredients.strings:
        if other not in held and (len(other) == 1) == single and quote not in other and "\\" not in other:
            weight = 0.3 if other.isalnum() else 0.1
            if other.isprintable():
                yield Edit(last, last, f", {quote}{other}{quote}", weight, f"add {other!r}")


def variable(site: Site) -> Iterator[Edit]:
    for node in site.unit.nodes:
        if not isinstance(node, ast.Name):
            continue
        parent, field = site.parent(node)
        if field in ("func", "annotation", "returns", "decorator_list") or node.id in _BUILTINS:
            continue
        if isinstance(parent, ast.ExceptHandler) or isinstance(node.ctx, ast.Del):
            continue
        if node.id in site.scope.callables and site.scope.kind(node.id) is not Kind.FUNC:
            continue
        stored = isinstance(node.ctx, ast.Store)
        if stored and not isinstance(site.stmt, ast.Assign | ast.AugAssign):
            continue
        own = site.scope.kind(node.id)
        options: list[tuple[str, float]] = []
        for name in site.names(node):
            if name == node.id:
                continue
            if name in ("self", "cls") or node.id in ("self", "cls"):
                # The wrong receiver: what is done to `self` was meant for another object, or the other way.
                if isinstance(parent, ast.Attribute) and {own, site.scope.kind(name)} <= {Kind.OBJ, Kind.ANY}:
                    options.append((name, 0.3))
                continue
            fit = compatible(own, site.scope.kind(name))
            fit *= 0.55 + 0.45 * alike(node.id, name)
            if name in site.scope.unread:
                fit = min(1.0, fit * 2.0)
            if name in site.scope.outer:
                fit *= 0.4
            if stored:
                fit *= 0.35 if name in site.scope.locals else 0.15
            options.append((name, fit))
        crowd = max(1.0, sum(fit for _, fit in options) / 3) ** 0.5
        for name, fit in options:
            yield site.swap(node, name, fit / crowd)


def attribute(site: Site) -> Iterator[Edit]:
    called = {n.func for n in site.unit.nodes if isinstance(n, ast.Call)}
    for node in site.unit.nodes:
        if not isinstance(node, ast.Attribute) or node in called:
            continue
        base = site.at(node.value, 15)
        own = set(site.pool.attributes)
        known = dict.fromkeys((*site.scope.fields, *site.pool.attributes, *site.ingredients.attributes))
        stored = isinstance(node.ctx, ast.Store)
        options = []
        for name in known:
            if name == node.attr:
                continue
            fit = 0.25 + 0.75 * alike(node.attr, name)
            fit *= 1.0 if name in own or (base == "self" and name in site.scope.fields) else 0.7
            options.append((name, fit * (0.4 if stored else 1.0)))
        options.sort(key=lambda item: -item[1])
        for name, fit in options[:25]:
            yield site.swap(node, f"{base}.{name}", fit, f".{node.attr} -> .{name}")
        if not stored:
            yield site.swap(node, base, 0.12, f"drop .{node.attr}")


def by_name(site: Site) -> Iterator[Edit]:
    """A name for what is computed again, a constant for a name, a field for any of them."""
    for node in site.loads():
        parent, _ = site.parent(node)
        if not isinstance(parent, ast.Compare | ast.Call | ast.Assign | ast.AugAssign | ast.Return | ast.BinOp):
            continue
        kind = site.kind(node)
        if isinstance(node, ast.Name) and kind in (Kind.NUM, Kind.ANY) and node.id not in ("self", "cls"):
            share = 1.0 if kind is Kind.NUM else 0.4
            for text in dict.fromkeys(("0", "1", *site.pool.numbers)):
                yield site.swap(node, text, 0.25 * share)
        if isinstance(node, ast.Call | ast.Subscript | ast.Attribute):
            options = [n for n in site.names(node) if n in site.scope.locals or n in site.scope.params]
            fits = [(n, compatible(kind, site.scope.kind(n))) for n in options if n not in ("self", "cls")]
            for name, fit in fits:
                yield site.swap(node, name, (0.8 if isinstance(node, ast.Call) else 0.4) * fit)
        if isinstance(node, ast.Call | ast.Name | ast.Subscript | ast.Attribute | ast.Constant):
            for name in site.scope.fields:
                text = f"self.{name}"
                if text != site.text(node):
                    yield site.swap(node, text, 0.3 if isinstance(parent, ast.Compare | ast.Return) else 0.15)


def exchange(site: Site) -> Iterator[Edit]:
    """Two names of one statement in each other's place, at all their occurrences."""
    unit, text = site.unit, site.source.text
    places: dict[str, list[tuple[int, int]]] = {}
    for node in unit.nodes:
        if isinstance(node, ast.Name) and node.id in site.scope.names:
            start, end = site.source.span(node)
            if unit.start <= start and end <= unit.end:
                places.setdefault(node.id, []).append((start, end))
    names = list(places)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            fit = compatible(site.scope.kind(one), site.scope.kind(other))
            exchanged = [(*p, other) for p in places[one]] + [(*p, one) for p in places[other]]
            if len(exchanged) > 6 or fit < 0.3:
                continue
            parts, at = [], unit.start
            for start, end, name in sorted(exchanged):
                parts += [text[at:start], name]
                at = end
            whole = "".join([*parts, text[at : unit.end]])
            yield Edit(unit.start, unit.end, whole, fit, f"exchange {one} and {other}")


def own_field(site: Site) -> Iterator[Edit]:
    """`self.` that is missing or too much, and an attribute step that was forgotten."""
    fields = set(site.scope.fields)
    for node in site.unit.nodes:
        parent, field = site.parent(node)
        if isinstance(node, ast.Name) and node.id in fields and node.id not in ("self",) and field != "func":
            weight = 1.0 if node.id not in site.scope.names else 0.5
            yield site.swap(node, f"self.{node.id}", weight)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            if node.attr in site.scope.names:
                yield site.swap(node, node.attr, 0.7)
        elif (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and field not in ("func", "value")
            and site.scope.kind(node.id) in (Kind.OBJ, Kind.ANY)
        ):
            for name in site.pool.attributes[:6]:
                yield site.swap(node, f"{node.id}.{name}", 0.12)
        if (
            isinstance(node, ast.Attribute)
            and not isinstance(parent, ast.Call | ast.Attribute)
            and isinstance(node.ctx, ast.Load)
        ):
            for name in site.pool.attributes[:4]:
                yield site.swap(node, f"{site.text(node)}.{name}", 0.08)


OPERATORS = (
    Operator(name="constant", prior=0.07, operate=constant),
    Operator(name="display", prior=0.05, operate=display),
    Operator(name="variable", prior=0.07, operate=variable),
    Operator(name="attribute", prior=0.06, operate=attribute),
    Operator(name="by-name", prior=0.03, operate=by_name),
    Operator(name="exchange", prior=0.03, operate=exchange),
    Operator(name="own-field", prior=0.05, operate=own_field),
)
