"""What we know about one model: how it is reached, how it edits best, what it can take."""

from __future__ import annotations

from dataclasses import dataclass

from moa_code.core.calls import Price
from moa_code.edits.reply import EditFormat

BUILTIN_FAMILY = "builtin"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model under the name a user types.

    `base_url` is set for an endpoint of the user's own; its price is then `price` or unknown, whatever the model is
    called. `api_key_env` names the variable that holds the key; None where none is needed. `thinking_tokens` come on
    top of an answer's, for models whose hidden reasoning counts against the same limit.
    """

    name: str
    litellm_id: str
    family: str
    edit_format: EditFormat
    base_url: str | None = None
    api_key_env: str | None = None
    context_tokens: int = 32_000
    max_answer_tokens: int = 8_192
    thinking_tokens: int = 0
    supports_temperature: bool = True
    supports_seed: bool = False
    streams: bool = True
    price: Price | None = None  # the user's own figure; else litellm's table is asked

    @property
    def is_builtin(self) -> bool:
        return self.family == BUILTIN_FAMILY

    @property
    def provider(self) -> str:
        """Whose limits its calls count against: the endpoint, or litellm's name of the provider."""
        return self.base_url or self.litellm_id.partition("/")[0]
