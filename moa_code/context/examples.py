"""Examples in a specification: which calls its text shows, and what it says that they bring. Read strictly.

An example becomes a hard check, so a misreading condemns every right candidate: what is not a call with literal
arguments and a literal after it, up to the end of its sentence, is left out and named.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from moa_code.context.literals import bracket_end, literal_at, value_of, well_ended

MOST_TEXT_CHARS = 100_000
MOST_EXAMPLES = 64
_SAFE_CALLS = frozenset({
    "abs", "all", "any", "bool", "bytes", "dict", "float", "frozenset", "int", "len", "list", "max", "min", "repr",
    "reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip",
})  # fmt: skip
_PROMPT = re.compile(r"(\s*)>>>(?: |$)?(.*)")
_MORE = re.compile(r"\s*\.\.\.(?: |$)(.*)")
_TRACEBACK = "Traceback (most recent call last):"
_RAISED = re.compile(r"([A-Za-z_]\w*)(?::.*)?")
_EQUALS = re.compile(
    r"`?[ \t]*(?:#[ \t]*)?(?P<sign>==>|-->|=>|->|➞|→|⇒|==|=(?!=)"
    r"|(?:(?:should|must|will|would)[ \t]+)?(?:returns?|gives?|equals?|evaluates to)\b"
    r"|(?:should|must|will|would)[ \t]+be\b|is(?:[ \t]+equal[ \t]+to)?\b)[ \t]*:?[ \t]*`?"
)
_RAISES = re.compile(r"`?[ \t]*(?:#[ \t]*)?(?:(?:should|must|will)[ \t]+)?raises?[ \t]+(?:an?[ \t]+)?`?([A-Z]\w*)`?")
_INPUT = re.compile(r"(?<![\w`])(?:input[ \t]*:|for|given|if|when|with)[ \t]+", re.IGNORECASE)
_AND = re.compile(r"[ \t]*(?:,|and\b)(?=[ \t]*\w+[ \t]*=)")
_NAMED = re.compile(r"[ \t]*`?(\w+)[ \t]*=[ \t]*")
_OUTPUT = re.compile(
    r"`?[ \t]*,?[ \t]*\n?[ \t]*(?:output[ \t]*:|(?:the |then the )?(?:output|result|answer|return value)[ \t]+"
    r"(?:should be|is|will be|must be|would be)[ \t]*:?)[ \t]*`?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One call and what the text says of it: its value `expected`, or the exception it `raises`; exactly one of them.

    `setup`, `call` and `expected` are Python source. `quote` is the text it was taken from; `loose`, that a single `=`
    joined the two, which mathematics uses too. `tolerance` is set where `expected` holds a float.
    """

    call: str
    quote: str
    expected: str = ""
    raises: str = ""
    setup: tuple[str, ...] = ()
    loose: bool = False
    tolerance: float | None = None

    @property
    def claim(self) -> str:
        return f"raises {self.raises}" if self.raises else self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """What a text shows: `examples` in its order, each call once; what in it contradicts itself; what looked like an
    example and could not be read.
    """

    examples: tuple[Example, ...] = ()
    contradictions: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    examples: list[Example] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def examples_in(
    text: str, function: str, parameters: Sequence[str] = (), also: frozenset[str] = frozenset()
) -> Examples:
    """The examples that `text` shows of `function` (as it is called there), whose required parameters are these.

    `also` are names of its module that a doctest may call too. Without a `function`, doctests alone are read.
    """
    found = _Found()
    text = text[:MOST_TEXT_CHARS].expandtabs()
    prose = _doctests(text, frozenset({function, *also}) - {""}, found)
    if function:
        _calls(prose, function, found)
        _named(prose, function, parameters, found)
    return _settled(found)


