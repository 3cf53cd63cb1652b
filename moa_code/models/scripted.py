"""A model that says what a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from moa_code.core.errors import ModelError
from moa_code.core.model import Completion, CompletionRequest, Finish, Usage

Step = str | Completion | ModelError
Script = Sequence[Step] | Callable[[CompletionRequest], Step]


class ScriptedModel:
    """Answers by model name: the steps of a list in turn, or what a function makes of the request.

    `requests` holds every call, in order. A list that has run out is a `ModelError`, never a repetition.
    """

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self._scripts = scripts
        self._turns: dict[str, int] = {}
        self.requests: list[CompletionRequest] = []

    async def complete(self, request: CompletionRequest) -> Completion:
        self.requests.append(request)
        await asyncio.sleep(0)  # as any real model lets others run
        step = self._step(request)
        if isinstance(step, ModelError):
            raise step
        if isinstance(step, Completion):
            return step
        return Completion(text=step, finish=Finish.STOP, usage=Usage(), model=request.model)

    async def aclose(self) -> None:
        """Nothing is open."""

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
