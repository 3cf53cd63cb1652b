"""Calls: the wrong function or method, wrong arguments, one call too many or too few."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from moa_code.propose.mutate.kinds import SIZED, Kind, compatible
from moa_code.propose.mutate.operators.names import alike
from moa_code.propose.mutate.site import Edit, Operator, Site

_FUNCTIONS: tuple[tuple[str, ...], ...] = (
    ("min", "max"), ("any", "all"), ("sum", "max", "min", "len"), ("sorted", "reversed", "list", "set"),
    ("int", "round", "float", "str", "abs", "bool"), ("floor", "ceil", "round", "int"), ("list", "tuple", "set"),
    ("ord", "chr"), ("isinstance", "issubclass"), ("map", "filter"), ("zip", "enumerate"), ("range", "enumerate"),
    ("heappush", "heappop"), ("deepcopy", "copy"), ("enumerate", "reversed", "sorted"), ("bin", "hex", "oct"),
    ("print", "return"), ("len", "sum"), ("dict", "set", "list"), ("getattr", "hasattr"),
)  # fmt: skip
_METHODS: tuple[tuple[str, ...], ...] = (
    ("append", "extend", "add", "appendleft"), ("add", "update", "discard"), ("pop", "popleft"),
    ("remove", "discard", "pop"), ("upper", "lower", "title", "capitalize", "swapcase"),
    ("strip", "lstrip", "rstrip"), ("find", "rfind", "index", "rindex"), ("startswith", "endswith"),
    ("keys", "values", "items"), ("union", "intersection", "difference", "symmetric_difference"),
    ("isdigit", "isalpha", "isalnum", "isnumeric"), ("isupper", "islower"), ("split", "rsplit", "splitlines"),
    ("ljust", "rjust", "center"), ("issubset", "issuperset", "isdisjoint"), ("get", "pop", "setdefault"),
    ("update", "setdefault"), ("count", "index", "find"), ("partition", "rpartition"), ("sort", "reverse"),
    ("read", "readline", "readlines"), ("group", "groups"), ("match", "search", "fullmatch", "findall"),
    ("floor", "ceil", "trunc"), ("most_common", "elements"), ("replace", "strip"), ("difference", "difference_update"),
    ("days", "seconds"), ("zfill", "rjust"), ("append", "insert"), ("sin", "cos", "tan"), ("dumps", "loads"),
    ("encode", "decode"), ("acquire", "release"), ("removeprefix", "removesuffix", "lstrip"),
)  # fmt: skip


def _peers(groups: tuple[tuple[str, ...], ...], name: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for group in groups:
        if name in group:
            for other in group:
                if other != name:
                    found[other] = max(found.get(other, 0.0), 1.2 / len(group) if len(group) > 2 else 1.0)
    return found


def function(site: Site) -> Iterator[Edit]:
    for node in site.unit.nodes:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        own, count = node.func.id, len(node.args)
        for name, weight in _peers(_FUNCTIONS, own).items():
            if name != "return":
                yield site.swap(node.func, name, min(weight, 1.0))
        for name, (least, most) in site.scope.callables.items():
            if name != own and least <= count and (most is None or count <= most):
                yield site.swap(node.func, name, 0.3 + 0.4 * alike(own, name))


def method(site: Site) -> Iterator[Edit]:
    for node in site.unit.nodes:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        func = node.func
        base, own = site.at(func.value, 15), func.attr
        args = _inside(site, node)
        for name, weight in _peers(_METHODS, own).items():
            yield site.swap(func, f"{base}.{name}", min(weight, 1.0), f".{own} -> .{name}")
        for name in dict.fromkeys((*site.pool.methods, *site.ingredients.methods[:40])):
            if name == own or name in _peers(_METHODS, own):
                continue
            least, most = site.ingredients.signatures.get(name, (0, None))
            if least <= len(node.args) and (most is None or len(node.args) <= most):
                known = name in site.ingredients.signatures
                weight = 0.5 * alike(own, name) + (0.25 if known and own in site.ingredients.signatures else 0.0)
                yield site.swap(func, f"{base}.{name}", weight, f".{own} -> .{name}")
        if own == "pop" and not node.args:
            yield site.swap(node, f"{base}.pop(0)", 1.0)
        elif own == "pop" and len(node.args) == 1:
            yield site.swap(node, f"{base}.pop()", 0.8)
            yield site.swap(node, f"{base}.pop({args}, None)", 0.4)
            yield site.swap(node, f"{base}.pop(-1)", 0.2)
        elif own == "append":
            yield site.swap(node, f"{base}.insert(0, {args})", 0.5)
        elif own == "extend" and len(node.args) == 1:
            yield site.swap(node, f"{base}.append({args})", 1.0)
        elif own == "insert" and len(node.args) == 2:
            yield site.swap(node, f"{base}.append({site.text(node.args[1])})", 0.8)
        elif own == "get" and len(node.args) == 1:
            for default, weight in (("0", 0.8), ("[]", 0.6), ("''", 0.4), ("{}", 0.3), ("1", 0.15), ("False", 0.2)):
                yield site.swap(node, f"{base}.get({args}, {default})", weight)
            yield site.swap(node, f"{base}[{args}]", 0.2)
        elif own == "get" and len(node.args) == 2:
            for default, weight in (("0", 0.5), ("1", 0.3), ("None", 0.3), ("[]", 0.3), ("''", 0.3)):
                yield site.swap(node.args[1], default, weight)
        elif own == "split" and not node.args:
            for sep, weight in (("' '", 0.5), ("','", 0.5), ("'\\n'", 0.3)):
                yield site.swap(node, f"{base}.split({sep})", weight)
        elif own == "split" and len(node.args) == 1:
            yield site.swap(node, f"{base}.split()", 0.7)
            yield site.swap(node, f"{base}.split({args}, 1)", 0.4)
        elif own in ("strip", "lstrip", "rstrip", "sort", "index", "find") and node.args:
            yield site.swap(
                node, f"{base}.{own}()" if own != "find" else f"{base}.find({site.text(node.args[0])})", 0.3
            )
        elif own == "replace" and len(node.args) == 3:
            yield site.swap(node, f"{base}.replace({', '.join(map(site.text, node.args[:2]))})", 0.8)


def _inside(site: Site, node: ast.Call) -> str:
    """The text between a call's parentheses."""
    whole, func = site.text(node), site.text(node.func)
    rest = whole[len(func) :].strip()
    return rest[1:-1].strip()