def _doctests(text: str, names: frozenset[str], found: _Found) -> str:
    """Read what stands behind `>>>`; the text without it comes back, its lines in place."""
    lines = text.splitlines()
    session: list[str] = []
    at = 0
    while at < len(lines):
        prompt = _PROMPT.fullmatch(lines[at])
        if prompt is None:
            at += 1
            continue
        start, indent, source = at, len(prompt[1]), [prompt[2]]
        at += 1
        while at < len(lines) and (more := _MORE.fullmatch(lines[at])):
            source.append(more[1])
            at += 1
        output = []
        while at < len(lines) and _is_output(lines[at], indent):
            output.append(lines[at][min(indent, len(lines[at]) - len(lines[at].lstrip())) :].rstrip())
            at += 1
        quote = "\n".join(line.strip() for line in lines[start:at])
        _one_doctest("\n".join(source).strip(), output, quote, names, session, found)
        lines[start:at] = [""] * (at - start)
    return "\n".join(lines)


def _is_output(line: str, indent: int) -> bool:
    bare = line.strip()
    return bool(bare) and not bare.startswith((">>>", '"""', "'''")) and len(line) - len(line.lstrip()) >= indent


def _one_doctest(
    source: str, output: list[str], quote: str, names: frozenset[str], session: list[str], found: _Found
) -> None:
    parsed = _parsed(source)
    if parsed is None or len(parsed.body) != 1:
        if source:
            found.unread.append(quote)
        return
    statement = parsed.body[0]
    made = {name for line in session for name in _assigned(line)}
    if not _harmless(statement, names | made):
        found.unread.append(quote)
        return
    plain = ast.unparse(statement)
    setup = tuple(session) if _words(statement) & made else ()
    session.append(plain)
    if not isinstance(statement, ast.Expr) or not _words(statement) & (names | made):
        return
    call, printed = statement.value, "\n".join(output)
    match call:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]) if (
            printed in ("", "True") and _words(left) and (claimed := value_of(ast.unparse(right))) is not None
        ):  # `>>> f(1) == 2` alone prints something for certain; it is meant as a claim
            call, output, printed = left, [claimed.source], claimed.source
    if not output:
        return
    if output[0] == _TRACEBACK:
        raised = _RAISED.fullmatch(output[-1].strip())
        if raised and _is_exception(raised[1]):
            found.examples.append(Example(call=ast.unparse(call), raises=raised[1], setup=setup, quote=quote))
        else:
            found.unread.append(quote)
        return
    match call:
        case ast.Call(func=ast.Name(id="print"), args=[shown], keywords=[]):
            expected = repr(printed)
            example = Example(call=f"str({ast.unparse(shown)})", expected=expected, setup=setup, quote=quote)
            found.examples.append(example)
            return
    value = value_of(printed)
    if value is None:
        found.unread.append(quote)
        return
    found.examples.append(
        Example(call=ast.unparse(call), expected=value.source, setup=setup, quote=quote, tolerance=value.tolerance)
    )


def _calls(text: str, function: str, found: _Found) -> None:
    """Calls in running text with a sign or a word for their value behind them."""
    for start in re.finditer(rf"(?<![\w.]){re.escape(function)}[ \t]?(?=\()", text):
        arguments = bracket_end(text, start.end())
        if arguments is None:
            continue
        line = text[start.start() : arguments] + text[arguments:].partition("\n")[0].rstrip()
        equals, raises = _EQUALS.match(text, arguments), _RAISES.match(text, arguments)
        if equals is None and raises is None:
            continue
        call = _literal_call(text[start.start() : arguments])
        if call is None:
            found.unread.append(line)
        elif raises is not None:
            if _is_exception(raises[1]):
                found.examples.append(Example(call=call, raises=raises[1], quote=line))
            else:
                found.unread.append(line)
        elif equals is not None:
            _valued(text, equals.end(), call, line, found, loose=equals["sign"] == "=")


def _named(text: str, function: str, parameters: Sequence[str], found: _Found) -> None:
    """`Input: grid = [[1]], k = 3` and `Output: [1]`; `For n = 5 the output should be 1`. Every parameter, by name;
    a function of one parameter may go without.
    """
    for start in _INPUT.finditer(text):
        given, at = _arguments(text, start.end(), parameters)
        if not given or set(given) != set(parameters):
            continue
        output = _OUTPUT.match(text, at)
        if output is None:
            continue
        end = text.find("\n", output.end())
        quote = text[start.start() : end if end >= 0 else len(text)].strip()
        call = f"{function}({', '.join(given[name] for name in parameters)})"
        _valued(text, output.end(), call, quote, found, loose=False)


