"""What one failure text says: what was asked, what came, what should have come, and where they first differ. Pure."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from moa_code.evidence.failing import ERROR_LINE, failing_line

MOST_CHARS = 300  # of one value
MOST_PARSED_CHARS = 4_000

_PLACE = re.compile(r"^(\S.*?):(\d+): in (.+)$", re.MULTILINE)
_WHERE = re.compile(r"^E +\+ +where (.+)$", re.MULTILINE)
_ASSERT = re.compile(r"^(?:AssertionError: )?assert (.+)$")
_EXCEPTION = re.compile(r"^(?!AssertionError\b|Failed\b)(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:: .*)?$")
_DID_NOT_RAISE = re.compile(r"^(?:Failed: )?DID NOT RAISE (?:<class ')?([\w.]+)")
_ORACLE = re.compile(
    r"^(?:E +)?(?:AssertionError: )?(?P<call>\S[^\n]*?): (?:at (?P<at>[^\n]*?): )?"
    r"expected (?P<want>[^\n]*), got (?P<got>[^\n]*)$",
    re.MULTILINE,
)
_DIFF_AT = re.compile(r"^E +(At index .+ diff: .+)$", re.MULTILINE)
_MINUS = re.compile(r"^E +- (.*)$", re.MULTILINE)
_PLUS = re.compile(r"^E +\+ (?! *where |  where )(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What one failure text says. Each part is empty where it does not say it.

    `call` is what was asked, `place` the innermost frame (`path:line in name`), `differs` the first differing line or
    item, `line` the first line of the error itself.
    """

    call: str = ""
    expected: str = ""
    got: str = ""
    differs: str = ""
    place: str = ""
    line: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether it says what came and what should have come."""
        return bool(self.expected and self.got) and self.expected != self.got

    @property
    def sentence(self) -> str:
        """All of it on one line; empty where the text says too little and has to be read itself."""
        if self.is_complete:
            what = f"{self.call} gives {self.got}" if self.call else f"got {self.got}"
            differs = f"; first difference: {self.differs}" if self.differs else ""
            return f"{what}, expected {self.expected}{differs}"
        if self.got and not self.expected:  # it raised something
            place = f", at {self.place}" if self.place else ""
            return f"{f'{self.call} ' if self.call else ''}{self.got}{place}"
        return ""


def read_failure(detail: str) -> Failure:
    """What `detail` says, as pytest and the oracle write it. Any text will do; nothing is guessed."""
    text = detail[-MOST_PARSED_CHARS:] if len(detail) > MOST_PARSED_CHARS else detail
    place = _place(text)
    line = failing_line(text)
    oracle = _ORACLE.search(text)
    if oracle:
        at = oracle["at"]
        return Failure(
            call=_cut(oracle["call"]),
            expected=_cut(f"{oracle['want']} at {at}" if at else oracle["want"]),
            got=_cut(oracle["got"]),
            place=place,
            line=_cut(line),
        )
    statement = _statement(text)
    errors = [match[1] for match in ERROR_LINE.finditer(text)]
    missing = next((m for e in errors if (m := _DID_NOT_RAISE.match(e))), None)
    if missing:
        return Failure(call=_cut(statement), expected=missing[1], got="no exception", place=place, line=_cut(line))
    asserted = next((m[1] for e in errors if (m := _ASSERT.match(e))), "")
    raised = next((e for e in errors[:1] if _EXCEPTION.match(e)), "")
    if raised and not asserted:
        return Failure(
            call=_cut(_statement(text, innermost=False)), got=_cut(f"raised {raised}"), place=place, line=_cut(line)
        )
    call, expected, got = _sides(asserted, statement, [m[1] for m in _WHERE.finditer(text)])
    return Failure(
        call=_cut(call),
        expected=_cut(expected),
        got=_cut(got),
        differs=_cut(_differs(text, got_first=asserted.startswith(got) if got else None)),
        place=place,
        line=_cut(line),
    )


def _place(text: str) -> str:
    """The innermost frame, rather one of the project than one of a library."""
    places = _PLACE.findall(text)
    own = [frame for frame in places if not frame[0].startswith("/")] or places
    return f"{own[-1][0]}:{own[-1][1]} in {own[-1][2]}" if own else ""


def _statement(text: str, *, innermost: bool = True) -> str:
    """The statement of the innermost frame, as the traceback shows it; or of the outermost, which is the check's."""
    lines = text.splitlines()
    frames = [number for number, line in enumerate(lines[:-1]) if _PLACE.match(line)]
    if not frames:
        return ""
    line = lines[frames[-1 if innermost else 0] + 1].strip()
    return "" if line.startswith("E ") else line


