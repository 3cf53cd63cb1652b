"""The strong model as the aggregator: facts first, then the drafts, then its own edit."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

from moa_code.aggregate.references import References, refer
from moa_code.core.brief import Brief
from moa_code.core.calls import Letter, Packer, Writer
from moa_code.core.candidate import Candidate, CandidateId, Draft
from moa_code.core.model import Role
from moa_code.core.verdict import Verdict
from moa_code.edits.reply import EditFormat
from moa_code.prompts.compose import hashes, message
from moa_code.prompts.render import render
from moa_code.prompts.tokens import clip, estimate_tokens

_FRAME_TOKENS = 200  # chat marks, and what our estimate of the templates may be short by
INSTRUCTION_SHARE = 0.5  # of the room; a longer one is clipped
CONTEXT_SHARE = 0.5  # of what the instruction leaves, before any draft has its turn
FEEDBACK_SHARE = 0.2  # of what the context leaves


class LlmAggregator:
    """The `Aggregator` that asks one model once. Yields one draft, and more only where a reply goes on after its edit;
    without candidates it just writes.

    Of a candidate it shows the patch and what was measured, never its author's name or words. The task comes first,
    then what matters most of the code, then feedback, drafts and facts; what they leave goes to more of the code.
    """

    def __init__(
        self,
        writer: Writer,
        pack: Packer,
        *,
        edit_format: EditFormat,
        max_prompt_tokens: int = 24_000,
        role: str = "aggregator",
        references: References = References.REAL,
        others: Sequence[str] = (),
    ) -> None:
        self._writer = writer
        self._pack = pack
        self._format = edit_format
        self._max_prompt_tokens = max_prompt_tokens
        self._role = role
        self._references = references
        self._others = tuple(others)

    @property
    def name(self) -> str:
        return self._writer.name

    async def merge(self, brief: Brief) -> AsyncIterator[Draft]:
        async with aclosing(self._writer.write(self.letter(brief), brief)) as drafts:
            async for draft in drafts:
                yield draft

    def observe(self, candidate: Candidate, verdict: Verdict) -> None:
        """Nothing to learn here: `brief.judged` brings it with the next call."""

    def letter(self, brief: Brief) -> Letter:
        """What would be sent for this brief. Sends nothing."""
        budget = min(self._max_prompt_tokens, brief.max_prompt_tokens)
        format_prompt = f"format_{self._format.value}"
        used = ["aggregator_system", format_prompt, "aggregator_user"]
        system = render("aggregator_system", format=render(format_prompt))
        empty = dict.fromkeys(("instruction", "context", "dossier", "drafts", "feedback"), "")
        room = budget - _FRAME_TOKENS - estimate_tokens(system + render("aggregator_user", **empty))
        instruction = clip(brief.task.instruction.strip(), int(room * INSTRUCTION_SHARE))
        room -= estimate_tokens(instruction)
        share = max(0, int(room * CONTEXT_SHARE))
        packed = self._pack(brief.task, brief.baseline, max_tokens=share)
        left = room - packed.tokens
        feedback = ""
        if brief.feedback:
            feedback = render("feedback_round", feedback=clip(brief.feedback, int(left * FEEDBACK_SHARE)))
            used.append("feedback_round")
            left -= estimate_tokens(feedback)
        referred = refer(self._references, brief, max_tokens=max(0, left), others=self._others)
        feedback = _by_number(feedback, referred.numbers)
        rest = room - estimate_tokens(feedback + referred.facts + referred.drafts)
        if rest > packed.tokens > 0.8 * share:  # otherwise all of it is in already
            packed = self._pack(brief.task, brief.baseline, max_tokens=rest)
        user = render(
            "aggregator_user",
            instruction=instruction,
            context=packed.text,
            dossier=referred.facts,
            drafts=referred.drafts,
            feedback=feedback,
        )
        return Letter(
            role=self._role,
            edit_format=self._format.value,
            messages=(message(Role.SYSTEM, system), message(Role.USER, user)),
            templates=hashes(*used),
            shown=packed.shown,
            parents=tuple(referred.numbers),
        )


def _by_number(feedback: str, numbers: Mapping[CandidateId, int]) -> str:
    """Feedback in which a candidate that is shown as a draft has that draft's number; never longer than it was."""

    def name(match: re.Match[str]) -> str:
        number = numbers.get(CandidateId(match[2]))
        word = "Draft" if match[1] == "Candidate" else "draft"
        return match[0] if number is None else f"{word} {number}"

    return re.sub(r"\b([Cc]andidate) (\w+)\b", name, feedback)
