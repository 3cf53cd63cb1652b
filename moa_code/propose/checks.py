"""A strong model as a writer of checks: from the specification alone, before it has seen any candidate."""

from __future__ import annotations

from collections.abc import Callable

from moa_code.core.behaviour import WrittenCheck
from moa_code.core.brief import Brief
from moa_code.core.calls import Asker, Letter, Packer
from moa_code.core.errors import ModelError
from moa_code.core.model import Role
from moa_code.core.task import Task
from moa_code.edits.policy import may_edit
from moa_code.edits.source import NotPython, definitions, parse_source
from moa_code.edits.stubs import docstring_of, module_of
from moa_code.prompts.compose import hashes, message
from moa_code.prompts.render import render
from moa_code.prompts.tokens import clip, estimate_tokens
from moa_code.propose.check_reader import (
    MOST_EXAMPLES,
    MOST_PROPERTIES,
    SAFE_MODULES,
    ReadChecks,
    Subject,
    read_checks,
)

WRITER_ROLE = "check_writer"
_FRAME_TOKENS = 200
_MOST_CONTEXT_TOKENS = 6_000  # the instruction is what counts


class LlmCheckWriter:
    """The `CheckWriter` that asks one model once. `told` hears of every reply what was taken and what was not."""

    def __init__(
        self,
        asker: Asker,
        pack: Packer,
        *,
        max_prompt_tokens: int = 24_000,
        told: Callable[[ReadChecks], None] = lambda _: None,
    ) -> None:
        self._asker = asker
        self._pack = pack
        self._max_prompt_tokens = max_prompt_tokens
        self._told = told

    @property
    def name(self) -> str:
        return self._asker.name

    async def checks(self, brief: Brief) -> tuple[WrittenCheck, ...]:
        """What the model wrote and the screening let through; nothing when the call failed, which its record says."""
        try:
            completion = await self._asker.ask(self.letter(brief), brief)
        except ModelError:
            return ()
        read = read_checks(completion.text, self.name, subject_of(brief.task))
        self._told(read)
        return read.checks

    def letter(self, brief: Brief) -> Letter:
        """What would be sent: the same whatever candidates and feedback the brief holds."""
        system = render(
            "checks_system",
            examples=str(MOST_EXAMPLES),
            properties=str(MOST_PROPERTIES),
            modules=", ".join(sorted(SAFE_MODULES)),
        )
        budget = min(self._max_prompt_tokens, brief.max_prompt_tokens)
        empty = {"instruction": "", "target": _target_words(brief.task), "context": ""}
        room = budget - _FRAME_TOKENS - estimate_tokens(system + render("checks_user", **empty))
        instruction = clip(brief.task.instruction.strip(), room // 2)
        rest = min(_MOST_CONTEXT_TOKENS, room - estimate_tokens(instruction))
        packed = self._pack(brief.task, brief.baseline, max_tokens=max(0, rest))
        user = render("checks_user", **empty | {"instruction": instruction, "context": packed.text})
        return Letter(
            role=WRITER_ROLE,
            edit_format="",
            messages=(message(Role.SYSTEM, system), message(Role.USER, user)),
            templates=hashes("checks_system", "checks_user"),
            shown=packed.shown,
        )


def subject_of(task: Task) -> Subject:
    """What checks of this task must quote and may import: its instruction, its function's docstring, its modules."""
    path, function = _function_of(task)
    modules = {module_of(p) for p in task.tree.paths() if p.endswith(".py") and may_edit(p, task.rules)}
    text = task.instruction
    if path:
        text += "\n" + docstring_of(task.tree.read(path).decode("utf-8", "replace"), function)
    return Subject(text=text, modules=frozenset(modules), function=function)


def _target_words(task: Task) -> str:
    path, function = _function_of(task)
    if not path:
        return "The code that the specification is about; import it from its own modules."
    imported = function.partition(".")[0]
    return f"`{function}`: `from {module_of(path)} import {imported}`"


def _function_of(task: Task) -> tuple[str, str]:
    """The file and qualified name of the entry point; empty names when the task has none that can be found."""
    path, _, name = task.entry_point.rpartition("::")
    if not task.entry_point:
        return "", ""
    for candidate in [path] if path else task.tree.paths():
        if candidate not in task.tree.paths() or not candidate.endswith(".py") or not may_edit(candidate, task.rules):
            continue
        parsed = parse_source(task.tree.read(candidate).decode("utf-8", "replace"))
        if not isinstance(parsed, NotPython) and any(d.name == name for d in definitions(parsed)):
            return candidate, name
    return "", ""
