"""A language model as an author: one letter, one reply, at most one more when its edit nearly fitted."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from itertools import count

from moa_code.core.brief import Brief
from moa_code.core.calls import CallRecord, Letter, prompt_sha256
from moa_code.core.candidate import Draft
from moa_code.core.errors import ModelError
from moa_code.core.model import Completion, CompletionRequest, Finish, Role, Usage
from moa_code.core.ports import Model
from moa_code.core.task import EditRules
from moa_code.edits.policy import glob_match
from moa_code.edits.reply import Edited, EditFailure, EditFormat, read_reply
from moa_code.edits.spoken import declined
from moa_code.prompts.compose import fenced, hashes, message
from moa_code.prompts.render import render
from moa_code.prompts.tokens import clip
from moa_code.propose.early import Ear

_RETRY_SHARE = 4  # the earlier reply and the nearest text may each take 1/4 of the prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterSettings:
    """One author's knobs. `thinking_tokens` come on top of the answer's; `sample` tells apart draws from one model."""

    temperature: float = 0.0
    max_answer_tokens: int = 8_192
    thinking_tokens: int = 0
    timeout_s: float = 120.0
    sample: int = 0
    asks_again: bool = True  # once, when an edit does not apply; off for recordings, which cannot hear the question


class LlmWriter:
    """The `Writer` for one model. Every call goes to `record`; `order` numbers calls, shared between authors."""

    def __init__(
        self,
        name: str,
        model: Model,
        *,
        record: Callable[[CallRecord], None],
        settings: WriterSettings | None = None,
        order: Iterator[int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._model = model
        self._record = record
        self._settings = settings or WriterSettings()
        self._order = order if order is not None else count()
        self._clock = clock

    @property
    def name(self) -> str:
        return self._name

    async def write(self, letter: Letter, brief: Brief) -> AsyncGenerator[Draft, None]:
        """Patches as soon as their edits are complete, each one once; at the end why there is none, or not another."""
        asked, before, given = letter, "", set[str]()
        while True:
            ear = Ear()
            call = asyncio.create_task(self._call(asked, brief, ear))
            call.add_done_callback(ear.end)
            try:
                while (text := await ear.next(call.done)) is not None:
                    early = self._read(text, asked, brief)
                    if isinstance(early, Edited) and early.patch.sha256 not in given:
                        given.add(early.patch.sha256)
                        yield self._draft(asked, text, early, before, "read before the reply had ended")
                reply = await call
            except ModelError as error:
                yield self._lost(asked, f"{before}{_reason(error)}", text=ear.text)
                return
            finally:
                await _end(call)
            if why := declined(reply.text):
                yield self._lost(asked, f"{before}no patch: {why}", text=reply.text)
                return
            edited = self._read(reply.text, asked, brief)
            if isinstance(edited, Edited):
                if edited.patch.sha256 not in given:
                    yield self._draft(asked, reply.text, edited, before)
                return
            if before or not self._settings.asks_again:
                yield self._lost(asked, f"{before}{_why(edited, reply)}", text=reply.text)
                return
            before = f"{_why(edited, reply)}; asked again: "
            asked = _asking_again(letter, reply.text, edited, brief.max_prompt_tokens)

    async def ask(self, letter: Letter, brief: Brief) -> Completion:
        """The answer in words, for who wants no patch. Raises `ModelError`, and nothing else."""
        return await self._call(letter, brief, Ear())

    async def _call(self, letter: Letter, brief: Brief, ear: Ear) -> Completion:
        settings = self._settings
        request = CompletionRequest(
            model=self._name,
            messages=letter.messages,
            max_tokens=min(brief.max_answer_tokens, settings.max_answer_tokens) + settings.thinking_tokens,
            temperature=settings.temperature,
            seed=brief.seed,
            timeout_s=settings.timeout_s,
            task_id=brief.task.task_id,
            sample=settings.sample,
        )
        order, start = next(self._order), self._clock()

        def record(completion: Completion | None, error: str) -> None:
            self._record(
                CallRecord(
                    order=order,
                    task_id=brief.task.task_id,
                    model=self._name,
                    role=letter.role,
                    messages=letter.messages,
                    prompt_sha256=prompt_sha256(letter.messages),
                    templates=letter.templates,
                    completion=completion,
                    error=error,
                    usage=completion.usage if completion else Usage(),
                    latency_s=self._clock() - start,
                )
            )

        completion, error = None, ""
        try:
            completion = await self._model.complete(request, ear.hear)
        except asyncio.CancelledError:
            error = f"cancelled after {len(ear.text)} characters" if ear.text else "cancelled"
            raise
        except ModelError as fault:
            error = _reason(fault)
            raise
        finally:
            record(completion, error)
        return completion

    def _read(self, text: str, letter: Letter, brief: Brief) -> Edited | EditFailure:
        return read_reply(
            text,
            tree=brief.task.tree,
            shown=letter.shown,
            preferred=EditFormat(letter.edit_format),
            target=target_of(brief),
            rules=brief.task.rules,
        )

    def _draft(self, letter: Letter, text: str, edited: Edited, before: str, more: str = "") -> Draft:
        notes = (before.removesuffix(": "), f"applied: {edited.rung}", *edited.warnings, more)
        note = "; ".join(part for part in notes if part)
        return Draft(author=self._name, patch=edited.patch, note=note, text=text, parents=letter.parents)

    def _lost(self, letter: Letter, reason: str, text: str = "") -> Draft:
        return Draft(author=self._name, lost=reason, text=text, parents=letter.parents)


def target_of(brief: Brief) -> str:
    """`path` or `path::Class.method`: where code in a reply belongs that names no file. Empty when nothing says.

    An entry point may be a path, `path::name`, or a name that exactly one editable file defines.
    """
    task = brief.task
    path, _, name = task.entry_point.partition("::")
    paths = [p for p in task.tree.paths() if p.endswith(".py") and _editable(p, task.rules)]
    if path in paths:
        return f"{path}::{name}" if "." in name else path
    if task.entry_point:
        defines = re.compile(
            rf"^(?:async def|def|class) {re.escape(task.entry_point.partition('.')[0])}\b".encode(), re.M
        )
        if len(found := [p for p in paths if defines.search(task.tree.read(p))]) == 1:
            return f"{found[0]}::{task.entry_point}" if "." in task.entry_point else found[0]
    if len(paths) == 1:
        return paths[0]
    return next((suspect.path for suspect in brief.baseline.suspects if suspect.path in paths), "")


def _asking_again(letter: Letter, reply: str, failure: EditFailure, max_prompt_tokens: int) -> Letter:
    """The same conversation, its reply, and what did not fit in it."""
    room = max_prompt_tokens // _RETRY_SHARE
    used = ["retry_near_miss"]
    nearest = applied = ""
    if failure.nearest:
        nearest = render("retry_nearest", nearest=fenced(clip(failure.nearest, room)))
        used.append("retry_nearest")
    if failure.applied:
        applied = render("retry_applied", applied="\n".join(f"- {part}" for part in failure.applied))
        used.append("retry_applied")
    question = render("retry_near_miss", reason=failure.reason, nearest=nearest, applied=applied)
    return Letter(
        role=letter.role,
        edit_format=letter.edit_format,
        messages=(
            *letter.messages,
            message(Role.ASSISTANT, clip(reply, room)),
            message(Role.USER, question),
        ),
        templates=tuple(sorted({*letter.templates, *hashes(*used)})),
        shown=letter.shown,
        parents=letter.parents,
    )


def _editable(path: str, rules: EditRules) -> bool:
    return any(glob_match(path, g) for g in rules.editable) and not any(glob_match(path, g) for g in rules.protected)


def _why(failure: EditFailure, reply: Completion) -> str:
    cut = " (the answer was cut off at its token limit)" if reply.finish is Finish.LENGTH else ""
    return f"no edit could be read: {failure.reason}{cut}"


async def _end(call: asyncio.Task[Completion]) -> None:
    """Cancel a call and wait until its connection is closed; what it raised was told, or does not matter any more."""
    call.cancel()
    await asyncio.wait({call})
    if not call.cancelled():
        call.exception()


def _reason(error: ModelError) -> str:
    """One line for the journal: the message and what was noted on the way, e.g. how often it was asked."""
    return "; ".join((error.message, *getattr(error, "__notes__", ())))