def arguments(site: Site) -> Iterator[Edit]:
    """Arguments in the wrong order, too many, too few, doubled."""
    for node in site.unit.nodes:
        if not isinstance(node, ast.Call) or any(isinstance(a, ast.Starred) for a in node.args):
            continue
        texts = [site.text(a) for a in node.args]
        keywords = [site.source.segment(k) for k in node.keywords]
        func = site.text(node.func)
        kinds = [site.kind(a) for a in node.args]

        def call(args: list[str], func: str = func, keywords: list[str] = keywords) -> str:
            return f"{func}({', '.join([*args, *keywords])})"

        same_order = func in ("min", "max", "print", "zip")
        for i in range(len(texts)):
            for j in range(i + 1, len(texts)):
                if texts[i] != texts[j] and not (same_order and func != "zip" and func != "print"):
                    swapped = list(texts)
                    swapped[i], swapped[j] = texts[j], texts[i]
                    weight = (1.0 if j == i + 1 else 0.5) * max(0.3, compatible(kinds[i], kinds[j]))
                    yield site.swap(node, call(swapped), weight, f"swap the arguments {texts[i]} and {texts[j]}")
        callee = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        least, most = site.scope.callables.get(callee) or site.ingredients.signatures.get(callee, (0, None))
        known = callee in site.scope.callables or callee in site.ingredients.signatures
        if len(texts) > (least if known else 1) or (len(texts) >= 2 and not known):
            for i in range(len(texts)):
                weight = 0.6 if known or func == "range" else 0.3
                yield site.swap(node, call([*texts[:i], *texts[i + 1 :]]), weight, f"drop the argument {texts[i]}")
        for i in range(len(keywords)):
            kept = [*keywords[:i], *keywords[i + 1 :]]
            yield site.swap(node, call(texts, keywords=kept), 0.6, f"drop {keywords[i]}")
        missing = known and (most is None or len(texts) + len(keywords) < most)
        if missing and most is not None:
            urgent = 1.0 if len(texts) + len(keywords) < least else 0.5
            for name in site.names(node):
                if name in ("self", "cls"):
                    continue
                expected = site.ingredients.parameters.get(callee, ())
                fits = len(texts) < len(expected) and expected[len(texts)] == name
                yield site.swap(
                    node, call([*texts, name]), urgent * (1.0 if fits else 0.25), f"add the argument {name}"
                )
                for whole in _all_calls(site, node, name):
                    yield site.rewrite(whole, urgent * (1.0 if fits else 0.3), f"pass {name} in all calls of {callee}")
                for i in range(len(texts)) if urgent == 1.0 else ():
                    yield site.swap(node, call([*texts[:i], name, *texts[i:]]), 0.2, f"add the argument {name}")
            for extra in ("0", "1", "True", "False", "[]", "None"):
                yield site.swap(node, call([*texts, extra]), urgent * 0.15)
            own = site.scope.function
            if own is not None and callee == own.name and not missing:
                continue
        yield from _known_options(site, node, func, texts, keywords)


