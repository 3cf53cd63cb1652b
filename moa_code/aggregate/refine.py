"""A model that goes on from one candidate, or starts anew knowing how all others failed; it reads no other draft."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from moa_code.aggregate.dossier import diff_text, facts_of_one, failures_of_all
from moa_code.core.brief import Brief
from moa_code.core.calls import Letter, Packer, Writer
from moa_code.core.candidate import Candidate, CandidateId, Draft
from moa_code.core.model import Role
from moa_code.core.verdict import Verdict
from moa_code.edits.reply import EditFormat
from moa_code.prompts.compose import fenced, hashes, message
from moa_code.prompts.render import render
from moa_code.prompts.tokens import clip, estimate_tokens

_FRAME_TOKENS = 200  # chat marks, and what our estimate of the templates may be short by
INSTRUCTION_SHARE = 0.5
CONTEXT_SHARE = 0.6  # of what the instruction leaves
DIFF_SHARE = 0.5  # of what the context leaves
FEEDBACK_SHARE = 0.2


class LlmRefiner:
    """Has an `Aggregator`'s shape: `brief.judged` holds the one candidate to go on from, or, where `brief.anew`, all
    that failed, of which it is told the failures and no text.
    """

    def __init__(
        self,
        writer: Writer,
        pack: Packer,
        *,
        edit_format: EditFormat,
        max_prompt_tokens: int = 24_000,
        role: str = "refiner",
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
        """Nothing to learn here: the next brief brings it."""

    def letter(self, brief: Brief) -> Letter:
        """What would be sent for this brief. Sends nothing."""
        budget = min(self._max_prompt_tokens, brief.max_prompt_tokens)
        format_prompt = f"format_{self._format.value}"
        anew = brief.anew or not brief.judged
        question = "anew_user" if anew else "refiner_user"
        used = ["refiner_system", format_prompt, question]
        system = render("refiner_system", format=render(format_prompt))
        names = ("instruction", "context", "facts", "feedback") + (() if anew else ("attempt",))
        room = budget - _FRAME_TOKENS - estimate_tokens(system + render(question, **dict.fromkeys(names, "")))
        values = {"instruction": clip(brief.task.instruction.strip(), int(room * INSTRUCTION_SHARE)), "feedback": ""}
        room -= estimate_tokens(values["instruction"])
        share = max(0, int(room * CONTEXT_SHARE))
        packed = self._pack(brief.task, brief.baseline, max_tokens=share)
        left = max(0, room - packed.tokens)
        if brief.feedback:
            told = clip(brief.feedback, int(left * FEEDBACK_SHARE))
            values["feedback"] = render("feedback_round", feedback=told)
            used.append("feedback_round")
            left -= estimate_tokens(values["feedback"])
        parents: tuple[CandidateId, ...] = ()
        if anew:
            values["facts"] = failures_of_all(brief.judged, max_tokens=left)
        else:
            one = brief.judged[0]
            values["attempt"] = fenced(diff_text(one, int(left * DIFF_SHARE)), "diff")
            left -= estimate_tokens(values["attempt"])
            values["facts"] = facts_of_one(one, max_tokens=left)
            parents = (one.candidate.candidate_id,)
        rest = room - sum(estimate_tokens(values[name]) for name in values if name != "instruction")
        if rest > packed.tokens > 0.8 * share:  # otherwise all of it is in already
            packed = self._pack(brief.task, brief.baseline, max_tokens=rest)
        user = render(question, **values, context=packed.text)
        return Letter(
            role=self._role,
            edit_format=self._format.value,
            messages=(message(Role.SYSTEM, system), message(Role.USER, user)),
            templates=hashes(*used),
            shown=packed.shown,
            parents=parents,
        )
