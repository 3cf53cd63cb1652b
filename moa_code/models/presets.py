"""The providers we know, and which of their models take which role. Data; `catalog.py` reads it.

Names and limits are those of the price table of litellm 1.106 (November 2026); a test compares. Cheap models write
whole functions, strong ones SEARCH/REPLACE blocks (DESIGN.md, section 5).
"""

from __future__ import annotations

from dataclasses import dataclass

from moa_code.edits.reply import EditFormat
from moa_code.models.spec import BUILTIN_FAMILY, ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider: litellm's prefix, the variables its key may be in, and our picks, best first.

    `rank` orders providers by their strongest model when several could aggregate: lower is stronger.
    """

    name: str
    prefix: str
    key_envs: tuple[str, ...]
    rank: int
    cheap: tuple[ModelSpec, ...]
    strong: ModelSpec
    reasoner: ModelSpec


def _spec(
    litellm_id: str,
    family: str,
    context_tokens: int,
    *,
    strong: bool = False,
    thinking_tokens: int = 0,
    temperature: bool = True,
    name: str = "",
) -> ModelSpec:
    return ModelSpec(
        name=name or litellm_id.rpartition("/")[2],
        litellm_id=litellm_id,
        family=family,
        edit_format=EditFormat.BLOCKS if strong else EditFormat.FUNCTION,
        context_tokens=context_tokens,
        max_answer_tokens=16_384 if strong else 8_192,
        thinking_tokens=thinking_tokens,
        supports_temperature=temperature,
    )


def _routed(prefix: str, model: str, family: str, context_tokens: int, *, strong: bool = False) -> ModelSpec:
    """A model that several hosts sell: its name carries the host."""
    return _spec(
        f"{prefix}/{model}", family, context_tokens, strong=strong, thinking_tokens=8_192, name=f"{prefix}/{model}"
    )


_OPENAI_STRONG = _spec("openai/gpt-5.6", "openai", 922_000, strong=True, thinking_tokens=16_384, temperature=False)
_CLAUDE_OPUS = _spec("anthropic/claude-opus-5-5", "anthropic", 1_000_000, strong=True, temperature=False)
# Google calls sampling parameters deprecated from Gemini 3 on.
_GEMINI_PRO = _spec(
    "gemini/gemini-3.1-pro-preview", "gemini", 1_048_576, strong=True, thinking_tokens=16_384, temperature=False
)
_MISTRAL_MEDIUM = _spec("mistral/mistral-medium-latest", "mistral", 262_144, strong=True, thinking_tokens=8_192)
_DEEPSEEK_PRO = _spec("deepseek/deepseek-v4-pro", "deepseek", 1_000_000, strong=True, thinking_tokens=16_384)
_GROQ_OSS = _routed("groq", "openai/gpt-oss-120b", "gpt-oss", 131_072, strong=True)
_OPENROUTER_STRONG = _routed("openrouter", "openai/gpt-oss-120b", "gpt-oss", 131_072, strong=True)
_TOGETHER_STRONG = _routed("together_ai", "deepseek-ai/DeepSeek-V4-Pro-0813", "deepseek", 1_048_576, strong=True)

PROVIDERS: tuple[Provider, ...] = (
    Provider(
        name="OpenAI",
        prefix="openai",
        key_envs=("OPENAI_API_KEY",),
        rank=2,
        cheap=(
            _spec("openai/gpt-5.6-luna", "openai", 922_000, thinking_tokens=8_192, temperature=False),
            _spec("openai/gpt-4.1-mini", "openai", 1_047_576),
        ),
        strong=_OPENAI_STRONG,
        reasoner=_OPENAI_STRONG,
    ),
    Provider(
        name="Anthropic",
        prefix="anthropic",
        key_envs=("ANTHROPIC_API_KEY",),
        rank=1,
        cheap=(
            _spec("anthropic/claude-haiku-5-5", "anthropic", 1_000_000, temperature=False),
            _spec("anthropic/claude-haiku-4-5", "anthropic", 200_000),
        ),
        strong=_spec("anthropic/claude-sonnet-5-5", "anthropic", 1_000_000, strong=True, temperature=False),
        reasoner=_CLAUDE_OPUS,
    ),
    Provider(
        name="Gemini",
        prefix="gemini",
        key_envs=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        rank=3,
        cheap=(
            _spec("gemini/gemini-3.5-flash-lite", "gemini", 1_048_576, thinking_tokens=8_192, temperature=False),
            _spec("gemini/gemini-3.8-flash", "gemini", 1_048_576, thinking_tokens=8_192, temperature=False),
        ),
        strong=_GEMINI_PRO,
        reasoner=_GEMINI_PRO,
    ),
    Provider(
        name="DeepSeek",
        prefix="deepseek",
        key_envs=("DEEPSEEK_API_KEY",),
        rank=4,
        cheap=(_spec("deepseek/deepseek-v4-flash", "deepseek", 1_000_000, thinking_tokens=8_192),),
        strong=_DEEPSEEK_PRO,
        reasoner=_DEEPSEEK_PRO,
    ),
    Provider(
        name="Mistral",
        prefix="mistral",
        key_envs=("MISTRAL_API_KEY",),
        rank=5,
        cheap=(
            _spec("mistral/codestral-latest", "mistral", 128_000),
            _spec("mistral/devstral-small-latest", "mistral", 256_000),
        ),
        strong=_MISTRAL_MEDIUM,
        reasoner=_MISTRAL_MEDIUM,
    ),
    Provider(
        name="Groq",
        prefix="groq",
        key_envs=("GROQ_API_KEY",),
        rank=7,
        cheap=(
            _routed("groq", "openai/gpt-oss-20b", "gpt-oss", 131_072),
            _routed("groq", "qwen/qwen3.8-27b", "qwen", 131_072),
        ),
        strong=_GROQ_OSS,
        reasoner=_GROQ_OSS,
    ),
    Provider(
        name="Together",
        prefix="together_ai",
        key_envs=("TOGETHERAI_API_KEY", "TOGETHER_API_KEY"),
        rank=6,
        cheap=(
            _routed("together_ai", "Qwen/Qwen3.8-Flash", "qwen", 1_000_000),
            _routed("together_ai", "openai/gpt-oss-120b", "gpt-oss", 131_072),
        ),
        strong=_TOGETHER_STRONG,
        reasoner=_TOGETHER_STRONG,
    ),
    Provider(
        name="OpenRouter",
        prefix="openrouter",
        key_envs=("OPENROUTER_API_KEY",),
        rank=8,
        cheap=(
            _routed("openrouter", "qwen/qwen3-coder", "qwen", 262_144),
            _routed("openrouter", "openai/gpt-oss-20b", "gpt-oss", 131_072),
        ),
        strong=_OPENROUTER_STRONG,
        reasoner=_OPENROUTER_STRONG,
    ),
)

ALIASES = {
    "codestral": "codestral-latest",
    "devstral": "devstral-small-latest",
    "haiku": "claude-haiku-5-5",
    "sonnet": "claude-sonnet-5-5",
    "opus": "claude-opus-5-5",
    "flash": "gemini-3.8-flash",
}

MUTATE, COMBINE = "builtin:mutate", "builtin:combine"

BUILTINS = {
    name: ModelSpec(name=name, litellm_id="", family=BUILTIN_FAMILY, edit_format=EditFormat.UDIFF)
    for name in (MUTATE, COMBINE)
}
