"""Mutants of one file, lazily, the likeliest first over all operators and suspicious lines."""

from __future__ import annotations

import ast
import heapq
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, pairwise

from moa_code.core.brief import Suspect
from moa_code.propose.mutate.ingredients import Ingredients, Pool, pool_of
from moa_code.propose.mutate.kinds import Kind, infer, kind_of
from moa_code.propose.mutate.mutant import Mutant, Span, apply_spans
from moa_code.propose.mutate.normal import code_key, compiled, parsed, tree_key
from moa_code.propose.mutate.operators.catalogue import CATALOGUE
from moa_code.propose.mutate.scope import Scope, scope_of
from moa_code.propose.mutate.site import Edit, Operator, Site
from moa_code.propose.mutate.source import ATOM, Function, Source, Unit, decode, level, needed

# A slip made once is often made again: the same exchange at all its places in the function.
_REPEATABLE = frozenset({"variable", "attribute", "constant", "function", "method", "own-field"})
_REPEATED_SHARE = 0.4
_SHARPNESS = 1.5  # how fast lines lose credit with their suspiciousness
_HANGING = 2.5  # how much likelier a loop's condition is wrong when a check never ends
_NEAR = 50  # statements before and after that lend expressions to a function
_MOST_FOREIGN = 60
_UNEXECUTED = 0.25  # definitions and module-level code run at import, before coverage of a check begins

Discount = Callable[[int], float]
"""What to multiply a line's priors by, in [0, 1], from what was learnt since the search began."""


def mutants(
    source: bytes | str,
    *,
    path: str,
    suspects: Sequence[Suspect],
    ingredients: Ingredients,
    limit: int | None = None,
    discount: Discount | None = None,
    hung: bool = False,
    emphasis: Mapping[str, float] | None = None,
) -> Iterator[Mutant]:
    """Mutants of `source`, best prior first, each compiling, none twice by normal form, none the original.

    Of `suspects` those of `path` count; with none of them every line is equally suspect (as mutation testing needs
    it). `limit` bounds the number. `hung`: some check never ended, so that conditions of loops are likelier wrong.
    `emphasis` multiplies priors by operator.
    Raises `SyntaxError` or `UnicodeDecodeError` for a source that is no Python.
    """
    text = source if isinstance(source, str) else decode(source)[0]
    made = _File(Source(text.removeprefix("\ufeff"), path), suspects, ingredients, hung, emphasis or {})
    offset = len(text) - len(made.source.text)
    for number, mutant in enumerate(made.mutants(discount or (lambda _: 1.0))):
        if limit is not None and number >= limit:
            return
        yield mutant if not offset else _with_mark(mutant)


def _with_mark(mutant: Mutant) -> Mutant:
    spans = tuple(Span(start=s.start + 1, end=s.end + 1, text=s.text) for s in mutant.spans)
    return Mutant(
        path=mutant.path, before="\ufeff" + mutant.before, after="\ufeff" + mutant.after, operator=mutant.operator,
        line=mutant.line, prior=mutant.prior, description=mutant.description, spans=spans,
    )  # fmt: skip


