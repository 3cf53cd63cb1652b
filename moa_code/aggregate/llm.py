"""The strong model as the aggregator: facts first, then the drafts, then its own edit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from moa_code.aggregate.dossier import facts, select, texts
from moa_code.core.brief import Brief
from moa_code.core.calls import Letter, Packer, Writer
from moa_code.core.candidate import Candidate, Draft
from moa_code.core.model import Role
from moa_code.core.verdict import Verdict
from moa_code.edits.reply import EditFormat
from moa_code.prompts.compose import hashes, message
from moa_code.prompts.render import render
from moa_code.prompts.tokens import clip, estimate_tokens

_FRAME_TOKENS = 200  # chat marks, and what our estimate of the templates may be short by


class LlmAggregator:
    """The `Aggregator` that asks one model once. Yields exactly one draft; without candidates it just writes.

    Of a candidate it shows the patch and what was measured, never its author's name or words. Of the prompt's room,
    drafts get a third, facts a fifth, the code what is left.
    """

    def __init__(
        self,
        writer: Writer,
        pack: Packer,
        *,
        edit_format: EditFormat,
        max_prompt_tokens: int = 24_000,
        role: str = "aggregator",
    ) -> None:
        self._writer = writer
        self._pack = pack
        self._format = edit_format
        self._max_prompt_tokens = max_prompt_tokens
        self._role = role

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
        selection = select(brief.judged, seed=brief.seed, max_tokens=room // 3)
        feedback = ""
        if brief.feedback:
            feedback = render("feedback_round", feedback=clip(brief.feedback, room // 8))
            used.append("feedback_round")
        values = empty | {
            "instruction": clip(brief.task.instruction.strip(), room // 6),
            "dossier": facts(selection, max_tokens=room // 5),
            "drafts": texts(selection),
            "feedback": feedback,
        }
        rest = room - estimate_tokens("".join(values.values()))
        packed = self._pack(brief.task, brief.baseline, max_tokens=max(0, rest))
        user = render("aggregator_user", **values | {"context": packed.text})
        return Letter(
            role=self._role,
            edit_format=self._format.value,
            messages=(
                message(Role.SYSTEM, system),
                message(Role.USER, user),
            ),
            templates=hashes(*used),
            shown=packed.shown,
            parents=tuple(draft.judged.candidate.candidate_id for draft in selection.drafts),
        )