def _arguments(text: str, at: int, parameters: Sequence[str]) -> tuple[Mapping[str, str], int]:
    """Literals given by name from `at` on, and where they end."""
    given: dict[str, str] = {}
    if len(parameters) == 1 and (alone := literal_at(text, at)) is not None:
        return {parameters[0]: alone.source}, alone.end
    while (name := _NAMED.match(text, at)) is not None and name[1] in parameters and name[1] not in given:
        value = literal_at(text, name.end())
        if value is None:
            return {}, at
        given[name[1]] = value.source
        at = value.end
        after = _AND.match(text, at)
        if after is None:
            break
        at = after.end()
    return given, at


def _valued(text: str, at: int, call: str, quote: str, found: _Found, *, loose: bool) -> None:
    value = literal_at(text, at)
    if value is None or not well_ended(text, value.end):
        found.unread.append(quote)
        return
    found.examples.append(
        Example(call=call, expected=value.source, quote=quote, loose=loose, tolerance=value.tolerance)
    )


def _literal_call(source: str) -> str | None:
    """The call, written out anew, when every argument is a literal."""
    parsed = _parsed(re.sub(r"\s*\n\s*", " ", source))
    match parsed:
        case ast.Module(body=[ast.Expr(value=ast.Call(args=args, keywords=keywords) as call)]):
            for node in (*args, *(keyword.value for keyword in keywords)):
                try:
                    ast.literal_eval(node)
                except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                    return None
            return None if any(keyword.arg is None for keyword in keywords) else ast.unparse(call)
    return None


def _settled(found: _Found) -> Examples:
    """Each call once; calls of which two things are said are taken out and named."""
    claims: dict[tuple[tuple[str, ...], str], list[Example]] = {}
    for example in found.examples:
        claims.setdefault((example.setup, example.call), []).append(example)
    contradictions = []
    kept = []
    for (_, call), said in claims.items():
        different = list(dict.fromkeys(example.claim for example in said))
        if len(different) > 1:
            contradictions.append(f"the examples say of {call} both {' and '.join(different[:3])}")
        else:
            kept.append(said[0])
    loose = [example for example in kept if example.loose]
    if loose and len(kinds := {_kind(example) for example in kept} - {""}) > 1:
        contradictions.append(f"the examples give {' and '.join(sorted(kinds))}; those with a single = are not counted")
        kept = [example for example in kept if not example.loose]
    unread = tuple(dict.fromkeys(found.unread))
    return Examples(examples=tuple(kept[:MOST_EXAMPLES]), contradictions=tuple(contradictions), unread=unread)


def _kind(example: Example) -> str:
    """What sort of value an example shows; empty where it says nothing, as None does not."""
    if example.raises or example.expected == "None":
        return ""
    return "one value" if isinstance(ast.literal_eval(example.expected), int | float | complex | str) else "several"


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _harmless(statement: ast.stmt, names: frozenset[str] | set[str]) -> bool:
    """Whether a doctest's line only assigns, and only calls what it may."""
    if not isinstance(statement, ast.Expr | ast.Assign | ast.AugAssign):
        return False
    for node in ast.walk(statement):
        match node:
            case ast.Call(func=ast.Name(id=name)):
                if name not in names and name not in _SAFE_CALLS and name != "print":
                    return False
            case ast.Call(func=ast.Attribute(attr=attr)):
                if attr.startswith("_"):
                    return False
            case ast.Call() | ast.Lambda() | ast.Await() | ast.Yield() | ast.YieldFrom() | ast.NamedExpr():
                return False
            case ast.Name(id=name) if name.startswith("__"):
                return False
            case ast.Attribute(attr=attr) if attr.startswith("_"):
                return False
    return True


def _words(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _assigned(line: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(line)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _is_exception(name: str) -> bool:
    known = getattr(builtins, name, None)
    return isinstance(known, type) and issubclass(known, Exception)
