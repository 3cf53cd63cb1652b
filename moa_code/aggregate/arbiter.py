"""A strong model as the arbiter: candidates pass and disagree, and it is asked about the differing outputs alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from moa_code.aggregate.agreement import answer_text, short, telling
from moa_code.core.behaviour import Behaviour, Ruling
from moa_code.core.brief import Brief
from moa_code.core.calls import Asker, Letter
from moa_code.core.candidate import CandidateId
from moa_code.core.errors import ModelError
from moa_code.core.model import Role
from moa_code.core.task import Task
from moa_code.edits.policy import may_edit
from moa_code.edits.source import NotPython, definitions, parse_source
from moa_code.evidence.clusters import Cluster, clusters
from moa_code.prompts.compose import fenced, hashes, message
from moa_code.prompts.render import render
from moa_code.prompts.tokens import clip, estimate_tokens

MOST_INPUTS = 5
MOST_CHOICES = 8
LETTERS = "ABCDEFGH"
ANSWER_TOKENS = 600  # a letter and a sentence, and some room to think aloud
SIGNATURE_TOKENS = 500
MOST_REASON_CHARS = 300

_FRAME_TOKENS = 200
_CHOICE = re.compile(
    r"[\s>#*_`\"'(\[]*(?:(?i:answer|choice|ruling)\s*[*_`]*\s*[:=][\s*_`\"'(\[]*)?(?P<letter>[A-Z]|(?i:NONE))"
    r"[*_`\"')\]]*\s*(?:[:.,–—-]\s*[*_`]*\s*(?P<reason>\S.*)?)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Candidates that answer alike, under one letter; `best` is the one named first."""

    letter: str
    best: CandidateId
    cluster: Cluster


class LlmArbiter:
    """The `Arbiter` that asks one model once. It shows inputs and outputs in a seeded shuffle, and no code."""

    def __init__(self, asker: Asker, *, max_prompt_tokens: int = 24_000) -> None:
        self._asker = asker
        self._max_prompt_tokens = max_prompt_tokens

    @property
    def name(self) -> str:
        return self._asker.name

    async def rule(self, brief: Brief, behaviour: Behaviour, choices: tuple[CandidateId, ...]) -> Ruling:
        """The chosen candidate, the first named of those that behave like it; None with the reason why not."""
        lettered = lettered_choices(behaviour, choices, seed=brief.seed)
        if len(lettered) < 2:
            return self._none("nothing to decide: the candidates answer alike wherever they were compared")
        letter = self.letter(brief, behaviour, lettered)
        capped = replace(brief, max_answer_tokens=min(brief.max_answer_tokens, ANSWER_TOKENS))
        try:
            completion = await self._asker.ask(letter, capped)
        except ModelError as error:
            return self._none(f"no answer: {error.message}")
        chosen, reason = read_ruling(completion.text, tuple(choice.letter for choice in lettered))
        winner = next((c.best for c in lettered if c.letter == chosen), None)
        return Ruling(author=self.name, chosen=winner, reason=reason)

    def letter(self, brief: Brief, behaviour: Behaviour, lettered: Sequence[Choice]) -> Letter:
        """What would be sent. Sends nothing."""
        budget = min(self._max_prompt_tokens, brief.max_prompt_tokens)
        system = render("arbiter_system")
        signature = clip(signature_of(brief.task, behaviour.calls), SIGNATURE_TOKENS)
        cases = _cases(behaviour, lettered)
        letters = ", ".join(choice.letter for choice in lettered)
        values = {"signature": fenced(signature, "python") if signature else "", "cases": cases, "letters": letters}
        room = budget - _FRAME_TOKENS - estimate_tokens(system + render("arbiter_user", instruction="", **values))
        instruction = clip(brief.task.instruction.strip(), max(0, room))
        user = render("arbiter_user", instruction=instruction, **values)
        return Letter(
            role="arbiter",
            edit_format="",
            messages=(message(Role.SYSTEM, system), message(Role.USER, user)),
            templates=hashes("arbiter_system", "arbiter_user"),
            parents=tuple(choice.best for choice in lettered),
        )

    def _none(self, reason: str) -> Ruling:
        return Ruling(author=self.name, chosen=None, reason=reason)


