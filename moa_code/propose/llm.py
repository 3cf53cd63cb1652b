"""A language model as a proposer: what it is sent, in which style."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from enum import StrEnum

from moa_code.core.brief import Brief
from moa_code.core.calls import Letter, Packer, Slice, Writer
from moa_code.core.candidate import Candidate, Draft
from moa_code.core.model import Role
from moa_code.core.verdict import Verdict
from moa_code.edits.reply import EditFormat
from moa_code.edits.unified import render_diff
from moa_code.prompts.compose import fenced, hashes, message
from moa_code.prompts.render import render
from moa_code.prompts.tokens import clip, estimate_tokens

_FRAME_TOKENS = 200  # chat marks, and what our estimate of the templates may be short by


class Style(StrEnum):
    """How a proposer is told to go about it; the styles differ in kind, so that their mistakes do."""

    DIRECT = "direct"
    PLAN = "plan"  # a plan in words, then the edit
    TESTS = "tests"  # what right code gives, then the edit
    MINIMAL = "minimal"  # the smallest edit
    REWRITE = "rewrite"  # the function anew


SLICES: Mapping[Style, Slice] = {
    Style.DIRECT: Slice.FULL,
    Style.PLAN: Slice.FULL,
    Style.TESTS: Slice.TESTS_FIRST,
    Style.MINIMAL: Slice.FOCUSED,
    Style.REWRITE: Slice.FULL,
}
"""What of the repository each style reads: the place for diversity that costs nothing."""


class LlmProposer:
    """The `Proposer` that asks one model once. Yields one draft, and more only where a reply goes on after its edit.

    `max_prompt_tokens` is the model's own limit; the brief's applies too. Its drafts bear its own name, `model` or
    `model#style`, so that what is learnt of authors is learnt of the two together.
    """

    def __init__(
        self,
        writer: Writer,
        pack: Packer,
        *,
        edit_format: EditFormat,
        style: Style = Style.DIRECT,
        max_prompt_tokens: int = 24_000,
        name: str = "",
        role: str = "proposer",
    ) -> None:
        self._writer = writer
        self._pack = pack
        self._format = edit_format
        self._style = style
        self._max_prompt_tokens = max_prompt_tokens
        self._name = name or (writer.name if style is Style.DIRECT else f"{writer.name}#{style.value}")
        self._role = role
        # Who must give whole files has to see them.
        self._slice = Slice.FULL if edit_format is EditFormat.WHOLE_FILE else SLICES[style]

    @property
    def name(self) -> str:
        return self._name

    async def drafts(self, brief: Brief) -> AsyncIterator[Draft]:
        async with aclosing(self._writer.write(self.letter(brief), brief)) as drafts:
            async for draft in drafts:
                yield replace(draft, author=self._name)

    def observe(self, candidate: Candidate, verdict: Verdict) -> None:
        """Nothing to learn here: what is new reaches a model as its next brief's feedback."""

    def letter(self, brief: Brief) -> Letter:
        """What would be sent for this brief. Sends nothing: `plan` shows it."""
        budget = min(self._max_prompt_tokens, brief.max_prompt_tokens)
        format_prompt, style_prompt = f"format_{self._format.value}", f"style_{self._style.value}"
        system = render("proposer_system", format=render(format_prompt))
        used = ["proposer_system", format_prompt, "proposer_user", style_prompt]
        empty = {"instruction": "", "context": "", "feedback": "", "style": render(style_prompt)}
        room = budget - _FRAME_TOKENS - estimate_tokens(system + render("proposer_user", **empty))
        feedback = ""
        if brief.feedback:
            told = clip(brief.feedback, room // 5)
            own = self._own(brief, room // 5)
            feedback = render("feedback_round", feedback=f"{told}\n\n{own}" if own else told)
            used.append("feedback_round")
        texts = empty | {"instruction": clip(brief.task.instruction.strip(), room // 3), "feedback": feedback}
        rest = room - estimate_tokens(texts["instruction"] + feedback)
        packed = self._pack(brief.task, brief.baseline, max_tokens=max(0, rest), slice_=self._slice)
        user = render("proposer_user", **texts | {"context": packed.text})
        return Letter(
            role=self._role,
            edit_format=self._format.value,
            messages=(message(Role.SYSTEM, system), message(Role.USER, user)),
            templates=hashes(*used),
            shown=packed.shown,
        )

    def _own(self, brief: Brief, max_tokens: int) -> str:
        """This author's last edit, which feedback is about: a model does not remember what it wrote."""
        mine = [j.candidate for j in brief.judged if j.candidate.origin.author == self._name]
        if not mine:
            return ""
        last = max(mine, key=lambda candidate: candidate.origin.round)
        diff = clip(render_diff(last.patch).encode("utf-8", "replace").decode("utf-8"), max_tokens)
        words = f"Your candidate {last.candidate_id}, as a change to the original code:"
        return f"{words}\n\n{fenced(diff, 'diff')}" if diff else ""