def _sides(asserted: str, statement: str, where: list[str]) -> tuple[str, str, str]:
    """The call, the expected value and the value that came of `assert one == other`; empty parts where it is unclear.

    What came is what a call made, as pytest's `where value = call` says or the statement shows, or what stands against
    a value that is written out.
    """
    claim = statement.partition("assert ")[2].strip()
    source = _comparison(claim)
    named = next((w.partition(" = ")[2] for w in where if " = " in w and w.endswith(")") and " at 0x" not in w), "")
    values = _comparison(asserted) or _split(asserted)
    if values is None:
        wanted, value = _wanted(claim)
        return named or value, wanted, asserted.removeprefix("not ") if wanted else ""
    made = [any(w.startswith(f"{value} = ") and w.endswith(")") for w in where) for value in values]
    for judge in (_has_call, lambda side: not _is_literal(side)):
        if made[0] is made[1] and source is not None:
            made = [judge(side) for side in source]
    if made[0] is made[1]:
        return named or claim, "", ""
    call = named or (source[0 if made[0] else 1] if source else claim)
    return (call, values[1], values[0]) if made[0] else (call, *values)


def _wanted(claim: str) -> tuple[str, str]:
    """What a claim without a comparison asks for, and of what; nothing of the claim as a whole where it is more."""
    try:
        node = ast.parse(claim, mode="eval").body if claim else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "", claim
    if isinstance(node, ast.Tuple) and node.elts:  # `assert f(), "message"`
        node = node.elts[0]
    negated = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    value = node.operand if isinstance(node, ast.UnaryOp) and negated else node
    if isinstance(value, ast.Call | ast.Attribute | ast.Name | ast.Subscript):
        return f"a {'false' if negated else 'true'} value", ast.get_source_segment(claim, value) or claim
    return "", claim


def _is_literal(source: str) -> bool:
    try:
        ast.literal_eval(source)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return False
    return True


def _comparison(text: str) -> tuple[str, str] | None:
    """Both sides of `one == other`, where Python can read it."""
    if not 0 < len(text) <= MOST_PARSED_CHARS:
        return None
    try:
        node = ast.parse(text, mode="eval").body
        if isinstance(node, ast.Tuple) and node.elts:  # `assert a == b, "message"`
            node = node.elts[0]
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
            sides = [ast.get_source_segment(text, side) for side in (node.left, node.comparators[0])]
            return (sides[0], sides[1]) if sides[0] and sides[1] else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None


def _split(text: str) -> tuple[str, str] | None:
    """Both sides of a comparison of values that are no Python, where one place alone can be the sign."""
    left, sign, right = text.partition(" == ")
    return (left, right) if sign and " == " not in right and left and right else None


def _has_call(source: str) -> bool:
    try:
        nodes = ast.walk(ast.parse(source, mode="eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.Call) and _made(node) for node in nodes)


def _made(node: ast.Call) -> bool:
    """Whether it may be code under test, and no way to write a value down."""
    plain = {"set", "list", "tuple", "dict", "frozenset", "sorted", "range", "float", "int", "str", "bytes", "approx"}
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    return name not in plain


def _differs(text: str, *, got_first: bool | None) -> str:
    """The first line or item in which two values differ, as pytest shows it."""
    at = _DIFF_AT.search(text)
    if at:
        return at[1]
    minus, plus = _MINUS.search(text), _PLUS.search(text)
    if not (minus and plus):
        return ""
    left, right = repr(plus[1].rstrip()), repr(minus[1].rstrip())  # pytest marks the right side with a minus
    if got_first is None:
        return f"line {left} against line {right}"
    return f"line {left if got_first else right} where {right if got_first else left} is expected"


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= MOST_CHARS else f"{flat[: MOST_CHARS - 2]} …"