def _all_calls(site: Site, first: ast.Call, name: str) -> Iterator[str]:
    """The statement with `name` added to all calls of the same function, where `first` is the first of several."""
    if not isinstance(first.func, ast.Name):
        return
    alike = [
        node
        for node in site.unit.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == first.func.id
    ]
    ends = sorted(site.source.span(node)[1] for node in alike)
    if len(alike) < 2 or alike[0] is not first or not all(len(n.args) == len(first.args) > 0 for n in alike):
        return
    parts, at = [], site.unit.start
    for end in ends:
        parts += [site.source.text[at : end - 1], f", {name})"]
        at = end
    yield "".join([*parts, site.source.text[at : site.unit.end]])


def _known_options(site: Site, node: ast.Call, func: str, texts: list[str], keywords: list[str]) -> Iterator[Edit]:
    """Options of well-known functions that are easily forgotten."""
    inside = ", ".join([*texts, *keywords])
    last = func.rsplit(".", 1)[-1]
    if last in ("sorted", "sort"):
        given = f"{inside}, " if inside else ""
        if not any(k.startswith("reverse") for k in keywords):
            yield site.swap(node, f"{func}({given}reverse=True)", 0.9)
        if not any(k.startswith("key") for k in keywords):
            for key, weight in (("len", 0.5), ("lambda x: x[1]", 0.5), ("lambda x: x[0]", 0.3), ("str", 0.15),
                                ("abs", 0.2), ("int", 0.15), ("str.lower", 0.2), ("sum", 0.1),
                                ("lambda x: -x", 0.1)):  # fmt: skip
                yield site.swap(node, f"{func}({given}key={key})", weight * 0.6)
    elif func == "range":
        if len(texts) == 1:
            for text, weight in ((f"1, {texts[0]}", 0.8), (f"1, {texts[0]} + 1", 0.7), (f"2, {texts[0]}", 0.3),
                                 (f"2, {texts[0]} + 1", 0.3), (f"{texts[0]} - 1, -1, -1", 0.6),
                                 (f"{texts[0]}, 0, -1", 0.3), (f"0, {texts[0]}, 2", 0.25)):  # fmt: skip
                yield site.swap(node, f"range({text})", weight)
            for name in site.names(node):
                if site.scope.kind(name) is Kind.NUM and name != texts[0]:
                    yield site.swap(node, f"range({name}, {texts[0]})", 0.4)
                    yield site.swap(node, f"range({name} + 1, {texts[0]})", 0.4)
                    yield site.swap(node, f"range(0, {texts[0]}, {name})", 0.2)
        elif len(texts) == 2:
            for step, weight in (("-1", 0.6), ("2", 0.4)):
                yield site.swap(node, f"range({inside}, {step})", weight)
            yield site.swap(node, f"range({texts[1]}, {texts[0]}, -1)", 0.25)
            for name in site.names(node):
                if site.scope.kind(name) is Kind.NUM and name not in texts:
                    yield site.swap(node, f"range({inside}, {name})", 0.35)
    elif func in ("max", "min") and len(texts) == 1 and not keywords:
        if site.kind(node.args[0]) in (Kind.DICT, Kind.ITER, Kind.ANY):
            yield site.swap(node, f"{func}({inside}, key={texts[0]}.get)", 0.6)
            yield site.swap(node, f"{func}({inside}, key=lambda x: x[1])", 0.5)
            yield site.swap(node, f"{func}({texts[0]}.values())", 0.3)
        for key, weight in (("key=len", 0.5), ("default=0", 0.6), ("key=abs", 0.15), ("default=None", 0.3)):
            yield site.swap(node, f"{func}({inside}, {key})", weight)
    elif func == "round" and len(texts) == 1:
        for digits in ("2", "1", "3"):
            yield site.swap(node, f"round({inside}, {digits})", 0.3)
    elif func == "enumerate" and len(texts) == 1:
        yield site.swap(node, f"enumerate({inside}, 1)", 0.6)
    elif func == "sum" and len(texts) == 1:
        yield site.swap(node, f"sum({inside}, [])", 0.15)
    elif func == "int" and len(texts) == 1:
        yield site.swap(node, f"int({inside}, 2)", 0.2)
    elif last == "get" and not texts:
        return


