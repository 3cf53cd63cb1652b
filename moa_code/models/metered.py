"""Paying: every attempt reserves its worst case before it is made and books what it used afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from moa_code.core.calls import Budget, NotAsked, Price, SpentError
from moa_code.core.errors import BudgetExhausted, ModelError
from moa_code.core.model import Completion, CompletionRequest, Usage
from moa_code.core.ports import Heard, Model
from moa_code.prompts.tokens import estimate_tokens

MARGIN = 1.25
"""On our estimate of a prompt's tokens: dense code in a small vocabulary runs up to a quarter above it."""

MESSAGE_TOKENS = 8
"""A message's frame: its role and the marks around it."""

LEAST_S = 0.5
"""A call that may last no longer than this cannot be answered, only billed."""

AtCut = Callable[[str, str], int | None]
"""(model, what was heard of its answer) → tokens its provider can bill for an answer that we hang up on; None: all."""


class Metered:
    """A `Model` that stays within a budget. Goes *inside* `Retrying`, so that each attempt is paid for.

    A call that does not fit the budget is `NotAsked` (not retryable), chained to `BudgetExhausted`; one that could
    outlast the run gets the time that is left, and is not made when there is none. A call that was cancelled is booked
    at what `at_cut` reckons, and at its worst case where that knows nothing: the provider may well go on writing. One
    that broke off on its own is booked at its worst case too.
    """

    def __init__(
        self, model: Model, budget: Budget, price: Callable[[str], Price | None], *, at_cut: AtCut | None = None
    ) -> None:
        self._model = model
        self._budget = budget
        self._price = price
        self._at_cut = at_cut

    async def complete(self, request: CompletionRequest, heard: Heard | None = None) -> Completion:
        left = self._budget.seconds_left
        if left is not None and left < LEAST_S:
            raise NotAsked(f"not asked: {left:.1f} s of the run are left", remedy="raise it: --time-limit SECONDS")
        prompt = worst_prompt_tokens(request)
        price = self._price(request.model)
        worst = price.cost(prompt_tokens=prompt, completion_tokens=request.max_tokens) if price else None
        try:
            reservation = self._budget.reserve(
                request.model, worst_usd=worst, worst_tokens=prompt + request.max_tokens, hedge=request.hedge
            )
        except BudgetExhausted as error:
            raise NotAsked(f"not asked, over budget: {error.message}", remedy=error.remedy) from error
        said = ""

        def listen(text: str) -> None:
            nonlocal said
            said = text
            if heard is not None:
                heard(text)

        usage: Usage | None = None
        hung_up = True  # whatever ends the call without telling us how it went
        try:
            timeout_s = request.timeout_s if left is None else min(request.timeout_s, left)
            completion = await self._model.complete(replace(request, timeout_s=timeout_s), listen)
            usage, hung_up = completion.usage, False
        except SpentError as error:
            usage, hung_up = error.usage, False
            raise
        except ModelError:
            hung_up = False
            raise
        finally:
            if hung_up:
                self._budget.settle(reservation, self._reckoned(request, prompt, price, said), cut=True)
            elif usage is None:
                self._budget.release(reservation)
            else:
                self._budget.settle(reservation, usage)
        return completion

    async def aclose(self) -> None:
        await self._model.aclose()

    def _reckoned(self, request: CompletionRequest, prompt: int, price: Price | None, said: str) -> Usage:
        """The most that a call which we hung up on can have used; unknown where its provider may go on writing."""
        answer = self._at_cut(request.model, said) if self._at_cut else None
        if answer is None:
            return Usage()
        answer = min(request.max_tokens, answer)
        cost = price.cost(prompt_tokens=prompt, completion_tokens=answer) if price else None
        return Usage(prompt_tokens=prompt, completion_tokens=answer, cost_usd=cost)


def worst_prompt_tokens(request: CompletionRequest) -> int:
    """Upper estimate of a request's prompt tokens."""
    text = sum(estimate_tokens(message.text) for message in request.messages)
    return math.ceil(text * MARGIN) + MESSAGE_TOKENS * (len(request.messages) + 1)
