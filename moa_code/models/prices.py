"""Prices, from the table that ships with the litellm package. Read as a file: importing litellm costs seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

from moa_code.core.calls import Price


class _Row(TypedDict, total=False):
    input_cost_per_token: float
    output_cost_per_token: float


@cache
def _table() -> Mapping[str, _Row]:
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}
    file = Path(spec.origin).parent / "model_prices_and_context_window_backup.json"
    if not file.is_file():
        return {}
    table: dict[str, _Row] = json.loads(file.read_text(encoding="utf-8"))
    return table


def price_of(litellm_id: str) -> Price | None:
    """List price of a model by its litellm id; None when the table does not say. Never 0 for "unknown".

    Discounts (prompt caching, batches) and surcharges for very long prompts are left out.
    """
    provider, _, rest = litellm_id.partition("/")
    # These two providers' models stand in the table without their provider's name.
    row = _table().get(litellm_id) or (_table().get(rest) if provider in ("openai", "anthropic") else None)
    if row is None:
        return None
    prompt, completion = row.get("input_cost_per_token"), row.get("output_cost_per_token")
    if prompt is None or completion is None:
        return None
    return Price(prompt_usd=float(prompt), completion_usd=float(completion))