def unwrap(site: Site) -> Iterator[Edit]:
    """A call too many: `f(x)` for `x`."""
    for node in site.loads():
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and not isinstance(site.parent(node)[0], ast.Expr):
                weight = 0.5 if not node.args else 0.25
                yield site.swap(node, site.text(node.func.value), weight, f"drop .{node.func.attr}()")
            for arg in node.args:
                if not isinstance(arg, ast.Starred | ast.GeneratorExp):
                    share = 1.0 if len(node.args) == 1 else 0.5
                    yield site.swap(node, site.text(arg), share, f"drop the call of {site.text(node.func)}")


_WRAPS: dict[Kind, tuple[tuple[str, float], ...]] = {
    Kind.NUM: (("abs", 1.0), ("int", 0.7), ("str", 0.5), ("round", 0.3), ("float", 0.3), ("len", 0.1)),
    Kind.STR: (("int", 0.7), ("len", 0.5), ("list", 0.4), ("float", 0.2), ("set", 0.2), ("sorted", 0.2), ("ord", 0.3)),
    Kind.LIST: (("sorted", 0.8), ("len", 0.6), ("list", 0.6), ("set", 0.5), ("sum", 0.5), ("tuple", 0.5),
                ("reversed", 0.3), ("max", 0.3), ("min", 0.3)),
    Kind.ITER: (("list", 0.7), ("sorted", 0.7), ("len", 0.6), ("set", 0.5), ("sum", 0.4), ("tuple", 0.4), ("max", 0.3),
                ("min", 0.3), ("reversed", 0.3), ("enumerate", 0.3)),
    Kind.SET: (("len", 0.7), ("sorted", 0.6), ("list", 0.7), ("set", 0.3)),
    Kind.DICT: (("len", 0.5), ("sorted", 0.3), ("dict", 0.5), ("list", 0.2)),
    Kind.TUPLE: (("list", 0.6), ("sorted", 0.6), ("set", 0.4), ("sum", 0.3)),
    Kind.ANY: (("int", 0.3), ("str", 0.4), ("abs", 0.4), ("list", 0.3), ("len", 0.4), ("sorted", 0.2), ("set", 0.2)),
}  # fmt: skip
_METHOD_WRAPS: dict[Kind, tuple[tuple[str, float], ...]] = {
    Kind.STR: (("lower", 0.6), ("strip", 0.5), ("upper", 0.3), ("split", 0.4), ("isalpha", 0.1)),
    Kind.LIST: (("copy", 0.5),),
    Kind.DICT: (("items", 0.7), ("values", 0.6), ("keys", 0.3), ("copy", 0.3)),
    Kind.SET: (("copy", 0.2),),
    Kind.ANY: (("copy", 0.1), ("lower", 0.2), ("strip", 0.15), ("items", 0.2), ("values", 0.2)),
}