def lettered_choices(behaviour: Behaviour, choices: Sequence[CandidateId], *, seed: int) -> tuple[Choice, ...]:
    """Choices under letters that say nothing about their order. Candidates that were not compared are left out."""
    place = {one: number for number, one in enumerate(dict.fromkeys(choices))}
    kept = sorted(clusters(behaviour, among=place), key=lambda cluster: min(place[one] for one in cluster.members))
    kept = kept[:MOST_CHOICES]
    Random(seed).shuffle(kept)
    return tuple(
        Choice(letter=letter, best=min(cluster.members, key=place.__getitem__), cluster=cluster)
        for letter, cluster in zip(LETTERS, kept, strict=False)
    )


def read_ruling(text: str, letters: Sequence[str]) -> tuple[str | None, str]:
    """The letter that an answer names and its reason in one line; None where it names none, several or another one.

    Read strictly: a line that begins with a letter and a mark after it, or holds nothing else. Any text will do.
    """
    spoken = text.partition("</think>")[2] if text.lstrip().startswith("<think>") else text
    lines = [line.strip() for line in spoken.splitlines() if line.strip()]
    found = [
        (n, m["letter"].upper(), m["reason"] or "") for n, line in enumerate(lines) if (m := _CHOICE.fullmatch(line))
    ]
    named = {letter for _, letter, _ in found}
    if not named:
        return None, _reason("the answer names no choice", lines[-1] if lines else "it is empty")
    if len(named) > 1:
        return None, _reason("the answer names several choices", ", ".join(sorted(named)))
    number, letter, reason = found[-1]
    why = reason or next(iter(lines[number + 1 :]), "") or next(iter(lines[:number]), "")
    if letter == "NONE":
        return None, _reason("none is right", why)
    if letter not in letters:
        return None, _reason(f"the answer names {letter}, which was not to choose", why)
    return letter, _reason("", why)


def signature_of(task: Task, calls: Sequence[str]) -> str:
    """Signatures and docstrings of the functions that the calls are made to, as far as the task's tree defines them."""
    wanted = dict.fromkeys(name for call in calls if (name := _called(call)))
    found: list[str] = []
    for path in task.tree.paths():
        if not wanted or not path.endswith(".py") or not may_edit(path, task.rules):
            continue
        parsed = parse_source(task.tree.read(path).decode("utf-8", "replace"))
        if isinstance(parsed, NotPython):
            continue
        for one in definitions(parsed):
            named = [w for w in wanted if w == one.name or w.endswith(f".{one.name}")]
            if named and isinstance(one.node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(_head(one.node))
                for name in named:
                    del wanted[name]
    return "\n\n".join(found)


def _called(call: str) -> str:
    try:
        node = ast.parse(call.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def _head(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    docstring = ast.get_docstring(node) or ""
    words = "\n".join(f"    {line}".rstrip() for line in f'"""{docstring}"""'.splitlines()) if docstring else "    ..."
    return f"{kind} {node.name}({ast.unparse(node.args)}){returns}:\n{words}"


def _cases(behaviour: Behaviour, lettered: Sequence[Choice]) -> str:
    """One input after the other, each with what every choice makes of it."""
    parts: list[str] = []
    for number, told in enumerate(telling(behaviour, [choice.cluster for choice in lettered], MOST_INPUTS), 1):
        lines = [f"Input {number}: {short(told.call)}"]
        lines += [f"  {c.letter}: {answer_text(answer)}" for c, answer in zip(lettered, told.answers, strict=True)]
        parts.append("\n".join(lines))
    return fenced("\n\n".join(parts))


def _reason(what: str, why: str) -> str:
    text = f"{what}: {why}" if what and why else what or why or "no reason given"
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= MOST_REASON_CHARS else f"{flat[: MOST_REASON_CHARS - 2]} …"