class _File:
    """The search's state for one file."""

    def __init__(
        self,
        source: Source,
        suspects: Sequence[Suspect],
        ingredients: Ingredients,
        hung: bool,
        emphasis: Mapping[str, float],
    ) -> None:
        self._hung = hung
        self._priors = {o.name: o.prior * emphasis.get(o.name, 1.0) for o in CATALOGUE}
        self.source = source
        self.ingredients = ingredients
        self._weights = self._weigh([s for s in suspects if s.path == source.path])
        self._scopes: dict[Function | None, tuple[Scope, Pool]] = {}
        self._sites: dict[ast.stmt, Site] = {}
        self._seen: set[int] = set()  # hashes of normal forms
        self._compiled: set[int] = set()
        self._alike: dict[Function, dict[tuple[type, type, str], list[ast.expr]]] = {}
        classes = [u.stmt for u in source.units if isinstance(u.stmt, ast.ClassDef)]
        self._in_class = {f for c in classes for f in c.body if isinstance(f, Function)}
        # Kinds of module-level names come from the module's own statements, not from functions' locals.
        top = [n for stmt in source.tree.body if not isinstance(stmt, Function | ast.ClassDef) for n in ast.walk(stmt)]
        self._module = infer(top, {})
        for function in source.functions:
            returns = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]
            kinds = {k for k in (kind_of(value, {}) for value in returns) if k is not Kind.ANY}
            if len(kinds) == 1:
                self._module[f"{function.name}()"] = kinds.pop()

    def _weigh(self, suspects: list[Suspect]) -> dict[ast.stmt, float]:
        lines: dict[int, float] = {}
        for suspect in suspects:
            for line in range(suspect.first_line, suspect.last_line + 1):
                lines[line] = max(lines.get(line, 0.0), suspect.score)
        top = max(lines.values(), default=0.0)
        weights: dict[ast.stmt, float] = {}
        for unit in self.source.units:
            if not top:
                weights[unit.stmt] = 1.0
                continue
            score = max((lines.get(n, 0.0) for n in range(unit.first_line, unit.last_line + 1)), default=0.0)
            weight = float((score / top) ** _SHARPNESS) * top
            if isinstance(unit.stmt, Function):
                inside = (lines.get(n, 0.0) for n in range(unit.first_line, (unit.stmt.end_lineno or 0) + 1))
                reached = float((max(inside, default=0.0) / top) ** _SHARPNESS) * top
                weight = 0.7 * reached
            elif unit.function is None:
                weight = max(weight, _UNEXECUTED * top) if score < top else weight * _UNEXECUTED * 2
            if self._hung and isinstance(unit.stmt, ast.While):
                weight *= _HANGING
            if weight > 0:
                weights[unit.stmt] = weight
        return weights

    def _site(self, unit: Unit) -> Site:
        if unit.function not in self._scopes:
            scope = scope_of(self.source, unit.function, self._module, self.ingredients.signatures)
            units = [u for u in self.source.units if u.function is unit.function]
            pool = pool_of(self.source, scope, units)
            foreign = pool_of(self.source, scope, self._neighbours(unit)) if unit.function is not None else Pool()
            pool = replace(pool, elsewhere=foreign.calls, foreign=foreign.pieces[:_MOST_FOREIGN])
            self._scopes[unit.function] = (scope, pool)
        scope, pool = self._scopes[unit.function]
        if unit.stmt not in self._sites:
            self._sites[unit.stmt] = Site(self.source, unit, scope, pool, self.ingredients)
        return self._sites[unit.stmt]

    def _neighbours(self, unit: Unit) -> list[Unit]:
        """Statements of other functions: of the same class for a method, else the nearest in the file."""
        assert unit.function is not None
        owner = self.source.parent(unit.function)[0] if unit.function in self._in_class else None
        here = self.source.units.index(unit)
        around = self.source.units[max(0, here - _NEAR) : here + _NEAR]
        return [
            u
            for u in around
            if u.function is not None
            and u.function is not unit.function
            and (owner is None or (u.function in self._in_class and self.source.parent(u.function)[0] is owner))
        ]

    def mutants(self, discount: Discount) -> Iterator[Mutant]:
        order = count()
        heap: list[tuple[float, int, Unit, Operator, Edit | list[Edit] | None, float]] = []
        for unit in self.source.units:
            weight = self._weights.get(unit.stmt, 0.0)
            if weight:
                for operator in CATALOGUE:
                    heap.append((-self._priors[operator.name] * weight, next(order), unit, operator, None, 1.0))
        heapq.heapify(heap)
        originals: set[ast.stmt] = set()
        while heap:
            negative, _, unit, operator, edit, priced = heapq.heappop(heap)
            # The line may have been discounted since this entry was made: then it waits its new turn.
            current = discount(unit.first_line)
            if current < priced:
                heapq.heappush(heap, (negative * current / priced, next(order), unit, operator, edit, current))
                continue
            if unit.stmt not in originals:
                originals.add(unit.stmt)
                self._remember_original(unit)
            weight = self._weights[unit.stmt] * current
            if edit is None:
                site = self._site(unit)
                for one in operator.operate(site):
                    share = min(1.0, one.weight)
                    heapq.heappush(
                        heap, (-self._priors[operator.name] * share * weight, next(order), unit, operator, one, current)
                    )
                continue
            if isinstance(edit, list):
                made = self._make_all(unit, operator, edit, -negative)
            else:
                made = self._make(unit, operator, edit, -negative)
                if operator.name in _REPEATABLE and edit.node is not None:
                    all_places = self._everywhere(unit, edit)
                    if all_places:
                        later = negative * _REPEATED_SHARE
                        heapq.heappush(heap, (later, next(order), unit, operator, all_places, current))
            if made is not None:
                yield made

    def _remember_original(self, unit: Unit) -> None:
        tree = parsed(self._header(unit, self.source.text[unit.start : unit.end]))
        if tree is not None:
            self._seen.add(hash((unit.first_line, unit.start, tree_key(tree))))
        start, end = self._region(unit)
        if start not in self._compiled:
            self._compiled.add(start)
            code = compiled(self._framed(self.source.text[start:end]))
            if code is not None:
                self._seen.add(hash((start, code_key(code))))

    def _header(self, unit: Unit, text: str) -> str:
        """The unit's own part as a program that parses alone."""
        if unit.end == self.source.span(unit.stmt)[1]:
            return text
        text = text[2:] if text.startswith("elif") else text
        return text.rstrip() + "\n pass"

    def _framed(self, text: str) -> str:
        return f"if 1:\n{text}" if text[:1] in " \t" else text

    def _region(self, unit: Unit) -> tuple[int, int]:
        """The lines of the outermost function around the unit; the statement's own for module-level code."""
        around = [a for a in self.source.within(unit.stmt) if isinstance(a, Function)]
        if isinstance(unit.stmt, Function):
            around.insert(0, unit.stmt)
        outer = around[-1] if around else unit.stmt
        first = min([outer.lineno, *(d.lineno for d in getattr(outer, "decorator_list", ()))])
        assert outer.end_lineno is not None
        return self.source.line_start(first), self.source.line_start(outer.end_lineno + 1)

    def _fit(self, edit: Edit) -> str | None:
        """The replacing text with the parentheses its place needs; None for one that is no expression."""
        node = edit.node
        assert node is not None
        text = edit.text
        if text.startswith("yield"):
            return text
        tree = parsed(f"({text}\n)")
        if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
            return None
        new = tree.body[0].value
        wrapped = new.col_offset > (0 if isinstance(new, ast.Tuple | ast.GeneratorExp) else 1)
        own = ATOM if wrapped else level(new)
        parent, field = self.source.parent(node)
        whole = self.source.text
        if isinstance(node, ast.GeneratorExp) and isinstance(parent, ast.Call) and len(parent.args) == 1:
            bare = whole[edit.start : edit.start + 1] == "(" and edit.start >= self.source.span(parent.func)[1]
            if bare and whole[self.source.span(parent.func)[1] : edit.start].strip() == "":
                return text if isinstance(new, ast.GeneratorExp) and text.startswith("(") else f"({text})"
        if isinstance(new, ast.Constant) and isinstance(parent, ast.Attribute) and isinstance(new.value, int):
            return f"({text})"
        if own >= needed(parent, field):
            return text
        before, after = whole[: edit.start].rstrip(" "), whole[edit.end : edit.end + 80].lstrip(" ")
        if before.endswith("(") and after.startswith(")") and field not in ("args", "func"):
            return text
        return f"({text})"

    def _make(self, unit: Unit, operator: Operator, edit: Edit, prior: float) -> Mutant | None:
        start, end, text = edit.start, edit.end, edit.text
        source = self.source.text
        if source[start:end] == text:
            return None
        if edit.node is not None:
            fitted = self._fit(edit)
            if fitted is None:
                return None
            text = fitted
        span = Span(start=start, end=end, text=text)
        # What parses alone may still not compile in its function: a yield in a coroutine, for one.
        inside = unit.start <= start and end <= unit.end
        plain = inside and (edit.node is not None or (start, end) == (unit.start, unit.end))
        plain = plain and not text.startswith(("yield", "await"))
        if plain:
            tree = parsed(self._header(unit, source[unit.start : start] + text + source[end : unit.end]))
            if tree is not None and len(tree.body) != 1:
                return None
            plain = tree is not None and type(tree.body[0]) is type(unit.stmt)
            key: Hashable | None = (unit.first_line, unit.start, tree_key(tree))
        if not plain:
            key = self._region_key(unit, (span,))
        if key is None:
            return None
        return self._finish(unit, operator, (span,), prior, edit.note, key)

    def _region_key(self, unit: Unit, spans: tuple[Span, ...]) -> Hashable | None:
        low, high = self._region(unit)
        if spans[0].start < low or spans[-1].end > high:
            low, high = 0, len(self.source.text)
        moved = tuple(Span(start=s.start - low, end=s.end - low, text=s.text) for s in spans)
        code = compiled(self._framed(apply_spans(self.source.text[low:high], moved)))
        return None if code is None else (low, code_key(code))

    def _make_all(self, unit: Unit, operator: Operator, edits: list[Edit], prior: float) -> Mutant | None:
        fitted = [(edit, self._fit(edit)) for edit in edits]
        spans = tuple(Span(start=e.start, end=e.end, text=t) for e, t in fitted if t is not None)
        if len(spans) < 2 or any(a.end > b.start for a, b in pairwise(spans)):
            return None
        key = self._region_key(unit, spans)
        if key is None:
            return None
        return self._finish(unit, operator, spans, prior, f"{edits[0].note}, everywhere", key)

    def _everywhere(self, unit: Unit, edit: Edit) -> list[Edit]:
        """This edit at all places of the function where the same text stands in the same role."""
        assert edit.node is not None
        if unit.function is None:
            return []
        if unit.function not in self._alike:
            groups: dict[tuple[type, type, str], list[ast.expr]] = {}
            for other in self.source.units:
                for node in other.nodes if other.function is unit.function else ():
                    groups.setdefault(self._role(node), []).append(node)
            self._alike[unit.function] = groups
        nodes = self._alike[unit.function].get(self._role(edit.node), [])
        found = [Edit(*self.source.span(n), edit.text, edit.weight, edit.note, n) for n in nodes]
        return sorted(found, key=lambda e: e.start) if len(found) > 1 else []

    def _role(self, node: ast.expr) -> tuple[type, type, str]:
        return type(node), type(getattr(node, "ctx", None)), self.source.segment(node)

    def _finish(
        self, unit: Unit, operator: Operator, spans: tuple[Span, ...], prior: float, note: str, key: Hashable
    ) -> Mutant | None:
        if hash(key) in self._seen:
            return None
        self._seen.add(hash(key))
        after = apply_spans(self.source.text, spans)
        return Mutant(
            path=self.source.path, before=self.source.text, after=after, operator=operator.name,
            line=unit.first_line, prior=prior, description=note, spans=spans,
        )  # fmt: skip
