"""A model that says what a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from moa_code.core.errors import ModelError
from moa_code.core.model import Completion, CompletionRequest, Finish, Usage
from moa_code.core.ports import Heard


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """An answer that comes in pieces, with a pause after each one; it ends in `end`, or never where that is None."""

    pieces: tuple[str, ...]
    pause_s: float = 0.0
    end: Completion | ModelError | None = None


Step = str | Completion | ModelError | Streamed
Script = Sequence[Step] | Callable[[CompletionRequest], Step]


class ScriptedModel:
    """Answers by model name: the steps of a list in turn, or what a function makes of the request.

    `requests` holds every call, in order. A list that has run out is a `ModelError`, never a repetition. `cut` counts
    the calls that were cancelled while they were answered.
    """

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self._scripts = scripts
        self._turns: dict[str, int] = {}
        self.requests: list[CompletionRequest] = []
        self.cut = 0

    async def complete(self, request: CompletionRequest, heard: Heard | None = None) -> Completion:
        self.requests.append(request)
        await asyncio.sleep(0)  # as any real model lets others run
        step = self._step(request)
        if isinstance(step, Streamed):
            step = await self._stream(step, heard)
        if isinstance(step, ModelError):
            raise step
        if isinstance(step, Completion):
            return step
        return Completion(text=step, finish=Finish.STOP, usage=Usage(), model=request.model)

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _stream(self, step: Streamed, heard: Heard | None) -> Completion | ModelError:
        said = ""
        try:
            for piece in step.pieces:
                said += piece
                if heard is not None:
                    heard(said)
                await asyncio.sleep(step.pause_s)
            if step.end is None:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cut += 1
            raise
        assert step.end is not None
        return step.end

    def _step(self, request: CompletionRequest) -> Step:
        script = self._scripts.get(request.model)
        if script is None:
            return ModelError(f"no script for {request.model!r}; there are {sorted(self._scripts)}")
        if callable(script):
            return script(request)
        turn = self._turns.get(request.model, 0)
        self._turns[request.model] = turn + 1
        if turn >= len(script):
            return ModelError(f"the script of {request.model} ended after {len(script)} answers")
        return script[turn]