def wrap(site: Site) -> Iterator[Edit]:
    """A call too few: `x` for `abs(x)`, `sorted(x)`, `x.lower()`, `len(x)` …"""
    for node in site.loads():
        parent, field = site.parent(node)
        if isinstance(node, ast.Constant | ast.Compare | ast.BoolOp | ast.Lambda | ast.List | ast.Dict):
            continue
        if isinstance(parent, ast.Attribute | ast.Expr | ast.Starred) or (
            isinstance(parent, ast.Subscript) and field == "value"
        ):
            continue
        kind = site.kind(node)
        outer = site.text(parent.func) if isinstance(parent, ast.Call) else ""
        depth = 1.0 if isinstance(parent, ast.Return | ast.Assign | ast.For | ast.Call | ast.comprehension) else 0.6
        text = site.text(node)
        bare = text[1:-1] if isinstance(node, ast.GeneratorExp) and text.startswith("(") else text
        for name, weight in _WRAPS.get(kind, ()):
            if name != outer and not text.startswith(f"{name}("):
                yield site.swap(node, f"{name}({bare})", weight * depth)
        for name, weight in _METHOD_WRAPS.get(kind, ()):
            yield site.swap(node, f"{site.at(node, 15)}.{name}()", weight * (0.9 if kind is Kind.STR else depth * 0.7))
        for name, (least, most) in site.scope.callables.items():
            if least <= 1 and (most is None or most >= 1) and name != outer:
                yield site.swap(node, f"{name}({bare})", 0.2 * depth)
        if site.scope.is_async and isinstance(node, ast.Call) and not isinstance(parent, ast.Await):
            yield site.swap(node, f"await {text}", 1.0)


def clamp(site: Site) -> Iterator[Edit]:
    """A bound left out: `max(0, e)`, `max(old, e)`, `min(e, limit)`."""
    for node in site.loads():
        parent, _ = site.parent(node)
        kind = site.kind(node)
        if kind not in (Kind.NUM, Kind.ANY) or isinstance(node, ast.Constant):
            continue
        if isinstance(parent, ast.Return | ast.Slice):
            share = 0.6 if isinstance(parent, ast.Return) else 0.35
        elif isinstance(parent, ast.Assign | ast.AugAssign):
            share = 1.0
        elif isinstance(parent, ast.Call) and site.text(parent.func) not in ("max", "min", "len", "range"):
            share = 0.25
        else:
            continue
        share *= 1.0 if kind is Kind.NUM else 0.4
        text = site.text(node)
        if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name | ast.Subscript | ast.Attribute):
            old = site.text(parent.targets[0])
            if old != text:
                yield site.swap(node, f"max({old}, {text})", share)
                yield site.swap(node, f"min({old}, {text})", share)
        for bound, weight in (("0", 0.8), ("1", 0.3)):
            yield site.swap(node, f"max({bound}, {text})", share * weight)
            yield site.swap(node, f"min({bound}, {text})", share * weight * 0.3)
        for name in site.names(node):
            if site.scope.kind(name) is Kind.NUM and name != text:
                yield site.swap(node, f"min({text}, {name})", share * 0.25)
                yield site.swap(node, f"max({text}, {name})", share * 0.25)
            elif site.scope.kind(name) in SIZED and isinstance(parent, ast.Slice | ast.Assign):
                yield site.swap(node, f"min({text}, len({name}))", share * 0.15)
        if isinstance(node, ast.Call) and site.text(node.func) in ("min", "max"):
            for name in site.names(node):
                if site.scope.kind(name) is Kind.NUM:
                    yield site.swap(node, f"{text[:-1]}, {name})", 0.3)


OPERATORS = (
    Operator(name="function", prior=0.055, operate=function),
    Operator(name="method", prior=0.05, operate=method),
    Operator(name="arguments", prior=0.055, operate=arguments),
    Operator(name="unwrap-call", prior=0.03, operate=unwrap),
    Operator(name="wrap-call", prior=0.025, operate=wrap),
    Operator(name="clamp", prior=0.03, operate=clamp),
)
