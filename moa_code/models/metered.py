"""Paying: every attempt reserves its worst case before it is made and books what it used afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable

from moa_code.core.calls import Budget, Price, SpentError
from moa_code.core.errors import BudgetExhausted, ModelError
from moa_code.core.model import Completion, CompletionRequest, Usage
from moa_code.core.ports import Model
from moa_code.prompts.tokens import estimate_tokens

MARGIN = 1.25
"""On our estimate of a prompt's tokens: dense code in a small vocabulary runs up to a quarter above it."""

MESSAGE_TOKENS = 8
"""A message's frame: its role and the marks around it."""


class Metered:
    """A `Model` that stays within a budget. Goes *inside* `Retrying`, so that each attempt is paid for.

    A call that does not fit the budget is a `ModelError` (not retryable) chained to `BudgetExhausted`. A call that was
    cancelled or cut is booked at its worst case: the provider may well bill it.
    """

    def __init__(self, model: Model, budget: Budget, price: Callable[[str], Price | None]) -> None:
        self._model = model
        self._budget = budget
        self._price = price

    async def complete(self, request: CompletionRequest) -> Completion:
        prompt = worst_prompt_tokens(request)
        price = self._price(request.model)
        worst = price.cost(prompt_tokens=prompt, completion_tokens=request.max_tokens) if price else None
        try:
            reservation = self._budget.reserve(request.model, worst_usd=worst, worst_tokens=prompt + request.max_tokens)
        except BudgetExhausted as error:
            raise ModelError(f"not asked, over budget: {error.message}", remedy=error.remedy) from error
        usage: Usage | None = Usage()  # of a call that ends in a way we do not know: cancelled
        try:
            completion = await self._model.complete(request)
            usage = completion.usage
        except SpentError as error:
            usage = error.usage
            raise
        except ModelError:
            usage = None
            raise
        finally:
            if usage is None:
                self._budget.release(reservation)
            else:
                self._budget.settle(reservation, usage)
        return completion

    async def aclose(self) -> None:
        await self._model.aclose()


def worst_prompt_tokens(request: CompletionRequest) -> int:
    """Upper estimate of a request's prompt tokens."""
    text = sum(estimate_tokens(message.text) for message in request.messages)
    return math.ceil(text * MARGIN) + MESSAGE_TOKENS * (len(request.messages) + 1)
